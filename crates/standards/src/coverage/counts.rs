use std::iter::Sum;
use std::ops::Add;

use super::statement::Kind;

/// How many statements are looked at in which way; each counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// By testcases, in full.
    pub tested: usize,
    /// By testcases that leave something out.
    pub partly: usize,
    /// By a person.
    pub manual: usize,
    /// Not at all.
    pub untestable: usize,
}

impl Counts {
    pub(super) fn of(kind: &Kind) -> Self {
        let mut counts = Counts::default();
        match kind {
            Kind::Tested { partly: None, .. } => counts.tested = 1,
            Kind::Tested { partly: Some(_), .. } => counts.partly = 1,
            Kind::Manual { .. } => counts.manual = 1,
            Kind::Untestable { .. } => counts.untestable = 1,
        }
        counts
    }

    /// All statements.
    pub fn total(self) -> usize {
        self.tested + self.partly + self.manual + self.untestable
    }
}

impl Add for Counts {
    type Output = Counts;

    fn add(self, other: Counts) -> Counts {
        Counts {
            tested: self.tested + other.tested,
            partly: self.partly + other.partly,
            manual: self.manual + other.manual,
            untestable: self.untestable + other.untestable,
        }
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Counts>>(counts: I) -> Counts {
        counts.fold(Counts::default(), Counts::add)
    }
}
