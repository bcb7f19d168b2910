//! The course of a run over time, in a bounded number of points that never loses a peak.
//!
//! The newest [`RECENT`] seconds are kept one by one, older ones in at most [`PAST`] points that span a power of two of
//! seconds each. Sums add up, gauges keep minimum, mean and maximum, so a month has the same size as an hour and shows
//! the same peaks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::delta::SecondCount;
use super::heat::Heat;
use super::histogram::{Count, Histogram};
use super::series::{Point, Series};
use super::summary::{Users, ms};

/// Seconds that are kept one by one.
pub const RECENT: usize = 600;
/// Points of the past at which neighbours are united.
pub const PAST: usize = 1_200;

/// A figure that was observed once a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Gauge {
    /// Smallest observation.
    pub min: f64,
    /// Mean of all observations.
    pub mean: f64,
    /// Largest observation.
    pub max: f64,
    /// Number of observations; 0 means that there is none and the others say nothing.
    pub observations: u64,
}

impl Gauge {
    /// One observation, or none.
    pub fn of(value: Option<f64>) -> Self {
        value.map_or_else(Self::default, |v| Self { min: v, mean: v, max: v, observations: 1 })
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
    fn unite(&mut self, other: Self) {
        if self.observations == 0 || other.observations == 0 {
            *self = if self.observations == 0 { other } else { *self };
            return;
        }
        let observations = self.observations + other.observations;
        let share = other.observations as f64 / observations as f64;
        *self = Self {
            min: self.min.min(other.min),
            mean: self.mean + (other.mean - self.mean) * share,
            max: self.max.max(other.max),
            observations,
        };
    }
}

/// One point of the history: one second, or several that were united.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryPoint {
    /// First second, since the Unix epoch.
    pub time: u64,
    /// Number of seconds from `time` that the point stands for.
    pub span: u64,
    /// Requests completed in these seconds.
    pub requests: u64,
    /// Failed ones among them.
    pub failures: u64,
    /// Requests completed per second, each second for itself.
    pub rate: Gauge,
    /// Failures per second, each second for itself.
    pub failure_rate: Gauge,
    /// Running users.
    pub users: Gauge,
    /// Users as planned at that moment; not observed where there is no number of users to reach.
    pub planned: Gauge,
    /// 50th percentile of the ten-second window, milliseconds.
    pub p50: Gauge,
    /// 90th percentile of the ten-second window, milliseconds.
    pub p90: Gauge,
    /// 95th percentile of the ten-second window, milliseconds.
    pub p95: Gauge,
    /// 99th percentile of the ten-second window, milliseconds.
    pub p99: Gauge,
    /// Largest response time of each second, milliseconds.
    pub max: Gauge,
    /// Mean response time since the start, milliseconds.
    pub mean: Gauge,
    /// Users by number of their class, mean of the span; not a number where the class was not known yet.
    pub(super) class_users: Box<[f32]>,
    pub(super) heat: Heat,
}

impl HistoryPoint {
    #[expect(clippy::cast_precision_loss, reason = "requests of one second")]
    pub(super) fn set_counts(&mut self, count: SecondCount) {
        (self.requests, self.failures) = (count.requests, count.failures);
        self.rate = Gauge::of(Some(count.requests as f64));
        self.failure_rate = Gauge::of(Some(count.failures as f64));
    }

    fn widen_max(&mut self, nanos: u64) {
        let before = (self.max.observations > 0).then_some(self.max.max);
        self.max = Gauge::of(Some(before.map_or(ms(nanos), |max| max.max(ms(nanos)))));
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
    fn unite_classes(&mut self, later: &Self) {
        if self.class_users.len() < later.class_users.len() {
            let mut longer = vec![f32::NAN; later.class_users.len()];
            longer[..self.class_users.len()].copy_from_slice(&self.class_users);
            self.class_users = longer.into();
        }
        let (mine, theirs) = (self.users.observations as f32, later.users.observations as f32);
        let share = if mine + theirs > 0.0 { theirs / (mine + theirs) } else { 0.0 };
        for (users, more) in self.class_users.iter_mut().zip(&later.class_users) {
            match (users.is_nan(), more.is_nan()) {
                (true, _) => *users = *more,
                (false, true) => {}
                (false, false) => *users += (more - *users) * share,
            }
        }
    }
}

impl Point for HistoryPoint {
    fn time(&self) -> u64 {
        self.time
    }

