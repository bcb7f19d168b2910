//! The tables of a headless run: Locust's three, then what only we have (exceptions, notes).

use std::io::{self, IsTerminal, Write};

use super::{due, python};
use super::{metrics, trust};
use crate::stats::{ErrorRow, Figures, PERCENTILES, Row, Summary, percentile_label};

/// Columns of a terminal that are not part of the name column.
const FIXED_COLUMNS: usize = 80;
/// The name column is at most this wide; also its width when there is no terminal.
const WIDEST_NAME: usize = 80;
/// Distinct errors that are listed: nobody reads further, and files and report have all of them.
const LISTED: usize = 1_000;
/// Lines of an exception's detail that are shown; the CSV file has all.
const DETAIL_LINES: usize = 8;

/// Which rates the request table shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rates {
    /// Of the last ten seconds: while the run goes on.
    Current,
    /// Of the whole run: at its end.
    WholeRun,
}

/// Writes tables as wide as the terminal allows.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    name_width: usize,
}

impl Console {
    /// For a terminal with that many columns, or for no terminal.
    pub fn new(columns: Option<u16>) -> Self {
        let spare = |columns| usize::from(columns).saturating_sub(FIXED_COLUMNS).min(WIDEST_NAME);
        Self { name_width: columns.map_or(WIDEST_NAME, spare) }
    }

    /// For the standard output of this process, as wide as it is now.
    pub fn for_stdout() -> Self {
        Self::new(stdout_columns())
    }

