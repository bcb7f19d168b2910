//! A worker's report: what happened since its last one, in Locust's form.

use std::collections::BTreeMap;

use super::extra::Extra;
use super::limits;
use super::message::{read_fields, required};
use super::pack::{PackError, Problem, Reader, Writer, field};
use super::to_master::read_classes;
use crate::stats;

/// The data of `stats`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// One entry for each name and method that something happened under.
    pub entries: Vec<Entry>,
    /// All requests. A master of Locust does not add the entries up but believes this.
    pub total: Entry,
    /// Errors by their key, of which only equality matters.
    pub errors: BTreeMap<String, ErrorEntry>,
    /// Users by class.
    pub classes: BTreeMap<String, u64>,
    /// All users.
    pub users: u64,
}

/// Requests of one name and method.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Name; `Aggregated` for the total.
    pub name: String,
    /// Method; empty for the total.
    pub method: String,
    /// Seconds since the Unix epoch.
    pub last_request: Option<f64>,
    /// When counting began, in seconds since the Unix epoch.
    pub start: f64,
    /// All requests, failed and untimed ones included.
    pub requests: u64,
    /// Requests without a response time.
    pub untimed: u64,
    /// Failed requests.
    pub failures: u64,
    /// Sum of all response times in milliseconds.
    pub total_time: f64,
    /// The longest in milliseconds; 0 when there is none.
    pub max_time: f64,
    /// The shortest in milliseconds.
    pub min_time: Option<f64>,
    /// Bytes of bodies.
    pub bytes: u64,
    /// Requests by Locust's bucket in milliseconds ([`stats::locust_bucket`]).
    pub times: BTreeMap<u64, u64>,
    /// Requests by second since the Unix epoch.
    pub per_second: BTreeMap<u64, u64>,
    /// Failures by second since the Unix epoch.
    pub failures_per_second: BTreeMap<u64, u64>,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            name: String::new(),
            method: String::new(),
            last_request: None,
            start: 0.0,
            requests: 0,
            untimed: 0,
            failures: 0,
            total_time: 0.0,
            max_time: 0.0,
            min_time: None,
            bytes: 0,
            times: BTreeMap::new(),
            per_second: BTreeMap::new(),
            failures_per_second: BTreeMap::new(),
        }
    }
}

/// An error of one name and method.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorEntry {
    /// Name of the request.
    pub name: String,
    /// Its method.
    pub method: String,
    /// What went wrong, as Python's `repr` shows it.
    pub error: String,
    /// How often.
    pub occurrences: u64,
    /// Seconds since the Unix epoch; older peers do not say.
    pub first_seen: Option<f64>,
    /// Seconds since the Unix epoch; older peers do not say.
    pub last_seen: Option<f64>,
}

/// Entries of one report: as many rows as statistics have.
const ENTRIES: usize = stats::limits::ROWS + stats::limits::OTHER_ROWS;

impl Report {
    pub(super) fn write(&self, extra: &Extra, writer: &mut Writer) {
        writer.map(5 + extra.keys());
        writer.key("stats").list(self.entries.len());
        self.entries.iter().for_each(|entry| entry.write(writer));
        self.total.write(writer.key("stats_total"));
        writer.key("errors").map(self.errors.len());
        for (key, error) in &self.errors {
            error.write(writer.key(key));
        }
        writer.key("user_classes_count").classes(&self.classes);
        writer.key("user_count").whole(self.users);
        extra.write(writer);
    }

