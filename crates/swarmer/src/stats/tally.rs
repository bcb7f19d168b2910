//! What the collector keeps of one row, and how figures are derived from it.

use std::ops::Range;
use std::sync::Arc;

use super::coarse::CoarseBuckets;
use super::delta::{Kind, RowDelta};
use super::histogram::Histogram;
use super::per_second::PerSecond;
use super::row_history::RowCourse;
use super::schedule::{FromDue, merge_into};
use super::summary::{
    Current, Figures, P50, PERCENTILES, Percentiles, Row, SegmentRow, ms, whole_ms,
};
use super::window::{Scratch, Seconds, Window};

/// Sums since the start or the last reset.
///
/// The histogram is shared with the summaries made from it: as long as a summary lives, the next merge copies.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    requests: u64,
    untimed: u64,
    failures: u64,
    bytes: u64,
    pub(super) last: Option<f64>,
    times: Arc<Histogram>,
    from_due: Option<Arc<Histogram>>,
    coarse: Option<Arc<CoarseBuckets>>,
}

impl Tally {
    pub(super) fn add(&mut self, delta: &RowDelta) {
        self.requests += delta.requests;
        self.untimed += delta.untimed;
        self.failures += delta.failures;
        self.bytes = self.bytes.saturating_add(delta.bytes);
        self.last = Some(self.last.map_or(delta.last, |last| last.max(delta.last)));
        Arc::make_mut(&mut self.times).merge(&delta.times);
        merge_into(&mut self.from_due, delta.from_due.as_deref());
        if let Some(coarse) = &delta.coarse {
            Arc::make_mut(self.coarse.get_or_insert_default()).merge(coarse);
        }
    }

    /// Adds figures of another run; Locust's buckets are not among them.
    pub(super) fn add_figures(&mut self, figures: &Figures) {
        self.requests += figures.requests;
        self.untimed += figures.untimed;
        self.failures += figures.failures;
        self.bytes = self.bytes.saturating_add(figures.bytes);
        self.last = self.last.into_iter().chain(figures.last_request).reduce(f64::max);
        Arc::make_mut(&mut self.times).merge(&figures.times);
        merge_into(&mut self.from_due, figures.from_due.as_ref().map(|due| &*due.times));
    }

    /// Mean response time in milliseconds.
    pub(super) fn mean(&self) -> Option<f64> {
        self.times.mean().map(|nanos| nanos / 1e6)
    }

    /// Figures with whole-run rates over `span` seconds (0 when unknown).
    #[expect(clippy::cast_precision_loss, reason = "rates and means need no more than 53 bits")]
    pub(super) fn figures(&self, span: f64) -> Figures {
        let per_second = |count: u64| if span > 0.0 { count as f64 / span } else { 0.0 };
        let (min, max) = (self.times.min().unwrap_or(0), self.times.max().unwrap_or(0));
        let percentiles = percentiles(&self.times, self.coarse.as_deref());
        Figures {
            requests: self.requests,
            untimed: self.untimed,
            failures: self.failures,
            bytes: self.bytes,
            min: ms(min),
            mean: self.mean().unwrap_or(0.0),
            median: percentiles[P50].map_or(0.0, |median| median.clamp(ms(min), ms(max))),
            max: ms(max),
            percentiles,
            requests_per_second: per_second(self.requests),
            failures_per_second: per_second(self.failures),
            last_request: self.last,
            times: Arc::clone(&self.times),
            from_due: self.from_due.as_ref().map(FromDue::of),
            coarse: self.coarse.clone(),
        }
    }
}

/// The standard percentiles, from Locust's buckets where they are kept, else from the fine histogram.
fn percentiles(times: &Histogram, coarse: Option<&CoarseBuckets>) -> Percentiles {
    if let Some(coarse) = coarse {
        return PERCENTILES.map(|p| coarse.percentile(p).map(whole_ms));
    }
    let mut nanos = [None; PERCENTILES.len()];
    times.quantiles(&PERCENTILES, &mut nanos);
    nanos.map(|value| value.map(ms))
}

