//! The gathering of the drivers' reports, and of their farewells.

use std::time::Instant;

/// One second's reports: who still owes one.
pub(super) struct Round {
    pub(super) number: u64,
    pub(super) deadline: Instant,
    /// After this round the run is over.
    pub(super) last: bool,
    missing: Vec<bool>,
    /// Users by driver and class, as last reported.
    users: Vec<Vec<u32>>,
}

impl Round {
    /// No round is open yet.
    pub(super) fn none(drivers: usize, classes: usize, now: Instant) -> Self {
        Self {
            number: 0,
            deadline: now,
            last: false,
            missing: vec![false; drivers],
            users: vec![vec![0; classes]; drivers],
        }
    }

    /// Begins the next round: these drivers owe a report until `deadline`.
    pub(super) fn open(
        &mut self,
        drivers: impl Iterator<Item = usize>,
        last: bool,
        deadline: Instant,
    ) {
        self.number += 1;
        self.last = last;
        self.deadline = deadline;
        self.missing.fill(false);
        drivers.for_each(|driver| self.missing[driver] = true);
    }

    pub(super) fn is_open(&self) -> bool {
        self.missing.contains(&true)
    }

    /// Notes a report; `true` when it was the one that completes the round.
    pub(super) fn note(&mut self, driver: usize, number: u64) -> bool {
        let awaited = number == self.number && std::mem::take(&mut self.missing[driver]);
        awaited && !self.is_open()
    }

    /// Ends the round; the drivers that owe their report.
    pub(super) fn close(&mut self) -> Vec<usize> {
        let missing = self.missing.iter_mut().enumerate();
        missing.filter_map(|(driver, missing)| std::mem::take(missing).then_some(driver)).collect()
    }

    pub(super) fn set_users(&mut self, driver: usize, users: Vec<u32>) {
        self.users[driver] = users;
    }

    /// A lost driver owes nothing and runs nobody.
    pub(super) fn forget(&mut self, driver: usize) {
        self.missing[driver] = false;
        self.users[driver].fill(0);
    }

    /// Users of a class over all drivers.
    pub(super) fn users(&self, class: usize) -> u64 {
        self.users.iter().map(|by_class| u64::from(by_class[class])).sum()
    }
}

/// The end of a run: which drivers still have users, and until when that is put up with.
pub(super) struct Farewell {
    drained: Vec<bool>,
    pub(super) deadline: Instant,
}

impl Farewell {
    pub(super) fn none(drivers: usize, now: Instant) -> Self {
        Self { drained: vec![true; drivers], deadline: now }
    }

    /// Users of these drivers are to go by `deadline`.
    pub(super) fn begin(&mut self, drivers: impl Iterator<Item = usize>, deadline: Instant) {
        drivers.for_each(|driver| self.drained[driver] = false);
        self.deadline = deadline;
    }

    /// Notes that a driver has no user left; `true` when it was the last one.
    pub(super) fn note(&mut self, driver: usize) -> bool {
        let news = !std::mem::replace(&mut self.drained[driver], true);
        news && self.is_over()
    }

    pub(super) fn is_over(&self) -> bool {
        !self.drained.contains(&false)
    }

    /// Drivers with users left.
    pub(super) fn missing(&self) -> Vec<usize> {
        let drained = self.drained.iter().enumerate();
        drained.filter(|(_, drained)| !**drained).map(|(driver, _)| driver).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_complete_once() {
        let now = Instant::now();
        let mut round = Round::none(3, 1, now);
        assert!(!round.is_open());
        round.open([0, 2].into_iter(), false, now);
        assert!(!round.note(0, 0), "a report of an earlier round");
        assert!(!round.note(0, 1));
        assert!(!round.note(0, 1), "said twice");
        assert!(!round.note(1, 1), "not asked");
        assert!(round.note(2, 1));
        assert!(!round.is_open());
        round.open([0, 2].into_iter(), false, now);
        assert!(!round.note(0, 2));
        assert_eq!(round.close(), [2]);
        assert!(!round.note(2, 2), "too late to complete it");
    }

    #[test]
    fn a_farewell_is_over_once() {
        let now = Instant::now();
        let mut farewell = Farewell::none(2, now);
        assert!(!farewell.note(0), "nobody was asked to go");
        farewell.begin([0, 1].into_iter(), now);
        assert!(!farewell.note(0));
        assert!(!farewell.note(0), "said twice");
        assert_eq!(farewell.missing(), [1]);
        assert!(farewell.note(1));
    }
}
