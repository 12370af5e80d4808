//! What decides how a run ends beside the verdicts: waivers, and an earlier report. Neither changes a verdict; they say
//! which failures do not count for the exit code.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use assay_standards::Verdict;
use assay_testcases::{Finding, Reading, Weight};

use crate::baseline::{Baseline, Comparison, Mended};
use crate::text::visible;
use crate::waivers::{Waiver, Waivers};
use crate::{Report, Tally, TestcaseReport};

/// Whether a failure was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// The earlier report does not have it.
    New,
    /// It has.
    Known,
}

impl News {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            News::New => "new",
            News::Known => "known",
        }
    }
}

/// What is to be said of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mark {
    /// The waiver that covers it, in force or not.
    pub waiver: Option<Arc<Waiver>>,
    /// Whether the waiver is in force.
    pub is_waived: bool,
    /// Whether it was there before; none without a baseline, or if it does not count in the deciding reading.
    pub news: Option<News>,
}

/// What is said of a finding when there is nothing to say.
static UNMARKED: Mark = Mark { waiver: None, is_waived: false, news: None };

impl Mark {
    /// Whether it does not count for the exit code.
    pub fn is_excused(&self) -> bool {
        self.is_waived || self.news == Some(News::Known)
    }

    /// The waiver in words.
    pub fn waiver_words(&self) -> Option<String> {
        let Waiver { reason, owner, expires, .. } = self.waiver.as_deref()?;
        let words = match self.is_waived {
            true => format!("waived until {expires} by {owner}: {reason}"),
            false => format!("the waiver by {owner} expired on {expires}: {reason}"),
        };
        Some(visible(&words).into_owned())
    }

    /// All that is to be said, in words: whether it is new, and the waiver.
    pub fn words(&self) -> impl Iterator<Item = String> {
        self.news.map(|news| news.as_str().to_owned()).into_iter().chain(self.waiver_words())
    }
}

/// What a waiver does in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It covers something.
    InForce,
    /// It covered something, but has expired.
    Expired,
    /// It covers nothing, in no subject of the run, though its testcase was judged.
    Idle,
}

/// Waivers, earlier report and what they come to, for one report.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    /// The waivers that matter here: what each does and for how many findings.
    pub waivers: Vec<(Arc<Waiver>, Effect, usize)>,
    /// How the run compares with the earlier report.
    pub comparison: Option<Comparison>,
    /// By testcase, one for each finding.
    marks: BTreeMap<String, Vec<Mark>>,
}

impl Gate {
    /// What somebody should look at: waivers that expired, and those that cover nothing.
    pub fn remarks(&self) -> impl Iterator<Item = String> {
        self.waivers.iter().filter_map(|(waiver, effect, findings)| {
            let (about, expires) = (waiver.about(), waiver.expires);
            let owner = visible(&waiver.owner);
            match effect {
                Effect::InForce => None,
                Effect::Expired => {
                    let [noun, verb] = if *findings == 1 { ["finding", "counts"] } else { ["findings", "count"] };
                    Some(format!(
                        "the waiver of {about} by {owner} expired on {expires}: {findings} {noun} {verb} again"
                    ))
                }
                Effect::Idle => {
                    Some(format!("the waiver of {about} by {owner}, until {expires}, covers nothing"))
                }
            }
        })
    }
}

impl Comparison {
    /// Such as `1 new, 4 known, 2 mended`.
    pub fn counted(&self) -> String {
        format!("{} new, {} known, {} mended", self.new, self.known, self.mended.len())
    }
}

impl Mended {
    /// Such as `scs-0103-flavor-4v-16: flavor "SCS-4V-16": 4 vCPUs`.
    pub fn words(&self) -> String {
        let mut words = self.testcase.clone();
        if let Some((kind, name)) = &self.resource {
            let _ = write!(words, ": {kind} \"{name}\"");
        }
        if !self.expected.is_empty() {
            let _ = write!(words, ": {}", self.expected);
        }
        visible(&words).into_owned()
    }
}

