//! One answer as it arrives: bytes in, head and body out, no I/O.
//!
//! Head and body share one buffer. The body is unframed in place, so a small answer is never copied: one read, one
//! parse.

use super::body::Framing;
use super::buffer::Buf;
use super::error::{Error, ErrorKind};
use super::head::{self, HEAD_LIMIT, Head};

/// Interim answers (1xx) accepted before the final one.
const INTERIM_LIMIT: u32 = 32;
/// The most a server's word about the body's length may make the buffer grow ahead of the bytes themselves.
const RESERVE_LIMIT: usize = 1 << 20;

/// The answer to one request, complete or not.
#[expect(clippy::struct_excessive_bools, reason = "each is a question that somebody asks")]
#[derive(Debug)]
pub(super) struct Reply {
    /// Empty until the socket can be read, so that waiting for an answer costs no buffer.
    buf: Option<Buf>,
    head: Option<Head>,
    /// Up to where `buf` holds head and unframed body; what lies behind came with the last read.
    settled: usize,
    interim: u32,
    answers_head: bool,
    surplus: bool,
    done: bool,
    /// The server has said something of the request, if not an answer.
    given_up: bool,
    body_limit: usize,
}

impl Reply {
    /// Waits for the answer to a request; `answers_head` if that was a HEAD.
    pub(super) fn new(answers_head: bool, body_limit: usize) -> Self {
        Self {
            buf: None,
            head: None,
            settled: 0,
            interim: 0,
            answers_head,
            surplus: false,
            done: false,
            given_up: false,
            body_limit,
        }
    }

    /// Whether nothing has come: the server may not even know of the request.
    pub(super) fn is_untouched(&self) -> bool {
        let is_empty = self.buf.as_ref().is_none_or(|buf| buf.is_empty());
        is_empty && self.interim == 0 && !self.given_up
    }

    /// The server knows of the request and will not answer it.
    pub(super) fn give_up(&mut self) {
        self.given_up = true;
    }

    /// Gives the buffer back while nothing is in it.
    pub(super) fn rest(&mut self) {
        if self.buf.as_ref().is_some_and(|buf| buf.is_empty()) {
            self.buf = None;
        }
    }

    /// The buffer to append the next bytes to, with room in it; then comes [`received`](Self::received).
    pub(super) fn room(&mut self) -> &mut Vec<u8> {
        let buf = self.buf.get_or_insert_with(Buf::large);
        let expected = self.head.as_ref().map_or(0, |head| head.framing.expected());
        let expected = usize::try_from(expected).unwrap_or(RESERVE_LIMIT).min(RESERVE_LIMIT);
        // One byte more than expected: a read that does not fill the buffer tells that the socket is drained
        // and saves the system call that would ask.
        if buf.capacity() - buf.len() <= expected || buf.capacity() == buf.len() {
            buf.reserve(expected + 1);
        }
        buf
    }

