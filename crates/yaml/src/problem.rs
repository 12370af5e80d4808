//! What can be wrong with a file, and where.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use crate::{Place, quoted};

/// A file and its name, as messages show them.
pub type Source = Arc<NamedSource<String>>;

/// A place in a certain file, and the path of keys that leads to it.
#[derive(Clone, Debug)]
pub struct Spot {
    /// The file.
    pub source: Source,
    /// Where in it.
    pub place: Place,
    /// The path of keys, such as `versions[2].include[5].ref`; empty for the document itself.
    pub key: String,
}

impl Spot {
    fn is_in_file_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
    }

    fn label(&self, text: String) -> LabeledSpan {
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
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub spot: Spot,
}

/// What can be wrong with a file of any format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Shape {
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
    /// A name that is defined nowhere.
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
    /// No number, or none that is whole and positive.
    #[error("expected a whole number, found {}", quoted(.0))]
    NoNumber(String),
    /// Neither true nor false.
    #[error("expected true or false, found {}", quoted(.0))]
    NoTruth(String),
}

/// A whole number, 0 included.
///
/// # Errors
/// [`Shape::NoNumber`].
pub fn number(text: &str) -> Result<u64, Shape> {
    text.parse().map_err(|_| Shape::NoNumber(text.to_owned()))
}

/// True or false, in any of the words that YAML 1.1 has for them.
///
/// # Errors
/// [`Shape::NoTruth`].
pub fn truth(text: &str) -> Result<bool, Shape> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Ok(true),
        "false" | "no" | "off" => Ok(false),
        _ => Err(Shape::NoTruth(text.to_owned())),
    }
}

impl Shape {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Shape::UnknownKey { allowed, .. } => format!("allowed here: {}", allowed.join(", ")),
            Shape::UnknownWord { allowed, .. } => format!("use one of: {}", allowed.join(", ")),
            Shape::InvalidDate(_) => "write dates as YYYY-MM-DD".to_owned(),
            _ => return None,
        })
    }
}

/// What can be wrong with a file of a certain format.
pub trait Wrong: fmt::Display + fmt::Debug + From<Shape> {
    /// What a file of the format is called, such as `the scope spec`.
    const FILE: &'static str;

    /// What to do about it.
    fn help(&self) -> Option<String>;

    /// What stands beside the place in the source.
    fn label(&self) -> String {
        self.to_string()
    }
}

/// One thing that is wrong with a file.
#[derive(Clone, Debug)]
pub struct Problem<K> {
    pub(crate) spot: Spot,
    pub(crate) kind: K,
    pub(crate) earlier: Option<Spot>,
}

impl<K> Problem<K> {
    /// Nobody reads more of them at once, and a hostile file must not make the report large.
    pub const MOST: usize = 50;

    /// Something wrong at a place.
    pub fn new(spot: Spot, kind: K) -> Self {
        Self { spot, kind, earlier: None }
    }

    /// With the place that it clashes with.
    #[must_use]
    pub fn after(self, earlier: Option<Spot>) -> Self {
        Self { earlier, ..self }
    }

    /// The same in terms of another format.
    pub fn map<L>(self, map: impl FnOnce(K) -> L) -> Problem<L> {
        Problem { spot: self.spot, kind: map(self.kind), earlier: self.earlier }
    }

    /// What is wrong.
    pub fn kind(&self) -> &K {
        &self.kind
    }

    /// The file, as it was named to the parser.
    pub fn file(&self) -> &str {
        self.spot.source.name()
    }

    /// The line, counted from 1.
    pub fn line(&self) -> u64 {
        self.spot.place.line.into()
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> u64 {
        self.spot.place.column.into()
    }

    /// Where it is.
    pub fn spot(&self) -> &Spot {
        &self.spot
    }

    /// The path of keys, such as `versions[2].include[5].ref`; empty for the document itself.
    pub fn key(&self) -> &str {
        &self.spot.key
    }
}

impl<K: fmt::Display> fmt::Display for Problem<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.spot)?;
        if !self.spot.key.is_empty() {
            // Keys come from the file, and the message may go to a terminal.
            for c in self.spot.key.chars() {
                if c.is_control() { write!(f, "{}", c.escape_debug()) } else { f.write_char(c) }?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{}", self.kind)?;
        match &self.earlier {
            Some(earlier) if self.spot.is_in_file_of(earlier) => {
                write!(f, ", first given at {}:{}", earlier.place.line, earlier.place.column)
            }
            Some(earlier) => write!(f, ", first given at {earlier}"),
            None => Ok(()),
        }
    }
}

impl<K: Wrong> std::error::Error for Problem<K> {}

impl<K: Wrong> Diagnostic for Problem<K> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.kind.help()?))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.spot.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let here = self.spot.label(self.kind.label());
        let earlier = self.earlier.iter().filter(|earlier| earlier.is_in_file_of(&self.spot));
        let earlier = earlier.map(|earlier| earlier.label("first given here".to_owned()));
        Some(Box::new(std::iter::once(here).chain(earlier)))
    }
}

/// A file that cannot be used, with everything that was found wrong with it.
///
/// As a [`Diagnostic`] it labels the first problem in the source and carries the others as related ones.
#[derive(Clone, Debug)]
pub struct Problems<K>(Vec<Problem<K>>);

impl<K> Problems<K> {
    /// All of them, in the order they were met.
    pub fn new(problems: Vec<Problem<K>>) -> Self {
        Self(problems)
    }

    /// All problems.
    pub fn problems(&self) -> &[Problem<K>] {
        &self.0
    }

    /// All problems, to be put together with others.
    pub fn into_problems(self) -> Vec<Problem<K>> {
        self.0
    }
}

impl<K> From<Problem<K>> for Problems<K> {
    fn from(problem: Problem<K>) -> Self {
        Self(vec![problem])
    }
}

impl<K: Wrong> fmt::Display for Problems<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => write!(f, "{} cannot be used", K::FILE),
            [first] => write!(f, "{first}"),
            [first, _] => write!(f, "{first} (and 1 more problem)"),
            [first, others @ ..] => write!(f, "{first} (and {} more problems)", others.len()),
        }
    }
}

impl<K: Wrong> std::error::Error for Problems<K> {}

impl<K: Wrong> Diagnostic for Problems<K> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.first()?.help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.first()?.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.0.first()?.labels()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let others = self.0.get(1..).filter(|others| !others.is_empty())?;
        Some(Box::new(others.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!(" (did you mean {}?)", quoted(nearest)))
}
