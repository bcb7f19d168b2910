//! Simulated workers of Locust's kind: the real messages, no users. For tests of what a master bears.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use swarmer::cluster::{
    Entry, Envelope, Event, Heartbeat, Identity, Ready, Report, Socket, ToMaster, ToWorker,
    WorkerState,
};
use tokio::time::{MissedTickBehavior, interval};

/// How a simulated worker behaves.
#[derive(Debug, Clone)]
pub(crate) struct Habits {
    /// Names in each report.
    pub(crate) names: u32,
    /// Requests under each name in each report.
    pub(crate) requests: u64,
    pub(crate) heartbeat: Duration,
    pub(crate) report: Duration,
}

impl Default for Habits {
    /// As Locust: a heartbeat each second, a report every three.
    fn default() -> Self {
        let (heartbeat, report) = (Duration::from_secs(1), Duration::from_secs(3));
        Self { names: 200, requests: 10, heartbeat, report }
    }
}

/// What all simulated workers did together.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    /// Requests in reports that were sent.
    pub(crate) requests: AtomicU64,
    pub(crate) reports: AtomicU64,
    /// Acknowledged by the master.
    pub(crate) welcomed: AtomicU64,
    /// Users that run, as the last `spawn`s said.
    pub(crate) users: AtomicU64,
    /// From now on only heartbeats are sent, so that figures can be compared.
    pub(crate) quiet: AtomicBool,
}

/// Works until the master says quit or the socket is closed. Reports only while it has users, as nothing happens otherwise.
pub(crate) async fn work(
    mut socket: Socket,
    identity: Identity,
    habits: Habits,
    deeds: Arc<Deeds>,
) {
    let mut worker =
        Worker { identity, habits, deeds, classes: BTreeMap::new(), state: WorkerState::Ready };
    let mut beats = interval(worker.habits.heartbeat);
    let mut reports = interval(worker.habits.report);
    for ticks in [&mut beats, &mut reports] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    let mut welcome = false;
    loop {
        let event = tokio::select! {
            event = socket.receive() => event,
            _ = beats.tick() => {
                if !welcome {
                    worker.say(&socket, ToMaster::Ready(Ready::Version("2.47.0".to_owned())));
                }
                let heartbeat = Heartbeat { state: worker.state, cpu: 1.0, memory: Some(1 << 20) };
                worker.say(&socket, ToMaster::Heartbeat(heartbeat));
                continue;
            }
            _ = reports.tick() => {
                worker.report(&socket);
                continue;
            }
        };
        match event {
            None => return,
            Some(Event::Message { payload, .. }) => {
                let said = Envelope::<ToWorker>::decode(&payload).unwrap().message;
                if matches!(said, ToWorker::Ack(_)) && !std::mem::replace(&mut welcome, true) {
                    worker.deeds.welcomed.fetch_add(1, Ordering::Relaxed);
                }
                if worker.obey(&socket, said) {
                    socket.close(Duration::from_secs(5)).await;
                    return;
                }
            }
            Some(_) => {}
        }
    }
}

struct Worker {
    identity: Identity,
    habits: Habits,
    deeds: Arc<Deeds>,
    classes: BTreeMap<String, u64>,
    state: WorkerState,
}

impl Worker {
    fn say(&self, socket: &Socket, message: ToMaster) {
        let bytes = Envelope::new(message, self.identity.as_str()).encode();
        socket.send(&Identity::master(), bytes);
    }

    fn users(&self) -> u64 {
        self.classes.values().sum()
    }

    /// `true` when that is the end.
    fn obey(&mut self, socket: &Socket, said: ToWorker) -> bool {
        match said {
            ToWorker::Spawn(spawn) => {
                self.say(socket, ToMaster::Spawning);
                let before = self.users();
                self.classes.extend(spawn.classes);
                let users = self.users();
                self.deeds.users.fetch_add(users.wrapping_sub(before), Ordering::Relaxed);
                self.state = WorkerState::Running;
                self.say(socket, ToMaster::SpawningComplete(self.classes.clone(), users));
            }
            ToWorker::Stop | ToWorker::Quit => {
                self.report(socket);
                self.deeds.users.fetch_sub(self.users(), Ordering::Relaxed);
                self.classes.clear();
                self.state = WorkerState::Ready;
                if matches!(said, ToWorker::Quit) {
                    self.say(socket, ToMaster::Quit);
                    return true;
                }
                self.say(socket, ToMaster::Stopped);
                self.say(socket, ToMaster::Ready(Ready::Version("2.47.0".to_owned())));
            }
            _ => {}
        }
        false
    }

    fn report(&self, socket: &Socket) {
        if self.users() == 0 || self.deeds.quiet.load(Ordering::Relaxed) {
            return;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let second = now.as_secs();
        let entry = |name: String, method: &str, names: u64| {
            let requests = self.habits.requests * names;
            // A few buckets, as a real endpoint has.
            let times = (0..10).map(|step| (10 + step * 3, requests / 10));
            let mut times: BTreeMap<u64, u64> = times.collect();
            *times.entry(10).or_default() += requests % 10;
            Entry {
                name,
                method: method.to_owned(),
                last_request: Some(now.as_secs_f64()),
                start: now.as_secs_f64() - self.habits.report.as_secs_f64(),
                requests,
                total_time: times
                    .iter()
                    .fold(0.0, |sum, (ms, n)| f64::from(u32::try_from(ms * n).unwrap()) + sum),
                max_time: 37.0,
                min_time: Some(10.0),
                bytes: requests * 1_000,
                times,
                per_second: BTreeMap::from([(second, requests)]),
                ..Entry::default()
            }
        };
        let names = self.habits.names;
        let entries: Vec<Entry> =
            (0..names).map(|number| entry(format!("/api/endpoint/{number}"), "GET", 1)).collect();
        let total = entry("Aggregated".to_owned(), "", names.into());
        self.deeds.requests.fetch_add(total.requests, Ordering::Relaxed);
        self.deeds.reports.fetch_add(1, Ordering::Relaxed);
        let (classes, users) = (self.classes.clone(), self.users());
        let report = Report { entries, total, classes, users, ..Report::default() };
        self.say(socket, ToMaster::Stats(Box::new(report)));
    }
}
