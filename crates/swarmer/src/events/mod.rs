//! Events of a run, and the workload's own code that hears them.
//!
//! Hooks are added on the [`Swarm`](crate::Swarm): `on_init`, `on_test_start`, `on_spawning_complete`, `on_request`,
//! `on_user_error`, `on_reset_stats`, `on_test_stopping`, `on_test_stop`, `on_quitting`, `on_quit`. Several hooks of one
//! event run in the order they were added, those of `on_quitting` in reverse. They run in line with whoever fires the
//! event, so a slow one holds that up: `on_request` and `on_user_error` run on the driver thread of the user, all others
//! on the control plane, which no user waits for.
//!
//! A hook returns nothing, or a `Result`. An error or a panic is logged, the other hooks run, and the process ends with
//! code 2 unless failures decide its code. Only an error of `on_init` keeps the run from starting.
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use swarmer::Swarm;
//!
//! let slow = Arc::new(AtomicU64::new(0));
//! let seen = Arc::clone(&slow);
//! let swarm = Swarm::new("shop-test", "1.0")
//!     .on_request(move |request| {
//!         if request.response_time.is_some_and(|time| time.as_millis() > 500) {
//!             seen.fetch_add(1, Ordering::Relaxed);
//!         }
//!     })
//!     .on_quitting(|end| {
//!         if end.summary.total.figures.failure_ratio() > 0.01 {
//!             end.set_exit_code(3);
//!         }
//!     });
//! # let _ = swarm;
//! ```

mod fire;
mod hooks;
mod message;
mod record;

pub(crate) use hooks::Hooks;
pub use hooks::{HookResult, Quitting};
pub(crate) use message::Outgoing;
pub use message::{Message, PostOffice};
pub use record::{Context, RequestEvent, UserError};
