//! What is to be handed to a monitor and was not yet: a folder with a file for each report, written before anything is
//! sent and removed once a monitor has said that it keeps it.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

/// The ending of a letter's file.
const LETTER: &str = "letter";
/// The ending of what is noted beside it.
const NOTE: &str = "note";
/// No signed report is larger: a monitor would not take it.
const MOST_BYTES: u64 = 64 << 20;
/// No address is longer, in bytes.
const LONGEST_ADDRESS: u64 = 64 << 10;

/// A report on its way to a monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Who gets it, about whom.
    pub address: Address,
    /// What is sent: the signature, `&`, and what it is over.
    pub body: Vec<u8>,
}

/// Where a letter goes, and what is in it. It names no secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The run of the report, by which a monitor knows it again.
    pub run: Uuid,
    /// The monitor.
    pub monitor: Url,
    /// The subject.
    pub subject: String,
    /// The name of the scope.
    pub scope: String,
    /// Whose it is: nobody else's token is sent with it.
    pub sender: String,
    /// When the letter was put here.
    pub written_at: Timestamp,
}

/// What became of the attempts to send a letter.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Attempts {
    /// How many there were.
    pub count: u32,
    /// The last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
    /// Why that one failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whether the monitor does not want it, so that sending it again changes nothing by itself.
    #[serde(default)]
    pub refused: bool,
}

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be {what}: {cause}", path.display())]
pub struct OutboxError {
    path: PathBuf,
    what: &'static str,
    cause: io::Error,
}

/// The folder.
#[derive(Clone, Debug)]
pub struct Outbox(PathBuf);

impl Outbox {
    /// In a folder, which is made if it is not there; nobody else may read it.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(folder: &Path) -> Result<Self, OutboxError> {
        let failed = |cause| OutboxError { path: folder.to_owned(), what: "made", cause };
        private_folder(folder).map_err(failed)?;
        Ok(Self(folder.to_owned()))
    }

    /// Keeps a letter; once this returns, it outlives a loss of power.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn put(&self, letter: &Letter) -> Result<(), OutboxError> {
        let path = self.path(letter.address.run, LETTER);
        let failed = |cause| OutboxError { path: path.clone(), what: "written", cause };
        let mut text = serde_json::to_vec(&letter.address).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        text.extend_from_slice(&letter.body);
        write_durably(&path, &text).map_err(failed)
    }

    /// The addresses of all letters, the oldest first, and files that are none.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn addresses(&self) -> Result<(Vec<Address>, Vec<PathBuf>), OutboxError> {
        let failed = |cause| OutboxError { path: self.0.clone(), what: "read", cause };
        let (mut found, mut strange) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&self.0).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_none_or(|ending| ending != LETTER) {
                continue;
            }
            match address(&path) {
                Ok(address) => found.push(address),
                Err(_) => strange.push(path),
            }
        }
        found.sort_by_key(|address| (address.written_at, address.run));
        Ok((found, strange))
    }

    /// A letter; none if it is gone.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn letter(&self, run: Uuid) -> Result<Option<Letter>, OutboxError> {
        let path = self.path(run, LETTER);
        match read(&path) {
            Ok(letter) => Ok(Some(letter)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(OutboxError { path, what: "read", cause }),
        }
    }

    /// Whether a letter is there.
    pub fn has(&self, run: Uuid) -> bool {
        self.path(run, LETTER).exists()
    }

    /// What is known of the attempts to send a letter.
    pub fn attempts(&self, run: Uuid) -> Attempts {
        let text = fs::read(self.path(run, NOTE)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Notes an attempt that failed. That this cannot be written harms nobody: the letter is still there.
    pub fn note(&self, run: Uuid, at: Timestamp, why: &str, refused: bool) {
        let count = self.attempts(run).count.saturating_add(1);
        let attempts = Attempts { count, last_at: Some(at), why: Some(why.to_owned()), refused };
        if let Ok(text) = serde_json::to_vec(&attempts) {
            let _ = fs::write(self.path(run, NOTE), text);
        }
    }

    /// Forgets a letter, because it arrived or is not to arrive any more.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self, run: Uuid) -> Result<(), OutboxError> {
        let _ = fs::remove_file(self.path(run, NOTE));
        let path = self.path(run, LETTER);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(OutboxError { path, what: "removed", cause: error })
            }
            _ => Ok(()),
        }
    }

    fn path(&self, run: Uuid, ending: &str) -> PathBuf {
        self.0.join(format!("{run}.{ending}"))
    }
}

