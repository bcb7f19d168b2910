//! Runs of tasks as one recorder sees them: step by step, then how they ended.
//!
//! A user under way holds its [`Run`], a few numbers; the tallies are the recorder's. As a rule a run goes on as the one
//! before it did, so the step that is expected next is compared first: a request costs two comparisons of short texts
//! and two counts in histograms, and allocates nothing once its step is known.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashTable;

use super::capped::hash_of;
use super::delta::{JourneyDelta, StepDelta};
use super::histogram::Histogram;
use super::journey::{CUT, FAILED, FINISHED};
use super::limits;
use super::recorder::{Class, Sample, nanos};

/// One run of a task that is under way, of the recorder that made it ([`Recorder::begin_run`](super::Recorder::begin_run)).
#[derive(Clone, Debug)]
pub struct Run {
    journey: usize,
    began: Instant,
    /// The steps it has come to, a bit each.
    seen: u64,
    /// The step of the latest request.
    latest: usize,
    requests: u64,
    bytes: u64,
    /// Start of the first request, in nanoseconds since the run began, as are the other moments: sums of whole numbers
    /// cost less than those of moments.
    first: u64,
    /// End of the latest request.
    last: u64,
    /// End of the latest request that was in no other.
    free: u64,
    /// The end of the latest request once more.
    completed: Instant,
    between: u64,
    said: Option<usize>,
}

/// How a run comes to its end.
#[derive(Clone, Copy)]
pub enum RunEnd<'a> {
    /// The task is over.
    Done,
    /// The task failed, for this reason.
    Failed(&'a dyn fmt::Display),
    /// Its user was stopped in the middle of it.
    Cut,
}

impl fmt::Debug for RunEnd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("Done"),
            Self::Failed(reason) => write!(f, "Failed({reason})"),
            Self::Cut => f.write_str("Cut"),
        }
    }
}

/// A run of which there is a journey row: it was not cut, and there was a request.
pub(super) struct Ended {
    pub(super) task: Arc<str>,
    pub(super) scenario: Arc<str>,
    pub(super) class: Class,
    pub(super) bytes: u64,
    pub(super) duration: Duration,
    pub(super) completed: Instant,
}

/// The journeys of one recorder.
#[derive(Debug, Default)]
pub(super) struct Journeys {
    list: Vec<Journey>,
    index: HashTable<(u64, usize)>,
    /// The one asked for last.
    latest: usize,
}

/// What has happened since the last hand-over; keys stay.
#[derive(Debug)]
struct Journey {
    class: Class,
    scenario: Arc<str>,
    task: Arc<str>,
    /// [`FINISHED`], [`FAILED`], [`CUT`], then what tasks said.
    ends: Vec<(Arc<str>, u64)>,
    duration: Histogram<u32>,
    between: Histogram<u32>,
    steps: Vec<Step>,
    /// The step with which the latest run began.
    first: usize,
    active: bool,
}

/// Where the ends stand that every journey has.
const ENDS: [&str; 3] = [FINISHED, FAILED, CUT];
const AT_FINISHED: usize = 0;
const AT_FAILED: usize = 1;
const AT_CUT: usize = 2;

#[derive(Debug)]
struct Step {
    method: Arc<str>,
    name: Arc<str>,
    tally: StepTally,
    /// The step that came after this one the latest time.
    next: usize,
}

#[derive(Debug, Default)]
struct StepTally {
    runs: u64,
    ended_here: u64,
    requests: u64,
    failures: u64,
    time: Histogram<u32>,
    before: Histogram<u32>,
    arrivals: u64,
    places: u64,
    places_seen: u64,
    preceded_by: u64,
}

