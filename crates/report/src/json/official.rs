//! Reading a report of ours again, as what a monitor takes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::official_yaml::{DECLARED, MEASURED, STATED_BY_PEOPLE, invocation_id};
use crate::text::visible;
use uuid::Uuid;

use super::escaped;
use super::failed::ReadError;

#[derive(Deserialize)]
struct Kind {
    format: String,
    version: u32,
}

#[derive(Deserialize)]
struct Document<R> {
    tool: Option<String>,
    reports: Vec<R>,
}

#[derive(Deserialize)]
struct Report {
    run_id: Uuid,
    subject: Subject,
    scope: Value,
    reference_date: String,
    checked_at: String,
    arguments: Vec<String>,
    forced_version: Option<String>,
    forced_testcases: Option<String>,
    assignment: BTreeMap<String, String>,
    readings: Vec<String>,
    testcases: Vec<Testcase>,
    #[serde(default)]
    audience: Option<String>,
}

#[derive(Deserialize)]
struct Subject {
    cloud: String,
}

#[derive(Deserialize)]
struct Testcase {
    id: String,
    own: bool,
    manual: bool,
    declared: Option<Declared>,
    official: Option<String>,
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Declared {
    signer: Signer,
    date: String,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    question: String,
    evidence: Vec<String>,
}

#[derive(Deserialize)]
struct Signer {
    name: String,
    role: String,
}

#[derive(Deserialize)]
struct Finding {
    weight: String,
    readings: Vec<String>,
    resource: Option<Resource>,
    expected: String,
    found: String,
}

#[derive(Deserialize)]
struct Resource {
    kind: String,
    id: String,
    name: String,
}

/// The reports of a JSON report of version 1, each as the document that monitors know, in JSON; none if the text is
/// another kind of document.
///
/// # Errors
/// It is such a report, but of another version or shape, or was made without the official reading.
pub fn official_documents(text: &str) -> Result<Option<Vec<String>>, ReadError> {
    let Some(Document { tool, reports }) = opened::<Report>(text)? else { return Ok(None) };
    let tool = tool.unwrap_or_default();
    reports.iter().map(|report| written(&tool, report)).collect::<Result<_, _>>().map(Some)
}

/// One of them, counted from 0, without reading the others; none if there are fewer.
///
/// # Errors
/// As [`official_documents`], as far as this one is concerned.
pub fn official_document(text: &str, place: usize) -> Result<Option<String>, ReadError> {
    let Some(Document { tool, reports }) = opened::<&RawValue>(text)? else { return Ok(None) };
    let Some(report) = reports.get(place) else { return Ok(None) };
    written(&tool.unwrap_or_default(), &serde_json::from_str(report.get())?).map(Some)
}

fn opened<'t, R: Deserialize<'t>>(text: &'t str) -> Result<Option<Document<R>>, ReadError> {
    let Ok(kind) = serde_json::from_str::<Kind>(text) else { return Ok(None) };
    if kind.format != "assay-report" {
        return Ok(None);
    }
    if kind.version != 1 {
        return Err(ReadError::Other { format: kind.format, version: kind.version });
    }
    Ok(Some(serde_json::from_str(text)?))
}

fn written(tool: &str, report: &Report) -> Result<String, ReadError> {
    // Names may hold characters that only JSON takes as they are.
    Ok(escaped(&official(tool, report)?.to_string()))
}

fn official(tool: &str, report: &Report) -> Result<Value, ReadError> {
    if !report.readings.iter().any(|reading| reading == "official") {
        return Err(ReadError::NotOfficial);
    }
    let known = || report.testcases.iter().filter(|testcase| !testcase.own);
    let measured: Vec<&Testcase> = known().filter(|testcase| !testcase.manual).collect();
    // One that does not count any more is none.
    let counts = |testcase: &&Testcase| matches!(testcase.official.as_deref(), Some("PASS" | "FAIL"));
    let declared = known().filter(|testcase| testcase.manual && testcase.declared.is_some());
    let declared: Vec<&Testcase> = declared.filter(counts).collect();
    let program = tool.split(' ').next().unwrap_or_default();
    let mut command = program.to_owned();
    for argument in &report.arguments {
        command.push(' ');
        command.push_str(argument);
    }
    let mut invocations = serde_json::Map::new();
    let mut add = |mask: u128, command: String, testcases: &[&Testcase]| {
        let id = invocation_id(report.run_id, mask).to_string();
        invocations.insert(id.clone(), invocation(&id, &command, testcases));
    };
    add(MEASURED, command, &measured);
    if !declared.is_empty() {
        add(DECLARED, format!("{program} {STATED_BY_PEOPLE}"), &declared);
    }
    let mut document = json!({
        "spec": report.scope,
        "checked_at": report.checked_at,
        "reference_date": report.reference_date,
        "subject": report.subject.cloud,
        "creator": tool,
        "run": {
            "uuid": report.run_id,
            "argv": report.arguments,
            "assignment": report.assignment,
            "sections": null,
            "forced_version": report.forced_version,
            "forced_tests": report.forced_testcases,
            "invocations": invocations,
        },
    });
    if let Some(audience) = &report.audience {
        document["audience"] = json!(audience);
    }
    Ok(document)
}

fn invocation(id: &str, command: &str, testcases: &[&Testcase]) -> Value {
    let results: BTreeMap<&str, i64> =
        testcases.iter().filter_map(|testcase| Some((testcase.id.as_str(), code(testcase)?))).collect();
    let stdout: Vec<String> = testcases
        .iter()
        .filter(|testcase| code(testcase).is_some())
        .filter_map(|testcase| Some(format!("{}: {}", testcase.id, testcase.official.as_deref()?)))
        .collect();
    let log: Vec<String> = testcases.iter().flat_map(|testcase| log_lines(testcase)).collect();
    json!({"id": id, "cmd": command, "results": results, "rc": 0, "stdout": stdout, "stderr": log})
}

/// What a verdict is in reports; a MISS is none.
fn code(testcase: &Testcase) -> Option<i64> {
    match testcase.official.as_deref()? {
        "PASS" => Some(1),
        "ABORT" => Some(0),
        "FAIL" => Some(-1),
        _ => None,
    }
}

fn log_lines(testcase: &Testcase) -> Vec<String> {
    let id = &testcase.id;
    let mut lines = Vec::new();
    if let Some(Declared { signer, date, .. }) = &testcase.declared {
        lines
            .push(format!("WARNING: {id}: declared, not measured: {}, {}, {date}", signer.name, signer.role));
    }
    for Finding { weight, readings, resource, expected, found } in &testcase.findings {
        let is_official = readings.iter().any(|reading| reading == "official");
        let severity = match weight.as_str() {
            _ if !is_official => "INFO",
            "failure" => "ERROR",
            "abort" => "CRITICAL",
            // Whoever reads the report wonders why there is nothing.
            "note" if code(testcase).is_none() => "WARNING",
            _ => "INFO",
        };
        let about = resource.as_ref().map_or_else(String::new, |Resource { kind, id, name }| {
            format!("{kind} {name}{}: ", if id.is_empty() { String::new() } else { format!(" ({id})") })
        });
        let expected = if expected.is_empty() { String::new() } else { format!(" (expected: {expected})") };
        lines.push(format!("{severity}: {id}: {about}{found}{expected}"));
    }
    for Answer { question, evidence } in testcase.declared.iter().flat_map(|declared| &declared.answers) {
        lines.extend(evidence.iter().map(|address| format!("INFO: {id}: {question}: {address}")));
    }
    lines.iter().map(|line| visible(line).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chosen, Report as Judged, SubmittedReport, fixture, json, official_yaml};

    fn back(report: &Judged) -> Vec<SubmittedReport> {
        let documents = official_documents(&json(std::slice::from_ref(report)).unwrap()).unwrap().unwrap();
        documents.iter().map(|text| SubmittedReport::read_yaml("report", text).unwrap()).collect()
    }

    #[test]
    fn a_report_in_json_says_the_same_as_one_in_yaml() {
        let report = fixture::report();
        let ours = back(&report).remove(0);
        let theirs = SubmittedReport::read_yaml("report", &official_yaml(&[report])).unwrap();
        let results = |report: &SubmittedReport| {
            let each = report.invocations.iter().map(|one| (one.id.clone(), one.results.clone()));
            each.collect::<Vec<_>>()
        };
        assert_eq!(results(&ours), results(&theirs));
        assert!(results(&ours).iter().any(|(_, results)| !results.is_empty()));
        assert_eq!((&ours.scope, &ours.subject, ours.run), (&theirs.scope, &theirs.subject, theirs.run));
        assert_eq!(ours.checked_at.in_utc(), theirs.checked_at.in_utc());
        assert_eq!(ours.arguments, theirs.arguments);
        assert_eq!(ours.assignment, theirs.assignment);
        assert_eq!((ours.creator.as_deref(), &ours.creator), (Some("assay 0.1.0"), &theirs.creator));
    }

    #[test]
    fn one_of_many_is_read_alone() {
        let text = json(&[fixture::report(), fixture::report()]).unwrap();
        let all = official_documents(&text).unwrap().unwrap();
        for (place, document) in all.iter().enumerate() {
            assert_eq!(official_document(&text, place).unwrap().as_ref(), Some(document));
        }
        assert_eq!(official_document(&text, 2).unwrap(), None);
        assert_eq!(official_document("{}", 0).unwrap(), None);
        // Nothing is asked of the others.
        let mut broken: Value = serde_json::from_str(&text).unwrap();
        broken["reports"][0] = json!({});
        let broken = broken.to_string();
        assert!(official_documents(&broken).is_err() && official_document(&broken, 0).is_err());
        assert_eq!(official_document(&broken, 1).unwrap().as_ref(), Some(&all[1]));
    }

    #[test]
    fn what_is_no_report_of_ours_is_left_to_others() {
        for text in ["", "[]", "{}", r#"{"subject": "a"}"#, r#"{"format": "other", "version": 1}"#] {
            assert!(official_documents(text).unwrap().is_none(), "{text}");
        }
        let newer = r#"{"format": "assay-report", "version": 2}"#;
        assert!(matches!(official_documents(newer), Err(ReadError::Other { version: 2, .. })));
        let broken = r#"{"format": "assay-report", "version": 1, "reports": [{}]}"#;
        assert!(matches!(official_documents(broken), Err(ReadError::Shape(_))));
        let text_alone = Judged { chosen: Chosen::Text, ..fixture::report() };
        let refused = official_documents(&json(&[text_alone]).unwrap());
        assert!(matches!(refused, Err(ReadError::NotOfficial)));
    }
}
