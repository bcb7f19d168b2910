//! Scenarios, tasks, weights and waits.
