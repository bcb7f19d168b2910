//! Wishes of people at the web page, carried out.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::info;

use super::SetupError;
use super::conductor::Conductor;
use super::signals::Signals;
use crate::logging::MAIN;
use crate::runner::State;
use crate::web::{Ask, Problem, Reason, Started, Wish};

/// The process shall end.
pub(super) struct Quit;

impl From<SetupError> for Problem {
    fn from(error: SetupError) -> Self {
        let (text, hint) = error.parts();
        Self { reason: Reason::Failed, field: None, text, hint }
    }
}

impl Conductor {
    /// Carries a wish out and answers it. Whoever asked may have gone meanwhile.
    ///
    /// # Errors
    /// When a signal came while it was carried out.
    pub(super) async fn grant(&mut self, wish: Wish, signals: &mut Signals) -> Result<(), Quit> {
        match wish {
            Wish::Start(ask, answer) => {
                let outcome = unless_signalled(self.start(&ask), signals).await?;
                let _ = answer.send(outcome);
            }
            Wish::Edit(ask, answer) => {
                let outcome = unless_signalled(self.edit(&ask), signals).await?;
                let _ = answer.send(outcome);
            }
            Wish::Adjust(change, answer) => {
                let adjusted = self.desk.adjust(&change);
                let _ = answer.send(adjusted.map(|reform| self.handle.reform(reform)));
            }
            Wish::Plan(ask, answer) => {
                let _ = answer.send(self.desk.plan_of(&ask));
            }
        }
        Ok(())
    }

    /// Begins a run as asked; nothing is changed when that cannot be.
    async fn start(&mut self, ask: &Ask) -> Result<Started, Problem> {
        match self.handle.state() {
            State::Stopping => {
                return Err(Problem::conflict(
                    "users are still being stopped; start again when they are gone",
                ));
            }
            state if state.is_active() => {
                return Err(Problem::conflict("a run goes on: change it, or stop it first"));
            }
            _ => {}
        }
        let before = self.desk.put(ask)?;
        let outcome = self.start_what_is_put().await;
        if outcome.is_err() {
            self.desk.put_back(before);
        }
        outcome
    }

    async fn start_what_is_put(&mut self) -> Result<Started, Problem> {
        let load = self.desk.load()?;
        self.desk.checklist(&load).warn()?;
        let prepared = self.desk.prepare().await?;
        self.begin(load, &prepared).await?;
        Ok(Started { shape: self.desk.shape_in_use() })
    }

    /// That there is a run which can be changed.
    fn expect_run(&self) -> Result<(), Problem> {
        match self.handle.state() {
            State::Spawning | State::Running => Ok(()),
            _ => Err(Problem::conflict("no run goes on: start one")),
        }
    }

    /// Changes the run that goes on: users, rate, run time, settings, and the host of users that are started from now on.
    async fn edit(&mut self, ask: &Ask) -> Result<Started, Problem> {
        self.expect_run()?;
        self.desk.look_at_host(ask).await?;
        // It may have ended meanwhile.
        self.expect_run()?;
        let is_followed = self.desk.follows_a_plan();
        if is_followed && (ask.users.is_some() || ask.spawn_rate.is_some()) {
            let text = "the plan of this run decides the number of users: stop it to change that";
            return Err(Problem::conflict(text));
        }
        let options = self.desk.change(ask)?;
        self.handle.exchange(Arc::clone(&options));
        if let Some(limit) = ask.run_time {
            self.limit = limit.and_then(|limit| Instant::now().checked_add(limit));
            self.desk.note_end(limit);
        }
        if ask.users.is_some() || ask.spawn_rate.is_some() {
            let (users, rate) = (options.users.unwrap_or_default(), options.spawn_rate);
            let started = self.handle.start(users, rate.unwrap_or(1.0));
            started.map_err(|error| Problem::invalid("spawn_rate", error.to_string()))?;
        }
        Ok(Started { shape: self.desk.shape_in_use() })
    }
}

/// What comes of it, unless a signal comes first.
async fn unless_signalled<T>(
    outcome: impl Future<Output = T>,
    signals: &mut Signals,
) -> Result<T, Quit> {
    tokio::select! {
        outcome = outcome => Ok(outcome),
        name = signals.next() => {
            info!(target: MAIN, "Got {name} signal");
            Err(Quit)
        }
    }
}

/// When a run that begins now ends by itself, seconds since the Unix epoch.
pub(super) fn from_now(after: Option<Duration>) -> Option<f64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
    Some((now + after?).as_secs_f64())
}
