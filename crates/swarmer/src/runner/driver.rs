//! A driver: one thread, one single-threaded runtime, and the users that live on it.
//!
//! A driver owns its users, their connections and its recorder. It hears [`Command`]s and answers with [`Event`]s, a few
//! a second; between those nothing on it is shared with any other thread.

mod journeys;
mod starts;
mod wait;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand_pcg::Pcg64Mcg;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::spawn_local;

use super::arrivals::{Open, Opening};
use super::gear::{Gear, Reform};
use super::life::{End, count_panic, live};
use super::pulse::Monitor;
use super::turns::{Limits, Turns};
use crate::clock::{self, Anchor};
use crate::events::Hooks;
use crate::http;
use crate::options::Options;
use crate::scenario::{UserClass, caught};
use crate::stats::{Delta, Pulse, Recorder, RecorderOptions};
use crate::user::stop::{Stop, StopSignal};
use crate::user::transcript::Transcript;
use crate::user::{Env, Limiter, Provided, User};
use starts::Starts;
use wait::Wait;

/// After its time to stop is up, a user may still finish the one request that is in flight, for this long. What is cut
/// even then is counted as aborted.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);

/// What a driver is told.
#[derive(Debug)]
pub(crate) enum Command {
    /// A new run begins: users are made of this from now on. There are none at this time.
    Equip(Gear),
    /// Users read these options from their next task on.
    Exchange(Arc<Options>),
    /// Users that are started from now on are made of these.
    Reform(Reform),
    /// From now on send at most so many requests per second, finite; none at all with 0.
    Limit(Option<f64>),
    /// Start these users, each when it is due.
    Start(Vec<Birth>),
    /// Stop the users of a class with these numbers; those that have gone by themselves are no matter.
    Stop { class: usize, users: Vec<u64>, grace: Duration },
    /// From now on start a journey whenever one is due, with users as needed.
    Open(Box<Opening>),
    /// There is nothing left to do: users go when their task is done, however long that takes.
    Finish,
    /// Stop all users; then say [`Event::Drained`].
    StopAll { grace: Duration },
    /// Stop all users now, whatever they are doing: after [`Command::StopAll`], when there is no time left.
    Abort,
    /// Send what was recorded since the last report. Meanwhile the host took so much of a core.
    Report { number: u64, stolen: Duration },
    /// No more users will come: end the thread.
    Quit,
}

/// A user to be started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Birth {
    pub(crate) due: Instant,
    pub(crate) class: usize,
    pub(crate) number: u64,
}

/// Whether anything is lost with a node that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// It said farewell, and all its figures are in.
    InOrder,
    /// It fell silent.
    Lost,
}

/// What a node says: a driver, or a whole worker.
#[derive(Debug)]
pub(crate) enum Event {
    /// The figures since the last report, and the users running now, by class.
    Report { node: usize, number: u64, delta: Box<Delta>, users: Vec<u32> },
    /// So many of the users to be started have been since the last such event; `users` run now, by class.
    Started { node: usize, births: u32, users: Vec<u32> },
    /// A user could not start and is not replaced.
    StartFailed { class: usize, reason: String },
    /// A user has done its share of a limited number of tasks; `empty` when it was the last one here.
    Done { empty: bool },
    /// All journeys that were to arrive here have, and are over, by the shares of this turn.
    Served { node: usize, turn: u64 },
    /// Shares have changed: journeys arrive at these nodes.
    Shared { nodes: Vec<usize>, turn: u64 },
    /// All users are gone, after [`Command::StopAll`].
    Drained { node: usize },
    /// A user asked for the end of the test.
    StopTest { reason: String },
    /// So many tasks are over since the last report, which follows.
    Ended { tasks: u64 },
    /// All tasks there were to do have been begun.
    Spent,
    /// Something that every report is to tell.
    Note(String),
    /// The driver is no more: its own code panicked.
    Died { node: usize, panic: String },
    /// Everything that the node had to say in this round has been said before.
    Reported { node: usize, number: u64 },
    /// A node came, under the next number, with the users by class that run on it already. With `recovered` it was lost
    /// before and has lost nothing.
    Joined { node: usize, name: String, users: Vec<(usize, u64)>, recovered: bool },
    /// This node came back while users are being stopped, and has some left: it says [`Event::Drained`], too.
    Stopping { node: usize },
    /// A node went, for this reason: its users are gone or do not count any more.
    Left { node: usize, why: String, news: Departure },
}

