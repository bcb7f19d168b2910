//! How well what was due was started: journeys that arrive at a rate, tasks that keep a schedule.
//!
//! Such a start has a moment at which it is *due*, whatever the target or the generator do. Two things are kept of it:
//! how late it was ([`Schedule`]), and the time from that moment to the end of its first request ([`FromDue`], beside
//! the row's response times, which run from the moment a request was sent).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::histogram::{Count, Histogram};
use super::packed::{COUNT, check_times, ensure};
use super::summary::{P50, PERCENTILES, Percentiles, ms};

/// What a recorder saw of its schedule since the last report.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct ScheduleDelta {
    pub(super) started: u64,
    pub(super) dropped: u64,
    pub(super) late: Histogram<u32>,
}

impl ScheduleDelta {
    /// Hands over what was seen; see [`Histogram::take`].
    pub(super) fn take(&mut self, tidy: bool) -> Self {
        let late = self.late.take(tidy);
        let (started, dropped) =
            (std::mem::take(&mut self.started), std::mem::take(&mut self.dropped));
        Self { started, dropped, late }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.started == 0 && self.dropped == 0
    }

    /// What is impossible about one that came from elsewhere.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        ensure(self.started.max(self.dropped) <= COUNT, "a count of journeys is too large")?;
        ensure(self.started == self.late.count(), "journeys and their starts differ in number")?;
        check_times(&self.late)
    }
}

/// What the collector keeps.
#[derive(Clone, Debug, Default)]
pub(super) struct ScheduleTally {
    started: u64,
    dropped: u64,
    late: Arc<Histogram>,
}

impl ScheduleTally {
    pub(super) fn add(&mut self, delta: &ScheduleDelta) {
        if delta.is_empty() {
            return;
        }
        self.started += delta.started;
        self.dropped += delta.dropped;
        Arc::make_mut(&mut self.late).merge(&delta.late);
    }

    pub(super) fn figures(&self) -> Option<Schedule> {
        let Self { started, dropped, ref late } = *self;
        let late_starts = || FromDue::of(late);
        (started + dropped > 0).then(|| Schedule { started, dropped, late_starts: late_starts() })
    }
}

/// How what was due was started. There is none where nothing is ever due (closed model without a schedule).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Journeys started.
    pub started: u64,
    /// Dropped journeys: they were due, and no user was free to make them, or the run ended before one was.
    pub dropped: u64,
    /// From the moment a journey was due to its start. The timers that starts hang on have a resolution of 1 ms.
    pub late_starts: FromDue,
}

/// Times that run from the moment something was due. Milliseconds; percentiles as in [`super::PERCENTILES`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FromDue {
    /// How many there are.
    pub count: u64,
    /// Exact smallest; 0 when there is none.
    pub min: f64,
    /// Exact mean; 0 when there is none.
    pub mean: f64,
    /// Median; 0 when there is none.
    pub median: f64,
    /// Exact largest; 0 when there is none.
    pub max: f64,
    /// See [`super::PERCENTILES`]; always from the fine histogram.
    pub percentiles: Percentiles,
    /// All of them in nanoseconds.
    #[serde(rename = "histogram")]
    pub times: Arc<Histogram>,
}

impl FromDue {
    /// Lets go of the histogram, for documents that do without.
    pub(crate) fn thin(&mut self) {
        self.times = Arc::default();
    }

    pub(super) fn of(times: &Arc<Histogram>) -> Self {
        let mut nanos = [None; PERCENTILES.len()];
        times.quantiles(&PERCENTILES, &mut nanos);
        let percentiles = nanos.map(|value| value.map(ms));
        Self {
            count: times.count(),
            min: times.min().map_or(0.0, ms),
            mean: times.mean().map_or(0.0, |nanos| nanos / 1e6),
            median: percentiles[P50].unwrap_or(0.0),
            max: times.max().map_or(0.0, ms),
            percentiles,
            times: Arc::clone(times),
        }
    }

    /// The time in milliseconds below or at which the fraction `p` lies.
    pub fn percentile(&self, p: f64) -> Option<f64> {
        self.times.quantile(p).map(ms)
    }
}

/// Adds to a histogram that exists only where something is due.
pub(super) fn merge_into<C: Count>(all: &mut Option<Arc<Histogram>>, more: Option<&Histogram<C>>) {
    if let Some(more) = more.filter(|more| !more.is_empty()) {
        Arc::make_mut(all.get_or_insert_default()).merge(more);
    }
}
