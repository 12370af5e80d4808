use std::time::Duration;

use assay_inventory::{FactId, StepId, Unavailable};

/// What happens while facts are gathered, for progress displays.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Keystone is being asked for a token.
    Authenticating,
    /// There is a token; of the facts, only [`FactId::Token`] is done with it.
    Authenticated,
    /// The first request for a fact is about to be made.
    FactStarted(FactId),
    /// Some of a fact is there.
    Progress {
        /// The fact.
        fact: FactId,
        /// Number of items so far.
        items: usize,
    },
    /// A probe begins a step.
    Step {
        /// The fact.
        fact: FactId,
        /// What it does now.
        step: StepId,
    },
    /// A fact is complete.
    FactDone {
        /// The fact.
        fact: FactId,
        /// Number of items; 1 for facts that are no list.
        items: usize,
        /// How long it took.
        duration: Duration,
    },
    /// A fact is not to be had.
    FactFailed {
        /// The fact.
        fact: FactId,
        /// Why.
        why: Unavailable,
    },
}
