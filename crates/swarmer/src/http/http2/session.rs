//! All of a conversation in HTTP/2, without I/O.

use std::mem;

use super::faults::{given_up, second_head, unasked, window, wrong_length};
use super::frame::{self, Frame, mark, reason, setting};
use super::incoming::{Incoming, Part};
use super::outgoing::Outgoing;
use super::stream::{self, Awaits, Stream, Waiting, taken};
use crate::http::buffer::Buf;
use crate::http::error::Error;
use crate::http::head::{HEAD_LIMIT, too_long};
use crate::http::origin::Origin;
use crate::http::reply::Reply;
use crate::http::wire::malformed;

/// What a server may send of all answers before we have read it, as [`stream::WINDOW`] is for each.
pub(super) const WINDOW: u32 = 1 << 24;
/// The largest head that we take, as a setting.
#[expect(clippy::cast_possible_truncation, reason = "64 KiB")]
const HEAD_LIMIT_SAID: u32 = HEAD_LIMIT as u32;
/// Bytes of a request's body that are made ready before they can be written.
const READY: usize = 64 * 1024;
/// Bytes that may wait to be written because a server asks and does not read the answers.
const UNWRITTEN: usize = 256 * 1024;
/// Requests at once that a server is believed to take before it has said how many: it should take no fewer (RFC 9113,
/// section 6.5.2).
const FIRST_STREAMS: usize = 100;

/// One side of a conversation in HTTP/2: what was read goes in, what is to be written comes out.
#[derive(Debug)]
pub(super) struct Session {
    /// To be written from `written` on.
    out: Option<Buf>,
    written: usize,
    /// Read, but not a whole frame yet.
    unread: Option<Buf>,
    outgoing: Outgoing,
    incoming: Incoming,
    /// Fields that go on in the next frame.
    pub(super) block: Option<Block>,
    /// The number of the latest request: odd, as all that clients begin; 0 before the first.
    latest: u32,
    /// Bytes that may be sent over the connection.
    window: i64,
    /// Bytes that came since more were granted.
    taken: u32,
    /// What may be sent for a request at first, and in one frame.
    first_window: i64,
    largest_payload: usize,
    /// Requests that the server takes at once.
    pub(super) most_streams: usize,
    /// The server has said something in HTTP/2.
    has_greeted: bool,
    /// Why the server takes no more requests, if it said so.
    goodbye: Option<u32>,
}

/// A block of fields so far.
#[derive(Debug)]
pub(super) struct Block {
    stream: u32,
    marks: u8,
    bytes: Vec<u8>,
}

impl Session {
    /// Begins with what a client says first.
    pub(super) fn new() -> Self {
        let mut out = Buf::small();
        out.extend_from_slice(frame::PREFACE);
        let settings = [
            (setting::ENABLE_PUSH, 0),
            (setting::INITIAL_WINDOW_SIZE, stream::WINDOW),
            (setting::MAX_HEADER_LIST_SIZE, HEAD_LIMIT_SAID),
        ];
        let start = frame::begin(&mut out, frame::SETTINGS, 0, 0);
        for (number, value) in settings {
            out.extend_from_slice(&u16::to_be_bytes(number));
            out.extend_from_slice(&u32::to_be_bytes(value));
        }
        frame::end(&mut out, start);
        let more = (WINDOW - frame::WINDOW).to_be_bytes();
        frame::push(&mut out, frame::WINDOW_UPDATE, 0, 0, &[&more]);
        let first_window = i64::from(frame::WINDOW);
        Self {
            out: Some(out),
            written: 0,
            unread: None,
            outgoing: Outgoing::new(),
            incoming: Incoming::new(),
            block: None,
            latest: 0,
            window: first_window,
            taken: 0,
            first_window,
            largest_payload: frame::PAYLOAD,
            most_streams: FIRST_STREAMS,
            has_greeted: false,
            goodbye: None,
        }
    }

