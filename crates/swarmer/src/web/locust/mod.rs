//! The interface that scripts written for Locust know, to the letter.

mod downloads;
mod stats;
mod swarm;
mod user;

pub(super) use downloads::{exceptions_csv, failures_csv, history_csv, report, requests_csv};
pub(super) use stats::{exceptions, logs, requests, task_trees, tasks, worker_count};
pub(super) use swarm::{halt, reset, stop, swarm, zero};
pub(super) use user::user;
