//! The clock: is the calendar set, and does reading the time cost next to nothing?

use std::time::{Duration, Instant, SystemTime};

use super::Finding;

/// 2026-01-01T00:00:00Z: no machine that runs this lives before.
const NEW_YEAR: Duration = Duration::from_hours(490_896);

/// Readings of the clock that are timed together.
const READINGS: u32 = 1_000;

/// A reading that takes longer is no longer free: every request needs three of them.
const DEAR: Duration = Duration::from_micros(1);

pub(super) fn clock() -> Finding {
    let calendar = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // The quickest of a few tries: others may use the processor, too.
    let cost = (0..5).map(|_| readings()).min().unwrap_or_default() / READINGS;
    judge(calendar, cost)
}

fn readings() -> Duration {
    let start = Instant::now();
    for _ in 1..READINGS {
        std::hint::black_box(Instant::now());
    }
    start.elapsed()
}

fn judge(calendar: Duration, cost: Duration) -> Finding {
    if calendar < NEW_YEAR {
        return Finding::warning(
            "the clock of this machine is years behind: times in files and reports will be wrong; set it",
        );
    }
    let nanos = cost.as_nanos();
    if cost > DEAR {
        return Finding::warning(format!(
            "reading the clock takes {nanos} ns on this machine, which slows every request; see that its clock source \
             is the processor's own (tsc on x86)"
        ));
    }
    Finding::fine(format!("{nanos} ns to read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_behind_or_slow_is_told() {
        assert_eq!(judge(NEW_YEAR, Duration::from_nanos(25)), Finding::fine("25 ns to read"));
        let text = |finding| match finding {
            Finding::Warning(text) => text,
            Finding::Fine(text) => panic!("{text}"),
        };
        assert!(text(judge(Duration::ZERO, Duration::ZERO)).contains("years behind"));
        assert!(text(judge(NEW_YEAR, Duration::from_micros(2))).contains("2000 ns"));
    }
}
