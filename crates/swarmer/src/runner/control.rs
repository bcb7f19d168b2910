//! The control plane: one thread that steers the fleet, gathers its figures once a second and tells whoever watches.
//!
//! Everything that can happen to a run (keys, signals, a web page, a time limit) reaches it as an [`Order`] through a
//! [`Handle`]; everything anybody sees leaves it as a [`Summary`].

mod ending;
mod nodes;
mod serving;
mod starting;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, sleep_until};
use tracing::{error, info, warn};

use super::driver::{DRAIN, Event};
use super::fleet::{Fleet, Loss};
use super::handle::{Course, Handle, Order, State};
use super::ramping::{Moving, Outstanding, Ramping, Sending};
use super::round::{Farewell, Round};
use super::turns::Limits;
use crate::clock;
use crate::events::Hooks;
use crate::load::{Dispatcher, LoadError, UserClass};
use crate::logging::RUNNERS;
use crate::stats::{Collector, Delta, MarkKind, Record, Summary, Users};

/// A driver that has not reported by then is left for the next second: its figures are not lost, only late.
const PATIENCE: Duration = Duration::from_millis(800);

/// The last reports of a run are waited for this long: nothing may be missing, and drivers have nothing else to do.
const LAST_PATIENCE: Duration = Duration::from_secs(30);

/// Users go within the stop timeout and [`DRAIN`]; a driver that takes so much longer hangs in the workload's code.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(10);

/// As [`FAREWELL_PATIENCE`], when there is no time left.
const ABORT_PATIENCE: Duration = Duration::from_secs(2);

/// Sees the figures once a second, and the last ones when users have stopped.
pub(crate) trait Watcher {
    fn tick(&mut self, summary: &Summary, state: State);

    /// Takes what a node recorded, once it is part of the figures here.
    fn recorded(&mut self, _: Box<Delta>) {}

    /// So many of the users that were to be started have been dealt with.
    fn started(&mut self, _births: u32) {}

    /// In a run that is steered from elsewhere: all journeys that were to arrive here by the shares of this turn have, and
    /// are over.
    fn served(&mut self, _turn: u64) {}

    /// So many tasks of a limited number are over, of which the figures that follow tell.
    fn ended(&mut self, _tasks: u64) {}

    /// A user asked for the end of the test; `true` when that is passed on instead of done here.
    fn passes_on_stop(&mut self, _reason: &str) -> bool {
        false
    }
}

/// What the control plane needs of the options.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) classes: Vec<UserClass>,
    pub(crate) stop_timeout: Duration,
    pub(crate) reset_stats: bool,
    /// On the number of tasks; the drivers have the same.
    pub(crate) limits: Limits,
    pub(crate) hooks: Arc<Hooks>,
}

/// What went wrong with a run itself, beside requests and tasks. The log has the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// Not one user could start.
    NobodyStarted,
    /// A driver died or hung: the figures are not complete.
    DriverLost,
    /// No worker was left to run users on.
    NoWorkers,
}

/// How a run ended.
pub(crate) struct Outcome<W> {
    pub(crate) record: Record,
    pub(crate) watcher: W,
    pub(crate) trouble: Option<Trouble>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the run")]
pub(crate) struct Control<W, F: Fleet> {
    fleet: F,
    dispatcher: Dispatcher,
    collector: Collector,
    watcher: W,
    settings: Settings,
    orders: UnboundedReceiver<Order>,
    state: watch::Sender<State>,
    planned: watch::Sender<u32>,
    latest: watch::Sender<Option<Arc<Summary>>>,
    course: watch::Sender<Course>,
    /// A run has begun and nothing was asked of it yet.
    fresh: bool,
    ramping: Option<Ramping>,
    /// Number of users and rate that were asked for last.
    goal: Option<Goal>,
    moving: Option<Moving>,
    /// A run was taken up: until then its workers may come back with their users.
    gathering: Option<Instant>,
    outstanding: Outstanding,
    /// Nodes that journeys still arrive at, in a run of that model.
    open: Option<Openings>,
    /// Who is told, in a run that is steered from elsewhere, that all users have started.
    serving: Option<Vec<oneshot::Sender<()>>>,
    /// All tasks there were are given out.
    finishing: bool,
    round: Round,
    farewell: Farewell,
    starts: Starts,
    reset_due: bool,
    /// Reports were late in the last round, and that has been said.
    late: bool,
    trouble: Option<Trouble>,
    waiting: Vec<oneshot::Sender<()>>,
}

/// What the run is to come to.
#[derive(Clone, Copy, Debug)]
struct Goal {
    users: u32,
    rate: f64,
}

/// The nodes that journeys still arrive at, by the shares of this turn.
#[derive(Debug, Default)]
struct Openings {
    nodes: BTreeSet<usize>,
    turn: u64,
}

/// How starting users went in this run.
#[derive(Default)]
struct Starts {
    tried: u64,
    failed: u64,
    /// Failures not told yet.
    untold: u64,
}

impl<W: Watcher, F: Fleet> Control<W, F> {
    /// # Errors
    /// When the classes cannot be dispatched: none with a weight, or two of one name.
    pub(crate) fn new(
        fleet: F,
        collector: Collector,
        watcher: W,
        settings: Settings,
    ) -> Result<(Self, Handle), LoadError> {
        let names = fleet.names();
        let nodes = names.len();
        let dispatcher = if names.is_empty() {
            Dispatcher::without_workers(settings.classes.clone())?
        } else {
            Dispatcher::new(settings.classes.clone(), names)?
        };
        let (sender, orders) = unbounded_channel();
        let (state, state_seen) = watch::channel(State::Ready);
        let (planned, users) = watch::channel(0);
        let (latest, latest_seen) = watch::channel(None);
        let (course, course_seen) = watch::channel(Course::default());
        let now = clock::now();
        let control = Self {
            dispatcher,
            collector,
            watcher,
            orders,
            state,
            planned,
            latest,
            course,
            fresh: false,
            ramping: None,
            goal: None,
            moving: None,
            gathering: None,
            outstanding: Outstanding::default(),
            open: None,
            serving: None,
            finishing: false,
            round: Round::none(nodes, settings.classes.len(), now),
            farewell: Farewell::none(nodes, now),
            starts: Starts::default(),
            reset_due: false,
            late: false,
            trouble: None,
            waiting: Vec::new(),
            fleet,
            settings,
        };
        let handle = Handle {
            orders: sender,
            state: state_seen,
            users,
            latest: latest_seen,
            course: course_seen,
        };
        Ok((control, handle))
    }

