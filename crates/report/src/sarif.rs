//! SARIF 2.1.0 (OASIS), for viewers of findings and for code scanning.

mod schema;

use std::fmt::Write as _;

use assay_testcases::{Demand, Finding, Reading, Readings, Weight};

use self::schema::{
    ArtifactLocation, Configuration, Descriptor, DescriptorReference, Driver, Invocation, Location, Log,
    LogicalLocation, Message, MultiformatMessage, Notification, PhysicalLocation, Region, ResultProperties,
    RuleProperties, Run, RunProperties, SarifResult, Suppression, Tool, VersionVerdict,
};
use crate::identity::{Twins, identity, path_segment};
use crate::json::pretty;
use crate::text::{escape_markdown, name_and_version, sentence, visible, web_address};
use crate::{Declared, Mark, News, RenderError, Report, TestcaseReport};

/// A run per subject, a rule per testcase, a result per finding. What could not be judged is no result but a
/// notification of the run.
pub fn sarif(reports: &[Report]) -> Result<String, RenderError> {
    pretty(&Log { schema: schema::URL, version: "2.1.0", runs: reports.iter().map(run).collect() })
}

fn run(report: &Report) -> Run {
    let (name, version) = name_and_version(&report.tool);
    let mut twins = Twins::default();
    let mut results = Vec::new();
    let mut notifications = Vec::new();
    for (index, testcase) in report.testcases.iter().enumerate() {
        for (finding, mark) in report.marked(testcase) {
            if finding.weight == Weight::Abort {
                notifications.push(notification(testcase, index, finding));
            } else if !is_reason_of_a_miss(report, testcase) {
                results.push(result(report, testcase, index, (finding, mark), &mut twins));
            }
        }
    }
    let execution_successful = notifications.is_empty();
    notifications.extend(report.gate.remarks().map(remark));
    Run {
        tool: Tool {
            driver: Driver {
                name: name.to_owned(),
                version: version.map(ToOwned::to_owned),
                rules: report.testcases.iter().map(rule).collect(),
            },
        },
        invocations: [Invocation {
            execution_successful,
            arguments: report.arguments.clone(),
            start_time_utc: report.recorded_at.to_string(),
            end_time_utc: report.checked_at.to_string(),
            tool_execution_notifications: notifications,
        }],
        results,
        column_kind: "unicodeCodePoints",
        automation_details: schema::AutomationDetails { id: category(report) },
        properties: run_properties(report),
    }
}

/// What results are compared with: those of earlier runs on the same region.
fn category(report: &Report) -> String {
    let parts = [Some(&report.subject.cloud), report.subject.region.as_ref()];
    let path: String = parts.into_iter().flatten().map(|part| path_segment(part) + "/").collect();
    format!("assay/{path}")
}

/// A testcase without a result has its reason as a note; that is no observation about the cloud.
fn is_reason_of_a_miss(report: &Report, testcase: &TestcaseReport) -> bool {
    let verdict = report.verdict(testcase, Reading::Text).or(report.verdict(testcase, Reading::Official));
    verdict == Some(assay_standards::Verdict::Miss)
}

fn run_properties(report: &Report) -> RunProperties {
    let verdict = |asked: bool, tally: crate::Tally| asked.then(|| tally.verdict().as_str());
    RunProperties {
        subject: report.subject.cloud.clone(),
        region: report.subject.region.clone(),
        scope: report.scope.name.clone(),
        reference_date: report.reference_date.to_string(),
        versions: report
            .versions
            .iter()
            .flat_map(|version| version.targets.iter().map(move |target| (version, target)))
            .map(|(version, target)| VersionVerdict {
                version: version.version.clone(),
                target: target.target.clone(),
                official: verdict(report.chosen.shows_official(), target.official),
                text: verdict(report.chosen.shows_text(), target.text),
            })
            .collect(),
    }
}

fn rule(testcase: &TestcaseReport) -> Descriptor {
    let url = testcase.url.as_deref().and_then(web_address);
    let or_title = |text: &str| if text.is_empty() { testcase.title.clone() } else { text.to_owned() };
    let demanded_by = format!("{} {}", testcase.standard, testcase.clause);
    let mut text = or_title(&testcase.remedy);
    let mut markdown = escape_markdown(&text);
    if !testcase.standard.is_empty() {
        let _ = write!(text, "\n\nDemanded by {}.", demanded_by.trim());
        let _ = write!(markdown, "\n\nDemanded by **{}**.", escape_markdown(demanded_by.trim()));
    }
    if let Some(url) = url {
        let _ = write!(text, "\n\nSee {url}");
        let _ = write!(markdown, "\n\nSee <{url}>");
    }
    Descriptor {
        id: testcase.id.clone(),
        name: pascal_case(&testcase.id),
        short_description: Message { text: testcase.title.clone() },
        full_description: Message { text: or_title(&testcase.explanation) },
        help: MultiformatMessage { text, markdown },
        help_uri: url.map(ToOwned::to_owned),
        default_configuration: Configuration { level: level_of(testcase.demand) },
        properties: RuleProperties {
            standard: testcase.standard.clone(),
            tags: testcase.places.iter().map(|place| format!("{}/{}", place.version, place.target)).collect(),
        },
    }
}