    /// Begins the request `wire`, which is in its form in HTTP/1.1.
    ///
    /// # Errors
    /// Of kind [`Invalid`](crate::http::ErrorKind::Invalid) if it does not have that form.
    pub(super) fn begin(&mut self, wire: &[u8], origin: &Origin) -> Result<Stream, Error> {
        let id = if self.latest == 0 { 1 } else { self.latest + 2 };
        let mut out = self.out.take().unwrap_or_else(Buf::small);
        let start = frame::begin(&mut out, frame::HEADERS, 0, id);
        let written = self.outgoing.write(wire, origin.secure, &origin.authority, &mut out);
        let Ok(body) = written else {
            // The tables have fields by now that the server never hears of.
            self.end();
            out.truncate(start);
            self.out = Some(out);
            return Err(malformed());
        };
        let is_framed = body == wire.len();
        let end = if is_framed { mark::END_STREAM } else { 0 };
        if out.len() - start - frame::HEAD <= self.largest_payload {
            out[start + 4] = end | mark::END_HEADERS;
            frame::end(&mut out, start);
        } else {
            self.split(&mut out, start, id, end);
        }
        self.out = Some(out);
        self.latest = id;
        let mut stream = Stream {
            id,
            awaits: Awaits::Head,
            window: self.first_window,
            unframed: body,
            is_framed,
            ..Stream::default()
        };
        self.frame_body(&mut stream, wire);
        Ok(stream)
    }

    /// Cuts the block that begins behind the head at `start` into frames.
    #[cold]
    fn split(&self, out: &mut Buf, start: usize, stream: u32, mut marks: u8) {
        let block = out.split_off(start + frame::HEAD);
        out.truncate(start);
        let mut kind = frame::HEADERS;
        let mut parts = block.chunks(self.largest_payload).peekable();
        while let Some(part) = parts.next() {
            marks |= if parts.peek().is_none() { mark::END_HEADERS } else { 0 };
            frame::push(out, kind, marks, stream, &[part]);
            (kind, marks) = (frame::CONTINUATION, 0);
        }
    }

    /// Makes ready what the server takes of the body of `wire`.
    pub(super) fn frame_body(&mut self, stream: &mut Stream, wire: &[u8]) {
        while !stream.is_framed && self.unwritten().len() < READY {
            let rest = &wire[stream.unframed..];
            let granted = usize::try_from(self.window.min(stream.window)).unwrap_or(0);
            let length = rest.len().min(granted).min(self.largest_payload);
            if length == 0 {
                return;
            }
            let is_last = length == rest.len();
            let marks = if is_last { mark::END_STREAM } else { 0 };
            frame::push(self.out(), frame::DATA, marks, stream.id, &[&rest[..length]]);
            let sent = i64::try_from(length).unwrap_or(i64::MAX);
            self.window -= sent;
            stream.window -= sent;
            stream.unframed += length;
            stream.is_framed = is_last;
        }
    }

    /// What is to be written.
    pub(super) fn unwritten(&self) -> &[u8] {
        self.out.as_ref().map_or(&[], |out| &out[self.written..])
    }

    /// So much of it was written.
    pub(super) fn wrote(&mut self, length: usize) {
        self.written += length;
        if self.unwritten().is_empty() {
            (self.out, self.written) = (None, 0);
        }
    }

    /// The buffer to append the next bytes to, with room in it; then comes [`received`](Self::received).
    pub(super) fn room(&mut self) -> &mut Vec<u8> {
        let unread = self.unread.get_or_insert_with(Buf::large);
        if unread.capacity() == unread.len() {
            unread.reserve(2 * frame::PAYLOAD);
        }
        unread
    }

    /// Gives the buffer back while nothing is in it.
    pub(super) fn rest(&mut self) {
        if self.unread.as_ref().is_some_and(|unread| unread.is_empty()) {
            self.unread = None;
        }
    }

