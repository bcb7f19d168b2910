//! A process that works for a master.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::{info, warn};

use super::launch::http_config;
use super::preparation::Preparation;
use super::signals::Signals;
use super::{SetupError, Swarm, classes, desk, master};
use crate::clock::{self, Anchor};
use crate::cluster::zmtp::{self, ConnectOptions};
use crate::cluster::{Identity, UserClassEdit};
use crate::logging::{self, MAIN};
use crate::options::Options;
use crate::runner::{
    self, Begin, Budget, Control, Drivers, Gear, Habits, Limits, Link, LinkEnd, Outcome, Terms,
    Workshop, json_of, wires,
};
use crate::scenario::{Override, UserClass};
use crate::stats::{Collector, RunInfo};
use crate::web;

/// The exit code when no master ever answered: Locust's −1.
const NEVER_CONNECTED: u8 = 255;

/// Serves a master until that says it is enough; gives the exit code. `swarm` is configured.
pub(super) fn run(swarm: Swarm, mut options: Options) -> Result<u8, SetupError> {
    // A master of Locust's kind wants its own buckets.
    options.locust_percentiles = true;
    let hooks = Arc::clone(&swarm.hooks);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = tokio::task::LocalSet::new();
    let (outcome, end) = tasks.block_on(&runtime, serve(swarm, Arc::new(options)))?;
    drop(tasks);
    // A name server that does not answer must not hold up the end.
    runtime.shutdown_background();
    let summary = &outcome.record.summary;
    let code = match end {
        // What failed here is the master's to judge: everything is reported to it.
        LinkEnd::Quit => 0,
        LinkEnd::MasterLost => 1,
        LinkEnd::NeverConnected => NEVER_CONNECTED,
    };
    let code = hooks.quitting(summary).unwrap_or(code);
    info!(target: MAIN, "Shutting down (exit code {code})");
    hooks.quit(code);
    Ok(code)
}

async fn serve(
    mut swarm: Swarm,
    options: Arc<Options>,
) -> Result<(Outcome<runner::Feed>, LinkEnd), SetupError> {
    let mut signals = Signals::listen()?;
    let cluster = &options.cluster;
    let (anchor, drivers) =
        (Anchor::now(), options.threads.unwrap_or_else(runner::default_drivers));
    let http = http_config(&options)?;
    let hooks = Arc::clone(&swarm.hooks);
    let (setup, given) = (swarm.setup.take(), std::mem::take(&mut swarm.provided));
    let fleet_setup = runner::Setup {
        classes: swarm.classes.clone().into(),
        options: Arc::clone(&options),
        provided: Arc::new(given.clone()),
        http: http.clone(),
        anchor,
        limits: Limits::default(),
        max_rate: super::model::max_rate(&options, drivers),
        catch_exceptions: swarm.catch_exceptions,
        hooks: Arc::clone(&hooks),
        #[cfg(any(test, feature = "testing"))]
        script: None,
    };
    let fleet = Drivers::start(drivers, &fleet_setup)?;
    let names: Vec<String> = swarm.classes.iter().map(|class| class.name().to_owned()).collect();
    let (feed, wires) = wires(names.clone());
    let settings = swarm.settings(&options, Limits::default());
    let collector = Collector::new(anchor, clock::now());
    let (control, handle) = Control::new(fleet, collector, feed, settings)?;

    let identity =
        Identity::new(&client_id()).map_err(|error| SetupError::new(error.to_string()))?;
    let token = master::token(cluster)?;
    let socket = zmtp::connect(
        &cluster.master_host,
        cluster.master_port,
        &identity,
        ConnectOptions { token },
    )?;
    info!(
        target: MAIN,
        "Worker {identity}: {drivers} driver threads, master at {}:{}", cluster.master_host, cluster.master_port
    );
    let habits = Habits {
        identity,
        drivers: u32::try_from(drivers).unwrap_or(u32::MAX),
        master_timeout: cluster.master_timeout,
        max_rate: options.max_rate,
        anchor,
    };
    let preparation = Preparation::new(http, setup, given, Arc::clone(&hooks));
    let classes = swarm.classes.clone();
    let (changes, run) = (BTreeMap::new(), Arc::clone(&options));
    let bench = Bench { swarm, changes, classes, options, run, preparation };
    let link = Link::new(socket, (handle, wires), (bench, names), habits, hooks);
    let end = link.serve(async move { signals.next().await });
    let (outcome, end) = tokio::join!(control.run(), end);
    Ok((outcome, end))
}

