//! What a client may be told.

use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::allow::AllowList;

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
            allowed: AllowList::default(),
        }
    }
}
