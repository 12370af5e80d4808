//! An earlier report, as what a run is compared with.

use std::collections::BTreeMap;

use assay_standards::Verdict;
use assay_testcases::Reading;
use serde::Deserialize;
use thiserror::Error;

use crate::gate::{News, grounds, stands_on};
use crate::identity::identity;
use crate::json::{Kind, ReadError};
use crate::{Report, TestcaseReport};

/// An earlier report.
#[derive(Debug, Clone)]
pub struct Baseline {
    reports: Vec<Past>,
}

/// Why an earlier report says nothing about a run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// It is about others.
    #[error("the baseline is about {}, not about {}", names(.found), .wanted.escape_debug())]
    OtherSubject {
        /// Who is checked.
        wanted: String,
        /// Who it is about.
        found: Vec<String>,
    },
    /// It was made against another scope.
    #[error("the baseline was made against {}, not against this scope", .0.escape_debug())]
    OtherScope(String),
    /// It has not the reading that decides.
    #[error("the baseline was made without the {0} reading, which decides here")]
    OtherReading(&'static str),
}

fn names(all: &[String]) -> String {
    match all {
        [] => "nobody".to_owned(),
        _ => all.iter().map(|name| name.escape_debug().to_string()).collect::<Vec<_>>().join(", "),
    }
}

/// How a run compares with an earlier report, in the reading that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Identifies the earlier report.
    pub run_id: String,
    /// When it was made.
    pub checked_at: String,
    /// So many failures are new.
    pub new: usize,
    /// So many it has as well.
    pub known: usize,
    /// Those that are no more.
    pub mended: Vec<Mended>,
}

/// For each testcase, by id, what is new of its findings; none for what does not count here.
pub(crate) type NewsOfFindings = BTreeMap<String, Vec<Option<News>>>;

/// A failure that is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// The testcase.
    pub testcase: String,
    /// Kind and name of what it failed for.
    pub resource: Option<(String, String)>,
    /// What was expected.
    pub expected: String,
}

#[derive(Deserialize)]
struct Document {
    reports: Vec<Past>,
}

#[derive(Debug, Clone, Deserialize)]
struct Past {
    run_id: String,
    checked_at: String,
    subject: Subject,
    scope: Scope,
    readings: Vec<String>,
    testcases: Vec<Testcase>,
}

