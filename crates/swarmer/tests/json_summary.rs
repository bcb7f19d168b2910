//! `--summary-json`: every document is what its schema says.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

#[path = "support/locust.rs"]
mod locust;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use swarmer::clock::Anchor;
use swarmer::report::{LocustJsonFile, SummaryFile, json as documents};
use swarmer::stats::{
    Class, Collector, Detail, Kind, Record, Recorder, RecorderOptions, RowKind, RunEnd, Sample,
    Segment, Summary, Users,
};

const SCHEMA: &str = include_str!("../../../schema/summary.schema.json");

fn empty() -> Record {
    let (anchor, now) = (Anchor::now(), Instant::now());
    let collector = Collector::new(anchor, now);
    collector.record(collector.summary(now, Users::new()))
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// A run in which everything happened that a summary tells.
fn eventful(options: RecorderOptions) -> Record {
    let (anchor, start) = (Anchor::now(), Instant::now());
    let mut recorder = Recorder::new(anchor, options);
    let mut collector = Collector::new(anchor, start);
    *collector.info_mut() = swarmer::stats::RunInfo {
        host: Some("http://shop.example".to_owned()),
        profile: Some("release candidate".to_owned()),
        seed: Some(u64::MAX),
        setup_requests: 3,
        notes: vec!["TLS certificates were not verified (--insecure)".to_owned()],
        tasks: serde_json::json!({
            "per_class": {"Buyer": {"ratio": 1.0, "tasks": {"buy": {"ratio": 1.0}}}},
            "total": {"Buyer": {"ratio": 1.0, "tasks": {"buy": {"ratio": 1.0}}}},
        }),
        ..Default::default()
    };
    let (group, buyers) = (recorder.segment("group A"), recorder.class("Buyer"));
    for number in 1..=50_u64 {
        let failure = format!("HTTPError('{}')", 500 + number % 3);
        let sample = Sample {
            kind: if number % 5 == 0 { Kind::Journey } else { Kind::Request },
            method: if number % 2 == 0 { "GET" } else { "POST" },
            name: "/cart \"ä\"\n",
            segment: if number % 4 == 0 { group } else { Segment::NONE },
            class: if number % 6 == 0 { Class::NONE } else { buyers },
            detail: Some(Detail {
                user: number,
                status: 503,
                trace: TRACE.as_bytes(),
                body: "nö\n".as_bytes(),
            }),
            response_time: (number % 7 != 0).then(|| Duration::from_nanos(number.pow(6) + 1)),
            bytes: number,
            failure: (number % 10 == 0 || number % 3 == 0).then_some(&failure as _),
            completed: start + Duration::from_millis(number * 40),
        };
        recorder.record(&sample);
        let mut run = recorder.begin_run(buyers, "Buy", start);
        recorder.step(&mut run, &sample, false);
        if number % 4 == 0 {
            recorder.say(&mut run, "sold out");
        }
        recorder.end_run(&run, if number % 9 == 0 { RunEnd::Cut } else { RunEnd::Done }, group);
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
    let users = Users::from([("Buyer".to_owned(), 7)]);
    collector.plan(Some(8));
    for second in 1..=4 {
        collector.tick(start + Duration::from_secs(second), &users);
    }
    collector.record(collector.summary(start + Duration::from_secs(4), users))
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
    let fine = documents::record(&eventful(RecorderOptions::default()));
    let coarse = documents::record(&eventful(RecorderOptions { coarse: true }));
    let nothing = documents::record(&empty());
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
fn a_document_is_read_back_to_the_last_bit() {
    let record = eventful(RecorderOptions::default());
    assert_eq!(record.history.requests.iter().sum::<u64>(), record.summary.total.figures.requests);
    assert_eq!(record.history.planned.max.last(), Some(&Some(8.0)));
    assert_eq!(record.history.class_users["Buyer"].last(), Some(&Some(7.0)));
    let Summary { funnels, classes, exemplars, .. } = &record.summary;
    assert_eq!((funnels[0].ends.len(), funnels[0].steps.len(), classes.len()), (3, 2, 1));
    assert!(exemplars.iter().any(|e| e.excerpt.as_deref() == Some("nö") && &*e.trace == TRACE));
    let kinds: Vec<RowKind> = record.row_histories.iter().map(|row| row.kind).collect();
    assert!(
        [RowKind::Request, RowKind::Journey, RowKind::Class]
            .iter()
            .all(|kind| kinds.contains(kind)),
        "{kinds:?}"
    );
    let text = documents::record(&record);
    let read = Record::read(&text).unwrap();
    assert_eq!(read, record);
    assert_eq!(documents::record(&read), text);
    // Documents of a version that wrote no courses are read as well.
    let mut old: Value = serde_json::from_str(&text).unwrap();
    for field in ["history", "row_histories", "classes", "funnels", "exemplars", "marks", "health"]
    {
        old.as_object_mut().unwrap().remove(field);
    }
    let old = Record::read(&old.to_string()).unwrap();
    assert_eq!(old.summary.total, record.summary.total);
    assert!(old.history.time.is_empty());
}

#[test]
fn what_is_no_document_is_refused_in_words() {
    let text = documents::record(&eventful(RecorderOptions::default()));
    let refusal = |text: &str| Record::read(text).unwrap_err().to_string();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        refusal(&text.replacen(from, to, 1))
    };
    let expect = |error: &str, words: &str| assert!(error.contains(words), "{error}");
    expect(&refusal("# Report"), "this is no JSON document: expected value at line 1");
    expect(&refusal(&text[..text.len() / 2]), "this is no JSON document: EOF");
    expect(&refusal("[]"), "no number in its field `version`");
    let other = changed("\"version\": 1", "\"version\": 7");
    assert_eq!(other, "this summary is of version 7; this program reads version 1");
    expect(&changed("\"aborted\"", "\"abandoned\""), "missing field `aborted`");
    expect(&changed("\"failures\": ", "\"failures\": -"), "invalid value: integer `-");
    expect(&changed("\"span\": [", "\"span\": [1, "), "the column `span` of `history`");
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
    locust.write(&empty().summary).unwrap();
    assert_eq!(std::fs::read_to_string(place("out/night.json")).unwrap(), "[]\n");
    let text = std::fs::read_to_string(place("out/run.json")).unwrap();
    assert_eq!(text, documents::record(&empty_like(&text)));
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
fn empty_like(text: &str) -> Record {
    let document: Value = serde_json::from_str(text).unwrap();
    let moment = |field: &str| document[field].as_f64().unwrap();
    let record = empty();
    let summary = Summary { start: moment("start"), at: moment("at"), ..record.summary };
    Record { summary, ..record }
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
