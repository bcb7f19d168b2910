//! A run that is steered from elsewhere: this fleet is a part of a larger one.

use tracing::debug;

use super::{Control, Openings, Sending, State, Watcher};
use crate::clock;
use crate::logging::RUNNERS;
use crate::runner::fleet::Fleet;
use crate::runner::handle::Service;

impl<W: Watcher, F: Fleet> Control<W, F> {
    pub(super) fn serve(&mut self, service: Service) {
        match service {
            Service::Finish if self.state().is_active() => {
                self.serving.get_or_insert_default();
                self.finish();
            }
            Service::Limit(max_rate) => self.fleet.limit(max_rate),
            Service::Grace(grace) => self.settings.stop_timeout = grace,
            Service::Spawned(users) => self.settings.hooks.spawning_complete(users),
            Service::Leave { class, users, grace } if self.state().is_active() => {
                let mut sending = Sending::new(&mut self.fleet, &mut self.outstanding, grace);
                let places =
                    users.iter().filter_map(|user| self.dispatcher.stop_user(class, *user));
                places.for_each(|place| sending.stop(place));
            }
            // Nobody runs.
            Service::Finish | Service::Leave { .. } => {}
            Service::Counts { counts, placed } if self.may_serve() => {
                self.waits_for(placed);
                self.go_to(&counts);
            }
            Service::Start(births) if self.may_serve() => {
                let grace = self.settings.stop_timeout;
                let mut sending = Sending::new(&mut self.fleet, &mut self.outstanding, grace);
                for birth in births {
                    if let Some(place) = self.dispatcher.start_one(birth.class, Some(birth.number))
                    {
                        sending.start(place, birth.due);
                    }
                }
                drop(sending);
                self.tell_if_placed();
            }
            Service::Open(plan) if self.may_serve() => {
                let nodes = self.fleet.open(&plan).into_iter().collect();
                self.open = Some(Openings { nodes, turn: plan.turn });
                self.tell_if_placed();
            }
            Service::Counts { .. } | Service::Start(_) | Service::Open(_) => {
                debug!(target: RUNNERS, "Users are being stopped; none is started");
            }
        }
    }

    fn may_serve(&mut self) -> bool {
        if !self.may_start() {
            return false;
        }
        self.serving.get_or_insert_default();
        self.state.send_replace(State::Spawning);
        true
    }

    fn waits_for(&mut self, placed: tokio::sync::oneshot::Sender<()>) {
        self.serving.get_or_insert_default().push(placed);
    }

    fn go_to(&mut self, counts: &[(usize, u32)]) {
        let (now, grace) = (clock::now(), self.settings.stop_timeout);
        let mut sending = Sending::new(&mut self.fleet, &mut self.outstanding, grace);
        for &(class, target) in counts {
            while self.dispatcher.table().class_total(class) < target
                && let Some(place) = self.dispatcher.start_one(class, None)
            {
                sending.start(place, now);
            }
            while self.dispatcher.table().class_total(class) > target
                && let Some(place) = self.dispatcher.stop_one(class)
            {
                sending.stop(place);
            }
        }
        drop(sending);
        self.tell_if_placed();
    }

    /// Tells those who wait that every user asked for has started.
    pub(super) fn tell_if_placed(&mut self) {
        self.planned.send_replace(self.dispatcher.user_count());
        let Some(waiting) = self.serving.as_mut().filter(|_| self.outstanding.is_none()) else {
            return;
        };
        for placed in waiting.drain(..) {
            let _ = placed.send(());
        }
        self.state.send_if_modified(|state| {
            let spawning = *state == State::Spawning;
            if spawning {
                *state = State::Running;
            }
            spawning
        });
    }
}
