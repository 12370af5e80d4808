//! What can be wrong with a file of answers, and where.

use assay_yaml::{Problems, Shape, Wrong, quoted};
use jiff::civil::Date;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The file is no YAML, or lacks, repeats or misspells something.
    #[error(transparent)]
    Shape(#[from] Shape),
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

impl Wrong for ProblemKind {
    const FILE: &'static str = "the file of answers";

    fn help(&self) -> Option<String> {
        Some(match self {
            ProblemKind::Shape(shape) => return shape.help(),
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
        })
    }

    fn label(&self) -> String {
        "here".to_owned()
    }
}

/// One thing that is wrong with a file of answers.
pub type Problem = assay_yaml::Problem<ProblemKind>;

/// A file of answers that cannot be used, with everything that was found wrong with it, by place.
pub type DeclarationError = Problems<ProblemKind>;

/// The problems sorted by their places and cut to a number that is of use to a reader.
pub(super) fn by_place(mut problems: Vec<Problem>) -> DeclarationError {
    problems.sort_by_key(|problem| problem.spot().place.start);
    problems.truncate(Problem::MOST);
    DeclarationError::new(problems)
}
