//! Journeys and exemplars over real sockets, on two driver threads.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod http_support;

use http_support::{Server, ok};
use swarmer::options::Options;
use swarmer::prelude::*;
use swarmer::stats::{Summary, Why};
use swarmer::testing::{Handle, State, live};

struct Clerk {
    turn: u32,
}

impl Clerk {
    async fn arrive(user: &mut User) -> Result<Self, TaskError> {
        user.set_segment(if user.number().is_multiple_of(2) { "A" } else { "B" });
        user.set_bearer("a-secret-token");
        user.post("/login").name("Login").send().await?;
        Ok(Self { turn: 0 })
    }

    /// Of ten runs six finish, two find nothing, one fails at the second request, one goes on after a failure.
    async fn work(&mut self, user: &mut User) -> TaskResult {
        let turn = self.turn % 10;
        self.turn += 1;
        user.get("/find").name("1. Find").expect(200).send().await?;
        if turn < 2 {
            user.outcome("none found");
            return Err(TaskError::end_task());
        }
        let path = if turn == 2 { "/refused" } else { "/decide" };
        user.put(path).name("2. Decide").expect(200).send().await?;
        if turn == 3 {
            let _ = user.get("/refused").name("3. Print").expect(200).send().await;
        }
        user.get("/view").name("4. View").expect(200).send().await?;
        Ok(())
    }
}

fn worked(server: &Server) -> Summary {
    let clerks = Scenario::new("Clerk", Clerk::arrive).task(1, "Decide claims", Clerk::work);
    let swarm = Swarm::new("test", "1.0").scenario(clerks).scenario(
        Scenario::new("Reader", Clerk::arrive).task(
            1,
            "Read",
            async |_: &mut Clerk, user: &mut User| {
                user.get("/view").name("4. View").expect(200).send().await?;
                Ok(())
            },
        ),
    );
    let options = Options {
        host: Some(server.url()),
        users: Some(8),
        spawn_rate: Some(100.0),
        threads: Some(2),
        iterations_per_user: Some(50),
        ..Options::default()
    };
    live(swarm, options, async |mut handle: Handle| {
        handle.until(|state| state == State::Stopped).await;
    })
    .unwrap()
}

#[test]
fn funnels_classes_and_exemplars_of_a_real_run_agree_with_what_the_server_saw() {
    let server = Server::replying(|request| {
        if request.contains("/refused ") {
            let body = "{\"message\": \"the claim is\nlocked\"}";
            let length = body.len();
            return format!("HTTP/1.1 409 Conflict\r\nContent-Length: {length}\r\n\r\n{body}");
        }
        ok("{}")
    });
    let summary = worked(&server);
    let [decide, read] = &summary.funnels[..] else { panic!("two: {:?}", summary.funnels) };
    assert_eq!([&*decide.task, &*read.task], ["Decide claims", "Read"]);
    assert_eq!((decide.runs, read.runs), (200, 200), "four users of each class");
    let ends: Vec<_> = decide.ends.iter().map(|end| (&*end.outcome, end.runs)).collect();
    assert_eq!(ends, [("finished", 140), ("none found", 40), ("failed", 20)]);
    let steps: Vec<_> = decide
        .steps
        .iter()
        .map(|step| (&*step.name, step.runs, step.ended_here, step.requests, step.failures))
        .collect();
    assert_eq!(
        steps,
        [
            ("1. Find", 200, 40, 200, 0),
            ("2. Decide", 160, 20, 160, 20),
            ("3. Print", 20, 0, 20, 20),
            ("4. View", 140, 140, 140, 0),
        ]
    );
    assert!(decide.duration.max >= decide.steps[0].time.max && decide.between.mean >= 0.0);

    let classes: Vec<_> = summary
        .classes
        .iter()
        .map(|row| (&*row.name, row.figures.requests, row.figures.failures))
        .collect();
    assert_eq!(classes, [("Clerk", 4 + 520, 40), ("Reader", 4 + 200, 0)]);
    let total = &summary.total.figures;
    assert_eq!((total.requests, total.failures), (728, 40));
    assert_eq!(server.requests().len(), 728);

    let seen = server.requests();
    for exemplar in &summary.exemplars {
        let parent = format!("00-{}-", exemplar.trace);
        let sent = seen.iter().find(|request| request.contains(&parent)).expect("it was sent");
        assert_eq!((exemplar.trace.len(), exemplar.user < 8), (32, true));
        let group = if exemplar.user.is_multiple_of(2) { "A" } else { "B" };
        assert_eq!(exemplar.segment.as_deref(), Some(group));
        match exemplar.why {
            Why::Slow => assert_eq!((exemplar.status, exemplar.error.is_some()), (200, false)),
            Why::Failed => {
                assert!(sent.contains("/refused "));
                assert_eq!((exemplar.status, &*exemplar.scenario), (409, "Clerk"));
                let excerpt = exemplar.excerpt.as_deref();
                assert_eq!(excerpt, Some("{\"message\": \"the claim is locked\"}"));
            }
        }
    }
    let count = |name: &str, why| {
        summary.exemplars.iter().filter(|e| *e.name == *name && e.why == why).count()
    };
    assert_eq!(count("1. Find", Why::Slow), 5);
    assert!(count("2. Decide", Why::Failed) > 0 && count("3. Print", Why::Failed) > 0);
    assert_eq!(count("3. Print", Why::Slow), 0, "only those that succeeded are slow");
    let document = serde_json::to_string(&summary).unwrap();
    assert!(!document.contains("secret"));
    assert_eq!(serde_json::from_str::<Summary>(&document).unwrap().funnels, summary.funnels);
}
