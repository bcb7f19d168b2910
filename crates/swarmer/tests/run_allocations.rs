//! Proof that a user's request costs no allocation in the steady state, statistics included, by an allocator that counts.

mod counting_allocator;
mod http_support;

use std::sync::mpsc::{Sender, channel};
use std::time::Instant;

use counting_allocator::ALLOCATIONS;
use http_support::{Server, ok};
use swarmer::options::Options;
use swarmer::prelude::*;
use swarmer::testing::{Handle, State, live};

/// Until each row has met the magnitudes of its response times.
const WARM_UP: usize = 3_000;
/// Enough for several seconds, after each of which figures are handed over.
const REQUESTS: usize = 20_000;

/// What a round asks for, so that the journey has steps and its requests have segments.
const ROUND: [&str; 3] = ["Quotes", "Policies", "Claims"];

/// A user that sends all its requests within one task.
struct Looping {
    told: Sender<(Vec<usize>, u64)>,
}

impl Looping {
    async fn all(&mut self, user: &mut User) -> TaskResult {
        user.set_bearer("a.long.token");
        let mut costs = Vec::with_capacity(REQUESTS);
        let mut began = Instant::now();
        for (n, name) in (0..WARM_UP + REQUESTS).zip(ROUND.into_iter().cycle()) {
            if n == WARM_UP {
                began = Instant::now();
            }
            user.set_segment(if n % 2 == 0 { "even" } else { "odd" });
            let before = ALLOCATIONS.get();
            user.get("/api/v1/quotes").name(name).query("page", n).expect(200).send().await?;
            if n >= WARM_UP {
                costs.push(ALLOCATIONS.get() - before);
            }
        }
        let _ = self.told.send((costs, began.elapsed().as_secs()));
        user.outcome("all sent");
        Err(TaskError::stop_test("all sent"))
    }
}

#[test]
fn a_users_request_allocates_nothing() {
    let server = Server::start(|peer| {
        let answer = ok("{\"id\":42,\"status\":\"ACTIVE\"}");
        while peer.request().is_some() {
            peer.send(&answer);
        }
    });
    let (told, costs) = channel();
    let told = std::sync::Mutex::new(told);
    let arrive = async move |_: &mut User| Ok(Looping { told: told.lock().unwrap().clone() });
    let swarm =
        Swarm::new("test", "1.0").scenario(Scenario::new("A", arrive).task(1, "all", Looping::all));
    let options = Options { host: Some(server.url()), threads: Some(1), ..Options::default() };
    let summary = live(swarm, options, async |mut handle: Handle| {
        handle.until(|state| state == State::Stopped).await;
    })
    .unwrap();
    assert_eq!(summary.total.figures.requests, (WARM_UP + REQUESTS) as u64);
    assert_eq!(server.connections(), 1);
    let [funnel] = &summary.funnels[..] else { panic!("one funnel: {:?}", summary.funnels) };
    assert_eq!((funnel.runs, funnel.steps.len()), (1, ROUND.len()));
    assert!(!summary.exemplars.is_empty());

    let (costs, seconds) = costs.recv().unwrap();
    assert_eq!(costs.len(), REQUESTS);
    // Once a second the thread hands its figures over while a request is under way. And a response time of a magnitude that
    // a row has never met takes a page of its histogram: ever fewer of those come, all of them stragglers.
    let reports = usize::try_from(seconds).unwrap() + 2;
    let stragglers = REQUESTS / 100;
    let costly = costs.iter().filter(|&&cost| cost > 0).count();
    assert!(costly <= reports + stragglers, "{costly} of {REQUESTS} allocated in {seconds} s");
}

#[test]
fn the_counter_counts() {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(vec![0_u8; 100]));
    assert_eq!(ALLOCATIONS.get() - before, 1);
}
