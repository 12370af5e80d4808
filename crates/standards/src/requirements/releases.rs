//! Releases of distributions, from which "the latest" and "the one before" follow.

use std::sync::LazyLock;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;

use super::table::embedded;

/// A release of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Value of `os_version`.
    pub version: String,
    /// The vendor's name for it in directories.
    pub codename: String,
    /// The day of the release.
    pub released: Date,
}

/// A distribution and its releases, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// Value of `os_distro`.
    pub name: String,
    /// Its name as people write it.
    pub title: String,
    /// Stable or long-term support releases, oldest first.
    pub releases: Vec<Release>,
}

/// By when a new release must be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Due {
    /// On a day of the year of the release.
    OnDay {
        /// Month, from 1.
        month: i8,
        /// Day of the month, from 1.
        day: i8,
    },
    /// Some time after the release.
    After {
        /// Months.
        months_later: i32,
    },
}

impl Due {
    /// The day on which a release of that day must be there.
    pub fn date(self, released: Date) -> Date {
        let date = match self {
            Due::OnDay { month, day } => Date::new(released.year(), month, day),
            Due::After { months_later } => released.checked_add(months_later.months()),
        };
        date.unwrap_or(released)
    }
}

impl Distribution {
    /// The releases that fulfil a demand for the one `back` from the latest. There are two from the release
    /// of a new version until it is due: counted from the new one, and counted from the one before it.
    pub fn current(&self, back: usize, due: Due, today: Date) -> Vec<&Release> {
        let counted_from = |is_there: &dyn Fn(&Release) -> bool| {
            let latest = self.releases.iter().rposition(is_there)?;
            self.releases.get(latest.checked_sub(back)?)
        };
        let mut current: Vec<&Release> = [
            counted_from(&|release| release.released <= today),
            counted_from(&|release| due.date(release.released) <= today),
        ]
        .into_iter()
        .flatten()
        .collect();
        current.dedup();
        current
    }

    /// A release by its version.
    pub fn release(&self, version: &str) -> Option<&Release> {
        self.releases.iter().find(|release| release.version == version)
    }
}

/// The table of releases.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Releases {
    /// The distributions.
    pub distributions: Vec<Distribution>,
}

impl Releases {
    /// The table that is part of the program.
    pub fn get() -> &'static Releases {
        static TABLE: LazyLock<Releases> = LazyLock::new(|| {
            embedded("releases.yaml", include_str!("../../data/requirements/releases.yaml"))
        });
        &TABLE
    }

    /// A distribution by the value of `os_distro`.
    pub fn distribution(&self, name: &str) -> Option<&Distribution> {
        self.distributions.iter().find(|distribution| distribution.name == name)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const APRIL_30: Due = Due::OnDay { month: 4, day: 30 };
    const A_MONTH: Due = Due::After { months_later: 1 };

    fn versions(distro: &str, back: usize, due: Due, today: Date) -> Vec<&'static str> {
        let distribution = Releases::get().distribution(distro).unwrap();
        distribution.current(back, due, today).into_iter().map(|release| release.version.as_str()).collect()
    }

    #[test]
    fn releases_are_in_order_and_distinct() {
        for distribution in &Releases::get().distributions {
            assert!(
                distribution.releases.is_sorted_by(|a, b| a.released < b.released),
                "{}",
                distribution.name
            );
        }
    }

    #[test]
    fn a_release_may_be_offered_at_once_and_must_be_when_due() {
        for (today, latest, previous) in [
            (date(2026, 4, 22), &["24.04"][..], &["22.04"][..]),
            (date(2026, 4, 23), &["26.04", "24.04"], &["24.04", "22.04"]),
            (date(2026, 4, 29), &["26.04", "24.04"], &["24.04", "22.04"]),
            (date(2026, 4, 30), &["26.04"], &["24.04"]),
        ] {
            assert_eq!(versions("ubuntu", 0, APRIL_30, today), latest, "{today}");
            assert_eq!(versions("ubuntu", 1, APRIL_30, today), previous, "{today}");
        }
        assert_eq!(versions("debian", 0, A_MONTH, date(2025, 9, 8)), ["13", "12"]);
        assert_eq!(versions("debian", 0, A_MONTH, date(2025, 9, 9)), ["13"]);
        assert_eq!(versions("debian", 1, A_MONTH, date(2025, 9, 9)), ["12"]);
    }

    #[test]
    fn before_the_first_release_nothing_is_current() {
        assert!(versions("debian", 0, A_MONTH, date(2019, 7, 5)).is_empty());
        assert!(versions("debian", 1, A_MONTH, date(2020, 1, 1)).is_empty());
    }
}
