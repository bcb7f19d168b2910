//! What the commands on saved summaries share: reading them, and writing what is made of them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use swarmer::options::{Exit, Opt, Program};
use swarmer::report::html::Theme;
use swarmer::stats::Record;

/// The place that means standard output.
const STDOUT: &str = "-";

/// The end of a command that could not do its work.
pub(crate) fn failure(program: &Program, code: u8, problem: &str) -> Exit {
    let stderr = format!("{}: error: {problem}\n", program.name());
    Exit { code, stdout: String::new(), stderr }
}

/// Reads what `--summary-json` wrote.
pub(crate) fn read(path: &str) -> Result<Record, String> {
    let text =
        fs::read(path).map_err(|error| format!("cannot read {}: {error}", crate::quote(path)))?;
    let text = String::from_utf8(text);
    let text = text.map_err(|_| format!("{}: this is no text in UTF-8", crate::quote(path)))?;
    Record::read(&text).map_err(|error| format!("{}: {error}", crate::quote(path)))
}

/// The option that lets a file be written over.
pub(crate) fn force() -> Opt {
    Opt::flag("force").help("Write over a file that exists")
}

/// The option for the colours of a report.
pub(crate) fn theme_option() -> Opt {
    Opt::choice("theme", &["light", "dark"])
        .value_name("THEME")
        .default("light")
        .help("Colours in which the page opens: light or dark")
}

/// What [`theme_option`] says.
pub(crate) fn theme(word: Option<&str>) -> Theme {
    if word == Some("dark") { Theme::Dark } else { Theme::Light }
}

/// Where something goes.
pub(crate) enum Target {
    Stdout,
    File { path: PathBuf, force: bool },
}

impl Target {
    /// Looks at the place before any work is done for it.
    pub(crate) fn new(path: &Path, force: bool) -> Result<Self, String> {
        if path == Path::new(STDOUT) {
            return Ok(Self::Stdout);
        }
        if !force && path.exists() {
            return Err(taken(path));
        }
        Ok(Self::File { path: path.to_owned(), force })
    }

    /// Writes `content` there; a reader sees either nothing or all of it. Returns what is to be printed.
    pub(crate) fn write(&self, content: String) -> Result<String, String> {
        let Self::File { path, force } = self else { return Ok(content) };
        let written = if *force { replace(path, &content) } else { create(path, &content) };
        match written {
            Ok(()) => Ok(format!("Wrote {}\n", path.display())),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(taken(path)),
            Err(error) => Err(format!("cannot write {}: {error}", shown(path))),
        }
    }
}

fn create(path: &Path, content: &str) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(content.as_bytes()).inspect_err(|_| {
        // Half a file is of no use; that it cannot be removed either changes nothing.
        let _ = fs::remove_file(path);
    })
}

fn replace(path: &Path, content: &str) -> io::Result<()> {
    // A pipe or a device is written to; a link keeps pointing to where its owner wants the file.
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&place).is_ok_and(|metadata| !metadata.is_file()) {
        return fs::write(&place, content);
    }
    let mut beside = place.clone().into_os_string();
    beside.push(".tmp");
    fs::write(&beside, content).and_then(|()| fs::rename(&beside, &place)).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}

fn taken(path: &Path) -> String {
    format!("{} exists already; nothing was written (--force writes over it)", shown(path))
}

fn shown(path: &Path) -> String {
    crate::quote(&path.to_string_lossy())
}
