//! The hooks of a run, and what becomes of their errors.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Message, PostOffice, RequestEvent, UserError};
use crate::options::Options;
use crate::stats::Summary;

/// What a hook may return: nothing, or a result whose error can be shown.
pub trait HookResult {
    /// The text of the error, if it is one.
    fn problem(self) -> Option<String>;
}

impl HookResult for () {
    fn problem(self) -> Option<String> {
        None
    }
}

impl<E: fmt::Display> HookResult for Result<(), E> {
    fn problem(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}

pub(super) type Hook<E> = Box<dyn Fn(&E) -> Option<String> + Send + Sync>;
pub(super) type RequestHook = Box<dyn Fn(&RequestEvent) -> Option<String> + Send + Sync>;
pub(super) type MessageHook = Box<dyn Fn(&Message) -> Option<String> + Send + Sync>;
pub(super) type UserErrorHook = Box<dyn Fn(&UserError) -> Option<String> + Send + Sync>;
pub(super) type QuittingHook = Box<dyn Fn(&Quitting) -> Option<String> + Send + Sync>;

/// All hooks of a workload.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) init: Vec<Hook<Options>>,
    pub(crate) test_start: Vec<Hook<()>>,
    pub(crate) spawning_complete: Vec<Hook<u32>>,
    pub(crate) reset_stats: Vec<Hook<()>>,
    pub(crate) test_stopping: Vec<Hook<()>>,
    pub(crate) test_stop: Vec<Hook<Summary>>,
    pub(crate) quitting: Vec<QuittingHook>,
    pub(crate) quit: Vec<Hook<u8>>,
    pub(crate) request: Vec<RequestHook>,
    pub(crate) user_error: Vec<UserErrorHook>,
    /// By the type of message.
    pub(crate) message: Vec<(String, MessageHook)>,
    pub(crate) post: PostOffice,
    /// A hook went wrong.
    pub(super) troubled: AtomicBool,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

impl Hooks {
    /// Whether a hook returned an error or panicked so far.
    pub(crate) fn are_troubled(&self) -> bool {
        self.troubled.load(Ordering::Relaxed)
    }
}

/// The end of a run, as `on_quitting` hears of it: all users are gone and every figure is in.
#[derive(Debug)]
pub struct Quitting<'a> {
    /// The last figures.
    pub summary: &'a Summary,
    pub(super) code: Cell<Option<u8>>,
}

impl Quitting<'_> {
    /// Ends the process with this code, whatever failed or did not; the hook that runs last decides.
    pub fn set_exit_code(&self, code: u8) {
        self.code.set(Some(code));
    }
}
