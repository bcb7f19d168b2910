//! Whole runs on virtual time: hours in seconds, the same every time.

#![expect(clippy::unwrap_used, reason = "code of tests")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use swarmer::options::Options;
use swarmer::prelude::*;
use swarmer::stats::Summary;
use swarmer::testing::{Script, ScriptedReply, State, run, steered};

struct Plain;

impl Plain {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self)
    }

    async fn get(&mut self, user: &mut User) -> TaskResult {
        user.get("/get").expect(200).send().await?;
        Ok(())
    }
}

fn options(users: u32, run_time: Duration) -> Options {
    Options {
        users: Some(users),
        spawn_rate: Some(10.0),
        run_time: Some(run_time),
        seed: Some(1),
        ..Options::default()
    }
}

fn swarm<S: 'static>(scenario: Scenario<S>) -> Swarm {
    Swarm::new("test", "1.0").scenario(scenario)
}

fn plain() -> Scenario<Plain> {
    Scenario::new("A", Plain::arrive)
}

/// Every answer takes so long.
fn answers_after(time: Duration) -> Script {
    Script::new(move |_| ScriptedReply::new(200).after(time))
}

const MS: Duration = Duration::from_millis(1);

/// One request by name.
fn requests(summary: &Summary, name: &str) -> u64 {
    summary.requests().find(|row| *row.name == *name).map_or(0, |row| row.figures.requests)
}

#[test]
fn locusts_percentiles_are_those_of_its_coarse_buckets() {
    let run_with = |locust_percentiles| {
        let options = Options { locust_percentiles, ..options(1, 60 * 1000 * MS) };
        let task = plain().wait(constant(1.0)).task(1, "Get", Plain::get);
        run(swarm(task), options, answers_after(147 * MS)).unwrap()
    };
    let (fine, coarse) = (run_with(false), run_with(true));
    assert_eq!(fine.total.figures.percentile(0.95), Some(147.0));
    assert_eq!(coarse.total.figures.percentile(0.95), Some(150.0));
    assert_eq!(coarse.percentile_source, swarmer::stats::PercentileSource::Locust);
}

/// Seven tasks of the weights 1 to 7, some of which fail, for two hours.
fn long_run(seed: u64) -> Summary {
    const NAMES: [&str; 7] = ["t1", "t2", "t3", "t4", "t5", "t6", "t7"];
    let mut scenario = plain().wait(between(1.0, 3.0));
    for (weight, name) in (1..).zip(NAMES) {
        scenario = scenario.task(weight, name, async move |_: &mut Plain, user: &mut User| {
            user.get("/x").name(name).expect(200).send().await?;
            user.think(between(0.5, 1.5)).await;
            Ok(())
        });
    }
    let script = Script::new(|request| {
        let trouble = request.header("user-agent").is_none();
        ScriptedReply::new(if trouble { 500 } else { 200 }).after(37 * MS)
    });
    let options = Options { seed: Some(seed), ..options(12, Duration::from_hours(2)) };
    let mut summary = run(swarm(scenario), options, script).unwrap();
    // Trace ids are never the same again: two runs with one seed must not collide in a trace store.
    summary.exemplars.iter_mut().for_each(|exemplar| exemplar.trace = "".into());
    summary
}

#[test]
fn two_hours_follow_the_weights_and_are_the_same_again() {
    let first = long_run(11);
    let total = first.total.figures.requests;
    assert!((28_000..29_000).contains(&total), "{total} at one task every 3.037 s");
    let chi_square: f64 = (1_u32..)
        .zip(first.requests())
        .map(|(weight, row)| {
            #[expect(clippy::cast_precision_loss, reason = "some ten thousand")]
            let (seen, expected) =
                (row.figures.requests as f64, total as f64 * f64::from(weight) / 28.0);
            (seen - expected).powi(2) / expected
        })
        .sum();
    assert!(chi_square < 22.46, "{chi_square}: less likely than 1 in 1000 at 6 degrees of freedom");
    let again = long_run(11);
    assert!(first == again, "the same seed gives the same figures to the last digit");
    assert!(first.total.figures != long_run(12).total.figures);
    assert_eq!((first.total.figures.failures, first.aborted), (0, 0));
}