    /// The request table and an empty line.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn requests(
        &self,
        out: &mut impl Write,
        summary: &Summary,
        rates: Rates,
    ) -> io::Result<()> {
        // Locust's format is given a negative width on terminals below 84 columns, which Python takes without its sign.
        let width = self.name_width.abs_diff(4);
        writeln!(
            out,
            "{:<8} {:<width$} {:>7} {:>12} |{:>7} {:>7} {:>7}{:>7} | {:>7} {:>11}",
            "Type", "Name", "# reqs", "# fails", "Avg", "Min", "Max", "Med", "req/s", "failures/s"
        )?;
        let widths = [8, self.name_width.saturating_sub(4), 7, 13, 7, 7, 7, 7, 8, 11];
        rule(out, &widths)?;
        for row in summary.requests() {
            request(out, row, rates, width)?;
        }
        rule(out, &widths)?;
        request(out, &summary.total, rates, width)?;
        writeln!(out)
    }

    /// The percentile table and an empty line; rows without any timed request are left out.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn percentiles(&self, out: &mut impl Write, summary: &Summary) -> io::Result<()> {
        let width = self.name_width;
        writeln!(out, "Response time percentiles (approximated)")?;
        let labels = PERCENTILES.map(percentile_label);
        let labels = labels.iter().map(String::as_str).chain(["# reqs"]);
        cells(out, ("Type", "Name", width), labels)?;
        let mut widths = vec![6; PERCENTILES.len() + 3];
        widths[..3].copy_from_slice(&[8, width, 8]);
        rule(out, &widths)?;
        for row in summary.requests() {
            percentile_row(out, row, width)?;
        }
        rule(out, &widths)?;
        percentile_row(out, &summary.total, width)?;
        writeln!(out)
    }

    /// The error report and an empty line, in order of first appearance.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn errors(&self, out: &mut impl Write, summary: &Summary) -> io::Result<()> {
        writeln!(out, "Error report")?;
        writeln!(out, "{:<18} {:<100}", "# occurrences", "Error")?;
        let widths = [18, self.name_width + 61];
        rule(out, &widths)?;
        let mut errors = summary.errors.of_requests();
        for error in errors.by_ref().take(LISTED) {
            writeln!(out, "{:<18} {:<100}", error.occurrences, error_line(error))?;
        }
        let folded = (summary.folded.errors, summary.folded.error_occurrences);
        let (more, times) =
            errors.fold(folded, |(more, times), error| (more + 1, times + error.occurrences));
        if more > 0 {
            let text = format!("… and {more} more distinct {}", plural(more, "error"));
            writeln!(out, "{times:<18} {text}")?;
        }
        rule(out, &widths)?;
        writeln!(out)
    }

    /// The exception report and an empty line: errors of tasks outside of requests.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn exceptions(&self, out: &mut impl Write, summary: &Summary) -> io::Result<()> {
        writeln!(out, "Exception report")?;
        writeln!(out, "{:<18} Exception", "# occurrences")?;
        let widths = [18, self.name_width + 61];
        rule(out, &widths)?;
        for exception in summary.exceptions.iter() {
            write!(out, "{:<18} ", exception.count)?;
            write!(out, "{}: {}", visible(&exception.scenario), visible(&exception.message))?;
            if !matches!(exception.nodes.as_slice(), [] | [_]) || exception.nodes != ["local"] {
                write!(out, " [{}]", visible(&exception.nodes.join(", ")))?;
            }
            writeln!(out)?;
            let lines = exception.detail.lines().filter(|line| !line.trim().is_empty());
            let total = lines.clone().count();
            for line in lines.take(DETAIL_LINES) {
                writeln!(out, "{:<18}   {}", "", visible(line))?;
            }
            if total > DETAIL_LINES {
                let more = total - DETAIL_LINES;
                writeln!(out, "{:<18}   … and {more} more lines", "")?;
            }
        }
        let folded = &summary.folded;
        if folded.exceptions > 0 {
            let (count, what) = (folded.exceptions, plural(folded.exceptions, "exception"));
            writeln!(
                out,
                "{:<18} … and {count} more distinct {what}",
                folded.exception_occurrences
            )?;
        }
        rule(out, &widths)?;
        writeln!(out)
    }

    /// The workload's own metrics and an empty line; nothing when there are none.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn metrics(&self, out: &mut impl Write, summary: &Summary) -> io::Result<()> {
        if summary.metrics.is_empty() {
            return Ok(());
        }
        metrics::table(out, &summary.metrics, self.name_width)
    }

    /// How far the figures can be trusted, and an empty line: how sure the percentiles of the total are, and whether the
    /// generator kept up. Nothing when nothing was timed and no driver was observed.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn trust(&self, out: &mut impl Write, summary: &Summary) -> io::Result<()> {
        let confidence = trust::confidence(&summary.total.figures);
        let health = &summary.health;
        let health = (health.lag.count > 0 || !health.sound).then(|| visible(&health.text));
        let lines: Vec<String> = confidence.into_iter().chain(health).collect();
        if lines.is_empty() { Ok(()) } else { writeln!(out, "{}\n", lines.join("\n")) }
    }

    /// What a reader of the tables must know, and an empty line; nothing when there is nothing to say.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn notes(&self, out: &mut impl Write, summary: &Summary) -> io::Result<()> {
        let notes = notes(summary);
        if notes.is_empty() {
            return Ok(());
        }
        writeln!(out, "Notes")?;
        rule(out, &[self.name_width + 80])?;
        for note in notes {
            writeln!(out, "{}", visible(&note))?;
        }
        writeln!(out)
    }

    /// Everything that is printed when a run has ended, in Locust's order.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn end_of_run(&self, out: &mut impl Write, summary: &Summary) -> io::Result<()> {
        self.requests(out, summary, Rates::WholeRun)?;
        self.percentiles(out, summary)?;
        due::table(out, summary, self.name_width)?;
        if summary.total.figures.failures > 0 {
            self.errors(out, summary)?;
        }
        if !summary.exceptions.is_empty() {
            self.exceptions(out, summary)?;
        }
        self.metrics(out, summary)?;
        self.notes(out, summary)?;
        self.trust(out, summary)
    }
}

