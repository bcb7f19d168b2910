//! The limit on wrong passwords and tokens.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use hashbrown::HashMap;

/// So many wrong tries of one address are free; then
const FREE: u32 = 5;
/// it waits so long, and twice as long after each further one, up to
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// this.
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// An address that has not tried for so long begins afresh.
const FORGET: Duration = Duration::from_mins(30);
/// Addresses that are kept; one that tries when there is no room waits as if it had failed often.
const MOST: usize = 10_000;

/// Wrong tries by address.
#[derive(Debug, Default)]
pub(crate) struct Tries(HashMap<IpAddr, Failed>);

#[derive(Debug)]
struct Failed {
    times: u32,
    latest: Instant,
}

impl Failed {
    fn wait(&self) -> Duration {
        match self.times.checked_sub(FREE) {
            None => Duration::ZERO,
            Some(more) => LONGEST_WAIT.min(FIRST_WAIT.saturating_mul(1 << more.min(16))),
        }
    }
}

impl Tries {
    /// How long this address has to wait before it may try again; `None` when it may now.
    pub(crate) fn wait(&mut self, address: IpAddr, now: Instant) -> Option<Duration> {
        if let Some(failed) = self.0.get(&address) {
            let over = now.duration_since(failed.latest);
            return failed.wait().checked_sub(over).filter(|left| !left.is_zero());
        }
        if self.0.len() >= MOST {
            self.0.retain(|_, failed| now.duration_since(failed.latest) < FORGET);
        }
        (self.0.len() >= MOST).then_some(LONGEST_WAIT)
    }

    /// A wrong try.
    pub(crate) fn failed(&mut self, address: IpAddr, now: Instant) {
        let failed = self.0.entry(address).or_insert(Failed { times: 0, latest: now });
        if now.duration_since(failed.latest) >= FORGET {
            failed.times = 0;
        }
        failed.times += 1;
        failed.latest = now;
    }

    /// The right password or token: all is forgiven.
    pub(crate) fn succeeded(&mut self, address: IpAddr) {
        self.0.remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn waits_grow_and_end() {
        let (mut tries, mut now) = (Tries::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..14 {
            tries.failed(HOME, now);
            let wait = tries.wait(HOME, now).unwrap_or_default();
            waits.push(wait.as_secs());
            now += wait;
            assert_eq!(tries.wait(HOME, now), None, "the wait is over");
        }
        assert_eq!(waits, [0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        tries.succeeded(HOME);
        tries.failed(HOME, now);
        assert_eq!(tries.wait(HOME, now), None);
    }

    #[test]
    fn one_address_does_not_lock_out_another() {
        let (mut tries, now) = (Tries::default(), Instant::now());
        (0..50).for_each(|_| tries.failed(HOME, now));
        assert!(tries.wait(HOME, now).is_some());
        assert_eq!(tries.wait("127.0.0.2".parse().unwrap(), now), None);
    }

    #[test]
    fn memory_is_bounded() {
        let (mut tries, now) = (Tries::default(), Instant::now());
        for number in 0..20_000_u32 {
            let address = IpAddr::V4(number.into());
            if tries.wait(address, now).is_none() {
                tries.failed(address, now);
            }
        }
        assert_eq!(tries.0.len(), MOST);
        assert_eq!(tries.wait(IpAddr::V4(30_000.into()), now), Some(LONGEST_WAIT));
        assert_eq!(
            tries.wait(IpAddr::V4(30_000.into()), now + FORGET),
            None,
            "old tries make room"
        );
    }
}
