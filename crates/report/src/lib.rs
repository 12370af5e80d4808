//! The report model and its formats.
//!
//! A [`Report`] says what one subject came to in one run: every testcase with its verdicts and findings,
//! the versions of the scope, and how the facts were had. Every format is a view of it with a shape of its
//! own, so that internal types can change without breaking a reader. Rendering is pure: the same reports
//! give the same bytes.

mod baseline;
mod build;
mod declared;
mod diff;
mod error;
mod exit;
#[cfg(test)]
mod fixture;
mod format;
mod gate;
mod glob;
mod html;
mod identity;
mod json;
mod junit;
mod lines;
mod model;
mod official_yaml;
mod oscal;
mod prometheus;
mod sarif;
mod submitted;
mod text;
mod waivers;
mod yaml;

pub use baseline::{Baseline, BaselineError, Comparison, Mended};
pub use build::{Run, build};
pub use declared::{Declared, DeclaredAnswer, declared};
pub use diff::{ReportDiff, TargetDiff, TestcaseDiff, Verdicts, diff};
pub use error::RenderError;
pub use exit::ExitCode;
pub use format::{Format, UnknownFormat, render};
pub use gate::{Effect, Gate, Mark, News, gate};
pub use glob::Glob;
pub use html::html;
pub use json::{
    ReadError, failed_testcases, json, json_schema, official_document, official_documents, read_reports,
};
pub use junit::junit;
pub use lines::lines;
pub use model::{
    Chosen, FactTiming, Membership, Report, Scope, Tally, TargetSummary, TestcaseReport, Timings,
    UnavailableFact, VersionSummary,
};
pub use official_yaml::official_yaml;
pub use oscal::oscal;
pub use prometheus::prometheus;
pub use sarif::sarif;
pub use submitted::{
    CheckedAt, ReportProblem, ReportView, SubmittedInvocation, SubmittedReport, SubmittedResult,
};
pub use text::visible;
pub use waivers::{Waiver, WaiverProblem, Waivers};
