//! The workload that `cli_process` starts itself again as: `support/locustfile.py` with this engine.

use std::process::ExitCode;

use swarmer::prelude::*;

struct Customer;

impl Customer {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self)
    }

    async fn look(&mut self, user: &mut User) -> TaskResult {
        user.get("/look").send().await?;
        Ok(())
    }

    async fn buy(&mut self, user: &mut User) -> TaskResult {
        user.post("/buy").name("Buy").send().await?;
        Ok(())
    }

    async fn sell(&mut self, user: &mut User) -> TaskResult {
        user.get("/status/503").name("Sell").send().await?;
        Ok(())
    }
}

pub(crate) fn main() -> ExitCode {
    let customer = |name| Scenario::new(name, Customer::arrive).wait(constant(0.1));
    let buyer = customer("Buyer").weight(3.0);
    Swarm::new("shop", "1.2.3")
        .scenario(buyer.task(3, "look", Customer::look).tags(["read"]).task(
            1,
            "buy",
            Customer::buy,
        ))
        .scenario(customer("Seller").task(1, "sell", Customer::sell))
        .run()
}
