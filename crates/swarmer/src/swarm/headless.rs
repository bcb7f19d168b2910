//! A run without a web page: started from the command line, ended by time or by a signal.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use super::face::{self, Asks};
use super::model::{self, Load, ONE_USER};
use super::output::Output;
use super::preflight::Checklist;
use super::{Setup, SetupError, Swarm, keys, ratio};
use crate::clock::{self, Anchor};
use crate::http;
use crate::logging::{self, MAIN};
use crate::options::{self, Options, Program};
use crate::runner::{self, Control, Fleet, Handle, Model, Outcome, State, Trouble};
use crate::scenario::caught;
use crate::stats::{Collector, RunInfo};
use crate::user::Provided;

/// The exit code of a mistake on the command line.
const USAGE: u8 = 2;

/// The exit code when a hook failed and nothing else did.
const HOOK_FAILED: u8 = 2;

/// Runs the workload as the command line asks.
pub(super) fn main(swarm: Swarm) -> ExitCode {
    match options::parse_process(&swarm.program()) {
        Ok(options) => with_options(swarm, options),
        Err(exit) => exit.print(),
    }
}

/// Runs the workload with these options.
pub(super) fn with_options(swarm: Swarm, mut options: Options) -> ExitCode {
    let program = swarm.program();
    if let Some(mistake) = model::mistake(&options) {
        let _ = fail(&program, &mistake);
        return ExitCode::from(USAGE);
    }
    let _flush = match logging::init(options.log_level, options.log_file.as_deref()) {
        Ok(flush) => flush,
        Err(error) => return fail(&program, &error.to_string()),
    };
    if let Some(conflict) = options.conflict() {
        error!(target: MAIN, "{}", conflict.text);
        return ExitCode::from(conflict.code);
    }
    if options.list || options.show_task_ratio || options.show_task_ratio_json {
        return match swarm.configured(&options) {
            Ok(swarm) => print(&describe(&swarm, &options)),
            Err(error) => {
                fail(&program, &error.to_string());
                ExitCode::from(error.code())
            }
        };
    }
    if options.plan {
        return match swarm.configured(&options).and_then(|swarm| model::plan(swarm, &options)) {
            Ok(plan) => print(&plan.to_string()),
            Err(error) => fail(&program, &error.to_string()),
        };
    }
    options.seed = options.seed.or_else(|| Some(draw_seed()));
    let has_log_file = options.log_file.is_some();
    match run(swarm, options) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            error.lines().for_each(|line| error!(target: MAIN, "{line}"));
            if has_log_file {
                fail(&program, &error.to_string());
            }
            ExitCode::from(error.code())
        }
    }
}

/// An error where there is no log on the screen.
#[expect(clippy::print_stderr, reason = "nobody would see it in the log")]
fn fail(program: &Program, text: &str) -> ExitCode {
    eprintln!("{}: error: {text}", program.name());
    ExitCode::FAILURE
}

#[expect(clippy::print_stdout, reason = "what was asked for belongs on stdout")]
fn print(text: &str) -> ExitCode {
    print!("{text}");
    ExitCode::SUCCESS
}

/// What `--list` and its like print.
fn describe(swarm: &Swarm, options: &Options) -> String {
    let (classes, users) = (swarm.infos(), options.users.unwrap_or(ONE_USER));
    if options.list {
        let names: Vec<String> =
            classes.iter().map(|class| format!("    {}\n", class.name)).collect();
        return format!("Available Users:\n{}", names.concat());
    }
    if options.show_task_ratio_json {
        return format!("{:#}\n", ratio::json(&classes, users));
    }
    ratio::text(&classes, users)
}

/// A seed that a person can type again.
fn draw_seed() -> u64 {
    RandomState::new().hash_one(std::process::id()) % 1_000_000_000
}

