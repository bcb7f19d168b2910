//! The distinct errors and exceptions of a run. What did not change in a second costs nothing in it.

use std::sync::Arc;

use super::super::capped::{Folded, Place, Places, hash_of};
use super::super::delta::{Delta, ErrorDelta, ExceptionDelta};
use super::super::errors::Errors;
use super::super::limits;
use super::super::list::List;
use super::super::summary::{ErrorRow, ExceptionRow, FoldedCounts};

/// What went wrong, up to the limits.
#[derive(Debug)]
pub(super) struct Problems {
    errors: Errors,
    /// Errors that appeared then or later may stand in the wrong order: recorders tell of the same seconds one after the
    /// other.
    unsorted_from: Option<f64>,
    error_places: Places,
    exceptions: List<ExceptionRow>,
    exception_places: Places,
}

impl Problems {
    pub(super) fn new() -> Self {
        Self {
            errors: Errors::default(),
            unsorted_from: None,
            error_places: Places::new(limits::ERRORS, limits::ERROR_BYTES),
            exceptions: List::default(),
            exception_places: Places::new(limits::EXCEPTIONS, usize::MAX),
        }
    }

    pub(super) fn clear(&mut self) {
        self.errors.clear();
        self.unsorted_from = None;
        self.exceptions.clear();
        let _: [Folded; 2] = [self.error_places.clear(), self.exception_places.clear()];
    }

    /// In order of first appearance.
    pub(super) fn errors(&self) -> Errors {
        let mut errors = self.errors.clone();
        if let Some(earliest) = self.unsorted_from {
            errors.sort_from(earliest);
        }
        errors
    }

    /// Puts errors in order, once for all that was added since the last time.
    pub(super) fn settle(&mut self) {
        if let Some(earliest) = self.unsorted_from.take() {
            self.errors.sort_from(earliest);
        }
    }

    pub(super) const fn exceptions(&self) -> &List<ExceptionRow> {
        &self.exceptions
    }

    /// What had no place, and how many samples have no name of their own.
    pub(super) fn folded(&self, names: u64) -> FoldedCounts {
        let (errors, exceptions) = (&self.error_places.folded, &self.exception_places.folded);
        FoldedCounts {
            errors: errors.distinct(),
            error_occurrences: errors.occurrences,
            exceptions: exceptions.distinct(),
            exception_occurrences: exceptions.occurrences,
            names,
        }
    }

    /// Adds what a recorder of `node` saw.
    pub(super) fn add(&mut self, node: &str, delta: &Delta) {
        let moved = delta.errors.iter().filter_map(|error| self.add_error(error)).reduce(f64::min);
        self.unsorted_from = self.unsorted_from.into_iter().chain(moved).reduce(f64::min);
        delta.exceptions.iter().for_each(|exception| self.add_exception(node, exception));
        self.error_places.folded.merge(&delta.folded_errors);
        self.exception_places.folded.merge(&delta.folded_exceptions);
    }

    /// When the error appeared first, unless that was known.
    fn add_error(&mut self, error: &ErrorDelta) -> Option<f64> {
        let key = &error.key;
        let hash = hash_of(&(key.kind, &*key.method, &*key.name, &*error.text));
        let bytes = error.text.len() + key.bytes() + limits::ERROR_OVERHEAD;
        let errors = &self.errors;
        let is_same = |row: &ErrorRow| {
            *row.error == *error.text
                && row.name == key.name
                && row.method == key.method
                && row.kind == key.kind
        };
        let same = |number: usize| errors.numbered(number).is_some_and(is_same);
        match self.error_places.find(hash, error.occurrences, bytes, same)? {
            Place::Known(number) => {
                let row = self.errors.change(number)?;
                row.occurrences += error.occurrences;
                row.last_seen = row.last_seen.max(error.last);
                let is_earlier = error.first < row.first_seen;
                row.first_seen = row.first_seen.min(error.first);
                is_earlier.then_some(error.first)
            }
            Place::New => {
                self.errors.push(ErrorRow {
                    kind: key.kind,
                    method: Arc::clone(&key.method),
                    name: Arc::clone(&key.name),
                    error: (*error.text).into(),
                    occurrences: error.occurrences,
                    first_seen: error.first,
                    last_seen: error.last,
                });
                Some(error.first)
            }
        }
    }

    fn add_exception(&mut self, node: &str, delta: &ExceptionDelta) {
        let hash = hash_of(&(&*delta.scenario, &*delta.message, &*delta.detail));
        let exceptions = &self.exceptions;
        let is_same = |row: &ExceptionRow| {
            *row.detail == *delta.detail
                && *row.message == *delta.message
                && *row.scenario == *delta.scenario
        };
        let same = |number: usize| exceptions.numbered(number).is_some_and(is_same);
        match self.exception_places.find(hash, delta.count, 0, same) {
            Some(Place::Known(number)) => {
                let Some(row) = self.exceptions.change(number) else { return };
                row.count += delta.count;
                if let Err(place) = row.nodes.binary_search_by(|known| (**known).cmp(node))
                    && row.nodes.len() < limits::NODES_PER_EXCEPTION
                {
                    row.nodes.insert(place, node.to_owned());
                }
            }
            Some(Place::New) => self.exceptions.push(ExceptionRow {
                scenario: (*delta.scenario).into(),
                message: (*delta.message).into(),
                detail: (*delta.detail).into(),
                count: delta.count,
                nodes: vec![node.to_owned()],
            }),
            None => {}
        }
    }
}
