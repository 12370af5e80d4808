use askama::Template;
use assay_standards::scope::{Spec, Version};

use super::Shown;
use super::text::address;
use crate::findings::{CameOut, Finding, Sides};

/// What a subject stated, what was measured and what auditors found, testcase by testcase.
#[derive(Template)]
#[template(path = "audit.html")]
pub(super) struct AuditPage<'p> {
    base: &'p str,
    subject: &'p str,
    scope: &'p str,
    version: &'p str,
    contradictions: Vec<(&'p str, String)>,
    rows: Vec<Row<'p>>,
}

#[derive(Template)]
#[template(path = "audit.md", escape = "none")]
struct AuditMarkdown<'p>(&'p AuditPage<'p>);

struct Row<'p> {
    testcase: &'p str,
    is_manual: bool,
    target: &'p str,
    /// What was declared, and what was measured.
    cells: [(&'static str, Option<Cell>); 2],
    findings: Vec<Found<'p>>,
    /// `fail` where something contradicts something.
    class: &'static str,
}

struct Cell {
    verdict: String,
    day: String,
    report: String,
    is_old: bool,
}

struct Found<'p> {
    finding: &'p Finding,
    /// Where it can be seen, if that is an address.
    link: Option<&'p str>,
}

impl<'p> AuditPage<'p> {
    pub(super) fn new(
        (base, subject): (&'p str, &'p str),
        (spec, version): (&'p Spec, &'p Version),
        all: &[Sides<'p>],
    ) -> Self {
        let told = |sides: &Sides<'p>| {
            let testcase = sides.testcase;
            sides.contradictions().into_iter().map(move |told| (testcase, told))
        };
        let contradictions = all.iter().flat_map(told);
        let rows = all.iter().map(|sides| Row {
            testcase: sides.testcase,
            is_manual: sides.is_manual,
            target: sides.target.unwrap_or_default(),
            cells: [("Declared", &sides.declared), ("Measured", &sides.measured)]
                .map(|(label, found)| (label, found.as_ref().map(Cell::of))),
            findings: sides
                .findings
                .iter()
                .map(|finding| Found { finding, link: address(&finding.evidence) })
                .collect(),
            class: if sides.contradictions().is_empty() { "" } else { "fail" },
        });
        Self {
            base,
            subject,
            scope: &spec.name,
            version: &version.name,
            contradictions: contradictions.collect(),
            rows: rows.collect(),
        }
    }
}

impl Cell {
    fn of(found: &CameOut) -> Self {
        Self {
            verdict: found.verdict.to_string(),
            day: found.at.date().to_string(),
            report: found.report.clone(),
            is_old: found.is_old,
        }
    }
}

impl Shown for AuditPage<'_> {
    fn title(&self) -> String {
        format!("Audit of {}: {} {}", self.subject, self.scope, self.version)
    }

    fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }

    fn markdown(&self) -> Result<String, askama::Error> {
        AuditMarkdown(self).render()
    }
}
