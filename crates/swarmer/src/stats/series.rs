//! A course over time in a bounded number of points: the newest ones as they came, older ones united.
//!
//! What leaves the newest `RECENT` points goes into the past, where a point stands for all that began within the same
//! stretch of `width` time units. Whenever the past would hold more than `PAST` points, `width` doubles, which unites
//! neighbours in pairs. What "unite" means is the point's own business ([`Point::unite`]): sums add up, minimum and
//! maximum stay, so a month is as small as an hour and shows the same peaks. Stretches without a point cost nothing.

use std::collections::VecDeque;

/// What a [`Series`] holds.
pub(crate) trait Point {
    /// When it begins: whole time units since whatever moment the owner counts from. A second, say.
    fn time(&self) -> u64;

    /// Adds a point that follows this one.
    fn unite(&mut self, later: Self);
}

/// See the module's documentation. `RECENT` points one by one, `PAST` united ones.
#[derive(Clone, Debug)]
pub(crate) struct Series<P, const RECENT: usize, const PAST: usize> {
    past: Vec<P>,
    /// The time units that a point of the past spans.
    width: u64,
    recent: VecDeque<P>,
}

impl<P, const RECENT: usize, const PAST: usize> Default for Series<P, RECENT, PAST> {
    fn default() -> Self {
        Self { past: Vec::new(), width: 1, recent: VecDeque::new() }
    }
}

impl<P: Point, const RECENT: usize, const PAST: usize> Series<P, RECENT, PAST> {
    /// All points, oldest first.
    pub(crate) fn points(&self) -> impl DoubleEndedIterator<Item = &P> {
        self.past.iter().chain(&self.recent)
    }

    /// How many points there are.
    pub(crate) fn len(&self) -> usize {
        self.past.len() + self.recent.len()
    }

    /// The newest point.
    pub(crate) fn last(&self) -> Option<&P> {
        self.recent.back()
    }

    /// The newest point.
    pub(crate) fn last_mut(&mut self) -> Option<&mut P> {
        self.recent.back_mut()
    }

    /// The point that begins at `time`, if it is among the recent ones.
    pub(crate) fn recent_mut(&mut self, time: u64) -> Option<&mut P> {
        let at = self.recent.binary_search_by_key(&time, Point::time).ok()?;
        self.recent.get_mut(at)
    }

    /// Adds a point: after all others, or among the recent ones if it comes late. One that comes later still, or at the
    /// time of another, is united with that one.
    pub(crate) fn push(&mut self, point: P) {
        let later = self.recent.iter().rev().take_while(|known| known.time() > point.time());
        let at = self.recent.len() - later.count();
        match at.checked_sub(1).and_then(|before| self.recent.get_mut(before)) {
            Some(known) if known.time() == point.time() => known.unite(point),
            Some(_) => self.recent.insert(at, point),
            // Before all recent points: where the past is, unless there is none.
            None => match self.past.last_mut() {
                Some(last) => last.unite(point),
                None => self.recent.push_front(point),
            },
        }
        if self.recent.len() > RECENT
            && let Some(old) = self.recent.pop_front()
        {
            self.push_past(old);
        }
    }

    /// Bytes of memory that the points take.
    #[cfg(test)]
    pub(crate) fn heap_bytes(&self) -> usize {
        (self.past.capacity() + self.recent.capacity()) * size_of::<P>()
    }

    fn push_past(&mut self, point: P) {
        let width = self.width;
        match self.past.last_mut() {
            Some(last) if last.time() / width >= point.time() / width => last.unite(point),
            _ => self.past.push(point),
        }
        while self.past.len() > PAST {
            self.widen();
        }
    }

    fn widen(&mut self) {
        self.width = self.width.saturating_mul(2);
        let width = self.width;
        let mut united: Vec<P> = Vec::with_capacity(self.past.capacity());
        for point in self.past.drain(..) {
            match united.last_mut() {
                Some(last) if last.time() / width >= point.time() / width => last.unite(point),
                _ => united.push(point),
            }
        }
        self.past = united;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A time, the time after its end, a sum and a peak.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Count(u64, u64, u64, u64);

    impl Point for Count {
        fn time(&self) -> u64 {
            self.0
        }

        fn unite(&mut self, later: Self) {
            let Self(time, end, sum, peak) = *self;
            *self = Self(time.min(later.0), end.max(later.1), sum + later.2, peak.max(later.3));
        }
    }

    type Small = Series<Count, 10, 20>;

    fn one(time: u64) -> Count {
        Count(time, time + 1, 1, time % 7_919)
    }

    fn all(series: &Small) -> Count {
        let mut points = series.points().copied();
        let first = points.next().expect("there are points");
        points.fold(first, |mut all, point| {
            all.unite(point);
            all
        })
    }

    #[test]
    fn a_month_stays_small_and_keeps_sums_and_peaks() {
        let (mut series, month) = (Small::default(), 30 * 86_400);
        for time in 5..month {
            series.push(one(time));
            assert!(series.past.len() <= 20 && series.recent.len() <= 10);
        }
        assert_eq!(all(&series), Count(5, month, month - 5, 7_918));
        let points: Vec<_> = series.points().copied().collect();
        assert!(points.windows(2).all(|w| w[0].1 == w[1].0), "no holes, no overlaps");
        assert!(points[points.len() - 10..].iter().all(|point| point.1 - point.0 == 1));
        assert!(series.past.len() >= 10, "resolution is only given up when it must be");
    }

    #[test]
    fn what_is_sparse_stays_apart_as_long_as_there_is_room() {
        let mut series = Small::default();
        (0..30).for_each(|n| series.push(one(n * 10_000)));
        assert_eq!(series.len(), 30);
        assert!(series.points().all(|point| point.1 - point.0 == 1));
        (30..500).for_each(|n| series.push(one(n * 10_000)));
        assert!(series.len() <= 30);
        assert_eq!(all(&series).2, 500);
    }

    #[test]
    fn late_points_find_their_place() {
        let mut series = Small::default();
        for time in [7, 9, 8, 3, 9, 10] {
            series.push(one(time));
        }
        let times: Vec<_> = series.points().map(|point| (point.0, point.2)).collect();
        assert_eq!(times, [(3, 1), (7, 1), (8, 1), (9, 2), (10, 1)]);
        (11..40).for_each(|time| series.push(one(time)));
        series.push(one(5));
        assert_eq!(all(&series).2, 36, "too late for a place of its own, and counted all the same");
        assert!(series.recent_mut(5).is_none());
        assert_eq!(series.recent_mut(35).map(|point| point.2), Some(1));
    }
}
