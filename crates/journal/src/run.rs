use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What every name of ours begins with.
const PREFIX: &str = "assay-";
/// Hexadecimal digits of a run id.
const DIGITS: usize = 8;

/// The id of a run: the mark that everything it creates bears.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    /// A new one at random.
    #[expect(clippy::new_without_default, reason = "a default that differs each time would surprise")]
    pub fn new() -> Self {
        let mut digits = Uuid::new_v4().simple().to_string();
        digits.truncate(DIGITS);
        RunId(digits)
    }

    /// A run id as users write it: its digits, or the whole mark.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX).unwrap_or(text);
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (digits.len() == DIGITS && digits.bytes().all(is_hex)).then(|| RunId(digits.to_owned()))
    }

    /// The mark: `assay-3f9a2c81`.
    pub fn mark(&self) -> String {
        format!("{PREFIX}{}", self.0)
    }

    /// The name of something that this run creates: `assay-3f9a2c81-server`.
    pub fn name(&self, what: &str) -> String {
        format!("{PREFIX}{}-{what}", self.0)
    }

    /// The run that a name of ours comes from; none for names that others gave.
    pub fn of_name(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(PREFIX)?;
        let (digits, what) = rest.split_at_checked(DIGITS)?;
        (what.is_empty() || what.starts_with('-')).then(|| RunId::parse(digits)).flatten()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<RunId> for String {
    fn from(run: RunId) -> Self {
        run.0
    }
}

impl TryFrom<String> for RunId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        RunId::parse(&text).ok_or_else(|| format!("{text:?} is no run id"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_names_of_ours_lead_to_a_run() {
        let run = RunId::new();
        assert_eq!(RunId::of_name(&run.name("boot-volume")), Some(run.clone()));
        assert_eq!(RunId::of_name(&run.mark()), Some(run));
        for name in [
            "assay-",
            "assay-12345678x",
            "assay-1234567-x",
            "Assay-12345678-x",
            "assay-1234567G-x",
            "x-assay-12345678-y",
            "",
        ] {
            assert_eq!(RunId::of_name(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_name_breaks_it(name in "assay-.{0,12}|.*") {
            if let Some(run) = RunId::of_name(&name) {
                prop_assert!(name.starts_with(&run.mark()));
            }
        }
    }
}
