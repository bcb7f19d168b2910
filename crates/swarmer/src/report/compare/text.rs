//! A comparison in words, and as a table for a terminal.

use std::fmt::{self, Display};

use super::{ComparedRow, Comparison, Difference, LEAST_MS, LEAST_RATIO, LEAST_SHARE, Pair, Side};
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
    let any = |better: bool| total.figures().iter().any(|(_, d)| d.better == Some(better));
    let came_out = match (any(true) || better > 0, any(false) || worse > 0) {
        (false, _) => "B is worse",
        (true, false) => "B is better",
        (true, true) => "B is better in some figures and worse in others",
    };
    let rows_told = match (better, worse) {
        (0, 0) => "no single row differs".to_owned(),
        (0, worse) => format!("{worse} of {} rows are worse", rows.len()),
        (better, 0) => format!("{better} of {} rows are better", rows.len()),
        (better, worse) => {
            format!("of {} rows {better} are better and {worse} worse", rows.len())
        }
    };
    if told.is_empty() {
        return format!("{came_out}: {rows_told}, while all requests together are alike.");
    }
    format!("{came_out}: of all requests, {}; {rows_told}.", told.join(", "))
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
    /// For a terminal of 80 columns: the verdict, then what matters, then the rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        wrapped(f, "", &self.verdict)?;
        writeln!(f)?;
        for (which, side) in [("A", &self.a), ("B", &self.b)] {
            write_side(f, which, side)?;
        }
        for warning in &self.warnings {
            wrapped(f, "!  ", &printable(warning))?;
        }
        let (differ, alike): (Vec<_>, Vec<_>) =
            [&self.total].into_iter().chain(&self.rows).partition(|row| row.matters());
        if !differ.is_empty() {
            writeln!(
                f,
                "\n{:WIDTH$} {:>9}  {:>9}  {:>8}  true difference",
                "What matters", "A", "B", "B − A"
            )?;
        }
        differ.into_iter().try_for_each(|row| write_differences(f, row))?;
        if !alike.is_empty() {
            let title = "No difference that matters";
            writeln!(f, "\n{title:WIDTH$} {:>17}  {:>13}  {:>13}", "requests", "p50 ms", "p95 ms")?;
        }
        for row in alike.iter().take(EQUALS_SHOWN) {
            write_alike(f, row)?;
        }
        if let Some(hidden) = alike.len().checked_sub(EQUALS_SHOWN + 1) {
            writeln!(f, "  … and {} more", hidden + 1)?;
        }
        let sure = 100.0 * self.confidence;
        let told = format!(
            "A difference matters when it is more than chance ({sure:.0} % sure of all of them together) and large enough \
             to be of use: {:.0} % and {LEAST_MS} ms, failures {} %.",
            100.0 * LEAST_SHARE,
            100.0 * LEAST_RATIO,
        );
        writeln!(f)?;
        wrapped(f, "", &told)
    }
}

/// Columns of the names of rows and figures.
const WIDTH: usize = 28;
/// Columns of a line.
const LINE: usize = 80;

/// Text in lines of [`LINE`] columns; the first begins with `mark`, the others with as many spaces.
fn wrapped(f: &mut fmt::Formatter<'_>, mark: &str, text: &str) -> fmt::Result {
    let indent = mark.chars().count();
    write!(f, "{mark}")?;
    let mut used = indent;
    for (at, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if at > 0 && used + 1 + length > LINE {
            write!(f, "\n{:indent$}{word}", "")?;
            used = indent + length;
        } else {
            let space = if at > 0 { " " } else { "" };
            write!(f, "{space}{word}")?;
            used += length + space.len();
        }
    }
    writeln!(f)
}

fn write_side(f: &mut fmt::Formatter<'_>, which: &str, side: &Side) -> fmt::Result {
    let Side { title, workload, host, duration, requests, failures, .. } = side;
    let host = host.as_deref().unwrap_or("no host");
    let told = format!(
        "{title}: {workload} against {host}, {duration:.0} s, {requests} requests, {failures} of them failed"
    );
    wrapped(f, &format!("{which}  "), &printable(&told))
}

/// A row, and below it each of its figures that differ.
fn write_differences(f: &mut fmt::Formatter<'_>, row: &ComparedRow) -> fmt::Result {
    let Pair { a, b } = row.requests;
    writeln!(f, "{:WIDTH$} {a:>9}  {b:>9}  requests", cut(&label(row)))?;
    for (name, difference) in row.figures().into_iter().filter(|(_, figure)| figure.matters) {
        let is_ratio = name == "failures";
        let value = |value: Option<f64>| match value {
            None => "–".to_owned(),
            Some(ratio) if is_ratio => format!("{:.2} %", 100.0 * ratio),
            Some(ms) => Ms(ms).to_string(),
        };
        let change = match difference.share.filter(|_| !is_ratio) {
            Some(share) => format!("{:+.1} %", 100.0 * share),
            None => String::new(),
        };
        let bound = |bound: Option<f64>| match bound {
            None => "?".to_owned(),
            Some(ratio) if is_ratio => format!("{:+.2}", 100.0 * ratio),
            Some(ms) if ms < 0.0 => format!("−{}", Ms(-ms)),
            Some(ms) => format!("+{}", Ms(ms)),
        };
        let verdict = if difference.better == Some(true) { "better" } else { "WORSE" };
        let figure = if is_ratio { name.to_owned() } else { format!("{name} ms") };
        let (low, high) = (bound(difference.low), bound(difference.high));
        let unit = if is_ratio { " %" } else { "" };
        let (a, b) = (value(difference.a), value(difference.b));
        let named = format!("  {figure:<12}{verdict}");
        writeln!(f, "{named:WIDTH$} {a:>9}  {b:>9}  {change:>8}  {low} … {high}{unit}")?;
    }
    Ok(())
}

fn write_alike(f: &mut fmt::Formatter<'_>, row: &ComparedRow) -> fmt::Result {
    let value = |value: Option<f64>| value.map_or("–".to_owned(), |ms| Ms(ms).to_string());
    let pair = |figure: &Difference| format!("{} → {}", value(figure.a), value(figure.b));
    let requests = format!("{} → {}", row.requests.a, row.requests.b);
    let (p50, p95) = (pair(&row.p50), pair(&row.p95));
    writeln!(f, "{:WIDTH$} {requests:>17}  {p50:>13}  {p95:>13}", cut(&label(row)))
}

/// A name that fits its column.
fn cut(name: &str) -> String {
    if name.chars().count() <= WIDTH {
        return name.to_owned();
    }
    name.chars().take(WIDTH - 1).chain(['…']).collect()
}

fn label(row: &ComparedRow) -> String {
    printable(&match row.kind {
        Kind::Journey => format!("journey {} · {}", row.method, row.name),
        Kind::Request if row.method.is_empty() && row.name == "Aggregated" => {
            "All requests".to_owned()
        }
        Kind::Request if row.method.is_empty() => row.name.clone(),
        Kind::Request => format!("{} {}", row.method, row.name),
    })
}

/// What comes from a target or a file steers no terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
