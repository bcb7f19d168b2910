//! The JSON documents of a run's end: for scripts on stdout, for programs in files.

use std::io::{self, Write};

use tracing::error;

use super::output::Narrator;
use crate::logging::MAIN;
use crate::options::Options;
use crate::report::{FileError, LocustJsonFile, SummaryFile, json};
use crate::stats::Record;

/// What `--json`, `--json-file` and `--summary-json` ask for.
pub(super) struct Documents {
    on_stdout: bool,
    locust: Option<LocustJsonFile>,
    summary: Option<SummaryFile>,
}

impl Documents {
    /// # Errors
    /// When a file that is asked for could not be written.
    pub(super) fn new(options: &Options) -> Result<Self, FileError> {
        Ok(Self {
            on_stdout: options.json,
            locust: options.json_file.as_deref().map(LocustJsonFile::reserve).transpose()?,
            summary: options.summary_json.as_deref().map(SummaryFile::reserve).transpose()?,
        })
    }

    /// Whether the file takes the place of the last tables, as with Locust.
    pub(super) fn replace_tables(&self) -> bool {
        self.locust.is_some()
    }

    /// Writes all of them; `false` when one could not be written.
    pub(super) fn write(&self, record: &Record, narrator: Narrator) -> bool {
        let summary = &record.summary;
        let mut results = Vec::new();
        if let Some(file) = &self.locust {
            results.push(file.write(summary).map(|()| ("JSON file", file.path())));
        }
        if let Some(file) = &self.summary {
            results.push(file.write(record).map(|()| ("Summary", file.path())));
        }
        let mut all_written = true;
        for result in results {
            match result {
                Ok((what, path)) => narrator.say(&format!("{what}: {}", path.display())),
                Err(error) => {
                    error!(target: MAIN, "A JSON document was not written: {error}");
                    all_written = false;
                }
            }
        }
        if self.on_stdout
            && let Err(error) = to_stdout(&json::locust_shape(summary))
        {
            error!(target: MAIN, "The JSON document was not written to stdout: {error}");
            all_written = false;
        }
        all_written
    }
}

fn to_stdout(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
