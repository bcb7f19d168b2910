//! `swarmer hit URL`: one URL in one line.

mod target;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use swarmer::logging::Level;
use swarmer::options::{Exit, Opt, Options, Program};
use swarmer::prelude::*;

use crate::VERSION;
use target::Target;

/// The options of the engine that make sense for one URL.
const ENGINE: &[&str] = &[
    "help",
    "version",
    "rate",
    "rate-stages",
    "arrivals",
    "stages",
    "max-rate",
    "csv",
    "csv-full-history",
    "json",
    "json-file",
    "summary-json",
    "html",
    "logfile",
    "threads",
    "seed",
    "http2",
    "tls-sessions",
    "insecure",
    "exit-code-on-error",
    "stop-timeout",
];

/// Words of `--loglevel`, as the engine has them.
const LEVELS: &[&str] = &["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

/// Users of a run that does not say how many.
const USERS: u32 = 10;

/// How long a run takes that says neither how long nor how many requests.
const RUN_TIME: Duration = Duration::from_secs(10);

const EXAMPLES: [&str; 6] = [
    "swarmer hit http://localhost:8080/                 # 10 users, 10 seconds, as fast as they can",
    "swarmer hit localhost:8080/search?q=bees -u 100 -r 10 -t 2m    # 10 more users each second, up to 100",
    "swarmer hit http://localhost:8080/orders -X POST -H 'Authorization: Bearer abc' -d '{\"sku\": 7}'",
    "swarmer hit https://localhost:8443/upload -X PUT --body-file photo.jpg -H 'Content-Type: image/jpeg' --insecure",
    "swarmer hit http://localhost:8080/ --rate 500/s -u 200 -t 1m   # 500 requests a second, however slow the answers",
    "swarmer hit http://localhost:8080/ -n 10000 --no-tui --json 2>/dev/null | jq '.[0].num_requests'",
];

/// Runs the command.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let swarm = Swarm::new("swarmer hit", VERSION);
    let program = program(&swarm.program());
    match prepare(&program, args) {
        Ok((target, options)) => swarm.provide(target).scenario(scenario()).run_with(options),
        Err(exit) => exit.print(),
    }
}

/// The command line: what is this command's own comes first. Of what every workload has, `workload` knows more.
fn program(workload: &Program) -> Program {
    let shared = workload.all_options().into_iter().filter(|opt| opt.long() == "progress");
    let program = Program::new("swarmer hit", VERSION)
        .about("Put load on one URL, watch it live, and end with Locust's tables")
        .only(ENGINE)
        .usage("URL [options]");
    let program = own_options().into_iter().chain(shared).fold(program, Program::option);
    EXAMPLES.into_iter().fold(program, Program::example)
}

fn own_options() -> Vec<Opt> {
    const REQUEST: &str = "Request options";
    const LOAD: &str = "Load options";
    let request = [
        Opt::words("URL").positional().help(
            "The address: path and query belong to it; http:// is understood if there is no scheme",
        ),
        Opt::text("method")
            .short('X')
            .value_name("METHOD")
            .help("Method of the request (GET; POST if there is a body)"),
        Opt::texts("header")
            .short('H')
            .value_name("'NAME: VALUE'")
            .help("A header; may be given more than once"),
        Opt::text("data")
            .short('d')
            .value_name("TEXT")
            .help("The body; see --body-file for one of several lines")
            .details(
                "Its Content-Type is application/json if it is JSON, else application/x-www-form-urlencoded; -H says \
                 otherwise.",
            ),
        Opt::path("body-file").value_name("FILE").help("The body is what this file holds").details(
            "Its Content-Type is found as that of --data; application/octet-stream if it is no text.",
        ),
    ]
    .map(|opt| opt.group(REQUEST));
    let load =
        [
            Opt::whole("users", 0..=10_000_000).short('u').value_name("N").default(10).help(
                "Users, each with a connection of its own, who send one request after the other",
            ),
            Opt::positive("spawn-rate", 1_000_000.0)
                .short('r')
                .value_name("RATE")
                .help("Users started per second (all within the first second if not given)"),
            Opt::span("run-time").short('t').value_name("SPAN").help(
                "Stop after this time, such as 30s or 5m (10s if neither this nor -n is given)",
            ),
            Opt::whole("requests", 1..=u64::MAX)
                .short('n')
                .value_name("N")
                .help("Stop after this many requests"),
        ]
        .map(|opt| opt.group(LOAD));
    let shown = [
        Opt::flag("no-tui")
            .help("No full-screen view: only a live line, and the tables at the end"),
        Opt::choice("loglevel", LEVELS)
            .short('L')
            .default("WARNING")
            .value_name("LEVEL")
            .help("Least severe level logged"),
    ]
    .map(|opt| opt.group("Output options"));
    [request.to_vec(), load.to_vec(), shown.to_vec()].concat()
}

/// What is to be sent, and how much of it.
fn prepare(program: &Program, args: Vec<OsString>) -> Result<(Target, Options), Exit> {
    let mut options = crate::read(program, args)?;
    let given = &options.custom;
    let target = Target::read(given).map_err(|problem| program.mistake(&problem))?;

    // In the other models the engine knows better how many users it takes.
    let is_plain =
        options.stages.is_none() && options.rate.is_none() && options.rate_stages.is_none();
    let users = given.whole("users").and_then(|users| u32::try_from(users).ok());
    options.users = users.or(is_plain.then_some(USERS));
    let at_once = options.users.map(|users| f64::from(users.max(1))).filter(|_| is_plain);
    options.spawn_rate = given.number("spawn-rate").or(at_once);
    options.iterations = given.whole("requests");
    let has_end =
        options.iterations.is_some() || options.stages.is_some() || options.rate_stages.is_some();
    options.run_time = match given.span("run-time") {
        Some(span) => Some(span).filter(|span| !span.is_zero()),
        None => (!has_end).then_some(RUN_TIME),
    };
    options.log_level = given.text("loglevel").and_then(Level::from_name).unwrap_or(Level::Warning);
    options.tui = !given.flag("no-tui") && is_live();
    options.host = Some(target.origin.clone());
    options.headless = true;
    // One row again and again tells less than the view, the live line or --progress.
    options.only_summary = true;
    Ok((target, options))
}

/// Whether there is a terminal to show things on, whose owner has nothing against it.
fn is_live() -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    std::io::stdin().is_terminal()
        && std::io::stderr().is_terminal()
        && set("NO_COLOR").is_none()
        && set("TERM").is_some_and(|term| term != "dumb")
}

/// A user who sends the same request over and over.
struct Hitter {
    target: Arc<Target>,
}

fn scenario() -> Scenario<Hitter> {
    Scenario::new("Hitter", Hitter::arrive).task(1, "Hit", Hitter::hit)
}

impl Hitter {
    async fn arrive(user: &mut User) -> Result<Self, TaskError> {
        Ok(Self { target: user.provided()? })
    }

    async fn hit(&mut self, user: &mut User) -> TaskResult {
        let target = &*self.target;
        let mut request = user.request(target.method, &target.path);
        if let Some((body, content_type)) = &target.body {
            request = request.body(body, content_type);
        }
        for (name, value) in &target.headers {
            request = request.header(name, value);
        }
        request.send().await?;
        Ok(())
    }
}
