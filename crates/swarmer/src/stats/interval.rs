//! How sure a percentile is: intervals by order statistics, which suppose nothing about the distribution.
//!
//! Of `n` values the number that lies at or below the true percentile is binomial, whatever the values are. So the true
//! percentile lies between two of the values in order, and the binomial distribution says between which. Where even the
//! largest value may well lie below it, there is no upper end: so few values say nothing of that percentile.

/// Ranks (0-based, ascending) of the values between which the true `p`-quantile of `n` values lies with at least this
/// confidence. No lower rank: not even the smallest value is known to lie below it; no upper one: not even the largest is
/// known to lie above.
pub(super) fn ranks(n: u64, p: f64, confidence: f64) -> (Option<u64>, Option<u64>) {
    let usual = |share: f64| share > 0.0 && share < 1.0;
    if n == 0 || !usual(p) || !usual(confidence) {
        return (None, None);
    }
    let each_side = (1.0 - confidence) / 2.0;
    // Unless the sum of the probabilities of fewer successes than `lower` is small, `lower` is too high.
    let lower = below(n, p, each_side);
    // The same seen from above: successes of one are failures of the other.
    let upper = below(n, 1.0 - p, each_side);
    (lower.checked_sub(1), upper.checked_sub(1).map(|from_above| n - 1 - from_above))
}

/// The largest `l` for which fewer than `l` of `n` successes of probability `p` have a probability of at most `tail`.
fn below(n: u64, p: f64, tail: f64) -> u64 {
    let mode = mode(n, p);
    let total: f64 = 1.0 + falling(n, p, mode).sum::<f64>() + rising(n, p, mode).sum::<f64>();
    // From the mode downwards the sum of what is left shrinks; the first that is small enough is the answer.
    let mut left = (1.0 + falling(n, p, mode).sum::<f64>()) / total;
    let mut l = mode + 1;
    let at_and_below = std::iter::once(1.0).chain(falling(n, p, mode));
    for weight in at_and_below {
        if left <= tail {
            return l;
        }
        left -= weight / total;
        l -= 1;
    }
    if left <= tail { l } else { 0 }
}

/// The most probable number of successes.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of values, rounded down"
)]
fn mode(n: u64, p: f64) -> u64 {
    (((n + 1) as f64 * p) as u64).min(n)
}

/// What is smaller than that in proportion to the most probable number changes no sum.
const NOTHING: f64 = 1e-18;

/// Probabilities of one success less than the mode, two less, …, in proportion to that of the mode: some nine standard
/// deviations far, so a billion values take a fraction of a millisecond.
#[expect(clippy::cast_precision_loss, reason = "numbers of values")]
fn falling(n: u64, p: f64, mode: u64) -> impl Iterator<Item = f64> {
    let odds = (1.0 - p) / p;
    let mut weight = 1.0;
    (1..=mode).rev().map_while(move |k| {
        weight *= k as f64 / (n - k + 1) as f64 * odds;
        (weight > NOTHING).then_some(weight)
    })
}

/// As [`falling`], for more successes than the mode.
#[expect(clippy::cast_precision_loss, reason = "numbers of values")]
fn rising(n: u64, p: f64, mode: u64) -> impl Iterator<Item = f64> {
    let odds = p / (1.0 - p);
    let mut weight = 1.0;
    (mode..n).map_while(move |k| {
        weight *= (n - k) as f64 / (k + 1) as f64 * odds;
        (weight > NOTHING).then_some(weight)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_tables() {
        // Ranks are 1-based in the literature. For the median of 10, X(2) and X(9).
        assert_eq!(ranks(10, 0.5, 0.95), (Some(1), Some(8)));
        assert_eq!(ranks(6, 0.5, 0.95), (Some(0), Some(5)));
        assert_eq!(ranks(5, 0.5, 0.95), (None, None), "five values say nothing of the median");
        // P(B ≤ 89) = 0.0115, P(B ≤ 90) = 0.0282; P(B ≥ 99) = 0.0371, P(B ≥ 100) = 0.0059.
        assert_eq!(ranks(100, 0.95, 0.95), (Some(89), Some(99)));
        assert_eq!(ranks(400, 0.999, 0.95).1, None, "P(B = 400) = 0.67");
        // 0.999^n ≤ 0.025 from 3,688 values on.
        assert_eq!(ranks(3_687, 0.999, 0.95).1, None);
        assert_eq!(ranks(3_688, 0.999, 0.95).1, Some(3_687));
        for nonsense in
            [(0, 0.5, 0.95), (10, 0.0, 0.95), (10, 1.0, 0.95), (10, 0.5, 1.0), (10, f64::NAN, 0.9)]
        {
            assert_eq!(ranks(nonsense.0, nonsense.1, nonsense.2), (None, None));
        }
    }

    #[test]
    fn many_values_come_close_to_the_normal_distribution() {
        let (lower, upper) = ranks(1_000_000_000, 0.99, 0.95);
        // n·p ± 1.96·√(n·p·q) = 990,000,000 ± 6,167
        let (lower, upper) = (lower.expect("there is one"), upper.expect("there is one"));
        assert!(lower.abs_diff(990_000_000 - 6_167) < 5, "{lower}");
        assert!(upper.abs_diff(990_000_000 + 6_167) < 5, "{upper}");
    }

    #[test]
    fn intervals_hold_as_often_as_they_say() {
        let mut state = 7_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            f64::from(u32::try_from(state >> 32).expect("32 bits")) / f64::from(u32::MAX)
        };
        for (n, p) in [(60, 0.5), (300, 0.95), (2_000, 0.99)] {
            let (lower, upper) = ranks(n, p, 0.95);
            let mut held = 0;
            for _ in 0..1_000 {
                let mut values: Vec<f64> = (0..n).map(|_| uniform()).collect();
                values.sort_by(f64::total_cmp);
                let at = |rank: Option<u64>| {
                    values[usize::try_from(rank.expect("enough")).expect("small")]
                };
                held += u32::from(at(lower) <= p && p <= at(upper));
            }
            assert!((940..=995).contains(&held), "P({p}) of {n}: {held} of 1,000");
        }
    }
}
