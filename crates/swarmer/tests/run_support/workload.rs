//! The workload that `run_process` starts itself again as: one user class for each way a run can go.

use std::process::ExitCode;
use std::time::Duration;

use swarmer::options::Opt;
use swarmer::prelude::*;

struct Agent;

impl Agent {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self)
    }

    async fn sign_in(user: &mut User) -> Result<Self, TaskError> {
        user.post("/status/401").name("Login").expect(200).send().await?;
        Ok(Self)
    }

    async fn fast(&mut self, user: &mut User) -> TaskResult {
        user.get("/fast").expect(200).send().await?;
        Ok(())
    }

    async fn slow(&mut self, user: &mut User) -> TaskResult {
        user.get("/slow/300").expect(200).send().await?;
        Ok(())
    }

    /// The first request opens the connection, so that the server has seen whatever is cut later.
    async fn hang(&mut self, user: &mut User) -> TaskResult {
        user.get("/fast").send().await?;
        user.get("/slow/60000").send().await?;
        Ok(())
    }

    async fn fail(&mut self, user: &mut User) -> TaskResult {
        user.get("/status/503").send().await?;
        Ok(())
    }

    async fn err(&mut self, user: &mut User) -> TaskResult {
        user.get("/fast").send().await?;
        "seven".parse::<u8>()?;
        Ok(())
    }

    async fn panic(&mut self, user: &mut User) -> TaskResult {
        user.get("/fast").send().await?;
        panic!("the {} is out of order", "lift");
    }

    async fn leave(&mut self, _: &mut User) -> TaskResult {
        Err(TaskError::stop_user())
    }

    async fn end(&mut self, user: &mut User) -> TaskResult {
        user.get("/fast").send().await?;
        Err(TaskError::stop_test("enough seen"))
    }

    async fn block(&mut self, user: &mut User) -> TaskResult {
        user.get("/fast").send().await?;
        std::thread::sleep(Duration::from_hours(1));
        Ok(())
    }

    async fn say_goodbye(&mut self, user: &mut User) -> TaskResult {
        user.get("/goodbye").send().await?;
        Ok(())
    }
}

fn agent(name: &str) -> Scenario<Agent> {
    Scenario::new(name, Agent::arrive).wait(constant(0.01)).on_stop(Agent::say_goodbye)
}

pub(crate) fn main() -> ExitCode {
    let quiet = |name| Scenario::new(name, Agent::arrive);
    Swarm::new("stub", "1.2.3")
        .about("A workload for tests")
        .options([Opt::flag("hang-in-setup").help("Wait for a reply that does not come")])
        .setup(async |setup: &mut Setup| {
            if setup.options().custom.flag("hang-in-setup") {
                let limit = Duration::from_mins(1);
                let _: String = setup.get("/slow/60000", limit).await?;
            }
            Ok(())
        })
        .scenario(agent("Fast").weight(3.0).task(1, "fast", Agent::fast))
        .scenario(agent("Slow").task(1, "slow", Agent::slow))
        .scenario(quiet("Hanging").task(1, "hang", Agent::hang))
        .scenario(agent("Failing").task(1, "fail", Agent::fail))
        .scenario(agent("Throwing").task(1, "err", Agent::err).task(1, "panic", Agent::panic))
        .scenario(Scenario::new("Refused", Agent::sign_in).task(1, "fast", Agent::fast))
        .scenario(agent("Leaving").task(1, "leave", Agent::leave))
        .scenario(agent("Ending").task(1, "end", Agent::end))
        .scenario(quiet("Blocking").task(1, "block", Agent::block))
        .run()
}
