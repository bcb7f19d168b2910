//! The same samples through Locust's own statistics and through ours: every cell must agree.
#![expect(clippy::unwrap_used, reason = "a failed test is the right answer to an error")]

#[path = "support/locust.rs"]
mod locust;

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Deserialize;
use serde_json::{Value, json};
use swarmer::clock::Anchor;
use swarmer::report::{Console, CsvWriter, Rates, json as documents, python};
use swarmer::stats::{Class, Collector, Kind, Recorder, RecorderOptions, Sample, Segment, Summary};

#[derive(Deserialize)]
struct Theirs {
    stats: String,
    failures: String,
    exceptions: String,
    history: String,
    full_history: String,
    tables: Vec<String>,
    quoted: Vec<String>,
    floats: Vec<String>,
    json: Vec<Value>,
}

/// Both sides' clock, the events for theirs, the engine for ours.
struct Both {
    anchor: Anchor,
    start: Instant,
    events: Vec<Value>,
    recorder: Recorder,
    collector: Collector,
}

impl Both {
    fn new() -> Self {
        let anchor = Anchor::now();
        let now = Instant::now();
        let into = Duration::from_nanos(u64::from(anchor.since_epoch(now).subsec_nanos()));
        let start = now + Duration::from_secs(1).saturating_sub(into);
        let recorder = Recorder::new(anchor, RecorderOptions { coarse: true });
        let mut collector = Collector::new(anchor, start);
        collector.keep_seconds();
        Self { anchor, start, events: Vec::new(), recorder, collector }
    }

    fn sample(&mut self, rng: &mut StdRng, at: Instant) {
        let (method, name) = [
            ("GET", "/"),
            ("POST", "/api/items"),
            ("GET", "/api/items"),
            ("GET", "/with,comma and \"quote\""),
            ("CUSTOM", "untimed"),
        ][rng.random_range(0..5)];
        let nanos = match rng.random_range(0..10) {
            // Whole and half milliseconds meet the borders of Locust's buckets.
            0..3 => rng.random_range(0..400_u64) * 500_000,
            3..5 => rng.random_range(0..4_000_u64) * 5_000_000,
            _ => 2_u64.pow(rng.random_range(15..34)) + rng.random_range(0..1 << 14),
        };
        let time = (name != "untimed").then(|| Duration::from_nanos(nanos));
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let millis = time.map(|time| time.as_nanos() as f64 / 1e6);
        let reason = rng.random_bool(0.05).then_some("it's \"wrong\"");
        let error = rng.random_bool(0.1).then(|| {
            format!("HTTPError('{} Server Error for url: {name}')", rng.random_range(500..504))
        });
        let bytes = rng.random_range(0..5_000);
        self.events.push(json!({
            "at": self.anchor.epoch_seconds(at), "method": method, "name": name,
            "ms": millis, "bytes": bytes,
            "reason": reason, "error": error,
        }));
        let wrapped =
            reason.map(|reason| format!("CatchResponseError({})", python::quoted(reason)));
        let failure = wrapped.as_ref().or(error.as_ref());
        self.recorder.record(&Sample {
            kind: Kind::Request,
            method,
            name,
            segment: Segment::NONE,
            class: Class::NONE,
            detail: None,
            response_time: time,
            bytes,
            failure: failure.map(|text| text as _),
            completed: at,
        });
    }

    fn tick(&mut self, at: Instant) -> Summary {
        self.events.push(json!({ "tick": self.anchor.epoch_seconds(at) }));
        self.collector.merge(self.recorder.take());
        let users = BTreeMap::from([("A".to_owned(), 1), ("B".to_owned(), 2)]);
        self.collector.tick(at, &users);
        self.collector.summary(at, users)
    }
}

/// Cells must be equal; means may differ in the last bits, as Locust adds up floats and we whole nanoseconds.
fn assert_same_table(what: &str, ours: &str, theirs: &str) {
    let rows = |text: &str| text.split("\r\n").map(str::to_owned).collect::<Vec<_>>();
    let (ours, theirs) = (rows(ours), rows(theirs));
    assert_eq!(ours.len(), theirs.len(), "{what}: rows");
    let means: Vec<usize> = theirs[0]
        .split(',')
        .enumerate()
        .filter(|(_, title)| title.ends_with("Average Response Time"))
        .map(|(at, _)| at)
        .collect();
    for (line, (our_row, their_row)) in ours.iter().zip(&theirs).enumerate() {
        // One name has a comma of its own, which shifts its row by one field on both sides.
        let shift = usize::from(their_row.contains("with,comma"));
        let fields = |row: &str| row.split(',').map(str::to_owned).collect::<Vec<_>>();
        let (mut our_fields, their_fields) = (fields(our_row), fields(their_row));
        for at in means.iter().map(|at| at + shift).filter(|_| line > 0) {
            let (Some(our_mean), Some(their_mean)) = (our_fields.get(at), their_fields.get(at))
            else {
                continue;
            };
            let (a, b): (f64, f64) = (our_mean.parse().unwrap(), their_mean.parse().unwrap());
            assert!((a - b).abs() <= b * 1e-12, "{what} line {line}: mean {a} for {b}");
            our_fields[at].clone_from(&their_fields[at]);
        }
        assert_eq!(our_fields, their_fields, "{what} line {line}:\n{our_row}\n{their_row}");
    }
}

