//! Figures as a run gives them: response times spread as a real service's are, many names, some failures.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use swarmer::clock::Anchor;
use swarmer::cluster::Report;
use swarmer::stats::{Delta, Kind, Pulse, Recorder, RecorderOptions, Sample, Segment};

use super::worker::Form;

/// Different figures of one second.
const VERSIONS: usize = 16;

/// What one worker reports.
pub(crate) struct Figures {
    pub(crate) requests: u64,
    /// Packed, for a master of ours.
    pub(crate) packed: Vec<u8>,
    /// For Locust's form.
    pub(crate) report: Report,
}

/// Makes figures.
pub(crate) struct Press {
    names: Vec<String>,
    requests: u32,
    form: Form,
    anchor: Anchor,
    begun: Instant,
    random: Mutex<Random>,
    versions: Mutex<Vec<Arc<Figures>>>,
}

impl Press {
    pub(crate) fn new(names: u32, requests: u32, form: Form) -> Self {
        let names = (0..names).map(|name| format!("/api/v1/resource-{name}/items/[id]")).collect();
        let press = Self {
            names,
            requests,
            form,
            anchor: Anchor::now(),
            begun: Instant::now(),
            random: Mutex::new(Random(0x9E37_79B9_7F4A_7C15)),
            versions: Mutex::default(),
        };
        press.print();
        press
    }

    pub(crate) fn anchor(&self) -> Anchor {
        self.anchor
    }

    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    /// Figures of this second from now on.
    pub(crate) fn print(&self) {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let versions = (0..VERSIONS).map(|_| Arc::new(self.figures(&mut random))).collect();
        *self.versions.lock().unwrap_or_else(PoisonError::into_inner) = versions;
    }

    /// One of them.
    pub(crate) fn take(&self, number: usize) -> Arc<Figures> {
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&versions[number % VERSIONS])
    }

    fn figures(&self, random: &mut Random) -> Figures {
        let coarse = self.form == Form::Locust;
        let mut recorder = Recorder::new(self.anchor, RecorderOptions { coarse });
        let class = recorder.class("Hammer");
        let completed = Instant::now();
        for (place, name) in self.names.iter().enumerate() {
            let method = if place % 4 == 0 { "POST" } else { "GET" };
            for _ in 0..self.requests {
                let failed = random.unit() < 0.002;
                recorder.record(&Sample {
                    kind: Kind::Request,
                    method,
                    name,
                    segment: Segment::NONE,
                    class,
                    response_time: Some(random.response_time(place)),
                    bytes: 2_000,
                    failure: failed.then_some(&"503 Service Unavailable"),
                    completed,
                    detail: None,
                });
            }
        }
        let mut delta = recorder.take();
        let requests = delta.requests();
        if coarse {
            let start = self.anchor.epoch_seconds(completed);
            let report = Report::of([&delta], start, BTreeMap::new());
            return Figures { requests, packed: Vec::new(), report };
        }
        delta.add_pulse(pulse(random));
        Figures { requests, packed: Delta::pack(&delta), report: Report::default() }
    }
}

/// What a healthy driver says of itself each second.
fn pulse(random: &mut Random) -> Pulse {
    let (wall, cpu) = (Duration::from_secs(1), Duration::from_millis(200));
    let mut pulse = Pulse { wall, cpu, ..Pulse::default() };
    for _ in 0..100 {
        pulse.late.record(random.below(200_000));
    }
    pulse
}

/// Splitmix: the same figures every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Log-normal: a median of 10 to 110 ms by name, a tail to seconds.
    fn response_time(&mut self, place: usize) -> Duration {
        let normal = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        let median = 0.010 + f64::from(u32::try_from(place % 50).unwrap_or(0)) * 0.002;
        Duration::from_secs_f64(median * (0.6 * normal).exp())
    }
}
