//! What a headless run shows and writes while it runs and when it ends.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tracing::{error, info};

use super::SetupError;
use super::documents::Documents;
use super::face::{Asks, Face};
use super::report_page::ReportPage;
use crate::clock;
use crate::logging::{self, MAIN};
use crate::options::Options;
use crate::report::{Console, CsvWriter, FileError, Rates};
use crate::runner::{State, Watcher};
use crate::stats::{Record, Summary};
use crate::terminal::Stderr;

/// The request table is shown every so many seconds.
const TABLE_EVERY: u64 = 2;

/// Tables on the terminal, CSV files, JSON documents, progress lines: all from the same summary.
pub(super) struct Output {
    tables: bool,
    /// Runs come and go: between them there is nothing to show.
    is_served: bool,
    face: Face,
    narrator: Narrator,
    run_time: Option<u64>,
    csv: Option<(CsvWriter, PathBuf)>,
    documents: Documents,
    /// When the first figures came.
    began: Option<Instant>,
    /// Seconds of the run at which the next table, or line of progress, is due.
    next_table: u64,
    next_progress: u64,
    csv_failing: bool,
}

impl Output {
    /// # Errors
    /// When a file that is asked for cannot be written.
    pub(super) fn new(options: &Options) -> Result<Self, FileError> {
        let csv = match &options.csv {
            Some(prefix) => {
                Some((CsvWriter::create(prefix, options.csv_full_history)?, prefix.clone()))
            }
            None => None,
        };
        let narrator = Narrator::new(options);
        Ok(Self {
            tables: !options.only_summary && (options.headless || options.print_stats),
            is_served: !options.headless,
            face: Face::Plain,
            next_table: 0,
            next_progress: narrator.every.unwrap_or_default(),
            narrator,
            run_time: options.run_time.map(|limit| limit.as_secs()),
            csv,
            documents: Documents::new(options)?,
            began: None,
            csv_failing: false,
        })
    }

    /// Begins to show the run as the options and the terminal ask for.
    ///
    /// # Errors
    /// When the terminal cannot be set up.
    pub(super) fn begin(&mut self, options: &Options) -> Result<Asks, SetupError> {
        let (face, asks) = Face::begin(options)?;
        self.face = face;
        Ok(asks)
    }

    /// Gives the terminal back and writes the last rows of the CSV files, the JSON documents and the report. `false` when a file could
    /// not be written.
    pub(super) fn write(&mut self, record: &Record, page: Option<&ReportPage>) -> bool {
        self.face = Face::Plain;
        let summary = &record.summary;
        let documents_written = self.documents.write(record, self.narrator);
        let page_written = page.is_none_or(|page| page.write(record, self.narrator));
        let all_written = documents_written && page_written;
        let Some((csv, prefix)) = self.csv.take() else { return all_written };
        if let Err(error) = csv.finish(summary) {
            error!(target: MAIN, "The CSV files are not complete: {error}");
            return false;
        }
        let prefix = prefix.display();
        let metrics = if summary.metrics.is_empty() {
            String::new()
        } else {
            format!(", {prefix}_metrics.csv")
        };
        self.narrator.say(&format!(
            "CSV files: {prefix}_stats.csv, {prefix}_stats_history.csv, {prefix}_failures.csv, {prefix}_exceptions.csv, {prefix}_health.csv{metrics}"
        ));
        all_written
    }

    /// The last tables.
    pub(super) fn show(&self, summary: &Summary) {
        if self.documents.replace_tables() {
            return;
        }
        let mut text = Vec::new();
        let shown = Console::for_stdout().end_of_run(&mut text, summary);
        // A terminal that went away must not change how the run is judged.
        let _ = shown.and_then(|()| to_stderr(&text));
    }

    /// Brings the files up to date; tells once when that begins to fail, and goes on trying.
    fn write_csv(&mut self, summary: &Summary) {
        let Some((csv, _)) = self.csv.as_mut() else { return };
        let result = csv.tick(summary);
        if let (Err(error), false) = (&result, self.csv_failing) {
            error!(target: MAIN, "{error}. The run goes on, and so do attempts to write");
        }
        self.csv_failing = result.is_err();
    }

    fn show_progress(&self, seconds: u64, summary: &Summary) {
        let total = &summary.total.figures;
        let of = self.run_time.map_or(String::new(), |limit| format!(" of {limit}"));
        self.narrator.say(&format!(
            "{:>4}{of} s: {} users, {} requests, {:.1} requests/s now, {} failures, median {:.0} ms, p95 {:.0} ms",
            seconds,
            summary.user_count(),
            total.requests,
            summary.total.current.requests_per_second,
            total.failures,
            total.median,
            total.percentile(0.95).unwrap_or_default(),
        ));
    }
}

impl Watcher for Output {
    fn tick(&mut self, summary: &Summary, state: State) {
        self.write_csv(summary);
        if state == State::Stopped || (self.is_served && !state.is_active()) {
            // The final report follows, or another run.
            self.began = None;
            (self.next_table, self.next_progress) = (0, self.narrator.every.unwrap_or_default());
            return;
        }
        let elapsed = clock::now() - *self.began.get_or_insert_with(clock::now);
        // Ticks come once a second, some milliseconds early or late; a reset brings one in between.
        let seconds = (elapsed + Duration::from_millis(500)).as_secs();
        if self.tables && self.face.leaves_room() && seconds >= self.next_table {
            self.next_table = next_multiple(seconds, TABLE_EVERY);
            let mut text = Vec::new();
            let written = Console::for_stdout().requests(&mut text, summary, Rates::Current);
            let _ = written.and_then(|()| to_stderr(&text));
        }
        if let Some(every) = self.narrator.every
            && seconds >= self.next_progress
        {
            self.next_progress = next_multiple(seconds, every);
            self.show_progress(seconds, summary);
        }
        self.face.show(summary, state, elapsed);
    }
}

/// The first multiple of `every` after `seconds`.
fn next_multiple(seconds: u64, every: u64) -> u64 {
    (seconds / every + 1) * every
}

/// Tells the person in front of the screen how things stand: on stderr if `--progress` asks for that, else in the log.
#[derive(Debug, Clone, Copy)]
pub struct Narrator {
    every: Option<u64>,
}

impl Narrator {
    /// As the options ask for.
    pub fn new(options: &Options) -> Self {
        let every = options.custom.span(PROGRESS).filter(|every| !every.is_zero());
        Self { every: every.map(|every| every.as_secs()) }
    }

    /// Says one thing.
    pub fn say(&self, line: &str) {
        if self.every.is_some() {
            // A terminal that went away must not end the run.
            let _ = to_stderr(format!("{line}\n").as_bytes());
        } else {
            info!(target: MAIN, "{line}");
        }
    }
}

/// The option that makes the engine tell how the run goes.
pub(super) const PROGRESS: &str = "progress";

/// After the log lines before it, in one piece, so that no log line comes in between.
fn to_stderr(text: &[u8]) -> io::Result<()> {
    logging::flush();
    Stderr.write_all(text)?;
    Stderr.flush()
}
