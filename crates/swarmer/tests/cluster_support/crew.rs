//! The workload of the cluster's tests, in Rust and in Python.

use std::process::ExitCode;

use swarmer::cluster::Value;
use swarmer::events::Message;
use swarmer::prelude::*;

/// The same for Locust: as master it needs the names of the classes only, as worker all of it.
pub(crate) const SCRIPT: &str = r#"
import os
from locust import HttpUser, events, task, constant

class Asker(HttpUser):
    host = os.environ.get("CREW_HOST")
    wait_time = constant(0.2)
    weight = 3
    @task
    def ask(self):
        self.client.get("/fast", name="ask")

class Breaker(HttpUser):
    host = os.environ.get("CREW_HOST")
    wait_time = constant(0.2)
    @task(3)
    def boom(self):
        self.client.get("/status/500")
    @task(1)
    def throw(self):
        self.client.get("/fast", name="before")
        raise ValueError("deliberate")

def on_hello_worker(environment, msg, **kwargs):
    print("WORKER HEARD", msg.data, flush=True)
    environment.runner.send_message("hello_master", {"n": msg.data["n"] + 1})

def on_hello_master(environment, msg, **kwargs):
    print("MASTER HEARD", msg.data, flush=True)

@events.init.add_listener
def register(environment, runner, **kwargs):
    runner.register_message("hello_worker", on_hello_worker)
    runner.register_message("hello_master", on_hello_master)

@events.test_start.add_listener
def greet(environment, **kwargs):
    if type(environment.runner).__name__ == "MasterRunner":
        environment.runner.send_message("hello_worker", {"n": 3})
"#;

struct Hand;

impl Hand {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self)
    }

    async fn ask(&mut self, user: &mut User) -> TaskResult {
        user.get("/fast").name("ask").send().await?;
        Ok(())
    }

    async fn boom(&mut self, user: &mut User) -> TaskResult {
        user.get("/status/500").send().await?;
        Ok(())
    }

    async fn throw(&mut self, user: &mut User) -> TaskResult {
        user.get("/fast").name("before").send().await?;
        Err(TaskError::message("deliberate"))
    }
}

#[expect(clippy::print_stdout, reason = "the test reads it")]
pub(crate) fn main() -> ExitCode {
    let swarm = Swarm::new("crew", "1.0");
    let post = swarm.post_office();
    let answer = |message: &Message<'_>| {
        println!("WORKER HEARD {:?}", message.data);
        let n = message.data.get("n").and_then(Value::as_u64).unwrap_or_default();
        message.answer("hello_master", Value::from_iter([("n", (n + 1).into())]));
    };
    let asker = Scenario::new("Asker", Hand::arrive).weight(3.0).wait(constant(0.2));
    let breaker = Scenario::new("Breaker", Hand::arrive).wait(constant(0.2));
    swarm
        .scenario(asker.task(1, "ask", Hand::ask))
        .scenario(breaker.task(3, "boom", Hand::boom).task(1, "throw", Hand::throw))
        .on_message("hello_worker", answer)
        .on_message("hello_master", |message| println!("MASTER HEARD {:?}", message.data))
        .on_test_start(move || {
            post.send(None, "hello_worker", Value::from_iter([("n", 3_u64.into())]));
        })
        .run()
}
