//! What a master knows of one worker.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::clock;
use crate::cluster::{Identity, Value, WorkerState};
use crate::runner::driver::Departure;
use crate::runner::letters::{DOWN, Inbox, Outbox};
use crate::stats::{Delta, Worker};

/// A worker of Locust's kind gets its next `spawn` so long after the last one, unless all users have started.
pub(super) const SPAWN_EVERY: Duration = Duration::from_millis(450);

/// So long after its last `spawn` a worker is believed that its users are all there are going to be.
const SETTLED: Duration = Duration::from_secs(2);

/// A worker, present or not.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the worker")]
pub(super) struct Peer {
    pub(super) kind: Kind,
    /// The ordinal that it was told.
    pub(super) index: u64,
    pub(super) state: WorkerState,
    /// Its number in the fleet while it is present.
    pub(super) node: Option<usize>,
    /// It has not been a node yet.
    pub(super) is_new: bool,
    /// It has said that it goes: it lives until its users are gone, and is not to be taken back.
    pub(super) leaves: bool,
    /// It fell silent when it was a node last.
    pub(super) was_lost: bool,
    pub(super) last_heard: Instant,
    pub(super) last_report: Instant,
    pub(super) cpu: f64,
    pub(super) memory: u64,
    pub(super) users: Vec<u32>,
    /// What it reported before it was a node for the first time.
    pub(super) early: Vec<Delta>,
    /// It was told about its high load.
    pub(super) warned: bool,
    /// It is being stopped; what it still has to say.
    farewell: Farewell,
}

