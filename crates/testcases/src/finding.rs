use std::borrow::Cow;

use serde::Serialize;

/// One of the two ways to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    /// The verdict of the reference suite, bug for bug.
    Official,
    /// What the standard's text demands.
    Text,
}

impl Reading {
    /// Both, the official one first.
    pub const ALL: [Self; 2] = [Self::Official, Self::Text];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reading::Official => "official",
            Reading::Text => "text",
        }
    }
}

/// The readings in which a finding counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Readings {
    /// The official one alone.
    Official,
    /// The text one alone.
    Text,
    /// Both.
    Both,
}

impl Readings {
    /// Whether `reading` is among them.
    pub fn include(self, reading: Reading) -> bool {
        match self {
            Readings::Both => true,
            Readings::Official => reading == Reading::Official,
            Readings::Text => reading == Reading::Text,
        }
    }
}

/// What a finding does to the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// The demand is not met.
    Failure,
    /// The demand could not be judged.
    Abort,
    /// Worth knowing; changes no verdict.
    Note,
}

/// The thing that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Resource {
    /// Kind, such as `flavor`, `image` or `service`.
    pub kind: Cow<'static, str>,
    /// Id that the cloud gave it; empty where it has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Name that people know it by.
    pub name: String,
}

impl Resource {
    /// A resource with an id.
    pub fn new(kind: impl Into<Cow<'static, str>>, id: impl Into<String>, name: impl Into<String>) -> Self {
        Resource { kind: kind.into(), id: id.into(), name: name.into() }
    }
}

/// One observation behind a verdict: which resource, what was expected, what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it does to the verdict.
    pub weight: Weight,
    /// The readings in which it counts.
    pub readings: Readings,
    /// What it is about; none where it concerns the cloud as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
    /// What the rule wants, as a phrase.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub expected: Cow<'static, str>,
    /// What was seen, as a phrase.
    pub found: Cow<'static, str>,
}