/// Marks what waivers and an earlier report say about reports of one run.
pub fn gate(reports: &mut [Report], waivers: Option<&Waivers>, baseline: Option<&Baseline>) {
    let none = Waivers::default();
    let waivers = waivers.unwrap_or(&none);
    for report in &mut *reports {
        let compared = baseline.and_then(|baseline| baseline.compare(report));
        let (news, comparison) = compared.map_or_else(Default::default, |(news, all)| (news, Some(all)));
        let marks: BTreeMap<String, Vec<Mark>> = report
            .testcases
            .iter()
            .map(|testcase| {
                let news = news.get(&testcase.id).map_or(&[][..], Vec::as_slice);
                (testcase.id.clone(), marks(report, testcase, waivers, news))
            })
            .collect();
        let covered = |waiver: &Arc<Waiver>| {
            let by = |mark: &&Mark| mark.waiver.as_ref().is_some_and(|one| Arc::ptr_eq(one, waiver));
            marks.values().flatten().filter(by).count()
        };
        let effect = |waiver: &Waiver| match waiver.stands(report.reference_date) {
            true => Effect::InForce,
            false => Effect::Expired,
        };
        let all = waivers.all.iter().map(|waiver| (Arc::clone(waiver), effect(waiver), covered(waiver)));
        let waivers = all.filter(|(_, _, findings)| *findings > 0).collect();
        report.gate = Gate { waivers, comparison, marks };
    }
    // A waiver that is for one cloud of many is none too many, nor is one that another outlasts.
    let idle = |waiver: &&Arc<Waiver>| {
        let is_covered = |report: &Report| {
            report.testcases.iter().any(|testcase| {
                let covered = coverable(report, testcase);
                covered.into_iter().flatten().any(|finding| waiver.covers(&testcase.id, finding))
            })
        };
        !reports.iter().any(is_covered)
    };
    let idle: Vec<Arc<Waiver>> = waivers.all.iter().filter(idle).cloned().collect();
    for waiver in idle {
        for report in reports.iter_mut().filter(|report| report.has_judged(&waiver.testcase)) {
            report.gate.waivers.push((Arc::clone(&waiver), Effect::Idle, 0));
        }
    }
}

fn marks(report: &Report, testcase: &TestcaseReport, waivers: &Waivers, news: &[Option<News>]) -> Vec<Mark> {
    let mark = |(index, finding): (usize, Option<&Finding>)| {
        let waiver = finding.and_then(|finding| waivers.covering(&testcase.id, finding));
        Mark {
            waiver: waiver.cloned(),
            is_waived: waiver.is_some_and(|waiver| waiver.stands(report.reference_date)),
            news: news.get(index).copied().flatten(),
        }
    };
    coverable(report, testcase).into_iter().enumerate().map(mark).collect()
}

/// The findings that a waiver can be about, each in its place: failures of either reading, and what the verdict stands on.
fn coverable<'t>(report: &Report, testcase: &'t TestcaseReport) -> Vec<Option<&'t Finding>> {
    let one = |(finding, is_ground): (&'t Finding, bool)| {
        let is_failure = finding.weight == Weight::Failure && report.chosen.shows(finding.readings);
        (is_ground || is_failure).then_some(finding)
    };
    testcase.findings.iter().zip(grounds(testcase, report.chosen.deciding())).map(one).collect()
}

/// Which findings a failure in a reading stands on; none if it did not fail.
pub(crate) fn grounds(testcase: &TestcaseReport, reading: Reading) -> Vec<bool> {
    if testcase.verdict(reading) != Some(Verdict::Fail) {
        return vec![false; testcase.findings.len()];
    }
    let counts = |finding: &Finding| (finding.readings.include(reading), finding.weight == Weight::Failure);
    stands_on(testcase.findings.iter().map(counts))
}

