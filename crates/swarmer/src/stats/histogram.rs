//! The histogram of response times: log-linear, paged, exactly mergeable.
//!
//! # Layout and error bound
//! Values are whole nanoseconds. Every octave (from 2^k to 2^(k+1)) is cut into 512 equal cells, so a cell is at most
//! 1/512 of its smallest value wide; a cell answers with its middle, hence a reported value is off by at most
//! 1/1024 = 0.098 % (the layout is that of Gil Tene's HDR histogram; the bound follows from the cell width alone).
//! Below 1,024 ns a cell is one nanosecond and the answer is exact. Values above [`MAX_TRACKED`] (73 minutes) are
//! counted in the last cell; their exact maximum is kept.
//!
//! # Memory
//! 17,408 cells would be 68 KiB a row; real rows touch a few octaves. Cells are therefore allocated in pages of 128
//! when first touched, as `u32` in the deltas of driver threads and as `u64` in merged figures.

use serde::{Deserialize, Serialize};

use super::interval;

/// Cells per octave, as a power of two.
const SUB_BITS: u32 = 9;
const SUB: u64 = 1 << SUB_BITS;
/// The highest octave that has cells of its own: 2^41..2^42 ns.
const TOP_OCTAVE: u32 = 41;
/// The largest value (ns) that has a cell of its own: 73.3 minutes. Larger ones share the last cell.
pub const MAX_TRACKED: u64 = (1 << (TOP_OCTAVE + 1)) - 1;
/// Number of cells of a full histogram.
pub(crate) const CELLS: usize = ((TOP_OCTAVE - SUB_BITS + 2) << SUB_BITS) as usize;
const PAGE: usize = 128;
const PAGES: usize = CELLS / PAGE;

/// What a cell counts with: `u32` in short-lived deltas, `u64` in merged figures.
pub trait Count: Copy + Default + Send + Sync + 'static {
    /// `self + other`, stopping at the type's maximum.
    fn add(&mut self, other: u64);
    /// The count as the widest type.
    fn get(self) -> u64;
}

impl Count for u32 {
    #[inline]
    fn add(&mut self, other: u64) {
        *self = self.saturating_add(u32::try_from(other).unwrap_or(u32::MAX));
    }
    #[inline]
    fn get(self) -> u64 {
        u64::from(self)
    }
}

impl Count for u64 {
    #[inline]
    fn add(&mut self, other: u64) {
        *self = self.saturating_add(other);
    }
    #[inline]
    fn get(self) -> u64 {
        self
    }
}

/// The cell that holds `nanos`.
#[inline]
fn cell_of(nanos: u64) -> usize {
    let value = nanos.min(MAX_TRACKED);
    // `| SUB` makes every value below 2^10 use width 1, without a branch.
    let shift = (u64::BITS - 1 - (value | SUB).leading_zeros()) - SUB_BITS;
    // At most CELLS, far below any usize.
    #[expect(clippy::cast_possible_truncation, reason = "at most CELLS = 17,408")]
    let cell = ((u64::from(shift) << SUB_BITS) + (value >> shift)) as usize;
    cell
}

/// The value a cell answers with: its middle.
fn middle_of(cell: usize) -> u64 {
    let cell = cell as u64;
    let shift = (cell >> SUB_BITS).saturating_sub(1);
    let lower = (cell - (shift << SUB_BITS)) << shift;
    lower + ((1 << shift) - 1) / 2
}

/// A histogram of durations in nanoseconds; see the module's documentation for layout and error bound.
///
/// Merging is exact: any order and grouping of merges gives the histogram that recording all values into one would.
#[derive(Clone, Debug)]
pub struct Histogram<C: Count = u64> {
    /// Empty until the first value, then one slot per page.
    pages: Vec<Option<Box<[C; PAGE]>>>,
    count: u64,
    /// In nanoseconds. 64 bits would overflow within hours when very many users wait at once.
    sum: u128,
    min: u64,
    max: u64,
}

impl<C: Count> Default for Histogram<C> {
    fn default() -> Self {
        Self { pages: Vec::new(), count: 0, sum: 0, min: u64::MAX, max: 0 }
    }
}

