//! What workers say.

use std::collections::BTreeMap;
use std::fmt;

use super::extra::Extra;
use super::limits;
use super::message::{Custom, read_fields, read_nothing, required, sealed::Body, write_nothing};
use super::pack::{PackError, Reader, Writer};
use super::report::Report;

/// A message from a worker to its master.
#[derive(Debug, Clone, PartialEq)]
pub enum ToMaster {
    /// Asks for the script; the master answers with [`super::ToWorker::Script`]. Holds the worker's version.
    Script(String),
    /// Wants to work; the master answers with [`super::ToWorker::Ack`].
    Ready(Ready),
    /// Is alive.
    Heartbeat(Heartbeat),
    /// Has got a `spawn`.
    Spawning,
    /// Has done what that `spawn` asked for: users by class (those at zero too), and their sum.
    SpawningComplete(BTreeMap<String, u64>, u64),
    /// What happened since the last report.
    Stats(Box<Report>),
    /// An error of a task.
    Exception(Exception),
    /// The worker's log.
    Logs(Logs),
    /// Has stopped all users.
    Stopped,
    /// Is gone.
    Quit,
    /// A script's own message.
    Custom(Custom),
}

/// The version in `client_ready`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// A version text; a master of another version warns.
    Version(String),
    /// −1: a worker in another language, which no version check applies to.
    Foreign,
    /// Nothing useful: Locust's master does not take such a worker.
    Unusable,
}

/// What a swarmer's version text holds behind the version of Locust that it speaks like.
const OURS: &str = " swarmer/";

impl Ready {
    /// Ours: Locust looks at the first four characters only.
    pub fn ours() -> Self {
        Self::Version(format!("2.47.0{OURS}{}", env!("CARGO_PKG_VERSION")))
    }

    /// Whether the worker is a swarmer.
    pub fn is_swarmer(&self) -> bool {
        matches!(self, Self::Version(text) if text.contains(OURS))
    }
}

/// What a worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerState {
    /// Waits for users.
    Ready,
    /// Starts or stops users.
    Spawning,
    /// Has as many users as asked for.
    Running,
    /// Stops its users.
    Stopping,
    /// Has stopped its users.
    Stopped,
    /// Something else: not known to Locust 2.47.
    Other,
}

impl WorkerState {
    const ALL: [(Self, &str); 6] = [
        (Self::Ready, "ready"),
        (Self::Spawning, "spawning"),
        (Self::Running, "running"),
        (Self::Stopping, "stopping"),
        (Self::Stopped, "stopped"),
        (Self::Other, "other"),
    ];

    /// As it travels.
    pub fn text(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("other", |(_, text)| text)
    }

    fn of(text: &str) -> Self {
        Self::ALL.iter().find(|(_, known)| *known == text).map_or(Self::Other, |(state, _)| *state)
    }
}

impl fmt::Display for WorkerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A sign of life.
#[derive(Debug, Clone, PartialEq)]
pub struct Heartbeat {
    /// What the worker is doing.
    pub state: WorkerState,
    /// Percent of one core; Locust's are 0 at first.
    pub cpu: f64,
    /// Bytes of memory, if the worker says so.
    pub memory: Option<u64>,
}

/// An error of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// One line.
    pub message: String,
    /// Where it comes from; equal errors have equal ones.
    pub traceback: String,
}

/// A worker's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// Whose.
    pub worker: String,
    /// All lines it still has; they replace those of earlier messages.
    pub lines: Vec<String>,
}

impl Body for ToMaster {
    fn name(&self) -> &str {
        match self {
            Self::Script(_) => "locustfile",
            Self::Ready(_) => "client_ready",
            Self::Heartbeat(_) => "heartbeat",
            Self::Spawning => "spawning",
            Self::SpawningComplete(..) => "spawning_complete",
            Self::Stats(_) => "stats",
            Self::Exception(_) => "exception",
            Self::Logs(_) => "logs",
            Self::Stopped => "client_stopped",
            Self::Quit => "quit",
            Self::Custom(custom) => &custom.name,
        }
    }

    #[expect(private_interfaces, reason = "the trait is sealed")]
    fn write(&self, extra: &Extra, writer: &mut Writer) {
        match self {
            Self::Script(version) => {
                writer.map(1 + extra.keys());
                writer.key("version").text(version);
                extra.write(writer);
            }
            Self::Ready(Ready::Version(version)) => writer.text(version),
            Self::Ready(Ready::Foreign) => writer.signed(-1),
            Self::Ready(Ready::Unusable) => writer.nil(),
            Self::Heartbeat(heartbeat) => heartbeat.write(extra, writer),
            Self::Spawning | Self::Stopped | Self::Quit => write_nothing(extra, writer),
            Self::SpawningComplete(classes, users) => {
                writer.map(2 + extra.keys());
                writer.key("user_classes_count").classes(classes);
                writer.key("user_count").whole(*users);
                extra.write(writer);
            }
            Self::Stats(report) => report.write(extra, writer),
            Self::Exception(exception) => {
                writer.map(2 + extra.keys());
                writer.key("msg").text(&exception.message);
                writer.key("traceback").text(&exception.traceback);
                extra.write(writer);
            }
            Self::Logs(logs) => {
                writer.map(2 + extra.keys());
                writer.key("worker_id").text(&logs.worker);
                writer.key("logs").texts(&logs.lines);
                extra.write(writer);
            }
            Self::Custom(custom) => writer.value(&custom.data),
        }
    }

