//! Requests per second on one core: every contender loads the same nginx from the second core.

use anyhow::{Context, Result};

use crate::Arguments;
use crate::ceiling::{self, Goal};
use crate::contender::{Contender, Load, swarmer, wrk};
use crate::peers::{goose, k6, locust, oha};
use crate::section::Section;
use crate::server::Nginx;
use crate::tools::{own_version, present, version};
use crate::turns::{self, Peer};

/// What our rate is to be at least over those of Locust's two kinds of user.
const FAST_GOAL: f64 = 15.0;
const PLAIN_GOAL: f64 = 60.0;

/// Rounds with peers that are slower by whole factors: their ratios are far from the limits' edge.
const SLOW_ROUNDS: u32 = 3;

/// Rounds beside Locust that tell when the server is full.
const ROOM_ROUNDS: u32 = 2;

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
             included; memory is the largest resident set. At the end wrk runs beside Locust's users once more, and the processor time of \
             nginx's worker meanwhile tells at which rate its core would be full."
        ),
    );
    section.versions = vec![version("nginx")?, own_version()];
    let ours = swarmer(load)?;
    let (fast, slow) = peers(&mut section, load)?;
    let mut runs = turns::take(&mut section, server.target(), rounds, &ours, &fast)?;
    runs.extend(turns::take(&mut section, server.target(), slow_rounds, &ours, &slow)?);
    turns::figures(&mut section, &ours, &runs);
    room(&mut section, &server, rounds.min(ROOM_ROUNDS), load)?;
    Ok(section)
}

/// Those that are installed: first those of our speed, then the others.
fn peers(section: &mut Section, load: Load) -> Result<(Vec<Peer>, Vec<Peer>)> {
    let fast = [
        Peer::present(section, "wrk", || wrk(load), Some(0.95))?,
        Peer::present(section, "oha", || oha(load), Some(1.05))?,
    ];
    let slow = [
        Peer::present(section, "goose-hammer", || goose(load), Some(2.0))?,
        Peer::present(section, "locust", || fast_user(load), Some(FAST_GOAL))?,
        Peer::present(section, "locust", || plain_user(load), Some(PLAIN_GOAL))?,
        Peer::present(section, "k6", || k6(load), None)?,
    ];
    Ok((fast.into_iter().flatten().collect(), slow.into_iter().flatten().collect()))
}

fn fast_user(load: Load) -> Result<Contender> {
    locust("Locust FastHttpUser", "Fast", load)
}

fn plain_user(load: Load) -> Result<Contender> {
    locust("Locust HttpUser", "Plain", load)
}

/// Whether the server leaves room for the goals that are about Locust.
fn room(section: &mut Section, server: &Nginx, rounds: u32, load: Load) -> Result<()> {
    if ["wrk", "locust"].iter().any(|name| present(section, name).is_none()) {
        return Ok(());
    }
    let goals = [
        Goal { peer: fast_user(load)?, times: FAST_GOAL },
        Goal { peer: plain_user(load)?, times: PLAIN_GOAL },
    ];
    ceiling::measure(section, server.target(), rounds, &wrk(load)?, &goals)
}
