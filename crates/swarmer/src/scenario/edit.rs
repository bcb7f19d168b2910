//! What the command line changes about a scenario: tags, equal weights, classes' attributes; and what it can ask of it.

use std::sync::Arc;

use super::check::Findings;
use super::erased::{EnterFn, LocalFuture, Outcome, TaskFn};
use super::order::Order;
use super::set::{Body, Item, Nested, Own, SetDef, Shared};
use crate::user::User;

/// Which tasks run: `--tags` and `--exclude-tags`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TagFilter<'o> {
    /// Only tasks with one of these; all when empty.
    pub(crate) include: &'o [String],
    /// No task with one of these.
    pub(crate) exclude: &'o [String],
}

impl TagFilter<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    fn keeps(&self, tags: &[String]) -> bool {
        let any = |wanted: &[String]| tags.iter().any(|tag| wanted.contains(tag));
        (self.include.is_empty() || any(self.include)) && !any(self.exclude)
    }
}

/// A task or set, as shown by `--show-task-ratio` and the like.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TaskInfo {
    pub(crate) name: String,
    pub(crate) weight: u32,
    /// What is in it, if it is a set.
    pub(crate) tasks: Option<Vec<TaskInfo>>,
}

/// A nested set that can be shown, checked and changed before a run. `S` is the state around it.
pub(super) trait Editable<S> {
    fn info(&self) -> Vec<TaskInfo>;
    fn check(&self, place: &str, findings: &mut Findings);
    /// The set with only the tasks that `filter` keeps; `None` when none is left. `tags` are those of the set itself.
    fn tagged(&self, filter: TagFilter, tags: &[String]) -> Option<Arc<dyn Nested<S>>>;
    /// All tasks in it and in sets within, as tasks over the state around it.
    fn leaves(&self) -> Vec<Item<S>>;
}

impl<S: 'static> Editable<S> for Shared<S> {
    fn info(&self) -> Vec<TaskInfo> {
        self.0.info()
    }

    fn check(&self, place: &str, findings: &mut Findings) {
        self.0.check(place, findings);
    }

    fn tagged(&self, filter: TagFilter, tags: &[String]) -> Option<Arc<dyn Nested<S>>> {
        let set = self.0.tagged(filter, tags)?;
        Some(Arc::new(Self(Arc::new(set))))
    }

    fn leaves(&self) -> Vec<Item<S>> {
        self.0.leaves()
    }
}

impl<S: 'static, T: 'static> Editable<S> for Own<S, T> {
    fn info(&self) -> Vec<TaskInfo> {
        self.set.info()
    }

    fn check(&self, place: &str, findings: &mut Findings) {
        self.set.check(place, findings);
    }

    fn tagged(&self, filter: TagFilter, tags: &[String]) -> Option<Arc<dyn Nested<S>>> {
        let set = self.set.tagged(filter, tags)?;
        Some(Arc::new(Self { enter: Arc::clone(&self.enter), set: Arc::new(set) }))
    }

    fn leaves(&self) -> Vec<Item<S>> {
        let alone = |Item { name, weight, tags, transitions, body }| {
            let Body::Task(task) = body else { unreachable!("leaves are tasks") };
            let alone = Alone { enter: Arc::clone(&self.enter), task };
            Item { name, weight, tags, transitions, body: Body::Task(Arc::new(alone)) }
        };
        self.set.leaves().into_iter().map(alone).collect()
    }
}

/// A task of a set with a state of its own, torn out of its set: the state is made for it alone.
struct Alone<S, T> {
    enter: Arc<dyn EnterFn<S, T>>,
    task: Arc<dyn TaskFn<T>>,
}

impl<S: 'static, T: 'static> TaskFn<S> for Alone<S, T> {
    fn call<'a>(&'a self, around: &'a mut S, user: &'a mut User) -> LocalFuture<'a, Outcome> {
        Box::pin(async move {
            let mut state = self.enter.call(around, user).await?;
            self.task.call(&mut state, user).await
        })
    }
}

impl<S: 'static> SetDef<S> {
    pub(super) fn info(&self) -> Vec<TaskInfo> {
        let info = |item: &Item<S>| TaskInfo {
            name: item.name.clone(),
            weight: item.weight,
            tasks: match &item.body {
                Body::Task(_) => None,
                Body::Set(set) => Some(set.info()),
            },
        };
        self.items.iter().map(info).collect()
    }

    /// Only what `filter` keeps; `None` when that is nothing. A Markov chain stays or goes as a whole: without one of its
    /// tasks it would be another chain.
    pub(super) fn tagged(&self, filter: TagFilter, tags: &[String]) -> Option<Self> {
        if self.order == Order::Markov {
            return filter.keeps(tags).then(|| self.clone());
        }
        let keep = |item: &Item<S>| -> Option<Item<S>> {
            let tags = [tags, &item.tags].concat();
            let body = match &item.body {
                Body::Task(run) => filter.keeps(&tags).then(|| Body::Task(Arc::clone(run))),
                Body::Set(set) => set.tagged(filter, &tags).map(Body::Set),
            };
            body.map(|body| Item { body, ..item.clone() })
        };
        let items: Vec<_> = self.items.iter().filter_map(keep).collect();
        (!items.is_empty()).then(|| Self { items, ..self.clone() }.ready())
    }

    /// Each task once, those of nested sets among the others.
    pub(super) fn flattened(&self) -> Self {
        let items = self.leaves().into_iter().map(|item| Item { weight: 1, ..item }).collect();
        Self { items, order: Order::Random, ..self.clone() }.ready()
    }

    /// Only the tasks and sets of these names.
    pub(super) fn only(&self, names: &[String]) -> Self {
        let wanted = self.items.iter().filter(|item| names.contains(&item.name));
        Self { items: wanted.cloned().collect(), ..self.clone() }.ready()
    }

    fn leaves(&self) -> Vec<Item<S>> {
        let leaves = |item: &Item<S>| match &item.body {
            Body::Task(_) => vec![item.clone()],
            Body::Set(set) => {
                let inherit =
                    |leaf: Item<S>| Item { tags: [&item.tags[..], &leaf.tags].concat(), ..leaf };
                set.leaves().into_iter().map(inherit).collect()
            }
        };
        self.items.iter().flat_map(leaves).collect()
    }
}
