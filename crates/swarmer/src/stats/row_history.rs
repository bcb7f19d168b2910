//! The course of one row: coarser than that of the run, because there may be thousands of rows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::delta::SecondCount;
use super::histogram::Histogram;
use super::history::rounded;
use super::series::{Point, Series};
use super::summary::ms;

/// Seconds with traffic that are kept one by one.
const RECENT: usize = 120;
/// Points of the past at which neighbours are united.
const PAST: usize = 240;

/// Percentiles of a point.
pub(super) const SHOWN: [f64; 3] = [0.5, 0.95, 0.99];

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowKind {
    /// A request, by method and name.
    Request,
    /// A journey, by user class and task.
    Journey,
    /// All requests of a user class.
    Class,
}

/// 32 bytes; counts stop at the end of 32 bits (100,000 requests per second for half a day in one point).
#[derive(Clone, Copy, Debug, PartialEq)]
struct RowPoint {
    time: u32,
    span: u32,
    requests: u32,
    failures: u32,
    /// Milliseconds; not a number where nothing was timed.
    percentiles: [f32; SHOWN.len()],
    max: f32,
}

impl Point for RowPoint {
    fn time(&self) -> u64 {
        u64::from(self.time)
    }

    fn unite(&mut self, later: Self) {
        let end = (self.time.saturating_add(self.span)).max(later.time.saturating_add(later.span));
        self.time = self.time.min(later.time);
        self.span = end - self.time;
        self.requests = self.requests.saturating_add(later.requests);
        self.failures = self.failures.saturating_add(later.failures);
        for (mine, theirs) in self.percentiles.iter_mut().zip(later.percentiles) {
            // The larger of two numbers, or the one that is a number.
            *mine = mine.max(theirs);
        }
        self.max = self.max.max(later.max);
    }
}

/// What the collector keeps of a row's course. Seconds without traffic have no point, and a row without traffic costs
/// nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct RowCourse {
    series: Series<RowPoint, RECENT, PAST>,
    /// Largest response time since the latest point, nanoseconds.
    max: u64,
}

impl RowCourse {
    /// Notes the largest response time of a report.
    pub(super) fn note_max(&mut self, nanos: u64) {
        self.max = self.max.max(nanos);
    }

    /// Adds the point of a second, whose last ten seconds had these response times.
    pub(super) fn push(&mut self, count: SecondCount, window: &Histogram) {
        let mut nanos = [None; SHOWN.len()];
        window.quantiles(&SHOWN, &mut nanos);
        self.push_with(count, nanos);
    }

    fn push_with(&mut self, count: SecondCount, nanos: [Option<u64>; SHOWN.len()]) {
        let max = std::mem::take(&mut self.max);
        self.series.push(RowPoint {
            time: narrow(count.second),
            span: 1,
            requests: narrow(count.requests),
            failures: narrow(count.failures),
            percentiles: nanos.map(single),
            max: single((max > 0).then_some(max)),
        });
    }

    /// What a second has counted after its point was, or was not, made.
    pub(super) fn amend(&mut self, count: SecondCount) {
        match self.series.recent_mut(count.second) {
            Some(point) => {
                (point.requests, point.failures) = (narrow(count.requests), narrow(count.failures));
                let max = std::mem::take(&mut self.max);
                point.max = point.max.max(single((max > 0).then_some(max)));
            }
            None => self.push_with(count, [None; SHOWN.len()]),
        }
    }

    /// The whole course in columns.
    pub(super) fn columns(&self) -> RowHistory {
        let mut columns = RowHistory::default();
        for point in self.series.points() {
            columns.push(point);
        }
        columns
    }

    pub(super) fn is_empty(&self) -> bool {
        self.series.len() == 0
    }
}

fn narrow(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_possible_truncation, reason = "seven digits of a response time")]
fn single(nanos: Option<u64>) -> f32 {
    nanos.map_or(f32::NAN, |nanos| ms(nanos) as f32)
}

