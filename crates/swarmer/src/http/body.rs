//! Framing: where a response's body ends (RFC 9112, section 6).
//!
//! [`Framing`] is fed the bytes as they come, in pieces of any size, and leaves only the payload in place. It owns
//! no buffer and does no I/O.

use super::error::{Error, ErrorKind};

/// Bytes of chunk extensions and trailers a whole body may carry; nobody needs more, and a hostile server could
/// otherwise keep a client busy without ever sending payload.
const OVERHEAD_LIMIT: usize = 16 * 1024;

/// How the end of a body is known, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes are left.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked(Chunked),
    /// The body ends where the connection does.
    UntilClose,
}

/// What a piece of input came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// Bytes of input used; less than given only when the body ended within.
    pub(super) used: usize,
    /// Bytes of payload, now at the front of the input.
    pub(super) kept: usize,
    /// Whether the body is complete.
    pub(super) done: bool,
}

impl Framing {
    /// A chunked body from its first byte.
    pub(super) fn chunked() -> Self {
        Self::Chunked(Chunked { state: State::Size, size: 0, digits: 0, overhead: 0 })
    }

    /// Takes the next bytes and moves their payload to the front of `input`.
    ///
    /// `limit` is how many bytes of payload may still come: a chunk that announces more fails at once.
    #[inline]
    pub(super) fn advance(&mut self, input: &mut [u8], limit: usize) -> Result<Progress, Error> {
        match self {
            Self::Length(left) => {
                let used = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                *left -= used as u64;
                Ok(Progress { used, kept: used, done: *left == 0 })
            }
            Self::Chunked(chunked) => chunked.advance(input, limit),
            Self::UntilClose => Ok(Progress { used: input.len(), kept: input.len(), done: false }),
        }
    }

    /// Whether the connection's end is a proper end of this body.
    pub(super) fn may_end_here(&self) -> bool {
        matches!(self, Self::UntilClose | Self::Length(0))
    }

    /// Bytes known to be still on their way.
    pub(super) fn expected(&self) -> u64 {
        match self {
            Self::Length(left) => *left,
            Self::Chunked(Chunked { state: State::Data, size, .. }) => *size,
            Self::Chunked(_) | Self::UntilClose => 0,
        }
    }
}

/// The state of a chunked body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunked {
    state: State,
    /// The size being read, then the payload bytes left in this chunk.
    size: u64,
    digits: u8,
    overhead: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// At the start of a trailer line, or of the empty line that ends the body.
    TrailerStart,
    Trailer,
    TrailerLf,
    EndLf,
    Done,
}

impl Chunked {
    fn advance(&mut self, input: &mut [u8], limit: usize) -> Result<Progress, Error> {
        let (mut at, mut kept) = (0, 0);
        while at < input.len() && self.state != State::Done {
            if self.state == State::Data {
                let take = usize::try_from(self.size).unwrap_or(usize::MAX).min(input.len() - at);
                input.copy_within(at..at + take, kept);
                at += take;
                kept += take;
                self.size -= take as u64;
                if self.size == 0 {
                    self.state = State::DataCr;
                }
                continue;
            }
            self.control(input[at])?;
            at += 1;
            if self.state == State::Data && self.size > limit.saturating_sub(kept) as u64 {
                return Err(Error::new(ErrorKind::TooLarge, "a chunk larger than the limit"));
            }
        }
        Ok(Progress { used: at, kept, done: self.state == State::Done })
    }

