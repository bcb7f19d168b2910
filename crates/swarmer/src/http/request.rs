//! Building requests, straight into a pooled buffer.

use std::fmt::{self, Display, Write as _};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::buffer::Buf;
use super::encode::{self, Escaped};
use super::error::Error;

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Method(&'static str);

impl Method {
    /// `GET`
    pub const GET: Self = Self("GET");
    /// `HEAD`
    pub const HEAD: Self = Self("HEAD");
    /// `POST`
    pub const POST: Self = Self("POST");
    /// `PUT`
    pub const PUT: Self = Self("PUT");
    /// `PATCH`
    pub const PATCH: Self = Self("PATCH");
    /// `DELETE`
    pub const DELETE: Self = Self("DELETE");
    /// `OPTIONS`
    pub const OPTIONS: Self = Self("OPTIONS");
    /// `TRACE`
    pub const TRACE: Self = Self("TRACE");

    /// Any method by name, case and all. A name that cannot be a method makes the request fail as invalid.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name as it stands in the request.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether doing it twice has the effect of doing it once (RFC 9110, section 9.2.2).
    pub fn is_idempotent(self) -> bool {
        matches!(self.0, "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS" | "TRACE")
    }

    /// Whether a request of this method states a length even without a body (RFC 9110, section 8.6).
    pub(super) fn expects_body(self) -> bool {
        matches!(self.0, "POST" | "PUT" | "PATCH")
    }
}

impl Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Header fields that the client must know about, one bit each.
pub(super) mod own {
    pub(in super::super) const HOST: u8 = 1;
    pub(in super::super) const USER_AGENT: u8 = 2;
    pub(in super::super) const ACCEPT_ENCODING: u8 = 4;
    pub(in super::super) const AUTHORIZATION: u8 = 8;
    pub(in super::super) const CONTENT_TYPE: u8 = 16;
    pub(in super::super) const COOKIE: u8 = 32;
    /// The fields the prelude would bring.
    pub(in super::super) const PRELUDE: u8 = HOST | USER_AGENT | ACCEPT_ENCODING;
}

/// A request to be sent by a [`Client`](super::Client).
///
/// Mistakes while building (a line break in a header, an unserialisable body) are kept and come out of
/// [`Client::send`](super::Client::send) as an error of kind [`Invalid`](super::ErrorKind::Invalid); nothing is sent then.
#[derive(Debug)]
pub struct Request {
    pub(super) method: Method,
    /// Target, header lines and body, one after the other.
    pub(super) buf: Buf,
    pub(super) target_end: usize,
    pub(super) head_end: usize,
    /// Which of the [`own`] fields the request sets itself.
    pub(super) own: u8,
    pub(super) has_body: bool,
    pub(super) follow_redirects: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) started: Option<Instant>,
    pub(super) error: Option<Box<Error>>,
}

impl Request {
    /// A request for `target`: a path with or without query, appended to the client's base URL, or an absolute URL.
    ///
    /// Blanks, quotes and non-ASCII letters are percent-encoded; what is percent-encoded already stays so.
    pub fn new(method: Method, target: &str) -> Self {
        let mut buf = Buf::small();
        let target_is_fine = encode::push_target(&mut buf, target);
        let end = buf.len();
        let mut request = Self {
            method,
            buf,
            target_end: end,
            head_end: end,
            own: 0,
            has_body: false,
            follow_redirects: true,
            timeout: None,
            started: None,
            error: None,
        };
        if !target_is_fine {
            request.fail(Error::invalid("control character in the URL"));
        }
        if !encode::is_token(method.0.as_bytes()) {
            request.fail(Error::invalid("malformed method"));
        }
        request
    }

    /// `GET target`
    pub fn get(target: &str) -> Self {
        Self::new(Method::GET, target)
    }

    /// `HEAD target`; its redirects are not followed.
    pub fn head(target: &str) -> Self {
        Self::new(Method::HEAD, target)
    }

    /// `POST target`
    pub fn post(target: &str) -> Self {
        Self::new(Method::POST, target)
    }

    /// `PUT target`
    pub fn put(target: &str) -> Self {
        Self::new(Method::PUT, target)
    }

    /// `PATCH target`
    pub fn patch(target: &str) -> Self {
        Self::new(Method::PATCH, target)
    }

    /// `DELETE target`
    pub fn delete(target: &str) -> Self {
        Self::new(Method::DELETE, target)
    }

