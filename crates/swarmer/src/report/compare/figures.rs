//! The difference of one figure, and the interval in which it lies.

use serde::Serialize;

use super::{LEAST_MS, LEAST_RATIO, LEAST_SHARE};
use crate::stats::{Figures, Histogram};

/// The error of the histogram's cells, as a share.
const CELL: f64 = 0.001;
/// Fewer values than this have no mean worth an interval.
const LEAST_VALUES: u64 = 30;

/// One figure of both runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Difference {
    /// Of run A; `None` when it has none.
    pub a: Option<f64>,
    /// Of run B.
    pub b: Option<f64>,
    /// B − A.
    pub diff: Option<f64>,
    /// That, as a share of A.
    pub share: Option<f64>,
    /// The true difference is at least this; `None` when nothing is known of it.
    pub low: Option<f64>,
    /// The true difference is at most this.
    pub high: Option<f64>,
    /// It is more than chance, and large enough to be of use.
    pub matters: bool,
    /// Where it matters: whether B is the better one.
    pub better: Option<bool>,
}

impl Difference {
    /// Without an interval.
    pub(super) fn plain(a: Option<f64>, b: Option<f64>) -> Self {
        let diff = a.zip(b).map(|(a, b)| b - a);
        let share = diff.zip(a).filter(|(_, a)| *a != 0.0).map(|(diff, a)| diff / a);
        Self { a, b, diff, share, ..Self::default() }
    }

    /// With an interval, of a figure that had better be small; `of_use` says whether its size is of use to anybody.
    fn with(mut self, low: Option<f64>, high: Option<f64>, of_use: bool) -> Self {
        (self.low, self.high) = (low, high);
        let worse = low.is_some_and(|low| low > 0.0);
        let better = high.is_some_and(|high| high < 0.0);
        self.matters = of_use && (worse || better);
        self.better = self.matters.then_some(better);
        self
    }

    fn of_time(self, low: Option<f64>, high: Option<f64>) -> Self {
        let size = self.diff.unwrap_or_default().abs();
        let enough = size >= LEAST_MS && size >= LEAST_SHARE * self.a.unwrap_or_default();
        self.with(low, high, enough)
    }
}

/// Makes intervals that hold together.
pub(super) struct Judge {
    /// Confidence of one interval of one run.
    each: f64,
    /// The quantile of the normal distribution for an interval of a difference, both sides.
    z: f64,
}

impl Judge {
    /// For so many differences, all of whose intervals hold with probability `confidence`.
    #[expect(clippy::cast_precision_loss, reason = "a number of rows")]
    pub(super) fn new(confidence: f64, differences: usize) -> Self {
        let miss = (1.0 - confidence) / differences as f64;
        // A difference misses when either of its two ends does.
        Self { each: 1.0 - miss / 2.0, z: normal_quantile(1.0 - miss / 2.0) }
    }

    pub(super) fn percentile(
        &self,
        a: Option<&Figures>,
        b: Option<&Figures>,
        p: f64,
    ) -> Difference {
        let timed = |figures: Option<&Figures>| figures.and_then(|figures| figures.percentile(p));
        let plain = Difference::plain(timed(a), timed(b));
        let bounds = |figures: Option<&Figures>| {
            let (low, high) = figures?.times.quantile_interval(p, self.each)?;
            Some((ms(low) * (1.0 - CELL), high.map(|high| ms(high) * (1.0 + CELL))))
        };
        let (Some((a_low, a_high)), Some((b_low, b_high))) = (bounds(a), bounds(b)) else {
            return plain;
        };
        plain.of_time(a_high.map(|a_high| b_low - a_high), b_high.map(|b_high| b_high - a_low))
    }

    pub(super) fn mean(&self, a: Option<&Figures>, b: Option<&Figures>) -> Difference {
        let of = |figures: Option<&Figures>| figures.and_then(|f| Moments::of(&f.times));
        let (a, b) = (of(a), of(b));
        let plain = Difference::plain(a.as_ref().map(|m| m.mean), b.as_ref().map(|m| m.mean));
        let (Some(a), Some(b)) = (a, b) else { return plain };
        if a.count < LEAST_VALUES || b.count < LEAST_VALUES {
            return plain;
        }
        let (diff, margin) = (b.mean - a.mean, self.z * (a.of_mean + b.of_mean).sqrt());
        plain.of_time(Some(diff - margin), Some(diff + margin))
    }