/// How a worker is spoken to.
pub(super) enum Kind {
    Locust(Plan),
    Ours {
        outbox: Outbox,
        inbox: Inbox,
        /// Which process it is.
        boot: u64,
        drivers: u32,
        /// Requests it counted in all, as it announced, and those of them that were reported.
        announced: u64,
        reported: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Farewell {
    /// Nothing is asked of it.
    None,
    /// It stops its users.
    Stopping,
    /// Its users are gone; its next report is the last one.
    ReportDue,
}

type Tags = [Option<Value>; 2];

/// What a worker of Locust's kind is to run.
#[derive(Default)]
pub(super) struct Plan {
    /// Users by class that it was told to run, or is to be told.
    pub(super) counts: Vec<u32>,
    /// Users that are not due yet.
    pub(super) births: VecDeque<(Instant, usize)>,
    /// It does not know `counts` yet.
    pub(super) changed: bool,
    /// Users that it was told to start and has not said to have.
    pub(super) unconfirmed: u32,
    pub(super) last_spawn: Option<Instant>,
    pub(super) last_timestamp: f64,
    /// `tags` and `exclude_tags` of its first `spawn`, by which it filters once and for all, and of its last one.
    tags: Option<[Tags; 2]>,
    /// It has said that a `spawn` is complete since the last one was sent.
    pub(super) completed: bool,
}

impl Plan {
    /// Takes so many users of a class away; how many of them had not been sent yet.
    pub(super) fn stop(&mut self, class: usize, users: usize) -> u32 {
        let mut unborn = 0;
        for _ in 0..users {
            if let Some(at) = self.births.iter().rposition(|(_, born)| *born == class) {
                self.births.remove(at);
                unborn += 1;
            } else if let Some(count) = self.counts.get_mut(class) {
                *count = count.saturating_sub(1);
                self.changed = true;
            }
        }
        unborn
    }

    /// Counts in who is due by `now`.
    pub(super) fn take_due(&mut self, now: Instant) {
        while let Some((_, class)) = self.births.pop_front_if(|(due, _)| *due <= now) {
            if let Some(count) = self.counts.get_mut(class) {
                *count += 1;
            }
            self.unconfirmed += 1;
            self.changed = true;
        }
    }

    /// Notes the tags it is told; whether they are other ones than before, and it will not heed them.
    pub(super) fn is_deaf_to(&mut self, tags: &Tags) -> bool {
        let [first, last] = self.tags.get_or_insert_with(|| [tags.clone(), tags.clone()]);
        let has_changed = last != tags;
        last.clone_from(tags);
        has_changed && first != tags
    }

    /// Whether the worker may be told now.
    pub(super) fn may_tell(&self, now: Instant) -> bool {
        let rested = |last: Instant| now.saturating_duration_since(last) >= SPAWN_EVERY;
        self.changed && self.last_spawn.is_none_or(rested)
    }

    /// Users that have started, now that the worker runs `users`.
    pub(super) fn confirm(&mut self, users: &[u32], now: Instant) -> u32 {
        let settled = self.completed
            && self.last_spawn.is_some_and(|last| now.saturating_duration_since(last) >= SETTLED);
        if self.changed || !(settled || users == self.counts) {
            return 0;
        }
        std::mem::take(&mut self.unconfirmed)
    }
}

impl Peer {
    pub(super) fn new(ours: Option<u64>, boot: u64, index: u64) -> Self {
        let now = clock::now();
        let kind = match ours {
            None => Kind::Locust(Plan::default()),
            Some(theirs) => Kind::Ours {
                outbox: Outbox::new(DOWN, boot),
                inbox: Inbox::default(),
                boot: theirs,
                drivers: 1,
                announced: 0,
                reported: 0,
            },
        };
        Self {
            kind,
            index,
            state: WorkerState::Ready,
            node: None,
            is_new: true,
            leaves: false,
            was_lost: false,
            last_heard: now,
            last_report: now,
            cpu: 0.0,
            memory: 0,
            users: Vec::new(),
            early: Vec::new(),
            warned: false,
            farewell: Farewell::None,
        }
    }

    /// Goes on from where another master was with this worker.
    pub(super) fn go_on(&mut self, letters: Inbox, requests: u64) {
        if let Kind::Ours { inbox, boot, reported, .. } = &mut self.kind {
            (*inbox, *boot, *reported) = (letters, letters.sender(), requests);
        }
    }

    pub(super) fn is_ours(&self) -> bool {
        matches!(self.kind, Kind::Ours { .. })
    }

    pub(super) fn begin_node(&mut self, node: usize, classes: usize) {
        (self.node, self.is_new, self.was_lost) = (Some(node), false, false);
        self.leaves = false;
        self.users = vec![0; classes];
        self.farewell = Farewell::None;
        if let Kind::Locust(plan) = &mut self.kind {
            let last_timestamp = plan.last_timestamp;
            *plan = Plan { counts: vec![0; classes], last_timestamp, ..Plan::default() };
        }
    }

    pub(super) fn end_node(&mut self, news: Departure) {
        self.was_lost = news == Departure::Lost;
        self.users.fill(0);
        self.farewell = Farewell::None;
        match &mut self.kind {
            Kind::Locust(plan) => plan.births.clear(),
            // What it was told then would only confuse it when it comes back.
            Kind::Ours { outbox, .. } => outbox.forget(),
        }
    }

    pub(super) fn begin_run(&mut self) {
        self.farewell = Farewell::None;
        match &mut self.kind {
            Kind::Locust(plan) => {
                plan.births.clear();
                plan.counts.fill(0);
                (plan.unconfirmed, plan.changed) = (0, false);
            }
            Kind::Ours { announced, reported, .. } => (*announced, *reported) = (0, 0),
        }
    }

    pub(super) fn begin_stop(&mut self) {
        if self.node.is_some() {
            self.farewell = Farewell::Stopping;
        }
        if let Kind::Locust(plan) = &mut self.kind {
            plan.births.clear();
            plan.counts.fill(0);
            (plan.unconfirmed, plan.changed) = (0, false);
        }
    }

    /// Notes that its users are gone; `true` when that was asked for.
    pub(super) fn has_stopped(&mut self) -> bool {
        let asked = self.farewell == Farewell::Stopping;
        if asked {
            // The report of one of ours came before.
            self.farewell = if self.is_ours() { Farewell::None } else { Farewell::ReportDue };
        }
        self.users.fill(0);
        asked
    }

    /// Notes a report; `true` when it was the last one of a run.
    pub(super) fn has_reported(&mut self) -> bool {
        self.last_report = clock::now();
        let last = self.farewell == Farewell::ReportDue;
        if last {
            self.farewell = Farewell::None;
        }
        last
    }

    pub(super) fn owes_last_report(&self) -> bool {
        self.farewell != Farewell::None
    }

    /// Cores that it may use: Python has one thread at work.
    pub(super) fn cores(&self) -> f64 {
        match self.kind {
            Kind::Locust(_) => 1.0,
            Kind::Ours { drivers, .. } => drivers.into(),
        }
    }

    /// Requests that it announced and has not reported; `None` when it does not announce.
    pub(super) fn unreported(&self) -> Option<u64> {
        match self.kind {
            Kind::Locust(_) => None,
            Kind::Ours { announced, reported, .. } => Some(announced.saturating_sub(reported)),
        }
    }

    /// As the summary shows it.
    pub(super) fn shown(&self, identity: &Identity) -> Worker {
        let state = if self.node.is_none() { "missing" } else { self.state.text() };
        Worker {
            id: identity.as_str().to_owned(),
            state: state.to_owned(),
            users: self.users.iter().map(|users| u64::from(*users)).sum(),
            cpu: self.cpu,
            memory: self.memory,
        }
    }
}
