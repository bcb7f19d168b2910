//! `--iterations` with a number of users, over workers: who may begin how many of the tasks.
//!
//! All tasks are granted to the workers that are there, in equal parts. A worker whose part is used up says so and its
//! users wait; then those who have more left than their fair part are asked to give back what they have not begun, and
//! what they gave back is granted to whoever has least. So each task is begun once, whoever comes, goes or is slow. Of a worker
//! that is lost the master knows what it had begun when it reported last: the rest is granted to the others.

use std::collections::BTreeMap;
use std::time::Instant;

use tracing::{info, warn};

use super::{Kind, Workers};
use crate::clock;
use crate::cluster::Identity;
use crate::logging::RUNNERS;
use crate::runner::driver::Event;
use crate::runner::fleet::GATHERING;
use crate::runner::letters::{Down, Figures, Held, Terms};

/// The tasks of a run, and who has how many of them.
#[derive(Debug)]
pub(super) struct Budget {
    /// As asked for.
    wanted: u64,
    /// Those in the fleet, and those that left it and may come back.
    holders: BTreeMap<Identity, Holder>,
    /// Tasks begun by processes that are no more.
    past: u64,
    /// Nobody is granted anything before.
    rests_until: Option<Instant>,
    /// That all have been begun has been said.
    spent: bool,
}

/// What is known of one worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Holder {
    is_present: bool,
    granted: u64,
    begun: u64,
    ended: u64,
    /// It has users that wait.
    is_hungry: bool,
    /// It is to give something back, and has not answered.
    is_asked: bool,
    /// Letters about tasks that it has not answered.
    unanswered: u32,
}

impl Holder {
    fn left(&self) -> u64 {
        self.granted.saturating_sub(self.begun)
    }

    /// What nobody else can be granted.
    fn kept(&self) -> u64 {
        if self.is_present { self.granted } else { self.begun }
    }

    fn wants(&self, users: u32) -> bool {
        self.is_present && (self.is_hungry || users > 0)
    }
}

impl Budget {
    fn new(wanted: u64) -> Self {
        Self { wanted, holders: BTreeMap::new(), past: 0, rests_until: None, spent: false }
    }

    /// Tasks that are still to be begun, as far as is known.
    fn left(&self) -> u64 {
        let begun: u64 = self.holders.values().map(|holder| holder.begun).sum();
        self.wanted.saturating_sub(self.past + begun)
    }

    /// Tasks that nobody has.
    fn free(&self) -> u64 {
        let kept: u64 = self.holders.values().map(Holder::kept).sum();
        self.wanted.saturating_sub(self.past + kept)
    }

    /// Equal parts of what is left, for those that are there; those who have least get the odd ones, before those who
    /// have no use for them.
    fn fair(&self, users: impl Fn(&Identity) -> u32) -> BTreeMap<Identity, u64> {
        let mut present: Vec<_> =
            self.holders.iter().filter(|(_, holder)| holder.is_present).collect();
        present.sort_by_key(|(worker, holder)| (!holder.wants(users(worker)), holder.left()));
        let (left, of) = (self.left(), present.len().max(1) as u64);
        let part = |at: usize| left / of + u64::from((at as u64) < left % of);
        let shares = present.iter().enumerate();
        shares.map(|(at, (worker, _))| ((*worker).clone(), part(at))).collect()
    }

    /// What people are told of those who have not come back to a master that took the run up.
    fn missed(&self) -> impl Iterator<Item = String> {
        let gone = self.holders.iter().filter(|(_, holder)| !holder.is_present);
        gone.filter_map(|(worker, holder)| {
            let lost = holder.begun.checked_sub(holder.ended).filter(|lost| *lost > 0)?;
            Some(format!(
                "Worker {worker} did not come back to the new master in time: {lost} tasks that it had begun and not finished by then \
                 are lost"
            ))
        })
    }

