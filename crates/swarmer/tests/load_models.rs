//! Stages, shapes and limits on virtual time: who runs when, and when it ends.
#![expect(clippy::unwrap_used, reason = "code of tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use swarmer::load::{Shape, ShapeTime, Stages, Target};
use swarmer::options::Options;
use swarmer::prelude::*;
use swarmer::stats::Summary;
use swarmer::testing::{Handle, Script, ScriptedReply, State, run, steered};

const MS: Duration = Duration::from_millis(1);

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

fn plain(name: &str) -> Scenario<Plain> {
    Scenario::new(name, Plain::arrive).task(1, "get", Plain::get).wait(constant(0.1))
}

fn swarm() -> Swarm {
    Swarm::new("test", "1.0").scenario(plain("A"))
}

fn quick() -> Script {
    Script::new(|_| ScriptedReply::new(200).after(10 * MS))
}

/// Users at half past every second, until the run is over.
async fn watched(handle: Handle, users: Arc<Mutex<Vec<u64>>>) {
    tokio::time::sleep(500 * MS).await;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if handle.state() == State::Stopped {
            return;
        }
        let summary = handle.summary().await.unwrap();
        users.lock().unwrap().push(summary.user_count());
    }
}

/// A run, and its users at each second from the first.
fn course(swarm: Swarm, options: Options) -> (Summary, Vec<u64>) {
    let users = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&users);
    let summary = steered(swarm, options, quick(), async |handle| watched(handle, sink).await);
    (summary.unwrap(), Arc::into_inner(users).unwrap().into_inner().unwrap())
}

fn staged(stages: &str) -> Options {
    Options { stages: Some(stages.to_owned()), ..Options::default() }
}

#[test]
fn stages_have_the_users_they_plan() {
    let text = "20s:10, 10s:10, 10s:40@5, 0s:12, 5s:12, 20s:0";
    let stages: Stages = text.parse().unwrap();
    let (_, users) = course(swarm(), staged(text));
    assert_eq!(users.len(), 64, "the run ends with the last stage");
    for (second, users) in (1_u32..).zip(users) {
        // Starts show at once, stops with the report of the next second.
        let at = Duration::from_secs(second.into()) + 500 * MS;
        let planned =
            (0..65).map(|tens| stages.users_at((at + 20 * MS).saturating_sub(tens * 10 * MS)));
        let (low, high) = (planned.clone().min().unwrap(), planned.max().unwrap());
        assert!(
            (u64::from(low)..=u64::from(high)).contains(&users),
            "{users} users after {second}.5 s, {low} to {high} planned"
        );
    }
}

#[test]
fn a_run_time_cuts_the_stages_short() {
    let options = Options { run_time: Some(Duration::from_secs(3)), ..staged("1m:60") };
    let summary = run(swarm(), options, quick()).unwrap();
    assert!((summary.at - summary.start - 3.0).abs() < 0.1, "{}", summary.at - summary.start);
}

/// What a shape saw, and what it wants by a table.
struct Table {
    rows: Vec<Option<Target>>,
    seen: Arc<Mutex<Vec<ShapeTime>>>,
}

impl Shape for Table {
    fn tick(&mut self, time: &ShapeTime) -> Option<Target> {
        self.seen.lock().unwrap().push(*time);
        let second = usize::try_from(time.run_time.as_secs()).unwrap();
        self.rows.get(second).cloned().flatten()
    }
}

#[test]
fn a_shape_is_asked_once_a_second_and_obeyed() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let plan: [(u32, f64); 12] = [
        (4, 4.0),
        (4, 4.0),
        (4, 4.0),
        // Slower than a second: ticks go on meanwhile, and the same answer changes nothing.
        (10, 2.0),
        (10, 2.0),
        (10, 2.0),
        (10, 2.0),
        // Down at once, and up again before that is long done.
        (1, 100.0),
        (1, 100.0),
        (6, 100.0),
        (6, 100.0),
        (6, 100.0),
    ];
    let rows = plan.into_iter().map(|target| Some(target.into())).collect();
    let shape = Table { rows, seen: Arc::clone(&seen) };
    let (summary, users) = course(swarm().shape(shape), Options::default());
    // Half a second after each tick; stops show with the report of the next second.
    assert_eq!(users[..11], [4, 4, 5, 7, 9, 10, 10, 1, 6, 6, 6], "{users:?}");
    assert!((summary.at - summary.start - 12.0).abs() < 0.1, "{}", summary.at - summary.start);
    let seen = seen.lock().unwrap();
    let seconds: Vec<u64> = seen.iter().map(|time| time.run_time.as_secs()).collect();
    assert!(seconds.into_iter().eq(0..13));
    assert!(seen.iter().all(|time| time.run_time.subsec_millis() < 5), "on the second: {seen:?}");
    let planned: Vec<u32> = seen.iter().map(|time| time.users).collect();
    assert_eq!(
        planned,
        [0, 4, 4, 4, 7, 9, 10, 10, 1, 1, 6, 6, 6],
        "what a shape sees, those due now included"
    );
}

