//! Scope specs: which testcases a version of a certificate scope demands, and from when to when.
//!
//! [`Spec::parse`] reads the files `scs-compatible-iaas.yaml` and `scs-compatible-kaas.yaml` as they are
//! published (format of scs-0003-v1). [`Spec::embedded_iaas`] is the copy this program carries, extended by
//! testcases of our own. This module only describes what is demanded; [`crate::score_card`] evaluates
//! results against it.

mod diff;
pub(crate) mod draft;
mod embedded;
mod lifetime;
mod problem;
mod resolve;
mod script;
mod selection;
mod spec;
#[cfg(test)]
mod tests;
mod timeline;
mod version;

pub use diff::{VersionDiff, diff};
pub use lifetime::{Lifetime, UnknownLifetime};
pub use problem::{Problem, ProblemKind, SpecError};
pub use script::{RenderError, Script};
pub use selection::{Request, Selected, Selection, SelectionError};
pub use spec::{Include, Module, Prerequisite, Spec, Testcase, Variable};
pub use timeline::{Timeline, TimelineEntry, UnknownValidity, Validity};
pub use version::{Target, Version};
