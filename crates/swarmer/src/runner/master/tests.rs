//! A master's fleet over memory: what a real Locust said, and very many workers.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;
use crate::cluster::memory::Network;
use crate::cluster::{self, Entry, Heartbeat, Ready, Report, ToMaster, WorkerState};
use crate::runner::fleet::Fleet;
use crate::stats::Collector;

#[derive(Deserialize)]
struct Frame {
    direction: String,
    worker: String,
    frames_hex: Vec<String>,
    decoded: (String, serde_json::Value, String),
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn fleet(network: &Network, classes: &[&str]) -> Workers {
    let command = Command {
        anchor: Anchor::now(),
        hooks: Arc::default(),
        coarse: false,
        journal: None,
        edits: Vec::new(),
    };
    Workers::new(network.bind(), command, classes.iter().map(|&name| name.to_owned()).collect())
}

/// Hears all that has come, and merges what is reported.
async fn hear_all(fleet: &mut Workers, collector: &mut Collector) -> Vec<Event> {
    let mut heard = Vec::new();
    // The longest pause between two messages in memory is none at all.
    while let Ok(event) = tokio::time::timeout(Duration::from_millis(20), fleet.next_event()).await
    {
        match event {
            Event::Report { node, delta, .. } => collector.merge_from(fleet.node(node), &delta),
            other => heard.push(other),
        }
    }
    heard
}

#[tokio::test]
async fn a_recorded_cluster_is_answered_as_by_locust_and_counts_the_same() {
    let files = [
        (include_str!("../../../tests/data/locust/frames.jsonl"), Some(167)),
        (include_str!("../../../tests/data/locust/frames_lost_worker.jsonl"), None),
    ];
    for (text, known) in files {
        let frames: Vec<Frame> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let network = Network::new(1);
        let mut fleet = fleet(&network, &["Admin", "ApiUser", "WebUser"]);
        let mut collector = Collector::new(Anchor::now(), clock::now());
        let mut sockets = BTreeMap::new();
        let (mut expected, mut announced) = (BTreeMap::new(), 0);
        for frame in frames.iter().filter(|frame| frame.direction.starts_with("worker")) {
            let worker = Identity::new(&frame.worker).unwrap();
            let socket = sockets
                .entry(frame.worker.clone())
                .or_insert_with(|| network.connect(&worker).unwrap());
            let payload = bytes(frame.frames_hex.last().unwrap());
            if let Ok(Envelope { message: ToMaster::Stats(report), .. }) =
                Envelope::decode(&payload)
            {
                announced += report.total.requests;
            }
            match frame.decoded.0.as_str() {
                "client_ready" => *expected.entry((frame.worker.clone(), "ack")).or_insert(0) += 1,
                "locustfile" => *expected.entry((frame.worker.clone(), "script")).or_insert(0) += 1,
                _ => {}
            }
            socket.send(&Identity::master(), payload);
            // The recorded seconds between messages are not waited for, so they are heard one by one.
            hear_all_of(&mut fleet, &mut collector);
        }
        hear_all(&mut fleet, &mut collector).await;
        let total = collector.summary(clock::now(), BTreeMap::new()).total.figures.requests;
        assert_eq!(total, announced, "every report counts once");
        assert!(known.is_none_or(|known| known == total), "{total}");
        for ((worker, what), count) in expected {
            let socket = sockets.get_mut(&worker).unwrap();
            let mut seen = 0;
            let mut replies = Vec::new();
            while let Some(event) = socket.try_receive() {
                let cluster::Event::Message { payload, .. } = event else { continue };
                let reply = Envelope::<ToWorker>::decode(&payload).unwrap();
                assert!(
                    reply.extra.is_empty(),
                    "Locust is told nothing it does not know: {reply:?}"
                );
                match (&reply.message, what) {
                    (ToWorker::Ack(Some(_)), "ack") | (ToWorker::Script(_), "script") => seen += 1,
                    _ => {}
                }
                replies.push(reply);
            }
            assert_eq!(seen, count, "{worker} {what}: {replies:?}");
        }
    }
}

/// As [`hear_all`], for what is there already.
fn hear_all_of(fleet: &mut Workers, collector: &mut Collector) {
    while let Some(event) = fleet.socket.try_receive() {
        fleet.hear(event);
    }
    while let Some(event) = fleet.queue.pop_front() {
        if let Event::Report { node, delta, .. } = event {
            collector.merge_from(fleet.node(node), &delta);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_worker_is_missed_after_five_seconds_and_known_again_at_once() {
    let network = Network::new(2);
    let mut fleet = fleet(&network, &["A"]);
    let mut collector = Collector::new(Anchor::now(), clock::now());
    let worker = Identity::new("host_1").unwrap();
    let socket = network.connect(&worker).unwrap();
    let say = |message: ToMaster| {
        socket.send(&Identity::master(), Envelope::new(message, "host_1").encode());
    };
    let heartbeat =
        || ToMaster::Heartbeat(Heartbeat { state: WorkerState::Ready, cpu: 1.0, memory: Some(9) });
    say(ToMaster::Ready(Ready::Version("2.47.0".to_owned())));
    let heard = hear_all(&mut fleet, &mut collector).await;
    assert!(matches!(&heard[..], [Event::Joined { node: 0, recovered: false, .. }]), "{heard:?}");
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        say(heartbeat());
        assert!(hear_all(&mut fleet, &mut collector).await.is_empty());
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let heard = hear_all(&mut fleet, &mut collector).await;
    assert!(
        matches!(&heard[..], [Event::Left { node: 0, news: Departure::Lost, .. }]),
        "{heard:?}"
    );
    assert_eq!(fleet.workers()[0].state, "missing");
    say(heartbeat());
    let heard = hear_all(&mut fleet, &mut collector).await;
    assert!(matches!(&heard[..], [Event::Joined { node: 1, recovered: true, .. }]), "{heard:?}");
    say(ToMaster::Quit);
    let heard = hear_all(&mut fleet, &mut collector).await;
    assert!(
        matches!(&heard[..], [Event::Left { node: 1, news: Departure::InOrder, .. }]),
        "{heard:?}"
    );
}

/// Five hundred workers that report two hundred names each, three times.
#[tokio::test]
async fn very_many_workers_are_merged_into_one_row_per_name() {
    const WORKERS: usize = 500;
    const NAMES: usize = 200;
    let network = Network::new(3);
    let mut fleet = fleet(&network, &["A"]);
    let mut collector = Collector::new(Anchor::now(), clock::now());
    let entry = |name: usize| Entry {
        name: format!("/page/{name}"),
        method: "GET".to_owned(),
        requests: 3,
        total_time: 30.0,
        max_time: 12.0,
        min_time: Some(8.0),
        times: BTreeMap::from([(8, 1), (10, 1), (12, 1)]),
        last_request: Some(1e9),
        ..Entry::default()
    };
    let report = Report { entries: (0..NAMES).map(entry).collect(), ..Report::default() };
    let mut sockets = Vec::new();
    for number in 0..WORKERS {
        let identity = Identity::new(&format!("host_{number}")).unwrap();
        let socket = network.connect(&identity).unwrap();
        let say = |message: ToMaster| {
            socket.send(&Identity::master(), Envelope::new(message, identity.as_str()).encode());
        };
        say(ToMaster::Ready(Ready::Foreign));
        (0..3).for_each(|_| say(ToMaster::Stats(Box::new(report.clone()))));
        hear_all_of(&mut fleet, &mut collector);
        sockets.push(socket);
    }
    let summary = collector.summary(clock::now(), BTreeMap::new());
    assert_eq!(summary.rows.len(), NAMES);
    assert_eq!(summary.total.figures.requests, (WORKERS * NAMES * 9) as u64);
    assert_eq!(fleet.workers().len(), WORKERS);
    assert_eq!((summary.total.figures.min, summary.total.figures.max), (8.0, 12.0));
}

#[test]
fn the_more_workers_share_a_ramp_the_further_ahead_it_travels() {
    let ahead = [1, 100, 200, 500, 10_000].map(|workers| telling::look_ahead(workers).as_secs());
    assert_eq!(ahead, [1, 1, 2, 5, 5]);
}
