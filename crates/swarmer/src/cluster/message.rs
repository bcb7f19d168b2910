//! Messages: a list of three, type, data, node id.
//!
//! [`Envelope`] is the outer form of both directions; what is inside differs ([`ToMaster`], [`ToWorker`]).

use super::extra::Extra;
use super::pack::{PackError, Problem, Reader, Value, Writer, field};

pub use super::to_master::{Exception, Heartbeat, Logs, Ready, ToMaster, WorkerState};
pub use super::to_worker::{ScriptFile, ScriptFiles, Spawn, ToWorker, UserClassEdit};

/// A message with its node: the sender on its way to the master, the addressee on its way to a worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope<M> {
    /// What is said.
    pub message: M,
    /// What is said in addition between swarmers. Custom messages and `client_ready` cannot have any.
    pub extra: Extra,
    /// Who says it, or whom to. A master must trust the connection's identity instead, as Locust's does.
    pub node: String,
}

/// A script's own message, or one of a type nobody here knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Custom {
    /// Its type.
    pub name: String,
    /// Its data; whatever the script likes.
    pub data: Value,
}

impl<M: Message> Envelope<M> {
    /// A message with nothing in addition.
    pub fn new(message: M, node: impl Into<String>) -> Self {
        Self { message, extra: Extra::new(), node: node.into() }
    }

    /// The message with something in addition.
    pub fn with(self, extra: Extra) -> Self {
        Self { extra, ..self }
    }

    /// The bytes that travel.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.list(3);
        writer.text(self.message.name());
        self.message.write(&self.extra, &mut writer);
        writer.text(&self.node);
        writer.finish()
    }

    /// Reads what came over the wire.
    ///
    /// # Errors
    /// When it is not exactly one message of this form, or says what cannot be. Unknown types are no error but
    /// [`Custom`], unknown keys are skipped, missing ones count as zero where Locust's do.
    pub fn decode(bytes: &[u8]) -> Result<Self, PackError> {
        let mut reader = Reader::new(bytes);
        let parts = reader.list()?;
        if parts != 3 {
            return Err(Problem::Number(format!("a message of {parts} parts")).into());
        }
        let name = field("type", reader.text())?;
        let mut extra = Extra::new();
        let message = field(name, M::read(name, &mut reader, &mut extra))?;
        // Locust itself does not look at it.
        let node = if reader.nil() { String::new() } else { field("node id", reader.string())? };
        reader.end()?;
        Ok(Self { message, extra, node })
    }
}

/// One direction's messages.
pub trait Message: Sized + sealed::Body {}

impl Message for ToMaster {}
impl Message for ToWorker {}

pub(super) mod sealed {
    use super::{Extra, PackError, Reader, Writer};

    /// How the data of a direction's messages are read and written.
    pub trait Body: Sized {
        /// The type as it travels.
        fn name(&self) -> &str;
        /// Writes the data.
        #[expect(private_interfaces, reason = "the trait is sealed")]
        fn write(&self, extra: &Extra, writer: &mut Writer);
        /// Reads the data of a message of type `name`.
        #[expect(private_interfaces, reason = "the trait is sealed")]
        fn read(name: &str, reader: &mut Reader, extra: &mut Extra) -> Result<Self, PackError>;
    }
}

/// Data that are nil, but for what is said in addition.
pub(super) fn write_nothing(extra: &Extra, writer: &mut Writer) {
    if extra.is_empty() {
        writer.nil();
    } else {
        writer.map(1);
        extra.write(writer);
    }
}

/// Data of which only what is said in addition matters.
pub(super) fn read_nothing(reader: &mut Reader, extra: &mut Extra) -> Result<(), PackError> {
    if reader.nil() {
        return Ok(());
    }
    let mut ahead = reader.clone();
    if ahead.map().is_err() {
        return reader.skip();
    }
    read_fields(reader, extra, |_, _| Ok(false))
}

/// Data that are a map of known fields, and what is said in addition. Nil counts as an empty map.
pub(super) fn read_fields(
    reader: &mut Reader,
    extra: &mut Extra,
    mut read: impl FnMut(&str, &mut Reader) -> Result<bool, PackError>,
) -> Result<(), PackError> {
    if reader.nil() {
        return Ok(());
    }
    reader.fields(|name, reader| {
        if name == super::extra::KEY {
            // A script may use the same word for something else.
            let mut ahead = reader.clone();
            if ahead.map().is_ok() {
                *extra = Extra::read(reader)?;
                return Ok(true);
            }
        }
        read(name, reader)
    })
}

/// A field that has to be there.
pub(super) fn required<T>(name: &str, value: Option<T>) -> Result<T, PackError> {
    value.ok_or_else(|| PackError { at: name.to_owned(), problem: Problem::Missing })
}
