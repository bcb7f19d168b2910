//! How a run begins and comes to its users.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tracing::{error, info, warn};

use super::{
    Control, Goal, Moving, Openings, Outstanding, Ramping, Sending, Starts, State, Trouble, Watcher,
};
use crate::clock;
use crate::load::{Arrivals, Ramp};
use crate::logging::RUNNERS;
use crate::runner::fleet::{Fleet, GATHERING, OpenPlan};
use crate::runner::gear::{Begin, Refusal};
use crate::runner::master::LeftRun;
use crate::stats::MarkKind;

impl<W: Watcher, F: Fleet> Control<W, F> {
    /// When there is something to send to nodes again, if ever.
    pub(super) fn next_step(&self) -> Option<Instant> {
        let ramp = self.ramping.as_ref();
        let step = ramp.and_then(|ramp| ramp.next_step(&self.dispatcher, self.fleet.look_ahead()));
        let moving = self.moving.as_ref().and_then(Moving::next_step);
        step.into_iter().chain(moving).min()
    }

    /// Begins a run, without a user yet.
    pub(super) fn begin(&mut self, run: Begin) -> Result<(), Refusal> {
        match self.state() {
            State::Stopping => return Err(Refusal::Stopping),
            state if state.is_active() => return Err(Refusal::Running),
            _ if self.trouble == Some(Trouble::DriverLost) => return Err(Refusal::DriverLost),
            _ => {}
        }
        if self.fleet.present().next().is_none() {
            return Err(Refusal::NoWorkers);
        }
        self.dispatcher = self.dispatcher.afresh(run.shares.clone())?;
        self.settings.classes = run.shares;
        self.settings.limits = run.gear.limits.clone();
        self.settings.stop_timeout = run.gear.options.stop_timeout;
        *self.collector.info_mut() = run.info;
        self.fleet.equip(&run.gear);
        self.begin_run();
        self.fresh = true;
        self.state.send_replace(State::Spawning);
        Ok(())
    }

    /// Goes on with a run that was left: its figures, its workers as they come back, its number of users.
    pub(super) fn take_up(&mut self, run: Begin, left: LeftRun) -> Result<(), Refusal> {
        if self.state().is_active() {
            return Err(Refusal::Running);
        }
        self.dispatcher = self.dispatcher.afresh(run.shares.clone())?;
        self.settings.classes = run.shares;
        self.settings.limits = run.gear.limits.clone();
        self.settings.stop_timeout = run.gear.options.stop_timeout;
        *self.collector.info_mut() = run.info;
        self.collector.reset_to(left.counts_from);
        let collector = &mut self.collector;
        if let Err(problem) = left.figures(|node, delta| collector.merge_from(node, delta)) {
            let text =
                format!("Figures from before the restart of the master are missing: {problem}");
            error!(target: RUNNERS, "{text}");
            self.collector.note(text);
        }
        left.notes().for_each(|note| self.collector.note(note));
        let text = "The run was taken up after a restart of the master";
        self.collector.mark(MarkKind::Start, text);
        self.goal = left.aim.map(|(users, rate)| Goal { users, rate });
        self.course.send_modify(|course| {
            course.runs += 1;
            (course.target, course.gathering) = (left.aim, true);
        });
        self.gathering = clock::now().checked_add(GATHERING);
        self.open = left.turn().map(|turn| Openings { nodes: BTreeSet::new(), turn });
        self.fleet.equip(&run.gear);
        self.fleet.take_up(left);
        self.state.send_replace(State::Running);
        info!(target: RUNNERS, "{text}");
        Ok(())
    }

    /// When workers have had their time to come back, goes to the number of users asked for.
    pub(super) fn end_gathering(&mut self) {
        if self.gathering.is_none_or(|until| clock::now() < until) {
            return;
        }
        self.gathering = None;
        let present = self.fleet.present().next().is_some();
        match self.goal {
            _ if self.state() != State::Running => {}
            Some(goal) if present && goal.users != self.dispatcher.user_count() => {
                self.make_good(goal);
            }
            _ if present => self.move_users(),
            // None came back in time; whoever comes later gets the users.
            _ => self.gathering = clock::now().checked_add(GATHERING),
        }
        self.course.send_modify(|course| course.gathering = self.gathering.is_some());
    }

