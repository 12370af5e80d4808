//! What people declare about testcases that no program can decide, as judgements.

use std::collections::BTreeMap;

use assay_standards::Verdict;
use assay_standards::declaration::{Answer, Declaration, DeclaredTestcase, Demand, Signer, Standing};
use assay_standards::scope::Testcase;
use assay_testcases::{Finding, Judgement, Reading, Readings, Resource, Weight};
use jiff::civil::Date;

use crate::model::{Report, TestcaseReport};

/// What a person stated about a testcase. It counts if the testcase has a verdict, which is then this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// What the answers come to, PASS or FAIL, whether or not they still count.
    pub verdict: Verdict,
    /// Who stands for it.
    pub signer: Signer,
    /// The day it was made.
    pub date: Date,
    /// The last day on which it counts in the official reading.
    pub official_through: Date,
    /// The last day on which it counts in the text reading.
    pub text_through: Date,
    /// The answers, in the order of the questions.
    pub answers: Vec<DeclaredAnswer>,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredAnswer {
    /// Id of the question.
    pub question: String,
    /// What was asked.
    pub text: String,
    /// The word that was answered.
    pub answer: String,
    /// What the word states.
    pub means: String,
    /// Addresses of what proves it.
    pub evidence: Vec<String>,
    /// What else was said.
    pub remark: Option<String>,
}

impl Declared {
    /// Name and role of who stands for it.
    pub fn signed(&self) -> String {
        format!("{}, {}", self.signer.name, self.signer.role)
    }

    /// The last day on which it counts in a reading.
    pub fn through(&self, reading: Reading) -> Date {
        match reading {
            Reading::Official => self.official_through,
            Reading::Text => self.text_through,
        }
    }

    /// What proves the answers: id of the question and address.
    pub fn evidence(&self) -> impl Iterator<Item = (&str, &str)> {
        self.answers.iter().flat_map(|answer| {
            answer.evidence.iter().map(|address| (answer.question.as_str(), address.as_str()))
        })
    }

    fn of(declaration: &Declaration, testcase: &Testcase) -> Option<Self> {
        let declared = declaration.testcase(&testcase.id)?;
        Some(Declared {
            verdict: declared.verdict(),
            signer: declaration.signer.clone(),
            date: declaration.date,
            official_through: declaration.counts_through(testcase.lifetime),
            text_through: declaration.counts_through(Declaration::LIFETIME),
            answers: declared.answers.iter().map(Into::into).collect(),
        })
    }
}

impl From<&Answer> for DeclaredAnswer {
    fn from(answer: &Answer) -> Self {
        DeclaredAnswer {
            question: answer.question.id.clone(),
            text: answer.question.question.clone(),
            answer: answer.choice.answer.clone(),
            means: answer.choice.means.clone(),
            evidence: answer.evidence.clone(),
            remark: answer.remark.clone(),
        }
    }
}

/// What declarations about the subject make of a testcase on a day; none if they do not answer it, or if
/// people do not decide it: what can be measured is not declared.
///
/// The newest declaration that is made by that day counts, of two of one day the worse. In the official reading
/// it counts as long as the scope spec says for results of the testcase, in the text reading for a quarter
/// (scs-0004-v1, rule 3). When it does not count, the testcase has no result (MISS) and a note why.
pub fn declared(
    testcase: &Testcase,
    declarations: &[&Declaration],
    on: Date,
) -> Option<(Judgement, Declared)> {
    if !testcase.manual {
        return None;
    }
    let answering = || declarations.iter().filter(|one| one.testcase(&testcase.id).is_some());
    let newest = answering()
        .filter(|one| one.date <= on)
        .max_by_key(|one| (one.date, one.testcase(&testcase.id).map(DeclaredTestcase::verdict)));
    let declaration = newest.or_else(|| answering().min_by_key(|one| one.date))?;
    let declared = Declared::of(declaration, testcase)?;
    let counts = |lifetime| declaration.standing(lifetime, on) == Standing::Counts;
    let (official, text) = (counts(testcase.lifetime), counts(Declaration::LIFETIME));
    let verdict = |counts| if counts { declared.verdict } else { Verdict::Miss };
    let mut findings = Vec::new();
    if let Some(readings) = readings(official, text) {
        findings.extend(shortfalls(declaration, testcase, readings));
    }
    if let Some(readings) = readings(!official, !text) {
        findings.push(note(readings, None, why_not(&declared, readings, on)));
    }
    let mut differences = Vec::new();
    if testcase.lifetime != Declaration::LIFETIME {
        let why = format!(
            "Officially a declaration counts for a {}, as the scope spec says for results; the text of scs-0004 \
             has manual checks repeated every quarter.",
            testcase.lifetime
        );
        differences.push(why.into());
    }
    let judgement =
        Judgement { official: Some(verdict(official)), text: verdict(text), findings, differences };
    Some((judgement, declared))
}

