use std::collections::BTreeMap;

use assay_inventory::{Call, FactId, Leftover, Subject, Unavailable};
use assay_standards::Verdict;
use assay_standards::scope::Validity;
use assay_testcases::{Demand, Finding, Reading, Readings};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::declared::Declared;
use crate::gate::Gate;

/// The readings that a run was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Chosen {
    /// The official one alone.
    Official,
    /// The text one alone.
    Text,
    /// Both; the official one decides.
    #[default]
    Both,
}

impl Chosen {
    /// The reading that decides exit code and verdict lines.
    pub fn deciding(self) -> Reading {
        match self {
            Chosen::Text => Reading::Text,
            Chosen::Official | Chosen::Both => Reading::Official,
        }
    }

    /// Whether the text reading is shown.
    pub fn shows_text(self) -> bool {
        self != Chosen::Official
    }

    /// Whether the official reading is shown.
    pub fn shows_official(self) -> bool {
        self != Chosen::Text
    }

    /// Whether a reading was asked for.
    pub fn includes(self, reading: Reading) -> bool {
        match reading {
            Reading::Official => self.shows_official(),
            Reading::Text => self.shows_text(),
        }
    }

    /// Whether a finding that counts in `readings` belongs into what is shown.
    pub fn shows(self, readings: Readings) -> bool {
        [Reading::Official, Reading::Text]
            .into_iter()
            .any(|reading| self.includes(reading) && readings.include(reading))
    }
}

/// What one subject came to in one run.
#[derive(Debug, Clone)]
pub struct Report {
    /// Identifies the run.
    pub run_id: Uuid,
    /// Program and version.
    pub tool: String,
    /// The arguments of the program, for the record.
    pub arguments: Vec<String>,
    /// The address of the monitor that alone may take it.
    pub audience: Option<String>,
    /// The version that was forced.
    pub forced_version: Option<String>,
    /// The pattern of testcases that was asked for.
    pub forced_testcases: Option<String>,
    /// Variables of the scope spec as assigned by the user.
    pub assignment: BTreeMap<String, String>,
    /// Who was checked.
    pub subject: Subject,
    /// The scope.
    pub scope: Scope,
    /// The day for which versions and lifetimes count.
    pub reference_date: Date,
    /// When the facts were recorded.
    pub recorded_at: Timestamp,
    /// The instant that counted as now in judging.
    pub judged_at: Timestamp,
    /// When the report was made.
    pub checked_at: Timestamp,
    /// The readings that were asked for.
    pub chosen: Chosen,
    /// The versions in question.
    pub versions: Vec<VersionSummary>,
    /// The testcases, in the order of the spec.
    pub testcases: Vec<TestcaseReport>,
    /// Facts that could not be had.
    pub unavailable: Vec<UnavailableFact>,
    /// What was created and could not be taken down.
    pub leftovers: Vec<Leftover>,
    /// How long the facts took.
    pub timings: Timings,
    /// What decides how the run ends beside the verdicts.
    pub gate: Gate,
}

/// The scope of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Identifies it.
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// Where its spec is published.
    pub url: String,
}

/// A version of the scope and what its targets came to.
#[derive(Debug, Clone)]
pub struct VersionSummary {
    /// Such as `v5.1`.
    pub version: String,
    /// What the timeline says on the reference date; none if it does not list the version.
    pub validity: Option<Validity>,
    /// Since when the version is frozen.
    pub stabilized_at: Option<Date>,
    /// Its targets, most binding first.
    pub targets: Vec<TargetSummary>,
}

/// A target and what it came to.
#[derive(Debug, Clone)]
pub struct TargetSummary {
    /// Such as `main`.
    pub target: String,
    /// The verdicts of the official reading; testcases of our own do not count.
    pub official: Tally,
    /// The verdicts of the text reading.
    pub text: Tally,
}

