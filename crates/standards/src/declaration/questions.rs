//! What there is to answer for each manual testcase.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;
use thiserror::Error;

/// The questions of one manual testcase, in the order in which they are asked.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Questionnaire {
    /// Id of the testcase, such as `key-manager-docs-check`.
    pub testcase: String,
    /// The document that demands it, such as `scs-0116-v1`.
    pub standard: String,
    /// Where the document can be read.
    pub url: String,
    /// What it is about, in a few words.
    pub title: String,
    /// What the answers are about, and who can give them.
    pub about: String,
    /// The questions.
    pub questions: Vec<Question>,
}

/// What one demand of a standard comes down to for the person who answers.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Unique among the questions of the testcase.
    pub id: String,
    /// The place in the document.
    pub clause: String,
    /// How binding the demand is.
    pub demand: Demand,
    /// Asked only under this condition; none if always.
    #[serde(default)]
    pub only_if: Option<Condition>,
    /// What is asked.
    pub question: String,
    /// What the linked documents must show.
    pub wanted: String,
    /// The answers there are.
    pub answers: Vec<Choice>,
}

/// How binding the demand behind a question is (RFC 2119).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Demand {
    /// An answer that does not conform fails the testcase.
    Must,
    /// An answer that does not conform is noted.
    Should,
}

impl Demand {
    /// The word of RFC 2119, in capitals.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
        }
    }
}

/// An answer to an earlier question.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Id of the question.
    pub question: String,
    /// The word that must be its answer.
    pub answer: String,
}

/// One of the answers to a question.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The word to write.
    pub answer: String,
    /// What it states.
    pub means: String,
    /// Whether the demand is met then.
    pub conforms: bool,
    /// Whether a link to documents must come with it.
    pub evidence: bool,
}

impl Questionnaire {
    /// The questions of every manual testcase that this program knows.
    pub fn all() -> &'static [Questionnaire] {
        static ALL: LazyLock<Vec<Questionnaire>> =
            LazyLock::new(|| FILES.iter().map(|(file, text)| embedded(file, text)).collect());
        &ALL
    }

    /// The questions of one testcase.
    pub fn of(testcase: &str) -> Option<&'static Questionnaire> {
        Self::all().iter().find(|questionnaire| questionnaire.testcase == testcase)
    }

    /// A question by its id.
    pub fn question(&self, id: &str) -> Option<&Question> {
        self.questions.iter().find(|question| question.id == id)
    }

    /// Whether a question must be answered when it is asked: its demand binds, or a question whose demand binds
    /// hangs on its answer.
    pub fn is_required(&self, question: &Question) -> bool {
        let hangs_on_it = |other: &Question| {
            other.demand == Demand::Must
                && other.only_if.as_ref().is_some_and(|condition| condition.question == question.id)
        };
        question.demand == Demand::Must || self.questions.iter().any(hangs_on_it)
    }
}

impl Question {
    /// The answer that a word stands for; upper and lower case are the same.
    pub fn choice(&self, word: &str) -> Option<&Choice> {
        self.answers.iter().find(|choice| choice.answer.eq_ignore_ascii_case(word))
    }

    /// The words that conform, such as `yes or certified`.
    pub fn conforming(&self) -> String {
        let words: Vec<&str> = self
            .answers
            .iter()
            .filter(|choice| choice.conforms)
            .map(|choice| choice.answer.as_str())
            .collect();
        words.join(" or ")
    }
}

macro_rules! files {
    ($($file:literal),* $(,)?) => {
        &[$(($file, include_str!(concat!("../../data/questions/", $file)))),*]
    };
}

/// Every manual testcase has one file and one line here.
const FILES: &[(&str, &str)] =
    files!["key-manager-docs-check.yaml", "availability-zones-check.yaml", "domain-manager-check.yaml",];

#[expect(clippy::panic, reason = "the files are compiled in, and a test reads every one of them")]
fn embedded(file: &str, text: &str) -> Questionnaire {
    read(text).unwrap_or_else(|error| panic!("data/questions/{file}: {error}"))
}

fn read(text: &str) -> Result<Questionnaire, ReadError> {
    let questionnaire: Questionnaire = serde_saphyr::from_str(text)?;
    let mut before: Vec<&Question> = Vec::new();
    for question in &questionnaire.questions {
        let id = &question.id;
        if before.iter().any(|earlier| earlier.id == *id) {
            return Err(ReadError::Twice(id.clone()));
        }
        if let Some(Condition { question: on, answer }) = &question.only_if {
            let earlier = before.iter().find(|earlier| earlier.id == *on);
            if earlier.and_then(|earlier| earlier.choice(answer)).is_none() {
                return Err(ReadError::Condition(id.clone()));
            }
        }
        let words: BTreeSet<_> =
            question.answers.iter().map(|choice| choice.answer.to_ascii_lowercase()).collect();
        if words.len() < question.answers.len() || !question.answers.iter().any(|choice| choice.conforms) {
            return Err(ReadError::Answers(id.clone()));
        }
        before.push(question);
    }
    Ok(questionnaire)
}

