//! A user's client: which connection serves, when to retry, where redirects lead.

mod multiplexed;

use std::future::poll_fn;
use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustls::{ClientConfig, HandshakeKind};
use url::Url;

use super::buffer::Buf;
use super::conn::{Connection, Outgoing, Stream};
use super::connect::connect;
use super::cookies::Jar;
use super::decode::decode;
use super::error::{Error, ErrorKind};
use super::head::{self, Head};
use super::http2::Own;
use super::origin::{BaseUrl, Origin, parse_url};
use super::protocol::{self, Http2};
use super::redirect;
use super::render::render;
use super::reply::Reply;
use super::request::{Method, Request, own};
use super::response::Response;
#[cfg(any(test, feature = "testing"))]
use super::script::{Script, ScriptedReply, ScriptedRequest};
use super::shared::Shared;
use super::timer::Timer;
use super::timings::{ConnectTimings, Timings};
use crate::clock;

/// Idle connections a user keeps: one per origin it talks to, the oldest given up first.
const IDLE_KEPT: usize = 8;

/// The HTTP client of one user: its connections, cookies and TLS sessions are shared with nobody.
#[derive(Debug)]
pub struct Client {
    shared: Rc<Shared>,
    base: Option<BaseUrl>,
    /// A connection is in here only while no request uses it, so one that a dropped request leaves behind is
    /// closed and never serves again.
    idle: Vec<Connection>,
    timer: Timer,
    jar: Option<Box<Jar>>,
    tls: Option<Arc<ClientConfig>>,
    #[cfg(any(test, feature = "testing"))]
    script: Option<Script>,
}

/// What became of a request.
#[derive(Debug)]
pub struct Exchange {
    /// The answer, whatever its status, or why there is none.
    pub result: Result<Response, Error>,
    /// What it took.
    pub timings: Timings,
}

impl Client {
    /// A client whose requests' paths are appended to `base`; without one, only absolute URLs can be requested.
    pub fn new(shared: &Rc<Shared>, base: Option<&BaseUrl>) -> Self {
        Self {
            shared: Rc::clone(shared),
            base: base.cloned(),
            idle: Vec::new(),
            timer: Timer::default(),
            jar: None,
            tls: None,
            #[cfg(any(test, feature = "testing"))]
            script: None,
        }
    }

    /// A client that opens no connection: `script` answers, and delays are tokio's, so that a paused clock runs
    /// them at once. Redirects, cookies, encodings and time limits work as ever.
    #[cfg(any(test, feature = "testing"))]
    pub fn scripted(
        shared: &Rc<Shared>,
        base: Option<&BaseUrl>,
        script: Rc<dyn Fn(&ScriptedRequest) -> ScriptedReply>,
    ) -> Self {
        Self { script: Some(Script(script)), ..Self::new(shared, base) }
    }

    /// Answers what servers say while no request is in hand, now and when `cx` is woken; closes connections that are over.
    /// In HTTP/1.1 there is nothing to answer.
    pub(crate) fn poll_idle(&mut self, cx: &mut Context<'_>) {
        self.idle.retain_mut(|connection| connection.poll_idle(cx));
    }

    /// Closes the connections that no request uses, for users who wait long, and lets go of what else a request needs.
    pub fn close_idle(&mut self) {
        self.idle = Vec::new();
        self.timer = Timer::default();
    }

    /// Forgets cookies, connections and TLS sessions, as a newly arrived user has none.
    pub fn forget(&mut self) {
        self.close_idle();
        self.jar = None;
        self.tls = None;
    }

    /// Sends `request` and waits for the whole answer.
    ///
    /// A connection that the server closed while it was idle is replaced without a word. If that is found out only
    /// after the request was written, it is sent once more over a fresh connection, provided that the server cannot
    /// have acted on it twice: nothing was written, or no byte came back and the method is idempotent.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection it used, if any (the server may have seen the request). The
    /// client stays usable.
    pub async fn send(&mut self, mut request: Request) -> Exchange {
        self.exchange(&mut request).await
    }

