//! A connection of a user's own: one exchange at a time, written and read by the user's task itself, and what comes between
//! two of them.

use std::io;
use std::task::{Context, Poll, Waker, ready};

use super::session::Session;
use super::stream::{Awaits, Stream, Waiting};
use crate::http::arrival::Read;
use crate::http::conn::{self, Connection, Outgoing};
use crate::http::error::{Error, ErrorKind};
use crate::http::origin::Origin;
use crate::http::reply::Reply;
use crate::http::timings::Timings;
use crate::http::tls;

/// A conversation with one request at a time.
#[derive(Debug)]
pub(in crate::http) struct Own {
    pub(super) session: Session,
    /// Of the request in hand, or the latest one.
    pub(super) stream: Stream,
}

/// The one who waits.
struct One<'o> {
    stream: &'o mut Stream,
    reply: &'o mut Reply,
}

impl Waiting for One<'_> {
    fn on(&mut self, stream: u32) -> Option<(&mut Stream, &mut Reply)> {
        let waits = self.stream.id == stream && self.stream.awaits != Awaits::Nothing;
        waits.then_some((&mut *self.stream, &mut *self.reply))
    }

    fn each(&mut self, mut tell: impl FnMut(&mut Stream)) {
        if self.stream.awaits != Awaits::Nothing {
            tell(self.stream);
        }
    }
}

impl Own {
    pub(in crate::http) fn new() -> Self {
        Self { session: Session::new(), stream: Stream::default() }
    }

    /// Begins the request `wire`, which is in its form in HTTP/1.1.
    ///
    /// # Errors
    /// Of kind [`Invalid`](ErrorKind::Invalid) if it does not have that form.
    pub(in crate::http) fn begin(&mut self, wire: &[u8], origin: &Origin) -> Result<(), Error> {
        self.stream = self.session.begin(wire, origin)?;
        Ok(())
    }

