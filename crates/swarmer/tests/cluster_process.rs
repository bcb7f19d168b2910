//! Masters and workers as processes, Locust's and ours: what the target has counted is what the master says.
//!
//! This binary starts itself again as master or worker; see `run_process`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "code of tests")]

#[path = "cluster_support/crew.rs"]
mod crew;
#[path = "support/locust.rs"]
mod locust;
#[path = "run_support/process.rs"]
mod process;
mod run_support;

use std::net::TcpListener;
use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use process::{AS_WORKLOAD, Ended, Started, Workload};
use run_support::Target;

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return crew::main();
    }
    let tests: &[(&'static str, fn())] = &[
        // First, for it takes as long as all others together.
        ("a_soak_with_faults_ends_with_equal_sums", a_soak_with_faults_ends_with_equal_sums),
        ("three_workers_of_ours_count_as_one", three_workers_of_ours_count_as_one),
        ("workers_of_ours_under_locusts_master", workers_of_ours_under_locusts_master),
        ("workers_of_both_kinds_under_our_master", workers_of_both_kinds_under_our_master),
        ("nothing_is_lost_when_a_worker_leaves", nothing_is_lost_when_a_worker_leaves),
        ("nothing_is_lost_when_a_worker_sleeps", nothing_is_lost_when_a_worker_sleeps),
        ("a_soak_with_a_worker_that_sleeps_90_seconds", a_worker_sleeps_90_seconds),
        ("a_killed_worker_is_made_good_and_named", a_killed_worker_is_made_good_and_named),
        ("a_late_worker_gets_its_share", a_late_worker_gets_its_share),
        ("a_master_without_workers_gives_up", a_master_without_workers_gives_up),
        ("a_worker_without_its_master_ends", a_worker_without_its_master_ends),
        ("only_who_has_the_token_takes_part", only_who_has_the_token_takes_part),
        ("a_restarted_master_goes_on", a_restarted_master_goes_on),
        ("tasks_are_shared_out", tasks_are_shared_out),
        ("journeys_arrive_once_over_all_workers", journeys_arrive_once_over_all_workers),
    ];
    let trials = tests.iter().map(|&(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
        .with_ignored_flag(name.contains("90_seconds"))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// A master of ours that listens.
struct Master {
    run: Started,
    port: u16,
}

impl Master {
    fn start(target: &Target, rest: &str) -> Self {
        Self::at(0, target, rest)
    }

    fn at(port: u16, target: &Target, rest: &str) -> Self {
        let arguments = format!(
            "--headless --master --master-bind-host 127.0.0.1 --master-bind-port {port} --only-summary --csv run \
             --summary-json summary.json"
        );
        let mut run = Workload::new(&format!("{arguments} --host {} {rest}", target.url())).start();
        run.wait_for("Listening for workers at ");
        let said = run.said();
        let address = said.split("Listening for workers at ").nth(1).unwrap();
        let port = address.split_whitespace().next().unwrap().rsplit(':').next().unwrap();
        Self { run, port: port.parse().unwrap() }
    }

    fn worker(&self, rest: &str) -> Started {
        worker(self.port, rest)
    }

    fn workers(&self, number: usize) -> Vec<Started> {
        (0..number).map(|_| self.worker("")).collect()
    }
}

fn worker(port: u16, rest: &str) -> Started {
    Workload::new(&format!("--worker --master-port {port} --threads 1 {rest}")).start()
}

/// Locust, with the same classes.
fn locust(target: &Target, arguments: &str) -> Started {
    let mut command = Command::new(locust::python());
    command.args(["-m", "locust", "-f", "crew.py"]).env("CREW_HOST", target.url());
    // By itself it waits a second for what workers say, which is not enough on a crowded machine.
    command.env("LOCUST_WAIT_FOR_WORKERS_REPORT_AFTER_RAMP_UP", "15");
    let workload = Workload::through(command, arguments);
    std::fs::write(workload.path("crew.py"), crew::SCRIPT).unwrap();
    workload.start()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn end_all(workers: Vec<Started>) -> Vec<Ended> {
    workers.into_iter().map(|worker| worker.wait().expect_code(0)).collect()
}

fn summary(ended: &Ended) -> serde_json::Value {
    serde_json::from_str(&ended.read("summary.json")).unwrap()
}

/// What the run has to tell beside its figures, save that some request took long, as happens on a crowded machine.
fn notes(summary: &serde_json::Value) -> Vec<String> {
    let mut notes: Vec<String> = serde_json::from_value(summary["notes"].clone()).unwrap();
    notes.retain(|note| !note.starts_with("The slowest request took "));
    notes
}

fn assert_exact(ended: &Ended, target: &Target) {
    assert_eq!(ended.requests_in_csv("run"), target.requests(), "{}", ended.stderr);
}

fn three_workers_of_ours_count_as_one() {
    let target = Target::start();
    let master = Master::start(&target, "--expect-workers 3 -u 12 -r 6 -t 5s -s 2");
    let workers = master.workers(3);
    let ended = master.run.wait().expect_code(1).expect_said(&[
        "All users spawned: {\"Asker\": 9, \"Breaker\": 3} (12 total users)",
        "3 workers connected.",
    ]);
    assert_exact(&ended, &target);
    let summary = summary(&ended);
    let exceptions = summary["exceptions"].as_array().unwrap();
    assert!(exceptions.iter().any(|e| e["message"] == "deliberate"), "{exceptions:?}");
    assert!(exceptions[0]["nodes"][0].as_str().unwrap().contains('_'), "{exceptions:?}");
    assert!(summary["funnels"].as_array().unwrap().len() >= 2, "journeys travel");
    assert!(notes(&summary).is_empty(), "{}", summary["notes"]);
    assert!(ended.stdout.contains("MASTER HEARD"), "{}", ended.stdout);
    for worker in end_all(workers) {
        assert!(worker.stdout.contains("WORKER HEARD"), "{}", worker.stdout);
    }
}

fn workers_of_ours_under_locusts_master() {
    let target = Target::start();
    let port = free_port();
    let master = locust(
        &target,
        &format!(
            "--headless --master --master-bind-host 127.0.0.1 --master-bind-port {port} --expect-workers 2 -u 8 -r 4 -t 6s -s 5 \
             --csv run --only-summary"
        ),
    );
    let workers: Vec<_> =
        (0..2).map(|_| worker(port, &format!("--host {}", target.url()))).collect();
    let ended = master.wait().expect_code(1);
    assert!(
        ended.stderr.contains("All users spawned: {\"Asker\": 6, \"Breaker\": 2}"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("different version"), "{}", ended.stderr);
    assert!(ended.stderr.contains("500 Server Error"), "{}", ended.stderr);
    assert!(ended.read("run_exceptions.csv").contains("deliberate"));
    assert!(ended.stdout.contains("MASTER HEARD {'n': 4}"), "{}", ended.stdout);
    for worker in end_all(workers) {
        assert!(worker.stdout.contains("WORKER HEARD"), "{}", worker.stdout);
    }
    assert_exact(&ended, &target);
}

fn workers_of_both_kinds_under_our_master() {
    let target = Target::start();
    // Without a stop timeout Locust's users are cut off in a request, which they then do not count.
    let master = Master::start(&target, "--expect-workers 3 -u 12 -r 6 -t 6s -s 5");
    let workers = vec![
        locust(&target, &format!("--worker --master-port {}", master.port)),
        locust(&target, &format!("--worker --master-port {}", master.port)),
        master.worker(""),
    ];
    let ended = master
        .run
        .wait()
        .expect_code(1)
        .expect_said(&["All users spawned: {\"Asker\": 9, \"Breaker\": 3} (12 total users)"]);
    assert_exact(&ended, &target);
    let summary = summary(&ended);
    let errors = summary["errors"].as_array().unwrap().iter();
    let errors: Vec<_> = errors.filter(|error| error["kind"] == "request").collect();
    assert_eq!(errors.len(), 1, "both kinds say the same of an error: {errors:?}");
    assert_eq!(ended.stdout.matches("MASTER HEARD").count(), 3, "{}", ended.stdout);
    end_all(workers);
}

/// Waits until the target is asked by so many users again: each asks about five times a second.
fn settle(seconds: u64) {
    sleep(Duration::from_secs(seconds));
}

fn nothing_is_lost_when_a_worker_leaves() {
    let target = Target::start();
    let mut master = Master::start(&target, "--expect-workers 3 -u 9 -r 9 -s 1");
    let mut workers = master.workers(3);
    master.run.wait_for("All users spawned");
    settle(1);
    let leaver = workers.remove(0);
    leaver.signal(libc::SIGTERM);
    leaver.wait().expect_code(0);
    master.run.wait_for("3 users are started anew on other workers");
    settle(2);
    master.run.signal(libc::SIGINT);
    let ended = master.run.wait().expect_code(1);
    assert_exact(&ended, &target);
    assert!(notes(&summary(&ended)).is_empty());
    end_all(workers);
}

fn nothing_is_lost_when_a_worker_sleeps() {
    let target = Target::start();
    let mut master = Master::start(&target, "--expect-workers 3 -u 9 -r 9 -s 1");
    let workers = master.workers(3);
    master.run.wait_for("All users spawned");
    settle(1);
    workers[0].signal(libc::SIGSTOP);
    master.run.wait_for("3 users are started anew on other workers");
    settle(2);
    workers[0].signal(libc::SIGCONT);
    master.run.wait_for("self-healed");
    settle(4);
    master.run.signal(libc::SIGINT);
    let ended = master.run.wait().expect_code(1);
    assert_exact(&ended, &target);
    let summary = summary(&ended);
    assert!(notes(&summary).is_empty(), "it has reported all: {}", summary["notes"]);
    end_all(workers);
}

/// Longer than a worker waits for a silent master, and than a master of Locust's kind remembers a silent worker. It takes its
/// time, so that it is ignored by default; see `make soak`.
fn a_worker_sleeps_90_seconds() {
    let target = Target::start();
    let mut master = Master::start(&target, "--expect-workers 3 -u 9 -r 9 -s 1");
    let workers = master.workers(3);
    master.run.wait_for("All users spawned");
    settle(1);
    workers[0].signal(libc::SIGSTOP);
    master.run.wait_for("3 users are started anew on other workers");
    settle(90);
    workers[0].signal(libc::SIGCONT);
    settle(8);
    assert!(master.run.said().contains("self-healed"), "{}", master.run.said());
    let before = target.requests();
    settle(3);
    let rate = target.requests() - before;
    assert!((9 * 9..9 * 18).contains(&rate), "nine users are at work: {rate} requests in 3 s");
    master.run.signal(libc::SIGINT);
    let ended = master.run.wait().expect_code(1);
    assert_exact(&ended, &target);
    assert!(summary(&ended)["notes"].as_array().unwrap().is_empty(), "it has reported all");
    println!("{} requests seen and counted", target.requests());
    end_all(workers);
}

fn a_killed_worker_is_made_good_and_named() {
    let target = Target::start();
    let mut master = Master::start(&target, "--expect-workers 3 -u 9 -r 9 -s 1");
    let mut workers = master.workers(3);
    master.run.wait_for("All users spawned");
    settle(2);
    let victim = workers.remove(1);
    victim.signal(libc::SIGKILL);
    victim.reap();
    let killed = Instant::now();
    master.run.wait_for("3 users are started anew on other workers");
    assert!(killed.elapsed() < Duration::from_secs(10));
    settle(2);
    let before = target.requests();
    settle(3);
    let rate = target.requests() - before;
    assert!(rate > 9 * 3 * 3, "nine users are at work again, not six: {rate} requests in 3 s");
    master.run.signal(libc::SIGINT);
    let ended = master.run.wait().expect_code(1);
    let summary = summary(&ended);
    assert!(summary["notes"][0].as_str().unwrap().contains("went missing"), "{}", summary["notes"]);
    let unknown = target.requests() - ended.requests_in_csv("run");
    assert!(unknown <= 40, "three users do no more in two seconds: {unknown}");
    end_all(workers);
}

fn a_late_worker_gets_its_share() {
    let target = Target::start();
    let mut master = Master::start(&target, "--expect-workers 1 -u 8 -r 4 -s 1");
    let mut workers = master.workers(1);
    master.run.wait_for("All users spawned");
    workers.push(master.worker(""));
    master.run.wait_for("2 workers connected");
    settle(4);
    master.run.signal(libc::SIGINT);
    let ended = master.run.wait().expect_code(1);
    assert_exact(&ended, &target);
    let summary = summary(&ended);
    let marks = summary["marks"].as_array().unwrap();
    assert!(marks.iter().any(|mark| mark["kind"] == "worker"), "{marks:?}");
    let late = end_all(workers).pop().unwrap();
    assert!(!late.stderr.contains("ERROR"), "{}", late.stderr);
}

fn a_master_without_workers_gives_up() {
    let target = Target::start();
    let master = Master::start(&target, "--expect-workers 2 --expect-workers-max-wait 1 -u 1");
    let worker = master.worker("");
    master.run.wait().expect_code(1).expect_said(&["Gave up waiting for workers to connect"]);
    worker.wait().expect_code(0);
    assert_eq!(target.requests(), 0);
}

fn a_worker_without_its_master_ends() {
    let target = Target::start();
    let mut master = Master::start(&target, "-u 2 -r 2");
    let worker = master.worker("--master-timeout 5");
    master.run.wait_for("All users spawned");
    master.run.signal(libc::SIGKILL);
    master.run.reap();
    let before = target.requests();
    settle(2);
    assert!(target.requests() > before, "it works on meanwhile");
    worker.wait().expect_code(1).expect_said(&["Didn't get heartbeat from master in over 5s"]);
}

fn a_restarted_master_goes_on() {
    let target = Target::start();
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("run.journal");
    let options = format!("--expect-workers 2 -u 8 -r 8 -s 1 --journal {}", journal.display());
    let mut master = Master::start(&target, &options);
    let workers = master.workers(2);
    master.run.wait_for("All users spawned");
    settle(2);
    master.run.signal(libc::SIGKILL);
    let port = master.port;
    master.run.reap();
    settle(2);
    let meanwhile = target.requests();
    let mut master = Master::at(port, &target, &options);
    master.run.wait_for("The run was taken up");
    master.run.wait_for("2 workers connected");
    assert!(target.requests() > meanwhile, "users were at work all the time");
    settle(7);
    let before = target.requests();
    settle(2);
    let rate = target.requests() - before;
    assert!(
        (8 * 4..8 * 12).contains(&rate),
        "eight users, no more and no less: {rate} requests in 2 s"
    );
    master.run.signal(libc::SIGINT);
    let ended = master.run.wait().expect_code(1);
    assert_exact(&ended, &target);
    assert!(!journal.exists(), "there is nothing to go on with");
    end_all(workers);
}

/// Workers sleep, leave, come anew and are killed at random moments for as many seconds as `SWARMER_SOAK_SECONDS` says (two
/// minutes if it does not); `SWARMER_SOAK_SEED` chooses the moments.
fn a_soak_with_faults_ends_with_equal_sums() {
    const USERS: u64 = 12;
    let number = |name: &str, default| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (seconds, seed) =
        (number("SWARMER_SOAK_SECONDS", 120_u64), number("SWARMER_SOAK_SEED", 7_u64));
    let target = Target::start();
    let mut master = Master::start(&target, &format!("--expect-workers 4 -u {USERS} -r 12 -s 1"));
    let mut workers = master.workers(4);
    master.run.wait_for("All users spawned");
    let (began, mut state, mut kills) = (Instant::now(), seed | 1, 0);
    let mut random = |below: u64| {
        // Marsaglia's xorshift: the same moments for the same seed.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    while began.elapsed() < Duration::from_secs(seconds) {
        settle(1 + random(4));
        let at = usize::try_from(random(workers.len() as u64)).unwrap();
        match random(4) {
            0 => {
                workers[at].signal(libc::SIGSTOP);
                settle(1 + random(8));
                workers[at].signal(libc::SIGCONT);
            }
            1 => {
                let leaver = workers.remove(at);
                leaver.signal(libc::SIGTERM);
                leaver.wait().expect_code(0);
                workers.push(master.worker(""));
            }
            2 => {
                let victim = workers.remove(at);
                victim.signal(libc::SIGKILL);
                victim.reap();
                kills += 1;
                workers.push(master.worker(""));
            }
            _ => workers.push(master.worker("")),
        }
    }
    // Within ten seconds all users are at work again.
    settle(10);
    let before = target.requests();
    settle(3);
    let rate = target.requests() - before;
    assert!(
        (USERS * 9..USERS * 18).contains(&rate),
        "{USERS} users make 15 requests each in 3 s: {rate}"
    );
    master.run.signal(libc::SIGINT);
    let ended = master.run.wait().expect_code(1);
    let took = ended.took;
    let (seen, counted) = (target.requests(), ended.requests_in_csv("run"));
    assert!(counted <= seen, "nothing counts twice: {counted} of {seen}");
    // A killed worker loses what it had not reported, of the users that it had; with none killed nothing is lost.
    assert!(
        seen - counted <= kills * USERS * 12,
        "seed {seed}: {counted} of {seen} after {kills} kills"
    );
    let lost = notes(&summary(&ended)).len() as u64;
    assert!(lost <= kills, "seed {seed}: {lost} workers are named, {kills} were killed");
    assert!(kills == 0 || lost > 0 || seen == counted, "what is lost is named");
    println!(
        "seed {seed}: {counted} of {seen} requests counted, {kills} workers killed, {lost} named; \
         {} workers at the end, which took {took:?}",
        workers.len()
    );
    end_all(workers);
}

fn only_who_has_the_token_takes_part() {
    let target = Target::start();
    let token = "a-token-that-is-long-enough";
    let mut master = Master::start(
        &target,
        &format!("--expect-workers 1 -u 2 -r 2 -t 3s -s 5 --cluster-token {token}"),
    );
    let stranger = master.worker("");
    let friend = master.worker(&format!("--cluster-token {token}"));
    master.run.wait_for("All users spawned");
    let ended = master.run.wait();
    assert!(ended.stderr.contains("1 workers connected"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("2 workers connected"), "{}", ended.stderr);
    assert_exact(&ended, &target);
    friend.wait().expect_code(0);
    stranger.signal(libc::SIGTERM);
    stranger.wait().expect_code(0);
}

fn tasks_are_shared_out() {
    let target = Target::start();
    let master = Master::start(&target, "--expect-workers 2 -u 4 -r 4 --iterations 25 Asker");
    let workers = vec![master.worker("Asker"), master.worker("Asker")];
    let ended = master.run.wait().expect_code(0);
    assert_eq!(target.requests(), 25, "{}", ended.stderr);
    assert_exact(&ended, &target);
    end_all(workers);
}

fn journeys_arrive_once_over_all_workers() {
    let target = Target::start();
    let master = Master::start(&target, "--expect-workers 2 --rate 20/s -t 3s -s 5 Asker");
    let workers = vec![master.worker("Asker"), master.worker("Asker")];
    let ended = master.run.wait().expect_code(0);
    assert_exact(&ended, &target);
    let due = summary(&ended)["schedule"].clone();
    let count = |name: &str| due[name].as_u64().unwrap();
    assert_eq!(count("started") + count("dropped"), 60, "{due}");
    end_all(workers);
}
