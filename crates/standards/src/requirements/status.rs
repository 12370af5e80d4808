use serde::Deserialize;

/// How a standard treats a thing that it lists, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It must be there.
    Mandatory,
    /// It should be there.
    Recommended,
    /// It may be there.
    Optional,
}
