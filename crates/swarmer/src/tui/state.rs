//! What the full-screen view knows: the figures, and where the person in front of it is. Knows nothing of drawing.

use std::cmp::Ordering;

use super::course::Course;
use super::frame::{Frame, Line};

/// Pages, in the order of the tabs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Page {
    #[default]
    Charts,
    Requests,
    Errors,
    Log,
}

impl Page {
    pub(crate) const ALL: [Self; 4] = [Self::Charts, Self::Requests, Self::Errors, Self::Log];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Charts => "Charts",
            Self::Requests => "Requests",
            Self::Errors => "Errors",
            Self::Log => "Log",
        }
    }

    pub(super) fn step(self, by: usize) -> Self {
        let at = Self::ALL.iter().position(|page| *page == self).unwrap_or_default();
        Self::ALL[(at + by) % Self::ALL.len()]
    }
}

/// Columns of the request table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Column {
    #[default]
    Name,
    Requests,
    Failures,
    Rate,
    P50,
    P95,
    P99,
    Max,
}

impl Column {
    pub(crate) const ALL: [Self; 8] = [
        Self::Name,
        Self::Requests,
        Self::Failures,
        Self::Rate,
        Self::P50,
        Self::P95,
        Self::P99,
        Self::Max,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Requests => "# reqs",
            Self::Failures => "# fails",
            Self::Rate => "req/s",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Max => "max",
        }
    }

    fn compare(self, a: &Line, b: &Line) -> Ordering {
        let time = |time: Option<f64>| time.unwrap_or(-1.0);
        match self {
            Self::Name => (&a.name, &a.method).cmp(&(&b.name, &b.method)),
            Self::Requests => a.requests.cmp(&b.requests),
            Self::Failures => a.failures.cmp(&b.failures),
            Self::Rate => a.rate.total_cmp(&b.rate),
            Self::P50 => time(a.p50).total_cmp(&time(b.p50)),
            Self::P95 => time(a.p95).total_cmp(&time(b.p95)),
            Self::P99 => time(a.p99).total_cmp(&time(b.p99)),
            Self::Max => a.max.total_cmp(&b.max),
        }
    }
}

/// What keys are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Orders,
    /// They are letters of the filter.
    Filter,
    /// The help is shown; any key closes it.
    Help,
}

/// How much of the run the charts show, in seconds; `None` is all of it.
const WINDOWS: [Option<f64>; 5] = [Some(60.0), Some(300.0), Some(900.0), Some(3600.0), None];

/// Everything there is to draw.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) frame: Frame,
    pub(crate) course: Course,
    /// Limit of the run in seconds.
    pub(crate) run_time: Option<u64>,
    pub(crate) log: Vec<std::sync::Arc<str>>,
    pub(crate) page: Page,
    pub(crate) sort: Column,
    /// Largest first; names are otherwise in the order of the alphabet.
    pub(crate) descending: bool,
    /// Only rows whose method and name hold this, in any case.
    pub(crate) filter: String,
    pub(crate) mode: Mode,
    /// Rows of the page above the screen.
    pub(crate) scroll: usize,
    /// The run was asked to stop from here.
    pub(crate) stopping: bool,
    window: usize,
}

impl View {
    pub(crate) fn new(run_time: Option<u64>) -> Self {
        Self {
            frame: Frame::default(),
            course: Course::default(),
            run_time,
            log: Vec::new(),
            page: Page::default(),
            sort: Column::default(),
            descending: false,
            filter: String::new(),
            mode: Mode::default(),
            scroll: 0,
            stopping: false,
            window: 0,
        }
    }

    /// Takes the figures of a new second.
    pub(crate) fn take(&mut self, frame: Frame) {
        self.course.add(&frame);
        self.frame = frame;
    }

    /// Seconds that the charts show; `None` for all.
    pub(crate) fn window(&self) -> Option<f64> {
        WINDOWS[self.window]
    }

    pub(super) fn wider(&mut self) {
        self.window = (self.window + 1).min(WINDOWS.len() - 1);
    }

    pub(super) fn narrower(&mut self) {
        self.window = self.window.saturating_sub(1);
    }

    pub(super) fn turn_to(&mut self, page: Page) {
        self.page = page;
        self.scroll = 0;
    }

    /// Sorts by the next or the previous column: numbers largest first, names by the alphabet.
    pub(super) fn sort_by(&mut self, steps: usize) {
        let at = Column::ALL.iter().position(|column| *column == self.sort).unwrap_or_default();
        self.sort = Column::ALL[(at + steps) % Column::ALL.len()];
        self.descending = self.sort != Column::Name;
    }

    /// Rows of the request table, filtered and sorted.
    pub(crate) fn lines(&self) -> Vec<&Line> {
        let wanted = self.filter.to_lowercase();
        let matches = |line: &&Line| {
            format!("{} {}", line.method, line.name).to_lowercase().contains(&wanted)
        };
        let mut lines: Vec<&Line> = self.frame.lines.iter().filter(matches).collect();
        lines.sort_by(|a, b| {
            let order = self.sort.compare(a, b);
            let order = if self.descending { order.reverse() } else { order };
            order.then_with(|| Column::Name.compare(a, b))
        });
        lines
    }

    /// How many rows the page could scroll over.
    pub(super) fn rows(&self) -> usize {
        match self.page {
            Page::Charts => 0,
            Page::Requests => self.lines().len(),
            Page::Errors => self.frame.listed_count(),
            Page::Log => self.log.len(),
        }
    }

    /// The first row shown when `height` rows fit; the end of the page never rises above the bottom of the screen.
    pub(crate) fn first_row(&self, height: usize) -> usize {
        self.scroll.min(self.rows().saturating_sub(height))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::samples;

    fn names(view: &View) -> Vec<String> {
        view.lines().iter().map(|line| format!("{} {}", line.method, line.name)).collect()
    }

    #[test]
    fn rows_are_sorted_and_filtered() {
        let mut view = samples::view(20);
        assert_eq!(names(&view), ["GET /", "POST /orders", "GET /products/{id}"]);
        view.sort_by(1);
        assert_eq!((view.sort, view.descending), (Column::Requests, true));
        assert_eq!(names(&view), ["GET /products/{id}", "GET /", "POST /orders"]);
        view.descending = false;
        assert_eq!(names(&view)[0], "POST /orders");
        view.filter = "get /P".to_owned();
        assert_eq!(names(&view), ["GET /products/{id}"]);
        view.sort_by(Column::ALL.len() - 1);
        assert_eq!((view.sort, view.descending), (Column::Name, false));
    }

    #[test]
    fn pages_go_round() {
        assert_eq!(Page::Charts.step(1), Page::Requests);
        assert_eq!(Page::Charts.step(Page::ALL.len() - 1), Page::Log);
    }

    #[test]
    fn scrolling_ends_with_the_rows() {
        let mut view = samples::view(20);
        view.turn_to(Page::Requests);
        view.scroll = 50;
        assert_eq!((view.first_row(2), view.first_row(10)), (1, 0));
    }
}
