//! What a subject came to over a time, and what it came to at any instant of it.

use std::collections::BTreeMap;

use assay_standards::Verdict;
use assay_standards::history::{Achievement, Interval, Latest, State};
use assay_standards::scope::{Spec, Testcase, Validity, Version};
use jiff::civil::DateTime;

use crate::score::{Achieved, states};
use crate::store::PastSpell;

/// The past of a subject in a scope.
pub(crate) struct Past<'s> {
    pub(crate) spec: &'s Spec,
    /// By testcase.
    pub(crate) testcases: Vec<TestcasePast<'s>>,
}

/// The past of a testcase.
pub(crate) struct TestcasePast<'s> {
    pub(crate) testcase: &'s Testcase,
    /// In order. Nothing was known where there is none.
    pub(crate) intervals: Vec<Known>,
}

/// A state over a time, and by which reports it is known.
pub(crate) struct Known {
    pub(crate) interval: Interval,
    /// Whether it lasts until nothing else comes in before its end.
    pub(crate) is_open: bool,
    pub(crate) first_report: String,
    pub(crate) last_report: String,
    /// Which checkers found it first and last, as far as their reports say.
    pub(crate) creators: [Option<String>; 2],
    /// When the newest result of the spell came.
    last: DateTime,
    /// Whether it holds from before, since the checks do nothing but give up.
    is_kept: bool,
}

impl<'s> Past<'s> {
    /// What is known of a subject since an instant, from what [`crate::store::Store::history`] has of it. What a scope
    /// does not know, or people stated of what a program can find out, is left out.
    pub(crate) fn new(spec: &'s Spec, spells: &[PastSpell], from: DateTime) -> Self {
        let mut testcases: Vec<TestcasePast<'s>> = Vec::new();
        for past in spells {
            let Some(testcase) = spec.testcase(&past.testcase).filter(|known| known.manual || !past.stated)
            else {
                continue;
            };
            let intervals = past.spell.intervals(past.certain, testcase.lifetime, past.ended);
            let known = intervals.into_iter().filter(|interval| interval.to > from).map(|interval| Known {
                interval,
                is_open: past.ended.is_none(),
                first_report: past.spell.first_report.clone(),
                last_report: past.spell.last_report.clone(),
                creators: past.creators.clone(),
                last: past.spell.last,
                is_kept: past.spell.verdict == Verdict::Abort && interval.state == State::Fail,
            });
            match testcases.last_mut().filter(|last| last.testcase.id == testcase.id) {
                Some(last) => last.intervals.extend(known),
                None => testcases.push(TestcasePast { testcase, intervals: known.collect() }),
            }
        }
        testcases.retain(|past| !past.intervals.is_empty());
        for past in &mut testcases {
            past.intervals.sort_by_key(|known| known.interval.from);
            past.intervals.dedup_by(|next, known| known.goes_on_in(next));
        }
        Self { spec, testcases }
    }
}

/// What a version came to while it was in force.
pub(crate) struct VersionPast<'s> {
    pub(crate) version: &'s Version,
    /// In order, each with the state of the version's target `main`. It was not in force where there is none.
    pub(crate) spans: Vec<Interval>,
}

impl<'s> Past<'s> {
    /// What the versions came to that were in force between two instants; what lasts until the second has no end.
    pub(crate) fn versions(&self, from: DateTime, until: DateTime) -> Vec<VersionPast<'s>> {
        let entries = self.spec.timeline.entries().iter().map(|entry| entry.date.at(0, 0, 0, 0));
        let turns: Vec<DateTime> = entries.filter(|at| from < *at && *at < until).collect();
        let of =
            |version: &'s Version| VersionPast { version, spans: self.spans(version, &turns, (from, until)) };
        self.spec.versions.iter().map(of).filter(|past| !past.spans.is_empty()).collect()
    }

    fn spans(
        &self,
        version: &Version,
        turns: &[DateTime],
        (from, until): (DateTime, DateTime),
    ) -> Vec<Interval> {
        let in_force = |at: DateTime| {
            matches!(self.spec.validity_of(&version.name, at.date()), Validity::Effective | Validity::Warn)
        };
        if !turns.iter().chain([&from]).any(|at| in_force(*at)) {
            return Vec::new();
        }
        let of = |id: &String| self.testcases.iter().find(|past| past.testcase.id == *id);
        let main: Vec<Option<&TestcasePast<'_>>> = version.target(Version::MAIN).iter().map(of).collect();
        let known = main.iter().flatten().flat_map(|past| &past.intervals);
        let changes = known.flat_map(|known| [known.interval.from, known.interval.to]);
        let changes = changes.filter(|at| from < *at && *at < until);
        let mut points: Vec<DateTime> = changes.chain(turns.iter().copied()).chain([from]).collect();
        points.sort_unstable();
        points.dedup();
        let mut spans: Vec<Interval> = Vec::new();
        for (place, &at) in points.iter().enumerate() {
            if !in_force(at) {
                continue;
            }
            let states = main.iter().map(|past| past.map_or(State::Miss, |past| past.state_at(at)));
            let (state, to) =
                (State::of_set(states), points.get(place + 1).copied().unwrap_or(DateTime::MAX));
            match spans.last_mut() {
                Some(last) if last.to == at && last.state.as_str() == state.as_str() => last.to = to,
                _ => spans.push(Interval { from: at, to, state }),
            }
        }
        spans
    }
}

