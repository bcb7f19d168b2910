//! How a user is stopped: never in the middle of a request, unless there is no time left.
//!
//! A request that the target has answered but that no figure shows would make every sum wrong. So a stop has three
//! levels, and each user is cut at the first moment its level allows.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// How soon a user must be gone. Each level is harder than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    /// Run on.
    No,
    /// The task in hand may be finished; waits between tasks end at once.
    AfterTask,
    /// The request in flight may be finished; waits, think times and the rest of the task end at once.
    AfterRequest,
    /// Now: a request in flight is given up, and counted as such.
    Now,
}

/// The stop state of one user, shared by the user and the driver that steers it.
#[derive(Debug, Clone)]
pub(crate) struct StopSignal(Rc<State>);

#[derive(Debug)]
struct State {
    level: Cell<Stop>,
    in_task: Cell<bool>,
    /// How many requests, one within the other.
    in_flight: Cell<u32>,
    /// The user is in its `on_stop`: only [`Stop::Now`] counts.
    last_words: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// The future was cut because the user had to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stopped;

impl StopSignal {
    pub(crate) fn new() -> Self {
        Self(Rc::new(State {
            level: Cell::new(Stop::No),
            in_task: Cell::new(false),
            in_flight: Cell::new(0),
            last_words: Cell::new(false),
            waker: RefCell::new(None),
        }))
    }

    /// Asks for a stop. A softer request than the one before changes nothing.
    pub(crate) fn raise(&self, level: Stop) {
        if level > self.0.level.get() {
            self.0.level.set(level);
            if let Some(waker) = self.0.waker.borrow().as_ref() {
                waker.wake_by_ref();
            }
        }
    }

    /// From now on only [`Stop::Now`] counts, be it asked for already or later: `on_stop` may send requests of its own.
    pub(crate) fn begin_last_words(&self) {
        self.0.last_words.set(true);
    }

    pub(crate) fn set_in_task(&self, on: bool) {
        self.0.in_task.set(on);
    }

    /// Whether a request is under way that may hold others.
    pub(crate) fn is_in_flight(&self) -> bool {
        self.0.in_flight.get() > 0
    }

    pub(crate) fn set_in_flight(&self, on: bool) {
        let requests = self.0.in_flight.get();
        self.0.in_flight.set(if on { requests + 1 } else { requests.saturating_sub(1) });
    }

    /// Whether the user must be cut where it stands.
    pub(crate) fn is_due(&self) -> bool {
        match self.0.level.get() {
            Stop::Now => true,
            _ if self.0.last_words.get() => false,
            Stop::No => false,
            Stop::AfterTask => !self.0.in_task.get(),
            Stop::AfterRequest => self.0.in_flight.get() == 0,
        }
    }

    /// A point at which a stopping user goes no further: returns at once, or never (its future is then dropped).
    pub(crate) async fn checkpoint(&self) {
        if self.is_due() {
            pending::<()>().await;
        }
    }

    /// Runs `future` until it ends or the user has to stop.
    ///
    /// It is pinned by the caller: an `async fn` keeps room for an argument twice, and each user has one of these.
    pub(crate) async fn guard<F: Future + ?Sized>(
        &self,
        mut future: Pin<&mut F>,
    ) -> Result<F::Output, Stopped> {
        poll_fn(|context| {
            if self.is_due() {
                return Poll::Ready(Err(Stopped));
            }
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            if self.is_due() {
                return Poll::Ready(Err(Stopped));
            }
            let mut waker = self.0.waker.borrow_mut();
            match waker.as_mut() {
                Some(known) => known.clone_from(context.waker()),
                None => *waker = Some(context.waker().clone()),
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;
    use futures_util::FutureExt;

    fn guarded(signal: &StopSignal) -> Option<Result<(), Stopped>> {
        signal.guard(pin!(pending::<()>())).now_or_never()
    }

    #[test]
    fn each_level_spares_what_it_should() {
        let signal = StopSignal::new();
        assert_eq!(guarded(&signal), None);

        signal.set_in_task(true);
        signal.set_in_flight(true);
        signal.raise(Stop::AfterTask);
        assert_eq!(guarded(&signal), None, "the task may be finished");

        signal.raise(Stop::AfterRequest);
        assert_eq!(guarded(&signal), None, "the request may be finished");
        signal.set_in_flight(false);
        assert_eq!(guarded(&signal), Some(Err(Stopped)));

        signal.set_in_flight(true);
        signal.raise(Stop::Now);
        assert_eq!(guarded(&signal), Some(Err(Stopped)));
    }

    #[test]
    fn a_stop_never_softens() {
        let signal = StopSignal::new();
        signal.raise(Stop::AfterRequest);
        signal.raise(Stop::AfterTask);
        signal.set_in_task(true);
        assert!(signal.is_due());
    }

    #[test]
    fn last_words_run_on_unless_time_is_up() {
        let signal = StopSignal::new();
        signal.raise(Stop::AfterRequest);
        signal.begin_last_words();
        assert!(!signal.is_due());
        let asked_later = StopSignal::new();
        asked_later.begin_last_words();
        asked_later.raise(Stop::AfterRequest);
        assert!(!asked_later.is_due());
        signal.raise(Stop::Now);
        assert!(signal.is_due());
    }
}
