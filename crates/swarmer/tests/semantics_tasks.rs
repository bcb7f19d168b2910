//! Tasks and task sets as Locust has them (its SEMANTICS §1, §2, §6), on virtual time.
//!
//! Where each row of "match exactly" and "do better" (§8) is tried:
//!
//! | row | test |
//! |---|---|
//! | class and task choice probabilities, fixed counts first | `semantics_against_locust`, `semantics_classes::{weights_are_shares…, fixed_counts_come_first}`, `load_vectors` |
//! | waits only between tasks; error, still waits | here: `the_first_task_follows…`, `an_exception_is_counted…`; `semantics_waits` |
//! | a request is recorded once, at completion or block end | `semantics_events::{custom_requests…, measure_times_a_block…}`, `run_live` |
//! | names and failure texts | `http_client`, `run_process`, `report_against_locust` |
//! | `stop_timeout` for the innermost task | here: `the_stop_timeout_spares_the_innermost_task_only` and its neighbours |
//! | events and their fields | `semantics_events`, `semantics_process` |
//! | better: smooth spawning | `load_properties` |
//! | better: schedule-based pacing, lateness | `open_model_virtual` |
//! | better: aborted requests apart | `semantics_events::a_measured_block_may_end…`, `run_live` |
//! | better: hooks off the hot path | `semantics_events`; without hooks `run_allocations` holds |

mod semantics_support;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use semantics_support::*;
use swarmer::options::Options;
use swarmer::prelude::*;
use swarmer::testing::run;

#[test]
fn the_first_task_follows_the_start_at_once_and_waits_stand_between_tasks() {
    let (diary, _) = lived(writer().wait(constant(2.0)).task(1, "a", takes("a", 1.0)), 6.5);
    assert_eq!(diary.timed(), "0 a, 1 /a, 3 a, 4 /a, 6 a");
}

#[test]
fn a_weight_is_a_share_and_weight_zero_is_never_picked() {
    let scenario = writer()
        .wait(constant(1.0))
        .task(3, "a", writes("a"))
        .task(0, "never", writes("never"))
        .task(1, "b", writes("b"));
    let (diary, _) = lived(scenario, 4000.0);
    let words = diary.words();
    let share = words.iter().filter(|word| *word == "a").count();
    assert!((2_900..3_100).contains(&share), "{share} of {}", words.len());
    assert!(!words.contains(&"never".to_owned()));
}

#[test]
fn a_sequence_cycles_and_repeats_by_weight() {
    let set = TaskSet::sequential("s").task(1, "a", writes("a")).task(2, "b", writes("b")).task(
        1,
        "c",
        writes("c"),
    );
    let (diary, _) = lived(writer().wait(constant(1.0)).set(1, set), 8.5);
    assert_eq!(diary.text(), "a b b c a b b c a");
}

#[test]
fn a_chain_begins_with_the_first_task_and_follows_weighted_transitions() {
    let set = TaskSet::markov("m")
        .task(1, "home", writes("home"))
        .transitions([("search", 3), ("offers", 1)])
        .task(1, "search", writes("search"))
        .transitions([("home", 1)])
        .task(1, "offers", writes("offers"))
        .transitions([("home", 1)]);
    let (diary, _) = lived(writer().wait(constant(1.0)).set(1, set), 8000.0);
    let words = diary.words();
    assert_eq!(words[0], "home");
    assert!(words.iter().step_by(2).all(|word| word == "home"));
    let searches = words.iter().filter(|word| *word == "search").count();
    assert!((2_900..3_100).contains(&searches), "{searches}");
}

#[test]
fn a_nested_set_runs_until_it_is_interrupted_and_starts_and_stops_each_time() {
    let set = TaskSet::sequential("inner")
        .on_start(writes("enter"))
        .on_stop(writes("exit"))
        .task(1, "x", writes("x"))
        .task(1, "leave", ends("leave", TaskError::interrupt));
    let outer = TaskSet::sequential("outer").task(1, "before", writes("before")).set(1, set);
    let (diary, summary) = lived(writer().wait(constant(1.0)).set(1, outer), 3.5);
    // No wait after `enter`, none after `leave`: the set around picks at once.
    assert_eq!(
        diary.timed(),
        "0 before, 1 enter, 1 x, 2 leave, 2 exit, 2 before, 3 enter, 3 x, 3.5 exit"
    );
    assert_eq!(messages(&summary), [""; 0]);
}

