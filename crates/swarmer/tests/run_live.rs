//! Runs for real: driver threads, sockets, users that come and go, and sums that are right to the last request.

#![expect(clippy::unwrap_used, reason = "code of tests")]

mod run_support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use run_support::{Target, closing_after};
use swarmer::options::Options;
use swarmer::prelude::*;
use swarmer::stats::Summary;
use swarmer::testing::{Handle, State, live};

struct Plain;

impl Plain {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self)
    }

    async fn fast(&mut self, user: &mut User) -> TaskResult {
        user.get("/fast").expect(200).send().await?;
        Ok(())
    }

    async fn slow(&mut self, user: &mut User) -> TaskResult {
        user.get("/slow/300").expect(200).send().await?;
        Ok(())
    }

    async fn say_goodbye(&mut self, user: &mut User) -> TaskResult {
        user.get("/goodbye").expect(200).send().await?;
        Ok(())
    }
}

fn options(host: String, users: u32) -> Options {
    let host = Some(host);
    Options {
        host,
        users: Some(users),
        spawn_rate: Some(1000.0),
        threads: Some(2),
        ..Options::default()
    }
}

fn plain(name: &str) -> Scenario<Plain> {
    Scenario::new(name, Plain::arrive)
}

fn swarm<S: 'static>(scenario: Scenario<S>) -> Swarm {
    Swarm::new("test", "1.0").scenario(scenario)
}

async fn seconds(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

/// Waits until the users run that should, by class.
async fn settled(handle: &Handle, wanted: &[(&str, u64)]) -> Box<Summary> {
    let wanted: BTreeMap<String, u64> = wanted.iter().map(|&(c, n)| (c.to_owned(), n)).collect();
    let start = Instant::now();
    loop {
        let summary = handle.summary().await.unwrap();
        if summary.users == wanted {
            return summary;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{:?} is not {wanted:?}", summary.users);
        seconds(0.05).await;
    }
}

#[test]
fn sums_are_right_with_users_coming_and_going() {
    let target = Target::start();
    let scenario = plain("A").task(3, "fast", Plain::fast).task(1, "slow", Plain::slow);
    let other = plain("B").weight(3.0).wait(constant(0.01)).task(1, "fast", Plain::fast);
    let swarm = swarm(scenario.on_stop(Plain::say_goodbye)).scenario(other);
    let summary = live(swarm, options(target.url(), 8), async |mut handle| {
        handle.until(|state| state == State::Running).await;
        let now = handle.summary().await.unwrap();
        assert_eq!(now.users, BTreeMap::from([("A".to_owned(), 2), ("B".to_owned(), 6)]));
        handle.start(20, 100.0).unwrap();
        settled(&handle, &[("A", 5), ("B", 15)]).await;
        handle.start(4, 100.0).unwrap();
        settled(&handle, &[("A", 1), ("B", 3)]).await;
        handle.start(0, 1000.0).unwrap();
        settled(&handle, &[("A", 0), ("B", 0)]).await;
        handle.start(12, 1000.0).unwrap();
        settled(&handle, &[("A", 3), ("B", 9)]).await;
        seconds(0.3).await;
    })
    .unwrap();
    assert_eq!(summary.total.figures.requests, target.requests());
    assert_eq!((summary.total.figures.failures, summary.aborted), (0, 0));
    let goodbyes = target.paths().iter().filter(|path| *path == "/goodbye").count();
    assert_eq!(goodbyes, 5 + 3, "on_stop runs on ramp-down and at the end");
    assert_eq!(summary.user_count(), 0);
}

#[test]
fn a_run_after_the_first_begins_afresh() {
    let target = Target::start();
    let numbers = Arc::new(Mutex::new(Vec::new()));
    let (told, seen) = (Arc::clone(&numbers), Arc::clone(&numbers));
    let arrive = async move |user: &mut User| {
        told.lock().unwrap().push(user.number());
        Ok(Plain)
    };
    let scenario = Scenario::new("A", arrive).task(1, "slow", Plain::slow);
    let mut before = 0;
    let summary = live(swarm(scenario), options(target.url(), 3), async |mut handle| {
        handle.until(|state| state == State::Running).await;
        seconds(0.2).await;
        // Two who wait for the end both learn of it; what is ordered meanwhile changes nothing.
        let late = async {
            assert_eq!(handle.clone().state(), State::Running);
            tokio::task::yield_now().await;
            handle.start(50, 100.0).unwrap();
        };
        tokio::join!(handle.stop(), handle.stop(), late);
        assert_eq!(handle.state(), State::Stopped);
        let first = handle.summary().await.unwrap();
        before = target.requests();
        assert_eq!(first.total.figures.requests, before);
        assert!(before >= 3);
        handle.abort();
        handle.reset();
        handle.start(2, 100.0).unwrap();
        handle.until(|state| state == State::Running).await;
        seconds(0.1).await;
    })
    .unwrap();
    let mut numbers = seen.lock().unwrap().clone();
    numbers[..3].sort_unstable();
    numbers[3..].sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 0, 1], "users are numbered from 0 again");
    assert_eq!(summary.total.figures.requests, target.requests() - before);
}

