//! Counts of every second of a run: what Locust's JSON output shows, and kept only when that is asked for.

use std::collections::VecDeque;

use super::delta::SecondCount;

/// Seconds that are kept of each row: six hours. Earlier ones are forgotten, so that a long run does not grow.
const KEPT: usize = 6 * 3600;

/// Requests and failures that finished in each second of calendar time, of the latest six hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PerSecond {
    /// In ascending order; seconds in which nothing finished are left out.
    counts: VecDeque<SecondCount>,
}

impl PerSecond {
    pub(super) fn add(&mut self, count: &SecondCount) {
        // Reports come nearly in order: the place is at the end or close to it.
        let later =
            self.counts.iter().rev().take_while(|known| known.second > count.second).count();
        let at = self.counts.len() - later;
        match at.checked_sub(1).and_then(|before| self.counts.get_mut(before)) {
            Some(known) if known.second == count.second => {
                known.requests += count.requests;
                known.failures += count.failures;
            }
            _ => self.counts.insert(at, *count),
        }
        if self.counts.len() > KEPT {
            self.counts.pop_front();
        }
    }

    /// Second since the Unix epoch, requests, failures: ascending, without empty seconds.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        self.counts.iter().map(|count| (count.second, count.requests, count.failures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(seconds: &mut PerSecond, second: u64, requests: u64) {
        seconds.add(&SecondCount { second, requests, failures: requests / 2 });
    }

    #[test]
    fn late_reports_find_their_second() {
        let mut seconds = PerSecond::default();
        for (second, requests) in [(7, 4), (9, 2), (7, 4), (8, 6), (5, 2), (9, 2)] {
            add(&mut seconds, second, requests);
        }
        let expected = [(5, 2, 1), (7, 8, 4), (8, 6, 3), (9, 4, 2)];
        assert_eq!(seconds.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn memory_is_bounded() {
        let mut seconds = PerSecond::default();
        for second in 0..30_000 {
            add(&mut seconds, second, 1);
        }
        assert_eq!(seconds.iter().count(), KEPT);
        assert_eq!(seconds.iter().next(), Some((8_400, 1, 0)));
    }
}
