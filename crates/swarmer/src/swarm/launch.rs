//! From a command line to an exit code: what is done before the first user and after the last.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tracing::{error, info, warn};

use super::conductor::{Conductor, Served};
use super::desk::Desk;
use super::model::{self, Load, ONE_USER};
use super::output::Output;
use super::preflight::Checklist;
use super::preparation::{Preparation, Prepared};
use super::push::Pusher;
use super::report_page::ReportPage;
use super::signals::Signals;
use super::{SetupError, Swarm, face, health_check, keys, master, pages, replay, worker};
use crate::clock::{self, Anchor};
use crate::http;
use crate::logging::{self, MAIN};
use crate::options::{self, Options, Program};
use crate::runner::{
    self, Control, Drivers, Fleet, Handle, LeftRun, Limits, Outcome, Settings, Trouble,
};
use crate::scenario::ratio;
use crate::stats::Collector;
use crate::telemetry::Push;
use crate::web::{About, Door, Server, ServerError};

/// The exit code of a mistake on the command line.
const USAGE: u8 = 2;

/// The exit code when a hook failed and nothing else did.
const HOOK_FAILED: u8 = 2;

/// Runs the workload as the command line asks.
pub(super) fn main(swarm: Swarm) -> ExitCode {
    match options::parse_process(&swarm.program()) {
        Ok(options) if options.health_check => health_check::main(&swarm.program(), options),
        Ok(options) => with_options(swarm, options),
        Err(exit) => exit.print(),
    }
}

/// Runs the workload with these options.
pub(super) fn with_options(swarm: Swarm, mut options: Options) -> ExitCode {
    let program = swarm.program();
    if let Some(mistake) = model::mistake(&options).or_else(|| replay::mistake(&options)) {
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
            Ok(swarm) => print(&describe(&swarm.tagged(&options), &options)),
            Err(error) => {
                fail(&program, &error.to_string());
                ExitCode::from(error.code())
            }
        };
    }
    if options.plan {
        let load = swarm.configured(&options).and_then(|mut swarm| swarm.load(&options));
        return match load.map(Load::into_plan) {
            Ok(plan) => print(&plan.map(|plan| plan.to_string()).unwrap_or_default()),
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
        return format!("{:#}\n", ratio::json(&classes, &ratio::shares(&classes, users)));
    }
    ratio::text(&classes, users)
}

/// Without its page the program would be of no use to whoever asked for it: Locust's code is 2.
fn no_page(error: &ServerError) -> SetupError {
    let hint = "Choose another place with --web-host and --web-port (0: any port), or run with --headless.";
    SetupError::new(error.to_string()).hint(hint).exit_code(USAGE)
}

/// A seed that a person can type again.
fn draw_seed() -> u64 {
    RandomState::new().hash_one(std::process::id()) % 1_000_000_000
}

