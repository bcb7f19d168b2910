//! MessagePack as Locust writes it, and reading it from peers that may be hostile.
//!
//! Messages are read straight from their bytes: what is not known is skipped, nothing is allocated before it is known to
//! be there, and depth and number of values are bounded.

mod reader;
mod value;
mod writer;

pub use reader::{PackError, Problem};
pub(super) use reader::{Reader, field};
pub use value::Value;
pub(super) use writer::Writer;
