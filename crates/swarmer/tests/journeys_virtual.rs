//! Journeys on virtual time: scripted answers, exact funnels.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use swarmer::options::Options;
use swarmer::prelude::*;
use swarmer::stats::{Ending, Funnel, Kind, Step, Summary, Times};
use swarmer::testing::{Script, ScriptedReply, run, steered};

const MS: Duration = Duration::from_millis(1);

fn options(users: u32, iterations: u64) -> Options {
    Options {
        users: Some(users),
        spawn_rate: Some(1000.0),
        iterations_per_user: Some(iterations),
        ..Options::default()
    }
}

/// Answers take as many milliseconds as the path says after its last slash; `/fail` is refused.
fn script() -> Script {
    Script::new(|request| {
        let millis = request.target.rsplit('/').next().and_then(|text| text.parse().ok());
        let status = if request.target.starts_with("/fail") { 503 } else { 200 };
        ScriptedReply::new(status).after(MS * millis.unwrap_or(10))
    })
}

fn swarm<S: 'static>(scenario: Scenario<S>) -> Swarm {
    Swarm::new("journeys", "1").scenario(scenario)
}

fn funnel<'s>(summary: &'s Summary, task: &str) -> &'s Funnel {
    let found = summary.funnels.iter().find(|funnel| *funnel.task == *task);
    found.unwrap_or_else(|| panic!("a funnel of {task} in {:?}", summary.funnels))
}

fn ends(funnel: &Funnel) -> Vec<(&str, u64)> {
    funnel.ends.iter().map(|Ending { outcome, runs }| (&**outcome, *runs)).collect()
}

/// Name, runs, ended here, requests, failures.
fn steps(funnel: &Funnel) -> Vec<(&str, u64, u64, u64, u64)> {
    let of = |step: &'_ Step| (step.runs, step.ended_here, step.requests, step.failures);
    let steps = funnel.steps.iter().map(|step| (&*step.name, of(step)));
    steps
        .map(|(name, (runs, ended, requests, failures))| (name, runs, ended, requests, failures))
        .collect()
}

#[track_caller]
fn assert_times(times: &Times, count: u64, mean: f64, max: f64) {
    // Timers have a resolution of a millisecond.
    let close = |a: f64, b: f64| (a - b).abs() < 2.0;
    assert!(times.count == count && close(times.mean, mean) && close(times.max, max), "{times:?}");
}

/// The n-th run of the whole test decides what it does.
#[derive(Clone)]
struct Clerk(Arc<Mutex<u64>>);

impl Clerk {
    fn scenario(
        task: impl AsyncFn(&mut Self, &mut User) -> TaskResult + Send + Sync + 'static,
    ) -> Scenario<Self> {
        let runs = Self(Arc::default());
        Scenario::new("Clerk", async move |_: &mut User| Ok(runs.clone())).task(1, "Task", task)
    }

    fn turn(&self) -> u64 {
        let mut turns = self.0.lock().expect("nobody panics while holding it");
        *turns += 1;
        *turns - 1
    }
}

