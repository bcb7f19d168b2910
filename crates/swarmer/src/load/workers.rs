//! The order of workers and the round robin over them.

use super::classes::LoadError;

/// Workers in their dispatch order, with a cursor. A worker keeps its number (order of joining) for life.
#[derive(Clone, Debug, Default)]
pub(super) struct Workers {
    /// Name by number; numbers of workers that left are not reused.
    names: Vec<String>,
    /// Numbers of the present workers in dispatch order.
    order: Vec<usize>,
    /// Position in `order` of the worker that gets the next user.
    cursor: usize,
}

impl Workers {
    pub(super) fn new<S: Into<String>>(
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, LoadError> {
        let mut workers = Self::default();
        for name in names {
            workers.join(name.into())?;
        }
        workers.cursor = 0;
        if workers.order.is_empty() { Err(LoadError::NoWorkers) } else { Ok(workers) }
    }

    /// The same workers under the same numbers, with the round robin at its start.
    pub(super) fn afresh(&self) -> Self {
        Self { cursor: 0, ..self.clone() }
    }

    /// How many workers there ever were.
    pub(super) fn ever(&self) -> usize {
        self.names.len()
    }

    /// The number of the next worker, advancing the round robin; `None` without workers.
    pub(super) fn next(&mut self) -> Option<usize> {
        let worker = *self.order.get(self.cursor)?;
        self.cursor = (self.cursor + 1) % self.order.len();
        Some(worker)
    }

    /// Adds a worker and returns its number; the round robin goes on with the worker whose turn it was.
    pub(super) fn join(&mut self, name: String) -> Result<usize, LoadError> {
        if self.order.iter().any(|&worker| self.names[worker] == name) {
            return Err(LoadError::DuplicateWorker(name));
        }
        let upcoming = self.order.get(self.cursor).copied();
        let worker = self.names.len();
        self.names.push(name);
        self.order.push(worker);
        self.sort();
        self.cursor = upcoming.and_then(|next| self.position(next)).unwrap_or(0);
        Ok(worker)
    }

    /// Takes a worker out; false if it was not there.
    pub(super) fn leave(&mut self, worker: usize) -> bool {
        let Some(position) = self.position(worker) else { return false };
        self.order.remove(position);
        // The sequence goes on with whoever came after; order within hosts may shift, so sort again.
        if position < self.cursor {
            self.cursor -= 1;
        }
        let upcoming = self.order.get(self.cursor).copied().or_else(|| self.order.first().copied());
        self.sort();
        self.cursor = upcoming.and_then(|next| self.position(next)).unwrap_or(0);
        true
    }

    /// Numbers of the present workers in dispatch order.
    pub(super) fn order(&self) -> &[usize] {
        &self.order
    }

    pub(super) fn name(&self, worker: usize) -> Option<&str> {
        self.names.get(worker).map(String::as_str)
    }

    fn position(&self, worker: usize) -> Option<usize> {
        self.order.iter().position(|&other| other == worker)
    }

    /// Hosts alternate: by the number within the host (the name up to the first `_`), then by name.
    fn sort(&mut self) {
        let names = &self.names;
        self.order.sort_by(|&a, &b| names[a].cmp(&names[b]));
        let host = |worker: usize| names[worker].split('_').next().unwrap_or_default();
        // Sorted by name, a host's workers need not be neighbours ("a", "a-b_1", "a_1"), hence the map.
        let mut seen = std::collections::HashMap::new();
        let mut ranked: Vec<(usize, usize)> = self
            .order
            .iter()
            .map(|&worker| {
                let rank = seen.entry(host(worker)).or_insert(0_usize);
                *rank += 1;
                (*rank, worker)
            })
            .collect();
        // Stable: equal ranks stay in order of their names.
        ranked.sort_by_key(|&(rank, _)| rank);
        self.order = ranked.into_iter().map(|(_, worker)| worker).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(workers: &Workers) -> Vec<&str> {
        workers.order().iter().filter_map(|&worker| workers.name(worker)).collect()
    }

    #[test]
    fn the_round_robin_survives_joining_and_leaving() {
        let mut workers = Workers::new(["b_1", "a_1", "c_1"]).unwrap();
        assert_eq!(names(&workers), ["a_1", "b_1", "c_1"]);
        assert_eq!(workers.next(), Some(1));
        let joined = workers.join("a_0".into()).unwrap();
        assert_eq!(names(&workers), ["a_0", "b_1", "c_1", "a_1"]);
        assert_eq!(workers.next(), Some(0), "b_1 was next and still is");
        assert!(workers.leave(2), "c_1 was next and goes");
        assert_eq!(workers.next(), Some(1), "a_1 followed it");
        assert_eq!(workers.next(), Some(joined));
        assert!(!workers.leave(2));
    }

    #[test]
    fn one_name_once_and_at_least_one() {
        let twice = Workers::new(["a", "a"]).unwrap_err();
        assert_eq!(twice, LoadError::DuplicateWorker("a".into()));
        assert_eq!(Workers::new(Vec::<String>::new()).unwrap_err(), LoadError::NoWorkers);
    }

    #[test]
    fn a_worker_that_comes_back_gets_a_new_number() {
        let mut workers = Workers::new(["a"]).unwrap();
        assert!(workers.leave(0));
        assert_eq!(workers.next(), None);
        assert_eq!(workers.join("a".into()), Ok(1));
        assert_eq!(workers.next(), Some(1));
    }
}
