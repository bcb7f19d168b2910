//! The workload that is held against the truth: users who ask the scripted server again and again. Each request says when
//! it was due, so that the server's log holds the true time from then, whoever overtook whom.

use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use swarmer::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One moment by the engine's clock and by that which the server reads. Taken once: the thread may lose its core between
/// two clocks that are read for every request.
static MOMENT: LazyLock<(Instant, u64)> = LazyLock::new(|| {
    let (_, instant, nanos) =
        (0..100).map(|_| both_clocks()).min_by_key(|(took, ..)| *took).unwrap_or_else(both_clocks);
    (instant, nanos)
});

/// The same moment twice, and how far apart the two can be.
fn both_clocks() -> (Duration, Instant, u64) {
    let before = Instant::now();
    let nanos = monotonic_nanos();
    (before.elapsed(), before, nanos)
}

struct Asker;

impl Asker {
    /// The base address ends with a digit, the tag in the server's log.
    ///
    /// Opens the connection: connecting is part of a response time, and the server cannot know of it.
    async fn arrive(user: &mut User) -> Result<Self, TaskError> {
        user.get("/warm").name("warm").expect(200).send().await?;
        Ok(Self)
    }

    async fn ask(&mut self, user: &mut User) -> TaskResult {
        let target = format!("/page?{}", user.due().map_or(0, nanos_of));
        user.get(&target).name("page").expect(200).send().await?;
        Ok(())
    }
}

/// A moment of this run by the server's clock.
fn nanos_of(due: Instant) -> u64 {
    let (instant, nanos) = *MOMENT;
    let nanos_of = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    match due.checked_duration_since(instant) {
        Some(since) => nanos.saturating_add(nanos_of(since)),
        None => nanos.saturating_sub(nanos_of(instant - due)),
    }
}

/// Of the clock that the server reads as well.
fn monotonic_nanos() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a local that outlives the call; this clock exists on every Linux, so it cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

fn main() -> ExitCode {
    LazyLock::force(&MOMENT);
    Swarm::new("truth_asker", env!("CARGO_PKG_VERSION"))
        .about("Asks the scripted server, as the proof of accuracy needs it")
        .scenario(Scenario::new("Asker", Asker::arrive).task(1, "Ask", Asker::ask))
        .scenario(Scenario::new("Regular", Asker::arrive).wait(pacing(0.1)).task(
            1,
            "Ask",
            Asker::ask,
        ))
        .run()
}
