//! What stands in the log of a monitor.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
}

impl Entry {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(|error| StoreError::Corrupt(error.to_string()))
    }
}
