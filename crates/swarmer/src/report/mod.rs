//! Console tables and CSV files, rendered from a [`crate::stats::Summary`] and from nothing else.
//!
//! Both are Locust's to the letter where Locust has them (a script that reads its output reads ours); what is ours comes
//! after it. [`python`] holds the spellings of Python that these formats hang on.

pub mod console;
pub mod csv;
pub mod python;

pub use console::{Console, Rates};
pub use csv::{CsvError, CsvWriter};