/// Everything a driver needs to know at its start. All of it may cross threads.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) classes: Arc<[UserClass]>,
    pub(crate) options: Arc<Options>,
    pub(crate) provided: Arc<Provided>,
    pub(crate) http: http::Config,
    pub(crate) anchor: Anchor,
    /// On the number of tasks.
    pub(crate) limits: Limits,
    /// Requests per second of this driver at most.
    pub(crate) max_rate: Option<f64>,
    /// A user goes on after an exception; else it ends there.
    pub(crate) catch_exceptions: bool,
    pub(crate) hooks: Arc<Hooks>,
    #[cfg(any(test, feature = "testing"))]
    pub(crate) script: Option<crate::testing::Script>,
}

pub(crate) struct Driver {
    index: usize,
    setup: Setup,
    env: Rc<Env>,
    http: Rc<http::Shared>,
    bases: Vec<Option<http::BaseUrl>>,
    living: Rc<RefCell<Living>>,
    pending: VecDeque<Birth>,
    open: Option<Open>,
    /// Tasks that are over since the last report.
    ended: Rc<Cell<u64>>,
    starts: Starts,
    events: UnboundedSender<Event>,
    /// Of a driver that has its thread to itself.
    monitor: Option<Monitor>,
    /// For what is due.
    wait: Wait,
}

/// The users on this driver.
struct Living {
    by_class: Vec<BTreeMap<u64, StopSignal>>,
    draining: bool,
}

impl Living {
    fn is_empty(&self) -> bool {
        self.by_class.iter().all(BTreeMap::is_empty)
    }
}

impl Driver {
    /// # Errors
    /// When a host is not a base URL.
    pub(crate) fn new(
        index: usize,
        setup: Setup,
        events: UnboundedSender<Event>,
    ) -> Result<Self, http::Error> {
        Self::with(index, setup, events, None)
    }

    /// A driver whose users are written down. There should be one.
    ///
    /// # Errors
    /// When a host is not a base URL.
    pub(super) fn transcribed(
        setup: Setup,
        events: UnboundedSender<Event>,
        transcript: Rc<Transcript>,
    ) -> Result<Self, http::Error> {
        Self::with(0, setup, events, Some(transcript))
    }

    fn with(
        index: usize,
        setup: Setup,
        events: UnboundedSender<Event>,
        transcript: Option<Rc<Transcript>>,
    ) -> Result<Self, http::Error> {
        let tap = transcript.clone().map(|transcript| transcript as Rc<dyn http::Tap>);
        let env = Rc::new(Env {
            recorder: RefCell::new(Recorder::new(
                setup.anchor,
                RecorderOptions { coarse: setup.options.locust_percentiles },
            )),
            options: RefCell::new(Arc::clone(&setup.options)),
            provided: RefCell::new(Arc::clone(&setup.provided)),
            trace_rng: RefCell::new(entropy()),
            limiter: Limiter::new(setup.max_rate),
            waiters: Rc::default(),
            catch_exceptions: setup.catch_exceptions,
            anchor: setup.anchor,
            on_request: (!setup.hooks.request.is_empty()).then(|| Arc::clone(&setup.hooks)),
            hooks: Arc::clone(&setup.hooks),
            transcript,
        });
        let http = http::Shared::tapped(setup.http.clone(), tap);
        let bases = bases(&http, &setup.classes, &setup.options)?;
        let by_class = setup.classes.iter().map(|_| BTreeMap::new()).collect();
        let living = Rc::new(RefCell::new(Living { by_class, draining: false }));
        let (pending, open, monitor, wait) = (VecDeque::new(), None, None, Wait::default());
        let (starts, ended) = (Starts::default(), Rc::default());
        Ok(Self {
            index,
            setup,
            env,
            http,
            bases,
            living,
            pending,
            open,
            ended,
            starts,
            events,
            monitor,
            wait,
        })
    }

    /// As [`run`](Self::run), and watches the thread meanwhile, which nobody else must use.
    pub(crate) async fn run_watched(mut self, commands: UnboundedReceiver<Command>) {
        self.monitor = Some(Monitor::begin(self.index));
        if self.wait.sharpen() {
            self.env.waiters.begin();
        }
        self.run(commands).await;
    }

