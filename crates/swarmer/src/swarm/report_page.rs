//! The HTML report of `--html`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use tracing::error;

use super::SetupError;
use super::output::Narrator;
use crate::logging::MAIN;
use crate::options::Options;
use crate::report::FileError;
use crate::report::html::{self, About, Embedded, HtmlFile, NOT_BUILT};
use crate::stats::Record;
use crate::web::Facts;

/// A report to be written at the end.
pub(super) struct ReportPage {
    /// Its place, with tags that hang on the last run.
    pattern: PathBuf,
    workload: String,
    facts: watch::Receiver<Arc<Facts>>,
}

impl ReportPage {
    /// The report that the options ask for; makes sure that it can be written.
    ///
    /// # Errors
    /// When it cannot.
    pub(super) fn reserve(
        options: &Options,
        workload: &str,
        facts: watch::Receiver<Arc<Facts>>,
    ) -> Result<Option<Self>, SetupError> {
        let Some(pattern) = options.html.clone() else { return Ok(None) };
        if Embedded::file("report.html").is_none() {
            return Err(SetupError::new("--html: no report can be written").hint(NOT_BUILT));
        }
        HtmlFile::reserve(&place(&pattern, options))?;
        Ok(Some(Self { pattern, workload: workload.to_owned(), facts }))
    }

    /// Writes the report; `false` when that failed.
    pub(super) fn write(&self, record: &Record, narrator: Narrator) -> bool {
        let facts = self.facts.borrow();
        let about = About { workload: self.workload.clone(), ..About::default() };
        // It was there at the start, and is part of the program.
        let Some(page) = html::render(record, &about) else { return false };
        match write_to(&place(&self.pattern, &facts.options), &page) {
            Ok(path) => {
                narrator.say(&format!("HTML report: {}", path.display()));
                true
            }
            Err(error) => {
                error!(target: MAIN, "The HTML report was not written: {error}");
                false
            }
        }
    }
}

fn write_to(path: &Path, page: &str) -> Result<PathBuf, FileError> {
    let file = HtmlFile::reserve(path)?;
    file.write(page)?;
    Ok(file.path().to_owned())
}

fn place(pattern: &Path, options: &Options) -> PathBuf {
    let run_time = options.run_time.map(|limit| limit.as_secs());
    html::path_of(pattern, options.users, options.spawn_rate, run_time)
}
