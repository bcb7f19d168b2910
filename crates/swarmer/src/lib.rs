//! A load engine for stateful user journeys.
#![deny(missing_docs)]

pub mod clock;
pub mod http;
pub mod load;
pub mod logging;
pub mod options;
pub mod prelude;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod stats;
pub mod swarm;
pub mod telemetry;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod user;

pub use swarm::{Environment, Narrator, Setup, SetupError, Swarm};
pub use user::{TaskError, TaskResult, User};

/// The code of the guide is compiled with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/tutorial.md")]
struct Tutorial;