impl Journeys {
    /// The number of the journey of this class and task, made if it is new.
    pub(super) fn number(&mut self, class: Class, scenario: &Arc<str>, task: &str) -> usize {
        let same = |journey: &Journey| journey.class == class && *journey.task == *task;
        // As often as not it is the same as for the user before.
        if self.list.get(self.latest).is_some_and(same) {
            return self.latest;
        }
        let hash = hash_of(&(class, task));
        if let Some((_, at)) = self.index.find(hash, |(_, at)| same(&self.list[*at])) {
            self.latest = *at;
            return *at;
        }
        if self.list.len() >= limits::JOURNEYS && *task != *limits::OTHER {
            return self.number(class, scenario, limits::OTHER);
        }
        let at = self.list.len();
        self.list.push(Journey::new(class, Arc::clone(scenario), task.into()));
        self.index.insert_unique(hash, (hash, at), |(hash, _)| *hash);
        at
    }

    /// Counts a request of a run. One that is `within` another has no pause before it.
    #[inline]
    pub(super) fn step(&mut self, run: &mut Run, sample: &Sample, within: bool) {
        let journey = &mut self.list[run.journey];
        let at = journey.step_of(run, sample);
        journey.active = true;
        let step = &mut journey.steps[at].tally;
        step.requests += 1;
        step.failures += u64::from(sample.failure.is_some());
        let time = sample.response_time.map(nanos);
        if let Some(time) = time {
            step.time.record(time);
        }
        if let Some(pause) = run.go_on(sample, time.unwrap_or(0), within) {
            step.before.record(pause);
        }
        let bit = 1 << at;
        if run.seen & bit == 0 {
            step.arrivals += 1;
            let place = run.seen.count_ones();
            step.places += u64::from(place);
            step.places_seen |= 1 << place;
            step.preceded_by |= run.seen;
            run.seen |= bit;
        }
        run.latest = at;
    }

    /// Remembers what a task says of how its run ends.
    pub(super) fn say(&mut self, run: &mut Run, outcome: &str) {
        let ends = &mut self.list[run.journey].ends;
        let known = |ends: &[(Arc<str>, u64)], outcome: &str| {
            ends.iter().position(|(known, _)| **known == *outcome)
        };
        let outcome = &outcome[..outcome.floor_char_boundary(limits::OUTCOME_BYTES)];
        let at = known(ends, outcome).unwrap_or_else(|| {
            let full = ends.len() >= limits::OUTCOMES;
            let outcome = if full { limits::OTHER } else { outcome };
            known(ends, outcome).unwrap_or_else(|| {
                ends.push((outcome.into(), 0));
                ends.len() - 1
            })
        });
        run.said = Some(at);
    }

    /// Counts the end of a run; nothing for one without a request.
    pub(super) fn end(&mut self, run: &Run, end: RunEnd) -> Option<Ended> {
        if run.requests == 0 {
            return None;
        }
        let journey = &mut self.list[run.journey];
        journey.active = true;
        let outcome = match end {
            RunEnd::Done => run.said.unwrap_or(AT_FINISHED),
            RunEnd::Failed(_) => AT_FAILED,
            RunEnd::Cut => AT_CUT,
        };
        journey.ends[outcome].1 += 1;
        journey.steps[run.latest].tally.ended_here += 1;
        let mut seen = run.seen;
        while seen != 0 {
            journey.steps[seen.trailing_zeros() as usize].tally.runs += 1;
            seen &= seen - 1;
        }
        if matches!(end, RunEnd::Cut) {
            return None;
        }
        let duration = run.last.saturating_sub(run.first);
        journey.duration.record(duration);
        journey.between.record(run.between);
        Some(Ended {
            task: Arc::clone(&journey.task),
            scenario: Arc::clone(&journey.scenario),
            class: journey.class,
            bytes: run.bytes,
            duration: Duration::from_nanos(duration),
            completed: run.completed,
        })
    }

    /// Hands over what happened since the last call; as to `tidy` see [`Histogram::take`].
    pub(super) fn take(&mut self, tidy: bool) -> Vec<JourneyDelta> {
        self.list.iter_mut().filter_map(|journey| journey.take(tidy)).collect()
    }
}

impl Journey {
    fn new(class: Class, scenario: Arc<str>, task: Arc<str>) -> Self {
        Self {
            class,
            scenario,
            task,
            ends: ENDS.map(|end| (end.into(), 0)).into(),
            duration: Histogram::new(),
            between: Histogram::new(),
            steps: Vec::new(),
            first: 0,
            active: false,
        }
    }

