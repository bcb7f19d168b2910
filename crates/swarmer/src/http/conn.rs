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
use super::http2::Own;
use super::origin::Origin;
use super::reply::Reply;
use super::timings::Timings;
use super::tls;

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
    /// What is spoken, if that is HTTP/2.
    pub(super) http2: Option<Box<Own>>,
}

/// A rendered request on its way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// Given back as soon as all is written.
    pub(super) wire: Option<Buf>,
    pub(super) written: usize,
    pub(super) failure: Option<io::Error>,
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

impl Stream {
    /// One write. It is taken as a rule, so whether it would be is asked only if it was not.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match self {
            Self::Plain(stream) => loop {
                match stream.try_write(bytes) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        ready!(stream.poll_write_ready(cx))?;
                    }
                    written => break written,
                }
            },
            Self::Tls(stream) => ready!(Pin::new(stream).poll_write(cx, bytes)),
        }?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        Poll::Ready(Ok(written))
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    /// One read, appended to `room`. Behind TLS nobody knows when the bytes came that it gives, so there the moment of
    /// reading counts.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut Vec<u8>,
    ) -> Poll<io::Result<Read>> {
        match self {
            Self::Plain(stream) => loop {
                ready!(stream.poll_read_ready(cx))?;
                if let Poll::Ready(read) = read_plain(stream, room) {
                    return Poll::Ready(read);
                }
            },
            Self::Tls(stream) => {
                let length = ready!(pin!(stream.read_buf(room)).poll(cx));
                Poll::Ready(length.map(|length| Read { length, arrived: None }))
            }
        }
    }

    /// The same, without being woken where there is nothing.
    pub(super) fn read_now(&mut self, room: &mut Vec<u8>) -> Poll<io::Result<Read>> {
        match self {
            Self::Plain(stream) => read_plain(stream, room),
            Self::Tls(_) => self.poll_read(&mut Context::from_waker(Waker::noop()), room),
        }
    }
}

/// One read, if the socket was not found empty before.
fn read_plain(stream: &TcpStream, room: &mut Vec<u8>) -> Poll<io::Result<Read>> {
    match arrival::read(stream, room) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        read => Poll::Ready(read),
    }
}

impl Connection {
    /// Whether an idle connection is still good: not closed, and nothing unasked has arrived that it cannot deal with.
    ///
    /// Costs no system call unless the reactor has already reported something.
    pub(super) fn is_alive(&mut self) -> bool {
        if let Some(own) = &mut self.http2 {
            return own.is_alive(&mut self.stream);
        }
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

    /// Makes a request ready to be sent, which comes before [`poll_exchange`](Self::poll_exchange).
    ///
    /// # Errors
    /// Of kind [`Invalid`](ErrorKind::Invalid) if the connection's protocol cannot carry it.
    pub(super) fn begin(&mut self, wire: &[u8]) -> Result<(), Error> {
        self.http2.as_mut().map_or(Ok(()), |own| own.begin(wire, &self.origin))
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
        if let Some(own) = &mut self.http2 {
            let outcome = own.poll_exchange(cx, &mut self.stream, outgoing, reply, timings);
            return outcome.map_err(|error| own.explained(&self.origin, error));
        }
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
            let written = ready!(self.stream.poll_write(cx, &wire[outgoing.written..]))?;
            outgoing.written += written;
            timings.bytes_sent += written as u64;
        }
        ready!(self.stream.poll_flush(cx))?;
        outgoing.wire = None;
        Poll::Ready(Ok(()))
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        reply: &mut Reply,
        timings: &mut Timings,
    ) -> Poll<Result<(), Error>> {
        loop {
            let Poll::Ready(read) = self.stream.poll_read(cx, reply.room()) else {
                reply.rest();
                return Poll::Pending;
            };
            timings.read(&read);
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
