//! HTTP/2 over a connection of a user's own, which carries one request at a time (RFC 9113).
//!
//! It is spoken by this module itself, as HTTP/1.1 is: the user's task writes and reads its socket, without a task of the
//! connection beside it, and most of a request is said in a few bytes that are compared, not made. Requests and answers
//! are in their forms of HTTP/1.1, so that everything above is the same code for both.
//!
//! | part | task |
//! |---|---|
//! | [`frame`] | frames, from and to bytes |
//! | [`table`], [`huffman`] | what HPACK has numbers for, and its code |
//! | [`outgoing`], [`incoming`] | header fields of requests and answers |
//! | [`Session`] | the conversation, without I/O |
//! | [`exchange`] | one exchange over a socket |

mod exchange;
mod frame;
mod huffman;
mod incoming;
mod outgoing;
#[cfg(test)]
mod surplus_tests;
mod table;
#[cfg(test)]
mod tests;

use h2::Reason;

use self::frame::{Frame, mark, setting};
use self::incoming::{Incoming, Part};
use self::outgoing::Outgoing;
use super::buffer::Buf;
use super::error::{Error, ErrorKind};
use super::head::HEAD_LIMIT;
use super::origin::Origin;
use super::reply::Reply;

/// What a server may send before we have read it, per request and per connection: enough that no answer of an API waits
/// for leave to go on.
pub(super) const STREAM_WINDOW: u32 = 1 << 20;
pub(super) const CONNECTION_WINDOW: u32 = 1 << 24;
/// Bytes of a request's body that are made ready before they can be written.
const READY: usize = 64 * 1024;
/// Bytes that may wait to be written because a server asks and does not read the answers.
const UNWRITTEN: usize = 256 * 1024;

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
    block: Option<Block>,
    /// Of the request in hand, or the latest one.
    stream: Stream,
    /// Bytes that may be sent over the connection.
    window: i64,
    /// Bytes that came since more were granted.
    taken: u32,
    /// What may be sent for a request at first, and in one frame.
    first_window: i64,
    largest_payload: usize,
    /// The server has said something in HTTP/2.
    has_greeted: bool,
    /// Why the server takes no more requests, if it said so.
    goodbye: Option<u32>,
    /// The server has said that it did not look at the request.
    was_refused: bool,
}

/// Where a request and its answer are.
#[derive(Debug)]
struct Stream {
    /// Odd, as all that clients begin.
    id: u32,
    awaits: Awaits,
    window: i64,
    taken: u32,
    /// Where the part of the request begins that is not in frames yet.
    unframed: usize,
    /// All of the request is in frames.
    is_framed: bool,
}

/// What is to come of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaits {
    Nothing,
    Head,
    Body,
}

