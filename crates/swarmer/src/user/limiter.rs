//! A ceiling on requests per second, kept by each driver for itself.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::clock;

/// So much may be made up of time in which nothing was sent. It covers the resolution of timers (1 ms): without it a
/// user that is woken late would lose its place in the line, and the ceiling would not be reached.
const TOLERANCE: Duration = Duration::from_millis(2);

/// One request every `1 / rate` seconds, in order of asking (the generic cell rate algorithm: a token bucket that holds
/// one moment instead of a count).
#[derive(Debug)]
pub(crate) struct Limiter {
    gap: Duration,
    next: Cell<Instant>,
}

impl Limiter {
    /// At most `rate` requests per second, finite and above 0.
    pub(crate) fn new(rate: f64) -> Self {
        let gap = Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX);
        Self { gap, next: Cell::new(clock::now()) }
    }

    /// Takes the next free moment and says when that is.
    fn take(&self, now: Instant) -> Instant {
        let earliest = now.checked_sub(TOLERANCE).unwrap_or(now);
        let mine = self.next.get().max(earliest);
        self.next.set(mine.checked_add(self.gap).unwrap_or(mine));
        mine
    }

    /// Waits for a turn.
    pub(crate) async fn pass(&self) {
        let now = clock::now();
        let mine = self.take(now);
        if mine > now {
            tokio::time::sleep_until(mine.into()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_than_the_rate_in_any_second() {
        let limiter = Limiter::new(1000.0);
        let start = clock::now();
        let mut turns: Vec<Instant> = Vec::new();
        // Crowds, pauses, and single late-comers.
        for at_ms in [0_u64, 0, 5, 3000, 3001, 3500] {
            let now = start + Duration::from_millis(at_ms);
            turns.extend((0..700).map(|_| limiter.take(now).max(now)));
        }
        turns.sort();
        for (index, turn) in turns.iter().enumerate() {
            let within =
                turns[index..].partition_point(|other| *other < *turn + Duration::from_secs(1));
            assert!(within <= 1003, "{within} requests in a second");
        }
        let busy = turns[..2100].last().map(|last| *last - start);
        assert!(busy < Some(Duration::from_millis(2100)), "{busy:?}: the ceiling is reached");
    }
}
