//! Where the bytes of exchanges can be looked at: for transcripts, which only a replay writes.

use std::fmt::Debug;

use super::timings::Timings;

/// Is shown what the clients of a thread send and get. Without one a request pays a look at an empty option.
pub(crate) trait Tap: Debug {
    /// A request to `origin`, in its form in HTTP/1.1: once for each time it is sent, redirects included.
    fn sent(&self, origin: &str, wire: &[u8]);

    /// A complete answer: head and body, the body without its content encoding where it could be taken off.
    fn answered(&self, head: &[u8], body: &[u8], timings: &Timings);

    /// What had come of an answer when it failed.
    fn broke_off(&self, received: &[u8]);
}
