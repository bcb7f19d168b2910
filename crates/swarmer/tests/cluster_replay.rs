//! Two recordings of a real Locust's cluster are played to workers of ours, the master's part word for word: they answer as
//! Locust's workers did.
//!
//! This binary starts itself again as worker; see `run_process`.

#![expect(clippy::unwrap_used, reason = "code of tests")]

#[path = "run_support/process.rs"]
mod process;
#[path = "cluster_support/recorded.rs"]
mod recorded;
mod run_support;
#[path = "cluster_support/shape.rs"]
mod shape;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use process::{AS_WORKLOAD, Started, Workload};
use recorded::{Frame, LOST_WORKER, STEERED};
use run_support::Target;
use shape::Shape;
use swarmer::clock::Anchor;
use swarmer::cluster::zmtp::{self, BindOptions};
use swarmer::cluster::{Envelope, Event, Identity, Socket, ToMaster, Value};
use swarmer::prelude::*;
use swarmer::stats::{Collector, Summary, Users};
use tokio::runtime::Runtime;

/// The target that the recorded masters named.
const RECORDED_PORT: &[u8] = b"127.0.0.1:41415";
/// Recorded pauses are no longer than this when they are played.
const PAUSE: Duration = Duration::from_secs(2);
/// An answer may take so long.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is said on time or by chance, not in answer to something.
const UNORDERED: [&str; 4] = ["heartbeat", "stats", "logs", "exception"];

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return workload();
    }
    let tests: &[(&'static str, fn())] = &[
        ("a_steered_cluster_is_answered_as_by_locust", a_steered_cluster_is_answered_as_by_locust),
        ("a_cluster_that_loses_workers_is_answered_as_by_locust", a_cluster_that_loses_workers),
    ];
    let trials = tests.iter().map(|&(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// The script of the recordings.
fn workload() -> ExitCode {
    let swarm = Swarm::new("recorded", "1.0");
    let post = swarm.post_office();
    let nested = TaskSet::new("Nested").task(1, "inner", Hand::inner);
    let web = Scenario::new("WebUser", Hand::arrive_on_the_web)
        .weight(3.0)
        .wait(constant(0.3))
        .task(4, "index", Hand::index)
        .task(2, "slow", Hand::slow)
        .task(1, "boom", Hand::boom)
        .task(1, "checked", Hand::checked)
        .set(1, nested);
    let api = Scenario::new("ApiUser", Hand::arrive_broken)
        .wait(constant(0.5))
        .task(1, "missing", Hand::missing)
        .task(1, "ping", Hand::index)
        .task(1, "breaks_once", Hand::breaks_once);
    let admin = Scenario::new("Admin", Hand::arrive).fixed_count(1).wait(constant(1.0)).task(
        1,
        "tick",
        Hand::tick,
    );
    swarm
        .scenario(web)
        .scenario(api)
        .scenario(admin)
        .on_message("hello_worker", |_| ())
        .on_test_start(move || {
            post.send(None, "hello_master", Value::from_iter([("who", 0_u64.into())]));
        })
        .run()
}

struct Hand;

impl Hand {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self)
    }

    /// What is rare comes first: left to chance, one run in some fifty had no request of one of the names.
    async fn arrive_on_the_web(user: &mut User) -> Result<Self, TaskError> {
        for task in ["Nested", "boom", "checked", "slow"] {
            user.schedule(task);
        }
        Ok(Self)
    }

    async fn arrive_broken(user: &mut User) -> Result<Self, TaskError> {
        user.schedule_first("breaks_once");
        Ok(Self)
    }

    async fn index(&mut self, user: &mut User) -> TaskResult {
        user.get("/").send().await?;
        Ok(())
    }

    async fn slow(&mut self, user: &mut User) -> TaskResult {
        user.get("/slow/100").name("/slow?id=[id]").send().await?;
        Ok(())
    }

    async fn boom(&mut self, user: &mut User) -> TaskResult {
        user.get("/status/500").name("/boom").send().await?;
        Ok(())
    }

    async fn checked(&mut self, user: &mut User) -> TaskResult {
        let wrong = |_: &Response| -> Verdict { Err("body was not what we wanted".to_owned()) };
        user.get("/").name("checked").check(wrong).send().await?;
        Ok(())
    }

    async fn inner(&mut self, user: &mut User) -> TaskResult {
        user.post("/").form(&[("a", "b")]).name("/nested").send().await?;
        Err(TaskError::interrupt())
    }

    async fn missing(&mut self, user: &mut User) -> TaskResult {
        user.get("/status/404").name("/missing").send().await?;
        Ok(())
    }

    async fn breaks_once(&mut self, _: &mut User) -> TaskResult {
        static BROKE: AtomicBool = AtomicBool::new(false);
        if BROKE.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        Err(TaskError::message("deliberate problem in a task"))
    }

    async fn tick(&mut self, user: &mut User) -> TaskResult {
        user.record(CustomRequest::new("CUSTOM", "tick"));
        Ok(())
    }
}

/// A worker of ours in the place of a recorded one.
struct Played {
    process: Started,
    /// Known from its first message on.
    identity: Option<Identity>,
    /// All that it said.
    said: Vec<Value>,
    /// Of it, what is to be compared with the recording, in order.
    answers: VecDeque<Value>,
    /// The recorded master knows it: its heartbeats are answered.
    is_listed: bool,
    quit_sent: bool,
}

/// The master of a recording.
struct Player {
    socket: Socket,
    port: u16,
    runtime: Runtime,
    target: Target,
    workers: BTreeMap<String, Played>,
    /// Names of workers by identity.
    names: BTreeMap<String, String>,
    collector: Collector,
    announced: u64,
    since: Instant,
}

fn kind(message: &Value) -> &str {
    message.as_list().unwrap()[0].as_str().unwrap()
}

fn data(message: &Value) -> &Value {
    &message.as_list().unwrap()[1]
}

impl Player {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (socket, address) = zmtp::bind("127.0.0.1", 0, BindOptions::default()).unwrap();
        let since = Instant::now();
        Self {
            socket,
            port: address.port(),
            runtime,
            target: Target::start(),
            workers: BTreeMap::new(),
            names: BTreeMap::new(),
            collector: Collector::new(Anchor::now(), since),
            announced: 0,
            since,
        }
    }

    /// Plays all of it, to the end of every worker.
    fn play(&mut self, frames: &[Frame]) {
        let last_words: BTreeMap<&str, u32> = frames
            .iter()
            .filter(|frame| frame.is_workers())
            .map(|frame| (frame.worker.as_str(), frame.seq))
            .collect();
        let mut at = 0.0;
        // A worker that fetches the script does it under another name; ours have theirs.
        for frame in frames.iter().filter(|frame| !frame.worker.contains("_download_")) {
            if frame.is_workers() {
                self.expect(frame);
                let is_last = last_words[frame.worker.as_str()] == frame.seq;
                if is_last && frame.kind() != "quit" {
                    // It was killed.
                    self.workers[&frame.worker].process.signal(libc::SIGKILL);
                }
            } else if frame.kind() != "heartbeat" {
                let pause = Duration::from_secs_f64((frame.t - at).max(0.0)).min(PAUSE);
                at = frame.t;
                self.listen(pause);
                self.send(frame);
            }
        }
    }

    /// Hears what is said within this time.
    fn listen(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while self.hear(until) {}
    }

    /// Waits until a worker has said what this recorded one said.
    fn expect(&mut self, frame: &Frame) {
        if UNORDERED.contains(&frame.kind()) {
            return;
        }
        if !self.workers.contains_key(&frame.worker) {
            self.start(&frame.worker);
        }
        let worker = &self.workers[&frame.worker];
        if frame.kind() == "quit" && !worker.quit_sent {
            worker.process.signal(libc::SIGTERM);
        }
        let until = Instant::now() + PATIENCE;
        let said = loop {
            if let Some(said) = self.workers.get_mut(&frame.worker).unwrap().answers.pop_front() {
                break said;
            }
            let log = || self.workers[&frame.worker].process.said();
            assert!(
                Instant::now() < until,
                "no {} (frame {}):\n{}",
                frame.kind(),
                frame.seq,
                log()
            );
            self.hear(until);
        };
        compare(frame, &said);
        if frame.kind() == "client_stopped" {
            self.workers.get_mut(&frame.worker).unwrap().is_listed = false;
        }
    }

    fn start(&mut self, name: &str) {
        let arguments = format!("--worker --master-port {} --threads 1", self.port);
        let played = Played {
            process: Workload::new(&arguments).start(),
            identity: None,
            said: Vec::new(),
            answers: VecDeque::new(),
            is_listed: false,
            quit_sent: false,
        };
        self.workers.insert(name.to_owned(), played);
    }

    /// Sends the very bytes of the recording, but for the port of the target.
    fn send(&mut self, frame: &Frame) {
        let mut payload = frame.payload();
        let here = self.target.address.to_string();
        assert_eq!(here.len(), RECORDED_PORT.len(), "{here} has another length");
        while let Some(at) = payload.windows(here.len()).position(|part| part == RECORDED_PORT) {
            payload[at..at + here.len()].copy_from_slice(here.as_bytes());
        }
        let worker = self.workers.get_mut(&frame.worker).unwrap();
        worker.is_listed |= frame.kind() == "ack";
        worker.quit_sent |= frame.kind() == "quit";
        self.socket.send(worker.identity.as_ref().unwrap(), payload);
    }

    /// Hears one message, or waits in vain; `false` when the time is over.
    fn hear(&mut self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let event = async { tokio::time::timeout(left, self.socket.receive()).await };
        let Ok(event) = self.runtime.block_on(event) else { return false };
        let Event::Message { from, payload } = event.unwrap() else { return true };
        let message = recorded::any(&payload);
        assert_eq!(message.as_list().unwrap()[2].as_str(), Some(from.as_str()), "{message:?}");
        let name = self.name_of(&from);
        let is_heartbeat = kind(&message) == "heartbeat";
        if kind(&message) == "stats" {
            self.merge(&name, &payload);
        }
        let worker = self.workers.get_mut(&name).unwrap();
        worker.said.push(message.clone());
        if !UNORDERED.contains(&kind(&message)) {
            worker.answers.push_back(message);
        }
        if is_heartbeat && worker.is_listed {
            self.socket.send(&from, b"\x93\xa9heartbeat\xc0\xa1w".to_vec());
        }
        true
    }

    /// The recorded worker that this one stands for: workers are started one after the other.
    fn name_of(&mut self, from: &Identity) -> String {
        if let Some(name) = self.names.get(from.as_str()) {
            return name.clone();
        }
        let mut workers = self.workers.iter_mut();
        let (name, worker) = workers.find(|(_, worker)| worker.identity.is_none()).unwrap();
        worker.identity = Some(from.clone());
        self.names.insert(from.as_str().to_owned(), name.clone());
        name.clone()
    }

    fn merge(&mut self, name: &str, payload: &[u8]) {
        let message = Envelope::<ToMaster>::decode(payload).unwrap().message;
        let ToMaster::Stats(report) = message else { panic!("{message:?}") };
        self.announced += report.total.requests;
        let entries: u64 = report.entries.iter().map(|entry| entry.requests).sum();
        assert_eq!(entries, report.total.requests, "entries and total are the same requests");
        let at = report.total.last_request.unwrap_or(0.0);
        self.collector.merge_from(name, &report.into_delta(at));
    }

    fn summary(&mut self) -> Summary {
        let summary = self.collector.summary(self.since, Users::new());
        assert_eq!(summary.total.figures.requests, self.announced);
        summary
    }
}

