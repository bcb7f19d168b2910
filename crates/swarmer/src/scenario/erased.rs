//! Where a scenario's types disappear: the runner handles users of any state through trait objects.
//!
//! A task's future is boxed, once per task; a request allocates nothing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use rand::RngExt;

use super::panics::{Panic, caught};
use super::{ClassInfo, Scenario, Wait};
use crate::user::{TaskError, TaskResult, User};

type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Makes a user's state.
pub(super) trait StartFn<S>: Send + Sync {
    fn call<'a>(&'a self, user: &'a mut User) -> LocalFuture<'a, Result<S, Fault>>;
}

impl<S: 'static, F> StartFn<S> for F
where
    F: AsyncFn(&mut User) -> Result<S, TaskError> + Send + Sync,
{
    fn call<'a>(&'a self, user: &'a mut User) -> LocalFuture<'a, Result<S, Fault>> {
        Box::pin(fault(async move { self(user).await }))
    }
}

/// Runs a task, or `on_stop`.
pub(super) trait TaskFn<S>: Send + Sync {
    fn call<'a>(&'a self, state: &'a mut S, user: &'a mut User) -> LocalFuture<'a, Outcome>;
}

impl<S: 'static, F> TaskFn<S> for F
where
    F: AsyncFn(&mut S, &mut User) -> TaskResult + Send + Sync,
{
    fn call<'a>(&'a self, state: &'a mut S, user: &'a mut User) -> LocalFuture<'a, Outcome> {
        Box::pin(fault(async move { self(state, user).await }))
    }
}

pub(super) use TaskFn as StopFn;

/// How a call into the workload's code went wrong.
pub(crate) enum Fault {
    /// It returned an error.
    Error(TaskError),
    /// It panicked.
    Panic(Panic),
}

/// How a task, or `on_stop`, went.
pub(crate) type Outcome = Result<(), Fault>;

/// A running user's state together with what it can do.
pub(crate) trait Session {
    /// Picks the next task at random and runs it.
    fn next_task<'a>(&'a mut self, user: &'a mut User) -> LocalFuture<'a, Outcome>;
    /// Runs `on_stop`.
    fn stop<'a>(&'a mut self, user: &'a mut User) -> LocalFuture<'a, Outcome>;
}

pub(super) trait AnyScenario: Send + Sync {
    fn info(&self) -> ClassInfo;
    fn name(&self) -> &str;
    fn host(&self) -> Option<&str>;
    fn wait(&self) -> Wait;
    fn start<'a>(&'a self, user: &'a mut User) -> LocalFuture<'a, Result<Box<dyn Session>, Fault>>;
}

/// A scenario as it is run: tasks with cumulated weights.
pub(super) struct Typed<S> {
    scenario: Arc<Scenario<S>>,
    cumulated: Arc<[u32]>,
}

impl<S> From<Scenario<S>> for Typed<S> {
    fn from(scenario: Scenario<S>) -> Self {
        let cumulated = scenario
            .tasks
            .iter()
            .scan(0_u32, |sum, task| {
                *sum = sum.saturating_add(task.weight);
                Some(*sum)
            })
            .collect();
        Self { scenario: Arc::new(scenario), cumulated }
    }
}

impl<S: 'static> AnyScenario for Typed<S> {
    fn info(&self) -> ClassInfo {
        let Scenario { name, weight, fixed_count, tasks, .. } = &*self.scenario;
        let tasks = tasks.iter().map(|t| (t.name.clone(), t.weight)).collect();
        ClassInfo { name: name.clone(), weight: *weight, fixed_count: *fixed_count, tasks }
    }

    fn name(&self) -> &str {
        &self.scenario.name
    }

    fn host(&self) -> Option<&str> {
        self.scenario.host.as_deref()
    }

    fn wait(&self) -> Wait {
        self.scenario.wait
    }

    fn start<'a>(&'a self, user: &'a mut User) -> LocalFuture<'a, Result<Box<dyn Session>, Fault>> {
        Box::pin(async move {
            let state = self.scenario.start.call(user).await?;
            let session: Box<dyn Session> = Box::new(Running {
                state,
                scenario: Arc::clone(&self.scenario),
                cumulated: Arc::clone(&self.cumulated),
            });
            Ok(session)
        })
    }
}

struct Running<S> {
    state: S,
    scenario: Arc<Scenario<S>>,
    cumulated: Arc<[u32]>,
}

impl<S: 'static> Session for Running<S> {
    fn next_task<'a>(&'a mut self, user: &'a mut User) -> LocalFuture<'a, Outcome> {
        let total = self.cumulated.last().copied().unwrap_or_default();
        if total == 0 {
            let text = format!("no tasks defined on `{}`", self.scenario.name);
            return Box::pin(async { Err(Fault::Error(TaskError::message(text))) });
        }
        let ticket = user.rng().random_range(0..total);
        let index = self.cumulated.partition_point(|&sum| sum <= ticket);
        let task = &self.scenario.tasks[index];
        task.run.call(&mut self.state, user)
    }

    fn stop<'a>(&'a mut self, user: &'a mut User) -> LocalFuture<'a, Outcome> {
        match &self.scenario.stop {
            Some(stop) => stop.call(&mut self.state, user),
            None => Box::pin(std::future::ready(Ok(()))),
        }
    }
}

/// Runs the workload's code; an error and a panic come to the same for its caller.
async fn fault<T>(future: impl Future<Output = Result<T, TaskError>>) -> Result<T, Fault> {
    match caught(future).await {
        Ok(result) => result.map_err(Fault::Error),
        Err(panic) => Err(Fault::Panic(panic)),
    }
}
