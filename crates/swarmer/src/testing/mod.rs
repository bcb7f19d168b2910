//! Whole runs inside a test: on virtual time with scripted answers ([`run`], [`steered`]), or for real ([`live`]).
//!
//! On virtual time nothing is waited for: a paused clock jumps from one timer to the next, so hours pass in seconds,
//! and the same seed gives the same figures every time. No socket is opened: a [`Script`] answers. Something must take
//! time, though: users who never wait and whose requests are all answered [`after`](ScriptedReply::after) no time at
//! all stand still at one moment for ever.
//!
//! The workload's set-up and environment are not run: provide what they would.
//!
//! ```
//! use std::time::Duration;
//! use swarmer::options::Options;
//! use swarmer::prelude::*;
//! use swarmer::testing::{Script, ScriptedReply, run};
//!
//! struct Reader;
//! impl Reader {
//!     async fn arrive(_: &mut User) -> Result<Self, TaskError> {
//!         Ok(Self)
//!     }
//!     async fn read(&mut self, user: &mut User) -> TaskResult {
//!         user.get("/page").expect(200).send().await?;
//!         Ok(())
//!     }
//! }
//!
//! let readers = Scenario::new("Reader", Reader::arrive).wait(constant(9.95)).task(1, "Read", Reader::read);
//! let hour = Options { users: Some(10), run_time: Some(Duration::from_secs(3600)), ..Options::default() };
//! let script = Script::new(|_| ScriptedReply::new(200).after(Duration::from_millis(50)));
//!
//! let summary = run(Swarm::new("library", "1.0").scenario(readers), hour, script).unwrap();
//! assert!((3590..=3610).contains(&summary.total.figures.requests));
//! ```

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::LocalSet;

use crate::clock::{self, Anchor};
use crate::http;
pub use crate::http::{ScriptedReply, ScriptedRequest};
use crate::options::Options;
use crate::runner::{self, Control, Drivers, Watcher};
pub use crate::runner::{Handle, State};
use crate::stats::{Collector, Summary};
use crate::swarm::{SetupError, Swarm, max_rate};

/// The calendar time at which every virtual run begins: 2026-01-01T00:00:00Z, in seconds since the Unix epoch.
const BEGINNING: u64 = 1_767_225_600;

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

/// Runs `swarm` for `options.run_time` of virtual time, or until a user stops the test, and returns the last figures.
///
/// All users live on one driver, whatever `options.threads` says.
///
/// # Errors
/// When the workload cannot be configured or started.
///
/// # Panics
/// When no runtime can be made.
pub fn run(swarm: Swarm, options: Options, script: Script) -> Result<Summary, SetupError> {
    let limit = options.run_time;
    steered(swarm, options, script, async move |mut handle: Handle| {
        let stopped = handle.until(|state| state == State::Stopped);
        match limit {
            // Either end is a good one.
            Some(limit) => drop(tokio::time::timeout(limit, stopped).await),
            None => stopped.await,
        }
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
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime without threads needs nothing but memory");
    LocalSet::new().block_on(&runtime, async move {
        let anchor = Anchor::at(Duration::from_secs(BEGINNING));
        steer_through(
            swarm,
            options,
            anchor,
            Some(script),
            |setup, _| Drivers::inline(setup),
            steer,
        )
        .await
    })
}

/// Runs `swarm` for real, on driver threads and over sockets, until `steer` returns. Logs and prints nothing, writes no
/// file and catches no signal.
///
/// # Errors
/// When the workload cannot be configured or started.
///
/// # Panics
/// When no runtime can be made.
pub fn live(
    swarm: Swarm,
    options: Options,
    steer: impl AsyncFnOnce(Handle),
) -> Result<Summary, SetupError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime without threads needs nothing but memory");
    let start = |setup: runner::Setup, threads| Drivers::start(threads, &setup);
    runtime.block_on(steer_through(swarm, options, Anchor::now(), None, start, steer))
}

/// A run from its first user to its last figures.
async fn steer_through(
    swarm: Swarm,
    mut options: Options,
    anchor: Anchor,
    script: Option<Script>,
    fleet: impl FnOnce(runner::Setup, usize) -> Result<Drivers, runner::FleetError>,
    steer: impl AsyncFnOnce(Handle),
) -> Result<Summary, SetupError> {
    options.seed.get_or_insert(0);
    let mut swarm = swarm.configured(&options)?.tagged(&options);
    swarm.hosts(&options)?;
    let load = swarm.load(&options)?;
    let threads = options.threads.unwrap_or_else(runner::default_drivers);
    let settings = swarm.settings(&options, load.limits.clone());
    let max_rate = max_rate(&options, if script.is_some() { 1 } else { threads });
    let setup = runner::Setup {
        classes: swarm.classes.into(),
        options: Arc::new(options),
        provided: Arc::new(swarm.provided),
        http: http::Config::default(),
        anchor,
        limits: load.limits,
        max_rate,
        catch_exceptions: swarm.catch_exceptions,
        hooks: Arc::clone(&swarm.hooks),
        script,
    };
    let fleet = fleet(setup, threads)?;
    let collector = Collector::new(anchor, clock::now());
    let (control, handle) = Control::new(fleet, collector, Blind, settings)?;
    let steering = async {
        let followed = tokio::select! {
            biased;
            ending = load.model.follow(&handle) => ending.map(drop),
            () = steer(handle.clone()) => Ok(()),
        };
        handle.stop().await;
        handle.quit();
        followed
    };
    let (outcome, followed) = tokio::join!(control.run(), steering);
    followed?;
    Ok(outcome.record.summary)
}

/// Nobody watches a run within a test.
struct Blind;

impl Watcher for Blind {
    fn tick(&mut self, _: &Summary, _: State) {}
}
