//! What can be wrong with a spec file, and where.

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// A range of a source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Counted from 1.
    pub(crate) line: u64,
    /// Counted from 1, in characters.
    pub(crate) column: u64,
    /// In bytes.
    pub(crate) start: usize,
    /// In bytes.
    pub(crate) len: usize,
}

/// A place in a certain file, and the path of keys that leads to it.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    pub(crate) source: Arc<NamedSource<String>>,
    pub(crate) place: Place,
    pub(crate) key: String,
}

impl Spot {
    fn same_file(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
    }

    pub(crate) fn label(&self, text: String) -> LabeledSpan {
        LabeledSpan::new_with_span(Some(text), (self.place.start, self.place.len))
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.name(), self.place.line, self.place.column)
    }
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) spot: Spot,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// Not YAML, or YAML that breaks a limit of depth, size or aliases.
    #[error("cannot be read as YAML: {0}")]
    Syntax(String),
    /// More than this program is willing to read.
    #[error("too large: {0}")]
    TooLarge(String),
    /// A key that the format does not know.
    #[error("unknown key {} in {context}{}", quoted(.key), did_you_mean(.nearest.as_deref()))]
    UnknownKey {
        /// The key as written.
        key: String,
        /// The kind of map it stands in.
        context: &'static str,
        /// The most similar key that is allowed here.
        nearest: Option<String>,
        /// All keys that are allowed here.
        allowed: &'static [&'static str],
    },
    /// A key that must be given.
    #[error("missing key `{key}` in {context}")]
    MissingKey {
        /// The key that is absent or empty.
        key: &'static str,
        /// The kind of map it is absent from.
        context: &'static str,
    },
    /// Another shape of value than the format demands.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What the format demands.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// Something that must be unique is given twice.
    #[error("duplicate {what} {}", quoted(.id))]
    Duplicate {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        id: String,
    },
    /// A name that is defined nowhere in the spec.
    #[error("unknown {what} {}{}", quoted(.id), did_you_mean(.nearest.as_deref()))]
    UnknownReference {
        /// What kind of thing is named.
        what: &'static str,
        /// The name as written.
        id: String,
        /// The most similar name that is defined.
        nearest: Option<String>,
    },
    /// A word outside of a fixed vocabulary, such as a validity code or a lifetime.
    #[error("invalid {what} {}{}", quoted(.word), did_you_mean(.nearest.as_deref()))]
    UnknownWord {
        /// What kind of word.
        what: &'static str,
        /// The word as written.
        word: String,
        /// The most similar word.
        nearest: Option<String>,
        /// The whole vocabulary.
        allowed: Vec<&'static str>,
    },
    /// Not a day of the calendar in the form `YYYY-MM-DD`.
    #[error("invalid date {}", quoted(.0))]
    InvalidDate(String),
    /// The extension belongs to another scope.
    #[error("extends scope {}, but the spec is scope {}", quoted(.found), quoted(.expected))]
    ForeignScope {
        /// The uuid of the spec.
        expected: String,
        /// The uuid the extension names.
        found: String,
    },
}

/// One thing that is wrong with a spec file.
#[derive(Clone, Debug)]
pub struct Problem {
    pub(crate) spot: Spot,
    pub(crate) kind: ProblemKind,
    pub(crate) earlier: Option<Spot>,
}

impl Problem {
    /// Nobody reads more of them at once, and a hostile file must not make the report large.
    pub(crate) const MOST: usize = 50;

    pub(crate) fn new(spot: Spot, kind: ProblemKind) -> Self {
        Self { spot, kind, earlier: None }
    }

    /// What is wrong.
    pub fn kind(&self) -> &ProblemKind {
        &self.kind
    }

    /// The file, as it was named to the parser.
    pub fn file(&self) -> &str {
        self.spot.source.name()
    }

    /// The line, counted from 1.
    pub fn line(&self) -> u64 {
        self.spot.place.line
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> u64 {
        self.spot.place.column
    }

    /// The path of keys, such as `versions[2].include[5].ref`; empty for the document itself.
    pub fn key(&self) -> &str {
        &self.spot.key
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
            Some(earlier) if self.spot.same_file(earlier) => {
                write!(f, ", first given at {}:{}", earlier.place.line, earlier.place.column)
            }
            Some(earlier) => write!(f, ", first given at {earlier}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let text = match &self.kind {
            ProblemKind::UnknownKey { allowed, .. } => format!("allowed here: {}", allowed.join(", ")),
            ProblemKind::UnknownWord { allowed, .. } => format!("use one of: {}", allowed.join(", ")),
            ProblemKind::InvalidDate(_) => "write dates as YYYY-MM-DD".to_owned(),
            _ => return None,
        };
        Some(Box::new(text))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.spot.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let here = self.spot.label(self.kind.to_string());
        let earlier = self.earlier.iter().filter(|earlier| earlier.same_file(&self.spot));
        let earlier = earlier.map(|earlier| earlier.label("first given here".to_owned()));
        Some(Box::new(std::iter::once(here).chain(earlier)))
    }
}

/// A spec file that cannot be used, with everything that was found wrong with it.
///
/// As a [`Diagnostic`] it labels the first problem in the source and carries the others as related ones.
#[derive(Clone, Debug)]
pub struct SpecError {
    problems: Vec<Problem>,
}

impl SpecError {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// All problems, in the order they were met.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl From<Problem> for SpecError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [] => write!(f, "the scope spec cannot be used"),
            [first] => write!(f, "{first}"),
            [first, _] => write!(f, "{first} (and 1 more problem)"),
            [first, others @ ..] => write!(f, "{first} (and {} more problems)", others.len()),
        }
    }
}

impl std::error::Error for SpecError {}

impl Diagnostic for SpecError {
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

/// Text from a file in backticks, with control characters escaped and cut to a readable length.
pub(crate) fn quoted(text: &str) -> String {
    const MOST: usize = 80;
    let shown: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    let rest = if text.chars().nth(MOST).is_some() { "…" } else { "" };
    format!("`{shown}{rest}`")
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!(" (did you mean {}?)", quoted(nearest)))
}

/// The candidate that `word` is most likely a slip of, if one is close enough to be worth proposing.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Words from outside can be long, and the distance costs the product of both lengths.
    const LONGEST: usize = 100;
    let length = word.chars().count();
    if length > LONGEST {
        return None;
    }
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= length.max(candidate.len()).div_ceil(4))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// How many characters must be inserted, removed or replaced to turn `a` into `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("v5.1", "v51", 1),
            ("größe", "grosse", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn only_close_words_are_proposed() {
        let keys = ["executable", "env", "args", "testcases"];
        assert_eq!(nearest("testcase", keys), Some("testcases"));
        assert_eq!(nearest("exectuable", keys), Some("executable"));
        assert_eq!(nearest("arg", keys), Some("args"));
        assert_eq!(nearest("parameters", keys), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), keys), None);
    }

    #[test]
    fn quoted_text_is_harmless_and_short() {
        assert_eq!(quoted("a\u{1b}[31m"), "`a\\u{1b}[31m`");
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), 83);
    }
}
