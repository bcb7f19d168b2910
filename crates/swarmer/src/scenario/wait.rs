//! Waits: how long a user pauses between tasks, or thinks between steps.

use std::time::{Duration, Instant};

use rand::{Rng, RngExt};

/// A pause, in seconds of real time at time scale 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wait {
    /// No pause at all: the next task follows at once.
    None,
    /// Always the same.
    Constant {
        /// Length, in seconds.
        seconds: f64,
    },
    /// Uniform in `[min, max)`.
    Between {
        /// Shortest, in seconds.
        min: f64,
        /// Longest, in seconds.
        max: f64,
    },
    /// Tasks start every `period` seconds, as long as they take less than that: the wait is what remains of the period.
    Pacing {
        /// From the start of one task to the start of the next, in seconds.
        period: f64,
    },
    /// Tasks are due every `period` seconds, for ever counted from the first: a task that comes late leaves the times
    /// of those after it as they are, and lost time is made up.
    Schedule {
        /// From the moment one task is due to the moment the next is, in seconds.
        period: f64,
    },
    /// Random, exponentially distributed: tasks follow each other as in a Poisson process.
    Poisson {
        /// Mean number of pauses that would fit into a second.
        rate: f64,
    },
}

/// Uniform between `min` and `max` seconds.
///
/// # Panics
/// When a bound is negative or not finite, or `min` is above `max`: a mistake in the workload's own text.
pub fn between(min: f64, max: f64) -> Wait {
    assert!(
        min.is_finite() && max.is_finite() && 0.0 <= min && min <= max,
        "between({min}, {max}): both bounds must be finite seconds, 0 <= min <= max"
    );
    Wait::Between { min, max }
}

/// Always `seconds`.
///
/// # Panics
/// When `seconds` is negative or not finite.
pub fn constant(seconds: f64) -> Wait {
    assert!(
        seconds.is_finite() && seconds >= 0.0,
        "constant({seconds}): must be finite seconds >= 0"
    );
    Wait::Constant { seconds }
}

/// One task every `period` seconds, however long the task takes (up to the period).
///
/// # Panics
/// When `period` is not positive and finite.
pub fn pacing(period: f64) -> Wait {
    assert!(period.is_finite() && period > 0.0, "pacing({period}): must be finite seconds > 0");
    Wait::Pacing { period }
}

/// One task every `period` seconds on a fixed schedule, counted from the user's first task.
///
/// Unlike [`pacing`] a schedule makes up for lost time: after a task that took longer than the period, tasks follow
/// each other without a pause until the schedule is caught up with. Each task has a moment at which it is *due*: its
/// first request is timed from there as well, and its lateness is recorded (see [`crate::stats::Schedule`]). So a slow
/// target does not hide itself by asking for less (coordinated omission).
///
/// # Panics
/// When `period` is not positive and finite.
pub fn schedule(period: f64) -> Wait {
    assert!(period.is_finite() && period > 0.0, "schedule({period}): must be finite seconds > 0");
    Wait::Schedule { period }
}

/// So many tasks a second, one task after the other: [`pacing`]`(1 / rate)`.
///
/// It counts tasks of one user, not requests: 100 users with `constant_throughput(0.5)` do 50 tasks a second.
///
/// # Panics
/// When `rate` is not positive and finite.
pub fn constant_throughput(rate: f64) -> Wait {
    assert!(
        rate.is_finite() && rate > 0.0 && (1.0 / rate).is_finite(),
        "constant_throughput({rate}): must be a finite number of tasks per second > 0"
    );
    pacing(1.0 / rate)
}

/// Random pauses with a mean of `1 / rate` seconds, exponentially distributed.
///
/// As people arrive: many short pauses, a few long ones. The pause is `-ln(1 - u) / rate` for `u` uniform in `[0, 1)`,
/// the inverse of the exponential distribution function.
///
/// # Panics
/// When `rate` is not positive and finite.
pub fn poisson(rate: f64) -> Wait {
    assert!(
        rate.is_finite() && rate > 0.0,
        "poisson({rate}): must be a finite number of pauses per second > 0"
    );
    Wait::Poisson { rate }
}

/// What pacing has to remember of the user's past.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    last_call: Instant,
    last_wait: Duration,
    /// When the next task is due, on a schedule.
    due: Option<Instant>,
    /// When the first task began, and how many tasks were due since.
    schedule: Option<(Instant, f64)>,
}

impl Pace {
    pub(crate) fn new(born: Instant) -> Self {
        Self { last_call: born, last_wait: Duration::ZERO, due: None, schedule: None }
    }

    /// The task that is over began then; for a schedule the first counts.
    pub(crate) fn anchor(&mut self, began: Instant) {
        self.schedule.get_or_insert((began, 0.0));
    }

    /// The moment at which the task after the pause is due, if there is one.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }
}

