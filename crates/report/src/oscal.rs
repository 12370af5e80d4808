//! OSCAL assessment results (NIST), for tools of auditors and for governance, risk and compliance.

use std::collections::{BTreeMap, BTreeSet};

use assay_standards::Verdict;
use assay_testcases::{Finding, Reading, Resource, Weight};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::json::pretty;
use crate::text::{escape_markdown, name_and_version, sentence, visible, web_address};
use crate::{Declared, RenderError, Report, TestcaseReport};

/// The release of OSCAL that is written. Later ones of the same major number read it.
const VERSION: &str = "1.1.3";
/// What tells our properties from those of OSCAL and of others.
const NAMESPACE: &str = "urn:assay:oscal:1";

/// A document with a result per subject. Testcases are the objectives: each has a finding, whose state is that of the
/// deciding reading; the verdicts of both are properties. What was seen are observations, and each tells in which
/// reading it counts. Ids follow from the ids of the runs, so that the same reports give the same document.
///
/// # Errors
/// There is no report: assessment results without a result are none.
pub fn oscal(reports: &[Report]) -> Result<String, RenderError> {
    let newest = reports.iter().map(|report| report.checked_at).max().ok_or(RenderError::NoSubject)?;
    let ids = Ids::of(reports);
    let scopes: BTreeMap<String, &Report> =
        reports.iter().map(|report| (plan_id(report).to_string(), report)).collect();
    let resources: Vec<Value> = scopes.iter().map(|(id, report)| plan(id, report)).collect();
    let subjects: Vec<String> = reports.iter().map(subject).collect();
    let mut metadata = json!({
        "title": markup(&format!("Conformance of {}", subjects.join(", "))),
        "last-modified": newest.to_string(),
        "version": newest.to_string(),
        "oscal-version": VERSION,
    });
    let parties: BTreeMap<String, Value> = reports
        .iter()
        .flat_map(Report::declared)
        .map(|(_, declared)| (person_id(declared).to_string(), person(declared)))
        .collect();
    if !parties.is_empty() {
        metadata["parties"] = parties.into_values().collect();
    }
    let results: Vec<Value> =
        reports.iter().zip(&ids.results).map(|(report, id)| Assessment::of(report, *id).result()).collect();
    pretty(&json!({
        "assessment-results": {
            "uuid": ids.document,
            "metadata": metadata,
            // There is no assessment plan in OSCAL: what was to be assessed says the scope.
            "import-ap": { "href": format!("#{}", resources[0]["uuid"].as_str().unwrap_or_default()) },
            "results": results,
            "back-matter": { "resources": resources },
        }
    }))
}

/// Ids of version 5, which hang on nothing but what they stand for.
struct Ids {
    document: Uuid,
    results: Vec<Uuid>,
}

impl Ids {
    fn of(reports: &[Report]) -> Self {
        let mut results: Vec<Uuid> = Vec::with_capacity(reports.len());
        for report in reports {
            // The same report twice gives two results, and two things may not have one id.
            let id = (0..=results.len())
                .map(|twin| derived(report.run_id, &["result", &twin.to_string()]))
                .find(|id| !results.contains(id));
            results.extend(id);
        }
        let all: Vec<String> = results.iter().map(ToString::to_string).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        Ids { document: derived(ours(), &all), results }
    }
}

/// The namespace of ids that are the same in every report.
fn ours() -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, NAMESPACE.as_bytes())
}

fn derived(from: Uuid, parts: &[&str]) -> Uuid {
    // With its length before each part, no name can pose as two.
    let name: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    Uuid::new_v5(&from, name.as_bytes())
}

fn plan_id(report: &Report) -> Uuid {
    derived(ours(), &["scope", &report.scope.uuid, &report.scope.name, &report.scope.url])
}

fn plan(id: &str, report: &Report) -> Value {
    let mut resource = json!({
        "uuid": id,
        "title": markup(&report.scope.name),
        "description": "The scope, which says for each version which testcases it takes.",
        "props": props([("scope-uuid", report.scope.uuid.as_str())]),
    });
    if let Some(url) = web_address(&report.scope.url) {
        resource["rlinks"] = json!([{ "href": url }]);
    }
    resource
}

fn person_id(declared: &Declared) -> Uuid {
    let signer = &declared.signer;
    derived(ours(), &["person", &signer.name, &signer.role, &signer.contact])
}

fn person(declared: &Declared) -> Value {
    let signer = &declared.signer;
    json!({
        "uuid": person_id(declared),
        "type": "person",
        "name": line(&signer.name),
        "props": props([("role", signer.role.as_str()), ("contact", signer.contact.as_str())]),
    })
}