#[test]
fn interrupt_then_wait_has_the_set_around_wait_first() {
    let set = TaskSet::new("inner")
        .task(1, "leave", ends("leave", TaskError::interrupt_then_wait))
        .wait(constant(100.0));
    let outer = TaskSet::sequential("outer").set(1, set).task(1, "after", writes("after"));
    let (diary, _) = lived(writer().wait(constant(1.0)).set(1, outer), 1.5);
    assert_eq!(diary.timed(), "0 leave, 1 after");
}

#[test]
fn an_interrupt_in_on_start_leaves_without_on_stop() {
    let set = TaskSet::new("inner")
        .on_start(ends("no", TaskError::interrupt_then_wait))
        .on_stop(writes("never"))
        .task(1, "x", writes("never"));
    let outer = TaskSet::sequential("outer").set(1, set).task(1, "after", writes("after"));
    let (diary, summary) = lived(writer().wait(constant(1.0)).set(1, outer), 1.5);
    assert_eq!(diary.timed(), "0 no, 1 after");
    assert_eq!(messages(&summary), [""; 0]);
}

#[test]
fn an_error_in_on_start_of_a_set_is_one_of_the_set_around() {
    let set = TaskSet::new("inner")
        .on_start(ends("no", || TaskError::message("locked")))
        .on_stop(writes("never"))
        .task(1, "x", writes("never"));
    let outer = TaskSet::sequential("outer").set(1, set).task(1, "after", writes("after"));
    let (diary, summary) = lived(writer().wait(constant(1.0)).set(1, outer), 1.5);
    assert_eq!(diary.timed(), "0 no, 1 after", "and the wait is honoured");
    assert_eq!(messages(&summary), ["1x locked"]);
}

#[test]
fn an_error_in_on_stop_of_a_set_is_counted_and_the_set_is_left() {
    let set = TaskSet::new("inner").on_stop(ends("bad end", || TaskError::message("stuck"))).task(
        1,
        "leave",
        ends("leave", TaskError::interrupt),
    );
    let outer = TaskSet::sequential("outer").set(1, set).task(1, "after", writes("after"));
    let (diary, summary) = lived(writer().wait(constant(1.0)).set(1, outer), 0.5);
    assert_eq!(diary.timed(), "0 leave, 0 bad end, 0 after");
    assert_eq!(messages(&summary), ["1x stuck"]);
}

#[test]
fn interrupting_the_outermost_tasks_is_only_the_end_of_the_task() {
    let scenario =
        writer().wait(constant(1.0)).task(1, "a", ends("a", TaskError::interrupt_then_wait));
    let (diary, summary) = lived(scenario.on_stop(writes("stop")), 2.5);
    assert_eq!(diary.timed(), "0 a, 1 a, 2 a, 2.5 stop");
    assert_eq!(messages(&summary), [""; 0]);
}

#[test]
fn reschedule_waits_and_reschedule_immediately_does_not() {
    let waiting = TaskSet::sequential("s")
        .task(1, "a", ends("a", TaskError::end_task))
        .task(1, "b", ends("b", TaskError::next_task))
        .task(1, "c", writes("c"));
    let (diary, summary) = lived(writer().wait(constant(1.0)).set(1, waiting), 2.5);
    assert_eq!(diary.timed(), "0 a, 1 b, 1 c, 2 a");
    assert_eq!(messages(&summary), [""; 0]);
}

#[test]
fn scheduled_tasks_run_before_a_pick_first_ones_before_others() {
    let scenario = writer()
        .wait(constant(1.0))
        .task(1, "a", async |writer: &mut Writer, user: &mut User| {
            writer.diary.write("a");
            user.schedule("b");
            user.schedule("c");
            user.schedule_first("d");
            Ok(())
        })
        .task(0, "b", writes("b"))
        .task(0, "c", writes("c"))
        .task(0, "d", writes("d"));
    let (diary, _) = lived(scenario, 4.5);
    assert_eq!(diary.timed(), "0 a, 1 d, 2 b, 3 c, 4 a");
}

