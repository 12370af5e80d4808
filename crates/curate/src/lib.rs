//! Makes a cloud what its operator wants it to be.
//!
//! Definitions say what is wanted, the cloud shows what is there, and the difference is a [`Plan`]: an ordered list of
//! actions, each with its reason and, where a standard asks for it, the clause. Planning is a pure function, so a plan can
//! be shown, kept and tested without a cloud. [`apply`] carries a plan out. Nothing outside the definitions is touched, but
//! by a [`repair`] of what the standards demand and no definition describes.

mod apply;
pub mod flavors;
pub mod images;
mod notes;
mod plan;
pub mod repair;
mod source;

pub use apply::{Event, Outcome, StepError, apply};
pub use plan::{Action, Change, Plan, Question, Resource, Step, Verb};
pub use source::{Source, SourceError};