impl TestcasePast<'_> {
    /// What counts at an instant.
    fn state_at(&self, at: DateTime) -> State {
        let begun = &self.intervals[..self.intervals.partition_point(|known| known.interval.from <= at)];
        // What people state and what is measured goes on side by side; otherwise each follows the one before.
        let begun = if self.testcase.manual { begun } else { &begun[begun.len().saturating_sub(1)..] };
        let holds = begun.iter().filter(|known| at < known.interval.to);
        // Of two that are as new, the one that began first.
        let newest = holds.rev().max_by_key(|known| known.last.min(at));
        newest.map_or(State::Miss, |known| known.interval.state)
    }
}

/// The states of testcases at an instant, from spells of which none that had not ended then is missing.
pub(crate) fn states_at<'r>(spec: &Spec, spells: &'r [PastSpell], at: DateTime) -> BTreeMap<&'r str, State> {
    let known =
        spells.iter().filter(|past| past.spell.since <= at && past.ended.is_none_or(|ended| at < ended));
    let known = known.map(|past| {
        // Within a spell there is always a result that counts, whichever it was.
        let latest =
            Latest { verdict: past.spell.verdict, at: past.spell.last.min(at), certain: past.certain };
        (past.testcase.as_str(), past.stated, latest)
    });
    states(spec, known, at)
}

/// What a subject achieved at an instant, from the same spells.
pub(crate) fn achieved(spec: &Spec, spells: &[PastSpell], at: DateTime) -> Option<Achieved> {
    Achievement::new(spec, &states_at(spec, spells, at), at.date()).as_ref().map(Achieved::new)
}

impl Known {
    /// Takes in what follows without a gap and is the same, such as a FAIL that a check did not lift that gave up.
    fn goes_on_in(&mut self, next: &mut Self) -> bool {
        let goes_on = self.word() == next.word() && self.interval.to == next.interval.from;
        if goes_on {
            self.interval.to = next.interval.to;
            self.is_open = next.is_open;
            self.last_report.clone_from(&next.last_report);
            self.last = next.last;
            if !next.is_kept {
                self.creators[1].clone_from(&next.creators[1]);
            }
        }
        goes_on
    }

    /// The word for the state.
    pub(crate) fn word(&self) -> &'static str {
        self.interval.state.as_str()
    }
}

/// The class of a state in the style.
pub(crate) fn class(state: State) -> &'static str {
    match state {
        State::Pass => "pass",
        State::Tentative { .. } => "tentative",
        State::Abort => "abort",
        State::Miss => "miss",
        State::Fail => "fail",
    }
}

#[cfg(test)]
mod tests {
    use assay_standards::history::Spell;
    use jiff::ToSpan;
    use jiff::civil::{Date, date};

    use super::*;
    use crate::scopes::Scopes;

    #[test]
    fn what_is_stated_and_what_is_measured_counts_as_it_does_at_each_instant() {
        let scopes = Scopes::embedded();
        let testcase = scopes.iter().flat_map(Spec::testcases).find(|testcase| testcase.manual).unwrap();
        let spec = scopes.iter().find(|spec| spec.testcase(&testcase.id).is_some()).unwrap();
        let noon = |day: Date| day.at(12, 0, 0, 0);
        let spell = |stated, verdict, since: Date, last: Date| PastSpell {
            testcase: testcase.id.clone(),
            stated,
            spell: Spell {
                verdict,
                since: noon(since),
                first_report: String::new(),
                last: noon(last),
                last_report: String::new(),
            },
            certain: Some((verdict, noon(last))),
            ended: None,
            creators: [None, None],
        };
        let spells = [
            spell(true, Verdict::Pass, date(2026, 1, 5), date(2026, 3, 2)),
            spell(false, Verdict::Fail, date(2026, 2, 2), date(2026, 6, 1)),
        ];
        let past = Past::new(spec, &spells, noon(date(2026, 1, 1)));
        let mut seen = Vec::new();
        for days in 0..250 {
            let at = noon(date(2026, 1, 1)) + days.days();
            let counts = states_at(spec, &spells, at).get(testcase.id.as_str()).copied();
            let state = past.testcases[0].state_at(at);
            assert_eq!(state, counts.unwrap_or(State::Miss), "{at}");
            seen.push(state.as_str());
        }
        seen.dedup();
        assert!(seen.len() > 3 && seen.contains(&"FAIL"), "{seen:?}");
    }
}
