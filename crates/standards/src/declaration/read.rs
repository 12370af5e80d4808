//! Reading answers and declarations against the questions. All that is wrong is reported at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_yaml::{At, Shape, Spot, nearest};
use jiff::civil::Date;
use miette::NamedSource;
use url::Url;

use super::answers::{Answer, Declaration, DeclaredTestcase, Signer};
use super::draft::{self, Draft, DraftAnswer, DraftSigner, DraftTestcase, Reader};
use super::problem::{DeclarationError, Problem, ProblemKind, by_place};
use super::questions::{Choice, Question, Questionnaire};
use crate::scope::draft::LIMITS;

impl Declaration {
    /// What the key `format` of a declaration says.
    pub const FORMAT: &str = "assay-declaration";
    /// The version of the format that this program writes and reads.
    pub const VERSION: &str = "1";

    /// Makes a declaration about `subject` out of a file of answers. `file_name` only serves messages; `tool`
    /// is the program that checks; dates after `latest` lie in the future.
    ///
    /// A declaration is accepted as well, to be renewed.
    ///
    /// # Errors
    /// Everything that is wrong with the file, each problem with file, line, column and key.
    pub fn from_answers(
        file_name: &str,
        text: &str,
        subject: &str,
        tool: &str,
        latest: Date,
    ) -> Result<Self, DeclarationError> {
        read(file_name, text, Some((subject, tool)), latest)
    }

    /// Reads a declaration. `file_name` only serves messages; dates after `latest` lie in the future.
    ///
    /// # Errors
    /// As [`Declaration::from_answers`]: whoever edits the file has to keep to the questions.
    pub fn parse(file_name: &str, text: &str, latest: Date) -> Result<Self, DeclarationError> {
        read(file_name, text, None, latest)
    }
}

fn read(
    file_name: &str,
    text: &str,
    made_for: Option<(&str, &str)>,
    latest: Date,
) -> Result<Declaration, DeclarationError> {
    let source = Arc::new(NamedSource::new(file_name, text.to_owned()));
    let mut reader = Reader::new(source);
    let root = reader.root(&LIMITS)?;
    let draft = draft::read(&mut reader, &root, made_for.is_none());
    let mut checker = Checker { problems: reader.into_problems(), latest };
    let declaration = draft.and_then(|draft| checker.declaration(draft, made_for));
    match declaration {
        Some(declaration) if checker.problems.is_empty() => Ok(declaration),
        _ => Err(by_place(checker.problems)),
    }
}

struct Checker {
    problems: Vec<Problem>,
    latest: Date,
}

/// What is known about an earlier question.
enum Given {
    Answer(&'static Choice),
    /// It was not asked, or need not be answered and is not.
    None,
    /// What is wrong with it has been reported.
    Unclear,
}

impl Checker {
    fn declaration(&mut self, draft: Draft, made_for: Option<(&str, &str)>) -> Option<Declaration> {
        self.format("format", Declaration::FORMAT, draft.format);
        self.format("version", Declaration::VERSION, draft.version);
        let signer = draft.signer.and_then(|signer| self.signer(signer));
        let date = draft.date.and_then(|date| self.date(date));
        let written = draft.subject.and_then(|subject| self.subject(subject, made_for));
        if draft.testcases.is_empty() {
            self.report(draft.spot, ProblemKind::NoTestcases);
        }
        let testcases = draft.testcases.into_iter().filter_map(|testcase| self.testcase(testcase)).collect();
        Some(Declaration {
            tool: made_for.map(|(_, tool)| tool.to_owned()).or(draft.tool).unwrap_or_default(),
            subject: made_for.map(|(subject, _)| subject.to_owned()).or(written)?,
            signer: signer?,
            date: date?,
            testcases,
        })
    }

    fn format(&mut self, key: &'static str, expected: &'static str, found: Option<At<String>>) {
        if let Some(At { value, spot }) = found.filter(|found| found.value != expected) {
            self.report(spot, ProblemKind::Format { key, expected, found: value });
        }
    }

    fn signer(&mut self, draft: DraftSigner) -> Option<Signer> {
        let name = self.words("the name of the signer", draft.name);
        let role = self.words("the role of the signer", draft.role);
        let contact = self.words("the contact of the signer", draft.contact);
        Some(Signer { name: name?, role: role?, contact: contact? })
    }

    /// A text that says something, without blanks around it.
    fn words(&mut self, what: &'static str, text: At<String>) -> Option<String> {
        let words = text.value.trim();
        if words.is_empty() {
            self.report(text.spot, ProblemKind::Empty(what));
            return None;
        }
        Some(words.to_owned())
    }

    fn date(&mut self, date: At<Date>) -> Option<Date> {
        if date.value > self.latest {
            self.report(date.spot, ProblemKind::Future(date.value));
            return None;
        }
        Some(date.value)
    }

