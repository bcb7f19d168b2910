//! A user inside its task sets: which set it is in, where that stands, what comes next.
//!
//! Sets are levels, one inside the other. Every call goes down to the innermost level; nothing of this lives in a
//! future, so a user that is cut anywhere can still leave its sets one by one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::erased::{EnterFn, Fault, LocalFuture, Outcome};
use super::order::Cursor;
use super::panics::catch;
use super::set::{Body, Pause, SetDef};
use super::wait::Pace;
use crate::clock;
use crate::user::{TaskError, User};

/// What a user does next.
pub(crate) enum Step<'a> {
    /// A task.
    Task(LocalFuture<'a, Outcome>),
    /// The `on_start` of a set it goes into.
    Enter(LocalFuture<'a, Outcome>),
    /// There is no task.
    Nothing,
}

/// A set a user is in, whose surroundings have the state `S`.
pub(super) trait Level<S> {
    /// Runs `on_start`.
    fn enter<'a>(&'a mut self, state: &'a mut S, user: &'a mut User) -> LocalFuture<'a, Outcome>;
    /// Picks what comes next in the innermost set.
    fn advance<'a>(&'a mut self, state: &'a mut S, user: &'a mut User) -> Step<'a>;
    /// Runs the innermost set's `on_stop`, if its start succeeded and its end has not begun.
    fn stop<'a>(&'a mut self, state: &'a mut S, user: &'a mut User) -> LocalFuture<'a, Outcome>;
    /// The innermost set's own pause, if it has one.
    fn pause(&mut self, state: &mut S, user: &mut User) -> Option<Result<Duration, Fault>>;
    /// The innermost set's name.
    fn innermost(&self) -> &str;
    /// Whether no other set is inside this one.
    fn is_innermost(&self) -> bool;
    /// Forgets the innermost of the sets inside this one; there must be one.
    fn leave(&mut self);
}

/// A running set that works on the state around it.
pub(super) struct Active<S> {
    def: Arc<SetDef<S>>,
    cursor: Cursor,
    queue: VecDeque<usize>,
    pace: Pace,
    /// `on_start` is done and `on_stop` is owed.
    started: bool,
    inner: Option<Box<dyn Level<S>>>,
}

impl<S: 'static> Active<S> {
    pub(super) fn new(def: Arc<SetDef<S>>) -> Self {
        let (cursor, queue, pace) = (Cursor::default(), VecDeque::new(), Pace::new(clock::now()));
        Self { def, cursor, queue, pace, started: false, inner: None }
    }

    /// The outermost set of a user that has started: the scenario's own tasks.
    pub(super) fn outermost(def: Arc<SetDef<S>>, pace: Pace) -> Self {
        Self { started: true, pace, ..Self::new(def) }
    }

    /// The pause this set itself has, whatever is inside it.
    pub(super) fn own_pause(
        &mut self,
        state: &mut S,
        user: &mut User,
    ) -> Option<Result<Duration, Fault>> {
        Some(match self.def.wait.as_ref()? {
            Pause::Rule(wait) => Ok(user.draw_wait(*wait, &mut self.pace)),
            Pause::Call(call) => match catch(|| call(state, user)) {
                Ok(seconds) => user.scaled_wait(seconds).map_err(Fault::Error),
                Err(panic) => Err(Fault::Panic(panic)),
            },
        })
    }

    /// Moves what was scheduled by name into the queue.
    fn take_schedule(&mut self, user: &mut User) -> Result<(), TaskError> {
        for (name, first) in user.take_schedule() {
            let Some(item) = self.def.items.iter().position(|item| item.name == *name) else {
                let set = &self.def.name;
                return Err(TaskError::message(format!("no task `{name}` in `{set}` to schedule")));
            };
            if first { self.queue.push_front(item) } else { self.queue.push_back(item) }
        }
        Ok(())
    }
}

