//! The file of a journal: JSON lines, each synced before anything else happens.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Kind, Place, RunId};

/// Why the journal cannot be used. Nothing is created without one.
#[derive(Debug, Error)]
#[error("the journal {} cannot be {what}: {cause}", path.display())]
pub struct JournalError {
    path: PathBuf,
    what: &'static str,
    cause: io::Error,
}

impl JournalError {
    pub(crate) fn new(path: &Path, what: &'static str, cause: impl Into<io::Error>) -> Self {
        JournalError { path: path.to_owned(), what, cause: cause.into() }
    }
}

/// One line of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// Always the first.
    Run {
        id: RunId,
        at: Timestamp,
        place: Place,
    },
    Intent {
        seq: usize,
        at: Timestamp,
        kind: Kind,
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<String>,
    },
    Made {
        seq: usize,
        id: String,
    },
    Refused {
        seq: usize,
    },
    Gone {
        seq: usize,
    },
    /// From here on another program creates things that bear the mark of the run.
    MarkLent,
    /// Nothing that bears the mark is left of it.
    MarkBack,
}

/// An open file, locked as long as it is open.
#[derive(Debug)]
pub(crate) struct Lines {
    path: PathBuf,
    file: File,
}

impl Lines {
    /// Makes a new file that begins with a line.
    ///
    /// It gets its name only once it is locked and has its first line: whoever looks for journals that were
    /// left behind never sees it without.
    pub(crate) fn create(path: &Path, first: &Line) -> Result<Self, JournalError> {
        let failed = |cause| JournalError::new(path, "made", cause);
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(failed)?;
        let unnamed = path.with_extension("new");
        let file = OpenOptions::new().append(true).create_new(true).open(&unnamed).map_err(failed)?;
        file.lock().map_err(failed)?;
        let mut lines = Lines { path: path.to_owned(), file };
        lines.append(first)?;
        std::fs::rename(&unnamed, path).map_err(failed)?;
        // The name of a new file is safe only once its folder is on disk.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(lines)
    }

    /// Opens a file that a run left behind; none if that run still lives, or has just ended.
    pub(crate) fn reopen(path: &Path) -> Result<Option<(Self, Vec<Line>)>, JournalError> {
        let failed = |cause| JournalError::new(path, "read", cause);
        let mut file = match OpenOptions::new().read(true).append(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed)?,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        // What follows the last newline is a line that never got to disk whole, so nothing was done on it.
        if whole < text.len() {
            file.set_len(whole as u64).map_err(failed)?;
        }
        let lines = text[..whole]
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).map_err(|error| failed(error.into())))
            .collect::<Result<_, _>>()?;
        Ok(Some((Lines { path: path.to_owned(), file }, lines)))
    }

    /// The first line of a file that somebody holds.
    pub(crate) fn first_of_living(path: &Path) -> Option<Line> {
        let file = File::open(path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {}
            _ => return None,
        }
        let mut first = String::new();
        io::BufReader::new(file).read_line(&mut first).ok()?;
        serde_json::from_str(&first).ok()
    }

    /// Writes a line and waits until it is on disk.
    pub(crate) fn append(&mut self, line: &Line) -> Result<(), JournalError> {
        let failed = |cause| JournalError::new(&self.path, "written", cause);
        let mut text = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        self.file.write_all(&text).and_then(|()| self.file.sync_data()).map_err(failed)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
