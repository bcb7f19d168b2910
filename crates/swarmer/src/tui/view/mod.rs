//! Drawing: from the state to a screen, and nothing else.

mod charts;
mod heat;
mod tables;
mod top;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear, Paragraph};

use super::state::{Mode, Page, View};

/// From this height on the charts page has room for the tables, too.
const TALL: u16 = 40;
/// Below this nothing useful can be drawn.
const SMALLEST: (u16, u16) = (50, 12);

const DIM: Style = Style::new().fg(Color::DarkGray);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);

/// Draws everything.
pub(crate) fn draw(view: &View, screen: &mut Frame<'_>) {
    let area = screen.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let text = format!("Too small: {} x {} is needed", SMALLEST.0, SMALLEST.1);
        screen.render_widget(Paragraph::new(text), area);
        return;
    }
    let [top, tabs, body, bottom] = Layout::vertical([
        Constraint::Length(top::HEIGHT),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(area);
    top::draw(view, screen, top);
    draw_tabs(view, screen, tabs);
    match view.page {
        Page::Charts => draw_charts(view, screen, body),
        Page::Requests => tables::requests(view, screen, body),
        Page::Errors => tables::errors(view, screen, body),
        Page::Log => tables::log(view, screen, body),
    }
    draw_bottom(view, screen, bottom);
    if view.mode == Mode::Help {
        draw_help(screen, area);
    }
}

fn draw_charts(view: &View, screen: &mut Frame<'_>, area: Rect) {
    let charts = if area.height >= TALL {
        let [charts, requests, errors] =
            Layout::vertical([Constraint::Fill(3), Constraint::Fill(1), Constraint::Fill(1)])
                .areas(area);
        tables::requests(view, screen, requests);
        tables::errors(view, screen, errors);
        charts
    } else {
        area
    };
    let [lines, map] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(charts);
    let [rates, times] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(lines);
    charts::rates(view, screen, rates);
    charts::percentiles(view, screen, times);
    heat::draw(view, screen, map);
}

fn draw_tabs(view: &View, screen: &mut Frame<'_>, area: Rect) {
    let mut spans = Vec::new();
    for (at, page) in Page::ALL.into_iter().enumerate() {
        let mut text = format!(" {} {} ", at + 1, page.title());
        let faults = view.frame.fault_count();
        if page == Page::Errors && faults > 0 {
            text = format!("{text}({faults}) ");
        }
        let style = match (page == view.page, page) {
            (true, _) => Style::new().add_modifier(Modifier::REVERSED),
            (false, Page::Errors) if faults > 0 => Style::new().fg(Color::Red),
            (false, _) => Style::new(),
        };
        spans.push(Span::styled(text, style));
        spans.push(Span::raw(" "));
    }
    screen.render_widget(Line::from(spans), area);
}

fn draw_bottom(view: &View, screen: &mut Frame<'_>, area: Rect) {
    let typing = view.mode == Mode::Filter;
    let text = match (typing, view.page) {
        (true, _) => format!("Filter: {}_   (Enter to keep, Esc to drop)", view.filter),
        (false, Page::Charts) => "q stop  w/W s/S users  Tab page  +/- time  ? help".to_owned(),
        (false, Page::Requests) => {
            "q stop  w/W s/S users  Tab page  \u{2190}/\u{2192} sort  r reverse  / filter  ? help"
                .to_owned()
        }
        (false, Page::Errors | Page::Log) => {
            "q stop  w/W s/S users  Tab page  \u{2191}/\u{2193} scroll  ? help".to_owned()
        }
    };
    let style = if typing { STRONG } else { DIM };
    screen.render_widget(Line::styled(text, style), area);
}

const HELP: &[(&str, &str)] = &[
    ("w  W", "1 or 10 users more"),
    ("s  S", "1 or 10 users fewer"),
    ("q", "stop the run and show the tables"),
    ("Ctrl-C", "the same; a second time: at once"),
    ("Tab  1-4", "next page, this page"),
    ("+  -", "charts: less or more time"),
    ("\u{2190}  \u{2192}", "requests: sort by another column"),
    ("r", "requests: reverse the order"),
    ("/", "requests: show some; Esc shows all"),
    ("\u{2191} \u{2193} PgUp PgDn", "scroll"),
    ("?", "this help; any key closes it"),
];

fn draw_help(screen: &mut Frame<'_>, area: Rect) {
    let lines = HELP.iter().map(|(keys, what)| {
        Line::from(vec![Span::styled(format!(" {keys:<14}"), STRONG), Span::raw(*what)])
    });
    let height = u16::try_from(HELP.len()).unwrap_or(u16::MAX).saturating_add(2);
    let [middle] = Layout::vertical([Constraint::Length(height)])
        .flex(ratatui::layout::Flex::Center)
        .areas(area);
    let [middle] = Layout::horizontal([Constraint::Length(52)])
        .flex(ratatui::layout::Flex::Center)
        .areas(middle);
    screen.render_widget(Clear, middle);
    let block = Block::new().borders(Borders::ALL).title(" Keys ");
    screen.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block), middle);
}

