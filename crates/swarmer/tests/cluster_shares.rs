//! What is shared out over workers (arrivals, iterations, a ceiling on requests) stays whole when one of them goes or comes.
//!
//! This binary starts itself again as master or worker; see `run_process`.

#![expect(clippy::unwrap_used, reason = "code of tests")]

#[path = "cluster_support/fleet.rs"]
mod fleet;
#[path = "support/locust.rs"]
mod locust;
#[path = "run_support/process.rs"]
mod process;
mod run_support;

use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fleet::{Master, end_all, goes_to, notes, settle, worker};
use libtest_mimic::{Arguments, Trial};
use process::{AS_WORKLOAD, Ended, Started, Workload};
use run_support::Target;
use swarmer::prelude::*;

/// The same for Locust.
const SCRIPT: &str = r#"
import os
from locust import HttpUser, task, constant

class Steady(HttpUser):
    host = os.environ.get("SHARES_HOST")
    wait_time = constant(0.1)
    @task
    def ask(self):
        self.client.get("/status/201", name="locust")
"#;

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return workload();
    }
    let tests: &[(&'static str, fn())] = &[
        ("the_rate_is_as_asked_when_workers_go_and_come", the_rate_is_as_asked),
        ("a_number_of_journeys_ends_the_run", a_number_of_journeys_ends_the_run),
        ("journeys_of_a_lost_worker_are_made_by_the_others", journeys_of_a_lost_worker),
        ("journeys_of_a_worker_that_left_are_made_once", journeys_of_a_worker_that_left),
        ("a_ceiling_holds_when_workers_go_and_come", a_ceiling_holds),
        ("a_number_of_tasks_is_exact_when_workers_come_and_leave", a_number_of_tasks_is_exact),
        ("tasks_of_a_lost_worker_are_done_by_the_others", tasks_of_a_lost_worker),
        ("the_only_user_is_started_anew_until_all_tasks_are_done", the_only_user_is_started_anew),
        ("tasks_per_user_end_the_run_over_workers", tasks_per_user),
        ("limits_and_a_worker_of_locusts", limits_and_a_worker_of_locusts),
    ];
    let trials = tests.iter().map(|&(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    let mut arguments = Arguments::from_args();
    // They wait most of the time.
    arguments.test_threads.get_or_insert(4);
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// `Steady` asks ten times a second, and `Eager` without a pause, in the closed model.
fn workload() -> ExitCode {
    let class = |name| Scenario::new(name, Hand::arrive).task(1, "ask", Hand::ask);
    Swarm::new("shares", "1.0")
        .scenario(class("Steady").wait(constant(0.1)))
        .scenario(class("Eager"))
        .run()
}

struct Hand;

impl Hand {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self)
    }

    async fn ask(&mut self, user: &mut User) -> TaskResult {
        user.get("/fast").name("ask").send().await?;
        Ok(())
    }
}

fn workers(master: &Master, number: usize, class: &str) -> Vec<Started> {
    (0..number).map(|_| worker(master.port, class)).collect()
}

fn kill(worker: Started) {
    worker.signal(libc::SIGKILL);
    worker.reap();
}

/// Journeys that were due, in the figures.
fn due(ended: &Ended) -> u64 {
    let summary: serde_json::Value = serde_json::from_str(&ended.read("summary.json")).unwrap();
    let count = |name: &str| summary["schedule"][name].as_u64().unwrap();
    count("started") + count("dropped")
}

/// What a target was asked, over time.
struct Watch {
    over: Arc<AtomicBool>,
    watching: JoinHandle<Vec<(Instant, u64)>>,
}

impl Watch {
    fn begin(target: &Arc<Target>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (target, until) = (Arc::clone(target), Arc::clone(&over));
        let watching = std::thread::spawn(move || {
            let mut seen = Vec::new();
            while !until.load(Ordering::SeqCst) {
                seen.push((Instant::now(), target.requests()));
                std::thread::sleep(Duration::from_millis(20));
            }
            seen
        });
        Self { over, watching }
    }

    /// Asserts that at no time so many more came than at `rate` per second.
    fn end(self, rate: f64, more: f64) {
        self.over.store(true, Ordering::SeqCst);
        let seen = self.watching.join().unwrap();
        for (index, (from, before)) in seen.iter().enumerate() {
            for (to, after) in &seen[index..] {
                let allowed = (*to - *from).as_secs_f64() * rate + more;
                let asked = f64::from(u32::try_from(after - before).unwrap());
                assert!(asked <= allowed, "{asked} in {:?}, not {allowed}", *to - *from);
            }
        }
    }
}

fn a_ceiling_holds() {
    let target = Arc::new(Target::start());
    let watch = Watch::begin(&target);
    let rest = "--expect-workers 2 --max-rate 100 -u 6 -r 6 Eager";
    let mut master = Master::start(&target, rest);
    let mut workers = workers(&master, 2, "Eager");
    goes_to(&target, 100.0);
    workers.push(worker(master.port, "Eager"));
    master.run.wait_for("3 workers connected");
    settle(2);
    goes_to(&target, 100.0);
    kill(workers.remove(0));
    master.run.wait_for("went missing");
    goes_to(&target, 100.0);
    let leaver = workers.remove(0);
    leaver.signal(libc::SIGTERM);
    leaver.wait().expect_code(0);
    goes_to(&target, 100.0);
    let ended = master.end();
    assert!(!ended.stderr.contains("no effect"), "{}", ended.stderr);
    // However crowded the machine is: each of at most ten users (some are being moved) may have one request on its way
    // and one whose turn has come, and each of four drivers may make up for a little.
    watch.end(100.0, 30.0);
    end_all(workers);
}

fn the_rate_is_as_asked() {
    let target = Target::start();
    let mut master = Master::start(&target, "--expect-workers 3 --rate 60/s Steady");
    let mut workers = workers(&master, 3, "Steady");
    goes_to(&target, 60.0);
    kill(workers.remove(1));
    master.run.wait_for("Journeys are shared anew by 2 workers");
    goes_to(&target, 60.0);
    workers.push(worker(master.port, "Steady"));
    master.run.wait_for("Journeys are shared anew by 3 workers");
    settle(2);
    goes_to(&target, 60.0);
    // The one that came late has a share of its own, or the others would not do without this one.
    let leaver = workers.remove(0);
    leaver.signal(libc::SIGTERM);
    leaver.wait().expect_code(0);
    goes_to(&target, 60.0);
    let ended = master.end();
    let lost = notes(&ended).iter().filter(|note| note.starts_with("Worker ")).count();
    assert_eq!(lost, 1, "{:?}", notes(&ended));
    assert!(ended.requests_in_csv("run") <= target.requests());
    end_all(workers);
}

fn a_number_of_journeys_ends_the_run() {
    let target = Target::start();
    let master = Master::start(&target, "--expect-workers 2 --rate 50/s --iterations 100 Steady");
    let workers = workers(&master, 2, "Steady");
    let ended = master.run.wait().expect_code(0);
    assert_eq!((target.requests(), ended.requests_in_csv("run")), (100, 100), "{}", ended.stderr);
    end_all(workers);
}

fn journeys_of_a_lost_worker() {
    let target = Target::start();
    let master = Master::start(&target, "--expect-workers 3 --rate 40/s --iterations 150 Steady");
    let mut workers = workers(&master, 3, "Steady");
    target.wait_for(60);
    kill(workers.remove(0));
    // The others have begun all of theirs before they hear of it.
    let ended = master.run.wait().expect_code(0);
    assert_eq!(due(&ended), 150, "{}", ended.stderr);
    assert!((150..=190).contains(&target.requests()), "{}", target.requests());
    let notes = notes(&ended);
    assert!(notes.iter().any(|note| note.contains("are made by the others")), "{notes:?}");
    end_all(workers);
}

fn journeys_of_a_worker_that_left() {
    let target = Target::start();
    let master = Master::start(&target, "--expect-workers 2 --rate 40/s --iterations 200 Steady");
    let mut workers = workers(&master, 2, "Steady");
    target.wait_for(60);
    workers.push(worker(master.port, "Steady"));
    target.wait_for(100);
    let leaver = workers.remove(0);
    leaver.signal(libc::SIGTERM);
    leaver.wait().expect_code(0);
    let ended = master.run.wait().expect_code(0);
    assert_eq!((due(&ended), target.requests()), (200, 200), "{}", ended.stderr);
    end_all(workers);
}

fn a_number_of_tasks_is_exact() {
    let target = Target::start();
    let rest = "--expect-workers 2 -u 4 -r 4 --iterations 400 Steady";
    let master = Master::start(&target, rest);
    let mut workers = workers(&master, 2, "Steady");
    target.wait_for(60);
    workers.push(worker(master.port, "Steady"));
    target.wait_for(150);
    let leaver = workers.remove(0);
    leaver.signal(libc::SIGTERM);
    leaver.wait().expect_code(0);
    let ended = master.run.wait().expect_code(0).expect_said(&["All 400 tasks have been begun"]);
    assert_eq!((target.requests(), ended.requests_in_csv("run")), (400, 400), "{}", ended.stderr);
    assert!(notes(&ended).is_empty(), "{:?}", notes(&ended));
    end_all(workers);
}

/// Tasks that notes name as lost.
fn lost(ended: &Ended) -> u64 {
    let number = |note: &String| -> Option<u64> {
        let (before, _) = note.split_once(" tasks that it had begun and not finished")?;
        before.rsplit(' ').next()?.parse().ok()
    };
    let notes = notes(ended);
    let named: Vec<u64> = notes.iter().filter_map(number).collect();
    assert!(!named.is_empty(), "{notes:?}");
    named.iter().sum()
}

fn tasks_of_a_lost_worker() {
    let target = Target::start();
    let rest = "--expect-workers 2 -u 6 -r 6 --iterations 500 Steady";
    let master = Master::start(&target, rest);
    let mut workers = workers(&master, 2, "Steady");
    target.wait_for(100);
    kill(workers.remove(0));
    let ended = master.run.wait().expect_code(0);
    // Without its tasks this would be half as many.
    assert_eq!(ended.requests_in_csv("run") + lost(&ended), 500, "{}", ended.stderr);
    assert!((500 - lost(&ended)..=600).contains(&target.requests()), "{}", target.requests());
    end_all(workers);
}

fn the_only_user_is_started_anew() {
    let target = Target::start();
    let mut master = Master::start(&target, "--expect-workers 2 -u 1 -r 1 --iterations 80 Steady");
    let mut workers = workers(&master, 2, "Steady");
    master.run.wait_for("All users spawned");
    target.wait_for(20);
    // The first user is on the worker whose name comes first.
    workers.sort_by_key(|worker| {
        let said = worker.said();
        said.split("Worker ").nth(1).and_then(|rest| rest.split(':').next()).map(str::to_owned)
    });
    kill(workers.remove(0));
    let ended = master.run.wait().expect_code(0).expect_said(&["1 users are started anew"]);
    assert_eq!(ended.requests_in_csv("run") + lost(&ended), 80, "{}", ended.stderr);
    end_all(workers);
}

fn tasks_per_user() {
    let target = Target::start();
    let rest = "--expect-workers 2 -u 5 -r 5 --iterations-per-user 20 Steady";
    let master = Master::start(&target, rest);
    let workers = workers(&master, 2, "Steady");
    let ended = master.run.wait().expect_code(0);
    assert_eq!((target.requests(), ended.requests_in_csv("run")), (100, 100), "{}", ended.stderr);
    end_all(workers);
}

fn limits_and_a_worker_of_locusts() {
    let target = Target::start();
    let rest = "--expect-workers 2 -u 4 -r 4 -s 5 --max-rate 500 --iterations 100 Steady";
    let master = Master::start(&target, rest);
    let ours = worker(master.port, "Steady");
    let mut command = Command::new(locust::python());
    command.args(["-m", "locust", "-f", "shares.py"]).env("SHARES_HOST", target.url());
    let arguments = format!("--worker --master-port {} Steady", master.port);
    let workload = Workload::through(command, &arguments);
    std::fs::write(workload.path("shares.py"), SCRIPT).unwrap();
    let theirs = workload.start();
    let ended = master.run.wait().expect_code(0);
    let asked = target.paths();
    let by_ours = asked.iter().filter(|path| *path == "/fast").count();
    // Two users of each kind: theirs work on until ours are done, and are not waited for beyond that.
    assert_eq!(by_ours, 100, "{}", ended.stderr);
    assert!(asked.len() > 150, "{}", asked.len());
    // Without a stop timeout Locust's two users would be cut off in a request, which they then do not count.
    assert_eq!(ended.requests_in_csv("run"), target.requests(), "{}", ended.stderr);
    for option in ["--max-rate", "--iterations"] {
        let is_named = |note: &String| note.contains(&format!("and knows no {option}:"));
        assert!(notes(&ended).iter().any(is_named), "{:?}", notes(&ended));
    }
    end_all(vec![ours, theirs]);
}
