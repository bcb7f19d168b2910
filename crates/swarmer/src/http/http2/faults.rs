//! What is wrong with what a server says, in words that repeat.

use super::frame::reason;
use crate::http::error::{Error, ErrorKind};

#[cold]
pub(super) fn wrong_length() -> Error {
    Error::protocol("HTTP/2: a frame of a wrong length")
}

#[cold]
pub(super) fn unasked() -> Error {
    Error::protocol("HTTP/2: a frame on a stream that it cannot be on")
}

#[cold]
pub(super) fn second_head() -> Error {
    Error::protocol("HTTP/2: a second head")
}

/// The server's own word for it.
#[cold]
pub(super) fn given_up(what: &str, code: u32) -> Error {
    let text = format!("HTTP/2: server gave up the {what}: {}", reason::name(code));
    Error::new(ErrorKind::Closed, text)
}

#[cold]
pub(super) fn window() -> Error {
    Error::protocol("HTTP/2: flow control is not kept")
}
