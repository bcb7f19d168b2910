//! The workload's own metrics: counters, gauges and timings by name, beside the statistics of requests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::histogram::Histogram;
use super::limits;
use super::packed::{COUNT, NAME_BYTES, check_times, ensure};
use super::summary::ms;
use crate::clock::Anchor;

/// The metrics of one recorder since its last hand-over. Once a name is known, adding to it allocates nothing.
#[derive(Debug, Default)]
pub struct Metrics {
    counters: Table<u64>,
    gauges: Table<Option<Gauged>>,
    timings: Table<Histogram<u32>>,
}

type Table<T> = HashMap<Arc<str>, T, foldhash::fast::FixedState>;

/// Values a gauge was set to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Gauged {
    last: f64,
    #[serde(with = "ago")]
    at: Instant,
    min: f64,
    max: f64,
    sum: f64,
    samples: u64,
}

impl Metrics {
    /// Adds to a counter.
    pub fn count(&mut self, name: &str, amount: u64) {
        let counter = entry(&mut self.counters, name);
        *counter = counter.saturating_add(amount);
    }

    /// Sets a gauge; a value that is not finite is ignored.
    pub fn gauge(&mut self, name: &str, value: f64, at: Instant) {
        if !value.is_finite() {
            return;
        }
        let one = Gauged { last: value, at, min: value, max: value, sum: value, samples: 1 };
        let gauge = entry(&mut self.gauges, name);
        *gauge = Some(gauge.map_or(one, |old| old.and(one)));
    }

    /// Adds a duration to a timing.
    pub fn timing(&mut self, name: &str, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        entry(&mut self.timings, name).record(nanos);
    }

    /// Hands over what came in since the last call; names stay.
    pub(super) fn take(&mut self, tidy: bool) -> MetricsDelta {
        let counters = self.counters.iter_mut().filter(|(_, count)| **count > 0);
        let gauges =
            self.gauges.iter_mut().filter_map(|(name, gauge)| Some((name.clone(), gauge.take()?)));
        let timings = self.timings.iter_mut().filter(|(_, times)| !times.is_empty());
        MetricsDelta {
            counters: counters.map(|(name, count)| (name.clone(), std::mem::take(count))).collect(),
            gauges: gauges.collect(),
            timings: timings.map(|(name, times)| (name.clone(), times.take(tidy))).collect(),
        }
    }
}

/// A moment as the seconds that have passed since: clocks of two machines need not agree.
mod ago {
    use std::time::{Duration, Instant};

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(at: &Instant, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(crate::clock::now().saturating_duration_since(*at).as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Instant, D::Error> {
        let now = crate::clock::now();
        let ago = Duration::try_from_secs_f64(f64::deserialize(from)?).unwrap_or_default();
        Ok(now.checked_sub(ago).unwrap_or(now))
    }
}

impl Gauged {
    fn check(&self) -> Result<(), &'static str> {
        let Self { last, min, max, sum, samples, .. } = *self;
        ensure((1..=COUNT).contains(&samples), "a gauge is set too often or never")?;
        ensure(min <= last && last <= max && sum.is_finite(), "a gauge is not between its bounds")?;
        ensure(min.is_finite() && max.is_finite(), "a gauge is not finite")
    }

    /// With the values of `other`; of two last values the later one stays.
    fn and(self, other: Self) -> Self {
        let later = if other.at >= self.at { other } else { self };
        Self {
            last: later.last,
            at: later.at,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            sum: self.sum + other.sum,
            samples: self.samples + other.samples,
        }
    }
}

/// The place of `name`, or of [`limits::OTHER`] when there are too many names.
fn entry<'t, T: Default>(table: &'t mut Table<T>, name: &str) -> &'t mut T {
    let full = table.len() >= limits::METRICS && !table.contains_key(name);
    let name = if full { limits::OTHER } else { name };
    if !table.contains_key(name) {
        table.insert(name.into(), T::default());
    }
    table.get_mut(name).expect("it was put there if it was missing")
}

/// The metrics of one recorder and second.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct MetricsDelta {
    counters: Vec<(Arc<str>, u64)>,
    gauges: Vec<(Arc<str>, Gauged)>,
    timings: Vec<(Arc<str>, Histogram<u32>)>,
}

impl MetricsDelta {
    /// What is impossible about one that came from elsewhere.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let Self { counters, gauges, timings } = self;
        let most = [counters.len(), gauges.len(), timings.len()].into_iter().max();
        ensure(most <= Some(limits::METRICS + 1), "too many metrics")?;
        let names = counters.iter().map(|(name, _)| name);
        let names = names.chain(gauges.iter().map(|(name, _)| name));
        let mut names = names.chain(timings.iter().map(|(name, _)| name));
        ensure(names.all(|name| name.len() <= NAME_BYTES), "a metric's name is too long")?;
        gauges.iter().try_for_each(|(_, gauge)| gauge.check())?;
        timings.iter().try_for_each(|(_, times)| check_times(times))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counters.is_empty() && self.gauges.is_empty() && self.timings.is_empty()
    }
}

