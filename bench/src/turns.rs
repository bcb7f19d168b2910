//! Contenders that take turns: this engine runs between two peers, so that each ratio is one of neighbouring runs.

use anyhow::Result;

use crate::contender::Contender;
use crate::figures::Outcome;
use crate::section::{Limit, Section};

/// Another program, and what our rate over its own must be at least.
pub(crate) struct Peer {
    pub(crate) contender: Contender,
    pub(crate) least: Option<f64>,
}

/// Runs `peers` and this engine by turns and puts figures of peers, ratios and commands into `section`. Gives this
/// engine's own runs, which [`figures`] puts there when all are known.
pub(crate) fn take(
    section: &mut Section,
    url: &str,
    rounds: u32,
    ours: &Contender,
    peers: &[Peer],
) -> Result<Vec<Outcome>> {
    let mut all = Vec::new();
    for pair in peers.chunks(2) {
        let mut mine = Vec::new();
        let mut theirs: Vec<Vec<Outcome>> = pair.iter().map(|_| Vec::new()).collect();
        for _ in 0..rounds {
            theirs[0].push(pair[0].contender.run(url)?);
            mine.push(ours.run(url)?);
            if let Some(second) = pair.get(1) {
                theirs[1].push(second.contender.run(url)?);
            }
        }
        for (Peer { contender, least }, runs) in pair.iter().zip(&theirs) {
            figures(section, contender, runs);
            let (mine, theirs) = (rates(&mine), rates(runs));
            let limit = least.map(Limit::AtLeast);
            section.ratio("requests/s", (ours.name, &mine), (contender.name, &theirs), limit);
        }
        all.extend(mine);
    }
    Ok(all)
}

/// Rate, CPU time and memory of a contender's runs, and how it is called.
pub(crate) fn figures(section: &mut Section, contender: &Contender, runs: &[Outcome]) {
    let costs: Vec<_> = runs.iter().map(Outcome::cpu_per_request).collect();
    let peaks: Vec<_> = runs.iter().map(|run| run.peak_mib).collect();
    section.figure(contender.name, "requests", "/s", &rates(runs));
    section.figure(contender.name, "CPU per request", "µs", &costs);
    section.figure(contender.name, "peak memory", "MiB", &peaks);
    section.commands.push(contender.command());
}

fn rates(runs: &[Outcome]) -> Vec<f64> {
    runs.iter().map(|run| run.rate).collect()
}
