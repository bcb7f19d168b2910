//! User classes: scenarios whose state type no longer shows, as the runner works with them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Scenario;
use super::check::Findings;
use super::edit::{TagFilter, TaskInfo};
use super::erased::{Fault, LocalFuture, Outcome};
use super::level::{Active, Level, Step};
use super::overrides::Override;
use super::wait::Pace;
use crate::user::User;

/// A scenario as the runner sees it.
#[derive(Clone)]
pub(crate) struct UserClass(Arc<dyn AnyScenario>);

/// What is known of a class without running it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ClassInfo {
    pub(crate) name: String,
    pub(crate) weight: f64,
    pub(crate) fixed_count: u32,
    /// Tasks and sets in the order they were declared.
    pub(crate) tasks: Vec<TaskInfo>,
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

    /// Whether its users send requests to a host.
    pub(crate) fn needs_host(&self) -> bool {
        self.0.needs_host()
    }

    /// What is wrong with the definition.
    pub(crate) fn check(&self, findings: &mut Findings) {
        self.0.check(findings);
    }

    /// The class with only the tasks that `filter` keeps, possibly none.
    pub(crate) fn tagged(&self, filter: TagFilter) -> Self {
        self.0.tagged(filter)
    }

    /// The class with weight 1 and each of its tasks once.
    pub(crate) fn equally_weighted(&self) -> Self {
        self.0.equally_weighted()
    }

    /// The class as `--config-users` wants it.
    pub(crate) fn overridden(&self, change: &Override) -> Self {
        self.0.overridden(change)
    }

    /// Makes the state of a user that was born at `born`.
    pub(crate) async fn start(
        &self,
        user: &mut User,
        born: Instant,
    ) -> Result<Box<dyn Session>, Fault> {
        self.0.start(user, Pace::new(born)).await
    }
}

impl<S: 'static> From<Scenario<S>> for UserClass {
    fn from(mut scenario: Scenario<S>) -> Self {
        scenario.tasks = Arc::new(scenario.tasks.as_ref().clone().ready());
        Self(Arc::new(Typed(scenario)))
    }
}

/// A running user's state together with what it can do. See [`Step`].
pub(crate) trait Session {
    /// Picks what comes next in the innermost set the user is in.
    fn advance<'a>(&'a mut self, user: &'a mut User) -> Step<'a>;
    /// Runs `on_stop` of the innermost set, which for the outermost is the user's own.
    fn stop<'a>(&'a mut self, user: &'a mut User) -> LocalFuture<'a, Outcome>;
    /// The name of the innermost set.
    fn innermost(&self) -> &str;
    /// Whether the user is in no nested set.
    fn is_outermost(&self) -> bool;
    /// Leaves the innermost set; `false` when the user is in none but the outermost.
    fn leave(&mut self, user: &mut User) -> bool;
    /// The pause before what comes next.
    fn pause(&mut self, user: &mut User) -> Result<Duration, Fault>;
}

trait AnyScenario: Send + Sync {
    fn info(&self) -> ClassInfo;
    fn name(&self) -> &str;
    fn host(&self) -> Option<&str>;
    fn needs_host(&self) -> bool;
    fn check(&self, findings: &mut Findings);
    fn tagged(&self, filter: TagFilter) -> UserClass;
    fn equally_weighted(&self) -> UserClass;
    fn overridden(&self, change: &Override) -> UserClass;
    fn start<'a>(
        &'a self,
        user: &'a mut User,
        pace: Pace,
    ) -> LocalFuture<'a, Result<Box<dyn Session>, Fault>>;
}

struct Typed<S>(Scenario<S>);

impl<S: 'static> AnyScenario for Typed<S> {
    fn info(&self) -> ClassInfo {
        let Scenario { name, weight, fixed_count, tasks, .. } = &self.0;
        let tasks = tasks.info();
        ClassInfo { name: name.clone(), weight: *weight, fixed_count: *fixed_count, tasks }
    }

    fn name(&self) -> &str {
        &self.0.name
    }

    fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    fn needs_host(&self) -> bool {
        self.0.needs_host
    }

    fn check(&self, findings: &mut Findings) {
        self.0.tasks.check(&self.0.name, findings);
    }

    fn tagged(&self, filter: TagFilter) -> UserClass {
        let all = &self.0.tasks;
        let tasks = Arc::new(all.tagged(filter, &[]).unwrap_or_else(|| all.only(&[])));
        Scenario { tasks, ..self.0.clone() }.into()
    }

    fn equally_weighted(&self) -> UserClass {
        let tasks = Arc::new(self.0.tasks.flattened());
        Scenario { weight: 1.0, tasks, ..self.0.clone() }.into()
    }

    fn overridden(&self, change: &Override) -> UserClass {
        let mut scenario = self.0.clone();
        scenario.weight = change.weight.unwrap_or(scenario.weight);
        scenario.fixed_count = change.fixed_count.unwrap_or(scenario.fixed_count);
        // Locust's page sends an empty one for a class that it shows without.
        let host = change.host.as_ref().filter(|host| !host.is_empty());
        scenario.host = host.cloned().or(scenario.host);
        if let Some(names) = &change.tasks {
            scenario.tasks = Arc::new(scenario.tasks.only(names));
        }
        scenario.into()
    }

    fn start<'a>(
        &'a self,
        user: &'a mut User,
        pace: Pace,
    ) -> LocalFuture<'a, Result<Box<dyn Session>, Fault>> {
        Box::pin(async move {
            let state = self.0.start.call(user).await?;
            let outermost = Active::outermost(Arc::clone(&self.0.tasks), pace);
            let session: Box<dyn Session> = Box::new(Running { state, outermost });
            Ok(session)
        })
    }
}

struct Running<S> {
    state: S,
    outermost: Active<S>,
}

impl<S: 'static> Session for Running<S> {
    fn advance<'a>(&'a mut self, user: &'a mut User) -> Step<'a> {
        self.outermost.advance(&mut self.state, user)
    }

    fn stop<'a>(&'a mut self, user: &'a mut User) -> LocalFuture<'a, Outcome> {
        self.outermost.stop(&mut self.state, user)
    }

    fn innermost(&self) -> &str {
        self.outermost.innermost()
    }

    fn is_outermost(&self) -> bool {
        self.outermost.is_innermost()
    }

    fn leave(&mut self, user: &mut User) -> bool {
        if self.is_outermost() {
            return false;
        }
        // What was scheduled belongs to the set in which it was.
        drop(user.take_schedule());
        self.outermost.leave();
        true
    }

    fn pause(&mut self, user: &mut User) -> Result<Duration, Fault> {
        let Self { state, outermost } = self;
        // A set without a pause of its own has the scenario's, not that of the set around it: as in Locust.
        let own = outermost.pause(state, user);
        own.or_else(|| outermost.own_pause(state, user)).unwrap_or(Ok(Duration::ZERO))
    }
}
