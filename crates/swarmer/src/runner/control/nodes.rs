//! Nodes that report, come, go and are lost.

use std::time::Instant;

use tracing::{error, info, warn};

use super::{
    Control, DRAIN, FAREWELL_PATIENCE, Goal, LAST_PATIENCE, Loss, Moving, PATIENCE, Ramping, State,
    Trouble, Watcher,
};
use crate::clock;
use crate::load::{Placement, Ramp};
use crate::logging::RUNNERS;
use crate::runner::driver::Departure;
use crate::runner::fleet::Fleet;
use crate::stats::MarkKind;

impl<W: Watcher, F: Fleet> Control<W, F> {
    /// Notes that a node has said all it had to say in a round.
    pub(super) fn reported(&mut self, node: usize, number: u64) {
        if self.round.note(node, number) {
            self.close_round();
        }
    }

    /// Notes the users that run on a node; one that is gone runs nobody, whatever it says late.
    pub(super) fn set_users(&mut self, node: usize, users: Vec<u32>) {
        if self.fleet.present().any(|present| present == node) {
            self.round.set_users(node, users);
        }
    }

    pub(super) fn farewell_of(&mut self, node: usize) {
        if self.farewell.note(node) {
            self.end_if_all_went();
        }
    }

    /// Until when users that are stopped now are to be gone.
    pub(super) fn farewell_by(&self) -> Instant {
        let patience = self.settings.stop_timeout.saturating_add(DRAIN + FAREWELL_PATIENCE);
        let now = clock::now();
        now.checked_add(patience).unwrap_or(now + LAST_PATIENCE)
    }

    /// When users that were stopped are gone everywhere, only the last figures are missing.
    pub(super) fn end_if_all_went(&mut self) {
        if self.state() == State::Stopping && self.farewell.is_over() && !self.fleet.awaits() {
            self.open_round(true);
        }
    }

    /// Users of a node that came back meanwhile are to go, too.
    pub(super) fn await_farewell(&mut self, node: usize) {
        if self.state() != State::Stopping {
            return;
        }
        // What it has yet to tell belongs to the run.
        self.round.last = false;
        let deadline = self.farewell.deadline.max(self.farewell_by());
        self.farewell.begin(std::iter::once(node), deadline);
    }

    /// Users that are not gone by now never will be.
    pub(super) fn lose_the_stuck(&mut self) {
        for node in self.farewell.missing() {
            self.lose(node, Loss::Stuck);
        }
    }

    /// Goes on without a node whose users are gone, and of which what it has not reported is lost: to the end of the
    /// run, unless the fleet outlives its nodes.
    pub(super) fn lose(&mut self, node: usize, loss: Loss) {
        let Some(why) = self.fleet.lose(node, loss) else { return };
        if F::OUTLIVES_NODES {
            self.part_with(node, &why, Departure::Lost);
            return;
        }
        error!(target: RUNNERS, "{why}");
        self.collector.note(why);
        self.trouble = Some(Trouble::DriverLost);
        let was_open = self.round.is_open();
        self.round.forget(node);
        self.stop();
        self.farewell_of(node);
        if was_open && !self.round.is_open() {
            self.close_round();
        }
    }

    /// Says which nodes owe their report: at the end of the run, and when it begins to happen.
    pub(super) fn tell_late(&mut self, missing: &[usize]) {
        let was_late = std::mem::replace(&mut self.late, !missing.is_empty());
        if self.round.last {
            for &node in missing {
                self.lose(node, Loss::Silent);
            }
        } else if !missing.is_empty() && !was_late {
            warn!(
                target: RUNNERS,
                "Driver threads {missing:?} did not report within {} ms: they are overloaded, or a task blocks its thread \
                 instead of awaiting. Response times measured now include that delay",
                PATIENCE.as_millis()
            );
        }
    }

    /// A node came: it takes part in what is started from now on, and users are moved to it.
    pub(super) fn join(
        &mut self,
        node: usize,
        name: String,
        users: &[(usize, u64)],
        recovered: bool,
    ) {
        if recovered {
            let about = format!("Worker {name} ");
            self.collector.info_mut().notes.retain(|note| !note.starts_with(&about));
        }
        match self.dispatcher.add_worker(name) {
            Ok(number) => debug_assert_eq!(number, node, "fleet and dispatcher number alike"),
            // The fleet says that a node left before it says that one of the same name came.
            Err(problem) => return error!(target: RUNNERS, "{problem}"),
        }
        self.collector.mark(MarkKind::Worker, format!("Worker {} came", self.fleet.node(node)));
        self.round.add_node();
        self.farewell.add_node();
        for &(class, user) in users {
            self.dispatcher.adopt(Placement { class, worker: node, user });
        }
        if self.gathering.is_some() {
            // Others may come back with their users, too.
        } else if let Some(goal) = self.goal
            && self.state() == State::Running
            && goal.users < self.dispatcher.user_count()
        {
            self.make_good(goal);
        } else {
            self.move_users();
        }
    }

    /// Begins to move users to where there are fewer, once no ramp is under way.
    pub(super) fn move_users(&mut self) {
        let Some(Goal { rate, .. }) = self.goal else { return };
        if F::OUTLIVES_NODES && self.state() == State::Running && self.ramping.is_none() {
            self.moving = Some(Moving::begin(rate, clock::now()));
        }
    }

    /// Goes on without a node: its users, and only those, are started anew on the others at the rate of the last ramp.
    pub(super) fn part_with(&mut self, node: usize, why: &str, news: Departure) {
        let was_open = self.round.is_open();
        self.collector.mark(MarkKind::Worker, why);
        self.round.forget(node);
        self.outstanding.forget(node);
        let lost = self.dispatcher.remove_worker(node);
        let stays = self.fleet.present().next().is_some();
        let runs = matches!(self.state(), State::Spawning | State::Running);
        if news == Departure::Lost {
            warn!(target: RUNNERS, "{why}");
            self.collector.note(why);
        } else {
            info!(target: RUNNERS, "{why}");
        }
        if runs && !stays {
            let how = if news == Departure::Lost { "went missing" } else { "quit" };
            warn!(target: RUNNERS, "The last worker {how}, stopping test.");
            self.trouble = self.trouble.max(Some(Trouble::NoWorkers));
            self.stop();
        } else if runs
            && lost > 0
            && let Some(goal) = self.goal
        {
            info!(
                target: RUNNERS,
                "{lost} users are started anew on other workers, at {:.2} per second", goal.rate
            );
            self.make_good(goal);
        }
        if let Some(turn) = self.open.as_ref().map(|open| open.turn) {
            self.served(node, turn);
        }
        self.farewell_of(node);
        if was_open && !self.round.is_open() {
            self.close_round();
        }
        self.finish_ramp_if_done();
    }

    /// No more journeys arrive at a node, unless shares change.
    pub(super) fn served(&mut self, node: usize, turn: u64) {
        let Some(open) = self.open.as_mut().filter(|open| open.turn == turn) else { return };
        if !open.nodes.remove(&node) || !open.nodes.is_empty() {
            return;
        }
        if self.serving.is_some() {
            self.watcher.served(turn);
        } else {
            self.stop();
        }
    }

    /// Goes back to the number of users asked for, at the rate asked for.
    pub(super) fn make_good(&mut self, Goal { users, rate }: Goal) {
        if self.ramping.is_none()
            && let Ok(ramp) = Ramp::new(users, rate)
        {
            self.ramping = Some(Ramping::repair(ramp, clock::now()));
            self.advance();
        }
    }
}
