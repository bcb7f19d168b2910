//! Starting users as they fall due, without keeping others from their turn.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{Driver, Event, count};
use crate::clock;
use crate::runner::turns::{Own, Turns};

/// So many are started at most before others on the driver get their turn,
const STARTS_IN_A_ROW: usize = 32;

/// and they take so long at most.
const STARTS_AT_A_TIME: Duration = Duration::from_micros(100);

/// To start a user is the least of what it costs: the rest, up to its first request, comes in the turns after. So much of the
/// time is spent on starts while there is always somebody at work.
const SHARE_OF_STARTS: u32 = 256;

/// Users are started in lots that begin so far apart at least. An alarm for each of ten thousand in a second would cost the
/// users at work more than it tells of the start of a crowd; a journey's alarm is its own.
const LOT_GAP: Duration = Duration::from_millis(1);

/// Users that were started are told of this often at most, and with each report.
const TELL_GAP: Duration = Duration::from_millis(20);

impl Driver {
    /// Starts the users due by `now`, a few at a time, letting the others run in between; how many. On a thread of its own the
    /// driver hears what it is told after each few, and users who are at work have precedence: a crowd that comes faster than
    /// the core can take it has to wait, not they.
    pub(super) async fn start_due(&mut self, now: Instant) -> usize {
        let (mut started, mut row) = (0, Row::lasting(self.starts.allowance));
        self.starts.lot = None;
        while let Some(birth) = self.pending.pop_front_if(|birth| birth.due <= now) {
            let own = Own::new(self.setup.limits.clone(), Rc::clone(&self.ended));
            self.start(birth, Turns::Own(own));
            started += 1;
            if self.alarm.is_none() {
                row.next().await;
            } else if row.is_full() {
                self.starts.allowance = round().await / SHARE_OF_STARTS;
                return started;
            }
        }
        if started > 0 && self.alarm.is_some() {
            self.starts.lot = Some(now);
            self.starts.allowance = Duration::ZERO;
        }
        started
    }

    /// When the next lot of users is to be started.
    pub(super) fn next_lot(&self) -> Option<Instant> {
        let due = self.pending.front()?.due;
        Some(self.starts.lot.map_or(due, |lot| due.max(lot + LOT_GAP)))
    }

    /// Tells of these and all that nobody has been told of.
    pub(super) fn say_started(&mut self, births: usize) {
        let births = births + std::mem::take(&mut self.starts.untold);
        if births > 0 {
            self.starts.told = Some(clock::now());
            let (births, users) = (count(births), self.users());
            self.say(Event::Started { node: self.index, births, users });
        }
    }

    /// Tells of these in good time: with others, if more are about to come.
    pub(super) fn say_started_soon(&mut self, births: usize) {
        // So it is with nearly every journey, which a free user takes.
        if births + self.starts.untold == 0 {
            return;
        }
        let now = clock::now();
        let told_lately = self.starts.told.is_some_and(|told| now - told < TELL_GAP);
        let more_come = told_lately && self.next_due().is_some_and(|due| due < now + TELL_GAP);
        if self.alarm.is_some() && more_come {
            self.starts.untold += births;
        } else {
            self.say_started(births);
        }
    }
}

/// Lets everybody run who is ready now, once; how long that took.
async fn round() -> Duration {
    let began = clock::now();
    // It comes last in the queue of those who are ready. It cannot panic, and nobody cancels it.
    let _ = tokio::task::spawn_local(async {}).await;
    clock::now() - began
}

/// Users that are started one after the other, a few at a time.
pub(super) struct Row {
    length: usize,
    began: Instant,
    most: Duration,
}

impl Row {
    pub(super) fn begin() -> Self {
        Self::lasting(STARTS_AT_A_TIME)
    }

    /// One that may be longer than others.
    fn lasting(allowance: Duration) -> Self {
        Self { length: 0, began: clock::now(), most: allowance.max(STARTS_AT_A_TIME) }
    }

    /// One more was started: whether that were enough for now.
    fn is_full(&mut self) -> bool {
        self.length += 1;
        let is_long = self.length >= STARTS_IN_A_ROW && self.most == STARTS_AT_A_TIME;
        is_long || clock::now() - self.began >= self.most
    }

    /// One more was started: when that were enough for now, the others run first. Whether that was so.
    pub(super) async fn next(&mut self) -> bool {
        let enough = self.is_full();
        if enough {
            tokio::task::yield_now().await;
            *self = Self::begin();
        }
        enough
    }
}

/// What a driver remembers of the users it started. To tell of each by itself would wake the control plane ten thousand times
/// a second, on a core that users may need.
#[derive(Default)]
pub(super) struct Starts {
    /// Users that were started and that nobody has been told of.
    untold: usize,
    /// When somebody was told last.
    told: Option<Instant>,
    /// When the last lot began, if all that was due then was started.
    lot: Option<Instant>,
    /// How long the next few may be started for, if longer than usual: what is always busy gives them more time in one go, for
    /// it takes longer until they have their turn again.
    allowance: Duration,
}
