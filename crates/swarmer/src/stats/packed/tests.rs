use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::clock::Anchor;
use crate::stats::{
    Class, Collector, Kind, Recorder, RecorderOptions, Sample, Segment, Summary, Users,
};

/// One request as a test makes it up.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a coin of its own")]
struct Seen {
    journey: bool,
    name: String,
    segment: bool,
    class: bool,
    time: Option<u64>,
    failure: Option<String>,
    after_ms: u64,
    due: bool,
}

fn seen() -> impl Strategy<Value = Seen> {
    let time = proptest::option::weighted(0.9, 0..5_000_000_000_000_u64);
    let failure = proptest::option::weighted(0.2, "\\PC{0,12}");
    (any::<[bool; 4]>(), "[a-dä/]{1,2}", time, failure, 0..4_000_u64).prop_map(
        |([journey, segment, class, due], name, time, failure, after_ms)| Seen {
            journey,
            name,
            segment,
            class,
            time,
            failure,
            after_ms,
            due,
        },
    )
}

/// What a recorder hands over that saw this.
fn delta(all: &[Seen], coarse: bool, anchor: Anchor, start: Instant) -> Delta {
    let mut recorder = Recorder::new(anchor, RecorderOptions { coarse });
    let (segment, class) = (recorder.segment("group A"), recorder.class("Buyer"));
    for seen in all {
        let sample = Sample {
            kind: if seen.journey { Kind::Journey } else { Kind::Request },
            method: "GET",
            name: &seen.name,
            segment: if seen.segment { segment } else { Segment::NONE },
            class: if seen.class { class } else { Class::NONE },
            detail: None,
            response_time: seen.time.map(Duration::from_nanos),
            bytes: seen.after_ms,
            failure: seen.failure.as_ref().map(|text| text as _),
            completed: start + Duration::from_millis(seen.after_ms),
        };
        recorder.record(&sample);
        if seen.due {
            recorder.from_due(&sample, Duration::from_millis(seen.after_ms));
            recorder.journey_started(Duration::from_micros(seen.after_ms));
        }
        if let Some(text) = &seen.failure {
            recorder.exception("Buyer", text, &"in a test");
        }
        recorder.metrics().count(&seen.name, 2);
        recorder.metrics().timing("work", Duration::from_millis(seen.after_ms));
    }
    recorder.aborted();
    let mut delta = recorder.take();
    let mut pulse = Pulse { driver: 3, wall: Duration::from_secs(1), ..Pulse::default() };
    for seen in all {
        pulse.late.record(seen.after_ms);
    }
    delta.add_pulse(pulse);
    delta
}

fn merged(delta: &Delta, anchor: Anchor, start: Instant) -> Summary {
    let mut collector = Collector::new(anchor, start);
    collector.merge_from("worker_1", delta);
    let (end, users) = (start + Duration::from_secs(5), Users::new());
    collector.tick(end, &users);
    collector.summary(end, users)
}

proptest! {
    #[test]
    fn nothing_is_lost_on_the_way(all in vec(seen(), 0..60), coarse: bool) {
        let (anchor, start) = (Anchor::now(), Instant::now());
        let travelled = Delta::unpack(&delta(&all, coarse, anchor, start).pack()).unwrap();
        let here = merged(&delta(&all, coarse, anchor, start), anchor, start);
        prop_assert_eq!(merged(&travelled, anchor, start), here);
    }

    #[test]
    fn bytes_of_any_kind_are_refused_without_harm(bytes in vec(any::<u8>(), 0..400)) {
        // A delta begins with the number of its members; with any other byte not much is tried.
        let first = Delta::default().pack()[0];
        let begun: Vec<u8> = [first].into_iter().chain(bytes.iter().copied()).collect();
        for bytes in [bytes, begun] {
            if let Ok(delta) = Delta::unpack(&bytes) {
                merged(&delta, Anchor::now(), Instant::now());
            }
        }
    }

    #[test]
    fn damaged_figures_are_refused_or_can_be_borne(
        all in vec(seen(), 1..12),
        coarse: bool,
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let (anchor, start) = (Anchor::now(), Instant::now());
        let mut bytes = delta(&all, coarse, anchor, start).pack();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(delta) = Delta::unpack(&bytes) {
            let mut collector = Collector::new(anchor, start);
            collector.merge_from("worker_1", &delta);
            // A second one of the kind, and the seconds after: sums must bear it.
            collector.merge_from("worker_1", &Delta::unpack(&bytes).unwrap());
            for second in 1..20 {
                collector.tick(start + Duration::from_secs(second), &Users::new());
            }
            collector.record(collector.summary(start + Duration::from_secs(20), Users::new()));
        }
    }
}

