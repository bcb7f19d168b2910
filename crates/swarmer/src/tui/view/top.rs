//! The top bar: where the run stands, and its key figures.

use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{DIM, STRONG};
use crate::runner::State;
use crate::tui::format::{clock, count, percent, quantity, time, visible};
use crate::tui::state::View;

pub(super) const HEIGHT: u16 = 4;

pub(super) fn draw(view: &View, screen: &mut ratatui::Frame<'_>, area: Rect) {
    let lines = [state(view, usize::from(area.width)), users(view), figures(view), health(view)];
    screen.render_widget(Paragraph::new(lines.to_vec()), area);
}

fn state(view: &View, columns: usize) -> Line<'static> {
    let (word, color) = match view.frame.state {
        _ if view.stopping => ("STOPPING", Color::Yellow),
        None | Some(State::Ready) => ("READY", Color::Blue),
        Some(State::Spawning) => ("SPAWNING", Color::Cyan),
        Some(State::Running) => ("RUNNING", Color::Green),
        Some(State::Stopping) => ("STOPPING", Color::Yellow),
        Some(State::Stopped) => ("STOPPED", Color::Yellow),
    };
    // A cast from float saturates, and time is not negative.
    let elapsed = view.frame.elapsed as u64;
    let mut spans =
        vec![Span::styled(format!(" {word} "), Style::new().fg(Color::Black).bg(color))];
    match view.run_time {
        Some(limit) => {
            const BAR: u64 = 20;
            let done = (elapsed.saturating_mul(BAR)).checked_div(limit).unwrap_or(BAR).min(BAR);
            let cells =
                |count: u64, symbol: &str| symbol.repeat(usize::try_from(count).unwrap_or(0));
            spans.push(Span::raw(format!("  {} / {}  ", clock(elapsed.min(limit)), clock(limit))));
            spans.push(Span::styled(cells(done, "━"), Style::new().fg(color)));
            spans.push(Span::styled(cells(BAR - done, "─"), DIM));
        }
        None => spans.push(Span::raw(format!("  {}", clock(elapsed)))),
    }
    let host = format!("  {}", visible(&view.frame.host));
    let used: usize = spans.iter().map(Span::width).sum();
    spans.push(Span::styled(
        host.chars().take(columns.saturating_sub(used)).collect::<String>(),
        STRONG,
    ));
    Line::from(spans)
}

fn users(view: &View) -> Line<'static> {
    let mut spans =
        vec![Span::styled(" Users ", DIM), Span::styled(count(view.frame.user_count()), STRONG)];
    let by_class: Vec<String> = view
        .frame
        .users
        .iter()
        .map(|(class, users)| format!("{} {}", visible(class), count(*users)))
        .collect();
    if !by_class.is_empty() {
        spans.push(Span::styled(format!("  ({})", by_class.join(", ")), DIM));
    }
    Line::from(spans)
}

fn figures(view: &View) -> Line<'static> {
    let total = &view.frame.total;
    let shown = |ms: Option<f64>| ms.map_or_else(|| "-".to_owned(), time);
    let fails = if total.failures > 0 { Style::new().fg(Color::Red) } else { STRONG };
    let pairs = [
        ("Requests", count(total.requests), STRONG),
        ("now", format!("{}/s", quantity(total.rate)), STRONG),
        ("Failed", format!("{} ({})", count(total.failures), percent(total.failure_ratio)), fails),
        ("p50", shown(total.p50), STRONG),
        ("p95", shown(total.p95), STRONG),
        ("p99", shown(total.p99), STRONG),
    ];
    let spans = pairs.into_iter().flat_map(|(label, value, style)| {
        [Span::styled(format!(" {label} "), DIM), Span::styled(value, style)]
    });
    Line::from(spans.collect::<Vec<_>>())
}

/// Whether the figures above can be trusted: nobody should have to wait for the end of a run to learn that they cannot.
fn health(view: &View) -> Line<'static> {
    let style = if view.frame.sound { DIM } else { Style::new().fg(Color::Red) };
    Line::styled(format!(" {}", visible(&view.frame.health)), style)
}
