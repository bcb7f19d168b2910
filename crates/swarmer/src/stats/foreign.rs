//! Figures as other programs count them, and as they travel.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::coarse::{CoarseBuckets, locust_bucket};
use super::delta::{Delta, ErrorDelta, ExceptionDelta, Kind, RowDelta, RowKey, SecondCount};
use super::histogram::Histogram;

/// Requests of one method and name, with response times in Locust's buckets. Times are milliseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ForeignRow {
    pub(crate) method: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) requests: u64,
    pub(crate) untimed: u64,
    pub(crate) failures: u64,
    pub(crate) bytes: u64,
    pub(crate) last: Option<f64>,
    pub(crate) sum: f64,
    pub(crate) min: Option<f64>,
    pub(crate) max: f64,
    /// Requests by bucket.
    pub(crate) times: BTreeMap<u64, u64>,
    /// Requests by second since the Unix epoch, and failures.
    pub(crate) per_second: BTreeMap<u64, u64>,
    pub(crate) failures_per_second: BTreeMap<u64, u64>,
}

/// One distinct error.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ForeignError {
    pub(crate) method: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) text: String,
    pub(crate) occurrences: u64,
    pub(crate) first: Option<f64>,
    pub(crate) last: Option<f64>,
}

impl ForeignRow {
    /// Adds what happened in a row.
    fn add(&mut self, row: &RowDelta) {
        self.requests += row.requests;
        self.untimed += row.untimed;
        self.failures += row.failures;
        self.bytes = self.bytes.saturating_add(row.bytes);
        self.last = Some(self.last.map_or(row.last, |last| last.max(row.last)));
        if let (Some(min), Some(max)) = (row.times.min(), row.times.max()) {
            self.sum += ms(row.times.sum());
            self.min = Some(self.min.map_or(ms(min.into()), |known| known.min(ms(min.into()))));
            self.max = self.max.max(ms(max.into()));
        }
        let mut count = |bucket, requests| *self.times.entry(bucket).or_default() += requests;
        match &row.coarse {
            Some(coarse) => coarse.iter().for_each(|(bucket, requests)| count(bucket, requests)),
            None => {
                row.times.iter().for_each(|(time, requests)| count(locust_bucket(time), requests));
            }
        }
        for second in &row.seconds {
            *self.per_second.entry(second.second).or_default() += second.requests;
            if second.failures > 0 {
                *self.failures_per_second.entry(second.second).or_default() += second.failures;
            }
        }
    }

    /// Adds the figures of another row, as for a total.
    pub(crate) fn add_foreign(&mut self, other: &Self) {
        self.requests += other.requests;
        self.untimed += other.untimed;
        self.failures += other.failures;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.last = self.last.into_iter().chain(other.last).reduce(f64::max);
        self.min = self.min.into_iter().chain(other.min).reduce(f64::min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        let pairs = [
            (&mut self.times, &other.times),
            (&mut self.per_second, &other.per_second),
            (&mut self.failures_per_second, &other.failures_per_second),
        ];
        for (to, from) in pairs {
            for (key, count) in from {
                *to.entry(*key).or_default() += count;
            }
        }
    }

    fn into_delta(self, now: f64) -> RowDelta {
        let mut coarse = CoarseBuckets::default();
        self.times.iter().for_each(|(bucket, count)| coarse.add(*bucket, *count));
        let bound = |ms| u64::try_from(nanos(ms)).unwrap_or(u64::MAX);
        let max = (self.max > 0.0).then(|| bound(self.max));
        let times = Histogram::from_buckets(&coarse, nanos(self.sum), self.min.map(bound), max);
        let mut seconds = BTreeMap::<u64, SecondCount>::new();
        for (of_failures, counts) in [(false, &self.per_second), (true, &self.failures_per_second)]
        {
            for (second, count) in counts {
                let second = present(*second, now);
                let slot =
                    seconds.entry(second).or_insert(SecondCount { second, ..Default::default() });
                *if of_failures { &mut slot.failures } else { &mut slot.requests } += count;
            }
        }
        RowDelta {
            key: key(self.method, self.name),
            requests: self.requests,
            // What is in no bucket has no time, whatever else is said.
            untimed: self.requests.saturating_sub(times.count()),
            failures: self.failures,
            bytes: self.bytes,
            last: moment(self.last, now),
            times,
            from_due: None,
            coarse: Some(coarse),
            seconds: seconds.into_values().collect(),
        }
    }
}

fn key(method: Arc<str>, name: Arc<str>) -> Arc<RowKey> {
    Arc::new(RowKey { kind: Kind::Request, method, name, segment: None, class: None })
}

/// How far another clock may be ahead in seconds. What lies further in the future would hide all that comes after, so it
/// counts as of now.
const AHEAD: f64 = 5.0;

fn moment(at: Option<f64>, now: f64) -> f64 {
    at.filter(|at| *at <= now + AHEAD).unwrap_or(now)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole seconds of the present are meant"
)]
fn present(second: u64, now: f64) -> u64 {
    if second > (now + AHEAD) as u64 { now as u64 } else { second }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds with fractions")]
fn ms(nanos: u128) -> f64 {
    nanos as f64 / 1e6
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts from float saturate"
)]
fn nanos(ms: f64) -> u128 {
    (ms * 1e6).round() as u128
}

