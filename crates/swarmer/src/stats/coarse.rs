//! Locust's own buckets of response times, for those who compare with old runs and for mixed fleets.
//!
//! They cannot be derived from the fine histogram, whose cells straddle the borders of Locust's, so they are kept
//! beside it on request ([`super::RecorderOptions::coarse`]).

use std::collections::BTreeMap;

use super::histogram::rank;

const MS: u64 = 1_000_000;

/// Locust's bucket for a response time: nearest 1, 10, 100 or 1,000 ms below 0.1, 1, 10 seconds and above, ties to even.
/// Takes nanoseconds, answers in milliseconds.
pub fn locust_bucket(nanos: u64) -> u64 {
    let step = match nanos {
        n if n < 100 * MS => 1,
        n if n < 1_000 * MS => 10,
        n if n < 10_000 * MS => 100,
        _ => 1_000,
    };
    let unit = step * MS;
    let (whole, rest) = (nanos / unit, nanos % unit);
    let up = rest * 2 > unit || (rest * 2 == unit && whole % 2 == 1);
    (whole + u64::from(up)) * step
}

/// Counts per Locust bucket (milliseconds).
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CoarseBuckets {
    counts: BTreeMap<u64, u64>,
    total: u64,
}

impl CoarseBuckets {
    /// Counts one response time in nanoseconds.
    pub fn record(&mut self, nanos: u64) {
        self.add(locust_bucket(nanos), 1);
    }

    /// Adds `count` samples to the bucket of `bucket_ms` milliseconds.
    pub fn add(&mut self, bucket_ms: u64, count: u64) {
        *self.counts.entry(bucket_ms).or_default() += count;
        self.total += count;
    }

    /// Adds every count of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.counts {
            self.add(*bucket, *count);
        }
    }

    /// Hands over what it holds and is empty then; the buckets stay, so that what is counted next allocates nothing.
    pub(super) fn take(&mut self) -> Self {
        let taken = self.iter().filter(|(_, count)| *count > 0).collect();
        self.counts.values_mut().for_each(|count| *count = 0);
        Self { counts: taken, total: std::mem::take(&mut self.total) }
    }

    /// The sum of all counts.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The bucket (ms) that holds the sample of 0-based ascending rank floor(n·p); `None` without samples.
    pub fn percentile(&self, p: f64) -> Option<u64> {
        if self.total == 0 {
            return None;
        }
        let rank = rank(self.total, p);
        let mut seen = 0;
        self.counts.iter().find_map(|(bucket, count)| {
            seen += count;
            (rank < seen).then_some(*bucket)
        })
    }

    /// Buckets (ms) with their counts, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.counts.iter().map(|(bucket, count)| (*bucket, *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed in Locust 2.47: response time in microseconds and the bucket it lands in, in milliseconds.
    #[test]
    fn buckets_are_locusts() {
        let observed = [
            (500, 0),
            (600, 1),
            (1_500, 2),
            (2_500, 2),
            (99_500, 100),
            (104_900, 100),
            (105_000, 100),
            (115_000, 120),
            (145_000, 140),
            (147_000, 150),
            (994_900, 990),
            (995_000, 1_000),
            (1_049_000, 1_000),
            (1_050_000, 1_000),
            (1_150_000, 1_200),
            (3_432_000, 3_400),
            (9_949_000, 9_900),
            (9_950_000, 10_000),
            (10_499_000, 10_000),
            (10_500_000, 10_000),
            (11_500_000, 12_000),
            (58_760_000, 59_000),
        ];
        for (micros, bucket) in observed {
            assert_eq!(locust_bucket(micros * 1_000), bucket, "{micros} µs");
        }
    }

    fn filled(counts: &[(u64, u64)]) -> CoarseBuckets {
        let mut buckets = CoarseBuckets::default();
        for (bucket, count) in counts {
            buckets.add(*bucket, *count);
        }
        buckets
    }

    #[test]
    fn percentiles_are_locusts() {
        let ten = filled(&[(1, 3), (2, 4), (5, 2), (100, 1)]);
        let at = |p| ten.percentile(p);
        assert_eq!([0.5, 0.66, 0.75, 0.8].map(at), [2, 2, 5, 5].map(Some));
        assert_eq!([0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0].map(at), [100; 7].map(Some));
        assert_eq!(filled(&[(10, 1), (20, 1)]).percentile(0.5), Some(20));
        let three = filled(&[(10, 1), (20, 1), (30, 1)]);
        assert_eq!([0.5, 0.66, 0.75].map(|p| three.percentile(p)), [20, 20, 30].map(Some));
        assert_eq!(CoarseBuckets::default().percentile(0.5), None);
    }

    #[test]
    fn a_hundred_seconds_need_371_buckets() {
        let buckets: std::collections::BTreeSet<u64> =
            (0..=100_000).map(|ms| locust_bucket(ms * MS)).collect();
        assert_eq!(buckets.len(), 371);
    }
}
