//! What a transport does, whatever it is made of.
//!
//! A master's socket is one end of many connections, each to a worker with an [`Identity`] of its own; a worker's has one
//! peer, [`Identity::master`]. Messages are whole, come in the order sent as long as a connection holds, and may be lost
//! with it: what must not be lost is acknowledged by the messages themselves.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::Receiver;

use super::limits;

/// The name of a peer: its client id, which holds as long as its process.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(Arc<str>);

/// A text that cannot be an identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the identity {shown} is not valid: allowed are 1 to {} bytes of UTF-8 without control characters",
    limits::IDENTITY
)]
pub struct BadIdentity {
    shown: String,
}

impl Identity {
    /// An identity of this text.
    ///
    /// # Errors
    /// When it is empty, longer than [`limits::IDENTITY`] or holds control characters.
    pub fn new(text: &str) -> Result<Self, BadIdentity> {
        Self::from_bytes(text.as_bytes())
    }

    /// As it comes over the wire.
    ///
    /// # Errors
    /// As [`Self::new`], and when it is not UTF-8.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadIdentity> {
        match std::str::from_utf8(bytes) {
            Ok(text)
                if (1..=limits::IDENTITY).contains(&text.len())
                    && !text.contains(char::is_control) =>
            {
                Ok(Self(text.into()))
            }
            _ => Err(BadIdentity { shown: format!("\"{}\"", bytes.escape_ascii()) }),
        }
    }

    /// What workers call their master, which has no identity of its own.
    pub fn master() -> Self {
        Self("master".into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a transport tells.
#[derive(Debug)]
pub enum Event {
    /// A peer is connected: for the first time, or again.
    Connected(Identity),
    /// A message.
    Message {
        /// Whose.
        from: Identity,
        /// Its bytes.
        payload: Payload,
    },
    /// The connection to a peer is gone; it may come back.
    Disconnected(Identity),
}

/// The bytes of a message. Until it is dropped it counts in what may wait to be handled, so drop it once it is decoded.
pub struct Payload {
    bytes: Vec<u8>,
    /// Its share of [`limits::INCOMING_BYTES`].
    _room: Option<OwnedSemaphorePermit>,
}

impl Payload {
    pub(super) fn new(bytes: Vec<u8>, room: Option<OwnedSemaphorePermit>) -> Self {
        Self { bytes, _room: room }
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes.len())
    }
}

/// What became of a message at its sending. Each but the first is counted too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It waits for its turn. Whether it arrives is not known.
    Queued,
    /// There is no such peer: dropped.
    Unknown,
    /// Too much waits for that peer already: dropped.
    Full,
    /// It is larger than [`limits::FRAME`]: dropped.
    TooLarge,
    /// The socket is closed: dropped.
    Closed,
}

/// The sending side of a socket; any thread may use it.
pub trait Transport: fmt::Debug + Send + Sync {
    /// Queues a message for a peer. Never waits.
    fn send(&self, to: &Identity, payload: Vec<u8>) -> Sent;

    /// Ends the connection to a peer, which may connect anew.
    fn disconnect(&self, peer: &Identity);

    /// What has passed so far.
    fn counters(&self) -> Counters;

    /// Begins to close: nothing is received any more, what is queued is still sent within `linger`.
    fn close(&self, linger: Duration);
}

/// One end of the cluster's connections.
///
/// Connections are kept by a thread of their own (but for those in memory), which load cannot starve.
#[derive(Debug)]
pub struct Socket {
    transport: Arc<dyn Transport>,
    events: Receiver<Event>,
}

impl Socket {
    pub(super) fn new(transport: Arc<dyn Transport>, events: Receiver<Event>) -> Self {
        Self { transport, events }
    }

    /// The sending side, for any number of threads.
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::clone(&self.transport)
    }

    /// See [`Transport::send`].
    pub fn send(&self, to: &Identity, payload: Vec<u8>) -> Sent {
        self.transport.send(to, payload)
    }

    /// The next event; none once the socket is closed and everything was received.
    pub async fn receive(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// The next event if there is one already.
    pub fn try_receive(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// Closes the socket and waits until what was queued is sent, at most for `linger`. The port is free afterwards.
    pub async fn close(mut self, linger: Duration) {
        self.transport.close(linger);
        // The other side lets go of its sender when it is done.
        while self.events.recv().await.is_some() {}
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.transport.close(Duration::ZERO);
    }
}

/// What a socket has seen, counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Messages received.
    pub received: u64,
    /// Bytes of them.
    pub received_bytes: u64,
    /// Messages handed to the operating system.
    pub sent: u64,
    /// Bytes of them.
    pub sent_bytes: u64,
    /// Messages to peers that are not there.
    pub unknown: u64,
    /// Messages dropped because too much was waiting for their peer already, or because they are too large.
    pub dropped: u64,
    /// Messages that were queued when their connection was lost.
    pub lost: u64,
    /// Connections that got as far as an introduction.
    pub connections: u64,
    /// Connections that were refused, or broken off because the peer did what it may not.
    pub refused: u64,
}

/// [`Counters`] that are being counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) received: AtomicU64,
    pub(super) received_bytes: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) sent_bytes: AtomicU64,
    pub(super) unknown: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) refused: AtomicU64,
}

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}

impl Tally {
    /// The present counts.
    pub(super) fn counters(&self) -> Counters {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            received: get(&self.received),
            received_bytes: get(&self.received_bytes),
            sent: get(&self.sent),
            sent_bytes: get(&self.sent_bytes),
            unknown: get(&self.unknown),
            dropped: get(&self.dropped),
            lost: get(&self.lost),
            connections: get(&self.connections),
            refused: get(&self.refused),
        }
    }
}
