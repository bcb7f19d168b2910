//! Futures of one thread that wait for moments of their own, all by the thread's one alarm.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// Who waits for which moment. Somebody has to look after them: see [`wake_due`](Self::wake_due).
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    queue: RefCell<Queue>,
    /// Whoever looks after them, to be told when somebody waits for an earlier moment than all others.
    keeper: RefCell<Option<Waker>>,
    kept: Cell<bool>,
}

impl Waiters {
    /// From now on somebody looks after them.
    pub(crate) fn begin(&self) {
        self.kept.set(true);
    }

    /// Whether somebody looks after them: else nobody would ever be woken.
    pub(crate) fn are_kept(&self) -> bool {
        self.kept.get()
    }

    /// The first moment that is waited for.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.queue.borrow_mut().first()
    }

    /// Wakes those whose moment has come.
    pub(crate) fn wake_due(&self, now: Instant) {
        while let Some(waker) = self.pop_due(now) {
            waker.wake();
        }
    }

    fn pop_due(&self, now: Instant) -> Option<Waker> {
        self.queue.borrow_mut().pop_due(now)
    }

    /// Returns when somebody waits for an earlier moment than `known`.
    pub(crate) async fn sooner_than(&self, known: Option<Instant>) {
        std::future::poll_fn(|context| {
            if self.first().is_some_and(|first| known.is_none_or(|known| first < known)) {
                return Poll::Ready(());
            }
            self.keeper.replace(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// Waits until `due`.
    pub(crate) fn until(self: &Rc<Self>, due: Instant) -> Until {
        Until { waiters: Rc::clone(self), due, place: None }
    }

    fn enter(&self, due: Instant, waker: &Waker) -> Place {
        let mut queue = self.queue.borrow_mut();
        if queue.first().is_none_or(|first| due < first)
            && let Some(keeper) = self.keeper.take()
        {
            keeper.wake();
        }
        queue.enter(due, waker.clone())
    }
}

/// Where somebody's waker is: a slot, which others have after him, and a number that nobody else has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    number: u64,
    slot: usize,
}

/// Takes memory as more wait than ever before, and none after that.
#[derive(Debug, Default)]
struct Queue {
    /// Also of those who went before their moment, until it would have come.
    moments: BinaryHeap<Reverse<(Instant, Place)>>,
    slots: Vec<Option<(u64, Waker)>>,
    free: Vec<usize>,
    next: u64,
}

impl Queue {
    fn enter(&mut self, due: Instant, waker: Waker) -> Place {
        let (number, entry) = (self.next, Some((self.next, waker)));
        self.next += 1;
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot] = entry;
                slot
            }
            None => {
                self.slots.push(entry);
                self.slots.len() - 1
            }
        };
        let place = Place { number, slot };
        self.moments.push(Reverse((due, place)));
        place
    }

    /// The waker at a place, unless he is gone.
    fn get_mut(&mut self, place: Place) -> Option<&mut Waker> {
        let (number, waker) = self.slots[place.slot].as_mut()?;
        (*number == place.number).then_some(waker)
    }

    fn leave(&mut self, place: Place) -> Option<Waker> {
        self.get_mut(place)?;
        self.free.push(place.slot);
        self.slots[place.slot].take().map(|(_, waker)| waker)
    }

    fn first(&mut self) -> Option<Instant> {
        while let Some(&Reverse((due, place))) = self.moments.peek() {
            if self.get_mut(place).is_some() {
                return Some(due);
            }
            self.moments.pop();
        }
        None
    }

    fn pop_due(&mut self, now: Instant) -> Option<Waker> {
        self.first().filter(|due| *due <= now)?;
        let Reverse((_, place)) = self.moments.pop()?;
        self.leave(place)
    }
}