    /// Digests what was appended to [`room`](Self::room); true once the answer is complete.
    pub(super) fn received(&mut self) -> Result<bool, Error> {
        let Self { buf: Some(buf), .. } = self else { return Ok(false) };
        while self.head.is_none() {
            if buf.first().is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
                return Err(Error::protocol("an empty line before the status line"));
            }
            if !may_hold_head(buf, self.settled) {
                self.settled = buf.len();
                return incomplete(buf, self.answers_head);
            }
            let Some(head) = head::parse(buf, self.answers_head)? else {
                self.settled = buf.len();
                return incomplete(buf, self.answers_head);
            };
            self.settled = head.length;
            if head.status >= 200 {
                if head.framing.expected() > self.body_limit as u64 {
                    return Err(Error::new(
                        ErrorKind::TooLarge,
                        "a Content-Length larger than the limit",
                    ));
                }
                self.head = Some(head);
            } else {
                self.interim += 1;
                if head.status == 101 {
                    return Err(Error::protocol("switched protocols without being asked to"));
                }
                if self.interim > INTERIM_LIMIT {
                    return Err(Error::protocol("more than 32 interim answers"));
                }
                buf.drain(..head.length);
                self.settled = 0;
                if buf.is_empty() {
                    return Ok(false);
                }
            }
        }
        self.unframe()
    }

    /// Moves the payload of the newest bytes to the end of the body.
    fn unframe(&mut self) -> Result<bool, Error> {
        let (Some(buf), Some(head)) = (&mut self.buf, &mut self.head) else { return Ok(false) };
        let so_far = self.settled - head.length;
        let fresh = &mut buf[self.settled..];
        let progress = head.framing.advance(fresh, self.body_limit - so_far)?;
        self.surplus = progress.used < fresh.len();
        self.settled += progress.kept;
        buf.truncate(self.settled);
        if so_far + progress.kept > self.body_limit {
            return Err(Error::new(ErrorKind::TooLarge, "an answer larger than the limit"));
        }
        self.done = progress.done;
        Ok(self.done)
    }

    /// Digests a whole head in [`room`](Self::room) of an answer in HTTP/2, where frames tell how far head and body go;
    /// false if that was an interim one.
    pub(super) fn add_head(&mut self) -> Result<bool, Error> {
        // A head always leads somewhere: to be received or to an error.
        self.received()?;
        let Some(head) = &mut self.head else { return Ok(false) };
        self.done = false;
        head.keep_alive = true;
        Ok(true)
    }

    /// Adds a piece of the body, out of its frame.
    pub(super) fn add_body(&mut self, piece: &[u8]) -> Result<(), Error> {
        let (Some(buf), Some(head)) = (&mut self.buf, &mut self.head) else { return Ok(()) };
        if let Framing::Length(left) = &mut head.framing {
            let rest = left.checked_sub(piece.len() as u64);
            *left = rest.ok_or_else(|| Error::protocol("HTTP/2: a body longer than its length"))?;
        }
        if buf.len() - head.length + piece.len() > self.body_limit {
            return Err(Error::new(ErrorKind::TooLarge, "an answer larger than the limit"));
        }
        buf.extend_from_slice(piece);
        self.settled = buf.len();
        Ok(())
    }

    /// Nothing more comes of an answer in frames.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        if self.head.as_ref().is_some_and(|head| head.framing.expected() > 0) {
            return Err(Error::protocol("HTTP/2: a body shorter than its length"));
        }
        self.done = true;
        Ok(())
    }

    /// The server closed the connection: the proper end of some answers, the failure of others.
    pub(super) fn closed(&mut self) -> Result<(), Error> {
        match &self.head {
            Some(head) if head.framing.may_end_here() => {
                self.done = true;
                Ok(())
            }
            Some(_) => Err(Error::closed("connection closed in the middle of the body")),
            // The bytes may have been something else than HTTP all along: then that is the news.
            None => match &self.buf {
                Some(buf) if !buf.is_empty() => {
                    head::parse(buf, self.answers_head).and_then(|_| {
                        Err(Error::closed("connection closed in the middle of the head"))
                    })
                }
                _ => Err(Error::closed("connection closed before an answer")),
            },
        }
    }

    /// Whether the connection can serve another request.
    pub(super) fn leaves_connection_usable(&self) -> bool {
        self.done && !self.surplus && self.head.as_ref().is_some_and(|head| head.keep_alive)
    }

    /// Head and unframed body as far as they have come.
    pub(super) fn so_far(&self) -> &[u8] {
        self.buf.as_deref().map_or(&[], Vec::as_slice)
    }

    /// What failed in time: nothing, or the rest.
    pub(super) fn missing(&self) -> &'static str {
        if self.is_untouched() { "no answer" } else { "no complete answer" }
    }

    /// The complete answer's head and its buffer: the body begins at `head.length`.
    pub(super) fn into_parts(self) -> Option<(Head, Buf)> {
        Some((self.head?, self.buf?)).filter(|_| self.done)
    }
}

/// Whether the head may end in the bytes from `from` on. The first bytes are always worth a look (most heads come
/// whole); after that only an empty line is, so that a server that drips bytes cannot make us parse each time.
fn may_hold_head(bytes: &[u8], from: usize) -> bool {
    if from == 0 {
        return true;
    }
    let tail = &bytes[from.saturating_sub(3)..];
    tail.windows(2).any(|pair| pair == b"\n\n") || tail.windows(3).any(|three| three == b"\n\r\n")
}

