//! Which hosts may be sent requests to: a guard against loading a stranger.

use std::str::FromStr;
use std::sync::Arc;

/// A list of hosts; everything is allowed when it is empty.
///
/// An entry is a name (`staging.example.com`), all names below a domain (`*.test.example.com`), or an address, each with
/// or without a port (`localhost:8080`, `[::1]:8080`). Without one any port is meant. Case does not matter.
///
/// ```
/// use swarmer::http::AllowList;
///
/// let list = AllowList::new(["*.test.example.com", "localhost:8080"])?;
/// assert!(list.permits("a.test.example.com", 443));
/// assert!(!list.permits("test.example.com", 443));
/// assert!(!list.permits("localhost", 9090));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList(Arc<[Entry]>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// In lower case, an address without brackets.
    host: String,
    /// `host` stands for all names that end in it, with at least one label before.
    below: bool,
    port: Option<u16>,
}

impl AllowList {
    /// A list of these entries.
    ///
    /// # Errors
    /// When one of them is no host; the text says which, and what is allowed.
    pub fn new<S: AsRef<str>>(entries: impl IntoIterator<Item = S>) -> Result<Self, String> {
        let entries: Result<Vec<Entry>, String> =
            entries.into_iter().map(|entry| entry.as_ref().parse()).collect();
        Ok(Self(entries?.into()))
    }

    /// Whether there is any entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether requests may be sent to this port of this host (an IPv6 address without brackets).
    pub fn permits(&self, host: &str, port: u16) -> bool {
        let host = host.to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        self.is_empty() || self.0.iter().any(|entry| entry.permits(host, port))
    }
}

impl Entry {
    fn permits(&self, host: &str, port: u16) -> bool {
        let named = if self.below {
            host.strip_suffix(&self.host)
                .is_some_and(|label| label.len() > 1 && label.ends_with('.'))
        } else {
            host == self.host
        };
        named && self.port.is_none_or(|only| only == port)
    }
}

impl FromStr for Entry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "invalid host '{}' (allowed: a name, *.domain or an address, each with or without :port)",
                text.escape_debug()
            )
        };
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, rest)) => {
                (address, rest.strip_prefix(':').or(rest.is_empty().then_some("")))
            }
            // More than one colon and no brackets: an address without a port.
            None if text.matches(':').count() > 1 => (text, Some("")),
            None => {
                text.split_once(':').map_or((text, Some("")), |(host, port)| (host, Some(port)))
            }
        };
        let port = match port {
            Some("") if !text.ends_with(':') || host.contains(':') => None,
            Some(port) => Some(port.parse().map_err(|_| wrong())?),
            None => return Err(wrong()),
        };
        let (below, host) = host.strip_prefix("*.").map_or((false, host), |domain| (true, domain));
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || !host.chars().all(plain) || host.starts_with(['.', '-']) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_ascii_lowercase(), below, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(entry: &str, host: &str, port: u16) -> bool {
        AllowList::new([entry]).unwrap().permits(host, port)
    }

    #[test]
    fn names_domains_addresses_and_ports() {
        assert!(permits("Staging.example.com", "staging.EXAMPLE.com", 443));
        assert!(permits("staging.example.com", "staging.example.com.", 80));
        assert!(!permits("example.com", "staging.example.com", 443));
        assert!(permits("*.example.com", "a.b.example.com", 1));
        assert!(!permits("*.example.com", "badexample.com", 1));
        assert!(!permits("*.example.com", ".example.com", 1));
        assert!(permits("127.0.0.1:80", "127.0.0.1", 80));
        assert!(!permits("127.0.0.1:80", "127.0.0.1", 81));
        assert!(permits("[::1]:80", "::1", 80));
        assert!(!permits("[::1]:80", "::1", 81));
        assert!(permits("::1", "::1", 7) && permits("[::1]", "::1", 7));
    }

    #[test]
    fn nothing_is_forbidden_where_nothing_is_listed() {
        assert!(AllowList::default().permits("anything", 1));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "", "*", "*.", "a b", "http://a", "a:b", "a:99999", "a/..", "..", "-a", "[::1]x",
            "\u{1b}", "a:",
        ] {
            let error = AllowList::new([text]).unwrap_err();
            assert!(error.starts_with("invalid host '"), "{text}");
        }
    }
}
