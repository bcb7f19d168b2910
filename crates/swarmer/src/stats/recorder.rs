//! The recorder: one per driver thread, on the path of every request.
//!
//! A success costs one hash of the names, one table lookup and a handful of additions; it allocates nothing once the
//! row and the page of its histogram exist, and both outlive a hand-over. Texts are rendered for failures only.

use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashTable;

use super::capped::{CappedTable, CappedText, hash_of};
use super::coarse::CoarseBuckets;
use super::delta::{Delta, ErrorDelta, ExceptionDelta, Kind, RowDelta, RowKey, SecondCount};
use super::exemplar::Exemplar;
use super::histogram::Histogram;
use super::limits;
use super::metric::Metrics;
use super::names::Names;
use super::picks::{self, Picks};
use super::runs::{Journeys, Run, RunEnd};
use super::schedule::ScheduleDelta;
use crate::clock::Anchor;

/// After so many hand-overs, memory that only rare response times needed is given back.
const TIDY_EVERY: usize = 60;

/// A segment of users ("A", "B") that is shown apart: a small number that stands for its name within one recorder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Segment(u16);

impl Segment {
    /// Belongs to no segment.
    pub const NONE: Self = Self(0);
}

/// A class of users: a small number that stands for its name within one recorder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Class(u16);

impl Class {
    /// Belongs to no class.
    pub const NONE: Self = Self(0);
}

/// What else is known of one request, for the few that are kept as [`Exemplar`](super::Exemplar)s.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detail<'a> {
    /// The number of its user.
    pub user: u64,
    /// HTTP status; 0 when there was no reply.
    pub status: u16,
    /// The trace id it was sent with, 32 hexadecimal digits in ASCII; empty when it had none.
    pub trace: &'a [u8],
    /// The reply's body; its beginning is kept of failed requests.
    pub body: &'a [u8],
}

/// One finished request or journey.
#[derive(Clone, Copy)]
pub struct Sample<'a> {
    /// What is counted.
    pub kind: Kind,
    /// HTTP method, or any word for the type of a custom request.
    pub method: &'a str,
    /// The name requests are grouped by.
    pub name: &'a str,
    /// The user's segment, from [`Recorder::segment`] of the same recorder.
    pub segment: Segment,
    /// The user's class, from [`Recorder::class`] of the same recorder.
    pub class: Class,
    /// Absent for events that have no duration: they are counted, but no part of times and percentiles.
    pub response_time: Option<Duration>,
    /// Size of the response's body.
    pub bytes: u64,
    /// The error's text if the request failed; rendered only then.
    pub failure: Option<&'a dyn fmt::Display>,
    /// When the last byte was read.
    pub completed: Instant,
    /// Without it the request is never kept as an exemplar.
    pub detail: Option<Detail<'a>>,
}

impl fmt::Debug for Sample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample")
            .field("kind", &self.kind)
            .field("method", &self.method)
            .field("name", &self.name)
            .field("response_time", &self.response_time)
            .field("failure", &self.failure.map(ToString::to_string))
            .finish_non_exhaustive()
    }
}

/// What a recorder keeps beside the standard figures.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecorderOptions {
    /// Also count into Locust's coarse buckets (`--locust-percentiles`, and reports to a Locust master).
    pub coarse: bool,
}

/// Counts what the users of one driver thread do.
#[derive(Debug)]
pub struct Recorder {
    anchor: Anchor,
    options: RecorderOptions,
    hasher: foldhash::fast::FixedState,
    index: HashTable<Slot>,
    rows: Vec<Row>,
    segments: Names,
    classes: Names,
    second: Second,
    errors: CappedTable<ErrorEntry>,
    exceptions: CappedTable<ExceptionDelta>,
    error_text: CappedText,
    message: CappedText,
    detail: CappedText,
    folded_names: u64,
    aborted: u64,
    schedule: ScheduleDelta,
    metrics: Metrics,
    journeys: Journeys,
    /// How often figures were handed over.
    handed_over: usize,
    /// The row whose exemplars are handed over first the next time.
    next_picks: usize,
}

#[derive(Debug)]
struct Slot {
    hash: u64,
    row: usize,
}

/// The calendar second of the latest sample, between two moments of the monotonic clock.
#[derive(Debug)]
struct Second {
    number: u64,
    start: Instant,
    end: Instant,
}

#[derive(Debug)]
struct Row {
    key: Arc<RowKey>,
    segment: Segment,
    class: Class,
    requests: u64,
    untimed: u64,
    failures: u64,
    bytes: u64,
    last: Instant,
    times: Histogram<u32>,
    from_due: Option<Box<Histogram<u32>>>,
    coarse: Option<CoarseBuckets>,
    seconds: Vec<SecondCount>,
    /// A success that took longer is kept as an exemplar, nanoseconds.
    slow_from: u64,
    picks: Option<Box<Picks>>,
}

