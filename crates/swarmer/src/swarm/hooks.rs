//! The builder's methods that add hooks. See [`crate::events`] for when and where they run.

use std::sync::Arc;

use super::Swarm;
use crate::events::{HookResult, Hooks, Message, PostOffice, Quitting, RequestEvent, UserError};
use crate::options::Options;
use crate::stats::Summary;

impl Swarm {
    /// When set-up is done, before the first user. An error keeps the run from starting: exit code 1.
    #[must_use]
    pub fn on_init<R: HookResult>(
        mut self,
        hook: impl Fn(&Options) -> R + Send + Sync + 'static,
    ) -> Self {
        self.hooks().init.push(Box::new(move |options| hook(options).problem()));
        self
    }

    /// When a run starts: not when the number of users changes.
    #[must_use]
    pub fn on_test_start<R: HookResult>(
        mut self,
        hook: impl Fn() -> R + Send + Sync + 'static,
    ) -> Self {
        self.hooks().test_start.push(Box::new(move |()| hook().problem()));
        self
    }

    /// When the number of users asked for has been reached, with that number; again after each change of it.
    #[must_use]
    pub fn on_spawning_complete<R: HookResult>(
        mut self,
        hook: impl Fn(u32) -> R + Send + Sync + 'static,
    ) -> Self {
        self.hooks().spawning_complete.push(Box::new(move |users| hook(*users).problem()));
        self
    }

    /// After every finished request, on the thread of its user: it delays that thread's users by as long as it takes.
    /// Without such a hook a request pays nothing for it.
    #[must_use]
    pub fn on_request<R: HookResult>(
        mut self,
        hook: impl Fn(&RequestEvent<'_>) -> R + Send + Sync + 'static,
    ) -> Self {
        self.hooks().request.push(Box::new(move |event| hook(event).problem()));
        self
    }

    /// When a message of this type comes that another part of the workload sent: see [`post_office`](Self::post_office).
    /// Scripts of Locust send and hear the same messages.
    #[must_use]
    pub fn on_message<R: HookResult>(
        mut self,
        name: impl Into<String>,
        hook: impl Fn(&Message<'_>) -> R + Send + Sync + 'static,
    ) -> Self {
        let hook = Box::new(move |message: &Message<'_>| hook(message).problem());
        self.hooks().message.push((name.into(), hook));
        self
    }

    /// Where messages between master and workers are sent from.
    pub fn post_office(&self) -> PostOffice {
        self.hooks.post.clone()
    }

    /// After every exception of a task, on the thread of its user.
    #[must_use]
    pub fn on_user_error<R: HookResult>(
        mut self,
        hook: impl Fn(&UserError<'_>) -> R + Send + Sync + 'static,
    ) -> Self {
        self.hooks().user_error.push(Box::new(move |error| hook(error).problem()));
        self
    }

    /// When a person sets the figures to zero; not for `--reset-stats`.
    #[must_use]
    pub fn on_reset_stats<R: HookResult>(
        mut self,
        hook: impl Fn() -> R + Send + Sync + 'static,
    ) -> Self {
        self.hooks().reset_stats.push(Box::new(move |()| hook().problem()));
        self
    }

    /// When a run begins to stop, before its users do.
    #[must_use]
    pub fn on_test_stopping<R: HookResult>(
        mut self,
        hook: impl Fn() -> R + Send + Sync + 'static,
    ) -> Self {
        self.hooks().test_stopping.push(Box::new(move |()| hook().problem()));
        self
    }

    /// When all users of a run are gone, with its last figures.
    #[must_use]
    pub fn on_test_stop<R: HookResult>(
        mut self,
        hook: impl Fn(&Summary) -> R + Send + Sync + 'static,
    ) -> Self {
        self.hooks().test_stop.push(Box::new(move |summary| hook(summary).problem()));
        self
    }

    /// When the process is about to end: the place to judge the figures and to set the exit code. Hooks added last run
    /// first.
    #[must_use]
    pub fn on_quitting<R: HookResult>(
        mut self,
        hook: impl Fn(&Quitting<'_>) -> R + Send + Sync + 'static,
    ) -> Self {
        self.hooks().quitting.push(Box::new(move |end| hook(end).problem()));
        self
    }

    /// The last thing of all, with the exit code.
    #[must_use]
    pub fn on_quit<R: HookResult>(
        mut self,
        hook: impl Fn(u8) -> R + Send + Sync + 'static,
    ) -> Self {
        self.hooks().quit.push(Box::new(move |code| hook(*code).problem()));
        self
    }

    fn hooks(&mut self) -> &mut Hooks {
        Arc::get_mut(&mut self.hooks).expect("hooks are shared when the run starts, not before")
    }
}
