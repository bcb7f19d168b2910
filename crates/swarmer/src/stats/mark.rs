//! Moments of a run that charts mark.

use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum MarkKind {
    /// A run began.
    Start,
    /// The target number of users, the rate or the plan was changed.
    Plan,
    /// All figures were set to zero.
    Reset,
    /// The target changed: it stopped answering, or answered again.
    Target,
    /// A worker came, left or was lost.
    Worker,
    /// The generator itself became suspect, or sound again.
    Health,
    /// Users were told to stop.
    Stop,
}

/// One moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Seconds since the Unix epoch.
    pub at: f64,
    /// What happened.
    pub kind: MarkKind,
    /// In a few words.
    pub text: String,
}

/// One worker of a distributed run, as the master knows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Worker {
    /// Its id.
    pub id: String,
    /// `ready`, `spawning`, `running`, `stopping`, `missing`.
    pub state: String,
    /// Users on it.
    pub users: u64,
    /// Percent of one core.
    pub cpu: f64,
    /// Resident memory, bytes; 0 when it does not say.
    pub memory: u64,
}