fn subject(report: &Report) -> String {
    match &report.subject.region {
        Some(region) => format!("{} ({region})", report.subject.cloud),
        None => report.subject.cloud.clone(),
    }
}

/// What is the same for all of a result.
struct Assessment<'r> {
    report: &'r Report,
    id: Uuid,
    subject: Uuid,
    tool: Uuid,
}

impl<'r> Assessment<'r> {
    fn of(report: &'r Report, id: Uuid) -> Self {
        let region = report.subject.region.as_deref().unwrap_or_default();
        // A cloud is the same one in the next report.
        let subject = derived(ours(), &["subject", &report.subject.cloud, region]);
        Assessment { report, id, subject, tool: derived(ours(), &["tool", &report.tool]) }
    }

    fn result(&self) -> Value {
        let report = self.report;
        let mut observations = Vec::new();
        let mut findings = Vec::new();
        for testcase in &report.testcases {
            let seen = self.observations(testcase);
            findings.extend(self.finding(testcase, &seen));
            observations.extend(seen);
        }
        let mut result = json!({
            "uuid": self.id,
            "title": markup(&format!("{} of {}", report.scope.name, subject(report))),
            "description": format!(
                "What a check of the subject came to on {}. The {} reading decides.",
                report.reference_date,
                report.chosen.deciding().as_str()
            ),
            "start": report.recorded_at.to_string(),
            "end": report.checked_at.max(report.recorded_at).to_string(),
            "props": self.props(),
            "local-definitions": self.definitions(),
            "reviewed-controls": self.reviewed(),
        });
        for (name, list) in [("observations", observations), ("findings", findings)] {
            // OSCAL knows no empty lists.
            if !list.is_empty() {
                result[name] = list.into();
            }
        }
        result
    }

    fn props(&self) -> Value {
        let report = self.report;
        let day = report.reference_date.to_string();
        let run = report.run_id.to_string();
        let mut all = props([
            ("run-id", run.as_str()),
            ("scope", report.scope.name.as_str()),
            ("reference-date", day.as_str()),
            ("deciding-reading", report.chosen.deciding().as_str()),
        ]);
        for version in &report.versions {
            for target in &version.targets {
                for reading in Reading::ALL.into_iter().filter(|reading| report.chosen.includes(*reading)) {
                    let mut one = prop(reading.as_str(), target.tally(reading).verdict().as_str());
                    one["class"] = "target".into();
                    one["group"] = token(&format!("{}.{}", version.version, target.target)).into();
                    all.push(one);
                }
            }
        }
        all.into()
    }

    /// The cloud, what in it was looked at, and the program.
    fn definitions(&self) -> Value {
        let report = self.report;
        let (name, version) = name_and_version(&report.tool);
        let mut things: BTreeMap<Uuid, Value> = BTreeMap::new();
        for resource in self.shown().filter_map(|(_, finding)| finding.resource.as_ref()) {
            things.entry(self.thing_id(resource)).or_insert_with(|| self.thing(resource));
        }
        let mut definitions = json!({
            "components": [{
                "uuid": self.subject,
                "type": "system",
                "title": markup(&subject(report)),
                "description": "The cloud that was checked.",
                "props": props([
                    ("subject", report.subject.cloud.as_str()),
                    ("region", report.subject.region.as_deref().unwrap_or_default()),
                    ("auth-url", report.subject.auth_url.as_deref().unwrap_or_default()),
                ]),
                "status": { "state": "operational" },
            }],
            "assessment-assets": {
                "components": [{
                    "uuid": self.tool,
                    "type": "software",
                    "title": markup(name),
                    "description": "The program that checked.",
                    "props": props([("tool", report.tool.as_str()), ("version", version.unwrap_or_default())]),
                    "status": { "state": "operational" },
                }],
                "assessment-platforms": [{
                    "uuid": derived(self.tool, &["platform"]),
                    "uses-components": [{ "component-uuid": self.tool }],
                }],
            },
        });
        if !things.is_empty() {
            definitions["inventory-items"] = things.into_values().collect();
        }
        definitions
    }

    fn thing_id(&self, resource: &Resource) -> Uuid {
        derived(self.subject, &[&resource.kind, &resource.id, &resource.name])
    }

