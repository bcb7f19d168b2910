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

/// The peer with its version in `section`, or a note why it is left out: the harness runs where it is not installed.
pub(crate) fn present(
    section: &mut Section,
    name: &str,
    version: Result<String>,
    contender: impl FnOnce() -> Result<Contender>,
    least: Option<f64>,
) -> Option<Peer> {
    let (lines, line, peer) = match version.and_then(|version| Ok((version, contender()?))) {
        Ok((version, contender)) => {
            (&mut section.versions, version, Some(Peer { contender, least }))
        }
        Err(error) => (&mut section.notes, format!("{name} was not measured: {error:#}."), None),
    };
    if !lines.contains(&line) {
        lines.push(line);
    }
    peer
}

/// Runs `peers` and this engine by turns and puts figures of peers, ratios and commands into `section`. Gives this
/// engine's own runs, which [`figures`] puts there when all are known; without peers it runs alone.
pub(crate) fn take(
    section: &mut Section,
    url: &str,
    rounds: u32,
    ours: &Contender,
    peers: &[Peer],
) -> Result<Vec<Outcome>> {
    if peers.is_empty() {
        return (0..rounds).map(|_| ours.run(url)).collect();
    }
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

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_peer_that_is_not_installed_is_left_out_with_one_note() {
        let mut section = Section::new("x", "x", "x");
        for _ in 0..2 {
            let version = Err(anyhow!("not found").context("cannot start quick"));
            let peer = present(&mut section, "quick", version, || unreachable!(), None);
            assert!(peer.is_none());
        }
        assert_eq!(section.notes, ["quick was not measured: cannot start quick: not found."]);
        let contender = || Ok(Contender::new("slow", "slow", ["-x"], |_, _| unreachable!()));
        let peer = present(&mut section, "slow", Ok("slow 1.2".to_owned()), contender, Some(2.0));
        assert_eq!(peer.and_then(|peer| peer.least), Some(2.0));
        assert_eq!(section.versions, ["slow 1.2"]);
    }
}
