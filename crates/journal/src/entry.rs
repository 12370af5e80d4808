use jiff::Timestamp;

use crate::{Journal, JournalError, Kind};

/// Something that is about to be created, or was.
#[derive(Debug, Clone)]
pub struct Entry {
    pub(crate) journal: Journal,
    pub(crate) seq: usize,
}

impl Entry {
    /// Its place in the journal.
    pub fn seq(&self) -> usize {
        self.seq
    }

    /// It exists, with this id.
    pub fn made(&self, id: &str) -> Result<(), JournalError> {
        self.journal.made(self.seq, id)
    }

    /// The server has certainly not created it.
    pub fn refused(&self) -> Result<(), JournalError> {
        self.journal.refused(self.seq)
    }

    /// It was seen to be absent, and will stay so.
    pub fn gone(&self) -> Result<(), JournalError> {
        self.journal.gone(self.seq)
    }
}

/// Something that may exist, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Its place in the journal.
    pub seq: usize,
    /// What it is.
    pub kind: Kind,
    /// Its name; it bears the mark of the run.
    pub name: String,
    /// Its id; none if the run ended before the server could say.
    pub id: Option<String>,
    /// What it lies in, where that is not the project: the endpoint of a bucket, the domain of a user.
    pub within: Option<String>,
    /// When it was about to be created.
    pub at: Timestamp,
}