    /// Serves commands until [`Command::Quit`]. Needs a `LocalSet` around it.
    pub(crate) async fn run(mut self, mut commands: UnboundedReceiver<Command>) {
        loop {
            let due = self.next_due();
            let command = tokio::select! {
                biased;
                command = commands.recv() => command,
                () = self.env.waiters.sooner_than(due) => continue,
                () = self.wait.until(due) => {
                    let now = clock::now();
                    self.env.waiters.wake_due(now);
                    let started = self.start_due(now).await;
                    let called = self.serve_due().await;
                    self.say_started_soon(started + called);
                    continue;
                }
            };
            match command {
                Some(Command::Quit) | None => return,
                Some(command) => self.obey(command),
            }
        }
    }

    /// When the next user, journey or task is to be started.
    fn next_due(&mut self) -> Option<Instant> {
        let journey = self.open.as_mut().and_then(Open::next_due);
        journey.into_iter().chain(self.next_lot()).chain(self.env.waiters.first()).min()
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Equip(gear) => self.equip(gear),
            Command::Exchange(options) => self.exchange(options),
            Command::Reform(reform) => self.reform(reform.classes),
            Command::Limit(rate) => self.env.limiter.set(rate),
            Command::Start(births) => {
                self.living.borrow_mut().draining = false;
                self.pending.extend(births);
                // What a change of the plan brings may be due before what is here already.
                if !self.pending.iter().is_sorted_by_key(|birth| birth.due) {
                    self.pending.make_contiguous().sort_by_key(|birth| birth.due);
                }
            }
            Command::Stop { class, users, grace } => self.stop_users(class, &users, grace),
            Command::Open(opening) => {
                self.living.borrow_mut().draining = false;
                self.open_for(&opening);
            }
            Command::Finish => {
                self.say_started(self.pending.len());
                self.pending.clear();
                self.signals().iter().for_each(|signal| signal.raise(Stop::AfterTask));
            }
            Command::StopAll { grace } => {
                self.pending.clear();
                self.close();
                reap(self.signals(), grace);
                self.drain();
            }
            Command::Abort => {
                self.signals().iter().for_each(|signal| signal.raise(Stop::Now));
            }
            Command::Report { number, stolen } => self.report(number, stolen),
            Command::Quit => {}
        }
    }

    fn equip(&mut self, gear: Gear) {
        let Gear { classes, options, provided, limits } = gear;
        self.open = None;
        self.env.provided.replace(Arc::clone(&provided));
        self.setup = Setup { provided, limits, ..self.setup.clone() };
        self.exchange(options);
        self.reform(classes);
    }

    fn reform(&mut self, classes: Arc<[UserClass]>) {
        self.setup.classes = classes;
        self.rebase();
    }

    fn exchange(&mut self, options: Arc<Options>) {
        self.env.options.replace(Arc::clone(&options));
        self.setup.options = options;
        self.rebase();
    }

    /// Finds out where users that are started from now on send requests to; others stay where they are, as with Locust.
    fn rebase(&mut self) {
        // What a master sends is not checked: without a base a request says that it has none.
        let base = |class: &UserClass| base(&self.http, class, &self.setup.options).ok().flatten();
        self.bases = self.setup.classes.iter().map(base).collect();
    }

    fn report(&mut self, number: u64, stolen: Duration) {
        self.look_after_pool();
        self.say_started(0);
        let mut delta = Box::new(self.env.recorder.borrow_mut().take());
        if let Some(monitor) = &mut self.monitor {
            delta.add_pulse(Pulse { stolen, ..monitor.take(self.wait.take_idle()) });
        }
        // What is counted of them is in this report.
        let tasks = self.ended.take();
        if tasks > 0 && self.setup.limits.all.is_some() {
            self.say(Event::Ended { tasks });
        }
        self.say(Event::Report { node: self.index, number, delta, users: self.users() });
    }

    /// Users running now, by class.
    fn users(&self) -> Vec<u32> {
        self.living.borrow().by_class.iter().map(|users| count(users.len())).collect()
    }

    fn start(&self, Birth { class, number, .. }: Birth, turns: Turns) {
        let signal = StopSignal::new();
        let mut user = User::new(number, self.client(class), signal.clone(), Rc::clone(&self.env));
        let mut turns = turns;
        self.living.borrow_mut().by_class[class].insert(number, signal);

        let user_class = self.setup.classes[class].clone();
        let (env, living) = (Rc::clone(&self.env), Rc::clone(&self.living));
        let (node, events, limited) = (self.index, self.events.clone(), self.setup.limits.any());
        spawn_local(async move {
            // Tasks are caught one by one; what is caught here is a panic in a destructor of the workload's.
            let life = caught(pin!(live(&user_class, &mut user, &mut turns))).await;
            let end = life.unwrap_or_else(|panic| {
                count_panic(&env, &user_class, &panic);
                End::Stopped
            });
            // Its connections are closed, and its place is left, before anybody hears of it.
            drop((user, turns));
            let empty = {
                let mut living = living.borrow_mut();
                living.by_class[class].remove(&number);
                living.is_empty()
            };
            // Nobody hears it at the end of the process, and nobody needs to.
            let _ = match end {
                End::Stopped if !limited => Ok(()),
                End::Stopped | End::Done => events.send(Event::Done { empty }),
                End::StartFailed(reason) => events.send(Event::StartFailed { class, reason }),
                End::StopTest(reason) => events.send(Event::StopTest { reason }),
            };
            if empty && living.borrow().draining {
                let _ = events.send(Event::Drained { node });
            }
        });
    }

    fn client(&self, class: usize) -> http::Client {
        let base = self.bases[class].as_ref();
        #[cfg(any(test, feature = "testing"))]
        if let Some(script) = &self.setup.script {
            return http::Client::scripted(&self.http, base, script.handler());
        }
        http::Client::new(&self.http, base)
    }

    fn stop_users(&mut self, class: usize, users: &[u64], grace: Duration) {
        let before = self.pending.len();
        self.pending.retain(|birth| !users.contains(&birth.number));
        self.say_started(before - self.pending.len());
        let living = self.living.borrow();
        let signals = users.iter().filter_map(|number| living.by_class[class].get(number));
        reap(signals.cloned().collect(), grace);
    }

    fn signals(&self) -> Vec<StopSignal> {
        self.living.borrow().by_class.iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// From now on says when the last user has gone, which may be at once.
    fn drain(&self) {
        let mut living = self.living.borrow_mut();
        living.draining = true;
        if living.is_empty() {
            self.say(Event::Drained { node: self.index });
        }
    }

    fn say(&self, event: Event) {
        // The control plane hangs up only when the process is about to end; nobody is left to hear then.
        let _ = self.events.send(event);
    }
}

