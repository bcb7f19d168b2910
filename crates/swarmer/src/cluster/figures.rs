//! Reports in Locust's form: made of deltas, and turned into one.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::report::{Entry, ErrorEntry, Report};
use crate::report::python;
use crate::stats::{Delta, ForeignError, ForeignRow, limits::OTHER};

impl Report {
    /// What happened in these deltas; `start` is when counting began, in seconds since the Unix epoch.
    pub fn of<'d>(
        deltas: impl IntoIterator<Item = &'d Delta>,
        start: f64,
        classes: BTreeMap<String, u64>,
    ) -> Self {
        let (mut rows, mut errors, mut further) = (BTreeMap::new(), BTreeMap::new(), 0);
        for delta in deltas {
            delta.add_to(&mut rows);
            delta.foreign_errors().for_each(|error| add_error(&mut errors, &error));
            further += delta.further_errors();
        }
        if further > 0 {
            add_error(&mut errors, &further_errors(further));
        }
        let mut total = ForeignRow { name: "Aggregated".into(), ..ForeignRow::default() };
        for row in rows.values() {
            total.add_foreign(row);
        }
        let users = classes.values().sum();
        let entries = rows.into_values().map(|row| Entry::of(row, start)).collect();
        Self { entries, total: Entry::of(total, start), errors, classes, users }
    }

    /// The figures as the collector takes them; `now` in seconds since the Unix epoch. Requests that are in the total but in
    /// no entry go to the row `(other)`, so that the total is the sender's.
    pub fn into_delta(mut self, now: f64) -> Delta {
        let surplus = self.surplus();
        self.entries.extend(surplus);
        let rows = self.entries.into_iter().map(ForeignRow::from).collect();
        let errors = self.errors.into_values().map(ForeignError::from).collect();
        Delta::of_foreign(rows, errors, now)
    }

    /// What the total has beyond the entries.
    fn surplus(&self) -> Option<Entry> {
        let mut sum = ForeignRow::default();
        self.entries.iter().for_each(|entry| sum.add_foreign(&entry.clone().into()));
        let total = &self.total;
        let requests = total.requests.saturating_sub(sum.requests);
        let mut times = beyond(&total.times, &sum.times);
        // No more than there are requests, should the two contradict each other.
        let mut room = requests;
        for count in times.values_mut() {
            *count = (*count).min(room);
            room -= *count;
        }
        let surplus = Entry {
            name: OTHER.to_owned(),
            requests,
            untimed: room,
            failures: total.failures.saturating_sub(sum.failures),
            total_time: (total.total_time - sum.sum).max(0.0),
            bytes: total.bytes.saturating_sub(sum.bytes),
            times,
            per_second: beyond(&total.per_second, &sum.per_second),
            failures_per_second: beyond(&total.failures_per_second, &sum.failures_per_second),
            ..total.clone()
        };
        (surplus.requests > 0 || surplus.failures > 0).then_some(surplus)
    }
}

fn beyond(all: &BTreeMap<u64, u64>, known: &BTreeMap<u64, u64>) -> BTreeMap<u64, u64> {
    let left = |(key, count): (&u64, &u64)| {
        let left = count.saturating_sub(known.get(key).copied().unwrap_or(0));
        (left > 0).then_some((*key, left))
    };
    all.iter().filter_map(left).collect()
}

/// Errors that a recorder could only count.
fn further_errors(occurrences: u64) -> ForeignError {
    ForeignError {
        method: "".into(),
        name: OTHER.into(),
        text: "further errors".to_owned(),
        occurrences,
        first: None,
        last: None,
    }
}

fn add_error(errors: &mut BTreeMap<String, ErrorEntry>, error: &ForeignError) {
    let key = python::error_key(&error.method, &error.name, &error.text);
    let known = errors.entry(key).or_insert_with(|| ErrorEntry {
        name: error.name.to_string(),
        method: error.method.to_string(),
        error: error.text.clone(),
        occurrences: 0,
        first_seen: error.first,
        last_seen: error.last,
    });
    known.occurrences += error.occurrences;
    known.first_seen = known.first_seen.into_iter().chain(error.first).reduce(f64::min);
    known.last_seen = known.last_seen.into_iter().chain(error.last).reduce(f64::max);
}

impl Entry {
    fn of(row: ForeignRow, start: f64) -> Self {
        Self {
            name: row.name.to_string(),
            method: row.method.to_string(),
            last_request: row.last,
            start,
            requests: row.requests,
            untimed: row.untimed,
            failures: row.failures,
            total_time: row.sum,
            max_time: row.max,
            min_time: row.min,
            bytes: row.bytes,
            times: row.times,
            per_second: row.per_second,
            failures_per_second: row.failures_per_second,
        }
    }
}

impl From<Entry> for ForeignRow {
    fn from(entry: Entry) -> Self {
        Self {
            method: entry.method.into(),
            name: entry.name.into(),
            requests: entry.requests,
            untimed: entry.untimed,
            failures: entry.failures,
            bytes: entry.bytes,
            last: entry.last_request,
            sum: entry.total_time,
            min: entry.min_time,
            max: entry.max_time,
            times: entry.times,
            per_second: entry.per_second,
            failures_per_second: entry.failures_per_second,
        }
    }
}

impl From<ErrorEntry> for ForeignError {
    fn from(error: ErrorEntry) -> Self {
        Self {
            method: Arc::from(error.method),
            name: error.name.into(),
            text: error.error,
            occurrences: error.occurrences,
            first: error.first_seen,
            last: error.last_seen,
        }
    }
}
