//! The log of all that was accepted, at the addresses of C2SP tlog-tiles.

use assay_transparency::{Hash, TILE_WIDTH, Tile, TilePath, bundle};
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::error::Refusal;
use super::{Path, Shared};

const TEXT: (HeaderName, &str) = (header::CONTENT_TYPE, "text/plain; charset=utf-8");
const BYTES: (HeaderName, &str) = (header::CONTENT_TYPE, "application/octet-stream");
const FRESH: (HeaderName, &str) = (header::CACHE_CONTROL, "no-cache");
/// What is behind the address of a tile never changes.
const FOR_EVER: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=31536000, immutable");

/// How many entries there are and the root over them, signed.
pub(super) async fn checkpoint(State(monitor): Shared) -> Result<Response, Refusal> {
    let (size, root) = monitor.store.log_head().await?;
    Ok(([TEXT, FRESH], monitor.signer.checkpoint(size, root)).into_response())
}

/// The key that checkpoints are signed with.
pub(super) async fn key(State(monitor): Shared) -> Response {
    ([TEXT, FRESH], format!("{}\n", monitor.signer.key())).into_response()
}

/// Hashes, or entries.
pub(super) async fn tile(State(monitor): Shared, Path(path): Path<String>) -> Result<Response, Refusal> {
    let missing = || Refusal::not_found("tile");
    let path: TilePath = path.parse().map_err(|_| missing())?;
    // A tile of entries is as wide as that of their hashes.
    let tile = Tile { level: path.level.unwrap_or(0), index: path.index };
    let there = tile.width(monitor.store.log_size().await?);
    if path.width > there {
        return Err(missing());
    }
    let bytes = if path.level.is_some() {
        let mut bytes = monitor.store.log_tile(tile).await?.ok_or_else(missing)?;
        bytes.truncate(path.width * Hash::LENGTH);
        bytes
    } else {
        let first = path.index * TILE_WIDTH as u64;
        let entries = monitor.store.log_entries(first, path.width).await?;
        bundle(entries.iter().map(|entry| entry.bytes.as_slice()))
    };
    Ok(([BYTES, FOR_EVER], bytes).into_response())
}

/// What proves that a report is in the log.
pub(super) async fn proof(State(monitor): Shared, Path(uuid): Path<String>) -> Result<Response, Refusal> {
    let missing = || Refusal::not_found("report");
    let uuid: Uuid = uuid.parse().map_err(|_| missing())?;
    let proof = monitor.store.log_proof(uuid, &monitor.signer).await?.ok_or_else(missing)?;
    Ok(([TEXT, FRESH], proof.to_string()).into_response())
}
