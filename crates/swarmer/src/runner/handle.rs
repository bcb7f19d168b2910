//! What can be asked of a run, from anywhere: keys, signals, a web page, a test.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{oneshot, watch};

use super::driver::Birth;
use super::fleet::OpenPlan;
use super::gear::{Begin, Reform, Refusal};
use super::master::LeftRun;
use crate::load::{Arrivals, LoadError, Ramp};
use crate::options::Options;
use crate::stats::{Collector, Summary};

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
    /// Locust's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Spawning => "spawning",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    /// Whether users may be running.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Spawning | Self::Running | Self::Stopping)
    }

    /// Locust's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Spawning => "spawning",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

/// A look at everything that is known of the run.
pub(super) struct Question(pub(super) Box<dyn FnOnce(&Collector) + Send>);

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Question")
    }
}

/// What a worker is told by its master, user by user or as numbers.
#[derive(Debug)]
pub(crate) enum Service {
    /// So many users of these classes, by index, from now on; others stay as they are.
    Counts {
        counts: Vec<(usize, u32)>,
        /// Told when all of them have started.
        placed: oneshot::Sender<()>,
    },
    /// Start exactly these users.
    Start(Vec<Birth>),
    /// Stop exactly these users of a class.
    Leave { class: usize, users: Vec<u64>, grace: Duration },
    /// Start journeys as they arrive here.
    Open(Box<OpenPlan>),
    /// From now on users who are stopped have so long to end.
    Grace(Duration),
    /// Send at most so many requests per second.
    Limit(Option<f64>),
    /// There is nothing left to do: users go when their task is done.
    Finish,
    /// All users of the whole fleet have started, so many.
    Spawned(u32),
}

/// What the control plane can be asked to do.
#[derive(Debug)]
pub(super) enum Order {
    /// Begin a run without a user yet, made of this from now on.
    Begin {
        run: Box<Begin>,
        answer: oneshot::Sender<Result<(), Refusal>>,
    },
    /// Go on with a run that was left.
    TakeUp {
        run: Box<Begin>,
        left: Box<LeftRun>,
        answer: oneshot::Sender<Result<(), Refusal>>,
    },
    /// Let users read these options from now on.
    Exchange(Arc<Options>),
    /// Make users of changed classes from now on.
    Reform(Box<Reform>),
    Start {
        ramp: Ramp,
        /// When its first step is due; now if not given.
        began: Option<Instant>,
    },
    /// As `Start`, with users of these classes only, if that can be.
    StartClasses {
        ramp: Ramp,
        classes: Vec<String>,
        answer: oneshot::Sender<Result<(), LoadError>>,
    },
    /// Start journeys as they arrive, with at most so many users.
    Open {
        arrivals: Box<Arrivals>,
        users: u32,
        began: Instant,
    },
    /// Do what somebody else decided, who knows the whole fleet of which this one is a part.
    Serve(Service),
    Stop {
        done: oneshot::Sender<()>,
    },
    Abort,
    Reset,
    Summary(oneshot::Sender<Box<Summary>>),
    UserCount(oneshot::Sender<u32>),
    /// Everybody who runs, or is about to: class and number.
    Roster(oneshot::Sender<Vec<(usize, u64)>>),
    Ask(Question),
    Quit,
}

/// Where the run is going.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Course {
    /// Runs begun so far.
    pub(crate) runs: u64,
    /// The number of users that is gone to, and the rate; `None` in the open model and when there is no run.
    pub(crate) target: Option<(u32, f64)>,
    /// The run was taken up, and workers may still come back with their users.
    pub(crate) gathering: bool,
}

/// Steers a run from anywhere: cheap to clone, `Send`. Orders are carried out one after the other.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(super) orders: UnboundedSender<Order>,
    pub(super) state: watch::Receiver<State>,
    /// Users started, those due soon included.
    pub(super) users: watch::Receiver<u32>,
    pub(super) latest: watch::Receiver<Option<Arc<Summary>>>,
    pub(super) course: watch::Receiver<Course>,
}

impl Handle {
    /// Begins a run that is made of this, without a user yet: what is said to [`start`](Self::start) and the like after
    /// it belongs to that run.
    ///
    /// # Errors
    /// When there can be none now.
    pub(crate) async fn begin(&self, run: Begin) -> Result<(), Refusal> {
        let (answer, outcome) = oneshot::channel();
        self.send(Order::Begin { run: Box::new(run), answer });
        outcome.await.unwrap_or(Err(Refusal::Ended))
    }

