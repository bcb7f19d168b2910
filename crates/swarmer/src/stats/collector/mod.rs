//! The collector: merges the deltas of all recorders on the control plane and makes summaries of them.

mod problems;
mod rows;

use std::sync::Arc;
use std::time::Instant;

use problems::Problems;
use rows::Rows;

use super::delta::{Delta, Kind, RowDelta};
use super::exemplars::Exemplars;
use super::funnels::Funnels;
use super::history::{Gauge, History, HistoryPoint};
use super::mark::MarkKind;
use super::marks::{Marks, TargetWatch};
use super::metric::MergedMetrics;
use super::omission;
use super::record::Record;
use super::row_history::{RowCourse, RowHistory, RowKind, RowRecord};
use super::schedule::ScheduleTally;
use super::summary::{P50, P90, P95, P99, PercentileSource, Row, RunInfo, Summary, Users};
use super::tally::RowState;
use super::vitals::{Reported, Vitals};
use super::window::Scratch;
use crate::clock::{self, Anchor};

/// Seconds a tick may be late before the history gets a hole.
const LATE: u64 = 30;

/// Seconds by which another machine's clock may be ahead before what it counts is counted now.
const AHEAD: u64 = 3_600;

/// Everything known about a run, growing by one [`Delta`] per recorder and second.
#[derive(Debug)]
pub struct Collector {
    anchor: Anchor,
    info: RunInfo,
    /// Seconds since the Unix epoch: the start or the last reset.
    start: f64,
    rows: Rows,
    total: RowState,
    problems: Problems,
    aborted: u64,
    metrics: MergedMetrics,
    schedule: ScheduleTally,
    funnels: Funnels,
    exemplars: Exemplars,
    history: History,
    planned: Option<u64>,
    vitals: Vitals,
    marks: Marks,
    target: TargetWatch,
    stage: Stage,
}

/// Where the course of a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Going,
    /// Its last point is to come.
    Ending,
    Over,
}

impl Collector {
    /// An empty collector of a run that starts at `now`.
    pub fn new(anchor: Anchor, now: Instant) -> Self {
        Self {
            anchor,
            info: RunInfo::default(),
            start: anchor.epoch_seconds(now),
            rows: Rows::default(),
            total: RowState::new(Kind::Request, "".into(), "Aggregated".into()),
            problems: Problems::new(),
            aborted: 0,
            metrics: MergedMetrics::default(),
            schedule: ScheduleTally::default(),
            funnels: Funnels::default(),
            exemplars: Exemplars::default(),
            history: History::default(),
            planned: None,
            vitals: Vitals::new(),
            marks: Marks::default(),
            target: TargetWatch::default(),
            stage: Stage::Going,
        }
    }

    /// Target, seed and notes of the run, shown by every surface.
    pub fn info_mut(&mut self) -> &mut RunInfo {
        &mut self.info
    }

