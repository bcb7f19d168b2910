//! Whose turn it is: what lets a user begin its next task, and when it has done enough.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::pool::Place;
use crate::user::User;

/// What is left of `--iterations`, for all users of all drivers.
///
/// One shared number, touched once per task and only where that option is given; nothing cheaper is exact.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU64);

impl Budget {
    pub(crate) fn new(tasks: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(tasks)))
    }

    fn take(&self) -> bool {
        let less = |left: u64| left.checked_sub(1);
        // Nothing else is published through this number.
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// Limits on the number of tasks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) all: Option<Arc<Budget>>,
    pub(crate) each: Option<u64>,
}

impl Limits {
    /// Whether users end by themselves.
    pub(super) fn any(&self) -> bool {
        self.all.is_some() || self.each.is_some()
    }

    /// Whether there is nothing left to do for any user.
    pub(super) fn are_spent(&self) -> bool {
        self.all.as_ref().is_some_and(|all| all.is_spent())
    }
}

/// The turns of one user.
#[derive(Debug)]
pub(super) enum Turns {
    /// Closed model: a task, a pause, a task, as long as the limits allow.
    Own(Limits),
    /// Open model: a task for each journey that arrives, without a pause.
    Called(Place),
}

impl Turns {
    /// Waits until the user may begin its next task; `false` when it has done enough.
    pub(super) async fn next(&mut self, user: &mut User) -> bool {
        match self {
            Self::Own(limits) => {
                if limits.each == Some(0) || limits.all.as_ref().is_some_and(|all| !all.take()) {
                    return false;
                }
                limits.each = limits.each.map(|left| left - 1);
                true
            }
            Self::Called(place) => {
                let call = place.next().await;
                user.begin_journey(call.number, call.due);
                true
            }
        }
    }

    /// Whether the user would only sign in and out again.
    pub(super) fn are_over(&self) -> bool {
        match self {
            Self::Own(limits) => limits.are_spent(),
            Self::Called(_) => false,
        }
    }

    /// Whether the user has nothing to do after this task, so that a pause would be for nothing.
    pub(super) fn are_over_after_this(&self) -> bool {
        match self {
            Self::Own(limits) => limits.each == Some(0) || limits.are_spent(),
            Self::Called(_) => false,
        }
    }

    /// Whether users pause between tasks.
    pub(super) fn pauses(&self) -> bool {
        matches!(self, Self::Own(_))
    }
}
