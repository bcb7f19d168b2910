//! Five hundred workers at once: nothing is lost. (What that costs is measured by the benchmarks, with two hundred names.)
#![expect(clippy::unwrap_used, reason = "a failed test is the right answer to an error")]

#[path = "cluster_support/sim.rs"]
mod sim;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sim::{Deeds, Habits};
use swarmer::clock::Anchor;
use swarmer::cluster::memory::{Faults, Network};
use swarmer::cluster::{Envelope, Event, Identity, Socket, Spawn, ToMaster, ToWorker};
use swarmer::stats::{Collector, Users};
use tokio::time::timeout;

const WORKERS: u64 = 500;
/// Few, because tests run without optimisation.
const NAMES: u32 = 30;
/// Of each worker.
const REPORTS: u64 = 2;

/// A master reduced to what hangs on the protocol: takes workers in, gives each a user, merges their reports.
async fn serve(master: &mut Socket, collector: &mut Collector, anchor: Anchor, deeds: &Deeds) {
    let say = |master: &Socket, to: &Identity, message| {
        master.send(to, Envelope::new(message, to.as_str()).encode());
    };
    let mut indices = BTreeMap::new();
    let mut merged = 0;
    while let Some(event) = timeout(Duration::from_mins(1), master.receive()).await.unwrap() {
        let Event::Message { from, payload } = event else { continue };
        match Envelope::<ToMaster>::decode(&payload).unwrap().message {
            ToMaster::Ready(_) => {
                let next = indices.len() as u64;
                let index = *indices.entry(from.clone()).or_insert(next);
                say(master, &from, ToWorker::Ack(Some(index)));
                let spawn = Spawn {
                    timestamp: 1.0,
                    classes: BTreeMap::from([("Agent".to_owned(), 1)]),
                    host: None,
                    stop_timeout: None,
                    options: Vec::new(),
                };
                say(master, &from, ToWorker::Spawn(Box::new(spawn)));
            }
            ToMaster::Stats(report) => {
                let now = anchor.epoch_seconds(Instant::now());
                collector.merge_from(from.as_str(), &report.into_delta(now));
                merged += 1;
            }
            ToMaster::Heartbeat(_) => say(master, &from, ToWorker::Heartbeat),
            _ => {}
        }
        if merged == REPORTS * WORKERS {
            deeds.quiet.store(true, Ordering::Relaxed);
        }
        if deeds.quiet.load(Ordering::Relaxed) && merged == deeds.reports.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// Time passes only when nobody has anything to do, and messages take a while, so that hundreds are on their way at once.
#[tokio::test(start_paused = true)]
async fn five_hundred_workers_are_merged_without_a_loss() {
    let network = Network::new(3);
    let delay = Duration::from_millis(1)..Duration::from_millis(80);
    network.set_faults(Faults { delay, ..Faults::default() });
    let mut master = network.bind();
    let deeds = Arc::new(Deeds::default());
    for number in 0..WORKERS {
        let identity = Identity::new(&format!("host{}_{number:032x}", number % 50)).unwrap();
        let socket = network.connect(&identity).unwrap();
        let habits = Habits { names: NAMES, ..Habits::default() };
        tokio::spawn(sim::work(socket, identity, habits, Arc::clone(&deeds)));
    }
    let (anchor, start) = (Anchor::now(), Instant::now());
    let mut collector = Collector::new(anchor, start);
    serve(&mut master, &mut collector, anchor, &deeds).await;
    let summary = collector.summary(Instant::now(), Users::new());
    assert_eq!(summary.total.figures.requests, deeds.requests.load(Ordering::Relaxed));
    assert_eq!(summary.rows.len(), NAMES as usize);
    assert_eq!(deeds.welcomed.load(Ordering::Relaxed), WORKERS);
    assert_eq!(deeds.users.load(Ordering::Relaxed), WORKERS);
}
