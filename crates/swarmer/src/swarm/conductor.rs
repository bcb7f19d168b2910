//! Who begins and ends runs: the command line, time, signals, keys, and whoever sits at the web page.

use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{error, info, warn};

use super::SetupError;
use super::desk::Desk;
use super::face::Asks;
use super::model::{self, Load};
use super::preparation::Prepared;
use super::signals::Signals;
use crate::load::LoadError;
use crate::logging::MAIN;
use crate::runner::{Ending, Handle, LeftRun, State};
use crate::web::Wish;

/// Brings a load about, and returns when that is over.
type Course = Pin<Box<dyn Future<Output = Result<Ending, LoadError>>>>;

/// What comes next for the conductor.
enum Next {
    /// The run time is over.
    TimeUp,
    /// The plan of the run is at its end.
    Over(Result<Ending, LoadError>),
    /// Users are being stopped: nothing more may be started in this run.
    Stopping,
    /// The last user is gone.
    Stopped,
    /// Somebody at the web page wants something.
    Wish(Wish),
    /// Somebody wants the process to end.
    Quit,
}

/// What keeps the process after a run: the web page.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) wishes: mpsc::Receiver<Wish>,
    /// The process ends so long after a run.
    pub(super) autoquit: Option<Duration>,
}

/// Steers the runs of a process.
pub(super) struct Conductor {
    pub(super) handle: Handle,
    pub(super) desk: Desk,
    /// None where the process ends with its one run.
    served: Option<Served>,
    pub(super) course: Option<Course>,
    /// When the run that goes on ends by its run time.
    pub(super) limit: Option<Instant>,
    /// A run has begun and is not over.
    is_running: bool,
    /// When the process ends by itself.
    quits: Option<Instant>,
    /// A run to go on with.
    left: Option<LeftRun>,
}

impl Conductor {
    pub(super) fn new(handle: Handle, desk: Desk, served: Option<Served>) -> Self {
        let (course, limit, quits) = (None, None, None);
        Self { handle, desk, served, course, limit, is_running: false, quits, left: None }
    }

    /// The first run is one that a master before this one has left.
    pub(super) fn take_up(self, left: Option<LeftRun>) -> Self {
        Self { left, ..self }
    }

    /// Begins with `first`, goes on until the process shall end, and ends the run that goes on then.
    pub(super) async fn conduct(
        mut self,
        first: Option<(Load, Prepared)>,
        mut signals: Signals,
        mut asks: Asks,
    ) {
        let begun = match first {
            Some((load, prepared)) => self.begin(load, &prepared).await,
            None => Ok(()),
        };
        match begun {
            Ok(()) => self.until_quit(&mut signals, &mut asks).await,
            Err(problem) => problem.lines().for_each(|line| error!(target: MAIN, "{line}")),
        }
        self.course = None;
        tokio::select! {
            () = self.handle.stop() => {}
            () = async {
                signals.next().await;
                warn!(target: MAIN, "Second signal: giving up the requests in flight");
                self.handle.abort();
                self.handle.stop().await;
            } => {}
        }
        self.handle.quit();
    }

    async fn until_quit(&mut self, signals: &mut Signals, asks: &mut Asks) {
        let stays = self.served.is_some();
        let then = if stays { "stopping test" } else { "shutting down" };
        loop {
            match self.next(signals, asks).await {
                Next::TimeUp => info!(target: MAIN, "--run-time limit reached, {then}"),
                Next::Over(Ok(ending)) => info!(target: MAIN, "{}, {then}", model::said(ending)),
                Next::Over(Err(error)) => error!(target: MAIN, "{error}"),
                Next::Stopping => {
                    (self.course, self.limit) = (None, None);
                    continue;
                }
                Next::Stopped => {
                    (self.course, self.limit, self.is_running) = (None, None, false);
                    let autoquit = self.served.as_ref().and_then(|served| served.autoquit);
                    self.quits = autoquit.and_then(|after| Instant::now().checked_add(after));
                    if stays {
                        continue;
                    }
                    return;
                }
                Next::Wish(wish) => {
                    if self.grant(wish, signals).await.is_err() {
                        return;
                    }
                    continue;
                }
                Next::Quit => return,
            }
            (self.course, self.limit) = (None, None);
            if !stays {
                return;
            }
            self.handle.stop_soon();
        }
    }

    /// Waits for what comes next.
    async fn next(&mut self, signals: &mut Signals, asks: &mut Asks) -> Next {
        let (has_course, is_running) = (self.course.is_some(), self.is_running);
        let (limit, quits) = (self.limit, self.quits);
        let over = async {
            match self.course.as_mut() {
                Some(course) => course.await,
                None => std::future::pending().await,
            }
        };
        let wish = async {
            match self.served.as_mut() {
                Some(served) => served.wishes.recv().await,
                None => None,
            }
        };
        let (mut stopping, mut stopped) = (self.handle.clone(), self.handle.clone());
        tokio::select! {
            biased;
            () = moment(limit) => Next::TimeUp,
            over = over => Next::Over(over),
            name = signals.next() => {
                info!(target: MAIN, "Got {name} signal");
                Next::Quit
            }
            () = stopped.until(|state| state == State::Stopped), if is_running => Next::Stopped,
            () = stopping.until(|state| matches!(state, State::Stopping | State::Stopped)),
                if has_course => Next::Stopping,
            Some(wish) = wish => Next::Wish(wish),
            () = moment(quits), if !is_running => {
                info!(target: MAIN, "--autoquit time reached, shutting down");
                Next::Quit
            }
            () = asks.obey(&self.handle) => Next::Quit,
        }
    }

    /// Begins a run with this load.
    pub(super) async fn begin(
        &mut self,
        load: Load,
        prepared: &Prepared,
    ) -> Result<(), SetupError> {
        self.desk.warn_of_idle();
        let run = self.desk.run_of(&load, prepared);
        let now = crate::clock::now();
        let left = self.left.take();
        let passed = left.as_ref().map(|left| {
            let elapsed = crate::clock::Anchor::now().epoch_seconds(now) - left.began;
            Duration::try_from_secs_f64(elapsed).unwrap_or_default()
        });
        match left {
            Some(left) => self.handle.take_up(run, left).await?,
            None => self.handle.begin(run).await?,
        }
        (self.is_running, self.quits) = (true, None);
        self.desk.note_begun(&load);
        let ends_by_itself = load.ends_by_itself();
        let Load { model, plan, run_time, warnings, .. } = load;
        for warning in &warnings {
            warn!(target: MAIN, "{warning}");
        }
        if let Some(plan) = plan {
            plan.to_string().lines().for_each(|line| info!(target: MAIN, "{line}"));
        }
        let run_time = run_time.map(|limit| limit.saturating_sub(passed.unwrap_or_default()));
        if let Some(limit) = run_time {
            info!(target: MAIN, "Run time limit set to {} seconds", limit.as_secs());
        } else if !ends_by_itself && self.served.is_none() {
            info!(target: MAIN, "No run time limit set, use CTRL+C to interrupt");
        }
        self.limit = run_time.and_then(|limit| Instant::now().checked_add(limit));
        let handle = self.handle.clone();
        let began = passed.and_then(|passed| now.checked_sub(passed));
        self.course = Some(Box::pin(async move {
            match began {
                Some(began) => model.go_on(&handle, began).await,
                None => model.follow(&handle).await,
            }
        }));
        Ok(())
    }
}

/// Waits for this moment; for ever if there is none.
pub(super) async fn moment(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
