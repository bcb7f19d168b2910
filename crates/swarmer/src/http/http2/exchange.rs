//! One exchange in HTTP/2 over a socket, and what comes between two of them.

use std::io;
use std::task::{Context, Poll, Waker, ready};

use super::Session;
use crate::http::arrival::Read;
use crate::http::conn::{Connection, Outgoing, Stream};
use crate::http::error::{Error, ErrorKind};
use crate::http::reply::Reply;
use crate::http::timings::Timings;
use crate::http::tls;

impl Session {
    /// Writes the request and reads its answer, until that is complete or fails.
    ///
    /// As in HTTP/1.1, reading begins before writing ends, and is the only way that a server grants more of a body.
    pub(in crate::http) fn poll_exchange(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
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
                self.rest();
                reply.rest();
                return Poll::Pending;
            };
            timings.read(&read);
            match read.map(|read| read.length) {
                Ok(length @ 1..) => timings.bytes_received += length as u64,
                ended => return Poll::Ready(Err(self.ended(ended.err(), outgoing, reply))),
            }
            let outcome = self.received(reply);
            if self.was_refused() {
                outgoing.written = 0;
            }
            let is_complete = outcome?;
            if !reply.is_untouched() {
                timings.first_byte.get_or_insert(timings.total);
            }
            if is_complete {
                // What the server did not want to read of the request is not sent.
                self.cancel();
                outgoing.wire = None;
                // Answers to what it asked; whether they could be written will be seen by the next request.
                let _ = self.poll_write(cx, stream);
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        outgoing: &mut Outgoing,
        timings: &mut Timings,
    ) -> Poll<io::Result<()>> {
        loop {
            let written = ready!(self.poll_write(cx, stream))?;
            outgoing.written += written;
            timings.bytes_sent += written as u64;
            let Some(wire) = &outgoing.wire else { return Poll::Ready(Ok(())) };
            if self.is_framed() {
                outgoing.wire = None;
                return Poll::Ready(Ok(()));
            }
            self.frame_body(wire);
            if self.unwritten().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Writes what is ready; how many bytes that were.
    fn poll_write(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> Poll<io::Result<usize>> {
        let mut all = 0;
        while !self.unwritten().is_empty() {
            let written = ready!(stream.poll_write(cx, self.unwritten()))?;
            self.wrote(written);
            all += written;
        }
        ready!(stream.poll_flush(cx))?;
        Poll::Ready(Ok(all))
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

    /// Reads and answers what a server says unasked, now and when `cx` is woken. Whether the connection is still good.
    pub(in crate::http) fn poll_idle(&mut self, cx: &mut Context<'_>, stream: &mut Stream) -> bool {
        let is_good = self.listen(|room| stream.poll_read(cx, room));
        is_good && !matches!(self.poll_write(cx, stream), Poll::Ready(Err(_)))
    }

    /// The same, now only.
    pub(in crate::http) fn is_alive(&mut self, stream: &mut Stream) -> bool {
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
        self.rest();
        self.takes_more()
    }
}

impl Connection {
    /// Tells the server, if that is possible over this connection, that nobody waits for the answer in hand. Whether the
    /// connection can serve another request.
    pub(in crate::http) fn cancel(&mut self) -> bool {
        let Some(session) = &mut self.session else { return false };
        session.cancel();
        session.poll_idle(&mut Context::from_waker(Waker::noop()), &mut self.stream)
    }

    /// Answers what a server says while no request is in hand, now and when `cx` is woken. Whether the connection is still
    /// good; in HTTP/1.1 a server has nothing to say then.
    pub(in crate::http) fn poll_idle(&mut self, cx: &mut Context<'_>) -> bool {
        let session = self.session.as_mut();
        session.is_none_or(|session| session.poll_idle(cx, &mut self.stream))
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