impl<S: 'static> Active<S> {
    /// Picks what comes next in this set itself.
    fn pick<'a>(&'a mut self, state: &'a mut S, user: &'a mut User) -> Step<'a> {
        if let Err(error) = self.take_schedule(user) {
            return Step::Task(Box::pin(std::future::ready(Err(Fault::Error(error)))));
        }
        let chosen = self.queue.pop_front();
        let chosen = chosen.or_else(|| self.def.chooser.next(&mut self.cursor, user.rng()));
        let Some(chosen) = chosen else {
            return Step::Nothing;
        };
        match &self.def.items[chosen].body {
            Body::Task(run) => {
                user.begin_run(&self.def.items[chosen].name);
                Step::Task(run.call(state, user))
            }
            Body::Set(set) => {
                user.tell_set(&self.def.items[chosen].name);
                Step::Enter(self.inner.insert(set.activate()).enter(state, user))
            }
        }
    }
}

impl<S: 'static> Level<S> for Active<S> {
    fn enter<'a>(&'a mut self, state: &'a mut S, user: &'a mut User) -> LocalFuture<'a, Outcome> {
        Box::pin(async move {
            if let Some(start) = &self.def.start {
                start.call(state, user).await?;
            }
            self.started = true;
            Ok(())
        })
    }

    fn advance<'a>(&'a mut self, state: &'a mut S, user: &'a mut User) -> Step<'a> {
        if self.inner.is_none() {
            return self.pick(state, user);
        }
        let inner = self.inner.as_mut().expect("an inner set, as was just seen");
        inner.advance(state, user)
    }

    fn stop<'a>(&'a mut self, state: &'a mut S, user: &'a mut User) -> LocalFuture<'a, Outcome> {
        if let Some(inner) = self.inner.as_mut() {
            return inner.stop(state, user);
        }
        let owed = std::mem::take(&mut self.started);
        match &self.def.stop {
            Some(stop) if owed => stop.call(state, user),
            _ => Box::pin(std::future::ready(Ok(()))),
        }
    }

    fn pause(&mut self, state: &mut S, user: &mut User) -> Option<Result<Duration, Fault>> {
        match self.inner.as_mut() {
            Some(inner) => inner.pause(state, user),
            None => self.own_pause(state, user),
        }
    }

    fn innermost(&self) -> &str {
        self.inner.as_ref().map_or(&self.def.name, |inner| inner.innermost())
    }

    fn is_innermost(&self) -> bool {
        self.inner.is_none()
    }

    fn leave(&mut self) {
        match self.inner.as_mut() {
            Some(inner) if !inner.is_innermost() => inner.leave(),
            _ => self.inner = None,
        }
    }
}

/// A running set with a state of its own.
pub(super) struct Owned<S, T> {
    enter: Arc<dyn EnterFn<S, T>>,
    /// There once the set was entered.
    state: Option<T>,
    active: Active<T>,
}

impl<S, T: 'static> Owned<S, T> {
    pub(super) fn new(enter: Arc<dyn EnterFn<S, T>>, set: Arc<SetDef<T>>) -> Self {
        Self { enter, state: None, active: Active::new(set) }
    }
}

impl<S: 'static, T: 'static> Level<S> for Owned<S, T> {
    fn enter<'a>(&'a mut self, around: &'a mut S, user: &'a mut User) -> LocalFuture<'a, Outcome> {
        Box::pin(async move {
            let state = self.enter.call(around, user).await?;
            self.active.enter(self.state.insert(state), user).await
        })
    }

    fn advance<'a>(&'a mut self, _around: &'a mut S, user: &'a mut User) -> Step<'a> {
        match self.state.as_mut() {
            Some(state) => self.active.advance(state, user),
            None => Step::Nothing, // It is entered before.
        }
    }

    fn stop<'a>(&'a mut self, _around: &'a mut S, user: &'a mut User) -> LocalFuture<'a, Outcome> {
        match self.state.as_mut() {
            Some(state) => self.active.stop(state, user),
            None => Box::pin(std::future::ready(Ok(()))),
        }
    }

    fn pause(&mut self, _around: &mut S, user: &mut User) -> Option<Result<Duration, Fault>> {
        self.active.pause(self.state.as_mut()?, user)
    }

    fn innermost(&self) -> &str {
        self.active.innermost()
    }

    fn is_innermost(&self) -> bool {
        self.active.is_innermost()
    }

    fn leave(&mut self) {
        self.active.leave();
    }
}