    /// Whom to tell now how many tasks are his in all.
    fn even_out(&mut self, users: impl Fn(&Identity) -> u32, now: Instant) -> Vec<(Identity, u64)> {
        let waits = self.holders.values().any(|holder| holder.is_present && holder.is_asked);
        if self.spent || waits || self.rests_until.is_some_and(|until| now < until) {
            return Vec::new();
        }
        let fair = self.fair(&users);
        let mut free = self.free();
        let mut holders: Vec<(&Identity, &mut Holder)> =
            self.holders.iter_mut().filter(|(_, holder)| holder.is_present).collect();
        if free > 0 {
            // Those who have least are helped first.
            holders.sort_by_key(|(_, holder)| holder.left());
            let mut told = Vec::new();
            for (worker, holder) in holders {
                let more = fair[worker].saturating_sub(holder.left()).min(free);
                if more > 0 {
                    free -= more;
                    holder.granted += more;
                    holder.is_hungry = false;
                    holder.unanswered += 1;
                    told.push((worker.clone(), holder.granted));
                }
            }
            return told;
        }
        let starves = |(worker, holder): &(&Identity, &mut Holder)| {
            let (left, fair) = (holder.left(), fair[*worker]);
            // Whose users still have something to do need not be sent single tasks to and fro.
            let lacks = if holder.is_hungry { left < fair } else { left + 1 < fair };
            holder.wants(users(worker)) && lacks && 2 * left < fair
        };
        let starves = holders.iter().any(starves);
        let too_much = holders.iter().map(|(_, holder)| holder.left()).sum::<u64>()
            > fair.values().sum::<u64>();
        // What was granted last may have been begun.
        let is_known = holders.iter().all(|(_, holder)| holder.unanswered == 0);
        if !is_known || !(starves || too_much) {
            return Vec::new();
        }
        let mut told = Vec::new();
        for (worker, holder) in holders {
            // The last task of one who can do it would go to and fro with nobody ever beginning it.
            let is_last = holder.left() == 1 && holder.wants(users(worker)) && !too_much;
            if holder.left() > fair[worker] && !is_last {
                holder.is_asked = true;
                holder.unanswered += 1;
                told.push((worker.clone(), holder.begun + fair[worker]));
            }
        }
        told
    }
}

impl Workers {
    /// A run begins: all tasks are granted to those that are there.
    pub(super) fn share_tasks(&mut self, terms: &Terms) {
        self.budget = terms.iterations.map(Budget::new);
        let ours = self.of_kind(|kind| matches!(kind, Kind::Ours { .. }));
        if let Some(budget) = &mut self.budget {
            for worker in ours {
                budget.holders.insert(worker, Holder { is_present: true, ..Holder::default() });
            }
            budget.even_out(|_| 0, clock::now());
            // They are told at the beginning, which needs no answer.
            budget.holders.values_mut().for_each(|holder| holder.unanswered = 0);
        }
        let of_locusts = self.of_kind(|kind| matches!(kind, Kind::Locust(_)));
        for worker in &of_locusts {
            self.tell_uncounted(worker, terms);
        }
    }

    /// Goes on with the tasks of a run that was left, of which workers had begun and ended so many: those that come back
    /// say what they have.
    pub(super) fn share_tasks_again(&mut self, terms: &Terms, tasks: BTreeMap<String, (u64, u64)>) {
        let rests_until = clock::now().checked_add(GATHERING);
        let holder = |(begun, ended)| Holder { granted: begun, begun, ended, ..Holder::default() };
        let known = tasks
            .into_iter()
            .filter_map(|(worker, tasks)| Some((Identity::new(&worker).ok()?, holder(tasks))));
        let holders = known.collect();
        self.budget =
            terms.iterations.map(|wanted| Budget { holders, rests_until, ..Budget::new(wanted) });
    }

    /// What a worker is to begin with.
    pub(super) fn tasks_of(&self, worker: &Identity) -> Option<u64> {
        let budget = self.budget.as_ref()?;
        Some(budget.holders.get(worker).map_or(0, |holder| holder.granted))
    }

