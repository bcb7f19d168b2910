//! HTTP/2 over connections that users share, many requests at once, by the `h2` library. What a user has for itself is
//! spoken by [`http2`](super::http2).
//!
//! A request is rendered as for HTTP/1.1 and taken apart again, and an answer is put into the form of an HTTP/1.1 one:
//! so cookies, redirects, encodings and what a workload sees are the same code for both. That costs some copies of
//! small buffers, which HTTP/2 has plenty of anyway.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use h2::{Reason, RecvStream};
use http::uri::{self, Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;

use super::buffer::Buf;
use super::conn::Stream;
use super::error::{Error, ErrorKind};
use super::head::{self, Head};
use super::http2::{CONNECTION_WINDOW, STREAM_WINDOW};
use super::origin::Origin;
use super::timings::Timings;
use super::wire::{Field, Line, belongs_to_connection, malformed};
use crate::clock;

/// Largest head accepted, as in HTTP/1.1.
const HEAD_LIMIT: u32 = 64 * 1024;
/// Names the trace of a request (W3C Trace Context).
pub(crate) const TRACEPARENT: &str = "traceparent";
/// What ALPN calls HTTP/2.
pub(super) const ALPN: &[u8] = b"h2";

/// Whether HTTP/2 is spoken, and who shares a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http2 {
    /// HTTP/1.1 only.
    #[default]
    Off,
    /// Each user has connections of its own, as each browser has. Over TLS the server decides (ALPN); without TLS it is
    /// taken for granted that it speaks HTTP/2.
    Own,
    /// As `Own`, but the users of a driver thread share connections, as calls between services do.
    Shared,
}

impl Http2 {
    /// The one with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "off" => Some(Self::Off),
            "own" => Some(Self::Own),
            "shared" => Some(Self::Shared),
            _ => None,
        }
    }
}

/// A connection over which any number of requests go at once. Clones are the same connection.
#[derive(Clone, Debug)]
pub(super) struct Multiplexed {
    pub(super) origin: Rc<Origin>,
    sender: SendRequest<Bytes>,
    inner: Rc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Requests that wait for their answers.
    open: Cell<usize>,
    /// It takes no request any more.
    closed: Rc<Cell<bool>>,
    /// The server has said something in HTTP/2.
    spoken: Cell<bool>,
    driver: JoinHandle<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// One request under way.
struct Open<'c>(&'c Cell<usize>);

