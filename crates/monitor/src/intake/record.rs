use std::collections::{BTreeMap, BTreeSet};

use assay_report::{SubmittedReport, SubmittedResult};
use assay_standards::Verdict;
use serde::Deserialize;

/// What a reference monitor had of a report: a line with the document as it kept it, and one with the results by which
/// it reckoned. Nobody's signature vouches for either, since it keeps none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'r> {
    pub(super) document: &'r str,
    rows: &'r str,
}

/// A row of its results.
#[derive(Debug, Deserialize)]
struct Row {
    subject: String,
    scopeuuid: String,
    testcase: String,
    result: Option<i8>,
    approval: Option<bool>,
}

/// A result that counted there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedResult {
    /// The verdict, and who found it out.
    pub result: SubmittedResult,
    /// Whether somebody approved it there.
    pub is_approved: bool,
}

/// Why a record does not say what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordProblem {
    /// It has not two lines.
    #[error("it is no record of a report and its results")]
    NoRecord,
    /// The document is no report.
    #[error("the document cannot be read: {0}")]
    Document(String),
    /// The rows are no results.
    #[error("its results cannot be read: {0}")]
    Rows(String),
    /// The rows are of another report.
    #[error("its results are about another subject or scope than its document")]
    OtherReport,
    /// A result that the document does not have.
    #[error("its results have {verdict} for {testcase}, and its document never does")]
    OtherResult {
        /// By its name.
        testcase: String,
        /// What the row says.
        verdict: String,
    },
}

impl<'r> Record<'r> {
    /// How a record is written down.
    pub fn text(document: &str, rows: &str) -> String {
        format!("{document}\n{rows}\n")
    }

    /// # Errors
    /// It has not two lines.
    pub fn open(text: &'r str) -> Result<Self, RecordProblem> {
        let mut lines = text.lines();
        match (lines.next(), lines.next(), lines.next()) {
            (Some(document), Some(rows), None) => Ok(Self { document, rows }),
            _ => Err(RecordProblem::NoRecord),
        }
    }

    /// The report, and what counted of it. The order in which scripts ran is lost there, so that the document alone
    /// does not say which of two results of a testcase counts; of those of several versions the worst does.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(self) -> Result<(SubmittedReport, BTreeMap<String, RecordedResult>), RecordProblem> {
        let report = SubmittedReport::read_yaml("document", self.document).map_err(|problems| {
            let all: Vec<String> = problems
                .problems()
                .iter()
                .map(|problem| format!("{}: {}", problem.key(), problem.kind()))
                .collect();
            RecordProblem::Document(all.join("; "))
        })?;
        let rows: Vec<Row> =
            serde_json::from_str(self.rows).map_err(|error| RecordProblem::Rows(error.to_string()))?;
        let said = verdicts(&report);
        let stated = report.results();
        let mut results: BTreeMap<String, RecordedResult> = BTreeMap::new();
        for row in rows {
            if (&row.subject, &row.scopeuuid) != (&report.subject, &report.scope.uuid) {
                return Err(RecordProblem::OtherReport);
            }
            let Some(code) = row.result else { continue };
            let verdict = Verdict::from_code(Some(code)).filter(|verdict| {
                said.get(row.testcase.as_str()).is_some_and(|verdicts| verdicts.contains(verdict))
            });
            let Some(verdict) = verdict else {
                return Err(RecordProblem::OtherResult { testcase: row.testcase, verdict: code.to_string() });
            };
            let is_stated = stated.get(row.testcase.as_str()).is_some_and(|result| result.is_stated);
            let is_approved = row.approval.unwrap_or_default();
            let new = RecordedResult { result: SubmittedResult { verdict, is_stated }, is_approved };
            let known = results.entry(row.testcase).or_insert(new);
            known.is_approved &= is_approved;
            known.result.verdict = known.result.verdict.max(verdict);
        }
        Ok((report, results))
    }
}

/// All that a report says of each testcase.
fn verdicts(report: &SubmittedReport) -> BTreeMap<&str, BTreeSet<Verdict>> {
    let scripts = report.invocations.iter().map(|invocation| &invocation.results);
    let mut all: BTreeMap<&str, BTreeSet<Verdict>> = BTreeMap::new();
    for (testcase, &verdict) in scripts.chain(report.versions.iter().flat_map(BTreeMap::values)).flatten() {
        all.entry(testcase).or_default().insert(verdict);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"run": {"uuid": "5f0c2c0e-7f0b-4b4f-9a52-0c6b6f0e8a11", "invocations": {
        "one": {"cmd": "a", "results": {"x": 1, "y": 1}},
        "two": {"cmd": "b", "results": {"x": -1}}}},
        "spec": {"uuid": "s"}, "subject": "bär", "checked_at": "2026-03-07 02:11:45"}"#;

    fn read(rows: &str) -> Result<Vec<(String, Verdict, bool)>, String> {
        let text = Record::text(&DOCUMENT.replace('\n', " "), rows);
        let (_, results) =
            Record::open(&text).and_then(Record::read).map_err(|problem| problem.to_string())?;
        let read =
            |(id, recorded): (String, RecordedResult)| (id, recorded.result.verdict, recorded.is_approved);
        Ok(results.into_iter().map(read).collect())
    }

    fn row(testcase: &str, result: &str, approval: &str) -> String {
        format!(
            r#"{{"subject": "bär", "scopeuuid": "s", "version": "*", "testcase": "{testcase}", "result": {result},
            "approval": {approval}}}"#
        )
        .replace('\n', " ")
    }

    #[test]
    fn what_counted_there_counts() {
        // The document alone would not say which of two scripts came last.
        for (result, verdict) in [("1", Verdict::Pass), ("-1", Verdict::Fail)] {
            let rows = format!("[{}, {}]", row("x", result, "true"), row("y", "null", "null"));
            assert_eq!(read(&rows), Ok(vec![("x".to_owned(), verdict, true)]));
        }
        // Those of several versions.
        let rows = format!("[{}, {}]", row("x", "-1", "false"), row("x", "1", "true"));
        assert_eq!(read(&rows), Ok(vec![("x".to_owned(), Verdict::Fail, false)]));
        assert_eq!(read("[]"), Ok(Vec::new()));
    }

    #[test]
    fn what_contradicts_itself_is_told() {
        for (rows, why) in [
            (
                format!("[{}]", row("y", "-1", "true")),
                "its results have -1 for y, and its document never does",
            ),
            (format!("[{}]", row("z", "1", "true")), "its results have 1 for z, and its document never does"),
            (format!("[{}]", row("y", "7", "true")), "its results have 7 for y, and its document never does"),
            (format!("[{}]", row("y", "1", "true").replace("bär", "bar")), "about another subject or scope"),
            ("[{}]".to_owned(), "its results cannot be read: missing field"),
            ("[]\n[]".to_owned(), "no record of a report"),
        ] {
            let told = read(&rows).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
    }
}
