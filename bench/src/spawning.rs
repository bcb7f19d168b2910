//! Very many users started beside users who are at work.

use anyhow::{Context, Result};
use jiff::civil::DateTime;

use crate::Arguments;
use crate::generator::Generator;
use crate::section::{Limit, Section};
use crate::server::{Nginx, Speaks};

/// Users that are started beside the steady ones.
const NEWCOMERS: u32 = 100_000;

/// The steady users, as the workload fixes their number.
const STEADY: u32 = 500;

/// Users started per second.
const SPAWN_RATE: u32 = 12_500;

/// Each takes two runs of nineteen seconds.
const MOST_ROUNDS: u32 = 3;

/// # Errors
/// When the engine or the server cannot be started, or a request fails.
pub(crate) fn measure(arguments: &Arguments) -> Result<Section> {
    let rounds = arguments.rounds.min(MOST_ROUNDS);
    let (server, other) = (Nginx::start()?, Nginx::speaking(Speaks::PlainAtEight)?);
    let mut section = Section::new(
        "spawning",
        "Starting 100,000 users",
        &format!(
            "One driver thread on the second core, nginx on the first. {STEADY} users each send ten requests per second for 19 s; \
             beside them {NEWCOMERS} others are started at {SPAWN_RATE} per second, from the sixth second to the fourteenth, who \
             then wait for an hour: `Idler` without a request before, `Newcomer` after one to a second nginx, of the lowest \
             priority, over a connection of its own, which is closed then, at one of eight addresses (between two addresses \
             there are 28,232 ports: with one the kernel would look for a free port two thirds of the time). A ratio is that of one run's own phases: its steady users' requests while others \
             are started (7 s, 35,000 requests) over those before and after (3.5 s each). `alone` is the same without the \
             others, once: how far two phases differ of which nothing differs. From due: from the moment a request was due to its \
             end, so what users wait for whoever keeps them; the response time runs from the sending to the moment the kernel \
             has the answer. Start after due is the generator's own part: how late a task begins. The time is that from the \
             first user to the last, by the log, or to the end of the run where not all were started. {rounds} rounds, taking turns."
        ),
    );
    section.versions.push(format!("swarmer {}", env!("CARGO_PKG_VERSION")));
    let kinds = [None, Some("Idler"), Some("Newcomer")];
    for class in kinds {
        let shown = command("SERVER", "SERVER2/,…", class).join(" ");
        section.commands.push(format!("crowd --headless {shown}"));
    }
    let mut runs: [Vec<Run>; 3] = Default::default();
    for round in 0..rounds {
        for (class, runs) in kinds.iter().zip(&mut runs) {
            if class.is_some() || round == 0 {
                runs.push(run(server.url(), &other.pages(), *class)?);
            }
        }
    }
    for (class, runs) in kinds.iter().zip(&runs) {
        report(&mut section, *class, runs);
    }
    section.notes.push(
        "Beside Newcomers the kernel opens and closes 12,500 connections a second on the first core, which is part of what \
         steady users then wait for there, whatever generator asks. The second server gives way to theirs: without its low \
         priority their response time told of two servers on one core."
            .to_owned(),
    );
    Ok(section)
}

fn report(section: &mut Section, class: Option<&str>, runs: &[Run]) {
    let name = class.map_or("alone".to_owned(), |name| format!("beside {name}s"));
    for (what, of, limited) in
        [("response time", 0, true), ("from due", 1, true), ("start after due", 2, false)]
    {
        let [calm, beside] =
            [0, 1].map(|phase| runs.iter().map(|run| run.p99[phase][of]).collect::<Vec<_>>());
        let what = format!("p99 of steady users, {what}");
        section.figure(&name, &format!("{what}, before and after"), "ms", &calm);
        section.figure(&name, &format!("{what}, meanwhile"), "ms", &beside);
        let limit = class.filter(|_| limited).map(|_| Limit::AtMost(1.05));
        let before = format!("{name}, before and after");
        section.ratio(&what, (&name, &beside), (&before, &calm), limit);
    }
    let times: Vec<f64> = runs.iter().filter_map(|run| run.spawning).collect();
    section.limited(&name, "first to last user", "s", &times, Limit::AtMost(10.0));
}

