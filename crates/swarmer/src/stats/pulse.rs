//! What a driver measured of itself between two reports.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;

/// How a driver thread fared between two reports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pulse {
    /// The driver's number within its process.
    pub driver: u32,
    /// The time that it is about.
    pub wall: Duration,
    /// Processor time that the thread used meanwhile, without what it spent awake with nothing to do until something was due.
    pub cpu: Duration,
    /// The time that it was ready to run and waited for a core; zero where the system does not tell.
    pub waited: Duration,
    /// How late it served events that were due at moments it had no part in choosing, nanoseconds.
    pub late: Histogram<u32>,
    /// What the host of a virtual machine took of a core meanwhile, on average over all of them; zero where the system does
    /// not tell.
    #[serde(default)]
    pub stolen: Duration,
}
