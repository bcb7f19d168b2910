//! What swarmers say to each other beyond Locust's words.
//!
//! A *letter* is numbered, acknowledged, repeated until it is, and taken once and in order: so nothing that travels as
//! one is lost, doubled or confused by a network that delays, drops or repeats, or by a peer that starts anew.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::fleet::{OpenPlan, Part};
use crate::cluster::{Custom, Value};
use crate::load::{Arrivals, Rate, RateStage, Rates, Spacing, UserClass};
use crate::options::Options;

/// The type of message that a worker's letters travel in.
pub(super) const UP: &str = "swarmer_up";
/// The type of message that a master's letters travel in.
pub(super) const DOWN: &str = "swarmer_down";
/// The type of message that acknowledges letters, in both directions.
pub(super) const ACK: &str = "swarmer_ack";

/// A letter that was not acknowledged by then is sent again.
const REPEAT: Duration = Duration::from_secs(1);

/// So many are sent again at once; the others follow when these have arrived.
const REPEAT_AT_MOST: usize = 32;

/// What a master tells a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Down {
    /// Say what you are and whom you run.
    Who,
    /// A run begins.
    Begin(Box<Terms>),
    /// Start these users: class, number, and when they are due in seconds since the Unix epoch.
    Start(Vec<(u32, u64, f64)>),
    /// Stop these users of a class, within so many seconds.
    Leave { class: u32, users: Vec<u64>, grace: f64 },
    /// Start journeys as they arrive.
    Open(Box<Journeys>),
    /// Users read these options from their next task on, and those that are started from now on have this host.
    Options { options: serde_json::Map<String, serde_json::Value>, host: Option<String> },
    /// So many tasks may be begun in this run in all, or as few as have been.
    Tasks(u64),
    /// Send at most so many requests per second from now on; none at all with 0.
    Limit(f64),
    /// There is nothing left to do.
    Finish,
    /// All users of all workers have started.
    Spawned(u32),
    /// Stop all users, within so many seconds.
    Stop { grace: f64 },
    /// Stop all users now.
    Abort,
}

/// What holds for a whole run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// Its number, drawn by the master: no two runs have the same.
    pub(crate) run: u64,
    /// The classes, in the order in which they are numbered.
    pub(crate) classes: Vec<String>,
    pub(crate) host: Option<String>,
    /// Seconds.
    pub(crate) stop_timeout: f64,
    pub(crate) seed: Option<u64>,
    /// This worker's part of `--iterations`.
    pub(crate) iterations: Option<u64>,
    pub(crate) iterations_per_user: Option<u64>,
    /// This worker's part of `--max-rate`.
    pub(crate) max_rate: Option<f64>,
    pub(crate) time_scale: Option<f64>,
    /// The options that a script added, `tags` and `exclude_tags`, by Python's names.
    pub(crate) options: serde_json::Map<String, serde_json::Value>,
}

/// Journeys that arrive at a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Journeys {
    /// `(seconds, from, to)` per stage; no seconds: for ever.
    pub(super) stages: Vec<(Option<f64>, f64, f64)>,
    pub(super) poisson: bool,
    /// By class.
    pub(super) weights: Vec<f64>,
    pub(super) seed: u64,
    pub(super) until: Option<f64>,
    pub(super) most: Option<u64>,
    /// This worker's part: its first driver's number, and how many drivers share the arrivals.
    pub(super) first: u64,
    pub(super) drivers: u64,
    pub(super) of: u64,
    /// Users on all workers at most, and classes they are for.
    pub(super) users: u32,
    pub(super) classes: usize,
    /// Seconds since the Unix epoch.
    pub(super) began: f64,
    /// How often shares have changed, and from when on this one holds, in seconds after the beginning.
    pub(super) turn: u64,
    pub(super) from: f64,
}

