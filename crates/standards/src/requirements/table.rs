use jiff::civil::Date;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A version of a document.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentVersion {
    /// Such as `v1`.
    pub version: String,
    /// The day it became stable; none while it is a draft.
    #[serde(default)]
    pub stabilized_at: Option<Date>,
    /// Where it can be read.
    pub url: String,
}

/// Reads a table that is part of the program.
#[expect(clippy::panic, reason = "the tables are compiled in, and a test reads every one of them")]
pub(super) fn embedded<T: DeserializeOwned>(file: &str, text: &str) -> T {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("data/requirements/{file}: {error}"))
}
