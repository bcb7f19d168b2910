//! What a master writes down, so that another can go on with its run.
//!
//! Entries are appended before a report is acknowledged: what a worker need not send again is in the file. The file holds one
//! run and is removed with its end. The last entry may be cut off where the process was; it is as if never made.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::error;

use crate::logging::RUNNERS;
use crate::runner::letters::{Inbox, Terms};
use crate::stats::Delta;

/// As `D` a delta is borrowed to be written, and owned when read.
#[derive(Serialize, Deserialize)]
enum Entry<D> {
    /// A run begins, at this time in seconds since the Unix epoch.
    Run { terms: Box<Terms>, began: f64 },
    /// The number of users gone to, and the rate.
    Aim { users: u32, rate: f64 },
    /// A worker of ours has reported: how far its letters have come, and requests in this one.
    Letter { from: String, inbox: Inbox, requests: u64 },
    /// Figures of a worker.
    Figures { from: String, delta: D },
    /// All figures were set to zero.
    Reset { at: f64 },
    /// The run is over.
    End,
}

/// A run that a master before this one has left.
#[derive(Debug)]
pub(crate) struct LeftRun {
    pub(super) terms: Terms,
    /// When it began, and when its figures did, in seconds since the Unix epoch.
    pub(crate) began: f64,
    pub(crate) counts_from: f64,
    /// Number of users and rate.
    pub(crate) aim: Option<(u32, f64)>,
    /// By worker: how far its letters had come, and the requests in them.
    pub(super) letters: BTreeMap<String, (Inbox, u64)>,
    /// Figures by worker, in the order they came.
    pub(crate) figures: Vec<(String, Delta)>,
}

/// The file.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: Option<File>,
    failing: bool,
}

impl Journal {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: None, failing: false }
    }

    /// Goes on with the file of a run that is taken up.
    pub(super) fn go_on(&mut self) {
        let opened = File::options().append(true).open(&self.path);
        self.file = self.tell(opened);
    }

    pub(super) fn begin(&mut self, terms: &Terms, began: f64) {
        let created = File::create(&self.path);
        self.file = self.tell(created);
        self.write(&Entry::Run { terms: Box::new(terms.clone()), began });
    }

    pub(super) fn aim(&mut self, users: u32, rate: f64) {
        self.write(&Entry::Aim { users, rate });
    }

    pub(super) fn letter(&mut self, from: &str, inbox: Inbox, requests: u64) {
        self.write(&Entry::Letter { from: from.to_owned(), inbox, requests });
    }

    pub(super) fn figures(&mut self, from: &str, delta: &Delta) {
        self.write(&Entry::Figures { from: from.to_owned(), delta });
    }

    pub(super) fn reset(&mut self, at: f64) {
        self.write(&Entry::Reset { at });
    }

    /// The run is over: there is nothing to go on with.
    pub(super) fn end(&mut self) {
        self.write(&Entry::End);
        if self.file.take().is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }

    fn write(&mut self, entry: &Entry<&Delta>) {
        let Some(file) = self.file.as_mut() else { return };
        let packed = rmp_serde::to_vec(entry).unwrap_or_default(); // Plain data always packs.
        let length = u32::try_from(packed.len()).unwrap_or(u32::MAX).to_le_bytes();
        let written = file.write_all(&[&length[..], &packed].concat());
        self.tell(written);
    }

    /// Tells once that the journal is not kept any more; the run goes on.
    fn tell<T>(&mut self, result: io::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(problem) => {
                if !std::mem::replace(&mut self.failing, true) {
                    let path = self.path.display();
                    error!(target: RUNNERS, "The journal {path} cannot be written: {problem}. After a restart this run cannot be taken up");
                }
                None
            }
        }
    }
}

/// The run that a journal tells of, if that has not ended.
///
/// # Errors
/// When there is a file that cannot be read.
pub(crate) fn left_run(path: &Path) -> io::Result<Option<LeftRun>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(problem) => return Err(problem),
    };
    let mut rest = &bytes[..];
    let mut left: Option<LeftRun> = None;
    while let Some((length, after)) = rest.split_first_chunk::<4>()
        && let Some((packed, after)) = after.split_at_checked(u32::from_le_bytes(*length) as usize)
    {
        rest = after;
        let entry: Entry<Delta> = rmp_serde::from_slice(packed)
            .map_err(|problem| io::Error::new(io::ErrorKind::InvalidData, problem))?;
        match (entry, left.as_mut()) {
            (Entry::Run { terms, began }, _) => {
                left = Some(LeftRun {
                    terms: *terms,
                    began,
                    counts_from: began,
                    aim: None,
                    letters: BTreeMap::new(),
                    figures: Vec::new(),
                });
            }
            (Entry::Aim { users, rate }, Some(left)) => left.aim = Some((users, rate)),
            (Entry::Letter { from, inbox, requests }, Some(left)) => {
                let known = left.letters.entry(from).or_insert((inbox, 0));
                *known = (inbox, known.1 + requests);
            }
            (Entry::Figures { from, delta }, Some(left)) => left.figures.push((from, delta)),
            (Entry::Reset { at }, Some(left)) => {
                left.counts_from = at;
                left.figures.clear();
            }
            (Entry::End, _) => left = None,
            (_, None) => {}
        }
    }
    Ok(left)
}