#[test]
fn a_shape_chooses_classes() {
    let by_class = Arc::new(Mutex::new(Vec::new()));
    let shape = |time: &ShapeTime| -> Option<Target> {
        match time.run_time.as_secs() {
            0..3 => Some((4, 100.0, vec!["B"]).into()),
            3..6 => Some((8, 100.0, vec!["A"]).into()),
            6..9 => Some((10, 100.0, vec!["A", "B"]).into()),
            _ => None,
        }
    };
    let sink = Arc::clone(&by_class);
    let swarm = swarm().scenario(plain("B")).shape(shape);
    steered(swarm, Options::default(), quick(), async |handle| {
        for _ in 0..3 {
            tokio::time::sleep(2_500 * MS).await;
            let users = handle.summary().await.unwrap().users;
            sink.lock().unwrap().push(users);
        }
    })
    .unwrap();
    let counts: Vec<(u64, u64)> =
        by_class.lock().unwrap().iter().map(|users| (users["A"], users["B"])).collect();
    assert_eq!(counts, [(0, 4), (4, 4), (5, 5)]);
}

#[test]
fn a_shape_that_asks_for_what_cannot_be_ends_the_run() {
    let unknown =
        |_: &ShapeTime| Some(Target { users: 1, rate: 1.0, classes: Some(vec!["C".into()]) });
    let error = run(swarm().shape(unknown), Options::default(), quick()).unwrap_err();
    assert_eq!(error.to_string(), "unknown user class C");
    let still = |_: &ShapeTime| Some((1, 0.0));
    let error = run(swarm().shape(still), Options::default(), quick()).unwrap_err();
    assert!(error.to_string().starts_with("invalid spawn rate 0"), "{error}");
}

fn limited(users: u32, all: Option<u64>, each: Option<u64>) -> Options {
    let (iterations, iterations_per_user) = (all, each);
    let (users, spawn_rate) = (Some(users), Some(100.0));
    Options { users, spawn_rate, iterations, iterations_per_user, ..Options::default() }
}

#[test]
fn iterations_in_all_are_exact_and_end_the_run() {
    for (users, iterations) in [(1, 1), (3, 100), (50, 20), (10, 1000)] {
        let summary = run(swarm(), limited(users, Some(iterations), None), quick()).unwrap();
        assert_eq!(summary.total.figures.requests, iterations, "{users} users");
        let each = iterations.div_ceil(u64::from(users));
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let needed = each as f64 * 0.11;
        let took = summary.at - summary.start;
        assert!(took < needed + 2.0, "{took} s for {each} tasks per user");
    }
}

#[test]
fn iterations_per_user_are_exact_and_end_the_run() {
    let summary = run(swarm(), limited(7, None, Some(13)), quick()).unwrap();
    assert_eq!(summary.total.figures.requests, 7 * 13);
    let summary = run(swarm(), limited(7, Some(50), Some(13)), quick()).unwrap();
    assert_eq!(summary.total.figures.requests, 50, "the smaller limit counts");
}

#[test]
fn the_last_iteration_is_finished_whatever_the_stop_timeout() {
    let slow = Script::new(|_| ScriptedReply::new(200).after(Duration::from_secs(40)));
    let options = Options { stop_timeout: Duration::ZERO, ..limited(2, Some(3), None) };
    let summary = run(swarm(), options, slow).unwrap();
    assert_eq!((summary.total.figures.requests, summary.aborted), (3, 0));
}

#[test]
fn a_ceiling_on_requests_is_reached_and_kept() {
    for (rate, seconds) in [(50.0, 20_u32), (2_000.0, 3), (0.5, 60)] {
        let options = Options {
            users: Some(400),
            spawn_rate: Some(100_000.0),
            max_rate: Some(rate),
            run_time: Some(Duration::from_secs(seconds.into())),
            ..Options::default()
        };
        let summary = run(swarm(), options, quick()).unwrap();
        let (sent, ceiling) = (summary.total.figures.requests, rate * f64::from(seconds));
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let sent = sent as f64;
        assert!(sent <= ceiling * 1.002 + 1.0, "{sent} of {ceiling}");
        assert!(sent >= ceiling * 0.93 - 1.0, "{sent} of {ceiling}");
        assert!(summary.total.figures.max < 15.0, "waiting for one's turn is no response time");
    }
}
