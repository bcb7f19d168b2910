//! Runs that are added up are what one run with all their requests would have been.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::time::{Duration, Instant};

use proptest::prelude::*;
use swarmer::clock::Anchor;
use swarmer::report::json;
use swarmer::stats::{
    Collector, Funnel, Kind, MergeError, PercentileSource, Record, Recorder, RecorderOptions,
    RunEnd, Sample, Segment, Summary, Users,
};

const NAMES: [&str; 4] = ["/a", "/b", "/c", "/d"];

/// A request: which name, its time in microseconds, whether it fails, its segment, the run it belongs to.
type Made = (usize, u64, bool, bool, usize);

fn requests() -> impl Strategy<Value = Vec<Made>> {
    let request = (0..NAMES.len(), 1_u64..20_000_000, any::<bool>(), any::<bool>(), 0_usize..4);
    prop::collection::vec(request, 1..120)
}

/// All requests of which `part` is true, recorded by one collector.
fn record(made: &[Made], part: impl Fn(usize) -> bool, times: (Anchor, Instant)) -> Record {
    let (anchor, start) = times;
    let mut recorder = Recorder::new(anchor, RecorderOptions::default());
    let mut collector = Collector::new(anchor, start);
    let (class, group) = (recorder.class("Buyer"), recorder.segment("group A"));
    for (at, &(name, micros, fails, grouped, run)) in made.iter().enumerate() {
        if !part(run) {
            continue;
        }
        let text = format!("error {}", at % 3);
        let segment = if grouped { group } else { Segment::NONE };
        let sample = Sample {
            kind: Kind::Request,
            method: "GET",
            name: NAMES[name],
            segment,
            class,
            detail: None,
            response_time: Some(Duration::from_micros(micros)),
            bytes: micros,
            failure: fails.then_some(&text as _),
            completed: start + Duration::from_secs(30) + Duration::from_millis(at as u64),
        };
        recorder.record(&sample);
        recorder.from_due(&sample, Duration::from_micros(micros + 5));
        let mut journey = recorder.begin_run(class, "Buy", start);
        recorder.step(&mut journey, &sample, false);
        recorder.end_run(&journey, if fails { RunEnd::Cut } else { RunEnd::Done }, segment);
        recorder.metrics().count("orders", 2);
    }
    collector.merge(recorder.take());
    let now = start + Duration::from_mins(1);
    collector.tick(now, &Users::new());
    collector.end();
    collector.tick(now + Duration::from_secs(1), &Users::new());
    let record = collector.record(collector.summary(now, Users::new()));
    // What is added comes from files.
    Record::read(&json::record(&record)).unwrap()
}

/// What must be the same, in one text; what hangs on the moment (the last ten seconds, places by appearance) is left out.
fn exact(record: &Record) -> String {
    let summary = &record.summary;
    let plain = |row: &swarmer::stats::Row| {
        let mut row = serde_json::to_value(row).unwrap();
        let fields = row.as_object_mut().unwrap();
        for field in ["current", "order", "requests_per_second", "failures_per_second"] {
            fields.remove(field);
        }
        for segment in fields["segments"].as_array_mut().unwrap() {
            let fields = segment.as_object_mut().unwrap();
            fields.remove("requests_per_second");
            fields.remove("failures_per_second");
        }
        row.to_string()
    };
    let mut lines: Vec<String> = summary.rows.iter().chain(&summary.classes).map(plain).collect();
    lines.push(plain(&summary.total));
    let mut errors: Vec<String> =
        summary.errors.iter().map(|error| serde_json::to_string(error).unwrap()).collect();
    errors.sort();
    lines.extend(errors);
    for Funnel { steps, ends, duration, between, .. } in &summary.funnels {
        let mut steps: Vec<String> =
            steps.iter().map(|step| serde_json::to_string(step).unwrap()).collect();
        steps.sort();
        lines.push(format!("{steps:?} {ends:?} {duration:?} {between:?}"));
    }
    lines.push(format!("{} {:?}", record.history.requests.iter().sum::<u64>(), summary.folded));
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn adding_parts_is_recording_all(made in requests()) {
        let times = (Anchor::now(), Instant::now());
        let whole = record(&made, |_| true, times);
        let [a, b, c, d] = [0, 1, 2, 3].map(|part| record(&made, |run| run == part, times));
        let flat = Record::merge(&[("a", &a), ("b", &b), ("c", &c), ("d", &d)]).unwrap();
        let back = Record::merge(&[("d", &d), ("b", &b), ("a", &a), ("c", &c)]).unwrap();
        let pair = Record::merge(&[("c", &c), ("d", &d)]).unwrap();
        let left = Record::merge(&[("a", &a), ("b", &b)]).unwrap();
        let nested = Record::merge(&[("left", &left), ("pair", &pair)]).unwrap();
        let wanted = exact(&whole);
        for sum in [&flat, &back, &nested] {
            prop_assert_eq!(&exact(sum), &wanted);
            prop_assert_eq!(sum.runs.len(), 4);
            let (rate, all) = (sum.summary.total.figures.requests_per_second,
                whole.summary.total.figures.requests_per_second);
            prop_assert!((rate - all).abs() < 1e-9 * all.max(1.0), "{} {}", rate, all);
            prop_assert!(sum.summary.info.notes[0].starts_with("merged from 4 runs: a, b, c, d"));
            // A sum is a document like any other.
            prop_assert_eq!(&Record::read(&json::record(sum)).unwrap(), sum);
        }
    }
}

#[test]
fn what_cannot_be_added_is_refused() {
    let times = (Anchor::now(), Instant::now());
    let fine = record(&[(0, 5, false, false, 0)], |_| true, times);
    let mut coarse = fine.clone();
    coarse.summary.percentile_source = PercentileSource::Locust;
    let refused = Record::merge(&[("a", &fine), ("b", &coarse)]).unwrap_err();
    assert!(matches!(&refused, MergeError::Sources { other, .. } if other == "b"), "{refused}");
    assert_eq!(Record::merge(&[("a", &fine)]), Err(MergeError::TooFew(1)));
    let mut lean = fine.clone();
    lean.summary.total.figures.times = std::sync::Arc::default();
    let refused = Record::merge(&[("a", &fine), ("b", &lean)]).unwrap_err();
    assert!(refused.to_string().starts_with("\"b\" has no histogram for"), "{refused}");
    assert_eq!(Summary::VERSION, 1);
}

#[test]
fn time_between_runs_is_no_time_of_theirs() {
    let now = Instant::now();
    let first = record(&[(0, 5, false, false, 0)], |_| true, (Anchor::now(), now));
    let mut second = first.clone();
    second.summary.start += 10_000.0;
    second.summary.last_request = second.summary.last_request.map(|last| last + 10_000.0);
    let alone = first.summary.total.figures.requests_per_second;
    let both = Record::merge(&[("a", &first), ("b", &second)]).unwrap();
    let rate = both.summary.total.figures.requests_per_second;
    assert!((rate - alone).abs() < 1e-6, "{rate} {alone}");
}
