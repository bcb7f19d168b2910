//! Response times in coarse bands: what a heat map and lines in a terminal can show, in a fixed and small space.
//!
//! A band is an eighth of an octave, so its edges are 9 % apart: finer than a row of a terminal, and 232 of them reach
//! from 8 µs to 73 minutes. Counts of bands add up exactly, so points in time can be united.

use crate::stats::Histogram;

/// Bands per octave.
const PER_OCTAVE: usize = 8;
/// What is below this octave (2^13 ns = 8.2 µs) falls into the first band.
const FIRST_OCTAVE: usize = 13;
/// Number of bands.
pub(crate) const BANDS: usize = (42 - FIRST_OCTAVE) * PER_OCTAVE;

/// Counts of response times by band.
#[derive(Clone, PartialEq)]
pub(crate) struct Bands(Box<[u64; BANDS]>);

impl std::fmt::Debug for Bands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Default for Bands {
    fn default() -> Self {
        Self(Box::new([0; BANDS]))
    }
}

impl Bands {
    /// The counts of a histogram of nanoseconds.
    pub(crate) fn of(times: &Histogram) -> Self {
        let mut bands = Self::default();
        for (nanos, count) in times.iter() {
            bands.0[band_of(nanos)] += count;
        }
        bands
    }

    /// What has come since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let mut bands = self.clone();
        for (mine, theirs) in bands.0.iter_mut().zip(earlier.0.iter()) {
            *mine = mine.saturating_sub(*theirs);
        }
        bands
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0.iter()) {
            *mine += theirs;
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Bands that hold something, ascending: (band, count).
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.0.iter().copied().enumerate().filter(|(_, count)| *count > 0)
    }

    /// The middle, in milliseconds, of the band with 0-based rank floor(n·p): off by at most 4.5 %.
    pub(crate) fn quantile(&self, p: f64) -> Option<f64> {
        let total = self.total();
        if total == 0 {
            return None;
        }
        let rank = crate::stats::rank(total, p);
        let mut seen = 0;
        let band = self.iter().find(|(_, count)| {
            seen += count;
            rank < seen
        });
        band.map(|(band, _)| edge(band as f64 + 0.5))
    }
}

/// Where a band begins, in milliseconds; fractions lie between two edges.
pub(crate) fn edge(band: f64) -> f64 {
    (FIRST_OCTAVE as f64 + band / PER_OCTAVE as f64).exp2() / 1e6
}

fn band_of(nanos: u64) -> usize {
    let position = ((nanos.max(1) as f64).log2() - FIRST_OCTAVE as f64) * PER_OCTAVE as f64;
    // A cast from float saturates: what is below the first band becomes 0.
    (position as usize).min(BANDS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_between_the_edges_of_their_band() {
        for nanos in [8_192, 10_000, 123_456, 1_000_000, 45_678_901, 3_600_000_000_000_u64] {
            let (band, ms) = (band_of(nanos), nanos as f64 / 1e6);
            assert!(edge(band as f64) <= ms && ms < edge(band as f64 + 1.0), "{nanos}");
        }
        assert_eq!((band_of(0), band_of(8_000), band_of(u64::MAX)), (0, 0, BANDS - 1));
    }

    #[test]
    fn quantiles_are_those_of_the_histogram_within_half_a_band() {
        let mut times = Histogram::new();
        (1..=1000_u64).for_each(|ms| times.record(ms * 1_000_000));
        let bands = Bands::of(&times);
        assert_eq!(bands.total(), 1000);
        for p in [0.0, 0.5, 0.95, 0.99, 1.0] {
            let exact = times.quantile(p).unwrap() as f64 / 1e6;
            let ratio = bands.quantile(p).unwrap() / exact;
            assert!((0.955..1.046).contains(&ratio), "P({p}): {ratio}");
        }
        assert_eq!(Bands::default().quantile(0.5), None);
    }

    #[test]
    fn differences_and_sums_undo_each_other() {
        let mut times = Histogram::new();
        times.record(5_000_000);
        let earlier = Bands::of(&times);
        times.record(7_000_000);
        let later = Bands::of(&times);
        let mut sum = later.since(&earlier);
        assert_eq!(sum.total(), 1);
        sum.add(&earlier);
        assert_eq!(sum, later);
    }
}
