//! What workers are told: numbers of users for Locust's, journeys for ours.

use std::time::Instant;

use super::{Kind, Workers, as_u32};
use crate::cluster::{Extra, Identity, Spawn, ToWorker};
use crate::runner::driver::Event;
use crate::runner::fleet::OpenPlan;
use crate::runner::letters::{Down, Journeys};

/// Locust's clock is coarse: a later message has a later time by at least this.
const LATER: f64 = 1e-6;

impl Workers {
    /// Tells a worker of Locust's kind how many users it is to run now, if that has changed.
    pub(super) fn flush(&mut self, identity: &Identity, now: Instant) {
        let timestamp = self.seconds(now);
        let Some(peer) = self.peers.get_mut(identity).filter(|peer| peer.node.is_some()) else {
            return;
        };
        let Kind::Locust(plan) = &mut peer.kind else { return };
        plan.take_due(now);
        if plan.may_tell(now) {
            plan.changed = false;
            plan.completed = false;
            plan.last_spawn = Some(now);
            plan.last_timestamp = timestamp.max(plan.last_timestamp + LATER);
            let classes = self.classes.iter().zip(&plan.counts);
            let spawn = Spawn {
                timestamp: plan.last_timestamp,
                classes: classes.map(|(class, count)| (class.clone(), (*count).into())).collect(),
                host: self.terms.host.clone(),
                stop_timeout: Some(self.terms.stop_timeout),
                options: self.options.clone(),
            };
            self.say(identity, ToWorker::Spawn(Box::new(spawn)), Extra::new());
            return;
        }
        let (node, started) = (peer.node, plan.confirm(&peer.users, now));
        if let Some(node) = node {
            self.say_started(node, started);
        }
    }

    /// Tells a worker that has come of all changes to classes.
    pub(super) fn tell_edits(&self, identity: &Identity) {
        for edit in &self.command.edits {
            self.say(identity, ToWorker::Edit(edit.clone()), Extra::new());
        }
    }

    /// Tells the control plane that so many of the users sent to a node have been dealt with.
    pub(super) fn say_started(&mut self, node: usize, births: u32) {
        let Some(identity) = self.identity(node) else { return };
        if births > 0
            && let Some(peer) = self.peers.get(&identity)
        {
            self.queue.push_back(Event::Started { node, births, users: peer.users.clone() });
        }
    }

    /// Has journeys start on workers of our kind, each with a share according to its drivers.
    pub(super) fn open_journeys(&mut self, plan: &OpenPlan) -> Vec<usize> {
        let ours = self.of_kind(|kind| matches!(kind, Kind::Ours { .. }));
        let mut nodes = Vec::new();
        let drivers = |workers: &Self, identity: &Identity| match workers
            .peers
            .get(identity)
            .map(|p| &p.kind)
        {
            Some(Kind::Ours { drivers, .. }) => u64::from((*drivers).max(1)),
            _ => 1,
        };
        // Every driver needs a user of each class.
        let room = u64::from(plan.users) / u64::from(as_u32(plan.classes.max(1)));
        let mut of: u64 = ours.iter().map(|identity| drivers(self, identity)).sum();
        of = of.clamp(1, room.max(1));
        let mut first = 0;
        for identity in ours {
            let share = drivers(self, &identity).min(of - first);
            if share == 0 {
                break;
            }
            let journeys = Journeys::of(plan, (first, share, of), self.seconds(plan.began));
            self.write(&identity, &Down::Open(Box::new(journeys)));
            nodes.extend(self.peers.get(&identity).and_then(|peer| peer.node));
            first += share;
        }
        nodes
    }
}