#[derive(Debug, Clone, Deserialize)]
struct Subject {
    cloud: String,
    region: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Scope {
    uuid: String,
    name: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Testcase {
    id: String,
    manual: bool,
    official: Option<String>,
    text: Option<String>,
    findings: Vec<Finding>,
}

#[derive(Debug, Clone, Deserialize)]
struct Finding {
    weight: String,
    readings: Vec<String>,
    resource: Option<Thing>,
    expected: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Thing {
    kind: String,
    id: String,
    name: String,
}

impl Baseline {
    /// Reads a JSON report of version 1.
    ///
    /// # Errors
    /// The text is no such report.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        Kind::expect_ours(text)?;
        let Document { reports } = serde_json::from_str(text)?;
        Ok(Baseline { reports })
    }

    /// Makes sure that a run can be compared with it.
    ///
    /// # Errors
    /// It is about others, another scope or another reading.
    pub fn expect_about(&self, cloud: &str, scope: &str, reading: Reading) -> Result<(), BaselineError> {
        let of_cloud = || self.reports.iter().filter(|past| past.subject.cloud == cloud);
        if of_cloud().next().is_none() {
            let found = self.reports.iter().map(|past| past.subject.cloud.clone()).collect();
            return Err(BaselineError::OtherSubject { wanted: cloud.to_owned(), found });
        }
        let mut of_scope = of_cloud().filter(|past| past.scope.uuid == scope).peekable();
        if of_scope.peek().is_none() {
            let name = of_cloud().map(|past| past.scope.name.clone()).next().unwrap_or_default();
            return Err(BaselineError::OtherScope(name));
        }
        match of_scope.any(|past| past.has(reading)) {
            true => Ok(()),
            false => Err(BaselineError::OtherReading(name(reading))),
        }
    }

    /// The report to compare with: of the same region, if one is.
    fn past(&self, report: &Report) -> Option<&Past> {
        let reading = report.chosen.deciding();
        let fits = |past: &&Past| {
            past.subject.cloud == report.subject.cloud
                && past.scope.uuid == report.scope.uuid
                && past.has(reading)
        };
        let region = |past: &&Past| past.subject.region == report.subject.region;
        // Where one of the two names no region, there is but one.
        let unnamed = |past: &&Past| past.subject.region.is_none() || report.subject.region.is_none();
        let all = || self.reports.iter().filter(fits);
        all().find(region).or_else(|| all().find(unnamed))
    }

    /// Compares a run.
    pub(crate) fn compare(&self, report: &Report) -> Option<(NewsOfFindings, Comparison)> {
        let past = self.past(report)?;
        let reading = report.chosen.deciding();
        let mut before = past.failures(reading);
        let mut comparison = Comparison {
            run_id: past.run_id.clone(),
            checked_at: past.checked_at.clone(),
            new: 0,
            known: 0,
            mended: Vec::new(),
        };
        let mut news = BTreeMap::new();
        for testcase in report.asked().filter(|testcase| testcase.verdict(reading) == Some(Verdict::Fail)) {
            let mut one = |finding: &assay_testcases::Finding| {
                let is_known =
                    before.get_mut(&of(testcase, finding)).is_some_and(|same| same.pop().is_some());
                match is_known {
                    true => comparison.known += 1,
                    false => comparison.new += 1,
                }
                if is_known { News::Known } else { News::New }
            };
            let grounds = grounds(testcase, reading);
            let findings = testcase.findings.iter().zip(grounds);
            let all = findings.map(|(finding, is_ground)| is_ground.then(|| one(finding))).collect();
            news.insert(testcase.id.clone(), all);
        }
        // What could not be judged now may still fail.
        let judged = |id: &str| {
            let is_judged = |verdict| matches!(verdict, Some(Verdict::Pass | Verdict::Fail));
            report.asked().any(|testcase| testcase.id == id && is_judged(testcase.verdict(reading)))
        };
        let left = before.into_values().flatten().filter(|mended| judged(&mended.testcase));
        comparison.mended.extend(left);
        Some((news, comparison))
    }
}

fn of(testcase: &TestcaseReport, finding: &assay_testcases::Finding) -> String {
    let thing = finding.resource.as_ref().map(|thing| {
        let name = if thing.name.is_empty() { &thing.id } else { &thing.name };
        (&*thing.kind, name.as_str())
    });
    identity(&testcase.id, thing, &finding.expected)
}

fn name(reading: Reading) -> &'static str {
    match reading {
        Reading::Official => "official",
        Reading::Text => "text",
    }
}

impl Past {
    fn has(&self, reading: Reading) -> bool {
        self.readings.iter().any(|one| one == name(reading))
    }

