use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::access::Caller;
use super::error::Refusal;
use super::{Shared, body_of, is_json};
use crate::accounts::Role;
use crate::store::{Approval, NotApproved};

/// The largest list of approvals, in bytes.
const LARGEST_LIST: usize = 1 << 20;
/// How many results are listed at once at most; `skip` leads to the others.
const MOST_LISTED: u32 = 50_000;
/// How far back the list of results goes.
const LISTED: SignedDuration = SignedDuration::from_hours(7 * 24);

#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Filter {
    /// Only those that are approved, or only those that are not.
    approved: Option<bool>,
    /// How many.
    #[serde(default = "ten")]
    limit: u32,
    #[serde(default)]
    skip: u32,
}

pub(super) fn ten() -> u32 {
    10
}

/// A result as the reference monitor lists it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Result")]
pub(super) struct ResultView {
    reportuuid: String,
    subject: String,
    /// As the checker wrote it.
    checked_at: String,
    scopeuuid: String,
    /// Always `*`: a result is about a testcase, in whatever version.
    version: &'static str,
    /// The testcase.
    check: String,
    /// 1 (PASS), 0 (ABORT) or -1 (FAIL).
    result: Option<i8>,
    approval: bool,
}

/// The results of the last days, oldest first.
pub(crate) async fn list(
    State(monitor): Shared,
    filter: Result<Query<Filter>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Vec<ResultView>>, Refusal> {
    let Query(filter) = filter?;
    Caller::of(&monitor, &headers).await?.must_have(Role::ReadAny)?;
    let since = monitor.clock.now() - LISTED;
    let limit = filter.limit.min(MOST_LISTED).into();
    let results = monitor.store.results_since(since, filter.approved, limit, filter.skip.into()).await?;
    let listed = results.into_iter().map(|result| ResultView {
        reportuuid: result.report,
        subject: result.subject,
        checked_at: result.checked_at.replacen(' ', "T", 1),
        scopeuuid: result.scope,
        version: "*",
        check: result.testcase,
        result: result.verdict.code(),
        approval: result.approved,
    });
    Ok(Json(listed.collect()))
}

/// That a result is approved, or no longer.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Approval")]
pub(super) struct Approved {
    reportuuid: String,
    scopeuuid: String,
    /// The testcase.
    check: String,
    approval: bool,
}

/// Approves results, or takes that back.
pub(crate) async fn approve(State(monitor): Shared, request: Request) -> Result<Json<Value>, Refusal> {
    let (parts, body) = request.into_parts();
    let asked = async {
        let caller = Caller::of(&monitor, &parts.headers).await?;
        caller.must_have(Role::Approve)?;
        is_json(&parts.headers).map(|()| caller)
    };
    let (caller, body) = body_of(asked.await, &parts.headers, body, LARGEST_LIST).await?;
    let body: Value =
        serde_json::from_slice(&body).map_err(|error| Refusal::unreadable(error.to_string()))?;
    let all = match body {
        Value::Array(all) => all,
        one => vec![one],
    };
    let read = |one| serde_json::from_value(one).map_err(|error| Refusal::unreadable(error.to_string()));
    let all: Vec<Approved> = all.into_iter().map(read).collect::<Result<_, _>>()?;
    let approvals: Vec<Approval> = all
        .into_iter()
        .map(|one| Approval {
            report: one.reportuuid,
            scope: one.scopeuuid,
            testcase: one.check,
            approved: one.approval,
        })
        .collect();
    match monitor.store.approve(&approvals, (&caller.name, monitor.clock.now())).await? {
        Ok(()) => Ok(Json(Value::Null)),
        Err(why @ NotApproved::NoResult(_)) => Err(Refusal::new(StatusCode::NOT_FOUND, why.to_string())),
        Err(why @ NotApproved::Own(_)) => Err(Refusal::not_allowed(why.to_string())),
    }
}