impl Wait {
    /// The next pause, with every length multiplied by `scale`.
    pub(crate) fn draw(
        self,
        rng: &mut impl Rng,
        scale: f64,
        now: Instant,
        pace: &mut Pace,
    ) -> Duration {
        pace.due = None;
        let wait = match self {
            Self::Pacing { period } => {
                let spent = now.duration_since(pace.last_call).saturating_sub(pace.last_wait);
                seconds(period * scale).saturating_sub(spent)
            }
            Self::Schedule { period } => {
                let (first, count) = pace.schedule.get_or_insert((now, 0.0));
                *count += 1.0;
                let due = *first + seconds(period * scale * *count);
                pace.due = Some(due);
                due.saturating_duration_since(now)
            }
            other => other.think(rng, scale),
        };
        (pace.last_call, pace.last_wait) = (now, wait);
        wait
    }

    /// A pause without memory: pacing makes no sense inside a task and counts as none there.
    pub(crate) fn think(self, rng: &mut impl Rng, scale: f64) -> Duration {
        match self {
            Self::None | Self::Pacing { .. } | Self::Schedule { .. } => Duration::ZERO,
            Self::Constant { seconds: length } => seconds(length * scale),
            Self::Between { min, max } => {
                let share: f64 = rng.random();
                seconds((min + share * (max - min)) * scale)
            }
            Self::Poisson { rate } => {
                let share: f64 = rng.random();
                seconds(-(-share).ln_1p() / rate * scale)
            }
        }
    }
}

/// A scale may be large and a length too; a pause of more than a century is as good as one.
fn seconds(length: f64) -> Duration {
    const CENTURY: f64 = 100.0 * 366.0 * 86_400.0;
    Duration::from_secs_f64(length.clamp(0.0, CENTURY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_pcg::Pcg64Mcg;

    fn draws(wait: Wait, scale: f64) -> Vec<f64> {
        let (mut rng, now) = (Pcg64Mcg::new(1), Instant::now());
        let mut pace = Pace::new(now);
        (0..1000).map(|_| wait.draw(&mut rng, scale, now, &mut pace).as_secs_f64()).collect()
    }

    #[test]
    fn between_fills_its_range_and_follows_the_scale() {
        let all = draws(between(2.0, 5.0), 0.1);
        assert!(all.iter().all(|&s| (0.2..0.5).contains(&s)));
        let mean = all.iter().sum::<f64>() / 1000.0;
        assert!((mean - 0.35).abs() < 0.01, "{mean}");
    }

    #[test]
    fn pacing_waits_for_what_is_left_of_the_period() {
        let (mut rng, start) = (Pcg64Mcg::new(1), Instant::now());
        let mut pace = Pace::new(start);
        let mut draw = |at_ms: u64| {
            let now = start + Duration::from_millis(at_ms);
            pacing(1.0).draw(&mut rng, 1.0, now, &mut pace).as_millis()
        };
        assert_eq!(draw(300), 700, "the task took 0.3 s");
        assert_eq!(draw(1_100), 900, "woken on time, the task took 0.1 s");
        assert_eq!(draw(4_000), 0, "a task longer than the period leaves nothing to wait");
        assert_eq!(draw(4_250), 750, "lost time is not made up");
    }

    #[test]
    fn a_schedule_makes_up_lost_time() {
        let (mut rng, start) = (Pcg64Mcg::new(1), Instant::now());
        let mut pace = Pace::new(start);
        pace.anchor(start + Duration::from_millis(100));
        let mut draw = |at_ms: u64| {
            let now = start + Duration::from_millis(at_ms);
            let wait = schedule(1.0).draw(&mut rng, 1.0, now, &mut pace).as_millis();
            let late = pace.due().map(|due| now.saturating_duration_since(due).as_millis());
            (wait, late)
        };
        assert_eq!(
            draw(300),
            (800, Some(0)),
            "due at 1.1 s, whatever happened before the first task"
        );
        assert_eq!(draw(4_000), (0, Some(1_900)), "due at 2.1 s");
        assert_eq!(draw(4_050), (0, Some(950)), "due at 3.1 s");
        assert_eq!(draw(4_100), (0, Some(0)), "due at 4.1 s");
        assert_eq!(draw(4_150), (950, Some(0)), "on time again");
    }

    #[test]
    fn poisson_is_exponential() {
        let mut all = draws(poisson(4.0), 1.0);
        let mean = all.iter().sum::<f64>() / 1000.0;
        assert!((mean - 0.25).abs() < 0.03, "{mean}");
        all.sort_by(f64::total_cmp);
        // The distribution function is 1 - exp(-4 t): half of all pauses are below ln(2) / 4.
        assert!((all[500] - 2_f64.ln() / 4.0).abs() < 0.02, "{}", all[500]);
        assert!(all[999] > 1.0, "there is no upper bound: {}", all[999]);
    }

    #[test]
    fn throughput_is_pacing_turned_over() {
        assert_eq!(constant_throughput(0.1), pacing(10.0));
    }

    #[test]
    #[should_panic(expected = "0 <= min <= max")]
    fn between_refuses_a_reversed_range() {
        let _ = between(5.0, 2.0);
    }
}
