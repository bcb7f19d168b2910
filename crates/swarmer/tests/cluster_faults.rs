//! Workers that sleep, come back under the same name or sit behind a bad network: within ten seconds the target number of
//! users runs again, and what the target has counted is what the master says.
//!
//! This binary starts itself again as master or worker; see `run_process`.

#![expect(clippy::unwrap_used, reason = "code of tests")]

#[path = "cluster_support/fleet.rs"]
mod fleet;
#[path = "run_support/process.rs"]
mod process;
#[path = "cluster_support/relay.rs"]
mod relay;
mod run_support;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fleet::{Master, end_all, notes, settle, worker};
use libtest_mimic::{Arguments, Trial};
use process::{AS_WORKLOAD, Ended, Started, Workload};
use rand::RngExt as _;
use relay::{Relay, Weather};
use run_support::Target;
use swarmer::prelude::*;

/// Users in each test; each asks about five times a second.
const USERS: u32 = 9;

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return workload();
    }
    let tests: &[(&'static str, fn())] = &[
        ("a_short_sleep_changes_nothing", a_short_sleep_changes_nothing),
        ("a_long_sleep_moves_the_share", a_long_sleep_moves_the_share),
        ("a_worker_comes_anew_under_its_name", a_worker_comes_anew_under_its_name),
        ("a_partition_heals", a_partition_heals),
        ("a_broken_connection_is_made_anew", a_broken_connection_is_made_anew),
        ("a_bad_network_loses_nothing", a_bad_network_loses_nothing),
        ("one_seed_one_course_on_any_number_of_workers", one_seed_one_course),
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

/// `Steady` asks five times a second; the others decide by chance and tell the target in the path what they decided.
fn workload() -> ExitCode {
    let steady =
        Scenario::new("Steady", Hand::arrive).wait(constant(0.2)).task(1, "ask", Hand::ask);
    let wavering = |name| {
        Scenario::new(name, Hand::arrive).wait(between(0.0, 0.02)).task(3, "left", Hand::left).task(
            2,
            "right",
            Hand::right,
        )
    };
    Swarm::new("faults", "1.0")
        .scenario(steady)
        .scenario(wavering("Quick").weight(2.0))
        .scenario(wavering("Calm"))
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

    async fn left(&mut self, user: &mut User) -> TaskResult {
        Self::tell(user, "left").await
    }

    async fn right(&mut self, user: &mut User) -> TaskResult {
        Self::tell(user, "right").await
    }

    async fn tell(user: &mut User, way: &str) -> TaskResult {
        let (number, chance) = (user.number(), user.rng().random::<u32>());
        user.get(&format!("/{number}/{way}/{chance}")).name("tell").send().await?;
        Ok(())
    }
}

/// A master with so many workers, and all users at work.
fn steady_master(target: &Target, workers: usize) -> Master {
    let users = format!("--expect-workers {workers} -u {USERS} -r {USERS} -s 1 Steady");
    Master::start(target, &users)
}

fn steady(port: u16) -> Started {
    worker(port, "Steady")
}

/// Waits until all users work, no more and no less; at most ten seconds.
fn all_work(target: &Target) {
    let begin = Instant::now();
    loop {
        let (from, before) = (Instant::now(), target.requests());
        settle(2);
        let asked = u32::try_from(target.requests() - before).unwrap();
        let users = f64::from(asked) / from.elapsed().as_secs_f64() / 5.0;
        // A user less or more shows, a machine with other things to do does not.
        if (users - f64::from(USERS)).abs() < 0.9 {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "{users:.1} users work, not {USERS}");
    }
}

/// Nothing is lost and nothing counts twice.
fn assert_exact(ended: &Ended, target: &Target) {
    assert_eq!(ended.requests_in_csv("run"), target.requests(), "{}", ended.stderr);
    assert!(notes(ended).is_empty(), "{:?}", notes(ended));
}

fn a_short_sleep_changes_nothing() {
    let target = Target::start();
    let mut master = steady_master(&target, 3);
    let workers: Vec<_> = (0..3).map(|_| steady(master.port)).collect();
    master.run.wait_for("All users spawned");
    settle(1);
    workers[0].signal(libc::SIGSTOP);
    settle(3);
    workers[0].signal(libc::SIGCONT);
    all_work(&target);
    let ended = master.end();
    assert!(!ended.stderr.contains("missing"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("started anew"), "{}", ended.stderr);
    assert_exact(&ended, &target);
    end_all(workers);
}

fn a_long_sleep_moves_the_share() {
    let target = Target::start();
    let mut master = steady_master(&target, 3);
    let workers: Vec<_> = (0..3).map(|_| steady(master.port)).collect();
    master.run.wait_for("All users spawned");
    settle(1);
    let asleep = Instant::now();
    workers[0].signal(libc::SIGSTOP);
    master.run.wait_for("3 users are started anew on other workers");
    assert!(asleep.elapsed() < Duration::from_secs(10));
    settle(1);
    all_work(&target);
    sleep(Duration::from_secs(10).saturating_sub(asleep.elapsed()));
    workers[0].signal(libc::SIGCONT);
    master.run.wait_for("self-healed");
    all_work(&target);
    let ended = master.end();
    assert_exact(&ended, &target);
    end_all(workers);
}

/// A container that is started again may keep its name: the relay gives both processes the same.
fn a_worker_comes_anew_under_its_name() {
    let target = Target::start();
    let mut master = steady_master(&target, 2);
    let host = swarmer_host();
    let weather = Weather { identity: Some(format!("{host}_{:032x}", 7)), ..Weather::default() };
    let relay = Relay::start(master.port, weather);
    let (first, other) = (steady(relay.port), steady(master.port));
    master.run.wait_for("All users spawned");
    settle(2);
    first.signal(libc::SIGKILL);
    first.reap();
    let second = steady(relay.port);
    master.run.wait_for("started anew; what it did since its last report is not counted");
    all_work(&target);
    let ended = master.end();
    let (seen, counted) = (target.requests(), ended.requests_in_csv("run"));
    assert!(counted <= seen, "nothing counts twice: {counted} of {seen}");
    assert!(
        seen - counted <= 2 * 5 * u64::from(USERS),
        "a second or two of its users: {counted} of {seen}"
    );
    let notes = notes(&ended);
    assert!(seen == counted || notes.len() == 1 && notes[0].contains("not counted"), "{notes:?}");
    end_all(vec![second, other]);
}

/// As workers call this machine.
fn swarmer_host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    name.trim().replace('_', "-")
}

fn a_partition_heals() {
    let target = Target::start();
    let mut master = steady_master(&target, 3);
    let relay = Relay::start(master.port, Weather::default());
    let workers = vec![steady(relay.port), steady(master.port), steady(master.port)];
    master.run.wait_for("All users spawned");
    settle(1);
    relay.set_hole(true);
    master.run.wait_for("3 users are started anew on other workers");
    settle(1);
    relay.set_hole(false);
    master.run.wait_for("self-healed");
    all_work(&target);
    let ended = master.end();
    assert_exact(&ended, &target);
    end_all(workers);
}

fn a_broken_connection_is_made_anew() {
    let target = Target::start();
    let mut master = steady_master(&target, 3);
    let relay = Relay::start(master.port, Weather::default());
    let workers = vec![steady(relay.port), steady(master.port), steady(master.port)];
    master.run.wait_for("All users spawned");
    settle(1);
    relay.set_cut(true);
    master.run.wait_for("3 users are started anew on other workers");
    relay.set_cut(false);
    master.run.wait_for("self-healed");
    all_work(&target);
    let ended = master.end();
    assert_exact(&ended, &target);
    end_all(workers);
}

fn a_bad_network_loses_nothing() {
    let target = Target::start();
    let mut master = steady_master(&target, 3);
    let delay = Duration::from_millis(400);
    let weather = Weather { delay, doubled: 4, lost: 12, identity: None };
    let relays: Vec<_> = (0..3).map(|_| Relay::start(master.port, weather.clone())).collect();
    let workers: Vec<_> = relays.iter().map(|relay| steady(relay.port)).collect();
    master.run.wait_for("All users spawned");
    settle(6);
    all_work(&target);
    let ended = master.end();
    assert_exact(&ended, &target);
    for relay in &relays {
        let (doubled, lost, overtaken) = relay.mischief();
        assert!(doubled > 0 && lost > 0 && overtaken > 0, "{doubled} {lost} {overtaken}");
    }
    for worker in workers {
        // The master's goodbye may be among what was lost.
        worker.signal(libc::SIGTERM);
        worker.wait();
    }
}

/// What each user told the target, in order.
fn courses(target: &Target) -> BTreeMap<u64, Vec<String>> {
    let mut courses = BTreeMap::<u64, Vec<String>>::new();
    for path in target.paths() {
        let (user, told) = path[1..].split_once('/').unwrap();
        courses.entry(user.parse().unwrap()).or_default().push(told.to_owned());
    }
    courses
}

fn one_seed_one_course() {
    const COURSE: &str = "-u 12 -r 12 --iterations-per-user 30 --seed 4711 Quick Calm";
    let alone = Target::start();
    let host = alone.url();
    let local = format!("--headless --only-summary --threads 1 --host {host} {COURSE}");
    Workload::new(&local).run().expect_code(0);
    let shared = Target::start();
    let master = Master::start(&shared, &format!("--expect-workers 2 {COURSE}"));
    let workers = vec![worker(master.port, "Quick Calm"), worker(master.port, "Quick Calm")];
    let ended = master.run.wait().expect_code(0);
    assert_exact(&ended, &shared);
    end_all(workers);
    let (alone, shared) = (courses(&alone), courses(&shared));
    assert_eq!(alone.len(), 12);
    assert!(alone.values().all(|course| course.len() == 30));
    assert_ne!(alone[&0], alone[&1], "users differ from each other");
    assert_eq!(alone, shared);
}