/// Asserts that one of ours has said what the recorded one said.
fn compare(frame: &Frame, said: &Value) {
    let at = frame.seq;
    assert_eq!(kind(said), frame.kind(), "frame {at}: {said:?}");
    let recorded = recorded::any(&frame.payload());
    match frame.kind() {
        "client_ready" => {
            let version = |message| data(message).as_str().unwrap()[..4].to_owned();
            assert_eq!(version(said), version(&recorded), "what Locust compares, frame {at}");
        }
        "spawning_complete" => {
            let classes = |message: &Value| {
                let Some(Value::Map(pairs)) = data(message).get("user_classes_count").cloned()
                else {
                    panic!("frame {at}: {message:?}")
                };
                let pairs = pairs.into_iter();
                pairs
                    .map(|(class, users)| (class.as_str().unwrap().to_owned(), users.as_u64()))
                    .collect::<BTreeMap<_, _>>()
            };
            assert_eq!(classes(said), classes(&recorded), "frame {at}");
            let users = |message| data(message).get("user_count").unwrap().as_u64();
            assert_eq!(users(said), users(&recorded), "frame {at}");
        }
        "hello_master" => assert!(data(said).get("who").is_some(), "{said:?}"),
        _ => assert_eq!(data(said), data(&recorded), "frame {at}"),
    }
}