#[derive(Debug, Error)]
enum ReadError {
    #[error(transparent)]
    Yaml(#[from] serde_saphyr::Error),
    #[error("the question {0} stands there twice")]
    Twice(String),
    #[error("the question {0} hangs on something else than an answer to an earlier one")]
    Condition(String),
    #[error("the question {0} has an answer twice, or none that conforms")]
    Answers(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::{Coverage, Kind, Level};
    use crate::scope::Spec;

    #[test]
    fn every_manual_testcase_of_the_scope_has_questions_and_no_other() {
        let spec = Spec::embedded_iaas();
        let manual: Vec<&str> = spec
            .testcases()
            .iter()
            .filter(|testcase| testcase.manual)
            .map(|testcase| testcase.id.as_str())
            .collect();
        let asked: Vec<&str> = Questionnaire::all().iter().map(|known| known.testcase.as_str()).collect();
        assert_eq!(asked, manual);
    }

    #[test]
    fn every_demand_that_people_decide_is_asked_with_its_weight() {
        for questionnaire in Questionnaire::all() {
            let coverage = Coverage::of(&questionnaire.standard).unwrap();
            let mut asked = 0;
            for statement in &coverage.statements {
                let Kind::Manual { testcase: Some(testcase), .. } = &statement.kind else { continue };
                if *testcase != questionnaire.testcase {
                    continue;
                }
                let question = questionnaire.question(&statement.id);
                let question =
                    question.unwrap_or_else(|| panic!("{testcase}: {} is not asked", statement.id));
                let demand = match statement.level {
                    Level::Must | Level::MustNot => Demand::Must,
                    _ => Demand::Should,
                };
                assert_eq!(question.demand, demand, "{testcase}: {}", statement.id);
                asked += 1;
            }
            assert!(asked > 0, "{}", questionnaire.testcase);
        }
    }

    #[test]
    fn answers_that_conform_to_a_must_are_proven_and_the_others_are_not() {
        for questionnaire in Questionnaire::all() {
            for question in &questionnaire.questions {
                let place = format!("{}: {}", questionnaire.testcase, question.id);
                assert!(question.question.ends_with('?'), "{place}");
                for choice in &question.answers {
                    assert!(choice.conforms || !choice.evidence, "{place}: who admits a lack proves nothing");
                }
                // A question that merely leads to others has no answer that does not conform.
                let leads = question.answers.iter().all(|choice| choice.conforms);
                if question.demand == Demand::Must && !leads {
                    let proven = |choice: &Choice| choice.evidence == choice.conforms;
                    assert!(question.answers.iter().all(proven), "{place}");
                }
            }
        }
    }

    #[test]
    fn what_leads_to_a_must_is_required_even_if_it_is_a_should() {
        let required = |testcase: &str, id: &str| {
            let questionnaire = Questionnaire::of(testcase).unwrap();
            questionnaire.is_required(questionnaire.question(id).unwrap())
        };
        assert!(required("key-manager-docs-check", "offered"));
        assert!(!required("key-manager-docs-check", "master-key-not-plain"));
        assert!(!required("availability-zones-check", "storage-zones"), "it leads to a should alone");
    }

    #[test]
    fn files_that_make_no_sense_are_refused() {
        let file = |questions: &str| {
            format!("testcase: t\nstandard: s\nurl: u\ntitle: t\nabout: a\nquestions:\n{questions}")
        };
        let question = |id: &str, only_if: &str, answers: &str| {
            format!(
                "- {{id: {id}, clause: c, demand: must, {only_if} question: q, wanted: w, answers: [{answers}]}}\n"
            )
        };
        let yes = "{answer: yes, means: m, conforms: true, evidence: false}";
        let no = "{answer: no, means: m, conforms: false, evidence: false}";
        let both = format!("{yes}, {no}");
        let on_a = "only_if: {question: a, answer: yes},";
        let good = question("a", "", &both) + &question("b", on_a, &both);
        assert_eq!(read(&file(&good)).unwrap().questions.len(), 2);
        for (questions, said) in [
            (question("a", "", &both) + &question("a", "", &both), "twice"),
            (question("a", on_a, &both), "earlier"),
            (question("b", on_a, &both) + &question("a", "", &both), "earlier"),
            (question("a", "", no), "none that conforms"),
            (question("a", "", &format!("{yes}, {yes}")), "an answer twice"),
        ] {
            let error = read(&file(&questions)).unwrap_err().to_string();
            assert!(error.contains(said), "{questions}: {error}");
        }
    }
}
