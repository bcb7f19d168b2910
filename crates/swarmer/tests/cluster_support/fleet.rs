//! Masters of ours and their workers as processes.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::process::{Ended, Started, Workload};
use super::run_support::Target;

/// A master of ours that listens.
pub(crate) struct Master {
    pub(crate) run: Started,
    pub(crate) port: u16,
}

impl Master {
    pub(crate) fn start(target: &Target, rest: &str) -> Self {
        Self::at(0, target, rest)
    }

    /// A master that listens at this port.
    pub(crate) fn at(port: u16, target: &Target, rest: &str) -> Self {
        let arguments = format!(
            "--headless --master --master-bind-host 127.0.0.1 --master-bind-port {port} --only-summary --csv run \
             --summary-json summary.json --host {} {rest}",
            target.url()
        );
        let mut run = Workload::new(&arguments).start();
        run.wait_for("Listening for workers at ");
        let said = run.said();
        let address = said.split("Listening for workers at ").nth(1).unwrap();
        let port = address.split_whitespace().next().unwrap().rsplit(':').next().unwrap();
        Self { run, port: port.parse().unwrap() }
    }

    pub(crate) fn end(self) -> Ended {
        self.run.signal(libc::SIGINT);
        self.run.wait().expect_code(0)
    }
}

pub(crate) fn worker(port: u16, classes: &str) -> Started {
    Workload::new(&format!("--worker --master-port {port} --threads 1 {classes}")).start()
}

pub(crate) fn end_all(workers: Vec<Started>) {
    for worker in workers {
        worker.wait().expect_code(0);
    }
}

pub(crate) fn settle(seconds: u64) {
    sleep(Duration::from_secs(seconds));
}

/// Waits until the target is asked so many times a second, to a tenth; at most half a minute.
pub(crate) fn goes_to(target: &Target, wanted: f64) {
    let begin = Instant::now();
    loop {
        let (from, before) = (Instant::now(), target.requests());
        settle(2);
        let asked = u32::try_from(target.requests() - before).unwrap();
        let rate = f64::from(asked) / from.elapsed().as_secs_f64();
        if (rate - wanted).abs() < wanted / 10.0 {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{rate:.1}/s, not {wanted}/s");
    }
}

pub(crate) fn notes(ended: &Ended) -> Vec<String> {
    let summary: serde_json::Value = serde_json::from_str(&ended.read("summary.json")).unwrap();
    let mut notes: Vec<String> = serde_json::from_value(summary["notes"].clone()).unwrap();
    // On a crowded machine a request may take long: that is no loss.
    notes.retain(|note| !note.starts_with("The slowest request took "));
    notes
}
