//! The workload's own metrics as a table of the console; nothing of Locust's stands in its place.

use std::io::{self, Write};

use super::console::{rule, visible};
use crate::stats::{MetricRow, MetricValue};

/// The cells of one metric, empty where its type has no such figure: samples, value (a counter's total, a gauge's
/// latest), per second, minimum, mean, median, 95 %, 99 %, maximum.
pub(super) fn cells(metric: &MetricRow) -> (&'static str, [String; 9]) {
    let empty = String::new;
    match &metric.value {
        MetricValue::Counter { total, per_second } => {
            let mut cells = [(); 9].map(|()| String::new());
            cells[1] = total.to_string();
            cells[2] = short(*per_second);
            ("counter", cells)
        }
        MetricValue::Gauge { last, min, mean, max, samples, .. } => {
            let [last, min, mean, max] = [last, min, mean, max].map(|value| short(*value));
            let rest = [empty(), empty(), empty()];
            let [median, p95, p99] = rest;
            ("gauge", [samples.to_string(), last, empty(), min, mean, median, p95, p99, max])
        }
        MetricValue::Timing { samples, min, mean, median, p95, p99, max } => {
            let [min, mean, median, p95, p99, max] =
                [min, mean, median, p95, p99, max].map(|value| short(*value));
            let (value, rate) = (empty(), empty());
            ("timing", [samples.to_string(), value, rate, min, mean, median, p95, p99, max])
        }
    }
}

/// The names of the [`cells`].
pub(super) const COLUMNS: [&str; 9] =
    ["Samples", "Value", "per s", "Min", "Mean", "Med", "95%", "99%", "Max"];

/// At most three decimals, none that say nothing.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The table and an empty line. Timings are in milliseconds.
pub(super) fn table(out: &mut impl Write, metrics: &[MetricRow], width: usize) -> io::Result<()> {
    writeln!(out, "Metrics (timings in ms)")?;
    write!(out, "{:<8} {:<width$}", "Type", "Name")?;
    COLUMNS.iter().try_for_each(|column| write!(out, " {column:>9}"))?;
    writeln!(out)?;
    let mut widths = vec![9; COLUMNS.len() + 2];
    widths[..2].copy_from_slice(&[8, width]);
    rule(out, &widths)?;
    for metric in metrics {
        let (kind, cells) = cells(metric);
        write!(out, "{kind:<8} {:<width$}", visible(&metric.name))?;
        cells.iter().try_for_each(|cell| write!(out, " {cell:>9}"))?;
        writeln!(out)?;
    }
    rule(out, &widths)?;
    writeln!(out)
}