/// Where a letter goes, which is its first line.
fn address(path: &Path) -> io::Result<Address> {
    let mut line = Vec::new();
    BufReader::new(File::open(path)?).take(LONGEST_ADDRESS).read_until(b'\n', &mut line)?;
    let line = line.strip_suffix(b"\n").ok_or_else(|| io::Error::other("no letter"))?;
    Ok(serde_json::from_slice(line)?)
}

fn read(path: &Path) -> io::Result<Letter> {
    if fs::metadata(path)?.len() > MOST_BYTES {
        return Err(io::Error::other("the file is too large for a letter"));
    }
    let bytes = fs::read(path)?;
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(|| io::Error::other("no letter"))?;
    let address = serde_json::from_slice(&bytes[..end])?;
    Ok(Letter { address, body: bytes[end + 1..].to_vec() })
}

/// Makes a folder that nobody else may read.
pub(crate) fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes a file so that it is there whole or not at all, whatever happens, and stays.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let half = path.with_extension(format!("half{}", std::process::id()));
    let written = (|| {
        let mut file = File::create(&half)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&half, path)?;
        File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        // That it cannot be removed adds nothing to why it could not be written.
        let _ = fs::remove_file(&half);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(number: u128) -> Letter {
        Letter {
            address: Address {
                run: Uuid::from_u128(number),
                monitor: "https://monitor.example.com/".parse().unwrap(),
                subject: "green".into(),
                scope: "scs-compatible-iaas".into(),
                sender: "green".into(),
                written_at: Timestamp::from_second(1_800_000_000 - i64::try_from(number).unwrap()).unwrap(),
            },
            body: b"-----BEGIN\n&---\na: \xc3\xa4\n".to_vec(),
        }
    }

    #[test]
    fn letters_are_kept_as_they_are_until_they_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(&folder.path().join("a/outbox")).unwrap();
        outbox.put(&letter(1)).unwrap();
        outbox.put(&letter(2)).unwrap();
        let (addresses, strange) = outbox.addresses().unwrap();
        assert_eq!(addresses, [letter(2).address, letter(1).address], "the oldest first");
        assert!(strange.is_empty());
        assert_eq!(outbox.letter(Uuid::from_u128(1)).unwrap(), Some(letter(1)));
        outbox.note(Uuid::from_u128(1), Timestamp::UNIX_EPOCH, "no route", false);
        outbox.note(Uuid::from_u128(1), Timestamp::UNIX_EPOCH, "401", true);
        let attempts = outbox.attempts(Uuid::from_u128(1));
        assert_eq!((attempts.count, attempts.why.as_deref(), attempts.refused), (2, Some("401"), true));
        outbox.remove(Uuid::from_u128(1)).unwrap();
        outbox.remove(Uuid::from_u128(1)).unwrap();
        assert_eq!(outbox.letter(Uuid::from_u128(1)).unwrap(), None);
        assert_eq!(outbox.addresses().unwrap().0.len(), 1);
    }

    #[test]
    fn what_is_no_letter_is_pointed_out_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(folder.path()).unwrap();
        outbox.put(&letter(1)).unwrap();
        let torn = folder.path().join(format!("{}.letter", Uuid::from_u128(7)));
        fs::write(&torn, b"{\"run\":").unwrap();
        let (addresses, strange) = outbox.addresses().unwrap();
        assert_eq!((addresses.len(), strange), (1, vec![torn.clone()]));
        assert!(outbox.letter(Uuid::from_u128(7)).is_err());
        assert!(torn.exists());
    }

    #[test]
    fn others_cannot_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("outbox");
        Outbox::open(&place).unwrap();
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