/// What a reader of the figures must know, one sentence each.
fn notes(summary: &Summary) -> Vec<String> {
    let mut notes = summary.info.notes.clone();
    notes.extend(due::notes(summary));
    if summary.aborted > 0 {
        let (count, what) = (summary.aborted, plural(summary.aborted, "request"));
        let was = if count == 1 { "was" } else { "were" };
        notes.push(format!(
            "{count} {what} {was} cut off by the end of the run and {was} not counted."
        ));
    }
    if summary.folded.names > 0 {
        notes.push(format!(
            "{} requests under too many different names were counted under the name `{}`: give requests with ids in \
             their URL a name of their own.",
            summary.folded.names,
            crate::stats::limits::OTHER
        ));
    }
    notes
}

fn plural(count: u64, one: &str) -> String {
    if count == 1 { one.to_owned() } else { format!("{one}s") }
}

pub(super) fn rule(out: &mut impl Write, widths: &[usize]) -> io::Result<()> {
    let parts: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    writeln!(out, "{}", parts.join("|"))
}

fn request(out: &mut impl Write, row: &Row, rates: Rates, width: usize) -> io::Result<()> {
    let figures = &row.figures;
    let failures = format!("{}({:.2}%)", figures.failures, figures.failure_ratio() * 100.0);
    let (requests, failed) = match rates {
        Rates::Current => (row.current.requests_per_second, row.current.failures_per_second),
        Rates::WholeRun => (figures.requests_per_second, figures.failures_per_second),
    };
    let [mean, min, max] = [figures.mean, figures.min, figures.max].map(f64::trunc);
    // Locust cuts this one as well, but its buckets are whole already: the figure is the one of the 50 % column.
    let median = match figures.coarse {
        Some(_) => figures.median.trunc(),
        None => percentile_ms(figures, figures.median),
    };
    writeln!(
        out,
        "{:<8} {:<width$} {:>7} {failures:>12} |{mean:>7} {min:>7} {max:>7}{median:>7} | {requests:>7.2} {failed:>11.2}",
        visible(&row.method),
        visible(&row.name),
        figures.requests,
    )
}

/// A percentile in nearest whole milliseconds, except that 100 % is what Max says in the request table, which cuts.
fn percentile_ms(figures: &Figures, ms: f64) -> f64 {
    ms.round_ties_even().min(figures.max.trunc().max(ms.trunc()))
}

fn percentile_row(out: &mut impl Write, row: &Row, width: usize) -> io::Result<()> {
    let figures = &row.figures;
    if figures.percentiles[0].is_none() {
        return Ok(());
    }
    let whole = |p: &Option<f64>| p.map_or(0.0, |ms| percentile_ms(figures, ms)).to_string();
    let values = figures.percentiles.iter().map(whole);
    let values: Vec<String> = values.chain([figures.requests.to_string()]).collect();
    let values = values.iter().map(String::as_str);
    cells(out, (&visible(&row.method), &visible(&row.name), width), values)
}

/// A line of the percentile table: the first number is 8 wide, all others are 6.
fn cells<'a>(
    out: &mut impl Write,
    (method, name, width): (&str, &str, usize),
    values: impl Iterator<Item = &'a str>,
) -> io::Result<()> {
    write!(out, "{method:<8} {name:<width$}")?;
    for (at, value) in values.enumerate() {
        let width = if at == 0 { 8 } else { 6 };
        write!(out, " {value:>width$}")?;
    }
    writeln!(out)
}

/// `METHOD name: error`, without the wrapper that marks an explicit failure.
fn error_line(error: &ErrorRow) -> String {
    let wrapped = error.error.strip_prefix("CatchResponseError(").and_then(|e| e.strip_suffix(')'));
    let bare = wrapped.and_then(python::unquoted);
    let text = bare.as_deref().unwrap_or(&error.error);
    visible(&format!("{} {}: {text}", error.method, error.name))
}

/// Text from a target or a workload must not steer the terminal: control characters are shown, not sent.
pub(super) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// Columns of the terminal that is this process's standard output, if it is one.
fn stdout_columns() -> Option<u16> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one `winsize` to the pointer it is given, which is valid and exclusive.
    let result = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (result == 0 && size.ws_col > 0).then_some(size.ws_col)
}
