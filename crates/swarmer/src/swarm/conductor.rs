//! Who begins and ends runs: the command line, time, signals, keys, and whoever sits at the web page.

use std::pin::Pin;

use tracing::{error, info, warn};

use super::SetupError;
use super::desk::Desk;
use super::face::Asks;
use super::model::{self, Load};
use super::preparation::Prepared;
use super::signals::Signals;
use crate::load::LoadError;
use crate::logging::MAIN;
use crate::runner::{Ending, Handle, State};

/// Brings a load about, and returns when that or the time of the run is over.
type Course = Pin<Box<dyn Future<Output = Result<Over, LoadError>>>>;

/// What ended a run from inside.
enum Over {
    RunTime,
    Model(Ending),
}

/// What comes next for the conductor.
enum Next {
    /// The plan of the run is at its end.
    Over(Result<Over, LoadError>),
    /// Users are being stopped: nothing more may be started in this run.
    Stopping,
    /// The last user is gone.
    Stopped,
    /// Somebody wants the process to end.
    Quit,
}

/// Steers the runs of a process.
pub(super) struct Conductor {
    handle: Handle,
    desk: Desk,
    course: Option<Course>,
    /// A run has begun and is not over.
    is_running: bool,
}

impl Conductor {
    pub(super) fn new(handle: Handle, desk: Desk) -> Self {
        Self { handle, desk, course: None, is_running: false }
    }

    /// Begins with `first`, goes on until the process shall end, and ends the run that goes on then.
    pub(super) async fn conduct(
        mut self,
        first: (Load, Prepared),
        mut signals: Signals,
        mut asks: Asks,
    ) {
        let (load, prepared) = first;
        match self.begin(load, &prepared).await {
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
        loop {
            match self.next(signals, asks).await {
                Next::Over(over) => {
                    self.course = None;
                    match over {
                        Ok(Over::RunTime) => {
                            info!(target: MAIN, "--run-time limit reached, shutting down");
                        }
                        Ok(Over::Model(ending)) => info!(target: MAIN, "{}", model::said(ending)),
                        Err(error) => error!(target: MAIN, "{error}"),
                    }
                    return;
                }
                Next::Stopping => self.course = None,
                Next::Stopped => {
                    self.is_running = false;
                    return;
                }
                Next::Quit => return,
            }
        }
    }

    /// Waits for what comes next.
    async fn next(&mut self, signals: &mut Signals, asks: &mut Asks) -> Next {
        let (has_course, is_running) = (self.course.is_some(), self.is_running);
        let over = async {
            match self.course.as_mut() {
                Some(course) => course.await,
                None => std::future::pending().await,
            }
        };
        let (mut stopping, mut stopped) = (self.handle.clone(), self.handle.clone());
        tokio::select! {
            biased;
            over = over => Next::Over(over),
            name = signals.next() => {
                info!(target: MAIN, "Got {name} signal");
                Next::Quit
            }
            () = stopped.until(|state| state == State::Stopped), if is_running => Next::Stopped,
            () = stopping.until(|state| matches!(state, State::Stopping | State::Stopped)),
                if has_course => Next::Stopping,
            () = asks.obey(&self.handle) => Next::Quit,
        }
    }

    /// Begins a run with this load.
    async fn begin(&mut self, load: Load, prepared: &Prepared) -> Result<(), SetupError> {
        self.handle.begin(self.desk.run_of(&load, prepared)).await?;
        self.is_running = true;
        let ends_by_itself = load.ends_by_itself();
        let Load { model, plan, run_time, .. } = load;
        if let Some(plan) = plan {
            plan.to_string().lines().for_each(|line| info!(target: MAIN, "{line}"));
        }
        if let Some(limit) = run_time {
            info!(target: MAIN, "Run time limit set to {} seconds", limit.as_secs());
        } else if !ends_by_itself {
            info!(target: MAIN, "No run time limit set, use CTRL+C to interrupt");
        }
        let handle = self.handle.clone();
        self.course = Some(Box::pin(async move {
            let limit = async {
                match run_time {
                    Some(limit) => tokio::time::sleep(limit).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = limit => Ok(Over::RunTime),
                ending = model.follow(&handle) => ending.map(Over::Model),
            }
        }));
        Ok(())
    }
}