impl<C: Count> Histogram<C> {
    /// An empty histogram; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one value in nanoseconds. Allocates only when it touches a page for the first time.
    #[inline]
    pub fn record(&mut self, nanos: u64) {
        self.count += 1;
        self.sum += u128::from(nanos);
        self.min = self.min.min(nanos);
        self.max = self.max.max(nanos);
        let cell = cell_of(nanos);
        match self.pages.get_mut(cell / PAGE) {
            Some(Some(page)) => page[cell % PAGE].add(1),
            _ => self.add_to_new_page(cell, 1),
        }
    }

    #[cold]
    fn add_to_new_page(&mut self, cell: usize, count: u64) {
        if self.pages.is_empty() {
            self.pages.resize_with(PAGES, || None);
        }
        let page = self.pages[cell / PAGE].get_or_insert_with(|| Box::new([C::default(); PAGE]));
        page[cell % PAGE].add(count);
    }

    /// Adds every value of `other`.
    pub fn merge<D: Count>(&mut self, other: &Histogram<D>) {
        if other.count == 0 {
            return;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        if self.pages.is_empty() {
            self.pages.resize_with(PAGES, || None);
        }
        for (mine, theirs) in self.pages.iter_mut().zip(&other.pages) {
            let Some(theirs) = theirs else { continue };
            let mine = mine.get_or_insert_with(|| Box::new([C::default(); PAGE]));
            for (to, from) in mine.iter_mut().zip(theirs.iter()) {
                to.add(from.get());
            }
        }
    }

    /// Adds `count` values of one cell, without touching minimum, maximum and sum (see [`Self::widen`]).
    pub(crate) fn add_cell(&mut self, cell: u16, count: u32) {
        let (cell, count) = (usize::from(cell), u64::from(count));
        self.count += count;
        match self.pages.get_mut(cell / PAGE) {
            Some(Some(page)) => page[cell % PAGE].add(count),
            _ => self.add_to_new_page(cell, count),
        }
    }

    /// Widens the exact bounds, for values that were added by [`Self::add_cell`].
    pub(crate) fn widen(&mut self, min: u64, max: u64) {
        self.min = self.min.min(min);
        self.max = self.max.max(max);
    }

    /// As many values as buckets hold, each at its bucket (milliseconds), but for one at the minimum and one at the
    /// maximum, which are known exactly, as is the sum (nanoseconds). What contradicts the buckets gives way.
    pub(super) fn from_buckets(
        buckets: &super::CoarseBuckets,
        sum: u128,
        min: Option<u64>,
        max: Option<u64>,
    ) -> Self {
        let nanos = |ms: u64| ms.saturating_mul(1_000_000);
        let mut counts: Vec<(u64, u64)> =
            buckets.iter().filter(|(_, n)| *n > 0).map(|(ms, n)| (nanos(ms), n)).collect();
        let mut histogram = Self::new();
        let (Some((lowest, _)), Some((highest, _))) = (counts.first(), counts.last()) else {
            return histogram;
        };
        let max = max.unwrap_or(*highest);
        let mut min = min.unwrap_or(*lowest).min(max);
        let mut add = |value: u64, count: u64| {
            histogram.count = histogram.count.saturating_add(count);
            if count > 0 {
                histogram.add_to_new_page(cell_of(value), count);
            }
        };
        if let [(_, 1)] = counts[..] {
            min = max;
            add(max, 1);
            counts.clear();
        }
        for (value, taken) in [(min, 0), (max, counts.len().saturating_sub(1))] {
            if let Some((_, count)) = counts.get_mut(taken) {
                *count -= 1;
                add(value, 1);
            }
        }
        for (value, count) in counts {
            add(value.clamp(min, max), count);
        }
        histogram.widen(min, max);
        let n = u128::from(histogram.count);
        histogram.sum = sum.clamp(n * u128::from(min), n * u128::from(max));
        histogram
    }

    /// Empties the histogram; pages stay allocated.
    pub fn clear(&mut self) {
        for page in self.pages.iter_mut().flatten() {
            page.fill(C::default());
        }
        *self = Self { pages: std::mem::take(&mut self.pages), ..Self::default() };
    }

    /// Hands over what it holds and is empty then. Its pages stay, so that what is recorded next allocates nothing; with
    /// `tidy` those that held nothing are given back.
    pub(super) fn take(&mut self, tidy: bool) -> Self {
        let mut taken = Self { pages: Vec::new(), ..*self };
        if self.count > 0 {
            taken.pages.resize_with(self.pages.len(), || None);
        }
        for (page, to) in self.pages.iter_mut().zip(&mut taken.pages) {
            let Some(cells) = page else { continue };
            if cells.iter().any(|cell| cell.get() > 0) {
                *to = Some(cells.clone());
                cells.fill(C::default());
            } else if tidy {
                *page = None;
            }
        }
        *self = Self { pages: std::mem::take(&mut self.pages), ..Self::default() };
        taken
    }

    /// Number of values recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// True when nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Exact sum of all values in nanoseconds.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// Exact smallest value in nanoseconds.
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// Exact largest value in nanoseconds.
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// Exact mean in nanoseconds.
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no more than 53 bits")]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The value of 0-based ascending rank floor(n·p), in nanoseconds, clamped to the exact bounds; `p` in 0..=1.
    ///
    /// The first and the last rank answer with the exact minimum and maximum.
    pub fn quantile(&self, p: f64) -> Option<u64> {
        let mut out = [None];
        self.quantiles(&[p], &mut out);
        out[0]
    }

    /// Several quantiles in one pass: `ps` ascending, one answer each into `out` (`None` when empty).
    pub fn quantiles(&self, ps: &[f64], out: &mut [Option<u64>]) {
        debug_assert!(ps.is_sorted(), "quantiles are found in one ascending pass");
        out.fill(None);
        if self.count == 0 {
            return;
        }
        let mut wanted = ps.iter().zip(out).map(|(p, slot)| (rank(self.count, *p), slot));
        let mut seen = 0;
        let mut next = wanted.next();
        for (value, count) in self.iter() {
            seen += count;
            while let Some((rank, slot)) = next.take_if(|(rank, _)| *rank < seen) {
                *slot = Some(self.exact_ends(rank, value));
                next = wanted.next();
            }
            if next.is_none() {
                return;
            }
        }
        // Only reachable when a 32-bit cell was saturated: the missing values are the largest known.
        for (_, slot) in next.into_iter().chain(wanted) {
            *slot = Some(self.max);
        }
    }

    /// The values between which the true `p`-quantile lies with at least this confidence (0.95, say), in nanoseconds: by
    /// order statistics, so nothing is supposed of the distribution. The upper end is `None` where there are too few
    /// values to tell, as 400 are for the 99.9th percentile; the lower end is then still true. `None` when there is no
    /// value, or `p` or `confidence` is not between 0 and 1.
    pub fn quantile_interval(&self, p: f64, confidence: f64) -> Option<(u64, Option<u64>)> {
        if self.count == 0 || !(0.0..=1.0).contains(&p) || p <= 0.0 || p >= 1.0 {
            return None;
        }
        let (lower, upper) = interval::ranks(self.count, p, confidence);
        Some((lower.map_or(0, |rank| self.at(rank)), upper.map(|rank| self.at(rank))))
    }

    /// The value of a 0-based ascending rank.
    fn at(&self, rank: u64) -> u64 {
        let mut seen = 0;
        let cell = self.iter().find(|(_, count)| {
            seen += count;
            rank < seen
        });
        cell.map_or(self.max, |(middle, _)| self.exact_ends(rank, middle))
    }

    fn exact_ends(&self, rank: u64, middle: u64) -> u64 {
        match rank {
            0 => self.min,
            last if last + 1 == self.count => self.max,
            _ => middle.clamp(self.min, self.max),
        }
    }

    /// Occupied cells in ascending order: (middle of the cell in nanoseconds, count).
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.cells().map(|(cell, count)| (middle_of(usize::from(cell)), count))
    }

