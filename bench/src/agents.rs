//! The agents of `load-tests` at the pace of people: what each of them takes, for those who plan a test.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::Arguments;
use crate::dynaclaimz::System;
use crate::generator::Generator;
use crate::journeys::BCRYPT_COST;
use crate::section::Section;
use crate::tools::own_version;

/// Agents of each run.
const CROWDS: [u32; 3] = [250, 1_000, 4_000];

/// All of them come within so many seconds.
const RAMP: u32 = 10;

/// So long after the last has come, in seconds, sign-ins are over.
const SETTLING: u32 = 5;

/// And so long they are watched then, in seconds.
const MEASURED: u32 = 20;

/// # Errors
/// When the services or the agents cannot be started, or too many requests fail.
pub(crate) fn measure(_: &Arguments) -> Result<Section> {
    let mut section = Section::new(
        "agents",
        "Agents at the pace of people",
        &format!(
            "All of DynaClaimz in one process on the first core, on SQLite, started and seeded anew for each run; `load-tests` with one \
             driver thread on the second, with its own waits and think times, BCRYPT_COST={BCRYPT_COST}. All agents come within {RAMP} s; \
             {SETTLING} s after the last has come they are watched for {MEASURED} s: requests as the gateway counts them, and the \
             processor time of the whole generator. Memory is its largest resident set. Measured when it is asked for, with `--only agents`."
        ),
    );
    section.versions.push(own_version());
    section.commands.push(format!("load-tests {}", command("URL", CROWDS[0]).join(" ")));
    for agents in CROWDS {
        run(&mut section, agents)?;
    }
    Ok(section)
}

fn command(url: &str, agents: u32) -> [String; 6] {
    [
        format!("--host={url}"),
        format!("--users={agents}"),
        format!("--spawn-rate={}", agents / RAMP),
        "--threads=1".to_owned(),
        // Failures are counted here.
        "--exit-code-on-error=0".to_owned(),
        format!("--run-time={}s", RAMP + SETTLING + MEASURED + 5),
    ]
}

fn run(section: &mut Section, agents: u32) -> Result<()> {
    let system = System::start(Some("0"), Some(BCRYPT_COST))?;
    let mut generator =
        Generator::ours("1", "load-tests", &command(&system.gateway_url(), agents))?;
    generator.wait_for("All users spawned")?;
    sleep(Duration::from_secs(SETTLING.into()));
    let mut look =
        || Ok::<_, anyhow::Error>((Instant::now(), system.requests()?, generator.cpu()?));
    let before = look()?;
    sleep(Duration::from_secs(MEASURED.into()));
    let after = look()?;
    let finished = generator.finish()?;
    let totals = finished.totals()?;
    ensure!(
        totals.failures < totals.requests / 100.0,
        "{} of {} requests failed",
        totals.failures,
        totals.requests
    );
    let (name, wall) = (format!("{agents} agents"), (after.0 - before.0).as_secs_f64());
    section.figure(&name, "requests", "/s", &[(after.1 - before.1) / wall]);
    section.figure(
        &name,
        "CPU of the generator",
        "% of a core",
        &[(after.2 - before.2) / wall * 100.0],
    );
    section.figure(&name, "peak memory", "MiB", &[finished.peak_mib]);
    section.figure(&name, "failures", "", &[totals.failures]);
    Ok(())
}
