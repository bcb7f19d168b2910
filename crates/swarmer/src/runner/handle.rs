//! What can be asked of a run, from anywhere: keys, signals, a web page, a test.

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{oneshot, watch};

use crate::load::{LoadError, Ramp};
use crate::stats::Summary;

/// Where a run stands. The words are Locust's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing has run yet.
    Ready,
    /// On the way to the target number of users.
    Spawning,
    /// At the target.
    Running,
    /// Users are being stopped.
    Stopping,
    /// All users are gone and every figure is in.
    Stopped,
}

impl State {
    /// Whether users may be running.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Spawning | Self::Running | Self::Stopping)
    }
}

/// What the control plane can be asked to do.
#[derive(Debug)]
pub(super) enum Order {
    Start { ramp: Ramp },
    Stop { done: oneshot::Sender<()> },
    Abort,
    Reset,
    Summary(oneshot::Sender<Box<Summary>>),
    UserCount(oneshot::Sender<u32>),
    Quit,
}

/// Steers a run from anywhere: cheap to clone, `Send`. Orders are carried out one after the other.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(super) orders: UnboundedSender<Order>,
    pub(super) state: watch::Receiver<State>,
}

impl Handle {
    /// Goes to `users` users at `rate` users a second: changes the run that goes on, or starts a fresh one (figures at
    /// zero, users numbered from 0) when none does.
    ///
    /// While users are being stopped there is neither; the order is then refused with a warning in the log.
    ///
    /// # Errors
    /// When `rate` is not positive and finite.
    pub fn start(&self, users: u32, rate: f64) -> Result<(), LoadError> {
        let ramp = Ramp::new(users, rate)?;
        self.send(Order::Start { ramp });
        Ok(())
    }

    /// Stops all users, within the stop timeout, and returns when all figures are in. Any number of callers may wait.
    ///
    /// # Cancel safety
    /// The run stops all the same when the future is dropped.
    pub async fn stop(&self) {
        let (done, gone) = oneshot::channel();
        self.send(Order::Stop { done });
        let _ = gone.await;
    }

    /// Stops all users without waiting for anything they do; requests in flight are counted as aborted.
    pub fn abort(&self) {
        self.send(Order::Abort);
    }

    /// Sets all figures to zero; users run on.
    pub fn reset(&self) {
        self.send(Order::Reset);
    }

    /// The figures as of the last second, or the last ones of a run that has stopped. `None` when the engine has ended.
    pub async fn summary(&self) -> Option<Box<Summary>> {
        let (sender, summary) = oneshot::channel();
        self.send(Order::Summary(sender));
        summary.await.ok()
    }

    /// The number of users the run is at, as ordered: one that left by itself still counts. `None` when the engine has
    /// ended.
    pub async fn user_count(&self) -> Option<u32> {
        let (sender, users) = oneshot::channel();
        self.send(Order::UserCount(sender));
        users.await.ok()
    }

    /// Where the run stands.
    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Returns when the run reaches a state for which `wanted` holds, or has ended altogether.
    pub async fn until(&mut self, mut wanted: impl FnMut(State) -> bool) {
        let _ = self.state.wait_for(|&state| wanted(state)).await;
    }

    /// Ends the control plane; call [`stop`](Self::stop) first.
    pub(crate) fn quit(&self) {
        self.send(Order::Quit);
    }

    fn send(&self, order: Order) {
        // After the end of the run there is nobody to carry out an order, and nothing left to do.
        let _ = self.orders.send(order);
    }
}
