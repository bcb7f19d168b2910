//! The generator's own health: whether the figures can be trusted.

use serde::{Deserialize, Serialize};

use super::schedule::FromDue;

/// What the engine knows of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// True unless something in `suspect` is younger than the last ten seconds; at the end of a run: unless there is
    /// anything in it.
    pub sound: bool,
    /// One sentence for people: `generator healthy: late by ≤ 0.2 ms in 99.9 % of wake-ups`, or what is wrong and what
    /// to do about it.
    pub text: String,
    /// How late timers and ready sockets were served, over the whole run and all drivers.
    pub lag: FromDue,
    /// The drivers as they are now; those of workers carry the worker's id before their own.
    pub drivers: Vec<DriverHealth>,
    /// When figures were not to be trusted, oldest first.
    pub suspect: Vec<Suspect>,
}

/// One driver thread during the last ten seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DriverHealth {
    /// `0`, `1`, …, or `worker-id/0`.
    pub driver: String,
    /// Share of a core that the thread used, 0 to 1, without what it spent awake to start the next journey on time.
    pub cpu: f64,
    /// 99.9th percentile of its lag, milliseconds.
    pub lag: f64,
}

/// A stretch of time whose figures include the generator's own delay.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Suspect {
    /// Seconds since the Unix epoch.
    pub from: f64,
    /// Seconds since the Unix epoch.
    pub to: f64,
    /// What was seen: `CPU of driver 2 saturated`.
    pub reason: String,
    /// What to do: `lower --users or add workers …`.
    pub advice: String,
}