    /// One byte outside of payload.
    fn control(&mut self, byte: u8) -> Result<(), Error> {
        self.state = match (self.state, byte) {
            (State::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                self.digits += 1;
                // Sixteen digits fill 64 bits; zeros in front count too, so that the line stays bounded.
                if self.digits > 16 {
                    return Err(Error::protocol("chunk size of more than 16 digits"));
                }
                self.size = self.size << 4 | u64::from(digit);
                State::Size
            }
            (State::Size, b';' | b' ' | b'\t') if self.digits > 0 => State::Extension,
            (State::Size, b'\r') if self.digits > 0 => State::SizeLf,
            (State::Size, _) => return Err(Error::protocol("malformed chunk size")),
            (State::Extension, b'\r') => State::SizeLf,
            (State::SizeLf, b'\n') => {
                self.digits = 0;
                if self.size == 0 { State::TrailerStart } else { State::Data }
            }
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size,
            (State::TrailerStart, b'\r') => State::EndLf,
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::TrailerLf, b'\n') => State::TrailerStart,
            (State::EndLf, b'\n') => State::Done,
            (State::Extension | State::TrailerStart | State::Trailer, b'\n' | 0) => {
                return Err(Error::protocol("stray control character between chunks"));
            }
            (State::Extension, _) => self.overhead(State::Extension)?,
            (State::TrailerStart | State::Trailer, _) => self.overhead(State::Trailer)?,
            _ => return Err(Error::protocol("chunk does not end where its size says")),
        };
        Ok(())
    }

    fn overhead(&mut self, next: State) -> Result<State, Error> {
        self.overhead += 1;
        if self.overhead > OVERHEAD_LIMIT {
            return Err(Error::protocol("more than 16 KiB of chunk extensions and trailers"));
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds `wire` in pieces that end at `cuts`; the payload, and the bytes used if the body ended.
    fn feed(wire: &[u8], cuts: &[usize], limit: usize) -> Result<(Vec<u8>, Option<usize>), Error> {
        let mut framing = Framing::chunked();
        let mut payload = Vec::new();
        let mut at = 0;
        for &cut in cuts.iter().chain([&wire.len()]) {
            let mut piece = wire[at..cut.max(at)].to_vec();
            let progress = framing.advance(&mut piece, limit - payload.len())?;
            payload.extend_from_slice(&piece[..progress.kept]);
            at += progress.used;
            if progress.done {
                return Ok((payload, Some(at)));
            }
        }
        Ok((payload, None))
    }

    #[test]
    fn a_chunked_body_with_extensions_and_trailers_survives_every_split() {
        let wire =
            b"5;a=\"b\"\r\nhello\r\n00006 \r\n world\r\n0;end\r\nX-Sum: 1\r\nY: 2\r\n\r\nSURPLUS";
        let expected = (b"hello world".to_vec(), Some(wire.len() - 7));
        for first in 0..wire.len() {
            for second in first..wire.len() {
                assert_eq!(
                    feed(wire, &[first, second], 100).unwrap(),
                    expected,
                    "{first} {second}"
                );
            }
        }
        let each: Vec<usize> = (0..wire.len()).collect();
        assert_eq!(feed(wire, &each, 100).unwrap(), expected);
    }

    #[test]
    fn faulty_chunks_are_refused() {
        let cases: &[(&[u8], &str)] = &[
            (b"\r\n", "malformed chunk size"),
            (b"-1\r\n", "malformed chunk size"),
            (b"0x5\r\n", "malformed chunk size"),
            (b";a\r\n", "malformed chunk size"),
            (b"5\n", "malformed chunk size"),
            (b"00000000000000000\r\n", "chunk size of more than 16 digits"),
            (b"1\r\nab", "chunk does not end where its size says"),
            (b"1\r\na\rb", "chunk does not end where its size says"),
            (b"1\rX", "chunk does not end where its size says"),
            (b"1;x\n", "stray control character between chunks"),
            (b"0\r\n\n", "stray control character between chunks"),
            (b"ffffffffffffffff\r\n", "a chunk larger than the limit"),
            (b"65\r\n", "a chunk larger than the limit"),
        ];
        for (wire, text) in cases {
            assert_eq!(feed(wire, &[], 100).unwrap_err().to_string(), *text, "{wire:?}");
        }
    }

    #[test]
    fn endless_extensions_and_trailers_end() {
        let mut wire = b"1;".to_vec();
        wire.resize(OVERHEAD_LIMIT + 3, b'x');
        assert!(feed(&wire, &[], 100).is_err());
        let mut wire = b"0\r\n".to_vec();
        while wire.len() < 2 * OVERHEAD_LIMIT {
            wire.extend_from_slice(b"a: b\r\n");
        }
        assert!(feed(&wire, &[], 100).is_err());
    }

    proptest! {
        #[test]
        fn what_was_chunked_comes_out_however_it_is_cut(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
            mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        ) {
            let mut wire = Vec::new();
            for chunk in &chunks {
                wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                wire.extend_from_slice(chunk);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\n\r\n");
            let mut cuts: Vec<usize> = cuts.drain(..).map(|cut| cut.index(wire.len())).collect();
            cuts.sort_unstable();
            let (payload, used) = feed(&wire, &cuts, 1000).unwrap();
            prop_assert_eq!(payload, chunks.concat());
            prop_assert_eq!(used, Some(wire.len()));
        }

        #[test]
        fn any_bytes_give_the_same_result_however_they_are_cut(
            wire in prop::collection::vec(prop::sample::select(b"01aF;\r\nx \0".to_vec()), 0..60),
            cut in any::<prop::sample::Index>(),
        ) {
            let cut = if wire.is_empty() { 0 } else { cut.index(wire.len()) };
            prop_assert_eq!(feed(&wire, &[], 50), feed(&wire, &[cut], 50));
        }
    }
}