#[test]
fn pacing_keeps_its_beat_whatever_a_task_takes() {
    let scenario = plain().wait(pacing(10.0)).task(1, "get", Plain::get);
    let options = options(1, Duration::from_secs(995));
    let summary = run(swarm(scenario), options, answers_after(4 * MS * 1000)).unwrap();
    assert_eq!(summary.total.figures.requests, 100, "at 0, 10, … 990 s");
}

#[test]
fn the_time_scale_shrinks_waits_thinks_and_pacing_but_no_answer() {
    let count = |wait: Wait, time_scale: f64| {
        let think = async |_: &mut Plain, user: &mut User| {
            user.get("/get").send().await?;
            user.think(constant(4.0)).await;
            Ok(())
        };
        let scenario = plain().wait(wait).task(1, "think", think);
        let options = Options { time_scale, ..options(1, Duration::from_secs(995)) };
        let summary = run(swarm(scenario), options, answers_after(1000 * MS)).unwrap();
        assert!((summary.total.figures.mean - 1000.0).abs() < 2.0);
        summary.total.figures.requests
    };
    assert_eq!(count(constant(5.0), 1.0), 100, "1 + 4 + 5 s");
    assert_eq!(count(constant(5.0), 0.1), 524, "1 + 0.4 + 0.5 s");
    assert_eq!(count(pacing(20.0), 1.0), 50);
    assert_eq!(count(pacing(20.0), 0.1), 498);
}

#[test]
fn a_user_of_another_pace_thinks_longer() {
    let steady = async |user: &mut User| {
        user.set_pace(if user.number() == 0 { 1.0 } else { 3.0 });
        Ok(user.number())
    };
    let think = async |number: &mut u64, user: &mut User| {
        let name = if *number == 0 { "quick" } else { "slow" };
        user.get("/x").name(name).send().await?;
        user.think(constant(10.0)).await;
        Ok(())
    };
    let scenario = Scenario::new("A", steady).task(1, "think", think);
    let options = options(2, Duration::from_secs(605));
    let summary = run(swarm(scenario), options, answers_after(MS)).unwrap();
    assert_eq!((requests(&summary, "quick"), requests(&summary, "slow")), (61, 21));
}

#[test]
fn requests_time_out_on_virtual_time() {
    let patient = async |_: &mut Plain, user: &mut User| {
        let limit = Duration::from_secs(7);
        let _ = user.get("/x").name("short").timeout(limit).send().await;
        let _ = user.get("/x").name("default").send().await;
        Ok(())
    };
    let scenario = plain().task(1, "patient", patient);
    let options = options(1, Duration::from_secs(20));
    let summary = run(swarm(scenario), options, answers_after(Duration::from_hours(5))).unwrap();
    let errors: Vec<_> = summary.errors.iter().map(|row| (&*row.name, &*row.error)).collect();
    assert_eq!(errors.len(), 1, "the second one was in flight at the end");
    assert_eq!(errors[0].0, "short");
    assert!(errors[0].1.contains("within 7 s"), "{errors:?}");
    assert_eq!(summary.aborted, 1, "five seconds after the stop it was cut");
    let options = Options { run_time: Some(Duration::from_secs(68)), ..options_of_one() };
    let scenario = plain().wait(constant(60.0)).task(1, "patient", patient);
    let summary = run(swarm(scenario), options, answers_after(Duration::from_hours(5))).unwrap();
    assert_eq!((requests(&summary, "short"), requests(&summary, "default")), (1, 1));
    assert!((summary.total.figures.max - 60_000.0).abs() < 5.0);
}

fn options_of_one() -> Options {
    options(1, Duration::from_secs(1))
}

