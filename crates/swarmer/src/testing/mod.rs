//! Whole runs on virtual time, with scripted answers: hours in seconds, the same every time.
//!
//! Nothing is waited for: tokio's paused clock jumps from one timer to the next. No socket is opened: a script answers.

use std::rc::Rc;
use std::sync::Arc;

use tokio::task::LocalSet;

use crate::clock::{self, Anchor};
use crate::http;
pub use crate::http::{ScriptedReply, ScriptedRequest};
use crate::options::Options;
use crate::runner::{self, Control, Fleet, Handle, State, Watcher};
use crate::stats::{Collector, Summary};
use crate::swarm::{SetupError, Swarm};

/// Answers every request of a virtual run.
#[derive(Clone)]
pub struct Script(Arc<dyn Fn(&ScriptedRequest) -> ScriptedReply + Send + Sync>);

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

impl Script {
    /// A script that answers with `reply`.
    pub fn new(reply: impl Fn(&ScriptedRequest) -> ScriptedReply + Send + Sync + 'static) -> Self {
        Self(Arc::new(reply))
    }

    pub(crate) fn handler(&self) -> Rc<dyn Fn(&ScriptedRequest) -> ScriptedReply> {
        let reply = Arc::clone(&self.0);
        Rc::new(move |request| reply(request))
    }
}

/// Runs `swarm` for `options.run_time` of virtual time and returns the last figures.
///
/// The workload's set-up is not run: provide what it would.
///
/// # Errors
/// When the workload cannot be configured or started.
///
/// # Panics
/// When no runtime can be made.
pub fn run(swarm: Swarm, options: Options, script: Script) -> Result<Summary, SetupError> {
    let limit = options.run_time;
    steered(swarm, options, script, async move |handle: Handle| match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => handle.clone().until(|state| state == State::Stopped).await,
    })
}

/// As [`run`], but ends when `steer` returns; until then it may change the number of users, reset, stop.
///
/// # Errors
/// When the workload cannot be configured or started.
///
/// # Panics
/// When no runtime can be made.
pub fn steered(
    swarm: Swarm,
    mut options: Options,
    script: Script,
    steer: impl AsyncFnOnce(Handle),
) -> Result<Summary, SetupError> {
    options.host.get_or_insert_with(|| "http://virtual.test".to_owned());
    options.seed.get_or_insert(0);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime without threads needs nothing but memory");
    LocalSet::new().block_on(&runtime, async move {
        let swarm = swarm.configured(&options)?;
        let (users, rate) = (options.users.unwrap_or(1), options.spawn_rate.unwrap_or(1.0));
        let anchor = Anchor::now();
        let settings = swarm.settings(&options);
        let setup = runner::Setup {
            classes: swarm.classes.into(),
            options: Arc::new(options),
            provided: Arc::new(swarm.provided),
            http: http::Config::default(),
            anchor,
            script: Some(script),
        };
        let fleet = Fleet::inline(setup)?;
        let collector = Collector::new(anchor, clock::now());
        let (control, handle) = Control::new(fleet, collector, Blind, settings)?;
        let steering = async {
            handle.start(users, rate)?;
            steer(handle.clone()).await;
            handle.stop().await;
            handle.quit();
            Ok::<(), SetupError>(())
        };
        let ((summary, Blind), steered) = tokio::join!(control.run(), steering);
        steered.map(|()| summary)
    })
}

/// Nobody watches a virtual run.
struct Blind;

impl Watcher for Blind {
    fn tick(&mut self, _: &Summary, _: State) {}
}
