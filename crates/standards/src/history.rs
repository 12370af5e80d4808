//! History: how long a testcase kept which verdict, and what may be said of it at an instant.
//!
//! Nothing here knows a clock. All times are civil times in one zone, as in [`crate::score_card`].

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::{Date, DateTime};

use crate::scope::{Lifetime, Spec, Validity, Version};
use crate::verdict::Verdict;

/// A time over which the results of a testcase were the same, none of which expired before the next one came.
///
/// `R` is what tells reports apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spell<R> {
    /// What came out.
    pub verdict: Verdict,
    /// When it came out first.
    pub since: DateTime,
    /// When it came out last.
    pub last: DateTime,
    /// The report of the first time.
    pub first_report: R,
    /// The report of the last time.
    pub last_report: R,
}

impl<R: Clone> Spell<R> {
    /// That of one result.
    pub fn of(verdict: Verdict, at: DateTime, report: R) -> Self {
        Self { verdict, since: at, last: at, first_report: report.clone(), last_report: report }
    }

    /// The first instant at which it says nothing any more: its last result has expired, or something else came out.
    pub fn end(&self, lifetime: Lifetime, next: Option<DateTime>) -> DateTime {
        let expiry = lifetime.expiry(self.last);
        next.map_or(expiry, |next| next.min(expiry))
    }

    /// Whether a spell that comes later is this one going on.
    pub fn goes_on_in(&self, later: &Self, lifetime: Lifetime) -> bool {
        self.verdict == later.verdict && later.since < lifetime.expiry(self.last)
    }

    /// Spells in order, with those made one that go on in each other.
    pub fn joined(spells: impl IntoIterator<Item = Self>, lifetime: Lifetime) -> Vec<Self> {
        let mut joined: Vec<Self> = Vec::new();
        for spell in spells {
            match joined.last_mut() {
                Some(before) if before.goes_on_in(&spell, lifetime) => {
                    before.last = spell.last;
                    before.last_report = spell.last_report;
                }
                _ => joined.push(spell),
            }
        }
        joined
    }

    /// What becomes of the spells around a result that comes to be known late.
    ///
    /// `before` is the last spell that began no later than it, `after` the first that began later. `nearest` are the
    /// results of `before` right before and right after the late one. What comes out takes the place of both spells.
    pub fn with_late(
        before: Option<Self>,
        late: Self,
        nearest: [Option<(DateTime, R)>; 2],
        after: Option<Self>,
        lifetime: Lifetime,
    ) -> Vec<Self> {
        let mut spells = Vec::new();
        let mut behind = None;
        match before {
            Some(before) if late.since > before.last => spells.push(before),
            Some(before) => {
                let [left, right] = nearest;
                let part = |since: DateTime, last: DateTime, first: R, of_last: R| Self {
                    verdict: before.verdict,
                    since,
                    last,
                    first_report: first,
                    last_report: of_last,
                };
                spells.extend(
                    left.map(|(at, report)| part(before.since, at, before.first_report.clone(), report)),
                );
                behind = right.map(|(at, report)| part(at, before.last, report, before.last_report.clone()));
            }
            None => {}
        }
        spells.push(late);
        spells.extend(behind);
        spells.extend(after);
        Self::joined(spells, lifetime)
    }
}

/// A state over a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The state.
    pub state: State,
    /// Its first instant.
    pub from: DateTime,
    /// The first instant after it.
    pub to: DateTime,
}

impl<R: Clone> Spell<R> {
    /// The states of the spell, in order. `certain` is the newest PASS or FAIL before it, `next` when something else
    /// came out.
    pub fn intervals(
        &self,
        certain: Option<(Verdict, DateTime)>,
        lifetime: Lifetime,
        next: Option<DateTime>,
    ) -> Vec<Interval> {
        let end = self.end(lifetime, next);
        let state = |at: DateTime| Latest { verdict: self.verdict, at, certain }.state(lifetime, at);
        let first = state(self.since);
        let interval = |state, from, to| Interval { state, from, to };
        // What was certain expires while the check goes on giving up.
        let turn = match (self.verdict, certain) {
            (Verdict::Abort, Some((_, at))) if first != State::Abort => lifetime.expiry(at).min(end),
            _ => end,
        };
        let intervals = [interval(first, self.since, turn), interval(State::Abort, turn, end)];
        intervals.into_iter().filter(|interval| interval.from < interval.to).collect()
    }
}

