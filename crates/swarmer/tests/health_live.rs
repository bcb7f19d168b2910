//! The generator judges itself, in real runs: threads, sockets, the kernel's clocks.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod run_support;

use std::time::{Duration, Instant};

use run_support::Target;
use swarmer::options::Options;
use swarmer::prelude::*;
use swarmer::stats::{MarkKind, Summary};
use swarmer::testing::{Handle, State, live};

/// What a user does on the thread it shares with others, beside asking the target.
#[derive(Clone, Copy)]
enum Manners {
    /// Nothing.
    Waits,
    /// Holds the thread without using it.
    Blocks,
    /// Holds the thread and a core.
    Computes,
}

async fn ask(manners: &mut Manners, user: &mut User) -> TaskResult {
    user.get("/").expect(200).send().await?;
    let hold = Duration::from_millis(60);
    match manners {
        Manners::Waits => user.think(constant(0.05)).await,
        Manners::Blocks => std::thread::sleep(hold),
        Manners::Computes => {
            let begun = Instant::now();
            while begun.elapsed() < hold {
                std::hint::spin_loop();
            }
        }
    }
    Ok(())
}

fn run(manners: Manners, drivers: usize, until: impl AsyncFnOnce(&mut Handle)) -> Summary {
    let target = Target::start();
    let arrive = async move |_: &mut User| Ok(manners);
    let scenario = Scenario::new("A", arrive).task(1, "ask", ask);
    let users = u32::try_from(drivers).unwrap() * 3;
    let host = Some(target.url());
    let threads = Some(drivers);
    let options = Options { host, users: Some(users), threads, ..Options::default() };
    live(Swarm::new("test", "1.0").scenario(scenario), options, async |mut handle: Handle| {
        handle.start(users, 1_000.0).unwrap();
        handle.until(|state| state == State::Running).await;
        until(&mut handle).await;
        handle.stop().await;
    })
    .unwrap()
}

async fn until_suspect(handle: &mut Handle) {
    for _ in 0..60 {
        assert!(handle.next_second().await);
        if handle.latest().is_some_and(|summary| !summary.health.sound) {
            return;
        }
    }
    panic!("it takes a minute and is not noticed: {:?}", handle.latest().unwrap().health);
}

fn seconds(seconds: u64) -> impl AsyncFnOnce(&mut Handle) {
    async move |_: &mut Handle| tokio::time::sleep(Duration::from_secs(seconds)).await
}

#[test]
fn a_workload_that_blocks_its_thread_makes_figures_suspect() {
    let summary = run(Manners::Blocks, 1, until_suspect);
    let health = &summary.health;
    assert!(!health.sound && health.text.starts_with("SUSPECT from "), "{}", health.text);
    let suspect = &health.suspect[0];
    assert!(suspect.from < suspect.to && suspect.to <= summary.at, "{suspect:?}");
    assert!(suspect.reason.contains("driver 0"), "{suspect:?}");
    let marks: Vec<MarkKind> = summary.marks.iter().map(|mark| mark.kind).collect();
    assert_eq!(marks[..2], [MarkKind::Start, MarkKind::Plan]);
    assert!(marks.contains(&MarkKind::Health) && marks.contains(&MarkKind::Stop), "{marks:?}");
    // Three users hold the thread for 60 ms each in turn: whatever becomes ready waits for most of that.
    assert!(health.lag.percentile(0.5).unwrap() > 10.0, "{health:?}");
}

#[test]
fn a_saturated_driver_makes_figures_suspect() {
    let summary = run(Manners::Computes, 1, until_suspect);
    let health = &summary.health;
    assert!(!health.sound);
    // On a crowded machine it is the core that is missing.
    let reasons = ["CPU of driver 0 saturated", "driver 0 waited ", "driver 0 late "];
    let known = |reason: &str| reasons.iter().any(|begin| reason.starts_with(begin));
    assert!(health.suspect.iter().all(|suspect| known(&suspect.reason)), "{health:?}");
    assert!(health.drivers[0].cpu > 0.2, "{health:?}");
}

#[test]
fn a_calm_run_is_not_marked() {
    let calm = |summary: &Summary| {
        let health = &summary.health;
        assert_eq!(health.drivers.len(), 2);
        assert!(health.drivers.iter().all(|driver| driver.cpu < 0.9), "{health:?}");
        // Two drivers were asked a hundred times a second each; how fast they answered is the machine's business.
        assert!(health.lag.count > 200, "{health:?}");
        health.sound && health.text.starts_with("generator healthy: late by ≤ ")
    };
    // Other programs may have the machine for a while, and then the verdict is right to say so.
    let mut runs = (0..4).map(|_| run(Manners::Waits, 2, seconds(6)));
    assert!(runs.any(|summary| calm(&summary)));
}