fn readings(official: bool, text: bool) -> Option<Readings> {
    match (official, text) {
        (true, true) => Some(Readings::Both),
        (true, false) => Some(Readings::Official),
        (false, true) => Some(Readings::Text),
        (false, false) => None,
    }
}

/// The answers that do not conform: to a binding demand a failure, else a note.
fn shortfalls(declaration: &Declaration, testcase: &Testcase, readings: Readings) -> Vec<Finding> {
    let Some(declared) = declaration.testcase(&testcase.id) else { return Vec::new() };
    let resource = |answer: &Answer| Some(Resource::new("question", "", &answer.question.id));
    let said = |answer: &Answer| format!("declared \"{}\": {}", answer.choice.answer, answer.choice.means);
    let failure = |answer: &Answer| Finding {
        weight: Weight::Failure,
        readings,
        resource: resource(answer),
        expected: format!("the answer {}", answer.question.conforming()).into(),
        found: said(answer).into(),
    };
    let short = |answer: &Answer| {
        note(readings, resource(answer), format!("{}, against a recommendation", said(answer)))
    };
    let failures = declared.shortfalls(Demand::Must).map(failure);
    failures.chain(declared.shortfalls(Demand::Should).map(short)).collect()
}

fn note(readings: Readings, resource: Option<Resource>, found: String) -> Finding {
    Finding { weight: Weight::Note, readings, resource, expected: "".into(), found: found.into() }
}

fn why_not(declared: &Declared, readings: Readings, on: Date) -> String {
    let Declared { date, .. } = declared;
    if on < *date {
        return format!("the declaration of {} is made on {date}, after {on}", declared.signed());
    }
    let through = match readings {
        Readings::Official => format!("officially through {}", declared.official_through),
        Readings::Text => format!("by the text through {}", declared.text_through),
        Readings::Both => format!("through {}", declared.text_through.max(declared.official_through)),
    };
    format!("the declaration of {}, made on {date}, counted {through}: a new one is due", declared.signed())
}

impl TestcaseReport {
    /// Whether the verdict of a reading is what a person declared.
    pub fn is_declared(&self, reading: Reading) -> bool {
        self.declared.is_some() && matches!(self.verdict(reading), Some(Verdict::Pass | Verdict::Fail))
    }
}

impl Report {
    /// Marks the testcases whose judgements come from declarations, by id.
    pub fn mark_declared(&mut self, mut declared: BTreeMap<String, Declared>) {
        for testcase in &mut self.testcases {
            testcase.declared = declared.remove(&testcase.id);
            // What a person stated counts as that, even if it could have been measured.
            testcase.manual |= testcase.declared.is_some();
        }
        self.count_declared();
    }

    /// Counts by target what people declared.
    pub(crate) fn count_declared(&mut self) {
        for version in &mut self.versions {
            for target in &mut version.targets {
                let (version, name) = (&version.version, &target.target);
                let is_here = |testcase: &&TestcaseReport| {
                    testcase.places.iter().any(|place| place.version == *version && place.target == *name)
                };
                for (reading, tally) in
                    [(Reading::Official, &mut target.official), (Reading::Text, &mut target.text)]
                {
                    let count = |verdict| {
                        let stated = self.testcases.iter().filter(|testcase| testcase.is_declared(reading));
                        let here = stated.filter(is_here);
                        here.filter(|testcase| testcase.verdict(reading) == Some(verdict)).count()
                    };
                    tally.declared_pass = count(Verdict::Pass);
                    tally.declared_fail = count(Verdict::Fail);
                }
            }
        }
    }

