//! What auditors found, beside what was measured and what the subject stated itself; and where these contradict each
//! other. No I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use assay_standards::Verdict;
use assay_standards::scope::{Spec, Version};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde_json::json;

use crate::intake::hexadecimal_digest;
use crate::store::{Standing, civil};

/// What an auditor makes of a testcase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opinion {
    Pass,
    Fail,
    /// Neither, but worth a word.
    Remark,
}

impl Opinion {
    pub(crate) const ALL: [Self; 3] = [Self::Pass, Self::Fail, Self::Remark];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Opinion::Pass => "PASS",
            Opinion::Fail => "FAIL",
            Opinion::Remark => "REMARK",
        }
    }

    const fn verdict(self) -> Option<Verdict> {
        match self {
            Opinion::Pass => Some(Verdict::Pass),
            Opinion::Fail => Some(Verdict::Fail),
            Opinion::Remark => None,
        }
    }
}

impl FromStr for Opinion {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|opinion| opinion.as_str() == word).ok_or(())
    }
}

/// What an auditor found of a testcase of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) uuid: String,
    pub(crate) subject: String,
    /// UUID of the scope.
    pub(crate) scope: String,
    pub(crate) testcase: String,
    pub(crate) opinion: Opinion,
    pub(crate) text: String,
    /// Where it can be seen; may be empty.
    pub(crate) evidence: String,
    /// When the auditor saw it.
    pub(crate) seen_on: Date,
    /// When it was written down.
    pub(crate) at: Timestamp,
    /// Whose account it was.
    pub(crate) account: String,
    /// Random: without it, who knows the digest could try what short texts there are.
    pub(crate) nonce: String,
}

impl Finding {
    /// What the log says of it, which is not for everybody to read: SHA-256, in hexadecimal digits.
    pub(crate) fn digest(&self) -> String {
        let Self { opinion, text, evidence, seen_on, account, nonce, .. } = self;
        // The keys are in the order of the alphabet.
        let said = json!({
            "account": account,
            "evidence": evidence,
            "nonce": nonce,
            "opinion": opinion.as_str(),
            "seen_on": seen_on,
            "text": text,
        });
        hexadecimal_digest(&said.to_string())
    }
}

/// What came out of a testcase, measured or stated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CameOut {
    pub(crate) verdict: Verdict,
    pub(crate) at: DateTime,
    /// UUID of the report.
    pub(crate) report: String,
    /// Whether it has expired.
    pub(crate) is_old: bool,
}

/// All that is said of a testcase.
#[derive(Debug)]
pub(crate) struct Sides<'v> {
    pub(crate) testcase: &'v str,
    /// Whether no program can decide it.
    pub(crate) is_manual: bool,
    /// The target of the version that has it; none if the version has it not.
    pub(crate) target: Option<&'v str>,
    /// By the subject itself.
    pub(crate) declared: Option<CameOut>,
    /// By a program.
    pub(crate) measured: Option<CameOut>,
    /// By auditors, the newest first.
    pub(crate) findings: Vec<&'v Finding>,
}

/// All that is said of the testcases of a version of a scope, and of those that people said something about.
pub(crate) fn side_by_side<'v>(
    (spec, version): (&'v Spec, &'v Version),
    standings: &'v [Standing],
    findings: &'v [Finding],
    now: DateTime,
) -> Vec<Sides<'v>> {
    let stated = standings.iter().filter(|standing| standing.stated).map(|standing| &standing.testcase);
    let said = stated.chain(findings.iter().map(|finding| &finding.testcase)).map(String::as_str);
    let ids: BTreeSet<&str> = version.testcases().map(|(id, _)| id).chain(said).collect();
    let newest: BTreeMap<(&str, bool), &Standing> =
        standings.iter().map(|standing| ((standing.testcase.as_str(), standing.stated), standing)).collect();
    let sides = ids.into_iter().filter_map(|id| Some((id, spec.testcase(id)?))).map(|(id, testcase)| {
        let came_out = |stated| {
            let standing: &Standing = newest.get(&(id, stated)).copied()?;
            let at = civil(standing.counts_from);
            Some(CameOut {
                verdict: standing.verdict,
                at,
                report: standing.report.clone(),
                is_old: testcase.lifetime.expiry(at) <= now,
            })
        };
        let mut findings: Vec<&Finding> = findings.iter().filter(|finding| finding.testcase == id).collect();
        // The sort is stable: of the same instant, that which was written down later comes first.
        findings.reverse();
        findings.sort_by_key(|finding| std::cmp::Reverse((finding.seen_on, finding.at)));
        Sides {
            testcase: &testcase.id,
            is_manual: testcase.manual,
            target: version.target_of(id),
            declared: came_out(true),
            measured: came_out(false),
            findings,
        }
    });
    sides.collect()
}

