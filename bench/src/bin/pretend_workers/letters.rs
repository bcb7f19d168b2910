//! Letters between swarmers, as the guide's page on the protocol has them, written a second time: numbered, acknowledged,
//! repeated until they are.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};
use swarmer::cluster::{Custom, Value};

/// What a worker tells.
#[derive(Serialize)]
pub(crate) enum Up<'a> {
    Hello { boot: u64, drivers: u32, run: Option<u64>, users: Vec<(u32, u64)> },
    Report(Figures<'a>),
    Drained { run: u64 },
}

#[derive(Serialize)]
pub(crate) struct Figures<'a> {
    pub(crate) run: u64,
    pub(crate) deltas: Vec<Blob<'a>>,
    pub(crate) users: Vec<u32>,
    pub(crate) started: u32,
    pub(crate) requests: u64,
}

/// MessagePack's bytes.
pub(crate) struct Blob<'a>(pub(crate) &'a [u8]);

impl Serialize for Blob<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// Both directions' letters of one worker.
pub(crate) struct Post {
    boot: u64,
    next: u64,
    waiting: VecDeque<(u64, Vec<u8>, Instant)>,
    /// The master's process, and its last letter that was taken.
    received: (u64, u64),
}

impl Post {
    pub(crate) fn new(boot: u64) -> Self {
        Self { boot, next: 1, waiting: VecDeque::new(), received: (0, 0) }
    }

    /// A new letter, to be sent now.
    pub(crate) fn write(&mut self, letter: &Up<'_>) -> Custom {
        let packed = rmp_serde::to_vec(letter).expect("numbers, texts and lists always pack");
        self.waiting.push_back((self.next, packed, Instant::now()));
        self.next += 1;
        self.letter(self.waiting.len() - 1)
    }

    fn letter(&self, at: usize) -> Custom {
        let (number, packed, _) = &self.waiting[at];
        let oldest = self.waiting[0].0;
        let data = Value::List(vec![
            self.boot.into(),
            (*number).into(),
            oldest.into(),
            packed.clone().into(),
        ]);
        Custom { name: "swarmer_up".to_owned(), data }
    }

    /// Letters that are to be sent again.
    pub(crate) fn overdue(&mut self) -> Vec<Custom> {
        let now = Instant::now();
        let late = |at: &usize| {
            now.saturating_duration_since(self.waiting[*at].2) > Duration::from_secs(1)
        };
        let due: Vec<usize> = (0..self.waiting.len().min(32)).filter(late).collect();
        due.into_iter()
            .map(|at| {
                self.waiting[at].2 = now;
                self.letter(at)
            })
            .collect()
    }

    pub(crate) fn acknowledged(&mut self, data: &Value) {
        let Some([boot, number]) = data.as_list() else { return };
        if boot.as_u64() != Some(self.boot) {
            return;
        }
        let number = number.as_u64().unwrap_or(0);
        while self.waiting.front().is_some_and(|(waiting, ..)| *waiting <= number) {
            self.waiting.pop_front();
        }
    }

    /// The master's letter, if it is a new one, and the acknowledgement.
    pub(crate) fn take(&mut self, data: &Value) -> (Option<serde_json::Value>, Custom) {
        let mut letter = None;
        if let Some([boot, number, oldest, body]) = data.as_list()
            && let (Some(boot), Some(number), Some(oldest)) =
                (boot.as_u64(), number.as_u64(), oldest.as_u64())
        {
            if self.received.0 != boot {
                self.received = (boot, oldest.saturating_sub(1));
            }
            if number == self.received.1 + 1 {
                self.received.1 = number;
                letter = body.as_bytes().and_then(|body| rmp_serde::from_slice(body).ok());
            }
        }
        let data = Value::List(vec![self.received.0.into(), self.received.1.into()]);
        (letter, Custom { name: "swarmer_ack".to_owned(), data })
    }
}
