//! The workload of the benchmarks, written with the public API as any other: users who ask for one page again and again.

use std::process::ExitCode;

use swarmer::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Anyone;

impl Anyone {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self)
    }

    async fn ask(&mut self, user: &mut User) -> TaskResult {
        user.get("/").name("page").expect(200).send().await?;
        Ok(())
    }
}

fn main() -> ExitCode {
    Swarm::new("hammer", env!("CARGO_PKG_VERSION"))
        .about("Asks for one page, as the benchmarks need it")
        .scenario(Scenario::new("Hammer", Anyone::arrive).task(1, "Ask", Anyone::ask))
        .run()
}
