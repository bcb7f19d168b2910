//! Workers of a run that was taken up which have not come back yet, with figures that nobody else has.

use std::collections::BTreeMap;
use std::time::Instant;

use tracing::warn;

use super::{Departure, Event, Workers};
use crate::clock;
use crate::cluster::Identity;
use crate::logging::RUNNERS;
use crate::runner::fleet::GATHERING;

/// Who has not come back.
#[derive(Debug, Default)]
pub(super) struct Absent {
    /// By name: whether it is one of ours, which come back by themselves.
    workers: BTreeMap<String, bool>,
    /// They are waited for until then.
    until: Option<Instant>,
}

impl Absent {
    pub(super) fn new(workers: BTreeMap<String, bool>) -> Self {
        Self { workers, until: clock::now().checked_add(GATHERING) }
    }

    pub(super) fn awaits_any(&self) -> bool {
        self.workers.values().any(|ours| *ours)
    }

    pub(super) fn has_come(&mut self, worker: &Identity) {
        self.workers.remove(worker.as_str());
    }

    /// Nobody is waited for any longer than until the next look.
    pub(super) fn give_up(&mut self) {
        self.until = Some(clock::now());
    }

    fn take_overdue(&mut self, now: Instant) -> BTreeMap<String, bool> {
        if self.until.is_none_or(|until| now < until) {
            return BTreeMap::new();
        }
        self.until = None;
        std::mem::take(&mut self.workers)
    }
}

impl Workers {
    /// Tells of those who had their time to come back; if they do later, the note goes.
    pub(super) fn look_after_absent(&mut self, now: Instant) {
        for worker in self.absent.take_overdue(now).into_keys() {
            let note = format!(
                "Worker {worker} did not come back after the restart of the master; what it did since its last report is not \
                 counted"
            );
            warn!(target: RUNNERS, "{note}");
            self.write_down_gone(&worker, Departure::Lost, &note);
            self.lost_before.insert(worker);
            self.queue.push_back(Event::Note(note));
        }
    }

    pub(super) fn write_down_came(&mut self, worker: &Identity, ours: bool, recovered: bool) {
        if let Some(journal) = &mut self.journal {
            journal.came(worker.as_str(), ours, recovered);
        }
    }

    pub(super) fn write_down_gone(&mut self, worker: &str, news: Departure, why: &str) {
        if let Some(journal) = &mut self.journal {
            journal.gone(worker, (news == Departure::Lost).then_some(why));
        }
    }
}
