use serde::{Deserialize, Serialize};

/// What a run of Tempest came to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TempestRun {}
