//! Score cards: which results still count, and what they say about the versions of a scope.
//!
//! Nothing here knows a clock: the instant at which the card is read comes in as an argument, in the same
//! civil time as the results.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};

use crate::scope::{Spec, Testcase, Validity, Version};
use crate::verdict::Verdict;

/// The latest result of a testcase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestResult {
    /// What came out.
    pub verdict: Verdict,
    /// When the check was made.
    pub checked_at: DateTime,
    /// Whether a person stated it, instead of a program finding it out (see [`crate::declaration`]).
    pub declared: bool,
}

/// A result that still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidResult {
    /// What came out.
    pub verdict: Verdict,
    /// When the check was made.
    pub checked_at: DateTime,
    /// The first instant at which the result no longer counts.
    pub expires_at: DateTime,
    /// Whether a person stated it, instead of a program finding it out.
    pub declared: bool,
}

/// The results of one subject in one scope that count at a given instant.
///
/// The newest result of a testcase counts alone: an ABORT takes the place of an earlier PASS.
#[derive(Clone, Debug)]
pub struct ScoreCard<'s> {
    spec: &'s Spec,
    valid: BTreeMap<&'s str, ValidResult>,
    expired: BTreeMap<&'s str, ValidResult>,
    unknown: Vec<String>,
}

impl<'s> ScoreCard<'s> {
    /// Sorts results by testcase id into valid, expired and unknown ones. A result counts while `now` is
    /// before its expiry (scs-0004-v1). What was declared counts for manual testcases alone: it cannot stand in
    /// for a measurement.
    pub fn new<'r>(
        spec: &'s Spec,
        results: impl IntoIterator<Item = (&'r str, TestResult)>,
        now: DateTime,
    ) -> Self {
        let mut card = Self { spec, valid: BTreeMap::new(), expired: BTreeMap::new(), unknown: Vec::new() };
        for (id, TestResult { verdict, checked_at, declared }) in results {
            let Some(testcase) = spec.testcase(id) else {
                card.unknown.push(id.to_owned());
                continue;
            };
            if verdict == Verdict::Miss || declared && !testcase.manual {
                continue;
            }
            let expires_at = testcase.lifetime.expiry(checked_at);
            let group = if now < expires_at { &mut card.valid } else { &mut card.expired };
            let result = ValidResult { verdict, checked_at, expires_at, declared };
            let newest = group.entry(&testcase.id).or_insert(result);
            if newest.checked_at < checked_at {
                *newest = result;
            }
        }
        // A valid result is newer than an expired one of the same testcase.
        card.expired.retain(|id, _| !card.valid.contains_key(id));
        card
    }

    /// Whether no result counts; the subject then has no status at all.
    pub fn is_empty(&self) -> bool {
        self.valid.is_empty()
    }

    /// The results that count, by testcase.
    pub fn valid(&self) -> &BTreeMap<&'s str, ValidResult> {
        &self.valid
    }

    /// The results that have expired, by testcase.
    pub fn expired(&self) -> &BTreeMap<&'s str, ValidResult> {
        &self.expired
    }

    /// Ids of results that the scope does not know.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// The verdict of a testcase, [`Verdict::Miss`] if no result counts.
    pub fn verdict(&self, testcase: &str) -> Verdict {
        self.valid.get(testcase).map_or(Verdict::Miss, |result| result.verdict)
    }

    /// The verdict of each target of a version, in the order of [`Version::targets`].
    pub fn targets<'v>(&self, version: &'v Version) -> Vec<(&'v str, Verdict)> {
        let verdict = |ids: &[String]| Verdict::of_set(ids.iter().map(|id| self.verdict(id)));
        version.targets.iter().map(|target| (target.name.as_str(), verdict(&target.testcases))).collect()
    }

    /// The verdict of a version: that of its target `main`. A version that demands nothing proves nothing,
    /// and is [`Verdict::Miss`].
    pub fn version(&self, version: &Version) -> Verdict {
        let main = version.target(Version::MAIN);
        if main.is_empty() {
            return Verdict::Miss;
        }
        Verdict::of_set(main.iter().map(|id| self.verdict(id)))
    }

    /// What the subject achieves in the scope on `date`.
    ///
    /// Versions listed in the timeline are visited in file order, drafts only if asked for; visiting ends
    /// with the first version that is no draft and has not failed.
    pub fn evaluate(&self, date: Date, drafts: bool) -> Evaluation<'s> {
        let mut visited = Vec::new();
        let mut best = None;
        for (version, validity) in self.spec.validity(date) {
            if validity == Validity::Draft && !drafts {
                continue;
            }
            let verdict = self.version(version);
            visited.push(VersionScore { version, validity, verdict });
            if validity != Validity::Draft && verdict != Verdict::Fail {
                best = Some(visited.len() - 1);
                break;
            }
        }
        Evaluation { visited, best }
    }

    /// The testcases of the visited versions by verdict, worst verdict first; within one verdict those that
    /// decide about some stable version come first, then by id. Verdicts nothing has are left out.
    pub fn buckets(&self, evaluation: &Evaluation<'s>) -> Vec<(Verdict, Vec<&'s Testcase>)> {
        let mut testcases: BTreeMap<&str, &'s Testcase> = BTreeMap::new();
        for score in &evaluation.visited {
            let ids = score.version.testcases().map(|(id, _)| id);
            testcases
                .extend(ids.filter_map(|id| self.spec.testcase(id)).map(|found| (found.id.as_str(), found)));
        }
        let bucket = |verdict| {
            let members = testcases.values().copied().filter(|found| self.verdict(&found.id) == verdict);
            let (decide, inform): (Vec<_>, Vec<_>) = members.partition(|found| found.attention > 0);
            (verdict, [decide, inform].concat())
        };
        let worst_first = [Verdict::Fail, Verdict::Miss, Verdict::Abort, Verdict::Pass];
        worst_first.into_iter().map(bucket).filter(|(_, members)| !members.is_empty()).collect()
    }
}

