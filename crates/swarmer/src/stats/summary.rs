//! The one document everything people see is rendered from.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::coarse::CoarseBuckets;
use super::delta::Kind;
use super::errors::Errors;
use super::exemplar::Exemplar;
use super::health::Health;
use super::histogram::Histogram;
use super::journey::Funnel;
use super::list::List;
use super::mark::{Mark, Worker};
use super::metric::MetricRow;
use super::per_second::PerSecond;
use super::schedule::{FromDue, Schedule};

/// The percentiles every surface shows, as fractions.
pub const PERCENTILES: [f64; 11] =
    [0.50, 0.66, 0.75, 0.80, 0.90, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0];

/// Where the median stands among [`PERCENTILES`].
pub(super) const P50: usize = 0;
/// Where the 90th percentile stands among [`PERCENTILES`].
pub(super) const P90: usize = 4;
/// Where the 95th percentile stands among [`PERCENTILES`].
pub(super) const P95: usize = 5;
/// Where the 99th percentile stands among [`PERCENTILES`].
pub(super) const P99: usize = 7;

/// One value for each of [`PERCENTILES`], in milliseconds; `None` when nothing was timed.
pub type Percentiles = [Option<f64>; PERCENTILES.len()];

/// Users by class name.
pub type Users = BTreeMap<String, u64>;

/// A percentile's label: `50%`, `99.9%`. Whole percents have no decimals, others at most six.
pub fn percentile_label(p: f64) -> String {
    let percent = (p * 100.0 * 1e6).round() / 1e6;
    format!("{percent}%")
}

/// What a run is, beyond its figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Base URL of the target.
    pub host: Option<String>,
    /// What the run was labelled with (`--profile`).
    pub profile: Option<String>,
    /// The seed that reproduces the run's decisions.
    pub seed: Option<u64>,
    /// Requests that the workload's set-up sent before the first user started; part of no figure.
    pub setup_requests: u64,
    /// What a reader of the figures must know, one sentence each ("TLS certificates were not verified").
    pub notes: Vec<String>,
    /// Name and version of the workload.
    #[serde(default)]
    pub workload: String,
    /// Version of the engine.
    #[serde(default)]
    pub engine: String,
    /// The options that were given, by name, as text; the values of secret ones are not told.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Where traces are found: `{trace}` stands for the trace id (`--trace-url`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_url: Option<String>,
    /// What share of users each class had at the start and what share of its time each task has, as Locust's `/tasks` tells
    /// it; null when not known.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub tasks: serde_json::Value,
}

/// Where percentiles and medians come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PercentileSource {
    /// The fine histogram, clamped to minimum and maximum.
    #[default]
    Fine,
    /// Locust's coarse buckets, not clamped (except the median), as there.
    Locust,
}

/// The figures of a row, a segment or the total since the start or the last reset. Times are milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Finished requests, failed ones included.
    pub requests: u64,
    /// Those of them that have no response time.
    pub untimed: u64,
    /// Those of them that failed.
    pub failures: u64,
    /// Bytes of all bodies.
    pub bytes: u64,
    /// Exact smallest response time; 0 when none.
    pub min: f64,
    /// Exact mean response time; 0 when none.
    pub mean: f64,
    /// Median response time; 0 when none.
    pub median: f64,
    /// Exact largest response time; 0 when none.
    pub max: f64,
    /// See [`PERCENTILES`].
    pub percentiles: Percentiles,
    /// Requests per second over the whole run.
    pub requests_per_second: f64,
    /// Failures per second over the whole run.
    pub failures_per_second: f64,
    /// Completion of the latest request, seconds since the Unix epoch.
    pub last_request: Option<f64>,
    /// All response times in nanoseconds, for any other percentile.
    #[serde(rename = "histogram")]
    pub times: Arc<Histogram>,
    /// Response times from the moment due, of those requests that had one: the first of a journey at an arrival rate
    /// or of a task on a schedule. `times` and all other figures run from the moment a request was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_due: Option<FromDue>,
    /// Locust's buckets, when they are kept.
    #[serde(skip)]
    pub coarse: Option<Arc<CoarseBuckets>>,
}