/// A delta with one request, then changed.
fn changed(change: impl FnOnce(&mut Delta)) -> String {
    let seen = Seen {
        journey: false,
        name: "a".to_owned(),
        segment: false,
        class: false,
        time: Some(5_000_000),
        failure: None,
        after_ms: 7,
        due: false,
    };
    let mut delta = delta(&[seen], false, Anchor::now(), Instant::now());
    change(&mut delta);
    match Delta::unpack(&delta.pack()) {
        Ok(_) => "fine".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_no_recorder_can_have_seen_is_refused() {
    assert_eq!(changed(|_| {}), "fine");
    let refused = |change: fn(&mut Delta), why: &str| {
        assert_eq!(changed(change), format!("these figures contradict themselves: {why}"));
    };
    refused(|d| d.rows[0].failures = 2, "more failures than requests");
    refused(|d| d.rows[0].untimed = 9, "more untimed than requests");
    refused(|d| d.rows[0].times.record(1), "requests and their times differ in number");
    refused(|d| d.rows[0].seconds[0].requests = 3, "requests and their seconds differ in number");
    refused(|d| d.rows[0].seconds[0].second = u64::MAX, "a second is no moment");
    refused(|d| d.rows[0].last = f64::NAN, "a moment is no moment");
    refused(|d| d.aborted = u64::MAX, "a count is too large");
    refused(|d| d.pulses[0].wall = Duration::MAX, "a span of time is too long");
    refused(|d| d.pulses = vec![d.pulses[0].clone(); PULSES + 1], "too many drivers");
    refused(|d| d.rows = vec![d.rows[0].clone(); 2 * limits::ROWS + 1], "too many rows");
    refused(|d| d.schedule.started = 1, "journeys and their starts differ in number");
    let large = Delta::unpack(&vec![0; BYTES + 1]).unwrap_err().to_string();
    assert_eq!(large, "33554433 bytes of figures are more than the 33554432 that are read");
    let other = Delta::unpack(b"hello").unwrap_err().to_string();
    assert!(other.starts_with("these are no figures of this version: "), "{other}");
}

#[test]
fn a_clock_far_ahead_does_not_keep_windows_open() {
    let (anchor, start) = (Anchor::now(), Instant::now());
    let mut collector = Collector::new(anchor, start);
    collector.tick(start + Duration::from_secs(1), &Users::new());
    let seen = Seen {
        journey: false,
        name: "a".to_owned(),
        segment: false,
        class: false,
        time: Some(5_000_000),
        failure: None,
        after_ms: 90_000_000,
        due: false,
    };
    collector.merge_from("worker_1", &delta(&[seen], false, anchor, start));
    for second in 2..30 {
        collector.tick(start + Duration::from_secs(second), &Users::new());
    }
    let summary = collector.summary(start + Duration::from_secs(30), Users::new());
    assert_eq!(summary.total.figures.requests, 1);
    assert_eq!(summary.total.current.percentiles[0], None, "it has left the window");
}

/// A worker whose clock is an hour and a bit behind is seen at the seconds of the master's clock.
#[test]
fn times_move_to_another_clock() {
    const BEHIND: f64 = 3_600.3;
    let here = Anchor::now();
    let skewed = Anchor::at(
        here.since_epoch(Instant::now()).saturating_sub(Duration::from_secs_f64(BEHIND)),
    );
    let one = Seen {
        journey: false,
        name: "a".to_owned(),
        segment: false,
        class: false,
        time: Some(5),
        failure: Some("no".to_owned()),
        after_ms: 1_500,
        due: false,
    };
    let start = Instant::now();
    let truth = delta(std::slice::from_ref(&one), false, here, start);
    let mut moved = delta(&[one], false, skewed, start);
    assert!((truth.rows[0].last - moved.rows[0].last - BEHIND).abs() < 0.1);
    moved.move_times(BEHIND);
    assert!((truth.rows[0].last - moved.rows[0].last).abs() < 0.1);
    assert!((truth.errors[0].first - moved.errors[0].first).abs() < 0.1);
    assert!((truth.errors[0].last - moved.errors[0].last).abs() < 0.1);
    let apart = truth.rows[0].seconds[0].second.abs_diff(moved.rows[0].seconds[0].second);
    assert!(apart <= 1, "whole seconds move: {apart}");
    assert_eq!(moved.requests(), 1);
    assert!(Delta::unpack(&moved.pack()).is_ok());
    // A measurement that is none, or is absurd, breaks nothing.
    moved.move_times(f64::NAN);
    moved.move_times(-1e18);
    assert!(moved.rows[0].last.abs() < f64::EPSILON);
    assert_eq!(moved.rows[0].seconds[0].second, 0);
    assert!(Delta::unpack(&moved.pack()).is_ok());
}
