//! A connection that the users of a thread share: many exchanges at once. A task of the connection writes what all of them
//! say and reads what they wait for, so that requests that begin together leave in one write.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use hashbrown::HashMap;
use tokio::task::JoinHandle;

use super::session::Session;
use super::stream::{Awaits, Stream, Waiting};
use crate::clock;
use crate::http::arrival::Read;
use crate::http::buffer::Buf;
use crate::http::conn;
use crate::http::error::{Error, ErrorKind};
use crate::http::head::Head;
use crate::http::origin::Origin;
use crate::http::reply::Reply;
use crate::http::timings::Timings;
use crate::http::tls;

/// A connection over which any number of requests go at once. Clones are the same connection.
#[derive(Clone, Debug)]
pub(in crate::http) struct Multiplexed {
    pub(in crate::http) origin: Rc<Origin>,
    inner: Rc<Inner>,
}

#[derive(Debug)]
struct Inner {
    talk: Rc<RefCell<Talk>>,
    driver: JoinHandle<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// What is known of a request that got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Seen {
    /// The server has not looked at it.
    No,
    /// Nobody knows.
    Perhaps,
    /// The server has begun an answer, or given it up.
    Yes,
}

impl Multiplexed {
    /// Begins to speak HTTP/2 over a fresh connection. Needs a `LocalSet` around it.
    pub(in crate::http) fn over(origin: Rc<Origin>, stream: conn::Stream) -> Self {
        let talk = Rc::new(RefCell::new(Talk {
            session: Session::new(),
            crowd: Crowd::default(),
            sending: Vec::new(),
            driver: Waker::noop().clone(),
            is_over: false,
        }));
        let driver = tokio::task::spawn_local(drive(Rc::clone(&talk), Rc::clone(&origin), stream));
        Self { origin, inner: Rc::new(Inner { talk, driver }) }
    }

    /// Whether it takes another request at once.
    pub(in crate::http) fn has_room(&self) -> bool {
        let talk = self.inner.talk.borrow();
        let most = talk.session.most_streams;
        !talk.is_over && talk.session.takes_more() && talk.crowd.asked.len() < most
    }

    /// Whether it takes no request any more.
    pub(in crate::http) fn is_closed(&self) -> bool {
        let talk = self.inner.talk.borrow();
        talk.is_over || !talk.session.takes_more()
    }

    /// Sends a request, `wire` being its form in HTTP/1.1, and waits for the whole answer.
    ///
    /// # Errors
    /// What went wrong, and whether the server has seen the request.
    pub(in crate::http) async fn exchange(
        &self,
        wire: Buf,
        answers_head: bool,
        body_limit: usize,
        timings: &mut Timings,
    ) -> Result<(Head, Buf), (Error, Seen)> {
        timings.bytes_sent += wire.len() as u64;
        let reply = Reply::new(answers_head, body_limit);
        let id = self.inner.talk.borrow_mut().begin(wire, &self.origin, reply)?;
        let asking = Asking { talk: &self.inner.talk, id };
        let asked = poll_fn(|cx| asking.poll(cx)).await;
        let since = |moment: Instant| moment.saturating_duration_since(timings.started);
        (timings.total, timings.first_byte) = (since(asked.latest), asked.first.map(since));
        timings.bytes_received += asked.reply.so_far().len() as u64;
        if let Some(failure) = asked.stream.failure {
            let seen = match (asked.stream.was_refused, asked.reply.is_untouched()) {
                (true, _) => Seen::No,
                (false, true) => Seen::Perhaps,
                (false, false) => Seen::Yes,
            };
            return Err((failure, seen));
        }
        let parts = asked.reply.into_parts();
        parts.ok_or_else(|| (Error::protocol("an answer without a head"), Seen::Yes))
    }
}

/// A request and its answer as they are.
#[derive(Debug)]
struct Asked {
    stream: Stream,
    reply: Reply,
    /// Kept until all of it is in frames.
    wire: Option<Buf>,
    waker: Waker,
    /// When the first and the latest bytes for it came.
    first: Option<Instant>,
    latest: Instant,
}

/// All who wait.
#[derive(Debug, Default)]
struct Crowd {
    asked: HashMap<u32, Asked>,
    /// For whom something has come.
    touched: Vec<u32>,
}

impl Waiting for Crowd {
    fn on(&mut self, stream: u32) -> Option<(&mut Stream, &mut Reply)> {
        let asked = self.asked.get_mut(&stream)?;
        if asked.stream.awaits == Awaits::Nothing {
            return None;
        }
        self.touched.push(stream);
        Some((&mut asked.stream, &mut asked.reply))
    }

    fn each(&mut self, mut tell: impl FnMut(&mut Stream)) {
        for (id, asked) in &mut self.asked {
            if asked.stream.awaits != Awaits::Nothing {
                tell(&mut asked.stream);
                self.touched.push(*id);
            }
        }
    }
}

/// The conversation with all its exchanges.
#[derive(Debug)]
struct Talk {
    session: Session,
    crowd: Crowd,
    /// Requests of which the body is not all in frames.
    sending: Vec<u32>,
    /// Wakes the task of the connection.
    driver: Waker,
    is_over: bool,
}