#[test]
fn a_funnel_says_how_far_runs_came_what_took_time_and_how_they_ended() {
    let clerks = Clerk::scenario(async |clerk: &mut Clerk, user: &mut User| {
        let turn = clerk.turn() % 10;
        user.get("/find/20").name("1. Find").send().await?;
        if turn == 0 {
            user.outcome("none found");
            return Err(TaskError::end_task());
        }
        user.think(constant(1.0)).await;
        if turn < 4 {
            user.get("/mark/30").name("2. Mark").send().await?;
            user.think(constant(2.0)).await;
        }
        let path = if turn == 5 { "/fail/40" } else { "/decide/40" };
        user.put(path).name("3. Decide").send().await?;
        if turn == 6 {
            user.outcome("nobody reads this");
            user.outcome("lost a race");
            return Ok(());
        }
        user.think(constant(0.5)).await;
        user.get("/view/10").name("4. View").send().await?;
        user.get("/view/10").name("4. View").send().await?;
        Ok(())
    });
    let summary = run(swarm(clerks), options(2, 50), script()).unwrap();

    let funnel = funnel(&summary, "Task");
    assert_eq!((&*funnel.scenario, funnel.runs), ("Clerk", 100));
    assert_eq!(
        ends(funnel),
        [("finished", 70), ("failed", 10), ("lost a race", 10), ("none found", 10)]
    );
    assert_eq!(
        steps(funnel),
        [
            ("1. Find", 100, 10, 100, 0),
            ("2. Mark", 30, 0, 30, 0),
            ("3. Decide", 90, 20, 90, 10),
            ("4. View", 70, 70, 140, 0),
        ]
    );
    let [find, mark, decide, view] = &funnel.steps[..] else { panic!("four steps") };
    assert_times(&find.time, 100, 20.0, 20.0);
    assert_times(&find.before, 0, 0.0, 0.0);
    assert_times(&mark.time, 30, 30.0, 30.0);
    assert_times(&mark.before, 30, 1000.0, 1000.0);
    assert_times(&decide.before, 90, (30.0 * 2000.0 + 60.0 * 1000.0) / 90.0, 2000.0);
    assert_times(&view.before, 140, 250.0, 500.0);
    // Of ten runs one ends after 20 ms, two after 1,060; three finish after 3,610 (3,500 without requests), four after
    // 1,580 (1,500).
    let mean =
        |parts: [f64; 4]| (parts[0] + 2.0 * parts[1] + 3.0 * parts[2] + 4.0 * parts[3]) / 10.0;
    assert_times(&funnel.duration, 100, mean([20.0, 1060.0, 3610.0, 1580.0]), 3610.0);
    assert_times(&funnel.between, 100, mean([0.0, 1000.0, 3500.0, 1500.0]), 3500.0);

    let journeys: Vec<_> = summary.journeys().collect();
    let [row] = journeys[..] else { panic!("{journeys:?}") };
    assert_eq!((&*row.method, &*row.name), ("Clerk", "Task"));
    assert_eq!((row.figures.requests, row.figures.failures), (100, 10));
    assert!((row.figures.mean - funnel.duration.mean).abs() < 1e-9);
    let failed: Vec<_> = summary.errors.iter().map(|e| (e.kind, &*e.name, e.occurrences)).collect();
    assert_eq!(failed, [(Kind::Request, "3. Decide", 10), (Kind::Journey, "Task", 10)]);
    assert_eq!(summary.errors[0].error, summary.errors[1].error);
    assert_eq!(summary.total.figures.requests, 360, "journeys are no requests");
    assert_eq!(summary.classes.len(), 1);
    assert_eq!(summary.classes[0].figures.requests, 360);
}

#[test]
fn a_run_without_a_request_is_no_journey_and_neither_are_start_stop_and_what_is_aside() {
    struct Member;
    impl Member {
        async fn arrive(user: &mut User) -> Result<Self, TaskError> {
            user.get("/arrive").send().await?;
            user.outcome("there is no run to say it of");
            Ok(Self)
        }
        async fn leave(&mut self, user: &mut User) -> TaskResult {
            user.get("/leave").send().await?;
            Ok(())
        }
        async fn idle(&mut self, user: &mut User) -> TaskResult {
            user.outcome("did nothing");
            user.think(constant(1.0)).await;
            Ok(())
        }
        async fn renew(&mut self, user: &mut User) -> TaskResult {
            user.aside(async |user| user.get("/token/500").name("Token").send().await).await?;
            // A block that is given up is over, too.
            let late = user.aside(async |user| user.get("/token/90000").name("Token").send().await);
            assert!(tokio::time::timeout(MS * 100, late).await.is_err());
            user.get("/read/10").name("Read").send().await?;
            Ok(())
        }
        async fn refused(&mut self, user: &mut User) -> TaskResult {
            user.aside(async |user| user.get("/fail/5").name("Token").send().await).await?;
            Ok(())
        }
    }
    let tasks = TaskSet::sequential("Inner")
        .on_start(async |_: &mut Member, user: &mut User| {
            user.get("/enter").send().await?;
            Ok(())
        })
        .task(1, "Idle", Member::idle)
        .task(1, "Renew", Member::renew)
        .task(1, "Refused", Member::refused)
        .task(1, "Leaves", async |_: &mut Member, user: &mut User| {
            user.get("/bye").name("Bye").send().await?;
            Err(TaskError::interrupt())
        });
    let scenario = Scenario::new("Member", Member::arrive).on_stop(Member::leave).set(1, tasks);
    let summary = run(swarm(scenario), options(3, 4), script()).unwrap();
    let tasks: Vec<_> = summary.funnels.iter().map(|funnel| &*funnel.task).collect();
    assert_eq!(tasks, ["Leaves", "Renew"], "by name; a set is no task");
    let renewed = funnel(&summary, "Renew");
    assert_eq!(steps(renewed), [("Read", 3, 3, 3, 0)]);
    assert_times(&renewed.duration, 3, 10.0, 10.0);
    assert_eq!(ends(funnel(&summary, "Leaves")), [("finished", 3)]);
    let counted = |name: &str| {
        let row = summary.requests().find(|row| *row.name == *name);
        row.map(|row| row.figures.requests)
    };
    assert_eq!([counted("/arrive"), counted("/enter"), counted("/leave")], [Some(3); 3]);
    assert_eq!(counted("Token"), Some(6), "what is aside is counted as ever");
    assert_eq!(summary.aborted, 3, "given up by the task");
}

