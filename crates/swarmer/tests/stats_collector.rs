//! From recorders through deltas to summaries.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use swarmer::clock::Anchor;
use swarmer::report::html;
use swarmer::stats::{
    Class, Collector, Kind, Recorder, RecorderOptions, Row, RowKind, Sample, Segment, Summary,
    Users, limits,
};

const MS: Duration = Duration::from_millis(1);

/// One recorder and one collector on a clock the test moves by hand.
struct Bench {
    anchor: Anchor,
    start: Instant,
    recorder: Recorder,
    collector: Collector,
}

impl Bench {
    /// Starts on a whole second of the calendar, so that the seconds of a test are those of the statistics.
    fn new() -> Self {
        let anchor = Anchor::now();
        let now = Instant::now();
        let into = Duration::from_nanos(u64::from(anchor.since_epoch(now).subsec_nanos()));
        let start = now + Duration::from_secs(1).saturating_sub(into);
        let recorder = Recorder::new(anchor, RecorderOptions::default());
        Self { anchor, start, recorder, collector: Collector::new(anchor, start) }
    }

    fn at(&self, seconds: f64) -> Instant {
        self.start + Duration::from_secs_f64(seconds)
    }

    fn request(&mut self, at: f64, name: &str, time: Duration) {
        self.sample(at, |sample| Sample { name, response_time: Some(time), ..sample });
    }

    fn sample<'a>(&mut self, at: f64, change: impl FnOnce(Sample<'a>) -> Sample<'a>) {
        let sample = Sample {
            kind: Kind::Request,
            method: "GET",
            name: "/",
            segment: Segment::NONE,
            class: Class::NONE,
            detail: None,
            response_time: Some(MS),
            bytes: 10,
            failure: None,
            completed: self.at(at),
        };
        self.recorder.record(&change(sample));
    }

    fn hand_over(&mut self) {
        let delta = self.recorder.take();
        self.collector.merge(delta);
    }

    fn tick(&mut self, at: f64) {
        self.hand_over();
        self.collector.tick(self.at(at), &users());
    }

    fn summary(&mut self, at: f64) -> Summary {
        self.hand_over();
        self.collector.summary(self.at(at), users())
    }
}

fn users() -> Users {
    BTreeMap::from([("A".to_owned(), 2), ("B".to_owned(), 1)])
}

/// Equal but for the rounding of calendar seconds as floats.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-5
}

#[test]
fn figures_follow_their_definitions() {
    let mut bench = Bench::new();
    for (at, millis) in [(0.5, 10), (1.0, 20), (2.0, 30), (4.0, 40)] {
        bench.request(at, "/b", MS * millis);
    }
    bench.sample(3.0, |s| Sample { name: "/b", failure: Some(&"boom"), response_time: None, ..s });
    bench.sample(3.0, |s| Sample { name: "/a", method: "POST", ..s });
    bench.sample(3.5, |s| Sample { name: "/a", ..s });
    bench.sample(9.0, |s| Sample { kind: Kind::Journey, name: "A day", method: "", ..s });
    bench.recorder.aborted();
    let summary = bench.summary(5.0);

    let order: Vec<_> = summary.rows.iter().map(|r| (r.kind, &*r.name, &*r.method)).collect();
    let expected = [
        (Kind::Request, "/a", "GET"),
        (Kind::Request, "/a", "POST"),
        (Kind::Request, "/b", "GET"),
        (Kind::Journey, "A day", ""),
    ];
    assert_eq!(order, expected);
    let b = &summary.rows[2].figures;
    assert_eq!((b.requests, b.untimed, b.failures, b.bytes), (5, 1, 1, 50));
    assert!(close(b.min, 10.0) && close(b.mean, 25.0) && close(b.max, 40.0));
    assert!((b.median - 30.0).abs() < 0.03, "the larger of the two middle ones: {}", b.median);
    assert_eq!(b.percentiles[10], Some(40.0), "the maximum is exact");
    assert!(close(b.failure_ratio(), 0.2) && close(b.mean_bytes(), 10.0));
    // The latest request was finished 4 s after the start.
    assert!(close(b.requests_per_second, 5.0 / 4.0), "{}", b.requests_per_second);
    assert!(close(b.failures_per_second, 1.0 / 4.0));
    let total = &summary.total;
    assert_eq!((&*total.name, &*total.method), ("Aggregated", ""));
    assert_eq!((total.figures.requests, total.figures.failures), (7, 1), "journeys are apart");
    assert!(close(summary.last_request.unwrap() - summary.start, 4.0));
    assert_eq!((summary.aborted, summary.user_count()), (1, 3));
    assert!(summary.has_problems());
}

