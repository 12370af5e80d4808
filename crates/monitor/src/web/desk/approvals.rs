//! What people state, to be approved.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::super::Shared;
use super::super::error::Refusal;
use super::forms::{Sent, Visitor};
use super::{Came, Page, go_on, shown_time};
use crate::accounts::Role;
use crate::scopes::Scopes;
use crate::store::{Approval, NotApproved, Stated};

#[derive(Template)]
#[template(path = "desk/approvals.html")]
struct Approvals<'a> {
    base: &'a str,
    form_key: &'a str,
    rows: &'a [Row],
}

struct Row {
    subject: String,
    scope: String,
    scope_name: String,
    /// The name of the scope in addresses; none if it is not known any more.
    slug: Option<String>,
    testcase: String,
    verdict: &'static str,
    at: String,
    report: String,
    is_approved: bool,
    is_own: bool,
}

/// The newest statement of each subject about each testcase.
pub(super) async fn list(
    State(monitor): Shared,
    visitor: Visitor,
    Query(came): Query<Came>,
) -> Result<Response, Refusal> {
    visitor.must_have(Role::Approve)?;
    let scopes = monitor.scopes();
    let rows = monitor.store.statements(&visitor.caller.name).await?;
    let rows = rows.into_iter().map(|Stated { standing, is_approved, is_own }| Row {
        scope_name: scopes
            .by_uuid(&standing.scope)
            .map_or_else(|| standing.scope.clone(), |spec| spec.name.clone()),
        slug: scopes.by_uuid(&standing.scope).map(Scopes::slug),
        subject: standing.subject,
        scope: standing.scope,
        testcase: standing.testcase,
        verdict: standing.verdict.as_str(),
        at: shown_time(standing.counts_from),
        report: standing.report,
        is_approved,
        is_own,
    });
    let rows: Vec<Row> = rows.collect();
    let approvals = Approvals { base: &monitor.settings.base_url, form_key: &visitor.form_key, rows: &rows };
    let title = "What people state".to_owned();
    Page { monitor: &monitor, visitor: Some(&visitor), title, said: came.said() }
        .show(StatusCode::OK, &approvals)
}

/// Approves a statement, or takes that back.
pub(super) async fn approve(
    State(monitor): Shared,
    Sent { visitor, fields, .. }: Sent,
) -> Result<Response, Refusal> {
    visitor.must_have(Role::Approve)?;
    let text = |name: &str| fields.get(name).to_owned();
    let approval = Approval {
        report: text("report"),
        scope: text("scope"),
        testcase: text("testcase"),
        approved: fields.get("approval") == "yes",
    };
    let by = (visitor.caller.name.as_str(), monitor.clock.now());
    match monitor.store.approve(&[approval], by).await? {
        Ok(()) => Ok(go_on(&monitor, "desk/approvals", "approval")),
        Err(NotApproved::NoResult(_)) => Err(Refusal::not_found("result")),
        Err(why @ NotApproved::Own(_)) => Err(Refusal::forbidden(why.to_string())),
    }
}
