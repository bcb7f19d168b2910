//! What a master says.

use std::collections::BTreeMap;

use super::extra::Extra;
use super::limits;
use super::message::{Custom, read_fields, read_nothing, required, sealed::Body, write_nothing};
use super::pack::{PackError, Problem, Reader, Value, Writer, field};
use super::to_master::read_classes;

/// A message from the master to a worker.
#[derive(Debug, Clone, PartialEq)]
pub enum ToWorker {
    /// The script, or why there is none.
    Script(Result<Vec<ScriptFiles>, String>),
    /// The worker is known, under this number (from 0); no number when the master gives none.
    Ack(Option<u64>),
    /// How many users to run.
    Spawn(Box<Spawn>),
    /// The ramp is done; how many users run on all workers.
    SpawningComplete(u64),
    /// Answers a sign of life.
    Heartbeat,
    /// Stop all users and be ready for others.
    Stop,
    /// Stop all users, report and end.
    Quit,
    /// Connect anew: a message could not be read.
    Reconnect,
    /// Change a class of users.
    Edit(UserClassEdit),
    /// A script's own message.
    Custom(Custom),
}

/// A script, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptFiles {
    /// An address to load it from.
    Url(String),
    /// A file.
    File(ScriptFile),
}

/// A file of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptFile {
    /// Its name, as the master has it. Never to be used as a path without checks.
    pub name: String,
    /// Its text.
    pub contents: String,
}

/// How many users a worker shall run.
#[derive(Debug, Clone, PartialEq)]
pub struct Spawn {
    /// Seconds since the Unix epoch; a worker ignores one that is not later than the last.
    pub timestamp: f64,
    /// How many users of each class shall run on this worker in the end; others stay as they are.
    pub classes: BTreeMap<String, u64>,
    /// The target, if it is not the worker's own.
    pub host: Option<String>,
    /// Seconds; none means 0.
    pub stop_timeout: Option<f64>,
    /// The master's options by Python's names; a worker takes few of them.
    pub options: Vec<(String, Value)>,
}

/// A change of a class of users.
#[derive(Debug, Clone, PartialEq)]
pub struct UserClassEdit {
    /// Which class.
    pub class: String,
    /// Attributes to be set.
    pub attributes: Vec<(String, Value)>,
    /// The tasks that shall be left; all when not given.
    pub tasks: Option<Vec<String>>,
}

/// Attributes and options of one message.
const OPTIONS: usize = 10_000;

impl Body for ToWorker {
    fn name(&self) -> &str {
        match self {
            Self::Script(_) => "locustfile",
            Self::Ack(_) => "ack",
            Self::Spawn(_) => "spawn",
            Self::SpawningComplete(_) => "spawning_complete",
            Self::Heartbeat => "heartbeat",
            Self::Stop => "stop",
            Self::Quit => "quit",
            Self::Reconnect => "reconnect",
            Self::Edit(_) => "update_user_class",
            Self::Custom(custom) => &custom.name,
        }
    }

    #[expect(private_interfaces, reason = "the trait is sealed")]
    fn write(&self, extra: &Extra, writer: &mut Writer) {
        match self {
            Self::Script(script) => write_script(script, extra, writer),
            Self::Ack(None) => write_nothing(extra, writer),
            Self::Ack(Some(index)) => {
                writer.map(1 + extra.keys());
                writer.key("index").whole(*index);
                extra.write(writer);
            }
            Self::Spawn(spawn) => spawn.write(extra, writer),
            Self::SpawningComplete(users) => {
                writer.map(1 + extra.keys());
                writer.key("user_count").whole(*users);
                extra.write(writer);
            }
            Self::Heartbeat | Self::Stop | Self::Quit | Self::Reconnect => {
                write_nothing(extra, writer);
            }
            Self::Edit(edit) => edit.write(extra, writer),
            Self::Custom(custom) => writer.value(&custom.data),
        }
    }

    #[expect(private_interfaces, reason = "the trait is sealed")]
    fn read(name: &str, reader: &mut Reader, extra: &mut Extra) -> Result<Self, PackError> {
        Ok(match name {
            "locustfile" => Self::Script(read_script(reader, extra)?),
            "ack" => {
                let mut index = None;
                read_fields(reader, extra, |name, reader| {
                    let known = name == "index";
                    if known && !reader.nil() {
                        index = Some(reader.count()?);
                    }
                    Ok(known)
                })?;
                Self::Ack(index)
            }
            "spawn" => Self::Spawn(Box::new(Spawn::read(reader, extra)?)),
            "spawning_complete" => {
                let mut users = 0;
                read_fields(reader, extra, |name, reader| {
                    let known = name == "user_count";
                    if known {
                        users = reader.count()?;
                    }
                    Ok(known)
                })?;
                Self::SpawningComplete(users)
            }
            "heartbeat" => read_nothing(reader, extra).map(|()| Self::Heartbeat)?,
            "stop" => read_nothing(reader, extra).map(|()| Self::Stop)?,
            "quit" => read_nothing(reader, extra).map(|()| Self::Quit)?,
            "reconnect" => read_nothing(reader, extra).map(|()| Self::Reconnect)?,
            "update_user_class" => Self::Edit(UserClassEdit::read(reader, extra)?),
            _ => Self::Custom(Custom { name: name.to_owned(), data: reader.value()? }),
        })
    }
}