#[test]
fn a_reset_sets_all_to_zero_and_loses_nothing_after_it() {
    let target = Target::start();
    let scenario = plain("A").wait(constant(0.02)).task(1, "fast", Plain::fast);
    let mut at_reset = 0;
    let summary = live(swarm(scenario), options(target.url(), 5), async |mut handle| {
        handle.until(|state| state == State::Running).await;
        seconds(0.5).await;
        handle.start(0, 1000.0).unwrap();
        settled(&handle, &[("A", 0)]).await;
        at_reset = target.requests();
        handle.reset();
        let start = Instant::now();
        while handle.summary().await.unwrap().total.figures.requests > 0 {
            assert!(start.elapsed() < Duration::from_secs(20));
            seconds(0.02).await;
        }
        handle.start(5, 1000.0).unwrap();
        handle.until(|state| state == State::Running).await;
        seconds(0.3).await;
    })
    .unwrap();
    assert!(at_reset > 0);
    assert_eq!(summary.total.figures.requests, target.requests() - at_reset);
}

#[test]
fn connections_closed_by_the_server_cost_no_failure_and_no_request() {
    let (address, count) = closing_after(3);
    let scenario = plain("A").wait(constant(0.005)).task(1, "fast", Plain::fast);
    let summary = live(swarm(scenario), options(format!("http://{address}"), 10), async |_| {
        seconds(1.0).await;
    })
    .unwrap();
    assert_eq!(summary.total.figures.failures, 0, "{:?}", summary.errors);
    assert!(summary.total.figures.requests > 30);
    assert_eq!(summary.total.figures.requests, count.load(Ordering::SeqCst));
}

#[test]
fn a_task_may_be_finished_within_the_stop_timeout() {
    let two_steps = async |_: &mut Plain, user: &mut User| {
        user.get("/slow/300").name("first").send().await?;
        user.get("/slow/300").name("second").send().await?;
        Ok(())
    };
    let count = |stop_timeout: u64| {
        let target = Target::start();
        let scenario = plain("A").wait(constant(60.0)).task(1, "both", two_steps);
        let stop_timeout = Duration::from_secs(stop_timeout);
        let options = Options { stop_timeout, ..options(target.url(), 5) };
        let summary =
            live(swarm(scenario), options, async |_: Handle| target.until(5).await).unwrap();
        assert_eq!(summary.total.figures.requests, target.requests());
        assert_eq!(summary.aborted, 0);
        summary.total.figures.requests
    };
    assert_eq!(count(0), 5, "without it the request in flight is the last");
    assert_eq!(count(10), 10);
}

#[test]
fn giving_up_counts_what_was_cut() {
    let target = Target::start();
    let hang = async |_: &mut Plain, user: &mut User| {
        user.get("/fast").send().await?;
        user.get("/slow/20000").send().await?;
        Ok(())
    };
    let scenario = plain("A").task(1, "hang", hang);
    let summary = live(swarm(scenario), options(target.url(), 7), async |handle: Handle| {
        target.until(14).await;
        handle.abort();
    })
    .unwrap();
    assert_eq!(summary.aborted, 7);
    assert_eq!(summary.total.figures.requests + summary.aborted, target.requests());
}

/// What a user did: task names, and what it drew for its waits.
type Journal = BTreeMap<u64, Vec<String>>;

