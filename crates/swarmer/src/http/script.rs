//! Answers from a script instead of a server: whole workloads on virtual time, without a socket.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::error::{Error, ErrorKind};
use super::head;
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
struct Scripted {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

impl ScriptedReply {
    /// An answer with this status and no body.
    pub fn new(status: u16) -> Self {
        let outcome = Ok(Scripted { status, headers: String::new(), body: Vec::new() });
        Self { delay: Duration::ZERO, outcome }
    }

    /// A failure of this kind instead of an answer.
    pub fn error(kind: ErrorKind, text: &'static str) -> Self {
        Self { delay: Duration::ZERO, outcome: Err(Error::new(kind, text)) }
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Ok(reply) = &mut self.outcome {
            reply.headers.extend([name, ": ", value, "\r\n"]);
        }
        self
    }

    /// The body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        if let Ok(reply) = &mut self.outcome {
            reply.body = body.into();
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

    /// Lets `reply` take in this answer, through the same parser that reads a server's; the bytes it came to.
    pub(super) fn play(self, reply: &mut Reply) -> Result<usize, Error> {
        let Scripted { status, headers, body } = self.outcome?;
        let head = format!("HTTP/1.1 {status} \r\n{headers}Content-Length: {}\r\n\r\n", body.len());
        let room = reply.room();
        room.extend_from_slice(head.as_bytes());
        room.extend_from_slice(&body);
        if !reply.received()? {
            return Err(Error::protocol("scripted answer is not complete"));
        }
        Ok(head.len() + body.len())
    }
}

/// What answers the requests of a scripted client.
#[derive(Clone)]
pub(super) struct Script(pub(super) Rc<dyn Fn(&ScriptedRequest) -> ScriptedReply>);

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}
