//! A load engine for stateful user journeys.
#![deny(missing_docs)]

pub mod clock;
pub mod http;
pub mod load;
pub mod logging;
pub mod options;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod stats;
pub mod swarm;
pub mod telemetry;
pub mod user;