fn write_script(script: &Result<Vec<ScriptFiles>, String>, extra: &Extra, writer: &mut Writer) {
    writer.map(1 + extra.keys());
    match script {
        Err(error) => writer.key("error").text(error),
        Ok(files) => {
            writer.key("locustfiles").list(files.len());
            for file in files {
                match file {
                    ScriptFiles::Url(url) => writer.text(url),
                    ScriptFiles::File(file) => {
                        writer.map(2);
                        writer.key("filename").text(&file.name);
                        writer.key("contents").text(&file.contents);
                    }
                }
            }
        }
    }
    extra.write(writer);
}

fn read_script(
    reader: &mut Reader,
    extra: &mut Extra,
) -> Result<Result<Vec<ScriptFiles>, String>, PackError> {
    let mut script = None;
    read_fields(reader, extra, |name, reader| {
        match name {
            "error" => script = Some(Err(reader.words()?.into_owned())),
            "locustfiles" => {
                script = Some(Ok(reader.each("files", limits::FILES, ScriptFiles::read)?));
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    required("locustfiles", script)
}

impl ScriptFiles {
    fn read(reader: &mut Reader) -> Result<Self, PackError> {
        if let Ok(url) = reader.clone().text() {
            reader.skip()?;
            return Ok(Self::Url(url.to_owned()));
        }
        let (mut file, mut contents) = (None, None);
        reader.fields(|name, reader| {
            match name {
                "filename" => file = Some(reader.string()?),
                "contents" => contents = Some(reader.string()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let name = required("filename", file)?;
        Ok(Self::File(ScriptFile { name, contents: required("contents", contents)? }))
    }
}

impl Spawn {
    /// A master's option by Python's name for it.
    pub fn option(&self, name: &str) -> Option<&Value> {
        self.options.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn write(&self, extra: &Extra, writer: &mut Writer) {
        writer.map(5 + extra.keys());
        writer.key("timestamp").float(self.timestamp);
        writer.key("user_classes_count").classes(&self.classes);
        writer.key("host").text_or_nil(self.host.as_deref());
        // A worker of Locust calculates with it.
        writer.key("stop_timeout").float(self.stop_timeout.unwrap_or(0.0));
        writer.key("parsed_options").map(self.options.len());
        for (name, value) in &self.options {
            writer.key(name).value(value);
        }
        extra.write(writer);
    }

    fn read(reader: &mut Reader, extra: &mut Extra) -> Result<Self, PackError> {
        let (mut timestamp, mut classes, mut host) = (None, None, None);
        let (mut stop_timeout, mut options) = (None, Vec::new());
        read_fields(reader, extra, |name, reader| {
            match name {
                "timestamp" => timestamp = Some(reader.moment()?),
                "user_classes_count" => classes = Some(read_classes(reader)?),
                "host" => host = reader.text_or_nil()?,
                "stop_timeout" | "parsed_options" if reader.nil() => {}
                "stop_timeout" => stop_timeout = Some(reader.positive(1e10)?),
                "parsed_options" => options = read_pairs(reader)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self {
            timestamp: required("timestamp", timestamp)?,
            classes: required("user_classes_count", classes)?,
            host,
            stop_timeout,
            options,
        })
    }
}

impl UserClassEdit {
    fn write(&self, extra: &Extra, writer: &mut Writer) {
        let keys = 1 + self.attributes.len() + usize::from(self.tasks.is_some()) + extra.keys();
        writer.map(keys);
        writer.key("user_class_name").text(&self.class);
        for (name, value) in &self.attributes {
            writer.key(name).value(value);
        }
        if let Some(tasks) = &self.tasks {
            writer.key("tasks").texts(tasks);
        }
        extra.write(writer);
    }

    fn read(reader: &mut Reader, extra: &mut Extra) -> Result<Self, PackError> {
        let (mut class, mut attributes, mut tasks) = (None, Vec::new(), None);
        read_fields(reader, extra, |name, reader| {
            match name {
                "user_class_name" => class = Some(reader.string()?),
                "tasks" if reader.nil() => {}
                "tasks" => tasks = Some(reader.each("tasks", limits::CLASSES, Reader::string)?),
                _ if attributes.len() >= OPTIONS => {
                    let what = "attributes";
                    return Err(Problem::TooMany { what, limit: OPTIONS }.into());
                }
                name => attributes.push((name.to_owned(), reader.value()?)),
            }
            Ok(true)
        })?;
        Ok(Self { class: required("user_class_name", class)?, attributes, tasks })
    }
}

/// Named values in the sender's order.
fn read_pairs(reader: &mut Reader) -> Result<Vec<(String, Value)>, PackError> {
    let mut pairs = Vec::new();
    reader.fields(|name, reader| {
        if pairs.len() >= OPTIONS {
            return Err(Problem::TooMany { what: "options", limit: OPTIONS }.into());
        }
        pairs.push((name.to_owned(), field(name, reader.value())?));
        Ok(true)
    })?;
    Ok(pairs)
}