    fn unite(&mut self, later: Self) {
        self.unite_classes(&later);
        let end = (self.time + self.span).max(later.time + later.span);
        self.time = self.time.min(later.time);
        self.span = end - self.time;
        self.requests += later.requests;
        self.failures += later.failures;
        self.rate.unite(later.rate);
        self.failure_rate.unite(later.failure_rate);
        self.users.unite(later.users);
        self.planned.unite(later.planned);
        self.p50.unite(later.p50);
        self.p90.unite(later.p90);
        self.p95.unite(later.p95);
        self.p99.unite(later.p99);
        self.max.unite(later.max);
        self.mean.unite(later.mean);
        self.heat.merge(&later.heat);
        self.heat.settle();
    }
}

/// See the module's documentation.
#[derive(Clone, Debug, Default)]
pub struct History {
    series: Series<HistoryPoint, RECENT, PAST>,
    /// Names of the user classes; points know them by number.
    classes: Vec<String>,
    /// Response times of seconds that have no point yet.
    awaited: BTreeMap<u64, Awaited>,
}

#[derive(Clone, Debug, Default)]
struct Awaited {
    heat: Heat,
    max: u64,
}

impl History {
    /// All points, oldest first.
    pub fn points(&self) -> impl Iterator<Item = &HistoryPoint> {
        self.series.points()
    }

    /// The latest second that has a point.
    pub(super) fn latest(&self) -> Option<u64> {
        self.series.last().map(Point::time)
    }

    /// What a second has counted after its point was made.
    pub(super) fn amend(&mut self, count: SecondCount) {
        if let Some(point) = self.series.recent_mut(count.second) {
            point.set_counts(count);
        }
    }

    /// Adds response times that came in `second`.
    pub(super) fn add_times<C: Count>(&mut self, second: u64, times: &Histogram<C>) {
        let Some(max) = times.max() else { return };
        if let Some(point) = self.series.recent_mut(second) {
            point.heat.add(times);
            point.widen_max(max);
            return;
        }
        let awaited = self.awaited.entry(second).or_default();
        awaited.heat.add(times);
        awaited.max = awaited.max.max(max);
    }

    /// The users of each class as points hold them.
    #[expect(clippy::cast_precision_loss, reason = "a number of users")]
    pub(super) fn class_users(&mut self, users: &Users) -> Box<[f32]> {
        for class in users.keys() {
            if !self.classes.contains(class) {
                self.classes.push(class.clone());
            }
        }
        let count = |class: &String| users.get(class).map_or(f32::NAN, |users| *users as f32);
        self.classes.iter().map(count).collect()
    }

    /// Appends the point of a second, with the response times that came in it.
    pub(super) fn push(&mut self, mut point: HistoryPoint) {
        while let Some(first) = self.awaited.first_entry()
            && *first.key() <= point.time
        {
            let awaited = first.remove();
            point.heat.merge(&awaited.heat);
            point.widen_max(awaited.max);
        }
        point.heat.settle();
        self.series.push(point);
    }

    /// The whole course in columns.
    pub fn columns(&self) -> HistoryColumns {
        self.since(0)
    }

    /// The points from `second` (since the Unix epoch) on, in columns.
    pub fn since(&self, second: u64) -> HistoryColumns {
        let mut columns = HistoryColumns::default();
        for point in self.points().filter(|point| point.time >= second) {
            columns.push(point, &self.classes);
        }
        columns
    }
}

/// A figure observed once a second, in columns; `None` where there was no observation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaugeColumns {
    /// Smallest observation of each point.
    pub min: Vec<Option<f64>>,
    /// Mean of the observations of each point.
    pub mean: Vec<Option<f64>>,
    /// Largest observation of each point.
    pub max: Vec<Option<f64>>,
}