/// A name for this process that no other has: host and a random number, as Locust's.
fn client_id() -> String {
    format!("{}_{:032x}", logging::host_name().replace('_', "-"), rand::random::<u128>())
}

/// Where runs are made ready.
struct Bench {
    swarm: Swarm,
    /// What masters have changed about classes, by name.
    changes: BTreeMap<String, Override>,
    /// The classes with these changes.
    classes: Vec<UserClass>,
    options: Arc<Options>,
    /// These as they are in the present run.
    run: Arc<Options>,
    preparation: Preparation,
}

impl Bench {
    fn options_for(&self, terms: &Terms) -> Options {
        let mut options = (*self.options).clone();
        options.host = terms.host.clone().or(options.host);
        options.seed = terms.seed.or(options.seed);
        options.stop_timeout = std::time::Duration::try_from_secs_f64(terms.stop_timeout)
            .unwrap_or(options.stop_timeout);
        options.time_scale =
            terms.time_scale.filter(|scale| *scale > 0.0).unwrap_or(options.time_scale);
        options.custom.take_over(&terms.options);
        // Its own ceiling holds as well.
        let lower = |own: f64| terms.max_rate.map_or(own, |part| part.min(own));
        options.max_rate = options.max_rate.map_or(terms.max_rate, |own| Some(lower(own)));
        // Every master says something of these; nobody else's tags count then, as with Locust.
        for (name, tags) in
            [("tags", &mut options.tags), ("exclude_tags", &mut options.exclude_tags)]
        {
            if let Some(told) = terms.options.get(name) {
                *tags = words(told);
            }
        }
        options
    }

    /// The classes as users are made of them in the present run.
    fn classes(&self) -> Arc<[UserClass]> {
        classes::tagged(&self.classes, &self.run).into()
    }
}

/// A list of words, or such a list as one text: what a form says of tags is a text to Locust's master where its command
/// line says nothing of them.
fn words(told: &serde_json::Value) -> Vec<String> {
    if let Some(text) = told.as_str() {
        return web::words([text]);
    }
    let words = told.as_array().into_iter().flatten().filter_map(|word| word.as_str());
    words.map(str::to_owned).collect()
}

impl Workshop for Bench {
    async fn make(&mut self, terms: &Terms) -> Result<Begin, String> {
        let options = Arc::new(self.options_for(terms));
        // A class may have its host from the master only.
        let hosts = desk::hosts_of(self.classes.iter(), &options);
        let hosts = hosts.map_err(|error| error.to_string())?;
        let prepared =
            self.preparation.make(&options, &hosts).await.map_err(|error| error.to_string())?;
        self.run = Arc::clone(&options);
        let classes = self.classes();
        classes::warn_of_idle(classes.iter(), &options);
        let limits =
            Limits { all: terms.iterations.map(Budget::lent), each: terms.iterations_per_user };
        let info = RunInfo {
            host: options.host.clone(),
            seed: options.seed,
            setup_requests: prepared.requests,
            ..RunInfo::default()
        };
        let shares = self.swarm.load_classes();
        let provided = Arc::clone(&prepared.provided);
        Ok(Begin { gear: Gear { classes, options, provided, limits }, shares, info })
    }

    fn edit(&mut self, edit: &UserClassEdit) -> Option<Arc<[UserClass]>> {
        match classes::edited(&self.swarm.classes, &mut self.changes, &as_json(edit)) {
            Ok(classes) => {
                self.classes = classes;
                Some(self.classes())
            }
            Err(problem) => {
                warn!(target: MAIN, "User class {} cannot be changed: {problem}", edit.class);
                None
            }
        }
    }

    fn options(
        &mut self,
        told: &serde_json::Map<String, serde_json::Value>,
        host: Option<String>,
    ) -> Arc<Options> {
        let mut options = (*self.run).clone();
        options.custom.take_over(told);
        options.host = host.or(options.host);
        self.run = Arc::new(options);
        Arc::clone(&self.run)
    }
}

/// The change in the form of `--config-users`.
fn as_json(edit: &UserClassEdit) -> String {
    let mut object = serde_json::Map::new();
    object.insert("user_class_name".to_owned(), edit.class.clone().into());
    for (name, value) in &edit.attributes {
        // Nothing is what a class in Python has where it has no value of its own.
        if let Some(value) = json_of(value).filter(|value| !value.is_null()) {
            object.insert(name.clone(), value);
        }
    }
    if let Some(tasks) = &edit.tasks {
        object.insert("tasks".to_owned(), tasks.clone().into());
    }
    serde_json::Value::Object(object).to_string()
}
