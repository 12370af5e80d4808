use std::borrow::Cow;

use assay_inventory::{FactId, Section};

use crate::{Evidence, Judgement};

/// How binding the standard's text makes a testcase (RFC 2119).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// MUST.
    Must,
    /// SHOULD.
    Should,
    /// MAY; the testcase informs.
    May,
}

/// The function that judges. It gets the evidence and says what it came to.
pub(crate) type Judge = Box<dyn Fn(&Evidence<'_>) -> Judgement + Send + Sync>;

/// A testcase: what it is, what it needs, and how it is judged.
pub struct Testcase {
    /// Its id, immutable, such as `scs-0100-syntax-check`.
    pub id: Cow<'static, str>,
    /// The document that demands it, such as `scs-0100-v3`.
    pub standard: &'static str,
    /// The place in the document, in words.
    pub clause: &'static str,
    /// How binding it is.
    pub demand: Demand,
    /// What it checks, in one line.
    pub title: Cow<'static, str>,
    /// Why it matters and what exactly is looked at.
    pub explanation: &'static str,
    /// What to do when it fails.
    pub remedy: Cow<'static, str>,
    /// The facts that the official reading needs.
    pub official_facts: &'static [FactId],
    /// The facts that the text reading needs beyond those.
    pub text_facts: &'static [FactId],
    /// Whether the reference suite lacks it; then it has a text reading alone.
    pub own: bool,
    pub(crate) judge: Judge,
}

impl Testcase {
    /// What it takes to judge it: the most that any of its facts takes. None if people decide.
    pub fn section(&self) -> Option<Section> {
        self.official_facts.iter().chain(self.text_facts).map(|fact| fact.section()).max()
    }

    /// Judges. Facts that could not be had end in ABORT with the reason.
    pub fn judge(&self, evidence: &Evidence<'_>) -> Judgement {
        let mut judgement = (self.judge)(evidence);
        if self.own {
            judgement.official = None;
        }
        judgement
    }
}
