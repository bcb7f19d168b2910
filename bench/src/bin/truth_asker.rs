//! The workload that is held against the truth: users who ask the scripted server again and again. Each request says when
//! it was sent, so that the server's log can be joined with what was due.

use std::process::ExitCode;

use swarmer::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
        let target = format!("/page?{}", monotonic_nanos());
        user.get(&target).name("page").expect(200).send().await?;
        Ok(())
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