fn result(
    report: &Report,
    testcase: &TestcaseReport,
    rule_index: usize,
    (finding, mark): (&Finding, &Mark),
    twins: &mut Twins,
) -> SarifResult {
    let decides = finding.readings.include(report.chosen.deciding());
    let (kind, level) = match finding.weight {
        // SARIF 2.1.0, 3.27.10: a result that is no failure has no level.
        Weight::Note | Weight::Abort => ("informational", "none"),
        // What people declared decides nothing that a run is asked for.
        Weight::Failure if testcase.manual => ("fail", level_of(testcase.demand.max(Some(Demand::Should)))),
        Weight::Failure if decides => ("fail", level_of(testcase.demand)),
        // What the other reading alone objects to must not fail a gate on errors.
        Weight::Failure => ("fail", level_of(testcase.demand.max(Some(Demand::Should)))),
    };
    let verdict = |reading| report.verdict(testcase, reading).map(assay_standards::Verdict::as_str);
    SarifResult {
        rule_id: testcase.id.clone(),
        rule_index,
        kind,
        level,
        message: Message { text: message(testcase, finding) },
        locations: [location(report, finding)],
        partial_fingerprints: fingerprint(testcase, finding, twins),
        baseline_state: mark.news.map(|news| match news {
            News::New => "new",
            News::Known => "unchanged",
        }),
        suppressions: suppressions(mark),
        properties: ResultProperties {
            readings: match finding.readings {
                Readings::Official => &["official"],
                Readings::Text => &["text"],
                Readings::Both => &["official", "text"],
            },
            official: verdict(Reading::Official),
            text: verdict(Reading::Text),
            declared: testcase.declared.as_ref().map(declared),
            waiver: mark.waiver_words(),
            differences: if report.differs(testcase) { testcase.differences.clone() } else { Vec::new() },
        },
    }
}

fn message(testcase: &TestcaseReport, finding: &Finding) -> String {
    let sentence = sentence(finding);
    match &testcase.declared {
        Some(declared) => {
            let by = format!("{}, {}", declared.signed(), declared.date);
            format!("{sentence} (not measured; declared by {})", visible(&by))
        }
        None => sentence,
    }
}

fn declared(declared: &Declared) -> schema::DeclaredBy {
    schema::DeclaredBy {
        verdict: declared.verdict.as_str(),
        name: declared.signer.name.clone(),
        role: declared.signer.role.clone(),
        date: declared.date.to_string(),
        evidence: declared.evidence().map(|(_, address)| address.to_owned()).collect(),
    }
}

fn notification(testcase: &TestcaseReport, index: usize, finding: &Finding) -> Notification {
    Notification {
        level: "error",
        message: Message { text: sentence(finding) },
        associated_rule: Some(DescriptorReference { id: testcase.id.clone(), index }),
    }
}

fn remark(text: String) -> Notification {
    Notification { level: "warning", message: Message { text }, associated_rule: None }
}

/// A waiver in force; the file of waivers is outside of what was checked.
fn suppressions(mark: &Mark) -> Option<[Suppression; 1]> {
    let justification = mark.waiver_words().filter(|_| mark.is_waived)?;
    Some([Suppression { kind: "external", status: "accepted", justification }])
}

/// Where the thing is: its name in the cloud. A cloud has no files, but code scanning refuses results without
/// one, so the same path stands in as an artifact.
fn location(report: &Report, finding: &Finding) -> Location {
    let cloud = &report.subject.cloud;
    let (kind, name) = match &finding.resource {
        Some(resource) if resource.name.is_empty() => (&*resource.kind, resource.id.as_str()),
        Some(resource) => (&*resource.kind, resource.name.as_str()),
        None => ("cloud", cloud.as_str()),
    };
    let parts = match &finding.resource {
        Some(_) => vec![cloud.as_str(), kind, name],
        None => vec![cloud.as_str()],
    };
    Location {
        physical_location: PhysicalLocation {
            artifact_location: ArtifactLocation {
                uri: parts.iter().map(|part| path_segment(part)).collect::<Vec<_>>().join("/"),
            },
            region: Region { start_line: 1 },
        },
        logical_locations: [LogicalLocation {
            name: name.to_owned(),
            fully_qualified_name: parts.join("/"),
            kind: if finding.resource.is_some() { "resource" } else { "namespace" },
        }],
    }
}

fn level_of(demand: Option<Demand>) -> &'static str {
    match demand {
        Some(Demand::Must) | None => "error",
        Some(Demand::Should) => "warning",
        Some(Demand::May) => "note",
    }
}

/// What tells a result from others over many runs; see `identity.rs`.
fn fingerprint(
    testcase: &TestcaseReport,
    finding: &Finding,
    twins: &mut Twins,
) -> schema::PartialFingerprints {
    let thing = finding.resource.as_ref().map(|resource| {
        let name = if resource.name.is_empty() { &resource.id } else { &resource.name };
        (&*resource.kind, name.as_str())
    });
    let print = identity(&testcase.id, thing, &finding.expected);
    schema::PartialFingerprints { finding_v1: twins.told_apart(print) }
}

/// SARIF names rules in Pascal case.
fn pascal_case(id: &str) -> String {
    id.split(|c: char| !c.is_alphanumeric())
        .flat_map(|word| {
            word.chars()
                .enumerate()
                .flat_map(|(i, c)| if i == 0 { c.to_uppercase().collect() } else { vec![c] })
        })
        .collect()
}

#[cfg(test)]
mod tests;