struct Run {
    /// Of steady users, in milliseconds: before and after others are started, and meanwhile; response time, from due, and
    /// how long after it was due a task starts.
    p99: [[f64; 3]; 2],
    /// From the first of the others to the last, in seconds.
    spawning: Option<f64>,
}

fn run(host: &str, other: &str, class: Option<&str>) -> Result<Run> {
    let finished = Generator::ours("1", "crowd", &command(host, other, class))?.finish()?;
    let totals = finished.totals()?;
    anyhow::ensure!(totals.failures == 0.0, "{} requests failed", totals.failures);
    let of = |phase, late| {
        let times = [finished.p99(phase)?, finished.p99_from_due(phase)?, finished.p99(late)?];
        Ok::<_, anyhow::Error>(times)
    };
    let p99 = [of("calm", "calm, late")?, of("beside", "beside, late")?];
    let spawning = class.map(|_| spawning(&finished.stderr)).transpose()?;
    Ok(Run { p99, spawning })
}

/// What `crowd` is told; `--park-idle` so that no user needs a file while it waits.
fn command(host: &str, other: &str, class: Option<&str>) -> Vec<String> {
    let users = if class.is_some() { STEADY + NEWCOMERS } else { STEADY };
    let mut arguments = vec![
        format!("--host={host}"),
        format!("--stages=1s:{STEADY},5s:{STEADY},13s:{users}@{SPAWN_RATE}"),
        "--threads=1".to_owned(),
        "--park-idle=1m".to_owned(),
        "Steady".to_owned(),
    ];
    if class == Some("Newcomer") {
        arguments.push(format!("--elsewhere={other}"));
    }
    arguments.extend(class.map(str::to_owned));
    arguments
}

/// Seconds from the first of the others to the last, by a log in Locust's format: the last ramp is theirs. To the end of the
/// run where the machine was too slow to start them all.
fn spawning(log: &str) -> Result<f64> {
    let ramp = log.rfind("Ramping to").and_then(|at| log[..at].rfind('[')).unwrap_or_default();
    let began = moment(&log[ramp..], "Ramping to")?;
    let ended = moment(&log[ramp..], "All users spawned")
        .or_else(|_| moment(&log[ramp..], "All stages are over"))?;
    Ok((ended - began).total(jiff::Unit::Second)?)
}

/// The time of the first line that holds `text`.
fn moment(log: &str, text: &str) -> Result<DateTime> {
    let line = log.lines().find(|line| line.contains(text));
    let line = line.with_context(|| format!("no line with `{text}` in the log:\n{log}"))?;
    let time = line.strip_prefix('[').and_then(|rest| rest.split(']').next());
    let time = time.with_context(|| format!("a line without a time: {line}"))?;
    time.replace(',', ".").parse().with_context(|| format!("not a time: {time}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_spawning_is_read_from_the_log() {
        let log = "[2026-01-01 23:59:50,000] host/INFO/swarmer.runners: Ramping to 5 users at a rate of 5.00 per second\n\
                   [2026-01-01 23:59:51,000] host/INFO/swarmer.runners: All users spawned: {\"A\": 5} (5 total users)\n\
                   [2026-01-01 23:59:58,900] host/INFO/swarmer.runners: Ramping to 10 users at a rate of 5.00 per second\n\
                   [2026-01-02 00:00:01,025] host/INFO/swarmer.runners: All users spawned: {\"A\": 10} (10 total users)\n";
        assert_eq!(spawning(log).unwrap().to_string(), "2.125");
        let cut = log.replace(
            "00:00:01,025] host/INFO/swarmer.runners: All users spawned",
            "00:00:11,900] host/INFO/swarmer.main: All stages are over",
        );
        assert_eq!(spawning(&cut).unwrap().to_string(), "13");
        let error = spawning("[2026-01-01 00:00:00,000] Ramping to 1 users").unwrap_err();
        assert!(error.to_string().contains("no line with `All stages are over`"), "{error}");
    }
}
