use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use assay_standards::history::State;
use assay_standards::scope::{Spec, Validity, Version};
use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan};

use crate::score::Achieved;

/// How often what no program can decide has to be looked at again, in months (scs-0004-v1, rule 3).
const QUARTER: i32 = 3;
/// So many days before its end, a certificate is about to end.
const ENDING: i32 = 30;
/// So many months after its end, it is still shown (scs-0004-v1 asks for three at least).
const SHOWN_AFTER: i32 = 3;

/// A certificate: that a subject conforms to a version of a scope, for a year (scs-0004-v1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) uuid: String,
    /// Its number among all of this monitor.
    pub(crate) number: i64,
    pub(crate) subject: String,
    /// UUID of the scope.
    pub(crate) scope: String,
    pub(crate) version: String,
    /// Who operates the subject.
    pub(crate) organisation: String,
    /// Which regions and configurations of it.
    pub(crate) covers: String,
    pub(crate) valid_from: Date,
    /// The first day on which it is not valid any more.
    pub(crate) valid_until: Date,
    pub(crate) revocation: Option<Revocation>,
}

/// That a certificate was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revocation {
    pub(crate) at: Timestamp,
    pub(crate) reason: String,
}

/// What a certificate comes to on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its first day has not come.
    Future,
    Valid,
    /// It is valid, but not for long.
    Ending,
    Expired,
    Revoked,
}

/// The day on which a certificate ends that begins on this one: a year later, whatever becomes of the version.
pub(crate) fn end_of(begin: Date) -> Date {
    begin.checked_add(1.year()).unwrap_or(Date::MAX)
}

impl Certificate {
    pub(crate) fn standing(&self, day: Date) -> Standing {
        let ending = self.valid_until.checked_sub(ENDING.days()).unwrap_or(self.valid_until);
        if self.revocation.is_some() {
            Standing::Revoked
        } else if day < self.valid_from {
            Standing::Future
        } else if day >= self.valid_until {
            Standing::Expired
        } else if day >= ending {
            Standing::Ending
        } else {
            Standing::Valid
        }
    }

    /// Whether another of these, of the same subject and scope, will take its place without a gap.
    pub(crate) fn is_followed(&self, all: &[Certificate], day: Date) -> bool {
        all.iter().any(|next| next.standing(day) == Standing::Future && next.valid_from <= self.valid_until)
    }

    /// Whether it has ended so long ago that nobody need be told.
    pub(crate) fn is_forgotten(&self, day: Date) -> bool {
        self.valid_until.checked_add(SHOWN_AFTER.months()).is_ok_and(|end| end <= day)
    }
}