impl TargetSummary {
    /// The tally of a reading.
    pub fn tally(&self, reading: Reading) -> Tally {
        match reading {
            Reading::Official => self.official,
            Reading::Text => self.text,
        }
    }
}

/// How many testcases came to which verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// PASS.
    pub pass: usize,
    /// FAIL.
    pub fail: usize,
    /// ABORT.
    pub abort: usize,
    /// MISS.
    pub miss: usize,
    /// As many of the passes are what people declared, not measured.
    pub declared_pass: usize,
    /// As many of the failures are what people declared, not measured.
    pub declared_fail: usize,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Pass => self.pass += 1,
            Verdict::Fail => self.fail += 1,
            Verdict::Abort => self.abort += 1,
            Verdict::Miss => self.miss += 1,
        }
    }

    /// How many are what people declared.
    pub fn declared(self) -> usize {
        self.declared_pass + self.declared_fail
    }

    /// The counts as they are shown, what does not conform first: those that were measured by verdict, and how
    /// many people declared.
    pub fn counted(self) -> impl Iterator<Item = (usize, &'static str)> {
        [
            (self.fail.saturating_sub(self.declared_fail), "fail"),
            (self.abort, "abort"),
            (self.miss, "miss"),
            (self.pass.saturating_sub(self.declared_pass), "pass"),
            (self.declared(), "declared"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
    }

    /// How many in all.
    pub fn total(self) -> usize {
        self.pass + self.fail + self.abort + self.miss
    }

    /// The verdict of the set: FAIL before MISS before ABORT before PASS.
    pub fn verdict(self) -> Verdict {
        match self {
            Tally { fail: 1.., .. } => Verdict::Fail,
            Tally { miss: 1.., .. } => Verdict::Miss,
            Tally { abort: 1.., .. } => Verdict::Abort,
            Tally { .. } => Verdict::Pass,
        }
    }
}

/// A version and target that include a testcase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The version.
    pub version: String,
    /// The target.
    pub target: String,
}

/// What one testcase came to.
#[derive(Debug, Clone)]
pub struct TestcaseReport {
    /// Its id.
    pub id: String,
    /// What it checks, in one line.
    pub title: String,
    /// The document that demands it; empty for a testcase that this program does not know.
    pub standard: String,
    /// The place in the document.
    pub clause: String,
    /// How binding it is; none for a testcase that this program does not know.
    pub demand: Option<Demand>,
    /// Why it matters.
    pub explanation: String,
    /// What to do when it fails.
    pub remedy: String,
    /// Where it is explained.
    pub url: Option<String>,
    /// Where it counts.
    pub places: Vec<Membership>,
    /// Whether the reference suite lacks it.
    pub own: bool,
    /// Whether people decide; then no run is asked for it.
    pub manual: bool,
    /// What a person stated about it. Its verdicts are then no measurements.
    pub declared: Option<Declared>,
    /// The verdict of the reference suite; none for a testcase of our own.
    pub official: Option<Verdict>,
    /// The verdict that the text asks for.
    pub text: Verdict,
    /// What was seen.
    pub findings: Vec<Finding>,
    /// Why the verdicts differ, or could.
    pub differences: Vec<String>,
}

impl TestcaseReport {
    /// The verdict of a reading.
    pub fn verdict(&self, reading: Reading) -> Option<Verdict> {
        match reading {
            Reading::Official => self.official,
            Reading::Text => Some(self.text),
        }
    }

    /// Whether the readings come to different verdicts.
    pub fn differs(&self) -> bool {
        self.official.is_some_and(|official| official != self.text)
    }

    /// The most binding target that includes it, over all versions.
    pub fn target(&self) -> Option<&str> {
        const RANKS: [&str; 3] = ["main", "recommended", "preview"];
        let rank = |target: &str| RANKS.iter().position(|rank| *rank == target).unwrap_or(RANKS.len());
        self.places.iter().map(|place| place.target.as_str()).min_by_key(|target| rank(target))
    }
}