/// Everything the collector keeps for one (kind, method, name), or for the total.
#[derive(Clone, Debug)]
pub(super) struct RowState {
    pub(super) kind: Kind,
    pub(super) method: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) tally: Tally,
    pub(super) segments: Vec<(Arc<str>, Tally)>,
    pub(super) seconds: Seconds,
    /// Not used by the total, whose window is put together from those of the rows.
    pub(super) window: Window,
    /// Counts of every second, when they are asked for.
    pub(super) per_second: Option<Arc<PerSecond>>,
    /// Not used by the total, which has the whole history.
    pub(super) course: RowCourse,
}

impl RowState {
    pub(super) fn new(kind: Kind, method: Arc<str>, name: Arc<str>) -> Self {
        let (tally, segments, seconds, window, per_second, course) = Default::default();
        Self { kind, method, name, tally, segments, seconds, window, per_second, course }
    }

    pub(super) fn add(&mut self, delta: &RowDelta) {
        self.tally.add(delta);
        for count in &delta.seconds {
            self.seconds.add(count);
        }
        if let Some(per_second) = &mut self.per_second {
            let per_second = Arc::make_mut(per_second);
            delta.seconds.iter().for_each(|count| per_second.add(count));
        }
        let Some(segment) = &delta.key.segment else { return };
        let at = self.segments.binary_search_by(|(name, _)| name.cmp(segment));
        let at = at.unwrap_or_else(|at| {
            self.segments.insert(at, (Arc::clone(segment), Tally::default()));
            at
        });
        self.segments[at].1.add(delta);
    }

    /// Forgets all figures, keeps the names and the course.
    pub(super) fn reset(&mut self) {
        let per_second = self.per_second.as_ref().map(|_| Arc::default());
        let course = std::mem::take(&mut self.course);
        let empty = Self::new(self.kind, Arc::clone(&self.method), Arc::clone(&self.name));
        *self = Self { per_second, course, ..empty };
    }

    /// Adds what a report says to the window and the course; `latest` is the latest second that has a point.
    pub(super) fn follow(&mut self, delta: &RowDelta, latest: Option<u64>) {
        self.window.add(delta);
        self.course.note_max(delta.times.max().unwrap_or(0));
        for count in delta.seconds.iter().filter(|count| latest >= Some(count.second)) {
            self.course.amend(self.seconds.get(count.second));
        }
    }

    /// Adds the points of these seconds to the course, the last ones before `now`, and forgets what has left the window.
    pub(super) fn tick(&mut self, seconds: Range<u64>, now: u64, scratch: &mut Scratch) {
        self.window.prune(now);
        let mut filled = false;
        for count in seconds.map(|second| self.seconds.get(second)) {
            if count.requests == 0 {
                continue;
            }
            if !std::mem::replace(&mut filled, true) {
                scratch.clear();
                self.window.fill(now, scratch);
            }
            self.course.push(count, &scratch.times);
        }
    }

    /// The last ten seconds before `now`, whose response times are `window`; `start` is the second of the start.
    pub(super) fn current(&self, now: u64, start: u64, window: &Scratch) -> Current {
        let (requests_per_second, failures_per_second) = self.seconds.rates(now, start);
        let coarse = self.tally.coarse.is_some().then_some(&window.coarse);
        let percentiles = percentiles(&window.times, coarse);
        Current { requests_per_second, failures_per_second, percentiles }
    }

    /// The row as people see it at second `now`; `start` is the second of the start, `span` the seconds whole-run rates
    /// are taken over, `window` the response times of its last ten seconds, `order` its place by first appearance.
    pub(super) fn row(
        &self,
        order: usize,
        now: u64,
        start: u64,
        span: f64,
        window: &Scratch,
    ) -> Row {
        let segments = self.segments.iter().map(|(segment, tally)| SegmentRow {
            segment: Arc::clone(segment),
            figures: tally.figures(span),
        });
        Row {
            kind: self.kind,
            method: Arc::clone(&self.method),
            name: Arc::clone(&self.name),
            order,
            figures: self.tally.figures(span),
            current: self.current(now, start, window),
            segments: segments.collect(),
            intervals: Vec::new(),
            per_second: self.per_second.clone(),
        }
    }
}
