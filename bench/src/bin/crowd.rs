//! Users by the ten thousand, for the benchmarks of memory and spawning, written with the public API as any other workload.

use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use swarmer::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// When the process began.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Requests of steady users before this are named `early`: connections are opened then, and the first users started.
const EARLY: Duration = Duration::from_secs(2);

/// Steady users, beside as many newcomers as are asked for.
const STEADY: u32 = 500;

struct Anyone;

impl Anyone {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self)
    }

    async fn ask(&mut self, user: &mut User) -> TaskResult {
        user.get("/").name("page").expect(200).send().await?;
        Ok(())
    }

    async fn ask_steadily(&mut self, user: &mut User) -> TaskResult {
        let name = if BEGAN.elapsed() < EARLY { "early" } else { "steady" };
        user.get("/").name(name).expect(200).send().await?;
        Ok(())
    }

    #[expect(clippy::unused_async, reason = "a task is async")]
    async fn do_nothing(&mut self, _: &mut User) -> TaskResult {
        Ok(())
    }
}

fn main() -> ExitCode {
    LazyLock::force(&BEGAN);
    let class = |name| Scenario::new(name, Anyone::arrive);
    Swarm::new("crowd", env!("CARGO_PKG_VERSION"))
        .about("Waits in great numbers, as the benchmarks need it")
        .scenario(class("Waiter").wait(constant(5.0)).task(1, "Ask", Anyone::ask))
        .scenario(class("Rare").wait(constant(60.0)).task(1, "Ask", Anyone::ask))
        .scenario(class("Steady").fixed_count(STEADY).wait(constant_throughput(10.0)).task(
            1,
            "Ask",
            Anyone::ask_steadily,
        ))
        .scenario(class("Idler").wait(constant(3600.0)).task(1, "Nothing", Anyone::do_nothing))
        .scenario(class("Newcomer").wait(constant(3600.0)).task(1, "Ask", Anyone::ask))
        .run()
}