    /// Digests what was appended to [`room`](Self::room).
    ///
    /// # Errors
    /// What is wrong with it. The connection is of no use then. What is wrong with one answer is told to who waits for it.
    pub(super) fn received(&mut self, waiting: &mut impl Waiting) -> Result<(), Error> {
        let Some(mut unread) = self.unread.take() else { return Ok(()) };
        let mut at = 0;
        while let Some(frame) = Frame::first(&unread[at..])? {
            at += frame.length();
            self.take(frame, waiting)?;
        }
        if self.unwritten().len() > UNWRITTEN {
            return Err(Error::protocol("HTTP/2: the server asks and does not read the answers"));
        }
        if at < unread.len() {
            unread.drain(..at);
            self.unread = Some(unread);
        }
        Ok(())
    }

    fn take(&mut self, frame: Frame<'_>, waiting: &mut impl Waiting) -> Result<(), Error> {
        if !self.has_greeted && (frame.kind != frame::SETTINGS || frame.is_marked(mark::ACK)) {
            return Err(Error::protocol("HTTP/2: the server does not begin with its settings"));
        }
        self.has_greeted = true;
        if self.block.is_some() && frame.kind != frame::CONTINUATION {
            return Err(Error::protocol("HTTP/2: a head that is not continued"));
        }
        match frame.kind {
            frame::DATA => self.data(frame, waiting),
            frame::HEADERS => self.headers(frame, waiting),
            frame::CONTINUATION => self.continuation(frame, waiting),
            frame::RST_STREAM => self.reset(frame, waiting),
            frame::SETTINGS => self.settings(frame, waiting),
            frame::PING => {
                let question = of_connection(frame, frame.payload.len() == 8)?;
                if !frame.is_marked(mark::ACK) {
                    frame::push(self.out(), frame::PING, mark::ACK, 0, &[question]);
                }
                Ok(())
            }
            frame::GOAWAY => self.goodbye(frame, waiting),
            frame::WINDOW_UPDATE => self.grant(frame, waiting),
            frame::PUSH_PROMISE => Err(Error::protocol("HTTP/2: a push, which nobody asked for")),
            // Priorities are for servers; what is not known is to be passed over (RFC 9113, section 4.1).
            _ => Ok(()),
        }
    }

    fn data(&mut self, frame: Frame<'_>, waiting: &mut impl Waiting) -> Result<(), Error> {
        self.check(frame.stream)?;
        // Padding counts too, and what nobody waits for any more.
        self.taken = taken(self.taken, frame.payload.len(), WINDOW)?;
        if self.taken >= WINDOW / 2 {
            let more = mem::take(&mut self.taken).to_be_bytes();
            frame::push(self.out(), frame::WINDOW_UPDATE, 0, 0, &[&more]);
        }
        let Some((stream, reply)) = waiting.on(frame.stream) else { return Ok(()) };
        match stream.data(frame, reply) {
            Err(error) => self.give_up(stream, error),
            Ok(()) if stream.awaits == Awaits::Body && stream.taken >= stream::WINDOW / 2 => {
                let more = mem::take(&mut stream.taken).to_be_bytes();
                frame::push(self.out(), frame::WINDOW_UPDATE, 0, frame.stream, &[&more]);
            }
            Ok(()) => {}
        }
        Ok(())
    }

    fn headers(&mut self, frame: Frame<'_>, waiting: &mut impl Waiting) -> Result<(), Error> {
        let mut content = frame.content()?;
        if frame.is_marked(mark::PRIORITY) {
            content = content.get(5..).ok_or_else(wrong_length)?;
        }
        self.check(frame.stream)?;
        if frame.is_marked(mark::END_HEADERS) {
            return self.fields(frame.stream, frame.marks, content, waiting);
        }
        let Frame { stream, marks, .. } = frame;
        self.block = Some(Block { stream, marks, bytes: content.to_vec() });
        Ok(())
    }