    /// Writes the request and reads its answer, until that is complete or fails.
    ///
    /// As in HTTP/1.1, reading begins before writing ends, and is the only way that a server grants more of a body.
    pub(in crate::http) fn poll_exchange(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut conn::Stream,
        outgoing: &mut Outgoing,
        reply: &mut Reply,
        timings: &mut Timings,
    ) -> Poll<Result<(), Error>> {
        loop {
            if outgoing.failure.is_none()
                && let Poll::Ready(Err(error)) = self.poll_send(cx, stream, outgoing, timings)
            {
                // What has come may say more than a broken pipe.
                outgoing.failure = Some(error);
            }
            let Poll::Ready(read) = stream.poll_read(cx, self.room()) else {
                self.session.rest();
                reply.rest();
                return Poll::Pending;
            };
            timings.read(&read);
            match read.map(|read| read.length) {
                Ok(length @ 1..) => timings.bytes_received += length as u64,
                ended => return Poll::Ready(Err(self.ended(ended.err(), outgoing, reply))),
            }
            let outcome = self.received(reply);
            if self.stream.was_refused {
                outgoing.written = 0;
            }
            let is_complete = outcome?;
            if !reply.is_untouched() {
                timings.first_byte.get_or_insert(timings.total);
            }
            if is_complete {
                // What the server did not want to read of the request is not sent.
                self.session.cancel(&mut self.stream);
                outgoing.wire = None;
                // Answers to what it asked; whether they could be written will be seen by the next request.
                let _ = self.session.poll_write(cx, stream);
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut conn::Stream,
        outgoing: &mut Outgoing,
        timings: &mut Timings,
    ) -> Poll<io::Result<()>> {
        loop {
            let written = ready!(self.session.poll_write(cx, stream))?;
            outgoing.written += written;
            timings.bytes_sent += written as u64;
            let Some(wire) = &outgoing.wire else { return Poll::Ready(Ok(())) };
            if self.stream.is_framed {
                outgoing.wire = None;
                return Poll::Ready(Ok(()));
            }
            self.session.frame_body(&mut self.stream, wire);
            if self.session.unwritten().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// The buffer to append the next bytes to; then comes [`received`](Self::received).
    pub(in crate::http) fn room(&mut self) -> &mut Vec<u8> {
        self.session.room()
    }

    /// Digests what was appended to [`room`](Self::room); true once the answer is complete.
    ///
    /// # Errors
    /// What is wrong with it. The connection is of no use then.
    pub(in crate::http) fn received(&mut self, reply: &mut Reply) -> Result<bool, Error> {
        let waited = self.stream.awaits != Awaits::Nothing;
        let outcome = self.session.received(&mut One { stream: &mut self.stream, reply });
        if let Some(failure) = self.stream.failure.take() {
            if outcome.is_err() {
                self.session.end();
            }
            return Err(failure);
        }
        let is_complete = waited && self.stream.awaits == Awaits::Nothing;
        if is_complete && outcome.is_err() {
            // What is wrong behind an answer costs the connection only: it may as well have come too late to be seen.
            self.session.end();
            return Ok(true);
        }
        outcome.map(|()| is_complete)
    }

    /// Why there will be no answer.
    fn ended(&self, error: Option<io::Error>, outgoing: &mut Outgoing, reply: &Reply) -> Error {
        match (error, outgoing.failure.take()) {
            (_, Some(failure)) if reply.is_untouched() => tls::error(ErrorKind::Closed, &failure),
            (Some(error), _) if error.kind() != io::ErrorKind::UnexpectedEof => {
                tls::error(ErrorKind::Closed, &error)
            }
            _ => self.closed(reply),
        }
    }

    /// Why there will be no answer, now that the connection is closed.
    pub(in crate::http) fn closed(&self, reply: &Reply) -> Error {
        self.session.closed(&self.stream, reply)
    }

    /// What is said of an error over this connection.
    pub(in crate::http) fn explained(&self, origin: &Origin, error: Error) -> Error {
        self.session.explained(origin, error)
    }

    /// All that was to be written has been.
    #[cfg(any(test, feature = "testing"))]
    pub(in crate::http) fn wrote_all(&mut self) {
        self.session.wrote(self.session.unwritten().len());
    }

    /// Reads and answers what a server says unasked, now and when `cx` is woken. Whether the connection is still good.
    pub(in crate::http) fn poll_idle(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut conn::Stream,
    ) -> bool {
        let is_good = self.listen(|room| stream.poll_read(cx, room));
        is_good && !matches!(self.session.poll_write(cx, stream), Poll::Ready(Err(_)))
    }

    /// The same, now only.
    pub(in crate::http) fn is_alive(&mut self, stream: &mut conn::Stream) -> bool {
        self.listen(|room| stream.read_now(room))
    }

    fn listen(&mut self, mut read: impl FnMut(&mut Vec<u8>) -> Poll<io::Result<Read>>) -> bool {
        let mut nobody = Reply::new(false, 0);
        while let Poll::Ready(read) = read(self.room()) {
            let came = read.is_ok_and(|read| read.length > 0);
            if !came || self.received(&mut nobody).is_err() {
                return false;
            }
        }
        self.session.rest();
        // A head that began to come for a request given up must be heard to its end.
        self.session.takes_more() && self.session.block.is_none()
    }
}

impl Session {
    /// Writes what is ready; how many bytes that were.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut conn::Stream,
    ) -> Poll<io::Result<usize>> {
        let mut all = 0;
        while !self.unwritten().is_empty() {
            let written = ready!(stream.poll_write(cx, self.unwritten()))?;
            self.wrote(written);
            all += written;
        }
        ready!(stream.poll_flush(cx))?;
        Poll::Ready(Ok(all))
    }
}

impl Connection {
    /// Tells the server, if that is possible over this connection, that nobody waits for the answer in hand. Whether the
    /// connection can serve another request.
    pub(in crate::http) fn cancel(&mut self) -> bool {
        let Some(own) = &mut self.http2 else { return false };
        own.session.cancel(&mut own.stream);
        own.poll_idle(&mut Context::from_waker(Waker::noop()), &mut self.stream)
    }

    /// Whether the connection can serve another request though the one in hand has failed: what was wrong was its answer alone.
    pub(in crate::http) fn outlives_failure(&mut self) -> bool {
        let Some(own) = &mut self.http2 else { return false };
        own.stream.awaits == Awaits::Nothing
            && own.poll_idle(&mut Context::from_waker(Waker::noop()), &mut self.stream)
    }

    /// Answers what a server says while no request is in hand, now and when `cx` is woken. Whether the connection is still
    /// good; in HTTP/1.1 a server has nothing to say then.
    pub(in crate::http) fn poll_idle(&mut self, cx: &mut Context<'_>) -> bool {
        let own = self.http2.as_mut();
        own.is_none_or(|own| own.poll_idle(cx, &mut self.stream))
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::rc::Rc;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::super::frame::{self, mark};
    use crate::http::{BaseUrl, Client, Config, Http2, Request, Shared};

    /// Reads until `expected` comes last.
    async fn read_until(stream: &mut TcpStream, expected: &[u8]) {
        let mut read = Vec::new();
        while !read.ends_with(expected) {
            assert!(stream.read_buf(&mut read).await.unwrap() > 0, "{}", read.escape_ascii());
        }
    }

    async fn arrange() -> (TcpListener, Rc<Shared>, BaseUrl) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Shared::new(Config { http2: Http2::Own, ..Config::default() });
        let base = shared.base_url(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        (listener, shared, base)
    }

    /// Answers the request in hand.
    fn answer() -> Vec<u8> {
        let mut out = Vec::new();
        frame::push(&mut out, frame::SETTINGS, 0, 0, &[]);
        frame::push(&mut out, frame::HEADERS, mark::END_HEADERS | mark::END_STREAM, 1, &[b"\x89"]);
        out
    }

    #[tokio::test]
    async fn a_server_that_asks_a_waiting_user_is_answered() {
        let (listener, shared, base) = arrange().await;
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(&answer()).await.unwrap();
            read_until(&mut stream, b"\0\0\0\x04\x01\0\0\0\0").await;
            for question in [b"question", b"one more"] {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let mut ping = Vec::new();
                frame::push(&mut ping, frame::PING, 0, 0, &[question]);
                stream.write_all(&ping).await.unwrap();
                read_until(&mut stream, question).await;
            }
        };
        let user = async {
            let mut client = Client::new(&shared, Some(&base));
            assert_eq!(client.send(Request::get("/")).await.result.unwrap().status(), 204);
            poll_fn::<(), _>(|cx| {
                client.poll_idle(cx);
                std::task::Poll::Pending
            })
            .await;
        };
        let both = async {
            tokio::select! {
                () = server => {}
                () = user => unreachable!("it waits for ever"),
            }
        };
        tokio::time::timeout(Duration::from_secs(10), both).await.expect("an answer");
    }

    #[tokio::test]
    async fn a_connection_over_is_closed_while_the_user_waits() {
        let (listener, shared, base) = arrange().await;
        let mut client = Client::new(&shared, Some(&base));
        let mut server = pin!(async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut said = answer();
            frame::push(&mut said, frame::GOAWAY, 0, 0, &[&[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]]);
            stream.write_all(&said).await.unwrap();
            let mut read = Vec::new();
            stream.read_to_end(&mut read).await.unwrap();
        });
        tokio::select! {
            _ = client.send(Request::get("/")) => {}
            () = &mut server => panic!("closed before an answer"),
        }
        let idle = poll_fn(|cx| {
            client.poll_idle(cx);
            server.as_mut().poll(cx)
        });
        tokio::time::timeout(Duration::from_secs(10), idle).await.expect("the connection's end");
    }
}
