//! When the subjects of a preset are checked: what is due, given what has been done, and what comes next. It knows no
//! clock and no files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

/// What is not caught up with may be late by this much all the same: nobody looks at the clock without pause.
const SLACK: SignedDuration = SignedDuration::from_mins(1);
/// So many windows in a row are looked through for their end.
const MOST_WINDOWS: usize = 1000;

/// When the subjects of a preset are checked, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The preset.
    pub preset: String,
    /// What may be done.
    pub sections: Vec<Section>,
    pub(crate) times: Times,
    /// So much later at most, so that not all begins at once.
    pub(crate) jitter: SignedDuration,
    /// What was missed is made up for within this time.
    pub(crate) catch_up: SignedDuration,
}

/// What may be done in a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Light and medium, on Saturdays heavy, too.
    Auto,
    /// Reading.
    Light,
    /// Creating things and removing them.
    Medium,
    /// Virtual machines.
    Heavy,
}

impl Section {
    /// All, with their names.
    pub(crate) const ALL: [(&'static str, Section); 4] = [
        (".auto", Section::Auto),
        ("light", Section::Light),
        ("medium", Section::Medium),
        ("heavy", Section::Heavy),
    ];
}

/// Times as crontab has them, in a time zone. Where clocks are put forward, what would be in the gap is after it; where
/// they are put back, a time of the day comes once.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    cron: Cron,
    zone: TimeZone,
    text: String,
}

/// When nothing is begun with some subjects, or with any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) name: String,
    pub(crate) begins: Times,
    pub(crate) lasts: SignedDuration,
    /// Whom it is about; without any, all.
    pub(crate) subjects: BTreeSet<String>,
}

/// When nothing is begun with whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Windows(pub(crate) Vec<Window>);

/// What a schedule comes to at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// The last time of the schedule.
    pub at: Option<Timestamp>,
    /// Who is to be checked now because of it.
    pub due: Vec<String>,
    /// For whom it is too late by now.
    pub missed: Vec<String>,
    /// When somebody is to be checked next.
    pub next: Option<Timestamp>,
}

impl Schedule {
    /// What it comes to at a moment. `settled` says up to when each of the subjects is done; of whom it says nothing,
    /// nothing was missed.
    pub fn outlook(
        &self,
        name: &str,
        subjects: impl IntoIterator<Item = impl AsRef<str>>,
        settled: &BTreeMap<String, Timestamp>,
        windows: &Windows,
        now: Timestamp,
    ) -> Outlook {
        let (latest, upcoming) = (self.times.latest(now), self.times.next(now));
        let mut outlook = Outlook { at: latest, ..Outlook::default() };
        for subject in subjects {
            let subject = subject.as_ref();
            let open = latest.filter(|latest| settled.get(subject).is_some_and(|until| until < latest));
            let mut next = None;
            if let Some(latest) = open {
                let begins = self.begins(name, latest, upcoming);
                let ends = later(begins, self.catch_up.max(SLACK));
                match windows.free(subject, begins.max(now)) {
                    Some(free) if free > ends => outlook.missed.push(subject.to_owned()),
                    None => outlook.missed.push(subject.to_owned()),
                    Some(free) if free <= now => outlook.due.push(subject.to_owned()),
                    Some(free) => next = Some(free),
                }
            }
            let upcoming = upcoming.map(|at| self.begins(name, at, self.times.next(at)));
            let next = next.or_else(|| windows.free(subject, upcoming?));
            outlook.next = outlook.next.into_iter().chain(next).min();
        }
        outlook
    }

    /// When what belongs to a time of the schedule begins: the same for whoever asks, and before the time after it.
    fn begins(&self, name: &str, at: Timestamp, next: Option<Timestamp>) -> Timestamp {
        let gap = next.map_or(self.jitter, |next| next.duration_since(at) - SignedDuration::from_secs(1));
        let bound = u64::try_from(self.jitter.min(gap).as_secs()).unwrap_or(0);
        let digest = Sha256::new().chain_update(name).chain_update(at.as_second().to_be_bytes()).finalize();
        let random = digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        let seconds = i64::try_from(random % (bound + 1)).unwrap_or(0);
        later(at, SignedDuration::from_secs(seconds))
    }

