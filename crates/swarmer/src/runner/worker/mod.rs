//! A worker: what a master says becomes orders for the control plane of this process, and what that sees is reported.

mod farewell;
mod hearing;
mod pulse;
mod reporting;
mod tasks;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tracing::{error, info};

use super::control::Watcher;
use super::gear::Begin;
use super::handle::{Handle, State};
use super::letters::{Inbox, Outbox, Terms, UP, Up};
use super::turns::Budget;
use crate::clock::{self, Anchor};
use crate::cluster::{
    Custom, Envelope, Extra, Identity, Ready, Socket, ToMaster, UserClassEdit, entry,
};
use crate::events::{Hooks, Outgoing};
use crate::logging::{self, RUNNERS};
use crate::scenario::UserClass;
use crate::stats::{Delta, Summary};
pub(crate) use hearing::json_of;
pub(crate) use pulse::Vital;
use pulse::{Beat, Pulse};

/// `client_ready` is sent so often until it is answered, so many times.
const READY_EVERY: Duration = Duration::from_secs(5);
const READY_TRIES: u32 = 61;

/// A master of Locust's kind gets a report so often.
const REPORT_EVERY: Duration = Duration::from_secs(3);

/// The log is looked at so often; the master gets it when there is something new.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// How often things are looked after.
const TICK: Duration = Duration::from_millis(100);

/// What a worker needs of the program that it is part of.
pub(crate) trait Workshop {
    /// Makes a run ready.
    ///
    /// # Errors
    /// When it cannot begin.
    fn make(&mut self, terms: &Terms) -> impl Future<Output = Result<Begin, String>>;

    /// Changes a class; gives all of them as they are now, if that can be.
    fn edit(&mut self, edit: &UserClassEdit) -> Option<Arc<[UserClass]>>;

    /// The options as a master wants them, for users that run, and the host of those that are started from now on; without
    /// one it stays.
    fn options(
        &mut self,
        told: &serde_json::Map<String, serde_json::Value>,
        host: Option<String>,
    ) -> Arc<crate::options::Options>;
}

/// What a worker does on its own account.
#[derive(Clone, Debug)]
pub(crate) struct Habits {
    pub(crate) identity: Identity,
    pub(crate) drivers: u32,
    /// A master that is silent for so long is given up.
    pub(crate) master_timeout: Duration,
    /// Its own ceiling on requests per second, whatever a master allows.
    pub(crate) max_rate: Option<f64>,
    pub(crate) anchor: Anchor,
}

impl Habits {
    /// The lower of two ceilings on requests per second: this worker's own, and the part that its master gave it.
    pub(super) fn max_rate(&self, part: Option<f64>) -> Option<f64> {
        let both = self.max_rate.zip(part).map(|(own, part)| own.min(part));
        both.or(self.max_rate).or(part)
    }
}

/// What happens in this process.
enum News {
    Recorded(Box<Delta>),
    /// So many tasks are over, of which the next figures tell.
    Ended(u64),
    Started(u32),
    Second {
        users: Vec<u64>,
        state: State,
    },
    /// All journeys have arrived, by the shares of this turn.
    Served(u64),
    StopTest(String),
    /// The users of the `spawn` of this time are there.
    Placed(f64),
    /// All users are gone, and every figure is in.
    Stopped,
    /// The wait after a stop is over.
    Rested,
}

/// Watches the control plane of a worker.
pub(crate) struct Feed {
    news: UnboundedSender<News>,
    classes: Vec<String>,
}

impl Watcher for Feed {
    fn tick(&mut self, summary: &Summary, state: State) {
        let count = |class: &String| summary.users.get(class).copied().unwrap_or_default();
        let users = self.classes.iter().map(count).collect();
        let _ = self.news.send(News::Second { users, state });
    }

    fn recorded(&mut self, delta: Box<Delta>) {
        let _ = self.news.send(News::Recorded(delta));
    }

    fn ended(&mut self, tasks: u64) {
        let _ = self.news.send(News::Ended(tasks));
    }

    fn started(&mut self, births: u32) {
        let _ = self.news.send(News::Started(births));
    }

    fn served(&mut self, turn: u64) {
        let _ = self.news.send(News::Served(turn));
    }

    fn passes_on_stop(&mut self, reason: &str) -> bool {
        self.news.send(News::StopTest(reason.to_owned())).is_ok()
    }
}

/// How a worker's life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The master said so, or a signal did.
    Quit,
    /// No master ever answered.
    NeverConnected,
    /// The master fell silent.
    MasterLost,
}