/// A block of fields so far.
#[derive(Debug)]
struct Block {
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
            (setting::INITIAL_WINDOW_SIZE, STREAM_WINDOW),
            (setting::MAX_HEADER_LIST_SIZE, HEAD_LIMIT as u32),
        ];
        let start = frame::begin(&mut out, frame::SETTINGS, 0, 0);
        for (number, value) in settings {
            out.extend_from_slice(&u16::to_be_bytes(number));
            out.extend_from_slice(&u32::to_be_bytes(value));
        }
        frame::end(&mut out, start);
        let more = (CONNECTION_WINDOW - frame::WINDOW).to_be_bytes();
        frame::push(&mut out, frame::WINDOW_UPDATE, 0, 0, &[&more]);
        let first_window = i64::from(frame::WINDOW);
        Self {
            out: Some(out),
            written: 0,
            unread: None,
            outgoing: Outgoing::new(),
            incoming: Incoming::new(),
            block: None,
            stream: Stream {
                id: 0,
                awaits: Awaits::Nothing,
                window: 0,
                taken: 0,
                unframed: 0,
                is_framed: true,
            },
            window: first_window,
            taken: 0,
            first_window,
            largest_payload: frame::PAYLOAD,
            has_greeted: false,
            goodbye: None,
            was_refused: false,
        }
    }

    /// Begins the request `wire`, which is in its form in HTTP/1.1.
    ///
    /// # Errors
    /// Of kind [`Invalid`](ErrorKind::Invalid) if it does not have that form.
    pub(super) fn begin(&mut self, wire: &[u8], origin: &Origin) -> Result<(), Error> {
        let id = if self.stream.id == 0 { 1 } else { self.stream.id + 2 };
        let mut out = self.out.take().unwrap_or_else(Buf::small);
        let start = frame::begin(&mut out, frame::HEADERS, 0, id);
        let body = self.outgoing.write(wire, origin.secure, &origin.authority, &mut out)?;
        let is_framed = body == wire.len();
        let end = if is_framed { mark::END_STREAM } else { 0 };
        if out.len() - start - frame::HEAD <= self.largest_payload {
            out[start + 4] = end | mark::END_HEADERS;
            frame::end(&mut out, start);
        } else {
            self.split(&mut out, start, end);
        }
        self.out = Some(out);
        let (window, awaits) = (self.first_window, Awaits::Head);
        self.stream = Stream { id, awaits, window, taken: 0, unframed: body, is_framed };
        self.was_refused = false;
        self.frame_body(wire);
        Ok(())
    }

    /// Cuts the block that begins behind the head at `start` into frames.
    #[cold]
    fn split(&self, out: &mut Buf, start: usize, mut marks: u8) {
        let block = out.split_off(start + frame::HEAD);
        let stream =
            u32::from_be_bytes([out[start + 5], out[start + 6], out[start + 7], out[start + 8]]);
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
    fn frame_body(&mut self, wire: &[u8]) {
        while !self.stream.is_framed && self.unwritten().len() < READY {
            let rest = &wire[self.stream.unframed..];
            let granted = usize::try_from(self.window.min(self.stream.window)).unwrap_or(0);
            let length = rest.len().min(granted).min(self.largest_payload);
            if length == 0 {
                return;
            }
            let is_last = length == rest.len();
            let (marks, id) = (if is_last { mark::END_STREAM } else { 0 }, self.stream.id);
            frame::push(self.out(), frame::DATA, marks, id, &[&rest[..length]]);
            let sent = i64::try_from(length).unwrap_or(i64::MAX);
            self.window -= sent;
            self.stream.window -= sent;
            self.stream.unframed += length;
            self.stream.is_framed = is_last;
        }
    }

    /// What is to be written; nothing where the server does not take more.
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

    /// Whether all of the request was made ready to be written.
    pub(super) fn is_framed(&self) -> bool {
        self.stream.is_framed
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

    /// Digests what was appended to [`room`](Self::room); true once the answer is complete.
    ///
    /// # Errors
    /// What is wrong with it. The connection is of no use then.
    pub(super) fn received(&mut self, reply: &mut Reply) -> Result<bool, Error> {
        let Some(mut unread) = self.unread.take() else { return Ok(false) };
        let (mut at, is_complete) = self.digest(&unread, reply)?;
        if is_complete {
            // What is wrong behind an answer costs the connection only: it may as well have come too late to be seen.
            match self.digest(&unread[at..], reply) {
                Ok((length, _)) => at += length,
                Err(_) => (at, self.goodbye) = (unread.len(), Some(Reason::PROTOCOL_ERROR.into())),
            }
        }
        if at < unread.len() {
            unread.drain(..at);
            self.unread = Some(unread);
        }
        Ok(is_complete)
    }

    /// Whole frames from the front of `bytes`, up to the one that completes the answer; how many bytes, and whether one does.
    fn digest(&mut self, bytes: &[u8], reply: &mut Reply) -> Result<(usize, bool), Error> {
        let mut at = 0;
        while let Some(frame) = Frame::first(&bytes[at..])? {
            at += frame.length();
            if self.take(frame, reply)? {
                return Ok((at, true));
            }
        }
        if self.unwritten().len() > UNWRITTEN {
            return Err(Error::protocol("HTTP/2: the server asks and does not read the answers"));
        }
        Ok((at, false))
    }

    /// One frame; true if the answer is complete with it.
    fn take(&mut self, frame: Frame<'_>, reply: &mut Reply) -> Result<bool, Error> {
        if !self.has_greeted && (frame.kind != frame::SETTINGS || frame.is_marked(mark::ACK)) {
            return Err(Error::protocol("HTTP/2: the server does not begin with its settings"));
        }
        self.has_greeted = true;
        if self.block.is_some() && frame.kind != frame::CONTINUATION {
            return Err(Error::protocol("HTTP/2: a head that is not continued"));
        }
        match frame.kind {
            frame::DATA => return self.data(frame, reply),
            frame::HEADERS => return self.headers(frame, reply),
            frame::CONTINUATION => return self.continuation(frame, reply),
            frame::RST_STREAM => self.reset(frame)?,
            frame::SETTINGS => self.settings(frame)?,
            frame::PING => {
                let question = of_connection(frame, frame.payload.len() == 8)?;
                if !frame.is_marked(mark::ACK) {
                    frame::push(self.out(), frame::PING, mark::ACK, 0, &[question]);
                }
            }
            frame::GOAWAY => self.goodbye(frame)?,
            frame::WINDOW_UPDATE => self.grant(frame)?,
            frame::PUSH_PROMISE => {
                return Err(Error::protocol("HTTP/2: a push, which nobody asked for"));
            }
            // Priorities are for servers; what is not known is to be passed over (RFC 9113, section 4.1).
            _ => {}
        }
        Ok(false)
    }

    fn data(&mut self, frame: Frame<'_>, reply: &mut Reply) -> Result<bool, Error> {
        let is_wanted = self.is_wanted(frame.stream)?;
        // Padding counts too, and what nobody waits for any more.
        let length = u32::try_from(frame.payload.len()).unwrap_or(u32::MAX);
        self.taken = taken(self.taken, length, CONNECTION_WINDOW)?;
        if self.taken >= CONNECTION_WINDOW / 2 {
            let more = std::mem::take(&mut self.taken).to_be_bytes();
            frame::push(self.out(), frame::WINDOW_UPDATE, 0, 0, &[&more]);
        }
        if !is_wanted {
            return Ok(false);
        }
        if self.stream.awaits == Awaits::Head {
            return Err(Error::protocol("HTTP/2: a body before its head"));
        }
        let ends = frame.is_marked(mark::END_STREAM);
        self.stream.taken = taken(self.stream.taken, length, STREAM_WINDOW)?;
        if self.stream.taken >= STREAM_WINDOW / 2 && !ends {
            let more = std::mem::take(&mut self.stream.taken).to_be_bytes();
            frame::push(self.out(), frame::WINDOW_UPDATE, 0, frame.stream, &[&more]);
        }
        reply.add_body(frame.content()?)?;
        if ends { self.complete(reply) } else { Ok(false) }
    }

    fn headers(&mut self, frame: Frame<'_>, reply: &mut Reply) -> Result<bool, Error> {
        let mut content = frame.content()?;
        if frame.is_marked(mark::PRIORITY) {
            content = content.get(5..).ok_or_else(|| wrong_length())?;
        }
        self.is_wanted(frame.stream)?;
        if frame.is_marked(mark::END_HEADERS) {
            return self.fields(frame.stream, frame.marks, content, reply);
        }
        let Frame { stream, marks, .. } = frame;
        self.block = Some(Block { stream, marks, bytes: content.to_vec() });
        Ok(false)
    }

    fn continuation(&mut self, frame: Frame<'_>, reply: &mut Reply) -> Result<bool, Error> {
        let block = self.block.take().filter(|block| block.stream == frame.stream);
        let mut block =
            block.ok_or_else(|| Error::protocol("HTTP/2: a continuation of nothing"))?;
        block.bytes.extend_from_slice(frame.payload);
        if block.bytes.len() > HEAD_LIMIT {
            return Err(Error::protocol("a head of more than 64 KiB"));
        }
        if frame.is_marked(mark::END_HEADERS) {
            return self.fields(block.stream, block.marks, &block.bytes, reply);
        }
        // A frame without a byte is never needed, and there could be no end of them.
        if frame.payload.is_empty() {
            return Err(Error::protocol("HTTP/2: a continuation without a byte"));
        }
        self.block = Some(block);
        Ok(false)
    }

    /// A whole block of fields.
    fn fields(
        &mut self,
        stream: u32,
        marks: u8,
        block: &[u8],
        reply: &mut Reply,
    ) -> Result<bool, Error> {
        let ends = marks & mark::END_STREAM != 0;
        match self.stream.awaits {
            Awaits::Head if stream == self.stream.id => {
                self.incoming.read(block, Part::Head, reply.room())?;
                if !reply.add_head()? {
                    return if ends {
                        Err(Error::protocol("HTTP/2: nothing but an interim answer"))
                    } else {
                        Ok(false)
                    };
                }
                self.stream.awaits = Awaits::Body;
                if ends { self.complete(reply) } else { Ok(false) }
            }
            Awaits::Body if stream == self.stream.id => {
                self.incoming.read(block, Part::Trailers, &mut Buf::small())?;
                if ends {
                    self.complete(reply)
                } else {
                    Err(Error::protocol("HTTP/2: a second head"))
                }
            }
            _ => {
                self.incoming.read(block, Part::Unwanted, &mut Buf::small())?;
                Ok(false)
            }
        }
    }

    fn complete(&mut self, reply: &mut Reply) -> Result<bool, Error> {
        self.stream.awaits = Awaits::Nothing;
        reply.end()?;
        Ok(true)
    }

    /// Whether somebody waits for what comes on this stream.
    fn is_wanted(&self, stream: u32) -> Result<bool, Error> {
        if stream == 0 || stream > self.stream.id || stream.is_multiple_of(2) {
            return Err(unasked());
        }
        Ok(stream == self.stream.id && self.stream.awaits != Awaits::Nothing)
    }

    fn reset(&mut self, frame: Frame<'_>) -> Result<(), Error> {
        let reason = number(frame.payload)?;
        if !self.is_wanted(frame.stream)? {
            return Ok(());
        }
        self.stream.awaits = Awaits::Nothing;
        self.was_refused = Reason::from(reason) == Reason::REFUSED_STREAM;
        Err(given_up("request", reason))
    }

    fn settings(&mut self, frame: Frame<'_>) -> Result<(), Error> {
        let is_answer = frame.is_marked(mark::ACK);
        let length = frame.payload.len();
        let fits = if is_answer { length == 0 } else { length.is_multiple_of(6) };
        for entry in of_connection(frame, fits)?.chunks_exact(6) {
            let value = number(&entry[2..])?;
            let size = usize::try_from(value).unwrap_or(usize::MAX);
            match u16::from_be_bytes([entry[0], entry[1]]) {
                setting::HEADER_TABLE_SIZE => self.outgoing.set_limit(size),
                setting::INITIAL_WINDOW_SIZE if value > frame::LARGEST => return Err(window()),
                setting::INITIAL_WINDOW_SIZE => {
                    // Holds for the request in hand too (RFC 9113, section 6.9.2).
                    self.stream.window += i64::from(value) - self.first_window;
                    self.first_window = i64::from(value);
                }
                setting::MAX_FRAME_SIZE => {
                    if !(frame::PAYLOAD..=frame::LARGEST_PAYLOAD).contains(&size) {
                        return Err(Error::protocol(
                            "HTTP/2: a size of frames that is not allowed",
                        ));
                    }
                    self.largest_payload = size;
                }
                _ => {}
            }
        }
        if !is_answer {
            frame::push(self.out(), frame::SETTINGS, mark::ACK, 0, &[]);
        }
        Ok(())
    }

    fn goodbye(&mut self, frame: Frame<'_>) -> Result<(), Error> {
        let payload = of_connection(frame, frame.payload.len() >= 8)?;
        let (last, reason) = (number(&payload[..4])? & frame::LARGEST, number(&payload[4..8])?);
        self.goodbye = Some(reason);
        if self.stream.awaits == Awaits::Nothing || self.stream.id <= last {
            return Ok(());
        }
        // It did not look at the request, and will not (RFC 9113, section 6.8).
        self.was_refused = true;
        Err(given_up("connection", reason))
    }

    fn grant(&mut self, frame: Frame<'_>) -> Result<(), Error> {
        let more = number(frame.payload)? & frame::LARGEST;
        if more == 0 {
            return Err(window());
        }
        let widened = if frame.stream == 0 {
            &mut self.window
        } else if self.is_wanted(frame.stream)? {
            &mut self.stream.window
        } else {
            return Ok(());
        };
        *widened += i64::from(more);
        if *widened > i64::from(frame::LARGEST) { Err(window()) } else { Ok(()) }
    }

    /// Why there will be no answer, now that the connection is closed.
    pub(super) fn closed(&self, reply: &Reply) -> Error {
        match self.goodbye {
            Some(reason) if reason != 0 => given_up("connection", reason),
            _ if self.stream.awaits == Awaits::Body => {
                Error::closed("connection closed in the middle of the body")
            }
            _ if !reply.is_untouched() || self.block.is_some() => {
                Error::closed("connection closed in the middle of the head")
            }
            _ => Error::closed("connection closed before an answer"),
        }
    }

    /// Nobody waits for the answer any more, of which the server is told.
    pub(super) fn cancel(&mut self) {
        if self.stream.awaits != Awaits::Nothing || !self.stream.is_framed {
            let (id, reason) = (self.stream.id, u32::from(Reason::CANCEL).to_be_bytes());
            frame::push(self.out(), frame::RST_STREAM, 0, id, &[&reason]);
            (self.stream.awaits, self.stream.is_framed) = (Awaits::Nothing, true);
        }
    }

    /// Whether the server has said that it did not look at the request in hand.
    pub(super) fn was_refused(&self) -> bool {
        self.was_refused
    }

    /// Whether the server has said anything in HTTP/2.
    pub(super) fn has_greeted(&self) -> bool {
        self.has_greeted
    }

    /// Whether another request can be begun, now that none is in hand.
    pub(super) fn takes_more(&self) -> bool {
        self.goodbye.is_none() && self.stream.id < frame::LARGEST - 2 && self.block.is_none()
    }

    fn out(&mut self) -> &mut Vec<u8> {
        self.out.get_or_insert_with(Buf::small)
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

/// What has come of a window of this size since it was opened anew.
fn taken(before: u32, more: u32, size: u32) -> Result<u32, Error> {
    before.checked_add(more).filter(|taken| *taken <= size).ok_or_else(window)
}

#[cold]
fn window() -> Error {
    Error::protocol("HTTP/2: flow control is not kept")
}

#[cold]
fn wrong_length() -> Error {
    Error::protocol("HTTP/2: a frame of a wrong length")
}

#[cold]
fn unasked() -> Error {
    Error::protocol("HTTP/2: a frame on a stream that it cannot be on")
}

/// The server's own word for it.
#[cold]
fn given_up(what: &str, reason: u32) -> Error {
    let reason = Reason::from(reason);
    Error::new(
        ErrorKind::Closed,
        format!("HTTP/2: server gave up the {what}: {}", reason.description()),
    )
}
