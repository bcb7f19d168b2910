//! The course of a run as charts need it: what came in each second, in a bounded number of points.
//!
//! Counts add up exactly, so a day in 240 points has the distribution it had in 86,400.

use super::bands::Bands;
use super::frame::Frame;
use crate::stats::series::{self, Series};

/// Points that stand for about a second each.
const RECENT: usize = 300;
/// Points of the past at which neighbours are united.
const PAST: usize = 480;

/// Charts show at least so many seconds.
const SHORTEST: f64 = 60.0;

/// What came in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Point {
    /// Seconds since the run began, at the end of the stretch.
    pub(crate) end: f64,
    /// Length in seconds.
    pub(crate) span: f64,
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    /// Most users that ran.
    pub(crate) users: u64,
    pub(crate) times: Bands,
}

impl series::Point for Point {
    /// In milliseconds: frames come about once a second, never to the dot.
    fn time(&self) -> u64 {
        // A cast from float saturates.
        ((self.end - self.span) * 1e3) as u64
    }

    fn unite(&mut self, later: Self) {
        self.add(&later);
    }
}

impl Point {
    /// Adds a stretch that follows this one.
    pub(crate) fn add(&mut self, later: &Self) {
        self.end = self.end.max(later.end);
        self.span += later.span;
        self.requests += later.requests;
        self.failures += later.failures;
        self.users = self.users.max(later.users);
        self.times.add(&later.times);
    }

    /// Requests per second.
    pub(crate) fn rate(&self) -> f64 {
        per_second(self.requests, self.span)
    }

    /// Failures per second.
    pub(crate) fn failure_rate(&self) -> f64 {
        per_second(self.failures, self.span)
    }
}

