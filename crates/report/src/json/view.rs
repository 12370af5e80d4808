//! From the model to version 1 of the document.

use assay_inventory::{FactId, Leftover, Reason};
use assay_standards::scope::Validity;
use assay_testcases::{Demand, Finding, Reading, Readings, Weight};
use serde::Serialize;

use super::v1;
use crate::{
    Comparison, Declared, DeclaredAnswer, Effect, ExitCode, Mark, Mended, News, Report, Tally,
    TestcaseReport, Timings, UnavailableFact, VersionSummary, Waiver,
};

impl From<&[Report]> for v1::Document {
    fn from(reports: &[Report]) -> Self {
        v1::Document {
            format: "assay-report".to_owned(),
            version: 1,
            tool: reports.first().map(|report| report.tool.clone()),
            exit_code: ExitCode::of(reports).code(),
            reports: reports.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Report> for v1::Report {
    fn from(report: &Report) -> Self {
        let deciding = report.chosen.deciding();
        v1::Report {
            run_id: report.run_id.to_string(),
            subject: v1::Subject {
                cloud: report.subject.cloud.clone(),
                auth_url: report.subject.auth_url.clone(),
                region: report.subject.region.clone(),
            },
            scope: v1::Scope {
                uuid: report.scope.uuid.clone(),
                name: report.scope.name.clone(),
                url: report.scope.url.clone(),
            },
            reference_date: report.reference_date.to_string(),
            recorded_at: report.recorded_at.to_string(),
            judged_at: report.judged_at.to_string(),
            checked_at: report.checked_at.to_string(),
            arguments: report.arguments.clone(),
            audience: report.audience.clone(),
            forced_version: report.forced_version.clone(),
            forced_testcases: report.forced_testcases.clone(),
            assignment: report.assignment.clone(),
            readings: [Reading::Official, Reading::Text]
                .into_iter()
                .filter(|reading| report.chosen.includes(*reading))
                .map(Into::into)
                .collect(),
            deciding: deciding.into(),
            verdict: report.tally(deciding).verdict().into(),
            versions: report.versions.iter().map(|version| version_view(report, version)).collect(),
            testcases: report.testcases.iter().map(|testcase| testcase_view(report, testcase)).collect(),
            unavailable: report.unavailable.iter().map(Into::into).collect(),
            leftovers: report.leftovers.iter().map(Into::into).collect(),
            timings: (&report.timings).into(),
            waivers: report
                .gate
                .waivers
                .iter()
                .map(|(waiver, effect, findings)| waiver_effect(waiver, *effect, *findings))
                .collect(),
            baseline: report.gate.comparison.as_ref().map(Into::into),
        }
    }
}

fn version_view(report: &Report, version: &VersionSummary) -> v1::Version {
    v1::Version {
        version: version.version.clone(),
        validity: version.validity.map(Into::into),
        stabilized_at: version.stabilized_at.map(|date| date.to_string()),
        targets: version
            .targets
            .iter()
            .map(|target| v1::Target {
                target: target.target.clone(),
                official: report.chosen.shows_official().then(|| target.official.into()),
                text: report.chosen.shows_text().then(|| target.text.into()),
            })
            .collect(),
    }
}

fn testcase_view(report: &Report, testcase: &TestcaseReport) -> v1::Testcase {
    let verdict = |reading| report.verdict(testcase, reading).map(Into::into);
    let both = report.chosen.shows_official() && report.chosen.shows_text();
    v1::Testcase {
        id: testcase.id.clone(),
        title: testcase.title.clone(),
        standard: testcase.standard.clone(),
        clause: testcase.clause.clone(),
        demand: testcase.demand.map(Into::into),
        explanation: testcase.explanation.clone(),
        remedy: testcase.remedy.clone(),
        url: testcase.url.clone(),
        places: testcase
            .places
            .iter()
            .map(|place| v1::Place { version: place.version.clone(), target: place.target.clone() })
            .collect(),
        own: testcase.own,
        manual: testcase.manual,
        declared: testcase.declared.as_ref().map(|declared| declared_view(report, declared)),
        official: verdict(Reading::Official),
        text: verdict(Reading::Text),
        fails_run: report.fails_run(testcase),
        differs: report.differs(testcase),
        differences: if both { testcase.differences.clone() } else { Vec::new() },
        findings: report.marked(testcase).map(Into::into).collect(),
    }
}

fn declared_view(report: &Report, declared: &Declared) -> v1::Declared {
    let through = |reading| report.chosen.includes(reading).then(|| declared.through(reading).to_string());
    v1::Declared {
        verdict: declared.verdict.into(),
        signer: v1::Signer {
            name: declared.signer.name.clone(),
            role: declared.signer.role.clone(),
            contact: declared.signer.contact.clone(),
        },
        date: declared.date.to_string(),
        official_valid_until: through(Reading::Official),
        text_valid_until: through(Reading::Text),
        answers: declared.answers.iter().map(Into::into).collect(),
    }
}

impl From<&DeclaredAnswer> for v1::DeclaredAnswer {
    fn from(answer: &DeclaredAnswer) -> Self {
        v1::DeclaredAnswer {
            question: answer.question.clone(),
            text: answer.text.clone(),
            answer: answer.answer.clone(),
            means: answer.means.clone(),
            evidence: answer.evidence.clone(),
            remark: answer.remark.clone(),
        }
    }
}

fn waiver_effect(waiver: &Waiver, effect: Effect, findings: usize) -> v1::WaiverEffect {
    v1::WaiverEffect {
        testcase: waiver.testcase.clone(),
        waiver: waiver.into(),
        effect: match effect {
            Effect::InForce => v1::Effect::InForce,
            Effect::Expired => v1::Effect::Expired,
            Effect::Idle => v1::Effect::Idle,
        },
        findings,
    }
}

impl From<&Waiver> for v1::Waiver {
    fn from(waiver: &Waiver) -> Self {
        v1::Waiver {
            resource: waiver.resource.as_ref().map(ToString::to_string),
            reason: waiver.reason.clone(),
            owner: waiver.owner.clone(),
            expires: waiver.expires.to_string(),
        }
    }
}

impl From<&Comparison> for v1::Comparison {
    fn from(comparison: &Comparison) -> Self {
        let mended = |Mended { testcase, resource, expected }: &Mended| v1::Mended {
            testcase: testcase.clone(),
            kind: resource.as_ref().map(|(kind, _)| kind.clone()),
            name: resource.as_ref().map(|(_, name)| name.clone()),
            expected: expected.clone(),
        };
        v1::Comparison {
            run_id: comparison.run_id.clone(),
            checked_at: comparison.checked_at.clone(),
            new: comparison.new,
            known: comparison.known,
            mended: comparison.mended.iter().map(mended).collect(),
        }
    }
}

impl From<(&Finding, &Mark)> for v1::Finding {
    fn from((finding, mark): (&Finding, &Mark)) -> Self {
        v1::Finding {
            weight: match finding.weight {
                Weight::Failure => v1::Weight::Failure,
                Weight::Abort => v1::Weight::Abort,
                Weight::Note => v1::Weight::Note,
            },
            readings: match finding.readings {
                Readings::Official => vec![v1::Reading::Official],
                Readings::Text => vec![v1::Reading::Text],
                Readings::Both => vec![v1::Reading::Official, v1::Reading::Text],
            },
            resource: finding.resource.as_ref().map(|resource| v1::Resource {
                kind: resource.kind.to_string(),
                id: resource.id.clone(),
                name: resource.name.clone(),
            }),
            expected: finding.expected.to_string(),
            found: finding.found.to_string(),
            waiver: mark.waiver.as_deref().map(Into::into),
            waived: mark.is_waived,
            baseline: mark.news.map(|news| match news {
                News::New => v1::News::New,
                News::Known => v1::News::Known,
            }),
        }
    }
}

impl From<&Leftover> for v1::Leftover {
    fn from(leftover: &Leftover) -> Self {
        let Leftover { kind, name, id, why } = leftover.clone();
        v1::Leftover { kind, name, id, why }
    }
}

impl From<&UnavailableFact> for v1::UnavailableFact {
    fn from(unavailable: &UnavailableFact) -> Self {
        let why = &unavailable.why;
        v1::UnavailableFact {
            fact: fact_name(unavailable.fact),
            reason: reason_name(why.reason),
            request: why.request.clone(),
            status: why.status,
            message: why.message.clone(),
            request_id: why.request_id.clone(),
        }
    }
}

impl From<&Timings> for v1::Timings {
    fn from(timings: &Timings) -> Self {
        let fact_timing = |timing: &crate::FactTiming| v1::FactTiming {
            fact: fact_name(timing.fact),
            started_us: timing.started_us,
            duration_us: timing.duration_us,
            calls: timing.calls,
        };
        let call = |call: &assay_inventory::Call| v1::Call {
            fact: fact_name(call.fact),
            method: call.method.clone(),
            url: call.url.clone(),
            status: call.status,
            request_id: call.request_id.clone(),
            started_us: call.started_us,
            duration_us: call.duration_us,
            attempt: call.attempt,
            bytes: call.bytes,
        };
        v1::Timings {
            wall_us: timings.wall_us,
            critical_path_us: timings.critical_path_us,
            facts: timings.facts.iter().map(fact_timing).collect(),
            calls: timings.calls.iter().map(call).collect(),
        }
    }
}

impl From<Tally> for v1::Tally {
    fn from(tally: Tally) -> Self {
        v1::Tally {
            pass: tally.pass,
            fail: tally.fail,
            abort: tally.abort,
            miss: tally.miss,
            declared: tally.declared(),
            verdict: tally.verdict().into(),
        }
    }
}

impl From<assay_standards::Verdict> for v1::Verdict {
    fn from(verdict: assay_standards::Verdict) -> Self {
        match verdict {
            assay_standards::Verdict::Pass => v1::Verdict::Pass,
            assay_standards::Verdict::Fail => v1::Verdict::Fail,
            assay_standards::Verdict::Abort => v1::Verdict::Abort,
            assay_standards::Verdict::Miss => v1::Verdict::Miss,
        }
    }
}

impl From<Reading> for v1::Reading {
    fn from(reading: Reading) -> Self {
        match reading {
            Reading::Official => v1::Reading::Official,
            Reading::Text => v1::Reading::Text,
        }
    }
}

impl From<Demand> for v1::Demand {
    fn from(demand: Demand) -> Self {
        match demand {
            Demand::Must => v1::Demand::Must,
            Demand::Should => v1::Demand::Should,
            Demand::May => v1::Demand::May,
        }
    }
}

impl From<Validity> for v1::Validity {
    fn from(validity: Validity) -> Self {
        match validity {
            Validity::Effective => v1::Validity::Effective,
            Validity::Warn => v1::Validity::Warn,
            Validity::Draft => v1::Validity::Draft,
            Validity::Deprecated => v1::Validity::Deprecated,
        }
    }
}

fn fact_name(fact: FactId) -> String {
    word(fact)
}

fn reason_name(reason: Reason) -> String {
    word(reason)
}

/// The word that snapshots use, so that both files speak of a fact or a reason alike.
fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
