//! Journeys as people see them: how far runs of a task came, how long each step took, and how they ended.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;

/// How a journey ended when its task came to its end and said nothing else.
pub const FINISHED: &str = "finished";
/// How a journey ended whose task returned an error: a failed request that was passed up, or an exception. Whatever the
/// task said before, this counts.
pub const FAILED: &str = "failed";
/// How a journey ended in whose middle its user was stopped. Its requests count, its duration is no duration.
pub const CUT: &str = "cut off";

/// All runs of one task of one user class, from their first requests to their last.
///
/// A run without a request is no journey.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Funnel {
    /// The user class.
    pub scenario: Arc<str>,
    /// The task.
    pub task: Arc<str>,
    /// Runs that have ended, however they did.
    pub runs: u64,
    /// How they ended, the most frequent first; the numbers add up to `runs`.
    pub ends: Vec<Ending>,
    /// From the first request's start to the last one's end, milliseconds, of the runs that were not cut off. Think
    /// times are part of it.
    pub duration: Times,
    /// Spent between the requests of each of those runs: think times and the workload's own work, milliseconds.
    pub between: Times,
    /// In the order in which runs came to them, as far as runs agree.
    pub steps: Vec<Step>,
}

/// One way in which journeys ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// [`FINISHED`], [`FAILED`], [`CUT`], or what the task said ([`User::outcome`](crate::User::outcome)).
    pub outcome: Arc<str>,
    /// How many runs ended so.
    pub runs: u64,
}

/// One request of a journey.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The request's method.
    pub method: Arc<str>,
    /// The request's name.
    pub name: Arc<str>,
    /// Runs that have ended and had come to it, each counted once.
    pub runs: u64,
    /// Runs whose last request it was.
    pub ended_here: u64,
    /// Requests, of which a run may have sent several; those of runs still under way are among them.
    pub requests: u64,
    /// Failed ones among them.
    pub failures: u64,
    /// Response times, milliseconds.
    pub time: Times,
    /// Pauses between the end of the request before (of the same run) and the start of this one, milliseconds.
    pub before: Times,
}

/// The short form of a distribution. Milliseconds; all 0 when `count` is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// How many values there are.
    pub count: u64,
    /// Exact mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// Exact largest.
    pub max: f64,
    /// All values in nanoseconds; not in a document where there are none.
    #[serde(rename = "histogram", default, skip_serializing_if = "has_none")]
    pub times: Arc<Histogram>,
}

fn has_none(times: &Histogram) -> bool {
    times.is_empty()
}

impl Times {
    /// Lets go of the histogram, for documents that do without.
    pub(crate) fn thin(&mut self) {
        self.times = Arc::default();
    }
}

impl Funnel {
    /// Everything in it that has a histogram.
    pub(crate) fn times_mut(&mut self) -> impl Iterator<Item = &mut Times> {
        let steps = self.steps.iter_mut().flat_map(|step| [&mut step.time, &mut step.before]);
        [&mut self.duration, &mut self.between].into_iter().chain(steps)
    }
}
