//! What changed from one report to another: verdicts, and the findings behind them.

use assay_standards::Verdict;
use assay_testcases::{Finding, Reading, Weight};
use serde::Serialize;

use crate::Report;
use crate::text::sentence;

/// What changed from one report to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportDiff {
    /// Targets that came to another verdict.
    pub targets: Vec<TargetDiff>,
    /// Testcases that came to another verdict, or to the same one for other reasons.
    pub testcases: Vec<TestcaseDiff>,
}

/// A target that came to another verdict, or that only one of the reports has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetDiff {
    /// The version.
    pub version: String,
    /// The target.
    pub target: String,
    /// What it came to before; none if it was not asked for.
    pub before: Option<Verdicts>,
    /// What it came to after; none if it was not asked for.
    pub after: Option<Verdicts>,
}

/// A testcase that came to something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestcaseDiff {
    /// Its id.
    pub id: String,
    /// What it checks.
    pub title: String,
    /// What it came to before; none if it was not asked for.
    pub before: Option<Verdicts>,
    /// What it came to after; none if it was not asked for.
    pub after: Option<Verdicts>,
    /// Findings that are not there any more, in words.
    pub gone: Vec<String>,
    /// Findings that were not there before, in words.
    pub came: Vec<String>,
}

/// The verdicts of the readings that both reports were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// Of the official reading; none if there is none.
    pub official: Option<Verdict>,
    /// Of the text reading.
    pub text: Option<Verdict>,
}

impl Verdicts {
    /// The verdict of a reading.
    pub fn of(self, reading: Reading) -> Option<Verdict> {
        match reading {
            Reading::Official => self.official,
            Reading::Text => self.text,
        }
    }
}

impl ReportDiff {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty() && self.testcases.is_empty()
    }
}

/// What changed from one report to another, in the readings that both were asked for. Notes count only where a verdict
/// changed, because they tell much that is another thing each day.
pub fn diff(before: &Report, after: &Report) -> ReportDiff {
    let compared = Compared { before, after };
    ReportDiff { targets: compared.targets(), testcases: compared.testcases() }
}

struct Compared<'r> {
    before: &'r Report,
    after: &'r Report,
}

impl<'r> Compared<'r> {
    fn includes(&self, reading: Reading) -> bool {
        self.before.chosen.includes(reading) && self.after.chosen.includes(reading)
    }

    fn verdicts(&self, verdict: impl Fn(Reading) -> Option<Verdict>) -> Verdicts {
        let of = |reading| verdict(reading).filter(|_| self.includes(reading));
        Verdicts { official: of(Reading::Official), text: of(Reading::Text) }
    }

    fn targets(&self) -> Vec<TargetDiff> {
        let of = |report: &Report| -> Vec<(String, String, Verdicts)> {
            let each = |version: &crate::VersionSummary| {
                let name = version.version.clone();
                let targets = version.targets.iter().map(|target| {
                    let verdicts = self.verdicts(|reading| Some(target.tally(reading).verdict()));
                    (name.clone(), target.target.clone(), verdicts)
                });
                targets.collect::<Vec<_>>()
            };
            report.versions.iter().flat_map(each).collect()
        };
        let key = |(version, target, _): &(String, String, Verdicts)| format!("{version}/{target}");
        paired(&of(self.before), &of(self.after), key)
            .into_iter()
            .filter_map(|(before, after)| {
                let (version, target, _) = before.or(after)?.clone();
                let verdicts = |it: Option<&(_, _, Verdicts)>| it.map(|(_, _, verdicts)| *verdicts);
                let (before, after) = (verdicts(before), verdicts(after));
                (before != after).then_some(TargetDiff { version, target, before, after })
            })
            .collect()
    }

    fn testcases(&self) -> Vec<TestcaseDiff> {
        paired(&self.before.testcases, &self.after.testcases, |testcase| testcase.id.clone())
            .into_iter()
            .filter_map(|(old, new)| {
                let known = new.or(old)?;
                let verdicts = |testcase: Option<&crate::TestcaseReport>| {
                    testcase.map(|testcase| self.verdicts(|reading| testcase.verdict(reading)))
                };
                let (before, after) = (verdicts(old), verdicts(new));
                let findings = |testcase: Option<&'r crate::TestcaseReport>| -> Vec<&'r Finding> {
                    let all = testcase.map_or(&[][..], |testcase| testcase.findings.as_slice());
                    all.iter().filter(|finding| self.counts(finding, before != after)).collect()
                };
                let (gone, came) = (findings(old), findings(new));
                let (gone, came) = (without(&gone, &came), without(&came, &gone));
                let is_same = before == after && gone.is_empty() && came.is_empty();
                let (id, title) = (known.id.clone(), known.title.clone());
                (!is_same).then_some(TestcaseDiff { id, title, before, after, gone, came })
            })
            .collect()
    }

