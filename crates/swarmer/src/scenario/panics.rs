//! Panics of a workload's code: caught, told where they came from, and not shouted over the tables.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;

thread_local! {
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

impl Panic {
    /// From the payload of a panic that was just caught on this thread.
    pub(super) fn caught(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a text".to_owned());
        let place = PLACE.take().unwrap_or_else(|| "an unknown place".to_owned());
        Self { text, place }
    }
}

/// From now on panics of this thread are not printed: they are counted as exceptions, once each, with their place.
pub(crate) fn quiet_panics() {
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
    QUIET.set(true);
}
