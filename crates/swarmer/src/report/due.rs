//! What only runs have in which something is due: the table of times from that moment, and what it says in words.

use std::io::{self, Write};

use super::console::visible;
use crate::stats::{FromDue, Kind, Row, Schedule, Summary};

/// The table and an empty line; nothing where no request was due.
pub(super) fn table(out: &mut impl Write, summary: &Summary, width: usize) -> io::Result<()> {
    let due = |row: &Row| row.figures.from_due.is_some();
    if !summary.rows.iter().any(due) {
        return Ok(());
    }
    writeln!(out, "Response times from the moment due (ms, first requests only)")?;
    writeln!(
        out,
        "{:<8} {:<width$} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "Type", "Name", "# due", "50%", "90%", "95%", "99%", "99.9%", "100%"
    )?;
    let rule = ["-".repeat(8), "-".repeat(width), "-".repeat(62)].join("|");
    writeln!(out, "{rule}")?;
    for row in summary.requests().filter(|row| due(row)) {
        line(out, row, width)?;
    }
    writeln!(out, "{rule}")?;
    line(out, &summary.total, width)?;
    writeln!(out)
}

fn line(out: &mut impl Write, row: &Row, width: usize) -> io::Result<()> {
    let Some(due) = row.figures.from_due.as_ref().filter(|_| row.kind == Kind::Request) else {
        return Ok(());
    };
    let (method, name) = (visible(&row.method), visible(&row.name));
    write!(out, "{method:<8} {name:<width$} {:>8}", due.count)?;
    for p in [0.5, 0.9, 0.95, 0.99, 0.999, 1.0] {
        write!(out, " {:>8.1}", due.percentile(p).unwrap_or_default())?;
    }
    writeln!(out)
}

/// How what was due was started, one sentence each.
pub(super) fn notes(summary: &Summary) -> Vec<String> {
    let Some(Schedule { started, dropped, late_starts }) = &summary.schedule else {
        return Vec::new();
    };
    let mut notes = Vec::new();
    if *dropped > 0 {
        #[expect(clippy::cast_precision_loss, reason = "a share of counts")]
        let share = *dropped as f64 / (started + dropped) as f64 * 100.0;
        notes.push(format!(
            "{dropped} dropped journeys: of {} that were due, {share:.2} % found no free user. Allow more users with \
             --users, or see why the target holds so many.",
            started + dropped
        ));
    }
    if let Some(late) = lateness(late_starts) {
        notes.push(format!("{started} journeys were started when due, late by {late}."));
    }
    notes
}

fn lateness(late: &FromDue) -> Option<String> {
    let p99 = late.percentile(0.99)?;
    Some(format!(
        "{:.1} ms in the middle, {p99:.1} ms in 99 % and {:.1} ms at most",
        late.median, late.max
    ))
}
