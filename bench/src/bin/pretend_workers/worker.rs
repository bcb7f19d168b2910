//! One worker that runs nobody.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use swarmer::cluster::{
    Custom, Envelope, Event, Extra, Heartbeat, Identity, Ready, Socket, ToMaster, ToWorker,
    WorkerState, entry,
};
use tokio::time::{MissedTickBehavior, interval, interval_at};

use super::figures::Press;
use super::letters::{Blob, Figures, Post, Up};

/// Whose words a worker uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    Swarmer,
    Locust,
}

impl Form {
    /// As the real ones do.
    pub(crate) fn report_every(self) -> Duration {
        match self {
            Self::Swarmer => Duration::from_secs(1),
            Self::Locust => Duration::from_secs(3),
        }
    }
}

pub(crate) struct Habits {
    pub(crate) form: Form,
    pub(crate) number: u32,
    pub(crate) heartbeat: Duration,
    pub(crate) report: Duration,
    pub(crate) delay: Duration,
}

/// What all workers did together.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    /// Requests in reports.
    pub(crate) requests: AtomicU64,
    pub(crate) reports: AtomicU64,
    /// Of all reports.
    pub(crate) bytes: AtomicU64,
    /// Letters that had to be sent again.
    pub(crate) repeated: AtomicU64,
    pub(crate) welcomed: AtomicU64,
    /// Messages of the master that start or stop users.
    pub(crate) starts: AtomicU64,
    /// When the first and the last report left, in milliseconds since the figures began; 0 before.
    pub(crate) first: AtomicU64,
    pub(crate) last: AtomicU64,
}

impl Deeds {
    fn add_report(&self, requests: u64, bytes: usize, at: Duration) {
        let at = u64::try_from(at.as_millis()).unwrap_or(u64::MAX).max(1);
        self.requests.fetch_add(requests, Ordering::Relaxed);
        self.reports.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        let _ = self.first.compare_exchange(0, at, Ordering::Relaxed, Ordering::Relaxed);
        self.last.store(at, Ordering::Relaxed);
    }
}

struct Worker {
    socket: Socket,
    identity: Identity,
    habits: Habits,
    press: Arc<Press>,
    deeds: Arc<Deeds>,
    post: Post,
    boot: u64,
    state: WorkerState,
    welcome: bool,
    run: Option<u64>,
    classes: Vec<String>,
    users: BTreeMap<String, u64>,
    started: u32,
    round: usize,
    requests: u64,
}

/// Works until the master says quit.
pub(crate) async fn work(
    socket: Socket,
    identity: Identity,
    habits: Habits,
    press: Arc<Press>,
    deeds: Arc<Deeds>,
) {
    let mut beats = interval(habits.heartbeat);
    let mut reports =
        interval_at(tokio::time::Instant::now() + habits.report + habits.delay, habits.report);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    reports.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let boot = 1 + u64::from(habits.number);
    let mut worker = Worker {
        socket,
        identity,
        habits,
        press,
        deeds,
        post: Post::new(boot),
        boot,
        state: WorkerState::Ready,
        welcome: false,
        run: None,
        classes: Vec::new(),
        users: BTreeMap::new(),
        started: 0,
        round: 0,
        requests: 0,
    };
    loop {
        tokio::select! {
            event = worker.socket.receive() => {
                let Some(event) = event else { return };
                let Event::Message { payload, .. } = event else { continue };
                let Ok(envelope) = Envelope::<ToWorker>::decode(&payload) else { continue };
                drop(payload);
                if worker.obey(envelope.message) {
                    worker.socket.close(Duration::from_secs(5)).await;
                    return;
                }
            }
            _ = beats.tick() => worker.beat(),
            _ = reports.tick() => worker.report(),
        }
    }
}

impl Worker {
    fn say(&self, message: ToMaster) -> usize {
        self.send(&Envelope::new(message, self.identity.as_str()))
    }

    fn send(&self, envelope: &Envelope<ToMaster>) -> usize {
        let bytes = envelope.encode();
        let length = bytes.len();
        let _ = self.socket.send(&Identity::master(), bytes);
        length
    }

    fn write(&mut self, letter: &Up<'_>) -> usize {
        let letter = self.post.write(letter);
        self.say(ToMaster::Custom(letter))
    }

    fn all_users(&self) -> u64 {
        self.users.values().sum()
    }

    fn introduce(&self) {
        let ready = match self.habits.form {
            Form::Swarmer => Ready::ours(),
            Form::Locust => Ready::Version("2.47.0".to_owned()),
        };
        self.say(ToMaster::Ready(ready));
    }

