//! What people ask of a master, in processes: workers of Locust's kind and of ours do it alike.
//!
//! This binary starts itself again as master or worker; see `run_process`.

#![expect(clippy::unwrap_used, reason = "code of tests")]
#[path = "web_support/client.rs"]
mod client;
#[path = "cluster_support/crew.rs"]
mod crew;
#[path = "support/locust.rs"]
mod locust;
#[path = "run_support/process.rs"]
mod process;
mod run_support;

use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::Duration;

use client::Site;
use libtest_mimic::{Arguments, Trial};
use process::{AS_WORKLOAD, Started, Workload};
use run_support::Target;
use serde_json::{Value, json};

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return crew::main();
    }
    let tests: &[(&'static str, fn())] = &[
        ("a_changed_class_is_changed_on_workers_at_once", a_changed_class_is_changed_on_workers),
        (
            "changes_from_the_command_line_reach_workers",
            changes_from_the_command_line_reach_workers,
        ),
        ("runs_come_and_go_and_change_on_workers", runs_come_and_go_and_change_on_workers),
    ];
    let trials = tests.iter().map(|&(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// A master of ours, with a worker of each kind.
struct Crew {
    master: Started,
    workers: Vec<Started>,
}

impl Crew {
    fn start(target: &Target, rest: &str) -> Self {
        let arguments = format!(
            "--master --master-bind-host 127.0.0.1 --master-bind-port 0 --host {} --only-summary --csv run {rest}",
            target.url()
        );
        let mut master = Workload::new(&arguments).start();
        master.wait_for("Listening for workers at ");
        let address = word_after(&master.said(), "Listening for workers at ");
        let connect = format!("--worker --master-port {}", address.rsplit(':').next().unwrap());
        let mut command = Command::new(locust::python());
        command.args(["-m", "locust", "-f", "crew.py"]).env("CREW_HOST", target.url());
        let theirs = Workload::through(command, &connect);
        std::fs::write(theirs.path("crew.py"), crew::SCRIPT).unwrap();
        let ours = Workload::new(&format!("{connect} --threads 1"));
        let workers = vec![theirs.start(), ours.start()];
        master.wait_for("2 workers connected.");
        Self { master, workers }
    }

    /// As [`start`](Self::start), steered from the page.
    fn served(target: &Target) -> (Self, Site) {
        let mut crew = Self::start(target, "--web-host 127.0.0.1 --web-port 0 -s 2");
        crew.master.wait_for("Starting web interface at http://");
        let url = word_after(&crew.master.said(), "Starting web interface at http://");
        let address = url.split([',', '/']).next().unwrap().parse().unwrap();
        (crew, Site { address })
    }

    fn end(self) {
        self.master.signal(libc::SIGTERM);
        self.master.wait();
        self.workers.into_iter().for_each(|worker| drop(worker.wait().expect_code(0)));
    }
}

fn word_after(text: &str, mark: &str) -> String {
    let after = text.split(mark).nth(1).unwrap();
    after.split_whitespace().next().unwrap().to_owned()
}

fn booms(target: &Target) -> usize {
    target.paths().iter().filter(|path| *path == "/status/500").count()
}

/// Goes to this number of users.
fn go_to(site: &Site, order: &str, users: u32) {
    let reply = site.order(order, &json!({"users": users, "spawn_rate": 50}));
    assert_eq!(reply.status, 200, "{order}");
    site.until(|stats| stats["user_count"] == users && stats["state"] == "running");
}

fn requests(stats: &Value) -> u64 {
    let total = stats["stats"].as_array().unwrap().last().unwrap();
    assert_eq!(total["name"], "Aggregated");
    total["num_requests"].as_u64().unwrap()
}

fn a_changed_class_is_changed_on_workers() {
    let target = Target::start();
    let (crew, site) = Crew::served(&target);
    go_to(&site, "start", 8);
    sleep(Duration::from_secs(2));
    assert!(booms(&target) > 0);
    let change = json!({"user_class_name": "Breaker", "tasks": ["throw"]});
    assert_eq!(site.post("/user", "application/json", &change.to_string()).status, 201);
    // One Asker is left (the second user of the sequence is a Breaker, who would stay what it is on a worker of our
    // kind); those who come then are of the changed class.
    go_to(&site, "edit", 1);
    sleep(Duration::from_secs(3));
    let (before, seen) = (booms(&target), target.requests());
    go_to(&site, "edit", 8);
    sleep(Duration::from_secs(3));
    assert_eq!(booms(&target), before, "that task is no more, on either kind of worker");
    assert!(target.requests() - seen > 40, "eight users are at work");
    crew.end();
}

fn changes_from_the_command_line_reach_workers() {
    let target = Target::start();
    let change = r#"{"user_class_name":"Breaker","tasks":["throw"]}"#;
    let rest =
        format!("--headless --expect-workers 2 -u 8 -r 8 -t 4s -s 5 --config-users {change}");
    let Crew { master, workers } = Crew::start(&target, &rest);
    let ended = master.wait();
    assert_eq!(booms(&target), 0, "{}", ended.stderr);
    assert!(ended.read("run_exceptions.csv").contains("deliberate"), "{}", ended.stderr);
    assert_eq!(ended.requests_in_csv("run"), target.requests(), "{}", ended.stderr);
    for worker in workers {
        drop(worker.wait().expect_code(0));
    }
}

fn runs_come_and_go_and_change_on_workers() {
    let target = Target::start();
    let (crew, site) = Crew::served(&target);
    for _ in 0..2 {
        let before = target.requests();
        go_to(&site, "start", 8);
        sleep(Duration::from_secs(1));
        go_to(&site, "edit", 3);
        go_to(&site, "edit", 10);
        sleep(Duration::from_secs(1));
        assert_eq!(site.order("stop", &json!({})).status, 200);
        site.until(|stats| stats["state"] == "stopped" && stats["user_count"] == 0);
        let counted = requests(&site.get("/stats/requests").json());
        assert_eq!(counted, target.requests() - before, "the figures are those of this run");
        // Locust's workers are ready again after the stop timeout.
        sleep(Duration::from_secs(3));
    }
    crew.end();
}
