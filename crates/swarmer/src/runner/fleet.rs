//! What the control plane needs of the nodes that users run on.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::driver::{Birth, Event};
use super::gear::{Gear, Reform};
use super::master::LeftRun;
use crate::load::Arrivals;
use crate::options::Options;
use crate::stats::Worker;

/// After a restart of the master its workers have so long to come back before their users or journeys are given to
/// others.
pub(super) const GATHERING: Duration = Duration::from_secs(5);

/// The nodes that users run on, seen from the control plane: the driver threads of this process, or the workers of a
/// cluster.
///
/// Nodes are numbered in the order in which they come; the number of one that went is not used again.
pub(crate) trait Fleet {
    /// Whether the run goes on without a node that is lost.
    const OUTLIVES_NODES: bool = false;

    /// Names of the nodes there are at the start, by number, as the dispatcher wants them.
    fn names(&self) -> Vec<String>;

    /// The name under which the exceptions of a node are shown, also of one that went.
    fn node(&self, node: usize) -> &str;

    /// Nodes that have come and not gone.
    fn present(&self) -> impl Iterator<Item = usize>;

    /// Gives a node up: nothing more is expected of it. What to tell people of it; `None` when it was given up before.
    fn lose(&mut self, node: usize, loss: Loss) -> Option<String>;

    fn next_event(&mut self) -> impl Future<Output = Event>;

    /// From now on users are made of this.
    fn equip(&mut self, gear: &Gear);

    /// Lets users read these options.
    fn exchange(&mut self, options: &Arc<Options>);

    /// From now on all nodes together send at most so many requests per second, finite; none at all with 0.
    fn limit(&mut self, _max_rate: Option<f64>) {}

    /// Users that are started from now on are of classes that were changed.
    fn reform(&mut self, reform: &Reform);

    /// A run begins: everything is at zero.
    fn begin_run(&mut self) {}

    /// Goes on with a run that was left.
    fn take_up(&mut self, _left: LeftRun) {}

    /// The run goes to so many users, at this rate.
    fn aim(&mut self, _users: u32, _rate: f64) {}

    /// All figures are at zero.
    fn reset(&mut self) {}

    /// The run is over, and every figure is in.
    fn ended(&mut self) {}

    /// Users due within this time are sent to their nodes ahead, so that nodes start them on the dot; nodes get one message
    /// for all that is due within half of it.
    fn look_ahead(&self) -> Duration {
        Duration::from_millis(100)
    }

    fn start_users(&mut self, node: usize, births: Vec<Birth>);

    /// Stops the users of a class with these numbers, within `grace`.
    fn stop_users(&mut self, node: usize, class: usize, users: Vec<u64>, grace: Duration);

    /// The users asked for are all there.
    fn spawned(&mut self, _users: u32) {}

    /// Starts journeys as they arrive; the nodes that do.
    fn open(&mut self, plan: &OpenPlan) -> Vec<usize>;

    /// Users go when their task is done, however long that takes.
    fn finish(&mut self);

    /// All users go within `grace`, and each node says [`Event::Drained`].
    fn stop_all(&mut self, grace: Duration);

    /// All users go now, after [`Self::stop_all`].
    fn abort(&mut self);

    /// Each node answers with an [`Event::Report`] or an [`Event::Reported`] of this number; after the `last` one of a
    /// run nothing may be missing.
    fn ask_for_reports(&mut self, number: u64, last: bool);

    /// Whether a node with figures of this run may still come back, which is not among [`Self::present`]. Not for long: it
    /// is given up by the fleet.
    fn awaits(&self) -> bool {
        false
    }

    /// The end: nothing is asked of the nodes any more, and they are told so.
    async fn dismiss(&mut self) {}

    /// What the summary tells of the nodes.
    fn workers(&self) -> Vec<Worker> {
        Vec::new()
    }
}

/// A run of the open model.
#[derive(Clone, Debug)]
pub(crate) struct OpenPlan {
    pub(crate) arrivals: Arrivals,
    /// Users at most, over all nodes.
    pub(crate) users: u32,
    /// Classes that journeys arrive for.
    pub(crate) classes: usize,
    /// From when due moments count.
    pub(crate) began: Instant,
    /// How often shares have changed: 0 at the beginning.
    pub(crate) turn: u64,
    /// This is about arrivals due from then on, counted from `began`.
    pub(crate) from: Duration,
    /// What of it is for this fleet, where that is a part of a larger one.
    pub(crate) part: Option<Part>,
}

/// A part of the drivers that arrivals are shared by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// The number of its first driver.
    pub(crate) first: usize,
    pub(crate) drivers: usize,
    /// Drivers in all.
    pub(crate) of: usize,
}

/// How a node is lost.
#[derive(Clone, Debug)]
pub(crate) enum Loss {
    /// Its own code panicked.
    Died(String),
    /// Its users did not go.
    Stuck,
    /// Its last report did not come.
    Silent,
}
