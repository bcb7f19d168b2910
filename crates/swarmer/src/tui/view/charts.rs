//! Lines over time: rates and percentiles.

use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use super::{DIM, block};
use crate::tui::course::Point;
use crate::tui::format::{clock, quantity, time};
use crate::tui::state::View;

/// Columns that frame and labels of the axis take.
const MARGIN: u16 = 8;

/// A line: its name, its colour, and its points as (seconds, value).
struct Curve {
    name: &'static str,
    color: Color,
    points: Vec<(f64, f64)>,
}

pub(super) fn rates(view: &View, screen: &mut ratatui::Frame<'_>, area: Rect) {
    let (columns, from, to) = columns(view, area);
    let curve = |name, color, value: fn(&Point) -> f64| Curve {
        name,
        color,
        points: columns.iter().map(|point| (point.end, value(point))).collect(),
    };
    let curves = [
        curve("req/s", Color::Green, Point::rate),
        curve("failures/s", Color::Red, Point::failure_rate),
    ];
    let top = curves.iter().flat_map(|curve| &curve.points).map(|(_, y)| *y).fold(1.0, f64::max);
    let top = round_up(top);
    let labels = [0.0, top / 2.0, top].map(quantity);
    chart(screen, area, "Rates", &curves, (from, to), (0.0, top), &labels);
}

pub(super) fn percentiles(view: &View, screen: &mut ratatui::Frame<'_>, area: Rect) {
    let (columns, from, to) = columns(view, area);
    // On a logarithmic axis, as the heat map below.
    let curve = |name, color, p: f64| Curve {
        name,
        color,
        points: columns
            .iter()
            .filter_map(|point| Some((point.end, point.times.quantile(p)?.log10())))
            .collect(),
    };
    let curves = [
        curve("p50", Color::Green, 0.50),
        curve("p95", Color::Yellow, 0.95),
        curve("p99", Color::Magenta, 0.99),
    ];
    let all = || curves.iter().flat_map(|curve| &curve.points).map(|(_, y)| *y);
    let (low, high) = match (all().reduce(f64::min), all().reduce(f64::max)) {
        (Some(low), Some(high)) => (low - 0.05, (high + 0.05).max(low + 0.3)),
        _ => (0.0, 3.0),
    };
    let labels = [low, f64::midpoint(low, high), high].map(|log| time(10_f64.powf(log)));
    chart(screen, area, "Response times", &curves, (from, to), (low, high), &labels);
}

/// As many stretches of time as the chart has dots to the right of its axis.
fn columns(view: &View, area: Rect) -> (Vec<Point>, f64, f64) {
    let dots = usize::from(area.width.saturating_sub(MARGIN)).max(1) * 2;
    let (columns, from, to) = view.course.columns(view.window(), dots);
    (columns.into_iter().flatten().collect(), from, to)
}

fn chart(
    screen: &mut ratatui::Frame<'_>,
    area: Rect,
    title: &'static str,
    curves: &[Curve],
    (from, to): (f64, f64),
    bounds: (f64, f64),
    labels: &[String],
) {
    let mut heading = vec![Span::raw(format!(" {title} "))];
    for curve in curves {
        heading.push(Span::styled(format!("{} ", curve.name), Style::new().fg(curve.color)));
    }
    let datasets = curves.iter().map(|curve| {
        Dataset::default()
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(Style::new().fg(curve.color))
            .data(&curve.points)
    });
    let y = Axis::default()
        .style(DIM)
        .bounds([bounds.0, bounds.1])
        .labels(labels.iter().map(|label| Span::raw(format!("{label:>6}"))));
    let x = Axis::default().style(DIM).bounds([from, to]).labels(moments(from, to));
    let chart = Chart::new(datasets.collect())
        .block(block(Line::from(heading)))
        .legend_position(None)
        .x_axis(x)
        .y_axis(y);
    screen.render_widget(chart, area);
}

/// Labels of the time axis.
pub(super) fn moments(from: f64, to: f64) -> [String; 2] {
    [format!("{} ago", clock((to - from).round() as u64)), "now".to_owned()]
}

/// The next number with few digits that is not smaller.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.map(|step| step * power).into_iter().find(|step| *step >= value).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_axis_ends_on_a_round_number() {
        let ends = [1.0, 1.2, 21.0, 47.0, 99.0, 1_001.0].map(|top| quantity(round_up(top)));
        assert_eq!(ends, ["1.00", "1.50", "25.0", "50.0", "100", "1.50k"]);
    }
}