impl Sides<'_> {
    /// Where one says PASS and another FAIL, in words. What has expired, or decided nothing, contradicts nobody; of
    /// findings, the newest that decides counts.
    pub(crate) fn contradictions(&self) -> Vec<String> {
        let of = |who: &'static str, came_out: &Option<CameOut>| {
            let found = came_out.as_ref().filter(|found| !found.is_old)?;
            Some((who, found.verdict, found.at.date()))
        };
        let mut decided = self
            .findings
            .iter()
            .filter_map(|finding| Some(("found by an auditor", finding.opinion.verdict()?, finding.seen_on)));
        let all = [of("declared", &self.declared), of("measured", &self.measured), decided.next()];
        let certain = |said: &&(&str, Verdict, Date)| matches!(said.1, Verdict::Pass | Verdict::Fail);
        let all: Vec<(&str, Verdict, Date)> = all.iter().flatten().filter(certain).copied().collect();
        let mut told = Vec::new();
        for (place, (who, verdict, day)) in all.iter().enumerate() {
            for (other, otherwise, then) in &all[place + 1..] {
                if verdict != otherwise {
                    told.push(format!("{who} {verdict} on {day}, but {other} {otherwise} on {then}"));
                }
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const NOW: DateTime = date(2026, 11, 23).at(12, 0, 0, 0);

    fn standing(testcase: &str, stated: bool, verdict: Verdict, at: &str) -> Standing {
        Standing {
            subject: "s".into(),
            scope: "o".into(),
            testcase: testcase.into(),
            verdict,
            counts_from: at.parse().unwrap(),
            report: "r".into(),
            stated,
        }
    }

    fn finding(testcase: &str, opinion: Opinion, seen_on: Date) -> Finding {
        Finding {
            uuid: "f".into(),
            subject: "s".into(),
            scope: "o".into(),
            testcase: testcase.into(),
            opinion,
            text: "t".into(),
            evidence: String::new(),
            seen_on,
            at: "2026-11-23T10:00:00Z".parse().unwrap(),
            account: "a".into(),
            nonce: "n".into(),
        }
    }

    fn told(standings: &[Standing], findings: &[Finding]) -> Vec<String> {
        let spec = Spec::embedded_kaas();
        let version = spec.version("v1").unwrap();
        let sides = side_by_side((spec, version), standings, findings, NOW);
        assert!(sides.len() >= version.testcases().count());
        sides.iter().flat_map(Sides::contradictions).collect()
    }

    #[test]
    fn whoever_says_otherwise_is_named() {
        let (id, today) = ("version-policy-check", "2026-11-23T09:00:00Z");
        let declared = |verdict| standing(id, true, verdict, today);
        let measured = |verdict| standing(id, false, verdict, today);
        let found = |opinion| finding(id, opinion, date(2026, 11, 20));
        let pass_fail = "declared PASS on 2026-11-23, but measured FAIL on 2026-11-23";
        assert_eq!(told(&[declared(Verdict::Pass), measured(Verdict::Fail)], &[]), [pass_fail]);
        assert_eq!(
            told(&[measured(Verdict::Pass)], &[found(Opinion::Fail)]),
            ["measured PASS on 2026-11-23, but found by an auditor FAIL on 2026-11-20"]
        );
        let three = told(&[declared(Verdict::Pass), measured(Verdict::Fail)], &[found(Opinion::Pass)]);
        assert_eq!(
            three,
            [pass_fail, "measured FAIL on 2026-11-23, but found by an auditor PASS on 2026-11-20"]
        );
        // Those agree, or say nothing.
        for (standings, findings) in [
            (vec![declared(Verdict::Pass), measured(Verdict::Pass)], vec![found(Opinion::Pass)]),
            (vec![declared(Verdict::Pass), measured(Verdict::Abort)], vec![found(Opinion::Remark)]),
            (
                vec![declared(Verdict::Pass), standing(id, false, Verdict::Fail, "2026-10-01T00:00:00Z")],
                vec![],
            ),
            // The newer finding counts, whenever it was written down.
            (
                vec![measured(Verdict::Pass)],
                vec![found(Opinion::Pass), finding(id, Opinion::Fail, date(2026, 11, 19))],
            ),
            // A remark takes nothing back.
            (
                vec![measured(Verdict::Pass)],
                vec![finding(id, Opinion::Pass, date(2026, 1, 1)), found(Opinion::Remark)],
            ),
        ] {
            assert_eq!(told(&standings, &findings), Vec::<String>::new(), "{standings:?} {findings:?}");
        }
    }

    #[test]
    fn what_people_said_is_shown_whatever_the_version_has() {
        let spec = Spec::embedded_kaas();
        let version = spec.version("v1").unwrap();
        let manual = "node-distribution-check";
        let stated = [standing(manual, true, Verdict::Pass, "2026-11-23T09:00:00Z")];
        let findings = [finding("unknown", Opinion::Fail, date(2026, 11, 1))];
        let sides = side_by_side((spec, version), &stated, &findings, NOW);
        let shown = sides.iter().find(|sides| sides.testcase == manual).unwrap();
        assert!(shown.is_manual && shown.measured.is_none() && shown.declared.is_some());
        assert!(sides.iter().all(|sides| sides.testcase != "unknown"));
    }
}