    /// The same for a request that stays where it is, to be sent once.
    pub(crate) async fn exchange(&mut self, request: &mut Request) -> Exchange {
        let mut run = Run::starting(request, self.shared.config.request_timeout);
        let outcome = self.follow(request, &mut run).await;
        let mut timings = run.timings;
        let result = outcome.and_then(|answer| {
            let Answer { origin, head, raw } = answer;
            let decoded = if head.encoded { self.decoded(&head, &raw)? } else { None };
            Ok(Response::new(&head, raw, decoded, origin, request))
        });
        if result.is_err() {
            timings.total = clock::now().saturating_duration_since(timings.started);
        }
        Exchange { result, timings }
    }

    /// Sends the request and those it is redirected to.
    async fn follow(&mut self, request: &mut Request, run: &mut Run) -> Result<Answer, Error> {
        if let Some(error) = request.error.take() {
            return Err(*error);
        }
        let mut origin = self.locate(request)?;
        loop {
            let (head, raw) = if self.goes_another_way() {
                Box::pin(self.attempt_another_way(&origin, request, run)).await?
            } else {
                self.attempt(&origin, request, run).await?
            };
            if let Some(tap) = &self.shared.tap {
                let decoded =
                    if head.encoded { self.decoded(&head, &raw).ok().flatten() } else { None };
                let body = decoded.as_deref().map_or(&raw[head.length..], Vec::as_slice);
                tap.answered(&raw[..head.length], body, &run.timings);
            }
            let redirects = (300..400).contains(&head.status);
            if !redirects && !head.cookies {
                return Ok(Answer { origin, head, raw });
            }
            let url = url_of(&origin, request)?;
            let fields = &raw[..head.length];
            if head.cookies {
                self.jar.get_or_insert_default().learn(fields, &url);
            }
            match redirect::follow(&self.shared, request, &origin, head.status, fields, &url)? {
                Some(next) => origin = next,
                None => return Ok(Answer { origin, head, raw }),
            }
            let most = self.shared.config.max_redirects;
            if run.timings.redirects >= most {
                let text = format!("more than {most} redirects");
                return Err(Error::new(ErrorKind::TooManyRedirects, text));
            }
            run.timings.redirects += 1;
        }
    }

    /// Finds the origin of a request and leaves path and query as its target.
    fn locate(&self, request: &mut Request) -> Result<Rc<Origin>, Error> {
        if is_absolute(request.target_bytes()) {
            let url = parse_url(request.target())?;
            let origin = self.shared.origin(&url)?;
            redirect::set_target(request, &url);
            return Ok(origin);
        }
        let Some(BaseUrl(base)) = &self.base else {
            return Err(Error::invalid("a path without a base URL to append it to"));
        };
        let slash = if request.target_bytes().starts_with(b"/") { "" } else { "/" };
        if !base.prefix.is_empty() || !slash.is_empty() {
            let whole = format!("{}{slash}{}", base.prefix, request.target());
            request.set_target(&whole);
        }
        if let Some(value) = &base.authorization
            && request.own & own::AUTHORIZATION == 0
        {
            request.set_header("Authorization", &[value.as_bytes()]);
        }
        Ok(Rc::clone(&base.origin))
    }

    /// Whether requests go another way than most: every user keeps what is awaited, so this way is boxed.
    fn goes_another_way(&self) -> bool {
        #[cfg(any(test, feature = "testing"))]
        if self.script.is_some() {
            return true;
        }
        self.shared.config.http2 == Http2::Shared
    }

    /// One request, one answer, by that way.
    async fn attempt_another_way(
        &mut self,
        origin: &Rc<Origin>,
        request: &Request,
        run: &mut Run,
    ) -> Result<(Head, Buf), Error> {
        #[cfg(any(test, feature = "testing"))]
        if let Some(script) = self.script.clone() {
            return self.play(script, origin, request, run).await;
        }
        self.attempt_multiplexed(origin, request, run).await
    }

