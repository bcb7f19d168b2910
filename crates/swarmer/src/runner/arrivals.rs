//! The open model on one driver: journeys as they fall due.
//!
//! All drivers of all workers walk the same sequence of arrivals, and each takes its share of it. When shares change in
//! mid-run (a worker went or came), the new ones hold from a moment of the sequence that is the same for everybody: so no
//! arrival is served twice or left out, whenever a driver hears of it before that moment.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::pool::{Call, Pool};
use crate::load::{Arrival, Arrivals, Share};

/// What a driver is told of journeys that arrive.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    /// All arrivals of the run.
    pub(crate) arrivals: Arrivals,
    /// The driver's part of them; `None`: nothing.
    pub(crate) share: Option<Share>,
    /// Arrivals due from then on are meant, counted from `began`; before, it stays as it was.
    pub(crate) from: Duration,
    /// How often shares of this run have changed.
    pub(crate) turn: u64,
    /// From when their due moments count.
    pub(crate) began: Instant,
    /// Users on this driver at most.
    pub(crate) users: u32,
}

/// Who serves what, from a moment of the sequence on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Era {
    pub(super) from: Duration,
    pub(super) share: Option<Share>,
    /// Arrivals of a higher number do not take place.
    pub(super) most: Option<u64>,
}

/// The part of the arrivals that one driver serves, as its share changes.
#[derive(Debug)]
pub(super) struct Walk {
    /// All of them, without a limit on their number.
    all: Arrivals,
    eras: VecDeque<Era>,
    /// Arrivals that were walked past and may be ours by a share to come, up to the next one that is.
    ahead: VecDeque<(Arrival, usize)>,
    /// Where in `ahead` the next one of ours is.
    found: Option<usize>,
}

impl Walk {
    pub(super) fn new(arrivals: Arrivals, share: Option<Share>, from: Duration) -> Self {
        let most = arrivals.most();
        let mut eras = VecDeque::from([Era { from, share, most }]);
        if !from.is_zero() {
            eras.push_front(Era { from: Duration::ZERO, share: None, most: None });
        }
        Self { all: arrivals.at_most(None), eras, ahead: VecDeque::new(), found: None }
    }

    /// From a moment on that lies behind all before it another share holds.
    pub(super) fn turn(&mut self, era: Era) {
        self.eras.push_back(era);
        self.found = None;
    }

    /// The last era there is so far.
    fn last(&self) -> Era {
        let none = Era { from: Duration::ZERO, share: None, most: None };
        self.eras.back().copied().unwrap_or(none)
    }

    fn is_ours(&self, (arrival, place): (Arrival, usize)) -> bool {
        let era = self.eras.iter().rfind(|era| era.from <= arrival.due);
        era.is_some_and(|era| {
            era.most.is_none_or(|most| arrival.number < most)
                && era.share.is_some_and(|share| place % share.of.max(1) == share.index)
        })
    }

    /// Walks on to the next arrival of ours.
    fn seek(&mut self) -> Option<usize> {
        if self.found.is_some() {
            return self.found;
        }
        let last = self.last();
        let mut at = 0;
        loop {
            if at == self.ahead.len() {
                let is_past = last.most.is_some_and(|most| self.all.next_number() >= most);
                let rests = last.share.is_none()
                    && self.ahead.back().is_some_and(|(arrival, _)| arrival.due >= last.from);
                if is_past || rests {
                    return None;
                }
                self.ahead.push_back(self.all.next_with_place()?);
            }
            if self.is_ours(self.ahead[at]) {
                self.found = Some(at);
                return self.found;
            }
            if self.ahead[at].0.due < last.from {
                self.ahead.remove(at); // No share to come reaches back to it.
            } else {
                at += 1;
            }
        }
    }

    /// The next arrival of ours.
    pub(super) fn peek(&mut self) -> Option<Arrival> {
        let at = self.seek()?;
        self.ahead.get(at).map(|(arrival, _)| *arrival)
    }

    /// Takes the next arrival of ours.
    pub(super) fn take(&mut self) -> Option<Arrival> {
        let at = self.seek()?;
        self.found = None;
        let taken = self.ahead.drain(..=at).next_back().map(|(arrival, _)| arrival);
        while let (Some(arrival), Some(next)) = (taken, self.eras.get(1))
            && next.from <= arrival.due
        {
            self.eras.pop_front();
        }
        taken
    }
}

/// The arrivals of a driver and its pool of users.
pub(super) struct Open {
    walk: Walk,
    began: Instant,
    /// The run ends with the last journey; else a time ends it.
    counted: bool,
    /// Users are being stopped: what arrives now would be served after the last report.
    closed: bool,
    share: Share,
    turn: u64,
    /// Users started for journeys in this turn.
    called: u64,
    served: Vec<bool>,
    pub(super) users: u32,
    pub(super) pool: Rc<Pool>,
}

impl Open {
    pub(super) fn new(opening: Opening, classes: usize) -> Self {
        let Opening { arrivals, share, from, turn, began, users } = opening;
        Self {
            began,
            counted: arrivals.most().is_some(),
            closed: false,
            served: (0..classes).map(|class| arrivals.serves(class)).collect(),
            walk: Walk::new(arrivals, share, from),
            share: share.unwrap_or(Share::ALL),
            turn,
            called: 0,
            users,
            pool: Pool::new(classes),
        }
    }