#[test]
fn a_schedule_belongs_to_its_set_and_an_unknown_name_is_an_exception() {
    let set = TaskSet::new("inner").task(1, "x", async |writer: &mut Writer, user: &mut User| {
        writer.diary.write("x");
        user.schedule("after");
        Err(TaskError::interrupt())
    });
    let outer = TaskSet::sequential("outer")
        .task(1, "after", async |writer: &mut Writer, user: &mut User| {
            writer.diary.write("after");
            user.schedule("nowhere");
            Ok(())
        })
        .set(1, set);
    let (diary, summary) = lived(writer().wait(constant(1.0)).set(1, outer), 2.5);
    assert_eq!(diary.timed(), "0 after, 2 x, 2 after");
    assert_eq!(messages(&summary), ["1x no task `nowhere` in `outer` to schedule"]);
}

/// A set's own state, and what it shares with the state around it.
struct Basket {
    bought: Rc<Cell<u32>>,
    inside: u32,
}

struct Customer {
    diary: Diary,
    bought: Rc<Cell<u32>>,
}

#[test]
fn a_set_may_have_a_state_of_its_own_made_each_time() {
    let set = TaskSet::sequential("basket")
        .task(2, "take", async |basket: &mut Basket, _: &mut User| {
            basket.inside += 1;
            Ok(())
        })
        .task(1, "pay", async |basket: &mut Basket, _: &mut User| {
            basket.bought.set(basket.bought.get() + basket.inside);
            Err(TaskError::interrupt_then_wait())
        });
    let enter = async |customer: &mut Customer, _: &mut User| {
        customer.diary.write(customer.bought.get().to_string());
        Ok(Basket { bought: Rc::clone(&customer.bought), inside: 0 })
    };
    let scenario = Scenario::new("Customer", async |user: &mut User| {
        let diary = (*user.provided::<Diary>()?).clone();
        Ok(Customer { diary, bought: Rc::default() })
    })
    .wait(constant(1.0))
    .set_with(1, set, enter);
    let diary = Diary::default();
    run(swarm(&diary).scenario(scenario), alone(6.5), quick()).unwrap();
    assert_eq!(diary.timed(), "0 0, 3 2, 6 4");
}

#[test]
fn an_exception_is_counted_not_a_failed_request_and_the_wait_is_honoured() {
    let scenario = writer()
        .wait(constant(1.0))
        .task(1, "bad", ends("bad", || TaskError::message("oh")))
        .on_stop(writes("stop"));
    let (diary, summary) = lived(scenario, 2.5);
    assert_eq!(diary.timed(), "0 bad, 1 bad, 2 bad, 2.5 stop");
    assert_eq!(messages(&summary), ["3x oh"]);
    assert_eq!(summary.total.figures.requests, 0);
    assert!(summary.has_problems());
}

#[test]
fn a_panic_counts_as_an_exception_and_the_user_goes_on() {
    let scenario =
        writer().wait(constant(1.0)).task(1, "bad", async |writer: &mut Writer, _: &mut User| {
            writer.diary.write("bad");
            panic!("no luck")
        });
    let (diary, summary) = lived(scenario, 1.5);
    assert_eq!(diary.timed(), "0 bad, 1 bad");
    assert_eq!(messages(&summary), ["2x panicked: no luck"]);
}

#[test]
fn without_catching_an_exception_ends_the_user_without_on_stop() {
    let set = TaskSet::new("set").on_stop(writes("never")).task(
        1,
        "bad",
        ends("bad", || TaskError::message("oh")),
    );
    let scenario = writer().wait(constant(1.0)).set(1, set).on_stop(writes("never"));
    let diary = Diary::default();
    let swarm = swarm(&diary).scenario(scenario).catch_exceptions(false);
    let summary = run(swarm, alone(5.0), quick()).unwrap();
    assert_eq!(diary.timed(), "0 bad");
    assert_eq!(messages(&summary), ["1x oh"]);
}