fn per_second(count: u64, span: f64) -> f64 {
    if span > 0.0 { count as f64 / span } else { 0.0 }
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Course {
    series: Series<Point, RECENT, PAST>,
    seen: Seen,
}

/// The sums at the latest frame.
#[derive(Debug, Default)]
struct Seen {
    at: Option<f64>,
    start: f64,
    requests: u64,
    failures: u64,
    times: Bands,
}

impl Course {
    /// All points, oldest first.
    pub(crate) fn points(&self) -> impl DoubleEndedIterator<Item = &Point> {
        self.series.points()
    }

    /// Adds what `frame` holds beyond the one before it. The first frame is where counting begins.
    pub(crate) fn add(&mut self, frame: &Frame) {
        if frame.start > self.seen.start || frame.requests < self.seen.requests {
            // The figures were reset in between: what they hold now has come since.
            let at = self.seen.at;
            self.seen = Seen { at, start: frame.start, ..Seen::default() };
        }
        let span = frame.at - self.seen.at.unwrap_or(frame.start);
        if span > 0.0 {
            self.push(Point {
                end: frame.elapsed,
                span,
                requests: frame.requests.saturating_sub(self.seen.requests),
                failures: frame.failures.saturating_sub(self.seen.failures),
                users: frame.user_count(),
                times: frame.times.since(&self.seen.times),
            });
        }
        self.seen = Seen {
            at: Some(frame.at),
            start: frame.start,
            requests: frame.requests,
            failures: frame.failures,
            times: frame.times.clone(),
        };
    }

    fn push(&mut self, point: Point) {
        // Frames that come in quick succession (a reset, the last one) would be noise as a point of their own.
        match self.series.last_mut() {
            Some(last) if last.span + point.span < 1.0 => last.add(&point),
            _ => self.series.push(point),
        }
    }

    /// The last `window` seconds (all when `None`) as `columns` equal stretches, oldest first; a stretch in which nothing
    /// was observed is `None`. Gives the moments at which the first begins and the last ends, too.
    pub(crate) fn columns(
        &self,
        window: Option<f64>,
        columns: usize,
    ) -> (Vec<Option<Point>>, f64, f64) {
        let to = self.points().next_back().map_or(0.0, |point| point.end);
        // A young run does not fill even the smallest chart.
        let span = to.max(SHORTEST);
        let from = to - window.map_or(span, |window| window.min(span));
        let mut out = vec![None; columns];
        let width = (to - from) / columns as f64;
        if width <= 0.0 {
            return (out, from, to);
        }
        for point in self.points().filter(|point| point.end > from) {
            // A point that spans several columns is shown in each; one that shares a column is united with the others.
            let begin = (point.end - point.span - from).max(0.0) / width;
            let end = (point.end - from) / width;
            // Rounding must not carry a point into a column that it only touches.
            let first = (begin + 1e-6).floor() as usize;
            let last = ((end - 1e-6).ceil() as usize).clamp(first + 1, columns.max(first + 1));
            for slot in out.iter_mut().take(last).skip(first) {
                match slot {
                    Some(united) => united.add(point),
                    None => *slot = Some(point.clone()),
                }
            }
        }
        (out, from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Histogram;

    /// One more second of `rate` requests of 5 ms.
    fn second(course: &mut Course, frame: &mut Frame, rate: u64) {
        frame.at += 1.0;
        frame.elapsed += 1.0;
        frame.requests += rate;
        let mut times = Histogram::<u64>::new();
        (0..rate).for_each(|_| times.record(5_000_000));
        frame.times.add(&Bands::of(&times));
        course.add(frame);
    }

    fn begin() -> (Course, Frame) {
        let frame = Frame { start: 1000.0, at: 1000.0, ..Frame::default() };
        let mut course = Course::default();
        course.add(&frame);
        (course, frame)
    }

    #[test]
    fn points_hold_what_came_in_each_second() {
        let (mut course, mut frame) = begin();
        for rate in [10, 20, 0] {
            second(&mut course, &mut frame, rate);
        }
        let points: Vec<_> =
            course.points().map(|p| (p.end, p.requests, p.times.total())).collect();
        assert_eq!(points, [(1.0, 10, 10), (2.0, 20, 20), (3.0, 0, 0)]);
    }

    #[test]
    fn a_reset_loses_nothing_of_the_course() {
        let (mut course, mut frame) = begin();
        second(&mut course, &mut frame, 10);
        frame = Frame { start: frame.at, at: frame.at, elapsed: frame.elapsed, ..Frame::default() };
        second(&mut course, &mut frame, 30);
        assert_eq!(course.points().map(|p| p.requests).collect::<Vec<_>>(), [10, 30]);
    }

    #[test]
    fn a_day_stays_small_and_keeps_every_request() {
        let (mut course, mut frame) = begin();
        let day = 86_400;
        for _ in 0..day {
            second(&mut course, &mut frame, 1);
            assert!(course.series.len() <= PAST + RECENT);
        }
        assert_eq!(course.points().map(|p| p.requests).sum::<u64>(), day);
        assert_eq!(course.points().map(|p| p.times.total()).sum::<u64>(), day);
    }

    #[test]
    fn columns_unite_and_stretch() {
        let (mut course, mut frame) = begin();
        for rate in [10, 20, 30, 40] {
            second(&mut course, &mut frame, rate);
        }
        let rates = |window, columns| {
            let (columns, _, _) = course.columns(window, columns);
            columns.iter().map(|c| c.as_ref().map(Point::rate)).collect::<Vec<_>>()
        };
        assert_eq!(rates(Some(4.0), 2), [Some(15.0), Some(35.0)]);
        assert_eq!(rates(Some(2.0), 4), [Some(30.0), Some(30.0), Some(40.0), Some(40.0)]);
        assert_eq!(rates(Some(8.0), 4), [None, None, Some(15.0), Some(35.0)]);
        assert_eq!(rates(None, 1), [Some(25.0)]);
        assert_eq!(rates(None, 60)[55..], [None, Some(10.0), Some(20.0), Some(30.0), Some(40.0)]);
        assert_eq!(rates(Some(300.0), 60), rates(None, 60));
        assert_eq!(Course::default().columns(Some(60.0), 3).0, [None, None, None]);
    }
}
