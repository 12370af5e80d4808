//! A report that was handed in, in the frozen shape in which monitors hand reports out.

use std::collections::BTreeMap;

use assay_standards::Verdict;
use schemars::JsonSchema;
use serde::Serialize;

use super::{SubmittedInvocation, SubmittedReport};

/// A report that was handed in, as JSON.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Report")]
pub struct ReportView<'r> {
    spec: ScopeView<'r>,
    /// As the checker wrote it, with a blank between date and time; in a zone that nobody knows unless it has an offset.
    checked_at: String,
    /// The day for which versions were chosen.
    reference_date: Option<&'r str>,
    subject: &'r str,
    /// The checker and its revision, where the report says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    creator: Option<&'r str>,
    run: RunView<'r>,
    /// The results by version and testcase, in reports of the first generation only.
    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<BTreeMap<&'r str, BTreeMap<&'r str, ResultView>>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReportScope")]
struct ScopeView<'r> {
    uuid: &'r str,
    name: &'r str,
    url: &'r str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReportRun")]
struct RunView<'r> {
    uuid: String,
    /// The arguments of the checker.
    argv: &'r [String],
    /// The variables of the scope.
    assignment: BTreeMap<&'r str, &'r str>,
    /// The sections that were asked for; null if all.
    sections: Option<&'r [String]>,
    forced_version: Option<&'r str>,
    forced_tests: Option<&'r str>,
    /// The scripts that were run, by their ids.
    invocations: BTreeMap<&'r str, InvocationView<'r>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReportResult")]
struct ResultView {
    /// 1 (PASS), 0 (ABORT) or -1 (FAIL).
    result: Option<i8>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReportInvocation")]
struct InvocationView<'r> {
    id: &'r str,
    cmd: &'r str,
    /// By testcase 1 (PASS), 0 (ABORT) or -1 (FAIL).
    results: BTreeMap<&'r str, Option<i8>>,
    /// How it ended; 127 if it could not be started.
    rc: Option<i64>,
    stdout: &'r [String],
    stderr: &'r [String],
    /// How many lines begin with INFO.
    info: usize,
    /// How many lines begin with WARNING.
    warning: usize,
    /// How many lines begin with ERROR.
    error: usize,
    /// How many lines begin with CRITICAL.
    critical: usize,
}

impl<'r> ReportView<'r> {
    pub(super) fn of(report: &'r SubmittedReport) -> Self {
        let SubmittedReport { scope, run, .. } = report;
        let invocations = report.invocations.iter();
        let codes = |results: &'r BTreeMap<String, Verdict>| {
            let results = results.iter();
            results.map(|(id, verdict)| (id.as_str(), ResultView { result: verdict.code() })).collect()
        };
        let versions = report.versions.as_ref().map(|versions| {
            versions.iter().map(|(version, results)| (version.as_str(), codes(results))).collect()
        });
        Self {
            spec: ScopeView { uuid: &scope.uuid, name: &scope.name, url: &scope.url },
            checked_at: report.checked_at.to_string(),
            reference_date: report.reference_date.as_deref(),
            subject: &report.subject,
            creator: report.creator.as_deref(),
            run: RunView {
                uuid: run.to_string(),
                argv: &report.arguments,
                assignment: report
                    .assignment
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()))
                    .collect(),
                sections: report.sections.as_deref(),
                forced_version: report.forced_version.as_deref(),
                forced_tests: report.forced_tests.as_deref(),
                invocations: invocations.map(|one| (one.id.as_str(), InvocationView::of(one))).collect(),
            },
            versions,
        }
    }
}

impl<'r> InvocationView<'r> {
    fn of(invocation: &'r SubmittedInvocation) -> Self {
        let SubmittedInvocation { id, command, results, return_code, stdout, stderr } = invocation;
        Self {
            id,
            cmd: command,
            results: results.iter().map(|(id, verdict)| (id.as_str(), verdict.code())).collect(),
            rc: *return_code,
            stdout,
            stderr,
            info: invocation.count("info"),
            warning: invocation.count("warning"),
            error: invocation.count("error"),
            critical: invocation.count("critical"),
        }
    }
}
