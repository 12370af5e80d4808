//! What is sent, until it is stored: the signed envelope, when a check counts, and the queue.

mod allowance;
mod envelope;
mod queue;
mod receipt;
mod record;

pub(crate) use allowance::Allowance;
pub use envelope::{Document, Envelope, MediaType};
pub(crate) use queue::{NotKept, Queue};
pub(crate) use receipt::counts_from;
pub use record::{Record, RecordProblem, RecordedResult};

use aws_lc_rs::digest::{SHA256, digest};

/// What signatures over reports are made for.
pub(crate) const NAMESPACE: &str = "report";

/// SHA-256 of a payload in hexadecimal digits, as the log has it; a signature in front of it is left out.
pub fn payload_digest(text: &str) -> String {
    hexadecimal_digest(Envelope::open(text).map_or(text, |envelope| envelope.payload))
}

/// SHA-256 of what was signed, in hexadecimal digits, as the log has it.
pub(crate) fn hexadecimal_digest(payload: &str) -> String {
    hexadecimal(digest(&SHA256, payload.as_bytes()).as_ref())
}

/// Bytes in hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