    /// How long a declaration counts in each reading that was asked for, or did, in words.
    pub fn standing(&self, testcase: &TestcaseReport, declared: &Declared) -> String {
        let words = [(Reading::Official, "officially"), (Reading::Text, "by the text")]
            .into_iter()
            .filter(|(reading, _)| self.chosen.includes(*reading))
            .map(|(reading, word)| {
                let verb = match testcase.is_declared(reading) {
                    true => "counts",
                    false if self.reference_date < declared.date => "will count",
                    false => "counted",
                };
                format!("{verb} {word} through {}", declared.through(reading))
            });
        words.collect::<Vec<_>>().join(", ")
    }

    /// The testcases about which a person stated something.
    pub fn declared(&self) -> impl Iterator<Item = (&TestcaseReport, &Declared)> {
        self.testcases.iter().filter_map(|testcase| Some((testcase, testcase.declared.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use Verdict::{Fail, Miss, Pass};
    use assay_standards::scope::Spec;
    use jiff::civil::date;

    use super::*;
    use crate::{ExitCode, fixture};

    const KEYS: &str = "key-manager-docs-check";

    /// A declaration of a day, with the answer to whether keys are encrypted.
    fn declaration(date: &str, encrypted: &str) -> Declaration {
        let text = format!(
            "signer: {{name: Jane, role: Boss, contact: j@e.org}}
date: {date}
testcases:
  {KEYS}:
    offered: yes
    keys-encrypted: {{answer: {encrypted}, evidence: 'https://e.org/keys'}}
    master-key-apart: {{answer: yes, evidence: 'https://e.org/master'}}
    master-key-not-plain: no
    auditable: {{answer: yes, evidence: 'https://e.org/plan'}}
"
        );
        Declaration::from_answers("t", &text, "demo", "assay 0", date.parse().unwrap()).unwrap()
    }

    /// The verdicts, official and text, on a day.
    fn verdicts(declarations: &[Declaration], on: Date) -> (Verdict, Verdict) {
        let testcase = Spec::embedded_iaas().testcase(KEYS).unwrap();
        let all: Vec<&Declaration> = declarations.iter().collect();
        let (judgement, _) = declared(testcase, &all, on).unwrap();
        (judgement.official.unwrap(), judgement.text)
    }

    fn judged(declaration: &Declaration, on: Date) -> (Judgement, Declared) {
        declared(Spec::embedded_iaas().testcase(KEYS).unwrap(), &[declaration], on).unwrap()
    }

    #[test]
    fn it_counts_for_a_week_officially_and_for_a_quarter_by_the_text() {
        // 2026-11-16 is a Monday.
        for (answer, verdict) in [("yes", Pass), ("no", Fail)] {
            let declaration = [declaration("2026-11-16", answer)];
            for (on, expected) in [
                (date(2026, 11, 15), (Miss, Miss)),
                (date(2026, 11, 16), (verdict, verdict)),
                (date(2026, 11, 29), (verdict, verdict)),
                (date(2026, 11, 30), (Miss, verdict)),
                (date(2027, 3, 31), (Miss, verdict)),
                (date(2027, 4, 1), (Miss, Miss)),
            ] {
                assert_eq!(verdicts(&declaration, on), expected, "{on}");
            }
        }
    }

    #[test]
    fn the_newest_that_is_made_counts_and_of_one_day_the_worse() {
        let (old, new) = (declaration("2026-11-10", "no"), declaration("2026-11-20", "yes"));
        let both = [new.clone(), old.clone()];
        assert_eq!(verdicts(&both, date(2026, 11, 21)), (Pass, Pass));
        assert_eq!(verdicts(&both, date(2026, 11, 19)), (Fail, Fail), "the new one is not made yet");
        let same_day = declaration("2026-11-20", "no");
        for pair in [[new.clone(), same_day.clone()], [same_day, new]] {
            assert_eq!(verdicts(&pair, date(2026, 11, 21)), (Fail, Fail));
        }
    }

    #[test]
    fn findings_say_which_answer_does_not_conform_and_why_one_does_not_count() {
        let (judgement, _) = judged(&declaration("2026-11-16", "no"), date(2026, 12, 1));
        let said: Vec<(Weight, Readings, String)> = judgement
            .findings
            .iter()
            .map(|finding| (finding.weight, finding.readings, crate::text::sentence(finding)))
            .collect();
        assert_eq!(
            said,
            [
                (
                    Weight::Failure,
                    Readings::Text,
                    "question \"keys-encrypted\": expected the answer yes, found declared \"no\": \
                     at least some keys are stored in plain text"
                        .to_owned()
                ),
                (
                    Weight::Note,
                    Readings::Text,
                    "question \"master-key-not-plain\": declared \"no\": the master key lies in plain text on the \
                     host of the key manager, such as in its configuration file, against a recommendation"
                        .to_owned()
                ),
                (
                    Weight::Note,
                    Readings::Official,
                    "the declaration of Jane, Boss, made on 2026-11-16, counted officially through 2026-11-29: a new one is due"
                        .to_owned()
                ),
            ]
        );
        assert!(judgement.differences[0].contains("for a week"));
        let (judgement, _) = judged(&declaration("2026-11-16", "no"), date(2026, 11, 1));
        assert_eq!(judgement.findings.len(), 1);
        assert_eq!(
            judgement.findings[0].found,
            "the declaration of Jane, Boss is made on 2026-11-16, after 2026-11-01"
        );
    }

    #[test]
    fn what_can_be_measured_is_not_declared() {
        let spec = Spec::embedded_iaas();
        let one = declaration("2026-11-16", "yes");
        for id in ["scs-0116-presence", "domain-manager-check"] {
            assert!(declared(spec.testcase(id).unwrap(), &[&one], one.date).is_none(), "{id}");
        }
        let measurable =
            assay_standards::scope::Testcase { manual: false, ..spec.testcase(KEYS).unwrap().clone() };
        assert!(declared(&measurable, &[&one], one.date).is_none());
    }

    #[test]
    fn marks_are_set_and_counted_by_target() {
        let mut report = fixture::report();
        for testcase in &mut report.testcases {
            testcase.declared = None;
        }
        for version in &mut report.versions {
            for target in &mut version.targets {
                (target.official.declared_pass, target.text.declared_fail) = (9, 9);
            }
        }
        let (_, declared) = judged(&declaration("2026-11-16", "yes"), date(2026, 11, 20));
        report.mark_declared(
            [fixture::DECLARED, fixture::DECLARED_FAIL].map(|id| (id.to_owned(), declared.clone())).into(),
        );
        assert_eq!(report.declared().count(), 2);
        let counts: Vec<[(usize, usize); 2]> = report
            .versions
            .iter()
            .flat_map(|version| &version.targets)
            .map(|target| {
                [target.official, target.text].map(|tally| (tally.declared_pass, tally.declared_fail))
            })
            .collect();
        let none = [(0, 0); 2];
        assert_eq!(
            counts,
            [none, [(1, 0), (1, 1)], none],
            "what does not count officially is not counted there"
        );
    }

    #[test]
    fn a_declared_failure_does_not_change_how_a_run_ends() {
        let mut report = fixture::report();
        report.chosen = crate::Chosen::Text;
        report.testcases.retain(|testcase| testcase.manual || testcase.id == fixture::PASSES);
        assert!(
            report
                .testcases
                .iter()
                .any(|testcase| testcase.text == Fail && testcase.is_declared(Reading::Text))
        );
        assert_eq!(ExitCode::of([&report]), ExitCode::Conforms);
        assert_eq!(report.tally(Reading::Text).total(), 1);
    }
}
