//! How many users run when, and of which class where: pure arithmetic, without I/O and without a clock.
//!
//! Four questions, four parts:
//! * [`Dispatcher`] answers *who and where*: which user class is started next, on which worker, and which user is
//!   stopped first. Its order is Locust's, to the letter (class order, minimum divergence, fixed counts first, strict
//!   round robin over workers, ramp down in reverse), so that mixed clusters and old expectations hold.
//! * [`Ramp`] answers *when*: it walks from the present number of users to a target at a rate, either one user every
//!   1/rate seconds (what the engine does) or in Locust's chunks of `floor(rate)` users (what its protocol speaks).
//! * [`Stages`] and [`Shape`] answer *how many* over time: targets as data, or as code that is asked once a second.
//! * [`Arrivals`] answers *which journey starts when* where journeys arrive at a rate (open model): [`Rates`] over time
//!   and [`Spacing`] around them.
//!
//! A change of target while a ramp runs is a new [`Ramp`] over the same dispatcher; every sequence continues. A
//! [`Plan`] is any of these as people read it before the run.
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

mod arrivals;
mod classes;
mod corners;
mod dispatch;
mod pick;
mod plan;
mod ramp;
mod rate;
mod shape;
mod stages;
mod table;
mod text;
mod workers;

pub use arrivals::{Arrival, Arrivals, Share, Spacing};
pub use classes::{LoadError, UserClass};
pub use corners::Corners;
pub use dispatch::{Dispatcher, Placement};
pub use plan::{Course, Plan};
pub use ramp::{Change, Chunk, Ramp, Step};
pub use rate::{Rate, RateStage, Rates};
pub use shape::{Shape, ShapeTime, Target};
pub use stages::{Leg, Stage, Stages};
pub use table::Table;
pub use text::TextError;
