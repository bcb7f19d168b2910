//! HTTP/2 (RFC 9113), over connections of a user's own or over those that the users of a thread share.
//!
//! It is spoken by this module itself, as HTTP/1.1 is: most of a request is said in a few bytes that are compared, not
//! made. Requests and answers are in their forms of HTTP/1.1, so that everything above is the same code for both.
//!
//! | part | task |
//! |---|---|
//! | [`frame`], [`faults`] | frames, from and to bytes, and what may be wrong with them |
//! | [`table`], [`huffman`] | what HPACK has numbers for, and its code |
//! | [`outgoing`], [`incoming`] | header fields of requests and answers |
//! | [`stream`], [`session`] | one request and its answer, and all of a conversation, without I/O |
//! | [`own`] | one exchange at a time, in the user's task |
//! | [`multiplexed`] | many at once, in a task of the connection |

mod faults;
mod frame;
mod huffman;
mod incoming;
mod multiplexed;
mod outgoing;
mod own;
mod session;
mod stream;
mod table;
#[cfg(test)]
mod tests;

pub(super) use self::multiplexed::{Multiplexed, Seen};
pub(super) use self::own::Own;
