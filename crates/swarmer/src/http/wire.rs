//! A request in its form in HTTP/1.1, taken apart again for protocols that say it in another way.

use super::error::Error;
use super::usual;

/// What stands in the first line.
pub(super) struct Line<'w> {
    pub(super) method: &'w [u8],
    pub(super) target: &'w [u8],
    /// Header lines, an empty line, the body.
    pub(super) rest: &'w [u8],
}

impl<'w> Line<'w> {
    pub(super) fn first(wire: &'w [u8]) -> Option<Self> {
        let blank = |bytes: &[u8]| bytes.iter().position(|byte| *byte == b' ');
        let (method, rest) = wire.split_at(blank(wire)?);
        let rest = &rest[1..];
        let (target, rest) = rest.split_at(blank(rest)?);
        Some(Self { method, target, rest: rest.strip_prefix(b" HTTP/1.1\r\n")? })
    }
}

/// A header line and its parts.
pub(super) struct Field<'l> {
    /// With its end.
    pub(super) text: &'l [u8],
    pub(super) name: &'l [u8],
    pub(super) value: &'l [u8],
}

impl<'l> Field<'l> {
    /// The one at the front.
    pub(super) fn first(lines: &'l [u8]) -> Option<Self> {
        let end = match usual::line(lines) {
            Some(line) => line.len(),
            // A tab is the only control character that may be in it.
            None => lines.windows(2).position(|pair| pair == b"\r\n")?,
        };
        let colon = lines[..end].iter().position(|byte| *byte == b':')?;
        let (text, value) = (&lines[..end + 2], lines[colon + 1..end].trim_ascii());
        Some(Self { text, name: &lines[..colon], value })
    }
}

/// Fields that are about a connection and must not be in HTTP/2 (RFC 9113, section 8.2.2).
pub(super) fn belongs_to_connection(name: &[u8]) -> bool {
    let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
    match name.len() {
        7 => is(b"upgrade"),
        10 => is(b"connection") || is(b"keep-alive"),
        16 => is(b"proxy-connection"),
        17 => is(b"transfer-encoding"),
        _ => false,
    }
}

#[cold]
pub(super) fn malformed() -> Error {
    Error::invalid("a request that HTTP/2 cannot carry")
}
