//! Locust's distributed protocol: what master and workers say to each other, and how it travels.
//!
//! * [`Envelope`] of [`ToMaster`] or [`ToWorker`]: the messages, as Locust 2.47 writes and reads them. What only
//!   swarmers understand travels as [`Extra`].
//! * [`Report`]: a worker's figures in Locust's form, made from a [`Delta`](crate::stats::Delta) and turned into one.
//! * [`Socket`]: one end's connection to the others, over ZMTP or, in tests, in memory.
//!
//! Everything that comes from a peer is checked against [`limits`]. This module knows nothing of runs.

mod extra;
mod figures;
pub mod limits;
mod message;
mod pack;
mod report;
mod to_master;
mod to_worker;
mod transport;
pub mod zmtp;

#[cfg(any(test, feature = "testing"))]
pub mod memory;

pub use extra::{Extra, KEY, entry};
pub use message::{
    Custom, Envelope, Exception, Heartbeat, Logs, Message, Ready, ScriptFile, ScriptFiles, Spawn,
    ToMaster, ToWorker, UserClassEdit, WorkerState,
};
pub use pack::{PackError, Problem, Value};
pub use report::{Entry, ErrorEntry, Report};
pub use transport::{BadIdentity, Counters, Event, Identity, Payload, Sent, Socket, Transport};
