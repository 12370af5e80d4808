//! The audit view, where auditors write down what they found.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;

use super::super::Path;
use super::super::Shared;
use super::super::certificates::decides;
use super::super::error::Refusal;
use super::super::findings::{Found, Said, write_down};
use super::super::pages::{audit_view, segment};
use super::forms::{Form, Sent, Visitor};
use super::{Came, Page, go_on};
use crate::findings::Opinion;
use crate::serve::Monitor;

/// Where the form is sent.
const FIND: &str = "/desk/audit/{subject}/{scope}";

#[derive(Template)]
#[template(path = "desk/audit.html")]
struct AuditPage<'a> {
    base: &'a str,
    form_key: &'a str,
    subject: &'a str,
    scope: &'a str,
    /// What everybody sees who sees it at all.
    view: String,
    /// The testcases that something can be found of.
    testcases: Vec<&'a str>,
    opinions: [&'static str; 3],
    decides: bool,
    form: Form<'a>,
}

/// Shows what is said of a subject in a scope, to whom it concerns.
pub(super) async fn show(
    State(monitor): Shared,
    visitor: Visitor,
    Path((subject, scope)): Path<(String, String)>,
    Query(came): Query<Came>,
) -> Result<Response, Refusal> {
    page(&monitor, &visitor, (&subject, &scope), came.said(), Form::empty(FIND)).await
}

async fn page(
    monitor: &Monitor,
    visitor: &Visitor,
    (subject, scope): (&str, &str),
    said: Option<&'static str>,
    form: Form<'_>,
) -> Result<Response, Refusal> {
    let scopes = monitor.scopes();
    let spec = scopes.find(scope).ok_or_else(|| Refusal::not_found("scope"))?;
    let read = Said::read(monitor, &visitor.caller, (subject, spec)).await?;
    let version = read.version(spec, None)?;
    let sides = read.sides(spec, version);
    let (title, view) = audit_view(monitor, subject, (spec, version), &sides)?;
    let status = form.status();
    let page = AuditPage {
        base: &monitor.settings.base_url,
        form_key: &visitor.form_key,
        subject,
        scope,
        view,
        testcases: sides.iter().map(|sides| sides.testcase).collect(),
        opinions: Opinion::ALL.map(Opinion::as_str),
        decides: decides(&visitor.caller, subject),
        form,
    };
    Page { monitor, visitor: Some(visitor), title, said }.show(status, &page)
}

/// Writes down what an auditor found.
pub(super) async fn find(
    State(monitor): Shared,
    Path((subject, scope)): Path<(String, String)>,
    Sent { visitor, fields, .. }: Sent,
) -> Result<Response, Refusal> {
    let written = |name: &str| fields.get(name).trim().to_owned();
    let found = async {
        let seen_on = match fields.get("seen_on").trim() {
            "" => None,
            day => Some(day.parse().map_err(|_| Refusal::of_field("seen_on", " is no day"))?),
        };
        let found = Found {
            scope: scope.clone(),
            testcase: written("testcase"),
            finding: written("finding"),
            text: written("text"),
            evidence: written("evidence"),
            seen_on,
        };
        write_down(&monitor, visitor.caller.clone(), subject.clone(), found).await
    };
    match found.await {
        Ok(_) => {
            let path = format!("desk/audit/{}/{}", segment(&subject), segment(&scope));
            Ok(go_on(&monitor, &path, "finding"))
        }
        Err(refusal) => {
            let form = Form::new(FIND, &fields, Some(&refusal));
            page(&monitor, &visitor, (&subject, &scope), None, form).await
        }
    }
}
