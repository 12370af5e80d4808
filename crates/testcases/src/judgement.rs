use std::borrow::Cow;

use assay_inventory::{FactId, Unavailable};
use assay_standards::Verdict;
use serde::Serialize;

use crate::finding::{Finding, Reading, Readings, Resource, Weight};

/// What a testcase came to: a verdict per reading, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The verdict of the reference suite; none for testcases that it does not have.
    pub official: Option<Verdict>,
    /// The verdict that the standard's text asks for.
    pub text: Verdict,
    /// What was seen, worst first within each resource's order of appearance.
    pub findings: Vec<Finding>,
    /// Why the two verdicts differ, or could; one sentence each.
    pub differences: Vec<Cow<'static, str>>,
}

impl Judgement {
    /// The verdict of one reading.
    pub fn verdict(&self, reading: Reading) -> Option<Verdict> {
        match reading {
            Reading::Official => self.official,
            Reading::Text => Some(self.text),
        }
    }

    /// Whether the two readings come to different verdicts.
    pub fn differs(&self) -> bool {
        self.official.is_some_and(|official| official != self.text)
    }

    /// Nothing was tried, for this reason.
    pub fn missed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::without_facts(Verdict::Miss, Weight::Note, reason.into())
    }

    /// It was tried, and came to nothing, for this reason.
    pub fn broken_off(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::without_facts(Verdict::Abort, Weight::Abort, reason.into())
    }

    fn without_facts(verdict: Verdict, weight: Weight, reason: Cow<'static, str>) -> Self {
        Judgement {
            official: Some(verdict),
            text: verdict,
            findings: vec![Finding {
                weight,
                readings: Readings::Both,
                resource: None,
                expected: Cow::Borrowed(""),
                found: reason,
            }],
            differences: Vec::new(),
        }
    }

    /// A fact could not be had, so nothing can be said.
    pub fn aborted(fact: FactId, why: &Unavailable) -> Self {
        let mut judging = Judging::default();
        judging.abort(Readings::Both, None, format!("the {fact} of the cloud"), why.to_string());
        judging.finish()
    }
}

/// A judgement in the making: findings come in, verdicts come out.
#[derive(Debug, Default)]
pub struct Judging {
    findings: Vec<Finding>,
    differences: Vec<Cow<'static, str>>,
    failed: [bool; 2],
    aborted: [bool; 2],
}

impl Judging {
    /// The demand is not met.
    pub fn fail(
        &mut self,
        readings: Readings,
        resource: impl Into<Option<Resource>>,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
    ) {
        self.add(Weight::Failure, readings, resource.into(), expected.into(), found.into());
    }

    /// The demand could not be judged.
    pub fn abort(
        &mut self,
        readings: Readings,
        resource: impl Into<Option<Resource>>,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
    ) {
        self.add(Weight::Abort, readings, resource.into(), expected.into(), found.into());
    }

    /// Worth knowing, changes no verdict.
    pub fn note(
        &mut self,
        readings: Readings,
        resource: impl Into<Option<Resource>>,
        found: impl Into<Cow<'static, str>>,
    ) {
        self.add(Weight::Note, readings, resource.into(), Cow::Borrowed(""), found.into());
    }

    /// Says why the readings differ; a sentence that stands already is not repeated.
    pub fn differ(&mut self, why: impl Into<Cow<'static, str>>) {
        let why = why.into();
        if !self.differences.contains(&why) {
            self.differences.push(why);
        }
    }

    fn add(
        &mut self,
        weight: Weight,
        readings: Readings,
        resource: Option<Resource>,
        expected: Cow<'static, str>,
        found: Cow<'static, str>,
    ) {
        for (index, reading) in [Reading::Official, Reading::Text].into_iter().enumerate() {
            if readings.include(reading) {
                self.failed[index] |= weight == Weight::Failure;
                self.aborted[index] |= weight == Weight::Abort;
            }
        }
        self.findings.push(Finding { weight, readings, resource, expected, found });
    }

    /// The verdicts. In the official reading an abort hides failures, as an exception in the reference
    /// suite ends its testcase; in the text reading a failure that was seen stays a failure.
    pub fn finish(self) -> Judgement {
        let official = match (self.aborted[0], self.failed[0]) {
            (true, _) => Verdict::Abort,
            (false, true) => Verdict::Fail,
            (false, false) => Verdict::Pass,
        };
        let text = match (self.failed[1], self.aborted[1]) {
            (true, _) => Verdict::Fail,
            (false, true) => Verdict::Abort,
            (false, false) => Verdict::Pass,
        };
        Judgement { official: Some(official), text, findings: self.findings, differences: self.differences }
    }

    /// The verdicts of a testcase that the reference suite does not have.
    pub fn finish_own(self) -> Judgement {
        Judgement { official: None, ..self.finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abort_hides_failures_in_the_official_reading_only() {
        let mut judging = Judging::default();
        judging.fail(Readings::Both, None, "a value", "none");
        judging.abort(Readings::Both, None, "a number", "text");
        let judgement = judging.finish();
        assert_eq!((judgement.official, judgement.text), (Some(Verdict::Abort), Verdict::Fail));
    }

    #[test]
    fn notes_change_no_verdict() {
        let mut judging = Judging::default();
        judging.note(Readings::Both, None, "more than promised");
        let judgement = judging.finish();
        assert_eq!((judgement.official, judgement.text), (Some(Verdict::Pass), Verdict::Pass));
        assert!(!judgement.differs());
    }
}
