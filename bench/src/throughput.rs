//! Requests per second on one core: every contender loads the same nginx from the second core.

use anyhow::{Context, Result};

use crate::Arguments;
use crate::contender::{hammer, wrk};
use crate::figures::Outcome;
use crate::section::{Limit, Section};
use crate::server::Nginx;

/// # Errors
/// When a contender or the server cannot be started, or a request fails.
pub(crate) fn measure(arguments: &Arguments) -> Result<Section> {
    let Arguments { rounds, seconds, connections, .. } = *arguments;
    let server = Nginx::start().context("cannot start nginx (make bench installs it)")?;
    let mut section = Section::new(
        "throughput",
        "Throughput on one core",
        &format!(
            "nginx with one worker on the first core answers 136 bytes of JSON; each client runs alone on the second core, with \
             {connections} connections and no wait. {rounds} rounds of {seconds} s, contenders taking turns."
        ),
    );
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        theirs.push(wrk(server.url(), connections, seconds, &[])?);
        ours.push(hammer(server.url(), connections, seconds)?);
    }
    let rates = |runs: &[Outcome]| runs.iter().map(|run| run.rate).collect::<Vec<_>>();
    for (name, runs) in [("wrk", &theirs), ("swarmer", &ours)] {
        let costs: Vec<_> = runs.iter().map(Outcome::cpu_per_request).collect();
        let peaks: Vec<_> = runs.iter().map(|run| run.peak_mib).collect();
        section.figure(name, "requests", "/s", &rates(runs));
        section.figure(name, "CPU per request", "µs", &costs);
        section.figure(name, "peak memory", "MiB", &peaks);
    }
    let (ours, theirs) = (rates(&ours), rates(&theirs));
    section.ratio("requests/s", ("swarmer", &ours), ("wrk", &theirs), Some(Limit::AtLeast(0.95)));
    Ok(section)
}