impl Talk {
    fn begin(&mut self, wire: Buf, origin: &Origin, reply: Reply) -> Result<u32, (Error, Seen)> {
        if self.is_over {
            return Err((Error::closed("connection closed before an answer"), Seen::No));
        }
        let begun = self.session.begin(&wire, origin);
        let stream = begun.map_err(|error| (error, Seen::No))?;
        let (id, is_framed) = (stream.id, stream.is_framed);
        let wire = (!is_framed).then_some(wire);
        let (waker, latest) = (Waker::noop().clone(), clock::now());
        let asked = Asked { stream, reply, wire, waker, first: None, latest };
        self.crowd.asked.insert(id, asked);
        if !is_framed {
            self.sending.push(id);
        }
        self.driver.wake_by_ref();
        Ok(id)
    }

    /// Writes and reads until the connection ends; why it did, if not by the server's closing it.
    fn poll(&mut self, cx: &mut Context<'_>, stream: &mut conn::Stream) -> Poll<Option<Error>> {
        self.driver.clone_from(cx.waker());
        let failed = |error: &io::Error| Poll::Ready(Some(tls::error(ErrorKind::Closed, error)));
        loop {
            if let Poll::Ready(Err(error)) = self.poll_send(cx, stream) {
                return failed(&error);
            }
            if !self.session.takes_more() && self.crowd.asked.is_empty() {
                return Poll::Ready(None);
            }
            let Poll::Ready(read) = stream.poll_read(cx, self.session.room()) else {
                self.session.rest();
                return Poll::Pending;
            };
            match read {
                Ok(read) if read.length > 0 => {
                    if let Err(error) = self.received(&read) {
                        return Poll::Ready(Some(error));
                    }
                }
                Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                    return failed(&error);
                }
                _ => return Poll::Ready(None),
            }
        }
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut conn::Stream,
    ) -> Poll<io::Result<()>> {
        loop {
            let Self { session, crowd, sending, .. } = self;
            sending.retain(|id| {
                let Some(Asked { stream, wire, .. }) = crowd.asked.get_mut(id) else {
                    return false;
                };
                if let Some(wire) = wire {
                    session.frame_body(stream, wire);
                }
                !stream.is_framed
            });
            if session.unwritten().is_empty() {
                return Poll::Ready(Ok(()));
            }
            ready!(session.poll_write(cx, stream))?;
        }
    }

    fn received(&mut self, read: &Read) -> Result<(), Error> {
        let outcome = self.session.received(&mut self.crowd);
        let now = clock::now();
        let Crowd { asked, touched } = &mut self.crowd;
        for id in touched.drain(..) {
            let Some(asked) = asked.get_mut(&id) else { continue };
            asked.latest = read.moment(asked.latest, now);
            if !asked.reply.is_untouched() {
                asked.first.get_or_insert(asked.latest);
            }
            if asked.stream.awaits == Awaits::Nothing {
                asked.waker.wake_by_ref();
            }
        }
        outcome
    }

    /// The connection has ended; nobody waits in vain.
    fn end(&mut self, error: Option<&Error>, origin: &Origin) {
        self.is_over = true;
        let Self { session, crowd, .. } = self;
        for asked in crowd.asked.values_mut() {
            if asked.stream.awaits != Awaits::Nothing {
                let closed = || session.closed(&asked.stream, &asked.reply);
                let error = error.cloned().unwrap_or_else(closed);
                asked.stream.fail(session.explained(origin, error));
                asked.latest = clock::now();
            }
            asked.waker.wake_by_ref();
        }
    }
}

async fn drive(talk: Rc<RefCell<Talk>>, origin: Rc<Origin>, mut stream: conn::Stream) {
    let error = poll_fn(|cx| talk.borrow_mut().poll(cx, &mut stream)).await;
    talk.borrow_mut().end(error.as_ref(), &origin);
}

/// One who waits; if it does so no longer, the server is told.
struct Asking<'t> {
    talk: &'t RefCell<Talk>,
    id: u32,
}

impl Asking<'_> {
    fn poll(&self, cx: &Context<'_>) -> Poll<Asked> {
        let mut talk = self.talk.borrow_mut();
        let asked = &mut talk.crowd.asked;
        let Some(own) = asked.get_mut(&self.id) else { return Poll::Pending };
        if own.stream.awaits != Awaits::Nothing {
            own.waker.clone_from(cx.waker());
            return Poll::Pending;
        }
        let Some(mut own) = asked.remove(&self.id) else { return Poll::Pending };
        // What the server did not want to read of the request is not sent.
        talk.tell_unless_heard(&mut own.stream);
        Poll::Ready(own)
    }
}

impl Talk {
    fn tell_unless_heard(&mut self, stream: &mut Stream) {
        self.session.cancel(stream);
        if !self.session.unwritten().is_empty() || !self.session.takes_more() {
            self.driver.wake_by_ref();
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut talk = self.talk.borrow_mut();
        if let Some(mut asked) = talk.crowd.asked.remove(&self.id) {
            talk.tell_unless_heard(&mut asked.stream);
        }
    }
}