#[derive(Debug)]
struct ErrorEntry {
    row: usize,
    text: Box<str>,
    occurrences: u64,
    first: Instant,
    last: Instant,
}

impl Recorder {
    /// An empty recorder. All recorders and the collector of a run share one `anchor`, so that their seconds agree.
    pub fn new(anchor: Anchor, options: RecorderOptions) -> Self {
        let now = crate::clock::now();
        Self {
            anchor,
            options,
            hasher: foldhash::fast::FixedState::with_seed(0),
            index: HashTable::new(),
            rows: Vec::new(),
            segments: Names::new(limits::SEGMENTS),
            classes: Names::new(limits::CLASSES),
            second: Second { number: 0, start: now, end: now },
            errors: CappedTable::new(limits::ERRORS_PER_DELTA, limits::ERROR_BYTES_PER_DELTA),
            exceptions: CappedTable::new(limits::EXCEPTIONS_PER_DELTA, usize::MAX),
            error_text: CappedText::new(limits::ERROR_TEXT_BYTES),
            message: CappedText::new(limits::ERROR_TEXT_BYTES),
            detail: CappedText::new(limits::EXCEPTION_DETAIL_BYTES),
            folded_names: 0,
            aborted: 0,
            schedule: ScheduleDelta::default(),
            metrics: Metrics::default(),
            journeys: Journeys::default(),
            handed_over: 0,
            next_picks: 0,
        }
    }

    /// The segment of this name, for use in [`Sample::segment`]. Past [`limits::SEGMENTS`] different names all further
    /// ones share the segment [`limits::OTHER`].
    pub fn segment(&mut self, name: &str) -> Segment {
        Segment(self.segments.number(name))
    }

    /// The user class of this name, for use in [`Sample::class`]. Past [`limits::CLASSES`] different names all further
    /// ones share the class [`limits::OTHER`].
    pub fn class(&mut self, name: &str) -> Class {
        Class(self.classes.number(name))
    }

    /// Counts one finished request or journey.
    #[inline]
    pub fn record(&mut self, sample: &Sample) {
        if sample.completed >= self.second.end || sample.completed < self.second.start {
            self.enter_second(sample.completed);
        }
        let second = self.second.number;
        let failed = sample.failure.is_some();
        let at = self.row(sample);
        let row = &mut self.rows[at];
        row.requests += 1;
        row.failures += u64::from(failed);
        row.bytes = row.bytes.saturating_add(sample.bytes);
        row.last = row.last.max(sample.completed);
        match row.seconds.last_mut() {
            Some(current) if current.second == second => current.count(failed),
            _ => row.count_in_other_second(second, failed),
        }
        match sample.response_time {
            Some(time) => {
                let nanos = nanos(time);
                row.times.record(nanos);
                if let Some(coarse) = &mut row.coarse {
                    coarse.record(nanos);
                }
                if nanos > row.slow_from && !failed {
                    row.pick_slow(nanos, sample);
                }
            }
            None => row.untimed += 1,
        }
        if let Some(failure) = sample.failure {
            self.record_error(at, failure, sample);
        }
    }

    /// Counts a task's error outside of requests: `message` is one line, `detail` what helps to find it (a chain of
    /// causes, a backtrace). Exceptions are equal when all three are.
    pub fn exception(
        &mut self,
        scenario: &str,
        message: &dyn fmt::Display,
        detail: &dyn fmt::Display,
    ) {
        let message = self.message.render(message);
        let detail = self.detail.render(detail);
        let hash = hash_of(&(scenario, message, detail));
        let same = |e: &ExceptionDelta| {
            *e.detail == *detail && *e.message == *message && *e.scenario == *scenario
        };
        let make = || ExceptionDelta {
            scenario: scenario.into(),
            message: message.into(),
            detail: detail.into(),
            count: 0,
        };
        if let Some(entry) = self.exceptions.entry(hash, 1, 0, same, make) {
            entry.count += 1;
        }
    }

    /// Counts a request that was cut off because the run stopped; it is no part of any other figure.
    pub fn aborted(&mut self) {
        self.aborted += 1;
    }

    /// Counts the time from the moment a request was due to its end; the request itself is recorded as any other.
    pub fn from_due(&mut self, sample: &Sample, time: Duration) {
        let at = self.row(sample);
        self.rows[at].from_due.get_or_insert_default().record(nanos(time));
    }

    /// Counts a journey that started, so long after it was due.
    pub fn journey_started(&mut self, late: Duration) {
        self.schedule.started += 1;
        self.schedule.late.record(nanos(late));
    }

