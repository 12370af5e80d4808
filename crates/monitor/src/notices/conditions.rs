use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use assay_standards::Verdict;
use assay_standards::history::State;
use assay_standards::scope::{Lifetime, Spec, Version};
use jiff::civil::DateTime;
use jiff::{SignedDuration, ToSpan};

use super::config::Rule;
use crate::certificates::{Certificate, QUARTER, Standing};
use crate::store::StandingRow;

/// What a notice can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum About {
    /// A testcase does not pass.
    Result,
    /// A testcase passes, but not for long.
    Expiry,
    /// No reports come in.
    Silence,
    /// A certificate ends, or was taken back.
    Certificate,
    /// People have to look at something again.
    Check,
}

impl About {
    pub(crate) const ALL: [Self; 5] =
        [Self::Result, Self::Expiry, Self::Silence, Self::Certificate, Self::Check];
    pub(crate) const WORDS: [&'static str; 5] = ["result", "expiry", "silence", "certificate", "check"];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            About::Result => "result",
            About::Expiry => "expiry",
            About::Silence => "silence",
            About::Certificate => "certificate",
            About::Check => "check",
        }
    }
}

impl FromStr for About {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|about| about.as_str() == word).ok_or(())
    }
}

/// Exactly what: a testcase, a certificate, or the subject as a whole. Written `result:ID`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Topic {
    pub(crate) about: About,
    /// The testcase, or the number of the certificate; empty for none.
    pub(crate) of: String,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.about.as_str(), self.of)
    }
}

impl FromStr for Topic {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (about, of) = text.split_once(':').ok_or(())?;
        Ok(Self { about: about.parse()?, of: of.to_owned() })
    }
}

/// What is the matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    /// In a word; as long as it is the same, nobody is told again.
    pub(crate) word: String,
    /// Since when, or until when.
    pub(crate) at: DateTime,
    /// For the result of a testcase: whether people stated it.
    pub(crate) stated: bool,
}

pub(crate) type Found = BTreeMap<Topic, Condition>;

/// So many hours before it expires, a PASS is told of: checks run at least once a day.
const EXPIRING: i64 = 48;
/// So many days before people have to look at something again, they are told.
const DUE: i32 = 14;

/// What is known of a subject in a scope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looked<'l> {
    pub(crate) spec: &'l Spec,
    pub(crate) standings: &'l [StandingRow],
    /// Its certificates in this scope.
    pub(crate) certificates: &'l [Certificate],
}

/// What is the matter with a subject in a scope, as far as a rule asks for it.
pub(crate) fn conditions(looked: Looked<'_>, rule: &Rule, now: DateTime) -> Found {
    let mut found = Found::new();
    let mut add = |about: About, of: &str, word: &str, at: DateTime, stated: bool| {
        if rule.about.contains(&about) {
            let topic = Topic { about, of: of.to_owned() };
            found.insert(topic, Condition { word: word.to_owned(), at, stated });
        }
    };
    let Looked { spec, standings, certificates } = looked;
    let in_force = spec.validity(now.date());
    let in_force: Vec<&Version> = in_force
        .into_iter()
        .filter(|(_, validity)| validity.certifiable())
        .map(|(version, _)| version)
        .collect();
    let counts = |row: &&StandingRow| {
        let testcase = spec.testcase(&row.name)?;
        let is_needed = in_force.iter().any(|version| version.target_of(&row.name) == Some(Version::MAIN));
        let is_due = testcase.manual && in_force.iter().any(|version| version.target_of(&row.name).is_some());
        (!row.stated || testcase.manual).then_some((testcase, is_needed, is_due))
    };
    for (row, (testcase, is_needed, is_due)) in standings.iter().filter_map(|row| Some((row, counts(&row)?)))
    {
        let (id, latest) = (row.name.as_str(), row.latest());
        let state = latest.state(testcase.lifetime, now);
        let expiry = testcase.lifetime.expiry(latest.at);
        if is_needed {
            match state {
                State::Pass => {
                    let is_near = expiry.duration_since(now) <= SignedDuration::from_hours(EXPIRING);
                    if is_near && testcase.lifetime != Lifetime::Day {
                        add(About::Expiry, id, "about to expire", expiry, row.stated);
                    }
                }
                State::Miss if row.spell.verdict != Verdict::Miss => {
                    add(About::Result, id, state.as_str(), expiry, row.stated);
                }
                _ => add(About::Result, id, state.as_str(), row.spell.since, row.stated),
            }
        }
        // What gave up decided nothing.
        let decided = latest.certain.map_or(row.spell.since, |(_, at)| at);
        let due = decided.checked_add(QUARTER.months()).unwrap_or(decided);
        if is_due && due.duration_since(now) <= SignedDuration::from_hours(24 * i64::from(DUE)) {
            let word = if due < now { "overdue" } else { "due" };
            add(About::Check, id, word, due, row.stated);
        }
    }
    let newest = standings.iter().map(|row| row.spell.last).max();
    if let Some(newest) = newest
        && now.duration_since(newest).unsigned_abs() > rule.silent
    {
        add(About::Silence, "", "no reports", newest, false);
    }
    // One that was followed by another is of no interest.
    let latest = certificates.iter().max_by_key(|certificate| (certificate.valid_until, certificate.number));
    if let Some(certificate) = latest {
        let standing = certificate.standing(now.date());
        if matches!(standing, Standing::Ending | Standing::Expired | Standing::Revoked) {
            let end = certificate.valid_until.at(0, 0, 0, 0);
            add(About::Certificate, &certificate.number.to_string(), standing.as_str(), end, false);
        }
    }
    found
}