    fn subject(&mut self, written: At<String>, made_for: Option<(&str, &str)>) -> Option<String> {
        if let Some((expected, _)) = made_for
            && written.value != expected
        {
            let kind = ProblemKind::OtherSubject { expected: expected.to_owned(), found: written.value };
            self.report(written.spot, kind);
            return None;
        }
        if written.value.is_empty() {
            self.report(written.spot, ProblemKind::Empty("the subject"));
            return None;
        }
        Some(written.value)
    }

    fn testcase(&mut self, draft: DraftTestcase) -> Option<DeclaredTestcase> {
        let Some(questionnaire) = Questionnaire::of(&draft.id.value) else {
            let known = Questionnaire::all().iter().map(|known| known.testcase.as_str());
            self.unknown("manual testcase", draft.id, known);
            return None;
        };
        let mut written: BTreeMap<&str, DraftAnswer> = BTreeMap::new();
        for answer in draft.answers {
            if let Some(question) = questionnaire.question(&answer.question.value) {
                // A key given twice has been reported as such.
                written.insert(&question.id, answer);
            } else {
                let known = questionnaire.questions.iter().map(|question| question.id.as_str());
                self.unknown("question", answer.question, known);
            }
        }
        let mut given: BTreeMap<&str, Given> = BTreeMap::new();
        let mut answers = Vec::new();
        for question in &questionnaire.questions {
            let draft_answer = written.remove(question.id.as_str());
            let outcome = self.question(questionnaire, question, draft_answer, &given, &draft.id.spot);
            given.insert(
                &question.id,
                match outcome {
                    Ok(Some(answer)) => {
                        let choice = answer.choice;
                        answers.push(answer);
                        Given::Answer(choice)
                    }
                    Ok(None) => Given::None,
                    Err(()) => Given::Unclear,
                },
            );
        }
        Some(DeclaredTestcase { questionnaire, answers })
    }

    /// The answer to a question, none if there is and need be none. `Err` if something was reported, or if it
    /// hangs on a question of which something was.
    fn question(
        &mut self,
        questionnaire: &'static Questionnaire,
        question: &'static Question,
        written: Option<DraftAnswer>,
        given: &BTreeMap<&str, Given>,
        testcase: &Spot,
    ) -> Result<Option<Answer>, ()> {
        let place = written.as_ref().map_or(testcase, |written| &written.question.spot).clone();
        let written = written.filter(DraftAnswer::is_filled);
        let mut is_asked = true;
        if let Some(condition) = &question.only_if {
            match given.get(condition.question.as_str()) {
                Some(Given::Answer(choice)) if choice.answer == condition.answer => {}
                Some(Given::Unclear) => is_asked = false,
                _ if written.is_none() => return Ok(None),
                _ => {
                    let (on, answer) = (&condition.question, &condition.answer);
                    self.report(place, ProblemKind::NotAsked { question: &question.id, on, answer });
                    return Err(());
                }
            }
        }
        let Some(written) = written else {
            if is_asked && !questionnaire.is_required(question) {
                return Ok(None);
            }
            if is_asked {
                self.report(place, not_answered(question));
            }
            return Err(());
        };
        let Some(word) = written.answer else {
            self.report(place, not_answered(question));
            return Err(());
        };
        let Some(choice) = question.choice(word.value.trim()) else {
            let allowed: Vec<&'static str> = answers(question).collect();
            let kind = Shape::UnknownWord {
                what: "answer",
                nearest: nearest(&word.value, allowed.iter().copied()).map(str::to_owned),
                word: word.value,
                allowed,
            };
            self.report(word.spot, kind);
            return Err(());
        };
        let count = written.evidence.len();
        let evidence: Vec<String> =
            written.evidence.into_iter().filter_map(|address| self.address(address)).collect();
        if choice.evidence && count == 0 {
            let kind = ProblemKind::NoEvidence { answer: &choice.answer, wanted: &question.wanted };
            self.report(word.spot, kind);
        }
        Ok(Some(Answer { question, choice, evidence, remark: written.remark }))
    }

    /// An address that a report can link to.
    fn address(&mut self, address: At<String>) -> Option<String> {
        let parsed = Url::parse(&address.value).ok();
        let Some(url) = parsed.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        else {
            self.report(address.spot, ProblemKind::NotWeb(address.value));
            return None;
        };
        if !url.username().is_empty() || url.password().is_some() {
            self.report(address.spot, ProblemKind::Credentials);
            return None;
        }
        Some(url.into())
    }

    fn unknown<'a>(&mut self, what: &'static str, id: At<String>, known: impl Iterator<Item = &'a str>) {
        let nearest = nearest(&id.value, known).map(str::to_owned);
        let kind = Shape::UnknownReference { what, id: id.value, nearest };
        self.report(id.spot, kind);
    }

    fn report(&mut self, spot: Spot, kind: impl Into<ProblemKind>) {
        self.problems.push(Problem::new(spot, kind.into()));
    }
}

fn not_answered(question: &'static Question) -> ProblemKind {
    ProblemKind::NotAnswered {
        question: &question.id,
        text: &question.question,
        answers: answers(question).collect(),
    }
}

fn answers(question: &'static Question) -> impl Iterator<Item = &'static str> {
    question.answers.iter().map(|choice| choice.answer.as_str())
}