    pub(super) fn failure_ratio(&self, a: Option<&Figures>, b: Option<&Figures>) -> Difference {
        let of = |figures: Option<&Figures>| {
            let figures = figures.filter(|figures| figures.requests > 0)?;
            Some((figures.failure_ratio(), self.wilson(figures.failures, figures.requests)))
        };
        let (Some((p_a, (low_a, high_a))), Some((p_b, (low_b, high_b)))) = (of(a), of(b)) else {
            let ratio = |figures| of(figures).map(|(ratio, _)| ratio);
            return Difference::plain(ratio(a), ratio(b));
        };
        let plain = Difference::plain(Some(p_a), Some(p_b));
        let counts =
            |figures: Option<&Figures>| figures.map_or((0, 0), |f| (f.failures, f.requests));
        let diff = p_b - p_a;
        let low = diff - (p_b - low_b).hypot(high_a - p_a);
        let high = diff + (high_b - p_b).hypot(p_a - low_a);
        let of_use =
            diff.abs() >= LEAST_RATIO && by_chance(counts(a), counts(b)) <= 1.0 - self.each;
        plain.with(Some(low), Some(high), of_use)
    }

    /// Wilson's interval of a ratio (Wilson 1927).
    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
    fn wilson(&self, hits: u64, of: u64) -> (f64, f64) {
        let (n, z2) = (of as f64, self.z * self.z);
        let p = hits.min(of) as f64 / n;
        let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let margin = self.z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        ((middle - margin).max(0.0), (middle + margin).min(1.0))
    }
}

/// How probable it is that so many of all failures, or more, fall on the run on which more fall, when both are alike:
/// given their number, they fall on the runs as their requests do. Wilson's intervals are too short where there are few.
#[expect(clippy::cast_precision_loss, reason = "counts")]
fn by_chance((in_a, of_a): (u64, u64), (in_b, of_b): (u64, u64)) -> f64 {
    /// Where failures are more than this, or more than one in ten, the intervals are as good, or better.
    const MANY: u64 = 2_000;
    let all = in_a + in_b;
    if all > MANY || all > (of_a + of_b) / 10 || of_a == 0 || of_b == 0 {
        return 0.0;
    }
    let (hits, of) = if in_b as f64 / of_b as f64 >= in_a as f64 / of_a as f64 {
        (in_b, of_b)
    } else {
        (in_a, of_a)
    };
    let share = of as f64 / (of_a + of_b) as f64;
    // The logarithm of P(none), then from each number of hits to the next.
    let mut log = all as f64 * (1.0 - share).ln();
    let mut tail = if hits == 0 { log.exp() } else { 0.0 };
    for k in 1..=all {
        log += ((all - k + 1) as f64 / k as f64 * share / (1.0 - share)).ln();
        tail += if k >= hits { log.exp() } else { 0.0 };
    }
    tail
}

struct Moments {
    count: u64,
    /// Milliseconds.
    mean: f64,
    /// Variance of the mean, square milliseconds.
    of_mean: f64,
}

