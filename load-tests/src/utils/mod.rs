//! Helpers of the behaviors: groups, rotation, choosing what to work on, the directory of agents.

pub mod choice;
pub mod directory;
pub mod helpers;
