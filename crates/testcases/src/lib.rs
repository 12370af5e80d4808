//! The judgement of every testcase, one file per standard, and the registry that lists them.
//!
//! A testcase names the facts it needs and judges them twice: the *official* reading gives exactly the
//! verdict of the reference suite, because certificates hang on it; the *text* reading gives what the
//! standard's text demands. Nothing here does I/O or knows a clock: the inventory and "now" come in.

mod evidence;
mod finding;
mod image_date;
mod judgement;
mod preflight;
mod registry;
mod testcase;

mod scs_0100_flavor_naming;
mod scs_0101_entropy;
mod scs_0102_image_metadata;

pub use evidence::Evidence;
pub use finding::{Finding, Reading, Readings, Resource, Weight};
pub use judgement::{Judgement, Judging};
pub use preflight::{Preflight, preflight};
pub use registry::{Registry, Verdicts, judge};
pub use testcase::{Demand, Testcase};
