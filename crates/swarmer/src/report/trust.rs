//! How sure percentiles are, in a line of text.

use crate::stats::{Figures, Interval, percentile_label};

/// The percentiles whose intervals are told.
const TOLD: [f64; 4] = [0.5, 0.95, 0.99, 0.999];

/// `With 95 % confidence: 50% 12.1 to 12.9 ms, …`; `None` when nothing was timed.
pub(super) fn confidence(figures: &Figures) -> Option<String> {
    let parts: Vec<String> = TOLD.iter().filter_map(|p| part(figures, *p)).collect();
    if parts.is_empty() {
        return None;
    }
    let percent = (Interval::CONFIDENCE * 100.0).round();
    let few = TOLD.iter().any(|p| figures.interval(*p).is_some_and(|known| known.high.is_none()));
    let more = if few {
        format!(" ({} requests are too few to say more)", figures.times.count())
    } else {
        String::new()
    };
    Some(format!("With {percent} % confidence: {}{more}", parts.join(", ")))
}

fn part(figures: &Figures, p: f64) -> Option<String> {
    let (Interval { low, high }, label) = (figures.interval(p)?, percentile_label(p));
    Some(match high {
        Some(high) => format!("{label} {} to {} ms", digits(low), digits(high)),
        None if low > 0.0 => format!("{label} at least {} ms", digits(low)),
        None => format!("{label} unknown"),
    })
}

/// Three digits, as many as such a figure is good for.
fn digits(ms: f64) -> String {
    match ms {
        ms if ms >= 99.95 => format!("{ms:.0}"),
        ms if ms >= 9.995 => format!("{ms:.1}"),
        ms if ms >= 0.9995 => format!("{ms:.2}"),
        ms => format!("{ms:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::stats::Histogram;

    fn of(n: u64) -> Option<String> {
        let mut times = Histogram::new();
        (1..=n).for_each(|n| times.record(n * 100_000));
        confidence(&Figures { times: Arc::new(times), ..Figures::default() })
    }

    #[test]
    fn a_percentile_is_told_for_what_it_is() {
        assert_eq!(of(0), None);
        let expected = "With 95 % confidence: 50% unknown, 95% at least 0.200 ms, 99% at least 0.200 ms, \
                        99.9% at least 0.300 ms (3 requests are too few to say more)";
        assert_eq!(of(3).as_deref(), Some(expected));
        let expected = "With 95 % confidence: 50% 18.0 to 22.1 ms, 95% 37.1 to 38.9 ms, 99% 39.2 to 40.0 ms, 99.9% at least \
                        39.8 ms (400 requests are too few to say more)";
        assert_eq!(of(400).as_deref(), Some(expected));
        let all = of(10_000).expect("all are known");
        assert!(all.contains("99.9% 999 to 1000 ms") && all.ends_with(" ms"), "{all}");
    }
}
