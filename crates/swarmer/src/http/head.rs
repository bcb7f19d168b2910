//! The head of a response: status line and header fields (RFC 9112, sections 3 to 6).

use std::mem::MaybeUninit;

use super::body::Framing;
use super::error::Error;
use super::usual;

/// Largest head accepted, in bytes.
pub(super) const HEAD_LIMIT: usize = 64 * 1024;
/// Most header fields accepted.
pub(super) const FIELD_LIMIT: usize = 128;

/// A head beyond [`HEAD_LIMIT`].
#[cold]
pub(super) fn too_long() -> Error {
    Error::protocol("a head of more than 64 KiB")
}

/// What the engine needs to know of a head; the fields themselves stay in the buffer as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Bytes of the head, with the empty line that ends it.
    pub(super) length: usize,
    pub(super) framing: Framing,
    /// Whether the connection may serve another request after this answer.
    pub(super) keep_alive: bool,
    /// Whether there is a `Content-Encoding`.
    pub(super) encoded: bool,
    /// Whether there is a `Set-Cookie`.
    pub(super) cookies: bool,
}

/// What the first line says, and where the head ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) status: u16,
    /// Of HTTP/1: 0 or 1.
    pub(super) minor: u8,
    /// Bytes of the head, with the empty line that ends it.
    pub(super) length: usize,
}

/// Parses the head at the front of `bytes`; `None` if it is not complete yet.
///
/// # Errors
/// Of kind [`Protocol`](super::ErrorKind::Protocol) when the bytes cannot become a valid head or announce a body
/// whose end nobody can know.
pub(super) fn parse(bytes: &[u8], answers_head: bool) -> Result<Option<Head>, Error> {
    let mut facts = Facts::default();
    if let Some(line) = usual::read(bytes, |name, value| facts.read(name, value).ok()) {
        return head(line, &facts, answers_head).map(Some);
    }
    let mut facts = Facts::default();
    match read(bytes, &mut facts)? {
        Some(line) => head(line, &facts, answers_head).map(Some),
        None => Ok(None),
    }
}