/// What may be said of a testcase at an instant.
///
/// Other than the verdict of its newest result, this takes into account that a check that gave up proves nothing: it
/// neither lifts a FAIL, nor does it take away at once what a PASS has proved.
///
/// The order is that of precedence in a set, as for [`Verdict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// The demand is met.
    Pass,
    /// It was met, and the check has given up since; the PASS still counts.
    Tentative {
        /// When it was last known to be met.
        certain: DateTime,
    },
    /// The check gave up, and no other result counts.
    Abort,
    /// No result counts.
    Miss,
    /// The demand is not met.
    Fail,
}

impl State {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Tentative { .. } => "TENTATIVE",
            Self::Abort => "ABORT",
            Self::Miss => "MISS",
            Self::Fail => "FAIL",
        }
    }

    /// Whether the demand counts as met.
    pub const fn passes(self) -> bool {
        matches!(self, Self::Pass | Self::Tentative { .. })
    }

    /// The state of a set: the worst, and of several that are tentative the one that was last certain longest ago.
    /// That of the empty set is [`State::Miss`]: what demands nothing proves nothing.
    pub fn of_set(states: impl IntoIterator<Item = Self>) -> Self {
        let worse = |a: Self, b: Self| match (a, b) {
            (Self::Tentative { certain: one }, Self::Tentative { certain: other }) => {
                Self::Tentative { certain: one.min(other) }
            }
            _ => a.max(b),
        };
        states.into_iter().reduce(worse).unwrap_or(Self::Miss)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The newest result of a testcase, and the newest that is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latest {
    /// What came out last.
    pub verdict: Verdict,
    /// When.
    pub at: DateTime,
    /// The newest PASS or FAIL and its time, which may be the newest result itself.
    pub certain: Option<(Verdict, DateTime)>,
}

impl Latest {
    /// The state at an instant that is not before the results.
    pub fn state(&self, lifetime: Lifetime, now: DateTime) -> State {
        let counts = |at: DateTime| now < lifetime.expiry(at);
        match self.verdict {
            _ if !counts(self.at) => State::Miss,
            Verdict::Pass => State::Pass,
            Verdict::Fail => State::Fail,
            Verdict::Miss => State::Miss,
            Verdict::Abort => match self.certain.filter(|&(_, at)| counts(at)) {
                Some((Verdict::Fail, _)) => State::Fail,
                Some((Verdict::Pass, certain)) => State::Tentative { certain },
                _ => State::Abort,
            },
        }
    }

    /// The next instant after `now` at which the state changes by itself; none if nothing counts any more.
    pub fn next_change(&self, lifetime: Lifetime, now: DateTime) -> Option<DateTime> {
        let times = [Some(self.at), self.certain.map(|(_, at)| at)];
        times.into_iter().flatten().map(|at| lifetime.expiry(at)).filter(|&expiry| now < expiry).min()
    }
}

/// What a subject achieves in a scope, counting only what is certain.
#[derive(Clone, Copy, Debug)]
pub struct Achievement<'s> {
    /// The state of the version's target `main`.
    pub state: State,
    /// The first version in force whose target `main` passes; if none does, the first in force.
    pub version: &'s Version,
    /// Whether that version is effective or about to run out.
    pub validity: Validity,
}