    /// Counts journeys that were due and could not be started.
    pub fn journeys_dropped(&mut self, journeys: u64) {
        self.schedule.dropped += journeys;
    }

    /// A run of `task` by a user of `class` begins, at `began` or later: its requests do not start before that. A run
    /// without a request counts nowhere.
    pub fn begin_run(&mut self, class: Class, task: &str, began: Instant) -> Run {
        let number = self.journeys.number(class, self.classes.text(class.0), task);
        Run::new(number, began)
    }

    /// Counts a request, which is recorded as well, as a step of its run. While one is measured that holds others, those
    /// are `within` it.
    #[inline]
    pub fn step(&mut self, run: &mut Run, sample: &Sample, within: bool) {
        self.journeys.step(run, sample, within);
    }

    /// What the task says of how the run ends; it counts unless the run fails or is cut off. The last word counts.
    pub fn say(&mut self, run: &mut Run, outcome: &str) {
        self.journeys.say(run, outcome);
    }

    /// Counts the end of a run. The last request's end is its own, and its time runs from the start of the first one.
    pub fn end_run(&mut self, run: &Run, end: RunEnd, segment: Segment) {
        let Some(ended) = self.journeys.end(run, end) else { return };
        let failure = match end {
            RunEnd::Failed(reason) => Some(reason),
            RunEnd::Done | RunEnd::Cut => None,
        };
        self.record(&Sample {
            kind: Kind::Journey,
            method: &ended.scenario,
            name: &ended.task,
            segment,
            class: ended.class,
            response_time: Some(ended.duration),
            bytes: ended.bytes,
            failure,
            completed: ended.completed,
            detail: None,
        });
    }

    /// The workload's own metrics, which are handed over with everything else.
    pub fn metrics(&mut self) -> &mut Metrics {
        &mut self.metrics
    }

    /// Hands over everything since the last call and starts afresh. Names keep their rows.
    pub fn take(&mut self) -> Delta {
        let exemplars = self.take_picks();
        // Pages of rare response times are not kept for ever.
        let tidy = self.handed_over.is_multiple_of(TIDY_EVERY);
        let Self { rows, anchor, .. } = self;
        let (errors, folded_errors) = self.errors.take();
        let errors = errors.map(|entry| ErrorDelta {
            key: Arc::clone(&rows[entry.row].key),
            text: entry.text,
            occurrences: entry.occurrences,
            first: anchor.epoch_seconds(entry.first),
            last: anchor.epoch_seconds(entry.last),
        });
        let errors = errors.collect();
        let active = rows.iter_mut().filter(|row| row.requests > 0);
        let rows = active.map(|row| row.take(anchor, tidy)).collect();
        let (exceptions, folded_exceptions) = self.exceptions.take();
        Delta {
            rows,
            journeys: self.journeys.take(tidy),
            exemplars,
            errors,
            folded_errors,
            exceptions: exceptions.collect(),
            folded_exceptions,
            folded_names: std::mem::take(&mut self.folded_names),
            aborted: std::mem::take(&mut self.aborted),
            schedule: self.schedule.take(tidy),
            metrics: self.metrics.take(tidy),
            pulses: Vec::new(),
        }
    }

    /// The number of the sample's row, made if it is new.
    #[inline]
    fn row(&mut self, sample: &Sample) -> usize {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(sample.name.as_bytes());
        hasher.write(sample.method.as_bytes());
        let [class, segment] = [sample.class.0, sample.segment.0].map(u64::from);
        hasher.write_u64(class << 32 | segment << 8 | sample.kind as u64);
        let hash = hasher.finish();
        let found =
            self.index.find(hash, |slot| slot.hash == hash && self.rows[slot.row].is_of(sample));
        match found {
            Some(slot) => slot.row,
            None => self.add_row(sample, hash),
        }
    }

    #[cold]
    fn add_row(&mut self, sample: &Sample, hash: u64) -> usize {
        if self.rows.len() >= limits::ROWS && sample.name != limits::OTHER {
            self.folded_names += 1;
            return self.row(&Sample { name: limits::OTHER, ..*sample });
        }
        if self.rows.len() >= limits::ROWS + limits::OTHER_ROWS && sample.method != limits::OTHER {
            return self.row(&Sample { method: limits::OTHER, ..*sample });
        }
        let key = RowKey {
            kind: sample.kind,
            method: sample.method.into(),
            name: sample.name.into(),
            segment: self.segments.name(sample.segment.0),
            class: self.classes.name(sample.class.0),
        };
        self.rows.push(Row {
            key: Arc::new(key),
            segment: sample.segment,
            class: sample.class,
            requests: 0,
            untimed: 0,
            failures: 0,
            bytes: 0,
            last: sample.completed,
            times: Histogram::new(),
            from_due: None,
            coarse: self.options.coarse.then(CoarseBuckets::default),
            seconds: Vec::new(),
            slow_from: 0,
            picks: None,
        });
        let row = self.rows.len() - 1;
        self.index.insert_unique(hash, Slot { hash, row }, |slot| slot.hash);
        row
    }

