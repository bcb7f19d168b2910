//! What a master tells its workers is what they do, whoever made the one and the other.
//!
//! This binary starts itself again as master or worker; see `run_process`.

#![expect(clippy::unwrap_used, reason = "code of tests")]

#[path = "web_support/client.rs"]
mod client;
#[path = "cluster_support/fleet.rs"]
mod fleet;
#[path = "support/locust.rs"]
mod locust;
#[path = "run_support/process.rs"]
mod process;
mod run_support;

use std::net::{SocketAddr, TcpListener};
use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::{Duration, Instant};

use client::Site;
use fleet::{Master, end_all, worker};
use libtest_mimic::{Arguments, Trial};
use process::{AS_WORKLOAD, Started, Workload};
use run_support::Target;
use serde_json::json;
use swarmer::prelude::*;

/// The workload in Python. Tags are chosen so that each of the two options alone keeps too much.
const SCRIPT: &str = r#"
import os
from locust import HttpUser, task, tag, constant

class Tagged(HttpUser):
    host = os.environ.get("TOLD_HOST")
    wait_time = constant(0.1)
    @task
    def plain(self):
        self.client.get("/status/200", name="plain")
    @tag("read")
    @task
    def read(self):
        self.client.get("/fast", name="read")
    @tag("read", "late")
    @task
    def late(self):
        self.client.get("/status/201", name="late")

class Marked(HttpUser):
    host = os.environ.get("TOLD_HOST")
    mark = "plain"
    wait_time = constant(0.1)
    @task
    def ask(self):
        self.client.get("/" + self.mark, name="marked")

class Slow(HttpUser):
    host = os.environ.get("TOLD_HOST")
    @task
    def wait(self):
        self.client.get("/slow/3000", name="wait")
"#;