impl Standing {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Standing::Future => "not yet valid",
            Standing::Valid => "valid",
            Standing::Ending => "about to end",
            Standing::Expired => "expired",
            Standing::Revoked => "revoked",
        }
    }

    pub(crate) const fn is_in_force(self) -> bool {
        matches!(self, Standing::Valid | Standing::Ending)
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a badge says of a subject in a scope. It names no version, since it is looked at for longer than one is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Badge {
    /// There is a certificate, and all tests pass.
    Certified,
    /// There is none, and all tests pass.
    Valid,
    /// All tests pass, but not for long, or not for certain.
    Warning,
    /// Some test does not pass, whether there is a certificate or not.
    Failing,
    /// The certificate has ended, and no other was granted.
    Expired,
    /// The certificate was taken back, and no other was granted.
    Revoked,
    /// Nothing is known.
    Unknown,
}

impl Badge {
    /// What certificates of a subject in a scope come to on a day, given what the subject achieves there, and the state
    /// of what a certificate says; none if that version is not known any more.
    pub(crate) fn of(
        certificates: &[Certificate],
        achieved: Option<&Achieved>,
        certified: impl Fn(&Certificate) -> Option<State>,
        day: Date,
    ) -> Self {
        let begun = certificates.iter().filter(|certificate| certificate.valid_from <= day);
        let shown = begun.filter(|certificate| !certificate.is_forgotten(day));
        // One that is in force counts for more than one that is newer and is not.
        let newest = shown.max_by_key(|certificate| {
            (certificate.standing(day).is_in_force(), certificate.valid_from, certificate.number)
        });
        let Some(newest) = newest else {
            return achieved.map_or(Badge::Unknown, Self::of_uncertified);
        };
        let state = || certified(newest).or_else(|| achieved.map(Achieved::state)).unwrap_or(State::Miss);
        match newest.standing(day) {
            Standing::Revoked => Badge::Revoked,
            Standing::Expired => Badge::Expired,
            standing => match state() {
                State::Pass if standing == Standing::Ending && !newest.is_followed(certificates, day) => {
                    Badge::Warning
                }
                State::Pass => Badge::Certified,
                State::Tentative { .. } => Badge::Warning,
                State::Abort | State::Miss | State::Fail => Badge::Failing,
            },
        }
    }

    fn of_uncertified(achieved: &Achieved) -> Self {
        match achieved.state() {
            State::Pass if achieved.validity == Validity::Warn.as_str() => Badge::Warning,
            State::Pass => Badge::Valid,
            State::Tentative { .. } => Badge::Warning,
            State::Abort | State::Miss | State::Fail => Badge::Failing,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Badge::Certified => "certified",
            Badge::Valid => "valid",
            Badge::Warning => "warning",
            Badge::Failing => "failing",
            Badge::Expired => "expired",
            Badge::Revoked => "revoked",
            Badge::Unknown => "unknown",
        }
    }

    /// The same in a sentence, for who does not know the words.
    pub(crate) const fn told(self) -> &'static str {
        match self {
            Badge::Certified => "certified, and all tests pass",
            Badge::Valid => "all tests pass; not certified",
            Badge::Warning => "all tests pass, but not for long, or not for certain",
            Badge::Failing => "some tests do not pass",
            Badge::Expired => "the certificate has expired",
            Badge::Revoked => "the certificate was revoked",
            Badge::Unknown => "nothing is known",
        }
    }
}

/// Why a subject cannot be certified without more ado.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Obstacle {
    #[error("the scope has no version {0}")]
    NoVersion(String),
    #[error("on {day}, version {version} is {}", validity.as_str())]
    NotInForce { version: String, day: Date, validity: Validity },
    #[error("{testcase} is {state}")]
    NotPassed { testcase: String, state: State },
}

/// What speaks against a certificate for a version, given the states of testcases; those that it names and are not among
/// these have [`State::Miss`]. Manual testcases of the version count, too (scs-0004-v1, rule 3).
pub(crate) fn obstacles(
    spec: &Spec,
    version: &str,
    states: &BTreeMap<&str, State>,
    begin: Date,
) -> Vec<Obstacle> {
    let Some(found) = spec.version(version) else {
        return vec![Obstacle::NoVersion(version.to_owned())];
    };
    let mut obstacles = Vec::new();
    let validity = spec.validity_of(version, begin);
    if !validity.certifiable() {
        obstacles.push(Obstacle::NotInForce { version: version.to_owned(), day: begin, validity });
    }
    for id in needed(spec, found) {
        let state = states.get(id).copied().unwrap_or(State::Miss);
        if state != State::Pass {
            obstacles.push(Obstacle::NotPassed { testcase: id.to_owned(), state });
        }
    }
    obstacles
}

/// The testcases that a certificate for a version needs: those of its target `main`, and those that people have to check
/// (scs-0004-v1, rules 2 and 3).
pub(crate) fn needed<'v>(spec: &Spec, version: &'v Version) -> impl Iterator<Item = &'v str> {
    let is_manual = |id: &str| spec.testcase(id).is_some_and(|testcase| testcase.manual);
    let all = version.testcases().filter(move |(id, target)| *target == Version::MAIN || is_manual(id));
    all.map(|(id, _)| id)
}

/// The testcases that people have to check for some version in force, every quarter (scs-0004-v1, rule 3).
pub(crate) fn manual_in_force(spec: &Spec, day: Date) -> BTreeSet<&str> {
    let in_force = spec.validity(day);
    let in_force = in_force.into_iter().filter(|(_, validity)| validity.certifiable());
    let needed = in_force.flat_map(|(version, _)| needed(spec, version));
    needed.filter(|id| spec.testcase(id).is_some_and(|testcase| testcase.manual)).collect()
}

