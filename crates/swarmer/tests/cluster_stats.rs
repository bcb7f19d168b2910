//! Figures that cross between engines keep every count.
#![expect(clippy::unwrap_used, reason = "a failed test is the right answer to an error")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use swarmer::clock::Anchor;
use swarmer::cluster::{Entry, Envelope, Report, ToMaster};
use swarmer::report::python::error_key;
use swarmer::stats::{
    Class, Collector, Delta, Figures, Kind, Recorder, RecorderOptions, Sample, Segment, Summary,
    Users,
};

/// One request: name, method, nanoseconds, bytes, error, seconds after the start.
type Request = (u8, bool, Option<u64>, u16, Option<u8>, u8);

fn requests() -> impl Strategy<Value = Vec<Request>> {
    let time = prop::option::weighted(0.9, 0..200_000_000_000_u64);
    let error = prop::option::weighted(0.3, 0..4_u8);
    prop::collection::vec((0..5_u8, any::<bool>(), time, any::<u16>(), error, 0..3_u8), 0..200)
}

/// The same requests as a delta; each call gives an equal one.
fn delta(anchor: Anchor, start: Instant, coarse: bool, requests: &[Request]) -> Delta {
    let mut recorder = Recorder::new(anchor, RecorderOptions { coarse });
    let segments = [Segment::NONE, recorder.segment("A")];
    for (name, post, time, bytes, error, after) in requests {
        let error = error.map(|number| format!("CatchResponseError('wrong {number}')"));
        recorder.record(&Sample {
            kind: if *name == 4 { Kind::Journey } else { Kind::Request },
            method: if *post { "POST" } else { "GET" },
            name: ["/", "/a", "/b?id=[id]", "it's", "task"][usize::from(*name)],
            segment: segments[usize::from(*after % 2)],
            response_time: time.map(Duration::from_nanos),
            bytes: (*bytes).into(),
            failure: error.as_ref().map(|error| error as &dyn std::fmt::Display),
            completed: start + Duration::from_secs((*after).into()),
            class: Class::NONE,
            detail: None,
        });
    }
    recorder.take()
}

fn summary(anchor: Anchor, start: Instant, delta: Delta) -> Summary {
    let mut collector = Collector::new(anchor, start);
    collector.merge(delta);
    collector.summary(start + Duration::from_secs(4), Users::new())
}

fn sent(report: Report) -> Report {
    let bytes = Envelope::new(ToMaster::Stats(Box::new(report)), "host_1").encode();
    let read = Envelope::<ToMaster>::decode(&bytes).unwrap();
    let ToMaster::Stats(report) = read.message else { panic!("another message") };
    *report
}

fn counts(figures: &Figures) -> [u64; 5] {
    [figures.requests, figures.untimed, figures.failures, figures.bytes, figures.times.count()]
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-5 * a.abs().max(1.0)
}

proptest! {
    #[test]
    fn reports_keep_every_count(requests in requests(), coarse in any::<bool>()) {
        let anchor = Anchor::now();
        let start = Instant::now();
        let make = || delta(anchor, start, coarse, &requests);
        let since = anchor.epoch_seconds(start);
        let classes = BTreeMap::from([("Agent".to_owned(), 3)]);
        let report = sent(Report::of([&make()], since, classes));
        prop_assert_eq!(report.users, 3);
        let sum = |of: fn(&Entry) -> u64| report.entries.iter().map(of).sum::<u64>();
        prop_assert_eq!(report.total.requests, sum(|entry| entry.requests));
        prop_assert_eq!(report.total.failures, sum(|entry| entry.failures));

        let there = summary(anchor, start, report.clone().into_delta(since + 4.0));
        let here = summary(anchor, start, make());
        prop_assert_eq!(counts(&there.total.figures), counts(&here.total.figures));
        let own: Vec<_> = here.rows.iter().filter(|row| row.kind == Kind::Request).collect();
        prop_assert_eq!(there.rows.len(), own.len());
        for (theirs, ours) in there.rows.iter().zip(own) {
            prop_assert_eq!((&theirs.name, &theirs.method), (&ours.name, &ours.method));
            let (theirs, ours) = (&theirs.figures, &ours.figures);
            prop_assert_eq!(counts(theirs), counts(ours));
            prop_assert!(near(theirs.min, ours.min) && near(theirs.max, ours.max));
            prop_assert!(near(theirs.mean, ours.mean), "{} {}", theirs.mean, ours.mean);
            prop_assert!(near(theirs.requests_per_second, ours.requests_per_second));
            // The buckets are the very same, if they were kept.
            if coarse {
                prop_assert_eq!(&theirs.coarse, &ours.coarse);
            }
        }
        let errors = |summary: &Summary| {
            let requests = summary.errors.iter().filter(|error| error.kind == Kind::Request);
            let key = |error: &swarmer::stats::ErrorRow| {
                (error_key(&error.method, &error.name, &error.error), error.occurrences)
            };
            requests.map(key).collect::<BTreeMap<_, _>>()
        };
        prop_assert_eq!(errors(&there), errors(&here));

        // Once more round: nothing changes any more.
        let again = sent(Report::of([&report.clone().into_delta(since + 4.0)], since, BTreeMap::new()));
        for (again, report) in again.entries.iter().zip(&report.entries) {
            prop_assert_eq!(&again.times, &report.times);
            prop_assert_eq!(&again.per_second, &report.per_second);
            prop_assert_eq!(&again.failures_per_second, &report.failures_per_second);
        }
    }
}

