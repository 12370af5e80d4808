//! Flavors: from definition files to a plan and back.

mod bundled;
mod definition;
mod export;
mod file;
mod generate;
mod observe;
mod plan;
mod step;

pub use bundled::Bundled;
pub use definition::{Definition, Level, NameError};
pub use export::export;
pub use file::{FlavorFileError, ProblemKind, read};
pub(crate) use generate::told;
pub use generate::{Assumed, Proposal, generate};
pub use observe::{Observed, observe};
pub use plan::{Options, plan, undescribed};
pub use step::Step;
