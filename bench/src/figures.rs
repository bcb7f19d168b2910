//! What one run gave, and what several runs say together.

/// One run of one contender.
pub(crate) struct Outcome {
    /// Requests per second.
    pub(crate) rate: f64,
    /// Requests in all.
    pub(crate) requests: f64,
    /// User and system time of the process, in seconds.
    pub(crate) cpu: f64,
    /// Largest resident set, in MiB.
    pub(crate) peak_mib: f64,
    /// User and system time of the process that answered, in seconds.
    pub(crate) server_cpu: f64,
}

impl Outcome {
    /// In microseconds.
    pub(crate) fn cpu_per_request(&self) -> f64 {
        self.cpu / self.requests * 1e6
    }

    /// The same of the server.
    pub(crate) fn server_cpu_per_request(&self) -> f64 {
        self.server_cpu / self.requests * 1e6
    }

    /// How much of its core the server took, in percent.
    pub(crate) fn server_busy(&self) -> f64 {
        self.rate * self.server_cpu / self.requests * 100.0
    }
}

/// Least, middle and greatest of some figures.
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Of at least one figure.
    pub(crate) fn of(figures: &[f64]) -> Self {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (last, middle) = (sorted.len() - 1, sorted.len() / 2);
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Self { least: sorted[0], median, most: sorted[last] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let spread = Spread::of(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!((spread.least, spread.median, spread.most), (1.0, 2.5, 4.0));
    }
}
