//! Visitors who turn pages and search: a complete workload.

use swarmer::prelude::*;

struct Visitor {
    page: u32,
}

impl Visitor {
    async fn arrive(user: &mut User) -> Result<Self, TaskError> {
        user.get("/").name("Home").expect(200).send().await?;
        Ok(Self { page: 1 })
    }

    async fn turn_page(&mut self, user: &mut User) -> TaskResult {
        self.page += 1;
        user.get("/").query("page", self.page).name("Page").expect(200).send().await?;
        user.think(between(0.5, 2.0)).await;
        Ok(())
    }

    async fn search(&mut self, user: &mut User) -> TaskResult {
        user.get("/").query("q", "bees").name("Search").send().await?;
        Ok(())
    }
}

fn main() -> std::process::ExitCode {
    let visitors = Scenario::new("Visitor", Visitor::arrive)
        .wait(between(1.0, 3.0))
        .task(5, "Turn page", Visitor::turn_page)
        .task(1, "Search", Visitor::search);
    Swarm::new("quickstart", "1.0").scenario(visitors).run()
}
