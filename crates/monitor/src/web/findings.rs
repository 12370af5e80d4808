//! The audit view for programs: what the subject stated, what was measured, what auditors found.

use assay_standards::scope::{Spec, Version};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::access::Caller;
use super::api::{NamedScope, json_of};
use super::certificates::{Kind, checked, decides, sent};
use super::error::Refusal;
use super::{Path, Shared};
use crate::accounts::{Role, Secret};
use crate::findings::{CameOut, Finding, Opinion, Sides, side_by_side};
use crate::serve::Monitor;
use crate::store::{Standing, civil};

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Wish {
    scope: String,
    version: Option<String>,
}

/// What an auditor says.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewFinding")]
pub(super) struct Found {
    /// By UUID or slug.
    pub(super) scope: String,
    pub(super) testcase: String,
    #[schemars(extend("enum" = ["PASS", "FAIL", "REMARK"]))]
    pub(super) finding: String,
    pub(super) text: String,
    #[serde(default)]
    pub(super) evidence: String,
    pub(super) seen_on: Option<Date>,
}

/// All that is said of a subject in a scope, as it is read.
pub(super) struct Said {
    pub(super) standings: Vec<Standing>,
    pub(super) findings: Vec<Finding>,
    pub(super) now: DateTime,
}

impl Said {
    /// Reads it for somebody whom it concerns: the subject, assessors, and those who may read all.
    pub(super) async fn read(
        monitor: &Monitor,
        caller: &Caller,
        (subject, spec): (&str, &Spec),
    ) -> Result<Self, Refusal> {
        if caller.name != subject && !caller.has(Role::Approve) && !caller.has(Role::ReadAny) {
            return Err(Refusal::forbidden(
                "only the subject itself, assessors and who reads all may see that",
            ));
        }
        let now = civil(monitor.clock.now());
        if !monitor.store.was_known(subject, &spec.uuid, now).await? {
            return Err(Refusal::not_found("subject"));
        }
        let standings = monitor.store.standings(Some(subject), Some(&spec.uuid)).await?;
        let findings = monitor.store.findings(Some((subject, &spec.uuid))).await?;
        Ok(Self { standings, findings, now })
    }

    pub(super) fn sides<'s>(&'s self, spec: &'s Spec, version: &'s Version) -> Vec<Sides<'s>> {
        side_by_side((spec, version), &self.standings, &self.findings, self.now)
    }

    /// The version that was asked for, or the first that can be certified now.
    pub(super) fn version<'s>(&self, spec: &'s Spec, asked: Option<&str>) -> Result<&'s Version, Refusal> {
        if let Some(name) = asked {
            return spec.version(name).ok_or_else(|| Refusal::not_found("version"));
        }
        let listed = spec.validity(self.now.date());
        let in_force = listed.iter().find(|(_, validity)| validity.certifiable());
        in_force.or(listed.first()).map(|(version, _)| *version).ok_or_else(|| Refusal::not_found("version"))
    }
}

/// What is said of a finding that was written down.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct WrittenDown<'v> {
    /// Its UUID.
    finding: &'v str,
}

/// Writes down what an auditor found.
pub(super) async fn find(
    State(monitor): Shared,
    Path(subject): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (caller, found): (_, Found) = sent(&monitor, request).await?;
    let uuid = write_down(&monitor, caller, subject, found).await?;
    Ok((StatusCode::CREATED, json_of(&WrittenDown { finding: &uuid })?).into_response())
}

