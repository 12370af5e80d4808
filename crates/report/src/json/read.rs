//! From version 1 of the document back to the model.

use assay_inventory::{Call, FactId, Leftover, Reason, Subject, Unavailable};
use assay_standards::Verdict;
use assay_standards::declaration::Signer;
use assay_standards::scope::Validity;
use assay_testcases::{Demand, Finding, Readings, Resource, Weight};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failed::{Kind, ReadError};
use super::v1;
use crate::gate::Gate;
use crate::{
    Chosen, Declared, DeclaredAnswer, FactTiming, Membership, Report, Scope, Tally, TargetSummary,
    TestcaseReport, Timings, UnavailableFact, VersionSummary,
};

/// The reports of a JSON report of version 1. Whatever is made of them is what was made of those that were written:
/// only what no format shows is not in the document, such as the verdicts of a reading that was not asked for.
///
/// # Errors
/// The text is no such report, or speaks of what this program does not know.
pub fn read_reports(text: &str) -> Result<Vec<Report>, ReadError> {
    Kind::expect_ours(text)?;
    let document: v1::Document = serde_json::from_str(text)?;
    let tool = document.tool.unwrap_or_default();
    document.reports.into_iter().map(|report| read(report, &tool)).collect()
}

fn read(report: v1::Report, tool: &str) -> Result<Report, ReadError> {
    let chosen = chosen(&report.readings)?;
    let testcases = report.testcases.into_iter().map(|testcase| testcase_of(testcase, chosen));
    let mut report = Report {
        // What somebody puts up with is for the run that was told so.
        gate: Gate::default(),
        run_id: parsed("run_id", &report.run_id)?,
        tool: tool.to_owned(),
        arguments: report.arguments,
        audience: report.audience,
        forced_version: report.forced_version,
        forced_testcases: report.forced_testcases,
        assignment: report.assignment,
        subject: Subject {
            cloud: report.subject.cloud,
            auth_url: report.subject.auth_url,
            region: report.subject.region,
        },
        scope: Scope { uuid: report.scope.uuid, name: report.scope.name, url: report.scope.url },
        reference_date: parsed("reference_date", &report.reference_date)?,
        recorded_at: parsed("recorded_at", &report.recorded_at)?,
        judged_at: parsed("judged_at", &report.judged_at)?,
        checked_at: parsed("checked_at", &report.checked_at)?,
        chosen,
        versions: report.versions.into_iter().map(version).collect::<Result<_, _>>()?,
        testcases: testcases.collect::<Result<_, _>>()?,
        unavailable: report.unavailable.into_iter().map(unavailable).collect::<Result<_, _>>()?,
        leftovers: report.leftovers.into_iter().map(leftover).collect(),
        timings: timings(report.timings)?,
    };
    // The document has their sum alone.
    report.count_declared();
    Ok(report)
}

fn chosen(readings: &[v1::Reading]) -> Result<Chosen, ReadError> {
    let has = |reading| readings.contains(&reading);
    match (has(v1::Reading::Official), has(v1::Reading::Text)) {
        (true, true) => Ok(Chosen::Both),
        (true, false) => Ok(Chosen::Official),
        (false, true) => Ok(Chosen::Text),
        (false, false) => Err(ReadError::Unknown { what: "readings", value: "[]".to_owned() }),
    }
}

fn version(version: v1::Version) -> Result<VersionSummary, ReadError> {
    Ok(VersionSummary {
        version: version.version,
        validity: version.validity.map(Into::into),
        stabilized_at: version.stabilized_at.map(|day| parsed("stabilized_at", &day)).transpose()?,
        targets: version
            .targets
            .into_iter()
            .map(|target| TargetSummary {
                target: target.target,
                official: target.official.map(Into::into).unwrap_or_default(),
                text: target.text.map(Into::into).unwrap_or_default(),
            })
            .collect(),
    })
}