/// Methods and names of rows, and names and texts of errors.
type Outline = (BTreeSet<(String, String)>, BTreeSet<(String, String)>);

/// Which requests and errors there were. Locust's `FastHttpUser`, which one recorded class is, words errors in its own way.
fn outline(summary: &Summary) -> Outline {
    let text = |text: &str| text.to_owned();
    let rows = summary.rows.iter().map(|row| (text(&row.method), text(&row.name)));
    let errors = summary.errors.iter().filter(|error| &*error.name != "/missing");
    let errors = errors.map(|error| (text(&error.name), text(&error.error)));
    (rows.collect(), errors.collect())
}

/// What the recorded workers reported, merged.
fn recorded_summary(frames: &[Frame]) -> Summary {
    let since = Instant::now();
    let mut collector = Collector::new(Anchor::now(), since);
    for frame in frames.iter().filter(|frame| frame.kind() == "stats") {
        let message = Envelope::<ToMaster>::decode(&frame.payload()).unwrap().message;
        let ToMaster::Stats(report) = message else { panic!("frame {}", frame.seq) };
        let at = report.total.last_request.unwrap_or(0.0);
        collector.merge_from(&frame.worker, &report.into_delta(at));
    }
    collector.summary(since, Users::new())
}

/// The shapes of what recorded workers said.
fn recorded_shapes(frames: &[Frame]) -> Shape {
    let mut shape = Shape::default();
    // Only Locust's workers ask for the script.
    for frame in frames.iter().filter(|frame| frame.is_workers() && frame.kind() != "locustfile") {
        shape.note(frame.kind(), data(&recorded::any(&frame.payload())));
    }
    shape
}

