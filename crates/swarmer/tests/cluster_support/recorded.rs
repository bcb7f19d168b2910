//! What a real Locust's masters and workers were seen to say to each other.
#![allow(dead_code, reason = "each test binary uses its own part")]

use serde::Deserialize;
use swarmer::cluster::{Custom, Envelope, ToMaster, Value};

/// A recorded message.
#[derive(Deserialize)]
pub(crate) struct Frame {
    pub(crate) seq: u32,
    /// Seconds since the recording began.
    pub(crate) t: f64,
    pub(crate) direction: String,
    /// The identity of the worker that sent or got it.
    pub(crate) worker: String,
    /// The identity and the message, as a ROUTER sees them.
    frames_hex: Vec<String>,
    pub(crate) decoded: (String, serde_json::Value, String),
}

impl Frame {
    pub(crate) fn kind(&self) -> &str {
        &self.decoded.0
    }

    pub(crate) fn is_workers(&self) -> bool {
        self.direction == "worker->master"
    }

    pub(crate) fn identity(&self) -> Vec<u8> {
        bytes(&self.frames_hex[0])
    }

    pub(crate) fn payload(&self) -> Vec<u8> {
        bytes(&self.frames_hex[1])
    }
}

/// Two workers, steered from the page: edits, stops and three runs.
pub(crate) const STEERED: &str = include_str!("../data/locust/frames.jsonl");
/// Three workers, of which one is killed and one leaves, and a fourth that comes late.
pub(crate) const LOST_WORKER: &str = include_str!("../data/locust/frames_lost_worker.jsonl");

pub(crate) fn frames(recording: &str) -> Vec<Frame> {
    recording.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap())
        .collect()
}

/// A message as any value: a list of type, data and node.
pub(crate) fn any(payload: &[u8]) -> Value {
    // A message's data may be anything at all, so a message inside a custom one is read as a value.
    let mut wrapped = vec![0x93, 0xa1, b'?'];
    wrapped.extend_from_slice(payload);
    wrapped.push(0xc0);
    let read = Envelope::<ToMaster>::decode(&wrapped).unwrap();
    let ToMaster::Custom(Custom { data, .. }) = read.message else { panic!("{read:?}") };
    data
}
