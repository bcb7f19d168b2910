//! What users and requests hold on to, in bytes allocated and not freed: whole runs on virtual time, on one thread.

#![expect(clippy::unwrap_used, reason = "code of tests")]

mod counting_allocator;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use counting_allocator::{ALLOCATIONS, LIVE};
use swarmer::options::Options;
use swarmer::prelude::*;
use swarmer::testing::{Script, ScriptedReply, run, steered};

const MS: Duration = Duration::from_millis(1);

struct Anyone;

impl Anyone {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self)
    }

    async fn ask(&mut self, user: &mut User) -> TaskResult {
        user.get("/page").expect(200).send().await?;
        Ok(())
    }
}

fn script() -> Script {
    Script::new(|_| ScriptedReply::new(200).after(MS))
}

fn options(users: u32, spawn_rate: f64) -> Options {
    Options { users: Some(users), spawn_rate: Some(spawn_rate), ..Options::default() }
}

/// Bytes held once so many users have asked once and wait.
fn held_by(users: u32) -> isize {
    let waiters =
        Scenario::new("A", Anyone::arrive).wait(constant(3600.0)).task(1, "Ask", Anyone::ask);
    let held = Mutex::new(0);
    let swarm = Swarm::new("test", "1.0").scenario(waiters);
    let summary = steered(swarm, options(users, 1000.0), script(), async |_| {
        tokio::time::sleep(30_000 * MS).await;
        *held.lock().unwrap() = LIVE.get();
    })
    .unwrap();
    assert_eq!(summary.total.figures.requests, u64::from(users));
    held.into_inner().unwrap()
}

/// Without optimisation, which makes a user smaller. The socket, its buffers in the kernel and the runtime's entry for it are not part of this; the benchmark `memory` has them.
#[test]
fn a_user_who_waits_without_a_connection_holds_less_than_two_kilobytes() {
    const FEW: u32 = 1_000;
    const MORE: u32 = 5_000;
    held_by(FEW);
    let (few, many) = (held_by(FEW), held_by(FEW + MORE));
    let each = (many - few) / isize::try_from(MORE).unwrap();
    assert!((200..2_000).contains(&each), "{each} bytes for each user");
}

#[test]
fn requests_hold_nothing() {
    const EVERY: usize = 5_000;
    const TIMES: usize = 5;
    let held = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&held);
    let steady = Scenario::new("A", Anyone::arrive).task(
        1,
        "Ask",
        async move |anyone: &mut Anyone, user: &mut User| {
            for _ in 0..EVERY {
                anyone.ask(user).await?;
            }
            seen.lock().unwrap().push(LIVE.get());
            if seen.lock().unwrap().len() > TIMES {
                return Err(TaskError::stop_test("all sent"));
            }
            Ok(())
        },
    );
    run(Swarm::new("test", "1.0").scenario(steady), options(1, 1.0), script()).unwrap();
    let held = held.lock().unwrap();
    assert_eq!(held.len(), TIMES + 1);
    // The first rounds take what is taken once: pages of histograms, rows.
    let grown = held[TIMES] - held[1];
    // Some for the points of the course, one a second; a byte for each request would be more.
    let allowed = isize::try_from(EVERY * (TIMES - 1)).unwrap();
    assert!(grown < allowed, "{grown} bytes more after {allowed} requests: {held:?}");
}

/// The course of a run has a point for each second at first; half an hour fills it.
#[test]
fn a_run_of_half_a_day_holds_no_more_than_in_its_first_hour() {
    const HOUR: Duration = Duration::from_hours(1);
    let names = ["One", "Two", "Three", "Four", "Five"];
    let asking = names.into_iter().fold(
        Scenario::new("A", Anyone::arrive).wait(constant(10.0)),
        |scenario, name| {
            scenario.task(1, name, async move |_: &mut Anyone, user: &mut User| {
                user.get("/page").name(name).expect(200).send().await?;
                Ok(())
            })
        },
    );
    let fullest = Mutex::new(Vec::new());
    let swarm = Swarm::new("test", "1.0").scenario(asking);
    let summary = steered(swarm, options(10, 1000.0), script(), async |_| {
        for _ in 0..12 {
            let mut most = 0;
            for _ in 0..360 {
                tokio::time::sleep(HOUR / 360).await;
                most = LIVE.get().max(most);
            }
            fullest.lock().unwrap().push(most);
        }
    })
    .unwrap();
    assert!(summary.total.figures.requests > 43_000);
    let fullest = fullest.into_inner().unwrap();
    let grown = fullest.iter().max().unwrap() - fullest[0];
    // Seconds in which nothing came have no bands of response times, and stretches of many seconds all have some.
    assert!(grown < 32 * 1_024, "{grown} bytes more than in the first hour: {fullest:?}");
}

#[test]
fn the_counter_counts() {
    let (calls, live) = (ALLOCATIONS.get(), LIVE.get());
    let kept = std::hint::black_box(vec![0_u8; 100]);
    assert_eq!((ALLOCATIONS.get() - calls, LIVE.get() - live), (1, 100));
    drop(kept);
    assert_eq!(LIVE.get(), live);
}