    /// What tells it from another schedule of the same name.
    pub(crate) fn definition(&self) -> String {
        self.times.to_string()
    }
}

impl Times {
    /// Times as crontab has them, in a zone of the IANA; UTC without one. What is wrong with them is told.
    pub(crate) fn read(pattern: &str, zone: TimeZone) -> Result<Self, String> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(pattern).map_err(|error| error.to_string())?;
        let text = match zone.iana_name() {
            Some(name) => format!("{pattern} {name}"),
            None => pattern.to_owned(),
        };
        let times = Times { cron, zone, text };
        // The thirtieth of February, say.
        times.next(Timestamp::UNIX_EPOCH).ok_or("it never comes")?;
        Ok(times)
    }

    /// The last one, up to now.
    fn latest(&self, now: Timestamp) -> Option<Timestamp> {
        let now = whole(now).to_zoned(self.zone.clone());
        Some(self.cron.find_previous_occurrence(&now, true).ok()?.timestamp())
    }

    /// The next one after now.
    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let now = whole(now).to_zoned(self.zone.clone());
        Some(self.cron.find_next_occurrence(&now, false).ok()?.timestamp())
    }
}

impl PartialEq for Times {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Times {}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Windows {
    /// The window in which nothing is begun with a subject, if there is one.
    pub fn holding(&self, subject: &str, now: Timestamp) -> Option<&str> {
        self.of(subject).find(|window| window.end(now).is_some()).map(|window| window.name.as_str())
    }

    /// When a subject may be begun with, from a moment on; never if windows follow each other without end.
    fn free(&self, subject: &str, from: Timestamp) -> Option<Timestamp> {
        let mut free = from;
        for _ in 0..MOST_WINDOWS {
            match self.of(subject).filter_map(|window| window.end(free)).max() {
                Some(end) => free = end,
                None => return Some(free),
            }
        }
        None
    }

    fn of(&self, subject: &str) -> impl Iterator<Item = &Window> {
        self.0.iter().filter(move |window| window.subjects.is_empty() || window.subjects.contains(subject))
    }
}

impl Window {
    /// When it ends, if it has begun.
    fn end(&self, now: Timestamp) -> Option<Timestamp> {
        let end = later(self.begins.latest(now)?, self.lasts);
        (now < end).then_some(end)
    }
}

/// Times of crontab are whole seconds.
fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BERLIN: &str = "Europe/Berlin";

    fn times(pattern: &str, zone: &str) -> Times {
        Times::read(pattern, TimeZone::get(zone).unwrap()).unwrap()
    }

