//! What a workload needs, in one line: `use swarmer::prelude::*;`.

pub use crate::http::{Method, Response};
pub use crate::scenario::{
    Scenario, TaskSet, Wait, between, constant, constant_throughput, pacing, poisson, schedule,
};
pub use crate::swarm::{Setup, SetupError, Swarm};
pub use crate::user::{
    CustomRequest, RequestFailed, TaskError, TaskResult, User, UserRng, Verdict,
};