    /// `classes`: of these only users are started from now on.
    pub(super) fn start(&mut self, ramp: Ramp, began: Option<Instant>, classes: Option<&[String]>) {
        if self.open.is_some() && self.state().is_active() {
            warn!(target: RUNNERS, "Journeys arrive at a rate in this run: there is no number of users to change");
            return;
        }
        if !self.may_start() {
            return;
        }
        self.open = None;
        if let Some(classes) = classes {
            // Known to be possible.
            let _ = self.dispatcher.restrict_to(classes);
        }
        self.fresh = false;
        let (users, rate) = (ramp.target(), ramp.rate());
        self.course.send_modify(|course| {
            (course.target, course.gathering) = (Some((users, rate)), false);
        });
        let plan = if rate < Ramp::AT_ONCE {
            format!("Ramping to {users} users at a rate of {rate:.2} per second")
        } else {
            format!("Going to {users} users at once")
        };
        info!(target: RUNNERS, "{plan}");
        self.collector.mark(MarkKind::Plan, plan);
        let began = began.unwrap_or_else(clock::now);
        self.goal = Some(Goal { users, rate });
        self.gathering = None;
        self.fleet.aim(users, rate);
        self.moving = None;
        self.ramping = Some(Ramping::begin(ramp, began));
        self.state.send_replace(State::Spawning);
        self.advance();
    }

    /// Begins a run of the open model.
    pub(super) fn open(&mut self, arrivals: &Arrivals, users: u32, began: Instant) {
        if self.state().is_active() && !self.fresh {
            warn!(target: RUNNERS, "A run goes on; stop it before journeys can arrive");
            return;
        }
        if !self.may_start() {
            return;
        }
        self.fresh = false;
        let classes = self.settings.classes.iter().filter(|class| !class.is_idle()).count();
        let nodes = self.fleet.open(&OpenPlan {
            arrivals: arrivals.clone(),
            users,
            classes,
            began,
            turn: 0,
            from: Duration::ZERO,
            part: None,
        });
        let (count, noun) = (nodes.len(), if F::OUTLIVES_NODES { "workers" } else { "drivers" });
        let plan = format!(
            "Starting journeys as they arrive, with at most {users} users on {count} {noun}"
        );
        info!(target: RUNNERS, "{plan}");
        self.collector.mark(MarkKind::Plan, plan);
        self.open = Some(Openings { nodes: nodes.into_iter().collect(), turn: 0 });
        self.state.send_replace(State::Running);
    }

    /// Whether users may be started; makes ready for a fresh run if none goes on.
    pub(super) fn may_start(&mut self) -> bool {
        if self.state() == State::Stopping {
            warn!(target: RUNNERS, "Users are still being stopped; start again when they are gone");
            return false;
        }
        if self.trouble == Some(Trouble::DriverLost) {
            error!(target: RUNNERS, "No new run: a driver thread is lost");
            self.state.send_replace(State::Stopped);
            return false;
        }
        if self.fleet.present().next().is_none() {
            warn!(target: RUNNERS, "You can't start a distributed test before at least one worker processes has connected");
            return false;
        }
        if !self.state().is_active() {
            self.begin_run();
        }
        true
    }

    fn begin_run(&mut self) {
        self.collector.begin(clock::now());
        self.collector.mark(MarkKind::Start, "The run begins");
        // It could be made of the same classes before, so it can again.
        if let Ok(fresh) = self.dispatcher.afresh(self.settings.classes.clone()) {
            self.dispatcher = fresh;
        }
        self.outstanding = Outstanding::default();
        self.serving = None;
        self.fleet.begin_run();
        self.course.send_modify(|course| {
            course.runs += 1;
            course.target = None;
        });
        self.open = None;
        self.starts = Starts::default();
        self.finishing = false;
        self.trouble = None;
        self.settings.hooks.test_start();
    }

    /// Sends what is due soon to the nodes.
    pub(super) fn advance(&mut self) {
        let (now, grace) = (clock::now(), self.settings.stop_timeout);
        let mut sending = Sending::new(&mut self.fleet, &mut self.outstanding, grace);
        if let Some(ramping) = self.ramping.as_mut() {
            ramping.send(&mut self.dispatcher, &mut sending, now);
        }
        if let Some(moving) = self.moving.as_mut()
            && !moving.send(&mut self.dispatcher, &mut sending, now)
        {
            self.moving = None;
        }
        drop(sending);
        self.planned.send_replace(self.dispatcher.user_count());
        self.finish_ramp_if_done();
    }

    pub(super) fn finish_ramp_if_done(&mut self) {
        self.tell_if_placed();
        let sent = self.ramping.as_ref().is_some_and(|ramping| ramping.is_sent(&self.dispatcher));
        if !sent || !self.outstanding.is_none() {
            return;
        }
        if self.ramping.take().is_some_and(|ramping| ramping.repairs) {
            self.move_users();
            return;
        }
        let counts = self.dispatcher.class_counts();
        let counts: Vec<_> =
            counts.iter().map(|(name, users)| format!("{name:?}: {users}")).collect();
        let (counts, total) = (counts.join(", "), self.dispatcher.user_count());
        info!(target: RUNNERS, "All users spawned: {{{counts}}} ({total} total users)");
        self.fleet.spawned(total);
        self.settings.hooks.spawning_complete(total);
        if self.settings.reset_stats {
            info!(target: RUNNERS, "Resetting stats");
            self.reset();
        }
        self.state.send_replace(State::Running);
        self.end_if_nobody_started();
        self.move_users();
    }
}