    fn continuation(&mut self, frame: Frame<'_>, waiting: &mut impl Waiting) -> Result<(), Error> {
        let block = self.block.take().filter(|block| block.stream == frame.stream);
        let mut block =
            block.ok_or_else(|| Error::protocol("HTTP/2: a continuation of nothing"))?;
        block.bytes.extend_from_slice(frame.payload);
        if block.bytes.len() > HEAD_LIMIT {
            return Err(too_long());
        }
        if frame.is_marked(mark::END_HEADERS) {
            return self.fields(block.stream, block.marks, &block.bytes, waiting);
        }
        // A frame without a byte is never needed, and there could be no end of them.
        if frame.payload.is_empty() {
            return Err(Error::protocol("HTTP/2: a continuation without a byte"));
        }
        self.block = Some(block);
        Ok(())
    }

    /// A whole block of fields.
    fn fields(
        &mut self,
        stream: u32,
        marks: u8,
        block: &[u8],
        waiting: &mut impl Waiting,
    ) -> Result<(), Error> {
        let ends = marks & mark::END_STREAM != 0;
        let Some((stream, reply)) = waiting.on(stream) else {
            // The tables change all the same.
            return self.incoming.read(block, Part::Unwanted, &mut Buf::small()).map(drop);
        };
        let outcome = if stream.awaits == Awaits::Head {
            let read = self.incoming.read(block, Part::Head, reply.room())?;
            read.and_then(|()| stream.head(reply, ends))
        } else {
            let read = self.incoming.read(block, Part::Trailers, &mut Buf::small())?;
            read.and_then(|()| if ends { stream.ends(reply) } else { Err(second_head()) })
        };
        if let Err(error) = outcome {
            self.give_up(stream, error);
        }
        Ok(())
    }

    /// What came of this answer is not as it must be, of which the server is told.
    #[cold]
    fn give_up(&mut self, stream: &mut Stream, error: Error) {
        let reason = reason::PROTOCOL_ERROR.to_be_bytes();
        frame::push(self.out(), frame::RST_STREAM, 0, stream.id, &[&reason]);
        stream.is_framed = true;
        stream.fail(error);
    }

    /// Nobody waits for the answer any more, of which the server is told.
    pub(super) fn cancel(&mut self, stream: &mut Stream) {
        if stream.awaits != Awaits::Nothing || !stream.is_framed {
            let reason = reason::CANCEL.to_be_bytes();
            frame::push(self.out(), frame::RST_STREAM, 0, stream.id, &[&reason]);
            (stream.awaits, stream.is_framed) = (Awaits::Nothing, true);
        }
    }

    /// Only on streams that we began something can come.
    fn check(&self, stream: u32) -> Result<(), Error> {
        let is_ours = stream <= self.latest && !stream.is_multiple_of(2);
        if is_ours { Ok(()) } else { Err(unasked()) }
    }

    fn reset(&mut self, frame: Frame<'_>, waiting: &mut impl Waiting) -> Result<(), Error> {
        let reason = number(frame.payload)?;
        self.check(frame.stream)?;
        if let Some((stream, reply)) = waiting.on(frame.stream) {
            reply.give_up();
            stream.was_refused = reason == reason::REFUSED_STREAM;
            stream.is_framed = true;
            stream.fail(given_up("request", reason));
        }
        Ok(())
    }

    fn settings(&mut self, frame: Frame<'_>, waiting: &mut impl Waiting) -> Result<(), Error> {
        let is_answer = frame.is_marked(mark::ACK);
        let length = frame.payload.len();
        let fits = if is_answer { length == 0 } else { length.is_multiple_of(6) };
        for entry in of_connection(frame, fits)?.chunks_exact(6) {
            let value = number(&entry[2..])?;
            self.set(u16::from_be_bytes([entry[0], entry[1]]), value, waiting)?;
        }
        if !is_answer {
            frame::push(self.out(), frame::SETTINGS, mark::ACK, 0, &[]);
        }
        Ok(())
    }

