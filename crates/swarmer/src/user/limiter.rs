//! A ceiling on requests per second, kept by each driver for itself.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::clock;

/// So much may be made up of time in which nothing was sent. It covers the resolution of timers (1 ms): without it a
/// user that is woken late would lose its place in the line, and the ceiling would not be reached.
const TOLERANCE: Duration = Duration::from_millis(2);

/// One request every `1 / rate` seconds, in order of asking (the generic cell rate algorithm: a token bucket that holds
/// one moment instead of a count).
///
/// Those that wait have a number instead of a moment: when the rate changes, so do the moments of all of them.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// `None`: there is no ceiling.
    pace: Cell<Option<Pace>>,
    /// The number that the next one to ask gets.
    next: Cell<u64>,
    changed: Notify,
}

/// Who has his turn when.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pace {
    /// Without one nobody has a turn any more.
    gap: Option<Duration>,
    /// This number has its turn at `at`, and each later one a gap later; those before have had theirs.
    number: u64,
    at: Instant,
    /// When the one before had it.
    last: Option<Instant>,
}

impl Pace {
    /// When a number has its turn; `None` for never.
    fn turn(&self, number: u64) -> Option<Instant> {
        let later = u128::from(number.saturating_sub(self.number));
        let nanos = self.gap?.as_nanos().saturating_mul(later);
        self.at.checked_add(Duration::from_nanos(u64::try_from(nanos).ok()?))
    }

    /// The first number, of those taken below `next`, whose turn is yet to come, and when the one before had its.
    fn waiting(&self, now: Instant, next: u64) -> (u64, Option<Instant>) {
        let none = (self.number, self.last);
        let (Some(gap), Some(passed)) = (self.gap, now.checked_duration_since(self.at)) else {
            return none;
        };
        let over = u64::try_from(passed.as_nanos() / gap.as_nanos().max(1)).unwrap_or(u64::MAX);
        let first = self.number.saturating_add(over).saturating_add(1).min(next);
        if first > self.number { (first, self.turn(first - 1)) } else { none }
    }
}

impl Limiter {
    /// At most `rate` requests per second, finite; with 0 none at all. Without a rate there is no ceiling.
    pub(crate) fn new(rate: Option<f64>) -> Self {
        let limiter = Self { pace: Cell::default(), next: Cell::default(), changed: Notify::new() };
        limiter.set(rate);
        limiter
    }

    /// From now on this is the ceiling, also for those that wait already: the next one goes no sooner after the last
    /// than the new rate allows.
    pub(crate) fn set(&self, rate: Option<f64>) {
        let (now, next) = (clock::now(), self.next.get());
        let pace = rate.map(|rate| {
            let gap = Duration::try_from_secs_f64(1.0 / rate).ok();
            let (number, last) = match self.pace.get() {
                Some(pace) => pace.waiting(now, next),
                None => (next, None),
            };
            let after = last.zip(gap).and_then(|(last, gap)| last.checked_add(gap));
            Pace { gap, number, at: after.map_or(now, |after| after.max(now)), last }
        });
        self.pace.set(pace);
        self.changed.notify_waiters();
    }

    /// Whether there is a ceiling.
    pub(crate) fn is_set(&self) -> bool {
        self.pace.get().is_some()
    }

    /// Takes the next number; `None` when there is no ceiling.
    fn take(&self, now: Instant) -> Option<u64> {
        let mut pace = self.pace.get()?;
        let number = self.next.get();
        self.next.set(number + 1);
        let earliest = now.checked_sub(TOLERANCE).unwrap_or(now);
        if pace.turn(number).is_some_and(|turn| turn < earliest) {
            (pace.number, pace.at) = (number, earliest);
            self.pace.set(Some(pace));
        }
        Some(number)
    }

    /// When a number that was taken has its turn by the ceiling of now; `None` for never.
    fn turn(&self, number: u64, now: Instant) -> Option<Instant> {
        match self.pace.get() {
            Some(pace) if number >= pace.number => pace.turn(number),
            _ => Some(now),
        }
    }

    /// Waits for a turn.
    pub(crate) async fn pass(&self) {
        let Some(number) = self.take(clock::now()) else { return };
        loop {
            let now = clock::now();
            let turn = self.turn(number, now);
            if turn.is_some_and(|turn| turn <= now) {
                return;
            }
            let wait = async {
                match turn {
                    Some(turn) => tokio::time::sleep_until(turn.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = wait => {}
                () = self.changed.notified() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use tokio::task::LocalSet;
    use tokio::time::sleep;

    use super::*;

    #[test]
    fn never_more_than_the_rate_in_any_second() {
        let limiter = Limiter::new(Some(1000.0));
        let start = clock::now();
        let mut turns: Vec<Instant> = Vec::new();
        // Crowds, pauses, and single late-comers.
        for at_ms in [0_u64, 0, 5, 3000, 3001, 3500] {
            let now = start + Duration::from_millis(at_ms);
            turns.extend((0..700).map(|_| {
                let number = limiter.take(now).unwrap();
                limiter.turn(number, now).unwrap().max(now)
            }));
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

    /// A ceiling that goes from 100 to 20, to none at all, to 50 and away, with a crowd that waits all the time.
    #[tokio::test(start_paused = true)]
    async fn who_waits_already_waits_by_the_new_rate() {
        let limiter = Rc::new(Limiter::new(Some(100.0)));
        let passed: Rc<RefCell<Vec<Duration>>> = Rc::default();
        let crowd = LocalSet::new();
        let start = clock::now();
        for _ in 0..1000 {
            let (limiter, passed) = (Rc::clone(&limiter), Rc::clone(&passed));
            crowd.spawn_local(async move {
                limiter.pass().await;
                passed.borrow_mut().push(clock::now() - start);
            });
        }
        let steer = async {
            for (seconds, rate) in [(2, Some(20.0)), (4, Some(0.0)), (6, Some(50.0)), (8, None)] {
                sleep(
                    (start + Duration::from_secs(seconds)).saturating_duration_since(clock::now()),
                )
                .await;
                // Told twice, it is the same.
                limiter.set(rate);
                limiter.set(rate);
            }
            sleep(Duration::from_secs(1)).await;
        };
        crowd.run_until(steer).await;
        let passed = passed.borrow();
        let within = |from: u64, to: u64| {
            let span = Duration::from_secs(from)..Duration::from_secs(to);
            passed.iter().filter(|at| span.contains(*at)).count()
        };
        assert_eq!(within(0, 2), 200);
        // One of those whose turn came at the moment of the change.
        assert!((39..=41).contains(&within(2, 4)), "{}", within(2, 4));
        assert!(within(4, 6) <= 1, "{}", within(4, 6));
        assert!((99..=101).contains(&within(6, 8)), "{}", within(6, 8));
        assert_eq!(passed.len(), 1000, "without a ceiling nobody waits");
        let gaps = passed.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
        let slow = gaps.skip(201).take(38).min();
        assert!(slow >= Some(Duration::from_millis(48)), "{slow:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_ceiling_that_rises_does_not_make_up_for_the_time_before() {
        let limiter = Limiter::new(Some(0.0));
        sleep(Duration::from_mins(1)).await;
        limiter.set(Some(10.0));
        let start = clock::now();
        for _ in 0..11 {
            limiter.pass().await;
        }
        assert_eq!((clock::now() - start).as_millis() / 100, 10);
    }
}
