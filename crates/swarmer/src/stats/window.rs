//! The last ten seconds of a row: rates and percentiles "now".

use std::collections::VecDeque;

use super::coarse::CoarseBuckets;
use super::delta::{RowDelta, SecondCount};
use super::histogram::Histogram;

/// Length of the window in seconds.
pub(super) const WINDOW: u64 = 10;
/// The newest seconds are left out of rates, because not every report for them is in.
const UNSETTLED: u64 = 2;
/// Seconds of counts that are kept: the window, what is unsettled, and room for late reports.
const KEPT: usize = 32;

/// Completions per second of calendar time, for the most recent seconds.
#[derive(Clone, Debug)]
pub(super) struct Seconds([SecondCount; KEPT]);

impl Default for Seconds {
    fn default() -> Self {
        Self([SecondCount::default(); KEPT])
    }
}

impl Seconds {
    /// Adds counts; a report so late that its second's place is taken counts for no rate any more.
    pub(super) fn add(&mut self, count: &SecondCount) {
        let slot = &mut self.0[Self::place(count.second)];
        if slot.second < count.second {
            *slot = *count;
        } else if slot.second == count.second {
            slot.requests += count.requests;
            slot.failures += count.failures;
        }
    }

    /// Counts of one second.
    pub(super) fn get(&self, second: u64) -> SecondCount {
        let slot = self.0[Self::place(second)];
        if slot.second == second { slot } else { SecondCount { second, ..SecondCount::default() } }
    }

    /// Mean requests and failures per second over the settled seconds of the window before `now`, but not before `start`.
    #[expect(clippy::cast_precision_loss, reason = "counts of ten seconds")]
    pub(super) fn rates(&self, now: u64, start: u64) -> (f64, f64) {
        let to = now.saturating_sub(UNSETTLED);
        let from = to.saturating_sub(WINDOW).max(start);
        if from >= to {
            return (0.0, 0.0);
        }
        let (requests, failures) = (from..to)
            .map(|second| self.get(second))
            .fold((0, 0), |sum, count| (sum.0 + count.requests, sum.1 + count.failures));
        let seconds = (to - from) as f64;
        (requests as f64 / seconds, failures as f64 / seconds)
    }

    fn place(second: u64) -> usize {
        usize::try_from(second % KEPT as u64).expect("smaller than KEPT")
    }
}

/// Response times of a window, put together anew for each summary.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) times: Histogram,
    pub(super) coarse: CoarseBuckets,
}

impl Scratch {
    pub(super) fn clear(&mut self) {
        self.times.clear();
        self.coarse = CoarseBuckets::default();
    }
}

/// Cells of a slice that are not worth looking for equal ones.
const FEW: usize = 256;

/// Response times of the last seconds, kept as occupied cells only: an idle row costs nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Window(VecDeque<Slice>);

/// The response times of reports, filed under their newest second.
#[derive(Clone, Debug)]
struct Slice {
    second: u64,
    min: u64,
    max: u64,
    /// In any order; a cell may occur more than once.
    cells: Vec<(u16, u32)>,
    /// Of those, the first so many have been added up.
    united: usize,
    coarse: Option<CoarseBuckets>,
}

impl Slice {
    /// Adds cells. Hundreds of workers fill the same ones: what they report must not stand here hundreds of times.
    fn add(&mut self, cells: impl Iterator<Item = (u16, u32)>) {
        self.cells.extend(cells);
        if self.cells.len() > 2 * self.united + FEW {
            self.cells.sort_unstable_by_key(|(cell, _)| *cell);
            self.cells.dedup_by(|(cell, count), (kept, sum)| {
                // Two that together are more than can be counted stay two.
                let all = sum.checked_add(*count).filter(|_| cell == kept);
                *sum = all.unwrap_or(*sum);
                all.is_some()
            });
            self.united = self.cells.len();
        }
    }
}

impl Window {
    pub(super) fn add(&mut self, delta: &RowDelta) {
        let newest = delta.seconds.iter().map(|count| count.second).max();
        let (Some(second), Some(min), Some(max)) = (newest, delta.times.min(), delta.times.max())
        else {
            return;
        };
        let cells = delta
            .times
            .cells()
            .map(|(cell, count)| (cell, u32::try_from(count).unwrap_or(u32::MAX)));
        if let Some(slice) = self.0.iter_mut().find(|slice| slice.second == second) {
            slice.add(cells);
            slice.min = slice.min.min(min);
            slice.max = slice.max.max(max);
            if let (Some(mine), Some(theirs)) = (&mut slice.coarse, &delta.coarse) {
                mine.merge(theirs);
            }
        } else {
            self.prune(second);
            let coarse = delta.coarse.clone();
            let cells = cells.collect();
            self.0.push_back(Slice { second, min, max, cells, united: 0, coarse });
        }
    }

    /// Drops what is older than the window at second `now`.
    pub(super) fn prune(&mut self, now: u64) {
        self.0.retain(|slice| slice.second + WINDOW > now);
    }

    /// Adds the response times of the window at second `now`, without their sum.
    pub(super) fn fill(&self, now: u64, into: &mut Scratch) {
        let Scratch { times, coarse } = into;
        for slice in self.0.iter().filter(|slice| slice.second + WINDOW > now) {
            for (cell, count) in &slice.cells {
                times.add_cell(*cell, *count);
            }
            times.widen(slice.min, slice.max);
            if let Some(theirs) = &slice.coarse {
                coarse.merge(theirs);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_cells_of_many_reports_are_added_up_and_none_is_lost() {
        let mut slice =
            Slice { second: 1, min: 1, max: 1, cells: Vec::new(), united: 0, coarse: None };
        for report in 0..1_000_u16 {
            slice.add((0..20).map(|cell| (cell * 3 + report % 3, 2)));
            assert!(slice.cells.len() <= 2 * 60 + FEW, "{} cells", slice.cells.len());
        }
        let sum: u64 = slice.cells.iter().map(|(_, count)| u64::from(*count)).sum();
        assert_eq!(sum, 40_000);
    }

    #[test]
    fn counts_that_do_not_fit_into_one_stay_apart() {
        let mut slice =
            Slice { second: 1, min: 1, max: 1, cells: Vec::new(), united: 0, coarse: None };
        slice.add((0..300).map(|_| (7, u32::MAX / 2)));
        let sum: u64 = slice.cells.iter().map(|(_, count)| u64::from(*count)).sum();
        assert_eq!(sum, 300 * u64::from(u32::MAX / 2));
    }
}
