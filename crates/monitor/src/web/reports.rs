use std::time::Instant;

use assay_report::SubmittedReport;
use assay_signature::{PublicKey, Signature};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::access::Caller;
use super::error::Refusal;
use super::results::ten;
use super::{LARGEST_BODY, Shared, body_of};
use crate::accounts::Role;
use crate::intake::{Envelope, MediaType, NAMESPACE, counts_from, hexadecimal_digest};
use crate::serve::Monitor;
use crate::store::{Compressed, Handed, HandedReport, Outcome, StoredReport};

/// How many reports are handed out at once at most; `skip` leads to the others.
const MOST_HANDED_OUT: u32 = 100;
/// How many reports come at once at most.
const MOST_REPORTS: usize = 1000;

#[derive(Debug, Deserialize)]
pub(crate) struct Filter {
    subject: Option<String>,
    #[serde(default = "ten")]
    limit: u32,
    #[serde(default)]
    skip: u32,
}

/// Whole reports, newest first: one's own, or those of all who may read them.
pub(crate) async fn list(
    State(monitor): Shared,
    filter: Result<Query<Filter>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let Query(filter) = filter?;
    let caller = Caller::of(&monitor, &headers).await?;
    let subject = filter.subject.unwrap_or_else(|| caller.name.clone());
    caller.may(&subject, Role::ReadAny)?;
    let subject = Some(subject.as_str()).filter(|subject| !subject.is_empty());
    let reports =
        monitor.store.reports(subject, filter.limit.min(MOST_HANDED_OUT).into(), filter.skip.into()).await?;
    let documents = reports.iter().map(|report| Ok(document(report)?.to_json()));
    Ok(Json(documents.collect::<Result<_, Refusal>>()?))
}

/// A whole report.
pub(crate) async fn show(
    State(monitor): Shared,
    Path(uuid): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let caller = Caller::of(&monitor, &headers).await?;
    let stored = monitor.store.report(&uuid).await?.ok_or_else(|| Refusal::not_found("report"))?;
    caller.may(&stored.subject, Role::ReadAny)?;
    let document = serde_json::to_string_pretty(&document(&stored)?.to_json());
    let document = document.map_err(|error| Refusal::unreadable(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], document).into_response())
}

/// What was signed, behind its signature, as it came in: for whoever wants to verify it again.
pub(crate) async fn signed(
    State(monitor): Shared,
    Path(uuid): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let caller = Caller::of(&monitor, &headers).await?;
    let stored = monitor.store.report(&uuid).await?.ok_or_else(|| Refusal::not_found("report"))?;
    caller.may(&stored.subject, Role::ReadAny)?;
    let StoredReport { media_type, signature, payload, .. } = stored;
    Ok(([(header::CONTENT_TYPE, media_type)], format!("{signature}&{payload}")).into_response())
}

/// Takes signed reports in: all that came, or nothing.
pub(crate) async fn hand_in(State(monitor): Shared, request: Request) -> Response {
    let response = take_in(&monitor, request).await.into_response();
    monitor.uploads.count(response.status());
    response
}

async fn take_in(monitor: &Monitor, request: Request) -> Result<Json<Value>, Refusal> {
    let received_at = monitor.clock.now();
    // Nothing is read of a body before it is known whose it is.
    let (parts, body) = request.into_parts();
    let asked = async {
        let caller = Caller::of(monitor, &parts.headers).await?;
        if !monitor.allowance.take(&caller.name, Instant::now()) {
            let detail = "too many uploads within an hour; try again later";
            return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, detail));
        }
        let media = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.and_then(MediaType::from_header).ok_or_else(|| {
            let detail = "send application/x-signed-yaml or application/x-signed-json, without parameters";
            Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
        })?;
        Ok((caller, media))
    };
    let ((caller, media), body) = body_of(asked.await, &parts.headers, body, LARGEST_BODY).await?;
    let keys = monitor.store.signing_keys(&caller.name).await?;
    let uploader = caller.name.clone();
    let handed = monitor.workers.run(move || prepare(uploader, media, &body, &keys, received_at)).await??;
    for HandedReport { report, .. } in &handed.reports {
        may_hand_in(monitor, &caller, report).await?;
    }
    match monitor.queue.keep(handed).await? {
        Outcome::Stored => Ok(Json(Value::Null)),
        Outcome::Known(uuid) => {
            let detail = "Conflict: report already present".to_owned();
            tracing::info!(uuid, uploader = caller.name, "a report came again");
            Err(Refusal::new(StatusCode::CONFLICT, detail))
        }
    }
}

