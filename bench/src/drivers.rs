//! What a second driver costs: two of them against one.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::Arguments;
use crate::generator::{Finished, Generator};
use crate::section::{Limit, Section};
use crate::server::Nginx;
use crate::tools::{beside, own_version};

/// Tasks of the short and of the long run whose instructions are counted.
const TASKS: (u32, u32) = (4_000, 24_000);

/// Users of each driver there: who looks for answers finds those of all its users at once, and looks more often for each where
/// it has fewer.
const USERS: u32 = 16;

/// Each takes three runs.
const MOST_ROUNDS: u32 = 3;

/// # Errors
/// When the engine or the server cannot be started, or a request fails.
pub(crate) fn measure(arguments: &Arguments) -> Result<Section> {
    let (rounds, seconds) = (arguments.rounds.min(MOST_ROUNDS), arguments.seconds);
    let server = Nginx::start()?;
    let mut section = Section::new(
        "drivers",
        "Two drivers",
        &format!(
            "Instructions per request (user space) with one driver and with two, of {USERS} users each: those of {} tasks less \
             those of {}, counted by callgrind. Then on both cores, one of which the server shares: one process with one driver; one process with \
             two; two processes with one driver each, which share nothing by construction; {} connections in all, {rounds} \
             rounds of {seconds} s, taking turns.",
            TASKS.1, TASKS.0, arguments.connections
        ),
    );
    section.versions.push(own_version());
    instructions(&mut section, &server)?;
    time(&mut section, &server, arguments.connections, seconds, rounds)?;
    section.notes.extend(NOTES.map(str::to_owned));
    Ok(section)
}

const NOTES: [&str; 4] = [
    "With two cores in all, server included, two drivers cannot be seen to send twice as much as one: not measured. What \
     can be: the instructions of a request with one driver and with two, and the cost beside two processes.",
    "Reasons why: users, connections, timers and statistics of a driver belong to its thread; a request takes no lock, \
     changes no counter that another thread reads, and allocates from the thread's own heap. Options and hooks are shared \
     but only read. Threads meet once a second, when figures are handed over.",
    "Under callgrind everything takes some fifty times as long, and threads run one at a time, so two things differ with two \
     drivers that are no cost of sharing: what is done by the clock (a hundred alarms a second by which a driver watches itself, the \
     hand-over of figures) is done twice, and each look for answers finds another number of them. Two processes share nothing and are \
     what counts.",
    "Cache misses are not measured.",
];

fn instructions(section: &mut Section, server: &Nginx) -> Result<()> {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        section.notes.push("Instructions were not counted: valgrind is not here.".to_owned());
        return Ok(());
    }
    let [one, two] = [1, 2].map(|drivers| instructions_per_request(server, drivers));
    let (one, two) = (one?, two?);
    section.figure("one driver", "instructions per request", "", &[one]);
    section.figure("two drivers", "instructions per request", "", &[two]);
    section.ratio(
        "instructions per request",
        ("two drivers", &[two]),
        ("one driver", &[one]),
        None,
    );
    Ok(())
}

fn instructions_per_request(server: &Nginx, drivers: u32) -> Result<f64> {
    let count = |tasks: u32| -> Result<f64> {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(beside("hammer")?)
            .args(["--headless", "--only-summary", "--spawn-rate=1000", "Hammer"])
            .args([format!("--host={}", server.url()), format!("--threads={drivers}")])
            .arg(format!("--users={}", USERS * drivers))
            .args([format!("--iterations={tasks}"), "--run-time=60s".to_owned()])
            .output()
            .context("cannot start valgrind")?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "hammer under callgrind failed: {stderr}");
        collected(&stderr)
    };
    let (short, long) = (count(TASKS.0)?, count(TASKS.1)?);
    Ok((long - short) / f64::from(TASKS.1 - TASKS.0))
}

/// The instructions that callgrind says it has counted.
fn collected(said: &str) -> Result<f64> {
    let number = said.lines().find_map(|line| line.split("Collected :").nth(1));
    let number = number.with_context(|| format!("no count from callgrind:\n{said}"))?;
    Ok(number.trim().parse()?)
}

fn time(
    section: &mut Section,
    server: &Nginx,
    connections: u32,
    seconds: u32,
    rounds: u32,
) -> Result<()> {
    let kinds = [("one driver", 1, 1), ("two drivers", 1, 2), ("two processes", 2, 1)];
    let mut runs = kinds.map(|_| (Vec::new(), Vec::new()));
    for _ in 0..rounds {
        for ((_, processes, threads), (rates, costs)) in kinds.iter().zip(&mut runs) {
            let users = connections / processes;
            let started: Result<Vec<Generator>> =
                (0..*processes).map(|_| hammer(server, users, *threads, seconds)).collect();
            let finished: Result<Vec<Finished>> =
                started?.into_iter().map(Generator::finish).collect();
            let (rate, cost) = together(&finished?)?;
            rates.push(rate);
            costs.push(cost);
        }
    }
    for ((name, ..), (rates, costs)) in kinds.iter().zip(&runs) {
        section.figure(name, "requests", "/s", rates);
        section.figure(name, "CPU per request", "µs", costs);
    }
    let [one, two, apart] = &runs;
    for ((rates, costs), name) in [(apart, "two processes"), (one, "one driver")]
        .map(|((rates, costs), name)| ((rates, costs), name))
    {
        let limit = (name == "two processes").then_some(Limit::AtMost(1.05));
        section.ratio("CPU per request", ("two drivers", &two.1), (name, costs), limit);
        section.ratio("requests/s", ("two drivers", &two.0), (name, rates), None);
    }
    Ok(())
}

fn hammer(server: &Nginx, users: u32, threads: u32, seconds: u32) -> Result<Generator> {
    let arguments = [
        format!("--host={}", server.url()),
        format!("--users={users}"),
        "--spawn-rate=100000".to_owned(),
        format!("--threads={threads}"),
        format!("--run-time={seconds}s"),
        "Hammer".to_owned(),
    ];
    Generator::ours("0,1", "hammer", &arguments)
}

/// Requests per second, and CPU time per request in microseconds, of runs side by side.
fn together(runs: &[Finished]) -> Result<(f64, f64)> {
    let (mut rate, mut requests, mut cpu) = (0.0, 0.0, 0.0);
    for run in runs {
        let totals = run.totals()?;
        ensure!(totals.failures == 0.0, "{} requests failed", totals.failures);
        rate += totals.rate;
        requests += totals.requests;
        cpu += run.cpu;
    }
    Ok((rate, cpu / requests * 1e6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_what_callgrind_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 123456789\n==7== \n";
        assert_eq!(collected(said).unwrap().to_string(), "123456789");
        assert!(collected("==7== nothing").is_err());
    }
}
