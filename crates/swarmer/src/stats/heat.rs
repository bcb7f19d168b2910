//! Response times in bands, four to an octave and linear within it: what a heat map shows of one stretch of time.

use super::histogram::{Count, Histogram};

/// The band that holds `nanos`: its octave, then the quarter of it. What is below 4 ns falls into the first band, 8.
///
/// Band `b` begins at `(4 + (b & 3)) << ((b >> 2) - 2)` nanoseconds.
#[expect(clippy::cast_possible_truncation, reason = "at most 63 · 4 + 3")]
pub(super) fn band(nanos: u64) -> u8 {
    let nanos = nanos.max(4);
    let octave = nanos.ilog2();
    (octave << 2) as u8 | ((nanos >> (octave - 2)) & 3) as u8
}

/// Counts of response times by band; only occupied bands take space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heat(Vec<(u8, u64)>);

impl Heat {
    /// Adds every value of a histogram of nanoseconds.
    pub(super) fn add<C: Count>(&mut self, times: &Histogram<C>) {
        // Both ascend, so the place of a cell is where that of the cell before was, or after it.
        let mut at = 0;
        for (nanos, count) in times.iter() {
            let band = band(nanos);
            while self.0.get(at).is_some_and(|(known, _)| *known < band) {
                at += 1;
            }
            self.add_at(at, band, count);
        }
    }

    /// Adds every count of `other`.
    pub(super) fn merge(&mut self, other: &Self) {
        let mut at = 0;
        for &(band, count) in &other.0 {
            while self.0.get(at).is_some_and(|(known, _)| *known < band) {
                at += 1;
            }
            self.add_at(at, band, count);
        }
    }

    fn add_at(&mut self, at: usize, band: u8, count: u64) {
        match self.0.get_mut(at) {
            Some((known, sum)) if *known == band => *sum = sum.saturating_add(count),
            _ => self.0.insert(at, (band, count)),
        }
    }

    /// Occupied bands and their counts, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        self.0.iter().copied()
    }

    /// Gives back the memory that is not used.
    pub(super) fn settle(&mut self) {
        self.0.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(band: u8) -> u64 {
        (4 + u64::from(band & 3)) << ((band >> 2) - 2)
    }

    #[test]
    fn bands_have_no_gap_and_no_overlap() {
        assert_eq!((band(0), band(3), band(4), start(8)), (8, 8, 8, 4));
        for b in 8..u8::MAX {
            assert_eq!((band(start(b)), band(start(b + 1) - 1)), (b, b), "band {b}");
        }
        assert_eq!(band(u64::MAX), u8::MAX);
        assert_eq!(band(1_500_000), 81, "1.31 to 1.57 ms");
        assert_eq!((start(81), start(82)), (1_310_720, 1_572_864));
    }

    #[test]
    fn sums_do_not_hang_on_the_order() {
        let (mut one, mut other) = (Histogram::<u32>::new(), Histogram::<u32>::new());
        for nanos in [5_000_000, 90, 5_100_000, 4_000] {
            one.record(nanos);
        }
        for nanos in [7, 5_000_000, 900_000_000] {
            other.record(nanos);
        }
        let mut heat = Heat::default();
        heat.add(&one);
        heat.add(&other);
        let (mut a, mut b) = (Heat::default(), Heat::default());
        a.add(&other);
        b.add(&one);
        a.merge(&b);
        assert_eq!(a, heat);
        assert_eq!(heat.iter().map(|(_, count)| count).sum::<u64>(), 7);
        assert!(heat.iter().map(|(band, _)| band).is_sorted());
    }
}
