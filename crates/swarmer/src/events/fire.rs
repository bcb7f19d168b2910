//! Firing events: every hook runs, whatever becomes of the others.

use std::cell::Cell;
use std::sync::atomic::Ordering;

use tracing::error;

use super::{Hooks, Message, Quitting, RequestEvent, UserError};
use crate::cluster::Value;
use crate::logging::MAIN;
use crate::options::Options;
use crate::scenario::catch;
use crate::stats::Summary;

impl Hooks {
    /// The first problem of a hook; those after it do not run.
    pub(crate) fn init(&self, options: &Options) -> Result<(), String> {
        for hook in &self.init {
            match catch(|| hook(options)) {
                Ok(None) => {}
                Ok(Some(problem)) => return Err(problem),
                Err(panic) => return Err(panic.to_string()),
            }
        }
        Ok(())
    }

    pub(crate) fn test_start(&self) {
        self.test_start.iter().for_each(|hook| self.run("test_start", || hook(&())));
    }

    pub(crate) fn spawning_complete(&self, users: u32) {
        self.spawning_complete
            .iter()
            .for_each(|hook| self.run("spawning_complete", || hook(&users)));
    }

    pub(crate) fn reset_stats(&self) {
        self.reset_stats.iter().for_each(|hook| self.run("reset_stats", || hook(&())));
    }

    pub(crate) fn test_stopping(&self) {
        self.test_stopping.iter().for_each(|hook| self.run("test_stopping", || hook(&())));
    }

    pub(crate) fn test_stop(&self, summary: &Summary) {
        self.test_stop.iter().for_each(|hook| self.run("test_stop", || hook(summary)));
    }

    /// The exit code that a hook set.
    pub(crate) fn quitting(&self, summary: &Summary) -> Option<u8> {
        let quitting = Quitting { summary, code: Cell::new(None) };
        self.quitting.iter().rev().for_each(|hook| self.run("quitting", || hook(&quitting)));
        quitting.code.get()
    }

    pub(crate) fn quit(&self, code: u8) {
        self.quit.iter().for_each(|hook| self.run("quit", || hook(&code)));
    }

    pub(crate) fn request(&self, event: &RequestEvent) {
        self.request.iter().for_each(|hook| self.run("request", || hook(event)));
    }

    pub(crate) fn user_error(&self, event: &UserError) {
        self.user_error.iter().for_each(|hook| self.run("user_error", || hook(event)));
    }

    /// A message of the workload's own, from the worker of this id or the `master`; `false` when no hook is there for its type.
    pub(crate) fn message(&self, from: &str, name: &str, data: &Value) -> bool {
        let message = Message { name, from, data, post: &self.post };
        let mut heard = false;
        for (_, hook) in self.message.iter().filter(|(wanted, _)| wanted == name) {
            heard = true;
            self.run("message", || hook(&message));
        }
        heard
    }

    fn run(&self, event: &str, hook: impl FnOnce() -> Option<String>) {
        let problem = match catch(hook) {
            Ok(None) => return,
            Ok(Some(problem)) => problem,
            Err(panic) => panic.to_string(),
        };
        // A hook that fails on every request must not fill the log: once is enough to know.
        let first = !self.troubled.swap(true, Ordering::Relaxed);
        if first || !matches!(event, "request" | "user_error") {
            error!(target: MAIN, "Uncaught exception in event handler of {event}: {problem}");
        }
    }
}