    /// What failed in a reading, by identity; several of one identity have the same name.
    fn failures(&self, reading: Reading) -> BTreeMap<String, Vec<Mended>> {
        let mut failures: BTreeMap<String, Vec<Mended>> = BTreeMap::new();
        for testcase in self.testcases.iter().filter(|testcase| testcase.failed(reading)) {
            let counts = |finding: &Finding| {
                let is_in = finding.readings.iter().any(|one| one == name(reading));
                (is_in, finding.weight == "failure")
            };
            let grounds = stands_on(testcase.findings.iter().map(counts));
            for (finding, _) in testcase.findings.iter().zip(grounds).filter(|(_, is_ground)| *is_ground) {
                let resource = finding.resource.as_ref().map(|thing| {
                    let name = if thing.name.is_empty() { &thing.id } else { &thing.name };
                    (thing.kind.clone(), name.clone())
                });
                let thing = resource.as_ref().map(|(kind, name)| (kind.as_str(), name.as_str()));
                let mended = Mended {
                    testcase: testcase.id.clone(),
                    expected: finding.expected.clone(),
                    resource: resource.clone(),
                };
                failures.entry(identity(&testcase.id, thing, &finding.expected)).or_default().push(mended);
            }
        }
        failures
    }
}

impl Testcase {
    fn failed(&self, reading: Reading) -> bool {
        let verdict = match reading {
            Reading::Official => &self.official,
            Reading::Text => &self.text,
        };
        !self.manual && verdict.as_deref() == Some(Verdict::Fail.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chosen, fixture, json};

    fn baseline(report: &Report) -> Baseline {
        Baseline::read(&json(std::slice::from_ref(report)).unwrap()).unwrap()
    }

    #[test]
    fn a_report_has_nothing_new_against_itself() {
        for chosen in [Chosen::Both, Chosen::Official, Chosen::Text] {
            let report = Report { chosen, ..fixture::report() };
            let (_, comparison) = baseline(&report).compare(&report).unwrap();
            assert_eq!((comparison.new, comparison.mended.len()), (0, 0), "{chosen:?}");
            assert!(comparison.known > 0, "{chosen:?}");
        }
    }

    #[test]
    fn names_count_and_ids_do_not_and_twins_are_counted() {
        let before = fixture::report();
        let mut now = fixture::report();
        let failing = now.testcases.iter_mut().find(|one| one.id == fixture::FAILS).unwrap();
        for finding in &mut failing.findings {
            finding.resource.as_mut().unwrap().id = "renewed".to_owned();
            finding.found = "something else".into();
        }
        let (_, comparison) = baseline(&before).compare(&now).unwrap();
        assert_eq!((comparison.new, comparison.known), (0, 2));

        let failing = now.testcases.iter_mut().find(|one| one.id == fixture::FAILS).unwrap();
        let twin = failing.findings[0].clone();
        failing.findings.insert(0, twin);
        failing.findings[2].resource.as_mut().unwrap().name = "SCS-8V-16".to_owned();
        let (news, comparison) = baseline(&before).compare(&now).unwrap();
        assert_eq!(news[fixture::FAILS], [Some(News::Known), Some(News::New), Some(News::New)]);
        let mended: Vec<_> = comparison.mended.iter().map(|one| one.expected.as_str()).collect();
        assert_eq!(mended, ["4 vCPUs"]);
    }

    #[test]
    fn what_could_not_be_judged_is_not_mended() {
        let before = fixture::report();
        let mut now = fixture::report();
        for (verdict, mended) in [(Verdict::Pass, 2), (Verdict::Abort, 0), (Verdict::Miss, 0)] {
            let testcase = now.testcases.iter_mut().find(|one| one.id == fixture::FAILS).unwrap();
            testcase.official = Some(verdict);
            testcase.findings.clear();
            let (_, comparison) = baseline(&before).compare(&now).unwrap();
            assert_eq!((comparison.known, comparison.mended.len()), (0, mended), "{verdict}");
        }
    }

    #[test]
    fn what_says_nothing_about_a_run_is_refused() {
        let report = Report { chosen: Chosen::Text, ..fixture::report() };
        let (baseline, uuid) = (baseline(&report), report.scope.uuid.as_str());
        let refused = |cloud, scope, reading| {
            baseline.expect_about(cloud, scope, reading).map_err(|error| error.to_string())
        };
        assert_eq!(refused("demo", uuid, Reading::Text), Ok(()));
        assert_eq!(
            refused("prod", uuid, Reading::Text).unwrap_err(),
            "the baseline is about demo, not about prod"
        );
        assert_eq!(
            refused("demo", "other", Reading::Text).unwrap_err(),
            "the baseline was made against SCS-compatible IaaS, not against this scope"
        );
        assert_eq!(
            refused("demo", uuid, Reading::Official).unwrap_err(),
            "the baseline was made without the official reading, which decides here"
        );
        let newer = Baseline::read(r#"{"format": "assay-report", "version": 2}"#).unwrap_err();
        assert!(matches!(newer, ReadError::Other { version: 2, .. }));
        assert!(Baseline::read("subject: x").is_err());
    }
}
