use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an integrator did of an environment that others had a part in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// What it was.
    pub part: String,
    /// What proves it.
    pub proof: String,
}

/// An environment that an integrator names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The kind of evidence, as the table has it.
    pub kind: String,
    /// What the environment is called; the subject, if it is one of a monitor.
    pub environment: String,
    /// Whether others may be told what it is called.
    #[serde(default)]
    pub named: bool,
    /// The day of going into production, or the first day of what lasts.
    pub from: Date,
    /// The last day of what lasts; none if it still does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// How many regions the environment has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<u32>,
    /// How many availability zones it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zones: Option<u32>,
    /// For a joint environment, what the integrator did of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// UUIDs of reports about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<String>,
    /// What else speaks for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

impl Reference {
    /// What tells it from others: of several about the same, one counts.
    pub(super) fn about(&self) -> (&str, String) {
        (&self.kind, self.environment.trim().to_lowercase())
    }

    /// Whether the environment is a subject of a monitor, which is known by its name to the letter.
    pub fn is_subject(&self, name: &str) -> bool {
        self.environment.trim() == name
    }
}
