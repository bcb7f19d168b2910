//! What hooks and `--config-users` do to a whole process, down to its exit code: this binary starts itself again as a
//! workload, so it has no test harness of rustc's.
#![expect(clippy::unwrap_used, reason = "code of tests")]

#[path = "run_support/process.rs"]
mod process;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use process::{AS_WORKLOAD, Ended, Workload};
use swarmer::options::{Opt, Options};
use swarmer::prelude::*;
use swarmer::stats::Summary;

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return workload();
    }
    let tests: &[(&'static str, fn())] = &[
        ("a_clean_run_ends_with_0_and_all_events", a_clean_run_ends_with_0_and_all_events),
        ("a_failing_hook_makes_it_2", a_failing_hook_makes_it_2),
        ("failures_go_before_a_failing_hook", failures_go_before_a_failing_hook),
        ("a_hook_may_set_the_code", a_hook_may_set_the_code),
        ("an_error_of_on_init_is_1", an_error_of_on_init_is_1),
        ("config_users_of_an_unknown_class_is_255", config_users_of_an_unknown_class_is_255),
        ("config_users_that_cannot_be_read_is_2", config_users_that_cannot_be_read_is_2),
        ("tags_come_from_the_command_line", tags_come_from_the_command_line),
    ];
    let trials = tests.iter().map(|&(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// A run of a second; `mode` says what goes wrong.
fn ended(mode: &str, rest: &str) -> Ended {
    Workload::new(&format!("--headless --only-summary -t 1s --mode {mode} {rest}")).run()
}

#[expect(clippy::print_stdout, reason = "the test reads it")]
fn workload() -> ExitCode {
    let configure = |swarm: Swarm, options: &Options| {
        let mode = options.custom.text("mode").unwrap_or_default().to_owned();
        let (init, start, quitting, failing) =
            (mode.clone(), mode.clone(), mode.clone(), mode.contains("failing"));
        let task = async move |(): &mut (), user: &mut User| -> TaskResult {
            user.record(CustomRequest::new("X", "x"));
            if failing { Err(TaskError::message("oh")) } else { Ok(()) }
        };
        Ok(swarm
            .scenario(
                Scenario::new("Agent", async |_: &mut User| Ok(()))
                    .without_host()
                    .wait(constant(0.1))
                    .task(1, "t", task)
                    .tags(["t"]),
            )
            .on_init(move |_| if init == "init" { Err("no licence") } else { Ok(()) })
            .on_test_start(move || {
                println!("test_start");
                if start.contains("hook") { Err("no dashboard") } else { Ok(()) }
            })
            .on_spawning_complete(|users| println!("spawning_complete {users}"))
            .on_test_stopping(|| println!("test_stopping"))
            .on_test_stop(|summary: &Summary| println!("test_stop {}", summary.user_count()))
            .on_quitting(|_| println!("quitting, added first"))
            .on_quitting(move |end| {
                println!("quitting, added last");
                if quitting.contains("code") {
                    end.set_exit_code(42);
                }
            })
            .on_quit(|code| println!("quit {code}")))
    };
    Swarm::new("hooked", "1.0").options([Opt::text("mode")]).configure(configure).run()
}

fn a_clean_run_ends_with_0_and_all_events() {
    let ended = ended("none", "-u 2 -r 100").expect_code(0);
    let events: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(
        events,
        [
            "test_start",
            "spawning_complete 2",
            "test_stopping",
            "test_stop 0",
            "quitting, added last",
            "quitting, added first",
            "quit 0",
        ]
    );
}

fn a_failing_hook_makes_it_2() {
    ended("hook", "")
        .expect_code(2)
        .expect_said(&["Uncaught exception in event handler of test_start: no dashboard"]);
}

fn failures_go_before_a_failing_hook() {
    ended("hook,failing", "").expect_code(1);
}

fn a_hook_may_set_the_code() {
    let ended = ended("code,failing", "").expect_code(42);
    assert!(ended.stdout.ends_with("quit 42\n"), "{}", ended.stdout);
}

fn an_error_of_on_init_is_1() {
    let ended = ended("init", "").expect_code(1).expect_said(&["on_init: no licence"]);
    assert_eq!(ended.stdout, "", "nothing was started");
}

fn config_users_of_an_unknown_class_is_255() {
    ended("none", r#"--config-users {"user_class_name":"Nobody"}"#)
        .expect_code(255)
        .expect_said(&["Error applying user config", "'Nobody'", "There are: Agent"]);
}

fn config_users_that_cannot_be_read_is_2() {
    ended("none", "--config-users {")
        .expect_code(2)
        .expect_said(&["argument --config-users: must be a valid JSON string or file"]);
    ended("none", r#"--config-users {"user_class_name":"Agent","weight":-1}"#)
        .expect_code(2)
        .expect_said(&["weight of Agent is `-1`, allowed: a number, 0 or more"]);
}

fn tags_come_from_the_command_line() {
    ended("none", "--tags t").expect_code(0);
    ended("none", "--exclude-tags t")
        .expect_code(1)
        .expect_said(&["Agent had no tasks left after filtering", "No tasks defined on Agent"]);
}
