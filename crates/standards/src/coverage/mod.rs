//! Requirement coverage: every demand of a standard's text, and which testcase looks at it, what a person must
//! look at instead, or why nobody can tell. The data are under `data/coverage/`, one file per standard.

mod counts;
mod embedded;
mod standard;
mod statement;
#[cfg(test)]
mod tests;

pub use counts::Counts;
pub use embedded::Coverage;
pub use standard::{Beyond, CoveredVersion, Difference, DocumentStatus, StandardCoverage};
pub use statement::{Kind, Level, Statement};
