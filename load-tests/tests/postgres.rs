//! `--demo --demo-database`: the same demonstration on PostgreSQL, on a cluster that the test starts.

#![expect(clippy::unwrap_used, reason = "the shared helper unwraps as tests do")]

use std::fs;
use std::process::Command;

#[path = "../../services/tests/business/support/postgres.rs"]
mod postgres;

use postgres::Cluster;

#[test]
fn the_demo_runs_clean_on_postgres() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("demo");
    // Twice on the same databases: the second finds them seeded and filled.
    for seed in ["1", "2"] {
        let output = Command::new(env!("CARGO_BIN_EXE_load-tests"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .args(["--demo", "--demo-database", &cluster.url, "--headless", "--only-summary"])
            .args(["-u", "40", "-r", "40", "-t", "12s", "--time-scale", "0.03", "--seed", seed])
            .arg(format!("--csv={}", prefix.display()))
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && !stderr.contains("panicked"), "{stderr}");
        let csv = fs::read_to_string(format!("{}_stats.csv", prefix.display())).unwrap();
        let total: Vec<&str> = csv.lines().last().unwrap().split(',').collect();
        let (name, requests, failures) = (total[1], total[2], total[3]);
        assert_eq!((name, failures), ("Aggregated", "0"), "{csv}\n{stderr}");
        let requests: u64 = requests.parse().unwrap();
        assert!(requests > 200, "{requests} requests are hardly a load");
        // Quotes became policies and claims were decided: the writes that span services worked too.
        for step in ["2. Convert to Policy", "2. File Claim", "2. Mark Under Review"] {
            assert!(csv.contains(step), "no `{step}` in\n{csv}");
        }
        assert!(stderr.contains(&format!("statistics hold {requests}")), "{stderr}");
    }
}
