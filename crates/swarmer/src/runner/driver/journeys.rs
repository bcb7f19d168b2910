//! A driver in the open model: journeys are given to users as they fall due.

use std::collections::BTreeMap;

use super::starts::Row;
use super::{Birth, Driver, Event};
use crate::clock;
use crate::runner::arrivals::{Open, Opening, has_room};
use crate::runner::pool::Call;
use crate::runner::turns::Turns;
use crate::user::stop::{Stop, StopSignal};

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
        let (mut started, mut row) = (0, Row::begin());
        // The clock is read for each, so that a long row of journeys does not make those due meanwhile later still.
        while let Some((class, call)) = self.open.as_mut().and_then(|o| o.take_due(clock::now())) {
            if !self.serve(class, call) {
                continue;
            }
            started += 1;
            if row.next().await && self.alarm.is_some() {
                break;
            }
        }
        started
    }

    /// Gives a journey to a free user, or to a new one, or to nobody. Whether a user was started for it.
    fn serve(&mut self, class: usize, call: Call) -> bool {
        let Some(open) = &mut self.open else { return false };
        if open.pool.call(class, call) {
            return false;
        }
        let users: Vec<usize> = self.living.borrow().by_class.iter().map(BTreeMap::len).collect();
        if !has_room(class, &users, open.served(), open.users) {
            self.env.recorder.borrow_mut().journeys_dropped(1);
            return false;
        }
        let place = open.pool.place(class, call);
        let number = open.number();
        self.start(Birth { due: call.due, class, number }, Turns::Called(place));
        true
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
