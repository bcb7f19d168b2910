//! A driver: one thread, one single-threaded runtime, and the users that live on it.
//!
//! A driver owns its users, their connections and its recorder. It hears [`Command`]s and answers with [`Event`]s, a few
//! a second; between those nothing on it is shared with any other thread.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand_pcg::Pcg64Mcg;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::spawn_local;

use super::life::{End, count_panic, live};
use crate::clock::{self, Anchor};
use crate::http;
use crate::options::Options;
use crate::scenario::{UserClass, caught};
use crate::stats::{Delta, Recorder, RecorderOptions};
use crate::user::stop::{Stop, StopSignal};
use crate::user::{Env, Provided, User};

/// After its time to stop is up, a user may still finish the one request that is in flight, for this long. What is cut
/// even then is counted as aborted.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);

/// So many users start at most before other users of the driver get their turn.
const STARTS_IN_A_ROW: usize = 32;

/// What a driver is told.
#[derive(Debug)]
pub(crate) enum Command {
    /// Start these users, each when it is due.
    Start(Vec<Birth>),
    /// Stop the users of a class with these numbers; those that have gone by themselves are no matter.
    Stop { class: usize, users: Vec<u64>, grace: Duration },
    /// Stop all users; then say [`Event::Drained`].
    StopAll { grace: Duration },
    /// Stop all users now, whatever they are doing: after [`Command::StopAll`], when there is no time left.
    Abort,
    /// Send what was recorded since the last report.
    Report { number: u64 },
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

/// What a driver says.
#[derive(Debug)]
pub(crate) enum Event {
    /// The figures since the last report, and the users running now, by class.
    Report { driver: usize, number: u64, delta: Box<Delta>, users: Vec<u32> },
    /// So many of the users to be started have been since the last such event; `users` run now, by class.
    Started { driver: usize, births: u32, users: Vec<u32> },
    /// A user could not start and is not replaced.
    StartFailed { class: usize, reason: String },
    /// All users are gone, after [`Command::StopAll`].
    Drained { driver: usize },
    /// A user asked for the end of the test.
    StopTest { reason: String },
    /// The driver is no more: its own code panicked.
    Died { driver: usize, panic: String },
}

/// Everything a driver needs to know at its start. All of it may cross threads.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) classes: Arc<[UserClass]>,
    pub(crate) options: Arc<Options>,
    pub(crate) provided: Arc<Provided>,
    pub(crate) http: http::Config,
    pub(crate) anchor: Anchor,
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
    events: UnboundedSender<Event>,
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
        let env = Rc::new(Env {
            recorder: RefCell::new(Recorder::new(setup.anchor, RecorderOptions::default())),
            options: Arc::clone(&setup.options),
            provided: Arc::clone(&setup.provided),
            trace_rng: RefCell::new(entropy()),
        });
        let http = http::Shared::new(setup.http.clone());
        let bases = setup
            .classes
            .iter()
            .map(|class| {
                let host = setup.options.host.as_deref().or_else(|| class.host());
                host.map(|host| http.base_url(host)).transpose()
            })
            .collect::<Result<_, _>>()?;
        let by_class = setup.classes.iter().map(|_| BTreeMap::new()).collect();
        let living = Rc::new(RefCell::new(Living { by_class, draining: false }));
        Ok(Self { index, setup, env, http, bases, living, pending: VecDeque::new(), events })
    }

    /// Serves commands until [`Command::Quit`]. Needs a `LocalSet` around it.
    pub(crate) async fn run(mut self, mut commands: UnboundedReceiver<Command>) {
        loop {
            let command = match self.pending.front() {
                Some(birth) => {
                    let due = tokio::time::Instant::from_std(birth.due);
                    tokio::select! {
                        biased;
                        command = commands.recv() => command,
                        () = tokio::time::sleep_until(due) => {
                            self.start_due(clock::now()).await;
                            continue;
                        }
                    }
                }
                None => commands.recv().await,
            };
            match command {
                Some(Command::Quit) | None => return,
                Some(command) => self.obey(command),
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Start(births) => {
                self.living.borrow_mut().draining = false;
                self.pending.extend(births);
            }
            Command::Stop { class, users, grace } => self.stop_users(class, &users, grace),
            Command::StopAll { grace } => {
                self.pending.clear();
                reap(self.signals(), grace);
                self.drain();
            }
            Command::Abort => {
                self.signals().iter().for_each(|signal| signal.raise(Stop::Now));
            }
            Command::Report { number } => self.report(number),
            Command::Quit => {}
        }
    }

    fn report(&self, number: u64) {
        let delta = Box::new(self.env.recorder.borrow_mut().take());
        self.say(Event::Report { driver: self.index, number, delta, users: self.users() });
    }

    /// Users running now, by class.
    fn users(&self) -> Vec<u32> {
        self.living.borrow().by_class.iter().map(|users| count(users.len())).collect()
    }

    fn say_started(&self, births: usize) {
        if births > 0 {
            let (births, users) = (count(births), self.users());
            self.say(Event::Started { driver: self.index, births, users });
        }
    }

    /// Starts the users due by `now`, a few at a time, letting the others run in between.
    async fn start_due(&mut self, now: Instant) {
        let mut started = 0;
        while let Some(birth) = self.pending.pop_front_if(|birth| birth.due <= now) {
            self.start(birth);
            started += 1;
            if started % STARTS_IN_A_ROW == 0 {
                tokio::task::yield_now().await;
            }
        }
        self.say_started(started);
    }

    fn start(&self, Birth { class, number, .. }: Birth) {
        let signal = StopSignal::new();
        let user = User::new(number, self.client(class), signal.clone(), Rc::clone(&self.env));
        self.living.borrow_mut().by_class[class].insert(number, signal);

        let user_class = self.setup.classes[class].clone();
        let (env, living) = (Rc::clone(&self.env), Rc::clone(&self.living));
        let (driver, events) = (self.index, self.events.clone());
        spawn_local(async move {
            // Tasks are caught one by one; what is caught here is a panic in a destructor of the workload's.
            let end = caught(live(user_class.clone(), user)).await.unwrap_or_else(|panic| {
                count_panic(&env, &user_class, &panic);
                End::Stopped
            });
            // Nobody hears it at the end of the process, and nobody needs to.
            let _ = match end {
                End::Stopped => Ok(()),
                End::StartFailed(reason) => events.send(Event::StartFailed { class, reason }),
                End::StopTest(reason) => events.send(Event::StopTest { reason }),
            };
            let mut living = living.borrow_mut();
            living.by_class[class].remove(&number);
            if living.draining && living.is_empty() {
                let _ = events.send(Event::Drained { driver });
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
            self.say(Event::Drained { driver: self.index });
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

fn count(users: usize) -> u32 {
    u32::try_from(users).unwrap_or(u32::MAX)
}

/// A random source that differs from run to run.
fn entropy() -> Pcg64Mcg {
    use std::hash::{BuildHasher, RandomState};
    let half = || u128::from(RandomState::new().hash_one(std::process::id()));
    Pcg64Mcg::new(half() << 64 | half())
}
