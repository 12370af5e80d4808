//! What is looked for in the overview.

use assay_standards::scope::Validity;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::error::Refusal;
use super::text::segment;
use crate::score::Achieved;

/// What somebody looks for, as the form sends it: what is empty narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
pub(in crate::web) struct Search {
    /// A part of the name of a subject or group.
    pub(super) q: String,
    /// A scope, as addresses have it.
    pub(super) scope: String,
    /// The version that is achieved, or would be.
    pub(super) version: String,
    pub(super) state: String,
    /// A group, whose members are then shown one by one.
    pub(super) group: String,
    pub(super) sort: String,
}

impl Search {
    /// Whether nothing is looked for.
    pub(super) fn is_idle(&self) -> bool {
        *self == Self::default()
    }

    /// Makes sure that what has to be one of a few words is one.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let is_among = |name: &str, word: &str, words: &[&str]| match word.is_empty() || words.contains(&word)
        {
            true => Ok(()),
            false => Err(Refusal::unreadable(format!("{name}: one of {}", words.join(", ")))),
        };
        let states = Kind::ALL.map(Kind::as_str);
        is_among("state", &self.state, &[&states[..], &[CERTIFIED]].concat())?;
        is_among("sort", &self.sort, &SORTS)
    }

    /// The same for another state, as an address has it behind its path.
    pub(super) fn with_state(&self, state: &str) -> String {
        let Self { q, scope, version, group, sort, .. } = self;
        let all = [("q", q), ("scope", scope), ("version", version), ("group", group), ("sort", sort)];
        let all = all.into_iter().map(|(name, value)| (name, value.as_str())).chain([("state", state)]);
        let told = all.filter(|(_, value)| !value.is_empty());
        let told: Vec<String> = told.map(|(name, value)| format!("{name}={}", segment(value))).collect();
        format!("?{}", told.join("&"))
    }

    /// Whether a name is like what is looked for.
    pub(super) fn is_like(&self, name: &str) -> bool {
        name.to_lowercase().contains(&self.q.trim().to_lowercase())
    }
}

/// The word for whoever has a certificate in force, whatever the tests come to.
pub(super) const CERTIFIED: &str = "certified";
/// By what the overview can be sorted.
pub(super) const SORTS: [&str; 3] = ["name", "state", "newest"];

/// What a row comes to, counting only what is certain. The order is from worst to best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Failing,
    /// No result counts: none ever came, or it has expired.
    Missing,
    Undecided,
    Tentative,
    /// It passes a version that is about to run out.
    Warning,
    Passing,
}

impl Kind {
    pub(super) const ALL: [Self; 6] =
        [Self::Failing, Self::Missing, Self::Undecided, Self::Tentative, Self::Warning, Self::Passing];

    pub(super) fn of(achieved: Option<&Achieved>) -> Self {
        let Some(achieved) = achieved else { return Self::Missing };
        match achieved.state.as_str() {
            "PASS" if achieved.validity == Validity::Warn.as_str() => Self::Warning,
            "PASS" => Self::Passing,
            "TENTATIVE" => Self::Tentative,
            "ABORT" => Self::Undecided,
            "FAIL" => Self::Failing,
            _ => Self::Missing,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Missing => "missing",
            Self::Undecided => "undecided",
            Self::Tentative => "tentative",
            Self::Warning => "warning",
            Self::Passing => "passing",
        }
    }

    /// Its class in the style.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Failing => "fail",
            Self::Missing => "miss",
            Self::Undecided => "abort",
            Self::Tentative | Self::Warning => "tentative",
            Self::Passing => "pass",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_can_be_written_down() {
        let search = Search { q: "a b&c".into(), scope: "scs".into(), ..Search::default() };
        assert_eq!(search.with_state("failing"), "?q=a%20b%26c&scope=scs&state=failing");
        assert_eq!(search.with_state(""), "?q=a%20b%26c&scope=scs");
        assert_eq!(Search::default().with_state(""), "?");
        assert!(search.is_like("CLOUD A B&C") && !search.is_like("a-b"));
        assert!(Search { state: "certified".into(), ..Search::default() }.check().is_ok());
        assert!(Search { state: "good".into(), ..Search::default() }.check().is_err());
        assert!(Search { sort: "colour".into(), ..Search::default() }.check().is_err());
    }
}