fn testcase_of(testcase: v1::Testcase, chosen: Chosen) -> Result<TestcaseReport, ReadError> {
    let official: Option<Verdict> = testcase.official.map(Into::into);
    let findings = testcase.findings.into_iter().map(finding);
    Ok(TestcaseReport {
        title: testcase.title,
        standard: testcase.standard,
        clause: testcase.clause,
        demand: testcase.demand.map(Into::into),
        explanation: testcase.explanation,
        remedy: testcase.remedy,
        url: testcase.url,
        places: testcase
            .places
            .into_iter()
            .map(|place| Membership { version: place.version, target: place.target })
            .collect(),
        own: testcase.own,
        manual: testcase.manual,
        declared: testcase.declared.map(declared).transpose()?,
        // A reading that was not asked for is shown nowhere, so that any verdict will do.
        text: match testcase.text {
            Some(text) => text.into(),
            None if chosen.shows_text() => {
                return Err(ReadError::Unknown { what: "verdict of the text", value: testcase.id });
            }
            None => official.unwrap_or(Verdict::Miss),
        },
        official,
        findings: findings.collect::<Result<_, _>>()?,
        differences: testcase.differences,
        id: testcase.id,
    })
}

fn declared(declared: v1::Declared) -> Result<Declared, ReadError> {
    let date = parsed("date of a declaration", &declared.date)?;
    let through = |day: Option<String>| day.map_or(Ok(date), |day| parsed("valid_until", &day));
    Ok(Declared {
        verdict: declared.verdict.into(),
        signer: Signer {
            name: declared.signer.name,
            role: declared.signer.role,
            contact: declared.signer.contact,
        },
        date,
        official_through: through(declared.official_valid_until)?,
        text_through: through(declared.text_valid_until)?,
        answers: declared
            .answers
            .into_iter()
            .map(|answer| DeclaredAnswer {
                question: answer.question,
                text: answer.text,
                answer: answer.answer,
                means: answer.means,
                evidence: answer.evidence,
                remark: answer.remark,
            })
            .collect(),
    })
}

fn finding(finding: v1::Finding) -> Result<Finding, ReadError> {
    let has = |reading| finding.readings.contains(&reading);
    Ok(Finding {
        weight: match finding.weight {
            v1::Weight::Failure => Weight::Failure,
            v1::Weight::Abort => Weight::Abort,
            v1::Weight::Note => Weight::Note,
        },
        readings: match (has(v1::Reading::Official), has(v1::Reading::Text)) {
            (true, true) => Readings::Both,
            (true, false) => Readings::Official,
            (false, true) => Readings::Text,
            (false, false) => {
                return Err(ReadError::Unknown { what: "readings of a finding", value: finding.found });
            }
        },
        resource: finding.resource.map(|resource| Resource::new(resource.kind, resource.id, resource.name)),
        expected: finding.expected.into(),
        found: finding.found.into(),
    })
}

fn leftover(leftover: v1::Leftover) -> Leftover {
    let v1::Leftover { kind, name, id, why } = leftover;
    Leftover { kind, name, id, why }
}

fn unavailable(unavailable: v1::UnavailableFact) -> Result<UnavailableFact, ReadError> {
    Ok(UnavailableFact {
        fact: fact(unavailable.fact)?,
        why: Unavailable {
            reason: named::<Reason>("reason", unavailable.reason)?,
            request: unavailable.request,
            status: unavailable.status,
            message: unavailable.message,
            request_id: unavailable.request_id,
        },
    })
}

fn timings(timings: v1::Timings) -> Result<Timings, ReadError> {
    let timing = |timing: v1::FactTiming| {
        Ok(FactTiming {
            fact: fact(timing.fact)?,
            started_us: timing.started_us,
            duration_us: timing.duration_us,
            calls: timing.calls,
        })
    };
    let call = |call: v1::Call| {
        Ok(Call {
            fact: fact(call.fact)?,
            method: call.method,
            url: call.url,
            status: call.status,
            request_id: call.request_id,
            started_us: call.started_us,
            duration_us: call.duration_us,
            attempt: call.attempt,
            bytes: call.bytes,
        })
    };
    Ok(Timings {
        facts: timings.facts.into_iter().map(timing).collect::<Result<_, ReadError>>()?,
        critical_path_us: timings.critical_path_us,
        wall_us: timings.wall_us,
        calls: timings.calls.into_iter().map(call).collect::<Result<_, ReadError>>()?,
    })
}

