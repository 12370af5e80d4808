use assay_report::CheckedAt;
use jiff::{SignedDuration, Timestamp};

/// How far ahead the clock of a checker may be.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// How far ahead a local time can be of UTC.
const ZONE_AHEAD: SignedDuration = SignedDuration::from_hours(14);

/// A check that would have been made in the future.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the check is said to have been made at {checked_at}, which lies too far ahead of the receipt at {received_at}"
)]
pub(crate) struct TooFarAhead {
    checked_at: String,
    received_at: Timestamp,
}

/// From when on a result counts: the time of the check, but never later than its receipt, so that no result lives
/// longer because a clock is wrong. A time without zone is taken as UTC; where it was a local time ahead of UTC, the
/// receipt counts.
pub(crate) fn counts_from(checked_at: CheckedAt, received_at: Timestamp) -> Result<Timestamp, TooFarAhead> {
    let too_far = || TooFarAhead { checked_at: checked_at.to_string(), received_at };
    let said = checked_at.in_utc().ok_or_else(too_far)?;
    let tolerance = match checked_at {
        CheckedAt::Exact(_) => AHEAD,
        CheckedAt::Naive(_) => ZONE_AHEAD,
    };
    match said.duration_since(received_at) > tolerance {
        true => Err(too_far()),
        // What is kept is no finer, and two that are the same there must be the same here.
        false => Ok(microsecond(said.min(received_at))),
    }
}

/// The microsecond that a time lies in.
fn microsecond(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_result_counts_from_after_its_receipt() {
        let received: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        for (checked_at, expected) in [
            ("2026-11-22 11:00:00", Some("2026-11-22T11:00:00Z")),
            ("2026-11-22 12:00:01", Some("2026-11-22T12:00:00Z")),
            ("2026-11-23 02:00:00", Some("2026-11-22T12:00:00Z")),
            ("2026-11-23 02:00:01", None),
            ("2099-01-01 00:00:00", None),
            ("2026-11-22T12:00:00+01:00", Some("2026-11-22T11:00:00Z")),
            ("2026-11-22T12:05:00Z", Some("2026-11-22T12:00:00Z")),
            ("2026-11-22T12:05:01Z", None),
            ("1999-01-01 00:00:00", Some("1999-01-01T00:00:00Z")),
            ("2026-11-22 11:00:00.123456789", Some("2026-11-22T11:00:00.123456Z")),
        ] {
            let counts = counts_from(checked_at.parse().unwrap(), received).ok();
            assert_eq!(counts.map(|time| time.to_string()).as_deref(), expected, "{checked_at}");
        }
    }
}
