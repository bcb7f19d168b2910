//! Waits as Locust has them: SEMANTICS §3, each formula on virtual time.

mod semantics_support;

use semantics_support::*;
use swarmer::options::Options;
use swarmer::prelude::*;
use swarmer::testing::run;

/// The starts of a task that takes the given seconds in turn.
fn starts(scenario: Scenario<Writer>, takes: &'static [f64], seconds: f64) -> Vec<f64> {
    let task = async move |writer: &mut Writer, user: &mut User| {
        writer.diary.write("start");
        let length = takes[writer.done as usize % takes.len()];
        writer.done += 1;
        user.think(constant(length)).await;
        Ok(())
    };
    let (diary, _) = lived(scenario.task(1, "t", task), seconds);
    diary.times("start")
}

fn near(seen: &[f64], expected: &[f64]) -> bool {
    // Timers have a resolution of a millisecond.
    seen.len() == expected.len() && seen.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.0021)
}

#[test]
fn constant_and_no_wait() {
    let seen = starts(writer().wait(constant(1.5)), &[0.5], 7.0);
    assert!(near(&seen, &[0.0, 2.0, 4.0, 6.0]), "{seen:?}");
    let seen = starts(writer(), &[0.5], 1.75);
    assert!(near(&seen, &[0.0, 0.5, 1.0, 1.5]), "{seen:?}");
}

#[test]
fn between_is_uniform() {
    let seen = starts(writer().wait(between(1.0, 3.0)), &[0.0], 6000.0);
    let gaps: Vec<f64> = seen.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| (1.0..3.002).contains(gap)));
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    assert!((mean - 2.0).abs() < 0.05, "{mean}");
}

#[test]
fn pacing_starts_on_the_period_and_does_not_make_up_for_a_long_task() {
    // Locust's formula: r = now - last_call - last_wait; wait = max(0, T - r).
    let seen = starts(writer().wait(pacing(2.0)), &[0.5, 1.5, 5.0, 0.25], 12.5);
    assert!(near(&seen, &[0.0, 2.0, 4.0, 9.0, 11.0]), "{seen:?}");
}

#[test]
fn the_first_pacing_counts_from_the_birth_of_the_user() {
    let scenario = Scenario::new("Writer", async |user: &mut User| {
        user.think(constant(1.25)).await;
        Writer::arrive(user).await
    });
    let seen = starts(scenario.wait(pacing(2.0)), &[0.5], 4.0);
    // The start took 1.25 s and the first task 0.5 s: 0.25 s are left of the period.
    assert!(near(&seen, &[0.0, 0.75, 2.75]), "{seen:?}");
}

#[test]
fn constant_throughput_is_a_rate_of_tasks_per_user() {
    let seen = starts(writer().wait(constant_throughput(0.5)), &[0.3], 9.0);
    assert!(near(&seen, &[0.0, 2.0, 4.0, 6.0, 8.0]), "{seen:?}");
}

#[test]
fn poisson_has_the_mean_and_the_spread_of_its_rate() {
    let seen = starts(writer().wait(poisson(2.0)), &[0.0], 4000.0);
    let gaps: Vec<f64> = seen.windows(2).map(|pair| pair[1] - pair[0]).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let count = gaps.len() as f64;
    let mean = gaps.iter().sum::<f64>() / count;
    let deviation = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count).sqrt();
    assert!((mean - 0.5).abs() < 0.02 && (deviation - 0.5).abs() < 0.03, "{mean} {deviation}");
}

#[test]
fn a_function_of_ones_own_sees_the_state() {
    let scenario = writer().wait_with(|writer: &mut Writer, _: &mut User| f64::from(writer.done));
    let seen = starts(scenario, &[0.0], 6.5);
    assert!(near(&seen, &[0.0, 1.0, 3.0, 6.0]), "{seen:?}");
}

#[test]
fn a_function_that_gives_no_time_is_an_exception_and_does_not_spin() {
    for bad in [f64::NAN, -1.0, f64::INFINITY] {
        let scenario = writer().wait_with(move |_, _| bad).task(1, "a", writes("a"));
        let (diary, summary) = lived(scenario, 2.5);
        assert_eq!(diary.timed(), "0 a, 1 a, 2 a");
        let expected = format!("3x the wait is {bad} seconds, allowed: finite and >= 0");
        assert_eq!(messages(&summary), [expected]);
    }
}

#[test]
fn a_set_has_its_own_wait_and_pace_or_the_scenarios_not_its_parents() {
    let inner = TaskSet::sequential("inner").task(1, "i", takes("i", 0.5)).task(
        1,
        "leave",
        ends("leave", TaskError::interrupt),
    );
    let paced = TaskSet::sequential("paced").wait(pacing(2.0)).task(2, "p", takes("p", 0.5)).task(
        1,
        "leave",
        ends("end", TaskError::interrupt),
    );
    let outer = TaskSet::sequential("outer").wait(constant(100.0)).set(1, inner).set(1, paced);
    let (diary, _) = lived(writer().wait(constant(1.0)).set(1, outer), 5.0);
    // `inner` has no wait: the scenario's second follows `i`. `paced` paces from the moment it was entered.
    assert_eq!(diary.timed(), "0 i, 0.5 /i, 1.5 leave, 1.5 p, 2 /p, 3.5 p, 4 /p");
}

#[test]
fn the_time_scale_stretches_every_wait() {
    let options = Options { time_scale: 0.1, ..alone(1.05) };
    let diary = Diary::default();
    let scenario = writer().wait_with(|_, _| 5.0).task(1, "a", writes("a"));
    run(swarm(&diary).scenario(scenario), options, quick()).expect("a run");
    assert_eq!(diary.timed(), "0 a, 0.5 a, 1 a");
}
