//! `--summary-json`: every document is what its schema says.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

#[path = "support/locust.rs"]
mod locust;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use swarmer::clock::Anchor;
use swarmer::report::{LocustJsonFile, SummaryFile, json as documents};
use swarmer::stats::{
    Class, Collector, Kind, Recorder, RecorderOptions, Sample, Segment, Summary, Users,
};

const SCHEMA: &str = include_str!("../../../schema/summary.schema.json");

fn empty() -> Summary {
    let (anchor, now) = (Anchor::now(), Instant::now());
    Collector::new(anchor, now).summary(now, Users::new())
}

/// A run in which everything happened that a summary tells.
fn eventful(options: RecorderOptions) -> Summary {
    let (anchor, start) = (Anchor::now(), Instant::now());
    let mut recorder = Recorder::new(anchor, options);
    let mut collector = Collector::new(anchor, start);
    *collector.info_mut() = swarmer::stats::RunInfo {
        host: Some("http://shop.example".to_owned()),
        profile: Some("release candidate".to_owned()),
        seed: Some(u64::MAX),
        setup_requests: 3,
        notes: vec!["TLS certificates were not verified (--insecure)".to_owned()],
        ..Default::default()
    };
    let group = recorder.segment("group A");
    for number in 1..=50_u64 {
        let failure = format!("HTTPError('{}')", 500 + number % 3);
        let sample = Sample {
            kind: if number % 5 == 0 { Kind::Journey } else { Kind::Request },
            method: if number % 2 == 0 { "GET" } else { "POST" },
            name: "/cart \"ä\"\n",
            segment: if number % 4 == 0 { group } else { Segment::NONE },
            class: Class::NONE,
            detail: None,
            response_time: (number % 7 != 0).then(|| Duration::from_nanos(number.pow(6) + 1)),
            bytes: number,
            failure: (number % 10 == 0 || number % 3 == 0).then_some(&failure as _),
            completed: start + Duration::from_millis(number * 40),
        };
        recorder.record(&sample);
        if number % 8 == 0 {
            recorder.from_due(&sample, Duration::from_millis(number));
            recorder.journey_started(Duration::from_micros(number));
        }
    }
    recorder.exception("Buyer", &"no cart", &"  at shop.rs:7\n  caused by hunger");
    recorder.aborted();
    recorder.metrics().count("orders", 3);
    recorder.metrics().gauge("queue", -1.5, start);
    recorder.metrics().timing("render", Duration::from_millis(7));
    recorder.journeys_dropped(2);
    collector.merge(recorder.take());
    collector.summary(start + Duration::from_secs(4), Users::from([("Buyer".to_owned(), 7)]))
}

/// What is wrong with each document; nothing for a valid one.
fn problems(texts: &[&str]) -> Vec<String> {
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let texts: Vec<Value> = texts.iter().map(|text| parse(text)).collect();
    let job = json!({ "schema": parse(SCHEMA), "documents": texts });
    locust::run("check_schema.py", &job.to_string()).lines().map(str::to_owned).collect()
}

#[test]
fn every_summary_is_what_its_schema_says() {
    let fine = documents::summary(&eventful(RecorderOptions::default()));
    let coarse = documents::summary(&eventful(RecorderOptions { coarse: true }));
    let nothing = documents::summary(&empty());
    assert!(coarse.contains("\"percentile_source\": \"locust\""));
    let unknown = fine.replacen("\"aborted\"", "\"abandoned\"", 1);
    let other_version = fine.replacen("\"version\": 1,", "\"version\": 2,", 1);
    let no_number = fine.replacen("\"requests\": ", "\"requests\": -", 1);
    let found = problems(&[&fine, &coarse, &nothing, &unknown, &other_version, &no_number]);
    assert_eq!(found[..3], ["", "", ""]);
    assert!(found[3].contains("'abandoned' was unexpected"), "{}", found[3]);
    assert!(found[4].contains("$.version: 1 was expected"), "{}", found[4]);
    assert!(found[5].contains("is less than the minimum of 0"), "{}", found[5]);
    let version = format!("\"const\": {}", Summary::VERSION);
    assert!(SCHEMA.contains(&version), "the schema is of the current version");
}

#[test]
fn files_are_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let listed = || {
        let entries = std::fs::read_dir(folder.path().join("out")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    let summary = SummaryFile::reserve(&place("out/deep/../run.json")).unwrap();
    let locust = LocustJsonFile::reserve(&place("out/night")).unwrap();
    assert_eq!(listed(), ["deep"], "nothing is there before it is complete");
    summary.write(&empty()).unwrap();
    locust.write(&empty()).unwrap();
    assert_eq!(std::fs::read_to_string(place("out/night.json")).unwrap(), "[]\n");
    let text = std::fs::read_to_string(place("out/run.json")).unwrap();
    assert_eq!(text, documents::summary(&empty_like(&text)));
    let mut names = listed();
    names.sort();
    assert_eq!(names, ["deep", "night.json", "run.json"], "and nothing else is left");

    // What was there stays until it is replaced.
    let again = SummaryFile::reserve(&place("out/run.json")).unwrap();
    assert_eq!(std::fs::read_to_string(place("out/run.json")).unwrap(), text);
    again.write(&eventful(RecorderOptions::default())).unwrap();
    assert_ne!(std::fs::read_to_string(place("out/run.json")).unwrap(), text);
}

/// An empty summary with the moments of a document.
fn empty_like(text: &str) -> Summary {
    let document: Value = serde_json::from_str(text).unwrap();
    let moment = |field: &str| document[field].as_f64().unwrap();
    Summary { start: moment("start"), at: moment("at"), ..empty() }
}

#[test]
fn places_that_cannot_be_written_are_told_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let error = SummaryFile::reserve(folder.path()).unwrap_err().to_string();
    assert!(error.contains("Is a directory"), "{error}");
    assert!(error.ends_with("; choose another place with --summary-json"), "{error}");
    let error = LocustJsonFile::reserve("/proc/none/x".as_ref()).unwrap_err().to_string();
    assert!(error.starts_with("cannot create the folder `/proc/none`: "), "{error}");
    assert!(error.ends_with("; choose another place with --json-file"), "{error}");
    // Something that is no regular file is written to, not replaced.
    let device = SummaryFile::reserve("/dev/null".as_ref()).unwrap();
    device.write(&empty()).unwrap();
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
}
