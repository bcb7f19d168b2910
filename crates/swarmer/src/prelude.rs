//! What a workload needs, in one line: `use swarmer::prelude::*;`.

pub use crate::http::{Method, Response};
pub use crate::scenario::{Scenario, Wait, between, constant, pacing, schedule};
pub use crate::swarm::{Setup, SetupError, Swarm};
pub use crate::user::{RequestFailed, TaskError, TaskResult, User, UserRng, Verdict};