/// See [`Waiters::until`].
#[derive(Debug)]
#[must_use]
pub(crate) struct Until {
    waiters: Rc<Waiters>,
    due: Instant,
    place: Option<Place>,
}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if super::now() >= this.due {
            return Poll::Ready(());
        }
        let entered = this.place.is_some_and(|place| {
            let mut queue = this.waiters.queue.borrow_mut();
            let known = queue.get_mut(place);
            known.map(|waker| waker.clone_from(context.waker())).is_some()
        });
        if !entered {
            this.place = Some(this.waiters.enter(this.due, context.waker()));
        }
        Poll::Pending
    }
}

impl Drop for Until {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            // Dropped when nobody borrows the queue any more: it may be the last hold on a task that waits here, too.
            let waker = self.waiters.queue.borrow_mut().leave(place);
            drop(waker);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;
    use std::time::Duration;

    use super::*;
    use crate::clock;

    #[derive(Default)]
    struct Bell(AtomicUsize);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Something that waits, and how often it was woken.
    fn sleeper(waiters: &Rc<Waiters>, due: Instant) -> (Until, Arc<Bell>) {
        let bell = Arc::new(Bell::default());
        let mut until = waiters.until(due);
        let waker = Waker::from(Arc::clone(&bell));
        assert!(Pin::new(&mut until).poll(&mut Context::from_waker(&waker)).is_pending());
        (until, bell)
    }

    #[test]
    fn each_is_woken_at_its_moment_and_who_went_is_not() {
        let waiters = Rc::new(Waiters::default());
        let start = clock::now() + Duration::from_hours(1);
        let at = |seconds| start + Duration::from_secs(seconds);
        let kept: Vec<_> = [3, 1, 2, 2].map(|second| sleeper(&waiters, at(second))).into();
        let (gone, silent) = sleeper(&waiters, at(0));
        assert_eq!(waiters.first(), Some(at(0)));
        drop(gone);
        assert_eq!(waiters.first(), Some(at(1)));
        waiters.wake_due(at(2));
        let woken: Vec<_> = kept.iter().map(|(_, bell)| bell.0.load(Ordering::Relaxed)).collect();
        assert_eq!((woken, silent.0.load(Ordering::Relaxed)), (vec![0, 1, 1, 1], 0));
        assert_eq!(waiters.first(), Some(at(3)));
        let again = sleeper(&waiters, at(4));
        drop(kept);
        assert_eq!(waiters.first(), Some(at(4)), "a place that others had before is its own");
        waiters.wake_due(at(4));
        assert_eq!((again.1.0.load(Ordering::Relaxed), waiters.first()), (1, None));
        assert_eq!(waiters.queue.borrow().slots.len(), 5, "no more than have waited at a time");
    }

    #[test]
    fn whoever_looks_after_them_is_told_of_earlier_moments_only() {
        let waiters = Rc::new(Waiters::default());
        let start = clock::now() + Duration::from_hours(1);
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        let mut context = Context::from_waker(&waker);
        let mut known = None;
        for (second, is_earlier) in [(5, true), (7, false), (5, false), (3, true)] {
            let mut sooner = Box::pin(waiters.sooner_than(known));
            assert!(sooner.as_mut().poll(&mut context).is_pending());
            let before = bell.0.load(Ordering::Relaxed);
            let (until, _) = sleeper(&waiters, start + Duration::from_secs(second));
            std::mem::forget(until); // It waits on.
            assert_eq!(bell.0.load(Ordering::Relaxed) > before, is_earlier, "{second}");
            assert_eq!(sooner.as_mut().poll(&mut context).is_ready(), is_earlier, "{second}");
            known = waiters.first();
        }
    }

    #[tokio::test]
    async fn it_is_over_when_it_is_time() {
        let waiters = Rc::new(Waiters::default());
        let due = clock::now() + Duration::from_millis(3);
        let keeper = async {
            waiters.sooner_than(None).await;
            tokio::time::sleep_until(due.into()).await;
            waiters.wake_due(clock::now());
        };
        tokio::join!(waiters.until(due), keeper);
        assert!(clock::now() >= due && waiters.first().is_none());
    }
}
