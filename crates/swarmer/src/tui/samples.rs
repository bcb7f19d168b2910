//! A made-up run for tests of what is shown: the same figures every time.

use std::time::{Duration, Instant};

use super::frame::Frame;
use super::state::View;
use crate::clock::Anchor;
use crate::runner::State;
use crate::stats::{
    Class, Collector, Kind, Recorder, RecorderOptions, RunInfo, Sample, Segment, Summary, Users,
};

/// The figures after `seconds`.
pub(crate) fn summary(seconds: u64) -> Summary {
    let mut last = None;
    course(seconds, |summary, _| last = Some(summary));
    last.expect("there is a figure for second 0")
}

/// A view that has seen the run for `seconds`.
pub(crate) fn view(seconds: u64) -> View {
    let mut view = View::new(Some(120));
    course(seconds, |summary, second| {
        let state = if second < 10 { State::Spawning } else { State::Running };
        view.take(Frame::of(&summary, state, second as f64));
    });
    view
}

fn course(seconds: u64, mut each: impl FnMut(Summary, u64)) {
    // On a whole second of the calendar, so that seconds of the run are those of the statistics.
    let anchor = Anchor::now();
    let now = Instant::now();
    let into = Duration::from_nanos(u64::from(anchor.since_epoch(now).subsec_nanos()));
    let start = now + Duration::from_secs(1).saturating_sub(into);
    let mut recorder = Recorder::new(anchor, RecorderOptions::default());
    let mut collector = Collector::new(anchor, start);
    *collector.info_mut() =
        RunInfo { host: Some("http://shop.example:8080".to_owned()), ..RunInfo::default() };
    for second in 0..=seconds {
        let at = start + Duration::from_secs(second);
        if second > 0 {
            record(&mut recorder, at.checked_sub(Duration::from_millis(500)).unwrap(), second);
        }
        collector.merge(recorder.take());
        let users = (2 * second).min(20);
        let users: Users =
            [("Buyer".to_owned(), users / 4), ("Reader".to_owned(), users - users / 4)].into();
        collector.tick(at, &users);
        each(collector.summary(at, users), second);
    }
}

/// A second's requests: more with time, slow ones in waves, a few failures.
fn record(recorder: &mut Recorder, completed: Instant, second: u64) {
    let wave = if second % 20 < 5 { 10 } else { 1 };
    for at in 0..(20 + 4 * second) {
        let (method, name) = match at % 5 {
            0 => ("POST", "/orders"),
            1 | 2 => ("GET", "/products/{id}"),
            _ => ("GET", "/"),
        };
        let slow = if at % 20 == 0 { wave * 20 } else { 1 };
        let micros = (800 + 150 * (at % 13)) * slow;
        let failure: Option<&dyn std::fmt::Display> = match at % 50 {
            20 => Some(&"HTTPError('503 Server Error: Service Unavailable for url: /orders')"),
            45 => Some(&"CatchResponseError('empty basket')"),
            _ => None,
        };
        recorder.record(&Sample {
            kind: Kind::Request,
            method,
            name,
            segment: Segment::NONE,
            class: Class::NONE,
            detail: None,
            response_time: Some(Duration::from_micros(micros)),
            bytes: 300,
            failure,
            completed,
        });
    }
    if second % 10 == 7 {
        recorder.exception(
            "Buyer",
            &"no product left",
            &"no product left\n  caused by: empty list",
        );
    }
}