impl Moments {
    #[expect(clippy::cast_precision_loss, reason = "a mean and its variance")]
    fn of(times: &Histogram) -> Option<Self> {
        let mean = times.mean()? / 1e6;
        let count = times.count();
        let squares: f64 =
            times.iter().map(|(nanos, count)| count as f64 * (ms(nanos) - mean).powi(2)).sum();
        let variance = squares / (count.saturating_sub(1)).max(1) as f64;
        Some(Self { count, mean, of_mean: variance / count as f64 })
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 104 days")]
fn ms(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

/// The `p`-quantile of the normal distribution for `p` from 0.5 up, by Acklam's rational approximation (relative error
/// 1.2e-9).
fn normal_quantile(p: f64) -> f64 {
    /// Above this the tail has an approximation of its own.
    const TAIL: f64 = 0.975_75;
    let polynomial =
        |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    if p <= TAIL {
        let q = p - 0.5;
        let r = q * q;
        let above = polynomial(
            &[
                -39.696_830_286_653_76,
                220.946_098_424_520_5,
                -275.928_510_446_968_7,
                138.357_751_867_269,
                -30.664_798_066_147_16,
                2.506_628_277_459_239,
            ],
            r,
        );
        let below = polynomial(
            &[
                -54.476_098_798_224_06,
                161.585_836_858_040_9,
                -155.698_979_859_886_6,
                66.801_311_887_719_72,
                -13.280_681_552_885_72,
                1.0,
            ],
            r,
        );
        return q * above / below;
    }
    let q = (-2.0 * (1.0 - p).max(f64::MIN_POSITIVE).ln()).sqrt();
    let above = polynomial(
        &[
            -0.007_784_894_002_430_293,
            -0.322_396_458_041_136_5,
            -2.400_758_277_161_838,
            -2.549_732_539_343_734,
            4.374_664_141_464_968,
            2.938_163_982_698_783,
        ],
        q,
    );
    let below = polynomial(
        &[
            0.007_784_695_709_041_462,
            0.322_467_129_070_039_8,
            2.445_134_137_142_996,
            3.754_408_661_907_416,
            1.0,
        ],
        q,
    );
    -above / below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_quantiles_are_those_of_the_tables() {
        for (p, z) in [
            (0.5, 0.0),
            (0.975, 1.959_963_985),
            (0.995, 2.575_829_304),
            (0.999_5, 3.290_526_731),
            (0.999_999, 4.753_424_309),
        ] {
            assert!((normal_quantile(p) - z).abs() < 1e-6, "{p}: {}", normal_quantile(p));
        }
    }

    #[test]
    fn wilsons_interval_is_that_of_the_literature() {
        // Newcombe 1998, table I: 81 of 263 is 0.2553 to 0.3662; 0 of 20 is 0 to 0.1611 (95 %).
        let judge = Judge { each: 0.95, z: 1.959_964 };
        let near = |(low, high): (f64, f64), l: f64, h: f64| {
            assert!((low - l).abs() < 5e-5 && (high - h).abs() < 5e-5, "{low} {high}");
        };
        near(judge.wilson(81, 263), 0.2553, 0.3662);
        near(judge.wilson(0, 20), 0.0, 0.1611);
    }

    #[test]
    fn few_failures_prove_nothing() {
        assert!((by_chance((0, 10_000), (1, 250)) - 250.0 / 10_250.0).abs() < 1e-12);
        assert!((by_chance((1, 100), (1, 100)) - 0.75).abs() < 1e-12);
        assert!(by_chance((48, 80), (56, 70)) < 1e-12, "not its business");
        assert!((by_chance((0, 50), (0, 50)) - 1.0).abs() < 1e-12);
        assert!(by_chance((0, 10_000), (9, 250)) < 1e-13);
        let judge = Judge::new(0.99, 15);
        let figures = |failures, requests| Figures { requests, failures, ..Figures::default() };
        let one = judge.failure_ratio(Some(&figures(0, 10_000)), Some(&figures(1, 250)));
        assert!(!one.matters, "{one:?}");
    }

    #[test]
    fn newcombes_difference_is_that_of_the_literature() {
        // Newcombe 1998, table II, method 10: 56/70 − 48/80 is 0.0524 to 0.3339 (95 %).
        let judge = Judge { each: 0.95, z: 1.959_964 };
        let figures = |failures, requests| Figures { requests, failures, ..Figures::default() };
        let (a, b) = (figures(48, 80), figures(56, 70));
        let d = judge.failure_ratio(Some(&a), Some(&b));
        assert!(
            (d.low.unwrap() - 0.0524).abs() < 5e-5 && (d.high.unwrap() - 0.3339).abs() < 5e-5,
            "{d:?}"
        );
        assert_eq!((d.matters, d.better), (true, Some(false)));
    }
}
