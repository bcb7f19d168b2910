//! Panics of a workload's code: caught, told where they came from, and not shouted over the tables.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::Once;
use std::task::Poll;

thread_local! {
    /// While the workload's code runs on this thread, its panics are not printed.
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A caught panic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Panic {
    /// What it said.
    pub(crate) text: String,
    /// `file:line:column`, where known.
    pub(crate) place: String,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked at {}: {}", self.place, self.text)
    }
}

impl Panic {
    /// From the payload of a panic that was just caught on this thread.
    fn caught(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a text".to_owned());
        let place = PLACE.take().unwrap_or_else(|| "an unknown place".to_owned());
        Self { text, place }
    }
}

/// Runs the workload's code so that a panic in it ends this call only, and says nothing by itself.
pub(crate) fn catch<T>(code: impl FnOnce() -> T) -> Result<T, Panic> {
    tell_place_of_panics();
    let outer = QUIET.replace(true);
    // What the code worked on may be half changed after a panic. That is the same risk an early return bears, and it
    // belongs to one user alone.
    let outcome = panic::catch_unwind(AssertUnwindSafe(code));
    QUIET.set(outer);
    outcome.map_err(|payload| Panic::caught(&*payload))
}

/// [`catch`] for a future: it is over when it panics.
///
/// It is pinned by the caller: an `async fn` keeps room for an argument twice, and each user and task has one of these.
pub(crate) async fn caught<F: Future>(mut future: Pin<&mut F>) -> Result<F::Output, Panic> {
    poll_fn(|context| match catch(|| future.as_mut().poll(context)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// Has the place of each quiet panic remembered; all others are printed as ever.
fn tell_place_of_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if QUIET.get() {
                PLACE.set(info.location().map(ToString::to_string));
            } else {
                loud(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_with_its_place() {
        let panic = catch(|| panic!("no {}", "luck")).unwrap_err();
        assert_eq!(panic.text, "no luck");
        assert!(panic.place.starts_with(file!()), "{}", panic.place);
        assert!(!QUIET.get(), "panics of others are printed as ever");
        assert_eq!(catch(|| 3), Ok(3));
    }
}
