//! What can be wrong with a file of answers, and where.

use std::fmt;

use jiff::civil::Date;
use miette::{Diagnostic, LabeledSpan, SourceCode};

use crate::scope;
use crate::scope::problem::{Spot, quoted};

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The file is no YAML, or lacks, repeats or misspells something.
    #[error("{0}")]
    Shape(scope::ProblemKind),
    /// Another kind of file, or one of a newer program.
    #[error("expected {key} {expected}, found {}", quoted(.found))]
    Format {
        /// The key that tells.
        key: &'static str,
        /// What this program reads.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// The answers are about somebody else.
    #[error("the answers are for subject {}, not for {}", quoted(.found), quoted(.expected))]
    OtherSubject {
        /// The subject that was asked for.
        expected: String,
        /// The subject that the file names.
        found: String,
    },
    /// A text that must say something is empty.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// No testcase is answered.
    #[error("no testcase is answered")]
    NoTestcases,
    /// A day that has not come yet.
    #[error("the date {0} lies in the future")]
    Future(Date),
    /// A question without its answer.
    #[error("the question {question} is not answered: {text}")]
    NotAnswered {
        /// Id of the question.
        question: &'static str,
        /// What is asked.
        text: &'static str,
        /// The answers there are.
        answers: Vec<&'static str>,
    },
    /// An answer to a question that is not asked because of another answer.
    #[error("the question {question} is answered, but it is asked only if {on} is {answer}")]
    NotAsked {
        /// Id of the question.
        question: &'static str,
        /// Id of the question that it hangs on.
        on: &'static str,
        /// The answer that it hangs on.
        answer: &'static str,
    },
    /// An answer without the links that must prove it.
    #[error("the answer {answer} needs evidence: link what shows it")]
    NoEvidence {
        /// The answer.
        answer: &'static str,
        /// What the links must show.
        wanted: &'static str,
    },
    /// Evidence that nobody can follow.
    #[error("{} is no web address", quoted(.0))]
    NotWeb(String),
    /// Evidence whose address holds a user name or password, which reports would publish.
    #[error("the address has a user name or password in it, and reports show addresses to everyone")]
    Credentials,
}

/// One thing that is wrong with a file of answers.
#[derive(Clone, Debug)]
pub struct Problem {
    pub(super) spot: Spot,
    pub(super) kind: ProblemKind,
    pub(super) earlier: Option<Spot>,
}

impl Problem {
    pub(super) fn new(spot: Spot, kind: ProblemKind) -> Self {
        Self { spot, kind, earlier: None }
    }

    /// What is wrong.
    pub fn kind(&self) -> &ProblemKind {
        &self.kind
    }

    /// The line, counted from 1.
    pub fn line(&self) -> u64 {
        self.spot.place.line
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> u64 {
        self.spot.place.column
    }

    /// The path of keys, such as `testcases.domain-manager-check.role.evidence[0]`; empty for the document.
    pub fn key(&self) -> &str {
        &self.spot.key
    }
}

impl From<scope::Problem> for Problem {
    fn from(problem: scope::Problem) -> Self {
        Self { spot: problem.spot, kind: ProblemKind::Shape(problem.kind), earlier: problem.earlier }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.spot)?;
        if !self.spot.key.is_empty() {
            write!(f, "{}: ", self.spot.key)?;
        }
        write!(f, "{}", self.kind)?;
        match &self.earlier {
            Some(earlier) => write!(f, ", first given at {}:{}", earlier.place.line, earlier.place.column),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        use scope::ProblemKind as Shape;
        let text = match &self.kind {
            ProblemKind::Shape(Shape::UnknownKey { allowed, .. }) => {
                format!("allowed here: {}", allowed.join(", "))
            }
            ProblemKind::Shape(Shape::UnknownWord { allowed, .. }) => {
                format!("use one of: {}", allowed.join(", "))
            }
            ProblemKind::Shape(Shape::InvalidDate(_)) => "write dates as YYYY-MM-DD".to_owned(),
            ProblemKind::NotAnswered { answers, .. } => format!("answer with one of: {}", answers.join(", ")),
            ProblemKind::NotAsked { .. } => "take one of the two answers back".to_owned(),
            ProblemKind::NoEvidence { wanted, .. } => format!("wanted: {wanted}"),
            ProblemKind::NotWeb(_) => {
                "write evidence as an address such as https://docs.example.org/key-manager".to_owned()
            }
            ProblemKind::Credentials => {
                "link something that its readers can log in to by themselves".to_owned()
            }
            ProblemKind::Format { .. } => {
                "a newer assay may be needed, or the file is of another kind".to_owned()
            }
            ProblemKind::NoTestcases => "`assay declare --questions` prints a file to fill in".to_owned(),
            _ => return None,
        };
        Some(Box::new(text))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.spot.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let here = self.spot.label("here".to_owned());
        let earlier = self.earlier.iter().map(|earlier| earlier.label("first given here".to_owned()));
        Some(Box::new(std::iter::once(here).chain(earlier)))
    }
}

/// A file of answers that cannot be used, with everything that was found wrong with it.
///
/// As a [`Diagnostic`] it labels the first problem in the source and carries the others as related ones.
#[derive(Clone, Debug)]
pub struct DeclarationError {
    problems: Vec<Problem>,
}

impl DeclarationError {
    /// The problems are sorted by their places and cut to a number that is of use to a reader.
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.spot.place.start);
        problems.truncate(scope::Problem::MOST);
        Self { problems }
    }

    /// All problems, by their places in the file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for DeclarationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [] => write!(f, "the answers cannot be used"),
            [first] => write!(f, "{first}"),
            [first, _] => write!(f, "{first} (and 1 more problem)"),
            [first, others @ ..] => write!(f, "{first} (and {} more problems)", others.len()),
        }
    }
}

impl std::error::Error for DeclarationError {}

impl Diagnostic for DeclarationError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problems.first()?.help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.problems.first()?.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.problems.first()?.labels()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let others = self.problems.get(1..).filter(|others| !others.is_empty())?;
        Some(Box::new(others.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}