impl GaugeColumns {
    fn push(&mut self, gauge: Gauge) {
        let seen = |value| (gauge.observations > 0).then(|| rounded(value));
        self.min.push(seen(gauge.min));
        self.mean.push(seen(gauge.mean));
        self.max.push(seen(gauge.max));
    }

    fn is_of(&self, points: usize) -> bool {
        [&self.min, &self.mean, &self.max].iter().all(|column| column.len() == points)
    }
}

/// Four digits after the point: tenths of a microsecond. More would only make documents longer.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// The course of a run as documents and pages have it: columns, one entry for each point, oldest first. What the columns
/// mean is said at [`HistoryPoint`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of a point")]
pub struct HistoryColumns {
    pub time: Vec<u64>,
    pub span: Vec<u64>,
    pub requests: Vec<u64>,
    pub failures: Vec<u64>,
    pub rate: GaugeColumns,
    pub failure_rate: GaugeColumns,
    pub users: GaugeColumns,
    pub planned: GaugeColumns,
    /// Running users by class, mean of the span.
    pub class_users: BTreeMap<String, Vec<Option<f64>>>,
    pub p50: GaugeColumns,
    pub p90: GaugeColumns,
    pub p95: GaugeColumns,
    pub p99: GaugeColumns,
    pub max: GaugeColumns,
    pub mean: GaugeColumns,
    /// For each point the occupied latency bands and their counts: band, count, band, count, … Band `b` begins at
    /// `(4 + b % 4) · 2^(b / 4 − 2)` nanoseconds (whole division), four bands to an octave.
    pub heat: Vec<Vec<u64>>,
}

impl HistoryColumns {
    fn push(&mut self, point: &HistoryPoint, classes: &[String]) {
        for (number, class) in classes.iter().enumerate() {
            let users = point.class_users.get(number).filter(|users| !users.is_nan());
            let column = self.class_users.entry(class.clone());
            // A class that came later has no entries for the points before it; those are filled up.
            let column = column.or_insert_with(|| vec![None; self.time.len()]);
            column.push(users.map(|users| rounded(f64::from(*users))));
        }
        self.time.push(point.time);
        self.span.push(point.span);
        self.requests.push(point.requests);
        self.failures.push(point.failures);
        self.rate.push(point.rate);
        self.failure_rate.push(point.failure_rate);
        self.users.push(point.users);
        self.planned.push(point.planned);
        self.p50.push(point.p50);
        self.p90.push(point.p90);
        self.p95.push(point.p95);
        self.p99.push(point.p99);
        self.max.push(point.max);
        self.mean.push(point.mean);
        let heat = point.heat.iter().flat_map(|(band, count)| [u64::from(band), count]);
        self.heat.push(heat.collect());
    }

