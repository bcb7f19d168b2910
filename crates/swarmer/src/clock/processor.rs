//! Clocks that run while a thread or a process has a core.

use std::time::Duration;

/// Processor time of the calling thread; zero where the system does not tell.
pub(crate) fn thread_time() -> Duration {
    read(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Processor time of all threads of this process; zero where the system does not tell.
pub(crate) fn process_time() -> Duration {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn read(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one `timespec` to the pointer it is given, which is valid and exclusive.
    let result = unsafe { libc::clock_gettime(clock, &raw mut time) };
    match (result, u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec)) {
        (0, Ok(seconds), Ok(nanos)) => Duration::new(seconds, nanos),
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_the_time_of_all_its_threads() {
        let busy = || {
            let before = thread_time();
            while thread_time().saturating_sub(before) < Duration::from_millis(5) {}
        };
        let (here, all) = (thread_time(), process_time());
        std::thread::spawn(busy).join().unwrap();
        assert!(process_time().saturating_sub(all) >= Duration::from_millis(5));
        assert!(
            thread_time().saturating_sub(here) < Duration::from_millis(5),
            "the other one worked"
        );
    }
}
