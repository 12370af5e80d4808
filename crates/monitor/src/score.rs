//! What the newest results of a subject in a scope come to: as the reference monitor reckons, and counting only what is
//! certain.

use std::collections::BTreeMap;
use std::fmt;

use assay_standards::Verdict;
use assay_standards::history::{Achievement, Latest, State};
use assay_standards::scope::{Spec, Validity};
use assay_standards::score_card::{Evaluation, ScoreCard, TestResult};
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use serde::{Deserialize, Serialize};

use crate::store::{StandingRow, civil};

/// A score. It is stored as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Score {
    /// As the reference monitor reckons; none if no result counts.
    pub(crate) plain: Option<Cell>,
    /// The same with draft versions.
    pub(crate) drafts: Option<Cell>,
    /// Counting only what is certain; none if no version is in force.
    pub(crate) achieved: Option<Achieved>,
    /// The time for which it was reckoned.
    #[serde(default)]
    pub(crate) at: Timestamp,
    /// When the newest result was found.
    #[serde(skip, default = "never")]
    pub(crate) newest: DateTime,
    /// The first instant at which the score may be another one, although nothing came in.
    #[serde(skip, default = "never")]
    pub(crate) next_change: DateTime,
}

impl Score {
    /// What stands in the place of a score that cannot be read, until it is reckoned.
    pub(crate) fn unknown() -> Self {
        let never = never();
        Score {
            plain: None,
            drafts: None,
            achieved: None,
            at: Timestamp::MIN,
            newest: never,
            next_change: never,
        }
    }
}

fn never() -> DateTime {
    DateTime::MAX
}

/// A cell of the table that the reference monitor shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) summary: String,
    pub(crate) verdict: Verdict,
    /// How many testcases have which verdict.
    pub(crate) counts: String,
}

/// What is achieved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Achieved {
    /// The word of a [`State`].
    pub(crate) state: String,
    /// When all was last certain, where it is not.
    pub(crate) certain: Option<DateTime>,
    pub(crate) version: String,
    pub(crate) validity: String,
}

impl Achieved {
    pub(crate) fn new(achievement: &Achievement<'_>) -> Self {
        let certain = match achievement.state {
            State::Tentative { certain } => Some(certain),
            _ => None,
        };
        Self {
            state: achievement.state.to_string(),
            certain,
            version: achievement.version.name.clone(),
            validity: achievement.validity.as_str().to_owned(),
        }
    }
}

impl Achieved {
    /// The state that its word and day stand for.
    pub(crate) fn state(&self) -> State {
        match (self.state.as_str(), self.certain) {
            (_, Some(certain)) => State::Tentative { certain },
            ("PASS", _) => State::Pass,
            ("ABORT", _) => State::Abort,
            ("FAIL", _) => State::Fail,
            _ => State::Miss,
        }
    }
}

impl fmt::Display for Achieved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.state, self.version)?;
        if self.validity == Validity::Warn.as_str() {
            f.write_str(Validity::Warn.mark())?;
        }
        match self.certain {
            Some(certain) => write!(f, ", last certain {}", certain.date()),
            None => Ok(()),
        }
    }
}

/// The states of testcases by what is known of each: its name, whether people stated it, and its newest results. What
/// people stated counts for testcases that no program can decide.
pub(crate) fn states<'r>(
    spec: &Spec,
    known: impl IntoIterator<Item = (&'r str, bool, Latest)>,
    now: DateTime,
) -> BTreeMap<&'r str, State> {
    let known = known.into_iter().map(|(name, stated, latest)| (name, stated, latest, ()));
    counting(spec, known, now).into_iter().map(|(name, (state, ()))| (name, state)).collect()
}

/// The same, each with what came along with what it is the state of.
pub(crate) fn counting<'r, T>(
    spec: &Spec,
    known: impl IntoIterator<Item = (&'r str, bool, Latest, T)>,
    now: DateTime,
) -> BTreeMap<&'r str, (State, T)> {
    let mut newest: BTreeMap<&str, (DateTime, State, T)> = BTreeMap::new();
    for (name, stated, latest, along) in known {
        let Some(testcase) = spec.testcase(name).filter(|testcase| testcase.manual || !stated) else {
            continue;
        };
        let state = latest.state(testcase.lifetime, now);
        let is_better = newest
            .get(name)
            .is_none_or(|(at, held, _)| *held == State::Miss || state != State::Miss && *at < latest.at);
        if is_better {
            newest.insert(name, (latest.at, state, along));
        }
    }
    newest.into_iter().map(|(name, (_, state, along))| (name, (state, along))).collect()
}

impl Score {
    /// What these come to now.
    pub(crate) fn reckon(spec: &Spec, standings: &[StandingRow], at: Timestamp) -> Self {
        let now = civil(at);
        let results = standings.iter().map(|row| {
            let (verdict, checked_at) = (row.spell.verdict, row.spell.last);
            (row.name.as_str(), TestResult { verdict, checked_at, declared: row.stated })
        });
        let card = ScoreCard::new(spec, results, now);
        let cell = |drafts| {
            let evaluation = card.evaluate(now.date(), drafts);
            (!card.is_empty()).then(|| Cell {
                summary: evaluation.summary(),
                verdict: evaluation.verdict(),
                counts: counts(&card, &evaluation),
            })
        };
        let known = standings.iter().map(|row| (row.name.as_str(), row.stated, row.latest()));
        let states = states(spec, known, now);
        let achievement = Achievement::new(spec, &states, now.date());
        let expiries = standings.iter().filter_map(|row| {
            let testcase = spec.testcase(&row.name)?;
            row.latest().next_change(testcase.lifetime, now)
        });
        let next_entry =
            spec.timeline.after(now.date()).map(|entry| entry.date.to_datetime(Time::midnight()));
        Self {
            plain: cell(false),
            drafts: cell(true),
            achieved: achievement.as_ref().map(Achieved::new),
            at,
            newest: standings.iter().map(|row| row.spell.last).max().unwrap_or(DateTime::MIN),
            next_change: expiries.chain(next_entry).min().unwrap_or(DateTime::MAX),
        }
    }
}

fn counts(card: &ScoreCard<'_>, evaluation: &Evaluation<'_>) -> String {
    let words = card.buckets(evaluation);
    let words = words.iter().map(|(verdict, members)| format!("{} {verdict}", members.len()));
    words.collect::<Vec<_>>().join(", ")
}
