//! Very many users started beside users who are at work.

use anyhow::{Context, Result};
use jiff::civil::DateTime;

use crate::Arguments;
use crate::generator::Generator;
use crate::section::{Limit, Section};
use crate::server::Nginx;

/// Users that are started beside the steady ones.
const NEWCOMERS: u32 = 100_000;

/// The steady users, as the workload fixes their number.
const STEADY: u32 = 500;

/// Users started per second.
const SPAWN_RATE: u32 = 12_500;

/// Length of a run: the time of the spawning, and a little more.
const RUN_TIME: &str = "--run-time=10s";

/// Each takes three runs.
const MOST_ROUNDS: u32 = 2;

/// # Errors
/// When the engine or the server cannot be started, or a request fails.
pub(crate) fn measure(arguments: &Arguments) -> Result<Section> {
    let rounds = arguments.rounds.min(MOST_ROUNDS);
    let server = Nginx::start()?;
    let mut section = Section::new(
        "spawning",
        "Starting 100,000 users",
        &format!(
            "One driver thread on the second core, nginx on the first. {STEADY} users each send ten requests per second; beside \
             them {NEWCOMERS} others are started at {SPAWN_RATE} per second, who then wait for an hour: `Idler` without a \
             request before, `Newcomer` after one over a connection of its own, which is closed then. The p99 is that of the \
             steady users' requests after the first two seconds, {rounds} rounds of 10 s, taking turns. The time is that from \
             the first user to the last, by the log."
        ),
    );
    section.versions.push(format!("swarmer {}", env!("CARGO_PKG_VERSION")));
    let kinds = [("alone", None), ("Idler", Some("Idler")), ("Newcomer", Some("Newcomer"))];
    for (_, class) in kinds {
        let shown = command("SERVER", class).join(" ");
        section.commands.push(format!("crowd --headless {shown}"));
    }
    let mut runs = kinds.map(|_| (Vec::new(), Vec::new()));
    for _ in 0..rounds {
        for ((_, class), (p99, times)) in kinds.iter().zip(&mut runs) {
            let run = run(&server, *class)?;
            p99.push(run.p99);
            times.push(run.spawning);
        }
    }
    for ((name, class), (p99, times)) in kinds.iter().zip(&runs) {
        let contender =
            if class.is_some() { format!("beside {name}s") } else { (*name).to_owned() };
        section.figure(&contender, "p99 of steady users", "ms", p99);
        if class.is_some() {
            section.limited(&contender, "first to last user", "s", times, Limit::AtMost(10.0));
            let limit = Some(Limit::AtMost(1.05));
            section.ratio("p99 of steady users", (&contender, p99), ("alone", &runs[0].0), limit);
        }
    }
    section.notes.push(
        "Beside Newcomers the server on the other core opens and closes 12,500 connections a second too, which is part of \
         what steady users then wait for."
            .to_owned(),
    );
    Ok(section)
}

struct Run {
    /// Of steady users, in milliseconds.
    p99: f64,
    /// From the first user to the last, in seconds.
    spawning: f64,
}

fn run(server: &Nginx, class: Option<&str>) -> Result<Run> {
    let finished = Generator::ours("1", "crowd", &command(server.url(), class))?.finish()?;
    let totals = finished.totals()?;
    anyhow::ensure!(totals.failures == 0.0, "{} requests failed", totals.failures);
    Ok(Run { p99: finished.p99("steady")?, spawning: spawning(&finished.stderr)? })
}

/// What `crowd` is told; `--park-idle` so that no user needs a file while it waits.
fn command(host: &str, class: Option<&str>) -> Vec<String> {
    let users = if class.is_some() { STEADY + NEWCOMERS } else { STEADY };
    let mut arguments = vec![
        format!("--host={host}"),
        format!("--users={users}"),
        format!("--spawn-rate={SPAWN_RATE}"),
        RUN_TIME.to_owned(),
        "--threads=1".to_owned(),
        "--park-idle=1m".to_owned(),
        "Steady".to_owned(),
    ];
    arguments.extend(class.map(str::to_owned));
    arguments
}

/// Seconds from the first user to the last, by a log in Locust's format.
fn spawning(log: &str) -> Result<f64> {
    let began = moment(log, "Ramping to")?;
    Ok((moment(log, "All users spawned")? - began).total(jiff::Unit::Second)?)
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
        let log = "[2026-01-01 23:59:58,900] host/INFO/swarmer.runners: Ramping to 10 users at a rate of 5.00 per second\n\
                   [2026-01-02 00:00:01,025] host/INFO/swarmer.runners: All users spawned: {\"A\": 10} (10 total users)\n";
        assert_eq!(spawning(log).unwrap().to_string(), "2.125");
        let error = spawning("[2026-01-01 00:00:00,000] Ramping to 1 users").unwrap_err();
        assert!(error.to_string().contains("no line with `All users spawned`"), "{error}");
    }
}