#[test]
fn a_run_that_is_stopped_is_cut_off_and_has_no_duration() {
    let clerks = Clerk::scenario(async |_: &mut Clerk, user: &mut User| {
        user.get("/a/10").name("A").send().await?;
        user.outcome("that is not how it ended");
        user.think(constant(100.0)).await;
        user.get("/b/10").name("B").send().await?;
        Ok(())
    });
    let options = Options { users: Some(4), spawn_rate: Some(1000.0), ..Options::default() };
    let summary = steered(swarm(clerks), options, script(), async |_| {
        // The second runs have begun: 100.02 s each.
        tokio::time::sleep(Duration::from_secs(150)).await;
    })
    .unwrap();
    let funnel = funnel(&summary, "Task");
    assert_eq!(ends(funnel), [("cut off", 4), ("that is not how it ended", 4)]);
    assert_eq!(steps(funnel), [("A", 8, 4, 8, 0), ("B", 4, 4, 4, 0)]);
    assert_times(&funnel.duration, 4, 100_020.0, 100_020.0);
    let journeys: u64 = summary.journeys().map(|row| row.figures.requests).sum();
    assert_eq!(journeys, 4, "a cut run is no row");
}

#[test]
fn steps_are_in_the_order_of_the_runs_whatever_their_names_and_shares() {
    // A long way round that few take: by its mean place alone the last step would stand within it.
    let clerks = Clerk::scenario(async |clerk: &mut Clerk, user: &mut User| {
        let turn = clerk.turn();
        let mut names = vec!["start"];
        if turn.is_multiple_of(10) {
            names.extend(["round 3", "round 2", "round 1"]);
        }
        // Two steps on whose order runs do not agree: two of three see `x` first.
        names.extend(if turn.is_multiple_of(3) { ["y", "x"] } else { ["x", "y"] });
        names.push("a last one");
        for name in names {
            user.get("/").name(name).send().await?;
        }
        Ok(())
    });
    let summary = run(swarm(clerks), options(1, 60), script()).unwrap();
    let order: Vec<_> = steps(funnel(&summary, "Task")).iter().map(|step| step.0).collect();
    assert_eq!(order, ["start", "round 3", "round 2", "round 1", "x", "y", "a last one"]);
}

#[test]
fn alternatives_keep_their_places_whichever_of_them_a_short_way_led_to() {
    for short in ["approve", "deny"] {
        let clerks = Clerk::scenario(async move |clerk: &mut Clerk, user: &mut User| {
            let names = match clerk.turn() % 3 {
                0 => ["find", "review", "approve", "read"].as_slice(),
                1 => &["find", "review", "deny", "read"],
                // The one that is next without a review, in no run of the other.
                _ => &["find", short, "read"],
            };
            for name in names {
                user.get("/").name(name).send().await?;
            }
            Ok(())
        });
        let summary = run(swarm(clerks), options(1, 30), script()).unwrap();
        let order: Vec<_> = steps(funnel(&summary, "Task")).iter().map(|step| step.0).collect();
        assert_eq!(order, ["find", "review", "approve", "deny", "read"], "short: {short}");
    }
}

#[test]
fn requests_of_other_protocols_are_steps_and_those_within_others_have_no_pause() {
    let clerks = Clerk::scenario(async |_: &mut Clerk, user: &mut User| {
        user.get("/a/10").name("A").send().await?;
        user.think(constant(1.0)).await;
        user.measure("FLOW", "Whole", async |user: &mut User| {
            user.think(constant(2.0)).await;
            user.get("/in/20").name("Inner").send().await?;
            user.think(constant(3.0)).await;
            Ok(())
        })
        .await?;
        user.think(constant(4.0)).await;
        user.record(CustomRequest::new("MQTT", "Message").response_time(MS * 1500));
        user.record(CustomRequest::new("MQTT", "Beat"));
        Ok(())
    });
    let summary = run(swarm(clerks), options(1, 1), script()).unwrap();
    let funnel = funnel(&summary, "Task");
    let names: Vec<_> = funnel.steps.iter().map(|s| (&*s.method, &*s.name)).collect();
    let expected =
        [("GET", "A"), ("GET", "Inner"), ("FLOW", "Whole"), ("MQTT", "Message"), ("MQTT", "Beat")];
    assert_eq!(names, expected, "in the order in which they ended");
    let [_, inner, whole, message, beat] = &funnel.steps[..] else { panic!("five steps") };
    assert_times(&inner.before, 0, 0.0, 0.0);
    assert_times(&whole.before, 1, 1000.0, 1000.0);
    assert_times(&whole.time, 1, 5020.0, 5020.0);
    assert_times(&message.before, 1, 2500.0, 2500.0);
    assert_times(&beat.before, 1, 0.0, 0.0);
    assert_eq!((beat.requests, beat.time.count), (1, 0));
    assert_times(&funnel.duration, 1, 10.0 + 1000.0 + 5020.0 + 4000.0, 10_030.0);
    assert_times(&funnel.between, 1, 3500.0, 3500.0);
}

