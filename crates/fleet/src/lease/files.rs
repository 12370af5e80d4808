//! Locks on files: among the runners of one machine.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;

use super::LeaseError;
use crate::outbox::private_folder;

/// A folder with a file for each subject.
#[derive(Clone, Debug)]
pub struct Files(pub(super) PathBuf);

/// The lock of a subject.
#[derive(Debug)]
pub(super) struct FileLock(#[expect(dead_code, reason = "the lock is the open file")] File);

impl Files {
    /// The lock of a subject, if nobody has it.
    pub(super) fn take(&self, subject: &str) -> Result<Option<FileLock>, LeaseError> {
        let path = self.0.join(format!("{}.lock", file_name(subject)));
        let failed = |cause| LeaseError::File { path: path.clone(), cause };
        private_folder(&self.0).map_err(failed)?;
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(FileLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(cause)) => Err(failed(cause)),
        }
    }
}

/// A name that leads to no other folder, and that no two subjects share.
pub fn file_name(subject: &str) -> String {
    let mut name = String::with_capacity(subject.len());
    for byte in subject.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            b'.' if !name.is_empty() => name.push('.'),
            other => {
                // Writing to a text cannot fail.
                let _ = write!(name, "%{other:02X}");
            }
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lead_nowhere_else() {
        assert_eq!(file_name("scs-1.35_a"), "scs-1.35_a");
        assert_eq!(file_name("../etc"), "%2E.%2Fetc");
        assert_eq!(file_name("ä b"), "%C3%A4%20b");
        assert_ne!(file_name("a%2Fb"), file_name("a/b"));
    }
}