impl<'s> Achievement<'s> {
    /// What these states come to on a day; none if no version is in force then. A testcase without a state has
    /// [`State::Miss`].
    pub fn new(spec: &'s Spec, states: &BTreeMap<&str, State>, date: Date) -> Option<Self> {
        let in_force = spec.validity(date).into_iter();
        let in_force =
            in_force.filter(|(_, validity)| matches!(validity, Validity::Effective | Validity::Warn));
        let achieved = in_force.map(|(version, validity)| {
            let main = version.target(Version::MAIN).iter();
            let state = State::of_set(
                main.map(|testcase| states.get(testcase.as_str()).copied().unwrap_or(State::Miss)),
            );
            Achievement { state, version, validity }
        });
        let achieved: Vec<Self> = achieved.collect();
        achieved.iter().find(|one| one.state.passes()).or(achieved.first()).copied()
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const BEGIN: DateTime = date(2026, 3, 2).at(0, 0, 0, 0);

    fn at(hours: i64) -> DateTime {
        BEGIN + hours.hours()
    }

    /// The spells of results in order, each a verdict at an hour.
    fn spells(results: &[(Verdict, i64)], lifetime: Lifetime) -> Vec<Spell<i64>> {
        Spell::joined(results.iter().map(|&(verdict, hour)| Spell::of(verdict, at(hour), hour)), lifetime)
    }

    #[test]
    fn a_spell_ends_with_another_verdict_or_when_it_expires() {
        use Verdict::{Abort, Fail, Pass};
        let seen = spells(&[(Pass, 0), (Pass, 24), (Fail, 30), (Abort, 31), (Abort, 200)], Lifetime::Day);
        let told: Vec<_> =
            seen.iter().map(|spell| (spell.verdict, spell.first_report, spell.last_report)).collect();
        assert_eq!(told, [(Pass, 0, 24), (Fail, 30, 30), (Abort, 31, 31), (Abort, 200, 200)]);
        let next = |number: usize| seen.get(number + 1).map(|spell| spell.since);
        assert_eq!(seen[0].end(Lifetime::Day, next(0)), at(30));
        assert_eq!(seen[2].end(Lifetime::Day, next(2)), date(2026, 3, 5).at(0, 0, 0, 0));
    }

    #[test]
    fn giving_up_lifts_no_fail_and_shakes_a_pass() {
        use Verdict::{Abort, Fail, Miss, Pass};
        let latest = |verdict, certain: Option<(Verdict, i64)>| Latest {
            verdict,
            at: at(24),
            certain: certain.map(|(verdict, hour)| (verdict, at(hour))),
        };
        let state = |latest: Latest, hour| latest.state(Lifetime::Day, at(hour));
        assert_eq!(state(latest(Pass, Some((Pass, 24))), 25), State::Pass);
        assert_eq!(state(latest(Abort, None), 25), State::Abort);
        assert_eq!(state(latest(Abort, Some((Fail, 1))), 47), State::Fail);
        assert_eq!(state(latest(Abort, Some((Pass, 1))), 47), State::Tentative { certain: at(1) });
        assert_eq!(state(latest(Abort, Some((Pass, 1))), 48), State::Abort, "the PASS has expired");
        assert_eq!(state(latest(Abort, Some((Pass, 1))), 72), State::Miss);
        assert_eq!(state(latest(Miss, None), 25), State::Miss);
        let shaken = latest(Abort, Some((Pass, 1)));
        assert_eq!(shaken.next_change(Lifetime::Day, at(30)), Some(at(48)));
        assert_eq!(shaken.next_change(Lifetime::Day, at(48)), Some(at(72)));
        assert_eq!(shaken.next_change(Lifetime::Day, at(72)), None);
    }

    #[test]
    fn what_was_certain_expires_within_a_spell() {
        let gave_up = Spell { last: at(60), ..Spell::of(Verdict::Abort, at(24), 1) };
        let of = |certain, next| {
            let intervals = gave_up.intervals(certain, Lifetime::Day, next);
            intervals.into_iter().map(|one| (one.state, one.from, one.to)).collect::<Vec<_>>()
        };
        let shaken = State::Tentative { certain: at(1) };
        let all = [(shaken, at(24), at(48)), (State::Abort, at(48), at(96))];
        assert_eq!(of(Some((Verdict::Pass, at(1))), None), all);
        assert_eq!(of(Some((Verdict::Fail, at(20))), Some(at(30))), [(State::Fail, at(24), at(30))]);
        assert_eq!(of(None, Some(at(70))), [(State::Abort, at(24), at(70))]);
        let passed = Spell::of(Verdict::Pass, at(24), 1);
        let intervals = passed.intervals(Some((Verdict::Pass, at(24))), Lifetime::Day, Some(at(24)));
        assert_eq!(intervals, [], "what was replaced at the same instant never was");
    }

    #[test]
    fn a_set_is_as_good_as_its_worst_member() {
        let shaken = |hour| State::Tentative { certain: at(hour) };
        for (set, expected) in [
            (vec![], State::Miss),
            (vec![State::Pass, State::Pass], State::Pass),
            (vec![shaken(2), State::Pass, shaken(1), shaken(3)], shaken(1)),
            (vec![shaken(2), State::Abort], State::Abort),
            (vec![State::Abort, State::Miss], State::Miss),
            (vec![State::Fail, State::Miss], State::Fail),
        ] {
            assert_eq!(State::of_set(set), expected);
        }
    }

    #[test]
    fn only_versions_in_force_are_achieved_and_gaps_achieve_nothing() {
        let spec = Spec::parse(
            "test.yaml",
            "
uuid: u
name: Test
url: https://example.com
scripts: [{executable: x, testcases: [{id: n}, {id: a}, {id: b}]}]
modules:
  - {id: mn, targets: {main: [n]}}
  - {id: ma, targets: {main: [a]}}
  - {id: mb, targets: {main: [b]}}
timeline:
  - {date: 2026-01-01, versions: {next: draft, v5: effective, v4: warn}}
versions:
  - {version: next, include: [mn]}
  - {version: v5, stabilized_at: 2025-01-01, include: [ma]}
  - {version: v4, stabilized_at: 2024-01-01, include: [mb]}
",
        )
        .unwrap();
        let achieved = |states: &[(&'static str, State)]| {
            let states = states.iter().copied().collect();
            let achieved = Achievement::new(&spec, &states, date(2026, 3, 2)).unwrap();
            (achieved.version.name.as_str(), achieved.state)
        };
        assert_eq!(achieved(&[("n", State::Pass)]), ("v5", State::Miss));
        assert_eq!(achieved(&[("a", State::Pass), ("b", State::Fail)]), ("v5", State::Pass));
        assert_eq!(achieved(&[("a", State::Abort), ("b", State::Pass)]), ("v4", State::Pass));
        assert_eq!(achieved(&[("a", State::Abort)]), ("v5", State::Abort));
        assert!(Achievement::new(&spec, &BTreeMap::new(), date(2025, 3, 2)).is_none());
    }

    proptest! {
        #[test]
        fn a_late_result_makes_the_history_that_it_would_have_made_in_time(
            results in prop::collection::btree_map(0_i64..400, 0_usize..3, 2..14),
            late in 0_usize..14,
        ) {
            let lifetime = Lifetime::Day;
            let verdict = |code: usize| [Verdict::Pass, Verdict::Abort, Verdict::Fail][code];
            let all: Vec<_> = results.iter().map(|(&hour, &code)| (verdict(code), hour)).collect();
            // The newest is never late.
            let late = late % (all.len() - 1);
            let mut others = all.clone();
            let (found, hour) = others.remove(late);
            let mut known = spells(&others, lifetime);
            let split = known.partition_point(|spell| spell.since <= at(hour));
            let before = split.checked_sub(1).map(|place| known[place]);
            let after = known.get(split).copied();
            let inside = |hours: &mut dyn Iterator<Item = i64>| hours.next().map(|hour| (at(hour), hour));
            let of_before = |hour: i64| before.is_some_and(|spell| spell.since <= at(hour) && at(hour) <= spell.last);
            let hours: Vec<i64> = others.iter().map(|&(_, hour)| hour).filter(|&hour| of_before(hour)).collect();
            let nearest = [
                inside(&mut hours.iter().rev().copied().filter(|&other| other < hour)),
                inside(&mut hours.iter().copied().filter(|&other| other > hour)),
            ];
            let instead = Spell::with_late(before, Spell::of(found, at(hour), hour), nearest, after, lifetime);
            let range = split - usize::from(before.is_some())..split + usize::from(after.is_some());
            known.splice(range, instead);
            prop_assert_eq!(known, spells(&all, lifetime));
        }
    }
}
