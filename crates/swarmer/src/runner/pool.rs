//! The users of one driver that wait for journeys to arrive (open model).
//!
//! A user that is free sits in the pool; an arrival takes the one that was busy last, so that no more users are kept
//! busy than the load needs. Where nobody is free a new user is started, up to the limit, and makes the journey once it
//! has signed in.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Instant;

/// A journey to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// The number of the arrival in the run.
    pub(super) number: u64,
    pub(super) due: Instant,
}

/// The pool of one driver.
#[derive(Debug)]
pub(super) struct Pool {
    /// By class, the one that was busy last at the end.
    free: RefCell<Vec<Vec<Rc<Seat>>>>,
    /// Journeys given to users and not over.
    busy: Cell<u64>,
    /// Journeys given to users that were gone before they began.
    missed: Cell<u64>,
}

/// Where a user waits for its next journey.
#[derive(Debug)]
struct Seat {
    call: Cell<Option<Call>>,
    waker: RefCell<Option<Waker>>,
    /// The user is no more.
    left: Cell<bool>,
}

impl Pool {
    pub(super) fn new(classes: usize) -> Rc<Self> {
        let free = RefCell::new(vec![Vec::new(); classes]);
        Rc::new(Self { free, busy: Cell::new(0), missed: Cell::new(0) })
    }

    /// Gives the journey to a free user of the class. `false` when there is none.
    pub(super) fn call(&self, class: usize, call: Call) -> bool {
        let mut free = self.free.borrow_mut();
        let seat = std::iter::from_fn(|| free[class].pop()).find(|seat| !seat.left.get());
        let Some(seat) = seat else { return false };
        seat.call.set(Some(call));
        self.busy.set(self.busy.get() + 1);
        if let Some(waker) = seat.waker.borrow_mut().take() {
            waker.wake();
        }
        true
    }

    /// A place for a new user that comes for this journey.
    pub(super) fn place(self: &Rc<Self>, class: usize, call: Call) -> Place {
        self.busy.set(self.busy.get() + 1);
        let seat =
            Seat { call: Cell::new(Some(call)), waker: RefCell::new(None), left: Cell::new(false) };
        Place { pool: Rc::clone(self), seat: Rc::new(seat), class, on_journey: false }
    }

    /// Whether every journey that was given to a user is over.
    pub(super) fn is_idle(&self) -> bool {
        self.busy.get() == 0
    }

    /// Journeys since the last call that were given to users who were gone before they began.
    pub(super) fn take_missed(&self) -> u64 {
        self.missed.take()
    }

    fn one_less_busy(&self) {
        self.busy.set(self.busy.get() - 1);
    }
}

/// A user's own place in the pool, left when the user is no more.
#[derive(Debug)]
pub(super) struct Place {
    pool: Rc<Pool>,
    seat: Rc<Seat>,
    class: usize,
    on_journey: bool,
}

impl Place {
    /// Waits for the next journey; the one before is over.
    pub(super) async fn next(&mut self) -> Call {
        if std::mem::take(&mut self.on_journey) {
            self.pool.one_less_busy();
        }
        let call = match self.seat.call.take() {
            Some(call) => call,
            None => {
                self.pool.free.borrow_mut()[self.class].push(Rc::clone(&self.seat));
                self.called().await
            }
        };
        self.on_journey = true;
        call
    }

    async fn called(&self) -> Call {
        poll_fn(|context| match self.seat.call.take() {
            Some(call) => Poll::Ready(call),
            None => {
                *self.seat.waker.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.seat.left.set(true);
        let missed = self.seat.call.take().is_some();
        if missed {
            self.pool.missed.set(self.pool.missed.get() + 1);
        }
        if missed || self.on_journey {
            self.pool.one_less_busy();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use futures_util::FutureExt;

    fn call(number: u64) -> Call {
        Call { number, due: clock::now() }
    }

    #[test]
    fn the_user_that_was_busy_last_is_called_first() {
        let pool = Pool::new(1);
        assert!(!pool.call(0, call(0)), "nobody is there");
        let mut first = pool.place(0, call(0));
        let mut second = pool.place(0, call(1));
        assert_eq!(first.next().now_or_never().map(|call| call.number), Some(0));
        assert_eq!(second.next().now_or_never().map(|call| call.number), Some(1));
        assert!(!pool.call(0, call(2)), "both are busy");
        let mut waits = Box::pin(first.next());
        let mut waits_too = Box::pin(second.next());
        assert!(waits.as_mut().now_or_never().is_none());
        assert!(waits_too.as_mut().now_or_never().is_none());
        assert!(pool.is_idle());
        assert!(pool.call(0, call(2)));
        assert_eq!(waits_too.as_mut().now_or_never().map(|call| call.number), Some(2));
        assert!(pool.call(0, call(3)));
        assert_eq!(waits.as_mut().now_or_never().map(|call| call.number), Some(3));
        assert!(!pool.is_idle());
    }

    #[test]
    fn a_user_that_left_is_not_called_and_what_it_was_called_for_is_missed() {
        let pool = Pool::new(1);
        let mut gone = pool.place(0, call(0));
        assert!(gone.next().now_or_never().is_some());
        assert!(gone.next().now_or_never().is_none());
        drop(gone);
        assert!(!pool.call(0, call(1)));
        assert!(pool.is_idle());
        drop(pool.place(0, call(2)));
        assert_eq!((pool.take_missed(), pool.take_missed()), (1, 0));
        assert!(pool.is_idle());
    }
}