    fn thing(&self, resource: &Resource) -> Value {
        let name = if resource.name.is_empty() { &resource.id } else { &resource.name };
        json!({
            "uuid": self.thing_id(resource),
            "description": markup(&format!("{} {name}", resource.kind)),
            "props": props([
                ("kind", &*resource.kind),
                ("id", resource.id.as_str()),
                ("name", resource.name.as_str()),
            ]),
            "implemented-components": [{ "component-uuid": self.subject }],
        })
    }

    /// The documents are the controls, the testcases their objectives.
    fn reviewed(&self) -> Value {
        let standards: BTreeSet<String> = self
            .report
            .testcases
            .iter()
            .filter(|testcase| !testcase.standard.is_empty())
            .map(|testcase| token(&testcase.standard))
            .collect();
        let selection = match standards.is_empty() {
            true => json!({ "include-all": {} }),
            false => json!({
                "include-controls": standards.iter().map(|id| json!({ "control-id": id })).collect::<Vec<_>>(),
            }),
        };
        let objectives: BTreeSet<String> =
            self.report.testcases.iter().map(|testcase| token(&testcase.id)).collect();
        let mut reviewed = json!({ "control-selections": [selection] });
        if !objectives.is_empty() {
            let include: Vec<Value> = objectives.iter().map(|id| json!({ "objective-id": id })).collect();
            reviewed["control-objective-selections"] = json!([{ "include-objectives": include }]);
        }
        reviewed
    }

    fn shown(&self) -> impl Iterator<Item = (&'r TestcaseReport, &'r Finding)> {
        let report = self.report;
        report
            .testcases
            .iter()
            .flat_map(move |testcase| report.findings(testcase).map(move |finding| (testcase, finding)))
    }

    /// What the testcase came to, and then each thing that was seen.
    fn observations(&self, testcase: &TestcaseReport) -> Vec<Value> {
        let summary = self.observation(testcase, None, 0);
        let seen = self.report.findings(testcase).zip(1..);
        let seen = seen.map(|(finding, number)| self.observation(testcase, Some(finding), number));
        std::iter::once(summary).chain(seen).collect()
    }

    fn observation(&self, testcase: &TestcaseReport, finding: Option<&Finding>, number: usize) -> Value {
        let mut all = props([("testcase", testcase.id.as_str())]);
        let (kind, words) = match finding {
            None => {
                all.extend(self.verdicts(testcase));
                ("control-objective", self.summary(testcase))
            }
            Some(finding) => {
                all.push(prop("weight", weight(finding.weight)));
                all.extend(
                    Reading::ALL
                        .into_iter()
                        .filter(|reading| self.report.chosen.includes(*reading))
                        .filter(|reading| finding.readings.include(*reading))
                        .map(|reading| prop("reading", reading.as_str())),
                );
                ("finding", sentence(finding))
            }
        };
        let about = match finding.and_then(|finding| finding.resource.as_ref()) {
            Some(resource) => json!({ "subject-uuid": self.thing_id(resource), "type": "inventory-item" }),
            None => json!({ "subject-uuid": self.subject, "type": "component" }),
        };
        let actor = match &testcase.declared {
            Some(declared) => json!({ "type": "party", "actor-uuid": person_id(declared) }),
            None => json!({ "type": "tool", "actor-uuid": self.tool }),
        };
        let collected = match &testcase.declared {
            // A declaration has a day; it was there at its beginning.
            Some(declared) => format!("{}T00:00:00Z", declared.date),
            None => self.report.recorded_at.to_string(),
        };
        let method = if testcase.declared.is_some() { "INTERVIEW" } else { "TEST" };
        let mut observation = json!({
            "uuid": derived(self.id, &["observation", &testcase.id, &number.to_string()]),
            "title": markup(&testcase.id),
            "description": markup(&words),
            "props": all,
            "methods": [method],
            "types": [kind],
            "origins": [{ "actors": [actor] }],
            "subjects": [about],
            "collected": collected,
        });
        let evidence = evidence(testcase.declared.as_ref().filter(|_| finding.is_none()));
        if !evidence.is_empty() {
            observation["relevant-evidence"] = evidence.into();
        }
        observation
    }

    fn summary(&self, testcase: &TestcaseReport) -> String {
        let verdicts: Vec<String> = Reading::ALL
            .into_iter()
            .filter_map(|reading| {
                Some(format!("{} {}", reading.as_str(), self.report.verdict(testcase, reading)?))
            })
            .collect();
        let how = if testcase.declared.is_some() { " (declared, not measured)" } else { "" };
        format!("{}: {}{how}", testcase.title, verdicts.join(", "))
    }

