use serde::{Deserialize, Serialize};

/// What domain managers may and may not do (scs-0302).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DomainManagers {}
