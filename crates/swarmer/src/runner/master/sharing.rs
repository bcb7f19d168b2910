//! The open model over workers: who starts which of the journeys, and who does when one goes or comes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use tracing::{error, info};

use super::journal::{Counted, Sharing};
use super::{Kind, Workers, as_u32};
use crate::clock;
use crate::cluster::Identity;
use crate::load::{Arrival, Arrivals};
use crate::logging::RUNNERS;
use crate::runner::driver::Event;
use crate::runner::fleet::{GATHERING, OpenPlan};
use crate::runner::letters::{Down, Journeys};

/// New shares hold for journeys that are due so long after they were made, so that every worker knows of them by then: a
/// letter that was lost is sent again after a second.
const NOTICE: Duration = Duration::from_millis(1_500);

/// Workers that come within this time are given their shares together.
const TOGETHER: Duration = Duration::from_millis(300);

/// A run of the open model.
pub(super) struct Opened {
    plan: OpenPlan,
    /// How often shares have changed.
    turn: u64,
    parts: Vec<Part>,
    /// Drivers in all that arrivals are shared by.
    of: u64,
    /// Of a limited number of journeys: which were given to whom.
    tally: Option<Tally>,
    /// When shares are made anew, for a worker that has come.
    due: Option<Instant>,
}

/// A worker's drivers among all.
struct Part {
    worker: Identity,
    first: u64,
    drivers: u64,
}

/// Who was given, and who has made, how many of a limited number of journeys.
struct Tally {
    /// As asked for.
    wanted: u64,
    /// Arrivals from this number on do not take place before the next turn.
    most: u64,
    /// Walks along behind, without a limit.
    walk: Arrivals,
    next: Option<(Arrival, usize)>,
    given: BTreeMap<Identity, u64>,
    /// Begun or dropped, as far as it is reported.
    done: BTreeMap<Identity, u64>,
}

impl Tally {
    fn new(plan: &OpenPlan, wanted: u64) -> Self {
        let mut walk = plan.arrivals.clone().at_most(None);
        let next = walk.next_with_place();
        let (given, done) = (BTreeMap::new(), BTreeMap::new());
        Self { wanted, most: wanted, walk, next, given, done }
    }

    /// As a master before this one has left it.
    fn left(plan: &OpenPlan, counted: Counted) -> Self {
        let by_worker = |counts: BTreeMap<String, u64>| {
            let known = counts.into_iter();
            known.filter_map(|(name, count)| Some((Identity::new(&name).ok()?, count))).collect()
        };
        let mut tally = Self::new(plan, counted.wanted);
        // What was due before is counted already.
        tally.walk_to(plan.from, &[], 1);
        tally.most = plan.arrivals.most().unwrap_or(counted.wanted);
        (tally.given, tally.done) = (by_worker(counted.given), by_worker(counted.done));
        tally
    }

    /// To be written down.
    fn counted(&self) -> Counted {
        let by_worker = |counts: &BTreeMap<Identity, u64>| {
            counts.iter().map(|(worker, count)| (worker.as_str().to_owned(), *count)).collect()
        };
        let Self { wanted, given, done, .. } = self;
        Counted { wanted: *wanted, given: by_worker(given), done: by_worker(done) }
    }

    /// Counts what was due before `from` with those it was given to.
    fn walk_to(&mut self, from: Duration, parts: &[Part], of: u64) {
        while let Some((arrival, place)) = self.next.filter(|(arrival, _)| arrival.due < from) {
            let driver = place as u64 % of.max(1);
            let owner = |part: &&Part| (part.first..part.first + part.drivers).contains(&driver);
            if arrival.number < self.most
                && let Some(part) = parts.iter().find(owner)
            {
                *self.given.entry(part.worker.clone()).or_default() += 1;
            }
            self.next = self.walk.next_with_place();
        }
    }

    /// From now on so many take place that the number asked for is reached. What somebody who is not there was given
    /// and has not reported is for the others.
    fn raise(&mut self, present: &BTreeSet<Identity>) {
        for (worker, given) in &mut self.given {
            let done = self.done.get(worker).copied().unwrap_or_default();
            *given = if present.contains(worker) { done.max(*given) } else { done };
        }
        let begun = self.next.map_or(self.walk.next_number(), |(arrival, _)| arrival.number);
        let given: u64 = self.given.values().sum();
        self.most = begun + self.wanted.saturating_sub(given);
    }
}

impl Workers {
    /// Has journeys start on workers of our kind, each with a share according to its drivers.
    pub(super) fn open_journeys(&mut self, plan: &OpenPlan) -> Vec<usize> {
        let tally = plan.arrivals.most().map(|wanted| Tally::new(plan, wanted));
        let plan = plan.clone();
        let mut opened = Opened { plan, turn: 0, parts: Vec::new(), of: 1, tally, due: None };
        let nodes = self.share_out(&mut opened);
        self.opened = Some(opened);
        nodes
    }

    /// Goes on with journeys of a run that is taken up: shares stay as they are until workers have had their time to
    /// come back, and are made anew then.
    pub(super) fn open_again(&mut self, left: Sharing) {
        let Sharing { journeys, parts, tally } = left;
        let (of, turn) = (journeys.of, journeys.turn);
        let since = Duration::try_from_secs_f64(self.seconds(clock::now()) - journeys.began);
        let began = clock::now().checked_sub(since.unwrap_or_default());
        let plan = journeys.plan(&self.classes, began.unwrap_or_else(clock::now));
        let plan = match plan {
            Ok(plan) => plan,
            Err(problem) => {
                error!(target: RUNNERS, "The journal tells of journeys that cannot arrive: {problem}");
                return;
            }
        };
        let parts = parts.into_iter().filter_map(|(worker, first, drivers)| {
            Some(Part { worker: Identity::new(&worker).ok()?, first, drivers })
        });
        let tally = tally.map(|counted| Tally::left(&plan, counted));
        let due = clock::now().checked_add(GATHERING);
        self.opened = Some(Opened { plan, turn, parts: parts.collect(), of, tally, due });
    }