    fn verdicts(&self, testcase: &TestcaseReport) -> Vec<Value> {
        Reading::ALL
            .into_iter()
            .filter_map(|reading| {
                Some(prop(reading.as_str(), self.report.verdict(testcase, reading)?.as_str()))
            })
            .collect()
    }

    /// Whether the objective is met by the deciding reading; none where nobody was asked.
    fn finding(&self, testcase: &TestcaseReport, seen: &[Value]) -> Option<Value> {
        if testcase.manual && testcase.declared.is_none() {
            return None;
        }
        let deciding = self.report.chosen.deciding();
        let verdict = testcase.verdict(deciding)?;
        let (state, reason) = match verdict {
            Verdict::Pass => ("satisfied", "pass"),
            Verdict::Fail => ("not-satisfied", "fail"),
            // Nothing was shown either way, and what was not shown is not satisfied.
            Verdict::Abort | Verdict::Miss => ("not-satisfied", "other"),
        };
        let mut status = json!({ "state": state, "reason": reason });
        if reason == "other" {
            let why = match verdict {
                Verdict::Abort => "It could not be determined.",
                _ => "There is no result.",
            };
            status["remarks"] = why.into();
        }
        let mut all = props([("testcase", testcase.id.as_str())]);
        all.extend(self.verdicts(testcase));
        all.extend(props([
            ("standard", testcase.standard.as_str()),
            ("clause", testcase.clause.as_str()),
            ("declared", testcase.declared.as_ref().map_or("", |declared| declared.verdict.as_str())),
        ]));
        let mut target = json!({
            "type": "objective-id",
            "target-id": token(&testcase.id),
            "title": markup(&testcase.title),
            "status": status,
        });
        if !testcase.explanation.is_empty() {
            target["description"] = markup(&testcase.explanation).into();
        }
        let mut finding = json!({
            "uuid": derived(self.id, &["finding", &testcase.id]),
            "title": markup(&testcase.title),
            "description": markup(&self.summary(testcase)),
            "props": all,
            "target": target,
            "related-observations": seen
                .iter()
                .map(|observation| json!({ "observation-uuid": observation["uuid"] }))
                .collect::<Vec<_>>(),
        });
        if let Some(url) = testcase.url.as_deref().and_then(web_address) {
            finding["links"] = json!([{ "href": url, "rel": "reference" }]);
        }
        let remarks = self.remarks(testcase, verdict);
        if !remarks.is_empty() {
            finding["remarks"] = remarks.into();
        }
        Some(finding)
    }

    /// What to do, and why the readings differ.
    fn remarks(&self, testcase: &TestcaseReport, verdict: Verdict) -> String {
        let remedy = Some(testcase.remedy.as_str()).filter(|it| verdict == Verdict::Fail && !it.is_empty());
        let differences = testcase.differences.iter().filter(|_| self.report.differs(testcase));
        let paragraphs = remedy.into_iter().chain(differences.map(String::as_str));
        paragraphs.map(markup).collect::<Vec<_>>().join("\n\n")
    }
}

fn evidence(declared: Option<&Declared>) -> Vec<Value> {
    declared
        .into_iter()
        .flat_map(Declared::evidence)
        .map(|(question, address)| {
            let mut one = json!({ "description": markup(&format!("{question}: {address}")) });
            if let Some(address) = web_address(address) {
                one["href"] = address.into();
            }
            one
        })
        .collect()
}

fn weight(weight: Weight) -> &'static str {
    match weight {
        Weight::Failure => "failure",
        Weight::Abort => "abort",
        Weight::Note => "note",
    }
}

fn props<'a>(all: impl IntoIterator<Item = (&'static str, &'a str)>) -> Vec<Value> {
    let all = all.into_iter().filter(|(_, value)| !line(value).is_empty());
    all.map(|(name, value)| prop(name, value)).collect()
}

fn prop(name: &str, value: &str) -> Value {
    json!({ "name": name, "ns": NAMESPACE, "value": line(value) })
}

/// A text as OSCAL takes it for values: in one line, without blanks at its ends.
fn line(text: &str) -> String {
    visible(text).trim().to_owned()
}

/// A text as OSCAL takes it where it expects Markdown.
fn markup(text: &str) -> String {
    let text = line(text);
    if text.is_empty() { "–".to_owned() } else { escape_markdown(&text) }
}

/// A text as OSCAL takes it for names: a letter or a low line, then letters, digits, dots, hyphens and low lines.
fn token(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let token: String = text.chars().map(plain).collect();
    if token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') { token } else { format!("_{token}") }
}

#[cfg(test)]
mod tests;