/// A fact that could not be had.
#[derive(Debug, Clone)]
pub struct UnavailableFact {
    /// The fact.
    pub fact: FactId,
    /// Why.
    pub why: Unavailable,
}

/// How long the facts took.
#[derive(Debug, Clone, Default)]
pub struct Timings {
    /// Per fact, in the order of their first call.
    pub facts: Vec<FactTiming>,
    /// Microseconds for the token and then the slowest single fact: no run can be faster.
    pub critical_path_us: u64,
    /// Microseconds from the first call to the end of the last.
    pub wall_us: u64,
    /// Every call.
    pub calls: Vec<Call>,
}

/// How long one fact took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactTiming {
    /// The fact.
    pub fact: FactId,
    /// Microseconds from the start of the run to its first call.
    pub started_us: u64,
    /// Microseconds from its first call to the end of its last.
    pub duration_us: u64,
    /// Number of calls, retries included.
    pub calls: usize,
}

impl Report {
    /// The versions, those first for which certificates are granted.
    pub fn versions_by_weight(&self) -> Vec<&VersionSummary> {
        let mut versions: Vec<&VersionSummary> = self.versions.iter().collect();
        versions.sort_by_key(|version| !version.validity.is_some_and(Validity::certifiable));
        versions
    }

    /// The testcases that the run was asked for: all but those that people decide.
    pub fn asked(&self) -> impl Iterator<Item = &TestcaseReport> {
        self.testcases.iter().filter(|testcase| !testcase.manual)
    }

    /// The verdict of a reading, if the run was asked for that reading and the testcase has it.
    pub fn verdict(&self, testcase: &TestcaseReport, reading: Reading) -> Option<Verdict> {
        testcase.verdict(reading).filter(|_| self.chosen.includes(reading))
    }

    /// What was seen, as far as it counts in a reading that the run was asked for.
    pub fn findings<'a>(&self, testcase: &'a TestcaseReport) -> impl Iterator<Item = &'a Finding> {
        let chosen = self.chosen;
        testcase.findings.iter().filter(move |finding| chosen.shows(finding.readings))
    }

    /// Whether the run was asked for both readings and they come to different verdicts.
    pub fn differs(&self, testcase: &TestcaseReport) -> bool {
        self.chosen == Chosen::Both && testcase.differs()
    }

    /// What the run came to, in a reading: that which decides, or the text where only testcases were asked for that the official
    /// reading does not have. Without any testcase it is MISS.
    pub fn summary(&self) -> (Reading, Tally, Verdict) {
        let deciding = self.chosen.deciding();
        let has_any = |reading: &Reading| self.tally(*reading).total() > 0;
        let text = Some(Reading::Text).filter(|_| self.chosen.shows_text()).filter(has_any);
        let reading = Some(deciding).filter(has_any).or(text).unwrap_or(deciding);
        let tally = self.tally(reading);
        (reading, tally, if tally.total() == 0 { Verdict::Miss } else { tally.verdict() })
    }

    /// The verdicts of a reading over the testcases that the run was asked for.
    pub fn tally(&self, reading: Reading) -> Tally {
        let mut tally = Tally::default();
        for verdict in self.asked().filter_map(|testcase| testcase.verdict(reading)) {
            tally.add(verdict);
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_summary_is_about_what_was_asked_for() {
        let mut report = fixture::report();
        let (reading, tally, verdict) = report.summary();
        assert_eq!((reading, verdict), (Reading::Official, tally.verdict()));
        report.testcases.retain(|testcase| testcase.id == fixture::OWN);
        let (reading, tally, verdict) = report.summary();
        assert_eq!((reading, tally.total(), verdict), (Reading::Text, 1, report.testcases[0].text));
        report.testcases.clear();
        let (reading, tally, verdict) = report.summary();
        assert_eq!((reading, tally.total(), verdict), (Reading::Official, 0, Verdict::Miss));
    }
}
