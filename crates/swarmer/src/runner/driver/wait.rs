//! Waiting for the moment at which the next user or journey is due.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::clock::{self, Alarm};

/// So long before it is time the thread is awake, and looks at the clock and at its sockets in turn. To set an alarm and to
/// be woken by it costs a virtual machine tens of microseconds, by which the start would be late, and at 35,000 starts a
/// second all of a core.
const AWAKE: Duration = Duration::from_micros(50);

/// A look around that took less found nothing to do: the answer to the smallest request takes longer.
pub(super) const NOTHING: Duration = Duration::from_micros(3);

/// Waits, on a thread of its own to the microsecond.
#[derive(Default)]
pub(super) struct Wait {
    /// Without it the runtime's timer has to do, which is a millisecond late and obeys a paused clock.
    alarm: Option<Alarm>,
    /// Spent awake with nothing to do since it was last asked for.
    idle: Cell<Duration>,
}

impl Wait {
    /// To the microsecond from now on, if the system has an alarm left: whether it has. The thread must be the driver's own.
    pub(super) fn sharpen(&mut self) -> bool {
        self.alarm = Alarm::new().ok();
        self.is_sharp()
    }

    pub(super) fn is_sharp(&self) -> bool {
        self.alarm.is_some()
    }

    /// Waits until `due`, for ever without one; may be given up at any moment for another one.
    pub(super) async fn until(&self, due: Option<Instant>) {
        let Some(due) = due else { return std::future::pending().await };
        if let Some(alarm) = &self.alarm {
            let woken = due.checked_sub(AWAKE).unwrap_or(due);
            if alarm.wait_until(woken).await.is_ok() {
                return self.awake_until(due).await;
            }
        }
        tokio::time::sleep_until(due.into()).await;
    }

    async fn awake_until(&self, due: Instant) {
        let mut now = clock::now();
        while now < due {
            // The runtime looks at sockets before it comes back, and lets all run who are ready.
            tokio::task::yield_now().await;
            let before = std::mem::replace(&mut now, clock::now());
            if now - before < NOTHING {
                self.idle.set(self.idle.get() + (now - before));
            }
        }
    }

    /// For how long the thread was awake with nothing to do since the last call.
    pub(super) fn take_idle(&self) -> Duration {
        self.idle.take()
    }
}