    /// Runs until [`Handle::quit`] and returns the last figures.
    pub(crate) async fn run(mut self) -> Outcome<W> {
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let (report_due, gone_by) = (self.round.deadline, self.farewell.deadline);
            let step = self.next_step();
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(Order::Quit) | None => break,
                    Some(order) => self.carry_out(order),
                },
                event = self.fleet.next_event() => self.hear(event),
                () = sleep_until(report_due.into()), if self.round.is_open() => self.close_round(),
                () = sleep_until(gone_by.into()), if !self.farewell.is_over() => self.lose_the_stuck(),
                () = sleep_until(step.unwrap_or(report_due).into()), if step.is_some() => self.advance(),
                _ = second.tick() => {
                    self.open_round(false);
                    self.end_if_all_went();
                }
            }
        }
        let record = self.collector.record(self.summary());
        self.fleet.dismiss().await;
        Outcome { record, watcher: self.watcher, trouble: self.trouble }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Begin { run, answer } => {
                let _ = answer.send(self.begin(*run));
            }
            Order::TakeUp { run, left, answer } => {
                let _ = answer.send(self.take_up(*run, *left));
            }
            Order::Exchange(options) => {
                self.note_host(options.host.as_deref());
                self.fleet.exchange(&options);
            }
            Order::Reform(reform) => self.fleet.reform(&reform),
            Order::Start { ramp, began } => self.start(ramp, began, None),
            Order::StartClasses { ramp, classes, answer } => {
                // Checked before anything is changed.
                let possible = self.dispatcher.clone().restrict_to(&classes);
                if possible.is_ok() {
                    self.start(ramp, None, Some(&classes));
                }
                let _ = answer.send(possible);
            }
            Order::Open { arrivals, users, began } => self.open(&arrivals, users, began),
            Order::Serve(service) => self.serve(service),
            Order::Stop { done } => {
                self.waiting.push(done);
                self.stop();
            }
            Order::Abort if self.state().is_active() => {
                self.stop();
                self.farewell.deadline = clock::now() + ABORT_PATIENCE;
                self.fleet.abort();
            }
            Order::Reset => {
                self.reset();
                self.settings.hooks.reset_stats();
            }
            Order::Summary(sender) => {
                let _ = sender.send(Box::new(self.summary()));
            }
            Order::UserCount(sender) => {
                let _ = sender.send(self.dispatcher.user_count());
            }
            Order::Roster(sender) => {
                let _ = sender.send(self.dispatcher.running().map(|p| (p.class, p.user)).collect());
            }
            Order::Ask(question) => (question.0)(&self.collector),
            Order::Abort | Order::Quit => {}
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Started { node, births, users } => {
                self.set_users(node, users);
                self.watcher.started(births);
                self.starts.tried += u64::from(births);
                self.outstanding.note(node, births);
                self.finish_ramp_if_done();
            }
            Event::StartFailed { class, reason } => self.start_failed(class, &reason),
            Event::Report { node, number, delta, users } => {
                self.collector.merge_from(self.fleet.node(node), &delta);
                self.watcher.recorded(delta);
                self.set_users(node, users);
                self.reported(node, number);
            }
            Event::Reported { node, number } => self.reported(node, number),
            Event::Done { empty } => {
                self.finish_if_spent();
                if empty {
                    self.open_round(false);
                }
            }
            Event::Served { node, turn } => self.served(node, turn),
            Event::Shared { nodes, turn } => {
                if let Some(open) = &mut self.open {
                    *open = Openings { nodes: nodes.into_iter().collect(), turn };
                }
            }
            Event::Drained { node } => self.farewell_of(node),
            Event::StopTest { reason } => {
                let runs = matches!(self.state(), State::Spawning | State::Running);
                if runs && !self.watcher.passes_on_stop(&reason) {
                    warn!(target: RUNNERS, "A user stopped the test: {reason}");
                    self.stop();
                }
            }
            Event::Ended { tasks } => self.watcher.ended(tasks),
            Event::Spent => self.finish(),
            Event::Note(text) => self.collector.note(text),
            Event::Died { node, panic } => self.lose(node, Loss::Died(panic)),
            Event::Joined { node, name, users, recovered } => {
                self.join(node, name, &users, recovered);
            }
            Event::Stopping { node } => self.await_farewell(node),
            Event::Left { node, why, news } => self.part_with(node, &why, news),
        }
    }

    fn stop(&mut self) {
        match self.state() {
            State::Ready | State::Stopped => self.dismiss(),
            State::Stopping => {}
            State::Spawning | State::Running => {
                self.collector.mark(MarkKind::Stop, "Users are told to stop");
                self.course.send_modify(|course| course.target = None);
                (self.ramping, self.moving, self.goal) = (None, None, None);
                self.state.send_replace(State::Stopping);
                self.settings.hooks.test_stopping();
                let (grace, deadline) = (self.settings.stop_timeout, self.farewell_by());
                self.farewell.begin(self.fleet.present(), deadline);
                self.fleet.stop_all(grace);
                if self.fleet.awaits() {
                    info!(target: RUNNERS, "Waiting for workers that have not come back since the restart of the master");
                }
                self.end_if_all_went(); // There may be no node to wait for.
            }
        }
    }

    /// Tells all who wait for the end of the run.
    fn dismiss(&mut self) {
        for done in self.waiting.drain(..) {
            let _ = done.send(());
        }
    }

    /// Sets the figures to zero, once what the nodes still hold has been fetched.
    fn reset(&mut self) {
        self.reset_due = true;
        self.open_round(false);
    }

    /// Asks every node for its figures.
    fn open_round(&mut self, last: bool) {
        self.end_gathering();
        if self.round.last && self.round.is_open() {
            return; // The last round is on its way; it brings everything.
        }
        let patience = if last { LAST_PATIENCE } else { PATIENCE };
        self.round.open(self.fleet.present(), last, clock::now() + patience);
        self.fleet.ask_for_reports(self.round.number, last);
        if !self.round.is_open() {
            self.close_round(); // There is nobody left to ask.
        }
    }

    /// The reports of this second are in, or as many as came in time.
    fn close_round(&mut self) {
        let missing = self.round.close();
        self.tell_late(&missing);
        if std::mem::take(&mut self.reset_due) {
            self.collector.reset(clock::now());
            self.fleet.reset();
            self.collector.mark(MarkKind::Reset, "All figures were set to zero");
        }
        let untold = std::mem::take(&mut self.starts.untold);
        if untold > 0 {
            error!(target: RUNNERS, "{untold} more users could not start and are not replaced");
        }
        let last = std::mem::take(&mut self.round.last);
        if last {
            self.fleet.ended();
            self.collector.end();
        }
        self.collector.plan(self.planned_users());
        self.collector.tick(clock::now(), &self.users());
        if last {
            self.state.send_replace(State::Stopped);
        }
        let summary = Arc::new(self.summary());
        self.watcher.tick(&summary, self.state());
        self.latest.send_replace(Some(Arc::clone(&summary)));
        if self.state() == State::Stopped {
            if last {
                self.settings.hooks.test_stop(&summary);
            }
            self.dismiss();
        } else {
            self.end_if_all_done();
        }
    }

    /// Users running now.
    fn users(&self) -> Users {
        let classes = self.settings.classes.iter().enumerate();
        classes.map(|(index, class)| (class.name.clone(), self.round.users(index))).collect()
    }

    /// Tells readers of the figures when the run they see goes to another target than it began with.
    fn note_host(&mut self, host: Option<&str>) {
        let info = self.collector.info_mut();
        if !self.state.borrow().is_active() || info.host.as_deref() == host {
            return;
        }
        let before = std::mem::replace(&mut info.host, host.map(str::to_owned));
        let (before, host) =
            (before.unwrap_or_else(|| "hosts of their own".to_owned()), host.unwrap_or_default());
        self.collector.mark(MarkKind::Plan, format!("Users started from now on go to {host}"));
        self.collector.note(format!(
            "the host was changed while the run went on: users that had started before went to {before}"
        ));
    }

    /// The number of users that there should be now, in a run that has one.
    fn planned_users(&self) -> Option<u64> {
        match self.state() {
            State::Spawning | State::Running => {
                self.open.is_none().then(|| u64::from(self.dispatcher.user_count()))
            }
            State::Ready | State::Stopping | State::Stopped => Some(0),
        }
    }

    fn summary(&self) -> Summary {
        let workers = self.fleet.workers();
        Summary { workers, ..self.collector.summary(clock::now(), self.users()) }
    }

    fn state(&self) -> State {
        *self.state.borrow()
    }
}

#[cfg(test)]
mod tests;
