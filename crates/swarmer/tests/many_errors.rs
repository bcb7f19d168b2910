//! Twenty thousand distinct errors: every one of them is told, here and over workers, and their sum is the failures'.
//!
//! This binary starts itself again as workload, master or worker; see `run_process`.

#![expect(clippy::unwrap_used, reason = "code of tests")]

#[path = "cluster_support/fleet.rs"]
mod fleet;
#[path = "run_support/process.rs"]
mod process;
mod run_support;

use std::process::ExitCode;

use fleet::{Master, end_all, worker};
use libtest_mimic::{Arguments, Trial};
use process::{AS_WORKLOAD, Ended, Workload};
use run_support::Target;
use serde_json::Value;
use swarmer::prelude::*;

const ERRORS: u64 = 20_000;
/// A driver hands over 1 MiB of texts a second: the rest would be counted without its text.
const LOAD: &str = "--iterations 20000 -u 40 -r 40 --html report.html";

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return workload();
    }
    let tests: &[(&'static str, fn())] = &[("alone", alone), ("over_workers", over_workers)];
    let trials = tests.iter().map(|&(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Each order of each user is refused in words of its own.
fn workload() -> ExitCode {
    let buyer = Scenario::new("Buyer", Buyer::arrive).task(1, "order", Buyer::order);
    Swarm::new("many-errors", "1.0").scenario(buyer.wait(constant(0.01))).run()
}

struct Buyer {
    orders: u64,
}

impl Buyer {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self { orders: 0 })
    }

    async fn order(&mut self, user: &mut User) -> TaskResult {
        self.orders += 1;
        let reason =
            format!("order {} of buyer {} is refused: no stock", self.orders, user.number());
        user.record(CustomRequest::new("SHOP", "order").failure(&reason));
        Ok(())
    }
}

fn alone() {
    let target = Target::start();
    let arguments = format!(
        "--headless --threads 1 --only-summary --csv run --summary-json summary.json --host {} {LOAD}",
        target.url()
    );
    check(&Workload::new(&arguments).run().expect_code(1));
}

fn over_workers() {
    let target = Target::start();
    let master = Master::start(&target, &format!("--expect-workers 2 {LOAD}"));
    let workers = (0..2).map(|_| worker(master.port, "")).collect();
    check(&master.run.wait().expect_code(1));
    end_all(workers);
}

/// Every output has every error.
fn check(ended: &Ended) {
    let rows = ended.rows("run_failures.csv");
    assert_eq!(rows.len() as u64, ERRORS, "{}", ended.stderr);
    assert!(rows.iter().all(|row| row[3] == "1"), "each happened once");
    let summary: Value = serde_json::from_str(&ended.read("summary.json")).unwrap();
    assert_eq!(summary["total"]["failures"], ERRORS);
    assert_eq!(summary["errors"].as_array().unwrap().len() as u64, ERRORS);
    assert_eq!(summary["folded"]["errors"], 0);
    // People are shown as many as they may read.
    let shown = ended.stderr.lines().filter(|line| line.contains("is refused")).count();
    assert_eq!(shown, 1_000);
    assert!(ended.stderr.contains("… and 19000 more distinct errors"), "{}", ended.stderr);
    let report = ended.read("report.html");
    assert!(report.len() < 5_000_000, "{} bytes", report.len());
}
