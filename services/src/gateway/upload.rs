//! A request's body on its way through: held to the limit of length, and watched, so that a silent service can be told
//! from a slow client.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, timeout};

/// How much of a refused body is still read, and for how long, so that the client gets to see the answer: most clients
/// read it only after they have written everything.
const DISCARD_BYTES: usize = 8 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(2);

/// What is known of a body's way; shared between the body and whoever waits for the answer.
#[derive(Debug)]
pub(super) struct Progress {
    begun: Instant,
    moved_ms: AtomicU64,
    awaits_client: AtomicBool,
    too_long: AtomicBool,
    broken: AtomicBool,
}

impl Progress {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            moved_ms: AtomicU64::new(0),
            awaits_client: AtomicBool::new(false),
            too_long: AtomicBool::new(false),
            broken: AtomicBool::new(false),
        })
    }

    /// When the body last moved on.
    pub(super) fn moved(&self) -> Instant {
        self.begun + Duration::from_millis(self.moved_ms.load(Ordering::Relaxed))
    }

    /// Whether the next piece is the client's to send.
    pub(super) fn awaits_client(&self) -> bool {
        self.awaits_client.load(Ordering::Relaxed)
    }

    /// Whether the body was longer than allowed.
    pub(super) fn is_too_long(&self) -> bool {
        self.too_long.load(Ordering::Relaxed)
    }

    /// Whether the client went away or broke the rules of framing.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    fn move_on(&self) {
        let ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved_ms.store(ms, Ordering::Relaxed);
    }
}

/// The body.
pub(super) struct Upload {
    inner: Body,
    left: u64,
    progress: Arc<Progress>,
}

impl Upload {
    pub(super) fn new(inner: Body, limit: u64, progress: &Arc<Progress>) -> Self {
        Self { inner, left: limit, progress: Arc::clone(progress) }
    }

    fn refuse(&mut self) -> axum::Error {
        self.progress.too_long.store(true, Ordering::Relaxed);
        discard(std::mem::replace(&mut self.inner, Body::empty()));
        axum::Error::new(std::io::Error::other("the request body is too long"))
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        self.progress.awaits_client.store(polled.is_pending(), Ordering::Relaxed);
        let frame = ready!(polled);
        self.progress.move_on();
        match &frame {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                match self.left.checked_sub(length) {
                    Some(left) => self.left = left,
                    None => return Poll::Ready(Some(Err(self.refuse()))),
                }
            }
            Some(Err(_)) => self.progress.broken.store(true, Ordering::Relaxed),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Reads on, within bounds and beside the answer, what a client still sends of a refused body.
pub(super) fn discard(mut body: Body) {
    tokio::spawn(timeout(DISCARD_TIME, async move {
        let mut left = DISCARD_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    }));
}