impl Terms {
    /// What holds for runs with these options, over classes of these names.
    pub(super) fn of(options: &Options, classes: Vec<String>) -> Self {
        let mut told = options.custom.to_json();
        for (name, tags) in [("tags", &options.tags), ("exclude_tags", &options.exclude_tags)] {
            told.insert(
                name.to_owned(),
                if tags.is_empty() { serde_json::Value::Null } else { tags.clone().into() },
            );
        }
        Self {
            run: 0,
            classes,
            host: options.host.clone(),
            stop_timeout: options.stop_timeout.as_secs_f64(),
            seed: options.seed,
            iterations: options.iterations,
            iterations_per_user: options.iterations_per_user,
            max_rate: options.max_rate,
            time_scale: Some(options.time_scale),
            options: told,
        }
    }
}

impl Journeys {
    /// The part `share` (first driver, drivers, of all) of a run of the open model that began then.
    pub(super) fn of(plan: &OpenPlan, share: (u64, u64, u64), began: f64) -> Self {
        let (rates, made_of, until, most) = plan.arrivals.terms();
        let stages = rates.stages().map(|stage| {
            (stage.duration.map(|span| span.as_secs_f64()), stage.from.get(), stage.to.get())
        });
        Self {
            stages: stages.collect(),
            poisson: made_of.spacing == Spacing::Poisson,
            weights: made_of.weights.clone(),
            seed: made_of.seed,
            until: until.map(|span| span.as_secs_f64()),
            most,
            first: share.0,
            drivers: share.1,
            of: share.2,
            users: plan.users,
            classes: plan.classes,
            began,
            turn: plan.turn,
            from: plan.from.as_secs_f64(),
        }
    }

    /// What this worker is to do, over classes of these names in the master's order; `began` by its own clock.
    ///
    /// # Errors
    /// When it says what cannot be.
    pub(super) fn plan(self, names: &[String], began: Instant) -> Result<OpenPlan, String> {
        let span =
            |seconds: f64| Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string());
        let stages: Result<Vec<_>, String> = self
            .stages
            .iter()
            .map(|&(seconds, from, to)| {
                let rate = |rate| Rate::per_second(rate).map_err(|error| error.to_string());
                Ok(RateStage {
                    duration: seconds.map(span).transpose()?,
                    from: rate(from)?,
                    to: rate(to)?,
                })
            })
            .collect();
        let rates = Rates::new(&stages?).map_err(|error| error.to_string())?;
        if self.weights.len() != names.len() || self.of == 0 || self.first + self.drivers > self.of
        {
            return Err("shares and classes contradict each other".to_owned());
        }
        let weights = names.iter().zip(&self.weights);
        let classes: Vec<_> =
            weights.map(|(name, weight)| UserClass::weighted(name.as_str(), *weight)).collect();
        let spacing = if self.poisson { Spacing::Poisson } else { Spacing::Constant };
        let arrivals = Arrivals::new(rates, spacing, &classes, self.seed)
            .until(self.until.map(span).transpose()?)
            .at_most(self.most);
        let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let part =
            Part { first: index(self.first), drivers: index(self.drivers), of: index(self.of) };
        let (users, classes, turn, from) = (self.users, self.classes, self.turn, span(self.from)?);
        Ok(OpenPlan { arrivals, users, classes, began, turn, from, part: Some(part) })
    }
}

/// What a worker tells its master.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Up {
    /// Answers [`Down::Who`].
    Hello {
        /// The process: no two have the same.
        boot: u64,
        drivers: u32,
        /// The run it is in, if any.
        run: Option<u64>,
        /// Users that run, as class and number.
        users: Vec<(u32, u64)>,
        /// What it holds of what is shared out in that run.
        #[serde(default)]
        held: Held,
    },
    /// What happened since the last report.
    Report(Box<Figures>),
    /// All journeys that were to arrive have, and are over.
    Served { run: u64, turn: u64 },
    /// All users of a run are gone, and all is reported.
    Drained { run: u64 },
    /// Of a limited number of tasks: how many it may begin in this run, and how many it has. With `hungry` users wait for
    /// more; else it answers [`Down::Tasks`], or gives back what it does not need.
    Tasks { run: u64, granted: u64, begun: u64, hungry: bool },
    /// It lets its users go and quits when they are gone: nothing more is to be asked of it.
    Leaving,
    /// A user asked for the end of the test.
    StopTest { run: u64, reason: String },
    /// The run could not begin.
    Failed { run: u64, reason: String },
}

