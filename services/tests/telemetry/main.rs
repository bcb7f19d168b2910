//! Traces over real hops, seen by a collector of the test's own that reads OTLP with the official definitions.

mod collector;
mod exporting;
mod hops;
mod tracing_off;
mod whole;
