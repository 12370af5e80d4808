use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::file::{Line, Lines};
use crate::{Entry, JournalError, Kind, Open, RunId};

const ENDING: &str = "jsonl";

/// Where things are created: whoever has the same place may take them down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Name of the cloud, as the user knows it.
    pub cloud: String,
    /// Where keystone answers.
    pub auth_url: String,
    /// Id of the project, or of the domain for what lies in no project.
    pub scope: String,
    /// Id of the user.
    pub user: String,
    /// The region, if one was chosen: what is in another one is not to be seen, and not gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

impl Place {
    /// Whether this is the same cloud, region and scope, whatever its name in `clouds.yaml`.
    pub fn is_same(&self, other: &Place) -> bool {
        self.shares_scope(other) && self.region == other.region
    }

    /// Whether this is the same cloud and scope, in whichever region: some services have none, and are the same in all.
    pub fn shares_scope(&self, other: &Place) -> bool {
        self.auth_url.trim_end_matches('/') == other.auth_url.trim_end_matches('/')
            && self.scope == other.scope
    }
}

/// The journal of one run. Clones write to the same one.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    run: RunId,
    place: Place,
    started_at: Timestamp,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    lines: Lines,
    /// All that may exist, by its number.
    entries: BTreeMap<usize, Open>,
    /// The number of what is intended next.
    next: usize,
    /// Whether another program may have created things that no entry names.
    is_mark_lent: bool,
}

impl Journal {
    /// Begins the journal of a new run. The file appears in `folder`, which is made if need be, and goes
    /// when the journal is closed with nothing left.
    pub fn begin(folder: &Path, place: &Place, run: RunId, now: Timestamp) -> Result<Self, JournalError> {
        let path = folder.join(format!("{run}.{ENDING}"));
        let first = Line::Run { id: run.clone(), at: now, place: place.clone() };
        let lines = Lines::create(&path, &first)?;
        let state = Mutex::new(State { lines, entries: BTreeMap::new(), next: 0, is_mark_lent: false });
        Ok(Journal(Arc::new(Inner { run, place: place.clone(), started_at: now, state })))
    }

    /// The journals in `folder` that runs left behind, oldest first. Those of runs that still live are not
    /// among them. A file that cannot be read does not hide the others.
    pub fn abandoned(folder: &Path) -> (Vec<Journal>, Vec<JournalError>) {
        let mut found = Vec::new();
        let mut errors = Vec::new();
        let Ok(files) = std::fs::read_dir(folder) else {
            return (found, errors);
        };
        for file in files.flatten() {
            let path = file.path();
            if path.extension().is_none_or(|ending| ending != ENDING) {
                continue;
            }
            match Lines::reopen(&path) {
                Ok(None) => {}
                Ok(Some((lines, read))) => match Self::resume(lines, read) {
                    Ok(journal) => found.extend(journal),
                    Err(error) => errors.push(error),
                },
                Err(error) => errors.push(error),
            }
        }
        found.sort_by_key(|journal| journal.0.started_at);
        (found, errors)
    }

    /// The runs that are at work now, by their journals in `folder`.
    pub fn living(folder: &Path) -> Vec<(RunId, Place)> {
        let Ok(files) = std::fs::read_dir(folder) else {
            return Vec::new();
        };
        files
            .flatten()
            .filter(|file| file.path().extension().is_some_and(|ending| ending == ENDING))
            .filter_map(|file| match Lines::first_of_living(&file.path()) {
                Some(Line::Run { id, place, .. }) => Some((id, place)),
                _ => None,
            })
            .collect()
    }

    fn resume(lines: Lines, read: Vec<Line>) -> Result<Option<Self>, JournalError> {
        let mut read = read.into_iter();
        let Some(Line::Run { id: run, at: started_at, place }) = read.next() else {
            // Killed before the first line was whole: nothing was created.
            std::fs::remove_file(lines.path())
                .map_err(|error| JournalError::new(lines.path(), "removed", error))?;
            return Ok(None);
        };
        let mut entries: BTreeMap<usize, Open> = BTreeMap::new();
        let mut next = 0;
        let mut is_mark_lent = false;
        for line in read {
            match line {
                Line::Intent { seq, at, kind, name, within } => {
                    next = next.max(seq.saturating_add(1));
                    entries.insert(seq, Open { seq, kind, name, id: None, within, at });
                }
                Line::Made { seq, id } => {
                    if let Some(open) = entries.get_mut(&seq) {
                        open.id = Some(id);
                    }
                }
                Line::Refused { seq } | Line::Gone { seq } => drop(entries.remove(&seq)),
                Line::MarkLent => is_mark_lent = true,
                Line::MarkBack => is_mark_lent = false,
                Line::Run { .. } => {}
            }
        }
        let state = Mutex::new(State { lines, entries, next, is_mark_lent });
        Ok(Some(Journal(Arc::new(Inner { run, place, started_at, state }))))
    }

    /// The run whose journal this is.
    pub fn run(&self) -> &RunId {
        &self.0.run
    }

    /// Where the run created things.
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// When the run began.
    pub fn started_at(&self) -> Timestamp {
        self.0.started_at
    }