#[test]
fn stop_user_ends_one_user_from_the_innermost_set_out() {
    let inner = TaskSet::new("inner").on_stop(writes("inner")).task(
        1,
        "x",
        ends("x", TaskError::stop_user),
    );
    let outer = TaskSet::new("outer").on_stop(writes("outer")).set(1, inner);
    let scenario = writer().set(1, outer).on_stop(writes("user"));
    let (diary, summary) = steered_life(scenario, alone(9.0), async |handle| {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let summary = handle.summary().await.unwrap();
        assert_eq!(summary.user_count(), 0, "nobody takes its place");
    });
    assert_eq!(diary.text(), "x inner outer user");
    assert!(!summary.has_problems());
}

#[test]
fn stop_test_ends_all_users() {
    let scenario = writer()
        .wait(constant(1.0))
        .task(1, "x", async |writer: &mut Writer, _: &mut User| {
            writer.done += 1;
            if writer.done == 3 { Err(TaskError::stop_test("enough")) } else { Ok(()) }
        })
        .on_stop(writes("stop"));
    let options = Options { users: Some(5), spawn_rate: Some(100.0), ..alone(100.0) };
    let diary = Diary::default();
    run(swarm(&diary).scenario(scenario), options, quick()).unwrap();
    let stops = diary.times("stop");
    assert_eq!(stops.len(), 5);
    assert!(stops.iter().all(|&at| at < 3.0), "{stops:?}");
}

#[test]
fn the_stop_timeout_spares_the_innermost_task_only() {
    let inner = TaskSet::sequential("inner")
        .on_stop(writes("inner"))
        .task(1, "long", takes("long", 3.0))
        .task(1, "next", writes("next"));
    let scenario = writer().set(1, inner).on_stop(writes("user"));
    let stop_timeout = Duration::from_secs(10);
    let options = Options { stop_timeout, ..alone(2.0) };
    let (diary, _) = steered_life(scenario, options, async |_| {
        tokio::time::sleep(Duration::from_secs(2)).await;
    });
    // The task in hand is finished, the next one of the set is not begun.
    assert_eq!(diary.timed(), "0 long, 3 /long, 3 inner, 3 user");
}

#[test]
fn the_stop_timeout_is_a_limit_and_without_it_a_task_is_cut() {
    for (timeout, end) in [(0, "2 user"), (4, "6 user")] {
        let scenario = writer().task(1, "long", takes("long", 30.0)).on_stop(writes("user"));
        let stop_timeout = Duration::from_secs(timeout);
        let (diary, _) =
            steered_life(scenario, Options { stop_timeout, ..alone(2.0) }, async |_| {
                tokio::time::sleep(Duration::from_secs(2)).await;
            });
        assert_eq!(diary.timed(), format!("0 long, {end}"));
    }
}

#[test]
fn a_waiting_user_ends_at_once_within_the_stop_timeout() {
    let scenario = writer().wait(constant(60.0)).task(1, "a", writes("a")).on_stop(writes("user"));
    let stop_timeout = Duration::from_secs(30);
    let (diary, _) = steered_life(scenario, Options { stop_timeout, ..alone(2.0) }, async |_| {
        tokio::time::sleep(Duration::from_secs(2)).await;
    });
    assert_eq!(diary.timed(), "0 a, 2 user");
}

#[test]
fn on_stop_runs_with_requests_of_its_own_after_a_stop() {
    let scenario = writer().task(1, "long", takes("long", 30.0)).on_stop(
        async |writer: &mut Writer, user: &mut User| {
            user.post("/logout").send().await?;
            writer.diary.write("out");
            Ok(())
        },
    );
    let (diary, summary) = lived(scenario, 2.0);
    assert_eq!(diary.timed(), "0 long, 2.01 out");
    assert_eq!(summary.total.figures.requests, 1);
}

#[test]
fn an_error_at_the_start_ends_the_user_without_on_stop_or_replacement() {
    let scenario = Scenario::new("Writer", async |user: &mut User| {
        user.provided::<Diary>()?.write("start");
        Err::<Writer, _>(TaskError::message("no key"))
    });
    let scenario = scenario.task(1, "never", writes("never")).on_stop(writes("never"));
    let (diary, summary) = lived(scenario, 30.0);
    assert_eq!(diary.text(), "start");
    assert_eq!(messages(&summary), ["1x no key"]);
}

#[test]
fn a_class_without_tasks_counts_exceptions_and_does_not_spin() {
    let (_, summary) = lived(writer(), 4.5);
    assert_eq!(messages(&summary), ["5x No tasks defined on Writer"]);
}