    /// Occupied cells in ascending order: (cell number, count).
    pub(crate) fn cells(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.pages.iter().enumerate().filter_map(|(at, page)| Some((at, page.as_ref()?))).flat_map(
            |(at, page)| {
                page.iter().enumerate().filter(|(_, count)| count.get() > 0).map(
                    move |(offset, count)| {
                        #[expect(clippy::cast_possible_truncation, reason = "below CELLS")]
                        let cell = (at * PAGE + offset) as u16;
                        (cell, count.get())
                    },
                )
            },
        )
    }

    /// Bytes of memory that belong to this histogram, beyond its own struct.
    pub fn heap_bytes(&self) -> usize {
        self.pages.capacity() * size_of::<Option<Box<[C; PAGE]>>>()
            + self.pages.iter().flatten().count() * size_of::<[C; PAGE]>()
    }
}

/// Locust's rank rule: the 0-based ascending rank floor(n·p), at most n − 1. The floor is that of the
/// floating-point product, as there. `n` must be positive.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the rule is defined on the floating-point product; casts from float saturate"
)]
pub(crate) fn rank(n: u64, p: f64) -> u64 {
    ((n as f64 * p) as u64).min(n - 1)
}

/// Two histograms are equal when they hold the same counts, whatever pages they have allocated.
impl<C: Count, D: Count> PartialEq<Histogram<D>> for Histogram<C> {
    fn eq(&self, other: &Histogram<D>) -> bool {
        (self.count, self.sum, self.min, self.max) == (other.count, other.sum, other.min, other.max)
            && self.cells().eq(other.cells())
    }
}

