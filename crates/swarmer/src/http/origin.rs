//! Where requests go: origins (scheme, host, port) and base URLs, parsed once.

use std::fmt;
use std::rc::Rc;

use url::{Host, Url};

use super::config::Config;
use super::encode;
use super::error::Error;
use super::resolve::Addresses;

/// Scheme, host and port, with all that is known of them in a thread: addresses and the header lines every request
/// to them begins with. One per thread and origin, so two are the same if their pointers are.
pub(super) struct Origin {
    pub(super) secure: bool,
    /// The host without brackets.
    pub(super) host: Box<str>,
    /// Host and, unless it is the scheme's own, port, as they stand in a URL.
    pub(super) authority: Box<str>,
    pub(super) addresses: Addresses,
    /// `Host`, `User-Agent` and `Accept-Encoding` lines, ready to be copied into a request.
    pub(super) prelude: Prelude,
}

impl Origin {
    pub(super) fn new(config: &Config, url: &Url) -> Result<Self, Error> {
        let secure = is_secure(url)?;
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err(Error::invalid("URL without a host")),
        };
        let port = url.port_or_known_default().unwrap_or(if secure { 443 } else { 80 });
        if !config.allowed.permits(&host, port) {
            return Err(Error::invalid(format!(
                "host `{host}` is not among those allowed (--allow-host)"
            )));
        }
        let authority = authority(url);
        let addresses = Addresses::new(&host, port);
        let prelude = Prelude::new(config, &authority)?;
        Ok(Self { secure, host: host.into(), authority: authority.into(), addresses, prelude })
    }

    /// `https://host:port`
    pub(super) fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url())
    }
}

/// Header lines that are the same in every request to an origin, unless the request sets one of them itself.
#[derive(Debug)]
pub(super) struct Prelude {
    lines: Box<[u8]>,
    host_ends: usize,
    agent_ends: usize,
}

impl Prelude {
    fn new(config: &Config, authority: &str) -> Result<Self, Error> {
        if !encode::is_field_value(config.user_agent.as_bytes()) {
            return Err(Error::invalid("control character in the user agent"));
        }
        let mut lines = format!("Host: {authority}\r\n").into_bytes();
        let host_ends = lines.len();
        if !config.user_agent.is_empty() {
            lines.extend_from_slice(format!("User-Agent: {}\r\n", config.user_agent).as_bytes());
        }
        let agent_ends = lines.len();
        if config.accept_encoding {
            lines.extend_from_slice(b"Accept-Encoding: gzip, deflate, br, zstd\r\n");
        }
        Ok(Self { lines: lines.into(), host_ends, agent_ends })
    }

    pub(super) fn all(&self) -> &[u8] {
        &self.lines
    }

    pub(super) fn host(&self) -> &[u8] {
        &self.lines[..self.host_ends]
    }

    pub(super) fn user_agent(&self) -> &[u8] {
        &self.lines[self.host_ends..self.agent_ends]
    }

    pub(super) fn accept_encoding(&self) -> &[u8] {
        &self.lines[self.agent_ends..]
    }
}

/// A host to which the paths of requests are appended, such as `https://user:password@api.example/v1`.
///
/// Made by [`Shared::base_url`](super::Shared::base_url); cheap to clone.
#[derive(Clone, Debug)]
pub struct BaseUrl(pub(super) Rc<Base>);

#[derive(Debug)]
pub(super) struct Base {
    pub(super) origin: Rc<Origin>,
    /// The path that stands before each request's own: empty, or with a slash at its front and none at its end.
    pub(super) prefix: Box<str>,
    /// The value of `Authorization` from user and password in the URL.
    pub(super) authorization: Option<Box<str>>,
}

impl BaseUrl {
    pub(super) fn new(origin: Rc<Origin>, url: &Url) -> Self {
        let prefix = url.path().trim_end_matches('/').into();
        Self(Rc::new(Base { origin, prefix, authorization: basic_auth(url) }))
    }
}

impl fmt::Display for BaseUrl {
    /// The URL without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0.origin.url(), self.0.prefix)
    }
}

pub(super) fn parse_url(text: &str) -> Result<Url, Error> {
    let url = Url::parse(text)
        .map_err(|error| Error::invalid(format!("malformed URL `{}`: {error}", shown(text))))?;
    is_secure(&url)?;
    Ok(url)
}

/// A URL as error texts show it: no secret, no endless text.
fn shown(text: &str) -> String {
    let plain = text.rfind('@').map_or(text, |at| &text[at + 1..]);
    plain.chars().take(80).flat_map(char::escape_debug).collect()
}

fn is_secure(url: &Url) -> Result<bool, Error> {
    match url.scheme() {
        "http" => Ok(false),
        "https" => Ok(true),
        other => {
            let other: String = other.chars().take(20).collect();
            Err(Error::invalid(format!("URL scheme `{other}`; only http and https are known")))
        }
    }
}

/// Host and port of a URL as its origin's [`Origin::authority`].
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The `Authorization` value for user and password of a URL (RFC 7617), if it has any.
pub(super) fn basic_auth(url: &Url) -> Option<Box<str>> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut pair = encode::percent_decoded(url.username());
    pair.push(b':');
    pair.extend(encode::percent_decoded(url.password().unwrap_or_default()));
    Some(format!("Basic {}", crate::base64::base64(&pair)).into())
}
