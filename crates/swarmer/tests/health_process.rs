//! A generator that is the bottleneck says so wherever its figures stand, and one that is not says it nowhere. This binary
//! starts itself again as the workload; see `run_process`.

#![expect(clippy::unwrap_used, reason = "code of tests")]

#[path = "web_support/client.rs"]
mod client;
#[path = "run_support/process.rs"]
mod process;
#[path = "cli_support/pty.rs"]
mod pty;
mod run_support;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use client::Site;
use libtest_mimic::{Arguments, Trial};
use process::{AS_WORKLOAD, Started, Workload};
use pty::OnTerminal;
use run_support::Target;
use serde_json::Value;
use swarmer::prelude::*;

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return workload();
    }
    let trial = |name: &str, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let trials = vec![
        trial(
            "a_saturated_generator_is_marked_everywhere",
            a_saturated_generator_is_marked_everywhere,
        ),
        trial("a_calm_generator_is_marked_nowhere", a_calm_generator_is_marked_nowhere),
        #[cfg(target_os = "linux")]
        trial("memory_comes_in_small_pages", memory_comes_in_small_pages),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

struct Worker;

impl Worker {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self)
    }

    /// A closed loop without a pause, in which the generator has more to do than a core can.
    async fn toil(&mut self, user: &mut User) -> TaskResult {
        user.get("/").send().await?;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(30) {
            std::hint::spin_loop();
        }
        Ok(())
    }

    async fn stroll(&mut self, user: &mut User) -> TaskResult {
        user.get("/").send().await?;
        Ok(())
    }
}

fn workload() -> ExitCode {
    Swarm::new("health", "1.0")
        .scenario(Scenario::new("Busy", Worker::arrive).task(1, "toil", Worker::toil))
        .scenario(Scenario::new("Calm", Worker::arrive).wait(constant(0.1)).task(
            1,
            "stroll",
            Worker::stroll,
        ))
        .run()
}

/// What an output said, and whether it marks the figures.
type Said = (&'static str, bool, String);

/// Four users on one thread for eight seconds.
fn start(class: &str, rest: &str) -> Started {
    let target = Target::start();
    let load = "-u 4 -r 100 -t 8s --threads 1";
    Workload::new(&format!("--host {} {load} {rest} {class}", target.url())).start()
}

fn files(class: &str) -> Vec<Said> {
    let outputs = "--headless --csv run --summary-json summary.json --html report.html";
    let ended = start(class, outputs).wait();
    let document: Value = serde_json::from_str(&ended.read("summary.json")).unwrap();
    let (health, marks) = (&document["health"], document["marks"].to_string());
    let csv = ended.read("run_health.csv");
    let said = format!("{}{}", ended.stdout, ended.stderr);
    let verdict =
        |line: &&str| line.starts_with("SUSPECT from ") || line.starts_with("generator healthy: ");
    let end = said.lines().find(verdict).unwrap_or_else(|| panic!("no verdict in:\n{said}"));
    vec![
        ("the end of the tables", end.starts_with("SUSPECT from "), end.to_owned()),
        ("the CSV file", csv.contains("generator,suspect,") && csv.contains("\nsuspect,"), csv),
        ("the summary document", health["sound"] == false, health.to_string()),
        ("the marks on the charts", marks.contains("SUSPECT: "), marks),
        report(&ended.read("report.html")),
    ]
}

/// To fill a huge page keeps all users of a thread waiting.
#[cfg(target_os = "linux")]
fn memory_comes_in_small_pages() {
    let mut run = start("Calm", "--headless");
    run.wait_for("All users spawned");
    let status = std::fs::read_to_string(format!("/proc/{}/status", run.id())).unwrap();
    run.signal(libc::SIGTERM);
    run.wait();
    assert!(status.contains("THP_enabled:\t0\n"), "{status}");
}

/// The report shows the health of its record, which the page's own tests see to.
fn report(page: &str) -> Said {
    let record = page.split("id=\"swarmer-record\">").nth(1).expect("the page is built (make ui)");
    let record: Value = serde_json::from_str(record.split("</script>").next().unwrap()).unwrap();
    let health = &record["health"];
    ("the report", health["sound"] == false, health.to_string())
}

/// What the full-screen view showed in the course of the run.
fn screen(class: &str) -> Said {
    let target = Target::start();
    let load = "-u 4 -r 100 -t 8s --threads 1";
    let arguments = format!("--host {} {load} --headless --tui {class}", target.url());
    let mut terminal = OnTerminal::sized(&arguments, &[], (160, 40));
    terminal.wait();
    let shown = terminal.screen();
    let view = shown.split("\u{1b}[?1049h").nth(1).expect("a full-screen view");
    let view = view.split("\u{1b}[?1049l").next().unwrap_or_default().to_owned();
    // Only what differs from the picture before is drawn: the word in front stays longest.
    ("the full-screen view", view.contains("SUSPECT from "), view)
}

fn page(class: &str) -> Said {
    let mut run = start(class, "--web-host 127.0.0.1 --web-port 0 --autostart --autoquit 5");
    run.wait_for("press enter");
    let site = Site::announced(&run.said());
    site.until(|stats| stats["state"] == "stopped");
    let health = site.get("/api/v1/summary").json()["health"].take();
    run.signal(libc::SIGTERM);
    run.wait();
    ("the page", health["sound"] == false, health.to_string())
}

fn a_saturated_generator_is_marked_everywhere() {
    for (output, is_marked, said) in files("Busy").into_iter().chain([page("Busy"), screen("Busy")])
    {
        assert!(is_marked, "not in {output}:\n{said}");
    }
}

fn a_calm_generator_is_marked_nowhere() {
    // Other programs may have the machine for a while; the verdict is right to say so then, in all places.
    for _ in 0..4 {
        let said = files("Calm");
        let marked = said.iter().filter(|(_, is_marked, _)| *is_marked).count();
        assert!(marked == 0 || marked == said.len(), "here and not there: {said:?}");
        if marked == 0 && !page("Calm").1 && !screen("Calm").1 {
            return;
        }
    }
    panic!("four times on a machine without rest");
}
