//! A declaration that has been checked, and what it comes to.

use jiff::civil::Date;

use super::questions::{Choice, Demand, Question, Questionnaire};
use crate::verdict::Verdict;

/// One person's answers for one subject, checked against the questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Program and version that checked it.
    pub tool: String,
    /// Who it is about, by the name that reports use.
    pub subject: String,
    /// Who stands for it.
    pub signer: Signer,
    /// The day it was made.
    pub date: Date,
    /// The testcases that it answers, at least one, each once.
    pub testcases: Vec<DeclaredTestcase>,
}

/// The person who stands for a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// Name.
    pub name: String,
    /// What entitles the person to say so, such as `Head of Operations`.
    pub role: String,
    /// How to ask back: an e-mail address, a phone number or a web address.
    pub contact: String,
}

/// The answers for one manual testcase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredTestcase {
    /// What was asked.
    pub questionnaire: &'static Questionnaire,
    /// The answers, in the order of the questions. Every question that must be answered is.
    pub answers: Vec<Answer>,
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was asked.
    pub question: &'static Question,
    /// What was answered.
    pub choice: &'static Choice,
    /// Addresses (http or https) of what proves it.
    pub evidence: Vec<String>,
    /// What else there is to say.
    pub remark: Option<String>,
}

impl Declaration {
    /// The answers for a testcase, if it is among those that were answered.
    pub fn testcase(&self, id: &str) -> Option<&DeclaredTestcase> {
        self.testcases.iter().find(|declared| declared.questionnaire.testcase == id)
    }
}

impl DeclaredTestcase {
    /// PASS or FAIL: whether all binding demands that were asked for are met.
    pub fn verdict(&self) -> Verdict {
        match self.shortfalls(Demand::Must).next() {
            Some(_) => Verdict::Fail,
            None => Verdict::Pass,
        }
    }

    /// The answers that do not conform, to questions that bind this much.
    pub fn shortfalls(&self, demand: Demand) -> impl Iterator<Item = &Answer> {
        self.answers.iter().filter(move |answer| !answer.choice.conforms && answer.question.demand == demand)
    }

    /// What proves the answers: id of the question and address.
    pub fn evidence(&self) -> impl Iterator<Item = (&str, &str)> {
        self.answers.iter().flat_map(|answer| {
            answer.evidence.iter().map(|address| (answer.question.id.as_str(), address.as_str()))
        })
    }
}
