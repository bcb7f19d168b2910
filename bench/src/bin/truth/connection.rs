//! One connection: requests in, one at a time; a fixed answer out.

use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;

use crate::poll::{note_arrivals, now, receive};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

/// A connection and what of it was not answered yet.
pub(crate) struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
    /// What is being answered, and when it arrived.
    pub(crate) pending: Option<(Ask, u64)>,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// `…/warm`, or anything unknown: an answer at once, which is not kept in the log.
    Unlogged,
    /// `/DIGIT…?ID`: an answer by the script, kept under both numbers; without `?ID` the second is 0.
    Logged { tag: u8, id: u64 },
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        note_arrivals(&stream)?;
        Ok(Self { stream, unread: Vec::with_capacity(512), pending: None })
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Takes in what has come, and says when it arrived. `None` when no more will.
    pub(crate) fn receive(&mut self) -> Option<u64> {
        let mut chunk = [0; 4_096];
        match receive(&self.stream, &mut chunk) {
            Ok((0, _)) => None,
            Ok((length, arrival)) => {
                self.unread.extend_from_slice(&chunk[..length]);
                (self.unread.len() <= 64 * 1_024).then_some(arrival)
            }
            Err(error) => {
                matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted).then(now)
            }
        }
    }

    /// The next whole request that has come, unless one is being answered.
    pub(crate) fn next(&mut self) -> Option<Ask> {
        if self.pending.is_some() {
            return None;
        }
        let end = self.unread.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let ask = asked(&self.unread[..end]);
        self.unread.drain(..end);
        Some(ask)
    }

    /// Sends the answer, which always fits into an empty socket buffer. `false` when the other side has gone.
    pub(crate) fn answer(&mut self) -> bool {
        self.stream.write_all(ANSWER).is_ok()
    }
}

fn asked(head: &[u8]) -> Ask {
    let target = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let digits = |bytes: &[u8]| {
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
        digits.fold(0_u64, |sum, digit| sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')))
    };
    match *target {
        [b'/', tag @ b'0'..=b'9', ref rest @ ..] if !rest.ends_with(b"/warm") => {
            let id = rest.split(|byte| *byte == b'?').nth(1).map_or(0, digits);
            Ask::Logged { tag: tag - b'0', id }
        }
        _ => Ask::Unlogged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_say_what_is_kept() {
        let of = |target: &str| asked(format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes());
        assert_eq!(of("/warm"), Ask::Unlogged);
        assert_eq!(of("/"), Ask::Unlogged);
        assert_eq!(of("/3"), Ask::Logged { tag: 3, id: 0 });
        assert_eq!(of("/3/warm"), Ask::Unlogged);
        assert_eq!(of("/3/page?418"), Ask::Logged { tag: 3, id: 418 });
        assert_eq!(of("/3?417"), Ask::Logged { tag: 3, id: 417 });
        assert_eq!(asked(b"nonsense\r\n\r\n"), Ask::Unlogged);
    }
}
