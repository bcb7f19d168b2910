//! Single requests that are kept: the slowest and the failed ones of each row, on virtual time.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use swarmer::options::Options;
use swarmer::prelude::*;
use swarmer::stats::{Exemplar, Summary, Why, limits};
use swarmer::testing::{Script, ScriptedReply, run, steered};

const MS: Duration = Duration::from_millis(1);

/// The trace ids that arrived, by target.
type Seen = Arc<Mutex<HashMap<String, String>>>;

/// `/n` takes n milliseconds, every fifth ten seconds instead and then fails; a header tells what nobody may keep.
fn script(seen: &Seen) -> Script {
    let seen = Arc::clone(seen);
    Script::new(move |request| {
        let trace = request.header("traceparent").unwrap_or_default()[3..35].to_owned();
        seen.lock().unwrap().insert(request.target.clone(), trace);
        let n: u32 = request.target[1..].parse().unwrap_or_default();
        if n.is_multiple_of(5) {
            let body = format!("{{\"number\":{n},\n\"reason\":\"{}\"}}", "too busy ".repeat(100));
            return ScriptedReply::new(503).body(body).after(MS * 10_000);
        }
        ScriptedReply::new(200).body("fine").after(MS * n)
    })
}

/// A user that asks for `/1`, `/2` and so on, one in each task, in two segments.
struct Counting(Arc<Mutex<u32>>);

impl Counting {
    fn scenario() -> Scenario<Self> {
        let counter = Arc::default();
        Scenario::new("Counting", async move |user: &mut User| {
            user.set_bearer("a-secret-token");
            Ok(Self(Arc::clone(&counter)))
        })
        .wait(constant(0.5))
        .task(1, "Ask", Self::ask)
    }

    async fn ask(&mut self, user: &mut User) -> TaskResult {
        let n = {
            let mut counter = self.0.lock().unwrap();
            *counter += 1;
            *counter
        };
        user.set_segment(if n % 2 == 0 { "even" } else { "odd" });
        user.get(&format!("/{n}")).name("Ask").send().await?;
        Ok(())
    }
}

fn of(summary: &Summary, why: Why) -> Vec<&Exemplar> {
    summary.exemplars.iter().filter(|exemplar| exemplar.why == why).collect()
}

#[test]
fn the_slowest_and_the_failed_are_kept_with_all_that_finds_them_again() {
    let seen = Seen::default();
    let options = Options {
        users: Some(3),
        spawn_rate: Some(100.0),
        iterations: Some(999),
        ..Options::default()
    };
    let swarm = Swarm::new("exemplars", "1").scenario(Counting::scenario());
    let summary = run(swarm, options, script(&seen)).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(summary.total.figures.requests, 999);

    let slow = of(&summary, Why::Slow);
    let times: Vec<_> = slow.iter().map(|exemplar| exemplar.time.unwrap().round()).collect();
    assert_eq!(times, [999.0, 998.0, 997.0, 996.0, 994.0], "the slowest that succeeded");
    for (exemplar, n) in slow.iter().zip([999, 998, 997, 996, 994]) {
        assert_eq!(exemplar.trace.as_ref(), seen[&format!("/{n}")]);
        assert_eq!((&*exemplar.method, &*exemplar.name, exemplar.status), ("GET", "Ask", 200));
        assert_eq!(exemplar.segment.as_deref(), Some(if n % 2 == 0 { "even" } else { "odd" }));
        assert_eq!((&*exemplar.scenario, exemplar.user < 3), ("Counting", true));
        assert!(exemplar.error.is_none() && exemplar.excerpt.is_none());
        assert!(exemplar.at > summary.start && exemplar.at <= summary.at);
    }

    let failed = of(&summary, Why::Failed);
    assert_eq!(failed.len(), limits::EXEMPLARS_PER_ROW);
    assert!(failed.is_sorted_by(|a, b| a.at >= b.at), "the latest first");
    for exemplar in failed {
        assert_eq!((exemplar.status, exemplar.time.unwrap().round()), (503, 10_000.0));
        let error = exemplar.error.as_deref().unwrap();
        assert!(error.starts_with("HTTPError('503 Server Error"), "{error}");
        let excerpt = exemplar.excerpt.as_deref().unwrap();
        assert!(excerpt.contains(", \"reason\":\"too busy too busy "), "{excerpt}");
        assert!(excerpt.len() <= limits::EXCERPT_BYTES, "{excerpt}");
        let number: u32 =
            excerpt["{\"number\":".len()..].split(',').next().unwrap().parse().unwrap();
        assert!(number > 900, "recent: {excerpt}");
        assert_eq!(exemplar.trace.as_ref(), seen[&format!("/{number}")]);
    }
    let document = serde_json::to_string(&summary).unwrap();
    assert!(!document.contains("secret"), "no header of a request is kept");
}

#[test]
fn after_a_reset_requests_are_kept_anew() {
    struct Slowing;
    let start = async |_: &mut User| Ok(Slowing);
    let slowing = Scenario::new("Slowing", start).wait(constant(0.9)).task(
        1,
        "Ask",
        async |_: &mut Slowing, user: &mut User| {
            user.get("/").name("Ask").send().await?;
            Ok(())
        },
    );
    let first = Mutex::new(30);
    let script = Script::new(move |_| {
        let mut first = first.lock().unwrap();
        *first -= i32::from(*first > 0);
        ScriptedReply::new(200).after(MS * if *first > 0 { 2_000 } else { 100 })
    });
    let options = Options { users: Some(2), spawn_rate: Some(100.0), ..Options::default() };
    let swarm = Swarm::new("exemplars", "1").scenario(slowing);
    let summary = steered(swarm, options, script, async |handle| {
        tokio::time::sleep(Duration::from_mins(1)).await;
        handle.reset();
        tokio::time::sleep(Duration::from_mins(1)).await;
    })
    .unwrap();
    let slow = of(&summary, Why::Slow);
    assert_eq!(slow.len(), limits::EXEMPLARS_PER_ROW);
    assert!(slow.iter().all(|exemplar| exemplar.time.unwrap() < 200.0), "{slow:?}");
    assert!(slow.iter().all(|exemplar| exemplar.at > summary.start));
}

#[test]
fn requests_without_an_answer_and_of_other_protocols_are_kept_as_well() {
    struct Listener;
    let start = async |_: &mut User| Ok(Listener);
    let listeners = Scenario::new("Listener", start).task(
        1,
        "Listen",
        async |_: &mut Listener, user: &mut User| {
            user.record(CustomRequest::new("MQTT", "lost").failure("not\u{7}acknowledged"));
            let slow = CustomRequest::new("MQTT", "slow");
            user.record(slow.response_time(Duration::from_secs(3)));
            let timeout = user.get("/30000").name("late").timeout(MS * 50).send().await;
            assert_eq!(timeout.unwrap_err().status, 0);
            Ok(())
        },
    );
    let options = Options { users: Some(1), iterations: Some(1), ..Options::default() };
    let swarm = Swarm::new("exemplars", "1").scenario(listeners);
    let summary = run(swarm, options, script(&Seen::default())).unwrap();
    let all: Vec<_> = summary
        .exemplars
        .iter()
        .map(|e| {
            (&*e.name, e.why, e.time.map(f64::round), e.status, e.trace.len(), e.excerpt.is_some())
        })
        .collect();
    assert_eq!(
        all,
        [
            ("late", Why::Failed, Some(50.0), 0, 32, false),
            ("lost", Why::Failed, None, 0, 0, false),
            ("slow", Why::Slow, Some(3000.0), 0, 0, false),
        ]
    );
}