    /// The number of the step a request is.
    #[inline]
    fn step_of(&mut self, run: &Run, sample: &Sample) -> usize {
        let begins = run.requests == 0;
        let expected = if begins { self.first } else { self.steps[run.latest].next };
        let is_same = |step: &Step| *step.name == *sample.name && *step.method == *sample.method;
        if self.steps.get(expected).is_some_and(is_same) {
            return expected;
        }
        let at = self.look_up(sample.method, sample.name);
        if begins {
            self.first = at;
        } else {
            self.steps[run.latest].next = at;
        }
        at
    }

    fn look_up(&mut self, method: &str, name: &str) -> usize {
        let known = |steps: &[Step], method: &str, name: &str| {
            steps.iter().position(|step| *step.name == *name && *step.method == *method)
        };
        if let Some(at) = known(&self.steps, method, name) {
            return at;
        }
        // The last place is that of all further steps.
        let full = self.steps.len() + 1 >= limits::STEPS;
        let (method, name) = if full { ("", limits::OTHER) } else { (method, name) };
        known(&self.steps, method, name).unwrap_or_else(|| {
            let (method, name) = (method.into(), name.into());
            self.steps.push(Step { method, name, tally: StepTally::default(), next: 0 });
            self.steps.len() - 1
        })
    }

    fn take(&mut self, tidy: bool) -> Option<JourneyDelta> {
        if !std::mem::take(&mut self.active) {
            return None;
        }
        let ends = self.ends.iter_mut().filter(|(_, runs)| *runs > 0);
        Some(JourneyDelta {
            scenario: Arc::clone(&self.scenario),
            task: Arc::clone(&self.task),
            ends: ends.map(|(end, runs)| (Arc::clone(end), std::mem::take(runs))).collect(),
            duration: self.duration.take(tidy),
            between: self.between.take(tidy),
            steps: self.steps.iter_mut().map(|step| step.take(tidy)).collect(),
        })
    }
}

impl Step {
    fn take(&mut self, tidy: bool) -> StepDelta {
        let (time, before) = (self.tally.time.take(tidy), self.tally.before.take(tidy));
        let tally = std::mem::take(&mut self.tally);
        (self.tally.time, self.tally.before) = (tally.time, tally.before);
        StepDelta {
            method: Arc::clone(&self.method),
            name: Arc::clone(&self.name),
            runs: tally.runs,
            ended_here: tally.ended_here,
            requests: tally.requests,
            failures: tally.failures,
            time,
            before,
            arrivals: tally.arrivals,
            places: tally.places,
            places_seen: tally.places_seen,
            preceded_by: tally.preceded_by,
        }
    }
}

impl Run {
    pub(super) fn new(journey: usize, began: Instant) -> Self {
        Self {
            journey,
            began,
            seen: 0,
            latest: 0,
            requests: 0,
            bytes: 0,
            first: 0,
            last: 0,
            free: 0,
            completed: began,
            between: 0,
            said: None,
        }
    }

    /// Takes a request in that took so long and says what the pause before it was, if there was a request before it.
    /// All in nanoseconds.
    #[inline]
    fn go_on(&mut self, sample: &Sample, time: u64, within: bool) -> Option<u64> {
        let end = nanos(sample.completed.saturating_duration_since(self.began));
        // A task may claim any time for a request of its own, but none from before it began.
        let start = end.saturating_sub(time);
        let begins = self.requests == 0;
        self.requests += 1;
        self.bytes = self.bytes.saturating_add(sample.bytes);
        if begins {
            (self.first, self.free) = (start, start);
        }
        // One that holds others began before them and is counted after them.
        self.first = self.first.min(start);
        if end >= self.last {
            (self.last, self.completed) = (end, sample.completed);
        }
        if within {
            return None;
        }
        let pause = start.saturating_sub(self.free);
        self.between += pause;
        self.free = self.free.max(end);
        (!begins).then_some(pause)
    }
}
