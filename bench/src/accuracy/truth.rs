//! What the server's log says: the true times, ranked as this engine ranks its own.

use anyhow::{Result, ensure};

/// The percentiles that are held against the truth, as fractions.
pub(crate) const PERCENTILES: [f64; 6] = [0.50, 0.75, 0.90, 0.95, 0.99, 0.999];

/// One time for each of [`PERCENTILES`], in microseconds.
pub(crate) type Times = [f64; PERCENTILES.len()];

/// One request as the server saw it; moments in nanoseconds of the machine's monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) tag: u64,
    /// What the request said of itself: this engine's say when they were sent.
    pub(crate) id: u64,
    pub(crate) arrival: u64,
    /// `None` when the client had gone by then.
    pub(crate) departure: Option<u64>,
}

/// # Errors
/// When the bytes are not those of whole entries.
pub(crate) fn read_log(bytes: &[u8]) -> Result<Vec<Seen>> {
    let (entries, rest) = bytes.as_chunks::<32>();
    ensure!(rest.is_empty(), "the server's log ends in the middle of an entry");
    let seen = entries.iter().map(|entry| {
        let (words, _) = entry.as_chunks::<8>();
        let word = |at: usize| u64::from_le_bytes(words[at]);
        let departure = Some(word(3)).filter(|departure| *departure > 0);
        Seen { tag: word(0), id: word(1), arrival: word(2), departure }
    });
    Ok(seen.collect())
}

/// From arrival to departure, of all that were answered, in nanoseconds.
pub(crate) fn service_times(log: &[Seen]) -> Vec<u64> {
    log.iter().filter_map(|seen| Some(seen.departure? - seen.arrival)).collect()
}

/// From the moment due to departure, of all that were answered, in nanoseconds, at an even `rate` per second.
///
/// Of the moments due the distances are known. Where the first lies follows from this: nothing is sent before it is due. So
/// the moments are laid as late as that allows. If every single request was sent late by a little, the true times are longer
/// by that little, which counts against the client.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "runs of minutes in nanoseconds"
)]
pub(crate) fn times_from_due(log: &[Seen], rate: f64) -> Vec<u64> {
    let mut log = log.to_vec();
    log.sort_unstable_by_key(|seen| seen.id);
    let offset = |number: usize| (number as f64 / rate * 1e9) as u64;
    let first = log.iter().enumerate().map(|(number, seen)| seen.id - offset(number)).min();
    let first = first.unwrap_or_default();
    let times = log
        .iter()
        .enumerate()
        .filter_map(|(number, seen)| Some(seen.departure?.saturating_sub(first + offset(number))));
    times.collect()
}

/// The percentiles of some times in nanoseconds.
///
/// # Errors
/// When there are none.
#[expect(clippy::cast_precision_loss, reason = "hours in nanoseconds")]
pub(crate) fn percentiles(mut times: Vec<u64>) -> Result<Times> {
    ensure!(!times.is_empty(), "the server answered nothing");
    times.sort_unstable();
    Ok(PERCENTILES.map(|p| times[rank(times.len(), p)] as f64 / 1e3))
}

/// The rank of this engine and of Locust: floor(n·p), counted from 0.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the rule is defined on the floating-point product"
)]
fn rank(n: usize, p: f64) -> usize {
    ((n as f64 * p) as usize).min(n - 1)
}

/// Requests per second in the middle half of the time in which requests came.
///
/// # Errors
/// When there are too few to tell.
#[expect(clippy::cast_precision_loss, reason = "counts and seconds of one short run")]
pub(crate) fn rate(log: &[Seen]) -> Result<f64> {
    let moments = || log.iter().map(|seen| seen.arrival);
    let (first, last) = (moments().min().unwrap_or_default(), moments().max().unwrap_or_default());
    let quarter = (last - first) / 4;
    ensure!(quarter > 0, "the server saw {} requests only", log.len());
    let middle = moments().filter(|at| (first + quarter..last - quarter).contains(at)).count();
    Ok(middle as f64 / ((last - first - 2 * quarter) as f64 / 1e9))
}

