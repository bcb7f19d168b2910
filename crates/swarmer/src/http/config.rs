//! What a client may be told.

use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::allow::AllowList;
use super::protocol::Http2;

/// Settings of all clients of a run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Limit for making a connection: name lookup, TCP and TLS together. Default 60 s.
    pub connect_timeout: Duration,
    /// Limit for a whole request: from the call to the last body byte, redirects included. Default 60 s.
    pub request_timeout: Duration,
    /// Redirects followed before a request fails. Default 30.
    pub max_redirects: u32,
    /// Accept every TLS certificate. Default off.
    pub insecure: bool,
    /// Certificate authorities trusted besides the system's and Mozilla's.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Largest answer accepted, in bytes, as sent and as decoded. Default 256 MiB.
    pub max_response_body: usize,
    /// Ask for compressed answers (`Accept-Encoding`). Default on. Compressed answers are decoded either way.
    pub accept_encoding: bool,
    /// The `User-Agent` of requests that set none. Default `swarmer/<version>`.
    pub user_agent: String,
    /// Whether HTTP/2 is spoken. Default off.
    pub http2: Http2,
    /// Which TLS sessions a new connection may resume. Default: the user's own.
    pub tls_sessions: TlsSessions,
    /// The hosts requests may be sent to; any other fails as invalid, before anything is sent. Default: all.
    pub allowed: AllowList,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_mins(1),
            request_timeout: Duration::from_mins(1),
            max_redirects: 30,
            insecure: false,
            extra_roots: Vec::new(),
            max_response_body: 256 << 20,
            accept_encoding: true,
            user_agent: concat!("swarmer/", env!("CARGO_PKG_VERSION")).to_owned(),
            http2: Http2::Off,
            tls_sessions: TlsSessions::Own,
            allowed: AllowList::default(),
        }
    }
}

/// Which TLS sessions a new connection may resume: a resumed handshake costs both sides a fraction of a full one, so it
/// decides what the target is measured at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsSessions {
    /// Those of the same user, as in a browser.
    #[default]
    Own,
    /// Those of all users of a driver thread, as behind a proxy.
    Shared,
    /// None: every connection pays for a full handshake.
    Off,
}

impl TlsSessions {
    /// The one with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "own" => Some(Self::Own),
            "shared" => Some(Self::Shared),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}
