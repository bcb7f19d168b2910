//! What is beside the rows: errors, metrics, health and the like.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::errors::Errors;
use super::super::exemplar::Exemplar;
use super::super::exemplars::Exemplars;
use super::super::health::Health;
use super::super::histogram::Histogram;
use super::super::list::List;
use super::super::mark::Mark;
use super::super::metric::{MetricRow, MetricValue};
use super::super::schedule::{FromDue, Schedule};
use super::super::summary::{ErrorRow, ExceptionRow, FoldedCounts, Summary, Users};
use super::super::vitals;

pub(super) fn users(all: &[&Summary]) -> Users {
    let mut users = Users::new();
    for (class, count) in all.iter().flat_map(|one| &one.users) {
        *users.entry(class.clone()).or_default() += count;
    }
    users
}

/// All of them, whatever the cap of one run: what one run kept, a sum does not lose.
pub(super) fn errors(all: &[&Summary]) -> Errors {
    let mut sums: BTreeMap<_, ErrorRow> = BTreeMap::new();
    for row in all.iter().flat_map(|one| one.errors.iter()) {
        let key = (row.kind, &row.name, &row.method, &row.error);
        let sum = sums.entry(key).or_insert_with(|| ErrorRow { occurrences: 0, ..row.clone() });
        sum.occurrences += row.occurrences;
        sum.first_seen = sum.first_seen.min(row.first_seen);
        sum.last_seen = sum.last_seen.max(row.last_seen);
    }
    let mut errors: Vec<ErrorRow> = sums.into_values().collect();
    errors.sort_by(|a, b| a.first_seen.total_cmp(&b.first_seen));
    errors.into_iter().collect()
}

pub(super) fn exceptions(all: &[&Summary]) -> List<ExceptionRow> {
    let mut sums: BTreeMap<_, ExceptionRow> = BTreeMap::new();
    for row in all.iter().flat_map(|one| one.exceptions.iter()) {
        let key = (&row.scenario, &row.message, &row.detail);
        let sum = sums.entry(key).or_insert_with(|| ExceptionRow { count: 0, ..row.clone() });
        sum.count += row.count;
        sum.nodes.extend_from_slice(&row.nodes);
        sum.nodes.sort();
        sum.nodes.dedup();
    }
    sums.into_values().collect()
}

pub(super) fn folded(all: &[&Summary]) -> FoldedCounts {
    let sum = |of: fn(&FoldedCounts) -> u64| all.iter().map(|one| of(&one.folded)).sum();
    FoldedCounts {
        errors: sum(|folded| folded.errors),
        error_occurrences: sum(|folded| folded.error_occurrences),
        exceptions: sum(|folded| folded.exceptions),
        exception_occurrences: sum(|folded| folded.exception_occurrences),
        names: sum(|folded| folded.names),
    }
}

fn from_due<'d>(all: impl Iterator<Item = &'d FromDue>) -> FromDue {
    let mut times = Histogram::new();
    all.for_each(|one| times.merge(&one.times));
    FromDue::of(&Arc::new(times))
}

pub(super) fn schedule(all: &[&Summary]) -> Option<Schedule> {
    let schedules = || all.iter().filter_map(|one| one.schedule.as_ref());
    schedules().next()?;
    Some(Schedule {
        started: schedules().map(|one| one.started).sum(),
        dropped: schedules().map(|one| one.dropped).sum(),
        late_starts: from_due(schedules().map(|one| &one.late_starts)),
    })
}

/// Metrics by name, then type; rates are over `span` seconds.
pub(super) fn metrics(all: &[&Summary], span: f64) -> Vec<MetricRow> {
    let mut sums: BTreeMap<(Arc<str>, u8), MetricValue> = BTreeMap::new();
    for MetricRow { name, value } in all.iter().flat_map(|one| &one.metrics) {
        let kind = match value {
            MetricValue::Counter { .. } => 0,
            MetricValue::Gauge { .. } => 1,
            MetricValue::Timing { .. } => 2,
        };
        match sums.get_mut(&(Arc::clone(name), kind)) {
            Some(sum) => add_metric(sum, value),
            None => drop(sums.insert((Arc::clone(name), kind), value.clone())),
        }
    }
    let rows = sums.into_iter().map(|((name, _), mut value)| {
        if let MetricValue::Counter { total, per_second } = &mut value {
            *per_second = if span > 0.0 { number(*total) / span } else { 0.0 };
        }
        MetricRow { name, value }
    });
    rows.collect()
}

#[expect(clippy::cast_precision_loss, reason = "means and rates")]
fn number(count: u64) -> f64 {
    count as f64
}

fn add_metric(sum: &mut MetricValue, more: &MetricValue) {
    let mean = |mean: f64, samples: u64, other: f64, others: u64| {
        (mean * number(samples) + other * number(others)) / number((samples + others).max(1))
    };
    match (sum, more) {
        (MetricValue::Counter { total, .. }, MetricValue::Counter { total: more, .. }) => {
            *total = total.saturating_add(*more);
        }
        (
            MetricValue::Gauge { last, at, min, mean: mine, max, samples },
            MetricValue::Gauge { last: l, at: a, min: lo, mean: theirs, max: hi, samples: n },
        ) => {
            if *a > *at {
                (*last, *at) = (*l, *a);
            }
            *mine = mean(*mine, *samples, *theirs, *n);
            (*min, *max, *samples) = (min.min(*lo), max.max(*hi), *samples + n);
        }
        (
            MetricValue::Timing { samples, min, mean: mine, median, p95, p99, max },
            MetricValue::Timing {
                samples: n,
                min: lo,
                mean: theirs,
                median: m,
                p95: x,
                p99: y,
                max: hi,
            },
        ) => {
            *mine = mean(*mine, *samples, *theirs, *n);
            // The true ones lie between those of the runs.
            (*median, *p95, *p99) = (median.max(*m), p95.max(*x), p99.max(*y));
            (*min, *max, *samples) = (min.min(*lo), max.max(*hi), *samples + n);
        }
        // They are added by type.
        _ => {}
    }
}

pub(super) fn exemplars(all: &[&Summary]) -> Vec<Exemplar> {
    let mut kept = Exemplars::default();
    all.iter().flat_map(|one| &one.exemplars).for_each(|exemplar| kept.add(exemplar));
    kept.all()
}

pub(super) fn health(all: &[&Summary]) -> Health {
    let lag = from_due(all.iter().map(|one| &one.health.lag));
    let wrong = all.iter().find(|one| !one.health.sound).map(|one| one.health.text.clone());
    let mut suspect: Vec<_> = all.iter().flat_map(|one| one.health.suspect.clone()).collect();
    suspect.sort_by(|a, b| a.from.total_cmp(&b.from));
    Health {
        sound: wrong.is_none(),
        text: wrong.unwrap_or_else(|| vitals::all_well(&lag.times)),
        lag,
        drivers: all.iter().flat_map(|one| one.health.drivers.clone()).collect(),
        suspect,
    }
}

pub(super) fn marks(all: &[&Summary]) -> Vec<Mark> {
    let mut marks: Vec<Mark> = all.iter().flat_map(|one| one.marks.clone()).collect();
    marks.sort_by(|a, b| a.at.total_cmp(&b.at));
    marks
}
