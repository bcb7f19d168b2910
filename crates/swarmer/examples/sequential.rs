//! A sequential journey: people who buy something go through the same steps in the same order, others just look around.
//!
//! `Purchase` is a task set that runs its tasks in the order they are declared. A shopper who begins it stays in it until
//! the last step interrupts it; then the shopper waits and picks anew. `--tags buy` leaves only the purchases.
//!
//! Run it against any server: `cargo run --example sequential -- --host http://localhost:8000 -u 10 -t 1m --headless`

use swarmer::prelude::*;

/// A person in a shop.
pub(crate) struct Shopper {
    in_cart: u32,
}

impl Shopper {
    async fn arrive(_user: &mut User) -> Result<Self, TaskError> {
        Ok(Self { in_cart: 0 })
    }

    async fn browse(&mut self, user: &mut User) -> TaskResult {
        user.get("/items").name("Browse").expect(200).send().await?;
        Ok(())
    }

    async fn add(&mut self, user: &mut User) -> TaskResult {
        user.post("/cart").name("1. Add to cart").send().await?;
        self.in_cart += 1;
        Ok(())
    }

    async fn pay(&mut self, user: &mut User) -> TaskResult {
        user.post("/pay").query("items", self.in_cart).name("2. Pay").send().await?;
        Ok(())
    }

    async fn leave(&mut self, _user: &mut User) -> TaskResult {
        self.in_cart = 0;
        Err(TaskError::interrupt_then_wait())
    }
}

/// The workload.
pub(crate) fn swarm() -> Swarm {
    let purchase = TaskSet::sequential("Purchase")
        .wait(between(0.1, 0.3))
        .task(2, "Add to cart", Shopper::add)
        .task(1, "Pay", Shopper::pay)
        .task(1, "Leave", Shopper::leave);
    let shoppers = Scenario::new("Shopper", Shopper::arrive)
        .wait(between(0.2, 0.5))
        .task(3, "Browse", Shopper::browse)
        .tags(["look"])
        .set(1, purchase)
        .tags(["buy"]);
    Swarm::new("sequential", "1.0").scenario(shoppers)
}

fn main() -> std::process::ExitCode {
    swarm().run()
}
