//! A load engine for stateful user journeys: Locust's way of working, in Rust.
//!
//! A *workload* is a small program. It says what kinds of users there are ([`Scenario`](scenario::Scenario)), what they
//! do (plain `async fn`s on a plain struct, the user's state) and how they wait; [`Swarm::run`] does the rest: it reads
//! the command line, starts as many users as asked for, and tells what the target made of them.
//!
//! ```no_run
//! use swarmer::prelude::*;
//!
//! struct Reader {
//!     pages: u32,
//! }
//!
//! impl Reader {
//!     /// Makes a user's state: sign-in belongs here. An error means that this user does not start.
//!     async fn arrive(user: &mut User) -> Result<Self, TaskError> {
//!         user.post("/login").json(&["reader"]).expect(200).send().await?;
//!         Ok(Self { pages: 0 })
//!     }
//!
//!     /// A task. `?` ends it when the request failed; the user waits and goes on with another.
//!     async fn read(&mut self, user: &mut User) -> TaskResult {
//!         self.pages += 1;
//!         let url = format!("/pages/{}", self.pages);
//!         let page = user.get(&url).name("/pages/[n]").expect(200).send().await?;
//!         drop(page); // Its buffer serves other users while this one thinks.
//!         user.think(between(2.0, 8.0)).await;
//!         Ok(())
//!     }
//!
//!     async fn search(&mut self, user: &mut User) -> TaskResult {
//!         let hits: Vec<String> = user.get("/search").query("q", "swarm").fetch().await?;
//!         if hits.is_empty() {
//!             return Err(TaskError::message("the index is empty"));
//!         }
//!         Ok(())
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     let readers = Scenario::new("Reader", Reader::arrive)
//!         .wait(between(1.0, 3.0))
//!         .task(5, "Read", Reader::read)
//!         .task(1, "Search", Reader::search);
//!     Swarm::new("library", "1.0").scenario(readers).run()
//! }
//! ```
//!
//! Started as `library --host http://localhost:3000 --users 50 --spawn-rate 10 --run-time 1m`, it ends with tables of
//! what was requested, how long that took and what went wrong, and with exit code 0 if nothing did.
//!
//! # What happens when something goes wrong
//! | what | what is counted | what the user does |
//! |---|---|---|
//! | no reply, an unexpected status, a check that says no | the request as failed | ends its task at `?`, waits, goes on |
//! | any other error, or a panic, in a task | an exception, with its place | waits, goes on |
//! | [`TaskError::end_task`] | nothing | waits, goes on |
//! | an error at the user's start | as above | is gone, and not replaced |
//! | [`TaskError::stop_user`] | nothing | runs its `on_stop` and is gone |
//! | [`TaskError::stop_test`] | nothing | ends the whole run |
//!
//! # Where to find what
//! * [`prelude`]: what a workload needs, in one line.
//! * [`scenario`]: users, tasks, weights, waits.
//! * [`user`]: what a task is handed: requests, think times, random numbers. [`http`]: the client beneath.
//! * [`Swarm`]: options of the workload's own, set-up before the first user, what runs around a run.
//! * [`stats`]: the figures. [`report`]: tables and CSV files made of them. [`load`]: how many users when.
//! * `testing` (feature `testing`): whole runs inside a test, on virtual time.
//!
//! All times that are plain numbers are seconds in what a workload says (waits) and milliseconds in what reports say.
#![deny(missing_docs)]

mod base64;
pub mod clock;
pub mod cluster;
pub mod events;
pub mod http;
pub mod load;
pub mod logging;
pub mod options;
pub mod prelude;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod stats;
pub mod swarm;
pub mod telemetry;
mod terminal;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tui;
pub mod user;
pub mod web;

pub use swarm::{Environment, Narrator, Setup, SetupError, Swarm};
pub use user::{TaskError, TaskResult, User};

/// The code of the guide is compiled with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/tutorial.md")]
struct Tutorial;

/// As [`Tutorial`].
#[cfg(doctest)]
#[doc = include_str!("../../../docs/coming-from-locust.md")]
struct ComingFromLocust;
