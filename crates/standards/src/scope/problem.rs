//! What can be wrong with a spec file.

use assay_yaml::{Problems, Shape, Wrong, quoted};

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The file is no YAML, or lacks, repeats or misspells something.
    #[error(transparent)]
    Shape(#[from] Shape),
    /// The extension belongs to another scope.
    #[error("extends scope {}, but the spec is scope {}", quoted(.found), quoted(.expected))]
    ForeignScope {
        /// The uuid of the spec.
        expected: String,
        /// The uuid the extension names.
        found: String,
    },
}

impl Wrong for ProblemKind {
    const FILE: &'static str = "the scope spec";

    fn help(&self) -> Option<String> {
        match self {
            ProblemKind::Shape(shape) => shape.help(),
            ProblemKind::ForeignScope { .. } => None,
        }
    }
}

/// One thing that is wrong with a spec file.
pub type Problem = assay_yaml::Problem<ProblemKind>;

/// A spec file that cannot be used, with everything that was found wrong with it.
pub type SpecError = Problems<ProblemKind>;
