//! What a stall does to response times from the moment due, by arithmetic alone.

/// A server that answers after `delay` and stands still once for `length`, in a run of `run` at an even rate; seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stall {
    pub(crate) delay: f64,
    pub(crate) length: f64,
    pub(crate) run: f64,
}

impl Stall {
    /// The `p`-quantile of the times from due, in seconds.
    ///
    /// What would have left in the stall leaves at its end: of a run of T seconds the share S/T, late by between 0 and S,
    /// evenly spread. So the share of times above d + x is (S - x)/T, and the quantile is d + S - (1 - p)·T, or d where
    /// that is less. The backlog leaves at once: this server has no queue to work off.
    pub(crate) fn quantile(self, p: f64) -> f64 {
        self.delay + (self.length - (1.0 - p) * self.run).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALL: Stall = Stall { delay: 0.01, length: 2.0, run: 20.0 };

    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-9, "{value}, expected {expected}");
    }

    #[test]
    fn an_even_rate_meets_the_stall_in_its_share_of_the_run() {
        close(STALL.quantile(0.5), 0.01);
        close(STALL.quantile(0.9), 0.01);
        close(STALL.quantile(0.95), 1.01);
        close(STALL.quantile(0.99), 1.81);
        close(STALL.quantile(0.999), 1.99);
        close(STALL.quantile(1.0), 2.01);
    }

    #[test]
    fn theory_agrees_with_every_single_request() {
        // 500 a second, the stall from 8 s to 10 s.
        let mut times: Vec<f64> = (0..10_000)
            .map(|number| {
                let due = f64::from(number) / 500.0;
                let leaves = due + 0.01;
                if (8.0..10.0).contains(&leaves) { 10.0 - due } else { 0.01 }
            })
            .collect();
        times.sort_by(f64::total_cmp);
        for (rank, p) in [(5_000, 0.5), (9_500, 0.95), (9_900, 0.99), (9_990, 0.999)] {
            let difference = (times[rank] - STALL.quantile(p)).abs();
            assert!(difference <= 0.002 + 1e-9, "P({p}): {difference} s, two milliseconds apart");
        }
    }
}
