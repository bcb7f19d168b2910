//! Whole processes, from their command line to their exit code: this binary starts itself again as a workload.
//!
//! It has no test harness of rustc's, because the workload's arguments must be the workload's alone.

#![expect(clippy::unwrap_used, reason = "code of tests")]

#[path = "run_support/process.rs"]
mod process;
mod run_support;
#[path = "run_support/workload.rs"]
mod workload;

use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use process::{AS_WORKLOAD, Ended, Workload};
use run_support::{Target, black_hole};

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return workload::main();
    }
    let tests: &[(&'static str, fn())] = &[
        ("csv_is_exact_at_the_end_of_the_run_time", csv_is_exact_at_the_end_of_the_run_time),
        ("csv_is_exact_after_a_signal", csv_is_exact_after_a_signal),
        ("a_stop_timeout_lets_tasks_finish", a_stop_timeout_lets_tasks_finish),
        ("a_second_signal_gives_up_at_once", a_second_signal_gives_up_at_once),
        ("a_blocked_driver_is_given_up", a_blocked_driver_is_given_up),
        (
            "failures_and_exceptions_decide_the_exit_code",
            failures_and_exceptions_decide_the_exit_code,
        ),
        ("a_fault_hurts_one_task_only", a_fault_hurts_one_task_only),
        ("users_who_cannot_start_end_the_run", users_who_cannot_start_end_the_run),
        ("users_may_leave_and_may_end_the_test", users_may_leave_and_may_end_the_test),
        ("questions_are_answered_on_stdout", questions_are_answered_on_stdout),
        ("a_wrong_command_line_is_refused", a_wrong_command_line_is_refused),
        ("a_target_that_is_not_there_is_told", a_target_that_is_not_there_is_told),
        ("a_signal_ends_what_comes_before_the_run", a_signal_ends_what_comes_before_the_run),
        ("too_few_open_files_are_told", too_few_open_files_are_told),
        ("files_that_cannot_be_written_are_told", files_that_cannot_be_written_are_told),
        (
            "files_that_vanish_are_told_and_the_run_goes_on",
            files_that_vanish_are_told_and_the_run_goes_on,
        ),
        ("standing_messages_are_locusts", standing_messages_are_locusts),
        ("tables_come_every_two_seconds", tables_come_every_two_seconds),
    ];
    let trials = tests.iter().map(|&(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// A run of some of the workload's classes against a target.
fn against(target: &Target, rest: &str) -> Workload {
    Workload::new(&format!("--host {} --headless --only-summary --csv run {rest}", target.url()))
}

fn assert_exact(ended: &Ended, target: &Target, aborted: u64) {
    assert_eq!(ended.requests_in_csv("run") + aborted, target.requests(), "{}", ended.stderr);
}

fn csv_is_exact_at_the_end_of_the_run_time() {
    let target = Target::start();
    let ended = against(&target, "-u 20 -r 100 -t 2s Fast Slow").run().expect_code(0);
    assert_exact(&ended, &target, 0);
    assert!(target.requests() > 100);
    let goodbyes = target.paths().iter().filter(|path| *path == "/goodbye").count();
    assert_eq!(goodbyes, 20, "everybody's on_stop ran");
}

fn csv_is_exact_after_a_signal() {
    for (signal, name, timeout) in [
        (libc::SIGINT, "SIGINT", "0"),
        (libc::SIGTERM, "SIGTERM", "0"),
        (libc::SIGINT, "SIGINT", "5s"),
    ] {
        let target = Target::start();
        let run = against(&target, &format!("-u 20 -r 100 -s {timeout} Fast Slow")).start();
        target.wait_for(200);
        run.signal(signal);
        let ended = run.wait().expect_code(0).expect_said(&[&format!("Got {name} signal")]);
        assert_exact(&ended, &target, 0);
    }
}

fn a_stop_timeout_lets_tasks_finish() {
    let target = Target::start();
    let run = against(&target, "-u 4 -r 100 -s 1s Hanging").start();
    target.wait_for(8);
    run.signal(libc::SIGTERM);
    let ended = run.wait().expect_code(0);
    assert!(ended.took >= Duration::from_secs(1), "the timeout was used up");
    ended.expect_said(&["4 requests were cut off by the end of the run"]);
}

fn a_second_signal_gives_up_at_once() {
    let target = Target::start();
    let mut run = against(&target, "-u 6 -r 100 -s 50s Hanging").start();
    target.wait_for(12);
    run.signal(libc::SIGINT);
    run.wait_for("Got SIGINT signal");
    run.signal(libc::SIGINT);
    let ended = run.wait().expect_code(0);
    assert!(ended.took < Duration::from_secs(20), "long before the stop timeout");
    let ended = ended.expect_said(&["6 requests were cut off by the end of the run"]);
    assert_exact(&ended, &target, 6);
}

fn a_blocked_driver_is_given_up() {
    let target = Target::start();
    let mut run = against(&target, "-u 1 --threads 2 Blocking").start();
    target.wait_for(1);
    run.wait_for("did not report within 800 ms");
    run.signal(libc::SIGINT);
    run.wait_for("Got SIGINT signal");
    run.signal(libc::SIGINT);
    run.wait()
        .expect_code(2)
        .expect_said(&["Driver thread 0 did not stop: a task blocks its thread"]);
}

fn failures_and_exceptions_decide_the_exit_code() {
    let target = Target::start();
    let ended = against(&target, "-t 1s Failing").run().expect_code(1).expect_said(&[
        "Error report",
        "GET /status/503: HTTPError('503 Server Error: Service Unavailable for url: /status/503')",
        "Shutting down (exit code 1)",
    ]);
    assert_exact(&ended, &target, 0);
    against(&target, "-t 1s --exit-code-on-error 7 Failing").run().expect_code(7);
    against(&target, "-t 1s --exit-code-on-error 0 Failing").run().expect_code(0);
}

fn a_fault_hurts_one_task_only() {
    let target = Target::start();
    let ended = against(&target, "-u 3 -r 100 -t 2s Throwing").run().expect_code(1).expect_said(&[
        "Exception report",
        "Throwing: invalid digit found in string",
        "Throwing: panicked: the lift is out of order",
        "  at ",
        "workload.rs:",
    ]);
    assert_exact(&ended, &target, 0);
    assert_eq!(ended.rows("run_failures.csv").len(), 0, "no request failed");
    assert!(target.requests() > 60, "users go on after a fault");
    let goodbyes = target.paths().iter().filter(|path| *path == "/goodbye").count();
    assert_eq!(goodbyes, 3, "and are stopped like others");
}

fn users_who_cannot_start_end_the_run() {
    let target = Target::start();
    let ended = against(&target, "-u 30 -r 1000 Refused").run().expect_code(1).expect_said(&[
        "A user of Refused could not start and is not replaced: request failed: CatchResponseError('expected status 200, got 401')",
        "more users could not start and are not replaced",
        "Not one of 30 users could start",
    ]);
    assert_eq!(
        ended.stderr.matches("expected status 200, got 401").count(),
        2,
        "the log and the report"
    );
    assert_exact(&ended, &target, 0);
    // One who cannot start among others who can ends nothing.
    let ended = against(&target, "-u 8 -r 100 -t 1s Refused Fast").run().expect_code(1);
    assert!(ended.stderr.contains("--run-time limit reached"));
}

fn users_may_leave_and_may_end_the_test() {
    let target = Target::start();
    let ended = against(&target, "-u 4 -r 100 -t 3s Leaving").run().expect_code(0);
    let last = ended.rows("run_stats_history.csv").into_iter().rev().nth(1).unwrap();
    assert_eq!(last[1], "0", "nobody is left, and nobody was replaced");
    assert_eq!(target.requests(), 4, "on_stop ran");

    let target = Target::start();
    let ended = against(&target, "-u 5 -r 1000 Ending Fast").run().expect_code(0);
    assert_eq!(ended.stderr.matches("A user stopped the test: enough seen").count(), 1);
    assert_exact(&ended, &target, 0);
}

fn questions_are_answered_on_stdout() {
    let ask = |question| {
        let ended = Workload::new(question).run().expect_code(0);
        assert_eq!(ended.stderr, "");
        ended.stdout
    };
    assert!(ask("--version").starts_with("stub 1.2.3"));
    assert_eq!(
        ask("--list"),
        "Available Users:\n    Fast\n    Slow\n    Hanging\n    Failing\n    Throwing\n    Refused\n    Leaving\n    Ending\n    Blocking\n"
    );
    assert!(ask("-h").contains("--host"));
    assert!(ask("--help").contains("--hang-in-setup"));
    let ratio = ask("--show-task-ratio Fast Slow");
    assert!(ratio.contains(" 75.0 Fast\n   100.0 fast\n 25.0 Slow"), "{ratio}");
    let json: serde_json::Value =
        serde_json::from_str(&ask("--show-task-ratio-json Fast Throwing")).unwrap();
    assert_eq!(json["total"]["Fast"]["ratio"], 0.75);
    assert_eq!(json["per_class"]["Throwing"]["tasks"]["err"]["ratio"], 0.5);
}

fn a_wrong_command_line_is_refused() {
    let wrong = |arguments: &str, code, text: &str| {
        let ended = Workload::new(arguments).run().expect_code(code).expect_said(&[text]);
        assert_eq!(ended.stdout, "");
        assert!(ended.stderr.lines().count() <= 4, "start, seed, cause, hint:\n{}", ended.stderr);
    };
    wrong("--users many", 2, "stub: error: argument -u/--users: invalid int value: 'many'");
    wrong("--user-s 3", 2, "stub: error: unrecognized arguments: --user-s");
    wrong("-r 0", 2, "stub: error: ");
    wrong("--csv-full-history", 2, "'--csv-full-history' requires '--csv'.");
    wrong("--headless -t 1s Nobody", 1, "Unknown User(s): Nobody");
    wrong("--list Nobody", 1, "There are: Fast, Slow, ");
    wrong("--headless -t 1s Fast", 1, "no host to send requests to: user class Fast has none");
    wrong("--headless -t 1s Fast", 1, "Hint: Give the base URL of the system under test: --host");
}

fn a_target_that_is_not_there_is_told() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let told = |host: &str, texts: &[&str]| {
        let run = Workload::new(&format!("--headless -t 5s --host {host} Fast")).run();
        let ended = run.expect_code(1).expect_said(texts);
        assert_eq!(ended.log().len(), 4, "start, seed, cause, hint:\n{}", ended.stderr);
    };
    told(
        &format!("http://{closed}"),
        &[
            &format!("nobody answers at --host http://{closed}: {closed}: Connection refused"),
            "Hint: Is the target running",
        ],
    );
    told(
        "http://no-such-host.invalid:80",
        &[
            "the name `no-such-host.invalid` of --host http://no-such-host.invalid:80 does not resolve",
            "Hint: Is the name spelled right",
        ],
    );
    // What is logged to a file is said on the screen as well.
    let run = Workload::new(&format!("--headless --logfile log --host http://{closed} Fast")).run();
    run.expect_code(1).expect_said(&["stub: error: nobody answers at --host"]);
}

fn a_signal_ends_what_comes_before_the_run() {
    let target = Target::start();
    let run = against(&target, "--hang-in-setup Fast").start();
    target.wait_for(1);
    run.signal(libc::SIGINT);
    let ended = run.wait().expect_code(1);
    assert!(ended.took < Duration::from_secs(10));
    ended.expect_said(&["Got SIGINT signal before the first user started"]);

    let (address, _held) = black_hole();
    let mut run =
        Workload::new(&format!("--headless --csv run --host http://{address} Fast")).start();
    run.wait_for("Starting stub");
    // The files are made just before the target is tried.
    std::thread::sleep(Duration::from_millis(300));
    run.signal(libc::SIGTERM);
    let ended = run.wait().expect_code(1);
    assert!(ended.took < Duration::from_secs(5));
    ended.expect_said(&["Got SIGTERM signal before the first user started"]);
}

fn too_few_open_files_are_told() {
    let target = Target::start();
    let arguments = format!("--headless -t 1s -u 30000 --host {} Fast", target.url());
    Workload::with_open_files(1024, &arguments).run().expect_code(1).expect_said(&[
        "30000 users need about 30064 open files, but this process may open only 1024",
        "Hint: Raise the limit in this shell with `ulimit -n 30064`",
        "or ask for at most 960 users, or close connections while users wait (--park-idle).",
    ]);
    assert_eq!(target.requests(), 0);
}

fn files_that_cannot_be_written_are_told() {
    let target = Target::start();
    let run = |csv: &str| {
        Workload::new(&format!(
            "--headless --only-summary -t 2s --host {} --csv {csv} Fast",
            target.url()
        ))
    };
    run("/proc/none/run")
        .run()
        .expect_code(1)
        .expect_said(&["cannot create the folder `/proc/none`", "choose another place with --csv"]);
    let full = run("run");
    std::os::unix::fs::symlink("/dev/full", full.path("run_stats_history.csv")).unwrap();
    full.run().expect_code(1).expect_said(&[
        "run_stats_history.csv`: No space left on device",
        "make room on that disk or choose another place with --csv",
    ]);
    let log = format!("--headless --host {} --logfile /proc/none/log Fast", target.url());
    Workload::new(&log)
        .run()
        .expect_code(1)
        .expect_said(&["stub: error: cannot open the log file /proc/none/log"]);
}

fn files_that_vanish_are_told_and_the_run_goes_on() {
    let target = Target::start();
    let arguments =
        format!("--headless --only-summary -t 4s --csv csv/run --host {} Fast", target.url());
    let run = Workload::new(&arguments);
    let folder = run.path("csv");
    let run = run.start();
    target.wait_for(20);
    std::fs::remove_dir_all(folder).unwrap();
    let ended = run.wait().expect_code(1).expect_said(&[
        "The run goes on, and so do attempts to write",
        "--run-time limit reached",
        "Response time percentiles",
        "The CSV files are not complete: cannot write",
    ]);
    assert_eq!(ended.stderr.matches("so do attempts to write").count(), 1, "told once");
}

fn standing_messages_are_locusts() {
    let target = Target::start();
    let ended =
        against(&target, "-u 5 -r 50 -t 1s --seed 3 Fast Slow Leaving").run().expect_code(0);
    let folder = ended.log().last().copied().unwrap_or_default().to_owned();
    assert_eq!(folder, "swarmer.main: Shutting down (exit code 0)");
    let files = "swarmer.main: CSV files: ";
    let log: Vec<&str> = ended.log().into_iter().filter(|line| !line.starts_with(files)).collect();
    assert_eq!(
        log,
        [
            "swarmer.main: Starting stub 1.2.3",
            "swarmer.main: Seed 3: --seed 3 makes the same decisions again",
            "swarmer.main: Run time limit set to 1 seconds",
            "swarmer.runners: Ramping to 5 users at a rate of 50.00 per second",
            r#"swarmer.runners: All users spawned: {"Fast": 3, "Leaving": 1, "Slow": 1} (5 total users)"#,
            "swarmer.main: --run-time limit reached, shutting down",
            "swarmer.main: Shutting down (exit code 0)",
        ]
    );
    let none = against(&target, "-u 1 -t 1s Fast Slow").run().expect_code(0);
    none.expect_said(&[r#"All users spawned: {"Fast": 1, "Slow": 0} (1 total users)"#]);
}

fn tables_come_every_two_seconds() {
    let target = Target::start();
    let arguments = format!("--headless -u 2 -r 10 -t 5s --host {} Fast", target.url());
    let ended = Workload::new(&arguments).run().expect_code(0);
    let tables: Vec<usize> =
        ended.stderr.match_indices("# reqs      # fails").map(|(at, _)| at).collect();
    assert!((4..=5).contains(&tables.len()), "at 0, 2, 4 s and at the end:\n{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}
