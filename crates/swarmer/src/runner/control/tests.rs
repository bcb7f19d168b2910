//! Ends of a run that only a defect or bad luck can bring about.

use std::sync::Arc;

use super::*;
use crate::clock::Anchor;
use crate::http;
use crate::options::Options;
use crate::runner::driver::{Birth, Setup};
use crate::runner::drivers::Drivers;
use crate::scenario::{Scenario, constant};
use crate::user::{TaskResult, User};

struct Blind;

impl Watcher for Blind {
    fn tick(&mut self, _: &Summary, _: State) {}
}

fn control(drivers: usize) -> (Control<Blind, Drivers>, Handle) {
    let arrive = async |_: &mut User| Ok(());
    let wait = async |(): &mut (), user: &mut User| -> TaskResult {
        user.think(constant(60.0)).await;
        Ok(())
    };
    let anchor = Anchor::now();
    let setup = Setup {
        classes: [Scenario::new("A", arrive).task(1, "wait", wait).into()].into(),
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
