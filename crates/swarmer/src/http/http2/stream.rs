//! One request and its answer, as frames bring it.

use super::faults::window;
use super::frame::{Frame, mark};
use crate::http::error::Error;
use crate::http::reply::Reply;

/// What a server may send of an answer before we have read it: enough that none of an API waits for leave to go on.
pub(super) const WINDOW: u32 = 1 << 20;

/// Who waits for answers over a connection.
pub(super) trait Waiting {
    /// The request on this stream, and its answer, if somebody waits for it.
    fn on(&mut self, stream: u32) -> Option<(&mut Stream, &mut Reply)>;

    /// All requests that somebody waits for.
    fn each(&mut self, tell: impl FnMut(&mut Stream));
}

/// A request and what is to come of its answer.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) id: u32,
    pub(super) awaits: Awaits,
    pub(super) window: i64,
    pub(super) taken: u32,
    /// Where the part of the request begins that is not in frames yet.
    pub(super) unframed: usize,
    /// All of the request is in frames.
    pub(super) is_framed: bool,
    /// Why there will be no answer.
    pub(super) failure: Option<Error>,
    /// The server has said that it did not look at the request.
    pub(super) was_refused: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Awaits {
    #[default]
    Nothing,
    Head,
    Body,
}

impl Stream {
    /// There will be no answer.
    pub(super) fn fail(&mut self, error: Error) {
        (self.awaits, self.failure) = (Awaits::Nothing, Some(error));
    }

    pub(super) fn ends(&mut self, reply: &mut Reply) -> Result<(), Error> {
        reply.end()?;
        self.awaits = Awaits::Nothing;
        Ok(())
    }

    /// A whole head, of which the text is in `reply`; `ends` if nothing comes after it.
    pub(super) fn head(&mut self, reply: &mut Reply, ends: bool) -> Result<(), Error> {
        if reply.add_head()? {
            self.awaits = Awaits::Body;
            if ends { self.ends(reply) } else { Ok(()) }
        } else if ends {
            Err(Error::protocol("HTTP/2: nothing but an interim answer"))
        } else {
            Ok(())
        }
    }

    pub(super) fn data(&mut self, frame: Frame<'_>, reply: &mut Reply) -> Result<(), Error> {
        if self.awaits == Awaits::Head {
            return Err(Error::protocol("HTTP/2: a body before its head"));
        }
        self.taken = taken(self.taken, frame.payload.len(), WINDOW)?;
        reply.add_body(frame.content()?)?;
        if frame.is_marked(mark::END_STREAM) { self.ends(reply) } else { Ok(()) }
    }
}

/// What has come of a window of this size since it was opened anew.
pub(super) fn taken(before: u32, more: usize, size: u32) -> Result<u32, Error> {
    let taken = u32::try_from(more).ok().and_then(|more| before.checked_add(more));
    taken.filter(|taken| *taken <= size).ok_or_else(window)
}
