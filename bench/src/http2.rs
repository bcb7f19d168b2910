//! HTTP/2: many connections with one request at a time, and one connection that carries all requests at once.

use anyhow::Result;

use crate::Arguments;
use crate::contender::{Contender, Load, swarmer};
use crate::peers::{h2load, oha};
use crate::section::Section;
use crate::server::{Nginx, Speaks};
use crate::tools::{own_version, version};
use crate::turns::{self, Peer};

/// Each takes six runs.
const MOST_ROUNDS: u32 = 3;

/// # Errors
/// When a contender or the server cannot be started, or a request fails.
pub(crate) fn measure(arguments: &Arguments) -> Result<Section> {
    let Arguments { seconds, connections, .. } = *arguments;
    let rounds = arguments.rounds.min(MOST_ROUNDS);
    let load = Load { connections, seconds };
    let mut section = Section::new(
        "http2",
        "HTTP/2 on one core",
        &format!(
            "As throughput, over HTTP/2 without TLS (prior knowledge), {rounds} rounds of {seconds} s: {connections} connections \
             with one request at a time each (`--http2=own`), then one connection with {connections} requests at once \
             (`--http2=shared`)."
        ),
    );
    section.versions = vec![version("nginx")?, own_version()];
    let server = Nginx::speaking(Speaks::Http2)?;
    let one = Load { connections: 1, seconds };
    let ours = swarmer(load)?.with(["--http2=own"]).named("swarmer, own connections");
    let native = || Ok(h2load(load, 1)?.named("h2load, own connections"));
    let rust = || Ok(oha(load)?.with(["--http2", "-p1"]).named("oha, own connections"));
    let peers = self::peers(&mut section, native, rust)?;
    let runs = turns::take(&mut section, server.target(), rounds, &ours, &peers)?;
    turns::figures(&mut section, &ours, &runs);
    let ours = swarmer(load)?.with(["--http2=shared"]).named("swarmer, one connection");
    let parallel = format!("-p{connections}");
    let native = || Ok(h2load(one, connections)?.named("h2load, one connection"));
    let rust = || Ok(oha(one)?.with(["--http2", &parallel]).named("oha, one connection"));
    let peers = self::peers(&mut section, native, rust)?;
    let runs = turns::take(&mut section, server.target(), rounds, &ours, &peers)?;
    turns::figures(&mut section, &ours, &runs);
    section.notes.push(
        "Where the server's core is full, requests/s tell how a client lets the server work (many requests in one read cost it less), \
         and CPU per request what the client costs."
            .to_owned(),
    );
    Ok(section)
}

/// h2load and oha, those of them that are installed.
fn peers(
    section: &mut Section,
    h2load: impl FnOnce() -> Result<Contender>,
    oha: impl FnOnce() -> Result<Contender>,
) -> Result<Vec<Peer>> {
    let native = Peer::present(section, "h2load", h2load, Some(0.7))?;
    let rust = Peer::present(section, "oha", oha, None)?;
    Ok(native.into_iter().chain(rust).collect())
}