    #[expect(private_interfaces, reason = "the trait is sealed")]
    fn read(name: &str, reader: &mut Reader, extra: &mut Extra) -> Result<Self, PackError> {
        Ok(match name {
            "locustfile" => {
                let mut version = String::new();
                read_fields(reader, extra, |name, reader| {
                    let known = name == "version";
                    if known {
                        version = reader.words()?.into_owned();
                    }
                    Ok(known)
                })?;
                Self::Script(version)
            }
            "client_ready" => Self::Ready(Ready::read(reader)?),
            "heartbeat" => Self::Heartbeat(Heartbeat::read(reader, extra)?),
            "spawning" => read_nothing(reader, extra).map(|()| Self::Spawning)?,
            "client_stopped" => read_nothing(reader, extra).map(|()| Self::Stopped)?,
            "quit" => read_nothing(reader, extra).map(|()| Self::Quit)?,
            "spawning_complete" => {
                let (mut classes, mut users) = (BTreeMap::new(), 0);
                read_fields(reader, extra, |name, reader| {
                    match name {
                        "user_classes_count" => classes = read_classes(reader)?,
                        "user_count" => users = reader.count()?,
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?;
                Self::SpawningComplete(classes, users)
            }
            "stats" => Self::Stats(Box::new(Report::read(reader, extra)?)),
            "exception" => Self::Exception(Exception::read(reader, extra)?),
            "logs" => Self::Logs(Logs::read(reader, extra)?),
            _ => Self::Custom(Custom { name: name.to_owned(), data: reader.value()? }),
        })
    }
}

/// Users by class.
pub(super) fn read_classes(reader: &mut Reader) -> Result<BTreeMap<String, u64>, PackError> {
    reader.named("user classes", limits::CLASSES, Reader::count)
}

impl Ready {
    fn read(reader: &mut Reader) -> Result<Self, PackError> {
        if reader.nil() {
            return Ok(Self::Unusable);
        }
        let version = reader.words()?;
        Ok(match &*version {
            "-1" | "-1.0" => Self::Foreign,
            "" | "0" | "0.0" | "False" => Self::Unusable,
            text => Self::Version(text.to_owned()),
        })
    }
}

impl Heartbeat {
    fn write(&self, extra: &Extra, writer: &mut Writer) {
        writer.map(2 + usize::from(self.memory.is_some()) + extra.keys());
        writer.key("state").text(self.state.text());
        writer.key("current_cpu_usage").float(self.cpu);
        if let Some(memory) = self.memory {
            writer.key("current_memory_usage").whole(memory);
        }
        extra.write(writer);
    }

    fn read(reader: &mut Reader, extra: &mut Extra) -> Result<Self, PackError> {
        let (mut state, mut cpu, mut memory) = (None, 0.0, None);
        read_fields(reader, extra, |name, reader| {
            match name {
                "state" => state = Some(WorkerState::of(reader.text()?)),
                "current_cpu_usage" | "current_memory_usage" if reader.nil() => {}
                "current_cpu_usage" => cpu = reader.positive(1e9)?,
                "current_memory_usage" => memory = Some(reader.count()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self { state: required("state", state)?, cpu, memory })
    }
}

impl Exception {
    fn read(reader: &mut Reader, extra: &mut Extra) -> Result<Self, PackError> {
        let (mut message, mut traceback) = (None, String::new());
        read_fields(reader, extra, |name, reader| {
            match name {
                "msg" => message = Some(reader.words()?.into_owned()),
                "traceback" => traceback = reader.words()?.into_owned(),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self { message: required("msg", message)?, traceback })
    }
}

impl Logs {
    fn read(reader: &mut Reader, extra: &mut Extra) -> Result<Self, PackError> {
        let (mut worker, mut lines) = (String::new(), None);
        let line = |reader: &mut Reader| reader.words().map(std::borrow::Cow::into_owned);
        read_fields(reader, extra, |name, reader| {
            match name {
                "worker_id" => worker = reader.string()?,
                "logs" => lines = Some(reader.each("log lines", limits::LOG_LINES, line)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self { worker, lines: required("logs", lines)? })
    }
}
