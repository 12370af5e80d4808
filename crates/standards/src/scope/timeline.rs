//! Which scope version is valid when.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

/// What a scope version is good for at some date (scs-0003-v1, validity codes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Validity {
    /// Certificates are granted for it.
    Effective,
    /// Certificates are granted, with a warning that the version is about to expire.
    Warn,
    /// May be tested; not yet decided.
    Draft,
    /// May be tested; no longer in force. Also the state of a version the timeline does not list.
    Deprecated,
}

/// A word that is no validity code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown validity `{0}`; use effective, warn, draft or deprecated")]
pub struct UnknownValidity(String);

impl Validity {
    /// All codes.
    pub const ALL: [Self; 4] = [Self::Effective, Self::Warn, Self::Draft, Self::Deprecated];

    /// The code used in a scope spec.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Effective => "effective",
            Self::Warn => "warn",
            Self::Draft => "draft",
            Self::Deprecated => "deprecated",
        }
    }

    /// Whether a certificate can be granted.
    pub const fn certifiable(self) -> bool {
        matches!(self, Self::Effective | Self::Warn)
    }

    /// The mark behind a version's name in lists of passed versions.
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Effective => "",
            Self::Draft => "*",
            Self::Warn => "†",
            Self::Deprecated => "††",
        }
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Validity {
    type Err = UnknownValidity;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|validity| validity.as_str() == code)
            .ok_or_else(|| UnknownValidity(code.to_owned()))
    }
}

/// The validity of versions from `date` until right before the chronologically next entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// The first day.
    pub date: Date,
    /// Version name and code, in the order of the file.
    pub versions: Vec<(String, Validity)>,
}

impl TimelineEntry {
    /// The code listed for `version`, if it is listed.
    pub fn validity(&self, version: &str) -> Option<Validity> {
        self.versions.iter().find(|(name, _)| name == version).map(|&(_, validity)| validity)
    }
}

/// When which version is valid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Oldest first, whatever the order in the file; no two share a date.
    entries: Vec<TimelineEntry>,
}

impl Timeline {
    pub(super) fn new(mut entries: Vec<TimelineEntry>) -> Self {
        entries.sort_by_key(|entry| entry.date);
        Self { entries }
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> &[TimelineEntry] {
        &self.entries
    }

    /// The entry in force on `date`: the latest that has begun. Before the first one there is none.
    pub fn at(&self, date: Date) -> Option<&TimelineEntry> {
        let begun = self.entries.partition_point(|entry| entry.date <= date);
        self.entries[..begun].last()
    }

    /// The entry that comes into force next after `date`.
    pub fn after(&self, date: Date) -> Option<&TimelineEntry> {
        self.entries.iter().find(|entry| entry.date > date)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn entry(date: Date, code: Validity) -> TimelineEntry {
        TimelineEntry { date, versions: vec![("v1".to_owned(), code)] }
    }

    #[test]
    fn an_entry_holds_until_the_next_begins() {
        // Newest in the middle: the order of the file must not matter.
        let timeline = Timeline::new(vec![
            entry(date(2025, 2, 1), Validity::Warn),
            entry(date(2025, 7, 1), Validity::Deprecated),
            entry(date(2024, 12, 19), Validity::Effective),
        ]);
        let at = |y, m, d| timeline.at(date(y, m, d)).and_then(|entry| entry.validity("v1"));
        assert_eq!(at(2024, 12, 18), None);
        assert_eq!(at(2024, 12, 19), Some(Validity::Effective));
        assert_eq!(at(2025, 1, 31), Some(Validity::Effective));
        assert_eq!(at(2025, 2, 1), Some(Validity::Warn));
        assert_eq!(at(2025, 6, 30), Some(Validity::Warn));
        assert_eq!(at(2099, 1, 1), Some(Validity::Deprecated));
        assert_eq!(timeline.after(date(2025, 2, 1)).map(|entry| entry.date), Some(date(2025, 7, 1)));
        assert_eq!(timeline.after(date(2025, 7, 1)), None);
        assert_eq!(timeline.at(date(2025, 1, 1)).and_then(|entry| entry.validity("v2")), None);
    }

    #[test]
    fn only_effective_and_warn_can_be_certified() {
        let certifiable: Vec<_> = Validity::ALL.into_iter().filter(|code| code.certifiable()).collect();
        assert_eq!(certifiable, [Validity::Effective, Validity::Warn]);
        assert_eq!(
            "obsolete".parse::<Validity>().unwrap_err().to_string(),
            "unknown validity `obsolete`; use effective, warn, draft or deprecated"
        );
    }

    proptest! {
        #[test]
        fn the_order_of_the_file_does_not_matter(
            days in proptest::collection::btree_set(0i32..2000, 1..12).prop_flat_map(|days| {
                Just(days.into_iter().collect::<Vec<_>>()).prop_shuffle()
            }),
            asked in -10i32..2100,
        ) {
            let start = date(2024, 1, 1);
            let day = |n: i32| start.checked_add(jiff::Span::new().days(n)).unwrap();
            let timeline = Timeline::new(days.iter().map(|&n| entry(day(n), Validity::Draft)).collect());
            let expected = days.iter().copied().filter(|&n| n <= asked).max().map(day);
            prop_assert_eq!(timeline.at(day(asked)).map(|entry| entry.date), expected);
        }
    }
}