/// How something stands that people have to check every quarter (scs-0004-v1, rule 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quarterly {
    /// When they last decided it.
    pub(crate) decided: Option<DateTime>,
    /// When they have to decide it again; none if nobody ever has.
    pub(crate) due: Option<DateTime>,
    pub(crate) is_overdue: bool,
}

impl Quarterly {
    /// Of what was never decided, nothing is overdue before there is a certificate in force that it should bear out.
    pub(crate) fn new(decided: Option<DateTime>, is_certified: bool, now: DateTime) -> Self {
        let due = decided.map(|decided| decided.checked_add(QUARTER.months()).unwrap_or(DateTime::MAX));
        Self { decided, due, is_overdue: due.map_or(is_certified, |due| due < now) }
    }
}

/// Whether one of these certificates is in force.
pub(crate) fn is_certified(certificates: &[Certificate], day: Date) -> bool {
    certificates.iter().any(|certificate| certificate.standing(day).is_in_force())
}

/// The state of what a certificate for a version needs; none if the scope has no such version any more.
pub(crate) fn state_of(spec: &Spec, version: &str, states: &BTreeMap<&str, State>) -> Option<State> {
    let needed = needed(spec, spec.version(version)?);
    Some(State::of_set(needed.map(|id| states.get(id).copied().unwrap_or(State::Miss))))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn certificate(from: Date) -> Certificate {
        Certificate {
            uuid: "c".into(),
            number: 1,
            subject: "s".into(),
            scope: "o".into(),
            version: "v5.1".into(),
            organisation: "A company".into(),
            covers: "all of it".into(),
            valid_from: from,
            valid_until: end_of(from),
            revocation: None,
        }
    }

    fn achieved(state: State, validity: Validity) -> Achieved {
        let certain = match state {
            State::Tentative { certain } => Some(certain),
            _ => None,
        };
        Achieved {
            state: state.as_str().into(),
            certain,
            version: "v5.1".into(),
            validity: validity.as_str().into(),
        }
    }

    #[test]
    fn a_certificate_lasts_a_year() {
        let certificate = certificate(date(2024, 2, 29));
        assert_eq!(certificate.valid_until, date(2025, 2, 28));
        for (day, standing) in [
            (date(2024, 2, 28), Standing::Future),
            (date(2024, 2, 29), Standing::Valid),
            (date(2025, 1, 28), Standing::Valid),
            (date(2025, 1, 29), Standing::Ending),
            (date(2025, 2, 27), Standing::Ending),
            (date(2025, 2, 28), Standing::Expired),
        ] {
            assert_eq!(certificate.standing(day), standing, "{day}");
        }
        let at = "2024-03-01T00:00:00Z".parse().unwrap();
        let revoked = Certificate { revocation: Some(Revocation { at, reason: "x".into() }), ..certificate };
        assert_eq!(revoked.standing(date(2024, 3, 2)), Standing::Revoked);
    }

    #[test]
    fn what_was_never_checked_is_overdue_for_whom_it_is_certified() {
        let now = date(2026, 11, 23).at(12, 0, 0, 0);
        for (decided, is_certified, due, is_overdue) in [
            (None, false, None, false),
            (None, true, None, true),
            (Some(date(2026, 8, 23).at(12, 0, 0, 0)), true, Some(now), false),
            (Some(date(2026, 8, 23).at(11, 0, 0, 0)), false, Some(date(2026, 11, 23).at(11, 0, 0, 0)), true),
        ] {
            let found = Quarterly::new(decided, is_certified, now);
            assert_eq!(found, Quarterly { decided, due, is_overdue });
        }
    }

    #[test]
    fn a_badge_says_what_is_certified_and_what_is_seen() {
        let day = date(2026, 11, 23);
        let granted = certificate(date(2026, 6, 1));
        let ending = certificate(date(2025, 12, 1));
        let expired = certificate(date(2025, 9, 1));
        let forgotten = certificate(date(2025, 8, 1));
        let future = certificate(date(2026, 12, 1));
        let at = "2026-11-01T00:00:00Z".parse().unwrap();
        let revocation = Some(Revocation { at, reason: "x".into() });
        let revoked = Certificate { revocation, number: 2, ..granted.clone() };
        let pass = achieved(State::Pass, Validity::Effective);
        let last = achieved(State::Pass, Validity::Warn);
        let open = State::Tentative { certain: date(2026, 11, 1).at(0, 0, 0, 0) };
        let tentative = achieved(open, Validity::Effective);
        let fail = achieved(State::Fail, Validity::Effective);
        // One that was to begin later, and was taken back before.
        let mistaken = Certificate { revocation: revoked.revocation.clone(), ..future.clone() };
        for (certificates, achieved, badge) in [
            (vec![], None, Badge::Unknown),
            (vec![], Some(&pass), Badge::Valid),
            (vec![], Some(&last), Badge::Warning),
            (vec![], Some(&tentative), Badge::Warning),
            (vec![], Some(&fail), Badge::Failing),
            (vec![&granted], Some(&pass), Badge::Certified),
            // A certificate lasts however long its version does.
            (vec![&granted], Some(&last), Badge::Certified),
            (vec![&granted, &mistaken], Some(&pass), Badge::Certified),
            (vec![&mistaken], Some(&pass), Badge::Valid),
            (vec![&ending, &future], Some(&pass), Badge::Certified),
            (vec![&granted], Some(&tentative), Badge::Warning),
            (vec![&granted], Some(&fail), Badge::Failing),
            (vec![&granted], None, Badge::Failing),
            (vec![&ending], Some(&pass), Badge::Warning),
            (vec![&ending], Some(&fail), Badge::Failing),
            (vec![&ending, &granted], Some(&pass), Badge::Certified),
            (vec![&expired], Some(&pass), Badge::Expired),
            (vec![&forgotten], Some(&pass), Badge::Valid),
            (vec![&future], Some(&pass), Badge::Valid),
            (vec![&revoked], Some(&pass), Badge::Revoked),
            // Another one of the same time still counts.
            (vec![&revoked, &granted], Some(&pass), Badge::Certified),
            (vec![&expired, &granted, &future], Some(&pass), Badge::Certified),
        ] {
            let certificates: Vec<Certificate> = certificates.into_iter().cloned().collect();
            let found = Badge::of(&certificates, achieved, |_| None, day);
            assert_eq!(found, badge, "{certificates:?} {achieved:?}");
        }
        // What is certified counts, not what else is achieved.
        let one = std::slice::from_ref(&granted);
        let badge = |state| Badge::of(one, Some(&pass), |_| Some(state), day);
        assert_eq!(
            [State::Fail, open, State::Pass].map(badge),
            [Badge::Failing, Badge::Warning, Badge::Certified]
        );
        let other = Badge::of(one, Some(&fail), |_| Some(State::Pass), day);
        assert_eq!(other, Badge::Certified);
    }

    #[test]
    fn what_speaks_against_a_certificate_is_named() {
        let spec = Spec::embedded_kaas();
        let day = date(2026, 11, 23);
        let version = spec.validity(day).iter().find(|(_, validity)| validity.certifiable()).unwrap().0;
        let needed: Vec<&str> = version.testcases().map(|(id, _)| id).collect();
        let mut states: BTreeMap<&str, State> = needed.iter().map(|&id| (id, State::Pass)).collect();
        assert_eq!(obstacles(spec, &version.name, &states, day), []);
        states.insert(needed[0], State::Fail);
        assert_eq!(state_of(spec, &version.name, &states), Some(State::Fail));
        assert_eq!(state_of(spec, "v99", &states), None);
        let told: Vec<String> =
            obstacles(spec, &version.name, &states, day).iter().map(ToString::to_string).collect();
        assert_eq!(told, [format!("{} is FAIL", needed[0])]);
        let told = obstacles(spec, "v99", &states, day)[0].to_string();
        assert_eq!(told, "the scope has no version v99");
        let early = obstacles(spec, &version.name, &states, date(2020, 1, 1));
        assert!(matches!(early[0], Obstacle::NotInForce { .. }), "{early:?}");
    }
}
