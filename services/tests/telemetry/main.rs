//! Traces over real hops, seen by a collector of the test's own that reads OTLP with the official definitions.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod collector;
mod exporting;
mod hops;
mod tracing_off;
mod whole;