    /// One request, one answer, over a kept connection or a new one that serves one request at a time.
    async fn attempt(
        &mut self,
        origin: &Rc<Origin>,
        request: &Request,
        run: &mut Run,
    ) -> Result<(Head, Buf), Error> {
        let mut may_reuse = run.fresh.is_none();
        loop {
            let mut connection = match self.at_hand(origin, run, mem::take(&mut may_reuse)) {
                Some(connection) => connection,
                None => Box::pin(self.open(origin, run)).await?,
            };
            let wire = self.render(request, origin)?;
            connection.begin(&wire)?;
            let mut outgoing = Outgoing::new(wire);
            let mut reply = self.new_reply(request);
            run.timings.first_byte = None;
            let timings = &mut run.timings;
            let outcome = poll_fn(|cx| {
                if let Poll::Ready(outcome) =
                    connection.poll_exchange(cx, &mut outgoing, &mut reply, timings)
                {
                    return Poll::Ready(Some(outcome));
                }
                if self.timer.poll_passed(cx, run.deadline) {
                    return Poll::Ready(None);
                }
                Poll::Pending
            })
            .await;
            match outcome {
                Some(Ok(())) => {
                    if reply.leaves_connection_usable() && outgoing.is_sent() {
                        self.put_idle(connection);
                    }
                    return finished(reply);
                }
                Some(Err(error)) => {
                    let unseen = outgoing.is_untouched()
                        || reply.is_untouched() && request.method.is_idempotent();
                    if !(run.timings.reused && unseen && error.kind() == ErrorKind::Closed) {
                        self.show_rest(&reply);
                        if connection.outlives_failure() {
                            self.put_idle(connection);
                        }
                        return Err(error);
                    }
                }
                None => {
                    self.show_rest(&reply);
                    let sent =
                        if outgoing.is_sent() { reply.missing() } else { "request not sent" };
                    if connection.cancel() {
                        self.put_idle(connection);
                    }
                    return Err(Error::timeout(ErrorKind::Timeout, sent, run.limit));
                }
            }
        }
    }

    /// A connection that need not be opened: an idle one, if it may be one, or one that was opened for this request.
    fn at_hand(
        &mut self,
        origin: &Rc<Origin>,
        run: &mut Run,
        may_reuse: bool,
    ) -> Option<Connection> {
        let kept = if may_reuse { self.take_idle(origin) } else { None };
        run.timings.reused = kept.is_some();
        kept.or_else(|| run.fresh.take())
    }

    /// The newest idle connection to `origin` that is still good.
    fn take_idle(&mut self, origin: &Rc<Origin>) -> Option<Connection> {
        while let Some(at) = self.idle.iter().rposition(|idle| Rc::ptr_eq(&idle.origin, origin)) {
            let mut connection = self.idle.remove(at);
            if connection.is_alive() {
                self.shared.count(|counters| counters.reused += 1);
                return Some(connection);
            }
        }
        None
    }

    fn put_idle(&mut self, connection: Connection) {
        if self.idle.len() >= IDLE_KEPT {
            self.idle.remove(0);
        } else if self.idle.capacity() == 0 {
            // Most users talk to one origin; the room for four that a list begins with would stay empty.
            self.idle.reserve_exact(1);
        }
        self.idle.push(connection);
    }

    async fn open(&mut self, origin: &Rc<Origin>, run: &mut Run) -> Result<Connection, Error> {
        let tls = if origin.secure { Some(self.own_tls()?) } else { None };
        let limit = self.shared.config.connect_timeout;
        let now = clock::now();
        let until = now.checked_add(limit).map_or(run.deadline, |until| until.min(run.deadline));
        let opened = tokio::time::timeout_at(until.into(), connect(origin, tls)).await;
        let (stream, timings) = opened.unwrap_or_else(|_| {
            Err(if until < run.deadline {
                Error::timeout(ErrorKind::ConnectTimeout, "no connection", limit)
            } else {
                Error::timeout(ErrorKind::Timeout, "no connection", run.limit)
            })
        })?;
        run.timings.connect.get_or_insert_with(ConnectTimings::default).add(&timings);
        self.shared.count(|counters| {
            counters.opened += 1;
            if let Stream::Tls(stream) = &stream {
                counters.handshakes += 1;
                let kind = stream.get_ref().1.handshake_kind();
                counters.resumed += u64::from(kind == Some(HandshakeKind::Resumed));
            }
        });
        let is_own =
            self.shared.config.http2 == Http2::Own && protocol::is_http2(Http2::Own, &stream);
        let http2 = is_own.then(|| Box::new(Own::new()));
        Ok(Connection { origin: Rc::clone(origin), stream, http2 })
    }

