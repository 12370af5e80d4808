//! What became of every test of the list, out of the packets of a run.

use std::collections::{BTreeMap, HashMap, HashSet};

use assay_inventory::{TempestFailure, TempestSkip};

use crate::list::Test;
use crate::reason;
use crate::subunit::{Packet, Status};

/// Bytes of a file of one test that are kept; of tracebacks that are longer, the end counts.
const KEPT: usize = 64 << 10;
/// What Tempest names the preparation of a class.
const CLASS_SETUP: &str = "setUpClass";

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It was skipped.
    Skipped,
}

/// How many tests ended in which way so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed, and classes of tests whose needs could not be met.
    pub failed: usize,
    /// Tests that were skipped.
    pub skipped: usize,
}

impl Counts {
    /// All that have ended.
    pub fn ended(&self) -> usize {
        self.passed + self.failed + self.skipped
    }
}

/// What a packet told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// A test has begun.
    Began(String),
    /// A test, or all tests of a class, came to an end.
    Ended { name: String, ending: Ending, reason: String },
}

/// Follows a run.
#[derive(Debug)]
pub(crate) struct Tally<'a> {
    /// The tests that are to run, by their idempotent id.
    tests: HashMap<&'a str, &'a Test>,
    /// Files of tests that have not ended, by the test's id in the stream and their name.
    files: HashMap<String, BTreeMap<String, Vec<u8>>>,
    ended: HashSet<&'a str>,
    counts: Counts,
    passed: Vec<&'a str>,
    failed: Vec<TempestFailure>,
    skipped: Vec<TempestSkip>,
}

