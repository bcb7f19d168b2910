//! Messages of a workload's own between master and workers.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::cluster::Value;

/// A message of the workload's own, as `on_message` hears of it.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its type.
    pub name: &'a str,
    /// Who sent it: the id of a worker, or `master`.
    pub from: &'a str,
    /// What it carries.
    pub data: &'a Value,
    pub(crate) post: &'a PostOffice,
}

impl Message<'_> {
    /// Sends a message back to whoever sent this one.
    pub fn answer(&self, name: &str, data: Value) {
        self.post.send(Some(self.from), name, data);
    }
}

/// Sends messages of the workload's own: from the master to its workers, from a worker to its master. In a run without
/// either they go nowhere. Cheap to clone; any thread may use it.
#[derive(Clone, Debug)]
pub struct PostOffice(Arc<Counter>);

#[derive(Debug)]
struct Counter {
    sender: UnboundedSender<Outgoing>,
    receiver: Mutex<Option<UnboundedReceiver<Outgoing>>>,
}

/// A message on its way out.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// A worker, if it is for one only.
    pub(crate) to: Option<String>,
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl Default for PostOffice {
    fn default() -> Self {
        let (sender, receiver) = unbounded_channel();
        Self(Arc::new(Counter { sender, receiver: Mutex::new(Some(receiver)) }))
    }
}

impl PostOffice {
    /// Sends a message: on a master to the worker with the id `to`, or to all; on a worker to its master.
    ///
    /// It arrives once or, when the connection breaks in that moment, not at all.
    pub fn send(&self, to: Option<&str>, name: &str, data: Value) {
        // Where nobody listens it goes nowhere.
        let _ =
            self.0.sender.send(Outgoing { to: to.map(str::to_owned), name: name.to_owned(), data });
    }

    /// What is to be sent; for one reader.
    pub(crate) fn outgoing(&self) -> Option<UnboundedReceiver<Outgoing>> {
        self.0.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