    fn own_tls(&mut self) -> Result<Arc<ClientConfig>, Error> {
        if self.tls.is_none() {
            self.tls = Some(self.shared.tls_for_one_user()?);
        }
        self.tls.clone().ok_or_else(|| Error::new(ErrorKind::Tls, "no TLS settings"))
    }

    fn render(&self, request: &Request, origin: &Origin) -> Result<Buf, Error> {
        let cookies = match &self.jar {
            Some(jar) if request.own & own::COOKIE == 0 => jar.header(&url_of(origin, request)?),
            _ => None,
        };
        let wire = render(request, origin, cookies.as_deref());
        if let Some(tap) = &self.shared.tap {
            tap.sent(&origin.url(), &wire);
        }
        Ok(wire)
    }

    /// Shows what has come of an answer that failed.
    #[cold]
    fn show_rest(&self, reply: &Reply) {
        if let Some(tap) = self.shared.tap.as_ref().filter(|_| !reply.is_untouched()) {
            tap.broke_off(reply.so_far());
        }
    }

    fn new_reply(&self, request: &Request) -> Reply {
        Reply::new(request.method == Method::HEAD, self.shared.config.max_response_body)
    }

    fn decoded(&self, head: &Head, raw: &Buf) -> Result<Option<Buf>, Error> {
        let (fields, body) = raw.split_at(head.length);
        let encodings = head::fields(fields)
            .filter(|(name, _)| name.eq_ignore_ascii_case("content-encoding"))
            .map(|(_, value)| value);
        decode(encodings, body, self.shared.config.max_response_body)
    }

    #[cfg(any(test, feature = "testing"))]
    async fn play(
        &mut self,
        script: Script,
        origin: &Rc<Origin>,
        request: &Request,
        run: &mut Run,
    ) -> Result<(Head, Buf), Error> {
        let wire = self.render(request, origin)?;
        let scripted = (script.0)(&ScriptedRequest::parse(request.method, request.target(), &wire));
        run.timings.bytes_sent += wire.len() as u64;
        let delay = tokio::time::sleep(scripted.delay());
        if tokio::time::timeout_at(run.deadline.into(), delay).await.is_err() {
            return Err(Error::timeout(ErrorKind::Timeout, "no answer", run.limit));
        }
        let mut reply = self.new_reply(request);
        let read = scripted.play(self.shared.config.http2, &wire, origin, &mut reply)?;
        run.timings.bytes_received += read as u64;
        run.timings.total = clock::now().saturating_duration_since(run.timings.started);
        run.timings.first_byte = Some(run.timings.total);
        finished(reply)
    }
}

/// What a request carries along its redirects.
struct Run {
    timings: Timings,
    deadline: Instant,
    /// What `deadline` came from, for error texts.
    limit: Duration,
    /// Opened for it, and turned out to serve one request at a time.
    fresh: Option<Connection>,
}

impl Run {
    fn starting(request: &Request, limit: Duration) -> Self {
        let (now, limit) = (clock::now(), request.timeout.unwrap_or(limit));
        Self {
            timings: Timings::starting(request.started.unwrap_or(now)),
            // A limit beyond what the clock can express is none; ten years are not either.
            deadline: now.checked_add(limit).unwrap_or(now + Duration::from_hours(87_600)),
            limit,
            fresh: None,
        }
    }
}

/// The last answer, before its body is decoded.
struct Answer {
    origin: Rc<Origin>,
    head: Head,
    raw: Buf,
}

fn finished(reply: Reply) -> Result<(Head, Buf), Error> {
    reply.into_parts().ok_or_else(|| Error::protocol("an answer without a head"))
}

fn is_absolute(target: &[u8]) -> bool {
    let starts = |scheme: &[u8]| {
        target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    // A path, as nearly all are, needs no comparison.
    !target.starts_with(b"/") && (starts(b"http://") || starts(b"https://"))
}

/// The whole URL of a located request, for cookies and redirects.
fn url_of(origin: &Origin, request: &Request) -> Result<Url, Error> {
    parse_url(&format!("{}{}", origin.url(), request.target()))
}
