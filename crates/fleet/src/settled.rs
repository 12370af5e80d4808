//! Up to when the subjects of schedules are done: what tells a daemon that was away what it has missed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::outbox::{private_folder, write_durably};
use crate::record::{Line, Past};
use crate::schedule::Schedule;

/// Up to when the subjects of schedules are done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    schedules: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// The times of the schedule: nobody has missed one of times that were not those of the schedule then.
    at: String,
    subjects: BTreeMap<String, Timestamp>,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be {what}: {cause}", path.display())]
pub struct SettledError {
    path: PathBuf,
    what: &'static str,
    cause: io::Error,
}

impl Settled {
    /// What a file says, and what runs since then have done; nothing if there is no such file.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(path: &Path) -> Result<Self, SettledError> {
        let failed = |cause| SettledError { path: path.to_owned(), what: "read", cause };
        match fs::read(path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| failed(error.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Settled::default()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), SettledError> {
        let failed = |cause| SettledError { path: path.to_owned(), what: "written", cause };
        let text = serde_json::to_vec(self).map_err(|error| failed(error.into()))?;
        private_folder(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
        write_durably(path, &text).map_err(failed)
    }

    /// Takes note of a schedule and its subjects. Who is new has missed nothing so far, and so have all if the times are
    /// other ones than before.
    pub fn meet<'s>(
        &mut self,
        name: &str,
        schedule: &Schedule,
        subjects: impl IntoIterator<Item = &'s str>,
        now: Timestamp,
    ) {
        let entry = self.schedules.entry(name.to_owned()).or_default();
        let at = schedule.definition();
        if entry.at != at {
            *entry = Entry { at, subjects: BTreeMap::new() };
        }
        for subject in subjects {
            entry.subjects.entry(subject.to_owned()).or_insert(now);
        }
    }

    /// Forgets schedules and subjects that are no longer there: when they come back, they have missed nothing.
    pub fn keep(&mut self, is_there: impl Fn(&str, &str) -> bool) {
        for (schedule, entry) in &mut self.schedules {
            entry.subjects.retain(|subject, _| is_there(schedule, subject));
        }
        self.schedules.retain(|_, entry| !entry.subjects.is_empty());
    }

    /// Up to when each subject of a schedule is done.
    pub fn of(&self, schedule: &str) -> &BTreeMap<String, Timestamp> {
        static NONE: BTreeMap<String, Timestamp> = BTreeMap::new();
        self.schedules.get(schedule).map_or(&NONE, |entry| &entry.subjects)
    }

    /// Notes that a subject is done, up to a time of the schedule.
    pub fn settle(&mut self, schedule: &str, subject: &str, at: Timestamp) {
        let Some(entry) = self.schedules.get_mut(schedule) else { return };
        if let Some(until) = entry.subjects.get_mut(subject) {
            *until = at.max(*until);
        }
    }

    /// Notes what a run has done, whether it came to its end or not.
    pub fn learn(&mut self, past: &Past) {
        let Some(Line::Begun { occasion: Some(occasion), subjects, .. }) = past.lines.first() else { return };
        let done = past.done();
        for subject in subjects {
            if done.contains(subject.as_str()) || past.is_given_up(subject) {
                self.settle(&occasion.schedule, subject, occasion.at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::record::Occasion;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn schedule(times: &str) -> Schedule {
        let text = format!(
            "[presets.a]\nscopes = ['x']\nsubjects = ['green']\n[schedules.a]\npreset = 'a'\nat = '{times}'\n"
        );
        let config = Config::read("config.toml", &text, Path::new(".")).unwrap();
        config.schedules["a"].clone()
    }

    #[test]
    fn who_is_new_has_missed_nothing_and_what_is_done_is_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("fleet/daemon.json");
        let mut settled = Settled::read(&file).unwrap();
        settled.meet("nightly", &schedule("0 2 * * *"), ["green", "red"], at(100));
        settled.settle("nightly", "green", at(200));
        settled.settle("nightly", "red", at(50));
        settled.settle("nightly", "stranger", at(200));
        settled.write(&file).unwrap();
        let mut settled = Settled::read(&file).unwrap();
        settled.meet("nightly", &schedule("0 2 * * *"), ["green", "red", "new"], at(300));
        let until = |settled: &Settled, name: &str| settled.of("nightly").get(name).copied();
        assert_eq!(until(&settled, "green"), Some(at(200)));
        assert_eq!(until(&settled, "red"), Some(at(100)));
        assert_eq!(until(&settled, "new"), Some(at(300)));
        assert_eq!(until(&settled, "stranger"), None);
        settled.keep(|_, subject| subject != "red");
        assert_eq!(until(&settled, "red"), None);
        settled.keep(|schedule, _| schedule != "weekly");
        assert_eq!(until(&settled, "green"), Some(at(200)));
        settled.meet("nightly", &schedule("0 3 * * *"), ["green"], at(400));
        assert_eq!(until(&settled, "green"), Some(at(400)), "3 o'clock was no time of it before");
        fs::write(&file, "{").unwrap();
        assert!(Settled::read(&file).is_err());
    }

    #[test]
    fn of_a_run_that_was_killed_only_what_is_done_is_done() {
        let occasion = Some(Occasion { schedule: "nightly".into(), at: at(200) });
        let begun = Line::Begun {
            at: at(201),
            about: String::new(),
            preset: None,
            subjects: vec!["green".into(), "red".into(), "held".into()],
            occasion,
        };
        let done = Line::Done { at: at(202), subject: "green".into() };
        let held = Line::LeftOut { at: at(202), subject: "held".into(), why: String::new(), postponed: true };
        let mut past = Past { id: String::new(), is_alive: false, lines: vec![begun, done, held] };
        let mut settled = Settled::default();
        settled.meet("nightly", &schedule("0 2 * * *"), ["green", "red", "held"], at(100));
        let until = |settled: &Settled| settled.of("nightly").values().copied().collect::<Vec<_>>();
        settled.learn(&past);
        assert_eq!(until(&settled), [at(200), at(100), at(100)]);
        past.lines.push(Line::Ended { at: at(203) });
        settled.learn(&past);
        assert_eq!(until(&settled), [at(200), at(100), at(100)], "nothing was found out of two");
        let given_up = |name: &str| Line::LeftOut {
            at: at(204),
            subject: name.into(),
            why: String::new(),
            postponed: false,
        };
        past.lines.push(given_up("red"));
        settled.learn(&past);
        assert_eq!(until(&settled), [at(200), at(100), at(200)], "who is held back is still to be checked");
    }
}