/// All metrics of a run, merged.
#[derive(Debug, Default)]
pub(super) struct MergedMetrics(BTreeMap<(Arc<str>, Type), Merged>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Type {
    Counter,
    Gauge,
    Timing,
}

#[derive(Debug)]
enum Merged {
    Counter(u64),
    Gauge(Gauged),
    Timing(Histogram),
}

impl MergedMetrics {
    pub(super) fn merge(&mut self, delta: &MetricsDelta) {
        for (name, count) in &delta.counters {
            if let Merged::Counter(total) = self.place(name, Type::Counter, || Merged::Counter(0)) {
                *total = total.saturating_add(*count);
            }
        }
        for (name, gauge) in &delta.gauges {
            let known = self.0.contains_key(&(name.clone(), Type::Gauge));
            if let Merged::Gauge(all) = self.place(name, Type::Gauge, || Merged::Gauge(*gauge))
                && known
            {
                *all = all.and(*gauge);
            }
        }
        for (name, times) in &delta.timings {
            if let Merged::Timing(all) =
                self.place(name, Type::Timing, || Merged::Timing(Histogram::new()))
            {
                all.merge(times);
            }
        }
    }

    fn place(&mut self, name: &Arc<str>, kind: Type, new: impl FnOnce() -> Merged) -> &mut Merged {
        let key = (name.clone(), kind);
        // Of each type a recorder brings one name more than the cap: that of all others.
        let full = self.0.len() >= 3 * (limits::METRICS + 1) && !self.0.contains_key(&key);
        let key = if full { (limits::OTHER.into(), kind) } else { key };
        self.0.entry(key).or_insert_with(new)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// By name, then type; rates are over `span` seconds.
    pub(super) fn rows(&self, span: f64, anchor: &Anchor) -> Vec<MetricRow> {
        let row = |((name, _), merged): (&(Arc<str>, Type), &Merged)| MetricRow {
            name: name.clone(),
            value: merged.value(span, anchor),
        };
        self.0.iter().map(row).collect()
    }
}

impl Merged {
    #[expect(clippy::cast_precision_loss, reason = "rates and means")]
    fn value(&self, span: f64, anchor: &Anchor) -> MetricValue {
        match self {
            Self::Counter(total) => MetricValue::Counter {
                total: *total,
                per_second: if span > 0.0 { *total as f64 / span } else { 0.0 },
            },
            Self::Gauge(gauge) => MetricValue::Gauge {
                last: gauge.last,
                at: anchor.epoch_seconds(gauge.at),
                min: gauge.min,
                mean: gauge.sum / gauge.samples as f64,
                max: gauge.max,
                samples: gauge.samples,
            },
            Self::Timing(times) => {
                let quantile = |p| times.quantile(p).map_or(0.0, ms);
                MetricValue::Timing {
                    samples: times.count(),
                    min: times.min().map_or(0.0, ms),
                    mean: times.mean().map_or(0.0, |nanos| nanos / 1e6),
                    median: quantile(0.5),
                    p95: quantile(0.95),
                    p99: quantile(0.99),
                    max: times.max().map_or(0.0, ms),
                }
            }
        }
    }
}

/// One metric of the workload's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// Its name. A counter and a gauge of one name are two metrics.
    pub name: Arc<str>,
    /// Its type and figures.
    #[serde(flatten)]
    pub value: MetricValue,
}

/// The figures of a metric, by its type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum MetricValue {
    /// A sum.
    Counter {
        /// All that was added.
        total: u64,
        /// That, per second from the start of the run to now.
        per_second: f64,
    },
    /// A level.
    Gauge {
        /// The value set last, by whichever user.
        last: f64,
        /// When that was, in seconds since the Unix epoch.
        at: f64,
        /// The smallest value set.
        min: f64,
        /// The mean of all values set.
        mean: f64,
        /// The largest value set.
        max: f64,
        /// How often it was set.
        samples: u64,
    },
    /// Durations, in milliseconds; percentiles as those of requests.
    Timing {
        /// How many.
        samples: u64,
        /// The shortest, exactly.
        min: f64,
        /// The mean, exactly.
        mean: f64,
        /// Half of them are as short or shorter.
        median: f64,
        /// The 95th percentile.
        p95: f64,
        /// The 99th percentile.
        p99: f64,
        /// The longest, exactly.
        max: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorders_merge_to_what_one_would_have_counted() {
        let anchor = Anchor::now();
        let now = crate::clock::now();
        let mut merged = MergedMetrics::default();
        let (mut a, mut b) = (Metrics::default(), Metrics::default());
        a.count("orders", 2);
        b.count("orders", 3);
        a.gauge("queue", 5.0, now + Duration::from_secs(2));
        b.gauge("queue", 1.0, now);
        a.gauge("queue", f64::NAN, now);
        a.timing("render", Duration::from_millis(10));
        b.timing("render", Duration::from_millis(30));
        for recorder in [&mut a, &mut b] {
            merged.merge(&recorder.take(false));
            assert!(recorder.take(false).is_empty(), "taken once");
        }
        let rows = merged.rows(10.0, &anchor);
        assert_eq!(rows[0].value, MetricValue::Counter { total: 5, per_second: 0.5 });
        let MetricValue::Gauge { last, min, mean, max, samples, .. } = rows[1].value else {
            panic!("{rows:?}")
        };
        assert_eq!((last, min, mean, max, samples), (5.0, 1.0, 3.0, 5.0, 2));
        let MetricValue::Timing { samples, min, mean, max, .. } = rows[2].value else {
            panic!("{rows:?}")
        };
        assert_eq!((samples, min, mean, max), (2, 10.0, 20.0, 30.0));
    }

    #[test]
    fn names_are_bounded() {
        let mut metrics = Metrics::default();
        for number in 0..limits::METRICS + 50 {
            metrics.count(&number.to_string(), 1);
        }
        let mut merged = MergedMetrics::default();
        merged.merge(&metrics.take(false));
        let rows = merged.rows(1.0, &Anchor::now());
        assert!(rows.len() <= limits::METRICS + 1);
        let other = rows.iter().find(|row| *row.name == *limits::OTHER).expect("a row");
        assert_eq!(other.value, MetricValue::Counter { total: 50, per_second: 50.0 });
    }
}
