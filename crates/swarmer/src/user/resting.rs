//! A pause, in which a user's servers may still say something.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;

use crate::http::Client;

pin_project! {
    /// Nothing is done until it is over but to answer servers that ask whether the user is still there. Written out, because
    /// it is what most users of most runs are in: an `async fn` would keep its arguments beside what it makes of them.
    #[must_use]
    pub(crate) struct Resting<'u> {
        #[pin]
        sleep: Sleep,
        client: &'u mut Client,
    }
}

impl<'u> Resting<'u> {
    pub(super) fn new(pause: Duration, client: &'u mut Client) -> Self {
        Self { sleep: tokio::time::sleep(pause), client }
    }
}

impl Future for Resting<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        this.client.poll_idle(cx);
        this.sleep.poll(cx)
    }
}