/// A worker at its master's service.
pub(crate) struct Link<W> {
    socket: Socket,
    handle: Handle,
    workshop: W,
    habits: Habits,
    hooks: Arc<Hooks>,
    /// Names of the classes, by number.
    classes: Vec<String>,
    news: UnboundedReceiver<News>,
    told: UnboundedSender<News>,
    outgoing: Option<UnboundedReceiver<Outgoing>>,
    vital: Arc<Vital>,
    pulse: Option<Pulse>,
    tick: Interval,
    master: Master,
    run: Run,
    accounts: Accounts,
    outbox: Outbox,
    inbox: Inbox,
    boot: u64,
}

/// What is known of the master.
struct Master {
    connected: bool,
    acknowledged: bool,
    tries: u32,
    next_try: Instant,
    last_heard: Option<Instant>,
    /// One of ours: which process of it.
    ours: Option<u64>,
    /// Its clock minus ours in seconds, and how long the answer took that this is known from.
    offset: f64,
    round_trip: f64,
}

/// The run that goes on here.
#[derive(Default)]
struct Run {
    /// As one of our masters numbers it.
    number: Option<u64>,
    /// This worker's part of `--max-rate`, as its master gave it.
    max_rate: Option<f64>,
    /// Its part of `--iterations`.
    budget: Option<Arc<Budget>>,
    /// Classes of the master by number, as numbers of ours.
    classes: Vec<usize>,
    stop_timeout: Duration,
    last_spawn: f64,
    /// The stop was asked for by the master, which is to be told of its end.
    stopping: bool,
    /// The process is about to end.
    leaving: bool,
}

/// What is not reported yet.
struct Accounts {
    deltas: Vec<Delta>,
    /// Of a limited number of tasks, those that are over in this run.
    ended: u64,
    /// What of that has been reported.
    ended_told: u64,
    started: u32,
    users: Vec<u64>,
    /// Users by class that a master of Locust's kind asked for.
    planned: Vec<u64>,
    /// When counting began, in seconds since the Unix epoch.
    since: f64,
    next_report: Instant,
    next_logs: Instant,
    /// Lines of the log that the master has.
    log_lines: usize,
    logs_stopped: bool,
    /// Exceptions for a master of Locust's kind, which wants each by itself.
    exceptions: BTreeMap<(String, String), u64>,
}

/// What the link and the control plane of a worker share.
pub(crate) struct Wires {
    news: UnboundedReceiver<News>,
    told: UnboundedSender<News>,
}

/// The watcher for the control plane of a worker, and the link's end of it.
pub(crate) fn wires(classes: Vec<String>) -> (Feed, Wires) {
    let (told, news) = unbounded_channel();
    (Feed { news: told.clone(), classes }, Wires { news, told })
}

impl<W: Workshop> Link<W> {
    pub(crate) fn new(
        socket: Socket,
        (handle, wires): (Handle, Wires),
        (workshop, classes): (W, Vec<String>),
        habits: Habits,
        hooks: Arc<Hooks>,
    ) -> Self {
        let now = clock::now();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let boot = rand::random();
        let vital = Arc::new(Vital::default());
        Self {
            outgoing: hooks.post.outgoing(),
            outbox: Outbox::new(UP, boot),
            inbox: Inbox::default(),
            accounts: Accounts {
                deltas: Vec::new(),
                ended: 0,
                ended_told: 0,
                started: 0,
                users: vec![0; classes.len()],
                planned: vec![0; classes.len()],
                since: habits.anchor.epoch_seconds(now),
                next_report: now,
                next_logs: now,
                log_lines: 0,
                logs_stopped: false,
                exceptions: BTreeMap::new(),
            },
            run: Run::default(),
            master: Master {
                connected: false,
                acknowledged: false,
                tries: 0,
                next_try: now,
                last_heard: None,
                ours: None,
                offset: 0.0,
                round_trip: f64::INFINITY,
            },
            pulse: None,
            news: wires.news,
            told: wires.told,
            socket,
            handle,
            workshop,
            classes,
            habits,
            hooks,
            vital,
            tick,
            boot,
        }
    }

