//! Locust's four CSV files, byte for byte, plus the last row that Locust loses; and what only we have in files of their
//! own: the generator's health, the workload's metrics.
//!
//! `PREFIX_stats_history.csv` grows by a row (or one per entry) each second; the others are written anew each second
//! beside their place and renamed into it, so that a reader never sees half a file.

mod dialect;
mod health;
mod tables;

use std::path::{Path, PathBuf};

use super::files::{Appended, FileError, Replaced, make_folder_of, with_suffix};
use crate::stats::Summary;

/// The option that names their place.
const OPTION: &str = "--csv";

/// Writes the files of `--csv PREFIX`.
#[derive(Debug)]
pub struct CsvWriter {
    full_history: bool,
    stats: Replaced,
    history: Appended,
    failures: Replaced,
    /// The revision of the errors in it.
    failures_as_of: Option<u64>,
    exceptions: Replaced,
    health: Replaced,
    /// One file more, made when there is a first metric of the workload's own.
    metrics: Option<Replaced>,
    prefix: PathBuf,
}

/// `PREFIX_stats.csv` as it would be written now.
pub fn stats(summary: &Summary) -> String {
    tables::stats(summary)
}

/// `PREFIX_failures.csv` as it would be written now.
pub fn failures(summary: &Summary) -> String {
    tables::failures(summary)
}

/// `PREFIX_exceptions.csv` as it would be written now.
pub fn exceptions(summary: &Summary) -> String {
    tables::exceptions(summary)
}

/// Where the history file of `--csv PREFIX` is.
pub fn history_path(prefix: &Path) -> PathBuf {
    with_suffix(prefix, "_stats_history.csv")
}

impl CsvWriter {
    /// Creates (or empties) the files, and the folders they lie in. With `full_history` the history holds every
    /// entry each second, else only the total.
    ///
    /// # Errors
    /// When a file or folder cannot be created; the error names it, the cause and what to do.
    pub fn create(prefix: impl AsRef<Path>, full_history: bool) -> Result<Self, FileError> {
        let prefix = prefix.as_ref();
        make_folder_of(prefix, OPTION)?;
        let replaced = |suffix: &str, header: String| {
            Replaced::create(&with_suffix(prefix, suffix), OPTION, &header)
        };
        Ok(Self {
            full_history,
            stats: replaced("_stats.csv", tables::stats_header())?,
            history: Appended::create(
                with_suffix(prefix, "_stats_history.csv"),
                OPTION,
                &tables::history_header(),
            )?,
            failures: replaced("_failures.csv", tables::failures_header())?,
            failures_as_of: None,
            exceptions: replaced("_exceptions.csv", tables::exceptions_header())?,
            health: replaced("_health.csv", health::header())?,
            metrics: None,
            prefix: prefix.to_owned(),
        })
    }

    /// Brings the files up to date; to be called once a second. A second call within a second of the calendar replaces
    /// the history rows of the first.
    ///
    /// # Errors
    /// The first error; the other files are written nevertheless, and the next call tries all of them again.
    pub fn tick(&mut self, summary: &Summary) -> Result<(), FileError> {
        let second = tables::timestamp(summary);
        let rows = tables::history(summary, second, self.full_history);
        let metrics = self.write_metrics(summary);
        let results = [
            self.history.append(second, &rows),
            self.stats.replace(&tables::stats(summary)),
            self.write_failures(summary),
            self.exceptions.replace(&tables::exceptions(summary)),
            self.health.replace(&health::table(summary)),
            metrics,
        ];
        results.into_iter().collect()
    }

    /// Thousands of errors are not sorted and written anew as long as none is added.
    fn write_failures(&mut self, summary: &Summary) -> Result<(), FileError> {
        let revision = summary.errors.revision();
        if self.failures_as_of != Some(revision) {
            self.failures.replace(&tables::failures(summary))?;
            self.failures_as_of = Some(revision);
        }
        Ok(())
    }

    fn write_metrics(&mut self, summary: &Summary) -> Result<(), FileError> {
        if summary.metrics.is_empty() && self.metrics.is_none() {
            return Ok(());
        }
        let content = tables::metrics(summary);
        if let Some(file) = &self.metrics {
            return file.replace(&content);
        }
        let path = with_suffix(&self.prefix, "_metrics.csv");
        self.metrics = Some(Replaced::create(&path, OPTION, &content)?);
        Ok(())
    }

    /// Writes the last state, after all users have stopped.
    ///
    /// # Errors
    /// As [`Self::tick`].
    pub fn finish(mut self, summary: &Summary) -> Result<(), FileError> {
        self.failures_as_of = None;
        self.tick(summary)
    }
}
