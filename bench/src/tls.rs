//! The same small answer over TLS 1.3: over connections that are kept, and with a handshake for each request.

use std::fs::{self, File};

use anyhow::{Context, Result};

use crate::Arguments;
use crate::contender::{Contender, Load, swarmer, wrk};
use crate::figures::Outcome;
use crate::peers::oha;
use crate::section::Section;
use crate::server::{Nginx, Speaks};
use crate::tools::{own_version, version};
use crate::turns::{self, Peer};

/// Rounds of handshakes, which no limit depends on.
const ROUNDS: u32 = 2;

/// # Errors
/// When a contender or the server cannot be started, or a request fails.
pub(crate) fn measure(arguments: &Arguments) -> Result<Section> {
    let Arguments { rounds, seconds, connections, .. } = *arguments;
    let load = Load { connections, seconds };
    let handshake_rounds = rounds.min(ROUNDS);
    let mut section = Section::new(
        "tls",
        "TLS 1.3 on one core",
        &format!(
            "As throughput, over TLS 1.3 with a certificate on P-256 that nobody checks: {rounds} rounds of {seconds} s over \
             {connections} connections that are kept. Then a new connection for each request, {handshake_rounds} rounds: nginx \
             closes after each answer and notes whether the session was resumed. There a client that leaves a part of its core \
             idle waits for the server: compare the CPU time."
        ),
    );
    section.versions = vec![version("nginx")?, own_version()];
    kept(&mut section, rounds, load)?;
    handshakes(&mut section, handshake_rounds, load)?;
    Ok(section)
}

fn kept(section: &mut Section, rounds: u32, load: Load) -> Result<()> {
    let server = Nginx::speaking(Speaks::Tls)?;
    let ours = swarmer(load)?.with(["--insecure"]);
    let rust = || Ok(oha(load)?.with(["--insecure"]));
    let rust = Peer::present(section, "oha", rust, Some(0.9))?;
    let native = Peer::present(section, "wrk", || wrk(load), None)?;
    let peers: Vec<Peer> = rust.into_iter().chain(native).collect();
    let runs = turns::take(section, server.target(), rounds, &ours, &peers)?;
    turns::figures(section, &ours, &runs);
    Ok(())
}

fn handshakes(section: &mut Section, rounds: u32, load: Load) -> Result<()> {
    let server = Nginx::speaking(Speaks::TlsOnce)?;
    let sessions = |mode| -> Result<Contender> {
        Ok(swarmer(load)?.with(["--insecure".to_owned(), format!("--tls-sessions={mode}")]))
    };
    let mut contenders = vec![
        sessions("off")?.named("swarmer, full handshakes"),
        sessions("own")?.named("swarmer, each user its own sessions"),
        sessions("shared")?.named("swarmer, shared sessions"),
    ];
    let rust = || {
        let once = oha(load)?.with(["--insecure", "--disable-keepalive"]);
        Ok(once.named("oha, a connection each"))
    };
    let native = || Ok(wrk(load)?.named("wrk, a connection each"));
    let peers =
        [Peer::present(section, "oha", rust, None)?, Peer::present(section, "wrk", native, None)?];
    contenders.extend(peers.into_iter().flatten().map(|peer| peer.contender));
    let mut runs: Vec<Vec<Outcome>> = contenders.iter().map(|_| Vec::new()).collect();
    let mut resumed: Vec<Vec<f64>> = contenders.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (index, contender) in contenders.iter().enumerate() {
            // nginx keeps the file open for appending, so that it may be emptied between runs.
            File::create(server.session_log())?;
            runs[index].push(contender.run(server.target())?);
            resumed[index].push(share_resumed(&server)?);
        }
    }
    for ((contender, runs), resumed) in contenders.iter().zip(&runs).zip(&resumed) {
        turns::figures(section, contender, runs);
        section.figure(contender.name, "sessions resumed", "%", resumed);
    }
    Ok(())
}

/// In percent of the connections since the log was emptied.
fn share_resumed(server: &Nginx) -> Result<f64> {
    // The log is flushed after a second.
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    let log = fs::read_to_string(server.session_log()).context("no log of sessions")?;
    percent_resumed(&log).context("no connection in the log of sessions")
}

#[expect(clippy::cast_precision_loss, reason = "lines of a log of a few seconds")]
fn percent_resumed(log: &str) -> Option<f64> {
    let all = log.lines().count();
    let resumed = log.lines().filter(|line| *line == "r").count();
    (all > 0).then(|| resumed as f64 / all as f64 * 100.0)
}

#[cfg(test)]
mod tests {
    use super::percent_resumed;

    #[test]
    fn connections_that_resumed_a_session_are_counted_among_all() {
        assert_eq!(percent_resumed("r\n.\nr\nr\n"), Some(75.0));
        assert_eq!(percent_resumed(""), None);
    }
}
