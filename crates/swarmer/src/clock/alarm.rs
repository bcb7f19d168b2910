//! An alarm that rings to the microsecond; the runtime's own timers ring up to a millisecond late, by design.

#[cfg(target_os = "linux")]
pub(crate) use precise::Alarm;

#[cfg(not(target_os = "linux"))]
pub(crate) use coarse::Alarm;

/// A descriptor of the operating system that turns readable when it is time.
#[cfg(target_os = "linux")]
mod precise {
    use std::cell::Cell;
    use std::io;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::task::{Context, Poll, ready};
    use std::time::{Duration, Instant};

    use tokio::io::unix::AsyncFd;

    use crate::clock;

    #[derive(Debug)]
    pub(crate) struct Alarm {
        descriptor: AsyncFd<OwnedFd>,
        /// What it is set to.
        set: Cell<Option<Instant>>,
    }

    impl Alarm {
        /// # Errors
        /// When the process can open no more files.
        pub(crate) fn new() -> io::Result<Self> {
            let flags = libc::TFD_NONBLOCK | libc::TFD_CLOEXEC;
            // SAFETY: the call takes no pointer.
            let descriptor = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) };
            if descriptor < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the descriptor was just made and belongs to nobody else.
            let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
            // SAFETY: an `OwnedFd` keeps its descriptor open, and the same, until it is dropped.
            let descriptor = unsafe { AsyncFd::register(descriptor) }?;
            Ok(Self { descriptor, set: Cell::new(None) })
        }

        /// Waits until `due`, which may be given up at any moment for another one.
        ///
        /// # Errors
        /// When the operating system cannot set the alarm, which is not expected.
        pub(crate) async fn wait_until(&self, due: Instant) -> io::Result<()> {
            std::future::poll_fn(|context| self.poll_until(context, due)).await
        }

        fn poll_until(&self, context: &mut Context<'_>, due: Instant) -> Poll<io::Result<()>> {
            loop {
                // Whoever looks in time need not hear the ringing.
                let now = clock::now();
                if due <= now {
                    return Poll::Ready(Ok(()));
                }
                if self.set.get() != Some(due) {
                    self.set_to(due, now)?;
                }
                // Setting the alarm anew takes back its ringing, so nothing has to be read from it.
                ready!(self.descriptor.poll_read_ready(context))?.clear_ready();
                self.set.set(None);
            }
        }

        fn set_to(&self, due: Instant, now: Instant) -> io::Result<()> {
            // Zero would switch it off; what is farther away than a day can be set again then.
            let after = (due - now).clamp(Duration::from_nanos(1), Duration::from_hours(24));
            let never = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            let mut setting = libc::itimerspec { it_interval: never, it_value: never };
            // At most a day, and its nanoseconds are below 2^31.
            setting.it_value.tv_sec = after.as_secs().cast_signed();
            setting.it_value.tv_nsec = after.subsec_nanos().cast_signed().into();
            let (descriptor, before) = (self.descriptor.as_raw_fd(), std::ptr::null_mut());
            // SAFETY: `setting` is valid for the call, and the old setting is not asked for.
            let result =
                unsafe { libc::timerfd_settime(descriptor, 0, &raw const setting, before) };
            if result < 0 {
                return Err(io::Error::last_os_error());
            }
            self.set.set(Some(due));
            Ok(())
        }
    }
}

/// Elsewhere the runtime's own timer has to do.
#[cfg(not(target_os = "linux"))]
mod coarse {
    use std::io;
    use std::time::Instant;

    #[derive(Debug)]
    pub(crate) struct Alarm;

    impl Alarm {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(crate) async fn wait_until(&self, due: Instant) -> io::Result<()> {
            tokio::time::sleep_until(due.into()).await;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;
    use crate::clock;

    #[tokio::test]
    async fn it_rings_when_it_is_time_and_not_before() {
        let alarm = Alarm::new().unwrap();
        for micros in [0, 1, 300, 2_500] {
            let due = clock::now() + Duration::from_micros(micros);
            alarm.wait_until(due).await.unwrap();
            assert!(clock::now() >= due);
        }
    }

    #[tokio::test]
    async fn it_can_be_set_anew_in_the_middle() {
        let alarm = Alarm::new().unwrap();
        let start = clock::now();
        let far = start + Duration::from_hours(1);
        // Rings once while nobody listens, unless the machine was busy until then.
        let _ = alarm.wait_until(start + Duration::from_millis(1)).now_or_never();
        tokio::time::sleep(Duration::from_millis(3)).await;
        assert!(alarm.wait_until(far).now_or_never().is_none());
        let soon = clock::now() + Duration::from_millis(2);
        tokio::select! {
            biased;
            _ = alarm.wait_until(far) => panic!("an hour has not passed"),
            outcome = alarm.wait_until(soon) => outcome.unwrap(),
        }
        assert!(clock::now() >= soon);
        alarm.wait_until(clock::now() + Duration::from_millis(2)).await.unwrap();
    }
}
