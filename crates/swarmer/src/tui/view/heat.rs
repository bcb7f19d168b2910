//! The heat map: time to the right, response time upwards on a logarithmic scale, and the more requests fell into a
//! cell, the brighter it is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::widgets::Widget;

use super::charts::moments;
use super::{DIM, block};
use crate::tui::bands::{BANDS, edge};
use crate::tui::course::Point;
use crate::tui::format::time;
use crate::tui::state::View;

/// Columns of the labels at the left.
const LABELS: u16 = 8;

/// From few to many. The shades also show where there are no colours.
const SHADES: [(&str, Color); 7] = [
    ("░", Color::Indexed(54)),
    ("░", Color::Indexed(91)),
    ("▒", Color::Indexed(126)),
    ("▒", Color::Indexed(162)),
    ("▓", Color::Indexed(203)),
    ("▓", Color::Indexed(215)),
    ("█", Color::Indexed(229)),
];

pub(super) fn draw(view: &View, screen: &mut ratatui::Frame<'_>, area: Rect) {
    let block = block(" Response times over time: brighter is more requests ");
    let inside = block.inner(area);
    screen.render_widget(block, area);
    screen.render_widget(HeatMap { view }, inside);
}

struct HeatMap<'a> {
    view: &'a View,
}

impl Widget for HeatMap<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        if area.width <= LABELS || area.height < 2 {
            return;
        }
        let (width, height) = (usize::from(area.width - LABELS), usize::from(area.height - 1));
        let (columns, from, to) = self.view.course.columns(self.view.window(), width);
        let bottom_row = area.bottom() - 1;
        label_times(area, bottom_row, from, to, buffer);
        let Some((low, high)) = reach(&columns, height) else {
            let text = "no request has been answered yet";
            buffer.set_string(area.x + LABELS, area.y, text, DIM);
            return;
        };
        let cells = cells(&columns, low, high, height);
        let most = cells.iter().flatten().copied().fold(0.0, f64::max);
        for (x, column) in (area.x + LABELS..).zip(&cells) {
            for (y, value) in (area.y..bottom_row).rev().zip(column) {
                if *value > 0.0 {
                    let (shade, color) = shade(*value, most);
                    buffer.set_string(x, y, shade, Style::new().fg(color));
                }
            }
        }
        // A label every few rows, at the lower edge of its row.
        let per_row = (high - low) as f64 / height as f64;
        for (row, y) in (area.y..bottom_row).rev().enumerate() {
            if row % 3 == 0 || row + 1 == height {
                let text = time(edge(low as f64 + per_row * row as f64));
                buffer.set_string(area.x, y, format!("{text:>7}"), DIM);
            }
        }
    }
}

fn label_times(area: Rect, y: u16, from: f64, to: f64, buffer: &mut Buffer) {
    let [begin, end] = moments(from, to);
    buffer.set_string(area.x + LABELS, y, begin, DIM);
    let width = u16::try_from(end.len()).unwrap_or(area.width).min(area.width);
    buffer.set_string(area.right() - width, y, end, DIM);
}

/// The bands that anything fell into, first and one past the last: at least one for each row.
fn reach(columns: &[Option<Point>], height: usize) -> Option<(usize, usize)> {
    let used =
        || columns.iter().flatten().flat_map(|point| point.times.iter().map(|(band, _)| band));
    let (low, high) = (used().min()?, used().max()? + 1);
    let missing = height.saturating_sub(high - low);
    let low = low.saturating_sub(missing / 2);
    Some((low, (low + height).max(high).min(BANDS)))
}

/// Requests per second by column and row, the lowest row first. A band that spans rows is shared among them.
fn cells(columns: &[Option<Point>], low: usize, high: usize, height: usize) -> Vec<Vec<f64>> {
    let rows_per_band = height as f64 / (high - low).max(1) as f64;
    let fill = |point: &Point| {
        let mut rows = vec![0.0; height];
        for (band, requests) in point.times.iter().filter(|(band, _)| (low..high).contains(band)) {
            let row = ((band - low) as f64 * rows_per_band) as usize;
            rows[row.min(height - 1)] += requests as f64 / point.span.max(1e-3);
        }
        rows
    };
    columns.iter().map(|point| point.as_ref().map_or_else(|| vec![0.0; height], fill)).collect()
}

/// By the logarithm: one slow request among thousands of fast ones must be seen.
fn shade(value: f64, most: f64) -> (&'static str, Color) {
    let share = (1.0 + value).ln() / (1.0 + most).ln();
    let at = (share * (SHADES.len() - 1) as f64).round() as usize;
    SHADES[at.min(SHADES.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Histogram;
    use crate::tui::bands::Bands;

    fn point(times: &[u64]) -> Point {
        let mut histogram = Histogram::<u64>::new();
        for ms in times {
            histogram.record(ms * 1_000_000);
        }
        Point { end: 1.0, span: 1.0, times: Bands::of(&histogram), ..Point::default() }
    }

    #[test]
    fn every_request_is_in_one_cell() {
        let columns = [Some(point(&[1, 1, 10, 100])), None, Some(point(&[1000]))];
        let (low, high) = reach(&columns, 8).unwrap();
        let cells = cells(&columns, low, high, 8);
        let sums: Vec<f64> = cells.iter().map(|column| column.iter().sum()).collect();
        assert_eq!(sums, [4.0, 0.0, 1.0]);
        assert_eq!((cells[0][0], cells[2][7]), (2.0, 1.0), "the fastest below, the slowest on top");
    }

    #[test]
    fn a_narrow_distribution_still_has_a_row_for_each_band() {
        let columns = [Some(point(&[5, 5, 5]))];
        let (low, high) = reach(&columns, 10).unwrap();
        assert_eq!(high - low, 10);
        assert_eq!(reach(&[None], 10), None);
    }

    #[test]
    fn one_among_thousands_is_seen() {
        assert_eq!(shade(5000.0, 5000.0), SHADES[6]);
        assert!(shade(1.0, 5000.0).1 == SHADES[0].1 || shade(1.0, 5000.0) == SHADES[1]);
    }
}
