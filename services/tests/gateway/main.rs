//! The gateway in front of services that the tests script, over real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod client;
mod limits;
mod pages;
mod passing_on;
mod stub;
mod trouble;