/// Reads any head, also one that is [not usual](usual) or not yet whole.
fn read(bytes: &[u8], facts: &mut Facts) -> Result<Option<Line>, Error> {
    let mut fields = [const { MaybeUninit::<httparse::Header<'_>>::uninit() }; FIELD_LIMIT];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        bytes,
        &mut fields,
    );
    let length = match parsed {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(malformed(error)),
    };
    let (Some(status), Some(minor)) = (response.code, response.version) else {
        return Err(Error::protocol("malformed status line"));
    };
    for field in response.headers.iter() {
        facts.read(field.name.as_bytes(), field.value)?;
    }
    Ok(Some(Line { status, minor, length }))
}

fn head(line: Line, facts: &Facts, answers_head: bool) -> Result<Head, Error> {
    let Line { status, minor, length } = line;
    if !(100..1000).contains(&status) {
        return Err(Error::protocol("status below 100"));
    }
    let framing = facts.framing(status, answers_head)?;
    // A coding of the transfer in HTTP/1.0, or beside a length, is how smuggled answers look: never trust that
    // connection again (RFC 9112, section 6.1).
    let suspicious = facts.transfer != Transfer::None && (minor == 0 || facts.length.is_some());
    let keep_alive = !suspicious
        && framing != Framing::UntilClose
        && !facts.close
        && (minor >= 1 || facts.keep_alive);
    let Facts { encoded, cookies, .. } = *facts;
    Ok(Head { status, length, framing, keep_alive, encoded, cookies })
}

fn malformed(error: httparse::Error) -> Error {
    use httparse::Error as E;
    Error::protocol(match error {
        E::HeaderName => "malformed header name",
        E::HeaderValue => "malformed header value",
        E::NewLine => "malformed line end",
        E::Status => "malformed status",
        E::Token => "malformed token",
        E::TooManyHeaders => "more than 128 header fields",
        E::Version => "not HTTP/1.0 or HTTP/1.1",
    })
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Transfer {
    #[default]
    None,
    Chunked,
    Other,
}

/// What the fields that govern the connection and the body say.
#[expect(clippy::struct_excessive_bools, reason = "one per field looked for")]
#[derive(Debug, Default, PartialEq, Eq)]
struct Facts {
    length: Option<u64>,
    transfer: Transfer,
    close: bool,
    keep_alive: bool,
    encoded: bool,
    cookies: bool,
}

impl Facts {
    /// Looks at one field; whether it is one of those looked for. Lengths first: most names then need no comparison.
    #[inline]
    fn read(&mut self, name: &[u8], value: &[u8]) -> Result<bool, Error> {
        match name.len() {
            14 if is(name, b"content-length") => self.content_length(value)?,
            17 if is(name, b"transfer-encoding") => self.transfer_encoding(value),
            10 if is(name, b"connection") => self.connection(value),
            10 if is(name, b"set-cookie") => self.cookies = true,
            16 if is(name, b"content-encoding") => self.encoded = true,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Repeated lengths, in one field or in several, are accepted if they agree (RFC 9110, section 8.6).
    fn content_length(&mut self, value: &[u8]) -> Result<(), Error> {
        if let (None, Some(length)) = (self.length, decimal(value)) {
            self.length = Some(length);
            return Ok(());
        }
        for part in value.split(|&byte| byte == b',') {
            let length = decimal(part.trim_ascii())
                .ok_or_else(|| Error::protocol("malformed Content-Length"))?;
            if self.length.is_some_and(|before| before != length) {
                return Err(Error::protocol("contradicting Content-Length fields"));
            }
            self.length = Some(length);
        }
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8]) {
        for part in value.split(|&byte| byte == b',') {
            let part = part.trim_ascii();
            let chunked = part.eq_ignore_ascii_case(b"chunked");
            self.transfer = match self.transfer {
                _ if part.is_empty() => self.transfer,
                Transfer::None if chunked => Transfer::Chunked,
                _ => Transfer::Other,
            };
        }
    }

    fn connection(&mut self, value: &[u8]) {
        // Nearly always it is this word alone.
        if is(value, b"keep-alive") {
            self.keep_alive = true;
            return;
        }
        for part in value.split(|&byte| byte == b',') {
            let part = part.trim_ascii();
            self.close |= part.eq_ignore_ascii_case(b"close");
            self.keep_alive |= part.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// The rules of RFC 9112, section 6.3, in their order.
    fn framing(&self, status: u16, answers_head: bool) -> Result<Framing, Error> {
        if answers_head || status < 200 || status == 204 || status == 304 {
            return Ok(Framing::Length(0));
        }
        match (self.transfer, self.length) {
            (Transfer::Chunked, _) => Ok(Framing::chunked()),
            (Transfer::Other, _) => Err(Error::protocol("unknown Transfer-Encoding")),
            (Transfer::None, Some(length)) => Ok(Framing::Length(length)),
            (Transfer::None, None) => Ok(Framing::UntilClose),
        }
    }
}

/// Whether `text`, in which there is no control character, is `lower`, small letters and hyphens, in any case: nothing else
/// differs from those in that bit alone. A length known beforehand is compared in a few words at once.
#[inline]
fn is<const N: usize>(text: &[u8], lower: &[u8; N]) -> bool {
    let Ok(text) = <&[u8; N]>::try_from(text) else { return false };
    text.iter().zip(lower).fold(0, |differs, (a, b)| differs | ((a | 0x20) ^ b)) == 0
}

/// Digits only: no sign, no blank, no overflow.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// The fields of a head that [`parse`] accepted, as name and value.
pub(super) fn fields(head: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    head.split(|&byte| byte == b'\n').skip(1).filter_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let name = str::from_utf8(&line[..colon]).ok()?;
        Some((name, line[colon + 1..].trim_ascii()))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(text: &str) -> Head {
        parse(text.as_bytes(), false).unwrap().expect("a complete head")
    }

    fn refusal(text: &str) -> String {
        parse(text.as_bytes(), false).unwrap_err().to_string()
    }

    #[test]
    fn framing_follows_the_fields() {
        let with = |fields: &str| head(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n"));
        assert_eq!(with("Content-Length: 12\r\n").framing, Framing::Length(12));
        assert_eq!(
            with("content-length: 5, 5\r\nCONTENT-LENGTH: 5\r\n").framing,
            Framing::Length(5)
        );
        assert_eq!(with("Transfer-Encoding: Chunked\r\n").framing, Framing::chunked());
        assert_eq!(with("").framing, Framing::UntilClose);
        assert!(!with("").keep_alive);
        let both = with("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n");
        assert_eq!((both.framing, both.keep_alive), (Framing::chunked(), false));
    }

    #[test]
    fn some_answers_have_no_body() {
        for status in [100, 103, 204, 304] {
            let head = head(&format!("HTTP/1.1 {status} X\r\nContent-Length: 9\r\n\r\n"));
            assert_eq!(head.framing, Framing::Length(0), "{status}");
        }
        let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(parse(answer, true).unwrap().unwrap().framing, Framing::Length(0));
    }

    #[test]
    fn connections_are_kept_by_version_and_field() {
        let kept = |version: &str, connection: &str| {
            let text = format!("HTTP/{version} 200 OK\r\nContent-Length: 0\r\n{connection}\r\n");
            head(&text).keep_alive
        };
        assert!(kept("1.1", ""));
        assert!(!kept("1.1", "Connection: Upgrade, CLOSE\r\n"));
        assert!(!kept("1.0", ""));
        assert!(kept("1.0", "connection: Keep-Alive\r\n"));
        let old = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(!head(old).keep_alive);
    }

    #[test]
    fn faulty_heads_are_refused() {
        assert_eq!(refusal("HTTP/2.0 200 OK\r\n\r\n"), "not HTTP/1.0 or HTTP/1.1");
        assert_eq!(refusal("SSH-2.0-OpenSSH\r\n"), "not HTTP/1.0 or HTTP/1.1");
        assert_eq!(refusal("HTTP/1.1 20 OK\r\n\r\n"), "malformed status");
        assert_eq!(refusal("HTTP/1.1 099 X\r\n\r\n"), "status below 100");
        assert_eq!(refusal("HTTP/1.1 200 OK\r\na b: c\r\n\r\n"), "malformed header name");
        assert_eq!(refusal("HTTP/1.1 200 OK\r\na: \0\r\n\r\n"), "malformed header value");
        for value in ["", "+5", "-1", "5 5", "5,", "0x5", "18446744073709551616"] {
            let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {value}\r\n\r\n");
            assert_eq!(refusal(&text), "malformed Content-Length", "{value}");
        }
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
        assert_eq!(refusal(text), "contradicting Content-Length fields");
        for value in ["gzip, chunked", "chunked, chunked", "identity"] {
            let text = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {value}\r\n\r\n");
            assert_eq!(refusal(&text), "unknown Transfer-Encoding", "{value}");
        }
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(FIELD_LIMIT + 1));
        assert_eq!(refusal(&many), "more than 128 header fields");
    }

    #[test]
    fn fields_are_read_back() {
        let text = "HTTP/1.1 200 OK\r\nA:  one \r\nB: x:y\nEmpty:\r\n\r\n";
        let length = head(text).length;
        let fields: Vec<_> = fields(&text.as_bytes()[..length]).collect();
        assert_eq!(fields, [("A", &b"one"[..]), ("B", b"x:y"), ("Empty", b"")]);
    }

    /// Pieces of heads, good and bad.
    fn head_like() -> impl Strategy<Value = Vec<u8>> {
        let starts: Vec<&[u8]> = vec![
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.0 304 \r\n",
            b"HTTP/1.1 099 Low\r\n",
            b"HTTP/1.1 204\r\n",
            b"HTTP/1.1 200 O\tK\n",
            b"HTTP/1.1 200 \xe9\r\n",
            b"HTTP/1.3 200 OK\r\n",
            b"",
        ];
        let rest: Vec<&[u8]> = vec![
            b"Content-Length: 3\r\n",
            b"content-length:\t3 \r\n",
            b"Content-Length: 4\r\n",
            b"Content-Length: 3, 3\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: gzip\r\n",
            b"Connection: close, x\r\n",
            b"Connection: Keep-Alive\r\n",
            b"Set-Cookie: a=b\r\n",
            b"Content-Encoding: gzip\r\n",
            b"X: \x7f\r\n",
            b"X: \xff\xfe\r\n",
            b"X : y\r\n",
            b" folded\r\n",
            b"Empty:\n",
            b"\r",
            b"\n",
            b"\r\n",
            b"\r\n\r\n",
            b"{\"body\":1}",
            b"\0",
        ];
        let rest = prop::collection::vec(prop::sample::select(rest), 0..7);
        (prop::sample::select(starts), rest, any::<prop::sample::Index>(), any::<Option<u8>>())
            .prop_map(|(start, rest, at, other)| {
                let mut bytes = [start, &rest.concat()].concat();
                if let Some(other) = other.filter(|_| !bytes.is_empty()) {
                    let at = at.index(bytes.len());
                    bytes[at] = other;
                }
                bytes
            })
    }

    #[test]
    fn names_are_compared_whatever_their_case() {
        assert!(is(b"Content-Length", b"content-length"));
        assert!(!is(b"Content_Length", b"content-length"));
        assert!(!is(b"Content-Lengt", b"content-length"));
        for byte in (0..=u8::MAX).filter(|&byte| super::super::encode::is_token(&[byte])) {
            let same = byte.eq_ignore_ascii_case(&b'-') || byte.eq_ignore_ascii_case(&b's');
            assert_eq!(is(&[byte], b"-") || is(&[byte], b"s"), same, "{byte:#x}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// The quick way and the thorough one agree on whatever the quick one takes.
        #[test]
        fn a_usual_head_is_read_as_any_other(bytes in head_like()) {
            let mut quickly = Facts::default();
            if let Some(line) = usual::read(&bytes, |name, value| quickly.read(name, value).ok()) {
                let mut facts = Facts::default();
                prop_assert_eq!(read(&bytes, &mut facts), Ok(Some(line)));
                prop_assert_eq!(facts, quickly);
            }
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes, false);
            let mut prefixed = b"HTTP/1.1 200 OK\r\n".to_vec();
            prefixed.extend_from_slice(&bytes);
            let _ = parse(&prefixed, false);
        }

        #[test]
        fn a_cut_head_is_incomplete_never_wrong(cut in 0usize..70) {
            let text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Some: thing\r\nSet-Cookie: a=b\r\n\r\n";
            prop_assert_eq!(parse(&text.as_bytes()[..cut.min(text.len() - 1)], false), Ok(None));
        }
    }
}
