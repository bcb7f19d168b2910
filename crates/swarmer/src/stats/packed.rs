//! A delta on its way between programs of ours: MessagePack, histograms as their occupied cells, nothing lost.
//!
//! What comes in is checked against what a recorder can produce before anything is done with it: a worker that is broken,
//! of another version or no worker at all must not bring the master's figures or memory down.

use super::delta::{Delta, ErrorDelta, ExceptionDelta, JourneyDelta, RowDelta, RowKey, StepDelta};
use super::exemplar::Exemplar;
use super::histogram::{Count, Histogram};
use super::limits;
use super::pulse::Pulse;

/// Bytes of a packed delta at most.
const BYTES: usize = 32 << 20;
/// No count of one second, or of the minutes that a worker may be late, is larger.
pub(super) const COUNT: u64 = 1 << 40;
/// Bytes of a name at most.
pub(super) const NAME_BYTES: usize = 64 << 10;
/// Seconds since the Unix epoch: the year 36,800, far from where sums overflow.
const MOMENT: u64 = 1 << 40;
/// Seconds of one row in one delta.
const SECONDS: usize = 100_000;
/// Drivers of one delta.
const PULSES: usize = 4_096;
/// The mark of a cut behind a text that fills its limit.
const CUT_MARK: usize = '…'.len_utf8();

/// Bytes that are no figures.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadDelta {
    /// So many bytes are no delta.
    #[error("{0} bytes of figures are more than the {BYTES} that are read")]
    Large(usize),
    /// They are not in the form in which figures travel.
    #[error("these are no figures of this version: {0}")]
    Unreadable(#[from] rmp_serde::decode::Error),
    /// No recorder can have seen this.
    #[error("these figures contradict themselves: {0}")]
    Impossible(&'static str),
}

type Checked = Result<(), &'static str>;

/// `Err(what)` unless `holds`.
pub(super) fn ensure(holds: bool, what: &'static str) -> Checked {
    if holds { Ok(()) } else { Err(what) }
}

impl Delta {
    /// As it travels between programs of ours: nothing is lost.
    pub fn pack(&self) -> Vec<u8> {
        rmp_serde::to_vec(self).expect("numbers, texts and lists always pack")
    }

    /// What [`Self::pack`] made.
    ///
    /// # Errors
    /// When the bytes are anything else, or say what no recorder can have seen.
    pub fn unpack(bytes: &[u8]) -> Result<Self, BadDelta> {
        if bytes.len() > BYTES {
            return Err(BadDelta::Large(bytes.len()));
        }
        let delta: Self = rmp_serde::from_slice(bytes)?;
        delta.check().map_err(BadDelta::Impossible)?;
        Ok(delta)
    }

    fn check(&self) -> Checked {
        ensure(self.rows.len() <= 2 * limits::ROWS, "too many rows")?;
        self.rows.iter().try_for_each(RowDelta::check)?;
        ensure(self.journeys.len() <= limits::JOURNEYS + limits::CLASSES + 1, "too many journeys")?;
        self.journeys.iter().try_for_each(JourneyDelta::check)?;
        let kept = limits::EXEMPLARS_PER_DELTA + 2 * limits::EXEMPLARS_PER_ROW;
        ensure(self.exemplars.len() <= kept, "too many exemplars")?;
        self.exemplars.iter().try_for_each(Exemplar::check)?;
        ensure(self.errors.len() <= limits::ERRORS_PER_DELTA, "too many errors")?;
        self.errors.iter().try_for_each(ErrorDelta::check)?;
        ensure(self.exceptions.len() <= limits::EXCEPTIONS_PER_DELTA, "too many exceptions")?;
        self.exceptions.iter().try_for_each(ExceptionDelta::check)?;
        let folded = [self.folded_errors.occurrences, self.folded_exceptions.occurrences];
        let counts = [self.folded_names, self.aborted];
        counted(folded.into_iter().chain(counts))?;
        self.schedule.check()?;
        self.metrics.check()?;
        ensure(self.pulses.len() <= PULSES, "too many drivers")?;
        self.pulses.iter().try_for_each(Pulse::check)
    }
}

fn counted(counts: impl IntoIterator<Item = u64>) -> Checked {
    ensure(counts.into_iter().all(|count| count <= COUNT), "a count is too large")
}

fn named<'t>(names: impl IntoIterator<Item = &'t str>) -> Checked {
    ensure(names.into_iter().all(|name| name.len() <= NAME_BYTES), "a name is too long")
}

fn short(text: &str, bytes: usize) -> Checked {
    ensure(text.len() <= bytes + CUT_MARK, "a text is too long")
}

