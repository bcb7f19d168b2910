//! Journeys: which requests belong to the run of a task, and how it ended.

use std::cell::Cell;
use std::rc::Rc;

use super::User;
use crate::stats::{RunEnd, Sample};

impl User {
    /// Says how the journey that the task in hand makes has ended, for the funnel: `none found`, `lost a race`.
    ///
    /// A *journey* is one run of one task, from its first request to its last. Its funnel shows how far runs came and how
    /// they ended: "finished" when the task says nothing, "failed" when it returns an error, whatever it said, and "cut
    /// off" when the user is stopped in the middle of it. The last word counts; use few different ones.
    ///
    /// ```
    /// use swarmer::prelude::*;
    ///
    /// # struct Clerk;
    /// # impl Clerk {
    /// async fn decide(&mut self, user: &mut User) -> TaskResult {
    ///     let open: Vec<u64> = user.get("/claims?status=open").name("1. Find Claim").fetch().await?;
    ///     let Some(claim) = open.first() else {
    ///         user.outcome("none found");
    ///         return Err(TaskError::end_task());
    ///     };
    ///     user.put(&format!("/claims/{claim}")).name("2. Approve").send().await?;
    ///     Ok(())
    /// }
    /// # }
    /// ```
    pub fn outcome(&mut self, outcome: &str) {
        if let Some(run) = &mut self.run {
            self.env.recorder.borrow_mut().say(run, outcome);
        }
    }

    /// Runs `block`, whose requests belong to no journey: a sign-in between two tasks, a token that is fetched anew. They
    /// are counted as all others.
    ///
    /// ```
    /// use swarmer::prelude::*;
    ///
    /// # struct Clerk;
    /// # impl Clerk {
    /// async fn read(&mut self, user: &mut User) -> TaskResult {
    ///     user.aside(async |user| user.post("/login").send().await).await?;
    ///     user.get("/claims").send().await?; // with this the journey begins
    ///     Ok(())
    /// }
    /// # }
    /// ```
    pub async fn aside<T>(&mut self, block: impl AsyncFnOnce(&mut User) -> T) -> T {
        let _aside = Aside::begin(&self.aside);
        block(self).await
    }

    /// Says of which class the user is; its requests are counted under that too.
    pub(crate) fn set_class(&mut self, name: &str) {
        self.class = self.env.recorder.borrow_mut().class(name);
    }

    /// The requests to come are those of a run of `task`.
    pub(crate) fn begin_run(&mut self, task: &str) {
        if let Some(transcript) = &self.env.transcript {
            transcript.begins("task", task);
        }
        self.run = Some(self.env.recorder.borrow_mut().begin_run(self.class, task, self.began));
    }

    /// A task set is entered.
    pub(crate) fn tell_set(&self, name: &str) {
        if let Some(transcript) = &self.env.transcript {
            transcript.begins("task set", name);
        }
    }

    /// Counts the run in hand, if there is one.
    pub(crate) fn end_run(&mut self, end: RunEnd) {
        if let Some(run) = self.run.take() {
            if let Some(transcript) = &self.env.transcript {
                transcript.task_ends(&end);
            }
            self.env.recorder.borrow_mut().end_run(&run, end, self.segment);
        }
    }

    /// Counts a request, which was recorded, as a step of the run in hand.
    pub(super) fn step(&mut self, sample: &Sample) {
        let Some(run) = self.run.as_mut().filter(|_| self.aside.get() == 0) else { return };
        self.env.recorder.borrow_mut().step(run, sample, self.stop.is_in_flight());
    }
}

/// As long as it lives, requests belong to no run; also when the block that sends them is dropped.
struct Aside(Rc<Cell<u32>>);

impl Aside {
    fn begin(depth: &Rc<Cell<u32>>) -> Self {
        depth.set(depth.get() + 1);
        Self(Rc::clone(depth))
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