impl Delta {
    /// What was counted elsewhere, as of `now` in seconds since the Unix epoch.
    pub(crate) fn of_foreign(rows: Vec<ForeignRow>, errors: Vec<ForeignError>, now: f64) -> Self {
        let errors = errors.into_iter().map(|error| ErrorDelta {
            key: key(error.method, error.name),
            text: error.text.into(),
            occurrences: error.occurrences,
            first: moment(error.first.or(error.last), now),
            last: moment(error.last.or(error.first), now),
        });
        Self {
            errors: errors.collect(),
            rows: rows.into_iter().map(|row| row.into_delta(now)).collect(),
            ..Self::default()
        }
    }

    /// One exception that was counted elsewhere.
    pub(crate) fn of_exception(message: &str, detail: &str) -> Self {
        let exception = ExceptionDelta {
            scenario: "".into(),
            message: message.into(),
            detail: detail.into(),
            count: 1,
        };
        Self { exceptions: vec![exception], ..Self::default() }
    }

    /// Adds the requests in it to rows by method and name.
    pub(crate) fn add_to(&self, rows: &mut BTreeMap<(Arc<str>, Arc<str>), ForeignRow>) {
        for row in self.rows.iter().filter(|row| row.key.kind == Kind::Request) {
            let (method, name) = (Arc::clone(&row.key.method), Arc::clone(&row.key.name));
            let make = || ForeignRow {
                method: method.clone(),
                name: name.clone(),
                ..ForeignRow::default()
            };
            rows.entry((method.clone(), name.clone())).or_insert_with(make).add(row);
        }
    }

    /// The errors of requests in it.
    pub(crate) fn foreign_errors(&self) -> impl Iterator<Item = ForeignError> + '_ {
        let errors = self.errors.iter().filter(|error| error.key.kind == Kind::Request);
        errors.map(|error| ForeignError {
            method: Arc::clone(&error.key.method),
            name: Arc::clone(&error.key.name),
            text: error.text.to_string(),
            occurrences: error.occurrences,
            first: Some(error.first),
            last: Some(error.last),
        })
    }

    /// Occurrences of errors that did not fit among these.
    pub(crate) fn further_errors(&self) -> u64 {
        self.folded_errors.occurrences
    }

    /// The exceptions in it: message, detail, how often.
    pub(crate) fn foreign_exceptions(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.exceptions.iter().map(|e| (&*e.message, &*e.detail, e.count))
    }

    /// Forgets Locust's buckets, where nobody asked for them.
    pub(crate) fn drop_coarse(&mut self) {
        self.rows.iter_mut().for_each(|row| row.coarse = None);
    }
}
