//! Starting users as they fall due, without keeping others from their turn.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{Driver, Event, count};
use crate::clock;
use crate::runner::turns::{Own, Turns};

/// So many are started before others on the driver get their turn: a few, for to start a user is the least of what it costs.
/// The rest, up to its first request, comes in the turns after, and whoever is due meanwhile waits for all of it.
pub(super) const STARTS_IN_A_ROW: usize = 4;

/// Where there is always somebody at work it takes long until all had their turn, and then there are more: one for each so much
/// of it. Who costs less than this until its first wait does not make the next row longer.
const ROUND_PER_START: Duration = Duration::from_millis(1);

/// Where the runtime's timer has to do: so many are started at most,
const MOST_IN_A_ROW: usize = 32;

/// and they take so long at most.
const STARTS_AT_A_TIME: Duration = Duration::from_micros(100);

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
        let (mut started, most) = (0, self.starts.most());
        let mut row = (!self.wait.is_sharp()).then(Row::begin);
        self.starts.lot = None;
        while let Some(birth) = self.pending.pop_front_if(|birth| birth.due <= now) {
            let own = Own::new(self.setup.limits.clone(), Rc::clone(&self.ended));
            self.start(birth, Turns::Own(own));
            started += 1;
            if let Some(row) = &mut row {
                row.next().await;
            } else if started >= most {
                self.starts.round = round().await;
                return started;
            }
        }
        if started > 0 && self.wait.is_sharp() {
            self.starts.lot = Some(now);
            self.starts.round = Duration::ZERO;
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
        if self.wait.is_sharp() && more_come {
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

/// Users that are started one after the other, some at a time.
pub(super) struct Row {
    length: usize,
    began: Instant,
}

impl Row {
    pub(super) fn begin() -> Self {
        Self { length: 0, began: clock::now() }
    }

    /// One more was started: when that were enough for now, the others run first. Whether that was so.
    pub(super) async fn next(&mut self) -> bool {
        self.length += 1;
        let is_long = self.length >= MOST_IN_A_ROW;
        let enough = is_long || clock::now() - self.began >= STARTS_AT_A_TIME;
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
    /// How long it took until all had their turn after the last few, if more were due.
    round: Duration,
}

impl Starts {
    /// So many may be started in a row now.
    fn most(&self) -> usize {
        let by_time = self.round.as_micros() / ROUND_PER_START.as_micros();
        usize::try_from(by_time).unwrap_or(usize::MAX).max(STARTS_IN_A_ROW)
    }
}