    /// The name of a column that does not have an entry for each point, if there is one.
    pub(super) fn uneven(&self) -> Option<&str> {
        let points = self.time.len();
        let gauges = [
            ("rate", &self.rate),
            ("failure_rate", &self.failure_rate),
            ("users", &self.users),
            ("planned", &self.planned),
            ("p50", &self.p50),
            ("p90", &self.p90),
            ("p95", &self.p95),
            ("p99", &self.p99),
            ("max", &self.max),
            ("mean", &self.mean),
        ];
        let counts = [
            ("span", self.span.len()),
            ("requests", self.requests.len()),
            ("failures", self.failures.len()),
            ("heat", self.heat.len()),
        ];
        let classes = || self.class_users.iter().find(|(_, users)| users.len() != points);
        let count = counts.into_iter().find(|(_, length)| *length != points).map(|(name, _)| name);
        let gauge = gauges.into_iter().find(|(_, gauge)| !gauge.is_of(points));
        let gauge = gauge.map(|(name, _)| name);
        count.or(gauge).or_else(|| classes().map(|(class, _)| class.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(second: u64) -> Users {
        let mut users = Users::from([("A".to_owned(), if second == 50 { 1 } else { 100 })]);
        if second > 1_000 {
            users.insert("B".to_owned(), 7);
        }
        users
    }

    fn second_of(history: &mut History, second: u64) {
        let mut point = HistoryPoint { time: second, span: 1, ..HistoryPoint::default() };
        let requests = if second == 70_000 { 9_000 } else { 10 };
        point.set_counts(SecondCount { second, requests, failures: 1 });
        #[expect(clippy::cast_precision_loss, reason = "a few users")]
        let running = users(second).values().sum::<u64>() as f64;
        point.users = Gauge::of(Some(running));
        point.p95 = Gauge::of((second > 5).then_some(20.0));
        point.class_users = history.class_users(&users(second));
        let mut times = Histogram::<u32>::new();
        times.record(if second == 90_000 { 7_000_000_000 } else { 5_000_000 });
        history.add_times(second, &times);
        history.push(point);
    }

    #[test]
    fn days_stay_small_and_keep_sums_and_peaks() {
        let (mut history, days) = (History::default(), 2 * 86_400);
        for second in 0..days {
            second_of(&mut history, second);
            assert!(history.series.len() <= PAST + RECENT);
        }
        assert!(history.awaited.is_empty());
        let mut points = history.points().cloned();
        let mut all = points.next().expect("there are points");
        points.for_each(|point| all.unite(point));
        assert_eq!((all.time, all.span), (0, days));
        assert_eq!((all.requests, all.failures), (days * 10 + 8_990, days));
        assert_eq!((all.rate.min, all.rate.max), (10.0, 9_000.0));
        assert_eq!((all.users.min, all.users.max), (1.0, 107.0));
        assert!((all.users.mean - 107.0).abs() < 0.1);
        assert_eq!(all.p95.observations, days - 6);
        assert_eq!(all.planned.observations, 0);
        assert_eq!((all.max.min, all.max.max), (5.0, 7_000.0));
        assert_eq!(all.heat.iter().map(|(_, count)| count).collect::<Vec<_>>(), [days - 1, 1]);
        let columns = history.columns();
        assert_eq!(columns.uneven(), None);
        let b = &columns.class_users["B"];
        assert!(b.iter().flatten().all(|users| (6.99..7.01).contains(users)), "{b:?}");
        let short = history.since(days - 5);
        assert_eq!((short.time.len(), short.requests.iter().sum::<u64>()), (5, 50));
        assert_eq!(short.heat, vec![vec![88, 1]; 5]);
        assert_eq!(short.planned.mean, [None; 5]);
    }

    #[test]
    fn reports_that_come_late_land_in_their_second() {
        let mut history = History::default();
        (100..110).for_each(|second| second_of(&mut history, second));
        let mut times = Histogram::<u32>::new();
        times.record(80_000_000);
        history.add_times(104, &times);
        history.add_times(99, &times);
        history.amend(SecondCount { second: 104, requests: 11, failures: 1 });
        second_of(&mut history, 110);
        let columns = history.columns();
        assert_eq!(columns.max.max[4], Some(80.0));
        assert_eq!((columns.requests[4], columns.rate.max[4]), (11, Some(11.0)));
        assert_eq!(columns.heat[4].len(), 4);
        assert_eq!(columns.heat[10].len(), 4, "before the first point: counted with the next one");
    }

    #[test]
    fn documents_are_read_back_as_they_were() {
        let mut history = History::default();
        (990..1_010).for_each(|second| second_of(&mut history, second));
        let columns = history.columns();
        assert_eq!(columns.class_users["B"][..11], [None; 11]);
        let text = serde_json::to_string(&columns).expect("it serialises");
        assert_eq!(serde_json::from_str::<HistoryColumns>(&text).expect("it is valid"), columns);
        let broken = HistoryColumns { p99: GaugeColumns::default(), ..columns };
        assert_eq!(broken.uneven(), Some("p99"));
    }
}