    fn set(&mut self, setting: u16, value: u32, waiting: &mut impl Waiting) -> Result<(), Error> {
        let size = usize::try_from(value).unwrap_or(usize::MAX);
        match setting {
            setting::HEADER_TABLE_SIZE => self.outgoing.set_limit(size),
            setting::MAX_CONCURRENT_STREAMS => self.most_streams = size,
            setting::INITIAL_WINDOW_SIZE if value > frame::LARGEST => return Err(window()),
            setting::INITIAL_WINDOW_SIZE => {
                // Holds for requests in hand too (RFC 9113, section 6.9.2).
                let more = i64::from(value) - mem::replace(&mut self.first_window, value.into());
                waiting.each(|stream| stream.window += more);
            }
            setting::MAX_FRAME_SIZE => {
                if !(frame::PAYLOAD..=frame::LARGEST_PAYLOAD).contains(&size) {
                    return Err(Error::protocol("HTTP/2: a size of frames that is not allowed"));
                }
                self.largest_payload = size;
            }
            _ => {}
        }
        Ok(())
    }

    fn goodbye(&mut self, frame: Frame<'_>, waiting: &mut impl Waiting) -> Result<(), Error> {
        let payload = of_connection(frame, frame.payload.len() >= 8)?;
        let (last, reason) = (number(&payload[..4])? & frame::LARGEST, number(&payload[4..8])?);
        self.goodbye = Some(reason);
        // It did not look at the later ones, and will not (RFC 9113, section 6.8).
        waiting.each(|stream| {
            if stream.id > last {
                stream.was_refused = true;
                stream.fail(given_up("connection", reason));
            }
        });
        Ok(())
    }

    fn grant(&mut self, frame: Frame<'_>, waiting: &mut impl Waiting) -> Result<(), Error> {
        let more = number(frame.payload)? & frame::LARGEST;
        let widened = if frame.stream == 0 {
            &mut self.window
        } else {
            self.check(frame.stream)?;
            let Some((stream, _)) = waiting.on(frame.stream) else { return Ok(()) };
            &mut stream.window
        };
        *widened += i64::from(more);
        let fits = more > 0 && *widened <= i64::from(frame::LARGEST);
        if fits { Ok(()) } else { Err(window()) }
    }

    /// Why there will be no answer on this stream, now that the connection is closed.
    pub(super) fn closed(&self, stream: &Stream, reply: &Reply) -> Error {
        match self.goodbye {
            Some(reason) if reason != reason::NO_ERROR => given_up("connection", reason),
            _ if stream.awaits == Awaits::Body => {
                Error::closed("connection closed in the middle of the body")
            }
            _ if !reply.is_untouched() || self.block.is_some() => {
                Error::closed("connection closed in the middle of the head")
            }
            _ => Error::closed("connection closed before an answer"),
        }
    }

    /// No request is to be begun after those in hand.
    pub(super) fn end(&mut self) {
        self.goodbye = Some(reason::PROTOCOL_ERROR);
    }

    /// Whether another request can be begun.
    pub(super) fn takes_more(&self) -> bool {
        self.goodbye.is_none() && self.latest < frame::LARGEST - 2
    }

    fn out(&mut self) -> &mut Vec<u8> {
        self.out.get_or_insert_with(Buf::small)
    }

    /// A server of which nothing was ever heard in HTTP/2 may not know it, unless it was agreed upon.
    #[cold]
    pub(super) fn explained(&self, origin: &Origin, error: Error) -> Error {
        if self.has_greeted || origin.secure {
            return error;
        }
        let text = "no answer in HTTP/2, which --http2 takes for granted without TLS";
        Error::new(error.kind(), format!("{text}: {error}"))
    }
}

/// The payload of a frame that is about the whole connection.
fn of_connection(frame: Frame<'_>, fits: bool) -> Result<&[u8], Error> {
    if frame.stream != 0 {
        return Err(unasked());
    }
    if fits { Ok(frame.payload) } else { Err(wrong_length()) }
}

/// A payload that is one number.
fn number(payload: &[u8]) -> Result<u32, Error> {
    payload.try_into().map(u32::from_be_bytes).map_err(|_| wrong_length())
}