/// From the checks before the first user to the last table; gives the exit code.
fn run(mut swarm: Swarm, mut options: Options) -> Result<u8, SetupError> {
    info!(target: MAIN, "Starting {} {}", swarm.name, swarm.version);
    if let Some(profile) = &options.profile {
        info!(target: MAIN, "Profile {profile}");
    }
    if !options.headless {
        info!(target: MAIN, "There is no web UI in this version: the run starts at once, as with --headless");
    }
    for notice in &options.notices {
        warn!(target: MAIN, "{notice}");
    }
    if let Some(seed) = options.seed {
        info!(target: MAIN, "Seed {seed}: --seed {seed} makes the same decisions again");
    }
    face::check(&options)?;
    let mut environment = swarm.environment.take();
    if let Some(environment) = environment.as_mut() {
        environment.start(&mut options)?;
    }
    let mut swarm = swarm.configured(&options)?;
    let hooks = Arc::clone(&swarm.hooks);
    let load = model::load(&mut swarm, &options)?;
    let machine = Checklist::of_machine(load.users);
    let hosts = swarm.hosts(&options)?;
    if options.check {
        return check(machine, &hosts, &options);
    }
    warn_of(machine)?;
    let output = Output::new(&options)?;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(drive(swarm, load, options.clone(), &hosts, output));
    // A name server that does not answer must not hold up the end.
    runtime.shutdown_background();
    let Outcome { summary, watcher: mut output, trouble } = outcome?;
    let files_written = output.write(&summary);
    let wanted = hooks.quitting(&summary);
    let code = if summary.has_problems() { options.exit_code_on_error } else { 0 };
    let code = match (code, trouble) {
        (0, Some(Trouble::DriverLost)) => 2,
        (0, Some(Trouble::NobodyStarted)) => 1,
        (0, None) if !files_written => 1,
        (0, None) if hooks.are_troubled() => HOOK_FAILED,
        (code, _) => code,
    };
    let code = wanted.unwrap_or(code);
    info!(target: MAIN, "Shutting down (exit code {code})");
    output.show(&summary);
    if let Some(mut environment) = environment {
        environment.finish(&summary);
    }
    hooks.quit(code);
    Ok(code)
}

async fn drive(
    swarm: Swarm,
    load: Load,
    options: Options,
    hosts: &[String],
    mut output: Output,
) -> Result<Outcome<Output>, SetupError> {
    let mut signals = Signals::listen()?;
    let http = http_config(&options)?;
    let targets = async { warn_of(Checklist::of_targets(hosts, &http.allowed).await) };
    signals.unless(targets).await?;

    let settings = swarm.settings(&options, load.limits.clone());
    let drivers = options.threads.unwrap_or_else(runner::default_drivers);
    let max_rate = model::max_rate(&options, drivers);
    let options = Arc::new(options);
    let setup = Setup::new(http.clone(), Arc::clone(&options), swarm.provided)?;
    let (provided, setup_requests) = signals.unless(prepare(setup, swarm.setup.as_deref())).await?;

    let begun = swarm.hooks.init(&options);
    begun.map_err(|problem| SetupError::new(format!("on_init: {problem}")))?;
    let anchor = Anchor::now();
    let collector = collector(anchor, &options, setup_requests);
    let fleet_setup = runner::Setup {
        classes: swarm.classes.into(),
        options: Arc::clone(&options),
        provided: Arc::new(provided),
        http,
        anchor,
        limits: load.limits.clone(),
        max_rate,
        catch_exceptions: swarm.catch_exceptions,
        hooks: Arc::clone(&swarm.hooks),
        #[cfg(any(test, feature = "testing"))]
        script: None,
    };
    let fleet = Fleet::start(drivers, &fleet_setup)?;
    let asks = output.begin(&options)?;
    let (control, handle) = Control::new(fleet, collector, output, settings)?;

    let keys = keys::listen(handle.clone(), !asks.have_the_keys());
    let steering = async {
        tokio::select! {
            () = steer(handle, load, signals, asks) => {}
            never = keys => match never {},
        }
    };
    let (outcome, ()) = tokio::join!(control.run(), steering);
    Ok(outcome)
}

