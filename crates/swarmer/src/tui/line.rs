//! The live line of a headless run: how far it is and how it goes, in one row below everything else.

use std::time::Duration;

use super::format::{clock, count, percent, quantity, time};
use crate::runner::State;
use crate::stats::{PERCENTILES, Summary};
use crate::terminal;

/// Columns of the bar.
const BAR: usize = 12;

/// Takes the line away when it goes out of scope, whatever way the run ends.
#[derive(Debug)]
pub(crate) struct LiveLine {
    run_time: Option<u64>,
}

impl LiveLine {
    /// A live line, if standard error is a terminal for it; `run_time` is the limit of the run in seconds.
    pub(crate) fn on_terminal(run_time: Option<u64>) -> Option<Self> {
        terminal::is_live().then_some(Self { run_time })
    }

    /// Shows how things stand after `elapsed`.
    pub(crate) fn show(&self, summary: &Summary, state: State, elapsed: Duration) {
        // Seconds come a few milliseconds early or late.
        let seconds = (elapsed + Duration::from_millis(100)).as_secs();
        let columns = ratatui::crossterm::terminal::size().map_or(80, |(columns, _)| columns);
        let text = render(summary, state, seconds, self.run_time, usize::from(columns));
        terminal::set_line(Some(text));
    }
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        terminal::set_line(None);
    }
}

/// The line, at most one column shorter than the terminal, so that it never wraps. What matters most comes first.
fn render(
    summary: &Summary,
    state: State,
    seconds: u64,
    run_time: Option<u64>,
    columns: usize,
) -> String {
    let (total, current) = (&summary.total.figures, &summary.total.current);
    let at = |p: f64| {
        let place = PERCENTILES.iter().position(|known| known.to_bits() == p.to_bits());
        place.and_then(|place| current.percentiles[place]).map_or_else(|| "-".to_owned(), time)
    };
    let progress = match run_time {
        Some(limit) => {
            format!("{} {}/{}", bar(seconds, limit), clock(seconds.min(limit)), clock(limit))
        }
        None => clock(seconds),
    };
    let word = match state {
        State::Spawning => " (spawning)",
        State::Stopping => " (stopping)",
        _ => "",
    };
    let failures = match total.failures {
        0 => "0 failed".to_owned(),
        failures => format!("{} failed ({})", count(failures), percent(total.failure_ratio())),
    };
    let parts = [
        progress,
        format!("{} users{word}", count(summary.user_count())),
        format!("{} req/s", quantity(current.requests_per_second)),
        failures,
        format!("p50 {} p95 {} p99 {}", at(0.5), at(0.95), at(0.99)),
    ];
    let line = parts.join(" | ");
    line.chars().take(columns.saturating_sub(1)).collect()
}

/// `[=====>      ]`
fn bar(seconds: u64, limit: u64) -> String {
    let done = seconds.saturating_mul(BAR as u64).checked_div(limit).unwrap_or_default();
    let done = usize::try_from(done).map_or(BAR, |done| done.min(BAR));
    let tip = if done < BAR { ">" } else { "" };
    format!("[{:<BAR$}]", format!("{}{tip}", "=".repeat(done)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::samples;

    #[test]
    fn a_run_with_a_limit_has_a_bar() {
        let summary = samples::summary(30);
        let line = render(&summary, State::Running, 21, Some(60), 120);
        insta::assert_snapshot!(line, @"[====>       ] 0:21/1:00 | 20 users | 114 req/s | 89 failed (3.62%) | p50 1.70ms p95 16.0ms p99 220ms");
        assert_eq!(render(&summary, State::Running, 21, Some(60), 40).chars().count(), 39);
    }

    #[test]
    fn a_run_without_figures_or_limit() {
        let summary = samples::summary(0);
        insta::assert_snapshot!(render(&summary, State::Spawning, 0, None, 80), @"0:00 | 0 users (spawning) | 0 req/s | 0 failed | p50 - p95 - p99 -");
    }

    #[test]
    fn the_bar_goes_from_empty_to_full() {
        assert_eq!(bar(0, 60), "[>           ]");
        assert_eq!(bar(30, 60), "[======>     ]");
        assert_eq!(bar(59, 60), "[===========>]");
        assert_eq!(bar(61, 60), "[============]");
        assert_eq!(bar(5, 0), "[>           ]");
    }
}
