//! Files that are replaced whole or grow at the end, and errors that say which file and why.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file of results could not be made or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`: {source}; {}", path.display(), self.remedy())]
pub struct FileError {
    /// What was tried: "create", "write", …
    action: &'static str,
    /// The file or folder.
    path: PathBuf,
    /// The option that named the place.
    option: &'static str,
    source: io::Error,
}

impl FileError {
    /// The file or folder it is about.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn at<'a>(
        action: &'static str,
        path: &'a Path,
        option: &'static str,
    ) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| Self { action, path: path.to_owned(), option, source }
    }

    fn remedy(&self) -> String {
        let option = self.option;
        match self.source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                format!("make room on that disk or choose another place with {option}")
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                format!("choose a place with {option} where this user may write")
            }
            _ => format!("choose another place with {option}"),
        }
    }
}

/// Makes the folders that a file (or prefix) of `option` lies in.
pub(super) fn make_folder_of(path: &Path, option: &'static str) -> Result<(), FileError> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            fs::create_dir_all(folder).map_err(FileError::at("create the folder", folder, option))
        }
        _ => Ok(()),
    }
}

/// `path` with `suffix` after its last character: prefixes need not be UTF-8.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// A file whose whole content changes at once.
#[derive(Debug)]
pub(super) struct Replaced {
    path: PathBuf,
    option: &'static str,
    /// Where new content is written first; none when the place is not a regular file and must not be renamed over.
    beside: Option<PathBuf>,
}

impl Replaced {
    /// Writes `content` to a new or emptied file.
    pub(super) fn create(
        path: &Path,
        option: &'static str,
        content: &str,
    ) -> Result<Self, FileError> {
        fs::write(path, content).map_err(FileError::at("create", path, option))?;
        Ok(Self::settle(path, option))
    }

    /// A file that is left as it is until it is replaced; that it can be is made sure of now.
    pub(super) fn reserve(path: &Path, option: &'static str) -> Result<Self, FileError> {
        make_folder_of(path, option)?;
        let opened = OpenOptions::new().append(true).create(true).open(path);
        let file = opened.map_err(FileError::at("create", path, option))?;
        let replaced = Self::settle(path, option);
        if let (Some(beside), Ok(metadata)) = (&replaced.beside, file.metadata()) {
            fs::write(beside, "").map_err(FileError::at("create", beside, option))?;
            // No trace of the attempt: an empty document would be taken for a result.
            let _ = fs::remove_file(beside);
            if metadata.len() == 0 {
                let _ = fs::remove_file(&replaced.path);
            }
        }
        Ok(replaced)
    }

    fn settle(path: &Path, option: &'static str) -> Self {
        // A link keeps pointing to where its owner wants the file.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let regular = fs::metadata(&path).is_ok_and(|metadata| metadata.is_file());
        let beside = regular.then(|| with_suffix(&path, ".tmp"));
        Self { path, option, beside }
    }

    pub(super) fn replace(&self, content: &str) -> Result<(), FileError> {
        let error = FileError::at("write", &self.path, self.option);
        let Some(beside) = &self.beside else {
            return fs::write(&self.path, content).map_err(error);
        };
        let written = fs::write(beside, content).and_then(|()| fs::rename(beside, &self.path));
        written.map_err(|source| {
            // Half a file is of no use; that it cannot be removed either changes nothing.
            let _ = fs::remove_file(beside);
            error(source)
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// A file that grows at its end.
#[derive(Debug)]
pub(super) struct Appended {
    path: PathBuf,
    option: &'static str,
    file: File,
    /// Length up to the end of the last complete rows.
    length: u64,
    /// The last rows: their second, and the length before them.
    last: Option<(u64, u64)>,
}

impl Appended {
    /// Writes `header` to a new or emptied file.
    pub(super) fn create(
        path: PathBuf,
        option: &'static str,
        header: &str,
    ) -> Result<Self, FileError> {
        fs::write(&path, header).map_err(FileError::at("create", &path, option))?;
        let opened = OpenOptions::new().append(true).open(&path);
        let file = opened.map_err(FileError::at("create", &path, option))?;
        Ok(Self { path, option, file, length: header.len() as u64, last: None })
    }

    /// Appends the rows of a second, in place of those the second already has.
    pub(super) fn append(&mut self, second: u64, rows: &str) -> Result<(), FileError> {
        if let Some((_, before)) = self.last.filter(|(last, _)| *last == second) {
            self.cut(before);
        }
        let before = self.length;
        if let Err(error) = self.file.write_all(rows.as_bytes()) {
            // No torn row: what follows must begin on a line of its own.
            self.cut(before);
            return Err(FileError::at("write", &self.path, self.option)(error));
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