/// The head is not complete: fine, unless it is too long already, or has long been something else than a head.
fn incomplete(bytes: &[u8], answers_head: bool) -> Result<bool, Error> {
    if bytes.len() > HEAD_LIMIT {
        head::parse(bytes, answers_head)?;
        return Err(head::too_long());
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Outcome = Result<Option<(u16, Vec<u8>, bool)>, Error>;

    /// Feeds `wire` cut into pieces, then the end of the connection; stops as a client would.
    fn play(wire: &[u8], cuts: &[usize], then_closes: bool) -> Outcome {
        let mut reply = Reply::new(false, 1000);
        let mut at = 0;
        let mut done = false;
        for &cut in cuts.iter().chain([&wire.len()]) {
            if cut > at && !done {
                reply.room().extend_from_slice(&wire[at..cut]);
                at = cut;
                done = reply.received()?;
            }
        }
        if !done && then_closes {
            reply.closed()?;
        }
        let usable = reply.leaves_connection_usable() && at == wire.len();
        Ok(reply.into_parts().map(|(head, buf)| (head.status, buf[head.length..].to_vec(), usable)))
    }

    fn answers() -> Vec<(&'static [u8], &'static [u8], bool)> {
        vec![
            (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello", true),
            (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", b"hi", true),
            (b"HTTP/1.1 204 No Content\r\n\r\n", b"", true),
            (b"HTTP/1.1 200 OK\r\n\r\nuntil close", b"until close", false),
            (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", b"x", false),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;e\r\nd\r\n0\r\nT: 1\r\n\r\n",
                b"abcd",
                true,
            ),
            (
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                b"ok",
                true,
            ),
        ]
    }

    #[test]
    fn answers_survive_every_split() {
        for (wire, body, usable) in answers() {
            let expected = Some((if body.is_empty() { 204 } else { 200 }, body.to_vec(), usable));
            for first in 0..=wire.len() {
                for second in first..=wire.len() {
                    let got = play(wire, &[first, second], true).unwrap();
                    assert_eq!(got, expected, "{first} {second} of {:?}", wire.escape_ascii());
                }
            }
            let each: Vec<usize> = (0..wire.len()).collect();
            assert_eq!(play(wire, &each, true).unwrap(), expected);
        }
    }

    #[test]
    fn an_answer_cut_short_by_a_close_is_an_error_unless_it_ends_by_closing() {
        for (wire, _, _) in answers() {
            let closes = wire.ends_with(b"until close");
            for cut in 0..wire.len() {
                let outcome = play(&wire[..cut], &[], true);
                let whole_head = wire.windows(4).position(|four| four == b"\r\n\r\n");
                if closes && whole_head.is_some_and(|at| cut >= at + 4) {
                    assert!(outcome.unwrap().is_some());
                } else {
                    let kind = outcome.map_err(|error| error.kind());
                    assert_eq!(kind, Err(ErrorKind::Closed), "{cut} of {}", wire.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn surplus_bytes_cost_the_connection() {
        let wire = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n";
        assert_eq!(play(wire, &[], false).unwrap(), Some((200, b"x".to_vec(), false)));
    }

    #[test]
    fn limits_hold() {
        let kind = |wire: &[u8], cuts: &[usize]| play(wire, cuts, false).unwrap_err().kind();
        let large = b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n";
        assert_eq!(kind(large, &[]), ErrorKind::TooLarge);
        let huge = b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n";
        assert_eq!(kind(huge, &[]), ErrorKind::TooLarge);
        let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        endless.resize(1020, b'x');
        assert_eq!(kind(&endless, &[]), ErrorKind::TooLarge);
        let mut head = b"HTTP/1.1 200 OK\r\nA: ".to_vec();
        head.resize(HEAD_LIMIT + 1, b'x');
        assert_eq!(kind(&head, &[100]), ErrorKind::Protocol);
        let interim = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(33);
        assert_eq!(kind(&interim, &[]), ErrorKind::Protocol);
        let switched = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n";
        assert_eq!(kind(switched, &[]), ErrorKind::Protocol);
    }

    #[test]
    fn waiting_holds_no_buffer() {
        let mut reply = Reply::new(false, 1000);
        assert!(reply.buf.is_none());
        assert!(reply.room().capacity() > 0);
        reply.rest();
        assert!(reply.buf.is_none() && reply.is_untouched());
        reply.room().push(b'H');
        reply.rest();
        assert!(reply.buf.is_some() && !reply.is_untouched());
    }

    fn wire_like() -> impl Strategy<Value = Vec<u8>> {
        let words: Vec<&'static [u8]> = vec![
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 100 C\r\n\r\n",
            b"HTTP/1.0 304 N\r\n",
            b"Content-Length: 3\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Connection: close\r\n",
            b"\r\n",
            b"\n",
            b"3\r\nabc\r\n",
            b"0\r\n",
            b"x",
            b"\0",
            b": ",
        ];
        prop::collection::vec(prop::sample::select(words), 0..12).prop_map(|words| words.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn random_splits_give_equal_results(
            wire in wire_like(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(wire.len() + 1)).collect();
            cuts.sort_unstable();
            let whole = play(&wire, &[], true);
            let split = play(&wire, &cuts, true);
            // Where bytes follow a complete answer, whether they were seen depends on the cut.
            let without_usable = |outcome: Outcome| outcome.map(|o| o.map(|(status, body, _)| (status, body)));
            prop_assert_eq!(
                without_usable(whole).map_err(|error| error.kind()),
                without_usable(split).map_err(|error| error.kind())
            );
        }
    }
}
