use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use assay_standards::Verdict;
use assay_standards::history::State;
use assay_standards::scope::{Lifetime, Spec};
use jiff::SignedDuration;
use jiff::civil::DateTime;

use super::config::Rule;
use crate::certificates::{Certificate, Quarterly, Standing, is_certified, needed};
use crate::score::states;
use crate::store::{StandingRow, civil};

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
    /// For the result of a testcase: the verdict that came out, and whether people stated it.
    pub(crate) found: Option<(Verdict, bool)>,
}

/// What is the matter with a subject in a scope, and what is known to be well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) matter: BTreeMap<Topic, Condition>,
    pub(crate) well: BTreeSet<Topic>,
}

/// So many hours before it expires, a PASS is told of: checks run at least once a day.
const EXPIRING: i64 = 48;
/// So many days before people have to look at something again, they are told.
const DUE: i64 = 14;

/// What is known of a subject in a scope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looked<'l> {
    /// None for what is certified without tests: an integrator.
    pub(crate) spec: Option<&'l Spec>,
    pub(crate) standings: &'l [StandingRow],
    /// Its certificates in this scope.
    pub(crate) certificates: &'l [Certificate],
}

/// What is the matter with a subject in a scope, as far as a rule asks for it.
pub(crate) fn conditions(looked: Looked<'_>, rule: &Rule, now: DateTime) -> Found {
    let mut found = Found::default();
    if let Some(spec) = looked.spec {
        add_testcases(&mut found, spec, looked, now);
    }
    let newest = looked.standings.iter().map(|row| row.spell.last).max();
    // A clock that was set back says nothing.
    if let Some(newest) = newest.filter(|newest| *newest <= now) {
        let topic = Topic { about: About::Silence, of: String::new() };
        match now.duration_since(newest).unsigned_abs() > rule.silent {
            true => found.add(topic, "no reports", newest),
            false => found.be_well(topic),
        }
    }
    add_certificates(&mut found, looked.certificates, now);
    found.matter.retain(|topic, _| rule.about.contains(&topic.about));
    found.well.retain(|topic| rule.about.contains(&topic.about));
    found
}

impl Found {
    fn add(&mut self, topic: Topic, word: &str, at: DateTime) {
        self.matter.insert(topic, Condition { word: word.to_owned(), at, found: None });
    }

    fn be_well(&mut self, topic: Topic) {
        self.well.insert(topic);
    }
}

/// What testcases come to that some version in force needs.
fn add_testcases(found: &mut Found, spec: &Spec, looked: Looked<'_>, now: DateTime) {
    let Looked { standings, certificates, .. } = looked;
    let in_force = spec.validity(now.date());
    let in_force = in_force.into_iter().filter(|(_, validity)| validity.certifiable());
    let ids: BTreeSet<&str> = in_force.flat_map(|(version, _)| needed(spec, version)).collect();
    let known = standings.iter().map(|row| (row.name.as_str(), row.stated, row.latest()));
    let states = states(spec, known, now);
    let is_certified = is_certified(certificates, now.date());
    for testcase in ids.into_iter().filter_map(|id| spec.testcase(id)) {
        let rows =
            || standings.iter().filter(|row| row.name == testcase.id && (testcase.manual || !row.stated));
        let topic = |about| Topic { about, of: testcase.id.clone() };
        if testcase.manual {
            // What gave up decided nothing.
            let decided = rows().filter_map(|row| row.latest().certain.map(|(_, at)| at)).max();
            let Quarterly { due, is_overdue, .. } = Quarterly::new(decided, is_certified, now);
            let is_near = |due: DateTime| due.duration_since(now) <= SignedDuration::from_hours(24 * DUE);
            match due {
                _ if is_overdue => found.add(topic(About::Check), "overdue", due.unwrap_or(now)),
                Some(due) if is_near(due) => found.add(topic(About::Check), "due", due),
                Some(_) => found.be_well(topic(About::Check)),
                None => {}
            }
        }
        let Some(newest) = rows().max_by_key(|row| row.spell.last) else { continue };
        let state = states.get(testcase.id.as_str()).copied().unwrap_or(State::Miss);
        let verdict = newest.spell.verdict;
        let expiry = testcase.lifetime.expiry(newest.spell.last);
        let at = match state {
            State::Pass => {
                let is_near = expiry.duration_since(now) <= SignedDuration::from_hours(EXPIRING);
                if is_near && testcase.lifetime != Lifetime::Day {
                    found.add(topic(About::Expiry), "about to expire", expiry);
                }
                found.be_well(topic(About::Result));
                continue;
            }
            State::Miss => expiry,
            // The FAIL is older than the check that gave up.
            State::Fail if verdict == Verdict::Abort => newest.latest().certain.map_or(expiry, |(_, at)| at),
            _ => newest.spell.since,
        };
        let came_out = match state {
            State::Fail => Verdict::Fail,
            State::Tentative { .. } | State::Abort => Verdict::Abort,
            State::Pass | State::Miss => verdict,
        };
        let word = state.as_str().to_owned();
        let condition = Condition { word, at, found: Some((came_out, newest.stated)) };
        found.matter.insert(topic(About::Result), condition);
    }
}

/// Which certificates end, have ended, or were taken back. What is long over is of no interest.
fn add_certificates(found: &mut Found, certificates: &[Certificate], now: DateTime) {
    let day = now.date();
    let topic =
        |certificate: &Certificate| Topic { about: About::Certificate, of: certificate.number.to_string() };
    let shown = || certificates.iter().filter(|certificate| !certificate.is_forgotten(day));
    for revoked in shown() {
        if let Some(revocation) = &revoked.revocation {
            found.add(topic(revoked), Standing::Revoked.as_str(), civil(revocation.at));
        }
    }
    let begun = shown().filter(|one| one.revocation.is_none() && one.valid_from <= day);
    let Some(newest) = begun.max_by_key(|one| (one.valid_until, one.number)) else { return };
    let standing = newest.standing(day);
    let is_over = matches!(standing, Standing::Ending | Standing::Expired);
    if is_over && !newest.is_followed(certificates, day) {
        found.add(topic(newest), standing.as_str(), newest.valid_until.at(0, 0, 0, 0));
    }
}
