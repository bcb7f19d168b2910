//! A complete workload: `cargo run --example quickstart -- --host http://localhost:3000 --users 10 --run-time 30s --headless`

use swarmer::prelude::*;

struct Visitor {
    pages: u32,
}

impl Visitor {
    async fn arrive(user: &mut User) -> Result<Self, TaskError> {
        user.get("/").name("Home").send().await?;
        Ok(Self { pages: 1 })
    }

    async fn read(&mut self, user: &mut User) -> TaskResult {
        self.pages += 1;
        let url = format!("/?page={}", self.pages);
        user.get(&url).name("Page").expect(200..=299).send().await?;
        user.think(between(0.5, 2.0)).await;
        Ok(())
    }

    async fn look_up(&mut self, user: &mut User) -> TaskResult {
        let _page = user.get("/").name("Look up").query("q", "swarm").send().await?;
        Ok(())
    }
}

fn main() -> std::process::ExitCode {
    let visitors = Scenario::new("Visitor", Visitor::arrive)
        .wait(between(1.0, 3.0))
        .task(3, "Read", Visitor::read)
        .task(1, "Look up", Visitor::look_up);
    Swarm::new("quickstart", "1.0").scenario(visitors).run()
}
