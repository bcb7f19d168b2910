//! A comparison in words, and as a table for a terminal.

use std::fmt::{self, Display, Write};

use super::{ComparedRow, Comparison, Difference};
use crate::stats::Kind;

/// Rows of a table on the terminal that do not differ; the others are all shown.
const EQUALS_SHOWN: usize = 20;

/// What came out, in one sentence.
pub(super) fn verdict(total: &ComparedRow, rows: &[ComparedRow]) -> String {
    if total.requests.a == 0 || total.requests.b == 0 {
        return "There is nothing to compare: one of the runs has no requests.".to_owned();
    }
    let count = |better: bool| {
        let such = |row: &&ComparedRow| row.figures().iter().any(|(_, d)| d.better == Some(better));
        rows.iter().filter(such).count()
    };
    let (better, worse) = (count(true), count(false));
    let told: Vec<String> = total
        .figures()
        .iter()
        .filter(|(_, difference)| difference.matters)
        .map(|(name, difference)| format!("{name} {}", Change(name, difference)))
        .collect();
    if told.is_empty() && better + worse == 0 {
        return "No difference that matters: what differs is within chance, or too small to be of use.".to_owned();
    }
    let rows_told = match (better, worse) {
        (0, 0) => "no single row differs".to_owned(),
        (0, worse) => format!("B is worse in {worse} of {} rows", rows.len()),
        (better, 0) => format!("B is better in {better} of {} rows", rows.len()),
        (better, worse) => {
            format!("B is better in {better} and worse in {worse} of {} rows", rows.len())
        }
    };
    if told.is_empty() {
        return format!("All requests together are alike, but {rows_told}.");
    }
    format!("Of all requests, {}; {rows_told}.", told.join(", "))
}

/// `from 12.1 to 14.0 ms (+15.7 %)`
struct Change<'d>(&'static str, &'d Difference);

impl Display for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, difference) = self;
        let (a, b) = (difference.a.unwrap_or_default(), difference.b.unwrap_or_default());
        if *name == "failures" {
            return write!(f, "from {:.2} % to {:.2} %", 100.0 * a, 100.0 * b);
        }
        write!(f, "from {} to {} ms", Ms(a), Ms(b))?;
        difference.share.map_or(Ok(()), |share| write!(f, " ({:+.1} %)", 100.0 * share))
    }
}

/// Milliseconds with three digits that count.
struct Ms(f64);

impl Display for Ms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = match self.0.abs() {
            100.0.. => 0,
            10.0.. => 1,
            1.0.. => 2,
            _ => 3,
        };
        write!(f, "{:.digits$}", self.0)
    }
}

impl Display for Comparison {
    /// For a terminal of 100 columns or more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (which, side) in [("A", &self.a), ("B", &self.b)] {
            let host = side.host.as_deref().unwrap_or("no host");
            writeln!(
                f,
                "{which}  {}: {} against {host}, {:.0} s, {} requests, {} failures",
                side.title, side.workload, side.duration, side.requests, side.failures
            )?;
        }
        for warning in &self.warnings {
            writeln!(f, "!  {warning}")?;
        }
        writeln!(f, "\n{}\n", self.verdict)?;
        let width =
            self.rows.iter().map(|row| label(row).chars().count()).max().unwrap_or(0).clamp(10, 48);
        let head = ["requests A", "requests B", "failures", "p50 ms", "p95 ms", "p99 ms"];
        write!(f, "{:width$}", "")?;
        for (at, text) in head.iter().enumerate() {
            write!(f, "  {text:>0$}", if at < 2 { 10 } else { 26 })?;
        }
        writeln!(f)?;
        let equal = self.rows.iter().filter(|row| !row.matters()).count();
        let hidden = equal.saturating_sub(EQUALS_SHOWN);
        let shown = self.rows.len() - hidden;
        for row in self.rows.iter().take(shown).chain([&self.total]) {
            write_row(f, row, width)?;
        }
        if hidden > 0 {
            writeln!(f, "{hidden} more rows do not differ")?;
        }
        writeln!(
            f,
            "\n* matters: more than chance ({:.0} % sure of all of them together), and of a size that is of use",
            100.0 * self.confidence
        )
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, row: &ComparedRow, width: usize) -> fmt::Result {
    let mut name = label(row);
    if name.chars().count() > width {
        name = name.chars().take(width - 1).chain(['…']).collect();
    }
    write!(f, "{name:width$}  {:>10}  {:>10}", row.requests.a, row.requests.b)?;
    let percent = |ratio: f64| format!("{:.2}%", 100.0 * ratio);
    write!(f, "  {:>26}", cell(&row.failure_ratio, percent, false))?;
    for difference in [&row.p50, &row.p95, &row.p99] {
        write!(f, "  {:>26}", cell(difference, |ms| Ms(ms).to_string(), true))?;
    }
    writeln!(f)
}

fn label(row: &ComparedRow) -> String {
    let name = match row.kind {
        Kind::Journey => format!("journey {} · {}", row.method, row.name),
        Kind::Request if row.method.is_empty() => row.name.clone(),
        Kind::Request => format!("{} {}", row.method, row.name),
    };
    // A name comes from a target: nothing of it may steer the terminal.
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// `12.1 → 14.0 +15.7% *`
fn cell(difference: &Difference, shown: impl Fn(f64) -> String, with_share: bool) -> String {
    let value = |value: Option<f64>| value.map_or("–".to_owned(), &shown);
    let mut text = format!("{} → {}", value(difference.a), value(difference.b));
    if let Some(share) = difference.share.filter(|_| with_share) {
        // Writing to a string cannot fail.
        let _ = write!(text, " {:+.1}%", 100.0 * share);
    }
    text + if difference.matters { " *" } else { "  " }
}
