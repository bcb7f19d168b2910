//! Users who write down what they do and when, on virtual time.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use swarmer::clock;
use swarmer::options::Options;
use swarmer::prelude::*;
use swarmer::stats::Summary;
use swarmer::testing::{Handle, Script, ScriptedReply, run, steered};

/// What all users of a run did: seconds since the first entry, and a word.
#[derive(Clone, Default)]
pub(crate) struct Diary(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    began: Option<Instant>,
    entries: Vec<(f64, String)>,
}

impl Diary {
    pub(crate) fn write(&self, word: impl Into<String>) {
        let now = clock::now();
        let mut all = self.0.lock().expect("no writer panics");
        let began = *all.began.get_or_insert(now);
        all.entries.push((now.duration_since(began).as_secs_f64(), word.into()));
    }

    /// The words, without their times.
    pub(crate) fn words(&self) -> Vec<String> {
        self.0
            .lock()
            .expect("no writer panics")
            .entries
            .iter()
            .map(|(_, word)| word.clone())
            .collect()
    }

    pub(crate) fn text(&self) -> String {
        self.words().join(" ")
    }

    /// Everything, with times in seconds.
    pub(crate) fn entries(&self) -> Vec<(f64, String)> {
        self.0.lock().expect("no writer panics").entries.clone()
    }

    /// The words with their times in seconds: `0 a, 1.5 b`.
    pub(crate) fn timed(&self) -> String {
        let all = self.0.lock().expect("no writer panics");
        let entry =
            |(at, word): &(f64, String)| format!("{} {word}", (at * 1000.0).round() / 1000.0);
        all.entries.iter().map(entry).collect::<Vec<_>>().join(", ")
    }

    /// The times of one word.
    pub(crate) fn times(&self, word: &str) -> Vec<f64> {
        let all = self.0.lock().expect("no writer panics");
        all.entries.iter().filter(|(_, entry)| entry == word).map(|(at, _)| *at).collect()
    }
}

/// The state of such a user.
pub(crate) struct Writer {
    pub(crate) diary: Diary,
    /// How many tasks it has done.
    pub(crate) done: u32,
}

impl Writer {
    pub(crate) async fn arrive(user: &mut User) -> Result<Self, TaskError> {
        Ok(Self { diary: (*user.provided::<Diary>()?).clone(), done: 0 })
    }
}

/// A task that takes no time and writes `word`.
pub(crate) fn writes(
    word: &'static str,
) -> impl AsyncFn(&mut Writer, &mut User) -> TaskResult + Send + Sync {
    async move |writer: &mut Writer, _: &mut User| {
        writer.diary.write(word);
        writer.done += 1;
        Ok(())
    }
}

/// A task that writes `word` and then ends with what `end` makes.
pub(crate) fn ends(
    word: &'static str,
    end: fn() -> TaskError,
) -> impl AsyncFn(&mut Writer, &mut User) -> TaskResult + Send + Sync {
    async move |writer: &mut Writer, _: &mut User| {
        writer.diary.write(word);
        Err(end())
    }
}

/// A task that writes `word` and takes `seconds`.
pub(crate) fn takes(
    word: &'static str,
    seconds: f64,
) -> impl AsyncFn(&mut Writer, &mut User) -> TaskResult + Send + Sync {
    async move |writer: &mut Writer, user: &mut User| {
        writer.diary.write(word);
        user.think(constant(seconds)).await;
        writer.diary.write(format!("/{word}"));
        Ok(())
    }
}

pub(crate) fn writer() -> Scenario<Writer> {
    Scenario::new("Writer", Writer::arrive)
}

/// One user for so many seconds of virtual time.
pub(crate) fn alone(seconds: f64) -> Options {
    let run_time = Some(Duration::from_secs_f64(seconds));
    Options { users: Some(1), run_time, ..Options::default() }
}

pub(crate) fn quick() -> Script {
    Script::new(|_| ScriptedReply::new(200).after(Duration::from_millis(10)))
}

pub(crate) fn swarm(diary: &Diary) -> Swarm {
    Swarm::new("semantics", "0").provide(diary.clone())
}

/// What one user of `scenario` does in so many seconds.
pub(crate) fn lived(scenario: Scenario<Writer>, seconds: f64) -> (Diary, Summary) {
    let diary = Diary::default();
    let summary = run(swarm(&diary).scenario(scenario), alone(seconds), quick()).expect("a run");
    (diary, summary)
}

/// As [`lived`], ended by `steer` and with these options.
pub(crate) fn steered_life(
    scenario: Scenario<Writer>,
    options: Options,
    steer: impl AsyncFnOnce(Handle),
) -> (Diary, Summary) {
    let diary = Diary::default();
    let summary =
        steered(swarm(&diary).scenario(scenario), options, quick(), steer).expect("a run");
    (diary, summary)
}

pub(crate) fn messages(summary: &Summary) -> Vec<String> {
    summary.exceptions.iter().map(|e| format!("{}x {}", e.count, e.message)).collect()
}
