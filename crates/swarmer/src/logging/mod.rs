//! Log lines in Locust's format.

mod level;

pub use level::Level;