    /// Writes down that something is about to be created. The create call may go out once this returns.
    pub fn intend(&self, kind: Kind, name: &str) -> Result<Entry, JournalError> {
        self.intend_within(kind, name, None)
    }

    /// As [`Journal::intend`], for what does not lie in the project itself.
    pub fn intend_within(&self, kind: Kind, name: &str, within: Option<&str>) -> Result<Entry, JournalError> {
        let mut state = self.state();
        let seq = state.next;
        if state.entries.contains_key(&seq) {
            let full = std::io::Error::other("it has a number that leaves no other");
            return Err(JournalError::new(state.lines.path(), "written", full));
        }
        let at = Timestamp::now();
        let within = within.map(str::to_owned);
        let line = Line::Intent { seq, at, kind, name: name.to_owned(), within: within.clone() };
        state.lines.append(&line)?;
        state.next = seq.saturating_add(1);
        state.entries.insert(seq, Open { seq, kind, name: name.to_owned(), id: None, within, at });
        Ok(Entry { journal: self.clone(), seq })
    }

    /// Writes down that another program is about to create things that bear the mark of the run and that this
    /// journal cannot name before. Whoever takes them down has to look for the mark.
    pub fn lend_mark(&self) -> Result<(), JournalError> {
        self.set_mark_lent(true)
    }

    /// Whether things may exist that bear the mark of the run and that no entry names.
    pub fn is_mark_lent(&self) -> bool {
        self.state().is_mark_lent
    }

    /// Writes down that whoever was lent the mark has ended, and that all that bears it is gone.
    pub fn took_mark_back(&self) -> Result<(), JournalError> {
        self.set_mark_lent(false)
    }

    fn set_mark_lent(&self, is_lent: bool) -> Result<(), JournalError> {
        let mut state = self.state();
        state.lines.append(if is_lent { &Line::MarkLent } else { &Line::MarkBack })?;
        state.is_mark_lent = is_lent;
        Ok(())
    }

    /// All that may exist, in the order in which it can be taken down: by kind, the newest first.
    pub fn open(&self) -> Vec<Open> {
        let mut open: Vec<Open> = self.state().entries.values().cloned().collect();
        open.sort_by(|a, b| a.kind.cmp(&b.kind).then(b.seq.cmp(&a.seq)));
        open
    }

    /// The entry of something that may exist.
    pub fn entry(&self, open: &Open) -> Entry {
        Entry { journal: self.clone(), seq: open.seq }
    }

    /// Takes the file away if nothing is left that may exist; says whether that was so.
    pub fn close(&self) -> Result<bool, JournalError> {
        let state = self.state();
        if !state.entries.is_empty() || state.is_mark_lent {
            return Ok(false);
        }
        let path = state.lines.path();
        match std::fs::remove_file(path) {
            // Somebody else looked for abandoned journals at this moment and was faster.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(JournalError::new(path, "removed", error)),
            Ok(()) => Ok(true),
        }
    }

    pub(crate) fn made(&self, seq: usize, id: &str) -> Result<(), JournalError> {
        let mut state = self.state();
        if let Some(open) = state.entries.get_mut(&seq) {
            open.id = Some(id.to_owned());
        }
        state.lines.append(&Line::Made { seq, id: id.to_owned() })
    }

    pub(crate) fn refused(&self, seq: usize) -> Result<(), JournalError> {
        self.forget(seq, &Line::Refused { seq })
    }

    pub(crate) fn gone(&self, seq: usize) -> Result<(), JournalError> {
        self.forget(seq, &Line::Gone { seq })
    }

