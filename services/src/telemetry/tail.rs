//! A response body that reports its end, so that durations and spans cover the body too.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};

/// How the sending of a response's body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Complete,
    /// The body failed, or the client went away before its end.
    Aborted,
}

/// Calls `at_end` once, when the last byte of the body was handed over or the body was dropped before.
pub(crate) fn at_end(
    response: Response,
    at_end: impl FnOnce(Ending) + Send + Unpin + 'static,
) -> Response {
    if response.body().is_end_stream() {
        at_end(Ending::Complete);
        return response;
    }
    response.map(|inner| Body::new(Tail { inner, at_end: Some(at_end) }))
}

struct Tail<F: FnOnce(Ending)> {
    inner: Body,
    at_end: Option<F>,
}

impl<F: FnOnce(Ending)> Tail<F> {
    fn finish(&mut self, ending: Ending) {
        if let Some(at_end) = self.at_end.take() {
            at_end(ending);
        }
    }
}

impl<F: FnOnce(Ending) + Unpin> HttpBody for Tail<F> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &frame {
            None => self.finish(Ending::Complete),
            Some(Err(_)) => self.finish(Ending::Aborted),
            // A body of known length is not polled again after its last frame.
            Some(Ok(_)) if self.inner.is_end_stream() => self.finish(Ending::Complete),
            Some(Ok(_)) => {}
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

impl<F: FnOnce(Ending)> Drop for Tail<F> {
    fn drop(&mut self) {
        self.finish(Ending::Aborted);
    }
}
