//! What SCS demands: scope specs and their evaluation, flavor names, requirement tables.
//!
//! No I/O and no clock: dates, texts and results come in as arguments. What the standards demand in figures
//! and names is data under `data/`; this crate interprets it and judges nothing itself.

pub mod coverage;
pub mod declaration;
pub mod flavor_name;
pub mod history;
pub mod integrators;
pub mod requirements;
pub mod scope;
pub mod score_card;
pub mod verdict;

pub use verdict::Verdict;
