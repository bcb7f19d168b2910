//! Journeys as the collector keeps them: what recorders saw of their runs, added up.

use std::sync::Arc;

use super::delta::{JourneyDelta, StepDelta};
use super::histogram::Histogram;
use super::journey::{CUT, Ending, FAILED, FINISHED, Funnel, Step, Times};
use super::limits;
use super::summary::ms;

/// The journeys of a run, by user class, then task.
#[derive(Debug, Default)]
pub(super) struct Funnels(Vec<Merged>);

#[derive(Debug)]
struct Merged {
    scenario: Arc<str>,
    task: Arc<str>,
    ends: Vec<(Arc<str>, u64)>,
    duration: Arc<Histogram>,
    between: Arc<Histogram>,
    /// In order of first appearance.
    steps: Vec<MergedStep>,
}

#[derive(Debug, Default)]
struct MergedStep {
    method: Arc<str>,
    name: Arc<str>,
    runs: u64,
    ended_here: u64,
    requests: u64,
    failures: u64,
    time: Arc<Histogram>,
    before: Arc<Histogram>,
    arrivals: u64,
    places: u64,
    places_seen: u64,
    /// A bit for each step.
    preceded_by: u64,
}

impl Funnels {
    pub(super) fn add(&mut self, delta: &JourneyDelta) {
        self.journey(&delta.scenario, &delta.task).add(delta);
    }

    /// Forgets all runs.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn funnels(&self) -> Vec<Funnel> {
        self.0.iter().map(Merged::funnel).collect()
    }

    /// The journey of a class and task, made if it is new.
    fn journey(&mut self, scenario: &Arc<str>, task: &Arc<str>) -> &mut Merged {
        let known = |journey: &Merged| (&journey.scenario, &journey.task).cmp(&(scenario, task));
        match self.0.binary_search_by(known) {
            Ok(at) => &mut self.0[at],
            // A recorder brings one more for each class than the cap: that of all others.
            Err(_) if self.0.len() >= limits::JOURNEYS && **task != *limits::OTHER => {
                self.journey(scenario, &limits::OTHER.into())
            }
            Err(_) if self.0.len() >= limits::JOURNEYS + limits::CLASSES => {
                let last = self.0.len() - 1;
                &mut self.0[last]
            }
            Err(at) => {
                self.0.insert(at, Merged::new(Arc::clone(scenario), Arc::clone(task)));
                &mut self.0[at]
            }
        }
    }
}

impl Merged {
    fn new(scenario: Arc<str>, task: Arc<str>) -> Self {
        // These have a place whatever tasks say.
        let ends = [FINISHED, FAILED, CUT].map(|end| (end.into(), 0)).into();
        let (duration, between) = Default::default();
        Self { scenario, task, ends, duration, between, steps: Vec::new() }
    }

    fn add(&mut self, delta: &JourneyDelta) {
        for (outcome, runs) in &delta.ends {
            self.end(outcome, *runs);
        }
        Arc::make_mut(&mut self.duration).merge(&delta.duration);
        Arc::make_mut(&mut self.between).merge(&delta.between);
        // The steps of the delta by their places here; more than there are bits for are of no delta that was recorded.
        let steps = delta.steps.iter().take(limits::STEPS);
        let places: Vec<usize> = steps.map(|step| self.place(step)).collect();
        for (step, at) in delta.steps.iter().zip(&places) {
            let before =
                places.iter().enumerate().filter(|(bit, _)| step.preceded_by >> bit & 1 == 1);
            // Steps that share a place do not precede themselves.
            let before = before.filter(|(_, place)| *place != at);
            let preceded_by = before.fold(0, |bits, (_, place)| bits | 1 << place);
            self.steps[*at].add(step, preceded_by);
        }
    }

    fn end(&mut self, outcome: &Arc<str>, runs: u64) {
        match self.ends.iter().position(|(known, _)| known == outcome) {
            Some(at) => self.ends[at].1 += runs,
            None if self.ends.len() >= limits::OUTCOMES && **outcome != *limits::OTHER => {
                self.end(&limits::OTHER.into(), runs);
            }
            None => self.ends.push((Arc::clone(outcome), runs)),
        }
    }

    /// Where a step stands, which is made if it is new.
    fn place(&mut self, step: &StepDelta) -> usize {
        let known = |steps: &[MergedStep], method: &str, name: &str| {
            steps.iter().position(|step| *step.name == *name && *step.method == *method)
        };
        if let Some(at) = known(&self.steps, &step.method, &step.name) {
            return at;
        }
        let full = self.steps.len() + 1 >= limits::STEPS;
        let (method, name) = if full {
            ("".into(), limits::OTHER.into())
        } else {
            (Arc::clone(&step.method), Arc::clone(&step.name))
        };
        known(&self.steps, &method, &name).unwrap_or_else(|| {
            self.steps.push(MergedStep { method, name, ..MergedStep::default() });
            self.steps.len() - 1
        })
    }