fn fact(word: String) -> Result<FactId, ReadError> {
    named("fact", word)
}

/// What a word of snapshots stands for.
fn named<T: DeserializeOwned>(what: &'static str, word: String) -> Result<T, ReadError> {
    serde_json::from_value(Value::String(word.clone())).map_err(|_| ReadError::Unknown { what, value: word })
}

fn parsed<T: std::str::FromStr>(what: &'static str, text: &str) -> Result<T, ReadError> {
    text.parse().map_err(|_| ReadError::Unknown { what, value: text.to_owned() })
}

impl From<v1::Tally> for Tally {
    fn from(tally: v1::Tally) -> Self {
        let v1::Tally { pass, fail, abort, miss, .. } = tally;
        Tally { pass, fail, abort, miss, ..Tally::default() }
    }
}

impl From<v1::Verdict> for Verdict {
    fn from(verdict: v1::Verdict) -> Self {
        match verdict {
            v1::Verdict::Pass => Verdict::Pass,
            v1::Verdict::Fail => Verdict::Fail,
            v1::Verdict::Abort => Verdict::Abort,
            v1::Verdict::Miss => Verdict::Miss,
        }
    }
}

impl From<v1::Demand> for Demand {
    fn from(demand: v1::Demand) -> Self {
        match demand {
            v1::Demand::Must => Demand::Must,
            v1::Demand::Should => Demand::Should,
            v1::Demand::May => Demand::May,
        }
    }
}

impl From<v1::Validity> for Validity {
    fn from(validity: v1::Validity) -> Self {
        match validity {
            v1::Validity::Effective => Validity::Effective,
            v1::Validity::Warn => Validity::Warn,
            v1::Validity::Draft => Validity::Draft,
            v1::Validity::Deprecated => Validity::Deprecated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, fixture, json, render};

    /// Reports with all that a report can have, in each choice of readings.
    fn reports() -> impl Iterator<Item = Report> {
        [Chosen::Both, Chosen::Official, Chosen::Text].into_iter().map(|chosen| {
            let leftover = Leftover {
                kind: "volume".to_owned(),
                name: fixture::HOSTILE.to_owned(),
                id: None,
                why: "HTTP 500".to_owned(),
            };
            let mut report = Report { chosen, ..fixture::report() };
            if chosen == Chosen::Official {
                report.testcases.retain(|testcase| !testcase.own);
                report.leftovers.push(leftover);
            }
            report
        })
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        for report in reports() {
            let written = json(&[report.clone(), fixture::report()]).unwrap();
            assert_eq!(json(&read_reports(&written).unwrap()).unwrap(), written);
        }
        assert!(read_reports(&json(&[]).unwrap()).unwrap().is_empty());
    }

    #[test]
    fn every_format_shows_of_it_what_it_showed_before() {
        for report in reports() {
            let reports = [report];
            let read = read_reports(&json(&reports).unwrap()).unwrap();
            for format in Format::ALL {
                let is_whole = format != Format::Yaml || reports[0].chosen.shows_official();
                if format != Format::Human && is_whole {
                    let (before, after) = (render(format, &reports).unwrap(), render(format, &read).unwrap());
                    assert_eq!(after, before, "{format}, {:?}", reports[0].chosen);
                }
            }
        }
    }

    #[test]
    fn what_is_not_known_is_named() {
        let written = json(&[fixture::report()]).unwrap();
        for (from, to, message) in [
            ("\"volume_types\"", "\"dreams\"", "unknown fact: dreams"),
            ("2026-11-22T02:18:01.324258Z", "yesterday", "unknown checked_at: yesterday"),
        ] {
            let spoilt = written.replace(from, to);
            assert_ne!(spoilt, written);
            assert!(read_reports(&spoilt).unwrap_err().to_string().contains(message), "{message}");
        }
        assert!(matches!(
            read_reports(r#"{"format": "assay-report", "version": 2}"#),
            Err(ReadError::Other { version: 2, .. })
        ));
        assert!(matches!(read_reports("[]"), Err(ReadError::Shape(_))));
    }
}
