//! Columns and rows of Locust's four files, and of the workload's metrics.

use jiff::Timestamp;

use super::dialect::Table;
use crate::report::{metrics, python};
use crate::stats::{
    ErrorRow, Figures, PERCENTILES, PercentileSource, Percentiles, Row, Summary, percentile_label,
};

const STATS: [&str; 11] = [
    "Type",
    "Name",
    "Request Count",
    "Failure Count",
    "Median Response Time",
    "Average Response Time",
    "Min Response Time",
    "Max Response Time",
    "Average Content Size",
    "Requests/s",
    "Failures/s",
];
const HISTORY: [&str; 6] = ["Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s"];
const HISTORY_TOTALS: [&str; 7] = [
    "Total Request Count",
    "Total Failure Count",
    "Total Median Response Time",
    "Total Average Response Time",
    "Total Min Response Time",
    "Total Max Response Time",
    "Total Average Content Size",
];
const FAILURES: [&str; 6] = ["Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen"];
const EXCEPTIONS: [&str; 4] = ["Count", "Message", "Traceback", "Nodes"];

fn header(before: &[&str], percentiles: bool, after: &[&str]) -> Table {
    let labels: Vec<String> =
        if percentiles { PERCENTILES.map(percentile_label).into() } else { Vec::new() };
    let labels = labels.iter().map(String::as_str);
    Table::with_header(before.iter().copied().chain(labels).chain(after.iter().copied()))
}

pub(super) fn stats_header() -> String {
    header(&STATS, true, &[]).finish()
}

pub(super) fn history_header() -> String {
    header(&HISTORY, true, &HISTORY_TOTALS).finish()
}

pub(super) fn failures_header() -> String {
    header(&FAILURES, false, &[]).finish()
}

pub(super) fn exceptions_header() -> String {
    header(&EXCEPTIONS, false, &[]).finish()
}

/// `PREFIX_metrics.csv`: the workload's own metrics; a cell is empty where the type has no such figure.
pub(super) fn metrics(summary: &Summary) -> String {
    let columns = ["Type", "Name"].into_iter().chain(metrics::COLUMNS);
    let mut table = Table::with_header(columns);
    for metric in &summary.metrics {
        let (kind, cells) = metrics::cells(metric);
        table.text(kind).text(&metric.name);
        for cell in &cells {
            table.text(cell);
        }
        table.end_row();
    }
    table.finish()
}

/// Requests by name, then method; the total last.
fn rows(summary: &Summary) -> impl Iterator<Item = &Row> {
    summary.requests().chain([&summary.total])
}

/// `PREFIX_stats.csv`: the whole run so far.
pub(super) fn stats(summary: &Summary) -> String {
    let mut table = header(&STATS, true, &[]);
    for row in rows(summary) {
        let figures = &row.figures;
        table.text(&row.method).text(&row.name).whole(figures.requests).whole(figures.failures);
        times(&mut table, figures, summary.percentile_source);
        table.float(figures.requests_per_second).float(figures.failures_per_second);
        percentiles(&mut table, figures.requests, &figures.percentiles);
        table.end_row();
    }
    table.finish()
}

/// The whole second a summary belongs to.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the floor is meant")]
pub(super) fn timestamp(summary: &Summary) -> u64 {
    summary.at as u64
}

/// The rows of one second of `PREFIX_stats_history.csv`. Percentiles are those of the whole run; with the full history
/// those of the ten-second window.
pub(super) fn history(summary: &Summary, second: u64, full: bool) -> String {
    let mut table = Table::default();
    for row in rows(summary).filter(|row| full || std::ptr::eq(*row, &raw const summary.total)) {
        let (figures, current) = (&row.figures, &row.current);
        table.whole(second).whole(summary.user_count()).text(&row.method).text(&row.name);
        table.text(&format!("{:.6}", current.requests_per_second));
        table.text(&format!("{:.6}", current.failures_per_second));
        let shown = if full { &current.percentiles } else { &figures.percentiles };
        percentiles(&mut table, figures.requests, shown);
        table.whole(figures.requests).whole(figures.failures);
        times(&mut table, figures, summary.percentile_source);
        table.end_row();
    }
    table.finish()
}

/// Median, mean, minimum, maximum, mean size.
fn times(table: &mut Table, figures: &Figures, source: PercentileSource) {
    // Locust's median is a whole bucket unless it had to be clamped to an exact, fractional bound.
    let clamped = figures.percentiles[0].is_some_and(|p| p.total_cmp(&figures.median).is_ne());
    if source == PercentileSource::Locust && clamped {
        table.float(figures.median);
    } else {
        table.number(figures.median);
    }
    table.float(figures.mean);
    for exact in [figures.min, figures.max] {
        // Zero has no point, be it measured or for want of a measurement.
        if exact > 0.0 {
            table.float(exact)
        } else {
            table.whole(0)
        };
    }
    if figures.requests > 0 {
        table.float(figures.mean_bytes())
    } else {
        table.whole(0)
    };
}

fn percentiles(table: &mut Table, requests: u64, values: &Percentiles) {
    for value in values {
        if requests == 0 {
            table.text("N/A")
        } else {
            table.number(value.unwrap_or(0.0))
        };
    }
}

/// `PREFIX_failures.csv`, in the order of Locust's keys.
pub(super) fn failures(summary: &Summary) -> String {
    let mut errors: Vec<(String, &ErrorRow)> = summary
        .errors
        .of_requests()
        .map(|error| (python::error_key(&error.method, &error.name, &error.error), error))
        .collect();
    errors.sort_by(|a, b| a.0.cmp(&b.0));
    let mut table = header(&FAILURES, false, &[]);
    for (_, error) in errors {
        table.text(&error.method).text(&error.name).text(&error.error).whole(error.occurrences);
        table.text(&utc(error.first_seen)).text(&utc(error.last_seen));
        table.end_row();
    }
    table.finish()
}

/// Seconds since the Unix epoch as `YYYY-MM-DDTHH:MM:SSZ`; empty beyond the calendar.
#[expect(clippy::cast_possible_truncation, reason = "whole seconds are shown; the cast saturates")]
fn utc(seconds: f64) -> String {
    let timestamp = Timestamp::from_second(seconds as i64);
    timestamp.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}

/// `PREFIX_exceptions.csv`, in order of first appearance.
pub(super) fn exceptions(summary: &Summary) -> String {
    let mut table = header(&EXCEPTIONS, false, &[]);
    for exception in summary.exceptions.iter() {
        table.whole(exception.count).text(&exception.message).text(&exception.detail);
        table.text(&exception.nodes.join(", "));
        table.end_row();
    }
    table.finish()
}
