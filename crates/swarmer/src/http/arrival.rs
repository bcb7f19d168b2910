//! Reading from a socket, and when what was read arrived by the kernel's own account.
//!
//! A thread with many users reads an answer some time after it came: behind the answers of others, or after it waited for
//! a core. That time is the generator's, not the target's. The kernel notes when bytes come in, so it need not be guessed.

use std::cell::Cell;
use std::io;
use std::time::{Duration, Instant};

use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::clock::Anchor;

thread_local! {
    /// What the kernel's notes, which are of calendar time, are compared with.
    static ANCHOR: Cell<Option<Anchor>> = const { Cell::new(None) };
}

/// So long one reading of the calendar clock serves: a busy thread saves one for each answer, and a clock that is set
/// spoils no more than this.
const ANCHORED: Duration = Duration::from_millis(1);

/// What one read gave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    /// Bytes appended; none when the other side has closed.
    pub(super) length: usize,
    /// When the last of them arrived, where that is known: time since the Unix epoch.
    pub(super) arrived: Option<Duration>,
}

impl Read {
    /// When the last bytes arrived, `now` being now. It is `now` where that is not known, and where it would be before
    /// `since`, before which nothing can have come: that is the word of a calendar clock that was set.
    pub(super) fn moment(&self, since: Instant, now: Instant) -> Instant {
        let arrived = self.age(now).and_then(|age| now.checked_sub(age));
        arrived.filter(|arrived| *arrived >= since).unwrap_or(now)
    }

    /// How long before `now` the last bytes arrived. Nothing is known if the calendar clock was set since.
    fn age(&self, now: Instant) -> Option<Duration> {
        let arrived = self.arrived?;
        let known = ANCHOR.get().and_then(|anchor| anchor.since_epoch_within(now, ANCHORED));
        let since_epoch = known.unwrap_or_else(|| {
            let anchor = Anchor::now();
            ANCHOR.set(Some(anchor));
            anchor.since_epoch(now)
        });
        since_epoch.checked_sub(arrived)
    }
}

/// Has the kernel note when bytes arrive. A kernel that refuses leaves the moment of reading as the next best.
pub(super) fn note(stream: &TcpStream) {
    system::note(stream);
}

/// Appends what one read gives to `buf`, which has room.
///
/// # Errors
/// Of kind `WouldBlock` when nothing is there: readiness is asked for again then.
pub(super) fn read(stream: &TcpStream, buf: &mut Vec<u8>) -> io::Result<Read> {
    let mut drained = None;
    let outcome = stream.try_io(Interest::READABLE, || {
        let room = buf.capacity() - buf.len();
        let read = system::receive(stream, buf)?;
        if (1..room).contains(&read.length) {
            // Nothing is left: to say so now saves the system call that would find it out.
            drained = Some(read);
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(read)
    });
    drained.map_or(outcome, Ok)
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;
    use std::mem;
    use std::os::fd::AsRawFd;
    use std::ptr;
    use std::time::Duration;

    use tokio::net::TcpStream;

    use super::Read;

    /// Room for one moment with its head, aligned as the kernel lays it out.
    #[repr(C, align(8))]
    struct Notes([u8; 64]);

    #[expect(clippy::cast_possible_truncation, reason = "the size of a C int")]
    pub(super) fn note(stream: &TcpStream) {
        let on: libc::c_int = 1;
        let (level, option) = (libc::SOL_SOCKET, libc::SO_TIMESTAMPNS);
        let (value, length) = ((&raw const on).cast(), size_of_val(&on) as libc::socklen_t);
        // SAFETY: `value` points to `length` bytes that live until the call returns.
        unsafe { libc::setsockopt(stream.as_raw_fd(), level, option, value, length) };
    }

    pub(super) fn receive(stream: &TcpStream, buf: &mut Vec<u8>) -> io::Result<Read> {
        let room = buf.spare_capacity_mut();
        let mut part = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
        let mut notes = Notes([0; 64]);
        // SAFETY: a plain C struct of numbers and pointers, for which all zeros is a value.
        let mut message: libc::msghdr = unsafe { mem::zeroed() };
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = notes.0.as_mut_ptr().cast();
        message.msg_controllen = notes.0.len() as _;
        // SAFETY: the kernel writes at most the given lengths, to the spare room of `buf` and to `notes`, and nobody else
        // touches them during the call.
        let length = unsafe { libc::recvmsg(stream.as_raw_fd(), &raw mut message, 0) };
        let Ok(length) = usize::try_from(length) else {
            return Err(io::Error::last_os_error());
        };
        // SAFETY: so many bytes of the spare room were just written.
        unsafe { buf.set_len(buf.len() + length) };
        Ok(Read { length, arrived: arrival(&message) })
    }

    /// The moment among the kernel's notes.
    fn arrival(message: &libc::msghdr) -> Option<Duration> {
        // SAFETY: the message was filled by the kernel, and the notes that it points to are still there.
        let head = unsafe { libc::CMSG_FIRSTHDR(message) };
        if head.is_null() {
            return None;
        }
        // SAFETY: not null, so a whole head lies there; read without an assumption on alignment.
        let libc::cmsghdr { cmsg_level, cmsg_type, .. } = unsafe { ptr::read_unaligned(head) };
        if (cmsg_level, cmsg_type) != (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) {
            return None;
        }
        // SAFETY: a note of this kind carries one `timespec`.
        let time = unsafe { ptr::read_unaligned(libc::CMSG_DATA(head).cast::<libc::timespec>()) };
        let nanos = u32::try_from(time.tv_nsec).ok().filter(|nanos| *nanos < 1_000_000_000)?;
        Some(Duration::new(u64::try_from(time.tv_sec).ok()?, nanos))
    }
}

/// Elsewhere the moment of reading counts.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;

    use tokio::net::TcpStream;

    use super::Read;

    pub(super) fn note(_: &TcpStream) {}

    pub(super) fn receive(stream: &TcpStream, buf: &mut Vec<u8>) -> io::Result<Read> {
        let (mut socket, start) = (socket2::SockRef::from(stream), buf.len());
        buf.resize(buf.capacity(), 0);
        let read = io::Read::read(&mut socket, &mut buf[start..]);
        buf.truncate(start + *read.as_ref().unwrap_or(&0));
        Ok(Read { length: read?, arrived: None })
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn bytes_count_from_their_arrival_unless_a_clock_was_set() {
        let (began, s) = (crate::clock::now(), Duration::from_secs);
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        // A moment to come: calendar time has gone on by as much then.
        let now = began + s(50);
        let moment = |arrived: Option<Duration>| Read { length: 1, arrived }.moment(began, now);
        let since = moment(Some(since_epoch + s(30))).duration_since(began);
        assert!((s(20)..s(40)).contains(&since), "{since:?}");
        for unknown in [None, Some(since_epoch + s(5000)), Some(Duration::ZERO)] {
            assert_eq!(moment(unknown), now, "{unknown:?}");
        }
    }
}
