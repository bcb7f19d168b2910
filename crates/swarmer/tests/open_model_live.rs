//! Load models for real: over sockets, and as programs.
#![expect(clippy::unwrap_used, reason = "code of tests")]

use std::path::PathBuf;
use std::process::{Command, Output};

mod run_support;

use run_support::Target;

/// A program of `examples/`. A run of all tests has built it; one of this file alone has not.
fn example(name: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let test = std::env::current_exe().unwrap();
    // target/debug/deps/<this test>: examples lie beside `deps`.
    let program: PathBuf = test.parent().unwrap().with_file_name("examples").join(name);
    let Output { status, stdout, stderr } = Command::new(program).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

fn json(path: &std::path::Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_rate_sends_what_it_says() {
    let server = Target::start();
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("summary.json");
    let (code, _, said) = example(
        "open_model",
        &[
            "--headless",
            "--only-summary",
            "-H",
            &server.url(),
            "--rate",
            "200/s",
            "-t",
            "5s",
            "-u",
            "100",
            "--stop-timeout",
            "10s",
            "--summary-json",
            summary.to_str().unwrap(),
        ],
    );
    assert_eq!(code, Some(0), "{said}");
    let summary = json(&summary);
    let (started, dropped) = (&summary["schedule"]["started"], &summary["schedule"]["dropped"]);
    assert_eq!(started.as_u64().unwrap() + dropped.as_u64().unwrap(), 1000, "{said}");
    let row = |name: &str| {
        let rows = summary["rows"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name).unwrap().clone()
    };
    assert_eq!(row("Order")["requests"], *started);
    assert_eq!(row("Order")["from_due"]["count"], *started, "the first request of each journey");
    assert_eq!(row("Receipt")["requests"], *started);
    assert!(row("Receipt").get("from_due").is_none());
    let sent = summary["total"]["requests"].as_u64().unwrap();
    assert_eq!(server.requests(), sent, "both sides count the same");
    assert!(said.contains("Load plan: 1000 journeys over 5s"), "{said}");
    assert!(said.contains("Response times from the moment due"), "{said}");
}

#[test]
fn a_shape_runs_to_its_end() {
    let server = Target::start();
    let (code, _, said) =
        example("shape", &["--headless", "--only-summary", "-H", &server.url(), "-u", "3"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(server.requests() > 50);
    for line in [
        "The following option(s) will be ignored: --users",
        "Shape test starting.",
        "Shape test updating to 8 users at 10.00 spawn rate",
        "Shape test updating to 2 users at 10.00 spawn rate",
        "Shape test stopping",
        "Shape test completed, shutting down",
    ] {
        assert!(said.contains(line), "{line} in\n{said}");
    }
}

#[test]
fn a_plan_is_printed_and_nothing_is_run() {
    let (code, plan, said) = example("shape", &["--plan"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    insta::assert_snapshot!(plan, @r#"
Load plan: a shape over 8s, 8 users at most
  from  to  users
    0s  2s  0 -> 8  10/s, Reader
    2s  4s  8 -> 2  10/s, Reader
    4s  6s  2 -> 8  10/s, Reader, Guest
    6s  8s  8 -> 2  10/s, Reader, Guest

  |███████████████▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂███████████████▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂| 8 users
"#);
    let (code, plan, _) = example("shape", &["--plan", "--stages", "1m:10, 1m:10"]);
    assert_eq!(code, Some(0));
    assert!(plan.starts_with("Load plan: 2 stages over 2m, 10 users at most, 900 user-seconds"));
}

#[test]
fn a_check_lists_everything_and_tells_by_its_code() {
    let server = Target::start();
    let (code, list, _) = example("shape", &["--check", "-H", &server.url()]);
    assert_eq!(code, Some(0), "{list}");
    let words: Vec<&str> = list.lines().map(|line| line.get(..20).unwrap().trim()).collect();
    assert_eq!(
        words,
        [
            "ok       open files",
            "ok       local ports",
            "ok       memory",
            "ok       clock",
            "ok       target"
        ]
    );
    assert_eq!(server.requests(), 0, "a check loads nothing");

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, list, _) = example("shape", &["--check", "-H", &format!("http://{closed}")]);
    assert_eq!(code, Some(1), "{list}");
    assert!(list.contains("FAILED   target       nobody answers at --host"), "{list}");
    assert!(list.contains("hint: Is the target running"), "{list}");
}

#[test]
fn a_host_that_is_not_allowed_gets_nothing() {
    let server = Target::start();
    let arguments = ["--headless", "-H", &server.url(), "--allow-host", "*.example.com, localhost"];
    let (code, _, said) = example("shape", &arguments);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("is not among the hosts of --allow-host"), "{said}");
    assert_eq!(server.requests(), 0);
    let (code, _, said) = example("open_model", &["--allow-host", "http://x"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("argument --allow-host: invalid host 'http://x'"), "{said}");
}

#[test]
fn a_mistake_names_its_option_and_ends_with_2() {
    for (arguments, expected) in [
        (["--stages", "1m"], "argument --stages: '1m': a stage is written"),
        (["--stages=-1m:5", "--headless"], "argument --stages: '-1m:5': invalid duration '-1m'"),
        (["--rate", "nan"], "argument --rate: invalid rate 'nan'"),
        (["--rate", "1e400"], "argument --rate: invalid rate '1e400'"),
        (["--rate-stages", "../../etc"], "argument --rate-stages: '../../etc': a stage is written"),
        (["--arrivals", "poisson"], "argument --arrivals: needs --rate or --rate-stages"),
    ] {
        let (code, out, said) = example("open_model", &arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(said.contains(expected), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
