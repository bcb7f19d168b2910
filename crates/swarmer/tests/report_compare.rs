//! Comparisons: what is chance is not marked, what is not is, and both are said in words.

#![expect(clippy::unwrap_used, reason = "code of tests")]

use std::time::{Duration, Instant};

use rand::RngExt;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use swarmer::clock::Anchor;
use swarmer::report::Comparison;
use swarmer::stats::{
    Class, Collector, Kind, Record, Recorder, RecorderOptions, RunInfo, Sample, Segment, Users,
};

/// A run of two requests: `GET /a`, whose times are `slower` times as long as usual, and `GET /b`.
fn run(seed: u64, requests: u32, slower: f64, failures: f64) -> Record {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let (anchor, start) = (Anchor::now(), Instant::now());
    let mut recorder = Recorder::new(anchor, RecorderOptions::default());
    let mut collector = Collector::new(anchor, start);
    *collector.info_mut() = RunInfo {
        workload: "shop 1.0".to_owned(),
        host: Some("http://shop.example".to_owned()),
        ..RunInfo::default()
    };
    for at in 0..requests {
        let name = if at % 2 == 0 { "/a" } else { "/b" };
        let factor = if name == "/a" { slower } else { 1.0 };
        // An exponential distribution above a floor, as services have it.
        let time = (0.004 - 0.010 * (1.0 - rng.random::<f64>()).ln()) * factor;
        let failed = rng.random_bool(failures);
        recorder.record(&Sample {
            kind: Kind::Request,
            method: "GET",
            name,
            segment: Segment::NONE,
            class: Class::NONE,
            detail: None,
            response_time: Some(Duration::from_secs_f64(time)),
            bytes: 100,
            failure: failed.then_some(&"HTTPError('503')" as &dyn std::fmt::Display),
            completed: start + Duration::from_millis(u64::from(at)),
        });
    }
    collector.merge(recorder.take());
    let summary = collector.summary(start + Duration::from_secs(20), Users::new());
    Record { summary, ..serde_json::from_str(&empty()).unwrap() }
}

/// A record without figures, as its JSON.
fn empty() -> String {
    let (anchor, start) = (Anchor::now(), Instant::now());
    let summary = Collector::new(anchor, start).summary(start, Users::new());
    serde_json::to_string(&summary).unwrap()
}

fn compared(a: &Record, b: &Record) -> Comparison {
    Comparison::of(("before.json", a), ("after.json", b))
}

#[test]
fn chance_is_not_marked() {
    // Each comparison has 15 intervals; one of a hundred comparisons may be wrong, these are fixed by their seeds.
    for seed in 0..20 {
        let comparison =
            compared(&run(2 * seed, 8_000, 1.0, 0.01), &run(2 * seed + 1, 8_000, 1.0, 0.01));
        assert!(!comparison.total.matters(), "seed {seed}: {comparison}");
        assert!(comparison.rows.iter().all(|row| !row.matters()), "seed {seed}: {comparison}");
        assert!(comparison.verdict.starts_with("No difference that matters"));
        assert!(!comparison.is_worse());
    }
}

#[test]
fn a_difference_is_marked_where_it_is() {
    let comparison = compared(&run(1, 20_000, 1.0, 0.0), &run(2, 20_000, 1.25, 0.02));
    let row = &comparison.rows[0];
    assert_eq!(row.name, "/a", "those that differ come first");
    assert_eq!((row.p95.matters, row.p95.better), (true, Some(false)));
    let (low, high) = (row.p95.low.unwrap(), row.p95.high.unwrap());
    let truth = 0.25 * (4.0 - 10.0 * 0.05_f64.ln());
    assert!(low < truth && truth < high && low > 0.0, "{low} < {truth} < {high}");
    let other = comparison.rows.iter().find(|row| row.name == "/b").unwrap();
    assert!(!other.p50.matters && !other.p95.matters, "{other:?}");
    assert!(comparison.total.failure_ratio.matters && comparison.is_worse());
    // The other way round it is the better run.
    let back = compared(&run(2, 20_000, 1.25, 0.02), &run(1, 20_000, 1.0, 0.0));
    assert_eq!(back.rows[0].p95.better, Some(true));
    assert!(!back.is_worse());
}

#[test]
fn it_reads_well() {
    let shown = compared(&run(1, 20_000, 1.0, 0.0), &run(2, 500, 1.25, 0.02)).to_string();
    insta::assert_snapshot!(shown);
}

#[test]
fn rows_of_one_run_only_are_no_difference() {
    let (a, mut b) = (run(1, 5_000, 1.0, 0.0), run(2, 5_000, 1.0, 0.0));
    b.summary.rows.retain(|row| &*row.name == "/b");
    b.summary.info.settings.insert("users".to_owned(), "50".to_owned());
    let comparison = compared(&a, &b);
    let gone = comparison.rows.iter().find(|row| row.name == "/a").unwrap();
    assert_eq!((gone.requests.a, gone.requests.b), (2_500, 0));
    assert!(!gone.matters() && gone.p95.b.is_none());
    assert!(comparison.warnings.contains(&"--users differs: not given and \"50\"".to_owned()));
    let json = serde_json::to_value(&comparison).unwrap();
    assert_eq!(json["rows"][0]["kind"], "request");
    let nothing: Record = serde_json::from_str(&empty()).unwrap();
    assert!(compared(&a, &nothing).verdict.starts_with("There is nothing to compare"));
}