impl<'c> Open<'c> {
    fn begin(count: &'c Cell<usize>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Multiplexed {
    /// Begins to speak HTTP/2 over a fresh connection. Needs a `LocalSet` around it.
    pub(super) async fn begin(origin: Rc<Origin>, stream: Stream) -> Result<Self, Error> {
        match stream {
            Stream::Plain(stream) => Self::over(origin, stream).await,
            Stream::Tls(stream) => Self::over(origin, *stream).await,
        }
    }

    async fn over<S>(origin: Rc<Origin>, stream: S) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let (sender, connection) = Builder::new()
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEAD_LIMIT)
            .handshake(stream)
            .await
            .map_err(|error| failed(&error))?;
        let closed = Rc::new(Cell::new(false));
        let gone = Rc::clone(&closed);
        let driver = tokio::task::spawn_local(async move {
            // Requests that were under way learn what became of it by themselves.
            let _ = connection.await;
            gone.set(true);
        });
        let (open, spoken) = (Cell::new(0), Cell::new(false));
        let inner = Rc::new(Inner { open, closed, spoken, driver });
        Ok(Self { origin, sender, inner })
    }

    /// Whether it takes another request at once.
    pub(super) fn has_room(&self) -> bool {
        !self.is_closed() && self.inner.open.get() < self.sender.current_max_send_streams()
    }

    /// Whether both are the same connection.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.inner, &other.inner)
    }

    /// Whether it takes no request any more.
    pub(super) fn is_closed(&self) -> bool {
        self.inner.closed.get()
    }

    /// Sends a request, `wire` being its form in HTTP/1.1, and waits for the whole answer.
    ///
    /// # Errors
    /// What went wrong, and what is known to be left of the request and the connection.
    pub(super) async fn exchange(
        &self,
        wire: &[u8],
        answers_head: bool,
        body_limit: usize,
        timings: &mut Timings,
    ) -> Result<(Head, Buf), (Error, Left)> {
        let _open = Open::begin(&self.inner.open);
        let (request, body) =
            request_of(wire, &self.origin).map_err(|error| (error, Left::Nothing))?;
        let mut sender =
            self.sender.clone().ready().await.map_err(|e| (self.failed(&e), Left::Request))?;
        let sent = sender.send_request(request, body.is_empty());
        let (answer, mut stream) = sent.map_err(|e| (self.failed(&e), Left::Request))?;
        timings.bytes_sent += wire.len() as u64;
        if !body.is_empty() {
            // What the server does not take yet waits within the library.
            stream.send_data(body, true).map_err(|e| (self.failed(&e), Left::after(&e)))?;
        }
        let answer = answer.await.map_err(|e| (self.failed(&e), Left::after(&e)))?;
        self.inner.spoken.set(true);
        let elapsed = |timings: &Timings| clock::now().saturating_duration_since(timings.started);
        timings.total = elapsed(timings);
        timings.first_byte = Some(timings.total);
        let (parts, body) = answer.into_parts();
        let seen = |error| (error, Left::Nothing);
        let mut buf = head_of(parts.status, &parts.headers);
        let head = head::parse(&buf, answers_head).map_err(seen)?;
        let head = head.ok_or_else(|| seen(Error::protocol("an answer without a head")))?;
        read_body(body, &mut buf, head.length, body_limit).await.map_err(seen)?;
        timings.total = elapsed(timings);
        timings.bytes_received += buf.len() as u64;
        Ok((head, buf))
    }

    /// As [`failed`]; a server of which nothing was ever heard may not know HTTP/2.
    fn failed(&self, error: &h2::Error) -> Error {
        let spoken = self.inner.spoken.get() || error.is_remote();
        self.inner.spoken.set(spoken);
        let error = failed(error);
        if spoken || self.origin.secure {
            return error;
        }
        let text = "no answer in HTTP/2, which --http2 takes for granted without TLS";
        Error::new(error.kind(), format!("{text}: {error}"))
    }
}

/// Appends the body to `buf`, which holds `head` bytes already.
async fn read_body(
    mut body: RecvStream,
    buf: &mut Buf,
    head: usize,
    limit: usize,
) -> Result<(), Error> {
    while let Some(chunk) = poll_fn(|cx| body.poll_data(cx)).await {
        let chunk = chunk.map_err(|error| failed(&error))?;
        if buf.len() - head + chunk.len() > limit {
            return Err(Error::new(ErrorKind::TooLarge, "an answer larger than the limit"));
        }
        buf.extend_from_slice(&chunk);
        // An error only means that the stream is over, which the next look tells.
        let _ = body.flow_control().release_capacity(chunk.len());
    }
    Ok(())
}

/// The request and its body, out of their form in HTTP/1.1, of which one copy is made for all parts.
fn request_of(wire: &[u8], origin: &Origin) -> Result<(Request<()>, Bytes), Error> {
    let wire = Bytes::copy_from_slice(wire);
    let Line { method, target, rest: mut lines } = Line::first(&wire).ok_or_else(malformed)?;
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method).map_err(|_| malformed())?;
    let mut authority = origin.authority.as_bytes();
    while !lines.starts_with(b"\r\n") {
        let Field { text, name, value } = Field::first(lines).ok_or_else(malformed)?;
        lines = &lines[text.len()..];
        if name.eq_ignore_ascii_case(b"host") {
            authority = value;
        } else if !belongs_to_connection(name) {
            let name = HeaderName::from_bytes(name).map_err(|_| malformed())?;
            let value = HeaderValue::from_maybe_shared(wire.slice_ref(value));
            let mut value = value.map_err(|_| malformed())?;
            // Never twice the same: in the table of what was said before it would only drive out what is.
            value.set_sensitive(name == TRACEPARENT);
            request.headers_mut().append(name, value);
        }
    }
    *request.uri_mut() = uri(origin.secure, wire.slice_ref(target), authority)
        .map_err(|_| Error::invalid("a target that HTTP/2 cannot carry"))?;
    Ok((request, wire.slice_ref(&lines[2..])))
}