    /// Serves until the master says that it is enough, or `end` is over.
    pub(crate) async fn serve(mut self, end: impl Future<Output = &'static str>) -> End {
        self.pulse = Some(Pulse::start(Beat {
            transport: self.socket.transport(),
            identity: self.habits.identity.clone(),
            vital: Arc::clone(&self.vital),
            anchor: self.habits.anchor,
            boot: self.boot,
        }));
        tokio::pin!(end);
        let mut leaving = false;
        let outcome = loop {
            tokio::select! {
                biased;
                signal = &mut end, if !leaving => {
                    info!(target: RUNNERS, "Got {signal} signal");
                    leaving = true;
                    if !self.leave() {
                        break End::Quit;
                    }
                }
                event = self.socket.receive() => match event {
                    Some(event) => if let Some(end) = self.hear(event).await { break end },
                    None => break End::MasterLost,
                },
                // What a hook says at a moment comes before what the runner says of it, as from Locust's workers.
                Some(outgoing) = next_outgoing(self.outgoing.as_mut()) => {
                    self.say(ToMaster::Custom(Custom { name: outgoing.name, data: outgoing.data }));
                }
                () = tasks::hunger(self.run.budget.clone()) => self.tell_tasks(true),
                news = self.news.recv() => {
                    let Some(news) = news else { break End::Quit };
                    if self.note(news) {
                        break End::Quit;
                    }
                }
                _ = self.tick.tick() => if let Some(end) = self.look_after() { break end },
            }
        };
        self.say_goodbye(outcome).await;
        outcome
    }

    fn say(&self, message: ToMaster) {
        let envelope = Envelope::new(message, self.habits.identity.as_str());
        // What is lost with a connection and matters is repeated, or the master misses us.
        let _ = self.socket.send(&Identity::master(), envelope.encode());
    }

    /// Writes a letter to a master of ours.
    fn write(&mut self, letter: &Up) {
        let custom = self.outbox.write(letter, clock::now());
        self.say(ToMaster::Custom(custom));
    }

    fn introduce(&mut self) {
        let now = clock::now();
        self.master.next_try = now + READY_EVERY;
        self.say(ToMaster::Ready(Ready::ours()));
    }

    /// What is to be done ten times a second.
    fn look_after(&mut self) -> Option<End> {
        let now = clock::now();
        if !self.master.acknowledged && now >= self.master.next_try {
            if self.master.tries >= READY_TRIES {
                error!(target: RUNNERS, "No master answered within five minutes");
                return Some(End::NeverConnected);
            }
            if self.master.tries > 0 {
                info!(
                    target: RUNNERS,
                    "Failed to connect to master, retry {}/{}.", self.master.tries, READY_TRIES - 1
                );
            }
            self.master.tries += 1;
            self.master.next_try = now + READY_EVERY;
            // What is said before would wait, and be said twice.
            if self.master.connected {
                self.introduce();
            }
        }
        let silent = self.master.last_heard.map(|heard| now.saturating_duration_since(heard));
        if silent.is_some_and(|silent| silent > self.habits.master_timeout) {
            let seconds = self.habits.master_timeout.as_secs();
            error!(target: RUNNERS, "Didn't get heartbeat from master in over {seconds}s, quitting");
            return Some(End::MasterLost);
        }
        for letter in self.outbox.overdue(now) {
            self.say(ToMaster::Custom(letter));
        }
        if self.master.ours.is_none() && now >= self.accounts.next_report {
            self.report_to_locust();
        }
        if now >= self.accounts.next_logs {
            self.accounts.next_logs = now + LOG_EVERY;
            self.send_logs();
        }
        None
    }

    /// Our clock's moment for a time of the master's.
    fn moment(&self, seconds: f64) -> Instant {
        let now = clock::now();
        let here = self.habits.anchor.epoch_seconds(now) + self.master.offset;
        match Duration::try_from_secs_f64((seconds - here).abs()) {
            Ok(apart) if seconds >= here => now.checked_add(apart).unwrap_or(now),
            Ok(apart) => now.checked_sub(apart).unwrap_or(now),
            Err(_) => now,
        }
    }

    fn send_logs(&mut self) {
        let lines = logging::recent();
        let news = logging::written().saturating_sub(self.accounts.log_lines);
        if news == 0 || self.accounts.logs_stopped || !self.master.acknowledged {
            return;
        }
        self.accounts.log_lines += news;
        // As Locust, whose master keeps all of it in memory.
        if news > 70 && self.master.ours.is_none() {
            self.accounts.logs_stopped = true;
        }
        self.say(ToMaster::Logs(crate::cluster::Logs {
            worker: self.habits.identity.as_str().to_owned(),
            lines: lines.iter().map(ToString::to_string).collect(),
        }));
    }
}

/// The next message that the workload sends.
async fn next_outgoing(outgoing: Option<&mut UnboundedReceiver<Outgoing>>) -> Option<Outgoing> {
    match outgoing {
        Some(outgoing) => outgoing.recv().await,
        None => None,
    }
}

/// What only masters of ours understand.
fn extra(anchor: Anchor, boot: u64, requests: u64) -> Extra {
    Extra::new()
        .with(entry::VERSION, 1_u64)
        .with(entry::BOOT, boot)
        .with(entry::SENT, anchor.epoch_seconds(clock::now()))
        .with("requests", requests)
}