/// What became of the tests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tallied {
    pub(crate) passed: Vec<String>,
    pub(crate) failed: Vec<TempestFailure>,
    pub(crate) skipped: Vec<TempestSkip>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(tests: impl IntoIterator<Item = &'a Test>) -> Self {
        Tally {
            tests: tests.into_iter().map(|test| (test.id.as_str(), test)).collect(),
            files: HashMap::new(),
            ended: HashSet::new(),
            counts: Counts::default(),
            passed: Vec::new(),
            failed: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// How many tests have ended in which way.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a packet in.
    pub(crate) fn packet(&mut self, packet: Packet) -> Option<News> {
        let id = packet.test?;
        if let Some((name, bytes)) = packet.file
            && (name.starts_with("traceback") || name == "reason")
        {
            let file = self.files.entry(id.clone()).or_default().entry(name).or_default();
            file.extend_from_slice(&bytes);
            let excess = file.len().saturating_sub(KEPT);
            file.drain(..excess);
        }
        let ending = match packet.status? {
            Status::Exists => return None,
            Status::InProgress => {
                return self.test(&id).map(|test| News::Began(test.name.clone()));
            }
            Status::Success | Status::ExpectedFailure => Ending::Passed,
            Status::Skip => Ending::Skipped,
            Status::Fail | Status::UnexpectedSuccess => Ending::Failed,
        };
        let files = self.files.remove(&id).unwrap_or_default();
        match (self.test(&id), class_of(&id)) {
            (Some(test), _) => self.test_ended(test, ending, &files),
            (None, Some(class)) => self.class_ended(&id, class, ending, &files),
            // Not one of ours.
            (None, None) => None,
        }
    }

    fn test(&self, id: &str) -> Option<&'a Test> {
        self.tests.get(idempotent_id(id)?).copied()
    }

    fn test_ended(
        &mut self,
        test: &'a Test,
        ending: Ending,
        files: &BTreeMap<String, Vec<u8>>,
    ) -> Option<News> {
        // A test may fail more than once, in itself and in what it takes down.
        if !self.ended.insert(&test.id) {
            return None;
        }
        let name = test.name.clone();
        let reason = match ending {
            Ending::Passed => {
                self.counts.passed += 1;
                self.passed.push(&test.name);
                String::new()
            }
            Ending::Skipped => {
                self.counts.skipped += 1;
                let reason = skip_reason(files);
                self.skipped.push(TempestSkip { name: name.clone(), reason: reason.clone() });
                reason
            }
            Ending::Failed => self.fail(name.clone(), Some(test.id.clone()), files),
        };
        Some(News::Ended { name, ending, reason })
    }

    /// A class ends as a whole only if something is wrong with it, or if all its tests are skipped.
    fn class_ended(
        &mut self,
        id: &str,
        class: &str,
        ending: Ending,
        files: &BTreeMap<String, Vec<u8>>,
    ) -> Option<News> {
        match ending {
            Ending::Passed => None,
            Ending::Failed => {
                let reason = self.fail(id.to_owned(), None, files);
                Some(News::Ended { name: id.to_owned(), ending, reason })
            }
            Ending::Skipped => {
                let reason = skip_reason(files);
                let mut tests: Vec<&'a Test> =
                    self.tests.values().copied().filter(|test| test.class == class).collect();
                tests.sort_unstable_by_key(|test| &test.name);
                for test in tests {
                    if self.ended.insert(&test.id) {
                        self.counts.skipped += 1;
                        self.skipped.push(TempestSkip { name: test.name.clone(), reason: reason.clone() });
                    }
                }
                Some(News::Ended { name: class.to_owned(), ending, reason })
            }
        }
    }

    fn fail(&mut self, name: String, id: Option<String>, files: &BTreeMap<String, Vec<u8>>) -> String {
        self.counts.failed += 1;
        // The first traceback is that of the test, further ones come from what it takes down.
        let traceback = files.iter().find(|(name, _)| name.starts_with("traceback"));
        let text = traceback.map(|(_, bytes)| String::from_utf8_lossy(bytes)).unwrap_or_default();
        let mut reason = reason::of(&text);
        if reason.is_empty() {
            reason = "Tempest gave no reason".into();
        }
        self.failed.push(TempestFailure {
            name,
            id,
            reason: reason.clone(),
            details: reason::details(&text),
        });
        reason
    }

    /// What it came to.
    pub(crate) fn finish(self) -> Tallied {
        let mut passed: Vec<String> = self.passed.into_iter().map(str::to_owned).collect();
        let (mut failed, mut skipped) = (self.failed, self.skipped);
        passed.sort_unstable();
        failed.sort_by(|a, b| a.name.cmp(&b.name));
        skipped.sort_by(|a, b| a.name.cmp(&b.name));
        Tallied { passed, failed, skipped }
    }
}

/// The UUID in `name[id-UUID,tag]`.
pub(crate) fn idempotent_id(id: &str) -> Option<&str> {
    let inside = id.split_once("[id-")?.1;
    inside.split([',', ']']).next()
}

/// The class in `setUpClass (CLASS)` or `tearDownClass (CLASS)`.
fn class_of(id: &str) -> Option<&str> {
    let (what, class) = id.split_once(" (")?;
    matches!(what, CLASS_SETUP | "tearDownClass").then(|| class.trim_end_matches(')'))
}

