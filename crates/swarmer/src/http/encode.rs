//! The alphabets of HTTP: what may stand in a target, a query, a header field, and how the rest is escaped.

use std::fmt;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// What a byte may be used for, one bit per use.
const TOKEN: u8 = 1;
const VALUE: u8 = 2;
const TARGET: u8 = 4;
const UNRESERVED: u8 = 8;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256 by the loop")]
        let byte = at as u8;
        let alphanumeric = byte.is_ascii_alphanumeric();
        // RFC 9110, sections 5.6.2 and 5.5; bytes above ASCII pass in values as they are (`obs-text`).
        if alphanumeric || is_one_of(byte, b"!#$%&'*+-.^_`|~") {
            table[at] |= TOKEN;
        }
        if byte == b'\t' || (byte >= 0x20 && byte != 0x7f) {
            table[at] |= VALUE;
        }
        // RFC 3986: what may stand in path and query unescaped, with the percent sign of what is escaped already,
        // and brackets, which servers take as they are.
        if alphanumeric || is_one_of(byte, b"-._~!$&'()*+,;=:@/?%[]") {
            table[at] |= TARGET;
        }
        if alphanumeric || is_one_of(byte, b"-._~") {
            table[at] |= UNRESERVED;
        }
        at += 1;
    }
    table
}

const fn is_one_of(byte: u8, set: &[u8]) -> bool {
    let mut at = 0;
    while at < set.len() {
        if set[at] == byte {
            return true;
        }
        at += 1;
    }
    false
}

fn all(bytes: &[u8], class: u8) -> bool {
    bytes.iter().all(|&byte| CLASSES[usize::from(byte)] & class != 0)
}

/// How many bytes at the front may belong to a header field's name.
pub(super) fn token_length(bytes: &[u8]) -> usize {
    let ends = |&byte: &u8| CLASSES[usize::from(byte)] & TOKEN == 0;
    bytes.iter().position(ends).unwrap_or(bytes.len())
}

/// Whether `bytes` may name a header field or a method.
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && all(bytes, TOKEN)
}

/// Whether `bytes` may be a header field's value: no line break, no other control character.
pub(super) fn is_field_value(bytes: &[u8]) -> bool {
    all(bytes, VALUE)
}

/// Appends path and query as given, escaping what may not stand there; a fragment is left out.
/// False if a control character is in it: that is never meant, and may be an attempt to smuggle.
pub(super) fn push_target(out: &mut Vec<u8>, target: &str) -> bool {
    if all(target.as_bytes(), TARGET) {
        out.extend_from_slice(target.as_bytes());
        return true;
    }
    for &byte in target.split('#').next().unwrap_or_default().as_bytes() {
        if byte.is_ascii_control() {
            return false;
        }
        if CLASSES[usize::from(byte)] & TARGET != 0 { out.push(byte) } else { escape(out, byte) }
    }
    true
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

/// Writes text percent-encoded, as one name or value of a query or a form.
pub(super) struct Escaped<'a> {
    pub(super) out: &'a mut Vec<u8>,
    /// A blank becomes `+`, as HTML forms have it, instead of `%20`.
    pub(super) form: bool,
}

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            match byte {
                _ if CLASSES[usize::from(byte)] & UNRESERVED != 0 => self.out.push(byte),
                b' ' if self.form => self.out.push(b'+'),
                _ => escape(self.out, byte),
            }
        }
        Ok(())
    }
}

/// Undoes percent-encoding; a stray `%` stays what it is.
pub(super) fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.extend(u8::try_from(high << 4 | low));
                at += 3;
            }
            (byte, _, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn targets_are_escaped_where_needed() {
        let pushed = |target: &str| {
            let mut out = Vec::new();
            push_target(&mut out, target).then(|| String::from_utf8(out).unwrap())
        };
        assert_eq!(pushed("/a/b?c=d%20e&f[]=1").unwrap(), "/a/b?c=d%20e&f[]=1");
        assert_eq!(pushed("/ä b\"<>#frag ment").unwrap(), "/%C3%A4%20b%22%3C%3E");
        for evil in ["/a\r\nHost: b", "/\n", "/\0", "/\t", "/\x7f"] {
            assert_eq!(pushed(evil), None, "{evil:?}");
        }
    }

    #[test]
    fn pairs_are_escaped_wholly() {
        let escaped = |text: &str, form| {
            let mut out = Vec::new();
            write!(Escaped { out: &mut out, form }, "{text}").unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(escaped("a b&c=d/é+\r\n", false), "a%20b%26c%3Dd%2F%C3%A9%2B%0D%0A");
        assert_eq!(escaped("a b", true), "a+b");
    }

    #[test]
    fn fields_admit_no_line_break() {
        assert!(is_token(b"X-Trace_1") && !is_token(b"") && !is_token(b"a b") && !is_token(b"a:"));
        assert!(is_field_value("text, with\ttab and é".as_bytes()));
        for evil in [&b"a\r\nb: c"[..], b"\n", b"\0", b"\x7f"] {
            assert!(!is_field_value(evil), "{evil:?}");
        }
    }

    #[test]
    fn percent_decoding_is_lenient() {
        assert_eq!(percent_decoded("a%40b%C3%A9%%4"), "a@bé%%4".as_bytes());
    }
}
