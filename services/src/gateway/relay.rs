//! A service's answer on its way to the client: cut off when the service falls silent in its middle.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

/// The body of an answer. Its failure makes the server close the client's connection, so that a part is never taken for
/// the whole.
pub(super) struct Relay {
    inner: Incoming,
    limit: Duration,
    /// Runs while the next piece is waited for.
    silence: Option<Pin<Box<Sleep>>>,
}

impl Relay {
    pub(super) fn new(inner: Incoming, limit: Duration) -> Self {
        Self { inner, limit, silence: None }
    }
}

impl HttpBody for Relay {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            self.silence = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::new)));
        }
        let limit = self.limit;
        let silence = self.silence.get_or_insert_with(|| Box::pin(sleep(limit)));
        match silence.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                let error = std::io::Error::new(
                    std::io::ErrorKind::TimedOut,
                    "the service fell silent in the middle of its answer",
                );
                Poll::Ready(Some(Err(axum::Error::new(error))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