/// All kinds of messages of this recording came, and have the keys and the types of recorded ones.
fn assert_shapes(frames: &[Frame], player: &Player) {
    let mut ours = Shape::default();
    for message in player.workers.values().flat_map(|worker| &worker.said) {
        ours.note(kind(message), data(message));
    }
    ours.assert_covers(&recorded_shapes(frames));
    let [mut all, other] = [STEERED, LOST_WORKER].map(recorded::frames);
    all.extend(other);
    ours.assert_within(&recorded_shapes(&all));
}

/// Each worker that was not killed ends well, and its last figures came before its farewell.
fn end_all(player: &mut Player) {
    for (name, worker) in std::mem::take(&mut player.workers) {
        let said = |kind: &str| worker.said.iter().rposition(|said| self::kind(said) == kind);
        match said("quit") {
            Some(quit) => {
                assert!(said("stats").unwrap() < quit, "{name}");
                worker.process.wait().expect_code(0);
            }
            None => worker.process.reap(),
        }
    }
}

/// Between the end of a run and the worker's next readiness are the two seconds of its stop timeout, in which it gives signs
/// of life: they are counted, as a busy machine may deliver messages late.
fn assert_rests(worker: &Played) {
    let at = |kind: &str| {
        let said = worker.said.iter().enumerate();
        said.filter(|(_, said)| self::kind(said) == kind).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let (stopped, ready, beats) = (at("client_stopped"), at("client_ready"), at("heartbeat"));
    assert_eq!((stopped.len(), ready.len()), (2, 3));
    for (stopped, ready) in stopped.iter().zip(&ready[1..]) {
        assert!(beats.iter().any(|beat| stopped < beat && beat < ready), "{beats:?}");
    }
}

fn a_steered_cluster_is_answered_as_by_locust() {
    let frames = recorded::frames(STEERED);
    let mut player = Player::new();
    player.play(&frames);
    assert_shapes(&frames, &player);
    player.workers.values().for_each(assert_rests);
    let (ours, theirs) = (player.summary(), recorded_summary(&frames));
    assert_eq!(theirs.total.figures.requests, 167);
    assert_eq!(outline(&ours), outline(&theirs));
    let figures = &ours.total.figures;
    // Ticks are no requests to the target.
    assert_eq!(figures.requests - figures.untimed, player.target.requests());
    let errors: u64 = ours.errors.iter().map(|error| error.occurrences).sum();
    assert_eq!(figures.failures, errors);
    end_all(&mut player);
}

fn a_cluster_that_loses_workers() {
    let frames = recorded::frames(LOST_WORKER);
    let mut player = Player::new();
    player.play(&frames);
    assert_shapes(&frames, &player);
    let (ours, theirs) = (player.summary(), recorded_summary(&frames));
    assert_eq!(outline(&ours).0, outline(&theirs).0);
    let figures = &ours.total.figures;
    let (counted, seen) = (figures.requests - figures.untimed, player.target.requests());
    // The killed worker had three users; it reports every three seconds.
    assert!(counted <= seen && seen - counted <= 40, "{counted} of {seen}");
    end_all(&mut player);
}