#[test]
fn at_an_arrival_rate_each_arrival_is_a_journey_and_signing_in_for_it_is_none_of_it() {
    let visitors = Scenario::new("Visitor", async |user: &mut User| {
        user.get("/login/300").name("Login").send().await?;
        Ok(())
    })
    .task(1, "Visit", async |(): &mut (), user: &mut User| {
        user.get("/a/10").name("A").send().await?;
        user.think(constant(0.2)).await;
        user.get("/b/20").name("B").send().await?;
        Ok(())
    });
    let options = Options {
        rate: Some("50/s".to_owned()),
        run_time: Some(Duration::from_secs(20)),
        stop_timeout: Duration::from_secs(30),
        ..Options::default()
    };
    let summary = run(swarm(visitors), options, script()).unwrap();
    let (funnel, schedule) = (funnel(&summary, "Visit"), summary.schedule.as_ref().unwrap());
    assert!(funnel.runs > 800 && funnel.runs == schedule.started, "{funnel:?} {schedule:?}");
    assert_eq!(ends(funnel), [("finished", funnel.runs)]);
    assert_eq!(steps(funnel).iter().map(|step| step.0).collect::<Vec<_>>(), ["A", "B"]);
    assert_times(&funnel.duration, funnel.runs, 230.0, 230.0);
}

#[test]
fn an_exception_and_a_panic_are_failed_journeys_with_their_texts() {
    let clerks = Clerk::scenario(async |clerk: &mut Clerk, user: &mut User| {
        let _ = user.get("/fail/10").name("A").send().await;
        match clerk.turn() {
            0 => Err(TaskError::message("no such claim")),
            1 => panic!("out of paper"),
            _ => Ok(()),
        }
    });
    let summary = run(swarm(clerks), options(1, 3), script()).unwrap();
    assert_eq!(ends(funnel(&summary, "Task")), [("failed", 2), ("finished", 1)]);
    let failed = summary.errors.iter().filter(|error| error.kind == Kind::Journey);
    let texts: Vec<_> = failed.map(|error| &*error.error).collect();
    assert_eq!(texts, ["no such claim", "panicked: out of paper"]);
    assert_eq!(summary.journeys().next().unwrap().figures.failures, 2);
}

#[test]
fn tasks_steps_and_outcomes_without_end_are_folded_where_it_shows() {
    use swarmer::stats::limits;
    let clerks = Clerk::scenario(async |clerk: &mut Clerk, user: &mut User| {
        let turn = clerk.turn();
        user.get("/").name("start").send().await?;
        for n in 0..3 {
            user.get("/").name(&format!("page {turn} {n}")).send().await?;
        }
        user.outcome(&format!("read to page {turn}{}", "…".repeat(100)));
        Ok(())
    });
    let summary = run(swarm(clerks), options(1, 100), script()).unwrap();
    let funnel = funnel(&summary, "Task");
    assert_eq!(funnel.steps.len(), limits::STEPS);
    let other = funnel.steps.iter().find(|step| *step.name == *limits::OTHER).unwrap();
    assert_eq!(other.requests, 400 - 100 - (limits::STEPS as u64 - 2));
    assert!(other.runs <= funnel.runs && other.runs >= 79, "{other:?}");
    assert_eq!(funnel.steps.iter().map(|step| step.ended_here).sum::<u64>(), 100);
    assert_eq!(
        funnel.ends.len(),
        limits::OUTCOMES - 3 + 1,
        "three are kept for those of every journey"
    );
    assert_eq!(ends(funnel)[0], (limits::OTHER, 100 - (limits::OUTCOMES as u64 - 3)));
    assert!(funnel.ends.iter().all(|end| end.outcome.len() <= limits::OUTCOME_BYTES));
}