impl Figures {
    /// The response time in milliseconds below or at which the fraction `p` of the timed requests lies.
    pub fn percentile(&self, p: f64) -> Option<f64> {
        match &self.coarse {
            Some(coarse) => coarse.percentile(p).map(whole_ms),
            None => self.times.quantile(p).map(ms),
        }
    }

    /// Between which times the true percentile `p` lies with 95 % confidence, from the fine histogram; `None` when nothing
    /// was timed or `p` is not between 0 and 1.
    pub fn interval(&self, p: f64) -> Option<Interval> {
        let (low, high) = self.times.quantile_interval(p, Interval::CONFIDENCE)?;
        Some(Interval { low: ms(low), high: high.map(ms) })
    }

    /// The [`interval`](Self::interval) of each of [`PERCENTILES`]: nobody knows how much longer than the longest the next
    /// request takes.
    fn intervals(&self) -> Vec<(f64, Option<f64>)> {
        if self.times.count() == 0 {
            return Vec::new();
        }
        let of =
            |p: &f64| self.interval(*p).map_or((self.max, None), |known| (known.low, known.high));
        PERCENTILES.iter().map(of).collect()
    }

    /// Failures per request: 1 for failures without requests, 0 for neither.
    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
    pub fn failure_ratio(&self) -> f64 {
        match (self.requests, self.failures) {
            (0, 0) => 0.0,
            (0, _) => 1.0,
            (requests, failures) => failures as f64 / requests as f64,
        }
    }

    /// Mean size of a body in bytes; 0 without requests.
    #[expect(clippy::cast_precision_loss, reason = "a mean")]
    pub fn mean_bytes(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.bytes as f64 / self.requests as f64 }
    }
}

/// Nanoseconds as milliseconds.
#[expect(clippy::cast_precision_loss, reason = "exact up to 104 days")]
pub(super) fn ms(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

/// A bucket of whole milliseconds.
#[expect(clippy::cast_precision_loss, reason = "whole milliseconds, far below 2^53")]
pub(super) fn whole_ms(bucket: u64) -> f64 {
    bucket as f64
}

/// Where the true value of a percentile lies; see [`Figures::interval`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Milliseconds; 0 when nothing is known.
    pub low: f64,
    /// Milliseconds; `None` when there are too few requests to tell.
    pub high: Option<f64>,
}

impl Interval {
    /// How often such intervals hold.
    pub const CONFIDENCE: f64 = 0.95;
}

/// The last ten seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Current {
    /// Requests per second.
    pub requests_per_second: f64,
    /// Failures per second.
    pub failures_per_second: f64,
    /// Milliseconds; `None` when nothing was timed in the window.
    pub percentiles: Percentiles,
}

/// Figures of one segment of users within a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentRow {
    /// The segment's name.
    pub segment: Arc<str>,
    /// Its share of the row's figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// One row of the statistics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What is counted.
    pub kind: Kind,
    /// HTTP method or other type of request; empty for the total.
    pub method: Arc<str>,
    /// Name of the request; `Aggregated` for the total.
    pub name: Arc<str>,
    /// Its place among the rows by first appearance, from 0; 0 for the total.
    pub order: usize,
    /// Since the start.
    #[serde(flatten)]
    pub figures: Figures,
    /// The last ten seconds.
    pub current: Current,
    /// Apart by user segment, by name; empty when users belong to none.
    pub segments: Vec<SegmentRow>,
    /// Between which times, in milliseconds, each of [`PERCENTILES`] truly lies, with 95 % confidence; no upper end where
    /// there are too few requests to know one. Only in what is saved of a run, and empty when nothing was timed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<(f64, Option<f64>)>,
    /// Counts of every second, when they are kept.
    #[serde(skip)]
    pub per_second: Option<Arc<PerSecond>>,
}

