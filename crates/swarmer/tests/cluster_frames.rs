//! Everything that a real Locust was seen to say is understood, and said again in the same way.
#![expect(clippy::unwrap_used, reason = "a failed test is the right answer to an error")]

#[path = "cluster_support/recorded.rs"]
mod recorded;

use std::collections::BTreeMap;

use recorded::{Frame, LOST_WORKER, STEERED};
use swarmer::cluster::{Envelope, Message, ToMaster, ToWorker, Value};

fn frames() -> impl Iterator<Item = (String, Frame)> {
    let files = [("frames", STEERED, 281), ("frames_lost_worker", LOST_WORKER, 306)];
    files.into_iter().flat_map(|(name, text, count)| {
        let frames = recorded::frames(text);
        assert_eq!(frames.len(), count, "{name}");
        frames.into_iter().map(move |frame| (format!("{name} {}", frame.seq), frame))
    })
}

/// A message for comparisons: every map in the order of its keys.
fn any(payload: &[u8]) -> Value {
    sorted(recorded::any(payload))
}

fn sorted(value: Value) -> Value {
    match value {
        Value::List(values) => Value::List(values.into_iter().map(sorted).collect()),
        Value::Map(pairs) => {
            let mut pairs: Vec<_> =
                pairs.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            pairs.sort_by_key(|(key, _)| format!("{key:?}"));
            Value::Map(pairs)
        }
        other => other,
    }
}

/// The type, the node, and whether our bytes are the very same.
fn round_trip<M: Message + std::fmt::Debug + PartialEq>(
    at: &str,
    payload: &[u8],
) -> (String, bool) {
    let read = Envelope::<M>::decode(payload).unwrap_or_else(|e| panic!("{at}: {e}"));
    let written = read.encode();
    assert_eq!(any(&written), any(payload), "{at}");
    assert_eq!(Envelope::<M>::decode(&written).unwrap(), read, "{at}");
    assert!(read.extra.is_empty(), "{at}");
    (read.node, written == payload)
}

#[test]
fn every_recorded_frame_is_read_and_written_again() {
    let mut same = BTreeMap::<String, (u32, u32)>::new();
    for (at, frame) in frames() {
        let payload = frame.payload();
        assert_eq!(frame.identity(), frame.worker.as_bytes());
        let (kind, _, node) = &frame.decoded;
        let (read_node, equal) = match frame.direction.as_str() {
            "worker->master" => round_trip::<ToMaster>(&at, &payload),
            "master->worker" => round_trip::<ToWorker>(&at, &payload),
            other => panic!("{at}: {other}"),
        };
        assert_eq!(&read_node, node, "{at}");
        let (all, equals) = same.entry(format!("{} {kind}", frame.direction)).or_default();
        *all += 1;
        *equals += u32::from(equal);
    }
    // What differs is the order of maps alone: that of classes, buckets and error keys.
    for (kind, (all, equal)) in &same {
        let may_differ = ["stats", "spawning_complete", "spawn"].map(|end| format!(" {end}"));
        if !may_differ.iter().any(|end| kind.ends_with(end)) {
            assert_eq!(all, equal, "{kind}");
        }
    }
    assert_eq!(same.len(), 20, "{same:?}");
}

#[test]
fn no_recorded_message_is_unknown_but_the_scripts_own() {
    for (at, frame) in frames() {
        let payload = frame.payload();
        let custom = if frame.direction == "worker->master" {
            let read = Envelope::<ToMaster>::decode(&payload).unwrap();
            matches!(read.message, ToMaster::Custom(_))
        } else {
            let read = Envelope::<ToWorker>::decode(&payload).unwrap();
            matches!(read.message, ToWorker::Custom(_))
        };
        assert_eq!(custom, frame.decoded.0.starts_with("hello_"), "{at}");
    }
}

#[test]
fn the_recorded_requests_are_all_there() {
    let (mut entries, mut total) = (0, 0);
    for (at, frame) in frames().filter(|(at, _)| at.starts_with("frames ")) {
        if frame.decoded.0 != "stats" {
            continue;
        }
        let read = Envelope::<ToMaster>::decode(&frame.payload()).unwrap();
        let ToMaster::Stats(report) = read.message else { panic!("{at}") };
        entries += report.entries.iter().map(|entry| entry.requests).sum::<u64>();
        total += report.total.requests;
        let json = &frame.decoded.1["stats_total"];
        assert_eq!(json["num_requests"], report.total.requests, "{at}");
        // JSON was rounded when it was read.
        let start = json["start_time"].as_f64().unwrap();
        assert!((start - report.total.start).abs() < 1e-6, "{at}");
    }
    assert_eq!((entries, total), (167, 167));
}
