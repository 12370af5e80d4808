use std::collections::BTreeSet;
use std::sync::LazyLock;

use thiserror::Error;

use super::standard::StandardCoverage;

/// The coverage of all standards.
pub enum Coverage {}

impl Coverage {
    /// The coverage of every standard this program knows, by number.
    pub fn all() -> &'static [StandardCoverage] {
        static ALL: LazyLock<Vec<StandardCoverage>> =
            LazyLock::new(|| FILES.iter().map(|(file, text)| embedded(file, text)).collect());
        &ALL
    }

    /// The coverage of one standard, such as `scs-0100`; a version after the number does not matter.
    pub fn of(standard: &str) -> Option<&'static StandardCoverage> {
        let is_meant = |coverage: &&StandardCoverage| {
            standard
                .strip_prefix(&coverage.standard)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        Self::all().iter().find(is_meant)
    }
}

macro_rules! files {
    ($($file:literal),* $(,)?) => {
        &[$(($file, include_str!(concat!("../../data/coverage/", $file)))),*]
    };
}

/// Every standard has one file and one line here.
pub(super) const FILES: &[(&str, &str)] = files![
    "scs-0100.yaml",
    "scs-0101.yaml",
    "scs-0102.yaml",
    "scs-0103.yaml",
    "scs-0104.yaml",
    "scs-0110.yaml",
    "scs-0114.yaml",
    "scs-0115.yaml",
    "scs-0116.yaml",
    "scs-0117.yaml",
    "scs-0121.yaml",
    "scs-0123.yaml",
    "scs-0124.yaml",
    "scs-0125.yaml",
    "scs-0126.yaml",
    "scs-0127.yaml",
    "scs-0128.yaml",
    "scs-0129.yaml",
    "scs-0302.yaml",
];

#[expect(clippy::panic, reason = "the files are compiled in, and a test reads every one of them")]
fn embedded(file: &str, text: &str) -> StandardCoverage {
    read(text).unwrap_or_else(|error| panic!("data/coverage/{file}: {error}"))
}

pub(super) fn read(text: &str) -> Result<StandardCoverage, ReadError> {
    let mut coverage: StandardCoverage = serde_saphyr::from_str(text)?;
    let known: Vec<String> = coverage.versions.iter().map(|version| version.version.clone()).collect();
    let mut ids = BTreeSet::new();
    for statement in &mut coverage.statements {
        if !ids.insert(statement.id.clone()) {
            return Err(ReadError::Twice(statement.id.clone()));
        }
        if statement.versions.is_empty() {
            statement.versions.clone_from(&known);
        }
        if let Some(unknown) = statement.versions.iter().find(|version| !known.contains(version)) {
            return Err(ReadError::UnknownVersion(statement.id.clone(), unknown.clone()));
        }
    }
    Ok(coverage)
}

#[derive(Debug, Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Yaml(#[from] serde_saphyr::Error),
    #[error("the statement {0} stands there twice")]
    Twice(String),
    #[error("the statement {0} names {1}, which is no version of the document")]
    UnknownVersion(String, String),
}
