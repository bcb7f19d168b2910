//! Scenarios: what kinds of users there are, which tasks they do, and how they wait between them.

mod check;
mod class;
mod edit;
mod erased;
mod level;
mod order;
mod overrides;
mod panics;
pub(crate) mod ratio;
mod set;
mod wait;

use std::sync::Arc;

pub(crate) use check::Findings;
pub(crate) use class::{ClassInfo, Session, UserClass};
pub(crate) use edit::{TagFilter, TaskInfo};
use erased::StartFn;
pub(crate) use erased::{Fault, Outcome};
pub(crate) use level::Step;
use order::Order;
pub(crate) use overrides::{Override, OverrideError};
pub(crate) use panics::{Panic, catch, caught};
pub use set::TaskSet;
use set::{Pause, SetDef};
pub(crate) use wait::Pace;
pub use wait::{Wait, between, constant, constant_throughput, pacing, poisson, schedule};

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
    needs_host: bool,
    start: Arc<dyn StartFn<S>>,
    /// The outermost task set: its `on_stop` is the user's, its pause the scenario's.
    tasks: Arc<SetDef<S>>,
}

impl<S> std::fmt::Debug for Scenario<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scenario")
            .field("name", &self.name)
            .field("weight", &self.weight)
            .field("tasks", &self.tasks)
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
        let name = name.into();
        let tasks = Arc::new(SetDef::new(name.clone(), Order::Random));
        let start = Arc::new(start);
        Self { name, weight: 1.0, fixed_count: 0, host: None, needs_host: true, start, tasks }
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

    /// Users of this scenario speak a protocol of their own ([`User::measure`]): they need no host.
    #[must_use]
    pub fn without_host(mut self) -> Self {
        self.needs_host = false;
        self
    }

    /// The pause between two tasks.
    #[must_use]
    pub fn wait(mut self, wait: Wait) -> Self {
        self.outermost().wait = Some(Pause::Rule(wait));
        self
    }

    /// As [`wait`](Self::wait), with a pause in seconds that `wait` computes from the user and its state.
    ///
    /// A result that is negative or not finite, and a panic, are counted as exceptions.
    #[must_use]
    pub fn wait_with<F>(mut self, wait: F) -> Self
    where
        F: Fn(&mut S, &mut User) -> f64 + Send + Sync + 'static,
    {
        self.outermost().wait = Some(Pause::Call(Arc::new(wait)));
        self
    }

    /// Adds a task. A user picks its next task at random, in proportion to the weights; one of weight 0 runs only when
    /// [`User::schedule`] names it.
    #[must_use]
    pub fn task<F>(mut self, weight: u32, name: impl Into<String>, run: F) -> Self
    where
        F: AsyncFn(&mut S, &mut User) -> TaskResult + Send + Sync + 'static,
    {
        self.outermost().add_task(weight, name.into(), Arc::new(run));
        self
    }

    /// Adds a [`TaskSet`] that works on the user's state: picked like a task, it runs until it is interrupted.
    #[must_use]
    pub fn set(mut self, weight: u32, set: TaskSet<S>) -> Self {
        self.outermost().add_set(weight, set);
        self
    }

    /// Adds a [`TaskSet`] with a state of its own. `enter` makes that state each time a user goes into the set, and hands
    /// over whatever the set needs of the user's state; what both go on to share stands in an `Rc`.
    ///
    /// An error from `enter` is one of the set's `on_start`: the user does not go in.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    /// use swarmer::prelude::*;
    ///
    /// struct Shopper { orders: Rc<Cell<u32>> }
    /// struct Checkout { cart: String, orders: Rc<Cell<u32>> }
    ///
    /// impl Shopper {
    ///     async fn arrive(_user: &mut User) -> Result<Self, TaskError> {
    ///         Ok(Self { orders: Rc::default() })
    ///     }
    ///     async fn begin_checkout(&mut self, user: &mut User) -> Result<Checkout, TaskError> {
    ///         let cart: String = user.post("/carts").fetch().await?;
    ///         Ok(Checkout { cart, orders: Rc::clone(&self.orders) })
    ///     }
    /// }
    ///
    /// impl Checkout {
    ///     async fn pay(&mut self, user: &mut User) -> TaskResult {
    ///         user.post(&format!("/carts/{}/pay", self.cart)).name("Pay").send().await?;
    ///         self.orders.set(self.orders.get() + 1);
    ///         Err(TaskError::interrupt())
    ///     }
    /// }
    ///
    /// let shoppers = Scenario::new("Shopper", Shopper::arrive).set_with(
    ///     1,
    ///     TaskSet::sequential("Checkout").task(1, "Pay", Checkout::pay),
    ///     Shopper::begin_checkout,
    /// );
    /// # let _ = shoppers;
    /// ```
    #[must_use]
    pub fn set_with<T: 'static, F>(mut self, weight: u32, set: TaskSet<T>, enter: F) -> Self
    where
        F: AsyncFn(&mut S, &mut User) -> Result<T, TaskError> + Send + Sync + 'static,
    {
        self.outermost().add_own(weight, set, Arc::new(enter));
        self
    }

    /// Marks the task or set added last, for `--tags` and `--exclude-tags`; a set's tags count for all its tasks.
    ///
    /// # Panics
    /// When nothing has been added yet, or no tag is given.
    #[must_use]
    pub fn tags<'t>(mut self, tags: impl IntoIterator<Item = &'t str>) -> Self {
        self.outermost().tag_last(tags);
        self
    }

    /// What a user does when it stops, for whatever reason: also at the end of the run and when the number of users falls.
    #[must_use]
    pub fn on_stop<F>(mut self, stop: F) -> Self
    where
        F: AsyncFn(&mut S, &mut User) -> TaskResult + Send + Sync + 'static,
    {
        self.outermost().stop = Some(Arc::new(stop));
        self
    }

    /// The outermost set, to be changed: the scenario is its only owner while it is being built.
    fn outermost(&mut self) -> &mut SetDef<S> {
        Arc::make_mut(&mut self.tasks)
    }
}

// Derived it would ask for `S: Clone`; what is cloned here are handles.
impl<S> Clone for Scenario<S> {
    fn clone(&self) -> Self {
        let Self { name, weight, fixed_count, host, needs_host, start, tasks } = self;
        let (name, host) = (name.clone(), host.clone());
        let (weight, fixed_count, needs_host) = (*weight, *fixed_count, *needs_host);
        let (start, tasks) = (Arc::clone(start), Arc::clone(tasks));
        Self { name, weight, fixed_count, host, needs_host, start, tasks }
    }
}
