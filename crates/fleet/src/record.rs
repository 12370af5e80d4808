//! What became of runs: a file for each, a line for each thing that happened, each on disk before the next begins. So a
//! run that died is gone on with where it ended, and `assay fleet status` knows what was.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::outbox::private_folder;

/// The ending of a record's file.
const RECORD: &str = "jsonl";
/// So many records are kept, and of each schedule the newest: what it was that runs once a year is known until it runs again.
const MOST_RECORDS: usize = 200;
/// A record is not larger than this: some dozen bytes for each of thousands of subjects.
const MOST_BYTES: u64 = 64 << 20;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Line {
    /// The run began.
    Begun {
        /// When.
        at: Timestamp,
        /// What it is about, to know whether another is about the same.
        about: String,
        /// The preset.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        preset: Option<String>,
        /// All subjects.
        subjects: Vec<String>,
        /// The schedule that it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        occasion: Option<Occasion>,
    },
    /// There is a report.
    Judged {
        /// When.
        at: Timestamp,
        /// The subject.
        subject: String,
        /// The name of the scope.
        scope: String,
        /// The run of the report.
        run: Uuid,
        /// What it came to.
        tally: Tally,
        /// Whether anything was determined.
        determined: bool,
        /// How many failures somebody answers for.
        #[serde(default)]
        waived: usize,
        /// How many things that were created could not be taken down.
        #[serde(default)]
        leftovers: usize,
        /// How long it took, in milliseconds.
        took_ms: u64,
        /// Whether it waits in the outbox.
        to_be_sent: bool,
    },
    /// All reports of a subject are there.
    Done {
        /// When.
        at: Timestamp,
        /// The subject.
        subject: String,
    },
    /// A subject was left out.
    LeftOut {
        /// When.
        at: Timestamp,
        /// The subject.
        subject: String,
        /// Why.
        why: String,
        /// Whether it is still to be checked on this occasion.
        #[serde(default)]
        postponed: bool,
    },
    /// A monitor has a report.
    Delivered {
        /// When.
        at: Timestamp,
        /// The run of the report.
        run: Uuid,
    },
    /// The run ended.
    Ended {
        /// When.
        at: Timestamp,
    },
}

/// A time of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occasion {
    /// The schedule.
    pub schedule: String,
    /// The time.
    pub at: Timestamp,
}

/// How many testcases came to what, officially.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// PASS.
    pub pass: usize,
    /// FAIL.
    pub fail: usize,
    /// ABORT.
    pub abort: usize,
    /// MISS.
    pub miss: usize,
}

/// A record cannot be kept or read.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be {what}: {cause}", path.display())]
pub struct RecordError {
    path: PathBuf,
    what: &'static str,
    cause: io::Error,
}

/// The record of a run that goes on. As long as it lives, nobody else goes on with this run.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    file: File,
}

/// A run of the past, or one that still goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Identifies it.
    pub id: String,
    /// Whether somebody is at it.
    pub is_alive: bool,
    /// What happened.
    pub lines: Vec<Line>,
}

impl Past {
    /// Whether it came to its end.
    pub fn has_ended(&self) -> bool {
        self.lines.iter().any(|line| matches!(line, Line::Ended { .. }))
    }

    /// The subjects that are done.
    pub fn done(&self) -> BTreeSet<&str> {
        let done = self.lines.iter().filter_map(|line| match line {
            Line::Done { subject, .. } => Some(subject.as_str()),
            _ => None,
        });
        done.collect()
    }
}

impl Past {
    /// Whether a subject was left out and need not be tried again.
    pub(crate) fn is_given_up(&self, subject: &str) -> bool {
        let given_up = |line: &Line| matches!(line, Line::LeftOut { subject: name, postponed: false, .. } if name == subject);
        self.lines.iter().any(given_up)
    }
}

