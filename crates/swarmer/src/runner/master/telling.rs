//! What workers of Locust's kind are told: numbers of users.

use std::time::{Duration, Instant};

use tracing::warn;

use super::{Kind, Workers, value_of};
use crate::clock;
use crate::cluster::{Extra, Identity, Spawn, ToWorker};
use crate::logging::RUNNERS;
use crate::runner::driver::Event;

/// Locust's clock is coarse: a later message has a later time by at least this.
const LATER: f64 = 1e-6;

/// Users are sent to workers so long before they are due: as little as possible, because a change of the ramp that comes
/// meanwhile finds them there; but longer the more workers there are, so that a ramp costs no message per user and worker.
const LOOK_AHEAD: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// Messages of a ramp per second above which it is longer.
const RAMP_MESSAGES: f64 = 200.0;

/// How long before they are due users are sent to so many workers.
#[expect(clippy::cast_precision_loss, reason = "a number of workers")]
pub(super) fn look_ahead(workers: usize) -> Duration {
    let [least, most] = LOOK_AHEAD;
    // Each worker gets a message in half of that time.
    let wanted = 2.0 * workers as f64 / RAMP_MESSAGES;
    Duration::try_from_secs_f64(wanted).unwrap_or(most).clamp(least, most)
}

impl Workers {
    /// Takes over what the terms say of options.
    pub(super) fn renew_options(&mut self) {
        let told = self.terms.options.iter();
        self.options = told.map(|(name, value)| (name.clone(), value_of(value))).collect();
    }

    /// Tells a worker of Locust's kind how many users it is to run now, if that has changed.
    pub(super) fn flush(&mut self, identity: &Identity, now: Instant) {
        let timestamp = self.seconds(now);
        let Some(peer) = self.peers.get_mut(identity).filter(|peer| peer.node.is_some()) else {
            return;
        };
        let Kind::Locust(plan) = &mut peer.kind else { return };
        plan.take_due(now);
        if plan.may_tell(now) {
            let told = |wanted| self.options.iter().find(|(name, _)| name == wanted);
            let tags =
                ["tags", "exclude_tags"].map(|name| told(name).map(|(_, tags)| tags.clone()));
            if plan.is_deaf_to(&tags) {
                warn!(
                    target: RUNNERS,
                    "Worker {identity} is of Locust's kind: it goes on with the tasks that tags left it in its first run. \
                     Start it again for others"
                );
            }
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

    /// Has a worker of Locust's kind stop all its users.
    pub(super) fn let_go(&mut self, identity: &Identity) {
        let Some(peer) = self.peers.get_mut(identity) else { return };
        let (node, Kind::Locust(plan)) = (peer.node, &mut peer.kind) else { return };
        let unborn = u32::try_from(plan.births.len()).unwrap_or(u32::MAX);
        plan.births.clear();
        plan.counts.fill(0);
        plan.changed = true;
        if let Some(node) = node {
            self.say_started(node, unborn);
        }
        self.flush(identity, clock::now());
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
}
