//! What a peer may ask of us. Everything that comes over the wire is checked against these before memory is spent on it.

use std::time::Duration;

/// Bytes of one message. Locust's largest are reports of many names: some 1.5 kB each.
pub const FRAME: usize = 32 << 20;
/// Bytes of messages that are being read or wait to be handled, of all peers together. A peer that would exceed it has to
/// wait, and is dropped when that takes too long.
pub const INCOMING_BYTES: usize = 128 << 20;
/// Messages that wait to be handled, of all peers together.
pub const INCOMING_MESSAGES: usize = 65_536;
/// Bytes of messages that wait to be sent to one peer.
pub const OUTGOING_BYTES: usize = 64 << 20;
/// Messages that wait to be sent to one peer.
pub const OUTGOING_MESSAGES: usize = 10_000;
/// Bytes of a command (READY, PING and the like).
pub const COMMAND: usize = 4 << 10;
/// Peers that have not introduced themselves yet; of more, the oldest are dropped.
pub const STRANGERS: usize = 256;
/// Peers that have.
pub const PEERS: usize = 10_000;
/// A peer must have introduced itself by then.
pub const INTRODUCTION: Duration = Duration::from_secs(10);
/// A message that has begun must have ended by then.
pub const MESSAGE_TIME: Duration = Duration::from_mins(1);
/// Bytes of a peer's identity; ZMTP allows no more.
pub const IDENTITY: usize = 255;

/// Nested arrays and maps.
pub const DEPTH: usize = 32;
/// Values in one message, those in arrays and maps included.
pub const VALUES: usize = 2_000_000;
/// User classes in one message.
pub const CLASSES: usize = 10_000;
/// Files of one script.
pub const FILES: usize = 1_000;
/// Lines of one worker's log; Locust sends at most 500.
pub const LOG_LINES: usize = 2_000;
/// Counts above it cannot have happened, and would overflow sums.
pub const COUNT: u64 = 1 << 53;
/// Milliseconds of the longest response time: a year.
pub const RESPONSE_TIME_MS: f64 = 365.0 * 24.0 * 3600.0 * 1000.0;