    fn counts(&self, finding: &Finding, is_verdict_new: bool) -> bool {
        let is_compared = Reading::ALL
            .into_iter()
            .any(|reading| self.includes(reading) && finding.readings.include(reading));
        is_compared && (is_verdict_new || finding.weight != Weight::Note)
    }
}

/// The findings that are not among the others, in words.
fn without(findings: &[&Finding], others: &[&Finding]) -> Vec<String> {
    let mut left: Vec<_> = others.iter().map(|finding| sameness(finding)).collect();
    let mut words = Vec::new();
    for finding in findings {
        match left.iter().position(|other| *other == sameness(finding)) {
            Some(place) => {
                left.swap_remove(place);
            }
            None => words.push(sentence(finding)),
        }
    }
    words
}

/// What makes a finding the same one in the next report: not the id of the thing, which changes when it is renewed, and
/// not that of the request that failed.
fn sameness(finding: &Finding) -> (Weight, [bool; 2], String) {
    let sentence = sentence(finding);
    let words = sentence.split(" (request id ").next().unwrap_or_default();
    (finding.weight, Reading::ALL.map(|reading| finding.readings.include(reading)), words.to_owned())
}

/// Pairs what has the same key: all of `before` in its order, then what `after` has besides.
fn paired<'t, T>(
    before: &'t [T],
    after: &'t [T],
    key: impl Fn(&T) -> String,
) -> Vec<(Option<&'t T>, Option<&'t T>)> {
    let find = |all: &'t [T], wanted: &T| all.iter().find(|one| key(one) == key(wanted));
    let old = before.iter().map(|one| (Some(one), find(after, one)));
    let new = after.iter().filter(|one| find(before, one).is_none()).map(|one| (None, Some(one)));
    old.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use assay_testcases::Readings;

    use super::*;
    use crate::{Chosen, fixture};

    fn at(report: &Report, id: &str) -> usize {
        report.testcases.iter().position(|testcase| testcase.id == id).unwrap()
    }

    fn verdicts(official: Verdict, text: Verdict) -> Verdicts {
        Verdicts { official: Some(official), text: Some(text) }
    }

    #[test]
    fn a_verdict_changes_with_the_findings_behind_it() {
        let before = fixture::report();
        let mut after = fixture::report();
        let mended = at(&after, fixture::FAILS);
        after.testcases[mended].findings.pop();
        after.testcases[mended].official = Some(Verdict::Pass);
        after.testcases[mended].findings[0].readings = Readings::Text;
        let removed = at(&after, fixture::MISSES);
        after.testcases.remove(removed);
        after.versions[1].targets[0].text.fail = 0;
        let change = diff(&before, &after);
        let [mended, removed] = &change.testcases[..] else { panic!("{change:?}") };
        assert_eq!((mended.id.as_str(), removed.id.as_str()), (fixture::FAILS, fixture::MISSES));
        assert_eq!(mended.before, Some(verdicts(Verdict::Fail, Verdict::Fail)));
        assert_eq!(mended.after, Some(verdicts(Verdict::Pass, Verdict::Fail)));
        assert_eq!(mended.gone.len(), 2);
        assert_eq!(mended.came, ["flavor \"SCS-4V-16\": expected 16384 MiB of RAM, found 15872 MiB"]);
        assert_eq!((removed.before, removed.after), (Some(verdicts(Verdict::Miss, Verdict::Miss)), None));
        let [target] = &change.targets[..] else { panic!("{change:?}") };
        assert_eq!((target.version.as_str(), target.target.as_str()), ("v5.1", "main"));
        assert_eq!(target.after, Some(verdicts(Verdict::Fail, Verdict::Miss)));
        let back = diff(&after, &before);
        assert_eq!((back.testcases.len(), back.testcases[0].came.len()), (2, 2));
    }

    #[test]
    fn what_says_the_same_in_other_words_is_no_change() {
        let before = fixture::report();
        let mut after = fixture::report();
        after.run_id = uuid::Uuid::from_u128(1);
        let aborted = at(&after, fixture::ABORTS);
        let found = &mut after.testcases[aborted].findings[0].found;
        *found = found.replace("req-7", "req-8").into();
        let noted = at(&after, fixture::PASSES);
        after.testcases[noted].findings.clear();
        let failed = at(&after, fixture::FAILS);
        for finding in &mut after.testcases[failed].findings {
            finding.resource.as_mut().unwrap().id = "renewed".to_owned();
        }
        after.testcases[failed].findings.reverse();
        assert!(diff(&before, &after).is_empty());
    }

    #[test]
    fn readings_that_only_one_was_asked_for_are_not_compared() {
        let official = Report { chosen: Chosen::Official, ..fixture::report() };
        let mut after = fixture::report();
        let by_text = at(&after, fixture::FAILS_BY_TEXT);
        after.testcases[by_text].text = Verdict::Pass;
        after.testcases[by_text].findings.clear();
        assert!(diff(&official, &after).is_empty());
        assert_eq!(diff(&fixture::report(), &after).testcases.len(), 1);
    }
}
