//! Task sets: tasks that belong together, in an order, with a start, an end and a pause of their own.

use std::fmt;
use std::sync::Arc;

use super::Wait;
use super::erased::{EnterFn, TaskFn, WaitFn};
use super::level::{Active, Level, Owned};
use super::order::{Candidate, Chooser, Order};
use crate::user::{TaskError, TaskResult, User};

/// Tasks that belong together, to be nested into a [`Scenario`](super::Scenario) or into another set.
///
/// A user that picks a set stays in it: it runs one task of the set after the other, until a task ends with
/// [`TaskError::interrupt`]. Each time the set is entered its `on_start` runs, each time it is left its `on_stop`.
/// Its tasks work on the user's state, unless it was added with `set_with` and has a state of its own.
///
/// ```
/// use swarmer::prelude::*;
///
/// struct Shopper { in_cart: u32 }
///
/// impl Shopper {
///     async fn arrive(_user: &mut User) -> Result<Self, TaskError> {
///         Ok(Self { in_cart: 0 })
///     }
///     async fn browse(&mut self, user: &mut User) -> TaskResult {
///         user.get("/items").send().await?;
///         Ok(())
///     }
///     async fn add(&mut self, user: &mut User) -> TaskResult {
///         user.post("/cart").send().await?;
///         self.in_cart += 1;
///         Ok(())
///     }
///     async fn leave(&mut self, _user: &mut User) -> TaskResult {
///         Err(TaskError::interrupt())
///     }
/// }
///
/// let shoppers = Scenario::new("Shopper", Shopper::arrive)
///     .wait(between(1.0, 3.0))
///     .task(3, "Browse", Shopper::browse)
///     .set(1, TaskSet::new("Cart").task(4, "Add", Shopper::add).task(1, "Leave", Shopper::leave));
/// # let _ = shoppers;
/// ```
pub struct TaskSet<S>(pub(super) SetDef<S>);

/// A task set as defined.
pub(super) struct SetDef<S> {
    pub(super) name: String,
    pub(super) order: Order,
    pub(super) items: Vec<Item<S>>,
    pub(super) wait: Option<Pause<S>>,
    pub(super) start: Option<Arc<dyn TaskFn<S>>>,
    pub(super) stop: Option<Arc<dyn TaskFn<S>>>,
    /// Made from the items by [`SetDef::ready`].
    pub(super) chooser: Chooser,
}

/// A task or a nested set, with what its place in the set says of it.
pub(super) struct Item<S> {
    pub(super) name: String,
    pub(super) weight: u32,
    pub(super) tags: Vec<String>,
    pub(super) transitions: Vec<(String, u32)>,
    pub(super) body: Body<S>,
}

pub(super) enum Body<S> {
    Task(Arc<dyn TaskFn<S>>),
    Set(Arc<dyn Nested<S>>),
}

/// How long a user pauses after each task.
pub(super) enum Pause<S> {
    Rule(Wait),
    Call(Arc<WaitFn<S>>),
}

/// A nested set, seen from the set around it, whose state is `S`.
pub(super) trait Nested<S>: super::edit::Editable<S> + Send + Sync {
    /// A user enters the set.
    fn activate(&self) -> Box<dyn Level<S>>;
}

/// A nested set that shares the state around it.
pub(super) struct Shared<S>(pub(super) Arc<SetDef<S>>);

/// A nested set with a state of its own.
pub(super) struct Own<S, T> {
    pub(super) enter: Arc<dyn EnterFn<S, T>>,
    pub(super) set: Arc<SetDef<T>>,
}

impl<S: 'static> Nested<S> for Shared<S> {
    fn activate(&self) -> Box<dyn Level<S>> {
        Box::new(Active::new(Arc::clone(&self.0)))
    }
}

impl<S: 'static, T: 'static> Nested<S> for Own<S, T> {
    fn activate(&self) -> Box<dyn Level<S>> {
        Box::new(Owned::new(Arc::clone(&self.enter), Arc::clone(&self.set)))
    }
}