fn uri(secure: bool, target: Bytes, authority: &[u8]) -> Result<Uri, http::Error> {
    let mut parts = uri::Parts::default();
    parts.scheme = Some(if secure { Scheme::HTTPS } else { Scheme::HTTP });
    parts.authority = Some(Authority::try_from(authority)?);
    parts.path_and_query = Some(PathAndQuery::from_maybe_shared(target)?);
    Ok(Uri::from_parts(parts)?)
}

/// The head of an answer as HTTP/1.1 writes it.
fn head_of(status: StatusCode, headers: &HeaderMap) -> Buf {
    let mut buf = Buf::large();
    buf.extend_from_slice(b"HTTP/1.1 ");
    buf.extend_from_slice(status.as_str().as_bytes());
    buf.push(b' ');
    buf.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    buf.extend_from_slice(b"\r\n");
    for (name, value) in
        headers.iter().filter(|(name, _)| !belongs_to_connection(name.as_str().as_bytes()))
    {
        buf.extend_from_slice(name.as_str().as_bytes());
        buf.extend_from_slice(b": ");
        buf.extend_from_slice(value.as_bytes());
        buf.extend_from_slice(b"\r\n");
    }
    buf.extend_from_slice(b"\r\n");
    buf
}

/// What a failed exchange leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// The server has not looked at the request, and takes others over this connection.
    Both,
    /// The server has not looked at the request; the connection is no good.
    Request,
    /// Nobody knows what the server did.
    Nothing,
}

impl Left {
    /// What the server says of it (RFC 9113, sections 6.8 and 8.7).
    fn after(error: &h2::Error) -> Self {
        match error.reason() {
            Some(Reason::REFUSED_STREAM) => Self::Both,
            Some(Reason::NO_ERROR) if error.is_go_away() && error.is_remote() => Self::Request,
            _ => Self::Nothing,
        }
    }
}

/// The library's texts name streams and bytes; equal failures must have equal texts.
fn failed(error: &h2::Error) -> Error {
    if let Some(io) = error.get_io() {
        return match io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(_) => super::tls::error(ErrorKind::Tls, io),
            None => Error::os(ErrorKind::Closed, io),
        };
    }
    let Some(reason) = error.reason() else {
        return Error::closed("HTTP/2 connection closed before the answer was complete");
    };
    let whom = if error.is_remote() { "server" } else { "client" };
    let what = if error.is_reset() { "request" } else { "connection" };
    let kind = if error.is_remote() { ErrorKind::Closed } else { ErrorKind::Protocol };
    Error::new(kind, format!("HTTP/2: {whom} gave up the {what}: {}", reason.description()))
}

/// The protocols that a client offers in its TLS handshake, the preferred one first.
pub(super) fn protocols(http2: Http2) -> Vec<Vec<u8>> {
    let both = http2 != Http2::Off;
    both.then(|| ALPN.to_vec()).into_iter().chain([b"http/1.1".to_vec()]).collect()
}

/// Whether this connection speaks HTTP/2.
pub(super) fn is_spoken(http2: Http2, stream: &Stream) -> bool {
    match stream {
        Stream::Plain(_) => http2 != Http2::Off,
        Stream::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(ALPN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Config, origin};

    #[test]
    fn what_is_never_said_twice_stays_out_of_the_table() {
        let url = origin::parse_url("http://127.0.0.1:1/").unwrap();
        let origin = Origin::new(&Config::default(), &url).unwrap();
        let wire = b"GET / HTTP/1.1\r\nHost: a\r\nAccept: b\r\nTraceparent: 00-1-2-01\r\n\r\n";
        let (request, _) = request_of(wire, &origin).unwrap();
        let kept = |name| !request.headers()[name].is_sensitive();
        assert_eq!((kept("accept"), kept("traceparent")), (true, false));
    }
}
