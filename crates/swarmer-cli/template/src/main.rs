//! The workload `{{name}}`: `cargo run --release -- --help` tells what it can do.

use std::process::ExitCode;

use swarmer::prelude::*;

#[cfg(test)]
mod tests;

/// What one user keeps in mind between two tasks.
struct Visitor {
    pages: u32,
}

impl Visitor {
    /// What a user does once, before its first task: sign-in belongs here.
    async fn arrive(_user: &mut User) -> Result<Self, TaskError> {
        Ok(Self { pages: 0 })
    }

    /// A journey: every step is a request under a name of its own. A step that fails ends the journey and is counted.
    async fn look_around(&mut self, user: &mut User) -> TaskResult {
        user.get("/").name("1. Front page").send().await?;
        self.pages += 1;
        user.think(between(0.5, 2.0)).await;

        user.get("/")
            .query("page", self.pages)
            .name("2. Next page")
            .send()
            .await?;
        self.pages += 1;
        Ok(())
    }
}

/// The workload: which kinds of users there are, and what they do.
fn workload() -> Swarm {
    let visitors = Scenario::new("Visitor", Visitor::arrive)
        .wait(between(1.0, 3.0))
        .task(1, "Look around", Visitor::look_around);
    Swarm::new("{{name}}", env!("CARGO_PKG_VERSION")).scenario(visitors)
}

fn main() -> ExitCode {
    workload().run()
}
