//! A driver in the open model: journeys are given to users as they fall due.

use std::collections::BTreeMap;
use std::time::Duration;

use super::starts::STARTS_IN_A_ROW;
use super::wait::NOTHING;
use super::{Birth, Driver, Event};
use crate::clock;
use crate::runner::arrivals::{Open, Opening, has_room};
use crate::runner::pool::Call;
use crate::runner::turns::Turns;
use crate::user::stop::{Stop, StopSignal};

/// So long a journey waits for a user while the core is busy with those there are; then one is started all the same.
const PATIENCE: Duration = Duration::from_millis(1);

impl Driver {
    /// Journeys arrive from now on, or from a moment on another share of them.
    pub(super) fn open_for(&mut self, opening: &Opening) {
        match &mut self.open {
            Some(open) if opening.turn > open.turns() => open.turn(opening),
            _ => self.open = Some(Open::new(opening.clone(), self.setup.classes.len())),
        }
        // Users above the limit, of the classes that have most, go after their journeys.
        let living = self.living.borrow();
        let mut left: Vec<Vec<&StopSignal>> =
            living.by_class.iter().map(|users| users.values().collect()).collect();
        let users: usize = left.iter().map(Vec::len).sum();
        for _ in opening.users as usize..users {
            let fullest = left.iter_mut().max_by_key(|users| users.len());
            if let Some(signal) = fullest.and_then(Vec::pop) {
                signal.raise(Stop::AfterTask);
            }
        }
    }

    /// Gives the journeys that are due to users; how many of these were started for it.
    pub(super) async fn serve_due(&mut self) -> usize {
        let (mut started, mut most) = (0, 0);
        // The clock is read for each, so that a long row of journeys does not make those due meanwhile later still.
        while let Some((class, call)) = self.open.as_mut().and_then(|o| o.take_due(clock::now())) {
            if self.is_taken(class, call) {
                continue;
            }
            if most == 0 {
                // A driver that is always behind has to hear what it is told all the same.
                let Some(row) = self.nobody_is_free(class, call).await else { break };
                most = row;
            }
            if !self.has_room(class) {
                self.env.recorder.borrow_mut().journeys_dropped(1);
                continue;
            }
            self.start_for(class, call);
            started += 1;
            if started == most {
                break;
            }
        }
        started
    }

    /// Gives a journey to a free user, if there is one.
    fn is_taken(&self, class: usize, call: Call) -> bool {
        self.open.as_ref().is_some_and(|open| open.pool.call(class, call))
    }

    /// Waits until somebody is free after all (`None`), or the core has nothing better to do than to start users: how many.
    ///
    /// A driver that is behind would else start users for journeys that others are about to be free for, and be further
    /// behind by what each of them costs: a run that begins at half of what the core can do would never catch up with its
    /// first milliseconds.
    async fn nobody_is_free(&self, class: usize, call: Call) -> Option<usize> {
        let since = clock::now();
        loop {
            let before = clock::now();
            // The runtime looks at sockets before it comes back, and lets all run whose answers are there.
            tokio::task::yield_now().await;
            if self.is_taken(class, call) {
                return None;
            }
            let now = clock::now();
            if now - before < NOTHING || now - since > PATIENCE || !self.has_room(class) {
                return Some(STARTS_IN_A_ROW);
            }
        }
    }

    fn has_room(&self, class: usize) -> bool {
        let Some(open) = &self.open else { return false };
        let users: Vec<usize> = self.living.borrow().by_class.iter().map(BTreeMap::len).collect();
        has_room(class, &users, open.served(), open.users)
    }

    /// Starts a user for a journey.
    fn start_for(&mut self, class: usize, call: Call) {
        let Some(open) = &mut self.open else { return };
        let place = open.pool.place(class, call);
        let number = open.number();
        self.start(Birth { due: call.due, class, number }, Turns::Called(place));
    }

    /// Counts what the pool missed, and says when it has nothing left to do.
    pub(super) fn look_after_pool(&mut self) {
        let Some(open) = &mut self.open else { return };
        self.env.recorder.borrow_mut().journeys_dropped(open.pool.take_missed());
        if open.is_over() {
            let turn = open.turns();
            self.say(Event::Served { node: self.index, turn });
        }
    }

    /// No more journeys; those due by now that were not begun are dropped.
    pub(super) fn close(&mut self) {
        let now = clock::now();
        let Some(open) = &mut self.open else { return };
        let unserved = std::iter::from_fn(|| open.take_due(now)).count();
        open.close();
        self.env.recorder.borrow_mut().journeys_dropped(unserved as u64);
    }
}
