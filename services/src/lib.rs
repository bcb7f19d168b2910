//! DynaClaimz

pub mod faults;
pub mod gateway;
pub mod metrics;
pub mod telemetry;
