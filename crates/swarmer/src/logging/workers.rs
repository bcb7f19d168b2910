//! The logs of workers, as they were sent to their master.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Workers whose lines are kept; of more, those with the smallest names go.
const WORKERS: usize = 1_000;

/// Lines by worker. A master has one of these per process.
#[derive(Debug, Default)]
pub struct WorkerLogs(Mutex<BTreeMap<String, Vec<String>>>);

static OF_WORKERS: WorkerLogs = WorkerLogs(Mutex::new(BTreeMap::new()));

/// The logs of the workers of this process, if it is a master.
pub fn of_workers() -> &'static WorkerLogs {
    &OF_WORKERS
}

impl WorkerLogs {
    /// Replaces the lines of a worker.
    pub fn replace(&self, worker: &str, lines: Vec<String>) {
        let mut logs = self.lock();
        logs.insert(worker.to_owned(), lines);
        if logs.len() > WORKERS {
            logs.pop_first();
        }
    }

    /// All lines by worker.
    pub fn all(&self) -> BTreeMap<String, Vec<String>> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
