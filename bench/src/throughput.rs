//! Requests per second on one core: every contender loads the same nginx from the second core.

use anyhow::{Context, Result};

use crate::Arguments;
use crate::contender::{Load, own_version, swarmer, wrk_version, wrk_with};
use crate::peers::{
    goose, goose_version, k6, k6_version, locust, locust_version, oha, oha_version,
};
use crate::section::Section;
use crate::server::{self, Nginx};
use crate::turns::{self, Peer};

/// Rounds with peers that are slower by whole factors: their ratios are far from the limits' edge.
const SLOW_ROUNDS: u32 = 3;

/// # Errors
/// When a contender or the server cannot be started, or a request fails.
pub(crate) fn measure(arguments: &Arguments) -> Result<Section> {
    let Arguments { rounds, seconds, connections, .. } = *arguments;
    let slow_rounds = rounds.min(SLOW_ROUNDS);
    let load = Load { connections, seconds };
    let server = Nginx::start().context("cannot start nginx (make bench installs it)")?;
    let mut section = Section::new(
        "throughput",
        "Throughput on one core",
        &format!(
            "nginx with one worker on the first core answers 136 bytes of JSON; each client runs alone on the second core, with \
             {connections} connections and no wait, for {seconds} s. Contenders take turns, this engine between two peers, so that \
             every ratio is one of neighbouring runs: {rounds} rounds with wrk and oha, {slow_rounds} with the others. Rates are as \
             the programs report them (oha and Goose: their counts over their times). CPU time is that of the whole process, its start \
             included; memory is the largest resident set."
        ),
    );
    section.versions = vec![server::version()?, own_version()];
    let ours = swarmer(load)?;
    let (fast, slow) = peers(&mut section, load);
    let mut runs = turns::take(&mut section, server.url(), rounds, &ours, &fast)?;
    runs.extend(turns::take(&mut section, server.url(), slow_rounds, &ours, &slow)?);
    turns::figures(&mut section, &ours, &runs);
    Ok(section)
}

/// Those that are installed: first those of our speed, then the others.
fn peers(section: &mut Section, load: Load) -> (Vec<Peer>, Vec<Peer>) {
    let fast = [
        turns::present(section, "wrk", wrk_version(), || Ok(wrk_with(load)), Some(0.95)),
        turns::present(section, "oha", oha_version(), || oha(load), Some(1.05)),
    ];
    let quick = || locust("Locust FastHttpUser", "Fast", load);
    let plain = || locust("Locust HttpUser", "Plain", load);
    let slow = [
        turns::present(section, "Goose", goose_version(), || goose(load), Some(2.0)),
        turns::present(section, "Locust", locust_version(), quick, Some(15.0)),
        turns::present(section, "Locust", locust_version(), plain, Some(60.0)),
        turns::present(section, "k6", k6_version(), || Ok(k6(load)), None),
    ];
    (fast.into_iter().flatten().collect(), slow.into_iter().flatten().collect())
}