    fn funnel(&self) -> Funnel {
        let ended = self.ends.iter().filter(|(_, runs)| *runs > 0);
        let mut ends: Vec<Ending> =
            ended.map(|(outcome, runs)| Ending { outcome: outcome.clone(), runs: *runs }).collect();
        ends.sort_by(|a, b| b.runs.cmp(&a.runs).then_with(|| a.outcome.cmp(&b.outcome)));
        let runs = ends.iter().map(|end| end.runs).sum();
        Funnel {
            scenario: Arc::clone(&self.scenario),
            task: Arc::clone(&self.task),
            runs,
            ends,
            duration: Times::of(&self.duration),
            between: Times::of(&self.between),
            steps: self.order().into_iter().map(|at| self.steps[at].step(runs)).collect(),
        }
    }

    /// The steps in an order that contradicts no run where runs agree on the order of two steps.
    ///
    /// Of those that none of the steps left must precede, the one comes next to which any run came earliest, or the
    /// first by name of it and its alternatives: how early runs came to one of two that no run has both of is chance, and
    /// they are to keep their places while figures change. Where runs disagree on two of them, that one comes first to
    /// which they came earlier in the mean.
    fn order(&self) -> Vec<usize> {
        let steps = &self.steps;
        let mut left: Vec<usize> = (0..steps.len()).collect();
        left.sort_by_key(|&at| (steps[at].places_seen.trailing_zeros(), steps[at].key()));
        let after = |a: usize, b: usize| steps[a].preceded_by >> b & 1 == 1;
        let precedes = |a: usize, b: usize| after(b, a) && !after(a, b);
        let sooner =
            |a: usize, b: usize| after(b, a) && after(a, b) && steps[a].is_sooner(&steps[b]);
        let alternatives = |a: usize, b: usize| !after(a, b) && !after(b, a);
        let mut order = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let is_free = |&step: &usize| !left.iter().any(|&other| precedes(other, step));
            let free: Vec<usize> = left.iter().copied().filter(is_free).collect();
            let is_first = |step: &usize| !free.iter().any(|&other| sooner(other, *step));
            let mut first = free.iter().copied().filter(is_first).peekable();
            // Where runs go in circles something has to come first.
            let earliest = first.peek().or(free.first()).copied().unwrap_or(left[0]);
            let may_be_next = first.filter(|&step| alternatives(step, earliest));
            let next = may_be_next.min_by_key(|&step| steps[step].key()).unwrap_or(earliest);
            left.retain(|&step| step != next);
            order.push(next);
        }
        order
    }
}

impl MergedStep {
    fn add(&mut self, delta: &StepDelta, preceded_by: u64) {
        self.runs += delta.runs;
        self.ended_here += delta.ended_here;
        self.requests += delta.requests;
        self.failures += delta.failures;
        Arc::make_mut(&mut self.time).merge(&delta.time);
        Arc::make_mut(&mut self.before).merge(&delta.before);
        self.arrivals += delta.arrivals;
        self.places = self.places.saturating_add(delta.places);
        self.places_seen |= delta.places_seen;
        self.preceded_by |= preceded_by;
    }

    fn key(&self) -> (&str, &str) {
        (&self.name, &self.method)
    }

    /// Whether runs came to it earlier in the mean, without rounding.
    fn is_sooner(&self, other: &Self) -> bool {
        let scaled = |places: u64, by: u64| u128::from(places) * u128::from(by);
        scaled(self.places, other.arrivals) < scaled(other.places, self.arrivals)
    }

    fn step(&self, runs: u64) -> Step {
        Step {
            method: Arc::clone(&self.method),
            name: Arc::clone(&self.name),
            // A run that came to two of the steps that share the place of all others counts twice there.
            runs: self.runs.min(runs),
            ended_here: self.ended_here,
            requests: self.requests,
            failures: self.failures,
            time: Times::of(&self.time),
            before: Times::of(&self.before),
        }
    }
}

impl Times {
    pub(super) fn of(times: &Arc<Histogram>) -> Self {
        let mut nanos = [None; 2];
        times.quantiles(&[0.5, 0.95], &mut nanos);
        let [p50, p95] = nanos.map(|value| value.map_or(0.0, ms));
        Self {
            count: times.count(),
            mean: times.mean().map_or(0.0, |nanos| nanos / 1e6),
            p50,
            p95,
            max: times.max().map_or(0.0, ms),
            times: Arc::clone(times),
        }
    }
}
