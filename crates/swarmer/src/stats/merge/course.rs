//! Courses added up. Runs at the same time add their counts; points that overlap become one.
//!
//! Counts are exact. Minima and maxima of rates and users are bounds, since two runs need not have had them in the same
//! second; percentiles of the course lie between the smallest and the largest of the runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::history::{GaugeColumns, HistoryColumns};
use super::super::row_history::{RowHistory, RowKind, RowRecord};

/// Figures of a point that add up when runs go on at the same time.
const ADDED: usize = 4;
/// All figures of a point that have minimum, mean and maximum.
const GAUGES: usize = 10;

type Values = [Option<f64>; 3];

#[derive(Clone)]
struct Point {
    time: u64,
    end: u64,
    requests: u64,
    failures: u64,
    gauges: [Values; GAUGES],
    classes: BTreeMap<String, f64>,
    heat: BTreeMap<u64, u64>,
}

/// The columns of a course that have minimum, mean and maximum, those that add up first.
fn gauges(columns: &HistoryColumns) -> [&GaugeColumns; GAUGES] {
    let HistoryColumns { rate, failure_rate, users, planned, .. } = columns;
    let HistoryColumns { p50, p90, p95, p99, max, mean, .. } = columns;
    [rate, failure_rate, users, planned, p50, p90, p95, p99, max, mean]
}

fn gauges_mut(columns: &mut HistoryColumns) -> [&mut GaugeColumns; GAUGES] {
    let HistoryColumns {
        rate, failure_rate, users, planned, p50, p90, p95, p99, max, mean, ..
    } = columns;
    [rate, failure_rate, users, planned, p50, p90, p95, p99, max, mean]
}

fn points(columns: &HistoryColumns) -> impl Iterator<Item = Point> + '_ {
    (0..columns.time.len()).map(|at| Point {
        time: columns.time[at],
        end: columns.time[at] + columns.span[at],
        requests: columns.requests[at],
        failures: columns.failures[at],
        gauges: gauges(columns).map(|gauge| [gauge.min[at], gauge.mean[at], gauge.max[at]]),
        classes: columns
            .class_users
            .iter()
            .filter_map(|(class, users)| Some((class.clone(), users[at]?)))
            .collect(),
        heat: columns.heat[at].chunks_exact(2).map(|pair| (pair[0], pair[1])).collect(),
    })
}

fn combine(a: Option<f64>, b: Option<f64>, with: impl Fn(f64, f64) -> f64) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(with(a, b)),
        (a, b) => a.or(b),
    }
}

impl Point {
    #[expect(clippy::cast_precision_loss, reason = "seconds, requests: shares of them")]
    fn count(&mut self, other: &Self, shares: (u64, u64)) -> impl Fn(f64, f64) -> f64 + use<> {
        self.requests += other.requests;
        self.failures += other.failures;
        for (band, count) in &other.heat {
            *self.heat.entry(*band).or_default() += count;
        }
        self.time = self.time.min(other.time);
        self.end = self.end.max(other.end);
        let share = shares.1 as f64 / (shares.0 + shares.1).max(1) as f64;
        move |a: f64, b: f64| a + (b - a) * share
    }

    /// With a later point of the same run.
    fn follow(&mut self, later: &Self) {
        let spans = (self.end - self.time, later.end - later.time);
        let mean = self.count(later, spans);
        for (mine, theirs) in self.gauges.iter_mut().zip(later.gauges) {
            *mine = [
                combine(mine[0], theirs[0], f64::min),
                combine(mine[1], theirs[1], &mean),
                combine(mine[2], theirs[2], f64::max),
            ];
        }
        for (class, users) in &later.classes {
            let mine = self.classes.entry(class.clone()).or_insert(*users);
            *mine = mean(*mine, *users);
        }
    }

    /// With a point of another run.
    fn join(&mut self, other: &Self) {
        let mean = self.count(other, (self.requests, other.requests));
        for (at, (mine, theirs)) in self.gauges.iter_mut().zip(other.gauges).enumerate() {
            let sum = |a: f64, b: f64| a + b;
            *mine = if at < ADDED {
                [0, 1, 2].map(|part| combine(mine[part], theirs[part], sum))
            } else {
                [
                    combine(mine[0], theirs[0], f64::min),
                    combine(mine[1], theirs[1], &mean),
                    combine(mine[2], theirs[2], f64::max),
                ]
            };
        }
        for (class, users) in &other.classes {
            *self.classes.entry(class.clone()).or_default() += users;
        }
    }
}

