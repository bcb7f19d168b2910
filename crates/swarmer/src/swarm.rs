//! The builder a workload's `main` calls.
