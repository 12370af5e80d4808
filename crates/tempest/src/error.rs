use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why Tempest could not be run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TempestError {
    /// A program that is needed cannot be started.
    #[error("{} cannot be started: {source}; {hint}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
        /// What to try.
        hint: &'static str,
    },
    /// A step of the installation failed.
    #[error("{step} failed: {message}; {hint}")]
    Install {
        /// The step.
        step: &'static str,
        /// The last words of the program that did it.
        message: String,
        /// What to try.
        hint: &'static str,
    },
    /// A file or folder that Tempest needs cannot be made.
    #[error("{} cannot be {done}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What was to be done, such as `written`.
        done: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// Tempest does not list its tests.
    #[error("Tempest cannot list its tests: {0}")]
    List(String),
    /// Tempest ended without having run a test.
    #[error("Tempest ended without having run a test: {0}")]
    NothingRan(String),
    /// Tempest knows none of the tests that were chosen.
    #[error("this Tempest has none of the {0} tests that were chosen; the list was made for Tempest {1}")]
    UnknownTests(usize, String),
    /// No test was left to run.
    #[error("none of the {0} tests can be run with these accounts: {1}")]
    NoTests(usize, String),
}

impl TempestError {
    pub(crate) fn file(path: impl Into<PathBuf>, done: &'static str, source: io::Error) -> Self {
        TempestError::File { path: path.into(), done, source }
    }
}
