//! Figures in the shapes of Locust's web page and report, which scripts read.

use serde_json::{Map, Value, json};

use super::python;
use crate::stats::{ErrorRow, ExceptionRow, HistoryColumns, Row, Summary};

/// Percentiles of the page's charts.
pub(crate) const CHARTS: [f64; 2] = [0.5, 0.95];
/// Percentiles of the page's table.
pub(crate) const TABLE: [f64; 2] = [0.95, 0.99];
/// Percentiles of the report's table.
const REPORT: [f64; 8] = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0];

/// Seconds between two points of the history, as in Locust.
const EVERY: u64 = 5;

/// An entry of `stats`: a row of the statistics table.
pub(crate) fn entry(row: &Row) -> Value {
    let (figures, current) = (&row.figures, &row.current);
    let timed = figures.requests > figures.untimed;
    let mut entry = json!({
        "method": row.method,
        "name": row.name,
        "num_requests": figures.requests,
        "num_failures": figures.failures,
        "min_response_time": if timed { json!(half_up(figures.min)) } else { json!(0) },
        "max_response_time": half_up(figures.max),
        "avg_response_time": figures.mean,
        "avg_content_length": figures.mean_bytes(),
        "median_response_time": whole_if_whole(figures.median),
        "current_rps": current.requests_per_second,
        "current_fail_per_sec": current.failures_per_second,
        "total_rps": figures.requests_per_second,
        "total_fail_per_sec": figures.failures_per_second,
    });
    for p in TABLE {
        entry[format!("response_time_percentile_{p}")] = whole(figures.percentile(p)).into();
    }
    entry
}

/// All rows of requests, by name, then method, and the total last; `most` rows before the total at most.
pub(crate) fn entries(summary: &Summary, most: usize) -> Vec<Value> {
    summary.requests().take(most).chain([&summary.total]).map(entry).collect()
}

/// Entries of `errors`, in order of first appearance.
pub(crate) fn errors(summary: &Summary, most: usize) -> Vec<Value> {
    summary.errors.of_requests().take(most).map(error).collect()
}

fn error(error: &ErrorRow) -> Value {
    json!({
        "method": error.method,
        "name": error.name,
        "error": error.error,
        "occurrences": error.occurrences,
        "first_seen": error.first_seen,
        "last_seen": error.last_seen,
    })
}

/// Entries of `exceptions`.
pub(crate) fn exceptions(summary: &Summary) -> Vec<Value> {
    let entry = |exception: &ExceptionRow| {
        json!({
            "count": exception.count,
            "msg": exception.message,
            "traceback": exception.detail,
            "nodes": exception.nodes.join(", "),
        })
    };
    summary.exceptions.iter().map(entry).collect()
}

/// The percentiles of the last ten seconds that the charts show.
pub(crate) fn chart_percentiles(row: &Row) -> Value {
    let of = |p: f64| {
        let at = crate::stats::PERCENTILES.iter().position(|known| (known - p).abs() < 1e-9);
        at.and_then(|at| row.current.percentiles[at])
    };
    let named = CHARTS.map(|p| {
        let value = of(p).map(|p| whole(Some(p)));
        (format!("response_time_percentile_{p}"), json!(value))
    });
    Value::Object(named.into_iter().collect())
}

/// The report's table of percentiles.
pub(super) fn report_percentiles(summary: &Summary) -> Vec<Value> {
    let of = |row: &Row| {
        let mut entry = json!({"method": row.method, "name": row.name});
        for p in REPORT {
            entry[python::float(p)] = whole(row.figures.percentile(p)).into();
        }
        entry
    };
    summary.requests().chain([&summary.total]).map(of).collect()
}

/// The points of the charts: one in five seconds in which there were users.
pub(crate) fn history(columns: &HistoryColumns) -> Vec<Value> {
    let at = |column: &[Option<f64>], index: usize| column.get(index).copied().flatten();
    let mut points = Vec::new();
    let mut next = 0;
    for (index, &second) in columns.time.iter().enumerate() {
        let had_users = at(&columns.users.max, index).is_some_and(|users| users > 0.0);
        if second < next || !had_users {
            continue;
        }
        next = second + EVERY;
        let time = utc(second);
        let value = |value: Value| json!([time, value]);
        let number = |column: &[Option<f64>]| at(column, index).unwrap_or_default();
        let mut point = Map::new();
        point.insert("time".to_owned(), json!(time));
        for (name, number) in [
            ("current_rps", number(&columns.rate.mean)),
            ("current_fail_per_sec", number(&columns.failure_rate.mean)),
            ("total_avg_response_time", (number(&columns.mean.mean) * 100.0).round() / 100.0),
            ("user_count", number(&columns.users.max).round()),
        ] {
            point.insert(name.to_owned(), value(whole_if_whole(number)));
        }
        for (p, column) in CHARTS.into_iter().zip([&columns.p50.mean, &columns.p95.mean]) {
            let shown = value(json!(whole(at(column, index))));
            point.insert(format!("response_time_percentile_{p}"), shown);
        }
        points.push(Value::Object(point));
    }
    points
}

/// A second since the Unix epoch as `YYYY-MM-DDTHH:MM:SSZ`; empty beyond the calendar.
pub(crate) fn utc(second: u64) -> String {
    let at =
        i64::try_from(second).ok().and_then(|second| jiff::Timestamp::from_second(second).ok());
    at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}

/// A length of time in Locust's words: `1 hour, 2 minutes and 5 seconds`.
pub(crate) fn in_words(seconds: u64) -> String {
    let parts = [(seconds / 3600, "hour"), (seconds / 60 % 60, "minute"), (seconds % 60, "second")];
    let told = |(count, unit): &(u64, &str)| {
        (*count > 0).then(|| format!("{count} {unit}{}", if *count == 1 { "" } else { "s" }))
    };
    let told: Vec<String> = parts.iter().filter_map(told).collect();
    match told.split_last() {
        None => "0 seconds".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// To the next whole millisecond, halves upwards.
fn half_up(ms: f64) -> f64 {
    (ms + 0.5).floor()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "no time is below zero"
)]
fn whole(ms: Option<f64>) -> u64 {
    ms.map_or(0, |ms| ms.round() as u64)
}

/// A number as Python would have it: whole ones without a point.
#[expect(clippy::cast_possible_truncation, reason = "only what is whole is cast")]
fn whole_if_whole(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 { json!(value as i64) } else { json!(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_in_words() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (62, "1 minute and 2 seconds"),
            (3725, "1 hour, 2 minutes and 5 seconds"),
            (7200, "2 hours"),
        ] {
            assert_eq!(in_words(seconds), words);
        }
    }

    #[test]
    fn the_history_has_a_point_in_five_seconds() {
        let mut columns = HistoryColumns::default();
        for second in 100..112 {
            columns.time.push(second);
            columns.users.max.push(Some(if second < 103 { 0.0 } else { 2.0 }));
        }
        let points = history(&columns);
        let times: Vec<&str> = points.iter().filter_map(|point| point["time"].as_str()).collect();
        assert_eq!(times, ["1970-01-01T00:01:43Z", "1970-01-01T00:01:48Z"]);
        assert_eq!(points[0]["user_count"], json!(["1970-01-01T00:01:43Z", 2]));
    }
}
