//! What the view needs of one second's summary: no histograms, so that the collector never has to copy one because a
//! screen still looks at it.

use std::sync::Arc;

use super::bands::Bands;
use crate::runner::State;
use crate::stats::{ErrorRow, Errors, ExceptionRow, List, PERCENTILES, Row, Summary, Users};

/// Distinct errors that the view lists: nobody scrolls further.
const FAULTS: usize = 1_000;

/// The figures of one second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    pub(crate) state: Option<State>,
    /// Seconds since the run began; a reset does not change them.
    pub(crate) elapsed: f64,
    /// Seconds since the Unix epoch: the last reset, and the moment of these figures.
    pub(crate) start: f64,
    pub(crate) at: f64,
    pub(crate) host: String,
    pub(crate) users: Users,
    /// Sums over all requests since `start`.
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    pub(crate) times: Bands,
    pub(crate) total: Line,
    pub(crate) lines: Vec<Line>,
    pub(crate) errors: Errors,
    pub(crate) exceptions: List<ExceptionRow>,
    pub(crate) notes: Vec<String>,
    /// Whether the generator kept up, and a sentence about it; empty before anything is known.
    pub(crate) sound: bool,
    pub(crate) health: String,
}

/// A row of the request table; times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Line {
    pub(crate) method: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    pub(crate) failure_ratio: f64,
    /// Of the last ten seconds.
    pub(crate) rate: f64,
    pub(crate) failure_rate: f64,
    pub(crate) mean: f64,
    pub(crate) max: f64,
    /// Since the start; `None` when nothing was timed.
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
    pub(crate) p99: Option<f64>,
}

/// A distinct error of requests, or an exception of tasks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault<'f> {
    pub(crate) exception: bool,
    pub(crate) count: u64,
    /// Seconds since the Unix epoch, where known.
    pub(crate) last_seen: Option<f64>,
    /// Method and name of the request, or the user class and nothing.
    pub(crate) place: [&'f str; 2],
    pub(crate) text: &'f str,
    pub(crate) detail: Option<&'f str>,
}

impl Frame {
    pub(crate) fn of(summary: &Summary, state: State, elapsed: f64) -> Self {
        Self {
            state: Some(state),
            elapsed,
            start: summary.start,
            at: summary.at,
            host: summary.info.host.clone().unwrap_or_default(),
            users: summary.users.clone(),
            requests: summary.total.figures.requests,
            failures: summary.total.figures.failures,
            times: Bands::of(&summary.total.figures.times),
            total: Line::of(&summary.total),
            lines: summary.requests().map(Line::of).collect(),
            errors: summary.errors.clone(),
            exceptions: summary.exceptions.clone(),
            notes: summary.info.notes.clone(),
            sound: summary.health.sound,
            health: summary.health.text.clone(),
        }
    }

    pub(crate) fn user_count(&self) -> u64 {
        self.users.values().sum()
    }

    /// How many distinct errors of requests and exceptions there are.
    pub(crate) fn fault_count(&self) -> usize {
        self.errors.requests() + self.exceptions.len()
    }

    /// How many of them are listed.
    pub(crate) fn listed_count(&self) -> usize {
        self.errors.requests().min(FAULTS) + self.exceptions.len()
    }

    /// Those that are listed: the first [`FAULTS`] errors, then the exceptions.
    pub(crate) fn faults(&self) -> impl Iterator<Item = Fault<'_>> {
        let errors = self.errors.of_requests().take(FAULTS).map(Fault::of_error);
        errors.chain(self.exceptions.iter().map(Fault::of_exception))
    }
}

impl<'f> Fault<'f> {
    fn of_error(error: &'f ErrorRow) -> Self {
        Self {
            exception: false,
            count: error.occurrences,
            last_seen: Some(error.last_seen),
            place: [&*error.method, &*error.name],
            text: &error.error,
            detail: None,
        }
    }

    fn of_exception(exception: &'f ExceptionRow) -> Self {
        Self {
            exception: true,
            count: exception.count,
            last_seen: None,
            place: [&*exception.scenario, ""],
            text: &exception.message,
            detail: Some(&exception.detail),
        }
    }
}

impl Line {
    fn of(row: &Row) -> Self {
        let figures = &row.figures;
        let at = |p: f64| {
            let place = PERCENTILES.iter().position(|known| known.to_bits() == p.to_bits());
            place.and_then(|place| figures.percentiles[place])
        };
        Self {
            method: Arc::clone(&row.method),
            name: Arc::clone(&row.name),
            requests: figures.requests,
            failures: figures.failures,
            failure_ratio: figures.failure_ratio(),
            rate: row.current.requests_per_second,
            failure_rate: row.current.failures_per_second,
            mean: figures.mean,
            max: figures.max,
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
        }
    }
}
