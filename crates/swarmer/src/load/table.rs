//! The plan at one moment: how many users of each class run on each worker.

/// Counts by worker and class; workers and classes by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    classes: usize,
    counts: Vec<u32>,
}

impl Table {
    pub(super) fn new(workers: usize, classes: usize) -> Self {
        Self { classes, counts: vec![0; workers * classes] }
    }

    /// Users of `class` on `worker`; 0 for numbers that do not exist.
    pub fn get(&self, worker: usize, class: usize) -> u32 {
        self.worker(worker).get(class).copied().unwrap_or(0)
    }

    /// The counts of one worker, by class.
    pub fn worker(&self, worker: usize) -> &[u32] {
        let start = worker * self.classes;
        self.counts.get(start..start + self.classes).unwrap_or(&[])
    }

    /// Users of one class on all workers.
    pub fn class_total(&self, class: usize) -> u32 {
        self.counts.iter().skip(class).step_by(self.classes.max(1)).sum()
    }

    /// Users of all classes on one worker.
    pub fn worker_total(&self, worker: usize) -> u32 {
        self.worker(worker).iter().sum()
    }

    /// All users.
    pub fn total(&self) -> u32 {
        self.counts.iter().sum()
    }

    pub(super) fn cell(&mut self, worker: usize, class: usize) -> &mut u32 {
        &mut self.counts[worker * self.classes + class]
    }

    /// Makes room for one more worker.
    pub(super) fn add_worker(&mut self) {
        self.counts.resize(self.counts.len() + self.classes, 0);
    }

    pub(super) fn clear_worker(&mut self, worker: usize) {
        let start = worker * self.classes;
        self.counts[start..start + self.classes].fill(0);
    }
}