/// Writes a finding down, and says its UUID.
pub(super) async fn write_down(
    monitor: &Monitor,
    caller: Caller,
    subject: String,
    found: Found,
) -> Result<String, Refusal> {
    if !decides(&caller, &subject) {
        return Err(Refusal::forbidden("findings are for assessors, and not about themselves"));
    }
    let scopes = monitor.scopes();
    let spec = scopes.find(&found.scope);
    let spec = spec.ok_or_else(|| Refusal::unreadable("scope: there is none of that name"))?;
    let known = spec.testcase(&found.testcase);
    known.ok_or_else(|| Refusal::of_field("testcase", ": the scope has none of that name"))?;
    let opinion: Opinion =
        found.finding.parse().map_err(|()| Refusal::of_field("finding", ": PASS, FAIL or REMARK"))?;
    checked("text", &found.text, Kind::Text)?;
    if !found.evidence.is_empty() {
        checked("evidence", &found.evidence, Kind::Line)?;
    }
    let now = monitor.clock.now();
    let (instant, seen_on) = (civil(now), found.seen_on.unwrap_or(civil(now).date()));
    if seen_on > instant.date() {
        return Err(Refusal::of_field("seen_on", &format!(": {seen_on} has not come yet")));
    }
    if !monitor.store.was_known(&subject, &spec.uuid, instant).await? {
        return Err(Refusal::not_found("subject"));
    }
    let finding = Finding {
        uuid: Uuid::new_v4().to_string(),
        subject,
        scope: spec.uuid.clone(),
        testcase: found.testcase,
        opinion,
        text: found.text,
        evidence: found.evidence,
        seen_on,
        at: now,
        account: caller.name,
        nonce: Secret::new()?.0.expose_secret().to_owned(),
    };
    monitor.store.add_finding(&finding).await?;
    Ok(finding.uuid)
}

/// What the subject stated, what was measured and what auditors found, and where these contradict each other.
pub(super) async fn audit(
    State(monitor): Shared,
    Path(subject): Path<String>,
    wish: Result<Query<Wish>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Query(wish) = wish?;
    let scopes = monitor.scopes();
    let spec = scopes.find(&wish.scope).ok_or_else(|| Refusal::not_found("scope"))?;
    let caller = Caller::of(&monitor, &headers).await?;
    let said = Said::read(&monitor, &caller, (&subject, spec)).await?;
    let version = said.version(spec, wish.version.as_deref())?;
    let sides = said.sides(spec, version);
    let contradictions = sides.iter().flat_map(|sides| {
        let told = sides.contradictions().into_iter();
        told.map(|told| ContradictionView { testcase: sides.testcase, told })
    });
    json_of(&AuditView {
        subject: &subject,
        scope: NamedScope { uuid: &spec.uuid, name: &spec.name },
        version: &version.name,
        contradictions: contradictions.collect(),
        testcases: sides.iter().map(SidesView::of).collect(),
    })
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Audit")]
pub(super) struct AuditView<'v> {
    subject: &'v str,
    scope: NamedScope<'v>,
    version: &'v str,
    contradictions: Vec<ContradictionView<'v>>,
    testcases: Vec<SidesView<'v>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Contradiction")]
pub(super) struct ContradictionView<'v> {
    testcase: &'v str,
    told: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditTestcase")]
pub(super) struct SidesView<'v> {
    testcase: &'v str,
    manual: bool,
    target: Option<&'v str>,
    declared: Option<CameOutView<'v>>,
    measured: Option<CameOutView<'v>>,
    findings: Vec<FindingView<'v>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CameOut")]
pub(super) struct CameOutView<'v> {
    verdict: String,
    at: DateTime,
    report: &'v str,
    expired: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Finding")]
pub(super) struct FindingView<'v> {
    finding: &'v str,
    opinion: &'static str,
    text: &'v str,
    evidence: &'v str,
    seen_on: Date,
    at: Timestamp,
    account: &'v str,
}

impl<'v> SidesView<'v> {
    fn of(sides: &'v Sides<'v>) -> Self {
        let came_out = |found: &'v Option<CameOut>| {
            found.as_ref().map(|found| CameOutView {
                verdict: found.verdict.to_string(),
                at: found.at,
                report: &found.report,
                expired: found.is_old,
            })
        };
        let findings = sides.findings.iter().map(|finding| FindingView {
            finding: &finding.uuid,
            opinion: finding.opinion.as_str(),
            text: &finding.text,
            evidence: &finding.evidence,
            seen_on: finding.seen_on,
            at: finding.at,
            account: &finding.account,
        });
        Self {
            testcase: sides.testcase,
            manual: sides.is_manual,
            target: sides.target,
            declared: came_out(&sides.declared),
            measured: came_out(&sides.measured),
            findings: findings.collect(),
        }
    }
}