/// The same by whether each finding counts in the reading and is a failure. Scripts of a spec give a verdict and no
/// failures; then it stands on all that counts.
pub(crate) fn stands_on(findings: impl Iterator<Item = (bool, bool)>) -> Vec<bool> {
    let findings: Vec<(bool, bool)> = findings.collect();
    let has_failures = findings.contains(&(true, true));
    findings.into_iter().map(|(counts, is_failure)| counts && (is_failure || !has_failures)).collect()
}

impl Report {
    /// What was seen, as far as it counts in a reading that the run was asked for, and what is to be said of it.
    pub fn marked<'a>(
        &'a self,
        testcase: &'a TestcaseReport,
    ) -> impl Iterator<Item = (&'a Finding, &'a Mark)> {
        let marks = self.marks(testcase);
        let marked = testcase.findings.iter().enumerate();
        let marked = marked.map(move |(index, finding)| (finding, marks.get(index).unwrap_or(&UNMARKED)));
        marked.filter(|(finding, _)| self.chosen.shows(finding.readings))
    }

    fn marks(&self, testcase: &TestcaseReport) -> &[Mark] {
        self.gate.marks.get(&testcase.id).map_or(&[], Vec::as_slice)
    }

    /// Whether a testcase failed in the deciding reading, and all that it stands on is waived or known.
    pub fn is_excused(&self, testcase: &TestcaseReport) -> bool {
        self.is_excused_in(testcase, self.chosen.deciding())
    }

    /// The same, in one of the readings.
    pub fn is_excused_in(&self, testcase: &TestcaseReport, reading: Reading) -> bool {
        let grounds = grounds(testcase, reading);
        let mut marks =
            self.marks(testcase).iter().zip(grounds).filter(|(_, is_ground)| *is_ground).peekable();
        marks.peek().is_some() && marks.all(|(mark, _)| mark.is_excused())
    }

    /// Whether a testcase makes the run fail.
    pub fn fails_run(&self, testcase: &TestcaseReport) -> bool {
        !testcase.manual
            && testcase.verdict(self.chosen.deciding()) == Some(Verdict::Fail)
            && !self.is_excused(testcase)
    }

    /// The verdicts as the exit code counts them: what is excused passes, unless part of it could not be judged.
    pub fn gated_tally(&self) -> Tally {
        let reading = self.chosen.deciding();
        let is_open =
            |finding: &Finding| finding.weight == Weight::Abort && finding.readings.include(reading);
        let mut tally = Tally::default();
        for testcase in self.asked() {
            let Some(verdict) = testcase.verdict(reading) else { continue };
            tally.add(match self.is_excused(testcase) {
                false => verdict,
                true if testcase.findings.iter().any(is_open) => Verdict::Abort,
                true => Verdict::Pass,
            });
        }
        tally
    }

    fn has_judged(&self, id: &str) -> bool {
        let reading = self.chosen.deciding();
        let is_judged = |testcase: &TestcaseReport| {
            let verdict = testcase.verdict(reading).unwrap_or(testcase.text);
            testcase.id == id && matches!(verdict, Verdict::Pass | Verdict::Fail)
        };
        self.testcases.iter().any(is_judged)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use assay_testcases::Readings;
    use jiff::civil::date;

    use super::*;
    use crate::{Chosen, ExitCode, fixture};

    fn waivers(text: &str) -> Waivers {
        let known =
            BTreeSet::from([fixture::FAILS, fixture::FAILS_BY_TEXT, fixture::PASSES, fixture::ABORTS]);
        Waivers::read("waivers.yaml", text, &known).unwrap()
    }

    fn one(testcase: &str, resource: &str, expires: &str) -> String {
        format!(
            "- {{testcase: {testcase}, resource: '{resource}', reason: r, owner: o, expires: {expires}}}\n"
        )
    }

    /// The testcase that fails and nothing that is undetermined, so that the exit code tells.
    fn failing(chosen: Chosen) -> Report {
        let mut report = Report { chosen, ..fixture::report() };
        report.testcases.retain(|testcase| testcase.id == fixture::FAILS);
        report
    }

    fn code(report: &Report, text: &str) -> ExitCode {
        let mut reports = [report.clone()];
        gate(&mut reports, Some(&waivers(text)), None);
        ExitCode::of(&reports)
    }

    #[test]
    fn a_testcase_is_excused_when_all_that_it_stands_on_is() {
        let mut report = failing(Chosen::Both);
        report.testcases[0].findings[1].resource.as_mut().unwrap().name = "SCS-4V-17".to_owned();
        for (text, expected) in [
            (String::from("[]"), ExitCode::Failed),
            (one(fixture::FAILS, "flavor:SCS-4V-*", "2026-11-22"), ExitCode::Conforms),
            (one(fixture::FAILS, "flavor:SCS-4V-*", "2026-11-21"), ExitCode::Failed),
            (one(fixture::FAILS, "flavor:SCS-4V-16", "2026-11-22"), ExitCode::Failed),
            (
                one(fixture::FAILS, "flavor:SCS-4V-16", "2026-11-22")
                    + &one(fixture::FAILS, "flavor:SCS-4V-17", "2027-11-22"),
                ExitCode::Conforms,
            ),
            (
                format!("- {{testcase: {}, reason: r, owner: o, expires: 2026-11-22}}", fixture::FAILS),
                ExitCode::Conforms,
            ),
        ] {
            assert_eq!(code(&report, &text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_waived_in_one_reading_is_not_in_the_other() {
        let mut report = failing(Chosen::Text);
        let findings = &mut report.testcases[0].findings;
        findings[0].readings = Readings::Text;
        findings[1].readings = Readings::Official;
        findings[0].resource.as_mut().unwrap().name = "SCS-4V-16".to_owned();
        findings[1].resource.as_mut().unwrap().name = "SCS-4V-17".to_owned();
        let mut reports = [report];
        gate(&mut reports, Some(&waivers(&one(fixture::FAILS, "flavor:SCS-4V-16", "2027-01-01"))), None);
        let [report] = &reports;
        let testcase = &report.testcases[0];
        assert!(report.is_excused(testcase) && report.is_excused_in(testcase, Reading::Text));
        assert!(!report.is_excused_in(testcase, Reading::Official));
    }

    #[test]
    fn verdicts_stay_what_they_are() {
        let mut reports = [fixture::report()];
        let whole = format!("- {{testcase: {}, reason: r, owner: o, expires: 2027-01-01}}", fixture::FAILS);
        let official = crate::official_yaml(&reports);
        let lines = crate::lines(&reports);
        gate(&mut reports, Some(&waivers(&whole)), None);
        assert_eq!(crate::official_yaml(&reports), official);
        assert_eq!(crate::lines(&reports), lines);
        assert_eq!(reports[0].tally(Reading::Official).fail, 1);
        assert_eq!(reports[0].gated_tally().fail, 0);
        assert_eq!(ExitCode::of(&reports), ExitCode::Undetermined, "an ABORT is not waived");
    }

    #[test]
    fn what_could_not_be_judged_beside_a_waived_failure_stays_open() {
        let mut report = failing(Chosen::Text);
        let mut open = report.testcases[0].findings[0].clone();
        open.weight = Weight::Abort;
        report.testcases[0].findings.push(open);
        assert_eq!(code(&report, &one(fixture::FAILS, "flavor:*", "2027-01-01")), ExitCode::Undetermined);
    }

    #[test]
    fn a_failure_that_nothing_explains_is_excused_as_a_whole() {
        let mut report = failing(Chosen::Both);
        report.testcases[0].findings.clear();
        let whole = format!("- {{testcase: {}, reason: r, owner: o, expires: 2027-01-01}}", fixture::FAILS);
        assert_eq!(code(&report, &whole), ExitCode::Failed, "there is nothing to put the waiver to");
        let note = fixture::report().testcases[0].findings[0].clone();
        report.testcases[0].findings.push(Finding { resource: None, ..note });
        assert_eq!(code(&report, &whole), ExitCode::Conforms, "as scripts of a spec fail");
        assert_eq!(code(&report, &one(fixture::FAILS, "flavor:*", "2027-01-01")), ExitCode::Failed);
    }

    #[test]
    fn remarks_tell_what_expired_and_what_covers_nothing() {
        let text = one(fixture::FAILS, "flavor:SCS-4V-16", "2026-11-01")
            + &one(fixture::FAILS, "flavor:gone", "2027-01-01")
            + &one(fixture::PASSES, "flavor:*", "2027-01-01")
            + &one(fixture::ABORTS, "volume type:*", "2027-01-01")
            + &one(fixture::FAILS_BY_TEXT, "image:*", "2027-01-01");
        let mut reports = [fixture::report()];
        gate(&mut reports, Some(&waivers(&text)), None);
        let remarks: Vec<String> = reports[0].gate.remarks().collect();
        assert_eq!(
            remarks,
            [
                "the waiver of scs-0103-flavor-4v-16 (flavor:SCS-4V-16) by o expired on 2026-11-01: 2 findings count again",
                "the waiver of scs-0103-flavor-4v-16 (flavor:gone) by o, until 2027-01-01, covers nothing",
                "the waiver of scs-0100-syntax-check (flavor:*) by o, until 2027-01-01, covers nothing",
            ],
            "what could not be judged may still need its waiver"
        );

        // One cloud of two is enough.
        let mut other = fixture::report();
        other.testcases.iter_mut().find(|one| one.id == fixture::FAILS).unwrap().findings[0]
            .resource
            .as_mut()
            .unwrap()
            .name = "gone".to_owned();
        let mut reports = [fixture::report(), other];
        gate(&mut reports, Some(&waivers(&one(fixture::FAILS, "flavor:gone", "2027-01-01"))), None);
        assert!(reports.iter().all(|report| report.gate.remarks().next().is_none()));
    }

    #[test]
    fn of_two_waivers_the_longer_one_counts() {
        let text = one(fixture::FAILS, "flavor:*", "2026-11-01")
            + &one(fixture::FAILS, "flavor:SCS-4V-16", "2027-01-01");
        let mut reports = [failing(Chosen::Both)];
        gate(&mut reports, Some(&waivers(&text)), None);
        let report = &reports[0];
        assert!(report.marked(&report.testcases[0]).all(|(_, mark)| mark.is_waived));
        assert!(report.reference_date > date(2026, 11, 1));
        assert_eq!(report.gate.remarks().next(), None, "the shorter one covers something, too");
    }

    #[test]
    fn known_failures_are_excused_and_new_ones_are_not() {
        let before = failing(Chosen::Both);
        let baseline = Baseline::read(&crate::json(std::slice::from_ref(&before)).unwrap()).unwrap();
        let mut reports = [before.clone()];
        gate(&mut reports, None, Some(&baseline));
        assert_eq!(ExitCode::of(&reports), ExitCode::Conforms);

        let mut now = before;
        let mut new = now.testcases[0].findings[0].clone();
        new.resource.as_mut().unwrap().name = "SCS-9V".to_owned();
        now.testcases[0].findings.push(new);
        let mut reports = [now];
        gate(&mut reports, None, Some(&baseline));
        assert_eq!(ExitCode::of(&reports), ExitCode::Failed);
        assert!(reports[0].fails_run(&reports[0].testcases[0]));
        gate(
            &mut reports,
            Some(&waivers(&one(fixture::FAILS, "flavor:SCS-9V", "2027-01-01"))),
            Some(&baseline),
        );
        assert_eq!(ExitCode::of(&reports), ExitCode::Conforms, "new, but waived");
    }
}