/// What became of a task of three requests of ten seconds each, stopped at its middle.
fn stopped(stop_timeout: u64, think: f64) -> (u64, u64, f64, Vec<&'static str>) {
    let journal = Arc::new(Mutex::new(Vec::new()));
    let (at_end, at_stop) = (Arc::clone(&journal), Arc::clone(&journal));
    let three = async move |_: &mut Plain, user: &mut User| {
        for _ in 0..3 {
            user.get("/x").send().await?;
            user.think(constant(think)).await;
        }
        at_end.lock().unwrap().push("task done");
        Ok(())
    };
    let goodbye = async move |_: &mut Plain, user: &mut User| {
        user.get("/goodbye").timeout(Duration::from_secs(2)).send().await?;
        at_stop.lock().unwrap().push("on_stop done");
        Ok(())
    };
    let scenario = plain().wait(constant(1000.0)).task(1, "three", three).on_stop(goodbye);
    let script = Script::new(|request| {
        ScriptedReply::new(200).after(if request.target == "/x" { 10_000 * MS } else { 1000 * MS })
    });
    let options = Options {
        stop_timeout: Duration::from_secs(stop_timeout),
        run_time: Some(Duration::from_secs(17)),
        ..options_of_one()
    };
    let summary = run(swarm(scenario), options, script).unwrap();
    let journal = journal.lock().unwrap().clone();
    (requests(&summary, "/x"), summary.aborted, summary.at - summary.start, journal)
}

#[test]
fn the_stop_timeout_holds_on_virtual_time() {
    // In flight at 17 s: the second request, until 20 s.
    let (done, aborted, took, journal) = stopped(0, 0.0);
    assert_eq!((done, aborted, &*journal), (2, 0, &["on_stop done"][..]));
    assert!((took - 21.0).abs() < 0.1, "{took}");
    // Enough time for the task.
    let (done, aborted, took, journal) = stopped(60, 0.0);
    assert_eq!((done, aborted, &*journal), (3, 0, &["task done", "on_stop done"][..]));
    assert!((took - 31.0).abs() < 0.1, "{took}");
    // Enough for the second request, not for the third: cut five seconds after the time was up; no time for goodbyes.
    let (done, aborted, took, journal) = stopped(5, 0.0);
    assert_eq!((done, aborted, &*journal), (2, 1, &[][..]));
    assert!((took - 27.0).abs() < 0.1, "{took}");
    // Thinking between two requests: stops when the time is up, and goodbyes are not cut short.
    let (done, aborted, took, journal) = stopped(2, 30.0);
    assert_eq!((done, aborted, &*journal), (1, 0, &["on_stop done"][..]));
    assert!((took - 20.0).abs() < 0.1, "{took}");
}

#[test]
fn a_user_stopped_at_its_start_begins_no_task() {
    let slow = async |user: &mut User| {
        user.get("/login").send().await?;
        Ok(Plain)
    };
    let scenario = Scenario::new("A", slow).task(1, "get", Plain::get);
    let options = Options {
        stop_timeout: Duration::from_mins(1),
        run_time: Some(Duration::from_secs(5)),
        ..options_of_one()
    };
    let summary = run(swarm(scenario), options, answers_after(10_000 * MS)).unwrap();
    assert_eq!((requests(&summary, "/login"), requests(&summary, "/get")), (1, 0));
}

#[test]
fn the_number_of_users_can_change_and_figures_can_be_reset() {
    let scenario = plain().wait(constant(0.9)).task(1, "get", Plain::get);
    let other = Scenario::new("B", Plain::arrive).weight(3.0).fixed_count(0);
    let other = other.wait(constant(0.9)).task(1, "get", Plain::get);
    let swarm = swarm(scenario).scenario(other);
    let (mut seen, mut rates) = (Vec::new(), Vec::new());
    let wait = async |seconds| tokio::time::sleep(Duration::from_secs(seconds)).await;
    let options = options(4, Duration::from_secs(1));
    let summary = steered(swarm, options, answers_after(100 * MS), async |mut handle| {
        for users in [4, 40, 12, 0, 8] {
            handle.start(users, 20.0).unwrap();
            handle.until(|state| state == State::Running).await;
            wait(15).await;
            let summary = handle.summary().await.unwrap();
            rates.push(summary.total.current.requests_per_second.round());
            seen.push(summary.users.values().copied().collect::<Vec<_>>());
        }
        handle.reset();
        wait(20).await;
    })
    .unwrap();
    assert_eq!(seen, [[1, 3], [10, 30], [3, 9], [0, 0], [2, 6]]);
    assert_eq!(rates, [4.0, 40.0, 12.0, 0.0, 8.0]);
    let requests = summary.total.figures.requests;
    assert!((150..=168).contains(&requests), "20 s of 8 users since the reset: {requests}");
}