/// From the checks before the first user to the last table; gives the exit code.
fn run(mut swarm: Swarm, mut options: Options) -> Result<u8, SetupError> {
    pages::keep_small();
    info!(target: MAIN, "Starting {} {}", swarm.name, swarm.version);
    if let Some(profile) = &options.profile {
        info!(target: MAIN, "Profile {profile}");
    }
    for notice in &options.notices {
        warn!(target: MAIN, "{notice}");
    }
    if let Some(seed) = options.seed.filter(|_| !options.cluster.worker) {
        info!(target: MAIN, "Seed {seed}: --seed {seed} makes the same decisions again");
    }
    face::check(&options)?;
    let mut environment = swarm.environment.take().filter(|_| !options.cluster.worker);
    if let Some(environment) = environment.as_mut() {
        environment.start(&mut options)?;
    }
    if options.cluster.worker {
        return worker::run(swarm.configured(&options)?, options);
    }
    let desk = desk(swarm.configured(&options)?, options)?;
    let hooks = Arc::clone(&desk.swarm().hooks);
    if desk.options().check {
        let machine = desk.checklist(&desk.load()?);
        return check(machine, &desk.hosts()?, desk.options());
    }
    if let Some(number) = desk.options().replay {
        return replay::run(desk, number);
    }
    let first = if desk.options().headless || desk.options().web.autostart {
        let load = desk.load()?;
        desk.hosts()?;
        desk.checklist(&load).warn()?;
        Some(load)
    } else {
        None
    };
    let door = if desk.options().headless {
        None
    } else {
        Some(Door::open(&desk.options().web).map_err(|error| no_page(&error))?)
    };
    let output = Output::new(desk.options())?;
    let page = ReportPage::reserve(desk.options(), &desk.swarm().name, desk.facts())?;
    let push = push_config(desk.options(), &desk.swarm().name)?;
    let on_error = desk.options().exit_code_on_error;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Set-up's HTTP/2 connections live beside it, as those of users live on their drivers.
    let outcome = LocalSet::new().block_on(&runtime, drive(desk, first, output, (door, push)));
    // A name server that does not answer must not hold up the end.
    runtime.shutdown_background();
    let (Outcome { record, watcher: mut output, trouble }, pusher) = outcome?;
    let summary = &record.summary;
    if let Some(pusher) = pusher {
        pusher.finish(summary);
    }
    let files_written = output.write(&record, page.as_ref());
    let wanted = hooks.quitting(summary);
    let code = if summary.has_problems() { on_error } else { 0 };
    let code = match (code, trouble) {
        (0, Some(Trouble::DriverLost)) => 2,
        (0, Some(Trouble::NobodyStarted | Trouble::NoWorkers)) => 1,
        (0, None) if !files_written => 1,
        (0, None) if hooks.are_troubled() => HOOK_FAILED,
        (code, _) => code,
    };
    let code = wanted.unwrap_or(code);
    info!(target: MAIN, "Shutting down (exit code {code})");
    output.show(summary);
    if let Some(mut environment) = environment {
        environment.finish(summary);
    }
    hooks.quit(code);
    Ok(code)
}

/// Where the runs of this workload are made ready.
fn desk(mut swarm: Swarm, options: Options) -> Result<Desk, SetupError> {
    let (setup, given) = (swarm.setup.take(), std::mem::take(&mut swarm.provided));
    let hooks = Arc::clone(&swarm.hooks);
    let mut preparation = Preparation::new(http_config(&options)?, setup, given, hooks);
    if options.cluster.master {
        preparation = preparation.elsewhere();
    }
    Ok(Desk::new(swarm, Arc::new(options), preparation))
}

/// The engine at work, from its first thread to its last figure.
async fn drive(
    mut desk: Desk,
    first: Option<Load>,
    output: Output,
    sides: (Option<Door>, Option<Push>),
) -> Result<(Outcome<Output>, Option<Pusher>), SetupError> {
    let mut signals = Signals::listen()?;
    let first = match first {
        Some(load) => Some((load, signals.unless(desk.prepare()).await?)),
        None => None,
    };
    let options = Arc::clone(desk.options());
    let drivers = options.threads.unwrap_or_else(runner::default_drivers);
    let anchor = Anchor::now();
    let mut collector = Collector::new(anchor, clock::now());
    *collector.info_mut() = desk.info(0);
    if options.json || options.json_file.is_some() {
        collector.keep_seconds();
    }
    let swarm = desk.swarm();
    // What a run is made of comes with its begin.
    let settings = swarm.settings(&options, Limits::default());
    if options.cluster.master {
        let fleet = master::listen(&desk, anchor)?;
        let left = master::left_run(&options.cluster, first.is_some())?;
        let watch = (collector, output, settings);
        return Box::pin(steer(fleet, watch, (desk, first, left), signals, sides)).await;
    }
    let fleet_setup = runner::Setup {
        classes: swarm.classes.clone().into(),
        options: Arc::clone(&options),
        provided: Arc::default(),
        http: http_config(&options)?,
        anchor,
        limits: Limits::default(),
        max_rate: model::max_rate(&options, drivers),
        catch_exceptions: swarm.catch_exceptions,
        hooks: Arc::clone(&swarm.hooks),
        #[cfg(any(test, feature = "testing"))]
        script: None,
    };
    let fleet = Drivers::start(drivers, &fleet_setup)?;
    Box::pin(steer(fleet, (collector, output, settings), (desk, first, None), signals, sides)).await
}

