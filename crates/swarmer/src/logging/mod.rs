//! Log lines in Locust's format: `[2026-01-31 12:00:00,123] host/INFO/swarmer.main: message`, in local time.
//!
//! The engine and workloads log through `tracing`. [`init`] installs one layer that renders each event into a line,
//! keeps the newest 500 for [`recent`], and queues it for a thread that writes to stderr or a file: logging never makes
//! a driver thread wait, and no request logs anything. An error marked `critical = true` is shown as CRITICAL.
//!
//! Who writes to stderr by other means (tables) calls [`flush`] first, so that the order stays right.

mod layer;
mod level;
mod line;
mod sink;
mod workers;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::ZonedDateTime;
use tracing_subscriber::layer::SubscriberExt;

use layer::{LevelSwitch, LogLayer};
pub use level::Level;
use sink::Sink;
pub use workers::{WorkerLogs, of_workers};

use crate::terminal;

/// Logger of what concerns the whole program: its start, its end, its options.
pub const MAIN: &str = "swarmer.main";
/// Logger of what concerns a run: ramps, users, workers.
pub const RUNNERS: &str = "swarmer.runners";

/// What is there once logging was set up.
struct Log {
    level: Arc<LevelSwitch>,
    sink: Sink,
}

static LOG: OnceLock<Log> = OnceLock::new();
/// Held while logging is set up, so that two callers do not both try to be first.
static SETTING_UP: Mutex<()> = Mutex::new(());

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The log file cannot be opened for appending.
    #[error(
        "cannot open the log file {path}: {source} (--logfile needs a file that can be created or appended to)"
    )]
    File {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The thread that writes cannot be started.
    #[error("cannot start the thread that writes the log: {0}")]
    Thread(io::Error),
    /// Another `tracing` subscriber stands in the way.
    #[error("another tracing subscriber is installed in this process")]
    Taken,
}

/// Writes out what is still queued when it goes out of scope.
#[derive(Debug)]
#[must_use = "dropping it at once would only flush an empty queue"]
pub struct Flush(());

impl Drop for Flush {
    fn drop(&mut self) {
        flush();
    }
}

/// Sets logging up for this process: events from `level` on go to `file` (appended to), or to stderr.
///
/// A second call changes level and destination.
///
/// # Errors
/// If the file cannot be opened, no thread can be started, or someone else's subscriber is installed.
pub fn init(level: Level, file: Option<&Path>) -> Result<Flush, LogError> {
    let destination: Box<dyn Write + Send> = match file {
        None => Box::new(terminal::Stderr),
        Some(path) => Box::new(open(path)?),
    };
    let _alone = SETTING_UP.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(log) = LOG.get() {
        log.level.set(level);
        log.sink.redirect(destination);
        return Ok(Flush(()));
    }
    let host = host_name();
    let told_by = host.clone();
    let dropped = move |count| {
        let text = format!("{count} log lines were dropped: the log is written too slowly");
        line::format(&ZonedDateTime::now(), &told_by, Level::Warning, MAIN, &text)
    };
    let sink = Sink::new(destination, dropped).map_err(LogError::Thread)?;
    let level = Arc::new(LevelSwitch::new(level));
    let layer = LogLayer { host, level: Arc::clone(&level), sink: sink.clone() };
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))
        .map_err(|_| LogError::Taken)?;
    LOG.get_or_init(|| Log { level, sink });
    Ok(Flush(()))
}

/// Waits until everything logged so far is written (at most five seconds).
pub fn flush() {
    if let Some(log) = LOG.get() {
        log.sink.flush();
    }
}

/// The newest lines (up to 500), oldest first.
pub fn recent() -> Vec<Arc<str>> {
    LOG.get().map(|log| log.sink.recent()).unwrap_or_default()
}

/// How many lines were logged so far.
pub(crate) fn written() -> usize {
    LOG.get().map(|log| log.sink.written()).unwrap_or_default()
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, counted from 0 since logging was set up.
    pub number: u64,
    /// How severe it is.
    pub level: Level,
    /// All of it, without its end.
    pub text: Arc<str>,
}

/// The newest lines (up to 500) from number `first` on, oldest first, and the number of the next there will be.
pub fn since(first: u64) -> (u64, Vec<Line>) {
    let Some(log) = LOG.get() else { return (0, Vec::new()) };
    let (next, lines) = log.sink.since(first);
    let line =
        |(number, text): (u64, Arc<str>)| Line { number, level: line::level_of(&text), text };
    (next, lines.into_iter().map(line).collect())
}

fn open(path: &Path) -> Result<File, LogError> {
    let opened = File::options().create(true).append(true).open(path);
    opened.map_err(|source| LogError::File { path: path.to_owned(), source })
}

/// This machine's name up to the first dot.
pub fn host_name() -> String {
    let mut buffer = [0_u8; 256];
    // SAFETY: the pointer and the length describe one writable buffer that lives through the call.
    let result = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len()) };
    let end = buffer.iter().position(|&byte| byte == 0).unwrap_or(buffer.len());
    let name = String::from_utf8_lossy(&buffer[..end]);
    match name.split('.').next() {
        Some(name) if result == 0 && !name.is_empty() => name.to_owned(),
        _ => "localhost".to_owned(),
    }
}