#[test]
fn reset_stats_forgets_the_ramp() {
    let scenario = plain().wait(constant(0.9)).task(1, "get", Plain::get);
    let options = Options { reset_stats: true, spawn_rate: Some(1.0), ..options(30, 60_000 * MS) };
    let summary = run(swarm(scenario), options, answers_after(100 * MS)).unwrap();
    let requests = summary.total.figures.requests;
    assert!((900..=960).contains(&requests), "31 s of 30 users: {requests}");
}

#[test]
fn users_leave_by_themselves_and_are_not_replaced() {
    let leave = async |_: &mut Plain, user: &mut User| {
        user.get("/get").send().await?;
        if user.number().is_multiple_of(2) { Err(TaskError::stop_user()) } else { Ok(()) }
    };
    let scenario = plain().wait(constant(1.0)).task(1, "leave", leave);
    let options = options(10, Duration::from_secs(1));
    steered(swarm(scenario), options, answers_after(MS), async |handle| {
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(handle.summary().await.unwrap().user_count(), 5);
        // Those that a ramp down would stop and that have gone already are no loss to the others: 0 to 5 remain.
        handle.start(6, 100.0).unwrap();
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(handle.summary().await.unwrap().user_count(), 3);
    })
    .unwrap();
}

#[test]
fn exceptions_are_counted_with_their_place_and_users_go_on_after_their_wait() {
    let scenario =
        plain().wait(constant(10.0)).task(1, "bad", async |_: &mut Plain, user: &mut User| {
            user.get("/get").send().await?;
            assert!(user.number() > 5, "user {} is too small", user.number());
            Ok(())
        });
    let options = options(2, Duration::from_secs(95));
    let summary = run(swarm(scenario), options, answers_after(MS)).unwrap();
    assert_eq!(summary.total.figures.requests, 20);
    let seen: BTreeMap<_, _> =
        summary.exceptions.iter().map(|e| (e.message.to_string(), e.count)).collect();
    let text = |user: u32| format!("panicked: user {user} is too small");
    assert_eq!(seen, BTreeMap::from([(text(0), 10), (text(1), 10)]));
    assert!(summary.exceptions.iter().all(|e| e.detail.contains("run_virtual.rs:")));
    assert!(summary.has_problems());
}

#[test]
fn a_panic_where_nobody_expects_one_ends_one_user_only() {
    struct Mine(u64);
    impl Drop for Mine {
        fn drop(&mut self) {
            assert!(self.0 != 0 || std::thread::panicking(), "cannot be dropped");
        }
    }
    let arrive = async |user: &mut User| Ok(Mine(user.number()));
    let scenario = Scenario::new("A", arrive).wait(constant(1.0)).task(
        1,
        "leave",
        async |_: &mut Mine, _: &mut User| Err(TaskError::stop_user()),
    );
    let summary =
        run(swarm(scenario), options(3, Duration::from_secs(5)), answers_after(MS)).unwrap();
    assert_eq!(summary.exceptions.len(), 1);
    assert_eq!(&*summary.exceptions[0].message, "panicked: cannot be dropped");
    assert_eq!(summary.user_count(), 0);
}

#[test]
fn a_user_may_end_the_test() {
    let end = async |_: &mut Plain, user: &mut User| {
        user.get("/get").send().await?;
        Err(TaskError::stop_test("enough"))
    };
    let scenario = plain().task(1, "end", end);
    let summary =
        run(swarm(scenario), options(1, Duration::from_hours(9)), answers_after(MS)).unwrap();
    assert!(summary.at - summary.start < 10.0);
    assert_eq!(summary.total.figures.requests, 1);
}

#[test]
fn what_cannot_be_run_is_told() {
    let told =
        |swarm: Swarm| run(swarm, options_of_one(), answers_after(MS)).unwrap_err().to_string();
    let class = || plain().task(1, "get", Plain::get);
    assert!(told(Swarm::new("t", "1")).starts_with("No User class found!"));
    assert!(told(swarm(class()).scenario(class())).contains("two user classes are named A"));
    assert!(told(swarm(class().weight(0.0))).contains("every class has weight 0"));
    let panics = Swarm::new("t", "1").configure(|swarm, _| {
        let wait = between(5.0, 2.0);
        Ok(swarm.scenario(plain().wait(wait)))
    });
    let text = told(panics);
    assert!(text.starts_with("the workload's configuration panicked at"), "{text}");
    assert!(text.contains("between(5, 2)"), "{text}");
}