impl Record {
    /// Begins the record of a new run, and throws away the oldest if there are too many.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(folder: &Path, first: &Line) -> Result<Self, RecordError> {
        let failed = |cause| RecordError { path: folder.to_owned(), what: "written", cause };
        private_folder(folder).map_err(failed)?;
        let names = names(folder).map_err(failed)?;
        let (old, kept) = names.split_at(names.len().saturating_sub(MOST_RECORDS - 1));
        if !old.is_empty() {
            let mut known: BTreeSet<String> = kept.iter().filter_map(|name| schedule(name)).collect();
            for name in old.iter().rev() {
                if !schedule(name).is_some_and(|schedule| known.insert(schedule)) {
                    let _ = fs::remove_file(name);
                }
            }
        }
        // Names sort by time; what is random keeps two runs of one instant apart.
        let id = Uuid::new_v4().simple().to_string();
        let at = match first {
            Line::Begun { at, .. } => *at,
            _ => Timestamp::now(),
        };
        let name = format!("{}-{}.{RECORD}", at.strftime("%Y%m%dT%H%M%SZ"), &id[..8]);
        let path = folder.join(name);
        let failed = |cause| RecordError { path: path.clone(), what: "written", cause };
        let file = OpenOptions::new().append(true).read(true).create_new(true).open(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        let mut record = Record { path: path.clone(), file };
        record.append(first)?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(record)
    }

    /// Goes on with the newest run about the same that died less than `age` before `now`; none if there is none.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn resume(
        folder: &Path,
        about: &str,
        now: Timestamp,
        age: jiff::SignedDuration,
    ) -> Result<Option<(Self, Past)>, RecordError> {
        let failed = |cause| RecordError { path: folder.to_owned(), what: "read", cause };
        for path in names(folder).map_err(failed)?.into_iter().rev() {
            let Ok((mut file, past)) = open(&path) else { continue };
            let Some(Line::Begun { at, about: other, .. }) = past.lines.first() else { continue };
            if other != about {
                continue;
            }
            if past.is_alive || past.has_ended() || now.duration_since(*at) > age {
                return Ok(None);
            }
            // A line that never got to disk whole must not spoil the next.
            let whole = whole_lines(&mut file).map_err(failed)?;
            file.set_len(whole).map_err(failed)?;
            return Ok(Some((Record { path, file }, past)));
        }
        Ok(None)
    }

    /// Notes what happened, and returns once that is on disk.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn append(&mut self, line: &Line) -> Result<(), RecordError> {
        let failed = |cause| RecordError { path: self.path.clone(), what: "written", cause };
        let mut text = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        let before = self.file.metadata().map_err(failed)?.len();
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        written.map_err(|cause| {
            // What got to disk of it must not spoil the next line; if that fails as well, so does the next.
            let _ = self.file.set_len(before);
            failed(cause)
        })
    }
}

/// The runs of the past, the newest first; what cannot be read is left out.
///
/// # Errors
/// The folder cannot be read.
pub fn past(folder: &Path, most: usize) -> Result<Vec<Past>, RecordError> {
    let failed = |cause| RecordError { path: folder.to_owned(), what: "read", cause };
    let newest = names(folder).map_err(failed)?.into_iter().rev();
    Ok(newest.filter_map(|path| Some(open(&path).ok()?.1)).take(most).collect())
}

/// The files of records, the oldest first; none if there is no folder.
fn names(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == RECORD) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The schedule that a record belongs to.
fn schedule(path: &Path) -> Option<String> {
    let mut first = String::new();
    BufReader::new(File::open(path).ok()?.take(MOST_BYTES)).read_line(&mut first).ok()?;
    match serde_json::from_str(&first).ok()? {
        Line::Begun { occasion, .. } => Some(occasion?.schedule),
        _ => None,
    }
}

fn open(path: &Path) -> io::Result<(File, Past)> {
    let mut file = OpenOptions::new().append(true).read(true).open(path)?;
    let is_alive = match file.try_lock() {
        Ok(()) => false,
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(error)) => return Err(error),
    };
    if file.metadata()?.len() > MOST_BYTES {
        return Err(io::Error::other("the file is too large for a record"));
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    // What follows the last line never got to disk whole, and a newer program may have noted what this one does not know.
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let lines = text[..whole].split(|byte| *byte == b'\n');
    let lines = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let id = path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok((file, Past { id, is_alive, lines }))
}