/// A version with its verdict.
#[derive(Clone, Copy, Debug)]
pub struct VersionScore<'s> {
    /// The version.
    pub version: &'s Version,
    /// Its validity on the date of the evaluation.
    pub validity: Validity,
    /// Its verdict.
    pub verdict: Verdict,
}

impl VersionScore<'_> {
    /// Whether the version counts as passed. Missing and undecided results do not count against it.
    pub fn passed(&self) -> bool {
        self.verdict != Verdict::Fail
    }
}

/// What a subject achieves in a scope.
#[derive(Clone, Debug)]
pub struct Evaluation<'s> {
    /// The versions that were looked at, in this order.
    pub visited: Vec<VersionScore<'s>>,
    best: Option<usize>,
}

impl<'s> Evaluation<'s> {
    /// What stands for a subject without any result that counts.
    pub const NO_DATA: &'static str = "🛑 –";

    /// The version that decides: the first visited one that is no draft and counts as passed.
    pub fn best(&self) -> Option<&VersionScore<'s>> {
        self.visited.get(self.best?)
    }

    /// The verdict of the scope: that of the version visited last, [`Verdict::Fail`] if there is none.
    pub fn verdict(&self) -> Verdict {
        self.visited.last().map_or(Verdict::Fail, |score| score.verdict)
    }

    /// The validity of the best version, [`Validity::Deprecated`] if there is none.
    pub fn validity(&self) -> Validity {
        self.best().map_or(Validity::Deprecated, |score| score.validity)
    }

    /// The versions that count as passed, in the order visited.
    pub fn passed(&self) -> impl Iterator<Item = &VersionScore<'s>> {
        self.visited.iter().filter(|score| score.passed())
    }

    /// The names of the passed versions, each with the mark of its validity: `next*, v5.1`.
    pub fn passed_str(&self) -> String {
        let marked = |score: &VersionScore<'_>| format!("{}{}", score.version.name, score.validity.mark());
        self.passed().map(marked).collect::<Vec<_>>().join(", ")
    }

    /// The summary for a table cell: a symbol and the passed versions.
    pub fn summary(&self) -> String {
        let symbol = match (self.verdict(), self.validity()) {
            (Verdict::Fail, _) | (_, Validity::Deprecated) => "🛑",
            (Verdict::Miss, _) | (_, Validity::Warn) => "🟧",
            (Verdict::Abort, _) => "✅*",
            (Verdict::Pass, _) => "✅",
        };
        let passed = self.passed_str();
        format!("{symbol} {}", if passed.is_empty() { "–" } else { &passed })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    /// v5 effective, v4 warn, next draft; each demands one testcase in `main`.
    const SPEC: &str = "
uuid: u
name: Test
url: https://example.com
scripts:
  - executable: x
    testcases:
      - {id: n}
      - {id: a}
      - {id: b, lifetime: day}
      - {id: r}
modules:
  - {id: mn, targets: {main: [n], recommended: [r]}}
  - {id: ma, targets: {main: [a], recommended: [r]}}
  - {id: mb, targets: {main: [b]}}
  - {id: empty}
timeline:
  - date: 2026-01-01
    versions: {next: draft, v5: effective, v4: warn}
  - date: 2026-06-01
    versions: {v4: deprecated, hollow: draft}
versions:
  - {version: next, include: [mn]}
  - {version: v5, stabilized_at: 2025-01-01, include: [ma]}
  - {version: v4, stabilized_at: 2024-01-01, include: [mb]}
  - {version: hollow, include: [empty]}
";
    /// Results, whether drafts are included; then what must come out: passed versions, verdict code,
    /// validity and summary.
    type Vector = (&'static [(&'static str, i8)], bool, &'static str, Option<i8>, Validity, &'static str);

    const TODAY: Date = date(2026, 3, 4);

    fn spec() -> Spec {
        Spec::parse("test.yaml", SPEC).unwrap()
    }

    fn now() -> DateTime {
        TODAY.at(12, 0, 0, 0)
    }

    /// Results of now, given as verdict codes.
    fn card<'s>(spec: &'s Spec, results: &[(&str, i8)]) -> ScoreCard<'s> {
        let result = |code| TestResult {
            verdict: Verdict::from_code(Some(code)).unwrap(),
            checked_at: now(),
            declared: false,
        };
        ScoreCard::new(spec, results.iter().map(|&(id, code)| (id, result(code))), now())
    }

    #[test]
    fn versions_are_evaluated_as_in_the_reference() {
        use Validity::{Deprecated, Effective, Warn};
        let spec = spec();
        let vectors: &[Vector] = &[
            (&[("a", 1)], false, "v5", Some(1), Effective, "✅ v5"),
            (&[("a", -1), ("b", 1)], false, "v4†", Some(1), Warn, "🟧 v4†"),
            (&[("a", -1), ("b", -1)], false, "", Some(-1), Deprecated, "🛑 –"),
            (&[("a", 0), ("b", 1)], false, "v5", Some(0), Effective, "✅* v5"),
            (&[("b", 1)], false, "v5", None, Effective, "🟧 v5"),
            (&[("n", 1), ("a", 1), ("b", 1)], true, "next*, v5", Some(1), Effective, "✅ next*, v5"),
            (&[("n", -1), ("a", -1), ("b", 1)], true, "v4†", Some(1), Warn, "🟧 v4†"),
            (&[("n", 1), ("a", -1), ("b", -1)], true, "next*", Some(-1), Deprecated, "🛑 next*"),
        ];
        for &(results, drafts, passed, code, validity, summary) in vectors {
            let evaluation = card(&spec, results).evaluate(TODAY, drafts);
            assert_eq!(evaluation.passed_str(), passed, "{results:?}");
            assert_eq!(evaluation.verdict().code(), code, "{results:?}");
            assert_eq!(evaluation.validity(), validity, "{results:?}");
            assert_eq!(evaluation.summary(), summary, "{results:?}");
        }
    }

    #[test]
    fn older_versions_are_not_visited_once_one_has_passed() {
        let spec = spec();
        let visited = |results, drafts| -> Vec<String> {
            let evaluation = card(&spec, results).evaluate(TODAY, drafts);
            evaluation.visited.iter().map(|score| score.version.name.clone()).collect()
        };
        assert_eq!(visited(&[("a", 1), ("b", -1)], false), ["v5"]);
        assert_eq!(visited(&[("a", -1)], false), ["v5", "v4"]);
        assert_eq!(visited(&[("a", 1)], true), ["next", "v5"]);
    }

    #[test]
    fn dates_outside_the_timeline_and_deprecated_versions() {
        let spec = spec();
        let card = card(&spec, &[("a", 1), ("b", 1)]);
        let before = card.evaluate(date(2025, 12, 31), true);
        assert!(before.visited.is_empty());
        assert_eq!((before.verdict(), before.validity()), (Verdict::Fail, Validity::Deprecated));
        assert_eq!(before.summary(), Evaluation::NO_DATA);
        // v5 has vanished from the timeline: passing it no longer shows.
        let after = card.evaluate(date(2026, 6, 1), false);
        assert_eq!(after.summary(), "🛑 v4††");
        assert_eq!(after.best().map(|score| score.version.name.as_str()), Some("v4"));
    }

    #[test]
    fn a_version_without_main_is_never_passed_silently() {
        let spec = spec();
        let evaluation = card(&spec, &[("b", 1)]).evaluate(date(2026, 6, 1), true);
        let hollow = spec.version("hollow").unwrap();
        assert_eq!(card(&spec, &[("b", 1)]).version(hollow), Verdict::Miss);
        assert_eq!(evaluation.passed_str(), "v4††");
    }

    #[test]
    fn recommended_targets_do_not_decide() {
        let spec = spec();
        let card = card(&spec, &[("a", 1), ("r", -1)]);
        let v5 = spec.version("v5").unwrap();
        assert_eq!(card.version(v5), Verdict::Pass);
        assert_eq!(card.targets(v5), [("main", Verdict::Pass), ("recommended", Verdict::Fail)]);
    }

    #[test]
    fn results_expire_at_the_first_instant_after_their_lifetime() {
        let spec = spec();
        let monday = date(2026, 3, 2).at(9, 0, 0, 0);
        let pass = TestResult { verdict: Verdict::Pass, checked_at: monday, declared: false };
        let at = |now| ScoreCard::new(&spec, [("a", pass), ("b", pass), ("zzz", pass)], now);
        // `b` lives for a day, `a` for a week.
        let fresh = at(date(2026, 3, 3).at(23, 59, 59, 999_999_999));
        assert_eq!((fresh.verdict("a"), fresh.verdict("b")), (Verdict::Pass, Verdict::Pass));
        assert_eq!(fresh.valid()["b"].expires_at, date(2026, 3, 4).at(0, 0, 0, 0));
        assert_eq!(fresh.unknown(), ["zzz"]);
        let later = at(date(2026, 3, 4).at(0, 0, 0, 0));
        assert_eq!((later.verdict("a"), later.verdict("b")), (Verdict::Pass, Verdict::Miss));
        assert_eq!(later.expired().keys().copied().collect::<Vec<_>>(), ["b"]);
        let stale = at(date(2026, 3, 16).at(0, 0, 0, 0));
        assert!(stale.is_empty());
        assert_eq!(stale.expired().len(), 2);
    }

    #[test]
    fn the_newest_result_counts_even_if_it_is_worse() {
        let spec = spec();
        let result =
            |verdict, hour| TestResult { verdict, checked_at: TODAY.at(hour, 0, 0, 0), declared: false };
        let old = TestResult {
            verdict: Verdict::Fail,
            checked_at: date(2025, 1, 1).at(0, 0, 0, 0),
            declared: false,
        };
        let results = [
            ("a", result(Verdict::Pass, 8)),
            ("a", result(Verdict::Abort, 9)),
            ("a", result(Verdict::Pass, 7)),
            ("a", old),
            ("b", result(Verdict::Miss, 9)),
        ];
        let card = ScoreCard::new(&spec, results, now());
        assert_eq!(card.verdict("a"), Verdict::Abort);
        assert_eq!(card.verdict("b"), Verdict::Miss);
        assert!(card.expired().is_empty());
    }

    #[test]
    fn what_is_declared_is_marked_and_counts_for_manual_testcases_alone() {
        let people =
            SPEC.replace("modules:\n", "  - testcases: [{id: m}]\nmodules:\n").replace("[a]", "[a, m]");
        let spec = Spec::parse("test.yaml", &people).unwrap();
        let declared = TestResult { verdict: Verdict::Pass, checked_at: now(), declared: true };
        let card = ScoreCard::new(&spec, [("m", declared), ("a", declared)], now());
        assert!(card.valid()["m"].declared);
        assert_eq!((card.verdict("m"), card.verdict("a")), (Verdict::Pass, Verdict::Miss));
        // A week by the spec, as for any other result.
        let later = date(2026, 3, 16).at(0, 0, 0, 0);
        assert_eq!(ScoreCard::new(&spec, [("m", declared)], later).verdict("m"), Verdict::Miss);
    }

    #[test]
    fn buckets_show_what_matters_first() {
        let spec = spec();
        let card = card(&spec, &[("a", -1), ("r", -1), ("n", 1)]);
        let buckets = card.buckets(&card.evaluate(TODAY, true));
        let ids: Vec<(Verdict, Vec<&str>)> = buckets
            .into_iter()
            .map(|(verdict, members)| (verdict, members.iter().map(|found| found.id.as_str()).collect()))
            .collect();
        // `n` and `r` decide about no stable version.
        assert_eq!(
            ids,
            [(Verdict::Fail, vec!["a", "r"]), (Verdict::Miss, vec!["b"]), (Verdict::Pass, vec!["n"])]
        );
    }
}