impl<S: 'static> TaskSet<S> {
    /// A set whose tasks are picked at random, in proportion to their weights.
    pub fn new(name: impl Into<String>) -> Self {
        Self(SetDef::new(name.into(), Order::Random))
    }

    /// A set whose tasks run in the order they are declared, round and round; a task of weight n runs n times in a row.
    pub fn sequential(name: impl Into<String>) -> Self {
        Self(SetDef::new(name.into(), Order::Sequential))
    }

    /// A set that begins with the task declared first and then follows each task's [`transitions`](Self::transitions).
    /// Weights of the tasks themselves mean nothing here.
    ///
    /// Starting a run checks it: there must be tasks, each with transitions, each transition must lead to a task of this
    /// set, and tasks cannot have tags of their own. A task no path leads to is worth a warning.
    ///
    /// ```
    /// use swarmer::prelude::*;
    /// # struct Visitor;
    /// # impl Visitor {
    /// #     async fn look(&mut self, _: &mut User) -> TaskResult { Ok(()) }
    /// # }
    /// let visit = TaskSet::markov("Visit")
    ///     .task(1, "Home", Visitor::look)
    ///     .transitions([("Search", 3), ("Offers", 1)])
    ///     .task(1, "Search", Visitor::look)
    ///     .transitions([("Home", 1)])
    ///     .task(1, "Offers", Visitor::look)
    ///     .transitions([("Home", 1), ("Search", 1)]);
    /// # let _ = visit;
    /// ```
    pub fn markov(name: impl Into<String>) -> Self {
        Self(SetDef::new(name.into(), Order::Markov))
    }

    /// Adds a task. One of weight 0 runs only when [`User::schedule`] names it.
    #[must_use]
    pub fn task<F>(mut self, weight: u32, name: impl Into<String>, run: F) -> Self
    where
        F: AsyncFn(&mut S, &mut User) -> TaskResult + Send + Sync + 'static,
    {
        self.0.add_task(weight, name.into(), Arc::new(run));
        self
    }

    /// Nests a set that works on the same state.
    #[must_use]
    pub fn set(mut self, weight: u32, set: TaskSet<S>) -> Self {
        self.0.add_set(weight, set);
        self
    }

    /// Nests a set with a state of its own, which `enter` makes each time; see [`Scenario::set_with`](super::Scenario::set_with).
    #[must_use]
    pub fn set_with<T: 'static, F>(mut self, weight: u32, set: TaskSet<T>, enter: F) -> Self
    where
        F: AsyncFn(&mut S, &mut User) -> Result<T, TaskError> + Send + Sync + 'static,
    {
        self.0.add_own(weight, set, Arc::new(enter));
        self
    }

    /// Marks the task or set added last, for `--tags` and `--exclude-tags`; a set's tags count for all its tasks.
    ///
    /// # Panics
    /// When nothing has been added yet, or no tag is given.
    #[must_use]
    pub fn tags<'t>(mut self, tags: impl IntoIterator<Item = &'t str>) -> Self {
        self.0.tag_last(tags);
        self
    }

    /// Where a Markov chain goes after the task added last: names of tasks with whole weights.
    ///
    /// # Panics
    /// When nothing has been added yet, or the set is not made by [`TaskSet::markov`].
    #[must_use]
    pub fn transitions<'t>(mut self, targets: impl IntoIterator<Item = (&'t str, u32)>) -> Self {
        assert!(
            self.0.order == Order::Markov,
            "transitions(…) in `{}`: only TaskSet::markov has transitions",
            self.0.name
        );
        let targets = targets.into_iter().map(|(name, weight)| (name.to_owned(), weight));
        self.0.last("transitions").transitions.extend(targets);
        self
    }

    /// The pause after each task of this set, in place of the scenario's.
    #[must_use]
    pub fn wait(mut self, wait: Wait) -> Self {
        self.0.wait = Some(Pause::Rule(wait));
        self
    }

    /// As [`wait`](Self::wait), with a pause in seconds that `wait` computes.
    #[must_use]
    pub fn wait_with<F>(mut self, wait: F) -> Self
    where
        F: Fn(&mut S, &mut User) -> f64 + Send + Sync + 'static,
    {
        self.0.wait = Some(Pause::Call(Arc::new(wait)));
        self
    }

    /// What a user does each time it enters the set. An error here leaves the set again, without its `on_stop`.
    #[must_use]
    pub fn on_start<F>(mut self, start: F) -> Self
    where
        F: AsyncFn(&mut S, &mut User) -> TaskResult + Send + Sync + 'static,
    {
        self.0.start = Some(Arc::new(start));
        self
    }

    /// What a user does each time it leaves the set: on an interrupt, and when the user stops while it is in it.
    #[must_use]
    pub fn on_stop<F>(mut self, stop: F) -> Self
    where
        F: AsyncFn(&mut S, &mut User) -> TaskResult + Send + Sync + 'static,
    {
        self.0.stop = Some(Arc::new(stop));
        self
    }
}

