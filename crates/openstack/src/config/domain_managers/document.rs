//! The file as a tree. Nothing of it can be printed, since it holds secrets.

use assay_yaml::{Limits, Node, Place, Trouble};

use super::problem::DomainManagerProblem as Problem;

/// Generous for a list of domains.
const LIMITS: Limits = Limits { bytes: 256 << 10, nodes: 10_000 };

/// Reads one document.
pub(super) fn read(text: &str) -> Result<Node, (Place, Problem)> {
    assay_yaml::read(text, &LIMITS).map_err(|trouble| match trouble {
        Trouble::TooLarge { bytes, most } => (Place::START, Problem::TooLarge { bytes, most }),
        // What the parser says could quote a secret; the place is all that is passed on.
        Trouble::Syntax { place, .. } => (place, Problem::Syntax),
    })
}
