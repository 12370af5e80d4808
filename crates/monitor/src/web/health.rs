use axum::extract::State;
use axum::http::StatusCode;

use super::Shared;
use super::error::Refusal;

/// Whether the database answers; nothing else.
pub(crate) async fn health(State(monitor): Shared) -> Result<StatusCode, Refusal> {
    monitor.store.is_there().await?;
    Ok(StatusCode::OK)
}
