//! A pause, in which a user's servers may still say something.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;

use crate::clock::Until;
use crate::http::Client;

pin_project! {
    /// Nothing is done until it is over but to answer servers that ask whether the user is still there. Written out, because
    /// it is what most users of most runs are in: an `async fn` would keep its arguments beside what it makes of them.
    #[must_use]
    pub(crate) struct Resting<'u> {
        #[pin]
        pause: Pause,
        client: &'u mut Client,
    }
}

pin_project! {
    /// What ends a pause.
    #[project = PauseProjection]
    enum Pause {
        /// The runtime's timer, up to 2 ms late: near enough for people who think, and one look for all whose pause ends in
        /// the same millisecond.
        Sleep { #[pin] sleep: Sleep },
        /// The driver's alarm: how late a task begins that is due at a moment is a part of its time from due.
        Until { until: Until },
    }
}

impl<'u> Resting<'u> {
    pub(super) fn new(pause: Duration, client: &'u mut Client) -> Self {
        Self { pause: Pause::Sleep { sleep: tokio::time::sleep(pause) }, client }
    }

    pub(super) fn until(until: Until, client: &'u mut Client) -> Self {
        Self { pause: Pause::Until { until }, client }
    }
}

impl Future for Resting<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        this.client.poll_idle(cx);
        match this.pause.project() {
            PauseProjection::Sleep { sleep } => sleep.poll(cx),
            PauseProjection::Until { until } => Pin::new(until).poll(cx),
        }
    }
}
