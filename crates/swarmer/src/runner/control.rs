//! The control plane: one thread that steers the fleet, gathers its figures once a second and tells whoever watches.
//!
//! Everything that can happen to a run (keys, signals, a web page, a time limit) reaches it as an [`Order`] through a
//! [`Handle`]; everything anybody sees leaves it as a [`Summary`].

use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use tracing::{error, info, warn};

use super::driver::{Birth, Event};
use super::fleet::{Fleet, driver_names};
use crate::clock;
use crate::load::{Change, Dispatcher, LoadError, Placement, Ramp, UserClass};
use crate::logging::RUNNERS;
use crate::stats::{Collector, Summary, Users};

/// Users due within this time are sent to their drivers ahead, so that drivers start them on the dot.
const LOOK_AHEAD: Duration = Duration::from_millis(100);

/// A driver that has not reported by then is left for the next second: its figures are not lost, only late.
const PATIENCE: Duration = Duration::from_millis(800);

/// The last reports of a run are waited for this long: nothing may be missing, and drivers have nothing else to do.
const LAST_PATIENCE: Duration = Duration::from_secs(30);

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
enum Order {
    Start { users: u32, rate: f64 },
    Stop { done: oneshot::Sender<()> },
    Abort,
    Reset,
    Summary(oneshot::Sender<Box<Summary>>),
    Quit,
}

/// Steers a run from anywhere: cheap to clone, `Send`.
#[derive(Debug, Clone)]
pub struct Handle {
    orders: UnboundedSender<Order>,
    state: watch::Receiver<State>,
}

impl Handle {
    /// Goes to `users` users at `rate` users a second: starts a run, or changes the one that runs.
    ///
    /// # Errors
    /// When `rate` is not positive and finite.
    pub fn start(&self, users: u32, rate: f64) -> Result<(), LoadError> {
        Ramp::new(users, rate)?;
        self.send(Order::Start { users, rate });
        Ok(())
    }

    /// Stops all users, within the stop timeout, and returns when all figures are in.
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

    /// The figures as of the last second. `None` when the run has ended.
    pub async fn summary(&self) -> Option<Box<Summary>> {
        let (sender, summary) = oneshot::channel();
        self.send(Order::Summary(sender));
        summary.await.ok()
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

/// Sees the figures once a second, and the last ones when users have stopped.
pub(crate) trait Watcher {
    fn tick(&mut self, summary: &Summary, state: State);
}

/// What the control plane needs of the options.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) classes: Vec<UserClass>,
    pub(crate) stop_timeout: Duration,
    pub(crate) reset_stats: bool,
}

pub(crate) struct Control<W> {
    fleet: Fleet,
    dispatcher: Dispatcher,
    collector: Collector,
    watcher: W,
    settings: Settings,
    orders: UnboundedReceiver<Order>,
    state: watch::Sender<State>,
    ramp: Option<ActiveRamp>,
    round: Round,
    reset_due: bool,
    drained: usize,
    waiting: Vec<oneshot::Sender<()>>,
}

/// A ramp on its way.
struct ActiveRamp {
    ramp: Ramp,
    began: Instant,
    sent: u32,
    started: u32,
}

/// The gathering of one second's reports.
struct Round {
    number: u64,
    /// Drivers that have not answered yet; 0 when no round is open.
    missing: usize,
    deadline: Instant,
    /// After this round the run is over.
    last: bool,
    /// Users by driver and class, as last reported.
    users: Vec<Vec<u32>>,
}

impl<W: Watcher> Control<W> {
    /// # Errors
    /// When the classes cannot be dispatched: none with a weight, or two of one name.
    pub(crate) fn new(
        fleet: Fleet,
        collector: Collector,
        watcher: W,
        settings: Settings,
    ) -> Result<(Self, Handle), LoadError> {
        let dispatcher = Dispatcher::new(settings.classes.clone(), driver_names(fleet.len()))?;
        let (sender, orders) = unbounded_channel();
        let (state, state_seen) = watch::channel(State::Ready);
        let round = Round {
            number: 0,
            missing: 0,
            deadline: clock::now(),
            last: false,
            users: vec![vec![0; settings.classes.len()]; fleet.len()],
        };
        let control = Self {
            fleet,
            dispatcher,
            collector,
            watcher,
            settings,
            orders,
            state,
            ramp: None,
            round,
            reset_due: false,
            drained: 0,
            waiting: Vec::new(),
        };
        Ok((control, Handle { orders: sender, state: state_seen }))
    }

