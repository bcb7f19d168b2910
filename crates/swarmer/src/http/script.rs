//! Answers from a script instead of a server: whole workloads on virtual time, without a socket.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::error::{Error, ErrorKind};
use super::head;
use super::http2::Own;
use super::origin::Origin;
use super::protocol::Http2;
use super::reply::Reply;
use super::request::Method;

/// A request as a scripted server sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptedRequest {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// Header fields, name and value, in their order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl ScriptedRequest {
    pub(super) fn parse(method: Method, target: &str, wire: &[u8]) -> Self {
        let end =
            wire.windows(4).position(|four| four == b"\r\n\r\n").map_or(wire.len(), |at| at + 4);
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let headers =
            head::fields(&wire[..end]).map(|(name, value)| (name.to_owned(), text(value)));
        Self {
            method,
            target: target.to_owned(),
            headers: headers.collect(),
            body: wire[end..].to_vec(),
        }
    }

    /// The value of the first header field of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What a scripted server does with a request.
#[derive(Clone, Debug)]
pub struct ScriptedReply {
    delay: Duration,
    outcome: Result<Scripted, Error>,
}

#[derive(Clone, Debug)]
enum Scripted {
    Proper {
        status: u16,
        headers: String,
        body: Vec<u8>,
    },
    /// What the client reads, read by read, until the connection ends.
    Reads(Vec<Vec<u8>>),
}

impl ScriptedReply {
    /// An answer with this status and no body.
    pub fn new(status: u16) -> Self {
        let outcome = Ok(Scripted::Proper { status, headers: String::new(), body: Vec::new() });
        Self { delay: Duration::ZERO, outcome }
    }

    /// Whatever these bytes are, a piece for each time the client reads; then the connection is closed. The client stops
    /// reading where the answer ends. [`header`](Self::header) and [`body`](Self::body) add nothing to them. A client
    /// with [`Http2::Own`] reads them as HTTP/2 over a new connection.
    pub fn reads<P: Into<Vec<u8>>>(pieces: impl IntoIterator<Item = P>) -> Self {
        let pieces = pieces.into_iter().map(Into::into).collect();
        Self { delay: Duration::ZERO, outcome: Ok(Scripted::Reads(pieces)) }
    }

    /// A failure of this kind instead of an answer.
    pub fn error(kind: ErrorKind, text: &'static str) -> Self {
        Self { delay: Duration::ZERO, outcome: Err(Error::new(kind, text)) }
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Ok(Scripted::Proper { headers, .. }) = &mut self.outcome {
            headers.extend([name, ": ", value, "\r\n"]);
        }
        self
    }

    /// The body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        if let Ok(Scripted::Proper { body: own, .. }) = &mut self.outcome {
            *own = body.into();
        }
        self
    }

    /// What the answer takes.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    pub(super) fn delay(&self) -> Duration {
        self.delay
    }

    /// Lets `reply` take in this answer to the request `wire`, through the same parsers that read a server's; the bytes it
    /// came to.
    pub(super) fn play(
        self,
        http2: Http2,
        wire: &[u8],
        origin: &Origin,
        reply: &mut Reply,
    ) -> Result<usize, Error> {
        match self.outcome? {
            Scripted::Proper { status, headers, body } => {
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status} \r\n{headers}Content-Length: {length}\r\n\r\n");
                read_http1(&[[head.into_bytes(), body].concat()], reply)
            }
            Scripted::Reads(pieces) if http2 == Http2::Own => {
                let mut own = Own::new();
                own.begin(wire, origin)?;
                read_http2(&pieces, own, reply)
            }
            Scripted::Reads(pieces) => read_http1(&pieces, reply),
        }
    }
}

/// Shows the pieces to `hear` until it says that the answer is complete; the bytes they came to, and whether it is.
fn read(
    pieces: &[Vec<u8>],
    mut hear: impl FnMut(&[u8]) -> Result<bool, Error>,
) -> Result<(usize, bool), Error> {
    let mut read = 0;
    // A read that gives nothing would be the connection's end.
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        read += piece.len();
        if hear(piece)? {
            return Ok((read, true));
        }
    }
    Ok((read, false))
}

fn read_http1(pieces: &[Vec<u8>], reply: &mut Reply) -> Result<usize, Error> {
    let (read, is_complete) = read(pieces, |piece| {
        reply.room().extend_from_slice(piece);
        reply.received()
    })?;
    if is_complete { Ok(read) } else { reply.closed().map(|()| read) }
}

/// The same over a connection in HTTP/2 that takes all we write at once.
fn read_http2(pieces: &[Vec<u8>], mut own: Own, reply: &mut Reply) -> Result<usize, Error> {
    let (read, is_complete) = read(pieces, |piece| {
        own.wrote_all();
        own.room().extend_from_slice(piece);
        own.received(reply)
    })?;
    if is_complete { Ok(read) } else { Err(own.closed(reply)) }
}

/// What answers the requests of a scripted client.
#[derive(Clone)]
pub(super) struct Script(pub(super) Rc<dyn Fn(&ScriptedRequest) -> ScriptedReply>);

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}
