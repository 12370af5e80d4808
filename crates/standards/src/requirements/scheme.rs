use std::fmt;

use regex::Regex;
use serde::Deserialize;

/// A regular expression that describes a name.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Scheme {
    text: String,
    beginning: Regex,
    whole: Regex,
}

impl Scheme {
    /// Whether a name begins as described, whatever follows.
    pub fn begins(&self, name: &str) -> bool {
        self.beginning.is_match(name)
    }

    /// Whether the description fits all of a name.
    pub fn matches(&self, name: &str) -> bool {
        self.whole.is_match(name)
    }
}

impl TryFrom<String> for Scheme {
    type Error = regex::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let beginning = Regex::new(&format!("^(?:{text})"))?;
        let whole = Regex::new(&format!("^(?:{text})$"))?;
        Ok(Scheme { text, beginning, whole })
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