fn journal(threads: usize) -> Journal {
    use rand::RngExt;
    let target = Target::start();
    let journal = Arc::new(Mutex::new(Journal::new()));
    let noting = |name: &'static str| {
        let journal = Arc::clone(&journal);
        async move |_: &mut Plain, user: &mut User| {
            user.get("/fast").send().await?;
            let drawn: u64 = user.rng().random();
            journal
                .lock()
                .unwrap()
                .entry(user.number())
                .or_default()
                .push(format!("{name} {drawn}"));
            Ok(())
        }
    };
    let class = |name: &str, weight: f64| {
        let scenario = plain(name).weight(weight).wait(between(0.0, 0.02));
        scenario.task(3, "x", noting("x")).task(2, "y", noting("y")).task(5, "z", noting("z"))
    };
    let swarm = swarm(class("A", 2.0)).scenario(class("B", 1.0));
    let options = Options { seed: Some(7), threads: Some(threads), ..options(target.url(), 9) };
    live(swarm, options, async |_| seconds(1.0).await).unwrap();
    Arc::into_inner(journal).map(|journal| journal.into_inner().unwrap()).unwrap_or_default()
}

#[test]
fn the_same_seed_means_the_same_decisions_on_any_number_of_threads() {
    let (one, three) = (journal(1), journal(3));
    assert_eq!(one.len(), 9);
    assert_eq!(three.len(), 9);
    for (user, decisions) in &one {
        let length = decisions.len().min(three[user].len());
        assert!(length >= 5, "user {user} did only {length} tasks");
        assert_eq!(decisions[..length], three[user][..length], "user {user}");
    }
    assert_ne!(one[&0][..5], one[&1][..5]);
}

