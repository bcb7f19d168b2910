//! The request table, the errors, the log.

use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table};

use super::{DIM, STRONG, block};
use crate::tui::format::{clock, count, percent, quantity, time, visible};
use crate::tui::frame;
use crate::tui::state::{Column, View};

/// Widths of the columns after the name, as [`Column::ALL`] has them.
const WIDTHS: [u16; 7] = [9, 14, 6, 7, 7, 7, 7];

pub(super) fn requests(view: &View, screen: &mut ratatui::Frame<'_>, area: Rect) {
    let lines = view.lines();
    let title = match view.filter.as_str() {
        "" => format!(" Requests ({}) ", lines.len()),
        filter => format!(" Requests with `{}` ({}) ", visible(filter), lines.len()),
    };
    // Frame, header and the total take four rows.
    let first = view.first_row(usize::from(area.height.saturating_sub(4)));
    let room = usize::from(area.height.saturating_sub(4));
    let rows = lines.into_iter().skip(first).take(room).map(|line| row(line, Style::new()));
    let total = row(&view.frame.total, STRONG);
    let widths =
        [Constraint::Fill(1)].into_iter().chain(WIDTHS.map(Constraint::Length)).collect::<Vec<_>>();
    let table = Table::new(rows, widths).header(header(view)).footer(total).block(block(title));
    screen.render_widget(table, area);
}

fn header(view: &View) -> Row<'static> {
    let cells = Column::ALL.map(|column| {
        let mark = match (column == view.sort, view.descending) {
            (false, _) => "",
            (true, false) => "\u{25b2}",
            (true, true) => "\u{25bc}",
        };
        let text = Line::raw(format!("{}{mark}", column.title()));
        Cell::from(if column == Column::Name { text } else { text.right_aligned() })
    });
    Row::new(cells).style(Style::new().add_modifier(Modifier::UNDERLINED))
}

fn row(line: &frame::Line, style: Style) -> Row<'static> {
    let shown = |ms: Option<f64>| ms.map_or_else(|| "-".to_owned(), time);
    let name = if line.method.is_empty() {
        visible(&line.name)
    } else {
        format!("{} {}", visible(&line.method), visible(&line.name))
    };
    let failures = match line.failures {
        0 => Span::raw("0"),
        failures => Span::styled(
            format!("{} {}", count(failures), percent(line.failure_ratio)),
            Style::new().fg(Color::Red),
        ),
    };
    let max = if line.requests == 0 { "-".to_owned() } else { time(line.max) };
    let numbers = [
        Span::raw(count(line.requests)),
        failures,
        Span::raw(quantity(line.rate)),
        Span::raw(shown(line.p50)),
        Span::raw(shown(line.p95)),
        Span::raw(shown(line.p99)),
        Span::raw(max),
    ];
    let numbers = numbers.into_iter().map(|number| Cell::from(Line::from(number).right_aligned()));
    Row::new([Cell::from(name)].into_iter().chain(numbers)).style(style)
}

pub(super) fn errors(view: &View, screen: &mut ratatui::Frame<'_>, area: Rect) {
    let title = format!(" Errors and exceptions ({}) ", view.frame.fault_count());
    let room = usize::from(area.height.saturating_sub(3));
    let rows = view.frame.faults().skip(view.first_row(room)).take(room).map(|fault| {
        let ago = fault.last_seen.map_or_else(String::new, |last| {
            // A cast from float saturates: what was seen a moment after the figures were taken is now.
            format!("{} ago", clock((view.frame.at - last) as u64))
        });
        let what = if fault.exception { "exception in " } else { "" };
        let detail = fault.detail.and_then(|detail| detail.lines().nth(1));
        let detail =
            detail.map_or_else(String::new, |line| format!(" \u{2014} {}", visible(line.trim())));
        let text = format!(
            "{what}{}: {}{detail}",
            visible(fault.place.join(" ").trim_end()),
            visible(fault.text)
        );
        Row::new([
            Cell::from(Line::raw(count(fault.count)).right_aligned()),
            Cell::from(Line::raw(ago).right_aligned()),
            Cell::from(text),
        ])
    });
    let widths = [Constraint::Length(9), Constraint::Length(11), Constraint::Fill(1)];
    let header = Row::new([
        Cell::from(Line::raw("#").right_aligned()),
        Cell::from(Line::raw("last").right_aligned()),
        Cell::from("What"),
    ]);
    let header = header.style(Style::new().add_modifier(Modifier::UNDERLINED));
    screen.render_widget(Table::new(rows, widths).header(header).block(block(title)), area);
}

/// The newest lines of the log, newest first; then what a reader of the figures must know.
pub(super) fn log(view: &View, screen: &mut ratatui::Frame<'_>, area: Rect) {
    let room = usize::from(area.height.saturating_sub(2));
    let lines = view.log.iter().rev().skip(view.first_row(room)).take(room).map(|line| {
        // The time of day is enough here, and the machine is this one.
        let short = line.get(12..).unwrap_or(line).replacen(']', "", 1);
        let style = match () {
            () if line.contains("/ERROR/") || line.contains("/CRITICAL/") => {
                Style::new().fg(Color::Red)
            }
            () if line.contains("/WARNING/") => Style::new().fg(Color::Yellow),
            () => DIM,
        };
        Line::styled(short, style)
    });
    let notes = view.frame.notes.iter().map(|note| Line::raw(format!("Note: {}", visible(note))));
    let lines: Vec<Line<'_>> = notes.chain(lines).collect();
    screen.render_widget(Paragraph::new(lines).block(block(" Log, newest first ")), area);
}
