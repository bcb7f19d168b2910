//! How a task ends when it does not end well.

use std::error::Error;
use std::fmt;

/// What a task returns: `Ok(())` when it ran to its end.
pub type TaskResult = Result<(), TaskError>;

/// Why a task ended early.
///
/// Any [`std::error::Error`] turns into one with `?` and is then counted as an *exception* of the task. The error of a
/// failed request ([`RequestFailed`]) also ends the task, but is not counted a second time: it is in the statistics already.
#[derive(Debug)]
pub struct TaskError(Reason);

/// What the engine does about a [`TaskError`].
#[derive(Debug)]
pub(crate) enum Reason {
    /// A request failed; it has been recorded. The user waits and goes on.
    RequestFailed(RequestFailed),
    /// The task is over without any fault; the user waits and goes on.
    EndTask,
    /// As [`Self::EndTask`], without the wait.
    NextTask,
    /// The user leaves the task set it is in; the set around it waits first, or not.
    Interrupt { wait: bool },
    /// This user is done.
    StopUser,
    /// The whole test is to end.
    StopTest(String),
    /// Something else went wrong: an exception. The user waits and goes on.
    Exception(Box<dyn Error + 'static>),
}

impl TaskError {
    /// Ends the task without counting anything: nothing was found to work on, or another user was faster.
    pub fn end_task() -> Self {
        Self(Reason::EndTask)
    }

    /// As [`end_task`](Self::end_task), but the next task follows at once, without a wait.
    pub fn next_task() -> Self {
        Self(Reason::NextTask)
    }

    /// Leaves the [`TaskSet`](crate::scenario::TaskSet) the user is in, after its `on_stop`; the set around it picks its
    /// next task at once. In a set's `on_start` it leaves too, without `on_stop`.
    ///
    /// The scenario's own tasks are in no set to leave: there it is the same as [`next_task`](Self::next_task).
    pub fn interrupt() -> Self {
        Self(Reason::Interrupt { wait: false })
    }

    /// As [`interrupt`](Self::interrupt), but the set around it waits before it picks its next task.
    pub fn interrupt_then_wait() -> Self {
        Self(Reason::Interrupt { wait: true })
    }

    /// Ends this user; its `on_stop` still runs. The number of users falls by one.
    pub fn stop_user() -> Self {
        Self(Reason::StopUser)
    }

    /// Ends the whole test, giving the reason in the log.
    pub fn stop_test(reason: impl Into<String>) -> Self {
        Self(Reason::StopTest(reason.into()))
    }

    /// An exception with a text of its own.
    pub fn message(text: impl Into<String>) -> Self {
        Self(Reason::Exception(text.into().into()))
    }

    pub(crate) fn from_reason(reason: Reason) -> Self {
        Self(reason)
    }

    /// The text under which a failed request was counted, if it is one.
    pub(crate) fn failure(&self) -> Option<&str> {
        match &self.0 {
            Reason::RequestFailed(failed) => Some(&failed.reason),
            _ => None,
        }
    }

    pub(crate) fn reason(&self) -> &Reason {
        &self.0
    }

    pub(crate) fn into_reason(self) -> Reason {
        self.0
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reason::RequestFailed(failed) => failed.fmt(f),
            Reason::EndTask | Reason::NextTask => f.write_str("the task ended early"),
            Reason::Interrupt { .. } => f.write_str("the task set was interrupted"),
            Reason::StopUser => f.write_str("the user stopped itself"),
            Reason::StopTest(reason) => write!(f, "the test was stopped: {reason}"),
            Reason::Exception(error) => error.fmt(f),
        }
    }
}

// `TaskError` itself is not an `Error`, so that this conversion can cover every error type there is.
impl<E: Error + 'static> From<E> for TaskError {
    fn from(error: E) -> Self {
        let error: Box<dyn Error + 'static> = Box::new(error);
        Self(match error.downcast::<RequestFailed>() {
            Ok(failed) => Reason::RequestFailed(*failed),
            Err(error) => Reason::Exception(error),
        })
    }
}

/// A request that failed and is already in the statistics as such.
///
/// Ignore it to let the task go on, or pass it up with `?` to end the task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFailed {
    /// Status of the reply; 0 when there was none.
    pub status: u16,
    /// The text under which the failure was counted.
    pub reason: String,
}

impl fmt::Display for RequestFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request failed: {}", self.reason)
    }
}

impl Error for RequestFailed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_request_is_not_an_exception() {
        let failed = RequestFailed { status: 503, reason: "down".into() };
        let error: TaskError = failed.clone().into();
        assert!(matches!(error.into_reason(), Reason::RequestFailed(f) if f == failed));
    }

    #[test]
    fn any_other_error_is_an_exception() {
        let error: TaskError = "x".parse::<u8>().unwrap_err().into();
        assert_eq!(error.to_string(), "invalid digit found in string");
        assert!(matches!(error.into_reason(), Reason::Exception(_)));
    }
}