/// What there is to find out about a body without asking anybody: by whom it was signed, and what it says.
fn prepare(
    uploader: String,
    media: MediaType,
    body: &[u8],
    keys: &[PublicKey],
    received_at: Timestamp,
) -> Result<Handed, Refusal> {
    let body = str::from_utf8(body)
        .map_err(|error| Refusal::unreadable(format!("the body is no UTF-8: {error}")))?;
    let envelope = Envelope::open(body).ok_or_else(|| Refusal::not_allowed("missing signature"))?;
    let verified = Signature::read(envelope.signature)
        .and_then(|signature| signature.verify(NAMESPACE, envelope.payload.as_bytes(), keys).cloned());
    let public_key = verified.map_err(|error| {
        tracing::info!(%error, uploader, "a signature was not accepted");
        Refusal::not_allowed(format!("verification failed: {error}"))
    })?;
    Ok(Handed {
        received_at,
        uploader,
        media_type: media.as_str(),
        signature: envelope.signature.to_owned(),
        public_key: public_key.to_string(),
        fingerprint: public_key.fingerprint(),
        digest: hexadecimal_digest(envelope.payload),
        reports: read(media, envelope.payload, received_at)?,
        payload: Compressed::of(envelope.payload)?,
    })
}

fn read(media: MediaType, payload: &str, received_at: Timestamp) -> Result<Vec<HandedReport>, Refusal> {
    let documents = media.documents(payload);
    if documents.is_empty() {
        return Err(Refusal::unreadable("empty reports"));
    }
    if documents.len() > MOST_REPORTS {
        return Err(Refusal::unreadable(format!("more than {MOST_REPORTS} reports at once")));
    }
    let read = |document: &assay_yaml::Document<'_>| {
        let report = SubmittedReport::read_yaml("report", document.text)
            .map_err(|problems| Refusal::of_report(&problems, document.lines_before))?;
        let counts_from = counts_from(report.checked_at, received_at)
            .map_err(|error| Refusal::unreadable(format!("checked_at: {error}")))?;
        Ok(HandedReport { report, counts_from })
    };
    documents.iter().map(read).collect()
}

/// Everybody vouches for itself; for others who has the role and was trusted by them.
async fn may_hand_in(monitor: &Monitor, caller: &Caller, report: &SubmittedReport) -> Result<(), Refusal> {
    caller.may(&report.subject, Role::AppendAny)?;
    if let Some(audience) = &report.audience
        && *audience != monitor.settings.base_url
    {
        return Err(Refusal::unreadable(format!("audience: the report is meant for {audience}")));
    }
    let is_trusted =
        caller.name == report.subject || monitor.store.delegates_to(&report.subject, &caller.name).await?;
    match is_trusted {
        true => Ok(()),
        false => Err(Refusal::not_allowed("delegation problem?")),
    }
}

/// The report that is stored, as it was written.
pub(super) fn document(stored: &StoredReport) -> Result<SubmittedReport, Refusal> {
    let documents = MediaType::from_header(&stored.media_type).map(|media| media.documents(&stored.payload));
    let report = documents
        .iter()
        .flatten()
        .nth(stored.part)
        .and_then(|document| SubmittedReport::read_yaml("report", document.text).ok());
    report.ok_or_else(|| {
        tracing::error!(uuid = stored.uuid, "a stored report cannot be read");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the stored report cannot be read")
    })
}
