//! What is known of a run while it goes on: fed from its events, without a terminal and without a clock.

use std::collections::{BTreeMap, BTreeSet};

use assay_fleet::Tally;
use assay_inventory::{FactId, StepId};
use assay_openstack::Event;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::super::display::Happening;
use crate::human::printable;

/// How much there is to do about a subject.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent {
    pub(crate) facts: usize,
    pub(crate) testcases: usize,
}

/// A run as it stands.
#[derive(Debug)]
pub(crate) struct Model {
    pub(super) preset: Option<String>,
    pub(super) begun: Timestamp,
    /// Subjects that a run before this one has done.
    pub(super) resumed: usize,
    /// Whether reports are sent to a monitor.
    pub(super) is_sending: bool,
    pub(super) rows: Vec<Row>,
    rows_by_name: BTreeMap<String, usize>,
    rows_by_report: BTreeMap<Uuid, usize>,
    /// Counts starts and ends, so that rows can be put in the order in which they changed.
    turn: usize,
    /// Somebody asked the run to end.
    is_ending: bool,
    /// Only subjects with failures, and those of whom nothing is known.
    pub(super) only_failing: bool,
    /// The first row that is seen.
    first: usize,
}

/// A subject.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) subject: String,
    pub(super) extent: Extent,
    pub(super) state: State,
    turn: usize,
    waiting: BTreeMap<FactId, Option<StepId>>,
    is_logging_in: bool,
    pub(super) done: BTreeSet<FactId>,
    pub(super) tally: Tally,
    /// Of the failures, those that somebody answers for.
    pub(super) waived: usize,
    pub(super) reports: usize,
    /// Why a scope was not determined, if it was not.
    pub(super) undetermined: Option<String>,
    pub(super) delivered: usize,
    pub(super) waits: usize,
    pub(super) refused: usize,
}

#[derive(Debug, PartialEq)]
pub(super) enum State {
    Queued,
    Running { since: Timestamp },
    Over { took: SignedDuration },
    LeftOut { why: String },
}

/// What somebody wants to see.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Look {
    /// So many rows further down, or up.
    By(isize),
    Top,
    Bottom,
    /// All subjects, or those alone that fail.
    Failing,
}

/// What all subjects come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) judged: usize,
    pub(super) running: usize,
    pub(super) failing: usize,
    pub(super) undetermined: usize,
    pub(super) left_out: usize,
    /// Reports, not subjects.
    pub(super) delivered: usize,
    pub(super) waits: usize,
    pub(super) refused: usize,
}

impl Model {
    pub(crate) fn new(subjects: Vec<(String, Extent)>, is_sending: bool, begun: Timestamp) -> Self {
        let rows_by_name =
            subjects.iter().enumerate().map(|(index, (name, _))| (name.clone(), index)).collect();
        let rows = subjects.into_iter().map(|(subject, extent)| Row::new(&subject, extent)).collect();
        Model {
            preset: None,
            begun,
            resumed: 0,
            is_sending,
            rows,
            rows_by_name,
            rows_by_report: BTreeMap::new(),
            turn: 0,
            is_ending: false,
            only_failing: false,
            first: 0,
        }
    }

    /// Takes in what happened.
    pub(crate) fn happened(&mut self, happening: &Happening<'_>) {
        match happening {
            Happening::Begun { at, preset, resumed, .. } => {
                self.begun = *at;
                self.preset = preset.map(printable);
                self.resumed = *resumed;
            }
            Happening::Started { at, subject } => {
                let turn = self.next_turn();
                if let Some(row) = self.row(subject) {
                    (row.state, row.turn) = (State::Running { since: *at }, turn);
                }
            }
            Happening::LeftOut { subject, why, .. } => {
                let turn = self.next_turn();
                if let Some(row) = self.row(subject) {
                    (row.state, row.turn) = (State::LeftOut { why: printable(why) }, turn);
                }
            }
            Happening::Judged {
                subject, report, determined, pass, fail, abort, miss, waived, why, ..
            } => {
                if let Some(index) = self.rows_by_name.get(*subject) {
                    self.rows_by_report.insert(*report, *index);
                }
                if let Some(row) = self.row(subject) {
                    row.reports += 1;
                    row.tally.pass += pass;
                    row.tally.fail += fail;
                    row.tally.abort += abort;
                    row.tally.miss += miss;
                    row.waived += waived;
                    if !determined {
                        row.undetermined = Some(printable(why.unwrap_or("nothing could be judged")));
                    }
                }
            }
            Happening::Delivered { report, .. } => {
                if let Some(row) = self.row_of(*report) {
                    row.delivered += 1;
                }
            }
            Happening::Kept { report, refused, .. } => {
                if let Some(row) = self.row_of(*report) {
                    row.refused += usize::from(*refused);
                    row.waits += usize::from(!refused);
                }
            }
            Happening::Ended { .. } => {}
        }
    }

    /// Takes in what happens in the check of a subject.
    pub(crate) fn step(&mut self, subject: &str, event: &Event) {
        let Some(row) = self.row(subject) else { return };
        match event {
            Event::Authenticating => row.is_logging_in = true,
            Event::Authenticated => {
                row.is_logging_in = false;
                row.done.insert(FactId::Token);
            }
            Event::FactStarted(fact) => drop(row.waiting.insert(*fact, None)),
            Event::Step { fact, step } => drop(row.waiting.insert(*fact, Some(*step))),
            Event::FactDone { fact, .. } | Event::FactFailed { fact, .. } => {
                row.waiting.remove(fact);
                row.done.insert(*fact);
            }
            _ => {}
        }
    }

