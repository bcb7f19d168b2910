//! DynaClaimz: a gateway and four services, the system under test.
//!
//! [`start_all`] starts everything in this process, with real HTTP between the services and a database for
//! each; [`run`] is the program. One folder is one service, and the four read alike: `types` (what goes in
//! and out), `rules` (the business, pure), `store` (queries), `handlers` (one function a route). What they
//! have in common is in `shared`, once.

mod all;
mod claims;
mod cli;
mod edge;
pub mod faults;
pub mod gateway;
mod health;
pub mod metrics;
mod operations;
mod policy;
mod quotes;
mod shared;
pub mod telemetry;
mod user;

pub use all::{AllConfig, Running, start_all};
pub use cli::run;
pub use operations::{api_document, service_documents};
