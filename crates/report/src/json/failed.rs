//! Reading a report of ours again, as far as other commands need it.

use std::collections::BTreeSet;

use serde::Deserialize;
use thiserror::Error;

use crate::text::visible;

/// Why a text is no report that can be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is no JSON, or not of that shape.
    #[error("this is no JSON report of a check: {0}")]
    Shape(#[from] serde_json::Error),
    /// It is another kind of document, or a newer version.
    #[error("expected an assay-report of version 1, found {format} of version {version}")]
    Other {
        /// What the document calls itself.
        format: String,
        /// Its version.
        version: u32,
    },
    /// It says nothing that a monitor could count.
    #[error("the report was made without the official reading")]
    NotOfficial,
    /// It speaks of what only a newer program knows, or is damaged.
    #[error("the report has an unknown {what}: {}", visible(.value))]
    Unknown {
        /// What it is that is not known.
        what: &'static str,
        /// As it is written.
        value: String,
    },
}

/// What a document says it is.
#[derive(Deserialize)]
pub(crate) struct Kind {
    format: String,
    version: u32,
}

impl Kind {
    /// Whether a text is a report of version 1, before anything else of it is read.
    pub(crate) fn expect_ours(text: &str) -> Result<(), ReadError> {
        let Kind { format, version } = serde_json::from_str(text)?;
        match (format.as_str(), version) {
            ("assay-report", 1) => Ok(()),
            _ => Err(ReadError::Other { format, version }),
        }
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    reports: Vec<Report>,
}

#[derive(Deserialize)]
struct Report {
    testcases: Vec<Testcase>,
}

#[derive(Deserialize)]
struct Testcase {
    id: String,
    official: Option<String>,
    text: Option<String>,
}

/// The testcases that failed, in either reading and for any subject, by a JSON report of version 1.
///
/// # Errors
/// The text is no such report.
pub fn failed_testcases(text: &str) -> Result<BTreeSet<String>, ReadError> {
    Kind::expect_ours(text)?;
    let document: Document = serde_json::from_str(text)?;
    let failed = |testcase: &Testcase| {
        [&testcase.official, &testcase.text].into_iter().flatten().any(|it| it == "FAIL")
    };
    let testcases = document.reports.into_iter().flat_map(|report| report.testcases);
    Ok(testcases.filter(failed).map(|testcase| testcase.id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_in_either_reading_counts() {
        let text = r#"{"format": "assay-report", "version": 1, "reports": [{"testcases": [
            {"id": "a", "official": "FAIL", "text": null}, {"id": "b", "official": "PASS", "text": "FAIL"},
            {"id": "c", "official": "ABORT", "text": "PASS"}]}]}"#;
        assert_eq!(failed_testcases(text).unwrap(), BTreeSet::from(["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn other_documents_are_refused() {
        let newer = failed_testcases(r#"{"format": "assay-report", "version": 2}"#).unwrap_err();
        assert_eq!(
            newer.to_string(),
            "expected an assay-report of version 1, found assay-report of version 2"
        );
        assert!(matches!(failed_testcases("[]"), Err(ReadError::Shape(_))));
        assert!(matches!(failed_testcases("subject: x"), Err(ReadError::Shape(_))));
    }
}