    fn beat(&mut self) {
        if !self.welcome {
            self.introduce();
        }
        let heartbeat = Heartbeat { state: self.state, cpu: 20.0, memory: Some(64 << 20) };
        let envelope = Envelope::new(ToMaster::Heartbeat(heartbeat), self.identity.as_str());
        if self.habits.form == Form::Locust {
            self.send(&envelope);
            return;
        }
        let now = self.press.anchor().epoch_seconds(Instant::now());
        let extra = Extra::new()
            .with(entry::VERSION, 1_u64)
            .with(entry::BOOT, self.boot)
            .with(entry::SENT, now)
            .with("requests", self.requests);
        self.send(&envelope.with(extra));
        for letter in self.post.overdue() {
            self.deeds.repeated.fetch_add(1, Ordering::Relaxed);
            self.say(ToMaster::Custom(letter));
        }
    }

    fn report(&mut self) {
        let users = self.all_users();
        let figures = (users > 0).then(|| {
            self.round += 1;
            self.press.take(self.round + self.habits.number as usize)
        });
        let requests = figures.as_ref().map_or(0, |figures| figures.requests);
        let length = match self.habits.form {
            Form::Swarmer => {
                let Some(run) = self.run else { return };
                let of = |class: &String| self.users.get(class).copied().unwrap_or(0);
                let of = |class: &String| u32::try_from(of(class)).unwrap_or(u32::MAX);
                let letter = Up::Report(Figures {
                    run,
                    deltas: figures.iter().map(|figures| Blob(&figures.packed)).collect(),
                    users: self.classes.iter().map(of).collect(),
                    started: std::mem::take(&mut self.started),
                    requests,
                });
                self.write(&letter)
            }
            Form::Locust => {
                // It reports whether there is something to report or not: its master waits for that at the end.
                let mut report = figures.map(|figures| figures.report.clone()).unwrap_or_default();
                report.classes = self.users.clone();
                report.users = users;
                self.say(ToMaster::Stats(Box::new(report)))
            }
        };
        self.requests += requests;
        self.deeds.add_report(requests, length, self.press.begun().elapsed());
    }

    /// `true` when that is the end.
    fn obey(&mut self, said: ToWorker) -> bool {
        match said {
            ToWorker::Ack(_) if !std::mem::replace(&mut self.welcome, true) => {
                self.deeds.welcomed.fetch_add(1, Ordering::Relaxed);
            }
            ToWorker::Spawn(spawn) => {
                self.deeds.starts.fetch_add(1, Ordering::Relaxed);
                self.say(ToMaster::Spawning);
                self.users.extend(spawn.classes);
                self.state = WorkerState::Running;
                self.say(ToMaster::SpawningComplete(self.users.clone(), self.all_users()));
            }
            ToWorker::Stop => {
                self.rest();
                self.say(ToMaster::Stopped);
            }
            ToWorker::Quit => return true,
            ToWorker::Custom(custom) => self.read(&custom),
            _ => {}
        }
        false
    }

    fn rest(&mut self) {
        self.users.clear();
        self.state = WorkerState::Ready;
    }

    fn read(&mut self, custom: &Custom) {
        match custom.name.as_str() {
            "swarmer_ack" => self.post.acknowledged(&custom.data),
            "swarmer_down" => {
                let (letter, ack) = self.post.take(&custom.data);
                self.say(ToMaster::Custom(ack));
                if let Some(letter) = letter {
                    self.follow(&letter);
                }
            }
            _ => {}
        }
    }

    /// What a master of ours writes.
    fn follow(&mut self, letter: &Json) {
        if letter == "Who" {
            let (boot, run) = (self.boot, self.run);
            self.write(&Up::Hello { boot, drivers: 1, run, users: Vec::new() });
        } else if let Some(terms) = letter.get("Begin") {
            self.run = terms[0].as_u64();
            let names = terms[1].as_array().into_iter().flatten();
            self.classes = names.filter_map(Json::as_str).map(str::to_owned).collect();
            self.state = WorkerState::Running;
        } else if let Some(births) = letter.get("Start").and_then(Json::as_array) {
            self.deeds.starts.fetch_add(1, Ordering::Relaxed);
            for birth in births {
                *self.users.entry(self.class(&birth[0])).or_default() += 1;
                self.started += 1;
            }
        } else if let Some(leave) = letter.get("Leave") {
            self.deeds.starts.fetch_add(1, Ordering::Relaxed);
            let gone = leave[1].as_array().map_or(0, |users| users.len() as u64);
            let users = self.users.entry(self.class(&leave[0])).or_default();
            *users = users.saturating_sub(gone);
        } else if letter.get("Stop").is_some() || letter == "Abort" {
            self.report();
            self.rest();
            if let Some(run) = self.run.take() {
                self.write(&Up::Drained { run });
            }
        }
    }

    fn class(&self, number: &Json) -> String {
        let number = number.as_u64().and_then(|number| usize::try_from(number).ok());
        number.and_then(|number| self.classes.get(number)).cloned().unwrap_or_default()
    }
}