/// How far reported percentiles are from the true ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Errors {
    pub(crate) truth: Times,
    pub(crate) reported: Times,
}

impl Errors {
    /// Microseconds; above 0 where more is reported than was.
    pub(crate) fn micros(&self) -> Times {
        std::array::from_fn(|at| self.reported[at] - self.truth[at])
    }

    /// The greatest, as a percentage of the true time.
    pub(crate) fn worst_percent(&self) -> f64 {
        self.worst(|truth| truth / 100.0)
    }

    /// The greatest, in units of what is allowed: 0.5 % of the true time, or 50 µs where that is more.
    pub(crate) fn worst_of_allowed(&self) -> f64 {
        self.worst(|truth| (truth * 0.005).max(50.0))
    }

    fn worst(&self, unit: impl Fn(f64) -> f64) -> f64 {
        let errors = self.micros();
        let sizes = errors.iter().zip(self.truth).map(|(error, truth)| error.abs() / unit(truth));
        sizes.fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmer::stats::Histogram;

    fn seen(id: u64, arrival: u64, departure: Option<u64>) -> Seen {
        Seen { tag: 0, id, arrival, departure }
    }

    #[test]
    fn a_log_is_read_and_half_an_entry_refused() {
        let words = [3, 417, 1_000, 2_500, 4, 0, 1_100, 0_u64];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let log = read_log(&bytes).expect("two entries");
        let first = Seen { tag: 3, id: 417, arrival: 1_000, departure: Some(2_500) };
        assert_eq!(log, [first, Seen { tag: 4, id: 0, arrival: 1_100, departure: None }]);
        assert_eq!(service_times(&log), [1_500]);
        assert!(read_log(&bytes[1..]).is_err());
    }

    #[test]
    fn ranks_are_those_of_the_engine() {
        for count in [1_u64, 2, 9, 10, 99, 100, 999, 1_000, 1_001] {
            // Up to 1,024 a histogram's cells are exact.
            let times: Vec<u64> = (1..=count).collect();
            let mut histogram = Histogram::<u64>::new();
            for time in &times {
                histogram.record(*time);
            }
            for p in PERCENTILES {
                let ours = times[rank(times.len(), p)];
                assert_eq!(Some(ours), histogram.quantile(p), "P({p}) of {count}");
            }
        }
    }

    #[test]
    fn the_moments_due_lie_as_late_as_what_was_sent_allows() {
        // Ten a second; the second was sent 7 ns late, all others when due, from 1,000 ns on.
        let due = |number: u64| 1_000 + number * 100_000_000;
        let log = [
            seen(due(0), 1_100, Some(1_500)),
            seen(due(1) + 7, due(1) + 100, Some(due(1) + 600)),
            // In the order of departure, not of sending.
            seen(due(3), due(3) + 9, Some(due(3) + 50)),
            seen(due(2), due(2) + 9, None),
        ];
        assert_eq!(times_from_due(&log, 10.0), [500, 600, 50]);
    }

    #[test]
    fn a_rate_counts_the_middle_of_a_run() {
        let second = 1_000_000_000;
        let steady = (0..=400).map(|at| seen(at, at * second / 100, None));
        let crowd = (0..500).map(|_| seen(0, 0, None));
        let log: Vec<Seen> = steady.chain(crowd).collect();
        let rate = rate(&log).expect("enough");
        assert!((rate - 100.0).abs() < 1.0, "{rate}");
        assert!(super::rate(&log[..1]).is_err());
    }

    #[test]
    fn errors_are_held_against_the_greater_of_both_limits() {
        let truth = [1_000.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0, 100_000.0];
        let mut reported = truth;
        reported[0] += 25.0;
        reported[5] -= 250.0;
        let errors = Errors { truth, reported };
        let micros = errors.micros().map(|micros| format!("{micros:.1}"));
        assert_eq!(micros, ["25.0", "0.0", "0.0", "0.0", "0.0", "-250.0"]);
        assert!((errors.worst_percent() - 2.5).abs() < 1e-9);
        assert!((errors.worst_of_allowed() - 0.5).abs() < 1e-9);
    }
}
