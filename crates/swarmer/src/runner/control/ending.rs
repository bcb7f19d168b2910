//! Runs that end by themselves: all is done, or nobody could start.

use tracing::error;

use super::{Starts, State, Trouble, Watcher};
use crate::logging::RUNNERS;
use crate::runner::control::Control;
use crate::runner::fleet::Fleet;

impl<W: Watcher, F: Fleet> Control<W, F> {
    /// Tells the first failure in full and the others by number: thousands of users may fail in the same way.
    pub(super) fn start_failed(&mut self, class: usize, reason: &str) {
        self.starts.failed += 1;
        if self.starts.failed == 1 {
            let class = &self.settings.classes[class].name;
            error!(target: RUNNERS, "A user of {class} could not start and is not replaced: {reason}");
        } else {
            self.starts.untold += 1;
        }
        self.end_if_nobody_started();
    }

    /// Without a single user there is nothing to wait for.
    pub(super) fn end_if_nobody_started(&mut self) {
        let Starts { tried, failed, .. } = self.starts;
        let ours = self.open.is_none() && self.serving.is_none();
        if ours && self.state() == State::Running && failed > 0 && failed >= tried {
            error!(target: RUNNERS, "Not one of {tried} users could start, see the first failure: there is nothing to run");
            self.trouble = self.trouble.max(Some(Trouble::NobodyStarted));
            self.stop();
        }
    }

    /// Lets users go as soon as there is nothing left to do for any.
    pub(super) fn finish_if_spent(&mut self) {
        if self.settings.limits.are_spent() {
            self.finish();
        }
    }

    pub(super) fn finish(&mut self) {
        if !self.finishing {
            self.finishing = true;
            (self.ramping, self.moving) = (None, None);
            self.fleet.finish();
        }
    }

    /// With limits on the number of tasks, the end of the last user is the end of the run.
    pub(super) fn end_if_all_done(&mut self) {
        // Users that are started anew for those that went with their node are still to come, and so are those of workers that
        // a new master waits for.
        let is_calm = self.gathering.is_none()
            && self.ramping.is_none()
            && self.moving.is_none()
            && self.outstanding.is_none();
        let all_came = self.finishing || (self.state() == State::Running && is_calm);
        if self.serving.is_none()
            && self.settings.limits.any()
            && all_came
            && self.users().values().all(|users| *users == 0)
        {
            self.stop();
        }
    }
}
