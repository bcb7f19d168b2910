//! What a closed model cannot show: requests that nobody sent because everybody waited (coordinated omission).

use super::summary::Figures;

/// A request is a stall from here on, milliseconds,
const LONG: f64 = 500.0;
/// if it took so many times as long as nearly all others.
const OUTLIER: f64 = 10.0;

/// What to say beside the figures of a closed model in which the target stood still, it seems, and no percentile that
/// people look at shows it.
pub(super) fn note(figures: &Figures) -> Option<String> {
    let p99 = figures.percentile(0.99)?;
    if figures.max < LONG || figures.max < OUTLIER * p99 {
        return None;
    }
    Some(format!(
        "The slowest request took {:.1} s, 99 % took {p99:.0} ms or less. Users who wait for an answer send nothing \
         meanwhile: in this closed model a standstill of the target counts once per user, not once per request that would \
         have come, so percentiles hide it. --rate (or wait: schedule) times requests from the moment they are due.",
        figures.max / 1_000.0
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::stats::Histogram;

    fn of(usual_ms: u64, slowest_ms: u64) -> Option<String> {
        let mut times = Histogram::new();
        (0..999).for_each(|_| times.record(usual_ms * 1_000_000));
        times.record(slowest_ms * 1_000_000);
        #[expect(clippy::cast_precision_loss, reason = "milliseconds")]
        let max = slowest_ms as f64;
        note(&Figures { times: Arc::new(times), max, ..Figures::default() })
    }

    #[test]
    fn a_standstill_is_told_and_a_slow_target_is_not() {
        let told = of(10, 2_005).expect("two seconds are a standstill");
        assert!(
            told.starts_with("The slowest request took 2.0 s, 99 % took 10 ms or less. "),
            "{told}"
        );
        assert_eq!(of(10, 400), None, "a hiccup");
        assert_eq!(of(300, 2_000), None, "it is slow throughout");
        assert_eq!(note(&Figures::default()), None);
    }
}
