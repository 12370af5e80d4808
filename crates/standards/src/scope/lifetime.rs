//! How long a result counts.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};

/// How long a result of a testcase counts (scs-0003-v1, `lifetime`). The default is a week.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Lifetime {
    /// Through the end of the next day.
    Day,
    /// Until the Monday after next.
    #[default]
    Week,
    /// Through the end of the next month.
    Month,
    /// Through the end of the next quarter.
    Quarter,
    /// Through the end of the next month, one year later.
    Year,
}

/// A word that names no [`Lifetime`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown lifetime `{0}`; use day, week, month, quarter or year")]
pub struct UnknownLifetime(String);

impl Lifetime {
    /// All lifetimes, shortest first.
    pub const ALL: [Self; 5] = [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// The word used in a scope spec.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The first instant at which a result of `checked_at` no longer counts, always a midnight.
    ///
    /// Both sides are civil times in the same (unnamed) zone. Every lifetime ends with a whole calendar
    /// period, so that a check repeated once per period never leaves a gap. Near the end of the calendar
    /// the answer is [`DateTime::MAX`].
    pub fn expiry(self, checked_at: DateTime) -> DateTime {
        self.expiry_date(checked_at.date()).map_or(DateTime::MAX, |date| date.to_datetime(Time::midnight()))
    }

    fn expiry_date(self, date: Date) -> Option<Date> {
        let month = date.first_of_month();
        match self {
            Self::Day => date.checked_add(2.days()),
            Self::Week => {
                let since_monday = date.weekday().to_monday_zero_offset();
                date.checked_add((14 - i64::from(since_monday)).days())
            }
            Self::Month => month.checked_add(2.months()),
            Self::Quarter => {
                let into_quarter = (date.month() - 1) % 3;
                month.checked_add((6 - i64::from(into_quarter)).months())
            }
            Self::Year => month.checked_add(14.months()),
        }
        .ok()
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Lifetime {
    type Err = UnknownLifetime;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|lifetime| lifetime.as_str() == word)
            .ok_or_else(|| UnknownLifetime(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    /// When the check was made, then the expiry dates for day, week, month, quarter and year.
    const VECTORS: &[(&str, [&str; 5])] = &[
        ("2026-11-16T10:00", ["2026-11-18", "2026-11-30", "2027-01-01", "2027-04-01", "2028-01-01"]),
        ("2026-11-22T23:59", ["2026-11-24", "2026-11-30", "2027-01-01", "2027-04-01", "2028-01-01"]),
        ("2026-12-31T12:00", ["2027-01-02", "2027-01-11", "2027-02-01", "2027-04-01", "2028-02-01"]),
        ("2026-10-01T00:00", ["2026-10-03", "2026-10-12", "2026-12-01", "2027-04-01", "2027-12-01"]),
        ("2024-01-01T00:00", ["2024-01-03", "2024-01-15", "2024-03-01", "2024-07-01", "2025-03-01"]),
        ("2024-01-07T23:59:59", ["2024-01-09", "2024-01-15", "2024-03-01", "2024-07-01", "2025-03-01"]),
        ("2024-12-31T23:00", ["2025-01-02", "2025-01-13", "2025-02-01", "2025-04-01", "2026-02-01"]),
        // The last and first days of the other quarters.
        ("2024-03-31T08:00", ["2024-04-02", "2024-04-08", "2024-05-01", "2024-07-01", "2025-05-01"]),
        ("2024-04-01T08:00", ["2024-04-03", "2024-04-15", "2024-06-01", "2024-10-01", "2025-06-01"]),
        ("2024-09-30T08:00", ["2024-10-02", "2024-10-14", "2024-11-01", "2025-01-01", "2025-11-01"]),
        ("2024-02-29T08:00", ["2024-03-02", "2024-03-11", "2024-04-01", "2024-07-01", "2025-04-01"]),
    ];

    #[test]
    fn expiry_follows_the_reference() {
        for (checked_at, expected) in VECTORS {
            let checked_at: DateTime = checked_at.parse().unwrap();
            for (lifetime, expected) in Lifetime::ALL.into_iter().zip(expected) {
                let expected: Date = expected.parse().unwrap();
                assert_eq!(
                    lifetime.expiry(checked_at),
                    expected.to_datetime(Time::midnight()),
                    "{lifetime} after {checked_at}"
                );
            }
        }
    }

    #[test]
    fn the_default_is_a_week() {
        assert_eq!(Lifetime::default(), Lifetime::Week);
    }

    #[test]
    fn the_end_of_the_calendar_saturates() {
        for lifetime in Lifetime::ALL {
            assert_eq!(lifetime.expiry(DateTime::MAX), DateTime::MAX);
            assert!(lifetime.expiry(DateTime::MIN) > DateTime::MIN);
        }
        assert_eq!(
            Lifetime::Day.expiry(date(9999, 12, 29).at(1, 2, 3, 0)),
            date(9999, 12, 31).at(0, 0, 0, 0)
        );
    }

    #[test]
    fn words_are_exact() {
        for lifetime in Lifetime::ALL {
            assert_eq!(lifetime.as_str().parse(), Ok(lifetime));
        }
        let error = "fortnight".parse::<Lifetime>().unwrap_err();
        assert_eq!(error.to_string(), "unknown lifetime `fortnight`; use day, week, month, quarter or year");
        assert!("Week".parse::<Lifetime>().is_err());
    }

    fn any_datetime() -> impl Strategy<Value = DateTime> {
        (1i16..=9990, 1i8..=12, 1i8..=28, 0i8..24, 0i8..60, 0i64..4)
            .prop_map(|(y, m, d, h, min, extra)| date(y, m, d).at(h, min, 0, 0) + extra.days())
    }

    proptest! {
        #[test]
        fn a_result_lives_at_least_through_the_next_period(at in any_datetime()) {
            let bounds = [(1, 2), (7, 14), (27, 62), (89, 184), (392, 428)];
            for (lifetime, (least, most)) in Lifetime::ALL.into_iter().zip(bounds) {
                let expiry = lifetime.expiry(at);
                prop_assert_eq!(expiry.time(), Time::midnight());
                prop_assert!(expiry > at + least.days(), "{} {} {}", lifetime, at, expiry);
                prop_assert!(expiry <= at.start_of_day() + most.days(), "{} {} {}", lifetime, at, expiry);
            }
        }

        #[test]
        fn a_later_check_never_expires_earlier(a in any_datetime(), b in any_datetime()) {
            let (a, b) = (a.min(b), a.max(b));
            for lifetime in Lifetime::ALL {
                prop_assert!(lifetime.expiry(a) <= lifetime.expiry(b));
            }
        }

        #[test]
        fn a_week_ends_on_a_monday_and_the_longer_ones_on_the_first(at in any_datetime()) {
            prop_assert_eq!(Lifetime::Week.expiry(at).date().weekday(), jiff::civil::Weekday::Monday);
            for lifetime in [Lifetime::Month, Lifetime::Quarter, Lifetime::Year] {
                prop_assert_eq!(lifetime.expiry(at).day(), 1);
            }
            prop_assert_eq!(Lifetime::Quarter.expiry(at).month() % 3, 1);
        }
    }
}