    /// The check of a subject is over, whatever comes of it.
    pub(crate) fn over(&mut self, subject: &str, at: Timestamp) {
        let turn = self.next_turn();
        if let Some(row) = self.row(subject)
            && let State::Running { since } = row.state
        {
            row.waiting.clear();
            (row.state, row.turn) = (State::Over { took: at.duration_since(since) }, turn);
        }
    }

    /// Somebody asked the run to end.
    pub(crate) fn end(&mut self) {
        self.is_ending = true;
    }

    /// Whether somebody asked the run to end.
    pub(super) fn is_ending(&self) -> bool {
        self.is_ending
    }

    /// Changes what is seen.
    pub(crate) fn look(&mut self, look: Look) {
        // Where the window ends is known to whoever draws.
        self.first = match look {
            Look::By(rows) => self.first.min(self.shown()).saturating_add_signed(rows),
            Look::Bottom => usize::MAX,
            Look::Top => 0,
            Look::Failing => {
                self.only_failing = !self.only_failing;
                0
            }
        };
    }

    /// Keeps the window of so many rows within what there is, and says where it begins.
    pub(super) fn window(&mut self, height: usize) -> usize {
        self.first = self.first.min(self.shown().saturating_sub(height));
        self.first
    }

    fn shown(&self) -> usize {
        self.rows.iter().filter(|row| self.shows(row)).count()
    }

    fn shows(&self, row: &Row) -> bool {
        !self.only_failing || row.is_failing() || row.is_undetermined()
    }

    /// The rows to be seen: who is being checked, the longest first; who is over, the last first; who waits for their turn.
    pub(super) fn ordered(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.rows.iter().filter(|row| self.shows(row)).collect();
        rows.sort_by_key(|row| match row.state {
            State::Running { .. } => (0, row.turn),
            State::Over { .. } | State::LeftOut { .. } => (1, usize::MAX - row.turn),
            State::Queued => (2, 0),
        });
        rows
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for row in &self.rows {
            counts.judged += usize::from(matches!(row.state, State::Over { .. }));
            counts.running += usize::from(matches!(row.state, State::Running { .. }));
            counts.left_out += usize::from(matches!(row.state, State::LeftOut { .. }));
            counts.failing += usize::from(row.is_failing());
            counts.undetermined += usize::from(row.undetermined.is_some());
            counts.delivered += row.delivered;
            counts.waits += row.waits;
            counts.refused += row.refused;
        }
        counts
    }

    /// How long the rest may take, if it takes as long as what is over.
    pub(super) fn estimate(&self, now: Timestamp) -> Option<SignedDuration> {
        let (mut ended, mut took) = (0, SignedDuration::ZERO);
        for row in &self.rows {
            if let State::Over { took: one } = row.state {
                (ended, took) = (ended + 1, took + one);
            }
        }
        let usual = took.checked_div(ended)?;
        let running: Vec<SignedDuration> = self
            .rows
            .iter()
            .filter_map(|row| match row.state {
                State::Running { since } => {
                    Some((usual - now.duration_since(since)).max(SignedDuration::ZERO))
                }
                _ => None,
            })
            .collect();
        let queued = self.rows.iter().filter(|row| row.state == State::Queued).count();
        let rest = if queued == 0 {
            running.iter().max().copied()?
        } else {
            let at_once = i32::try_from(running.len().max(1)).unwrap_or(i32::MAX);
            let queued = i32::try_from(queued).unwrap_or(i32::MAX);
            let begun = running.iter().fold(SignedDuration::ZERO, |sum, one| sum.saturating_add(*one));
            usual.checked_mul(queued)?.saturating_add(begun).checked_div(at_once)?
        };
        (rest >= SignedDuration::from_secs(1) && !self.is_ending).then_some(rest)
    }

    fn next_turn(&mut self) -> usize {
        self.turn += 1;
        self.turn
    }

    fn row(&mut self, subject: &str) -> Option<&mut Row> {
        self.rows.get_mut(*self.rows_by_name.get(subject)?)
    }

    fn row_of(&mut self, report: Uuid) -> Option<&mut Row> {
        self.rows.get_mut(*self.rows_by_report.get(&report)?)
    }
}

impl Row {
    fn new(subject: &str, extent: Extent) -> Self {
        Row {
            subject: printable(subject),
            extent,
            state: State::Queued,
            turn: 0,
            waiting: BTreeMap::new(),
            is_logging_in: false,
            done: BTreeSet::new(),
            tally: Tally::default(),
            waived: 0,
            reports: 0,
            undetermined: None,
            delivered: 0,
            waits: 0,
            refused: 0,
        }
    }

    pub(super) fn is_failing(&self) -> bool {
        self.tally.fail > self.waived
    }

    pub(super) fn is_undetermined(&self) -> bool {
        self.undetermined.is_some() || matches!(self.state, State::LeftOut { .. })
    }

    /// How long it has taken so far, or took.
    pub(super) fn time(&self, now: Timestamp) -> Option<SignedDuration> {
        match &self.state {
            State::Running { since } => Some(now.duration_since(*since).max(SignedDuration::ZERO)),
            State::Over { took } => Some(*took),
            State::Queued | State::LeftOut { .. } => None,
        }
    }

    /// What a check that goes on waits for.
    pub(super) fn doing(&self) -> String {
        if self.waiting.is_empty() {
            let words = match self.is_logging_in {
                true => "waits for a token",
                false if self.done.is_empty() => "begins",
                false => "is being judged",
            };
            return words.into();
        }
        let what = |(fact, step): (&FactId, &Option<StepId>)| match step {
            Some(step) => format!("{fact} ({step})"),
            None => fact.to_string(),
        };
        let waiting: Vec<String> = self.waiting.iter().map(what).collect();
        waiting.join(", ")
    }

    pub(super) fn judged(&self) -> usize {
        let Tally { pass, fail, abort, miss } = self.tally;
        pass + fail + abort + miss
    }
}
