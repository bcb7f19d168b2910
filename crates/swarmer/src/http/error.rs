//! Why a request got no answer.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::time::Duration;

/// What went wrong, in the large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The host's name was not found.
    Resolve,
    /// No connection could be made: refused, unreachable, no local port or file handle left.
    Connect,
    /// No connection was made within [`Config::connect_timeout`](super::Config::connect_timeout).
    ConnectTimeout,
    /// The request was not answered in full within its time limit.
    Timeout,
    /// The TLS handshake or a certificate failed.
    Tls,
    /// The connection broke before the whole answer was there.
    Closed,
    /// The server's bytes are not HTTP as it should be.
    Protocol,
    /// The answer is larger than [`Config::max_response_body`](super::Config::max_response_body).
    TooLarge,
    /// More redirects than [`Config::max_redirects`](super::Config::max_redirects).
    TooManyRedirects,
    /// The request could not be built: nothing was sent.
    Invalid,
}

/// Why a request got no answer.
///
/// The texts are free of ports, addresses and times, so that equal failures have equal texts and reports can
/// group by them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    /// The operating system's error number, where the cause is one.
    os: Option<i32>,
    text: Cow<'static, str>,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, os: None, text: text.into() }
    }

    pub(super) fn invalid(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Invalid, text)
    }

    pub(super) fn protocol(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Protocol, text)
    }

    pub(super) fn closed(text: &'static str) -> Self {
        Self::new(ErrorKind::Closed, text)
    }

    pub(super) fn timeout(kind: ErrorKind, what: &str, limit: Duration) -> Self {
        Self::new(kind, format!("{what} within {} s", limit.as_secs_f64()))
    }

    /// An error of the operating system; `kind` says during what.
    pub(super) fn os(kind: ErrorKind, error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(number) => {
                let text = error.to_string();
                let plain = text.split(" (os error").next().unwrap_or_default().to_owned();
                Self { kind, os: Some(number), text: plain.into() }
            }
            None => Self::new(kind, error.to_string()),
        }
    }

    /// What went wrong, in the large.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether a time limit passed, be it for the connection or for the whole request.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, ErrorKind::Timeout | ErrorKind::ConnectTimeout)
    }

    /// Whether no connection was made, for whatever reason: the request never reached a server.
    pub fn is_connect(&self) -> bool {
        use ErrorKind::{Connect, ConnectTimeout, Resolve, Tls};
        matches!(self.kind, Resolve | Connect | ConnectTimeout | Tls)
    }

    /// Whether the request itself was at fault and nothing was sent.
    pub fn is_invalid(&self) -> bool {
        self.kind == ErrorKind::Invalid
    }

    /// Whether this machine ran out of something (file handles, local ports, memory): then the generator
    /// is at its limit, not the target.
    pub fn is_local_limit(&self) -> bool {
        matches!(
            self.os,
            Some(libc::EMFILE | libc::ENFILE | libc::EADDRNOTAVAIL | libc::ENOBUFS | libc::ENOMEM)
        )
    }

    /// The text for reports, in the form Locust gives its failures: `ConnectionRefusedError(111, 'Connection refused')`.
    pub fn repr(&self) -> String {
        let text = quoted(&self.text);
        match self.os {
            Some(number) => format!("{}({number}, {text})", os_name(number)),
            None => format!("{}({text})", self.name()),
        }
    }

    fn name(&self) -> &'static str {
        match self.kind {
            ErrorKind::Resolve => "ResolveError",
            ErrorKind::Connect => "ConnectError",
            ErrorKind::ConnectTimeout => "ConnectTimeout",
            ErrorKind::Timeout => "Timeout",
            ErrorKind::Tls => "TlsError",
            ErrorKind::Closed => "ConnectionClosed",
            ErrorKind::Protocol => "ProtocolError",
            ErrorKind::TooLarge => "ResponseTooLarge",
            ErrorKind::TooManyRedirects => "TooManyRedirects",
            ErrorKind::Invalid => "InvalidRequest",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match self.os {
            Some(number) => write!(f, " (os error {number})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// The name Python, and so Locust's failure tables, gives to an error number of the operating system.
fn os_name(number: i32) -> &'static str {
    match number {
        libc::ECONNREFUSED => "ConnectionRefusedError",
        libc::ECONNRESET => "ConnectionResetError",
        libc::ECONNABORTED => "ConnectionAbortedError",
        libc::EPIPE => "BrokenPipeError",
        libc::ETIMEDOUT => "TimeoutError",
        libc::EACCES | libc::EPERM => "PermissionError",
        _ => "OSError",
    }
}

/// `text` in quotes as Python prints strings: single quotes unless the text has some and no double ones.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if c == quote => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operating_system_errors_read_as_in_locust() {
        let refused = io::Error::from_raw_os_error(libc::ECONNREFUSED);
        let error = Error::os(ErrorKind::Connect, &refused);
        assert_eq!(error.repr(), "ConnectionRefusedError(111, 'Connection refused')");
        assert_eq!(error.to_string(), "Connection refused (os error 111)");
        assert!(error.is_connect() && !error.is_timeout() && !error.is_local_limit());
        let full = Error::os(ErrorKind::Connect, &io::Error::from_raw_os_error(libc::EMFILE));
        assert_eq!(full.repr(), "OSError(24, 'Too many open files')");
        assert!(full.is_local_limit());
    }

    #[test]
    fn own_errors_carry_their_kind() {
        let error = Error::timeout(ErrorKind::Timeout, "no answer", Duration::from_millis(1500));
        assert_eq!(error.repr(), "Timeout('no answer within 1.5 s')");
        assert_eq!(Error::invalid("it's\n").repr(), "InvalidRequest(\"it's\\n\")");
    }
}
