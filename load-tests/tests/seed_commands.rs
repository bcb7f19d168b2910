//! The example commands of the document that this workload comes from, word for word, `locust` replaced by our program.

use std::time::Duration;

use swarmer::options::{Options, Surroundings, parse};

fn read(command: &str) -> Options {
    let words = command.split_whitespace().skip(1).filter(|word| *word != "\\");
    let options = parse(&load_tests::swarm().program(), words, &Surroundings::none());
    options.unwrap_or_else(|exit| panic!("{command}: {}", exit.stderr))
}

#[test]
fn headless_with_users_rate_and_time() {
    let options = read(
        "locust --host=http://localhost:3000 \
         --headless \
         --users 50 \
         --spawn-rate 5 \
         --run-time 5m",
    );
    assert_eq!(options.host.as_deref(), Some("http://localhost:3000"));
    assert!(options.headless);
    assert_eq!((options.users, options.spawn_rate), (Some(50), Some(5.0)));
    assert_eq!(options.run_time, Some(Duration::from_mins(5)));
    assert_eq!(options.notices, [] as [String; 0]);
}

#[test]
fn with_an_html_report() {
    let options = read(
        "locust --host=http://localhost:3000 --headless --users 100 --spawn-rate 10 --run-time 10m --html=report.html",
    );
    assert_eq!(options.html.as_deref(), Some(std::path::Path::new("report.html")));
    assert_eq!(options.run_time, Some(Duration::from_mins(10)));
}

#[test]
fn with_csv_output() {
    let options = read(
        "locust --host=http://localhost:3000 --headless --users 50 --spawn-rate 5 --run-time 5m --csv=results",
    );
    assert_eq!(options.csv.as_deref(), Some(std::path::Path::new("results")));
}

/// Without `--headless` the document's program opens a page; ours says that there is none and starts.
#[test]
fn without_headless_the_run_starts_at_once_and_says_so() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_load-tests"));
    let output = command.args(["--host=http://127.0.0.1:1"]).output().expect("the program starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("There is no web UI in this version: the run starts at once"),
        "{stderr}"
    );
    assert_eq!(output.status.code(), Some(1), "nobody listens on port 1: {stderr}");
}
