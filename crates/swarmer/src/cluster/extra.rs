//! What travels between swarmers only, beside what Locust knows.
//!
//! It stands under one additional key, [`KEY`], of a message's data, where Locust ignores it. Peers that do not know an
//! entry skip it, so that old and new versions can be mixed.

use std::collections::BTreeMap;

use super::limits;
use super::pack::{PackError, Problem, Reader, Value, Writer};

/// The additional key of a message's data.
pub const KEY: &str = "swarmer";

/// Entries of one message's additional part.
const ENTRIES: usize = 64;

/// Names of entries. Which message has which is told in the guide's page on the protocol.
pub mod entry {
    /// Whole number: version of what swarmers say to each other; its presence says that the peer is one.
    pub const VERSION: &str = "version";
    /// Whole number: a process of a worker or master, drawn when it starts. Another one means that it was started anew.
    pub const BOOT: &str = "boot";
    /// Number with a point: the sender's clock, seconds since the Unix epoch, when it sent this.
    pub const SENT: &str = "sent";
    /// Number with a point: [`SENT`] of what this answers.
    pub const ECHO: &str = "echo";
}

/// The additional part of a message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Extra(BTreeMap<String, Value>);

impl Extra {
    /// Nothing in addition.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more entry.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets an entry.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// An entry.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// An entry that is a whole number.
    pub fn whole(&self, name: &str) -> Option<u64> {
        self.get(name)?.as_u64()
    }

    /// An entry that is a finite number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.as_f64().filter(|number| number.is_finite())
    }

    /// Whether an entry is there and true.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Takes an entry out: large ones need no copy.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Whether there is nothing in addition, as always with Locust.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn read(reader: &mut Reader) -> Result<Self, PackError> {
        let limit = ENTRIES.min(limits::VALUES);
        let entries = reader.named("additional entries", limit, Reader::value)?;
        if entries.keys().any(String::is_empty) {
            return Err(Problem::Missing.into());
        }
        Ok(Self(entries))
    }

    /// Key and value, if there is anything.
    pub(super) fn write(&self, writer: &mut Writer) {
        if self.is_empty() {
            return;
        }
        writer.key(KEY).map(self.0.len());
        for (name, value) in &self.0 {
            writer.key(name).value(value);
        }
    }

    /// How many keys [`Self::write`] adds to a map.
    pub(super) fn keys(&self) -> usize {
        usize::from(!self.is_empty())
    }
}
