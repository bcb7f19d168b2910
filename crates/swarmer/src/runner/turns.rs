//! Whose turn it is: what lets a user begin its next task, and when it has done enough.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

use super::pool::Place;
use crate::user::User;

/// What is left of `--iterations`, for all users of all drivers.
///
/// One shared number, touched once per task and only where that option is given; nothing cheaper is exact.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicU64,
    /// Changed by one thread only.
    granted: AtomicU64,
    /// It is a part of a larger one: users for whom nothing is left wait, because there may be more.
    lent: AtomicBool,
    /// Somebody waits, and whom that concerns has been told.
    hungry: AtomicBool,
    hunger: Notify,
    more: Notify,
}

impl Budget {
    pub(crate) fn new(tasks: u64) -> Arc<Self> {
        Arc::new(Self::with(tasks, false))
    }

    /// A part of a larger one, which may be [raised and lowered](Self::grant).
    pub(crate) fn lent(tasks: u64) -> Arc<Self> {
        Arc::new(Self::with(tasks, true))
    }

    fn with(tasks: u64, lent: bool) -> Self {
        Self {
            left: AtomicU64::new(tasks),
            granted: AtomicU64::new(tasks),
            lent: AtomicBool::new(lent),
            hungry: AtomicBool::new(false),
            hunger: Notify::new(),
            more: Notify::new(),
        }
    }