    /// Goes on with a run that a master before this one has left, made of this.
    ///
    /// # Errors
    /// When there can be none now.
    pub(crate) async fn take_up(&self, run: Begin, left: LeftRun) -> Result<(), Refusal> {
        let (answer, outcome) = oneshot::channel();
        self.send(Order::TakeUp { run: Box::new(run), left: Box::new(left), answer });
        outcome.await.unwrap_or(Err(Refusal::Ended))
    }

    /// Lets users read these options from now on: those that run with their next task.
    pub(crate) fn exchange(&self, options: Arc<Options>) {
        self.send(Order::Exchange(options));
    }

    /// Has users that are started from now on made of changed classes.
    pub(crate) fn reform(&self, reform: Reform) {
        self.send(Order::Reform(Box::new(reform)));
    }

    /// Where the run is going.
    pub(crate) fn course(&self) -> Course {
        *self.course.borrow()
    }

    /// Goes to `users` users at `rate` users a second: changes the run that goes on, or starts a fresh one (figures at
    /// zero, users numbered from 0) when none does.
    ///
    /// While users are being stopped there is neither; the order is then refused with a warning in the log.
    ///
    /// # Errors
    /// When `rate` is not positive and finite.
    pub fn start(&self, users: u32, rate: f64) -> Result<(), LoadError> {
        let ramp = Ramp::new(users, rate)?;
        self.start_ramp(ramp, None);
        Ok(())
    }

    /// As [`start`](Self::start), with the moment of the first step.
    pub(crate) fn start_ramp(&self, ramp: Ramp, began: Option<Instant>) {
        self.send(Order::Start { ramp, began });
    }

    /// As [`start`](Self::start), with only these classes to be started from now on.
    ///
    /// # Errors
    /// When a class is unknown or can have no user.
    pub(crate) async fn start_classes(
        &self,
        ramp: Ramp,
        classes: Vec<String>,
    ) -> Result<(), LoadError> {
        let (answer, outcome) = oneshot::channel();
        self.send(Order::StartClasses { ramp, classes, answer });
        // No answer comes when the engine has ended; then no user is started either.
        outcome.await.unwrap_or(Ok(()))
    }

    /// Begins a run in which journeys arrive, over a pool of at most `users` users.
    pub(crate) fn open(&self, arrivals: Box<Arrivals>, users: u32, began: Instant) {
        self.send(Order::Open { arrivals, users, began });
    }

    /// Does what the master of this worker says.
    pub(crate) fn serve(&self, service: Service) {
        self.send(Order::Serve(service));
    }

    /// Goes to these numbers of users by class index, at once; returns when they have started.
    pub(crate) async fn go_to(&self, counts: Vec<(usize, u32)>) {
        let (placed, started) = oneshot::channel();
        self.serve(Service::Counts { counts, placed });
        let _ = started.await;
    }

    /// Users that run as far as the plan goes, those that start within the next tenth of a second included.
    pub(crate) fn users(&self) -> u32 {
        *self.users.borrow()
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

    /// As [`stop`](Self::stop), without waiting for the end.
    pub(crate) fn stop_soon(&self) {
        self.send(Order::Stop { done: oneshot::channel().0 });
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

    /// The figures of the last second as everybody else sees them; `None` before the first. Costs the run nothing.
    pub fn latest(&self) -> Option<Arc<Summary>> {
        self.latest.borrow().clone()
    }

    /// Returns when there are newer figures than at the last call. `false` when the engine has ended.
    pub async fn next_second(&mut self) -> bool {
        self.latest.changed().await.is_ok()
    }

    /// Lets `question` look at everything that is known of the run, its history included, between two orders: it
    /// should be quick. `None` when the engine has ended.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Collector) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        self.send(Order::Ask(Question(Box::new(move |collector| {
            // Whoever asked may have gone meanwhile.
            let _ = sender.send(question(collector));
        }))));
        answer.await.ok()
    }

    /// The number of users the run is at, as ordered: one that left by itself still counts. `None` when the engine has
    /// ended.
    pub async fn user_count(&self) -> Option<u32> {
        let (sender, users) = oneshot::channel();
        self.send(Order::UserCount(sender));
        users.await.ok()
    }

    /// Everybody who runs or is about to, as class and number.
    pub(crate) async fn roster(&self) -> Vec<(usize, u64)> {
        let (sender, roster) = oneshot::channel();
        self.send(Order::Roster(sender));
        roster.await.unwrap_or_default()
    }

    /// Where the run stands.
    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Returns when the run reaches a state for which `wanted` holds, or has ended altogether.
    pub async fn until(&mut self, mut wanted: impl FnMut(State) -> bool) {
        let _ = self.state.wait_for(|&state| wanted(state)).await;
    }

    /// Waits until a run that was taken up knows which of its users there still are.
    pub(crate) async fn until_gathered(&mut self) {
        let _ = self.course.wait_for(|course| !course.gathering).await;
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
