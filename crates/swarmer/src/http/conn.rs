//! One connection: bytes out, bytes in, moments taken.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::arrival::{self, Read};
use super::buffer::Buf;
use super::error::{Error, ErrorKind};
use super::origin::Origin;
use super::reply::Reply;
use super::timings::Timings;
use super::tls;
use crate::clock;

/// The bytes' way to the server. TLS is boxed: most users speak plain HTTP and should not carry its size.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection that waits for a request or serves one.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) origin: Rc<Origin>,
    pub(super) stream: Stream,
}

/// A rendered request on its way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// Given back as soon as all is written.
    wire: Option<Buf>,
    written: usize,
    failure: Option<io::Error>,
}

impl Outgoing {
    pub(super) fn new(wire: Buf) -> Self {
        Self { wire: Some(wire), written: 0, failure: None }
    }

    /// Whether every byte has been handed to the connection.
    pub(super) fn is_sent(&self) -> bool {
        self.wire.is_none() && self.failure.is_none()
    }

    /// Whether the server cannot have seen any of it.
    pub(super) fn is_untouched(&self) -> bool {
        self.written == 0
    }
}

impl Connection {
    /// Whether an idle connection is still good: not closed, and nothing unasked has arrived.
    ///
    /// Costs no system call unless the reactor has already reported something.
    pub(super) fn is_alive(&mut self) -> bool {
        match &mut self.stream {
            Stream::Plain(stream) => {
                matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
            }
            // Session tickets and the like may have come; only TLS itself can tell them from data and closure.
            Stream::Tls(stream) => {
                let mut cx = Context::from_waker(Waker::noop());
                let mut byte = [0];
                Pin::new(stream).poll_read(&mut cx, &mut ReadBuf::new(&mut byte)).is_pending()
            }
        }
    }

    /// Writes the request and reads its answer, until that is complete or fails.
    ///
    /// Reading begins before writing ends: a server may answer, and refuse the rest, in the middle of a body.
    pub(super) fn poll_exchange(
        &mut self,
        cx: &mut Context<'_>,
        outgoing: &mut Outgoing,
        reply: &mut Reply,
        timings: &mut Timings,
    ) -> Poll<Result<(), Error>> {
        if outgoing.wire.is_some()
            && let Poll::Ready(Err(error)) = self.poll_send(cx, outgoing, timings)
        {
            // The answer may be there all the same, and says more than a broken pipe.
            outgoing.failure = Some(error);
            outgoing.wire = None;
        }
        let outcome = ready!(self.poll_receive(cx, reply, timings));
        match (outcome, outgoing.failure.take()) {
            (Err(_), Some(failure)) if reply.is_untouched() => {
                Poll::Ready(Err(tls::error(ErrorKind::Closed, &failure)))
            }
            (outcome, failure) => {
                outgoing.failure = failure;
                Poll::Ready(outcome)
            }
        }
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        outgoing: &mut Outgoing,
        timings: &mut Timings,
    ) -> Poll<io::Result<()>> {
        let Some(wire) = &outgoing.wire else { return Poll::Ready(Ok(())) };
        while outgoing.written < wire.len() {
            let rest = &wire[outgoing.written..];
            let written = match &mut self.stream {
                // It takes a request as a rule, so whether it would is asked only if it did not.
                Stream::Plain(stream) => match stream.try_write(rest) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        ready!(stream.poll_write_ready(cx))?;
                        continue;
                    }
                    written => written,
                },
                Stream::Tls(stream) => ready!(Pin::new(stream).poll_write(cx, rest)),
            }?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            outgoing.written += written;
            timings.bytes_sent += written as u64;
        }
        if let Stream::Tls(stream) = &mut self.stream {
            ready!(Pin::new(stream).poll_flush(cx))?;
        }
        outgoing.wire = None;
        Poll::Ready(Ok(()))
    }

    /// One read. Behind TLS nobody knows when the bytes came that it gives, so there the moment of reading counts.
    fn poll_read(&mut self, cx: &mut Context<'_>, reply: &mut Reply) -> Poll<io::Result<Read>> {
        match &mut self.stream {
            Stream::Plain(stream) => loop {
                ready!(stream.poll_read_ready(cx))?;
                match arrival::read(stream, reply.room()) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return Poll::Ready(read),
                }
            },
            Stream::Tls(stream) => {
                let length = ready!(pin!(stream.read_buf(reply.room())).poll(cx));
                Poll::Ready(length.map(|length| Read { length, arrived: None }))
            }
        }
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        reply: &mut Reply,
        timings: &mut Timings,
    ) -> Poll<Result<(), Error>> {
        loop {
            let Poll::Ready(read) = self.poll_read(cx, reply) else {
                reply.rest();
                return Poll::Pending;
            };
            let now = clock::now();
            let total = now.saturating_duration_since(timings.started);
            // What is older than the request is the word of a clock that was set.
            let age = read.as_ref().ok().and_then(|read| read.age(now));
            timings.total = age.and_then(|age| total.checked_sub(age)).unwrap_or(total);
            match read.map(|read| read.length) {
                Ok(0) => return Poll::Ready(reply.closed()),
                Ok(length) => {
                    timings.first_byte.get_or_insert(timings.total);
                    timings.bytes_received += length as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    // TLS without a proper goodbye: even an answer that ends by closing may have been cut.
                    let outcome = reply.closed();
                    let cut = Error::closed("connection closed without the end of TLS");
                    return Poll::Ready(outcome.and(Err(cut)));
                }
                Err(error) => return Poll::Ready(Err(tls::error(ErrorKind::Closed, &error))),
            }
            if reply.received()? {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
