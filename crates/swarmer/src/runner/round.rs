//! The gathering of the nodes' reports, and of their farewells.

use std::time::Instant;

/// One second's reports: who still owes one.
pub(super) struct Round {
    pub(super) number: u64,
    pub(super) deadline: Instant,
    /// After this round the run is over.
    pub(super) last: bool,
    missing: Vec<bool>,
    /// Users by node and class, as last reported.
    users: Vec<Vec<u32>>,
    classes: usize,
}

impl Round {
    /// Makes room for one more node.
    pub(super) fn add_node(&mut self) {
        self.missing.push(false);
        self.users.push(vec![0; self.classes]);
    }

    /// No round is open yet.
    pub(super) fn none(nodes: usize, classes: usize, now: Instant) -> Self {
        Self {
            number: 0,
            deadline: now,
            last: false,
            missing: vec![false; nodes],
            users: vec![vec![0; classes]; nodes],
            classes,
        }
    }

    /// Begins the next round: these nodes owe a report until `deadline`.
    pub(super) fn open(
        &mut self,
        nodes: impl Iterator<Item = usize>,
        last: bool,
        deadline: Instant,
    ) {
        self.number += 1;
        self.last = last;
        self.deadline = deadline;
        self.missing.fill(false);
        nodes.for_each(|node| self.missing[node] = true);
    }

    pub(super) fn is_open(&self) -> bool {
        self.missing.contains(&true)
    }

    /// Notes a report; `true` when it was the one that completes the round.
    pub(super) fn note(&mut self, node: usize, number: u64) -> bool {
        let awaited = number == self.number && std::mem::take(&mut self.missing[node]);
        awaited && !self.is_open()
    }

    /// Ends the round; the nodes that owe their report.
    pub(super) fn close(&mut self) -> Vec<usize> {
        let missing = self.missing.iter_mut().enumerate();
        missing.filter_map(|(node, missing)| std::mem::take(missing).then_some(node)).collect()
    }

    pub(super) fn set_users(&mut self, node: usize, users: Vec<u32>) {
        self.users[node] = users;
    }

    /// A lost node owes nothing and runs nobody.
    pub(super) fn forget(&mut self, node: usize) {
        self.missing[node] = false;
        self.users[node].fill(0);
    }

    /// Users of a class over all nodes.
    pub(super) fn users(&self, class: usize) -> u64 {
        self.users.iter().map(|by_class| u64::from(by_class[class])).sum()
    }
}

/// The end of a run: which nodes still have users, and until when that is put up with.
pub(super) struct Farewell {
    drained: Vec<bool>,
    pub(super) deadline: Instant,
}

impl Farewell {
    pub(super) fn none(nodes: usize, now: Instant) -> Self {
        Self { drained: vec![true; nodes], deadline: now }
    }

    /// Makes room for one more node.
    pub(super) fn add_node(&mut self) {
        self.drained.push(true);
    }

    /// Users of these nodes are to go by `deadline`.
    pub(super) fn begin(&mut self, nodes: impl Iterator<Item = usize>, deadline: Instant) {
        nodes.for_each(|node| self.drained[node] = false);
        self.deadline = deadline;
    }

    /// Notes that a node has no user left; `true` when it was the last one.
    pub(super) fn note(&mut self, node: usize) -> bool {
        let news = !std::mem::replace(&mut self.drained[node], true);
        news && self.is_over()
    }

    pub(super) fn is_over(&self) -> bool {
        !self.drained.contains(&false)
    }

    /// Nodes with users left.
    pub(super) fn missing(&self) -> Vec<usize> {
        let drained = self.drained.iter().enumerate();
        drained.filter(|(_, drained)| !**drained).map(|(node, _)| node).collect()
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
