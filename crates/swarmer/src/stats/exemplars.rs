//! The single requests that are kept of a whole run: a few of each row, and not too many in all.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::exemplar::{Exemplar, Why};
use super::limits;

const KEPT: usize = limits::EXEMPLARS_PER_ROW;

/// The exemplars of a run.
#[derive(Debug, Default)]
pub(super) struct Exemplars {
    /// By name, method and reason.
    lists: BTreeMap<Key, Vec<Exemplar>>,
    /// In all lists.
    count: usize,
}

type Key = (Arc<str>, Arc<str>, Why);

impl Exemplars {
    /// Keeps `exemplar` if it is better than what there is.
    pub(super) fn add(&mut self, exemplar: &Exemplar) {
        let key = (Arc::clone(&exemplar.name), Arc::clone(&exemplar.method), exemplar.why);
        let share = (limits::EXEMPLARS / (self.lists.len() + 1)).clamp(1, KEPT);
        let length = self.lists.get(&key).map_or(0, Vec::len);
        let is_full = self.count >= limits::EXEMPLARS;
        if length >= KEPT || (is_full && length >= share) {
            let list = self.lists.entry(key).or_default();
            list.push(exemplar.clone());
            list.remove(weakest(list));
            return;
        }
        if is_full && !self.take_from_the_longest(share) {
            return;
        }
        self.lists.entry(key).or_default().push(exemplar.clone());
        self.count += 1;
    }

    /// Drops the weakest of the longest list that has more than its share, if any has.
    fn take_from_the_longest(&mut self, share: usize) -> bool {
        let longest = self.lists.values_mut().max_by_key(|list| list.len());
        let Some(list) = longest.filter(|list| list.len() > share) else { return false };
        list.remove(weakest(list));
        self.count -= 1;
        true
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// By name, then method: the slowest first, then the failed, the latest first.
    pub(super) fn all(&self) -> Vec<Exemplar> {
        let mut all = Vec::with_capacity(self.count);
        for ((_, _, why), list) in &self.lists {
            let from = all.len();
            all.extend(list.iter().cloned());
            let part: &mut [Exemplar] = &mut all[from..];
            match why {
                Why::Slow => part.sort_by(|a, b| slowness(b).total_cmp(&slowness(a))),
                Why::Failed => part.sort_by(|a, b| b.at.total_cmp(&a.at)),
            }
        }
        all
    }
}

fn slowness(exemplar: &Exemplar) -> f64 {
    exemplar.time.unwrap_or(0.0)
}

/// Which of a list, not empty, is missed least: of slow requests the fastest, of failed ones the oldest of those whose
/// error has the most.
fn weakest(list: &[Exemplar]) -> usize {
    let alike = |one: &Exemplar| list.iter().filter(|other| other.error == one.error).count();
    let weakness = |at: &usize| {
        let one = &list[*at];
        match one.why {
            Why::Slow => (0, -slowness(one), one.at),
            Why::Failed => (alike(one), -one.at, 0.0),
        }
    };
    let worse = |a: &usize, b: &usize| {
        let (a, b) = (weakness(a), weakness(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.total_cmp(&b.2))
    };
    (0..list.len()).max_by(worse).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow(name: &str, millis: u32) -> Exemplar {
        let (name, time) = (name.into(), Some(f64::from(millis)));
        Exemplar { why: Why::Slow, name, time, ..Exemplar::default() }
    }

    fn failed(name: &str, at: u32, error: &str) -> Exemplar {
        let (name, error) = (name.into(), Some(error.into()));
        Exemplar { why: Why::Failed, name, at: f64::from(at), error, ..Exemplar::default() }
    }

    #[test]
    fn the_slowest_stay_whatever_comes_after() {
        let mut kept = Exemplars::default();
        for millis in (1..=100).map(|n| n * 37 % 101) {
            kept.add(&slow("a", millis));
        }
        let times: Vec<_> = kept.all().iter().filter_map(|e| e.time).collect();
        assert_eq!(times, [100.0, 99.0, 98.0, 97.0, 96.0]);
    }

    #[test]
    fn of_failed_ones_each_error_stays_with_its_latest() {
        let mut kept = Exemplars::default();
        for at in 0..100 {
            kept.add(&failed("a", at, if at == 3 { "rare" } else { "common" }));
        }
        kept.add(&failed("a", 100, "new"));
        let all = kept.all();
        let shown: Vec<_> =
            all.iter().map(|e| (e.at, e.error.as_deref().unwrap_or_default())).collect();
        let common = |at| (at, "common");
        assert_eq!(
            shown,
            [(100.0, "new"), common(99.0), common(98.0), common(97.0), (3.0, "rare")]
        );
    }

    #[test]
    fn many_rows_share_the_room_and_none_is_left_without() {
        let mut kept = Exemplars::default();
        let rows = limits::EXEMPLARS / 4;
        for row in 0..rows {
            for millis in 0..10 {
                kept.add(&slow(&row.to_string(), millis));
            }
            kept.add(&failed(&row.to_string(), 1, "down"));
        }
        let all = kept.all();
        assert!(all.len() <= limits::EXEMPLARS && all.len() > limits::EXEMPLARS * 3 / 4);
        assert_eq!(kept.count, all.len());
        for row in 0..rows {
            let name = row.to_string();
            let of_row: Vec<_> = all.iter().filter(|e| *e.name == *name).collect();
            assert_eq!(of_row.iter().filter(|e| e.why == Why::Failed).count(), 1, "row {row}");
            assert!(of_row.iter().any(|e| slowness(e).to_bits() == 9.0_f64.to_bits()), "row {row}");
        }
        for row in 0..2 * limits::EXEMPLARS {
            kept.add(&slow(&format!("more {row}"), 1));
        }
        assert!(kept.all().len() <= limits::EXEMPLARS);
    }
}
