//! scs-0128: what users do with a cloud works, as Tempest tries it out.

use std::borrow::Cow;
use std::collections::BTreeMap;

use assay_inventory::{Fact, FactId, TempestRun};

use crate::finding::{Readings, Resource};
use crate::registry::Registry;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging};

/// The list that the standard names.
const LIST: &str = "scs-0128-v1";
/// How many tests that came to nothing are named.
const NAMED: usize = 3;

pub(crate) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0128-tempest"),
        standard: "scs-0128-v1",
        clause: "regulation",
        demand: Demand::Must,
        title: Cow::Borrowed("No test of Tempest fails"),
        explanation: "Tempest is the test suite of OpenStack itself. The standard takes 258 of its tests, which need no administrator: they \
             create servers, networks, volumes and images, use them, and make mistakes on purpose. None of them may fail; \
             those that are skipped because the cloud lacks something optional do no harm.",
        remedy: Cow::Borrowed(
            "Read the reason of each failed test. Where it names a limit, raise the quota of the project; where it names a timeout, \
             look at the service; run a single test again with assay tempest CLOUD --only NAME.",
        ),
        official_facts: &[FactId::Tempest],
        text_facts: &[],
        own: true,
        judge: Box::new(tempest),
    });
}

fn tempest(evidence: &Evidence<'_>) -> Judgement {
    match &evidence.inventory.tempest {
        Fact::NotAsked => Judgement::missed("Tempest was not run; assay tempest CLOUD runs it"),
        Fact::Unavailable(why) => Judgement::aborted(FactId::Tempest, why),
        Fact::Known(run) => judge(run),
    }
}

fn judge(run: &TempestRun) -> Judgement {
    let mut judging = Judging::default();
    for failure in &run.failed {
        judging.fail(
            Readings::Text,
            Resource::new("test", failure.id.clone().unwrap_or_default(), &failure.name),
            "the test not to fail",
            failure.reason.clone(),
        );
    }
    if run.list.name != LIST {
        judging.abort(
            Readings::Text,
            None,
            format!("the tests of {LIST}"),
            format!("those of {:?}", run.list.name),
        );
    }
    if !run.not_run.is_empty() {
        let names: Vec<&str> = run.not_run.iter().map(String::as_str).take(NAMED).collect();
        let others = match run.not_run.len() - names.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let why = run.cut_short.as_ref().map(|why| format!(", since {why}")).unwrap_or_default();
        judging.abort(
            Readings::Text,
            None,
            format!("a result for each of the {} tests", run.list.count),
            format!("{} came to nothing{why}: {}{others}", tests(run.not_run.len()), names.join(", ")),
        );
    } else if run.passed.is_empty() && run.failed.is_empty() {
        judging.abort(Readings::Text, None, "tests that are not skipped", "all were skipped");
    }
    let version = run.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    judging.note(
        Readings::Text,
        None,
        format!(
            "Tempest{version}: {} passed, {} failed, {} skipped",
            run.passed.len(),
            run.failed.len(),
            run.skipped.len()
        ),
    );
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for skip in &run.skipped {
        *reasons.entry(&skip.reason).or_default() += 1;
    }
    for (reason, count) in reasons {
        judging.note(Readings::Text, None, format!("{} skipped: {reason}", tests(count)));
    }
    judging.finish_own()
}

fn tests(count: usize) -> String {
    if count == 1 { "1 test".into() } else { format!("{count} tests") }
}

#[cfg(test)]
mod tests {
    use assay_inventory::{Reason, TempestFailure, TempestList, TempestSkip, Unavailable};
    use assay_standards::Verdict::{self, Abort, Fail, Miss, Pass};

    use super::*;
    use crate::finding::Weight;
    use crate::testing;

    const ID: &str = "scs-0128-tempest";

    fn judged(tempest: Fact<TempestRun>) -> Judgement {
        testing::judge(ID, |inventory| inventory.tempest = tempest)
    }

    fn run(passed: usize, failed: usize, skipped: usize, not_run: usize) -> TempestRun {
        let names =
            |what: &str, count: usize| (0..count).map(|n| format!("tempest.{what}{n}")).collect::<Vec<_>>();
        let failure = |name: String| TempestFailure {
            name,
            id: Some("a-b".into()),
            reason: "BadRequest: no".into(),
            details: String::new(),
        };
        let skip = |name| TempestSkip { name, reason: "Resize not available.".into() };
        TempestRun {
            list: TempestList { name: LIST.into(), count: passed + failed + skipped + not_run },
            passed: names("passed", passed),
            failed: names("failed", failed).into_iter().map(failure).collect(),
            skipped: names("skipped", skipped).into_iter().map(skip).collect(),
            not_run: names("left", not_run),
            ..TempestRun::default()
        }
    }

    #[test]
    fn one_failed_test_fails_and_skipped_ones_do_no_harm() {
        let cases: [((usize, usize, usize, usize), Verdict); 7] = [
            ((258, 0, 0, 0), Pass),
            ((240, 0, 18, 0), Pass),
            ((257, 1, 0, 0), Fail),
            ((200, 1, 0, 57), Fail),
            ((257, 0, 0, 1), Abort),
            ((0, 0, 258, 0), Abort),
            ((0, 0, 0, 0), Abort),
        ];
        for ((passed, failed, skipped, not_run), expected) in cases {
            let judgement = judged(Fact::Known(run(passed, failed, skipped, not_run)));
            assert_eq!(judgement.text, expected, "{passed} {failed} {skipped} {not_run}");
        }
    }

    #[test]
    fn every_failed_test_is_a_finding_with_its_reason() {
        let judgement = judged(Fact::Known(run(1, 2, 2, 0)));
        let failed: Vec<_> = judgement
            .findings
            .iter()
            .filter(|finding| finding.weight == Weight::Failure)
            .map(|finding| (finding.resource.as_ref().unwrap().name.as_str(), finding.found.as_ref()))
            .collect();
        assert_eq!(failed, [("tempest.failed0", "BadRequest: no"), ("tempest.failed1", "BadRequest: no")]);
        let notes: Vec<_> = judgement
            .findings
            .iter()
            .filter(|finding| finding.weight == Weight::Note)
            .map(|finding| finding.found.as_ref())
            .collect();
        assert_eq!(
            notes,
            ["Tempest: 1 passed, 2 failed, 2 skipped", "2 tests skipped: Resize not available."]
        );
    }

    #[test]
    fn tests_that_came_to_nothing_are_named_with_the_cause() {
        let cut = TempestRun { cut_short: Some("its time was over".into()), ..run(9, 0, 0, 5) };
        let judgement = judged(Fact::Known(cut));
        assert_eq!(
            judgement.findings[0].found,
            "5 tests came to nothing, since its time was over: tempest.left0, tempest.left1, tempest.left2 and 2 more"
        );
        let other = TempestRun { list: TempestList { name: "smoke".into(), count: 1 }, ..run(1, 0, 0, 0) };
        assert_eq!(judged(Fact::Known(other)).text, Abort);
    }

    #[test]
    fn without_a_run_nothing_is_said() {
        assert_eq!(judged(Fact::NotAsked).text, Miss);
        let why = Unavailable::new(Reason::Configuration, "no accounts");
        assert_eq!(judged(Fact::Unavailable(why)).text, Abort);
    }
}