/// A frame with a title.
fn block(title: impl Into<Line<'static>>) -> Block<'static> {
    Block::new().borders(Borders::ALL).border_style(DIM).title(title)
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::KeyCode;

    use super::*;
    use crate::tui::samples;

    fn drawn(view: &View, columns: u16, rows: u16) -> TestBackend {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal.draw(|screen| draw(view, screen)).unwrap();
        terminal.backend().clone()
    }

    fn after(seconds: u64, keys: &str) -> View {
        let mut view = samples::view(seconds);
        let lines = [
            "[2026-01-31 12:00:00,123] vm/INFO/swarmer.main: Starting shop 1.0",
            "[2026-01-31 12:00:10,456] vm/WARNING/swarmer.runners: 1 driver(s) did not report in time",
        ];
        view.log = lines.map(Into::into).to_vec();
        press(&mut view, keys);
        view
    }

    fn press(view: &mut View, keys: &str) {
        for key in keys.chars() {
            view.press(KeyCode::Char(key).into());
        }
    }

    #[test]
    fn charts_at_80_by_24() {
        insta::assert_snapshot!(drawn(&after(60, ""), 80, 24));
    }

    #[test]
    fn charts_with_tables_on_a_tall_terminal() {
        insta::assert_snapshot!(drawn(&after(60, "-"), 120, 50));
    }

    #[test]
    fn nothing_has_happened_yet() {
        insta::assert_snapshot!(drawn(&after(0, ""), 80, 24));
    }

    #[test]
    fn requests_sorted_and_filtered() {
        let mut view = after(60, "2");
        view.press(KeyCode::Left.into());
        view.press(KeyCode::Char('/').into());
        press(&mut view, "get");
        insta::assert_snapshot!(drawn(&view, 80, 24));
    }

    #[test]
    fn errors_and_exceptions() {
        insta::assert_snapshot!(drawn(&after(60, "3"), 100, 14));
    }

    #[test]
    fn figures_not_to_be_trusted_are_red() {
        let mut view = after(5, "");
        let color = |view: &View| drawn(view, 80, 24).buffer()[(1, 3)].fg;
        assert_ne!(color(&view), Color::Red);
        view.frame.sound = false;
        view.frame.health = "SUSPECT from 12:03:10 to 12:03:25: too slow".to_owned();
        assert_eq!(color(&view), Color::Red);
        let row: String =
            (0..42).map(|x| drawn(&view, 80, 24).buffer()[(x, 3)].symbol().to_owned()).collect();
        assert_eq!(row, " SUSPECT from 12:03:10 to 12:03:25: too sl");
    }

    #[test]
    fn log() {
        insta::assert_snapshot!(drawn(&after(5, "4"), 80, 12));
    }

    #[test]
    fn help() {
        insta::assert_snapshot!(drawn(&after(5, "?"), 80, 24));
    }

    #[test]
    fn any_size_can_be_drawn() {
        for (columns, rows) in [(1, 1), (49, 40), (50, 12), (51, 13), (300, 3), (200, 100)] {
            for keys in ["", "2", "3", "4", "?"] {
                drawn(&after(3, keys), columns, rows);
            }
        }
    }

    #[test]
    fn hostile_names_command_no_terminal() {
        let mut view = after(3, "2");
        view.frame.lines[0].name = "\u{1b}[2J\n\u{7}".into();
        view.frame.host = "http://x/\u{1b}[31m".to_owned();
        let mut error = view.frame.errors[0].clone();
        error.error = "\u{1b}]0;title\u{7}".into();
        view.frame.errors = [error].into_iter().collect();
        for page in ["2", "3"] {
            press(&mut view, page);
            let screen = drawn(&view, 100, 24);
            let symbols = screen.buffer().content().iter().map(ratatui::buffer::Cell::symbol);
            assert!(symbols.clone().all(|symbol| !symbol.contains(char::is_control)));
        }
    }
}