#[test]
fn segments_are_part_of_their_row() {
    let mut bench = Bench::new();
    let (a, b) = (bench.recorder.segment("A"), bench.recorder.segment("B"));
    assert_eq!(bench.recorder.segment("A"), a);
    for (segment, millis) in [(a, 1), (a, 2), (b, 9), (Segment::NONE, 5)] {
        bench.sample(1.0, |s| Sample { segment, response_time: Some(MS * millis), ..s });
    }
    let summary = bench.summary(2.0);
    assert_eq!(summary.rows.len(), 1);
    for row in [&summary.rows[0], &summary.total] {
        assert_eq!(row.figures.requests, 4);
        let parts: Vec<_> =
            row.segments.iter().map(|s| (&*s.segment, s.figures.requests, s.figures.max)).collect();
        assert_eq!(parts, [("A", 2, 2.0), ("B", 1, 9.0)]);
    }
}

#[test]
fn classes_are_rows_of_their_own_with_segments() {
    let mut bench = Bench::new();
    let (quotes, claims) = (bench.recorder.class("Quotes"), bench.recorder.class("Claims"));
    assert_eq!(bench.recorder.class("Quotes"), quotes);
    let a = bench.recorder.segment("A");
    for (class, segment, name, millis) in [
        (quotes, a, "/a", 1),
        (quotes, Segment::NONE, "/b", 7),
        (claims, a, "/a", 3),
        (Class::NONE, a, "/a", 9),
    ] {
        let failure = (class == claims).then_some(&"boom" as _);
        let response_time = Some(MS * millis);
        let change = |s| Sample { class, segment, name, failure, response_time, ..s };
        bench.sample(1.0, change);
        bench.sample(1.0, |s| Sample { kind: Kind::Journey, ..change(s) });
    }
    let summary = bench.summary(4.0);
    assert_eq!(summary.rows.len(), 4, "a class makes no row of its own among the requests");
    let of = |row: &Row| (row.name.to_string(), row.figures.requests, row.figures.failures);
    let classes: Vec<_> = summary.classes.iter().map(of).collect();
    assert_eq!(classes, [("Claims".to_owned(), 1, 1), ("Quotes".to_owned(), 2, 0)]);
    let quotes = &summary.classes[1];
    assert_eq!((quotes.figures.min, quotes.figures.max), (1.0, 7.0));
    assert_eq!((&*quotes.segments[0].segment, quotes.segments[0].figures.requests), ("A", 1));
    assert_eq!(quotes.current.percentiles[10], Some(7.0));
    assert!(close(quotes.current.requests_per_second, 1.0), "two in the two seconds settled");
    bench.collector.reset(bench.at(5.0));
    assert!(bench.summary(6.0).classes.iter().all(|row| row.figures.requests == 0));
}

#[test]
fn current_rates_and_percentiles_fall_to_nothing_when_traffic_stops() {
    let mut bench = Bench::new();
    for tenth in 0..200 {
        let slow = if tenth < 50 { 900 } else { 5 };
        bench.request(f64::from(tenth) / 10.0, "/", MS * slow);
        if tenth % 10 == 9 {
            bench.tick(f64::from(tenth / 10 + 1));
        }
    }
    let now = bench.summary(20.0);
    assert!(close(now.total.current.requests_per_second, 10.0));
    assert_eq!(now.total.current.percentiles[10], Some(5.0), "the slow ones have left");
    assert_eq!(now.total.figures.percentiles[10], Some(900.0));
    assert_eq!(now.rows[0].current, now.total.current);
    let later = bench.summary(25.0);
    assert!(close(later.total.current.requests_per_second, 7.0), "3 of the 10 seconds are idle");
    let idle = bench.summary(40.0);
    assert!(close(idle.total.current.requests_per_second, 0.0));
    assert_eq!(idle.total.current.percentiles, [None; 11]);
    assert_eq!(idle.total.figures.requests, 200);
}

