//! How many users run when, and of which class where: pure arithmetic, without I/O and without a clock.
//!
//! Two questions, two parts:
//! * [`Dispatcher`] answers *who and where*: which user class is started next, on which worker, and which user is
//!   stopped first. Its order is Locust's, to the letter (class order, minimum divergence, fixed counts first, strict
//!   round robin over workers, ramp down in reverse), so that mixed clusters and old expectations hold.
//! * [`Ramp`] answers *when*: it walks from the present number of users to a target at a rate, either one user every
//!   1/rate seconds (what the engine does) or in Locust's chunks of `floor(rate)` users (what its protocol speaks).
//!
//! A change of target while a ramp runs is a new [`Ramp`] over the same dispatcher; every sequence continues. What
//! produces targets over time (a fixed option, stages, a shape) stands above this module and only makes ramps.
//!
//! ```
//! use std::time::Duration;
//! use swarmer::load::{Dispatcher, Ramp, UserClass};
//!
//! let classes = [UserClass::weighted("Quote", 3.0), UserClass::weighted("Claims", 1.0)];
//! let mut dispatcher = Dispatcher::new(classes, ["driver-0", "driver-1"])?;
//! let mut ramp = Ramp::new(4, 2.0)?;
//! // One second in: the users due at 0 s, 0.5 s and 1 s.
//! let steps: Vec<_> = ramp.due(&mut dispatcher, Duration::from_secs(1)).collect();
//! assert_eq!(steps.len(), 3);
//! assert_eq!(ramp.next_due(&dispatcher), Some(Duration::from_millis(1500)));
//! # Ok::<(), swarmer::load::LoadError>(())
//! ```

mod classes;
mod dispatch;
mod pick;
mod ramp;
mod table;
mod workers;

pub use classes::{LoadError, UserClass};
pub use dispatch::{Dispatcher, Placement};
pub use ramp::{Change, Chunk, Ramp, Step};
pub use table::Table;
