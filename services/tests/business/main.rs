//! The business of DynaClaimz, tested through the gateway against SQLite and PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test may fail by panic")]

#[macro_use]
mod support;

mod bad_input;
mod claims;
mod contract;
mod crash;
mod crash_writes;
mod once_only;
mod policies;
mod processes;
mod quotes;
mod tenancy;
mod users;