#[test]
fn errors_are_grouped_capped_and_folded_visibly() {
    let mut bench = Bench::new();
    let second = bench.at(1.0);
    for n in 0..limits::ERRORS + 50 {
        let text = format!("error {n}");
        bench.sample(1.0, |s| Sample { failure: Some(&text), ..s });
        if n % 1_000 == 0 {
            bench.hand_over();
        }
    }
    bench.hand_over();
    for _ in 0..3 {
        bench.sample(2.0, |s| Sample { failure: Some(&"error 0"), ..s });
        bench.sample(2.0, |s| Sample { failure: Some(&"one too many"), ..s });
    }
    let long = "é".repeat(limits::ERROR_TEXT_BYTES);
    bench.sample(2.0, |s| Sample { failure: Some(&long), ..s });
    let summary = bench.summary(3.0);
    assert_eq!(summary.errors.len(), limits::ERRORS);
    let first = &summary.errors[0];
    assert_eq!((&*first.error, first.occurrences), ("error 0", 4));
    assert!(close(first.last_seen - first.first_seen, 1.0));
    assert!(close(first.first_seen, bench.anchor.epoch_seconds(second)));
    assert_eq!((summary.folded.errors, summary.folded.error_occurrences), (52, 54));
    let shown: u64 = summary.errors.iter().map(|e| e.occurrences).sum();
    assert_eq!(shown + summary.folded.error_occurrences, summary.total.figures.failures);
    bench.collector.reset(bench.at(3.0));
    bench.sample(4.0, |s| Sample { failure: Some(&long), ..s });
    let text = bench.summary(5.0).errors[0].error.clone();
    assert_eq!(text.len(), limits::ERROR_TEXT_BYTES + "…".len());
    assert!(text.ends_with("é…"));
}

#[test]
fn long_names_and_texts_of_errors_meet_limits_of_bytes_and_no_count_is_lost() {
    let mut bench = Bench::new();
    let failures = 1_500;
    for n in 0..failures {
        let name = format!("{n}{}", "n".repeat(60 << 10));
        bench.sample(1.0, |s| Sample { name: &name, failure: Some(&"boom"), ..s });
        if n % 10 == 0 {
            bench.hand_over();
        }
    }
    let summary = bench.summary(2.0);
    let kept: usize = summary.errors.iter().map(|e| e.name.len() + e.error.len()).sum();
    assert!((limits::ERROR_BYTES / 2..=limits::ERROR_BYTES).contains(&kept), "{kept} bytes");
    assert_eq!(summary.total.figures.failures, failures);
    let shown: u64 = summary.errors.iter().map(|e| e.occurrences).sum();
    assert_eq!(shown + summary.folded.error_occurrences, failures);
    bench.collector.reset(bench.at(3.0));
    // All in one delta: more than one may carry.
    let text = "t".repeat(limits::ERROR_TEXT_BYTES - 10);
    for n in 0..3_000 {
        let text = format!("{n}{text}");
        bench.sample(4.0, |s| Sample { failure: Some(&text), ..s });
    }
    let packed = bench.recorder.take();
    assert!(packed.pack().len() < limits::ERROR_BYTES_PER_DELTA + (200 << 10));
    bench.collector.merge(packed);
    let summary = bench.summary(5.0);
    let shown: u64 = summary.errors.iter().map(|e| e.occurrences).sum();
    assert!((700..1_100).contains(&shown), "{shown}");
    assert_eq!(shown + summary.folded.error_occurrences, 3_000);
}

#[test]
fn exceptions_name_their_nodes() {
    let mut bench = Bench::new();
    for node in ["worker_1", "local"] {
        for _ in 0..2 {
            bench.recorder.exception("QuoteAgent", &"no quote", &"caused by: empty list");
        }
        bench.recorder.exception("QuoteAgent", &"no quote", &"caused by: other");
        let delta = bench.recorder.take();
        bench.collector.merge_from(node, &delta);
    }
    let summary = bench.summary(1.0);
    let rows: Vec<_> = summary.exceptions.iter().map(|e| (&*e.detail, e.count)).collect();
    assert_eq!(rows, [("caused by: empty list", 4), ("caused by: other", 2)]);
    assert_eq!(summary.exceptions[0].nodes, ["local", "worker_1"]);
    assert_eq!(summary.total.figures.requests, 0);
    assert!(summary.has_problems());
}

#[test]
fn reset_keeps_names_and_counts_from_there() {
    let mut bench = Bench::new();
    bench.sample(1.0, |s| Sample { failure: Some(&"boom"), ..s });
    bench.recorder.exception("A", &"m", &"d");
    bench.hand_over();
    bench.collector.reset(bench.at(2.0));
    let empty = bench.summary(3.0);
    assert_eq!((empty.rows.len(), empty.total.figures.requests), (1, 0));
    assert_eq!(empty.rows[0].figures.percentiles, [None; 11]);
    assert!(empty.errors.is_empty() && !empty.has_problems());
    bench.sample(4.0, |s| s);
    let after = bench.summary(5.0);
    assert!(close(after.total.figures.requests_per_second, 0.5));
}

