//! Contenders that take turns: this engine runs between two peers, so that each ratio is one of neighbouring runs.

use anyhow::Result;

use crate::contender::{Contender, Target};
use crate::figures::Outcome;
use crate::section::{Limit, Section};
use crate::tools::present;

/// Another program, and what our rate over its own must be at least.
pub(crate) struct Peer {
    pub(crate) contender: Contender,
    pub(crate) least: Option<f64>,
}

impl Peer {
    /// If its program is there: its version goes into `section`, or a note why it is left out.
    pub(crate) fn present(
        section: &mut Section,
        program: &str,
        contender: impl FnOnce() -> Result<Contender>,
        least: Option<f64>,
    ) -> Result<Option<Self>> {
        let here = present(section, program).is_some();
        here.then(|| Ok(Self { contender: contender()?, least })).transpose()
    }
}

/// Runs `peers` and this engine by turns and puts figures of peers, ratios and commands into `section`. Gives this
/// engine's own runs, which [`figures`] puts there when all are known; without peers it runs alone.
pub(crate) fn take(
    section: &mut Section,
    target: Target,
    rounds: u32,
    ours: &Contender,
    peers: &[Peer],
) -> Result<Vec<Outcome>> {
    if peers.is_empty() {
        return (0..rounds).map(|_| ours.run(target)).collect();
    }
    let mut all = Vec::new();
    for pair in peers.chunks(2) {
        let mut mine = Vec::new();
        let mut theirs: Vec<Vec<Outcome>> = pair.iter().map(|_| Vec::new()).collect();
        for _ in 0..rounds {
            theirs[0].push(pair[0].contender.run(target)?);
            mine.push(ours.run(target)?);
            if let Some(second) = pair.get(1) {
                theirs[1].push(second.contender.run(target)?);
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

/// Rate, CPU time and memory of a contender's runs, how much the server had to do, and how the contender is called.
pub(crate) fn figures(section: &mut Section, contender: &Contender, runs: &[Outcome]) {
    let costs: Vec<_> = runs.iter().map(Outcome::cpu_per_request).collect();
    let peaks: Vec<_> = runs.iter().map(|run| run.peak_mib).collect();
    let busy: Vec<_> = runs.iter().map(Outcome::server_busy).collect();
    section.figure(contender.name, "requests", "/s", &rates(runs));
    section.figure(contender.name, "CPU per request", "µs", &costs);
    section.figure(contender.name, "peak memory", "MiB", &peaks);
    section.figure(contender.name, "the server's core is busy", "%", &busy);
    section.commands.push(contender.command());
}

fn rates(runs: &[Outcome]) -> Vec<f64> {
    runs.iter().map(|run| run.rate).collect()
}
