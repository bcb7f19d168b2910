//! The errors of each run as tables.

use super::truth::Errors;
use crate::section::{Section, Table};

/// One run with one script.
pub(crate) struct Line {
    pub(crate) client: String,
    pub(crate) script: &'static str,
    /// Requests per second.
    pub(crate) rate: f64,
    pub(crate) errors: Errors,
    /// The client does not trust its figures.
    pub(crate) suspect: bool,
    /// How late starts were in the middle, in microseconds.
    pub(crate) late: f64,
}

/// Adds both tables, errors and truth, and says which runs the client itself calls suspect.
pub(crate) fn add(section: &mut Section, lines: &[Line]) {
    let name = |line: &Line| format!("{}: {}", line.client, line.script);
    let percents = ["p50", "p75", "p90", "p95", "p99", "p99.9"];
    let with = |more: &[&str]| {
        percents.iter().chain(more).map(|column| (*column).to_owned()).collect::<Vec<_>>()
    };
    section.tables.push(Table {
        caption: "Errors in µs, above 0 where the client says more than was; the worst as a percentage of the true time, and in \
                  units of what is allowed"
            .to_owned(),
        columns: with(&["worst %", "× allowed", "requests/s"]),
        rows: lines
            .iter()
            .map(|line| {
                let (errors, rate) = (&line.errors, line.rate);
                let more = [errors.worst_percent(), errors.worst_of_allowed(), rate];
                (name(line), errors.micros().into_iter().chain(more).collect())
            })
            .collect(),
    });
    section.tables.push(Table {
        caption: "True times of the same runs in ms".to_owned(),
        columns: with(&[]),
        rows: lines
            .iter()
            .map(|line| (name(line), line.errors.truth.map(|micros| micros / 1e3).to_vec()))
            .collect(),
    });
    let suspect: Vec<String> = lines.iter().filter(|line| line.suspect).map(name).collect();
    section.notes.push(if suspect.is_empty() {
        "swarmer called none of its runs suspect.".to_owned()
    } else {
        format!("swarmer itself called these runs suspect: {}.", suspect.join("; "))
    });
    let late: Vec<String> = lines
        .iter()
        .filter(|line| line.client.contains("from due"))
        .map(|line| format!("{:.0}", line.late))
        .collect();
    section.notes.push(format!(
        "Journeys were started late by (median of each open run, µs, part of the true times from due): {}.",
        late.join(", ")
    ));
}