    /// Runs until [`Handle::quit`] and returns the last figures.
    pub(crate) async fn run(mut self) -> (Summary, W) {
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let (next_step, deadline) = (self.next_step(), self.round.deadline);
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(Order::Quit) | None => break,
                    Some(order) => self.carry_out(order),
                },
                event = self.fleet.next_event() => self.hear(event),
                () = sleep_until(deadline.into()), if self.round.missing > 0 => self.close_round(),
                () = sleep_until(next_step.unwrap_or(deadline).into()), if next_step.is_some() => self.advance(),
                _ = second.tick() => self.open_round(false),
            }
        }
        (self.summary(), self.watcher)
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Start { users, rate } => self.start(users, rate),
            Order::Stop { done } => {
                self.waiting.push(done);
                self.stop();
            }
            Order::Abort => {
                self.stop();
                self.fleet.abort();
            }
            Order::Reset => self.reset(),
            Order::Summary(sender) => {
                let _ = sender.send(Box::new(self.summary()));
            }
            Order::Quit => {}
        }
    }

    fn start(&mut self, users: u32, rate: f64) {
        let Ok(ramp) = Ramp::new(users, rate) else {
            return; // The handle has checked it already.
        };
        if self.state() == State::Stopping {
            warn!(target: RUNNERS, "Users are still being stopped; start again when they are gone");
            return;
        }
        if !self.state().is_active() {
            self.begin_run();
        }
        info!(target: RUNNERS, "Ramping to {users} users at a rate of {rate:.2} per second");
        let (sent, started) = self.ramp.as_ref().map_or((0, 0), |old| (old.sent, old.started));
        self.ramp = Some(ActiveRamp { ramp, began: clock::now(), sent, started });
        self.state.send_replace(State::Spawning);
        self.advance();
    }

    fn begin_run(&mut self) {
        self.collector.reset(clock::now());
        if let Ok(fresh) =
            Dispatcher::new(self.settings.classes.clone(), driver_names(self.fleet.len()))
        {
            self.dispatcher = fresh;
        }
        self.drained = 0;
    }

    /// When the ramp has to be looked at again, if one is on its way.
    fn next_step(&self) -> Option<Instant> {
        let active = self.ramp.as_ref()?;
        let due = active.ramp.next_due(&self.dispatcher)?;
        Some(active.began + due.saturating_sub(LOOK_AHEAD))
    }

    /// Sends what is due soon to the drivers.
    fn advance(&mut self) {
        let Some(active) = self.ramp.as_mut() else { return };
        let horizon = clock::now().saturating_duration_since(active.began) + LOOK_AHEAD;
        let mut births: Vec<Vec<Birth>> = vec![Vec::new(); self.fleet.len()];
        for step in active.ramp.due(&mut self.dispatcher, horizon) {
            let Placement { class, worker, user } = step.place;
            match step.change {
                Change::Start => {
                    let due = active.began + step.due;
                    births[worker].push(Birth { due, class, number: user });
                }
                Change::Stop => self.fleet.stop_users(worker, class, 1, self.settings.stop_timeout),
            }
        }
        for (driver, births) in births.into_iter().enumerate() {
            if !births.is_empty() {
                active.sent += u32::try_from(births.len()).unwrap_or(u32::MAX);
                self.fleet.start_users(driver, births);
            }
        }
        self.finish_ramp_if_done();
    }

    /// The ramp is over when every step was sent and every user sent has started.
    fn finish_ramp_if_done(&mut self) {
        let done = self.ramp.as_ref().is_some_and(|active| {
            active.ramp.is_done(&self.dispatcher) && active.started >= active.sent
        });
        if !done {
            return;
        }
        self.ramp = None;
        let mut counts = self.dispatcher.class_counts();
        counts.sort_unstable();
        let counts: Vec<_> =
            counts.iter().map(|(name, users)| format!("{name:?}: {users}")).collect();
        let (counts, total) = (counts.join(", "), self.dispatcher.user_count());
        info!(target: RUNNERS, "All users spawned: {{{counts}}} ({total} total users)");
        if self.settings.reset_stats {
            info!(target: RUNNERS, "Resetting stats");
            self.reset();
        }
        self.state.send_replace(State::Running);
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Started { users } => {
                if let Some(active) = self.ramp.as_mut() {
                    active.started += users;
                }
                self.finish_ramp_if_done();
            }
            Event::Report { driver, number, delta, users } => {
                self.collector.merge(*delta);
                self.round.users[driver] = users;
                if number == self.round.number {
                    self.round.missing = self.round.missing.saturating_sub(1);
                    if self.round.missing == 0 {
                        self.close_round();
                    }
                }
            }
            Event::Drained => {
                self.drained += 1;
                if self.state() == State::Stopping && self.drained == self.fleet.len() {
                    self.open_round(true);
                }
            }
            Event::StopTest { reason } => {
                error!(target: RUNNERS, "A user stopped the test: {reason}");
                self.stop();
            }
        }
    }

    fn stop(&mut self) {
        match self.state() {
            State::Ready | State::Stopped => self.dismiss(),
            State::Stopping => {}
            State::Spawning | State::Running => {
                self.ramp = None;
                self.drained = 0;
                self.state.send_replace(State::Stopping);
                self.fleet.stop_all(self.settings.stop_timeout);
            }
        }
    }

    /// Tells all who wait for the end of the run.
    fn dismiss(&mut self) {
        for done in self.waiting.drain(..) {
            let _ = done.send(());
        }
    }

    /// Sets the figures to zero, once what the drivers still hold has been fetched.
    fn reset(&mut self) {
        self.reset_due = true;
        self.open_round(false);
    }

    /// Asks every driver for its figures.
    fn open_round(&mut self, last: bool) {
        if self.round.last && self.round.missing > 0 {
            return; // The last round is on its way; it brings everything.
        }
        self.round.number += 1;
        self.round.missing = self.fleet.len();
        self.round.last = last;
        self.round.deadline = clock::now() + if last { LAST_PATIENCE } else { PATIENCE };
        self.fleet.ask_for_reports(self.round.number);
    }

    /// The reports of this second are in, or as many as came in time.
    fn close_round(&mut self) {
        if self.round.missing > 0 {
            let late = self.round.missing;
            warn!(target: RUNNERS, "{late} driver(s) did not report in time: this machine is overloaded");
            self.round.missing = 0;
        }
        if std::mem::take(&mut self.reset_due) {
            self.collector.reset(clock::now());
        }
        self.collector.tick(clock::now(), &self.users());
        if self.round.last {
            self.round.last = false;
            self.state.send_replace(State::Stopped);
        }
        let summary = self.summary();
        self.watcher.tick(&summary, self.state());
        if self.state() == State::Stopped {
            self.dismiss();
        }
    }

    /// Users running now.
    fn users(&self) -> Users {
        let count =
            |class| self.round.users.iter().map(|by_class| u64::from(by_class[class])).sum();
        let classes = self.settings.classes.iter().enumerate();
        classes.map(|(index, class)| (class.name.clone(), count(index))).collect()
    }

    fn summary(&self) -> Summary {
        self.collector.summary(clock::now(), self.users())
    }

    fn state(&self) -> State {
        *self.state.borrow()
    }
}