/// The course of all runs.
pub(super) fn run(all: &[&HistoryColumns]) -> HistoryColumns {
    let of = |(run, columns)| points(columns).map(move |point| (run, point));
    let runs = all.iter().copied().enumerate();
    let mut points: Vec<(usize, Point)> = runs.flat_map(of).collect();
    points.sort_by_key(|(run, point)| (point.time, *run));
    let mut columns = HistoryColumns::default();
    let mut open: BTreeMap<usize, Point> = BTreeMap::new();
    let mut until = 0;
    for (run, point) in points {
        if point.time >= until {
            push(&mut columns, std::mem::take(&mut open));
        }
        until = until.max(point.end);
        match open.get_mut(&run) {
            Some(known) => known.follow(&point),
            None => drop(open.insert(run, point)),
        }
    }
    push(&mut columns, open);
    columns
}

/// Adds points of different runs that overlap as one.
fn push(columns: &mut HistoryColumns, open: BTreeMap<usize, Point>) {
    let joined = open.into_values().reduce(|mut all, point| {
        all.join(&point);
        all
    });
    let Some(point) = joined else { return };
    let before = columns.time.len();
    columns.time.push(point.time);
    columns.span.push(point.end - point.time);
    columns.requests.push(point.requests);
    columns.failures.push(point.failures);
    for (column, [min, mean, max]) in gauges_mut(columns).into_iter().zip(point.gauges) {
        column.min.push(min);
        column.mean.push(mean);
        column.max.push(max);
    }
    for class in point.classes.keys() {
        columns.class_users.entry(class.clone()).or_insert_with(|| vec![None; before]);
    }
    for (class, users) in &mut columns.class_users {
        users.push(point.classes.get(class).copied());
    }
    columns.heat.push(point.heat.into_iter().flat_map(|(band, count)| [band, count]).collect());
}

/// Kind, name and method.
type Key = (RowKind, Arc<str>, Arc<str>);

/// The courses of all rows.
pub(super) fn rows<'r>(all: impl Iterator<Item = &'r RowRecord>) -> Vec<RowRecord> {
    let mut sums: BTreeMap<Key, Vec<&RowHistory>> = BTreeMap::new();
    for row in all {
        let key = (row.kind, Arc::clone(&row.name), Arc::clone(&row.method));
        sums.entry(key).or_default().push(&row.history);
    }
    let row = |((kind, name, method), parts): (_, Vec<&RowHistory>)| RowRecord {
        kind,
        method,
        name,
        history: row_course(&parts),
    };
    sums.into_iter().map(row).collect()
}

/// One row: points that overlap become one, with the largest of their percentiles.
fn row_course(parts: &[&RowHistory]) -> RowHistory {
    let mut places: Vec<(&RowHistory, usize)> =
        parts.iter().flat_map(|part| (0..part.time.len()).map(move |at| (*part, at))).collect();
    places.sort_by_key(|(part, at)| part.time[*at]);
    let mut sum = RowHistory::default();
    let mut until = 0;
    for (part, at) in places {
        let (time, end) = (part.time[at], part.time[at] + part.span[at]);
        let times = [part.p50[at], part.p95[at], part.p99[at], part.max[at]];
        if time >= until {
            sum.time.push(time);
            sum.span.push(0);
            sum.requests.push(0);
            sum.failures.push(0);
            for column in [&mut sum.p50, &mut sum.p95, &mut sum.p99, &mut sum.max] {
                column.push(None);
            }
        }
        until = until.max(end);
        let last = sum.time.len() - 1;
        sum.span[last] = until - sum.time[last];
        sum.requests[last] += part.requests[at];
        sum.failures[last] += part.failures[at];
        let columns = [&mut sum.p50, &mut sum.p95, &mut sum.p99, &mut sum.max];
        for (column, value) in columns.into_iter().zip(times) {
            column[last] = combine(column[last], value, f64::max);
        }
    }
    sum
}
