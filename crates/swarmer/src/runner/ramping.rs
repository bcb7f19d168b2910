//! A ramp on its way: which commands are due, and when the users they start have started.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::driver::Birth;
use super::fleet::Fleet;
use crate::load::{Change, Dispatcher, Placement, Ramp};

/// Users due within this time are sent to their drivers ahead, so that drivers start them on the dot.
const LOOK_AHEAD: Duration = Duration::from_millis(100);

/// A ramp, and how far the drivers are with it.
pub(super) struct Ramping {
    ramp: Ramp,
    began: Instant,
    /// Users sent to drivers, and those that drivers have dealt with.
    sent: u64,
    dealt_with: u64,
}

impl Ramping {
    /// Begins `ramp` with its first step at `began`; users that the ramp before has sent may still be on their way.
    pub(super) fn begin(ramp: Ramp, began: Instant, before: Option<Self>) -> Self {
        let (sent, dealt_with) = before.map_or((0, 0), |old| (old.sent, old.dealt_with));
        Self { ramp, began, sent, dealt_with }
    }

    /// When there is something to send again, if ever.
    pub(super) fn next_step(&self, dispatcher: &Dispatcher) -> Option<Instant> {
        let due = self.ramp.next_due(dispatcher)?;
        // Half of what is sent ahead is used up by then, so that a fast ramp sends twenty commands a second, not one
        // for each user. A moment that no clock knows never comes.
        self.began.checked_add(due.saturating_sub(self.look_ahead(dispatcher) / 2))
    }

    /// Sends what is due at `now` or soon after.
    pub(super) fn send(
        &mut self,
        dispatcher: &mut Dispatcher,
        fleet: &Fleet,
        now: Instant,
        grace: Duration,
    ) {
        let seen = now + self.look_ahead(dispatcher);
        let Some(horizon) = seen.checked_duration_since(self.began) else { return };
        let mut births: Vec<Vec<Birth>> = vec![Vec::new(); fleet.len()];
        let mut stops: BTreeMap<(usize, usize), Vec<u64>> = BTreeMap::new();
        for step in self.ramp.due(dispatcher, horizon) {
            let Placement { class, worker, user } = step.place;
            match step.change {
                Change::Start => {
                    let due = self.began + step.due;
                    births[worker].push(Birth { due, class, number: user });
                }
                Change::Stop => stops.entry((worker, class)).or_default().push(user),
            }
        }
        for (driver, births) in births.into_iter().enumerate().filter(|(_, b)| !b.is_empty()) {
            self.sent += births.len() as u64;
            fleet.start_users(driver, births);
        }
        for ((driver, class), users) in stops {
            fleet.stop_users(driver, class, users, grace);
        }
    }

    /// Notes that drivers have dealt with so many of the users sent.
    pub(super) fn note(&mut self, births: u32) {
        self.dealt_with += u64::from(births);
    }

    /// Whether every step was sent, and everybody sent has started.
    pub(super) fn is_done(&self, dispatcher: &Dispatcher) -> bool {
        self.ramp.is_done(dispatcher) && self.dealt_with >= self.sent
    }

    /// Users are started on the dot by their drivers, but stopped when the command comes.
    fn look_ahead(&self, dispatcher: &Dispatcher) -> Duration {
        let falls = self.ramp.target() < dispatcher.user_count();
        if falls { Duration::ZERO } else { LOOK_AHEAD }
    }
}