    fn take(&self) -> bool {
        let less = |left: u64| left.checked_sub(1);
        // Nothing else is published through this number.
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// Takes a task, and waits for one where there may be more; `false` when there is none left.
    async fn next(&self) -> bool {
        let mut taken = false;
        self.until(|| {
            taken = self.take();
            taken
        })
        .await;
        taken
    }

    /// Waits until there is a task, if there may be more, without taking it.
    async fn some(&self) {
        self.until(|| !self.is_empty()).await;
    }

    /// Waits until that is so, or no more is to come.
    async fn until(&self, mut served: impl FnMut() -> bool) {
        while !served() && self.is_lent() {
            let more = self.more.notified();
            tokio::pin!(more);
            // From now on no news is missed.
            more.as_mut().enable();
            if served() || !self.is_lent() {
                return;
            }
            if !self.hungry.swap(true, Ordering::Relaxed) {
                self.hunger.notify_one();
            }
            more.await;
        }
    }

    /// Makes it so many tasks in all, or as few as that can be: what has been begun stays so. Only one thread may do so.
    pub(crate) fn grant(&self, tasks: u64) {
        let before = self.granted.load(Ordering::Relaxed);
        if tasks > before {
            self.granted.store(tasks, Ordering::Relaxed);
            self.left.fetch_add(tasks - before, Ordering::Relaxed);
            self.hungry.store(false, Ordering::Relaxed);
            self.more.notify_waiters();
            return;
        }
        let mut taken = 0;
        let less = |left: u64| {
            taken = left.min(before - tasks);
            Some(left - taken)
        };
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        self.granted.store(before - taken, Ordering::Relaxed);
    }

    /// There will be no more than there are.
    pub(crate) fn close(&self) {
        self.lent.store(false, Ordering::Relaxed);
        self.more.notify_waiters();
    }

    /// How many tasks it is in all, and how many have been begun. For the thread that grants.
    pub(crate) fn account(&self) -> (u64, u64) {
        let granted = self.granted.load(Ordering::Relaxed);
        (granted, granted.saturating_sub(self.left.load(Ordering::Relaxed)))
    }

    /// Returns when users wait for more, once each time.
    pub(crate) async fn hunger(&self) {
        self.hunger.notified().await;
    }

    fn is_lent(&self) -> bool {
        self.lent.load(Ordering::Relaxed)
    }

    fn is_empty(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    /// Whether there is nothing left for anybody.
    pub(super) fn is_spent(&self) -> bool {
        !self.is_lent() && self.is_empty()
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
    Own(Own),
    /// Open model: a task for each journey that arrives, without a pause.
    Called(Place),
}

/// The turns of a user that is its own master.
#[derive(Debug)]
pub(super) struct Own {
    limits: Limits,
    /// It is in the middle of a task.
    busy: bool,
    /// Tasks of all users of the driver that are over.
    ended: Rc<Cell<u64>>,
}

impl Own {
    /// Tasks that are over are counted in `ended`.
    pub(super) fn new(limits: Limits, ended: Rc<Cell<u64>>) -> Self {
        Self { limits, busy: false, ended }
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.busy) {
            self.ended.set(self.ended.get() + 1);
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.end();
    }
}

impl Turns {
    /// Waits until there may be something to do for the user.
    pub(super) async fn begin(&self) {
        if let Self::Own(Own { limits: Limits { all: Some(all), .. }, .. }) = self {
            all.some().await;
        }
    }

    /// Waits until the user may begin its next task; `false` when it has done enough.
    pub(super) async fn next(&mut self, user: &mut User) -> bool {
        match self {
            Self::Own(own) => {
                let limits = &mut own.limits;
                if limits.each == Some(0) {
                    return false;
                }
                if let Some(all) = &limits.all
                    && !all.next().await
                {
                    return false;
                }
                limits.each = limits.each.map(|left| left - 1);
                own.busy = true;
                true
            }
            Self::Called(place) => {
                let call = place.next().await;
                user.begin_journey(call.number, call.due);
                true
            }
        }
    }

    /// The task is over.
    pub(super) fn end_task(&mut self) {
        if let Self::Own(own) = self {
            own.end();
        }
    }

    /// Whether the user would only sign in and out again.
    pub(super) fn are_over(&self) -> bool {
        match self {
            Self::Own(own) => own.limits.are_spent(),
            Self::Called(_) => false,
        }
    }

    /// Whether the user has nothing to do after this task, so that a pause would be for nothing.
    pub(super) fn are_over_after_this(&self) -> bool {
        match self {
            Self::Own(own) => own.limits.each == Some(0) || own.limits.are_spent(),
            Self::Called(_) => false,
        }
    }

    /// Whether users pause between tasks.
    pub(super) fn pauses(&self) -> bool {
        matches!(self, Self::Own(_))
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_budget_that_is_lent_waits_where_another_ends() {
        let own = Budget::new(1);
        assert_eq!(own.next().now_or_never(), Some(true));
        assert_eq!(own.next().now_or_never(), Some(false));
        assert!(own.is_spent());
        let lent = Budget::lent(1);
        assert_eq!(lent.next().now_or_never(), Some(true));
        assert!(lent.hunger().now_or_never().is_none());
        let (mut waits, mut waits_too) = (Box::pin(lent.next()), Box::pin(lent.next()));
        assert_eq!(waits.as_mut().now_or_never(), None);
        assert_eq!(waits_too.as_mut().now_or_never(), None);
        assert!(lent.hunger().now_or_never().is_some());
        assert!(lent.hunger().now_or_never().is_none(), "said once");
        assert!(!lent.is_spent());
        lent.grant(2);
        assert_eq!(waits.as_mut().now_or_never(), Some(true));
        assert_eq!(waits_too.as_mut().now_or_never(), None);
        assert!(lent.hunger().now_or_never().is_some(), "and said again");
        assert_eq!(lent.account(), (2, 2));
        lent.close();
        assert_eq!(waits_too.as_mut().now_or_never(), Some(false));
        assert!(lent.is_spent());
    }

    #[test]
    fn what_is_taken_back_is_not_begun_and_what_is_begun_is_not_taken_back() {
        let lent = Budget::lent(10);
        assert!((0..4).all(|_| lent.take()));
        lent.grant(6);
        assert_eq!(lent.account(), (6, 4));
        lent.grant(0);
        assert_eq!(lent.account(), (4, 4));
        assert!(!lent.take());
        lent.grant(5);
        assert!(lent.take() && !lent.take());
    }

    #[test]
    fn as_many_are_begun_as_were_granted_whoever_takes_meanwhile() {
        const ROUNDS: u64 = 2_000;
        let (lent, stop) = (Budget::lent(0), AtomicBool::new(false));
        let over = &stop;
        let begun: u64 = thread::scope(|scope| {
            let takers: Vec<_> = (0..3)
                .map(|_| {
                    let lent = &lent;
                    scope.spawn(move || {
                        let mut begun = 0;
                        while !over.load(Ordering::Relaxed) {
                            begun += u64::from(lent.take());
                        }
                        begun
                    })
                })
                .collect();
            for round in 1..=ROUNDS {
                let (granted, begun) = lent.account();
                assert!(begun <= granted);
                // Up, and back as far as it goes.
                lent.grant(granted + round % 50);
                lent.grant(granted);
            }
            over.store(true, Ordering::Relaxed);
            takers.into_iter().map(|taker| taker.join().unwrap()).sum()
        });
        let (granted, known) = lent.account();
        assert_eq!(begun, known);
        lent.grant(0);
        assert_eq!(lent.account(), (begun, begun), "{granted}");
    }
}
