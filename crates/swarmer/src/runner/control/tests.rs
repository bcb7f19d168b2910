//! Ends of a run that only a defect or bad luck can bring about.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::clock::Anchor;
use crate::http;
use crate::options::Options;
use crate::runner::driver::{Birth, Setup};
use crate::runner::drivers::Drivers;
use crate::scenario::{Scenario, constant};
use crate::user::{TaskError, TaskResult, User};

struct Blind;

impl Watcher for Blind {
    fn tick(&mut self, _: &Summary, _: State) {}
}

async fn arrive(_: &mut User) -> Result<(), TaskError> {
    Ok(())
}

fn control(drivers: usize) -> (Control<Blind, Drivers>, Handle) {
    let wait = async |(): &mut (), user: &mut User| -> TaskResult {
        user.think(constant(60.0)).await;
        Ok(())
    };
    control_of(drivers, Scenario::new("A", arrive).task(1, "wait", wait).into())
}

fn control_of(
    drivers: usize,
    class: crate::scenario::UserClass,
) -> (Control<Blind, Drivers>, Handle) {
    let anchor = Anchor::now();
    let setup = Setup {
        classes: [class].into(),
        options: Arc::new(Options::default()),
        provided: Arc::default(),
        http: http::Config::default(),
        anchor,
        limits: Limits::default(),
        max_rate: None,
        catch_exceptions: true,
        hooks: Arc::default(),
        script: None,
    };
    let fleet = Drivers::start(drivers, &setup).unwrap();
    let settings = Settings {
        classes: vec![UserClass::weighted("A", 1.0)],
        stop_timeout: Duration::ZERO,
        reset_stats: false,
        limits: Limits::default(),
        hooks: Arc::default(),
    };
    Control::new(fleet, Collector::new(anchor, clock::now()), Blind, settings).unwrap()
}

#[tokio::test]
async fn a_driver_that_dies_ends_the_run() {
    for drivers in [1, 3] {
        let (mut control, mut handle) = control(drivers);
        // No class has this number: the driver that is told to start such a user panics.
        let impossible = Birth { due: clock::now(), class: 99, number: 0 };
        control.fleet.start_users(0, vec![impossible]);
        handle.start(9, 1000.0).unwrap();
        let end = async {
            handle.until(|state| state == State::Stopped).await;
            handle.start(1, 1.0).unwrap();
            handle.stop().await;
            handle.quit();
        };
        let (outcome, ()) = tokio::join!(control.run(), end);
        assert_eq!(outcome.trouble, Some(Trouble::DriverLost));
        assert_eq!(outcome.record.summary.user_count(), 0);
        assert!(outcome.record.summary.info.notes[0].starts_with("Driver thread 0 died"));
    }
}

#[tokio::test]
async fn giving_up_while_one_driver_is_empty_does_not_end_the_run_early() {
    let (control, mut handle) = control(3);
    handle.start(1, 1000.0).unwrap();
    let end = async {
        handle.until(|state| state == State::Running).await;
        handle.abort();
        handle.abort();
        handle.stop().await;
        assert_eq!(handle.summary().await.unwrap().user_count(), 0);
        handle.quit();
    };
    let (outcome, ()) = tokio::join!(control.run(), end);
    assert_eq!(outcome.trouble, None);
}

#[tokio::test]
async fn a_crowd_that_starts_is_told_of_in_lots() {
    const CROWD: u32 = 2_000;
    let (mut control, _handle) = control(1);
    let began = clock::now();
    let birth = |number: u32| Birth {
        due: began + number * Duration::from_micros(100),
        class: 0,
        number: number.into(),
    };
    control.fleet.start_users(0, (0..CROWD).map(birth).collect());
    let (mut started, mut told) = (0, 0_u128);
    while started < CROWD {
        if let Event::Started { births, .. } = control.fleet.next_event().await {
            started += births;
            told += 1;
        }
    }
    // Every 20 ms at most, and of the first and the last at once.
    let most = began.elapsed().as_millis() / 20 + 2;
    assert!(told <= most, "told {told} times, {most} at most");
}

#[tokio::test]
async fn who_came_has_precedence_over_who_comes() {
    const CROWD: u32 = 5_000;
    // Users who have come and have not done yet what they came for.
    static BUSY: AtomicU32 = AtomicU32::new(0);
    static MOST: AtomicU32 = AtomicU32::new(0);
    let work = async |(): &mut (), user: &mut User| -> TaskResult {
        MOST.fetch_max(BUSY.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        // Each turn costs more than the start did.
        for _ in 0..20 {
            let begun = clock::now();
            while begun.elapsed() < Duration::from_micros(10) {
                std::hint::spin_loop();
            }
            tokio::task::yield_now().await;
        }
        BUSY.fetch_sub(1, Ordering::Relaxed);
        user.think(constant(60.0)).await;
        Ok(())
    };
    let class = Scenario::new("A", arrive).task(1, "work", work);
    let (mut control, _handle) = control_of(1, class.into());
    let due = clock::now();
    let birth = |number: u32| Birth { due, class: 0, number: number.into() };
    control.fleet.start_users(0, (0..CROWD).map(birth).collect());
    let mut started = 0;
    while started < CROWD {
        if let Event::Started { births, .. } = control.fleet.next_event().await {
            started += births;
        }
    }
    let most = MOST.load(Ordering::Relaxed);
    assert!((1..1_000).contains(&most), "{most} at work at once, who hinder each other");
}