#[expect(clippy::cast_precision_loss, reason = "a bound")]
fn moments(moments: impl IntoIterator<Item = f64>) -> Checked {
    let possible = |at: f64| (0.0..=MOMENT as f64).contains(&at);
    ensure(moments.into_iter().all(possible), "a moment is no moment")
}

/// Cells and bounds were checked when it was read.
pub(super) fn check_times<C: Count>(times: &Histogram<C>) -> Checked {
    counted([times.count()])?;
    let largest = u128::from(times.max().unwrap_or(0)) * u128::from(times.count());
    let smallest = u128::from(times.min().unwrap_or(0)) * u128::from(times.count());
    ensure((smallest..=largest).contains(&times.sum()), "a sum of times is not between its bounds")
}

impl RowKey {
    fn check(&self) -> Checked {
        let others = self.segment.iter().chain(&self.class);
        named([&*self.method, &*self.name].into_iter().chain(others.map(|name| &**name)))
    }
}

impl RowDelta {
    fn check(&self) -> Checked {
        self.key.check()?;
        counted([self.requests])?;
        ensure(self.failures <= self.requests, "more failures than requests")?;
        check_times(&self.times)?;
        let timed = self.requests.checked_sub(self.untimed).ok_or("more untimed than requests")?;
        ensure(timed == self.times.count(), "requests and their times differ in number")?;
        moments([self.last])?;
        if let Some(from_due) = &self.from_due {
            check_times(from_due)?;
            ensure(from_due.count() <= self.requests, "more were due than there are requests")?;
        }
        if let Some(coarse) = &self.coarse {
            let sum = coarse.iter().try_fold(0_u64, |sum, (_, count)| sum.checked_add(count));
            ensure(sum == Some(timed), "requests and their buckets differ in number")?;
            ensure(coarse.total() == timed, "buckets and their total differ")?;
        }
        ensure(self.seconds.len() <= SECONDS, "too many seconds")?;
        let (mut requests, mut failures) = (0_u64, 0_u64);
        for count in &self.seconds {
            ensure(count.second <= MOMENT, "a second is no moment")?;
            ensure(count.failures <= count.requests, "more failures than requests in a second")?;
            requests = requests.saturating_add(count.requests);
            failures = failures.saturating_add(count.failures);
        }
        let same = (requests, failures) == (self.requests, self.failures);
        ensure(same, "requests and their seconds differ in number")
    }
}

impl ErrorDelta {
    fn check(&self) -> Checked {
        self.key.check()?;
        counted([self.occurrences])?;
        short(&self.text, limits::ERROR_TEXT_BYTES)?;
        moments([self.first, self.last])
    }
}

impl ExceptionDelta {
    fn check(&self) -> Checked {
        named([&*self.scenario])?;
        counted([self.count])?;
        short(&self.message, limits::ERROR_TEXT_BYTES)?;
        short(&self.detail, limits::EXCEPTION_DETAIL_BYTES)
    }
}

impl JourneyDelta {
    fn check(&self) -> Checked {
        named([&*self.scenario, &*self.task])?;
        ensure(self.ends.len() <= limits::OUTCOMES + 4, "too many ends of a journey")?;
        self.ends.iter().try_for_each(|(outcome, _)| short(outcome, limits::OUTCOME_BYTES))?;
        counted(self.ends.iter().map(|(_, runs)| *runs))?;
        check_times(&self.duration)?;
        check_times(&self.between)?;
        ensure(self.steps.len() <= limits::STEPS, "too many steps of a journey")?;
        self.steps.iter().try_for_each(StepDelta::check)
    }
}

impl StepDelta {
    fn check(&self) -> Checked {
        named([&*self.method, &*self.name])?;
        counted([self.runs, self.requests, self.arrivals, self.places])?;
        ensure(self.ended_here <= self.runs, "more runs ended at a step than came to it")?;
        ensure(self.failures <= self.requests, "more failures than requests of a step")?;
        check_times(&self.time)?;
        check_times(&self.before)
    }
}

impl Exemplar {
    fn check(&self) -> Checked {
        named([&*self.method, &*self.name, &*self.scenario, &*self.trace])?;
        named(self.segment.as_deref())?;
        moments([self.at])?;
        // Milliseconds; longer than anything that a histogram can hold is no response time.
        moments(self.time)?;
        short(self.error.as_deref().unwrap_or_default(), limits::ERROR_TEXT_BYTES)?;
        // Bytes that are no text become three bytes each.
        short(self.excerpt.as_deref().unwrap_or_default(), 3 * limits::EXCERPT_BYTES)
    }
}

impl Pulse {
    fn check(&self) -> Checked {
        let spans = [self.wall, self.cpu, self.waited, self.stolen];
        ensure(spans.iter().all(|span| span.as_secs() <= COUNT), "a span of time is too long")?;
        check_times(&self.late)
    }
}

#[cfg(test)]
mod tests;
