//! Files that are replaced whole or grow at the end, and errors that say which file and why.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A CSV file could not be made or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`: {source}; {}", path.display(), remedy(source))]
pub struct CsvError {
    /// What was tried: "create", "write", …
    action: &'static str,
    /// The file or folder.
    path: PathBuf,
    source: io::Error,
}

impl CsvError {
    /// The file or folder it is about.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn at<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| Self { action, path: path.to_owned(), source }
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on that disk or choose another place with --csv"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "choose a place with --csv where this user may write"
        }
        _ => "choose another place with --csv",
    }
}

/// Makes the folders a prefix lies in.
pub(super) fn make_folder_of(prefix: &Path) -> Result<(), CsvError> {
    match prefix.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            fs::create_dir_all(folder).map_err(CsvError::at("create the folder", folder))
        }
        _ => Ok(()),
    }
}

/// `path` with `suffix` after its last character: prefixes need not be UTF-8.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// A file whose whole content changes at once.
#[derive(Debug)]
pub(super) struct Replaced {
    path: PathBuf,
    /// Where new content is written first; none when the place is not a regular file and must not be renamed over.
    beside: Option<PathBuf>,
}

impl Replaced {
    pub(super) fn create(prefix: &Path, suffix: &str, content: &str) -> Result<Self, CsvError> {
        let path = with_suffix(prefix, suffix);
        fs::write(&path, content).map_err(CsvError::at("create", &path))?;
        // A link keeps pointing to where its owner wants the file.
        let path = fs::canonicalize(&path).unwrap_or(path);
        let regular = fs::metadata(&path).is_ok_and(|metadata| metadata.is_file());
        let beside = regular.then(|| with_suffix(&path, ".tmp"));
        Ok(Self { path, beside })
    }

    pub(super) fn replace(&self, content: &str) -> Result<(), CsvError> {
        let Some(beside) = &self.beside else {
            return fs::write(&self.path, content).map_err(CsvError::at("write", &self.path));
        };
        let written = fs::write(beside, content).and_then(|()| fs::rename(beside, &self.path));
        written.map_err(|error| {
            // Half a file is of no use; that it cannot be removed either changes nothing.
            let _ = fs::remove_file(beside);
            CsvError::at("write", &self.path)(error)
        })
    }
}

/// A file that grows at its end.
#[derive(Debug)]
pub(super) struct Appended {
    path: PathBuf,
    file: File,
    /// Length up to the end of the last complete rows.
    length: u64,
    /// The last rows: their second, and the length before them.
    last: Option<(u64, u64)>,
}

impl Appended {
    pub(super) fn create(prefix: &Path, suffix: &str, header: &str) -> Result<Self, CsvError> {
        let path = with_suffix(prefix, suffix);
        fs::write(&path, header).map_err(CsvError::at("create", &path))?;
        let file =
            OpenOptions::new().append(true).open(&path).map_err(CsvError::at("create", &path))?;
        Ok(Self { path, file, length: header.len() as u64, last: None })
    }

    /// Appends the rows of a second, in place of those the second already has.
    pub(super) fn append(&mut self, second: u64, rows: &str) -> Result<(), CsvError> {
        if let Some((_, before)) = self.last.filter(|(last, _)| *last == second) {
            self.cut(before);
        }
        let before = self.length;
        if let Err(error) = self.file.write_all(rows.as_bytes()) {
            // No torn row: what follows must begin on a line of its own.
            self.cut(before);
            return Err(CsvError::at("write", &self.path)(error));
        }
        self.length += rows.len() as u64;
        self.last = Some((second, before));
        Ok(())
    }

    /// Cuts the file back; something that cannot be cut (a pipe, a device) just keeps what it got.
    fn cut(&mut self, length: u64) {
        if self.file.set_len(length).is_ok() {
            self.length = length;
        }
    }
}