/// One distinct error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorRow {
    /// What failed.
    pub kind: Kind,
    /// Method of the request.
    pub method: Arc<str>,
    /// Name of the request.
    pub name: Arc<str>,
    /// The error's text, cut at [`super::limits::ERROR_TEXT_BYTES`].
    pub error: Arc<str>,
    /// How often it occurred.
    pub occurrences: u64,
    /// Seconds since the Unix epoch.
    pub first_seen: f64,
    /// Seconds since the Unix epoch.
    pub last_seen: f64,
}

/// One distinct exception: an error of a task outside of requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExceptionRow {
    /// The user class whose task failed.
    pub scenario: Arc<str>,
    /// One line.
    pub message: Arc<str>,
    /// What helps to find the place; may have many lines.
    pub detail: Arc<str>,
    /// How often it occurred.
    pub count: u64,
    /// Where it occurred: `local` or ids of workers, sorted.
    pub nodes: Vec<String>,
}

/// What exceeded a cap of [`super::limits`] and is shown as a number only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoldedCounts {
    /// Distinct errors without a row (a lower bound beyond 65,536).
    pub errors: u64,
    /// How often those occurred.
    pub error_occurrences: u64,
    /// Distinct exceptions without a row (a lower bound beyond 65,536).
    pub exceptions: u64,
    /// How often those occurred.
    pub exception_occurrences: u64,
    /// Samples counted under the name [`super::limits::OTHER`].
    pub names: u64,
}

/// Everything known about a run at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of this document's shape: [`Summary::VERSION`].
    pub version: u32,
    /// Target, seed, notes.
    #[serde(flatten)]
    pub info: RunInfo,
    /// Start of the run or last reset, seconds since the Unix epoch.
    pub start: f64,
    /// The moment the summary was made, seconds since the Unix epoch.
    pub at: f64,
    /// Completion of the latest request, seconds since the Unix epoch.
    pub last_request: Option<f64>,
    /// Running users by class.
    pub users: Users,
    /// Where percentiles come from.
    pub percentile_source: PercentileSource,
    /// Requests by name, then method; journeys after them, in the same order.
    pub rows: Vec<Row>,
    /// All requests, from the same exact counts as the rows.
    pub total: Row,
    /// In order of first appearance.
    pub errors: Errors,
    /// In order of first appearance.
    pub exceptions: List<ExceptionRow>,
    /// Requests cut off because the run stopped; part of no other figure.
    pub aborted: u64,
    /// How what was due was started, where anything is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// The workload's own metrics, by name, then type; not in the document when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MetricRow>,
    /// What exceeded a cap.
    pub folded: FoldedCounts,
    /// All requests by user class: rows without a method whose names are those of the classes.
    #[serde(default)]
    pub classes: Vec<Row>,
    /// Journeys, step by step, by user class, then task.
    #[serde(default)]
    pub funnels: Vec<Funnel>,
    /// The slowest and the failed requests, a few of each row.
    #[serde(default)]
    pub exemplars: Vec<Exemplar>,
    /// Whether the figures can be trusted.
    #[serde(default)]
    pub health: Health,
    /// What happened when, oldest first.
    #[serde(default)]
    pub marks: Vec<Mark>,
    /// The workers of a distributed run; none in a local one.
    #[serde(default)]
    pub workers: Vec<Worker>,
}

impl Summary {
    /// The version of the document's shape; raised when a field changes its meaning or goes.
    pub const VERSION: u32 = 1;

    /// Works out the intervals of all rows, which would be too dear each second.
    pub(super) fn tell_intervals(&mut self) {
        for row in self.rows.iter_mut().chain(&mut self.classes).chain([&mut self.total]) {
            row.intervals = row.figures.intervals();
        }
    }

    /// Running users of all classes.
    pub fn user_count(&self) -> u64 {
        self.users.values().sum()
    }

    /// The rows of requests, by name, then method.
    pub fn requests(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.kind == Kind::Request)
    }

    /// The rows of journeys, by name.
    pub fn journeys(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.kind == Kind::Journey)
    }

    /// True when a request failed or an exception was recorded: what `--exit-code-on-error` is about.
    pub fn has_problems(&self) -> bool {
        self.total.figures.failures > 0
            || !self.exceptions.is_empty()
            || self.folded.exception_occurrences > 0
    }
}
