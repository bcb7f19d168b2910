//! The time limit of a user's requests, at nearly no cost per request.

use std::pin::Pin;
use std::task::Context;
use std::time::Instant;

use tokio::time::Sleep;

/// One timer that serves all requests of a user, one after the other.
///
/// Arming and disarming a timer for each request would cost more than the rest of the client's work. This one is
/// armed for the first request and then left alone: it fires once per time limit, at most, and is only then set to
/// the deadline of the request that runs at that moment.
#[derive(Debug, Default)]
pub(super) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Whether `deadline` has passed; if not, the task is woken no later than then.
    pub(super) fn poll_passed(&mut self, cx: &mut Context<'_>, deadline: Instant) -> bool {
        let deadline = tokio::time::Instant::from_std(deadline);
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline() >= deadline {
                return true;
            }
            sleep.as_mut().reset(deadline);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;
    use std::time::Duration;

    use super::*;

    async fn until_passed(timer: &mut Timer, deadline: Instant) {
        poll_fn(|cx| if timer.poll_passed(cx, deadline) { Poll::Ready(()) } else { Poll::Pending })
            .await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_timer_keeps_many_deadlines() {
        let start = tokio::time::Instant::now();
        let at = |seconds| start.into_std() + Duration::from_secs(seconds);
        let mut timer = Timer::default();
        // Armed for 60 s by a request that is soon done.
        assert!(!poll_fn(|cx| Poll::Ready(timer.poll_passed(cx, at(60)))).await);
        for seconds in [5, 3, 70, 71] {
            until_passed(&mut timer, at(seconds)).await;
            let elapsed = start.elapsed();
            let expected = Duration::from_secs(seconds.max(5));
            assert!(
                elapsed >= expected && elapsed < expected + Duration::from_millis(5),
                "{elapsed:?}"
            );
        }
    }
}
