//! When the jobs of a fleet start: as somebody said, but not all at once.

use std::str::FromStr;

/// Minutes of a day.
const DAY: usize = 24 * 60;

/// A schedule as cron knows it, with what it says of hour and minute if those are plain numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minute: String,
    hour: String,
    /// Day of the month, month, day of the week.
    days: String,
}

/// A text that is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no schedule such as \"0 2 * * *\": minute, hour, day of the month, month, day of the week")]
pub struct CronError(String);

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let wrong = || CronError(text.to_owned());
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, days @ ..] = &fields[..] else { return Err(wrong()) };
        let is_good =
            |field: &&str| field.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*/,-?".contains(&byte));
        let is_at_most = |field: &str, most| field.parse::<usize>().map_or(true, |number| number <= most);
        // What else may be wrong the server that takes it knows.
        let is_schedule =
            days.len() == 3 && fields.iter().all(is_good) && is_at_most(minute, 59) && is_at_most(hour, 23);
        is_schedule
            .then(|| Cron { minute: (*minute).to_owned(), hour: (*hour).to_owned(), days: days.join(" ") })
            .ok_or_else(wrong)
    }
}

impl Cron {
    /// The schedule of one of several that begin within so many minutes, one after the other. A day that was said stays
    /// that day, and what is said in steps stays as it is.
    pub(super) fn nth(&self, nth: usize, of: usize, minutes: usize) -> String {
        let Cron { minute, hour, days } = self;
        let after = |room: usize| minutes.min(room) * nth / of.max(1);
        match (minute.parse::<usize>(), hour.parse::<usize>()) {
            (Ok(minute), Ok(hour)) => {
                let first = hour * 60 + minute;
                let room = if days == "* * *" { DAY - 1 } else { DAY - first };
                let at = (first + after(room)) % DAY;
                format!("{} {} {days}", at % 60, at / 60)
            }
            (Ok(minute), Err(_)) => format!("{} {hour} {days}", minute + after(60 - minute)),
            (Err(_), _) => format!("{minute} {hour} {days}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(schedule: &str, of: usize, minutes: usize) -> Vec<String> {
        let schedule: Cron = schedule.parse().unwrap();
        (0..of).map(|nth| schedule.nth(nth, of, minutes)).collect()
    }

    #[test]
    fn jobs_start_one_after_the_other() {
        assert_eq!(all("0 2 * * *", 3, 60), ["0 2 * * *", "20 2 * * *", "40 2 * * *"]);
        assert_eq!(all("30 23 * * *", 2, 60), ["30 23 * * *", "0 0 * * *"], "every day is as good");
        assert_eq!(all("30 23 * * 6", 2, 60), ["30 23 * * 6", "45 23 * * 6"], "Saturday stays Saturday");
        assert_eq!(all("30 */6 * * *", 2, 60), ["30 */6 * * *", "45 */6 * * *"]);
        assert_eq!(all("*/20 * * * *", 2, 60), ["*/20 * * * *", "*/20 * * * *"]);
        assert_eq!(all("0 2 * * *", 2, 0), ["0 2 * * *", "0 2 * * *"]);
    }

    #[test]
    fn none_starts_on_another_day_or_at_no_time() {
        for schedule in ["59 23 1 * *", "0 0 * * MON", "59 * * * *"] {
            for one in all(schedule, 300, 1440) {
                let fields: Vec<&str> = one.split(' ').collect();
                assert!(fields[0].parse::<usize>().unwrap() < 60, "{one}");
                assert!(fields[1].parse::<usize>().is_ok_and(|hour| hour < 24) || fields[1] == "*", "{one}");
                assert!(schedule.ends_with(&fields[2..].join(" ")), "{one}");
            }
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in ["", "0 2 * *", "0 2 * * * *", "60 2 * * *", "0 24 * * *", "0 2 * * $(x)", "@daily"] {
            assert!(text.parse::<Cron>().is_err(), "{text}");
        }
    }
}