    /// Goes on with another share from a moment on.
    pub(super) fn turn(&mut self, opening: &Opening) {
        let &Opening { share, from, turn, users, .. } = opening;
        self.walk.turn(Era { from, share, most: opening.arrivals.most() });
        (self.share, self.turn) = (share.unwrap_or(self.share), turn);
        (self.called, self.users) = (0, users);
    }

    /// How often shares of the run have changed.
    pub(super) fn turns(&self) -> u64 {
        self.turn
    }

    /// Which classes journeys arrive for.
    pub(super) fn served(&self) -> &[bool] {
        &self.served
    }

    /// A number for a new user that no other driver gives, now or after shares have changed.
    pub(super) fn number(&mut self) -> u64 {
        let number = self.called * self.share.of as u64 + self.share.index as u64;
        self.called += 1;
        (self.turn << 32) + number
    }

    /// No journey arrives any more.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// When the next journey is due; `None` when there is none left.
    pub(super) fn next_due(&mut self) -> Option<Instant> {
        if self.closed {
            return None;
        }
        self.began.checked_add(self.walk.peek()?.due)
    }

    /// The next journey due at `now`, and its class.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(usize, Call)> {
        let due = self.next_due().filter(|due| *due <= now)?;
        let arrival = self.walk.take()?;
        Some((arrival.class, Call { number: arrival.number, due }))
    }

    /// Whether all journeys of a limited number have arrived and are over.
    pub(super) fn is_over(&mut self) -> bool {
        self.counted && self.walk.peek().is_none() && self.pool.is_idle()
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
    use crate::load::{Rates, Spacing, UserClass};

    fn arrivals(spacing: Spacing, most: Option<u64>) -> Arrivals {
        let rates = Rates::constant("100/s".parse().unwrap()).unwrap();
        let classes = [UserClass::weighted("A", 2.0), UserClass::weighted("B", 1.0)];
        Arrivals::new(rates, spacing, &classes, 7).at_most(most)
    }

    fn part(index: usize, of: usize) -> Share {
        Share { index, of }
    }

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// Takes all that is due before then.
    fn numbers(walk: &mut Walk, before: f64) -> Vec<u64> {
        let due = |walk: &mut Walk| walk.peek().is_some_and(|next| next.due < seconds(before));
        std::iter::from_fn(|| due(walk).then(|| walk.take()).flatten().map(|a| a.number)).collect()
    }

    #[test]
    fn shares_that_change_in_the_middle_leave_nothing_out_and_double_nothing() {
        for spacing in [Spacing::Constant, Spacing::Poisson] {
            let make = |index, of| {
                Walk::new(arrivals(spacing, None), Some(part(index, of)), Duration::ZERO)
            };
            let (mut first, mut second, mut lost) = (make(0, 3), make(1, 3), make(2, 3));
            // They hear of the change while they know arrivals beyond it, a little apart from each other.
            let mut served = numbers(&mut first, 1.2);
            served.extend(numbers(&mut second, 1.7));
            served.extend(numbers(&mut lost, 2.0));
            let era = |index, of, from| Era {
                from: seconds(from),
                share: Some(part(index, of)),
                most: None,
            };
            first.turn(era(1, 2, 2.0));
            second.turn(era(0, 2, 2.0));
            served.extend(numbers(&mut first, 2.5));
            first.turn(era(0, 3, 3.0));
            second.turn(era(2, 3, 3.0));
            // One that comes late walks by itself to where it is.
            let mut late = Walk::new(arrivals(spacing, None), Some(part(1, 3)), seconds(3.0));
            for walk in [&mut first, &mut second, &mut late] {
                served.extend(numbers(walk, 5.0));
            }
            served.sort_unstable();
            let expected = arrivals(spacing, None).take_while(|a| a.due < seconds(5.0));
            assert_eq!(served, expected.map(|a| a.number).collect::<Vec<_>>());
        }
    }

    #[test]
    fn who_has_no_share_any_more_rests_and_holds_nothing() {
        let mut walk =
            Walk::new(arrivals(Spacing::Constant, None), Some(part(0, 1)), Duration::ZERO);
        assert_eq!(numbers(&mut walk, 1.0).len(), 100);
        walk.turn(Era { from: seconds(2.0), share: None, most: None });
        assert_eq!(numbers(&mut walk, 60.0).len(), 100);
        assert!(walk.peek().is_none() && walk.ahead.len() <= 1);
        walk.turn(Era { from: seconds(3.0), share: Some(part(0, 1)), most: None });
        assert_eq!(numbers(&mut walk, 4.0).len(), 100);
        assert_eq!(walk.eras.len(), 1);
    }

    #[test]
    fn a_number_of_journeys_can_be_raised_after_its_end() {
        let mut walk =
            Walk::new(arrivals(Spacing::Constant, Some(50)), Some(part(0, 2)), Duration::ZERO);
        assert_eq!(numbers(&mut walk, 60.0).len(), 25);
        assert!(walk.peek().is_none());
        // At 100 a second arrival 500 is the first one due after five seconds.
        walk.turn(Era { from: seconds(5.0), share: Some(part(0, 1)), most: Some(525) });
        assert_eq!(numbers(&mut walk, 60.0), (500..525).collect::<Vec<_>>());
        assert!(walk.peek().is_none());
    }

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