/// The course of one row in columns, one entry for each point, oldest first; seconds without traffic are left out. Times
/// are milliseconds, `None` where nothing was timed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RowHistory {
    /// First second of each point, since the Unix epoch.
    pub time: Vec<u64>,
    /// Seconds from `time` to the end of the last one that was united.
    pub span: Vec<u64>,
    /// Requests (or runs of the journey) completed in these seconds.
    pub requests: Vec<u64>,
    /// Failed ones among them.
    pub failures: Vec<u64>,
    /// 50th percentile of the ten-second window; of united points the largest.
    pub p50: Vec<Option<f64>>,
    /// As `p50`, the 95th percentile.
    pub p95: Vec<Option<f64>>,
    /// As `p50`, the 99th percentile.
    pub p99: Vec<Option<f64>>,
    /// Largest response time.
    pub max: Vec<Option<f64>>,
}

impl RowHistory {
    fn push(&mut self, point: &RowPoint) {
        let seen = |value: f32| (!value.is_nan()).then(|| rounded(f64::from(value)));
        let [p50, p95, p99] = point.percentiles.map(seen);
        self.time.push(u64::from(point.time));
        self.span.push(u64::from(point.span));
        self.requests.push(u64::from(point.requests));
        self.failures.push(u64::from(point.failures));
        self.p50.push(p50);
        self.p95.push(p95);
        self.p99.push(p99);
        self.max.push(seen(point.max));
    }

    /// Whether every column has an entry for each point.
    pub(super) fn is_even(&self) -> bool {
        let points = self.time.len();
        let counts = [&self.span, &self.requests, &self.failures];
        let times = [&self.p50, &self.p95, &self.p99, &self.max];
        counts.iter().all(|column| column.len() == points)
            && times.iter().all(|column| column.len() == points)
    }
}

/// A row and its course.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowRecord {
    /// What the row stands for.
    pub kind: RowKind,
    /// HTTP method; of a journey the user class; empty for a class.
    pub method: Arc<str>,
    /// Name of the request, task or class.
    pub name: Arc<str>,
    /// Its course.
    #[serde(flatten)]
    pub history: RowHistory,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(second: u64, requests: u64) -> SecondCount {
        SecondCount { second, requests, failures: 1 }
    }

    fn times(ms: u64) -> Histogram {
        let mut times = Histogram::new();
        times.record(ms * 1_000_000);
        times
    }

    #[test]
    fn two_thousand_rows_of_a_day_fit_into_thirty_megabytes() {
        let mut course = RowCourse::default();
        for second in 0..86_400 {
            course.note_max(if second == 40_000 { 9_000_000_000 } else { 6_000_000 });
            course.push(count(1_700_000_000 + second, 10), &times(5));
        }
        assert!(course.series.len() <= RECENT + PAST);
        assert_eq!(size_of::<RowPoint>(), 32);
        assert!(course.series.heap_bytes() * 2_000 < 30_000_000, "{}", course.series.heap_bytes());
        let columns = course.columns();
        assert!(columns.is_even());
        assert_eq!(columns.requests.iter().sum::<u64>(), 864_000);
        assert_eq!(columns.span.iter().sum::<u64>(), 86_400);
        assert_eq!(columns.max.iter().flatten().copied().reduce(f64::max), Some(9_000.0));
        assert_eq!(columns.p95[0], Some(5.0));
        assert_eq!(RowCourse::default().series.heap_bytes(), 0);
    }

    #[test]
    fn idle_seconds_have_no_point_and_late_reports_get_theirs() {
        let mut course = RowCourse::default();
        course.push(count(10, 4), &times(5));
        course.push(count(20, 4), &Histogram::new());
        course.note_max(8_000_000);
        course.amend(count(20, 6));
        course.amend(count(15, 2));
        let columns = course.columns();
        assert_eq!(columns.time, [10, 15, 20]);
        assert_eq!(columns.requests, [4, 2, 6]);
        assert_eq!(columns.p50, [Some(5.0), None, None]);
        assert_eq!(columns.max, [None, None, Some(8.0)]);
    }
}