#[test]
fn more_names_than_rows_share_one() {
    let mut bench = Bench::new();
    for n in 0..limits::ROWS + 5 {
        bench.request(1.0, &format!("/item/{n}"), MS);
    }
    let summary = bench.summary(2.0);
    assert_eq!(summary.rows.len(), limits::ROWS + 1);
    assert_eq!(summary.folded.names, 5);
    let other = summary.rows.iter().find(|row| *row.name == *limits::OTHER).unwrap();
    assert_eq!(other.figures.requests, 5);
    assert_eq!(summary.total.figures.requests, limits::ROWS as u64 + 5);
}

#[test]
fn the_end_of_a_run_is_part_of_its_history_and_what_follows_is_not() {
    let mut bench = Bench::new();
    for second in [0.2, 0.7, 1.4, 2.1, 2.3] {
        bench.request(second, "/", MS);
    }
    bench.collector.merge(bench.recorder.take());
    let users = Users::new();
    bench.collector.tick(bench.at(1.3), &users);
    bench.collector.end();
    for second in [2.4, 3.4, 60.0] {
        bench.collector.tick(bench.at(second), &users);
    }
    let requests = |bench: &Bench| bench.collector.history().columns().requests;
    assert_eq!(requests(&bench), [2, 1, 2]);
    let rows = bench.collector.row_history(RowKind::Request, "GET", "/").unwrap();
    assert_eq!(rows.requests, [2, 1, 2]);
    bench.collector.begin(bench.at(70.0));
    assert!(requests(&bench).is_empty());
    bench.collector.tick(bench.at(71.0), &users);
    assert_eq!(requests(&bench), [0]);
}

#[test]
fn history_has_a_point_per_second_and_takes_late_reports() {
    let mut bench = Bench::new();
    for second in 0..30 {
        for n in 0..=second {
            bench.request(f64::from(second) + f64::from(n) / 100.0, "/", MS);
        }
        bench.tick(f64::from(second) + 1.0);
        bench.tick(f64::from(second) + 1.2);
    }
    let counts = |bench: &Bench| -> Vec<u64> {
        bench.collector.history().points().map(|point| point.requests).collect()
    };
    assert_eq!(counts(&bench), (1..=30).collect::<Vec<_>>());
    bench.request(20.5, "/", MS);
    bench.hand_over();
    assert_eq!(counts(&bench)[20], 22);
    bench.request(33.5, "/", MS);
    bench.tick(35.0);
    assert_eq!(counts(&bench)[29..], [30, 0, 0, 0, 1, 0], "a late tick makes up for lost ones");
    let point = bench.collector.history().points().last().unwrap();
    assert!(close(point.users.mean, 3.0) && close(point.p95.max, 1.0), "{point:?}");
}

#[test]
fn a_summary_is_a_document() {
    let mut bench = Bench::new();
    let a = bench.recorder.segment("A");
    bench.sample(1.0, |s| Sample { segment: a, failure: Some(&"boom"), ..s });
    bench.collector.info_mut().host = Some("http://localhost".to_owned());
    let document = serde_json::to_value(bench.summary(2.0)).expect("every figure is finite");
    assert_eq!(document["version"], Summary::VERSION);
    assert_eq!(document["host"], "http://localhost");
    let row = &document["rows"][0];
    assert_eq!((&row["kind"], &row["name"]), (&"request".into(), &"/".into()));
    assert_eq!(row["segments"][0]["segment"], "A");
    assert_eq!(row["segments"][0]["histogram"], row["histogram"]);
    assert_eq!(document["total"]["percentiles"][10], 1.0);
    assert_eq!(document["errors"][0]["error"], "boom");
    assert_eq!(document["percentile_source"], "fine");
}

#[test]
fn a_report_of_20_000_errors_holds_them_all_and_is_small() {
    let mut bench = Bench::new();
    for n in 0..20_000_u64 {
        let id = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let text = format!(
            "HTTPError('500 Server Error: policy {id:016x}-{n:08x} of the organisation could not be \
             loaded: connection to the database was lost while the row was read (attempt {})')",
            n % 7
        );
        bench.sample(1.0, |s| Sample { failure: Some(&text), ..s });
        if n % 1_000 == 0 {
            bench.hand_over();
        }
    }
    let summary = bench.summary(2.0);
    assert_eq!((summary.errors.len(), summary.folded.errors), (20_000, 0));
    assert_eq!(summary.errors.iter().map(|e| e.occurrences).sum::<u64>(), 20_000);
    let record = bench.collector.record(summary);
    // A build without the page has no report to look at.
    let Ok(report) = html::report(&record, html::Theme::Light) else { return };
    assert!(report.len() < 5_000_000, "{} bytes", report.len());
    assert_eq!(report.matches("\"occurrences\"").count(), 500, "the others are packed");
}