    /// A worker has come in the middle of a run, with what it has of it, if it has been in it before.
    pub(super) fn tasks_held(&mut self, worker: &Identity, held: Option<Held>) {
        let Some(budget) = &mut self.budget else { return };
        let Held { granted, begun, ended, .. } = held.unwrap_or_default();
        let holder = Holder { is_present: true, granted, begun, ended, ..Holder::default() };
        let before = budget.holders.insert(worker.clone(), holder);
        if held.is_none() {
            budget.past += before.map_or(0, |before| before.begun);
        }
    }

    /// A worker has left the fleet.
    pub(super) fn tasks_gone(&mut self, worker: &Identity) {
        if let Some(holder) = self.budget.as_mut().and_then(|budget| budget.holders.get_mut(worker))
        {
            (holder.is_present, holder.is_asked, holder.is_hungry) = (false, false, false);
        }
    }

    /// What becomes of the tasks of a worker that is lost, for people.
    pub(super) fn tasks_left(&self, worker: &Identity) -> Option<String> {
        let holder = self.budget.as_ref()?.holders.get(worker)?;
        let (lost, left) = (holder.begun.saturating_sub(holder.ended), holder.left());
        Some(format!(
            "; {lost} tasks that it had begun and not finished by then are lost, {left} that it had not begun by then are done by the \
             others"
        ))
    }

    /// Takes note of what a report says of tasks.
    pub(super) fn count_tasks(&mut self, from: &Identity, figures: &Figures) {
        self.account(from, figures.run, |holder| {
            holder.begun = holder.begun.max(figures.begun);
            holder.ended = holder.ended.max(figures.ended);
        });
    }

    /// A worker says how many tasks it has.
    pub(super) fn tasks_told(
        &mut self,
        from: &Identity,
        run: u64,
        (granted, begun, is_hungry): (u64, u64, bool),
    ) {
        self.account(from, run, |holder| {
            holder.begun = holder.begun.max(begun);
            if !is_hungry {
                holder.unanswered = holder.unanswered.saturating_sub(1);
                // What it says of a letter before the last one does not hold any more.
                if holder.unanswered == 0 {
                    (holder.granted, holder.is_asked) = (granted, false);
                }
            } else if granted == holder.granted {
                holder.is_hungry = true;
            }
        });
        // Users wait for what comes of it; with reports there is time until the next look.
        self.look_after_tasks(clock::now());
    }

    fn account(&mut self, from: &Identity, run: u64, note: impl FnOnce(&mut Holder)) {
        if self.run.as_ref().is_some_and(|terms| terms.run == run)
            && let Some(budget) = &mut self.budget
            && let Some(holder) = budget.holders.get_mut(from)
        {
            note(holder);
        }
    }

    /// Keeps parts fair, and says when all tasks have been begun.
    pub(super) fn look_after_tasks(&mut self, now: Instant) {
        let Some(mut budget) = self.budget.take().filter(|_| self.run.is_some()) else { return };
        let users = |worker: &Identity| {
            self.peers.get(worker).map_or(0, |peer| peer.users.iter().sum::<u32>())
        };
        if budget.rests_until.is_some_and(|until| until <= now) {
            budget.rests_until = None;
            self.queue.extend(budget.missed().map(Event::Note));
        }
        let told = budget.even_out(users, now);
        if budget.left() == 0 && !std::mem::replace(&mut budget.spent, true) {
            info!(target: RUNNERS, "All {} tasks have been begun", budget.wanted);
            self.queue.push_back(Event::Spent);
        }
        self.budget = Some(budget);
        for (worker, tasks) in told {
            self.write(&worker, &Down::Tasks(tasks));
        }
    }

    /// Says of a worker of Locust's kind that limits on tasks do not hold for it.
    pub(super) fn tell_uncounted(&mut self, worker: &Identity, terms: &Terms) {
        let option = match (terms.iterations, terms.iterations_per_user) {
            (Some(_), _) => "--iterations",
            (None, Some(_)) => "--iterations-per-user",
            (None, None) => return,
        };
        let text = format!(
            "Worker {worker} is one of Locust's and knows no {option}: its users work until the others have done all, and their \
             tasks are not counted in"
        );
        warn!(target: RUNNERS, "{text}");
        self.queue.push_back(Event::Note(text));
    }
}
