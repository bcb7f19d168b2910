//! The open model on one driver: journeys as they fall due.

use std::iter::Peekable;
use std::rc::Rc;
use std::time::Instant;

use super::pool::{Call, Pool};
use crate::load::{Arrivals, Share};

/// What a driver is told of journeys that arrive.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    /// All arrivals of the run.
    pub(crate) arrivals: Arrivals,
    /// The driver's part of them.
    pub(crate) share: Share,
    /// From when their due moments count.
    pub(crate) began: Instant,
    /// Users on this driver at most.
    pub(crate) users: u32,
}

/// The arrivals of a driver and its pool of users.
pub(super) struct Open {
    arrivals: Peekable<Arrivals>,
    began: Instant,
    /// The run ends with the last journey; else a time ends it.
    counted: bool,
    drivers: u64,
    index: u64,
    served: Vec<bool>,
    pub(super) users: u32,
    pub(super) pool: Rc<Pool>,
}

impl Open {
    pub(super) fn new(opening: Opening, classes: usize) -> Self {
        let Opening { arrivals, share, began, users } = opening;
        let counted = arrivals.is_counted();
        let served = (0..classes).map(|class| arrivals.serves(class)).collect();
        let arrivals = arrivals.share(share).peekable();
        Self {
            arrivals,
            began,
            counted,
            drivers: share.of as u64,
            index: share.index as u64,
            served,
            users,
            pool: Pool::new(classes),
        }
    }

    /// Which classes journeys arrive for.
    pub(super) fn served(&self) -> &[bool] {
        &self.served
    }

    /// Which of the drivers this is.
    pub(super) fn index(&self) -> u64 {
        self.index
    }

    /// How many drivers share the arrivals.
    pub(super) fn drivers(&self) -> u64 {
        self.drivers
    }

    /// When the next journey is due; `None` when there is none left.
    pub(super) fn next_due(&mut self) -> Option<Instant> {
        let due = self.arrivals.peek()?.due;
        self.began.checked_add(due)
    }

    /// The next journey due at `now`, and its class.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(usize, Call)> {
        let due = self.next_due().filter(|due| *due <= now)?;
        let arrival = self.arrivals.next()?;
        Some((arrival.class, Call { number: arrival.number, due }))
    }

    /// Whether all journeys of a limited number have arrived and are over.
    pub(super) fn is_over(&mut self) -> bool {
        self.counted && self.arrivals.peek().is_none() && self.pool.is_idle()
    }
}

/// Whether a class may have one more user where `users` run by class (0 where a class has none): within `limit`, and
/// leaving a place for each other class that journeys arrive for and that has no user yet.
pub(super) fn has_room(class: usize, users: &[usize], served: &[bool], limit: u32) -> bool {
    let waiting = |other: usize| other != class && served[other] && users[other] == 0;
    let kept = (0..users.len()).filter(|other| waiting(*other)).count();
    users.iter().sum::<usize>() + kept < limit as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_kept_for_every_class() {
        let served = [true, true, false];
        assert!(has_room(0, &[0, 0, 0], &served, 2));
        assert!(!has_room(0, &[1, 0, 0], &served, 2));
        assert!(has_room(1, &[1, 0, 0], &served, 2));
        assert!(!has_room(1, &[1, 1, 0], &served, 2));
        assert!(has_room(0, &[1, 1, 0], &served, 3));
    }
}