    /// Adds a note for the readers of the figures, once.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.info.notes.contains(&note) {
            self.info.notes.push(note);
        }
    }

    /// Keeps the counts of every second from now on ([`Row::per_second`](super::Row::per_second)); without this only those
    /// of the last seconds are kept.
    pub fn keep_seconds(&mut self) {
        self.total.per_second.get_or_insert_default();
        self.rows.keep_seconds();
    }

    /// Adds what a recorder of this process saw.
    #[expect(clippy::needless_pass_by_value, reason = "a delta that is consumed counts only once")]
    pub fn merge(&mut self, delta: Delta) {
        self.merge_from("local", &delta);
    }

    /// Adds what a recorder of `node` saw; exceptions name their nodes.
    pub fn merge_from(&mut self, node: &str, delta: &Delta) {
        for row in &delta.rows {
            self.add_row(row);
        }
        self.problems.add(node, delta);
        for journey in &delta.journeys {
            self.funnels.add(journey);
        }
        for exemplar in &delta.exemplars {
            self.exemplars.add(exemplar);
        }
        self.rows.folded += delta.folded_names;
        self.aborted += delta.aborted;
        self.schedule.add(&delta.schedule);
        self.metrics.merge(&delta.metrics);
        delta.pulses.iter().for_each(|pulse| self.vitals.add(node, pulse));
    }

    /// As [`Self::reset`], with rates that count from `start`, in seconds since the Unix epoch.
    pub(crate) fn reset_to(&mut self, start: f64) {
        self.reset(clock::now());
        self.start = start;
    }

    /// Sets all figures, errors and exceptions to zero; names and history stay, rates count from `now`.
    ///
    /// Deltas taken afterwards still hold what was recorded before: take and drop them first.
    pub fn reset(&mut self, now: Instant) {
        self.start = self.anchor.epoch_seconds(now);
        self.total.reset();
        self.rows.reset();
        self.problems.clear();
        self.aborted = 0;
        self.metrics.clear();
        self.schedule = ScheduleTally::default();
        self.funnels.clear();
        self.exemplars.clear();
    }

    /// Begins a new run: as [`reset`](Self::reset), and course, marks and health of the run before are forgotten.
    pub fn begin(&mut self, now: Instant) {
        self.reset(now);
        self.history = History::default();
        self.vitals = Vitals::new();
        self.marks = Marks::default();
        self.target = TargetWatch::default();
        self.stage = Stage::Going;
        self.rows.all_mut().for_each(|row| row.course = RowCourse::default());
    }

    /// The number of users that there should be from now on, where there is one.
    pub fn plan(&mut self, users: Option<u64>) {
        self.planned = users;
    }

    /// The run is over once everything is in that was merged so far: the next [`tick`](Self::tick) is the last to add to the
    /// history, the present second included, and the verdict on the generator's health is about the whole run.
    pub fn end(&mut self) {
        self.stage = self.stage.max(Stage::Ending);
        self.vitals.end();
    }

    /// Marks the present moment.
    pub fn mark(&mut self, kind: MarkKind, text: impl Into<String>) {
        let at = self.anchor.epoch_seconds(clock::now());
        self.marks.add(at, kind, text.into());
    }

    /// To be called once a second, after the deltas of that second were merged: adds the seconds that have passed since
    /// the last call to the history and forgets what has left the ten-second window.
    pub fn tick(&mut self, now: Instant, users: &Users) {
        self.problems.settle();
        let second = self.second(now);
        // A late tick adds several points, as far back as seconds are counted; a second tick within a second adds none.
        let oldest = second.saturating_sub(if self.history.latest().is_some() { LATE } else { 1 });
        let from = self.history.latest().map_or(oldest, |latest| oldest.max(latest + 1));
        let seconds = match self.stage {
            Stage::Going => from..second,
            Stage::Ending => from..second + 1,
            Stage::Over => second..second,
        };
        if self.stage == Stage::Ending {
            self.stage = Stage::Over;
        }
        let mut scratch = Scratch::default();
        for row in self.rows.all_mut() {
            row.tick(seconds.clone(), second, &mut scratch);
        }
        if seconds.is_empty() {
            return;
        }
        let point = self.point(second, users);
        self.watch(second, &point);
        for time in seconds {
            let mut point = HistoryPoint { time, span: 1, ..point.clone() };
            point.set_counts(self.total.seconds.get(time));
            self.history.push(point);
        }
    }

    /// Judges target and generator by the seconds before `second`, and marks when something turns.
    #[expect(clippy::cast_precision_loss, reason = "seconds since the Unix epoch")]
    fn watch(&mut self, second: u64, point: &HistoryPoint) {
        if let Some(text) = self.target.look(second, &self.total.seconds) {
            self.marks.add(second as f64, MarkKind::Target, text);
        }
        let timed = point.p50.observations > 0;
        let is_open = self.schedule.figures().is_some();
        let reported =
            timed.then_some(Reported { p50: point.p50.mean, p99: point.p99.mean, is_open });
        if let Some(text) = self.vitals.tick(second, reported) {
            self.marks.add(second as f64, MarkKind::Health, text);
        }
    }

    /// What the history says about the moment before `second`, without the counts of a second.
    #[expect(clippy::cast_precision_loss, reason = "a number of users")]
    fn point(&mut self, second: u64, users: &Users) -> HistoryPoint {
        let mut window = Scratch::default();
        for row in self.rows.requests() {
            row.window.fill(second, &mut window);
        }
        let current = self.total.current(second, self.start_second(), &window);
        let running = users.values().sum::<u64>() as f64;
        HistoryPoint {
            users: Gauge::of(Some(running)),
            planned: Gauge::of(self.planned.map(|users| users as f64)),
            class_users: self.history.class_users(users),
            p50: Gauge::of(current.percentiles[P50]),
            p90: Gauge::of(current.percentiles[P90]),
            p95: Gauge::of(current.percentiles[P95]),
            p99: Gauge::of(current.percentiles[P99]),
            mean: Gauge::of(self.total.tally.mean()),
            ..HistoryPoint::default()
        }
    }

    /// The course of the run since it began (a reset does not shorten it).
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The course of one row: `method` and `name` are those of the row ([`RowRecord`]). `None` when there is no such row.
    pub fn row_history(&self, kind: RowKind, method: &str, name: &str) -> Option<RowHistory> {
        let row = self
            .rows
            .courses()
            .find(|(known, row)| *known == kind && *row.name == *name && *row.method == *method);
        row.map(|(_, row)| row.course.columns())
    }

    /// A summary with the courses of the run and of each row: what is saved of a run.
    pub fn record(&self, mut summary: Summary) -> Record {
        summary.tell_intervals();
        let rows = self.rows.courses().filter(|(_, row)| !row.course.is_empty());
        let rows = rows.map(|(kind, row)| RowRecord {
            kind,
            method: Arc::clone(&row.method),
            name: Arc::clone(&row.name),
            history: row.course.columns(),
        });
        Record {
            summary,
            history: self.history.columns(),
            row_histories: rows.collect(),
            runs: Vec::new(),
        }
    }

    /// Everything known at `now`, with the users that run at that moment.
    pub fn summary(&self, now: Instant, users: Users) -> Summary {
        let second = self.second(now);
        let span = self.total.tally.last.map_or(0.0, |last| last - self.start);
        let (start, mut window, mut all) =
            (self.start_second(), Scratch::default(), Scratch::default());
        let rows = self.rows.sorted().map(|(at, row)| {
            window.clear();
            row.window.fill(second, &mut window);
            if row.kind == Kind::Request {
                row.window.fill(second, &mut all);
            }
            row.row(at, second, start, span, &window)
        });
        let rows = rows.collect();
        let total = self.total.row(0, second, start, span, &all);
        Summary {
            version: Summary::VERSION,
            info: self.told_info(&total),
            start: self.start,
            at: self.anchor.epoch_seconds(now),
            last_request: self.total.tally.last,
            users,
            percentile_source: match total.figures.coarse {
                Some(_) => PercentileSource::Locust,
                None => PercentileSource::Fine,
            },
            rows,
            total,
            errors: self.problems.errors(),
            exceptions: self.problems.exceptions().clone(),
            aborted: self.aborted,
            schedule: self.schedule.figures(),
            metrics: self.metrics.rows(self.anchor.epoch_seconds(now) - self.start, &self.anchor),
            folded: self.problems.folded(self.rows.folded),
            classes: self.class_rows(second, span),
            funnels: self.funnels.funnels(),
            exemplars: self.exemplars.all(),
            health: self.vitals.health(second),
            marks: self.marks.all().to_vec(),
            workers: Vec::new(),
        }
    }

    /// What is told of the run, with what its figures cannot tell.
    fn told_info(&self, total: &Row) -> RunInfo {
        let mut info = self.info.clone();
        if self.schedule.figures().is_none() {
            info.notes.extend(omission::note(&total.figures));
        }
        info
    }

    fn second(&self, now: Instant) -> u64 {
        self.anchor.since_epoch(now).as_secs()
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the floor is meant"
    )]
    fn start_second(&self) -> u64 {
        self.start as u64
    }

    fn add_row(&mut self, delta: &RowDelta) {
        // A clock far ahead of ours must not keep a window open for ever.
        let latest = self.history.latest().unwrap_or(u64::MAX - AHEAD);
        if delta.seconds.iter().any(|count| count.second > latest + AHEAD) {
            return self.add_row(&delta.pulled_back(latest + AHEAD, latest + 1));
        }
        let key = &delta.key;
        let keeps_seconds = self.total.per_second.is_some();
        let row = self.rows.row(key.kind, &key.method, &key.name, delta.requests, keeps_seconds);
        row.add(delta);
        row.follow(delta, self.history.latest());
        if key.kind != Kind::Request {
            return;
        }
        self.total.add(delta);
        if let Some(class) = &key.class {
            let latest = self.history.latest();
            let class = self.rows.class(class);
            class.add(delta);
            class.follow(delta, latest);
        }
        // A report that comes after its second's point was made still counts there.
        for count in &delta.seconds {
            self.history.amend(self.total.seconds.get(count.second));
        }
        // A report is about one second and touches two: its times count in the one in which most of them came.
        if let Some(most) = delta.seconds.iter().max_by_key(|count| count.requests) {
            self.history.add_times(most.second, &delta.times);
        }
    }

    fn class_rows(&self, second: u64, span: f64) -> Vec<Row> {
        let (start, mut window) = (self.start_second(), Scratch::default());
        let rows = self.rows.classes().enumerate().map(|(at, row)| {
            window.clear();
            row.window.fill(second, &mut window);
            row.row(at, second, start, span, &window)
        });
        rows.collect()
    }
}
