//! A worker's part of a limited number of tasks.

use std::sync::Arc;

use super::{Link, Workshop};
use crate::runner::handle::Service;
use crate::runner::letters::{Held, Up};
use crate::runner::turns::Budget;

impl<W: Workshop> Link<W> {
    /// So many tasks may be begun here in all from now on, or as few as have been; says what came of it.
    pub(super) fn grant(&mut self, tasks: u64) {
        if let Some(budget) = &self.run.budget {
            // Nothing more is begun where users are about to go.
            budget.grant(if self.run.leaving { 0 } else { tasks });
            self.tell_tasks(false);
        }
    }

    /// There is nothing left to do anywhere.
    pub(super) fn finish(&mut self) {
        if let Some(budget) = &self.run.budget {
            budget.close();
        }
        self.handle.serve(Service::Finish);
    }

    /// Says how many tasks there are, and how many of them have been begun.
    pub(super) fn tell_tasks(&mut self, hungry: bool) {
        if let (Some(_), Some(run), Some(budget)) =
            (self.master.ours, self.run.number, &self.run.budget)
        {
            let (granted, begun) = budget.account();
            self.write(&Up::Tasks { run, granted, begun, hungry });
        }
    }

    /// What there is here of what is shared out over all workers.
    pub(super) fn held(&self) -> Held {
        let budget = self.run.budget.as_ref().map(|budget| budget.account());
        let (granted, begun) = budget.unwrap_or_default();
        Held { max_rate: self.run.max_rate, granted, begun, ended: self.accounts.ended_told }
    }
}

/// Returns when users wait for more tasks, once each time; never where their number is not limited.
pub(super) async fn hunger(budget: Option<Arc<Budget>>) {
    match budget {
        Some(budget) => budget.hunger().await,
        None => std::future::pending().await,
    }
}
