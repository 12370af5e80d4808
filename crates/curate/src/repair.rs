//! Repairs: what no definition describes and a testcase finds fault with.
//!
//! What is wrong is what the testcases say, so that a repair and a check cannot disagree. What can be told from a name, a
//! figure or another field is set; what nobody but the operator can say is a question, and no drift.

mod answers;
mod default_rules;
mod flavors;
mod images;
mod knowledge;
mod observe;
mod step;
mod volume_types;

use std::collections::BTreeSet;
use std::fmt;

use assay_inventory::{Flavor, Image};
use jiff::Timestamp;

pub use answers::{Answers, AnswersError, ProblemKind, template};
pub use observe::{Observed, observe};
pub use step::Step;
pub use volume_types::SeenVolumeType;

use crate::plan::{Plan, is_addressable};

/// What there is to repair, and what is known about it.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The flavors that no definition describes.
    pub flavors: &'a [Flavor],
    /// The images that no catalogue describes.
    pub images: &'a [Image],
    /// Everything else.
    pub others: &'a Observed,
    /// What the operator said.
    pub answers: &'a Answers,
    /// The testcases that are to pass; none for all.
    pub only: Option<&'a BTreeSet<String>>,
    /// The present.
    pub now: Timestamp,
}

/// An answer that will not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where it stands.
    pub spot: String,
    /// The answer.
    pub given: String,
    /// What would do.
    pub expected: String,
}

/// Answers that will not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedAnswers(pub Vec<Refused>);

impl fmt::Display for RefusedAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, refused) in self.0.iter().enumerate() {
            let Refused { spot, given, expected } = refused;
            let parted = if at == 0 { "" } else { "\n" };
            write!(f, "{parted}{spot}: {} will not do; expected {expected}", assay_yaml::quoted(given))?;
        }
        Ok(())
    }
}

impl std::error::Error for RefusedAnswers {}

/// What a part of the repair works with.
struct Work<'a> {
    answers: &'a Answers,
    only: Option<&'a BTreeSet<String>>,
    now: Timestamp,
    refused: Vec<Refused>,
}

impl Work<'_> {
    fn is_wanted(&self, testcase: &str) -> bool {
        self.only.is_none_or(|only| only.contains(testcase))
    }
}

/// What can be repaired, and what is to be asked.
///
/// # Errors
/// An answer will not do.
pub fn repair(ground: &Ground<'_>) -> Result<Plan, RefusedAnswers> {
    let mut plan = Plan::default();
    let mut work = Work { answers: ground.answers, only: ground.only, now: ground.now, refused: Vec::new() };
    // No testcase looks at extra specs beyond those of the standard flavors, which have definitions.
    if ground.only.is_none() {
        let public: Vec<&Flavor> = ground.flavors.iter().filter(|flavor| is_public(flavor)).collect();
        flavors::repair(&public, &mut plan);
    }
    let offered: Vec<&Image> = ground.images.iter().filter(|image| is_offered(image)).collect();
    images::repair(&offered, &mut work, &mut plan);
    volume_types::repair(&ground.others.volume_types, &mut work, &mut plan);
    if let Some(rules) = &ground.others.default_rules {
        default_rules::repair(rules, &work, &mut plan);
    }
    match work.refused.is_empty() {
        true => Ok(plan),
        false => Err(RefusedAnswers(work.refused)),
    }
}

fn is_public(flavor: &Flavor) -> bool {
    is_addressable(flavor.id()) && flavor.flag("os-flavor-access:is_public").value() != Some(false)
}

fn is_offered(image: &Image) -> bool {
    let has_data = matches!(image.text("status").value(), Some("active" | "deactivated"));
    is_addressable(image.id()) && image.visibility() == Some("public") && !image.is_hidden() && has_data
}
