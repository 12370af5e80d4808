use serde::{Deserialize, Serialize};

use crate::FactId;

/// One HTTP call that was made to get a fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The fact it was made for.
    pub fact: FactId,
    /// HTTP method.
    pub method: String,
    /// URL as sent; never with credentials.
    pub url: String,
    /// HTTP status, if there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Request id that the service gave, for its operator's logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Microseconds from the start of the run to the start of the call.
    pub started_us: u64,
    /// Microseconds that the call took, body included.
    pub duration_us: u64,
    /// 1 for the first attempt, 2 for the first retry, and so on.
    pub attempt: u32,
    /// Size of the body in bytes.
    pub bytes: u64,
}
