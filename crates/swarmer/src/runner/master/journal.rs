//! What a master writes down, so that another can go on with its run.
//!
//! A report is appended, in one piece with how far the letters of its sender have come, before it is acknowledged: what a
//! worker need not send again is in the file, and what is not in the file it sends again. The file holds one run and is
//! removed with its end, or when it can no longer be written: what it lacked would be missing from the figures. The last
//! entry may be cut off where the process was; it is as if never made, and is cut off for good by who goes on.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::error;

use crate::logging::RUNNERS;
use crate::runner::letters::{Inbox, Journeys, Terms};
use crate::stats::Delta;

/// As `D` a delta is borrowed to be written, and owned when read.
#[derive(Serialize, Deserialize)]
enum Entry<D> {
    /// A run begins, at this time in seconds since the Unix epoch.
    Run { terms: Box<Terms>, began: f64 },
    /// The number of users gone to, and the rate.
    Aim { users: u32, rate: f64 },
    /// Journeys arrive, or are shared anew.
    Open(Box<Sharing>),
    /// A worker of ours has reported: how far its letters have come, requests in this one, the figures, and of a limited
    /// number of tasks those that it has begun and ended.
    Report { from: String, inbox: Inbox, requests: u64, deltas: Vec<D>, tasks: (u64, u64) },
    /// Figures of a worker whose letters are not numbered.
    Figures { from: String, delta: D },
    /// A worker of this run has come; with `recovered` it has lost nothing.
    Came { from: String, ours: bool, recovered: bool },
    /// It has gone; a note tells of what is missing for it.
    Gone { from: String, note: Option<String> },
    /// All figures were set to zero.
    Reset { at: f64 },
    /// The run is over.
    End,
}

/// Who starts which of the journeys that arrive, from a turn on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sharing {
    /// All of them, with the number of this turn.
    pub(super) journeys: Journeys,
    /// A worker, its first driver, and how many it has.
    pub(super) parts: Vec<(String, u64, u64)>,
    /// Of a limited number of journeys.
    pub(super) tally: Option<Counted>,
}

/// A limited number of journeys, by worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Counted {
    pub(super) wanted: u64,
    pub(super) given: BTreeMap<String, u64>,
    pub(super) done: BTreeMap<String, u64>,
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
    /// Journeys arrive at a rate in it.
    pub(super) open: Option<Sharing>,
    /// By worker: how far its letters had come, and the requests in them.
    pub(super) letters: BTreeMap<String, (Inbox, u64)>,
    /// By worker: tasks begun and ended, where their number is limited.
    pub(super) tasks: BTreeMap<String, (u64, u64)>,
    /// Workers that were there, and whether they are ours.
    pub(super) workers: BTreeMap<String, bool>,
    /// What was told of workers that were lost, by worker.
    pub(super) notes: Vec<(String, String)>,
    path: PathBuf,
    /// Where its figures begin in the file, and where the last whole entry ends.
    figures: (u64, u64),
}

/// The file.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: Option<File>,
}

impl Journal {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// Goes on with the file of a run that is taken up, behind its last whole entry.
    pub(super) fn go_on(&mut self, left: &LeftRun) {
        let opened = File::options().append(true).open(&self.path);
        let opened = opened.and_then(|file| file.set_len(left.figures.1).map(|()| file));
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

    pub(super) fn open(&mut self, sharing: Sharing) {
        self.write(&Entry::Open(Box::new(sharing)));
    }

    pub(super) fn report(
        &mut self,
        from: &str,
        inbox: Inbox,
        (requests, tasks): (u64, (u64, u64)),
        deltas: &[Delta],
    ) {
        let (from, deltas) = (from.to_owned(), deltas.iter().collect());
        self.write(&Entry::Report { from, inbox, requests, deltas, tasks });
    }

    pub(super) fn figures(&mut self, from: &str, delta: &Delta) {
        self.write(&Entry::Figures { from: from.to_owned(), delta });
    }

    pub(super) fn came(&mut self, from: &str, ours: bool, recovered: bool) {
        self.write(&Entry::Came { from: from.to_owned(), ours, recovered });
    }

    /// `note`: what is missing for it.
    pub(super) fn gone(&mut self, from: &str, note: Option<&str>) {
        self.write(&Entry::Gone { from: from.to_owned(), note: note.map(str::to_owned) });
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
        let mut packed = vec![0; LENGTH];
        // Plain data always packs, and memory takes it.
        let _ = rmp_serde::encode::write(&mut packed, entry);
        let length = u32::try_from(packed.len() - LENGTH).unwrap_or(u32::MAX);
        packed[..LENGTH].copy_from_slice(&length.to_le_bytes());
        let written = file.write_all(&packed);
        if self.tell(written).is_none() {
            self.file = None;
        }
    }

    /// Tells that the journal is not kept any more, and removes what there is of it: with a report missing it would be
    /// wrong. The run goes on.
    fn tell<T>(&self, result: io::Result<T>) -> Option<T> {
        let problem = match result {
            Ok(value) => return Some(value),
            Err(problem) => problem,
        };
        let path = self.path.display();
        error!(target: RUNNERS, "The journal {path} cannot be written: {problem}. After a restart this run cannot be taken up");
        let _ = std::fs::remove_file(&self.path);
        None
    }
}

/// Bytes before each entry that say how long it is.
const LENGTH: usize = size_of::<u32>();

/// The whole entries of a journal from some place on, one at a time: hours of figures need not fit in memory.
struct Entries {
    file: BufReader<File>,
    at: u64,
    end: u64,
}

impl Entries {
    fn open(path: &Path, at: u64, end: Option<u64>) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let end = end.map_or_else(|| file.metadata().map(|about| about.len()), Ok)?;
        file.seek(SeekFrom::Start(at))?;
        Ok(Self { file: BufReader::new(file), at, end })
    }

