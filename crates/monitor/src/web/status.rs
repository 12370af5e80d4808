use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Shared;
use super::api::json_of;
use super::error::Refusal;
use crate::status::{cards, status as view};

#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Filter {
    subject: Option<String>,
    scopeuuid: Option<String>,
}

/// What the newest results come to, for everybody.
pub(crate) async fn status(
    State(monitor): Shared,
    filter: Result<Query<Filter>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Query(filter) = filter?;
    if !takes_json(&headers) {
        return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, "the status is served as application/json"));
    }
    let (scopes, now) = (monitor.scopes(), monitor.clock.now());
    let _turn = monitor.statuses.acquire().await;
    let standings = monitor.store.standings(filter.subject.as_deref(), filter.scopeuuid.as_deref()).await?;
    monitor.workers.run(move || json_of(&view(&cards(&scopes, standings, now, false)))).await?
}

/// A request that does not say what it takes takes everything.
fn takes_json(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter().peekable();
    accepted.peek().is_none()
        || accepted.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|part| {
            matches!(
                part.split(';').next().unwrap_or_default().trim(),
                "application/json" | "application/*" | "*/*"
            )
        })
}