/// How many bytes of a file are whole lines.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    use std::io::Seek as _;
    let mut text = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut text)?;
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    Ok(u64::try_from(end).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn begun(second: i64, about: &str) -> Line {
        Line::Begun {
            at: Timestamp::from_second(second).unwrap(),
            about: about.into(),
            preset: None,
            subjects: vec!["green".into(), "red".into()],
            occasion: None,
        }
    }

    fn done(subject: &str) -> Line {
        Line::Done { at: Timestamp::UNIX_EPOCH, subject: subject.into() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_run_that_died_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = Record::begin(folder.path(), &begun(1000, "a")).unwrap();
        record.append(&done("green")).unwrap();
        assert!(Record::resume(folder.path(), "a", at(1001), DAY).unwrap().is_none(), "somebody is at it");
        // What the crash left of a line is no line.
        record.file.write_all(b"{\"what\":\"done\",\"subject\":\"gr\xc3").unwrap();
        drop(record);
        assert!(Record::resume(folder.path(), "b", at(1001), DAY).unwrap().is_none(), "about something else");
        assert!(Record::resume(folder.path(), "a", at(1000 + 86_401), DAY).unwrap().is_none(), "long ago");
        let (mut record, past) = Record::resume(folder.path(), "a", at(1001), DAY).unwrap().unwrap();
        assert_eq!(past.done(), BTreeSet::from(["green"]));
        record.append(&done("red")).unwrap();
        record.append(&Line::Ended { at: at(1002) }).unwrap();
        drop(record);
        assert!(Record::resume(folder.path(), "a", at(1003), DAY).unwrap().is_none(), "it has ended");
        let [past] = &past_of(folder.path())[..] else { panic!("one run") };
        assert_eq!(past.done(), BTreeSet::from(["green", "red"]));
        assert!(past.has_ended() && !past.is_alive);
    }

    fn past_of(folder: &Path) -> Vec<Past> {
        past(folder, 10).unwrap()
    }

    #[test]
    fn the_newest_come_first_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        assert!(past_of(folder.path()).is_empty());
        for second in 0..i64::try_from(MOST_RECORDS).unwrap() + 3 {
            Record::begin(folder.path(), &begun(second, "a")).unwrap();
        }
        let all = past(folder.path(), 1000).unwrap();
        assert_eq!(all.len(), MOST_RECORDS);
        let newest = i64::try_from(MOST_RECORDS).unwrap() + 2;
        assert_eq!(all[0].lines, [begun(newest, "a")]);
    }

    #[test]
    fn the_newest_run_of_a_schedule_stays() {
        let folder = tempfile::tempdir().unwrap();
        let of = |second: i64, schedule: &str| match begun(second, "a") {
            Line::Begun { at, about, preset, subjects, .. } => {
                let occasion = Some(Occasion { schedule: schedule.into(), at });
                Line::Begun { at, about, preset, subjects, occasion }
            }
            line => line,
        };
        for second in 0..3 {
            Record::begin(folder.path(), &of(second, "yearly")).unwrap();
        }
        for second in 3..i64::try_from(MOST_RECORDS).unwrap() + 10 {
            Record::begin(folder.path(), &of(second, "hourly")).unwrap();
        }
        let all = past(folder.path(), 1000).unwrap();
        assert_eq!(all.len(), MOST_RECORDS + 1);
        assert_eq!(all.last().unwrap().lines, [of(2, "yearly")]);
    }

    #[test]
    fn what_a_newer_program_noted_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let record = Record::begin(folder.path(), &begun(5, "a")).unwrap();
        let mut file = OpenOptions::new().append(true).open(&record.path).unwrap();
        file.write_all(b"{\"what\":\"danced\"}\n").unwrap();
        drop(record);
        assert_eq!(past_of(folder.path())[0].lines, [begun(5, "a")]);
    }
}
