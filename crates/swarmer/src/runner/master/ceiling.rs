//! `--max-rate` over workers: each of ours keeps to a part, and the parts together are never above the whole.
//!
//! A part is given to a worker only when those that had it before are known to have let go of it: a worker that comes
//! begins with nothing, the others are told to keep to less, and what they have acknowledged to have given up is the
//! newcomer's. Who is on its way out has its part until it has said farewell.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tracing::warn;

use super::{Kind, SILENCE, Workers};
use crate::clock;
use crate::cluster::Identity;
use crate::logging::RUNNERS;
use crate::runner::driver::Event;
use crate::runner::letters::{Down, Terms};

/// After a restart of the master nobody is given more before all have had the time to come back and say what they have.
const GATHERING: Duration = Duration::from_secs(5);

/// The ceiling on requests per second, and who has how much of it.
#[derive(Debug)]
pub(super) struct Ceiling {
    whole: f64,
    parts: BTreeMap<Identity, Part>,
    /// Nobody is given more before.
    rests_until: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Part {
    /// What it was told last.
    told: f64,
    /// What it may still go by: more than it was told, until it is known to have heard of it.
    most: f64,
    /// The letter that told it.
    letter: Option<u64>,
}

impl Part {
    fn tell(&mut self, rate: f64, letter: u64) {
        let most = self.most.max(rate);
        *self = Self { told: rate, most, letter: Some(letter) };
    }

    fn is_settled(&self) -> bool {
        self.most <= self.told
    }
}

/// How alike two parts are that need not be told apart.
const ALIKE: f64 = 1e-9;

impl Ceiling {
    fn new(whole: f64) -> Self {
        Self { whole, parts: BTreeMap::new(), rests_until: None }
    }

    /// What each of these is to have, by weight; the others keep what they have.
    fn targets(&self, present: &BTreeMap<Identity, u32>) -> BTreeMap<Identity, f64> {
        let leaving = self.parts.iter().filter(|(worker, _)| !present.contains_key(*worker));
        let kept: f64 = leaving.map(|(_, part)| part.most).sum();
        let (left, weights) = ((self.whole - kept).max(0.0), present.values().copied());
        let sum = weights.map(f64::from).sum::<f64>().max(1.0);
        let share = |weight: u32| left * f64::from(weight) / sum;
        present.iter().map(|(worker, weight)| (worker.clone(), share(*weight))).collect()
    }

    /// Who is to be told what now: less at once, more when all who were told less are known to keep to it.
    fn changes(&self, present: &BTreeMap<Identity, u32>, now: Instant) -> Vec<(Identity, f64)> {
        let part = |worker: &Identity| self.parts.get(worker).copied().unwrap_or_default();
        let targets = self.targets(present);
        let differs = |told: f64, target: f64| (told - target).abs() > ALIKE * self.whole;
        let changed: Vec<(Identity, f64)> = targets
            .into_iter()
            .filter(|(worker, target)| differs(part(worker).told, *target))
            .collect();
        let less: Vec<_> = changed
            .iter()
            .filter(|(worker, target)| *target < part(worker).told)
            .cloned()
            .collect();
        let settled = present.keys().all(|worker| part(worker).is_settled());
        let rests = self.rests_until.is_some_and(|until| now < until);
        if less.is_empty() && settled && !rests { changed } else { less }
    }
}

impl Workers {
    /// A run begins: the ceiling is shared out among those that are there, without the wait for each other.
    pub(super) fn share_rate(&mut self, terms: &Terms) {
        let before = self.ceiling.take();
        let Some(whole) = terms.max_rate else { return };
        let mut ceiling = Ceiling::new(whole);
        // Whoever is still busy with the end of the run before has his part until he is gone.
        let old = before.map(|before| before.parts).unwrap_or_default();
        let leaves = |worker: &Identity| self.peers.get(worker).is_some_and(|peer| peer.leaves);
        ceiling.parts = old.into_iter().filter(|(worker, _)| leaves(worker)).collect();
        for (worker, told) in ceiling.targets(&self.weights()) {
            ceiling.parts.insert(worker, Part { told, most: told, letter: None });
        }
        self.ceiling = Some(ceiling);
        for worker in self.of_kind(|kind| matches!(kind, Kind::Locust(_))) {
            self.tell_unlimited(&worker);
        }
    }

    /// Goes on with the ceiling of a run that was left: workers say what they have.
    pub(super) fn share_rate_again(&mut self, terms: &Terms) {
        let rests_until = clock::now().checked_add(GATHERING);
        let again = |whole| Ceiling { rests_until, ..Ceiling::new(whole) };
        self.ceiling = terms.max_rate.map(again);
    }

    /// What a worker is to begin with.
    pub(super) fn rate_of(&self, worker: &Identity) -> Option<f64> {
        let ceiling = self.ceiling.as_ref()?;
        Some(ceiling.parts.get(worker).map_or(0.0, |part| part.told))
    }

    /// A worker has come in the middle of a run, with what it has of it.
    pub(super) fn rate_held(&mut self, worker: &Identity, held: Option<f64>) {
        let Some(ceiling) = &mut self.ceiling else { return };
        let told = held.unwrap_or_default();
        ceiling.parts.insert(worker.clone(), Part { told, most: told, letter: None });
    }

    /// Keeps the parts right: ten times a second.
    pub(super) fn look_after_rate(&mut self, now: Instant) {
        if self.run.is_none() {
            return;
        }
        let Some(mut ceiling) = self.ceiling.take() else { return };
        ceiling.parts.retain(|worker, part| {
            let Some(peer) = self.peers.get(worker) else { return false };
            // What was on its way to one that leaves is not sent again, and may never have arrived.
            if let Kind::Ours { outbox, .. } = &peer.kind
                && peer.node.is_some()
                && part.letter.is_some_and(|letter| outbox.has_arrived(letter))
            {
                (part.most, part.letter) = (part.told, None);
            }
            let is_heard = now.saturating_duration_since(peer.last_heard) <= SILENCE;
            peer.node.is_some() || (peer.leaves && is_heard)
        });
        for (worker, rate) in ceiling.changes(&self.weights(), now) {
            self.write(&worker, &Down::Limit(rate));
            if let Some(Kind::Ours { outbox, .. }) = self.peers.get(&worker).map(|peer| &peer.kind)
            {
                ceiling.parts.entry(worker).or_default().tell(rate, outbox.latest());
            }
        }
        self.ceiling = Some(ceiling);
    }

    /// Those that share the ceiling: journeys arrive by drivers, users are the same everywhere.
    fn weights(&self) -> BTreeMap<Identity, u32> {
        let ours = self.peers.iter().filter(|(_, peer)| peer.node.is_some());
        ours.filter_map(|(worker, peer)| match peer.kind {
            Kind::Ours { drivers, .. } if self.opened.is_some() => {
                Some((worker.clone(), drivers.max(1)))
            }
            Kind::Ours { .. } => Some((worker.clone(), 1)),
            Kind::Locust(_) => None,
        })
        .collect()
    }

    /// Says of a worker of Locust's kind that the ceiling does not hold for it.
    pub(super) fn tell_unlimited(&mut self, worker: &Identity) {
        let Some(whole) = self.ceiling.as_ref().map(|ceiling| ceiling.whole) else { return };
        let text = format!(
            "Worker {worker} is one of Locust's and knows no --max-rate: its requests come on top of the {whole} per second"
        );
        warn!(target: RUNNERS, "{text}");
        self.queue.push_back(Event::Note(text));
    }
}