#[test]
fn every_request_carries_a_trace_context_of_its_own() {
    let target = Target::start();
    let scenario = plain("A").wait(constant(0.01)).task(1, "fast", Plain::fast);
    live(swarm(scenario), options(target.url(), 6), async |_: Handle| target.until(200).await)
        .unwrap();
    let mut ids: Vec<String> = Vec::new();
    for trace in target.traces() {
        let parts: Vec<&str> = trace.split('-').collect();
        let [version, trace_id, parent, flags] = parts[..] else { panic!("{trace:?}") };
        assert_eq!((version, flags), ("00", "01"));
        for (id, length) in [(trace_id, 32), (parent, 16)] {
            assert_eq!(id.len(), length);
            assert!(id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{trace}");
            assert!(id.bytes().any(|b| b != b'0'), "{trace}");
        }
        ids.push(trace_id.to_owned());
    }
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

/// Journeys without requests, on one driver.
fn arriving(rate: &str, users: u32, seconds: u64) -> Options {
    Options {
        rate: Some(rate.to_owned()),
        run_time: Some(Duration::from_secs(seconds)),
        threads: Some(1),
        ..options("http://127.0.0.1:9".to_owned(), users)
    }
}

/// Journeys that fall due while a thread is kept are for users who are free by the time they can be given.
#[test]
fn a_driver_that_was_kept_starts_no_crowd_for_what_fell_due_meanwhile() {
    static ARRIVED: AtomicU32 = AtomicU32::new(0);
    static JOURNEYS: AtomicU32 = AtomicU32::new(0);
    async fn arrive(_: &mut User) -> Result<Plain, TaskError> {
        ARRIVED.fetch_add(1, Ordering::Relaxed);
        Ok(Plain)
    }
    async fn journey(_: &mut Plain, _: &mut User) -> TaskResult {
        if JOURNEYS.fetch_add(1, Ordering::Relaxed) == 20 {
            std::thread::sleep(Duration::from_millis(300));
        }
        Ok(())
    }
    let scenario = Scenario::new("Kept", arrive).task(1, "journey", journey);
    let stop_timeout = Duration::from_secs(30);
    let options = Options { stop_timeout, ..arriving("1000/s", 900, 1) };
    let summary = live(swarm(scenario), options, async |mut handle| {
        handle.until(|state| state == State::Stopped).await;
    })
    .unwrap();
    let schedule = summary.schedule.as_ref().unwrap();
    assert_eq!(schedule.started + schedule.dropped, 1000);
    assert_eq!(u64::from(JOURNEYS.load(Ordering::Relaxed)), schedule.started);
    let arrived = ARRIVED.load(Ordering::Relaxed);
    assert!(arrived < 30, "{arrived} users for 300 journeys that were late");
}

/// More journeys than any core can make, and room for users: there is always one that is due.
#[test]
fn a_driver_that_is_always_behind_reports_and_ends() {
    async fn work(_: &mut Plain, _: &mut User) -> TaskResult {
        let began = Instant::now();
        while began.elapsed() < Duration::from_micros(50) {}
        Ok(())
    }
    let scenario = Scenario::new("Busy", Plain::arrive).task(1, "work", work);
    let options = arriving("1000000/s", 5_000, 2);
    let summary = live(swarm(scenario), options, async |mut handle| {
        let patience = Duration::from_mins(1);
        let told = async {
            loop {
                let summary = handle.summary().await.unwrap();
                if summary.schedule.is_some_and(|schedule| schedule.started > 0) {
                    break;
                }
                seconds(0.05).await;
            }
            handle.until(|state| state == State::Stopped).await;
        };
        tokio::time::timeout(patience, told).await.expect("the driver hears nothing");
    })
    .unwrap();
    assert!(summary.schedule.unwrap().started > 1_000);
}

/// Each user's tasks are due every 20 ms, of others every hour: none begins before it is due, and whoever waits can be sent away.
#[test]
fn scheduled_tasks_begin_when_they_are_due_and_not_before() {
    let target = Target::start();
    let often = plain("Often").task(1, "fast", Plain::fast).wait(schedule(0.02));
    let seldom = plain("Seldom").task(1, "fast", Plain::fast).wait(schedule(3600.0));
    let swarm = swarm(often).scenario(seldom);
    let summary = live(swarm, options(target.url(), 40), async |handle| {
        let start = Instant::now();
        handle.start(40, 1000.0).unwrap();
        settled(&handle, &[("Often", 20), ("Seldom", 20)]).await;
        let scheduled = async |handle: &Handle| {
            handle.summary().await.unwrap().schedule.map_or(0, |schedule| schedule.started)
        };
        while scheduled(&handle).await < 1_000 {
            assert!(start.elapsed() < Duration::from_secs(30), "{}", scheduled(&handle).await);
            seconds(0.02).await;
        }
        handle.stop().await;
        let due = 20 * (start.elapsed().as_millis() / 20);
        let started = scheduled(&handle).await;
        assert!(u128::from(started) <= due, "{started} of {due} tasks that were due");
    })
    .unwrap();
    let schedule = summary.schedule.as_ref().unwrap();
    // The first task of each user is not on its schedule.
    assert_eq!(summary.total.figures.requests, schedule.started + 40);
    assert_eq!(target.requests(), schedule.started + 40);
}

#[test]
fn ten_thousand_users_start_in_order_while_others_are_served() {
    let target = Target::start();
    let order = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&order);
    let arrive = async move |user: &mut User| {
        told.lock().unwrap().push(user.number());
        Ok(user.number())
    };
    let served = Arc::new(Mutex::new(0_u64));
    let count = Arc::clone(&served);
    let seen = Arc::clone(&order);
    // The first ten work all the time, the others only are there.
    let scenario = Scenario::new("A", arrive)
        .task(1, "work", async move |number: &mut u64, user: &mut User| {
            if *number >= 10 {
                user.think(constant(3600.0)).await;
                return Ok(());
            }
            user.get("/fast").expect(200).send().await?;
            let started = seen.lock().unwrap().len();
            *count.lock().unwrap() += u64::from((100..9900).contains(&started));
            Ok(())
        })
        .wait(constant(0.01));
    let options =
        Options { threads: Some(1), spawn_rate: Some(10_000.0), ..options(target.url(), 10_000) };
    let summary = live(swarm(scenario), options, async |mut handle: Handle| {
        handle.until(|state| state == State::Running).await;
        let now = handle.summary().await.unwrap();
        assert_eq!(now.users, BTreeMap::from([("A".to_owned(), 10_000)]));
        while order.lock().unwrap().len() < 10_000 {
            seconds(0.01).await;
        }
    })
    .unwrap();
    assert!(order.lock().unwrap().iter().copied().eq(0..10_000), "in order, each once");
    let while_starting = *served.lock().unwrap();
    assert!(while_starting > 100, "{while_starting} requests while others started");
    assert_eq!(summary.total.figures.requests, target.requests());
}