    pub(super) fn read(reader: &mut Reader, extra: &mut Extra) -> Result<Self, PackError> {
        let mut report = Self::default();
        let (mut entries, mut total) = (None, None);
        read_fields(reader, extra, |name, reader| {
            match name {
                "stats" => entries = Some(reader.each("entries", ENTRIES, Entry::read)?),
                "stats_total" => total = Some(Entry::read(reader)?),
                "errors" | "user_classes_count" if reader.nil() => {}
                "errors" => report.errors = reader.named("errors", ERRORS, ErrorEntry::read)?,
                "user_classes_count" => report.classes = read_classes(reader)?,
                "user_count" => report.users = reader.count()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        report.entries = required("stats", entries)?;
        report.total = required("stats_total", total)?;
        Ok(report)
    }
}

/// Errors of one report; Locust knows no limit.
const ERRORS: usize = 100_000;

impl Entry {
    fn write(&self, writer: &mut Writer) {
        // As Locust, whose sums begin with a whole zero.
        let time = |writer: &mut Writer, time: f64| {
            if time == 0.0 { writer.whole(0) } else { writer.float(time) }
        };
        writer.map(14);
        writer.key("name").text(&self.name);
        writer.key("method").text(&self.method);
        writer.key("last_request_timestamp").float_or_nil(self.last_request);
        writer.key("start_time").float(self.start);
        writer.key("num_requests").whole(self.requests);
        writer.key("num_none_requests").whole(self.untimed);
        writer.key("num_failures").whole(self.failures);
        time(writer.key("total_response_time"), self.total_time);
        time(writer.key("max_response_time"), self.max_time);
        writer.key("min_response_time").float_or_nil(self.min_time);
        writer.key("total_content_length").whole(self.bytes);
        writer.key("response_times").counts(&self.times);
        writer.key("num_reqs_per_sec").counts(&self.per_second);
        writer.key("num_fail_per_sec").counts(&self.failures_per_second);
    }

    fn read(reader: &mut Reader) -> Result<Self, PackError> {
        let mut entry = Self::default();
        let longest = limits::RESPONSE_TIME_MS;
        reader.fields(|name, reader| {
            match name {
                "name" => entry.name = reader.words()?.into_owned(),
                "method" => entry.method = reader.words()?.into_owned(),
                "last_request_timestamp" => entry.last_request = reader.moment_or_nil()?,
                "start_time" => entry.start = reader.moment_or_nil()?.unwrap_or(0.0),
                "num_requests" => entry.requests = reader.count()?,
                "num_none_requests" => entry.untimed = reader.count()?,
                "num_failures" => entry.failures = reader.count()?,
                "total_response_time" => entry.total_time = reader.positive(f64::MAX)?,
                "max_response_time" => entry.max_time = reader.positive(longest)?,
                "min_response_time" if reader.nil() => {}
                "min_response_time" => entry.min_time = Some(reader.positive(longest)?),
                "total_content_length" => entry.bytes = reader.count()?,
                "response_times" => entry.times = reader.counts()?,
                "num_reqs_per_sec" => entry.per_second = reader.counts()?,
                "num_fail_per_sec" => entry.failures_per_second = reader.counts()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        entry.check()?;
        Ok(entry)
    }

    /// Refuses figures that contradict each other.
    fn check(&self) -> Result<(), PackError> {
        let refuse =
            |at: &str, number: u64| field(at, Err(Problem::Number(number.to_string()).into()));
        // In one report, which is about seconds.
        if self.requests > u64::from(u32::MAX) {
            return refuse("num_requests", self.requests);
        }
        if self.untimed > self.requests {
            return refuse("num_none_requests", self.untimed);
        }
        let timed = self.times.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
        if timed > self.requests {
            return refuse("response_times", timed);
        }
        let longest = self.times.last_key_value().map_or(0, |(bucket, _)| *bucket);
        #[expect(clippy::cast_precision_loss, reason = "compared with a bound")]
        if longest as f64 > limits::RESPONSE_TIME_MS {
            return refuse("response_times", longest);
        }
        Ok(())
    }
}

impl ErrorEntry {
    fn write(&self, writer: &mut Writer) {
        writer.map(6);
        writer.key("name").text(&self.name);
        writer.key("method").text(&self.method);
        writer.key("error").text(&self.error);
        writer.key("occurrences").whole(self.occurrences);
        writer.key("first_seen").float_or_nil(self.first_seen);
        writer.key("last_seen").float_or_nil(self.last_seen);
    }

    fn read(reader: &mut Reader) -> Result<Self, PackError> {
        let mut entry = Self {
            name: String::new(),
            method: String::new(),
            error: String::new(),
            occurrences: 0,
            first_seen: None,
            last_seen: None,
        };
        reader.fields(|name, reader| {
            match name {
                "name" => entry.name = reader.words()?.into_owned(),
                "method" => entry.method = reader.words()?.into_owned(),
                "error" => entry.error = reader.words()?.into_owned(),
                "occurrences" => entry.occurrences = reader.count()?,
                "first_seen" => entry.first_seen = reader.moment_or_nil()?,
                "last_seen" => entry.last_seen = reader.moment_or_nil()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(entry)
    }
}