/// What a worker holds of what is shared out in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Held {
    /// Its part of `--max-rate`.
    pub(super) max_rate: Option<f64>,
    /// Tasks that it may begin, and that it has begun and ended.
    pub(super) granted: u64,
    pub(super) begun: u64,
    pub(super) ended: u64,
}

/// A worker's report.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Figures {
    pub(super) run: u64,
    /// One for each driver that had something to say.
    #[serde(with = "blobs")]
    pub(super) deltas: Vec<Vec<u8>>,
    /// Users running, by class.
    pub(super) users: Vec<u32>,
    /// Users that were to be started and have been dealt with since the last report.
    pub(super) started: u32,
    /// Requests in it.
    pub(super) requests: u64,
    /// With a limit on tasks over all workers: how many have been begun in the run, and how many of them are over and
    /// counted by this report.
    #[serde(default)]
    pub(super) begun: u64,
    #[serde(default)]
    pub(super) ended: u64,
}

/// Bytes as MessagePack's bytes instead of lists of numbers.
mod blobs {
    use serde::de::{Deserializer, SeqAccess, Visitor};
    use serde::ser::{SerializeSeq, Serializer};

    pub(super) fn serialize<S: Serializer>(
        blobs: &[Vec<u8>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        struct Blob<'b>(&'b [u8]);
        impl serde::Serialize for Blob<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(self.0)
            }
        }
        let mut list = serializer.serialize_seq(Some(blobs.len()))?;
        blobs.iter().try_for_each(|blob| list.serialize_element(&Blob(blob)))?;
        list.end()
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Vec<u8>>, D::Error> {
        struct Bytes(Vec<u8>);
        impl<'de> serde::Deserialize<'de> for Bytes {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Blob;
                impl Visitor<'_> for Blob {
                    type Value = Bytes;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("bytes")
                    }
                    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                        Ok(Bytes(bytes.to_vec()))
                    }
                }
                deserializer.deserialize_bytes(Blob)
            }
        }
        struct Blobs;
        impl<'de> Visitor<'de> for Blobs {
            type Value = Vec<Vec<u8>>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of bytes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut blobs = Vec::new();
                while let Some(Bytes(blob)) = list.next_element()? {
                    blobs.push(blob);
                }
                Ok(blobs)
            }
        }
        deserializer.deserialize_seq(Blobs)
    }
}

/// Letters to one peer.
#[derive(Debug)]
pub(super) struct Outbox {
    kind: &'static str,
    boot: u64,
    next: u64,
    /// Number, body, and when it was sent last. A letter on its way also says which is the oldest that may still come:
    /// all before have arrived, or never will.
    waiting: VecDeque<(u64, Vec<u8>, Instant)>,
}

impl Outbox {
    /// `boot` is a number of this process's own.
    pub(super) fn new(kind: &'static str, boot: u64) -> Self {
        Self { kind, boot, next: 1, waiting: VecDeque::new() }
    }

    /// A new letter, to be sent now.
    pub(super) fn write<T: Serialize>(&mut self, body: &T, now: Instant) -> Custom {
        let packed = rmp_serde::to_vec(body).unwrap_or_default(); // Plain data always packs.
        let number = self.next;
        self.next += 1;
        self.waiting.push_back((number, packed, now));
        self.letter(self.waiting.len() - 1)
    }

