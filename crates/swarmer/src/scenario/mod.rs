//! Scenarios: what kinds of users there are, which tasks they do, and how they wait between them.

mod erased;
mod panics;
mod wait;

use std::sync::Arc;

pub(crate) use erased::{Fault, Session};
use erased::{StartFn, StopFn, TaskFn};
pub(crate) use panics::{Panic, catch, caught};
pub(crate) use wait::Pace;
pub use wait::{Wait, between, constant, pacing, schedule};

use crate::user::{TaskError, TaskResult, User};

/// A kind of user: a plain struct `S` for its state, plain `async fn`s for what it does.
///
/// ```
/// use swarmer::prelude::*;
///
/// struct Reader { pages: u32 }
///
/// impl Reader {
///     async fn arrive(_user: &mut User) -> Result<Self, TaskError> {
///         Ok(Self { pages: 0 })
///     }
///     async fn read(&mut self, user: &mut User) -> TaskResult {
///         user.get("/page").expect(200).send().await?;
///         self.pages += 1;
///         Ok(())
///     }
/// }
///
/// let readers = Scenario::new("Reader", Reader::arrive)
///     .wait(between(2.0, 5.0))
///     .task(1, "Read", Reader::read);
/// # let _ = readers;
/// ```
pub struct Scenario<S> {
    name: String,
    weight: f64,
    fixed_count: u32,
    host: Option<String>,
    wait: Wait,
    start: Arc<dyn StartFn<S>>,
    stop: Option<Arc<dyn StopFn<S>>>,
    tasks: Vec<Task<S>>,
}

struct Task<S> {
    name: String,
    weight: u32,
    run: Arc<dyn TaskFn<S>>,
}

impl<S> std::fmt::Debug for Scenario<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tasks: Vec<_> = self.tasks.iter().map(|t| (&t.name, t.weight)).collect();
        f.debug_struct("Scenario")
            .field("name", &self.name)
            .field("weight", &self.weight)
            .field("tasks", &tasks)
            .finish_non_exhaustive()
    }
}

impl<S: 'static> Scenario<S> {
    /// A scenario named `name`, of weight 1 and without waits. `start` makes a user's state before its first task: sign-in
    /// belongs there.
    ///
    /// An error from `start` ends that user: it is counted as an exception (unless it was a failed request, which is
    /// counted already) and the user is not replaced.
    pub fn new<F>(name: impl Into<String>, start: F) -> Self
    where
        F: AsyncFn(&mut User) -> Result<S, TaskError> + Send + Sync + 'static,
    {
        Self {
            name: name.into(),
            weight: 1.0,
            fixed_count: 0,
            host: None,
            wait: Wait::None,
            start: Arc::new(start),
            stop: None,
            tasks: Vec::new(),
        }
    }

    /// This scenario's share of all users, relative to the weights of the others.
    ///
    /// # Panics
    /// When `weight` is negative or not finite.
    #[must_use]
    pub fn weight(mut self, weight: f64) -> Self {
        assert!(weight.is_finite() && weight >= 0.0, "weight({weight}): must be finite and >= 0");
        self.weight = weight;
        self
    }

    /// Exactly so many users of this kind, filled before all weighted ones; its weight then no longer counts.
    #[must_use]
    pub fn fixed_count(mut self, users: u32) -> Self {
        self.fixed_count = users;
        self
    }

    /// The host of this scenario, `http://name:port`, unless `--host` says otherwise.
    #[must_use]
    pub fn host(mut self, base_url: impl Into<String>) -> Self {
        self.host = Some(base_url.into());
        self
    }

    /// The pause between two tasks.
    #[must_use]
    pub fn wait(mut self, wait: Wait) -> Self {
        self.wait = wait;
        self
    }

    /// Adds a task. A user picks its next task at random, in proportion to the weights.
    #[must_use]
    pub fn task<F>(mut self, weight: u32, name: impl Into<String>, run: F) -> Self
    where
        F: AsyncFn(&mut S, &mut User) -> TaskResult + Send + Sync + 'static,
    {
        self.tasks.push(Task { name: name.into(), weight, run: Arc::new(run) });
        self
    }

    /// What a user does when it stops, for whatever reason: also at the end of the run and when the number of users falls.
    #[must_use]
    pub fn on_stop<F>(mut self, stop: F) -> Self
    where
        F: AsyncFn(&mut S, &mut User) -> TaskResult + Send + Sync + 'static,
    {
        self.stop = Some(Arc::new(stop));
        self
    }
}

/// A scenario whose state type no longer shows: what the runner works with.
#[derive(Clone)]
pub(crate) struct UserClass(Arc<dyn erased::AnyScenario>);

/// What is known of a class without running it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ClassInfo {
    pub(crate) name: String,
    pub(crate) weight: f64,
    pub(crate) fixed_count: u32,
    /// Tasks with their weights, in the order they were declared.
    pub(crate) tasks: Vec<(String, u32)>,
}

impl UserClass {
    pub(crate) fn info(&self) -> ClassInfo {
        self.0.info()
    }

    pub(crate) fn name(&self) -> &str {
        self.0.name()
    }

    pub(crate) fn host(&self) -> Option<&str> {
        self.0.host()
    }

    pub(crate) fn wait(&self) -> Wait {
        self.0.wait()
    }

    pub(crate) async fn start(&self, user: &mut User) -> Result<Box<dyn Session>, Fault> {
        self.0.start(user).await
    }
}

impl<S: 'static> From<Scenario<S>> for UserClass {
    fn from(scenario: Scenario<S>) -> Self {
        Self(Arc::new(erased::Typed::from(scenario)))
    }
}
