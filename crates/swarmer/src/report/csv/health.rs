//! `PREFIX_health.csv`: whether the figures of the other files can be trusted.

use super::dialect::Table;
use crate::stats::{Health, Summary, Suspect};

const COLUMNS: [&str; 10] =
    ["Type", "Name", "From", "To", "CPU", "Late 50%", "Late 99%", "Late 99.9%", "Late Max", "Text"];

pub(super) fn header() -> String {
    Table::with_header(COLUMNS).finish()
}

/// One row for the generator as a whole (`sound` or `suspect`), one for each driver during its last ten seconds, one for
/// each stretch of time that is suspect. Moments are seconds since the Unix epoch, times are milliseconds, CPU is the share
/// of a core; a cell is empty where there is no such figure.
pub(super) fn table(summary: &Summary) -> String {
    let Health { sound, text, lag, drivers, suspect } = &summary.health;
    let mut table = Table::with_header(COLUMNS);
    table.text("generator").text(if *sound { "sound" } else { "suspect" });
    table.float(summary.start).float(summary.at).text("");
    for p in [0.5, 0.99, 0.999, 1.0] {
        match lag.percentile(p) {
            Some(late) => table.float(late),
            None => table.text(""),
        };
    }
    table.text(text).end_row();
    for driver in drivers {
        table.text("driver").text(&driver.driver).text("").text("").float(driver.cpu);
        table.text("").text("").float(driver.lag).text("").text("").end_row();
    }
    for Suspect { from, to, reason, advice } in suspect {
        table.text("suspect").text("").float(*from).float(*to);
        (0..5).for_each(|_| {
            table.text("");
        });
        table.text(&format!("{reason}; {advice}")).end_row();
    }
    table.finish()
}