async fn prepare(
    mut setup: Setup,
    workload: Option<&dyn super::setup::SetupFn>,
) -> Result<(Provided, u64), SetupError> {
    if let Some(workload) = workload {
        let prepared = caught(workload.call(&mut setup)).await;
        prepared.map_err(|panic| super::workload("set-up", &panic))??;
    }
    Ok(setup.finish())
}

fn http_config(options: &Options) -> Result<http::Config, SetupError> {
    let allowed = http::AllowList::new(&options.allow_hosts).map_err(SetupError::new)?;
    Ok(http::Config { insecure: options.insecure, allowed, ..http::Config::default() })
}

/// What `--check` does instead of a run.
fn check(machine: Checklist, hosts: &[String], options: &Options) -> Result<u8, SetupError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let allowed = http_config(options)?.allowed;
    let list = machine.and(runtime.block_on(Checklist::of_targets(hosts, &allowed)));
    // A name server that does not answer must not hold up the end.
    runtime.shutdown_background();
    print(&list.to_string());
    Ok(u8::from(!list.is_passed()))
}

/// Tells what a check warns of; fails with the first that failed.
fn warn_of(list: Checklist) -> Result<(), SetupError> {
    for warning in list.warnings()? {
        warn!(target: MAIN, "{warning}");
    }
    Ok(())
}

fn collector(anchor: Anchor, options: &Options, setup_requests: u64) -> Collector {
    let mut collector = Collector::new(anchor, clock::now());
    *collector.info_mut() = RunInfo {
        host: options.host.clone(),
        profile: options.profile.clone(),
        seed: options.seed,
        setup_requests,
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        settings: options.given.clone(),
        trace_url: options.trace_url.clone(),
        ..RunInfo::default()
    };
    if options.json || options.json_file.is_some() {
        collector.keep_seconds();
    }
    if options.insecure {
        collector.note("TLS certificates were not verified (--insecure)");
    }
    collector
}

/// Starts the run and ends it: by time, by signal, or because a user said so.
async fn steer(handle: Handle, load: Load, mut signals: Signals, mut asks: Asks) {
    let Load { model, plan, run_time, .. } = load;
    let ends_by_itself = matches!(model, Model::Stages(_) | Model::Shape(_))
        || plan.as_ref().is_some_and(|plan| plan.duration().is_some());
    if let Some(plan) = plan {
        plan.to_string().lines().for_each(|line| info!(target: MAIN, "{line}"));
    }
    if let Some(limit) = run_time {
        info!(target: MAIN, "Run time limit set to {} seconds", limit.as_secs());
    } else if !ends_by_itself {
        info!(target: MAIN, "No run time limit set, use CTRL+C to interrupt");
    }
    let limit = async {
        match run_time {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    let mut watch = handle.clone();
    tokio::select! {
        biased;
        () = limit => info!(target: MAIN, "--run-time limit reached, shutting down"),
        ending = model.follow(&handle) => match ending {
            Ok(ending) => info!(target: MAIN, "{}", model::said(ending)),
            Err(error) => error!(target: MAIN, "{error}"),
        },
        name = signals.next() => info!(target: MAIN, "Got {name} signal"),
        () = watch.until(|state| state == State::Stopped) => {}
        () = asks.obey(&handle) => {}
    }
    tokio::select! {
        () = handle.stop() => {}
        () = async {
            signals.next().await;
            warn!(target: MAIN, "Second signal: giving up the requests in flight");
            handle.abort();
            handle.stop().await;
        } => {}
    }
    handle.quit();
}

/// The signals that end a run.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }

    /// Does `work` unless a signal comes first.
    async fn unless<T>(
        &mut self,
        work: impl Future<Output = Result<T, SetupError>>,
    ) -> Result<T, SetupError> {
        tokio::select! {
            result = work => result,
            name = self.next() => {
                Err(SetupError::new(format!("Got {name} signal before the first user started")))
            }
        }
    }
}