/// Time for the processes of a crowded machine.
const LIMIT: Duration = Duration::from_secs(50);

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return workload();
    }
    let tests: &[(&'static str, fn())] = &[
        ("tags_reach_workers_of_ours", || tags_reach(of_ours)),
        ("tags_reach_workers_of_locusts", || tags_reach(of_locusts)),
        ("tags_of_a_form_reach_workers_of_ours", tags_of_a_form_reach_ours),
        ("tags_of_a_form_reach_workers_of_locusts", tags_of_a_form_reach_locusts),
        ("tags_of_a_form_at_locusts_master", tags_of_a_form_at_locusts_master),
        ("the_time_to_stop_reaches_workers_of_ours", || the_time_to_stop_reaches(of_ours)),
        ("the_time_to_stop_reaches_workers_of_locusts", || the_time_to_stop_reaches(of_locusts)),
        ("a_second_run_under_locusts_master", a_second_run_under_locusts_master),
        ("the_host_reaches_workers_of_ours", || the_host_reaches(of_ours)),
        ("the_host_reaches_workers_of_locusts", || the_host_reaches(of_locusts)),
        ("the_host_of_an_edit_reaches_workers_of_ours", || the_host_of_an_edit_reaches(of_ours)),
        ("the_host_of_an_edit_reaches_workers_of_locusts", || {
            the_host_of_an_edit_reaches(of_locusts);
        }),
        ("the_host_of_an_edit_at_locusts_master", the_host_of_an_edit_at_locusts_master),
        ("whatever_a_class_has_reaches_workers_of_locusts", whatever_a_class_has_reaches),
        ("an_empty_host_from_locusts_page", an_empty_host_from_locusts_page),
    ];
    let trials = tests.iter().map(|&(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn workload() -> ExitCode {
    let tagged = Scenario::new("Tagged", Hand::arrive)
        .wait(constant(0.1))
        .task(1, "plain", Hand::plain)
        .task(1, "read", Hand::read)
        .tags(["read"])
        .task(1, "late", Hand::late)
        .tags(["read", "late"]);
    let marked = Scenario::new("Marked", Hand::arrive).wait(constant(0.1));
    let marked = match std::env::var("TOLD_HOST") {
        Ok(host) => marked.host(host),
        Err(_) => marked,
    };
    let marked = marked.task(1, "read", Hand::read);
    let slow = Scenario::new("Slow", Hand::arrive).task(1, "wait", Hand::wait);
    Swarm::new("told", "1.0").scenario(tagged).scenario(marked).scenario(slow).run()
}

struct Hand;

impl Hand {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self)
    }

    async fn plain(&mut self, user: &mut User) -> TaskResult {
        user.get("/status/200").name("plain").send().await?;
        Ok(())
    }

    async fn read(&mut self, user: &mut User) -> TaskResult {
        user.get("/fast").name("read").send().await?;
        Ok(())
    }

    async fn late(&mut self, user: &mut User) -> TaskResult {
        user.get("/status/201").name("late").send().await?;
        Ok(())
    }

    async fn wait(&mut self, user: &mut User) -> TaskResult {
        user.get("/slow/3000").name("wait").send().await?;
        Ok(())
    }
}

/// Starts a worker for the master at a port, told nothing but its class.
type StartWorker = fn(&Target, u16, &str) -> Started;

fn of_ours(_: &Target, port: u16, class: &str) -> Started {
    worker(port, class)
}

fn of_locusts(target: &Target, port: u16, class: &str) -> Started {
    locust(target, &format!("--worker --master-port {port} {class}"))
}

fn locust(target: &Target, arguments: &str) -> Started {
    let mut command = Command::new(locust::python());
    command.args(["-m", "locust", "-f", "told.py"]).env("TOLD_HOST", target.url());
    // By itself it waits a second for what workers say, which is not enough on a crowded machine.
    command.env("LOCUST_WAIT_FOR_WORKERS_REPORT_AFTER_RAMP_UP", "15");
    let workload = Workload::through(command, arguments);
    std::fs::write(workload.path("told.py"), SCRIPT).unwrap();
    workload.start()
}

fn tags_reach(start: StartWorker) {
    let target = Target::start();
    let mut master = Master::start(
        &target,
        "--tags read --exclude-tags late --expect-workers 2 -u 4 -r 4 -s 2 Tagged",
    );
    let workers = (0..2).map(|_| start(&target, master.port, "Tagged")).collect();
    master.run.wait_for("All users spawned");
    // Of so many tasks drawn without the tags, none of the others would be a miracle.
    target.wait_for(60);
    let ended = master.end();
    assert!(target.paths().iter().all(|path| path == "/fast"), "{:?}", target.paths());
    assert_eq!(ended.requests_in_csv("run"), target.requests(), "{}", ended.stderr);
    end_all(workers);
}

/// One run with what a form says of tags, to its end: the paths that were asked for, each once, and the shares of tasks.
fn run_with(site: &Site, target: &Target, form: &str) -> (Vec<String>, serde_json::Value) {
    let before = target.paths().len();
    let form = format!("user_count=4&spawn_rate=4&{form}");
    let reply = site.post("/swarm", "application/x-www-form-urlencoded", &form);
    assert_eq!((reply.status, &reply.json()["success"]), (200, &true.into()), "{}", reply.body);
    // Of so many tasks drawn, none of one kind would be a miracle.
    target.wait_for(u64::try_from(before).unwrap() + 60);
    let shares = site.get("/tasks").json()["per_class"]["Tagged"]["tasks"].clone();
    assert_eq!(site.call("POST", "/stop", &[], "").status, 200);
    let mut paths = target.paths().split_off(before);
    paths.sort_unstable();
    paths.dedup();
    (paths, shares)
}

const ALL: [&str; 3] = ["/fast", "/status/200", "/status/201"];

fn tags_of_a_form_reach_ours() {
    let target = Target::start();
    let host = format!("--host {}", target.url());
    let (master, workers, site) = served(&target, of_ours, "Tagged", &host);
    for (form, paths, tasks) in [
        ("tags=read&exclude_tags=late", &["/fast"][..], &["read"][..]),
        // What a form leaves out stays.
        ("", &["/fast"], &["read"]),
        ("tags=late%2C+nothing&exclude_tags=", &["/status/201"], &["late"]),
        ("tags=", &ALL, &["late", "plain", "read"]),
    ] {
        let (seen, shares) = run_with(&site, &target, form);
        assert_eq!(seen, paths, "{form}");
        let shares: Vec<&String> = shares.as_object().unwrap().keys().collect();
        assert_eq!(shares, tasks, "{form}");
    }
    master.signal(libc::SIGINT);
    master.wait().expect_code(0);
    end_all(workers);
}

fn tags_of_a_form_reach_locusts() {
    let target = Target::start();
    let host = format!("--host {}", target.url());
    let (mut master, workers, site) = served(&target, of_locusts, "Tagged", &host);
    let (seen, _) = run_with(&site, &target, "tags=read&exclude_tags=late");
    assert_eq!(seen, ["/fast"]);
    assert!(!master.said().contains("is of Locust's kind"), "{}", master.said());
    // They filter once: the master says what its people could not know.
    let (seen, _) = run_with(&site, &target, "tags=late&exclude_tags=");
    assert_eq!(seen, ["/fast"], "if this fails, Locust has changed: the warning may go");
    master.wait_for("is of Locust's kind");
    master.signal(libc::SIGINT);
    master.wait().expect_code(0);
    end_all(workers);
}

/// A master of Locust's whose command line says nothing of tags tells what a form says of them as a text. Our workers read
/// it as what was meant, and their own command line does not count.
fn tags_of_a_form_at_locusts_master() {
    let target = Target::start();
    let (mut master, site, port) = locust_master(&target, "Tagged");
    let start = |_| worker(port, &format!("--host {} --tags plain Tagged", target.url()));
    let workers: Vec<_> = (0..2).map(start).collect();
    wait_for_two_workers(&site);
    let (seen, _) = run_with(&site, &target, "tags=read%2Clate&exclude_tags=");
    assert_eq!(seen, ["/fast", "/status/201"]);
    master.wait_for("to 2 ready workers");
    end_under_locusts(master, workers);
}

/// Without a time to stop, which is what workers begin with, a request in flight does not count.
fn the_time_to_stop_reaches(start: StartWorker) {
    let target = Target::start();
    let mut master = Master::start(&target, "--expect-workers 2 -u 2 -r 2 -s 30 Slow");
    let workers = (0..2).map(|_| start(&target, master.port, "Slow")).collect();
    master.run.wait_for("All users spawned");
    target.wait_for(2);
    let ended = master.end();
    assert!(target.requests() >= 2);
    assert_eq!(ended.requests_in_csv("run"), target.requests(), "{}", ended.stderr);
    end_all(workers);
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until the figures of a master's page are so.
fn wait_until(site: &Site, what: &str, is_so: impl Fn(&serde_json::Value) -> bool) {
    let begin = Instant::now();
    loop {
        let figures = site.get("/stats/requests").json();
        if is_so(&figures) {
            return;
        }
        assert!(begin.elapsed() < LIMIT, "not {what}: {figures}");
        sleep(Duration::from_millis(200));
    }
}

/// A master of ours with its page, over two workers.
fn served(
    target: &Target,
    start: StartWorker,
    class: &str,
    rest: &str,
) -> (Started, Vec<Started>, Site) {
    let arguments = format!(
        "--master --master-bind-host 127.0.0.1 --master-bind-port 0 --web-host 127.0.0.1 --web-port 0 \
         --only-summary --csv run -s 2 {rest} {class}"
    );
    let mut master = Workload::new(&arguments).start();
    master.wait_for("Listening for workers at ");
    let said = master.said();
    let address = said.split("Listening for workers at ").nth(1).unwrap();
    let port = address.split_whitespace().next().unwrap().rsplit(':').next().unwrap();
    let port = port.parse().unwrap();
    let workers = (0..2).map(|_| start(target, port, class)).collect();
    master.wait_for("2 workers connected.");
    master.wait_for("Starting web interface at ");
    let site = Site::announced(&master.said());
    (master, workers, site)
}

const FORM: &str = "application/x-www-form-urlencoded";

/// A run of two users as a form asks for it, which sends its requests to this target; figures say so too.
fn run_to(site: &Site, host: &str, target: &Target) {
    let before = target.requests();
    let form = format!("user_count=2&spawn_rate=2&host={host}");
    let reply = site.post("/swarm", FORM, &form);
    assert_eq!((reply.status, &reply.json()["success"]), (200, &true.into()), "{}", reply.body);
    target.wait_for(before + 20);
    assert_eq!(site.call("POST", "/stop", &[], "").status, 200);
    let made = |figures: &serde_json::Value| {
        let stats = figures["stats"].as_array().unwrap();
        let total = stats.iter().find(|entry| entry["name"] == "Aggregated").unwrap();
        total["num_requests"].as_u64().unwrap()
    };
    wait_until(site, "stopped and counted", |figures| {
        figures["state"] == "stopped" && made(figures) == target.requests() - before
    });
    // Locust's workers are ready again after the time to stop.
    wait_until(site, "ready", |figures| {
        let workers = figures["workers"].as_array().unwrap();
        workers.iter().all(|worker| worker["state"] == "ready")
    });
}

fn adjust(site: &Site, change: &serde_json::Value) {
    let reply = site.post("/user", "application/json", &change.to_string());
    assert_eq!(reply.status, 201, "{}", reply.body);
}

fn the_host_reaches(start: StartWorker) {
    // Workers are told of neither but by their master; a class in Python has the first one.
    let (first, second) = (Target::start(), Target::start());
    let (master, workers, site) = served(&first, start, "Tagged", "");
    run_to(&site, &first.url(), &first);
    let seen = first.requests();
    run_to(&site, &second.url(), &second);
    assert_eq!(first.requests(), seen, "all went to the second");
    run_to(&site, &first.url(), &first);
    let seen = first.requests();
    // Without a host for all that of the class counts, as it was changed.
    adjust(&site, &json!({"user_class_name": "Tagged", "host": second.url()}));
    run_to(&site, "", &second);
    assert_eq!(first.requests(), seen, "all went to the second");
    // For those who are there already nothing changes; who comes then has the new one.
    let form = "user_count=1&spawn_rate=1&host=";
    assert_eq!(site.post("/swarm", FORM, form).status, 200);
    second.wait_for(second.requests() + 5);
    adjust(&site, &json!({"user_class_name": "Tagged", "host": first.url()}));
    let form = "user_count=6&spawn_rate=6&host=";
    assert_eq!(site.post("/swarm", FORM, form).status, 200);
    first.wait_for(seen + 20);
    end_served(master, workers);
}

fn ask(site: &Site, users: u64, host: &Target) {
    let form = format!("user_count={users}&spawn_rate={users}&host={}", host.url());
    let reply = site.post("/swarm", FORM, &form);
    assert_eq!((reply.status, &reply.json()["success"]), (200, &true.into()), "{}", reply.body);
}

/// Who is there already stays with the first target, and the six who come after the edit ask the second.
fn edit_in_a_run(site: &Site, first: &Target, second: &Target) {
    ask(site, 1, first);
    first.wait_for(5);
    ask(site, 7, second);
    wait_until(site, "all users at work", |figures| figures["user_count"] == 7);
    let (of_first, of_second) = (first.requests(), second.requests());
    second.wait_for(of_second + 120);
    first.wait_for(of_first + 10);
    // All ask equally often: with one more of them at the first it would be five to two.
    let (stayed, went) = (first.requests() - of_first, second.requests() - of_second);
    assert!(went > 4 * stayed, "{stayed} requests at the first target, {went} at the second");
}

fn the_host_of_an_edit_reaches(start: StartWorker) {
    let (first, second) = (Target::start(), Target::start());
    let (master, workers, site) = served(&first, start, "Tagged", "");
    edit_in_a_run(&site, &first, &second);
    assert_eq!(site.call("POST", "/stop", &[], "").status, 200);
    end_served(master, workers);
}

fn the_host_of_an_edit_at_locusts_master() {
    let (first, second) = (Target::start(), Target::start());
    let (master, workers, site) = locusts_master(&first, "Tagged", |port| worker(port, "Tagged"));
    edit_in_a_run(&site, &first, &second);
    assert_eq!(site.call("POST", "/stop", &[], "").status, 200);
    end_under_locusts(master, workers);
}

fn end_served(master: Started, workers: Vec<Started>) {
    master.signal(libc::SIGTERM);
    master.wait().expect_code(0);
    end_all(workers);
}

fn whatever_a_class_has_reaches() {
    let target = Target::start();
    let rest = format!("--host {}", target.url());
    let (master, workers, site) = served(&target, of_locusts, "Marked", &rest);
    adjust(&site, &json!({"user_class_name": "Marked", "mark": "changed"}));
    run_to(&site, &target.url(), &target);
    assert!(target.paths().iter().all(|path| path == "/changed"), "{:?}", target.paths());
    end_served(master, workers);
}

/// What its page sends for a class that it shows without a host, in a run without one.
fn an_empty_host_from_locusts_page() {
    let target = Target::start();
    let start = |port| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env("TOLD_HOST", target.url());
        Workload::through(command, &format!("--worker --master-port {port} --threads 1 Marked"))
            .start()
    };
    let (master, workers, site) = locusts_master(&target, "Marked", start);
    let change = json!({"user_class_name": "Marked", "host": "", "weight": 1, "fixed_count": 0, "tasks": ["read"]});
    adjust(&site, &change);
    let reply = site.post("/swarm", FORM, "user_count=4&spawn_rate=4&host=");
    assert_eq!((reply.status, &reply.json()["success"]), (200, &true.into()), "{}", reply.body);
    target.wait_for(30);
    assert_eq!(site.get("/stats/requests").json()["fail_ratio"], 0.0);
    assert_eq!(site.call("POST", "/stop", &[], "").status, 200);
    end_under_locusts(master, workers);
}

/// Ends the workers first: between the end of its users and its next word, Locust's master does not know a worker and
/// says no farewell to it.
fn end_under_locusts(master: Started, workers: Vec<Started>) {
    for worker in workers {
        worker.signal(libc::SIGTERM);
        worker.wait().expect_code(0);
    }
    master.signal(libc::SIGTERM);
    master.wait().expect_code(0);
}

/// A master of Locust's with its page, over two workers of ours.
fn locusts_master(
    target: &Target,
    classes: &str,
    start: impl Fn(u16) -> Started,
) -> (Started, Vec<Started>, Site) {
    let (master, site, port) = locust_master(target, classes);
    let workers: Vec<_> = (0..2).map(|_| start(port)).collect();
    wait_for_two_workers(&site);
    (master, workers, site)
}

/// A master of Locust's with its page, and the port for its workers.
fn locust_master(target: &Target, classes: &str) -> (Started, Site, u16) {
    let (port, web) = (free_port(), free_port());
    let arguments = format!(
        "--master --master-bind-host 127.0.0.1 --master-bind-port {port} --web-host 127.0.0.1 --web-port {web} \
         --csv run --only-summary -s 2 {classes}"
    );
    let mut master = locust(target, &arguments);
    master.wait_for("Starting web interface at");
    let site = Site { address: SocketAddr::from(([127, 0, 0, 1], web)) };
    // It says so before it listens.
    site.until_it_answers();
    (master, site, port)
}

fn wait_for_two_workers(site: &Site) {
    wait_until(site, "two workers", |figures| {
        let workers = figures["workers"].as_array();
        workers.is_some_and(|workers| {
            workers.len() == 2 && workers.iter().all(|worker| worker["state"] == "ready")
        })
    });
}

fn a_second_run_under_locusts_master() {
    let target = Target::start();
    let start = |port| worker(port, &format!("--host {} Tagged", target.url()));
    let (master, workers, site) = locusts_master(&target, "Tagged", start);
    let mut before = 0;
    for users in [4, 2] {
        let form = format!("user_count={users}&spawn_rate=4&host={}", target.url());
        let reply = site.post("/swarm", "application/x-www-form-urlencoded", &form);
        assert_eq!((reply.status, &reply.json()["success"]), (200, &true.into()), "{}", reply.body);
        wait_until(&site, "all users at work", |figures| {
            figures["state"] == "running" && figures["user_count"] == users
        });
        target.wait_for(before + 40);
        let reply = site.call("POST", "/stop", &[], "");
        assert_eq!(reply.status, 200, "{}", reply.body);
        // Users are gone, and what they did has been told: figures of this run, and of no other.
        wait_until(&site, "stopped", |figures| figures["state"] == "stopped");
        let made = target.requests() - before;
        wait_until(&site, "all counted", |figures| {
            let stats = figures["stats"].as_array().unwrap();
            let total = stats.iter().find(|entry| entry["name"] == "Aggregated").unwrap();
            total["num_requests"] == made
        });
        assert_eq!(target.requests(), before + made, "nobody works on");
        before += made;
    }
    end_under_locusts(master, workers);
}