/// The engine at work over its fleet.
async fn steer<F: Fleet>(
    fleet: F,
    (collector, mut output, settings): (Collector, Output, Settings),
    (desk, first, left): (Desk, Option<(Load, Prepared)>, Option<LeftRun>),
    mut signals: Signals,
    (door, push): (Option<Door>, Option<Push>),
) -> Result<(Outcome<Output>, Option<Pusher>), SetupError> {
    let options = Arc::clone(desk.options());
    let asks = output.begin(&options)?;
    let (control, handle) = Control::new(fleet, collector, output, settings)?;

    let pusher = push.map(|push| Pusher::begin(push, handle.clone())).transpose()?;
    let url = door.as_ref().map(Door::url);
    let (served, server) = match door {
        Some(door) => serve(door, &desk, handle.clone())?,
        None => (None, None),
    };
    let keys = keys::listen(handle.clone(), !asks.have_the_keys(), url);
    let cluster = options.cluster.clone();
    let steering = async {
        if first.is_some() && left.is_none() {
            let workers = master::wait_for_workers(&cluster, handle.clone());
            if let Err(problem) = signals.unless(workers).await {
                handle.quit();
                return Err(problem);
            }
        }
        let conductor = Conductor::new(handle, desk, served).take_up(left);
        tokio::select! {
            () = conductor.conduct(first, signals, asks) => {}
            never = keys => match never {},
        }
        Ok(())
    };
    let (outcome, steered) = tokio::join!(control.run(), steering);
    drop(server);
    steered?;
    Ok((outcome, pusher))
}

/// Opens the web page to everybody who may reach it.
fn serve(
    door: Door,
    desk: &Desk,
    handle: Handle,
) -> Result<(Option<Served>, Option<Server>), SetupError> {
    /// More wait at the page.
    const WISHES: usize = 16;
    let swarm = desk.swarm();
    let about = About {
        workload: swarm.name.clone(),
        version: swarm.version.clone(),
        settings: swarm.options.clone(),
    };
    let (url, is_open) = (door.url(), door.is_exposed() && !door.asks_for_sign_in());
    let (sender, wishes) = mpsc::channel(WISHES);
    let server = Server::start(door, about, handle, sender, desk.facts());
    let server = server.map_err(|error| no_page(&error))?;
    info!(target: MAIN, "Starting web interface at {url}, press enter to open your default browser.");
    if is_open {
        warn!(
            target: MAIN,
            "Everybody who can reach this machine can start load from here: --web-host 127.0.0.1 keeps it to yourself, \
             --web-login asks who it is"
        );
    }
    let served = Served { wishes, autoquit: desk.options().web.autoquit };
    Ok((Some(served), Some(server)))
}

/// Whether and where metrics are pushed.
fn push_config(options: &Options, workload: &str) -> Result<Option<Push>, SetupError> {
    Push::from_env(|name| std::env::var(name).ok(), options.otel, workload).map_err(SetupError::new)
}

pub(super) fn http_config(options: &Options) -> Result<http::Config, SetupError> {
    let allowed = http::AllowList::new(&options.allow_hosts).map_err(SetupError::new)?;
    Ok(http::Config {
        insecure: options.insecure,
        http2: options.http2.as_deref().and_then(http::Http2::from_word).unwrap_or_default(),
        tls_sessions: options
            .tls_sessions
            .as_deref()
            .and_then(http::TlsSessions::from_word)
            .unwrap_or_default(),
        allowed,
        ..http::Config::default()
    })
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
