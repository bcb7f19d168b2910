//! The course of a run over time, in a bounded number of points that never loses a peak.
//!
//! The newest [`RECENT`] seconds are kept one by one. What leaves them goes into the past, where a point spans a power of
//! two of seconds: whenever the past holds [`PAST`] points, neighbours are united in pairs and the span doubles. Sums add
//! up, gauges keep minimum, mean and maximum, so a month has the same size as an hour and shows the same peaks.

use std::collections::VecDeque;

use serde::Serialize;

use super::delta::SecondCount;

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
    fn unite(self, other: Self) -> Self {
        if self.observations == 0 || other.observations == 0 {
            return if self.observations == 0 { other } else { self };
        }
        let observations = self.observations + other.observations;
        let share = other.observations as f64 / observations as f64;
        Self {
            min: self.min.min(other.min),
            mean: self.mean + (other.mean - self.mean) * share,
            max: self.max.max(other.max),
            observations,
        }
    }
}

/// One point of the history: one second, or several that were united.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
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
    /// 50th percentile of the ten-second window, milliseconds.
    pub p50: Gauge,
    /// 95th percentile of the ten-second window, milliseconds.
    pub p95: Gauge,
    /// Mean response time since the start, milliseconds.
    pub mean: Gauge,
}

impl HistoryPoint {
    #[expect(clippy::cast_precision_loss, reason = "requests of one second")]
    pub(super) fn set_counts(&mut self, count: SecondCount) {
        (self.requests, self.failures) = (count.requests, count.failures);
        self.rate = Gauge::of(Some(count.requests as f64));
        self.failure_rate = Gauge::of(Some(count.failures as f64));
    }

    fn unite(self, later: Self) -> Self {
        Self {
            time: self.time,
            span: later.time + later.span - self.time,
            requests: self.requests + later.requests,
            failures: self.failures + later.failures,
            rate: self.rate.unite(later.rate),
            failure_rate: self.failure_rate.unite(later.failure_rate),
            users: self.users.unite(later.users),
            p50: self.p50.unite(later.p50),
            p95: self.p95.unite(later.p95),
            mean: self.mean.unite(later.mean),
        }
    }
}

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct History {
    past: Vec<HistoryPoint>,
    /// How many points of single seconds one point of the past unites.
    points_per_past: usize,
    /// The last point of the past may still be incomplete: how many it unites.
    in_last: usize,
    recent: VecDeque<HistoryPoint>,
}

impl Default for History {
    fn default() -> Self {
        Self { past: Vec::new(), points_per_past: 1, in_last: 1, recent: VecDeque::new() }
    }
}

impl History {
    /// All points, oldest first.
    pub fn points(&self) -> impl Iterator<Item = &HistoryPoint> {
        self.past.iter().chain(&self.recent)
    }

    /// The latest second that has a point.
    pub(super) fn latest(&self) -> Option<u64> {
        self.recent.back().map(|point| point.time)
    }

    /// The point of one recent second.
    pub(super) fn recent_mut(&mut self, second: u64) -> Option<&mut HistoryPoint> {
        let at = self.recent.binary_search_by_key(&second, |point| point.time).ok()?;
        self.recent.get_mut(at)
    }

    /// Appends a point; its time must be later than the latest one's.
    pub(super) fn push(&mut self, point: HistoryPoint) {
        debug_assert!(self.latest().is_none_or(|latest| latest < point.time), "time goes on");
        self.recent.push_back(point);
        if self.recent.len() > RECENT
            && let Some(old) = self.recent.pop_front()
        {
            self.push_past(old);
        }
    }

    fn push_past(&mut self, point: HistoryPoint) {
        match self.past.last_mut() {
            Some(last) if self.in_last < self.points_per_past => {
                *last = last.unite(point);
                self.in_last += 1;
            }
            _ => {
                if self.past.len() >= PAST {
                    self.halve();
                }
                self.past.push(point);
                self.in_last = 1;
            }
        }
    }

    fn halve(&mut self) {
        let pairs = self.past.chunks(2).map(|pair| match pair {
            [first, second] => first.unite(*second),
            single => single[0],
        });
        self.past = pairs.collect();
        self.points_per_past *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(second: u64) -> HistoryPoint {
        let mut point = HistoryPoint { time: second, span: 1, ..HistoryPoint::default() };
        let requests = if second == 70_000 { 9_000 } else { 10 };
        point.set_counts(SecondCount { second, requests, failures: 1 });
        point.users = Gauge::of(Some(if second == 50 { 1.0 } else { 100.0 }));
        point.p95 = Gauge::of((second > 5).then_some(20.0));
        point
    }

    #[test]
    fn a_month_stays_small_and_keeps_sums_and_peaks() {
        let mut history = History::default();
        let month = 30 * 86_400;
        for second in 0..month {
            history.push(point(second));
            assert!(history.past.len() <= PAST && history.recent.len() <= RECENT);
        }
        let all = history.points().copied().reduce(HistoryPoint::unite).unwrap();
        assert_eq!((all.time, all.span), (0, month));
        assert_eq!((all.requests, all.failures), (month * 10 + 8_990, month));
        assert_eq!((all.rate.min, all.rate.max), (10.0, 9_000.0));
        assert_eq!((all.users.min, all.users.max), (1.0, 100.0));
        assert!((all.users.mean - 100.0).abs() < 0.01);
        assert_eq!(all.p95.observations, month - 6);
        let times: Vec<_> = history.points().map(|p| (p.time, p.span)).collect();
        assert!(times.windows(2).all(|w| w[0].0 + w[0].1 == w[1].0), "no holes, no overlaps");
        assert!(history.recent.iter().all(|point| point.span == 1));
        assert!(history.past.len() >= PAST / 2, "resolution is only given up when it must be");
    }
}
