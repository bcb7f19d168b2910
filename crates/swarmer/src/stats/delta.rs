//! What a recorder hands over once a second: everything that happened since the last time.

use std::sync::Arc;

use super::capped::Folded;
use super::coarse::CoarseBuckets;
use super::exemplar::Exemplar;
use super::histogram::Histogram;
use super::metric::MetricsDelta;
use super::pulse::Pulse;
use super::schedule::ScheduleDelta;

/// What a row of the statistics counts.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// One request and its answer. Only these are part of the total, the CSV files and the request table.
    Request,
    /// One run of one task, from its first request to its last.
    Journey,
}

/// What a recorder keeps one row for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(super) struct RowKey {
    pub(super) kind: Kind,
    pub(super) method: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) segment: Option<Arc<str>>,
    pub(super) class: Option<Arc<str>>,
}

/// Completions within one second of calendar time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct SecondCount {
    /// Whole seconds since the Unix epoch.
    pub(super) second: u64,
    pub(super) requests: u64,
    pub(super) failures: u64,
}

/// What happened in one row.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct RowDelta {
    pub(super) key: Arc<RowKey>,
    pub(super) requests: u64,
    pub(super) untimed: u64,
    pub(super) failures: u64,
    pub(super) bytes: u64,
    /// Completion of the latest request, seconds since the Unix epoch.
    pub(super) last: f64,
    pub(super) times: Histogram<u32>,
    /// From the moment due, of those that had one.
    pub(super) from_due: Option<Box<Histogram<u32>>>,
    pub(super) coarse: Option<CoarseBuckets>,
    pub(super) seconds: Vec<SecondCount>,
}

impl RowKey {
    /// Bytes of what names the row.
    pub(super) fn bytes(&self) -> usize {
        let others = self.segment.iter().chain(&self.class).map(|name| name.len());
        self.method.len() + self.name.len() + others.sum::<usize>()
    }
}

/// One distinct error text of one row.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct ErrorDelta {
    pub(super) key: Arc<RowKey>,
    pub(super) text: Box<str>,
    pub(super) occurrences: u64,
    /// Seconds since the Unix epoch, as is `last`.
    pub(super) first: f64,
    pub(super) last: f64,
}

/// What happened in the runs of one task of one user class.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct JourneyDelta {
    pub(super) scenario: Arc<str>,
    pub(super) task: Arc<str>,
    /// Runs that ended, by how they did.
    pub(super) ends: Vec<(Arc<str>, u64)>,
    pub(super) duration: Histogram<u32>,
    pub(super) between: Histogram<u32>,
    /// Every step the recorder knows, at most [`super::limits::STEPS`].
    pub(super) steps: Vec<StepDelta>,
}

/// What happened in one step of a journey.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct StepDelta {
    pub(super) method: Arc<str>,
    pub(super) name: Arc<str>,
    /// Runs that ended and had come to it.
    pub(super) runs: u64,
    pub(super) ended_here: u64,
    pub(super) requests: u64,
    pub(super) failures: u64,
    pub(super) time: Histogram<u32>,
    pub(super) before: Histogram<u32>,
    /// Runs that came to it for the first time, ended or not.
    pub(super) arrivals: u64,
    /// Over those: to how many other steps they had come before, added up.
    pub(super) places: u64,
    /// A bit for each of those numbers that occurred.
    pub(super) places_seen: u64,
    /// To which steps any of them had come before: bit n stands for the step at place n of the same delta.
    pub(super) preceded_by: u64,
}

/// One distinct exception.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct ExceptionDelta {
    pub(super) scenario: Box<str>,
    pub(super) message: Box<str>,
    pub(super) detail: Box<str>,
    pub(super) count: u64,
}

/// Everything a [`super::Recorder`] saw between two calls of [`super::Recorder::take`]; moved to the control plane
/// and merged there by [`super::Collector::merge`]. It cannot be cloned, so that nothing counts twice.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Delta {
    pub(super) rows: Vec<RowDelta>,
    pub(super) journeys: Vec<JourneyDelta>,
    /// At most [`super::limits::EXEMPLARS_PER_DELTA`] and those of one row more.
    pub(super) exemplars: Vec<Exemplar>,
    pub(super) errors: Vec<ErrorDelta>,
    pub(super) folded_errors: Folded,
    pub(super) exceptions: Vec<ExceptionDelta>,
    pub(super) folded_exceptions: Folded,
    /// Samples whose name did not get a row of its own.
    pub(super) folded_names: u64,
    pub(super) aborted: u64,
    pub(super) schedule: ScheduleDelta,
    pub(super) metrics: MetricsDelta,
    /// How the drivers fared that it comes from.
    pub(super) pulses: Vec<Pulse>,
}

impl RowDelta {
    /// The same, with what completed after the second `last` in the second `now`.
    pub(super) fn pulled_back(&self, last: u64, now: u64) -> Self {
        let mut delta = self.clone();
        let seconds = delta.seconds.iter_mut();
        seconds.filter(|count| count.second > last).for_each(|count| count.second = now);
        delta
    }
}

impl Delta {
    /// True when nothing happened.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.journeys.is_empty()
            && self.exemplars.is_empty()
            && self.exceptions.is_empty()
            && self.aborted == 0
            && self.schedule.is_empty()
            && self.metrics.is_empty()
    }

    /// Adds what a driver measured of itself in the time that this is about.
    pub fn add_pulse(&mut self, pulse: Pulse) {
        self.pulses.push(pulse);
    }

    /// Moves every calendar time in it by so many seconds, to the clock of another machine. Per-second counts move by whole
    /// seconds, so that none is torn apart; what is not finite moves nothing.
    #[expect(clippy::cast_possible_truncation, reason = "it saturates, as the seconds do")]
    pub(crate) fn move_times(&mut self, by: f64) {
        if !by.is_finite() || by == 0.0 {
            return;
        }
        let whole = by.round() as i64;
        let move_time = |at: &mut f64| *at = (*at + by).max(0.0);
        for row in &mut self.rows {
            move_time(&mut row.last);
            for count in &mut row.seconds {
                count.second = count.second.saturating_add_signed(whole);
            }
        }
        for error in &mut self.errors {
            move_time(&mut error.first);
            move_time(&mut error.last);
        }
        self.exemplars.iter_mut().for_each(|exemplar| move_time(&mut exemplar.at));
    }

    /// Journeys that were due and were begun or dropped.
    pub(crate) fn journeys_due(&self) -> u64 {
        self.schedule.started + self.schedule.dropped
    }

    /// Number of requests in it, failed ones included.
    pub fn requests(&self) -> u64 {
        self.rows.iter().filter(|row| row.key.kind == Kind::Request).map(|row| row.requests).sum()
    }
}