    /// Appends `name=value` to the query, both percent-encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        let separator = if self.buf[..self.target_end].contains(&b'?') { b'&' } else { b'?' };
        let from = self.buf.len();
        self.buf.push(separator);
        self.push_pair(name, &value, false);
        let length = self.buf.len() - from;
        self.buf[self.target_end..].rotate_right(length);
        self.target_end += length;
        self.head_end += length;
        self
    }

    /// Adds a header field. Fields given twice are sent twice, save those of which there can be one only
    /// (`Host`, `User-Agent`, `Accept-Encoding`, `Authorization`, `Content-Type`, `Cookie`): there the last one counts.
    ///
    /// `Content-Length` and `Transfer-Encoding` are the client's own business and make the request invalid.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.set_header(name, &[value.as_ref()]);
        self
    }

    /// `Authorization: Bearer token`
    #[must_use]
    pub fn bearer(mut self, token: &str) -> Self {
        self.set_header("Authorization", &[b"Bearer ", token.as_bytes()]);
        self
    }

    /// `value` as JSON for body.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        self.begin_body("application/json");
        if let Err(error) = serde_json::to_writer(&mut *self.buf, value) {
            self.fail(Error::invalid(format!("body cannot be written as JSON: {error}")));
        }
        self
    }

    /// Name-value pairs for body, encoded as HTML forms are.
    #[must_use]
    pub fn form<N: AsRef<str>, V: Display>(
        mut self,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.begin_body("application/x-www-form-urlencoded");
        for (name, value) in pairs {
            if self.buf.len() > self.head_end {
                self.buf.push(b'&');
            }
            self.push_pair(name.as_ref(), &value, true);
        }
        self
    }

    /// Bytes for body.
    #[must_use]
    pub fn body(mut self, bytes: impl AsRef<[u8]>, content_type: &str) -> Self {
        self.begin_body(content_type);
        self.buf.extend_from_slice(bytes.as_ref());
        self
    }

    /// A time limit of its own instead of [`Config::request_timeout`](super::Config::request_timeout).
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Whether redirects are followed (default: yes, except for HEAD).
    #[must_use]
    pub fn follow_redirects(mut self, follow: bool) -> Self {
        self.follow_redirects = follow;
        self
    }

    /// Lets time run from `due`, the moment the request ought to have started, instead of from the call to `send`.
    /// Time limits still count from the call.
    #[must_use]
    pub fn started(mut self, due: Instant) -> Self {
        self.started = Some(due);
        self
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Path and query, or the absolute URL, as they will be sent.
    pub fn target(&self) -> &str {
        str::from_utf8(self.target_bytes()).unwrap_or_default()
    }

    pub(super) fn target_bytes(&self) -> &[u8] {
        &self.buf[..self.target_end]
    }

    pub(super) fn header_lines(&self) -> &[u8] {
        &self.buf[self.target_end..self.head_end]
    }

    pub(super) fn body_bytes(&self) -> &[u8] {
        &self.buf[self.head_end..]
    }

    pub(super) fn set_header(&mut self, name: &str, value: &[&[u8]]) {
        if !encode::is_token(name.as_bytes()) {
            return self.fail(Error::invalid("malformed header name"));
        }
        if !value.iter().all(|part| encode::is_field_value(part)) {
            return self.fail(Error::invalid(format!("control character in the header `{name}`")));
        }
        let single = match single(name) {
            Ok(single) => single,
            Err(error) => return self.fail(error),
        };
        if self.own & single != 0 {
            self.remove_header(name);
        }
        self.own |= single;
        self.push_header(name, value);
    }

    /// Adds a header field of which is known that it is well formed, and may be given twice.
    pub(crate) fn push_header(&mut self, name: &str, value: &[&[u8]]) {
        let from = self.buf.len();
        self.buf.extend_from_slice(name.as_bytes());
        self.buf.extend_from_slice(b": ");
        for part in value {
            self.buf.extend_from_slice(part);
        }
        self.buf.extend_from_slice(b"\r\n");
        let length = self.buf.len() - from;
        if from > self.head_end {
            self.buf[self.head_end..].rotate_right(length);
        }
        self.head_end += length;
    }

    /// Takes every field of this name out.
    pub(super) fn remove_header(&mut self, name: &str) {
        let mut at = self.target_end;
        while at < self.head_end {
            let line = self.buf[at..self.head_end].iter().position(|&byte| byte == b'\n');
            let end = line.map_or(self.head_end, |length| at + length + 1);
            let field = &self.buf[at..end];
            let matches = field.get(name.len()) == Some(&b':')
                && field[..name.len()].eq_ignore_ascii_case(name.as_bytes());
            if matches {
                self.buf.drain(at..end);
                self.head_end -= end - at;
            } else {
                at = end;
            }
        }
        self.own &= !single(name).unwrap_or(0);
    }

    /// Takes the body out, with the fields that describe it.
    pub(super) fn remove_body(&mut self) {
        self.buf.truncate(self.head_end);
        self.has_body = false;
        for name in ["Content-Type", "Content-Encoding", "Content-Language", "Content-Location"] {
            self.remove_header(name);
        }
    }

    /// Puts another target in place of the present one.
    pub(super) fn set_target(&mut self, target: &str) {
        let before = self.target_end;
        self.buf.splice(..before, target.bytes());
        self.target_end = target.len();
        self.head_end = self.head_end - before + target.len();
    }

    fn begin_body(&mut self, content_type: &str) {
        self.buf.truncate(self.head_end);
        // A type set by hand is meant for the body to come; that of an earlier body goes with it.
        let replaces_body = std::mem::replace(&mut self.has_body, true);
        if replaces_body || self.own & own::CONTENT_TYPE == 0 {
            self.set_header("Content-Type", &[content_type.as_bytes()]);
        }
    }

    fn push_pair(&mut self, name: &str, value: &impl Display, form: bool) {
        let mut out = Escaped { out: &mut self.buf, form };
        let written = out.write_str(name).and_then(|()| {
            out.out.push(b'=');
            write!(out, "{value}")
        });
        if written.is_err() {
            self.fail(Error::invalid("a value of the query or form cannot be displayed"));
        }
    }

    fn fail(&mut self, error: Error) {
        self.error.get_or_insert_with(|| Box::new(error));
    }
}

/// The bit of a field of which there can be one only; 0 for others.
fn single(name: &str) -> Result<u8, Error> {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    Ok(match name.len() {
        4 if is("Host") => own::HOST,
        6 if is("Cookie") => own::COOKIE,
        10 if is("User-Agent") => own::USER_AGENT,
        12 if is("Content-Type") => own::CONTENT_TYPE,
        13 if is("Authorization") => own::AUTHORIZATION,
        14 | 17 if is("Content-Length") || is("Transfer-Encoding") => {
            return Err(Error::invalid(format!("header `{name}` is set by the client alone")));
        }
        15 if is("Accept-Encoding") => own::ACCEPT_ENCODING,
        _ => 0,
    })
}
