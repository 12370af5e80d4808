//! When a declaration counts.

use jiff::civil::{Date, Time};

use super::answers::Declaration;
use crate::scope::Lifetime;

/// Whether a declaration counts on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is made later.
    NotYet,
    /// It counts.
    Counts,
    /// It is too old.
    Expired,
}

impl Declaration {
    /// How long a declaration counts by the text: manual checks are repeated every quarter (scs-0004-v1, rule 3).
    pub const LIFETIME: Lifetime = Lifetime::Quarter;

    /// The last day on which it counts, if answers count for `lifetime`.
    pub fn counts_through(&self, lifetime: Lifetime) -> Date {
        let expiry = lifetime.expiry(self.date.to_datetime(Time::midnight())).date();
        // No lifetime ends on the day it begins, so there is a day before.
        expiry.yesterday().unwrap_or(expiry)
    }

    /// Whether it counts on a day, if answers count for `lifetime`.
    pub fn standing(&self, lifetime: Lifetime, on: Date) -> Standing {
        if on < self.date {
            Standing::NotYet
        } else if on <= self.counts_through(lifetime) {
            Standing::Counts
        } else {
            Standing::Expired
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::declaration::Signer;

    fn declared(date: Date) -> Declaration {
        let signer = Signer { name: "n".into(), role: "r".into(), contact: "c".into() };
        Declaration { tool: "t".into(), subject: "s".into(), signer, date, testcases: Vec::new() }
    }

    #[test]
    fn it_counts_from_its_day_through_the_last_day_of_its_lifetime() {
        // A Sunday: a week ends on the Sunday after; a quarter with the next one.
        let declaration = declared(date(2026, 11, 22));
        for (lifetime, last) in
            [(Lifetime::Week, date(2026, 11, 29)), (Declaration::LIFETIME, date(2027, 3, 31))]
        {
            assert_eq!(declaration.counts_through(lifetime), last);
            for (on, standing) in [
                (date(2026, 11, 21), Standing::NotYet),
                (date(2026, 11, 22), Standing::Counts),
                (last, Standing::Counts),
                (last.tomorrow().unwrap(), Standing::Expired),
            ] {
                assert_eq!(declaration.standing(lifetime, on), standing, "{lifetime} on {on}");
            }
        }
    }

    #[test]
    fn the_end_of_the_calendar_is_no_trouble() {
        for lifetime in Lifetime::ALL {
            assert_eq!(declared(Date::MAX).standing(lifetime, Date::MIN), Standing::NotYet);
            let _ = declared(Date::MAX).standing(lifetime, Date::MAX);
        }
    }
}
