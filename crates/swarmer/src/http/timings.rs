//! What a request took, phase by phase.

use std::io;
use std::time::{Duration, Instant};

use super::arrival::Read;
use crate::clock;

/// When a request began and how long its phases took.
///
/// Bytes count from when the kernel received them, not from when they were read and parsed, so that the generator's own
/// work stays outside. Behind TLS and on systems other than Linux it is the moment of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// When time began to run: the call, or the due moment given by [`Request::started`](super::Request::started).
    pub started: Instant,
    /// What connecting took; `None` where a kept-alive connection served. Summed up over redirects.
    pub connect: Option<ConnectTimings>,
    /// From the start to the first byte of the (last) answer.
    pub first_byte: Option<Duration>,
    /// From the start to the last byte of the body, or to the failure.
    pub total: Duration,
    /// Bytes written as HTTP (before TLS).
    pub bytes_sent: u64,
    /// Bytes read as HTTP (after TLS, before the body was decoded).
    pub bytes_received: u64,
    /// Whether the (last) answer came over a connection that an earlier request had opened.
    pub reused: bool,
    /// Redirects followed.
    pub redirects: u32,
}

impl Timings {
    pub(super) fn starting(started: Instant) -> Self {
        Self {
            started,
            connect: None,
            first_byte: None,
            total: Duration::ZERO,
            bytes_sent: 0,
            bytes_received: 0,
            reused: false,
            redirects: 0,
        }
    }

    /// Something was read now, or the other side has closed.
    pub(super) fn read(&mut self, read: &io::Result<Read>) {
        let now = clock::now();
        let moment = read.as_ref().map_or(now, |read| read.moment(self.started, now));
        self.total = moment.saturating_duration_since(self.started);
    }
}

/// The phases of connecting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectTimings {
    /// All phases together.
    pub total: Duration,
    /// Looking the host's name up; nearly zero when the address was known.
    pub lookup: Duration,
    /// The TCP handshake.
    pub tcp: Duration,
    /// The TLS handshake; `None` for plain HTTP.
    pub tls: Option<Duration>,
}

impl ConnectTimings {
    pub(super) fn add(&mut self, other: &Self) {
        self.total += other.total;
        self.lookup += other.lookup;
        self.tcp += other.tcp;
        self.tls = match (self.tls, other.tls) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
    }
}