/// Sees to it that these users go: softly first, then firmly.
fn reap(signals: Vec<StopSignal>, grace: Duration) {
    if signals.is_empty() {
        return;
    }
    let raise = move |signals: &[StopSignal], level| signals.iter().for_each(|s| s.raise(level));
    raise(&signals, if grace.is_zero() { Stop::AfterRequest } else { Stop::AfterTask });
    spawn_local(async move {
        tokio::time::sleep(grace).await;
        raise(&signals, Stop::AfterRequest);
        tokio::time::sleep(DRAIN).await;
        raise(&signals, Stop::Now);
    });
}

/// Where the users of a class send requests to.
fn base(
    http: &Rc<http::Shared>,
    class: &UserClass,
    options: &Options,
) -> Result<Option<http::BaseUrl>, http::Error> {
    let host = options.host.as_deref().or_else(|| class.host());
    host.map(|host| http.base_url(host)).transpose()
}

/// Where the users of each class send requests to.
fn bases(
    http: &Rc<http::Shared>,
    classes: &[UserClass],
    options: &Options,
) -> Result<Vec<Option<http::BaseUrl>>, http::Error> {
    classes.iter().map(|class| base(http, class, options)).collect()
}

fn count(users: usize) -> u32 {
    u32::try_from(users).unwrap_or(u32::MAX)
}

/// A random source that differs from run to run.
fn entropy() -> Pcg64Mcg {
    use std::hash::{BuildHasher, RandomState};
    let half = || u128::from(RandomState::new().hash_one(std::process::id()));
    Pcg64Mcg::new(half() << 64 | half())
}
