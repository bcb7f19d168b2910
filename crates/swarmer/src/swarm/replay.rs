//! `--replay N`: user N of an earlier run once more, alone, with a transcript.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::LocalSet;
use tokio::time::Instant;
use tracing::info;

use super::conductor::moment;
use super::desk::Desk;
use super::model::Load;
use super::signals::Signals;
use super::{SetupError, launch, model};
use crate::clock::Anchor;
use crate::load::{Dispatcher, Plan, Ramp, UserClass};
use crate::logging::MAIN;
use crate::options::Options;
use crate::runner::{self, Interruption, Limits, Model};
use crate::terminal;
use crate::user::transcript::{Look, Masks, Tally, Transcript};

/// What is wrong with the options of a replay, alone and with others.
pub(super) fn mistake(options: &Options) -> Option<String> {
    let Some(number) = options.replay else {
        let given =
            [("--replay-fast", options.replay_fast), ("--replay-secrets", options.replay_secrets)];
        let (name, _) = given.into_iter().find(|(_, given)| *given)?;
        return Some(format!("argument {name}: needs --replay"));
    };
    if options.seed.is_none() {
        return Some(format!(
            "argument --replay: user {number} decides the same again only with the seed of its run: add --seed. That run \
             logged `Seed N` in its first lines; its summary (--summary-json), its report (--html) and its page tell the \
             seed as well"
        ));
    }
    let others = [
        ("--master", options.cluster.master),
        ("--worker", options.cluster.worker),
        ("--rate", options.rate.is_some()),
        ("--rate-stages", options.rate_stages.is_some()),
    ];
    match others.into_iter().find(|(_, given)| *given)?.0 {
        name @ ("--rate" | "--rate-stages") => Some(format!(
            "argument --replay: not allowed with argument {name}: journeys that arrive go to whoever is free, so no user \
             does the same in two runs"
        )),
        name => Some(format!(
            "argument --replay: not allowed with argument {name}: the user runs in this process. Give the other options \
             of the run as they were"
        )),
    }
}

/// Replays the user; gives the exit code.
pub(super) fn run(desk: Desk, number: u64) -> Result<u8, SetupError> {
    let class = class_of(number, desk.load()?, &desk.shares())?;
    desk.warn_of_idle();
    let hooks = Arc::clone(&desk.swarm().hooks);
    let on_error = desk.options().exit_code_on_error;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tally = LocalSet::new().block_on(&runtime, play(desk, class, number));
    // A name server that does not answer must not hold up the end.
    runtime.shutdown_background();
    let Tally { failed, exceptions, .. } = tally?;
    let code = if failed + exceptions > 0 { on_error } else { 0 };
    info!(target: MAIN, "Shutting down (exit code {code})");
    hooks.quit(code);
    Ok(code)
}

async fn play(mut desk: Desk, class: usize, number: u64) -> Result<Tally, SetupError> {
    let mut signals = Signals::listen()?;
    let prepared = signals.unless(desk.prepare()).await?;
    let options = Arc::clone(desk.options());
    let swarm = desk.swarm();
    let each = [options.iterations, options.iterations_per_user].into_iter().flatten().min();
    let setup = runner::Setup {
        classes: desk.classes().into(),
        options: Arc::clone(&options),
        provided: prepared.provided,
        http: launch::http_config(&options)?,
        anchor: Anchor::now(),
        limits: Limits { all: None, each },
        max_rate: model::max_rate(&options, 1),
        catch_exceptions: swarm.catch_exceptions,
        hooks: Arc::clone(&swarm.hooks),
        #[cfg(any(test, feature = "testing"))]
        script: None,
    };
    swarm.hooks.test_start();
    let masks = if options.replay_secrets { Masks::none() } else { Masks::new(desk.secrets()) };
    let look = Look { colours: terminal::has_colours(), masks, fast: options.replay_fast };
    let transcript = Rc::new(Transcript::new(Box::new(io::stdout()), look));
    let name = setup.classes[class].name();
    let seed = options.seed.unwrap_or_default();
    let on = options.host.as_deref().or(setup.classes[class].host());
    let on = on.map_or(String::new(), |host| format!(" on {}", without_credentials(host)));
    transcript.heading(&format!("User {number}, class {name}, seed {seed}{on}"));

    let limit = options.run_time.and_then(|limit| Instant::now().checked_add(limit));
    let mut ended = None;
    let hung_up = Rc::clone(&transcript);
    let interrupted = async || {
        if ended.is_some() {
            signals.next().await;
            return Interruption::Abort;
        }
        ended = Some(tokio::select! {
            name = signals.next() => format!("{name} signal"),
            () = moment(limit) => "the run time is over".to_owned(),
            () = hung_up.hung_up() => "nobody reads on".to_owned(),
        });
        Interruption::Stop
    };
    let gone = runner::alone(setup, (class, number), Rc::clone(&transcript), interrupted).await?;
    transcript.end(&ended.unwrap_or(gone));
    Ok(transcript.tally())
}

/// A base URL may carry a name and a password.
fn without_credentials(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => url.to_owned(),
    }
}

/// The class of user `number` in a run with this load: users are given out as in the run, without any being started.
///
/// Who is started when a user of its number is hangs on nobody's timing: neither the number of threads or workers nor the
/// target has a part in it.
fn class_of(number: u64, load: Load, classes: &[UserClass]) -> Result<usize, SetupError> {
    let mut dispatcher = Dispatcher::new(classes.to_vec(), ["alone"])?;
    let mut users = 0;
    for Turn { ramp, until, classes } in turns(load)? {
        if let Some(classes) = classes {
            dispatcher.restrict_to(&classes)?;
        }
        let mut ramp = ramp;
        for step in ramp.due(&mut dispatcher, until) {
            if step.place.user == number {
                return Ok(step.place.class);
            }
            users = users.max(step.place.user + 1);
        }
    }
    let allowed = match users {
        0 => "there is none".to_owned(),
        1 => "only 0".to_owned(),
        users => format!("0 to {}", users - 1),
    };
    Err(SetupError::new(format!(
        "argument --replay: no user {number} in a run with these options (allowed: {allowed})"
    ))
    .hint("Give the options of the run that is to be replayed, --users and the user classes above all.")
    .exit_code(2))
}

/// A ramp, and how much of it comes about.
struct Turn {
    ramp: Ramp,
    until: Duration,
    /// Only these are started from now on.
    classes: Option<Vec<String>>,
}

/// The ramps of a run, in their order.
fn turns(load: Load) -> Result<Vec<Turn>, SetupError> {
    let course = match load.model {
        Model::Users { users, rate } => vec![(Duration::ZERO, users, rate, None)],
        Model::Stages(stages) => {
            let moving = stages.legs().iter().filter(|leg| leg.rate > 0.0);
            moving.map(|leg| (leg.first_step(), leg.to, leg.rate, None)).collect()
        }
        Model::Shape(mut shape) => match Plan::of_shape(&mut *shape) {
            Plan::Shape(course) => course
                .changes()
                .map(|(at, target)| (at, target.users, target.rate, target.classes.clone()))
                .collect(),
            _ => Vec::new(),
        },
        Model::Arrivals { .. } => Vec::new(),
    };
    let ends = course.iter().skip(1).map(|(at, ..)| *at).chain([Duration::MAX]).collect::<Vec<_>>();
    let turn = |((at, users, rate, classes), end): (_, Duration)| {
        let until = end.saturating_sub(at);
        Ok(Turn { ramp: Ramp::new(users, rate)?, until, classes })
    };
    course.into_iter().zip(ends).map(turn).collect()
}
