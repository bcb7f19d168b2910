//! The one place that reads a clock, so that tests can run the engine on virtual time.

mod alarm;
mod processor;
mod waiters;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(crate) use alarm::Alarm;
pub(crate) use processor::{process_time, thread_time};
pub(crate) use waiters::{Until, Waiters};

/// The present moment, monotonic.
///
/// With the feature `testing` this is tokio's clock, which a test can pause; otherwise the system's.
#[inline]
pub fn now() -> Instant {
    #[cfg(feature = "testing")]
    {
        tokio::time::Instant::now().into_std()
    }
    #[cfg(not(feature = "testing"))]
    {
        Instant::now()
    }
}

/// Ties monotonic moments to calendar time: both clocks read once, together.
#[derive(Clone, Copy, Debug)]
pub struct Anchor {
    instant: Instant,
    since_epoch: Duration,
}

impl Anchor {
    /// Reads both clocks now.
    pub fn now() -> Self {
        // Who loses its core between the readings would tie moments together that are far apart.
        const CLOSE: Duration = Duration::from_micros(2);
        let mut tries = 0;
        loop {
            let before = now();
            let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let instant = now();
            tries += 1;
            if instant.duration_since(before) < CLOSE || tries == 5 {
                return Self { instant, since_epoch };
            }
        }
    }

    /// Time since the Unix epoch at `at`, if that is no longer after the anchor than `most`, and not before it.
    pub(crate) fn since_epoch_within(&self, at: Instant, most: Duration) -> Option<Duration> {
        let later = at.checked_duration_since(self.instant)?;
        (later <= most).then(|| self.since_epoch + later)
    }

    /// Now, at a calendar time of the caller's choice: runs on virtual time shall be the same every day.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn at(since_epoch: Duration) -> Self {
        Self { instant: now(), since_epoch }
    }

    /// Time since the Unix epoch at `at`, which may lie before or after the anchor.
    pub fn since_epoch(&self, at: Instant) -> Duration {
        match at.checked_duration_since(self.instant) {
            Some(later) => self.since_epoch + later,
            None => self.since_epoch.saturating_sub(self.instant.duration_since(at)),
        }
    }

    /// Seconds since the Unix epoch at `at`, with fractions.
    pub fn epoch_seconds(&self, at: Instant) -> f64 {
        self.since_epoch(at).as_secs_f64()
    }
}
