//! A ramp on its way: which commands are due, and when the users they start have started.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::driver::Birth;
use super::fleet::Fleet;
use crate::load::{Change, Dispatcher, Placement, Ramp};

/// A ramp, and what it is for.
pub(super) struct Ramping {
    ramp: Ramp,
    began: Instant,
    /// It makes good for users who went with their node: nobody asked for it, and nobody is told of its end.
    pub(super) repairs: bool,
}

impl Ramping {
    /// Begins `ramp` with its first step at `began`.
    pub(super) fn begin(ramp: Ramp, began: Instant) -> Self {
        Self { ramp, began, repairs: false }
    }

    /// Begins a ramp that makes good for lost users.
    pub(super) fn repair(ramp: Ramp, began: Instant) -> Self {
        Self { ramp, began, repairs: true }
    }

    /// When there is something to send again, if ever.
    pub(super) fn next_step(&self, dispatcher: &Dispatcher, ahead: Duration) -> Option<Instant> {
        let due = self.ramp.next_due(dispatcher)?;
        // Half of what is sent ahead is used up by then, so that a fast ramp sends twenty commands a second, not one
        // for each user. A moment that no clock knows never comes.
        let ahead = self.look_ahead(dispatcher, ahead) / 2;
        self.began.checked_add(due.saturating_sub(ahead))
    }

    /// Sends what is due at `now` or soon after.
    pub(super) fn send<F: Fleet>(
        &mut self,
        dispatcher: &mut Dispatcher,
        sending: &mut Sending<'_, F>,
        now: Instant,
    ) {
        let seen = now + self.look_ahead(dispatcher, sending.fleet.look_ahead());
        let Some(horizon) = seen.checked_duration_since(self.began) else { return };
        for step in self.ramp.due(dispatcher, horizon) {
            match step.change {
                Change::Start => sending.start(step.place, self.began + step.due),
                Change::Stop => sending.stop(step.place),
            }
        }
    }

    /// Whether every step was sent.
    pub(super) fn is_sent(&self, dispatcher: &Dispatcher) -> bool {
        self.ramp.is_done(dispatcher)
    }

    /// Users are started on the dot by their nodes, but stopped when the command comes.
    fn look_ahead(&self, dispatcher: &Dispatcher, ahead: Duration) -> Duration {
        let falls = self.ramp.target() < dispatcher.user_count();
        if falls { Duration::ZERO } else { ahead }
    }
}

/// Users moved from full nodes to one that came, at the rate of the last ramp.
pub(super) struct Moving {
    rate: f64,
    began: Instant,
    moved: u32,
}

impl Moving {
    pub(super) fn begin(rate: f64, began: Instant) -> Self {
        Self { rate, began, moved: 0 }
    }

    /// When the next user is to be moved.
    pub(super) fn next_step(&self) -> Option<Instant> {
        let after = Duration::try_from_secs_f64(f64::from(self.moved) / self.rate).ok()?;
        self.began.checked_add(after)
    }

    /// Moves those that are due; `false` when there is nobody left to move.
    pub(super) fn send<F: Fleet>(
        &mut self,
        dispatcher: &mut Dispatcher,
        sending: &mut Sending<'_, F>,
        now: Instant,
    ) -> bool {
        while self.next_step().is_some_and(|due| due <= now) {
            let Some((from, to)) = dispatcher.move_one() else { return false };
            sending.stop(from);
            sending.start(to, now);
            self.moved += 1;
        }
        true
    }
}

/// Users sent to nodes and not dealt with there yet.
#[derive(Debug, Default)]
pub(super) struct Outstanding(BTreeMap<usize, u64>);

impl Outstanding {
    fn add(&mut self, node: usize, births: usize) {
        *self.0.entry(node).or_default() += births as u64;
    }

    /// Notes that a node has dealt with so many.
    pub(super) fn note(&mut self, node: usize, births: u32) {
        if let Some(left) = self.0.get_mut(&node) {
            *left = left.saturating_sub(u64::from(births));
            if *left == 0 {
                self.0.remove(&node);
            }
        }
    }

    /// Nothing more is heard of this node.
    pub(super) fn forget(&mut self, node: usize) {
        self.0.remove(&node);
    }

    pub(super) fn is_none(&self) -> bool {
        self.0.is_empty()
    }
}

/// Commands of one moment, gathered by node and sent when this is dropped.
pub(super) struct Sending<'f, F: Fleet> {
    fleet: &'f mut F,
    outstanding: &'f mut Outstanding,
    grace: Duration,
    births: BTreeMap<usize, Vec<Birth>>,
    stops: BTreeMap<(usize, usize), Vec<u64>>,
}

impl<'f, F: Fleet> Sending<'f, F> {
    /// Users who are stopped have `grace` to end.
    pub(super) fn new(fleet: &'f mut F, outstanding: &'f mut Outstanding, grace: Duration) -> Self {
        Self { fleet, outstanding, grace, births: BTreeMap::new(), stops: BTreeMap::new() }
    }

    pub(super) fn start(&mut self, place: Placement, due: Instant) {
        let birth = Birth { due, class: place.class, number: place.user };
        self.births.entry(place.worker).or_default().push(birth);
    }

    pub(super) fn stop(&mut self, place: Placement) {
        self.stops.entry((place.worker, place.class)).or_default().push(place.user);
    }
}

impl<F: Fleet> Drop for Sending<'_, F> {
    fn drop(&mut self) {
        for (node, births) in std::mem::take(&mut self.births) {
            self.outstanding.add(node, births.len());
            self.fleet.start_users(node, births);
        }
        for ((node, class), users) in std::mem::take(&mut self.stops) {
            self.fleet.stop_users(node, class, users, self.grace);
        }
    }
}