    fn schedule(pattern: &str, zone: &str) -> Schedule {
        Schedule {
            preset: "iaas".into(),
            sections: Vec::new(),
            times: times(pattern, zone),
            jitter: SignedDuration::ZERO,
            catch_up: SignedDuration::from_hours(12),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn window(pattern: &str, hours: i64, subjects: &[&str]) -> Window {
        Window {
            name: format!("{pattern} for {hours} h"),
            begins: times(pattern, "UTC"),
            lasts: SignedDuration::from_hours(hours),
            subjects: subjects.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    fn settled(all: &[(&str, &str)]) -> BTreeMap<String, Timestamp> {
        all.iter().map(|(name, until)| ((*name).to_owned(), at(until))).collect()
    }

    /// Who is due and who was missed, and when the next is.
    fn seen(schedule: &Schedule, windows: &Windows, now: &str) -> (Vec<String>, Vec<String>, String) {
        let settled = settled(&[("green", "2026-03-01T02:00Z"), ("red", "2026-03-01T02:00Z")]);
        let outlook = schedule.outlook("nightly", ["green", "red", "new"], &settled, windows, at(now));
        (outlook.due, outlook.missed, outlook.next.unwrap().to_string())
    }

    #[test]
    fn what_is_due_is_due_until_it_is_done_or_too_late() {
        let (nightly, none) = (schedule("0 2 * * *", "UTC"), Windows::default());
        let both = || vec!["green".to_owned(), "red".to_owned()];
        let case = |now| seen(&nightly, &none, now);
        assert_eq!(case("2026-03-01T12:00Z"), (vec![], vec![], "2026-03-02T02:00:00Z".into()));
        assert_eq!(case("2026-03-02T01:59:59.9Z"), (vec![], vec![], "2026-03-02T02:00:00Z".into()));
        assert_eq!(case("2026-03-02T02:00:00Z"), (both(), vec![], "2026-03-03T02:00:00Z".into()));
        assert_eq!(case("2026-03-02T02:00:00.1Z").0, both());
        assert_eq!(case("2026-03-02T14:00:00Z").0, both(), "it is made up for");
        assert_eq!(case("2026-03-02T14:00:01Z"), (vec![], both(), "2026-03-03T02:00:00Z".into()));
        // However long the program was away, each is checked once, and because of the last time.
        let settled = settled(&[("green", "2026-03-02T02:00Z"), ("red", "2026-01-01T02:00Z")]);
        let outlook = nightly.outlook("a", ["green", "red"], &settled, &none, at("2026-03-02T03:00Z"));
        assert_eq!((outlook.due, outlook.at), (vec!["red".to_owned()], Some(at("2026-03-02T02:00Z"))));
    }

    #[test]
    fn what_is_not_made_up_for_may_still_be_late_by_a_moment() {
        let none = Windows::default();
        let strict = Schedule { catch_up: SignedDuration::ZERO, ..schedule("0 2 * * *", "UTC") };
        assert_eq!(seen(&strict, &none, "2026-03-02T02:00:59Z").0.len(), 2);
        assert_eq!(seen(&strict, &none, "2026-03-02T02:01:01Z").1.len(), 2);
    }

    #[test]
    fn nobody_is_begun_with_in_a_window_of_theirs() {
        let nightly = schedule("0 2 * * *", "UTC");
        let windows = Windows(vec![window("0 1 * * *", 3, &["red"]), window("30 3 * * *", 1, &["red"])]);
        let (due, _, next) = seen(&nightly, &windows, "2026-03-02T02:00Z");
        assert_eq!((due, &*next), (vec!["green".to_owned()], "2026-03-02T04:30:00Z"), "one after the other");
        assert_eq!(windows.holding("red", at("2026-03-02T04:29Z")), Some("30 3 * * * for 1 h"));
        assert_eq!(windows.holding("red", at("2026-03-02T04:30Z")), None);
        assert_eq!(windows.holding("green", at("2026-03-02T02:00Z")), None);
        assert_eq!(seen(&nightly, &windows, "2026-03-02T04:30Z").0, ["green", "red"]);
        // A window for all that lasts for longer than is made up for.
        let long = Windows(vec![window("0 0 2 3 *", 24, &[])]);
        assert_eq!(seen(&nightly, &long, "2026-03-02T02:00Z").1, ["green", "red"]);
        let ever = Windows(vec![window("* * * * *", 1, &[])]);
        let outlook = nightly.outlook("a", ["green"], &BTreeMap::new(), &ever, at("2026-03-02T02:00Z"));
        assert_eq!(outlook.next, None);
    }

    #[test]
    fn jitter_is_the_same_for_whoever_asks_and_ends_before_the_next() {
        let late = Schedule { jitter: SignedDuration::from_mins(30), ..schedule("0 2 * * *", "UTC") };
        let begins = late.begins("nightly", at("2026-03-02T02:00Z"), None);
        assert!((at("2026-03-02T02:00:01Z")..=at("2026-03-02T02:30Z")).contains(&begins), "{begins}");
        let none = Windows::default();
        let before = later(begins, SignedDuration::from_secs(-1)).to_string();
        assert_eq!(seen(&late, &none, &before), (vec![], vec![], begins.to_string()));
        assert_eq!(seen(&late, &none, &begins.to_string()).0.len(), 2);
        let other = late.begins("another", at("2026-03-02T02:00Z"), None);
        assert_ne!(begins, other, "two schedules of one time do not begin at once");
        let often = Schedule { jitter: SignedDuration::from_hours(30), ..schedule("*/5 * * * *", "UTC") };
        let (first, second) = (at("2026-03-02T02:00Z"), at("2026-03-02T02:05Z"));
        assert!(often.begins("a", first, Some(second)) < second);
    }

    #[test]
    fn a_night_has_one_time_of_each_whatever_the_clocks_do() {
        let all = |pattern: &str, from: &str, until: &str| {
            let times = times(pattern, BERLIN);
            let mut found = Vec::new();
            let mut now = at(from);
            while let Some(next) = times.next(now).filter(|next| *next <= at(until)) {
                assert_eq!(times.latest(next), Some(next));
                assert_eq!(times.latest(later(next, SignedDuration::from_millis(2500))), Some(next));
                found.push(next.to_string());
                now = next;
            }
            found
        };
        // 2 o'clock is 3 o'clock on 29 March, and there twice on 25 October.
        assert_eq!(
            all("30 2 * * *", "2026-03-28T12:00Z", "2026-03-30T12:00Z"),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
        assert_eq!(
            all("30 2 * * *", "2026-10-24T12:00Z", "2026-10-26T12:00Z"),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
        // What comes every hour comes every hour.
        assert_eq!(all("0 * * * *", "2026-10-24T23:00Z", "2026-10-25T03:00Z").len(), 4);
        assert_eq!(all("0 * * * *", "2026-03-28T23:00Z", "2026-03-29T03:00Z").len(), 4);
    }

    #[test]
    fn what_cannot_be_a_time_is_told() {
        let wrong = |pattern: &str| Times::read(pattern, TimeZone::UTC).unwrap_err();
        assert_eq!(wrong("0 0 30 2 *"), "it never comes");
        for pattern in ["", "0 2 * *", "0 0 2 * * *", "61 2 * * *", "two o'clock"] {
            assert!(!wrong(pattern).is_empty());
        }
        assert!(Times::read("@daily", TimeZone::UTC).is_ok());
        assert!(Times::read("0 2 * * MON-FRI", TimeZone::UTC).is_ok());
    }

    proptest! {
        #[test]
        fn the_last_time_and_the_next_are_times_next_to_each_other(
            minute in prop_oneof![Just("*".to_owned()), Just("*/7".to_owned()), (0..60u8).prop_map(|n| n.to_string())],
            hour in prop_oneof![Just("*".to_owned()), Just("*/5".to_owned()), (0..24u8).prop_map(|n| n.to_string())],
            day in prop_oneof![Just("* * *"), Just("* * MON"), Just("1 * *"), Just("25-31 3,10 *")],
            zone in prop_oneof![Just(BERLIN), Just("UTC"), Just("America/New_York"), Just("Australia/Lord_Howe")],
            second in 1_760_000_000..1_800_000_000i64,
        ) {
            let times = times(&format!("{minute} {hour} {day}"), zone);
            let now = Timestamp::from_second(second).unwrap();
            let (latest, next) = (times.latest(now).unwrap(), times.next(now).unwrap());
            prop_assert!(latest <= now && now < next);
            prop_assert_eq!(times.next(latest), Some(next));
            let before = later(next, SignedDuration::from_secs(-1));
            prop_assert_eq!(times.latest(before), Some(latest));
        }
    }
}