/// Fields in the same order with the same values; sums may differ in the last bits, and Locust's entries begin when their
/// first request ends, where ours begin with the run.
fn assert_same_json(summary: &Summary, theirs: &[Value]) {
    let text = documents::locust_shape(summary);
    assert_eq!(documents::locust_shape(summary), text, "writing it changes nothing");
    assert!(text.starts_with("[\n    {\n        \"name\": \""), "indented by four");
    let ours: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        let (ours, theirs) = (ours.as_object().unwrap(), theirs.as_object().unwrap());
        let fields = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
        assert_eq!(fields(ours), fields(theirs));
        for (field, theirs) in theirs {
            let ours = &ours[field];
            match field.as_str() {
                "start_time" => assert!(ours.as_f64() <= theirs.as_f64()),
                "total_response_time" => {
                    let (a, b) = (ours.as_f64().unwrap(), theirs.as_f64().unwrap());
                    assert!((a - b).abs() <= b * 1e-12, "{a} for {b}");
                }
                _ if theirs.is_number() => assert_eq!(ours.as_f64(), theirs.as_f64(), "{field}"),
                _ => assert_eq!(ours, theirs, "{field}"),
            }
        }
    }
}

fn tables(summary: &Summary) -> Vec<String> {
    let console = Console::new(None);
    let table = |write: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    vec![
        table(&|out| console.requests(out, summary, Rates::Current)),
        table(&|out| console.requests(out, summary, Rates::WholeRun)),
        table(&|out| console.percentiles(out, summary)),
        table(&|out| console.errors(out, summary)),
    ]
}

#[test]
fn every_cell_is_what_locust_writes() {
    let mut both = Both::new();
    let mut rng = StdRng::seed_from_u64(247);
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let mut short = CsvWriter::create(place("short"), false).unwrap();
    let mut full = CsvWriter::create(place("full"), true).unwrap();
    let mut last = both.collector.summary(both.start, BTreeMap::new());
    for second in 0..40_u32 {
        for hundredth in 0..95 {
            // A sample at the start of each second keeps both windows in step.
            if hundredth == 0 || rng.random_bool(0.3) {
                let at =
                    both.start + Duration::from_millis(u64::from(second * 1_000 + hundredth * 10));
                both.sample(&mut rng, at);
            }
        }
        last = both.tick(both.start + Duration::from_millis(u64::from(second * 1_000 + 990)));
        short.tick(&last).unwrap();
        full.tick(&last).unwrap();
    }
    for _ in 0..2 {
        both.recorder.exception("A", &"no, it failed", &"Traceback:\n  \"here\"\n");
    }
    both.collector.merge(both.recorder.take());
    last = Summary {
        exceptions: both.collector.summary(both.start, BTreeMap::new()).exceptions,
        ..last
    };
    short.finish(&last).unwrap();

    let texts = [
        "plain",
        "it's",
        "a \"b\" 'c'",
        "\u{0}\u{7f}\u{85}\u{a0}\u{ad}é\u{200b}\u{2029}\u{e000}😀\\\n",
    ];
    let floats = [0.0, 0.1, 1e-5, 1e-4, 123_456_789.123, 1e15, 1e16, 1e22, 5e-324, 0.1 + 0.2];
    let job = json!({
        "start": both.anchor.epoch_seconds(both.start), "events": both.events, "texts": texts, "floats": floats,
        "exceptions": { "1": {
            "count": 2, "msg": "no, it failed", "traceback": "Traceback:\n  \"here\"\n", "nodes": ["local"],
        } },
    });
    let theirs: Theirs =
        serde_json::from_str(&locust::run("locust_stats.py", &job.to_string())).unwrap();

    let ours = |name: &str| fs::read_to_string(place(name)).unwrap();
    assert_same_table("stats", &ours("short_stats.csv"), &theirs.stats);
    assert_same_table("failures", &ours("short_failures.csv"), &theirs.failures);
    assert_same_table("exceptions", &ours("short_exceptions.csv"), &theirs.exceptions);
    assert_same_table("history", &ours("short_stats_history.csv"), &theirs.history);
    let first = both.anchor.since_epoch(both.start).as_secs();
    let settled = |text: &str| {
        // In the first seconds Locust has no snapshot ten seconds old and shows 0 or a shorter window; ours shows the run
        // so far. After that the two windows are the same.
        let is_settled = |row: &&str| {
            let second = row.split(',').next().unwrap().parse::<u64>();
            second.is_ok_and(|second| second >= first + 12) || row.starts_with("Timestamp")
        };
        text.split("\r\n").filter(is_settled).collect::<Vec<_>>().join("\r\n")
    };
    assert_same_table(
        "full history",
        &settled(&ours("full_stats_history.csv")),
        &settled(&theirs.full_history),
    );
    for (ours, theirs) in tables(&last).iter().zip(&theirs.tables) {
        // Between tables there is an empty line; Locust's functions leave it to their callers for two of them.
        assert_eq!(ours.trim_end_matches('\n'), theirs.trim_end_matches('\n'));
    }
    assert_same_json(&last, &theirs.json);
    assert_eq!(texts.map(python::quoted).to_vec(), theirs.quoted);
    assert_eq!(floats.map(python::float).to_vec(), theirs.floats);
}