    /// Finds the calendar second of `at`; needed once a second, so that no request pays for a division.
    #[cold]
    fn enter_second(&mut self, at: Instant) {
        let since_epoch = self.anchor.since_epoch(at);
        let into = Duration::from_nanos(u64::from(since_epoch.subsec_nanos()));
        let start = at.checked_sub(into).unwrap_or(at);
        self.second =
            Second { number: since_epoch.as_secs(), start, end: start + Duration::from_secs(1) };
    }

    #[cold]
    fn record_error(&mut self, row: usize, failure: &dyn fmt::Display, sample: &Sample) {
        let at = sample.completed;
        let text = self.error_text.render(failure);
        let key = &self.rows[row].key;
        let hash = hash_of(&(key.kind, &*key.method, &*key.name, text));
        let same = |entry: &ErrorEntry| entry.row == row && *entry.text == *text;
        let make = || ErrorEntry { row, text: text.into(), occurrences: 0, first: at, last: at };
        let bytes = text.len() + key.bytes() + limits::ERROR_OVERHEAD;
        if let Some(entry) = self.errors.entry(hash, 1, bytes, same, make) {
            entry.occurrences += 1;
            entry.last = entry.last.max(at);
        }
        if let Some(detail) = &sample.detail {
            let picks = self.rows[row].picks.get_or_insert_default();
            picks.failed(sample.response_time.map(nanos), at, detail, text);
        }
    }

    /// Hands over requests that were picked: those of all rows in turn, as far as there is room.
    fn take_picks(&mut self) -> Vec<Exemplar> {
        let Self { rows, anchor, handed_over, next_picks, .. } = self;
        *handed_over += 1;
        let mut taken = Vec::new();
        let first = *next_picks;
        for at in (first..rows.len()).chain(0..first.min(rows.len())) {
            let Row { key, picks: Some(picks), slow_from, .. } = &mut rows[at] else { continue };
            if taken.len() < limits::EXEMPLARS_PER_DELTA {
                picks.take(key, anchor, &mut taken);
                *next_picks = at + 1;
            }
            // Not all rows at once.
            if (at + *handed_over).is_multiple_of(picks::MEMORY) {
                picks.forget();
                *slow_from = 0;
            }
        }
        taken
    }
}

impl Row {
    fn is_of(&self, sample: &Sample) -> bool {
        *self.key.name == *sample.name
            && *self.key.method == *sample.method
            && self.segment == sample.segment
            && self.class == sample.class
            && self.key.kind == sample.kind
    }

    #[cold]
    fn count_in_other_second(&mut self, second: u64, failed: bool) {
        let known = self.seconds.iter().rposition(|count| count.second == second);
        let at = known.unwrap_or_else(|| {
            self.seconds.push(SecondCount { second, ..SecondCount::default() });
            self.seconds.len() - 1
        });
        self.seconds[at].count(failed);
    }

    #[cold]
    fn pick_slow(&mut self, nanos: u64, sample: &Sample) {
        let Some(detail) = &sample.detail else { return };
        let picks = self.picks.get_or_insert_default();
        self.slow_from = picks.slow(nanos, sample.completed, detail);
    }

    /// Hands over what was counted. What is allocated by that is allocated here and not in the next request.
    fn take(&mut self, anchor: &Anchor, tidy: bool) -> RowDelta {
        let from_due = self.from_due.as_mut().filter(|times| !times.is_empty());
        let taken = RowDelta {
            key: Arc::clone(&self.key),
            requests: std::mem::take(&mut self.requests),
            untimed: std::mem::take(&mut self.untimed),
            failures: std::mem::take(&mut self.failures),
            bytes: std::mem::take(&mut self.bytes),
            last: anchor.epoch_seconds(self.last),
            times: self.times.take(tidy),
            from_due: from_due.map(|times| Box::new(times.take(tidy))),
            coarse: self.coarse.as_mut().map(CoarseBuckets::take),
            seconds: self.seconds.clone(),
        };
        self.seconds.clear();
        taken
    }
}

impl SecondCount {
    #[inline]
    fn count(&mut self, failed: bool) {
        self.requests += 1;
        self.failures += u64::from(failed);
    }
}

/// Whole nanoseconds; 584 years at most.
#[inline]
pub(super) fn nanos(time: Duration) -> u64 {
    time.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(time.subsec_nanos()))
}