    fn letter(&self, at: usize) -> Custom {
        let oldest = self.waiting.front().map_or(self.next, |(number, ..)| *number);
        let (number, packed, _) = &self.waiting[at];
        let data = Value::List(vec![
            Value::Unsigned(self.boot),
            Value::Unsigned(*number),
            Value::Unsigned(oldest),
            Value::Bytes(packed.clone()),
        ]);
        Custom { name: self.kind.to_owned(), data }
    }

    /// Notes that all letters up to this number have arrived.
    pub(super) fn acknowledged(&mut self, ack: Acknowledged) {
        if ack.boot == self.boot {
            while self.waiting.front().is_some_and(|(number, ..)| *number <= ack.number) {
                self.waiting.pop_front();
            }
        }
    }

    /// Letters that should have been acknowledged by now.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<Custom> {
        let mut due = Vec::new();
        for at in 0..self.waiting.len().min(REPEAT_AT_MOST) {
            if now.saturating_duration_since(self.waiting[at].2) >= REPEAT {
                self.waiting[at].2 = now;
                due.push(self.letter(at));
            }
        }
        due
    }

    /// Drops what is not acknowledged: it means nothing any more.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
    }

    /// The number of the latest letter.
    pub(super) fn latest(&self) -> u64 {
        self.next - 1
    }

    /// Whether the letter of this number has arrived, and all before it.
    pub(super) fn has_arrived(&self, number: u64) -> bool {
        self.waiting.front().is_none_or(|(oldest, ..)| *oldest > number)
    }

    /// Whether every letter has arrived.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// An acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Acknowledged {
    boot: u64,
    number: u64,
}

impl Acknowledged {
    pub(super) fn read(data: &Value) -> Option<Self> {
        let [boot, number] = data.as_list()? else { return None };
        Some(Self { boot: boot.as_u64()?, number: number.as_u64()? })
    }

    pub(super) fn message(self) -> Custom {
        let data = Value::List(vec![self.boot.into(), self.number.into()]);
        Custom { name: ACK.to_owned(), data }
    }
}

/// Letters from one peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Inbox {
    boot: u64,
    received: u64,
    /// The process before this one.
    retired: u64,
    /// Letters of this sender that were acknowledged by somebody, but not here.
    pub(super) missed: u64,
}

/// What becomes of a letter.
#[derive(Debug)]
pub(super) enum Taken<T> {
    /// It is the next one.
    New(T),
    /// It was taken before, or it comes too early and will come again.
    NotNow,
    /// It cannot be read; it counts as taken, because it would be the same when repeated.
    Unreadable(String),
}

impl Inbox {
    /// Takes the letter, if it is its turn; `None` when it is no letter at all. In any other case the acknowledgement is to be sent.
    pub(super) fn take<T: DeserializeOwned>(&mut self, data: &Value) -> Option<Taken<T>> {
        let [boot, number, oldest, body] = data.as_list()? else { return None };
        let (boot, number, oldest) = (boot.as_u64()?, number.as_u64()?, oldest.as_u64()?);
        let body = body.as_bytes()?;
        if oldest > number || number == 0 {
            return None;
        }
        if self.boot != boot {
            if self.retired == boot {
                return Some(Taken::NotNow); // Of a process that is no more.
            }
            let (received, retired) = (oldest.saturating_sub(1), self.boot);
            *self = Self { boot, received, retired, missed: 0 };
        }
        if self.received + 1 < oldest {
            self.missed += oldest - self.received - 1;
            self.received = oldest - 1;
        }
        if number != self.received + 1 {
            return Some(Taken::NotNow);
        }
        self.received = number;
        Some(match rmp_serde::from_slice(body) {
            Ok(body) => Taken::New(body),
            Err(error) => Taken::Unreadable(error.to_string()),
        })
    }

    /// Which process the letters come from.
    pub(super) fn sender(&self) -> u64 {
        self.boot
    }

    /// Says how far letters have come.
    pub(super) fn acknowledgement(&self) -> Acknowledged {
        Acknowledged { boot: self.boot, number: self.received }
    }
}

#[cfg(test)]
mod tests;
