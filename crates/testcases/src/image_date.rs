//! Dates in image metadata, read as leniently as the reference suite reads them (scs-0102).
//!
//! Lenient means: months, days and times may have one digit, the blank between date and time may be any
//! run of white space, `T` and `Z` may be in lower case, and seconds go up to 61. The result is in Unix
//! seconds, and 0 means "no date", so that 1970-01-01 is none.

use jiff::civil::Date;

/// Unix seconds of a date in one of the four accepted forms; 0 if it is in none of them.
pub(crate) fn parse(text: &str) -> i64 {
    [timestamp, date_time_seconds, date_time_minutes, day]
        .iter()
        .find_map(|form| form(text).filter(|seconds| *seconds != 0))
        .unwrap_or(0)
}

/// Unix seconds of `YYYY-MM-DDThh:mm:ssZ`, the form of the API itself; 0 for anything else.
pub(crate) fn parse_strict(text: &str) -> i64 {
    timestamp(text).unwrap_or(0)
}

/// Whether a word of an image name is a date: `YYYY-MM-DD` or `YYYYMMDD`.
pub(crate) fn is_date_marker(word: &str) -> bool {
    day(word).is_some() || compact_day(word).is_some()
}

fn timestamp(text: &str) -> Option<i64> {
    let mut reader = Reader(text);
    let date = reader.date()?;
    reader.letter('t')?;
    let seconds = reader.time(true)?;
    reader.letter('z')?;
    reader.end()?;
    Some(seconds_since_epoch(date, seconds))
}

fn date_time_seconds(text: &str) -> Option<i64> {
    date_time(text, true)
}

fn date_time_minutes(text: &str) -> Option<i64> {
    date_time(text, false)
}

fn date_time(text: &str, with_seconds: bool) -> Option<i64> {
    let mut reader = Reader(text);
    let date = reader.date()?;
    reader.blanks()?;
    let seconds = reader.time(with_seconds)?;
    reader.end()?;
    Some(seconds_since_epoch(date, seconds))
}

fn day(text: &str) -> Option<i64> {
    let mut reader = Reader(text);
    let date = reader.date()?;
    reader.end()?;
    Some(seconds_since_epoch(date, 0))
}

/// Four digits of year, then month and day with one or two digits each, taking two where they make sense.
fn compact_day(text: &str) -> Option<Date> {
    let mut reader = Reader(text);
    let year = reader.digits(4, 4)?;
    let rest = reader.0;
    [2, 1].into_iter().find_map(|width| {
        let mut reader = Reader(rest);
        let month = reader.digits(width, width)?;
        let day = reader.digits(1, 2)?;
        reader.end()?;
        date(year, month, day)
    })
}

fn date(year: i64, month: i64, day: i64) -> Option<Date> {
    Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok().filter(|_| year > 0)
}

/// Counted by hand, because every image has several dates and going through time zones costs more than all
/// the rest: years begin in March, so that the day of a leap year comes last.
fn seconds_since_epoch(date: Date, seconds: i64) -> i64 {
    let (month, day) = (i64::from(date.month()), i64::from(date.day()));
    let year = i64::from(date.year()) - i64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
    days * 86_400 + seconds
}

struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        digits.parse().ok()
    }

    fn letter(&mut self, expected: char) -> Option<()> {
        let first = self.0.chars().next()?;
        self.0 = &self.0[first.len_utf8()..];
        first.eq_ignore_ascii_case(&expected).then_some(())
    }

    fn blanks(&mut self) -> Option<()> {
        let rest = self.0.trim_start();
        let moved = rest.len() < self.0.len();
        self.0 = rest;
        moved.then_some(())
    }

    fn date(&mut self) -> Option<Date> {
        let year = self.digits(4, 4)?;
        self.letter('-')?;
        let month = self.digits(1, 2)?;
        self.letter('-')?;
        if let Some(rest) = self.0.strip_prefix(' ') {
            // A day may be padded with a blank instead of a zero, but then it has one digit.
            self.0 = rest;
            let day = self.digits(1, 1)?;
            return date(year, month, day);
        }
        let day = self.digits(1, 2)?;
        date(year, month, day)
    }

    fn time(&mut self, with_seconds: bool) -> Option<i64> {
        let hours = self.digits(1, 2).filter(|hours| *hours < 24)?;
        self.letter(':')?;
        let minutes = self.digits(1, 2).filter(|minutes| *minutes < 60)?;
        let seconds = if with_seconds {
            self.letter(':')?;
            self.digits(1, 2).filter(|seconds| *seconds <= 61)?
        } else {
            0
        };
        Some(hours * 3600 + minutes * 60 + seconds)
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accepted_forms() {
        for (text, seconds) in [
            ("2024-05-06T07:08:09Z", 1_714_979_289),
            ("2024-05-06t07:08:09z", 1_714_979_289),
            ("2024-05-06 07:08:09", 1_714_979_289),
            ("2024-5-6 7:8:9", 1_714_979_289),
            ("2024-05-06 \t 07:08", 1_714_979_280),
            ("2024-05-06", 1_714_953_600),
            ("2024-05- 6", 1_714_953_600),
            ("1969-12-31", -86_400),
            ("2024-05-06 07:08:61", 1_714_979_341),
        ] {
            assert_eq!(parse(text), seconds, "{text}");
        }
    }

    #[test]
    fn refused_forms() {
        for text in [
            "",
            "1970-01-01",
            "2024-02-30",
            "2024-13-01",
            "24-05-06",
            "02024-05-06",
            "2024-05-06T07:08:09",
            "2024-05-06T07:08Z",
            "2024-05-06 24:00",
            "2024-05-06 07:08:62",
            " 2024-05-06",
            "2024-05-06 ",
            "2024-05-06T07:08:09.5Z",
            "2024-05-06T07:08:09+00:00",
            "today",
        ] {
            assert_eq!(parse(text), 0, "{text:?}");
        }
        assert_eq!(parse_strict("2024-05-06 07:08:09"), 0);
        assert_eq!(parse_strict("2024-05-06"), 0);
    }

    #[test]
    fn markers() {
        for word in ["20240101", "2024-01-01", "2024-1-1", "202411", "2024115"] {
            assert!(is_date_marker(word), "{word}");
        }
        for word in ["24.04", "2024", "v1.30", "20241301", "old", "2024-01-01T00:00:00Z"] {
            assert!(!is_date_marker(word), "{word}");
        }
    }

    proptest! {
        #[test]
        fn midnights_are_those_of_the_calendar(year in 1_i16..=9999, month in 1_i8..=12, day in 1_i8..=28) {
            let date = Date::new(year, month, day).unwrap();
            let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second();
            prop_assert_eq!(seconds_since_epoch(date, 7), midnight + 7);
        }

        #[test]
        fn any_text_is_a_date_or_none(text in "\\PC{0,24}") {
            parse(&text);
            is_date_marker(&text);
        }
    }
}