fn entry(name: &str, requests: u64, times: &[(u64, u64)]) -> Entry {
    let times: BTreeMap<u64, u64> = times.iter().copied().collect();
    let untimed = requests - times.values().sum::<u64>();
    Entry { name: name.into(), method: "GET".into(), requests, untimed, times, ..Entry::default() }
}

#[test]
fn the_total_is_the_senders() {
    let report = Report {
        entries: vec![entry("/", 2, &[(10, 2)])],
        total: Entry { failures: 1, bytes: 7, ..entry("Aggregated", 5, &[(10, 3), (20, 1)]) },
        ..Report::default()
    };
    let (anchor, start) = (Anchor::now(), Instant::now());
    let summary = summary(anchor, start, report.clone().into_delta(anchor.epoch_seconds(start)));
    assert_eq!(counts(&summary.total.figures), [5, 1, 1, 7, 4]);
    let names: Vec<_> = summary.rows.iter().map(|row| (&*row.name, row.figures.requests)).collect();
    assert_eq!(names, [("(other)", 3), ("/", 2)]);
}

/// A clock that is days ahead must not hide all that comes after.
#[test]
fn figures_from_the_future_count_as_of_now() {
    let (anchor, start) = (Anchor::now(), Instant::now());
    let now = anchor.epoch_seconds(start);
    let (far, second) = (now + 1e6, anchor.since_epoch(start).as_secs() + 1_000_000);
    let ahead = Entry {
        last_request: Some(far),
        per_second: BTreeMap::from([(second, 3)]),
        ..entry("/", 3, &[(10, 3)])
    };
    let report = Report { entries: vec![ahead.clone()], total: ahead, ..Report::default() };
    let summary = summary(anchor, start, report.clone().into_delta(now));
    assert_eq!(summary.total.figures.requests, 3);
    assert!(summary.last_request.unwrap() <= now);
    assert!(summary.total.current.requests_per_second > 0.0, "counted in no second");
}

#[test]
fn contradictions_give_way() {
    let (anchor, start) = (Anchor::now(), Instant::now());
    let odd = Entry {
        min_time: Some(500.0),
        max_time: 20.0,
        total_time: 1e12,
        ..entry("/", 4, &[(10, 3), (9_000, 1)])
    };
    let report = sent(Report { entries: vec![odd.clone()], total: odd, ..Report::default() });
    let summary = summary(anchor, start, report.clone().into_delta(anchor.epoch_seconds(start)));
    let figures = &summary.total.figures;
    assert_eq!(counts(figures), [4, 0, 0, 0, 4]);
    assert!(figures.min <= figures.mean && figures.mean <= figures.max && figures.max <= 20.0);
}

/// What a real Locust fleet reported, added up: the sums of the recording, and its error keys.
#[test]
fn recorded_reports_add_up() {
    let (anchor, start) = (Anchor::now(), Instant::now());
    let mut collector = Collector::new(anchor, start);
    let mut errors = 0;
    for line in include_str!("data/locust/frames.jsonl").lines() {
        let frame: serde_json::Value = serde_json::from_str(line).unwrap();
        if frame["decoded"][0] != "stats" {
            continue;
        }
        let hex = frame["frames_hex"][1].as_str().unwrap();
        let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(digits).collect();
        let ToMaster::Stats(report) = Envelope::<ToMaster>::decode(&bytes).unwrap().message else {
            panic!("another message")
        };
        for (key, error) in &report.errors {
            assert_eq!(*key, error_key(&error.method, &error.name, &error.error));
            errors += error.occurrences;
        }
        let at = report.total.last_request.unwrap_or(0.0);
        collector.merge_from(frame["worker"].as_str().unwrap(), &report.into_delta(at));
    }
    let summary = collector.summary(start, Users::new());
    assert_eq!(summary.total.figures.requests, 167);
    assert_eq!(summary.rows.iter().map(|row| row.figures.requests).sum::<u64>(), 167);
    assert_eq!(summary.errors.iter().map(|error| error.occurrences).sum::<u64>(), errors);
    assert!(errors > 0 && summary.total.figures.untimed > 0);
    assert_eq!(summary.total.figures.failures, errors);
}
