//! What a worker tells its master of what happens here.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::sleep;
use tracing::info;

use super::{Link, News, REPORT_EVERY, Workshop};
use crate::clock;
use crate::cluster::{Exception, Report, ToMaster, WorkerState};
use crate::logging::RUNNERS;
use crate::runner::handle::State;
use crate::runner::letters::{Figures, Up};
use crate::stats::Delta;

/// Exceptions that a master of Locust's kind is told of with one report; more follow with the next.
const EXCEPTIONS: u64 = 200;

impl<W: Workshop> Link<W> {
    /// Takes note of what happened; `true` when that is the end.
    pub(super) fn note(&mut self, news: News) -> bool {
        match news {
            News::Recorded(delta) => {
                self.vital.requests.fetch_add(delta.requests(), Ordering::Relaxed);
                // What drivers say of themselves is for masters of ours only.
                if self.master.ours.is_some() || !delta.is_empty() {
                    self.accounts.deltas.push(*delta);
                }
            }
            News::Ended(tasks) => self.accounts.ended += tasks,
            News::Started(births) => self.accounts.started += births,
            News::Second { users, state } => {
                self.accounts.users = users;
                self.tell_state(state);
                self.report_to_ours();
            }
            News::Served(turn) => {
                if let Some(run) = self.run.number {
                    // What came before is reported by now, so that the master counts it before it hears of the end.
                    self.report_to_ours();
                    self.write(&Up::Served { run, turn });
                }
            }
            News::StopTest(reason) => self.pass_on_stop(reason),
            News::Placed(timestamp) => self.tell_placed(timestamp),
            News::Stopped => return self.has_stopped(),
            News::Rested => {
                self.vital.set_state(WorkerState::Ready);
                self.introduce();
            }
        }
        false
    }

    fn tell_state(&self, state: State) {
        self.vital.set_state(match state {
            // The wait after a stop is a part of it.
            State::Ready | State::Stopped => return,
            State::Spawning => WorkerState::Spawning,
            State::Running => WorkerState::Running,
            State::Stopping => WorkerState::Stopping,
        });
    }

    /// Sends a master of ours what came in since the last report.
    pub(super) fn report_to_ours(&mut self) {
        let (Some(_), Some(run)) = (self.master.ours, self.run.number) else { return };
        let mut deltas = std::mem::take(&mut self.accounts.deltas);
        // What happened at the same moment on two machines is to be seen at the same moment, whatever their clocks say.
        for delta in &mut deltas {
            delta.move_times(self.master.offset);
        }
        let users = self.run.classes.iter().map(|class| {
            let users = self.accounts.users.get(*class).copied().unwrap_or_default();
            u32::try_from(users).unwrap_or(u32::MAX)
        });
        self.accounts.ended_told = self.accounts.ended;
        let held = self.held();
        let figures = Figures {
            run,
            requests: deltas.iter().map(Delta::requests).sum(),
            deltas: deltas.iter().map(Delta::pack).collect(),
            users: users.collect(),
            started: std::mem::take(&mut self.accounts.started),
            begun: held.begun,
            ended: held.ended,
        };
        self.write(&Up::Report(Box::new(figures)));
    }

    /// Sends a master of Locust's kind what came in since the last report.
    pub(super) fn report_to_locust(&mut self) {
        let now = clock::now();
        self.accounts.next_report = now + REPORT_EVERY;
        let deltas = std::mem::take(&mut self.accounts.deltas);
        for delta in &deltas {
            for (message, detail, count) in delta.foreign_exceptions() {
                let key = (message.to_owned(), detail.to_owned());
                *self.accounts.exceptions.entry(key).or_default() += count;
            }
        }
        let report = Report::of(&deltas, self.accounts.since, self.users_by_class());
        self.accounts.since = self.habits.anchor.epoch_seconds(now);
        self.say(ToMaster::Stats(Box::new(report)));
        self.tell_exceptions();
    }

    fn tell_exceptions(&mut self) {
        let mut room = EXCEPTIONS;
        while room > 0
            && let Some(mut first) = self.accounts.exceptions.first_entry()
        {
            let (message, traceback) = first.key().clone();
            let told = (*first.get()).min(room);
            room -= told;
            *first.get_mut() -= told;
            if *first.get() == 0 {
                first.remove();
            }
            for _ in 0..told {
                let exception =
                    Exception { message: message.clone(), traceback: traceback.clone() };
                self.say(ToMaster::Exception(exception));
            }
        }
    }

    pub(super) fn users_by_class(&self) -> BTreeMap<String, u64> {
        self.classes.iter().cloned().zip(self.accounts.users.iter().copied()).collect()
    }

    fn pass_on_stop(&mut self, reason: String) {
        match (self.master.ours, self.run.number) {
            (Some(_), Some(run)) => self.write(&Up::StopTest { run, reason }),
            _ => {
                // Locust's master has no word for it: its own workers quit.
                info!(target: RUNNERS, "A user stopped the test: {reason}; this worker quits");
                self.run.leaving = true;
                self.stop_users();
            }
        }
    }

    /// The users of a `spawn` are there: says so, unless a later one is on its way.
    fn tell_placed(&mut self, timestamp: f64) {
        if timestamp < self.run.last_spawn {
            return;
        }
        self.vital.set_state(WorkerState::Running);
        let users = self.accounts.planned.clone();
        let by_class: BTreeMap<_, _> =
            self.classes.iter().cloned().zip(users.iter().copied()).collect();
        self.say(ToMaster::SpawningComplete(by_class, users.iter().sum()));
    }

    /// All users are gone; `true` when the process is to go, too.
    fn has_stopped(&mut self) -> bool {
        self.accounts.users.fill(0);
        self.accounts.planned.fill(0);
        if let (Some(_), Some(run)) = (self.master.ours, self.run.number) {
            self.report_to_ours();
            if self.run.stopping {
                self.write(&Up::Drained { run });
            }
            self.run.number = None;
            self.run.budget = None;
        }
        let stopping = std::mem::take(&mut self.run.stopping);
        if self.run.leaving {
            return true;
        }
        if self.master.ours.is_some() {
            self.vital.set_state(WorkerState::Ready);
        } else if stopping {
            self.say(ToMaster::Stopped);
            let (told, rest) = (self.told.clone(), self.run.stop_timeout + additional_wait());
            tokio::task::spawn_local(async move {
                sleep(rest).await;
                let _ = told.send(News::Rested);
            });
        }
        false
    }
}

/// What the environment adds to the wait after a stop.
fn additional_wait() -> Duration {
    let seconds = std::env::var("LOCUST_WORKER_ADDITIONAL_WAIT_BEFORE_READY_AFTER_STOP");
    Duration::from_secs(seconds.ok().and_then(|text| text.parse().ok()).unwrap_or(0))
}
