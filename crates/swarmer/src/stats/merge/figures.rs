//! Rows and funnels added up, by their histograms.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::delta::Kind;
use super::super::histogram::Histogram;
use super::super::journey::{Ending, Funnel, Step, Times};
use super::super::summary::{Current, Figures, Row, SegmentRow, Summary};
use super::super::tally::Tally;

/// What has no histogram although it has values.
pub(super) fn check(summary: &Summary) -> Result<(), String> {
    let rows = summary.rows.iter().chain(&summary.classes).chain([&summary.total]);
    for row in rows {
        let segments = row.segments.iter().map(|segment| &segment.figures);
        let mut all = segments.chain([&row.figures]);
        if all.any(|f| f.requests > f.untimed && f.times.is_empty()) {
            return Err(format!("{} {}", row.method, row.name));
        }
    }
    for funnel in &summary.funnels {
        let steps = funnel.steps.iter().flat_map(|step| [&step.time, &step.before]);
        let mut all = steps.chain([&funnel.duration, &funnel.between]);
        if all.any(|times| times.count != times.times.count()) {
            return Err(format!("the journey {} of {}", funnel.task, funnel.scenario));
        }
    }
    Ok(())
}

/// Figures of one kind, by what they are of.
#[derive(Default)]
struct Sum {
    tally: Tally,
    segments: BTreeMap<Arc<str>, Tally>,
}

/// Kind, name and method.
type Key = (Kind, Arc<str>, Arc<str>);

/// Rows by kind, name and method; rates are over `span` seconds.
pub(super) fn rows<'r>(rows: impl Iterator<Item = &'r Row>, span: f64) -> Vec<Row> {
    let mut sums: BTreeMap<Key, (usize, Sum)> = BTreeMap::new();
    for row in rows {
        let key = (row.kind, Arc::clone(&row.name), Arc::clone(&row.method));
        let (order, sum) = sums.entry(key).or_insert_with(|| (row.order, Sum::default()));
        *order = (*order).min(row.order);
        sum.tally.add_figures(&row.figures);
        for SegmentRow { segment, figures } in &row.segments {
            sum.segments.entry(Arc::clone(segment)).or_default().add_figures(figures);
        }
    }
    let row = |((kind, name, method), (order, sum)): (_, (usize, Sum))| Row {
        kind,
        method,
        name,
        order,
        figures: sum.tally.figures(span),
        current: Current::default(),
        segments: sum
            .segments
            .into_iter()
            .map(|(segment, tally)| segment_row(segment, &tally, span))
            .collect(),
        intervals: Vec::new(),
        per_second: None,
    };
    let mut rows: Vec<Row> = sums.into_iter().map(row).collect();
    // Two runs have each their own first row: places are given anew.
    let mut places: Vec<usize> = (0..rows.len()).collect();
    places.sort_by_key(|&at| rows[at].order);
    for (order, at) in places.into_iter().enumerate() {
        rows[at].order = order;
    }
    rows
}

fn segment_row(segment: Arc<str>, tally: &Tally, span: f64) -> SegmentRow {
    let figures: Figures = tally.figures(span);
    SegmentRow { segment, figures }
}

/// Funnels by user class, then task.
pub(super) fn funnels(all: &[&Summary]) -> Vec<Funnel> {
    let mut sums: BTreeMap<(Arc<str>, Arc<str>), Funnel> = BTreeMap::new();
    for funnel in all.iter().flat_map(|one| &one.funnels) {
        let key = (Arc::clone(&funnel.scenario), Arc::clone(&funnel.task));
        match sums.get_mut(&key) {
            Some(sum) => add(sum, funnel),
            None => drop(sums.insert(key, funnel.clone())),
        }
    }
    sums.into_values().collect()
}

fn add(sum: &mut Funnel, more: &Funnel) {
    sum.runs += more.runs;
    for Ending { outcome, runs } in &more.ends {
        match sum.ends.iter_mut().find(|end| end.outcome == *outcome) {
            Some(end) => end.runs += runs,
            None => sum.ends.push(Ending { outcome: Arc::clone(outcome), runs: *runs }),
        }
    }
    sum.ends.sort_by(|a, b| b.runs.cmp(&a.runs).then_with(|| a.outcome.cmp(&b.outcome)));
    add_times(&mut sum.duration, &more.duration);
    add_times(&mut sum.between, &more.between);
    // Behind the step that comes before it there.
    let mut place = 0;
    for step in &more.steps {
        let is_same = |known: &Step| known.name == step.name && known.method == step.method;
        match sum.steps.iter().position(is_same) {
            Some(at) => {
                add_step(&mut sum.steps[at], step);
                place = at + 1;
            }
            None => {
                sum.steps.insert(place, step.clone());
                place += 1;
            }
        }
    }
}

fn add_step(sum: &mut Step, more: &Step) {
    sum.runs += more.runs;
    sum.ended_here += more.ended_here;
    sum.requests += more.requests;
    sum.failures += more.failures;
    add_times(&mut sum.time, &more.time);
    add_times(&mut sum.before, &more.before);
}

fn add_times(sum: &mut Times, more: &Times) {
    let mut times = Histogram::clone(&sum.times);
    times.merge(&more.times);
    *sum = Times::of(&Arc::new(times));
}
