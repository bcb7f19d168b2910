//! Console tables, CSV files, JSON documents and HTML reports, rendered from a [`crate::stats::Summary`] and from nothing else.
//!
//! Both are Locust's to the letter where Locust has them (a script that reads its output reads ours); what is ours comes
//! after it. [`python`] holds the spellings of Python that these formats hang on.

pub mod compare;
pub mod console;
pub mod csv;
mod due;
mod files;
pub mod html;
pub mod json;
pub(crate) mod locust;
mod metrics;
pub mod python;
mod trust;

pub use compare::Comparison;
pub use console::{Console, Rates};
pub use csv::CsvWriter;
pub use files::FileError;
pub use json::{LocustJsonFile, SummaryFile};
