//! Byte buffers that circulate within a thread.
//!
//! A request needs a buffer for some microseconds only: while it is rendered and written, and from the moment the
//! answer can be read until the workload drops the response. So buffers belong to the thread, not to users: a user
//! that waits holds none, and in the steady state no request allocates.

use std::cell::RefCell;
use std::mem;
use std::ops::{Deref, DerefMut};

/// Capacity of a fresh small buffer: a request with a bearer token and a modest JSON body.
const SMALL: usize = 1024;
/// Capacity of a fresh large buffer: one read takes most answers whole.
const LARGE: usize = 16 * 1024;
/// A buffer that grew beyond this is freed instead of kept.
const LARGEST_KEPT: usize = 256 * 1024;
/// Bytes of idle buffers a thread keeps, per size class.
const KEPT_PER_CLASS: usize = 4 * 1024 * 1024;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { small: Shelf::new(), large: Shelf::new() }) };
}

struct Pool {
    small: Shelf,
    large: Shelf,
}

/// Idle buffers of one size class, bounded by the bytes they hold.
struct Shelf {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

impl Shelf {
    const fn new() -> Self {
        Self { buffers: Vec::new(), bytes: 0 }
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        let buffer = self.buffers.pop()?;
        self.bytes -= buffer.capacity();
        Some(buffer)
    }

    fn put(&mut self, buffer: Vec<u8>) {
        if self.bytes + buffer.capacity() <= KEPT_PER_CLASS {
            self.bytes += buffer.capacity();
            self.buffers.push(buffer);
        }
    }
}

/// A byte buffer borrowed from the thread's pool; it returns there when dropped.
#[derive(Debug, Default)]
pub(super) struct Buf(Vec<u8>);

impl Buf {
    /// An empty buffer with room for a typical request.
    pub(super) fn small() -> Self {
        Self::take(|pool| &mut pool.small, SMALL)
    }

    /// An empty buffer with room for a typical answer.
    pub(super) fn large() -> Self {
        Self::take(|pool| &mut pool.large, LARGE)
    }

    #[inline]
    fn take(shelf: impl FnOnce(&mut Pool) -> &mut Shelf, capacity: usize) -> Self {
        let pooled = POOL.try_with(|pool| shelf(&mut pool.borrow_mut()).take()).ok().flatten();
        Self(pooled.unwrap_or_else(|| Vec::with_capacity(capacity)))
    }
}

impl Deref for Buf {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Buf {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Buf {
    fn drop(&mut self) {
        let capacity = self.0.capacity();
        if capacity == 0 || capacity > LARGEST_KEPT {
            return;
        }
        let mut buffer = mem::take(&mut self.0);
        buffer.clear();
        // While the thread ends its pool may be gone already: then the buffer is simply freed.
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if capacity < LARGE { pool.small.put(buffer) } else { pool.large.put(buffer) }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_empty() {
        let mut first = Buf::small();
        first.extend_from_slice(b"secret");
        let address = first.as_ptr();
        drop(first);
        let second = Buf::small();
        assert!(second.is_empty());
        assert_eq!(second.as_ptr(), address);
    }

    #[test]
    fn the_pool_is_bounded() {
        let many: Vec<Buf> = (0..2 * KEPT_PER_CLASS / LARGE).map(|_| Buf::large()).collect();
        drop(many);
        POOL.with(|pool| assert!(pool.borrow().large.bytes <= KEPT_PER_CLASS));
        let mut huge = Buf::large();
        huge.reserve(LARGEST_KEPT * 2);
        let before = POOL.with(|pool| pool.borrow().large.bytes);
        drop(huge);
        assert_eq!(POOL.with(|pool| pool.borrow().large.bytes), before);
    }
}
