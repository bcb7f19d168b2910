//! Starting users as they fall due, without keeping others from their turn.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::{Driver, Event, count};
use crate::clock;
use crate::runner::turns::{Own, Turns};

/// So many users start at most before other users of the driver get their turn,
const STARTS_IN_A_ROW: usize = 32;

/// and they take so long at most.
const STARTS_AT_A_TIME: Duration = Duration::from_micros(100);

/// Users that were started are told of this often at most, and with each report.
const TELL_GAP: Duration = Duration::from_millis(20);

impl Driver {
    /// Starts the users due by `now`, a few at a time, letting the others run in between. On a thread of its own the driver
    /// hears what it is told after each few, too.
    pub(super) async fn start_due(&mut self, now: Instant) {
        let (mut started, mut row) = (0, Row::begin());
        while let Some(birth) = self.pending.pop_front_if(|birth| birth.due <= now) {
            let own = Own::new(self.setup.limits.clone(), Rc::clone(&self.ended));
            self.start(birth, Turns::Own(own));
            started += 1;
            if row.next().await && self.alarm.is_some() {
                break;
            }
        }
        self.say_started_soon(started);
    }

    /// Tells of these and all that nobody has been told of.
    pub(super) fn say_started(&mut self, births: usize) {
        let births = births + std::mem::take(&mut self.unsaid.births);
        if births > 0 {
            self.unsaid.told = Some(clock::now());
            let (births, users) = (count(births), self.users());
            self.say(Event::Started { node: self.index, births, users });
        }
    }

    /// Tells of these in good time: with others, if more are about to come.
    fn say_started_soon(&mut self, births: usize) {
        let told_lately = self.unsaid.told.is_some_and(|told| clock::now() - told < TELL_GAP);
        if self.alarm.is_some() && told_lately && !self.pending.is_empty() {
            self.unsaid.births += births;
        } else {
            self.say_started(births);
        }
    }
}

/// Users that are started one after the other, a few at a time.
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
        let enough =
            self.length >= STARTS_IN_A_ROW || clock::now() - self.began >= STARTS_AT_A_TIME;
        if enough {
            tokio::task::yield_now().await;
            *self = Self::begin();
        }
        enough
    }
}

/// Users that were started and that nobody has been told of. To be told of each by itself would wake the control plane ten
/// thousand times a second, on a core that users may need.
#[derive(Default)]
pub(super) struct Unsaid {
    births: usize,
    /// When somebody was told last.
    told: Option<Instant>,
}