    /// Writes down who starts which journeys.
    fn note_shares(&mut self, opened: &Opened) {
        let began = self.seconds(opened.plan.began);
        let Some(journal) = &mut self.journal else { return };
        let parts = opened.parts.iter();
        journal.open(Sharing {
            journeys: Journeys::of(&opened.plan, (0, opened.of, opened.of), began),
            parts: parts
                .map(|part| (part.worker.as_str().to_owned(), part.first, part.drivers))
                .collect(),
            tally: opened.tally.as_ref().map(Tally::counted),
        });
    }

    /// Tells everybody his share; the nodes that journeys arrive at.
    fn share_out(&mut self, opened: &mut Opened) -> Vec<usize> {
        let ours = self.of_kind(|kind| matches!(kind, Kind::Ours { .. }));
        let drivers = |identity: &Identity| match self.peers.get(identity).map(|peer| &peer.kind) {
            Some(Kind::Ours { drivers, .. }) => u64::from((*drivers).max(1)),
            _ => 1,
        };
        let OpenPlan { users, classes, began, .. } = opened.plan;
        // Every driver needs a user of each class.
        let room = u64::from(users) / u64::from(as_u32(classes.max(1)));
        let of = ours.iter().map(drivers).sum::<u64>().clamp(1, room.max(1));
        let mut first = 0;
        let parts = ours.into_iter().map(|worker| {
            let drivers = drivers(&worker).min(of - first);
            first += drivers;
            Part { worker, first: first - drivers, drivers }
        });
        (opened.parts, opened.of) = (parts.collect(), of);
        self.note_shares(opened);
        let began = self.seconds(began);
        let mut nodes = Vec::new();
        for Part { worker, first, drivers } in &opened.parts {
            if *drivers == 0 && opened.turn == 0 {
                continue;
            }
            let journeys = Journeys::of(&opened.plan, (*first, *drivers, of), began);
            self.write(worker, &Down::Open(Box::new(journeys)));
            let node = self.peers.get(worker).and_then(|peer| peer.node);
            nodes.extend(node.filter(|_| *drivers > 0));
        }
        nodes
    }

    /// Shares are made anew soon, for a worker that has come.
    pub(super) fn share_soon(&mut self) {
        if let Some(opened) = &mut self.opened {
            opened.due.get_or_insert(clock::now() + TOGETHER);
        }
    }

    pub(super) fn share_if_due(&mut self, now: Instant) {
        if self.opened.as_ref().and_then(|opened| opened.due).is_some_and(|due| due <= now) {
            self.share_anew();
        }
    }

    /// Gives the share of a worker that has gone to those that are there, which are all from a moment on.
    pub(super) fn share_anew(&mut self) {
        let Some(mut opened) = self.opened.take() else { return };
        let ours = self.of_kind(|kind| matches!(kind, Kind::Ours { .. }));
        opened.due = None;
        if !ours.is_empty() {
            let from = clock::now().saturating_duration_since(opened.plan.began) + NOTICE;
            opened.turn += 1;
            (opened.plan.turn, opened.plan.from) = (opened.turn, from);
            if let Some(tally) = &mut opened.tally {
                tally.walk_to(from, &opened.parts, opened.of);
                tally.raise(&ours.iter().cloned().collect());
                opened.plan.arrivals = opened.plan.arrivals.at_most(Some(tally.most));
            }
            let nodes = self.share_out(&mut opened);
            info!(
                target: RUNNERS,
                "Journeys are shared anew by {} workers from {:.1} s of the run on", nodes.len(), from.as_secs_f64()
            );
            self.queue.push_back(Event::Shared { nodes, turn: opened.turn });
        }
        self.opened = Some(opened);
    }

    /// Counts journeys that a worker has begun or dropped.
    pub(super) fn count_journeys(&mut self, from: &Identity, journeys: u64) {
        let is_gone = self.peers.get(from).is_none_or(|peer| peer.node.is_none());
        if journeys > 0
            && let Some(tally) = self.opened.as_mut().and_then(|opened| opened.tally.as_mut())
        {
            *tally.done.entry(from.clone()).or_default() += journeys;
            if is_gone {
                // They were given to the others meanwhile.
                self.share_soon();
            }
        }
    }

    /// What becomes of the journeys of a worker that is about to go, for people.
    pub(super) fn journeys_left(&mut self, worker: &Identity) -> Option<String> {
        let now = clock::now();
        let opened = self.opened.as_mut()?;
        let tally = opened.tally.as_mut()?;
        let passed = now.saturating_duration_since(opened.plan.began);
        tally.walk_to(passed, &opened.parts, opened.of);
        let of = |counts: &BTreeMap<Identity, u64>| counts.get(worker).copied().unwrap_or_default();
        let left = of(&tally.given).saturating_sub(of(&tally.done));
        Some(format!(
            "; {left} journeys that were due there and are not reported are made by the others, also those of them that it had begun"
        ))
    }
}
