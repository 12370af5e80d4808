//! One runner at a time for each subject, so that two never test one project side by side.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::outbox::private_folder;

/// How often it is looked whether a subject is free again. Locks of files tell nobody that they ended.
const LOOK: Duration = Duration::from_millis(200);

/// A subject that is ours until this goes; the system takes it back from a program that dies.
#[derive(Debug)]
pub struct Lease {
    _file: File,
}

/// The folder of leases cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be locked: {cause}", path.display())]
pub struct LeaseError {
    path: PathBuf,
    cause: io::Error,
}

impl Lease {
    /// A subject, if nobody has it.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub fn take(folder: &Path, subject: &str) -> Result<Option<Self>, LeaseError> {
        let path = folder.join(format!("{}.lock", file_name(subject)));
        let failed = |cause| LeaseError { path: path.clone(), cause };
        private_folder(folder).map_err(failed)?;
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lease { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(cause)) => Err(failed(cause)),
        }
    }

    /// A subject, as soon as nobody has it; none if that does not happen in time.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub async fn await_within(
        folder: &Path,
        subject: &str,
        longest: Duration,
    ) -> Result<Option<Self>, LeaseError> {
        let waiting = async {
            loop {
                if let Some(lease) = Self::take(folder, subject)? {
                    return Ok(Some(lease));
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(longest, waiting).await.unwrap_or(Ok(None))
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

    #[tokio::test]
    async fn a_subject_is_taken_once_and_free_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lease::take(folder.path(), "green").unwrap().unwrap();
        assert!(Lease::take(folder.path(), "green").unwrap().is_none());
        assert!(Lease::take(folder.path(), "red").unwrap().is_some());
        let waited = Lease::await_within(folder.path(), "green", Duration::from_millis(10)).await;
        assert!(waited.unwrap().is_none());
        let waiting = Lease::await_within(folder.path(), "green", Duration::from_mins(1));
        let (waited, ()) = tokio::join!(waiting, async { drop(first) });
        assert!(waited.unwrap().is_some());
    }

    #[test]
    fn names_of_files_lead_nowhere_else() {
        assert_eq!(file_name("scs-1.35_a"), "scs-1.35_a");
        assert_eq!(file_name("../etc"), "%2E.%2Fetc");
        assert_eq!(file_name("ä b"), "%C3%A4%20b");
        assert_ne!(file_name("a%2Fb"), file_name("a/b"));
    }
}
