//! What stands in the log of a monitor.

use std::collections::BTreeMap;

use assay_standards::Verdict;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::intake::hexadecimal_digest;
use crate::store::StoreError;

/// An entry of the log: JSON, whose bytes are the leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A report was accepted.
    Report {
        /// The UUID of its run.
        report: String,
        /// Whom it is about.
        subject: String,
        /// UUID of the scope.
        scope: String,
        /// When it came in.
        received_at: Timestamp,
        /// From when on its results count.
        counts_from: Timestamp,
        /// SHA-256 of what was signed, in hexadecimal digits.
        payload: String,
        /// Which document of it, counted from 0.
        part: u64,
        /// Fingerprint of the key that it was signed with.
        key: String,
    },
    /// A report was taken over from a reference monitor. Nobody's signature over it is known here.
    Import {
        /// The UUID of its run.
        report: String,
        /// Whom it is about.
        subject: String,
        /// UUID of the scope.
        scope: String,
        /// When it was taken over.
        imported_at: Timestamp,
        /// From when on its results count.
        counts_from: Timestamp,
        /// SHA-256 of what the other monitor had of it, as it is kept here, in hexadecimal digits.
        record: String,
    },
    /// Whoever runs the monitor did not keep the text of a report for ever. What counts of it stays.
    LetGo {
        /// The UUID of its run.
        report: String,
        /// SHA-256 of the results, in hexadecimal digits: an object of JSON with verdict and whether people stated it, by
        /// testcase.
        results: String,
        /// When.
        at: Timestamp,
    },
    /// A result was approved, or no longer.
    Approval {
        /// The UUID of the report.
        report: String,
        /// UUID of the scope.
        scope: String,
        /// Which result of it.
        testcase: String,
        /// Whether it is approved now.
        approved: bool,
        /// When somebody said so.
        at: Timestamp,
    },
    /// A certificate was granted.
    Certificate {
        /// Its UUID.
        certificate: String,
        /// Its number.
        number: i64,
        /// Whom it is about.
        subject: String,
        /// UUID of the scope.
        scope: String,
        /// Which version of it.
        version: String,
        /// Its first day.
        valid_from: Date,
        /// The first day on which it is not valid any more.
        valid_until: Date,
        /// SHA-256 of the document as it is handed out, in hexadecimal digits.
        document: String,
        /// Why it was granted although something spoke against it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        despite: Option<String>,
        /// When it was granted.
        at: Timestamp,
    },
    /// A certificate was taken back.
    Revocation {
        /// Its UUID.
        certificate: String,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// An auditor found something, which is not for everybody to read.
    Finding {
        /// Its UUID.
        finding: String,
        /// Whom it is about.
        subject: String,
        /// UUID of the scope.
        scope: String,
        /// Which testcase of it.
        testcase: String,
        /// SHA-256 of what was said, in hexadecimal digits.
        said: String,
        /// When it was written down.
        at: Timestamp,
    },
}

/// The digest by which results are known when the text that held them is gone.
pub(crate) fn results_digest(results: &BTreeMap<String, (Verdict, bool)>) -> String {
    hexadecimal_digest(&serde_json::json!(results).to_string())
}

impl Entry {
    /// The UUID of what is proved by it to be in the log.
    pub(crate) fn about(&self) -> Option<&str> {
        match self {
            Entry::Report { report: uuid, .. }
            | Entry::Import { report: uuid, .. }
            | Entry::Certificate { certificate: uuid, .. }
            | Entry::Finding { finding: uuid, .. } => Some(uuid),
            Entry::LetGo { .. } | Entry::Approval { .. } | Entry::Revocation { .. } => None,
        }
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(|error| StoreError::Corrupt(error.to_string()))
    }
}
