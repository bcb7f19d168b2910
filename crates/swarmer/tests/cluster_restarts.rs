//! A master that dies in the middle of a run, and another that goes on from its journal: whatever the load model, nothing is
//! lost and nothing is done twice.
//!
//! This binary starts itself again as master or worker; see `run_process`.

#![expect(clippy::unwrap_used, reason = "code of tests")]

#[path = "cluster_support/fleet.rs"]
mod fleet;
#[path = "run_support/process.rs"]
mod process;
mod run_support;

use std::process::ExitCode;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use fleet::{Master, end_all, goes_to, notes, settle, worker};
use libtest_mimic::{Arguments, Trial};
use process::{AS_WORKLOAD, Ended, Started};
use run_support::Target;
use swarmer::prelude::*;
use tempfile::TempDir;

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return workload();
    }
    let tests: &[(&'static str, fn())] = &[
        ("a_master_killed_again_and_again_loses_nothing", a_master_killed_again_and_again),
        ("arrivals_go_on", arrivals_go_on),
        ("a_number_of_journeys_is_made_once", a_number_of_journeys_is_made_once),
        ("stages_go_on", stages_go_on),
        ("a_number_of_tasks_is_done_once", a_number_of_tasks_is_done_once),
        ("a_ceiling_goes_on", a_ceiling_goes_on),
        (
            "tasks_of_a_worker_that_dies_with_its_master",
            tasks_of_a_worker_that_dies_with_its_master,
        ),
        ("a_worker_that_comes_back_to_the_end_loses_nothing", a_worker_that_comes_back_to_the_end),
        ("a_worker_that_does_not_come_back_is_told_of", a_worker_that_does_not_come_back),
        ("what_was_told_of_lost_workers_outlives_the_master", notes_outlive_the_master),
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

/// A user of `Steady` asks ten times a second.
fn workload() -> ExitCode {
    let steady = Scenario::new("Steady", Hand::arrive).task(1, "ask", Hand::ask);
    Swarm::new("restarts", "1.0").scenario(steady.wait(constant(0.1))).run()
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

/// A master with a journal, and its workers.
struct Cluster {
    target: Arc<Target>,
    folder: TempDir,
    options: String,
    master: Option<Master>,
    workers: Vec<Started>,
}

impl Cluster {
    fn start(workers: usize, options: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("run.journal");
        let options =
            format!("--expect-workers {workers} --journal {} {options}", journal.display());
        let target = Arc::new(Target::start());
        let master = Master::start(&target, &options);
        let workers = (0..workers).map(|_| worker(master.port, "")).collect();
        Self { target, folder, options, master: Some(master), workers }
    }

    /// Kills the master and starts another one.
    fn restart(&mut self) {
        let Master { run, port } = self.master.take().unwrap();
        run.signal(libc::SIGKILL);
        run.reap();
        let mut master = Master::at(port, &self.target, &self.options);
        master.run.wait_for("The run was taken up");
        self.master = Some(master);
    }

    /// Kills the first of the workers.
    fn lose_worker(&mut self) {
        let lost = self.workers.remove(0);
        lost.signal(libc::SIGKILL);
        lost.reap();
    }

    /// Ends a run of which something is missing.
    fn end_short(self) -> (Arc<Target>, Ended) {
        let ended = self.master.unwrap().end();
        end_all(self.workers);
        (self.target, ended)
    }

    /// Waits for the end of a run that ends by itself, or is asked to.
    fn end(self, by_itself: bool) -> (Arc<Target>, Ended) {
        let master = self.master.unwrap();
        let ended = if by_itself { master.run.wait().expect_code(0) } else { master.end() };
        end_all(self.workers);
        assert!(!self.folder.path().join("run.journal").exists(), "there is nothing to go on with");
        assert!(notes(&ended).is_empty(), "{:?}", notes(&ended));
        (self.target, ended)
    }
}

fn a_master_killed_again_and_again() {
    let mut cluster = Cluster::start(2, "-u 40 -r 40 -s 2");
    cluster.master.as_mut().unwrap().run.wait_for("All users spawned");
    // Wherever in a second its workers report.
    for moment in [1_310, 2_470, 1_730, 2_090, 1_970, 1_150] {
        sleep(Duration::from_millis(moment));
        cluster.restart();
    }
    goes_to(&cluster.target, 400.0);
    let (target, ended) = cluster.end(false);
    assert_eq!(ended.requests_in_csv("run"), target.requests(), "{}", ended.stderr);
}

fn arrivals_go_on() {
    let mut cluster = Cluster::start(2, "--rate 60/s -s 2");
    goes_to(&cluster.target, 60.0);
    cluster.restart();
    goes_to(&cluster.target, 60.0);
    let mut master = cluster.master.take().unwrap();
    master.run.wait_for("Journeys are shared anew by 2 workers");
    cluster.master = Some(master);
    goes_to(&cluster.target, 60.0);
    let (target, ended) = cluster.end(false);
    assert_eq!(ended.requests_in_csv("run"), target.requests(), "{}", ended.stderr);
}

fn a_number_of_journeys_is_made_once() {
    let mut cluster = Cluster::start(2, "--rate 40/s --iterations 400");
    cluster.target.wait_for(60);
    cluster.restart();
    cluster.target.wait_for(300);
    cluster.restart();
    let (target, ended) = cluster.end(true);
    let summary: serde_json::Value = serde_json::from_str(&ended.read("summary.json")).unwrap();
    let count = |name: &str| summary["schedule"][name].as_u64().unwrap();
    assert_eq!(
        (count("started") + count("dropped"), target.requests()),
        (400, 400),
        "{}",
        ended.stderr
    );
}

fn a_number_of_tasks_is_done_once() {
    let mut cluster = Cluster::start(2, "-u 6 -r 6 --iterations 900");
    cluster.target.wait_for(100);
    cluster.restart();
    cluster.target.wait_for(500);
    cluster.restart();
    let (target, ended) = cluster.end(true);
    assert_eq!((target.requests(), ended.requests_in_csv("run")), (900, 900), "{}", ended.stderr);
}

fn a_ceiling_goes_on() {
    let mut cluster = Cluster::start(2, "-u 20 -r 20 --max-rate 50 -s 2");
    goes_to(&cluster.target, 50.0);
    cluster.restart();
    goes_to(&cluster.target, 50.0);
    // The one that is left has all of it, of which the new master must know.
    let leaver = cluster.workers.remove(0);
    leaver.signal(libc::SIGTERM);
    leaver.wait().expect_code(0);
    goes_to(&cluster.target, 50.0);
    let (target, ended) = cluster.end(false);
    assert_eq!(ended.requests_in_csv("run"), target.requests(), "{}", ended.stderr);
}

fn tasks_of_a_worker_that_dies_with_its_master() {
    let mut cluster = Cluster::start(2, "-u 8 -r 8 --iterations 900");
    cluster.target.wait_for(300);
    cluster.lose_worker();
    cluster.restart();
    let target = Arc::clone(&cluster.target);
    let ended = cluster.master.take().unwrap().run.wait().expect_code(0);
    end_all(cluster.workers);
    let number = |note: &String| -> Option<u64> {
        let (before, _) = note.split_once(" tasks that it had begun")?;
        before.rsplit(' ').next()?.parse().ok()
    };
    let lost: u64 = notes(&ended).iter().filter_map(number).sum();
    assert_eq!(ended.requests_in_csv("run") + lost, 900, "{:?} {}", notes(&ended), ended.stderr);
    // What it had done and told is not done again: without that it would be some 150 more.
    assert!(target.requests() < 1_000, "{}", target.requests());
}

fn stages_go_on() {
    let mut cluster = Cluster::start(2, "--stages 2s:8,8s:8,4s:16,20s:16 -s 2");
    cluster.master.as_mut().unwrap().run.wait_for("Stage 2 of 4");
    settle(1);
    cluster.restart();
    cluster.master.as_mut().unwrap().run.wait_for("Stage 4 of 4");
    settle(1);
    cluster.restart();
    goes_to(&cluster.target, 160.0);
    let (target, ended) = cluster.end(true);
    assert!(ended.stderr.contains("All stages are over"), "{}", ended.stderr);
    let summary: serde_json::Value = serde_json::from_str(&ended.read("summary.json")).unwrap();
    let seconds = summary["at"].as_f64().unwrap() - summary["start"].as_f64().unwrap();
    assert!(
        (33.0..45.0).contains(&seconds),
        "34 s in all, however often the master died: {seconds}"
    );
    assert_eq!(ended.requests_in_csv("run"), target.requests(), "{}", ended.stderr);
}

fn a_worker_that_comes_back_to_the_end() {
    let mut cluster = Cluster::start(2, "-u 40 -r 40 -s 2");
    goes_to(&cluster.target, 400.0);
    cluster.workers[1].signal(libc::SIGSTOP);
    cluster.restart();
    // Neither has said a word to this master; the other one is done before the late one comes.
    let master = cluster.master.take().unwrap();
    master.run.signal(libc::SIGINT);
    settle(1);
    cluster.workers[1].signal(libc::SIGCONT);
    let ended = master.run.wait().expect_code(0);
    end_all(cluster.workers);
    assert_eq!(ended.requests_in_csv("run"), cluster.target.requests(), "{}", ended.stderr);
    assert!(notes(&ended).is_empty(), "{:?}", notes(&ended));
}

fn a_worker_that_does_not_come_back() {
    let mut cluster = Cluster::start(2, "-u 40 -r 40 -s 2");
    goes_to(&cluster.target, 400.0);
    cluster.lose_worker();
    cluster.restart();
    let (target, ended) = cluster.end_short();
    let notes = notes(&ended);
    assert!(
        notes.len() == 1 && notes[0].contains("did not come back after the restart of the master"),
        "{notes:?}"
    );
    // What it had done since its last report, which it gives each second.
    let uncounted = target.requests() - ended.requests_in_csv("run");
    assert!(uncounted < 600, "{uncounted} {}", ended.stderr);
}

fn notes_outlive_the_master() {
    let mut cluster = Cluster::start(3, "-u 30 -r 30 -s 2");
    goes_to(&cluster.target, 300.0);
    cluster.lose_worker();
    cluster.workers[0].signal(libc::SIGSTOP);
    cluster.master.as_mut().unwrap().run.wait_for(" are started anew");
    // Both are missing by now, whoever was heard of last; one comes back, to another master.
    settle(2);
    cluster.restart();
    cluster.workers[0].signal(libc::SIGCONT);
    goes_to(&cluster.target, 300.0);
    let (_, ended) = cluster.end_short();
    let notes = notes(&ended);
    assert!(notes.len() == 1 && notes[0].contains("went missing"), "{notes:?}");
}
