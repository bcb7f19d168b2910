//! Whole processes as scripts and people at a terminal meet them, side by side with Locust where it can do the same:
//! this binary starts itself again as a workload.

#![expect(clippy::unwrap_used, reason = "code of tests")]

#[path = "cli_support/beside.rs"]
mod beside;
#[path = "support/locust.rs"]
mod locust;
#[path = "run_support/process.rs"]
mod process;
#[path = "cli_support/pty.rs"]
mod pty;
mod run_support;
#[path = "cli_support/shop.rs"]
mod shop;

use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use process::{AS_WORKLOAD, Workload};
use pty::OnTerminal;
use run_support::Target;
use serde_json::Value;

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return shop::main();
    }
    let tests: &[(&'static str, fn())] = &[
        ("json_goes_to_stdout_alone", json_goes_to_stdout_alone),
        ("a_json_file_takes_the_place_of_the_tables", a_json_file_takes_the_place_of_the_tables),
        ("documents_that_cannot_be_written_are_told", documents_that_cannot_be_written_are_told),
        ("options_without_effect_are_told", options_without_effect_are_told),
        ("conflicts_end_the_program", conflicts_end_the_program),
        ("keys_change_the_number_of_users", keys_change_the_number_of_users),
        ("the_terminal_is_put_right", the_terminal_is_put_right),
        ("enter_opens_the_page", enter_opens_the_page),
        ("a_run_reads_like_locusts", beside::a_run_reads_like_locusts),
        ("ends_are_locusts", beside::ends_are_locusts),
        ("answers_are_locusts", beside::answers_are_locusts),
    ];
    let trials = tests.iter().map(|&(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn against(target: &Target, rest: &str) -> Workload {
    Workload::new(&format!("--host {} --headless --only-summary {rest}", target.url()))
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The requests that a document in Locust's shape counts, in its three ways, which must agree.
fn requests(document: &Value) -> u64 {
    let rows = document.as_array().unwrap();
    let sum =
        |map: &Value| map.as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>();
    for row in rows {
        assert_eq!(row["num_requests"], sum(&row["response_times"]), "{row}");
        assert_eq!(row["num_requests"], sum(&row["num_reqs_per_sec"]), "{row}");
        assert_eq!(row["num_failures"], sum(&row["num_fail_per_sec"]), "{row}");
    }
    rows.iter().filter_map(|row| row["num_requests"].as_u64()).sum()
}

fn json_goes_to_stdout_alone() {
    let target = Target::start();
    let ended =
        against(&target, "-u 4 -r 100 -t 2s --json --json-file both --summary-json all.json")
            .run()
            .expect_code(1);
    let document = parsed(&ended.stdout);
    assert_eq!(requests(&document), target.requests(), "nothing is missing");
    let file = parsed(&ended.read("both.json"));
    assert_eq!(file, document, "both have everything");
    let summary = parsed(&ended.read("all.json"));
    assert_eq!(summary["total"]["requests"], target.requests());
    assert_eq!(summary["version"], 1);
    let ended = against(&target, "-u 4 -r 100 -t 1s --json Buyer").run().expect_code(0);
    let rows = ended.stderr.lines().filter(|line| line.starts_with("GET") && line.contains(" | "));
    let counts: Vec<&str> = rows.filter_map(|row| row.split_whitespace().nth(2)).collect();
    assert!(!counts.is_empty() && counts.iter().all(|count| *count != "0"), "{}", ended.stderr);
}

fn a_json_file_takes_the_place_of_the_tables() {
    let target = Target::start();
    let ended = against(&target, "-t 1s --json-file made/for/it.json Buyer").run().expect_code(0);
    assert!(!ended.stderr.contains("Response time percentiles"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    let document = parsed(&ended.read("made/for/it.json.json"));
    assert_eq!(requests(&document), target.requests());
}

fn documents_that_cannot_be_written_are_told() {
    let target = Target::start();
    for (option, file) in [("--json-file", "/proc/none/x"), ("--summary-json", "/proc/x.json")] {
        let ended = against(&target, &format!("-t 1s {option} {file}")).run().expect_code(1);
        ended.expect_said(&["cannot create", &format!("with {option}")]);
    }
    assert_eq!(target.requests(), 0, "told before the run");
    // A full disk shows only when there is something to write.
    against(&target, "-t 1s --summary-json /dev/full Buyer").run().expect_code(1).expect_said(&[
        "A JSON document was not written: cannot write `/dev/full`: No space left on device",
        "Shutting down (exit code 1)",
        "Response time percentiles",
    ]);
}

fn options_without_effect_are_told() {
    let target = Target::start();
    let args = "-t 1s -f locustfile.py --processes 2 --build-path here Buyer";
    let ended = against(&target, args).run().expect_code(0);
    let told: Vec<&str> =
        ended.log().into_iter().filter(|line| line.contains("has no effect")).collect();
    assert_eq!(
        told,
        [
            "swarmer.main: --locustfile has no effect: the user classes are compiled into this program; --list shows them",
            "swarmer.main: --build-path has no effect: the web UI is part of this program and cannot be exchanged",
        ]
    );
}

fn conflicts_end_the_program() {
    let code = |args: &str, text: &str| {
        let code = Workload::new(&format!("--headless {args}")).run().expect_said(&[text]).code;
        code.unwrap()
    };
    assert_eq!(
        code("--master --worker", "--master argument cannot be combined with --worker"),
        255
    );
    assert_eq!(code("--autoquit 3", "--autoquit is only meaningful in combination with"), 1);
    assert_eq!(code("--processes -2", "Invalid --processes count -2"), 1);
    assert_eq!(code("--slave", "argument --slave: The --slave parameter has been renamed"), 2);
}

fn keys_change_the_number_of_users() {
    let target = Target::start();
    let mut run = OnTerminal::start(&format!(
        "--host {} --headless --only-summary -u 2 -r 100 Buyer",
        target.url()
    ));
    let mut ramps = 1;
    let mut arrives_at = |run: &OnTerminal, users: u32| {
        run.wait_for_lines("total users)", ramps);
        let screen = run.screen();
        let last = screen.lines().rfind(|line| line.contains("total users)")).unwrap();
        assert!(last.contains(&format!("({users} total users)")), "{users}:\n{screen}");
        ramps += 1;
    };
    arrives_at(&run, 2);
    for (keys, users) in [("w", 3), ("W", 13), ("s", 12), ("S", 2), ("xS\n", 0), ("w", 1)] {
        run.press(keys);
        arrives_at(&run, users);
    }
    assert!(!run.screen().contains("right now"), "{}", run.screen());
    // As in Locust, further keys are refused while users are on their way.
    run.press("WWw");
    arrives_at(&run, 11);
    run.wait_for_lines("Already spawning users, can't spawn more right now", 2);
    run.press("Ss");
    arrives_at(&run, 1);
    run.wait_for_lines("Spawning users, can't stop right now", 1);
    assert!(!run.is_as_it_was(), "keys come one by one");
    // Ctrl-C is still Ctrl-C.
    run.press("\u{3}");
    assert_eq!(run.wait(), 0);
    run.wait_for_lines("Got SIGINT signal", 1);
    assert!(run.is_as_it_was());
    let screen = run.screen();
    assert!(!screen.contains("WWw"), "keys are not shown:\n{screen}");
}

/// What opens browsers here only notes what it was asked for.
fn enter_opens_the_page() {
    let target = Target::start();
    let folder = tempfile::tempdir().unwrap();
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let (opener, opened) = (folder.path().join(opener), folder.path().join("opened"));
    std::fs::write(&opener, "#!/bin/sh\nprintf '%s|' \"$#\" \"$@\" >> \"$OPENED\"\n").unwrap();
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
    let variables = [("PATH", folder.path()), ("OPENED", &*opened)];
    let asked = || std::fs::read_to_string(&opened).unwrap_or_default();
    // Where it listens everywhere, people go to this machine.
    for (place, host) in
        [("--web-host 127.0.0.1", "127.0.0.1"), ("--web-base-path /load", "localhost")]
    {
        let mut run = OnTerminal::with(
            &format!("--host {} {place} --web-port 0 --only-summary Buyer", target.url()),
            &variables,
        );
        run.wait_for_lines("press enter", 1);
        let screen = run.screen();
        let url = screen.split("Starting web interface at ").nth(1).unwrap();
        let url = url.split(',').next().unwrap().replace("0.0.0.0", host);
        assert!(url.starts_with(&format!("http://{host}:")), "{url}");
        // No other key does.
        run.press("x ");
        for times in 1..=2 {
            run.press("\n");
            let expected = format!("1|{url}|").repeat(times);
            let start = Instant::now();
            while asked().len() < expected.len() {
                assert!(start.elapsed() < Duration::from_mins(1), "{}", run.screen());
                std::thread::sleep(Duration::from_millis(10));
            }
            assert_eq!(asked(), expected);
        }
        run.press("\u{3}");
        assert_eq!(run.wait(), 0);
        std::fs::remove_file(&opened).unwrap();
    }
    std::fs::remove_file(&opener).unwrap();
    let mut run = OnTerminal::with(
        &format!("--host {} --web-host 127.0.0.1 --web-port 0 Buyer", target.url()),
        &variables,
    );
    run.wait_for_lines("press enter", 1);
    run.press("\n");
    run.wait_for_lines("No browser could be opened", 1);
    run.wait_for_lines("go to http://127.0.0.1:", 1);
    run.press("\u{3}");
    assert_eq!(run.wait(), 0);
}

fn the_terminal_is_put_right() {
    let target = Target::start();
    let start = |rest: &str| {
        OnTerminal::start(&format!("--host {} --headless -r 100 {rest} Buyer", target.url()))
    };
    let mut run = start("-t 1s");
    assert_eq!(run.wait(), 0);
    assert!(run.is_as_it_was(), "after the run time");
    let ends = [(libc::SIGINT, 0), (libc::SIGTERM, 0), (libc::SIGQUIT, -libc::SIGQUIT)];
    for (signal, end) in ends.into_iter().chain([(libc::SIGHUP, -libc::SIGHUP)]) {
        let mut run = start("");
        run.wait_for_lines("(1 total users)", 1);
        assert!(!run.is_as_it_was());
        run.signal(signal);
        assert_eq!(run.wait(), end);
        assert!(run.is_as_it_was(), "after signal {signal}");
    }
    let mut run = OnTerminal::start("--headless --host http://127.0.0.1:1 Buyer");
    assert_eq!(run.wait(), 1);
    assert!(run.is_as_it_was(), "when nothing was started");
}