/// The transport form: only occupied cells travel.
#[derive(Serialize, Deserialize)]
struct Sparse {
    /// High and low 64 bits of the sum in nanoseconds.
    sum: (u64, u64),
    min: u64,
    max: u64,
    cells: Vec<(u16, u64)>,
}

impl<C: Count> Serialize for Histogram<C> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::cast_possible_truncation, reason = "the sum is split into its halves")]
        let sum = ((self.sum >> 64) as u64, self.sum as u64);
        Sparse { sum, min: self.min().unwrap_or(0), max: self.max, cells: self.cells().collect() }
            .serialize(serializer)
    }
}

/// Refuses what no recording can produce: unknown cells, cells out of order, empty cells, bounds that contradict them.
impl<'de, C: Count> Deserialize<'de> for Histogram<C> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sparse = Sparse::deserialize(deserializer)?;
        Self::from_sparse(&sparse).map_err(serde::de::Error::custom)
    }
}

impl<C: Count> Histogram<C> {
    fn count_of(&self, cell: u16) -> u64 {
        let cell = usize::from(cell);
        let page = self.pages.get(cell / PAGE).and_then(Option::as_ref);
        page.map_or(0, |page| page[cell % PAGE].get())
    }

    fn from_sparse(sparse: &Sparse) -> Result<Self, &'static str> {
        let mut histogram = Self::new();
        let (Some(&(first, _)), Some(&(last, _))) = (sparse.cells.first(), sparse.cells.last())
        else {
            return Ok(histogram);
        };
        if !sparse.cells.is_sorted_by(|a, b| a.0 < b.0) {
            return Err("histogram cells must ascend");
        }
        if usize::from(last) >= CELLS {
            return Err("histogram cell beyond the last one");
        }
        if cell_of(sparse.min) != usize::from(first) || cell_of(sparse.max) != usize::from(last) {
            return Err("histogram bounds contradict its cells");
        }
        for &(cell, count) in &sparse.cells {
            if count == 0 {
                return Err("histogram cell without a count");
            }
            histogram.count =
                histogram.count.checked_add(count).ok_or("histogram counts overflow")?;
            histogram.add_to_new_page(usize::from(cell), count);
            if histogram.count_of(cell) != count {
                return Err("histogram count beyond what such a histogram counts to");
            }
        }
        histogram.widen(sparse.min, sparse.max);
        histogram.sum = (u128::from(sparse.sum.0) << 64) | u128::from(sparse.sum.1);
        Ok(histogram)
    }
}