    /// The next one; none where the file ends, be it within an entry.
    fn next(&mut self) -> io::Result<Option<Entry<Delta>>> {
        let mut length = [0; LENGTH];
        let body = self.at + LENGTH as u64;
        if body > self.end {
            return Ok(None);
        }
        self.file.read_exact(&mut length)?;
        let length = u64::from(u32::from_le_bytes(length));
        if body + length > self.end {
            return Ok(None);
        }
        let mut packed = Vec::new();
        self.file.by_ref().take(length).read_to_end(&mut packed)?;
        self.at = body + length;
        let entry = rmp_serde::from_slice(&packed);
        entry.map(Some).map_err(|problem| io::Error::new(io::ErrorKind::InvalidData, problem))
    }
}

impl LeftRun {
    /// Hands every figure of it, and whose it is, to `take`, in the order they came.
    ///
    /// # Errors
    /// When the file cannot be read any more.
    pub(crate) fn figures(&self, mut take: impl FnMut(&str, &Delta)) -> io::Result<()> {
        let (from, end) = self.figures;
        let mut entries = Entries::open(&self.path, from, Some(end))?;
        while let Some(entry) = entries.next()? {
            match entry {
                Entry::Report { from, deltas, .. } => {
                    for delta in &deltas {
                        take(&from, delta);
                    }
                }
                Entry::Figures { from, delta } => take(&from, &delta),
                _ => {}
            }
        }
        Ok(())
    }

    /// What every report is to tell of workers that were lost in it.
    pub(crate) fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().map(|(_, note)| note.as_str())
    }

    /// Whether journeys arrive at a rate in it: the number of the turn.
    pub(crate) fn turn(&self) -> Option<u64> {
        self.open.as_ref().map(|open| open.journeys.turn)
    }

    /// Notes what an entry says, which ends at this place of the file.
    fn read(&mut self, entry: Entry<Delta>, end: u64) {
        self.figures.1 = end;
        match entry {
            Entry::Aim { users, rate } => self.aim = Some((users, rate)),
            Entry::Open(sharing) => self.open = Some(*sharing),
            Entry::Report { from, inbox, requests, deltas, tasks } => {
                self.tasks.insert(from.clone(), tasks);
                if let Some(tally) = self.open.as_mut().and_then(|open| open.tally.as_mut()) {
                    let journeys = deltas.iter().map(Delta::journeys_due).sum::<u64>();
                    *tally.done.entry(from.clone()).or_default() += journeys;
                }
                let known = self.letters.entry(from).or_insert((inbox, 0));
                *known = (inbox, known.1 + requests);
            }
            Entry::Came { from, ours, recovered } => {
                self.notes.retain(|(worker, _)| !(recovered && *worker == from));
                self.workers.insert(from, ours);
            }
            Entry::Gone { from, note } => {
                self.workers.remove(&from);
                self.notes.extend(note.map(|note| (from, note)));
            }
            Entry::Reset { at } => (self.counts_from, self.figures.0) = (at, end),
            Entry::Figures { .. } | Entry::Run { .. } | Entry::End => {}
        }
    }
}

/// The run that a journal tells of, if that has not ended.
///
/// # Errors
/// When there is a file that cannot be read.
pub(crate) fn left_run(path: &Path) -> io::Result<Option<LeftRun>> {
    let mut entries = match Entries::open(path, 0, None) {
        Ok(entries) => entries,
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(problem) => return Err(problem),
    };
    let mut left: Option<LeftRun> = None;
    while let Some(entry) = entries.next()? {
        match (entry, left.as_mut()) {
            (Entry::Run { terms, began }, _) => {
                left = Some(LeftRun {
                    terms: *terms,
                    began,
                    counts_from: began,
                    aim: None,
                    open: None,
                    letters: BTreeMap::new(),
                    tasks: BTreeMap::new(),
                    workers: BTreeMap::new(),
                    notes: Vec::new(),
                    path: path.to_owned(),
                    figures: (entries.at, entries.at),
                });
            }
            (Entry::End, _) => left = None,
            (entry, Some(left)) => left.read(entry, entries.at),
            (_, None) => {}
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests;
