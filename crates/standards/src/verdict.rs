//! The outcome of a testcase.

use std::fmt;
use std::str::FromStr;

/// The outcome of a testcase, or of a set of them.
///
/// The order is that of precedence: in a set, the greatest verdict any member has is the verdict of the set
/// (scs-0003: FAIL, then MISS, then ABORT, then PASS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// The demand is met.
    Pass,
    /// The check was tried and could not decide. The documents also call it DNF.
    Abort,
    /// There is no (unexpired) result.
    Miss,
    /// The demand is not met.
    Fail,
}

/// A word that is no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown verdict `{}`; use PASS, ABORT, FAIL or MISS", .0.escape_debug())]
pub struct UnknownVerdict(String);

impl Verdict {
    /// All verdicts, by precedence in a set, weakest first.
    pub const ALL: [Self; 4] = [Self::Pass, Self::Abort, Self::Miss, Self::Fail];

    /// The word used in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Abort => "ABORT",
            Self::Miss => "MISS",
            Self::Fail => "FAIL",
        }
    }

    /// The number that stands for it in reports and in the monitor's API; a missing result has none.
    pub const fn code(self) -> Option<i8> {
        match self {
            Self::Pass => Some(1),
            Self::Abort => Some(0),
            Self::Fail => Some(-1),
            Self::Miss => None,
        }
    }

    /// The verdict a number stands for.
    pub const fn from_code(code: Option<i8>) -> Option<Self> {
        match code {
            Some(1) => Some(Self::Pass),
            Some(0) => Some(Self::Abort),
            Some(-1) => Some(Self::Fail),
            None => Some(Self::Miss),
            Some(_) => None,
        }
    }

    /// The verdict of a set of testcases; that of the empty set is [`Verdict::Pass`].
    pub fn of_set(verdicts: impl IntoIterator<Item = Self>) -> Self {
        verdicts.into_iter().max().unwrap_or(Self::Pass)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Verdict {
    type Err = UnknownVerdict;

    /// Upper and lower case are the same, as on the output lines of check scripts.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|verdict| verdict.as_str().eq_ignore_ascii_case(word))
            .ok_or_else(|| UnknownVerdict(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Abort, Fail, Miss, Pass};
    use super::*;

    #[test]
    fn fail_beats_miss_beats_abort_beats_pass() {
        for (set, expected) in [
            (&[][..], Pass),
            (&[Pass, Pass], Pass),
            (&[Pass, Abort], Abort),
            (&[Abort, Miss, Pass], Miss),
            (&[Miss, Fail, Abort, Pass], Fail),
        ] {
            assert_eq!(Verdict::of_set(set.iter().copied()), expected, "{set:?}");
            assert_eq!(Verdict::of_set(set.iter().rev().copied()), expected, "{set:?} reversed");
        }
    }

    #[test]
    fn words_and_numbers_go_both_ways() {
        for (verdict, word, code) in [
            (Pass, "PASS", Some(1)),
            (Abort, "ABORT", Some(0)),
            (Fail, "FAIL", Some(-1)),
            (Miss, "MISS", None),
        ] {
            assert_eq!(verdict.to_string(), word);
            assert_eq!(serde_json::to_value(verdict).unwrap(), word);
            assert_eq!(serde_json::from_value::<Verdict>(word.into()).unwrap(), verdict);
            assert_eq!(word.to_lowercase().parse(), Ok(verdict));
            assert_eq!(verdict.code(), code);
            assert_eq!(Verdict::from_code(code), Some(verdict));
        }
        assert_eq!(Verdict::from_code(Some(2)), None);
        assert_eq!(
            "OK\u{7}".parse::<Verdict>().unwrap_err().to_string(),
            "unknown verdict `OK\\u{7}`; use PASS, ABORT, FAIL or MISS"
        );
    }
}
