//! Open model: orders arrive at a rate, whoever is there to take them.
//!
//! Run it with `--rate 100/s -t 10s`, or `--rate-stages "10s:0->100/s, 20s:100/s" --arrivals poisson`.

use swarmer::prelude::*;

struct Clerk {
    orders: u64,
}

impl Clerk {
    /// A clerk signs in once and then takes any number of orders.
    async fn sign_in(user: &mut User) -> Result<Self, TaskError> {
        user.post("/login").name("Login").send().await?;
        Ok(Self { orders: 0 })
    }

    /// One arrival is one run of this task. Its first request is timed from the moment the order was due.
    async fn take_order(&mut self, user: &mut User) -> TaskResult {
        self.orders += 1;
        user.post("/orders").name("Order").json(&self.orders).send().await?;
        user.get("/orders/latest").name("Receipt").send().await?;
        Ok(())
    }
}

fn main() -> std::process::ExitCode {
    let clerks = Scenario::new("Clerk", Clerk::sign_in).task(1, "Take order", Clerk::take_order);
    Swarm::new("open-model", "1.0").scenario(clerks).run()
}
