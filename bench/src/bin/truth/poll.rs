//! The kernel's readiness queue, its monotonic clock and its notes of arrivals: what the standard library does not offer.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Nanoseconds of the monotonic clock, which all processes of a machine share.
pub(crate) fn now() -> u64 {
    read_clock(libc::CLOCK_MONOTONIC)
}

fn read_clock(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a local that outlives the call; these clocks exist on every Linux, so it cannot fail.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    nanos(time)
}

fn nanos(time: libc::timespec) -> u64 {
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// Has the kernel note when bytes arrive on a socket.
pub(crate) fn note_arrivals(socket: &impl AsRawFd) -> io::Result<()> {
    let on: libc::c_int = 1;
    let (level, option) = (libc::SOL_SOCKET, libc::SO_TIMESTAMPNS);
    let length = libc::socklen_t::try_from(size_of_val(&on)).map_err(io::Error::other)?;
    let (socket, value) = (socket.as_raw_fd(), (&raw const on).cast());
    // SAFETY: `value` points to `length` bytes that live until the call returns.
    let done = unsafe { libc::setsockopt(socket, level, option, value, length) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// One read from a socket: how many bytes, and when the last of them arrived, by [`now`].
pub(crate) fn receive(socket: &impl AsRawFd, chunk: &mut [u8]) -> io::Result<(usize, u64)> {
    // Numbers of 64 bits, so that it is aligned as the kernel's notes are.
    let mut notes = [0_u64; 8];
    let mut part = libc::iovec { iov_base: chunk.as_mut_ptr().cast(), iov_len: chunk.len() };
    // SAFETY: a plain C struct of numbers and pointers, for which all zeros is a value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    (message.msg_iov, message.msg_iovlen) = (&raw mut part, 1);
    (message.msg_control, message.msg_controllen) =
        (notes.as_mut_ptr().cast(), size_of_val(&notes) as _);
    // SAFETY: the kernel writes at most the given lengths to `chunk` and `notes`, which nobody else touches meanwhile.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, 0) };
    let length = usize::try_from(length).map_err(|_| io::Error::last_os_error())?;
    // SAFETY: the message was just filled by the kernel.
    let head = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
    // SAFETY: where a head is, it is whole; the only note that was asked for carries one `timespec`.
    let noted = (!head.is_null()).then(|| unsafe {
        std::ptr::read_unaligned(libc::CMSG_DATA(head).cast::<libc::timespec>())
    });
    let age = noted.map_or(0, |at| read_clock(libc::CLOCK_REALTIME).saturating_sub(nanos(at)));
    Ok((length, now() - age))
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