impl<S: 'static> SetDef<S> {
    pub(super) fn new(name: String, order: Order) -> Self {
        let chooser = Chooser::new(order, &[]);
        Self { name, order, items: Vec::new(), wait: None, start: None, stop: None, chooser }
    }

    pub(super) fn add_task(&mut self, weight: u32, name: String, run: Arc<dyn TaskFn<S>>) {
        self.add(weight, name, Body::Task(run));
    }

    pub(super) fn add_set(&mut self, weight: u32, set: TaskSet<S>) {
        let name = set.0.name.clone();
        self.add(weight, name, Body::Set(Arc::new(Shared(Arc::new(set.0.ready())))));
    }

    pub(super) fn add_own<T: 'static>(
        &mut self,
        weight: u32,
        set: TaskSet<T>,
        enter: Arc<dyn EnterFn<S, T>>,
    ) {
        let name = set.0.name.clone();
        self.add(weight, name, Body::Set(Arc::new(Own { enter, set: Arc::new(set.0.ready()) })));
    }

    fn add(&mut self, weight: u32, name: String, body: Body<S>) {
        let item = Item { name, weight, tags: Vec::new(), transitions: Vec::new(), body };
        self.items.push(item);
    }

    pub(super) fn last(&mut self, what: &str) -> &mut Item<S> {
        let Self { name, items, .. } = self;
        items.last_mut().unwrap_or_else(|| {
            panic!(
                "{what}(…) in `{name}`: it belongs to the task or set before it, and there is none"
            )
        })
    }

    pub(super) fn tag_last<'t>(&mut self, tags: impl IntoIterator<Item = &'t str>) {
        let item = self.last("tags");
        item.tags.extend(tags.into_iter().map(str::to_owned));
        assert!(!item.tags.is_empty(), "tags(…) after `{}`: no tag is given", item.name);
    }

    /// The set with its choices prepared; to be called when its items are complete.
    pub(super) fn ready(mut self) -> Self {
        let candidates: Vec<Candidate> = self
            .items
            .iter()
            .map(|Item { name, weight, transitions, .. }| Candidate {
                name,
                weight: *weight,
                transitions,
            })
            .collect();
        self.chooser = Chooser::new(self.order, &candidates);
        self
    }
}

impl<S> fmt::Debug for SetDef<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks: Vec<_> = self.items.iter().map(|item| (&item.name, item.weight)).collect();
        f.debug_struct("TaskSet")
            .field("name", &self.name)
            .field("order", &self.order)
            .field("tasks", &tasks)
            .finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for TaskSet<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// Derived they would ask for `S: Clone`; what is cloned here are handles.
impl<S> Clone for SetDef<S> {
    fn clone(&self) -> Self {
        let Self { name, order, items, wait, start, stop, chooser } = self;
        Self {
            name: name.clone(),
            order: *order,
            items: items.clone(),
            wait: wait.clone(),
            start: start.clone(),
            stop: stop.clone(),
            chooser: chooser.clone(),
        }
    }
}

impl<S> Clone for Item<S> {
    fn clone(&self) -> Self {
        let Self { name, weight, tags, transitions, body } = self;
        let (name, tags, transitions) = (name.clone(), tags.clone(), transitions.clone());
        Self { name, weight: *weight, tags, transitions, body: body.clone() }
    }
}

impl<S> Clone for Body<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Task(run) => Self::Task(Arc::clone(run)),
            Self::Set(set) => Self::Set(Arc::clone(set)),
        }
    }
}

impl<S> Clone for Pause<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Rule(wait) => Self::Rule(*wait),
            Self::Call(call) => Self::Call(Arc::clone(call)),
        }
    }
}
