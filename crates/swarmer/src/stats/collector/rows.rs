//! The rows of a run: requests and journeys by name, and user classes.

use std::sync::Arc;

use hashbrown::HashTable;

use super::super::capped::hash_of;
use super::super::delta::Kind;
use super::super::limits;
use super::super::row_history::RowKind;
use super::super::tally::RowState;

/// All rows but the total, up to the limits.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// In order of first appearance.
    named: Vec<RowState>,
    index: HashTable<(u64, usize)>,
    /// Numbers of the rows by kind, name, method.
    sorted: Vec<usize>,
    /// Requests by user class, by name.
    classes: Vec<RowState>,
    /// Samples whose name found no room.
    pub(super) folded: u64,
}

impl Rows {
    /// Sets all figures to zero; the rows stay.
    pub(super) fn reset(&mut self) {
        self.all_mut().for_each(RowState::reset);
        self.folded = 0;
    }

    /// Keeps the counts of every second from now on, of requests and journeys.
    pub(super) fn keep_seconds(&mut self) {
        for row in &mut self.named {
            row.per_second.get_or_insert_default();
        }
    }

    /// Requests, journeys and classes.
    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut RowState> {
        self.named.iter_mut().chain(&mut self.classes)
    }

    pub(super) fn requests(&self) -> impl Iterator<Item = &RowState> {
        self.named.iter().filter(|row| row.kind == Kind::Request)
    }

    /// Requests and journeys with their numbers, by kind, name, method.
    pub(super) fn sorted(&self) -> impl Iterator<Item = (usize, &RowState)> {
        self.sorted.iter().map(|at| (*at, &self.named[*at]))
    }

    /// By name.
    pub(super) fn classes(&self) -> impl Iterator<Item = &RowState> {
        self.classes.iter()
    }

    /// The rows that have a course.
    pub(super) fn courses(&self) -> impl Iterator<Item = (RowKind, &RowState)> {
        let rows = self.sorted().map(|(_, row)| match row.kind {
            Kind::Request => (RowKind::Request, row),
            Kind::Journey => (RowKind::Journey, row),
        });
        rows.chain(self.classes.iter().map(|row| (RowKind::Class, row)))
    }

    /// The row of a user class, made if it is new.
    pub(super) fn class(&mut self, name: &Arc<str>) -> &mut RowState {
        let at = self.classes.binary_search_by(|row| row.name.cmp(name));
        let at = match at {
            Err(_) if self.classes.len() >= limits::CLASSES && **name != *limits::OTHER => {
                return self.class(&limits::OTHER.into());
            }
            Err(at) => {
                let row = RowState::new(Kind::Request, "".into(), Arc::clone(name));
                self.classes.insert(at, row);
                at
            }
            Ok(at) => at,
        };
        &mut self.classes[at]
    }

    /// A row, made if it is new; `samples` are those that count under it.
    pub(super) fn row(
        &mut self,
        kind: Kind,
        method: &Arc<str>,
        name: &Arc<str>,
        samples: u64,
        keeps_seconds: bool,
    ) -> &mut RowState {
        let hash = hash_of(&(kind, &**method, &**name));
        let rows = &self.named;
        let is_same = |at: usize| {
            let row = &rows[at];
            row.kind == kind && row.name == *name && row.method == *method
        };
        if let Some((_, at)) = self.index.find(hash, |(_, at)| is_same(*at)) {
            return &mut self.named[*at];
        }
        if rows.len() >= limits::ROWS && **name != *limits::OTHER {
            self.folded += samples;
            return self.row(kind, method, &limits::OTHER.into(), samples, keeps_seconds);
        }
        if rows.len() >= limits::ROWS + limits::OTHER_ROWS && **method != *limits::OTHER {
            return self.row(kind, &limits::OTHER.into(), name, samples, keeps_seconds);
        }
        let at = rows.len();
        let place = self.sorted.partition_point(|other| {
            let other = &rows[*other];
            (other.kind, &other.name, &other.method) < (kind, name, method)
        });
        self.sorted.insert(place, at);
        self.index.insert_unique(hash, (hash, at), |(hash, _)| *hash);
        let mut row = RowState::new(kind, Arc::clone(method), Arc::clone(name));
        row.per_second = keeps_seconds.then(Arc::default);
        self.named.push(row);
        &mut self.named[at]
    }
}