    fn forget(&self, seq: usize, line: &Line) -> Result<(), JournalError> {
        let mut state = self.state();
        state.lines.append(line)?;
        state.entries.remove(&seq);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn place() -> Place {
        Place {
            cloud: "testbed".into(),
            auth_url: "http://127.0.0.1/identity/".into(),
            scope: "p1".into(),
            user: "u1".into(),
            region: None,
        }
    }

    #[test]
    fn what_lies_elsewhere_is_not_for_who_looks_here() {
        let elsewhere = |change: fn(&mut Place)| {
            let mut other = place();
            change(&mut other);
            !place().is_same(&other) && !other.is_same(&place())
        };
        assert!(elsewhere(|place| place.scope = "p2".into()));
        assert!(elsewhere(|place| place.auth_url = "http://127.0.0.2/identity/".into()));
        assert!(elsewhere(|place| place.region = Some("R2".into())));
        assert!(place().shares_scope(&Place { region: Some("R2".into()), ..place() }));
        assert!(!elsewhere(|place| place.cloud = "by another name".into()));
        assert!(!elsewhere(|place| place.auth_url = "http://127.0.0.1/identity".into()));
    }

    fn begin(folder: &Path) -> Journal {
        Journal::begin(folder, &place(), RunId::new(), "2026-11-22T00:00:00Z".parse().unwrap()).unwrap()
    }

    fn abandoned(folder: &Path) -> Vec<Journal> {
        let (found, errors) = Journal::abandoned(folder);
        assert!(errors.is_empty(), "{errors:?}");
        found
    }

    #[test]
    fn a_journal_that_is_left_says_what_may_exist_in_the_order_of_taking_down() {
        let folder = tempfile::tempdir().unwrap();
        let journal = begin(folder.path());
        journal.intend(Kind::Network, "net").unwrap().made("n1").unwrap();
        journal.intend(Kind::Volume, "refused").unwrap().refused().unwrap();
        journal.intend(Kind::Volume, "gone").unwrap().made("v1").unwrap();
        journal.intend(Kind::Server, "unknown").unwrap();
        journal.intend_within(Kind::Bucket, "bucket", Some("http://s3")).unwrap();
        let entry = journal.intend(Kind::Volume, "late").unwrap();
        entry.gone().unwrap();
        let run = journal.run().clone();
        assert!(!journal.close().unwrap(), "something is left");
        drop((journal, entry));

        let left = abandoned(folder.path());
        assert_eq!(left.len(), 1);
        assert_eq!((left[0].run(), left[0].place()), (&run, &place()));
        let open: Vec<_> =
            left[0].open().into_iter().map(|open| (open.kind, open.name, open.id, open.within)).collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            open,
            [
                (Kind::Server, "unknown".into(), None, None),
                (Kind::Network, "net".into(), text("n1"), None),
                (Kind::Volume, "gone".into(), text("v1"), None),
                (Kind::Bucket, "bucket".into(), None, text("http://s3")),
            ]
        );
        for open in left[0].open() {
            left[0].entry(&open).gone().unwrap();
        }
        assert!(left[0].close().unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_number_that_no_run_writes_costs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let journal = begin(folder.path());
        let file = folder.path().join(format!("{}.jsonl", journal.run()));
        journal.intend(Kind::Volume, "first").unwrap();
        drop(journal);
        let text = fs::read_to_string(&file).unwrap();
        let line = text.lines().last().unwrap();
        let odd = line.replace("\"seq\":0", &format!("\"seq\":{}", usize::MAX)).replace("first", "odd");
        assert_ne!(odd, line);
        fs::write(&file, format!("{text}{odd}\n")).unwrap();
        let left = abandoned(folder.path());
        let names: Vec<_> = left[0].open().into_iter().map(|open| open.name).collect();
        assert_eq!(names, ["odd", "first"]);
        assert!(left[0].intend(Kind::Volume, "more").is_err(), "nothing hides what stands there");
    }

    #[test]
    fn a_mark_that_was_lent_keeps_the_journal_open_until_it_is_back() {
        let folder = tempfile::tempdir().unwrap();
        let journal = begin(folder.path());
        journal.lend_mark().unwrap();
        drop(journal);
        let left = abandoned(folder.path()).remove(0);
        assert!(left.is_mark_lent() && left.open().is_empty());
        assert!(!left.close().unwrap(), "there may be things that it cannot name");
        left.took_mark_back().unwrap();
        drop(left);
        let left = abandoned(folder.path()).remove(0);
        assert!(!left.is_mark_lent() && left.close().unwrap());
        assert!(abandoned(folder.path()).is_empty());
    }

    #[test]
    fn the_journal_of_a_living_run_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let journal = begin(folder.path());
        let other = begin(folder.path());
        drop(other);
        let left = abandoned(folder.path());
        assert_eq!(left.len(), 1);
        assert_ne!(left[0].run(), journal.run());
        assert!(abandoned(folder.path()).is_empty(), "whoever cleans up holds the lock");
    }

    #[test]
    fn whatever_is_cut_off_the_end_the_rest_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let journal = begin(folder.path());
        let path = folder.path().join(format!("{}.{ENDING}", journal.run()));
        journal.intend(Kind::Server, "one").unwrap().made("s1").unwrap();
        journal.intend(Kind::Volume, "two").unwrap();
        drop(journal);
        let whole = fs::read(&path).unwrap();
        let ends: Vec<usize> =
            whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let left = abandoned(folder.path());
            let lines = ends.iter().filter(|end| **end <= cut).count();
            let expected = [None, Some(0), Some(1), Some(1), Some(2)][lines];
            assert_eq!(left.first().map(|journal| journal.open().len()), expected, "cut at {cut}");
            // The next line begins where a whole one ended.
            if let Some(journal) = left.first() {
                journal.intend(Kind::Port, "three").unwrap();
            }
            drop(left);
            let again = abandoned(folder.path());
            assert_eq!(again.first().map(|journal| journal.open().len()), expected.map(|open| open + 1));
        }
    }

    #[test]
    fn a_file_that_is_no_journal_is_an_error_and_hides_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(begin(folder.path()));
        fs::write(folder.path().join("ffffffff.jsonl"), "garbage\n").unwrap();
        fs::write(folder.path().join("notes.txt"), "no journal").unwrap();
        let (found, errors) = Journal::abandoned(folder.path());
        assert_eq!((found.len(), errors.len()), (1, 1));
        assert!(errors[0].to_string().contains("ffffffff.jsonl"), "{}", errors[0]);
    }

    #[test]
    fn nothing_can_be_created_where_no_journal_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(Journal::begin(&file, &place(), RunId::new(), Timestamp::now()).is_err());
    }
}
