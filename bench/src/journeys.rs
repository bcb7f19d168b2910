//! The demonstration's journeys at saturation: the agents of `load-tests` beside the same agents in Locust.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::Arguments;
use crate::contender::beside;
use crate::dynaclaimz::System;
use crate::generator::{Finished, Generator};
use crate::section::Section;

/// Agents at work.
const AGENTS: u32 = 32;

/// Length of a run, in seconds: long enough for every journey.
const SECONDS: u32 = 8;

/// Each takes a run of each contender.
const MOST_ROUNDS: u32 = 2;

/// The agents as a Locust user would write them.
const AGENTS_IN_PYTHON: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/peers/journeys-locust/agents.py");

/// # Errors
/// When the services or a generator cannot be started, or requests fail.
pub(crate) fn measure(arguments: &Arguments) -> Result<Section> {
    let rounds = arguments.rounds.min(MOST_ROUNDS);
    let mut section = Section::new(
        "journeys",
        "Whole journeys",
        &format!(
            "All of DynaClaimz in one process on the first core, on SQLite; the generator on the second, with {AGENTS} agents who \
             neither wait nor think: sign-in, lists, changes, seven journeys by their weights. {rounds} rounds of {SECONDS} s, \
             taking turns. The services are what limits the rate, so the CPU time of the generator per request is what counts."
        ),
    );
    section.versions.push(format!("swarmer {}", env!("CARGO_PKG_VERSION")));
    let system = System::start(Some("0"))?;
    let host = system.gateway_url();
    let locust = locust();
    let (mut ours, mut theirs) = (Runs::default(), Runs::default());
    for _ in 0..rounds {
        ours.take(&Generator::ours("1", "load-tests", &our_arguments(&host))?.finish()?)?;
        if let Ok(python) = &locust {
            theirs.take(&Generator::start("1", python, &their_arguments(&host))?.finish()?)?;
        }
    }
    section.commands.push(format!("load-tests {}", our_arguments("GATEWAY").join(" ")));
    ours.show(&mut section, "load-tests");
    match locust {
        Ok(_) => {
            let command = format!("python {}", their_arguments("GATEWAY").join(" "));
            section
                .commands
                .push(command.replace(AGENTS_IN_PYTHON, "bench/peers/journeys-locust/agents.py"));
            theirs.show(&mut section, "Locust");
            let pair = (("load-tests", &ours.costs[..]), ("Locust", &theirs.costs[..]));
            section.ratio("CPU per request", pair.0, pair.1, None);
            section.ratio(
                "requests/s",
                ("load-tests", &ours.rates),
                ("Locust", &theirs.rates),
                None,
            );
        }
        Err(error) => section.notes.push(format!("Locust was not measured: {error:#}")),
    }
    section.notes.push(
        "Locust's time to import itself is left out, ours is not. Goose was not measured: its journeys are not written."
            .to_owned(),
    );
    Ok(section)
}

/// One contender's figures by round.
#[derive(Default)]
struct Runs {
    rates: Vec<f64>,
    /// CPU time per request, in microseconds.
    costs: Vec<f64>,
    failures: Vec<f64>,
}

impl Runs {
    fn take(&mut self, run: &Finished) -> Result<()> {
        let totals = run.totals()?;
        let cpu = run.cpu - cpu_at_start(&run.stderr);
        self.rates.push(totals.rate);
        self.costs.push(cpu / totals.requests * 1e6);
        self.failures.push(totals.failures);
        ensure!(totals.failures < totals.requests / 100.0, "{} requests failed", totals.failures);
        Ok(())
    }

    fn show(&self, section: &mut Section, name: &str) {
        section.figure(name, "requests", "/s", &self.rates);
        section.figure(name, "CPU per request", "µs", &self.costs);
        section.figure(name, "failures", "", &self.failures);
    }
}

/// CPU time before the first request, in seconds, if the generator says so.
fn cpu_at_start(log: &str) -> f64 {
    let said = log.lines().find_map(|line| line.strip_prefix("CPU at start: "));
    said.and_then(|seconds| seconds.trim().parse().ok()).unwrap_or_default()
}

fn our_arguments(host: &str) -> Vec<String> {
    format!(
        "--host={host} --users={AGENTS} --spawn-rate=100 --threads=1 --run-time={SECONDS}s --wait-min=0 --wait-max=0 \
         --think-min=0 --think-max=0 --exit-code-on-error=0"
    )
    .split(' ')
    .map(str::to_owned)
    .collect()
}

fn their_arguments(host: &str) -> Vec<String> {
    format!(
        "-m locust -f {AGENTS_IN_PYTHON} --headless --only-summary --csv=run -H {host} -u {AGENTS} -r 100 -t {SECONDS}s \
         --exit-code-on-error=0"
    )
    .split(' ')
    .map(str::to_owned)
    .collect()
}

/// A Python that has Locust, as the tests make it.
///
/// # Errors
/// When there is no Python with venv, or its registry cannot be reached.
pub(crate) fn locust() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let place = beside("bench")?.with_file_name("").join("../venv-locust");
    let script = root.join("crates/swarmer/tests/support/locust_venv.sh");
    let output = Command::new(script).arg(place).output().context("cannot run the shell")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "no Locust (it needs python3-venv and PyPI): {errors}");
    Ok(String::from_utf8(output.stdout)?.trim_end().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_before_the_first_request_is_left_out_where_it_is_told() {
        assert_eq!(cpu_at_start("a line\nCPU at start: 0.75\nmore").to_string(), "0.75");
        assert_eq!(cpu_at_start("nothing").to_string(), "0");
    }

    #[test]
    fn the_agents_in_python_are_there() {
        assert!(Path::new(AGENTS_IN_PYTHON).is_file());
    }
}
