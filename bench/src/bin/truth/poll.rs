//! The kernel's readiness queue and its monotonic clock: what the standard library does not offer.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Nanoseconds of the monotonic clock, which all processes of a machine share.
pub(crate) fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a local that outlives the call; this clock exists on every Linux, so it cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// Level-triggered readiness to read, of sources under numbers of the caller's.
pub(crate) struct Poll {
    queue: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Poll {
    /// Answers with so many events at a time at most.
    pub(crate) fn new(most: usize) -> io::Result<Self> {
        // SAFETY: no pointer is passed.
        let queue = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if queue < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just opened, and nobody else's.
        let queue = unsafe { OwnedFd::from_raw_fd(queue) };
        Ok(Self { queue, events: vec![libc::epoll_event { events: 0, u64: 0 }; most] })
    }

    /// Until the source is closed.
    pub(crate) fn add(&self, source: &impl AsRawFd, number: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN.cast_unsigned(), u64: number };
        let (queue, source) = (self.queue.as_raw_fd(), source.as_raw_fd());
        // SAFETY: both descriptors are open, and the pointer is to a local that outlives the call.
        let done = unsafe { libc::epoll_ctl(queue, libc::EPOLL_CTL_ADD, source, &raw mut event) };
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// The numbers of sources that are ready; waits for so many milliseconds at most.
    pub(crate) fn wait(&mut self, millis: i32) -> io::Result<Vec<u64>> {
        let most = i32::try_from(self.events.len()).unwrap_or(i32::MAX);
        let (queue, events) = (self.queue.as_raw_fd(), self.events.as_mut_ptr());
        // SAFETY: `events` points to at least `most` entries, which nobody else touches during the call.
        let ready = unsafe { libc::epoll_wait(queue, events, most, millis) };
        match usize::try_from(ready) {
            Ok(ready) => Ok(self.events[..ready].iter().map(|event| event.u64).collect()),
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(Vec::new()),
                error => Err(error),
            },
        }
    }
}
