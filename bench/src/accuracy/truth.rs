//! What the server's log says: the true times, ranked as this engine ranks its own.

use anyhow::{Context, Result, ensure};

/// The percentiles that are held against the truth, as fractions.
pub(crate) const PERCENTILES: [f64; 6] = [0.50, 0.75, 0.90, 0.95, 0.99, 0.999];

/// One time for each of [`PERCENTILES`], in microseconds.
pub(crate) type Times = [f64; PERCENTILES.len()];

/// One request as the server saw it; moments in nanoseconds of the machine's monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) tag: u64,
    /// What the request said of itself: this engine's say when they were due, 0 where nothing was.
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

/// From the moment due to departure, of all that were answered, in nanoseconds. A request says itself when it was due, and
/// that is not taken on trust: at an even `rate` per second the moments lie on a grid, one request on each of its points, and
/// none arrives before it is due.
///
/// # Errors
/// When it is not so. `left_out` points of the grid may be empty: journeys that nobody was free for.
pub(crate) fn times_from_due(log: &[Seen], rate: f64, left_out: u64) -> Result<Vec<u64>> {
    let mut log = log.to_vec();
    log.sort_unstable_by_key(|seen| seen.id);
    let first = log.first().context("the server saw nothing")?.id;
    let mut next = 0;
    for seen in &log {
        ensure!(seen.arrival >= seen.id, "a request came {} ns early", seen.id - seen.arrival);
        let (point, off) = on_grid(seen.id - first, rate);
        ensure!(off <= OFF_GRID, "a moment due is {off} ns beside the even distances of {rate}/s");
        ensure!(point >= next, "two requests were due at {} ns", seen.id - first);
        next = point + 1;
    }
    let empty = next - log.len() as u64;
    ensure!(empty <= left_out, "{empty} moments due without a request, {left_out} were dropped");
    Ok(log.iter().filter_map(|seen| Some(seen.departure? - seen.id)).collect())
}

/// Moments are whole nanoseconds, on both clocks.
pub(crate) const OFF_GRID: u64 = 5;

/// The nearest point of the grid, and how many nanoseconds it is away.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "runs of minutes in nanoseconds"
)]
fn on_grid(since: u64, rate: f64) -> (u64, u64) {
    let point = (since as f64 * rate / 1e9).round();
    (point as u64, ((point / rate * 1e9).round() as u64).abs_diff(since))
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
    fn times_from_due_hold_whoever_overtook_whom() {
        // Ten a second, from 1,000 ns on; the second was sent after the third.
        let due = |number: u64| 1_000 + number * 100_000_000;
        let log = [
            seen(due(0), due(0) + 100, Some(due(0) + 500)),
            seen(due(2), due(2) + 9, None),
            seen(due(3), due(3) + 9, Some(due(3) + 50)),
            seen(due(1), due(3) + 20, Some(due(3) + 60)),
        ];
        assert_eq!(times_from_due(&log, 10.0, 0).unwrap(), [500, 200_000_060, 50]);
    }

    #[test]
    fn moments_due_that_a_rate_does_not_make_are_refused() {
        let at = |due: u64| seen(due, due + 10, Some(due + 20));
        let refused = |log: &[Seen], left_out| {
            times_from_due(log, 10.0, left_out).expect_err("it is wrong").to_string()
        };
        let (first, second, fourth) = (at(1_000), at(100_001_000), at(300_001_000));
        assert!(refused(&[first, at(100_001_900)], 0).contains("900 ns beside"));
        assert!(refused(&[first, second, second], 0).contains("two requests"));
        assert!(refused(&[first, second, fourth], 0).contains("1 moments due without"));
        assert!(times_from_due(&[first, second, fourth], 10.0, 1).is_ok());
        assert!(refused(&[seen(1_000, 990, None)], 0).contains("10 ns early"));
        assert!(refused(&[], 0).contains("saw nothing"));
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