fn skip_reason(files: &BTreeMap<String, Vec<u8>>) -> String {
    let text = files.get("reason").map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
    let line: Vec<&str> = text.split_whitespace().collect();
    if line.is_empty() { "Tempest gave no reason".into() } else { reason::shortened(&line.join(" "), 400) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TestList;

    const FLAVORS: &str = "tempest.api.compute.flavors.test_flavors.FlavorsV2TestJSON";

    fn status(test: &str, status: Status) -> Packet {
        Packet { test: Some(test.into()), status: Some(status), file: None }
    }

    fn attached(test: &str, name: &str, content: &str) -> Packet {
        Packet { test: Some(test.into()), status: None, file: Some((name.into(), content.into())) }
    }

    fn flavors() -> Vec<&'static Test> {
        TestList::scs_0128().matching("FlavorsV2TestJSON")
    }

    #[test]
    fn tests_are_counted_once_whatever_they_are_called_today() {
        let tests = flavors();
        let first = tests[0].load_line();
        let renamed = format!("tempest.api.compute.other.Renamed.test_now[id-{}]", tests[1].id);
        let mut tally = Tally::new(tests.iter().copied());
        assert_eq!(tally.packet(status(&first, Status::Exists)), None);
        assert_eq!(
            tally.packet(status(&first, Status::InProgress)),
            Some(News::Began(tests[0].name.clone()))
        );
        let ended = tally.packet(status(&first, Status::Success));
        assert!(matches!(ended, Some(News::Ended { ending: Ending::Passed, .. })));

        tally.packet(attached(&renamed, "traceback", "  File \"a\"\na.b.Timeout: too "));
        tally.packet(attached(&renamed, "traceback", "late"));
        tally.packet(attached(&renamed, "traceback-1", "  File \"a\"\nother: of the cleanup"));
        tally.packet(attached(&renamed, "pythonlogging:''", "a lot of noise"));
        tally.packet(status(&renamed, Status::Fail));
        assert_eq!(tally.packet(status(&renamed, Status::Fail)), None, "counted once");
        assert_eq!(tally.packet(status("tempest.other[id-1]", Status::Fail)), None, "not on the list");
        assert_eq!(tally.packet(Packet::default()), None);

        assert_eq!(tally.counts(), Counts { passed: 1, failed: 1, skipped: 0 });
        let tallied = tally.finish();
        assert_eq!(tallied.passed, [tests[0].name.clone()]);
        assert_eq!(
            tallied.failed,
            [TempestFailure {
                name: tests[1].name.clone(),
                id: Some(tests[1].id.clone()),
                reason: "Timeout: too late".into(),
                details: "File \"a\"\na.b.Timeout: too late".into(),
            }]
        );
    }

    #[test]
    fn a_class_that_is_skipped_skips_its_tests() {
        let tests = flavors();
        let mut tally = Tally::new(tests.iter().copied());
        tally.packet(status(&tests[1].load_line(), Status::Success));
        let class = format!("setUpClass ({FLAVORS})");
        tally.packet(attached(&class, "reason", "Nova is\n not available"));
        let news = tally.packet(status(&class, Status::Skip));
        assert_eq!(
            news,
            Some(News::Ended {
                name: FLAVORS.into(),
                ending: Ending::Skipped,
                reason: "Nova is not available".into()
            })
        );
        let tallied = tally.finish();
        let skip = TempestSkip { name: tests[0].name.clone(), reason: "Nova is not available".into() };
        assert_eq!((tallied.passed.len(), tallied.skipped), (1, vec![skip]));
    }

    #[test]
    fn a_class_whose_needs_fail_is_a_failure_of_its_own() {
        let tests = flavors();
        let mut tally = Tally::new(tests.iter().copied());
        let class = format!("setUpClass ({FLAVORS})");
        tally.packet(attached(&class, "traceback", "  File \"a\"\nx.Forbidden: Forbidden"));
        tally.packet(status(&class, Status::Fail));
        let tallied = tally.finish();
        assert_eq!(tallied.failed.len(), 1);
        assert_eq!((tallied.failed[0].name.as_str(), &tallied.failed[0].id), (class.as_str(), &None));
        assert_eq!(tallied.failed[0].reason, "Forbidden: Forbidden");
        assert!(tallied.passed.is_empty() && tallied.skipped.is_empty(), "its tests came to nothing");
    }

    #[test]
    fn of_endless_files_the_end_is_kept() {
        let tests = flavors();
        let id = tests[0].load_line();
        let mut tally = Tally::new(tests.iter().copied());
        for _ in 0..100 {
            tally.packet(attached(&id, "traceback", &"  noise\n".repeat(1000)));
        }
        tally.packet(attached(&id, "traceback", "a.Error: the cause"));
        tally.packet(status(&id, Status::Fail));
        assert_eq!(tally.finish().failed[0].reason, "Error: the cause");
    }
}
