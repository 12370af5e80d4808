use std::collections::BTreeMap;
use std::time::Instant;

use assay_report::{ReportView, Scope, SubmittedInvocation, SubmittedReport};
use assay_signature::{PublicKey, Signature};
use assay_standards::Verdict;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::access::Caller;
use super::error::Refusal;
use super::results::ten;
use super::{LARGEST_BODY, Path, Shared, body_of};
use crate::accounts::Role;
use crate::intake::{Document, Envelope, MediaType, NAMESPACE, counts_from, hexadecimal_digest};
use crate::scopes::Scopes;
use crate::serve::Monitor;
use crate::store::{Compressed, Handed, HandedReport, Outcome, Packed, Signed, StoredReport};
use crate::uncounted::Uncounted;

/// How many reports are handed out at once at most; `skip` leads to the others.
const MOST_HANDED_OUT: u32 = 100;
/// How many bytes of reports are handed out at once, unless one alone has more.
const MOST_BYTES: usize = 16 << 20;
/// How many lines are said about what does not count: all of it is with the reports.
const MOST_TOLD: usize = 5;
/// How many reports come at once at most.
const MOST_REPORTS: usize = 1000;

#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Filter {
    /// The subject; empty for those of all. Without it, whoever asks.
    subject: Option<String>,
    /// How many at most.
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
    let limit = filter.limit.min(MOST_HANDED_OUT).into();
    let (mut documents, mut bytes) = (Vec::new(), 0);
    for uuid in monitor.store.report_uuids(subject, limit, filter.skip.into()).await? {
        // One after the other: together, what they were handed in with may be larger than the memory.
        let Some(report) = monitor.store.report(&uuid).await? else { continue };
        let document = json_of(&monitor, &report).await?;
        bytes += document.to_string().len();
        if bytes > MOST_BYTES && !documents.is_empty() {
            break;
        }
        documents.push(document);
    }
    Ok(Json(Value::Array(documents)))
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
    let document = serde_json::to_string_pretty(&json_of(&monitor, &stored).await?);
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
    if caller.name != stored.subject && !caller.has(Role::ReadAny) {
        return Err(Refusal::forbidden("reports are for their subject, and for those who read all"));
    }
    let StoredReport { media_type, signature, text, .. } = stored;
    if media_type == MediaType::Recorded {
        let detail =
            "the report was imported from a monitor that keeps no signatures: nothing signed is known";
        return Err(Refusal::new(StatusCode::NOT_FOUND, detail));
    }
    match text {
        Packed::Kept(packed) => {
            let payload = monitor.workers.run(move || packed.unpack()).await?;
            let payload = payload.map_err(|_| unreadable(&uuid))?;
            let body = format!("{signature}&{payload}");
            Ok(([(header::CONTENT_TYPE, media_type.as_str())], body).into_response())
        }
        Packed::LetGo(at) => {
            let at = at.strftime("%F");
            Err(Refusal::gone(format!("what was signed was let go on {at}; what counts of it is kept")))
        }
    }
}

/// Takes signed reports in: all that came, or nothing.
pub(crate) async fn hand_in(State(monitor): Shared, request: Request) -> Response {
    let response = take_in(&monitor, request).await.into_response();
    monitor.uploads.count(response.status());
    response
}

async fn take_in(monitor: &Monitor, request: Request) -> Result<Response, Refusal> {
    let received_at = monitor.clock.now();
    // Nothing is read of a body before it is known whose it is.
    let (parts, body) = request.into_parts();
    let asked = async {
        let caller = Caller::who_hands_in(monitor, &parts.headers).await?;
        let taken = monitor.allowance.take(&caller.name, Instant::now());
        taken.map_err(|wait| Refusal::too_many("too many uploads within an hour; try again later", wait))?;
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
    let told = not_counted(&monitor.scopes(), &handed.reports);
    match monitor.queue.keep(handed).await? {
        // Clients know that there is nothing in such an answer.
        Outcome::Stored => Ok((told, Json(Value::Null)).into_response()),
        Outcome::Known(uuid) => {
            let detail = "Conflict: report already present".to_owned();
            tracing::info!(uuid, uploader = caller.name, "a report came again");
            Err(Refusal::new(StatusCode::CONFLICT, detail))
        }
    }
}

/// What is said about results that are kept and do not count.
fn not_counted(scopes: &Scopes, reports: &[HandedReport]) -> AppendHeaders<Vec<(HeaderName, String)>> {
    let lines = reports.iter().flat_map(|HandedReport { report, .. }| {
        let results = report.results().into_iter().map(|(id, result)| (id, result.is_stated));
        let uncounted = Uncounted::among(scopes.by_uuid(&report.scope.uuid), results);
        uncounted.into_iter().map(|some| format!("{}: {some}", report.run))
    });
    let line = |line| (HeaderName::from_static("not-counted"), line);
    AppendHeaders(lines.take(MOST_TOLD).map(line).collect())
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
        media_type: media,
        signed: Some(Signed {
            signature: envelope.signature.to_owned(),
            public_key: public_key.to_string(),
            fingerprint: public_key.fingerprint(),
        }),
        digest: hexadecimal_digest(envelope.payload),
        reports: read(media, envelope.payload, received_at)?,
        payload: Compressed::of(envelope.payload)?,
    })
}

fn read(media: MediaType, payload: &str, received_at: Timestamp) -> Result<Vec<HandedReport>, Refusal> {
    let documents = media.documents(payload).map_err(|error| Refusal::unreadable(error.to_string()))?;
    if documents.is_empty() {
        return Err(Refusal::unreadable("empty reports"));
    }
    if documents.len() > MOST_REPORTS {
        return Err(Refusal::unreadable(format!("more than {MOST_REPORTS} reports at once")));
    }
    let read = |document: &Document<'_>| {
        let report = SubmittedReport::read_yaml("report", &document.text)
            .map_err(|problems| Refusal::of_report(&problems, document.lines_before))?;
        let counts_from = counts_from(report.checked_at, received_at)
            .map_err(|error| Refusal::unreadable(format!("checked_at: {error}")))?;
        Ok(HandedReport { report, counts_from, recorded: None })
    };
    documents.iter().map(read).collect()
}

/// Everybody vouches for itself; for others who has the role and was trusted by them.
async fn may_hand_in(monitor: &Monitor, caller: &Caller, report: &SubmittedReport) -> Result<(), Refusal> {
    caller.may(&report.subject, Role::AppendAny)?;
    if let Some(audience) = &report.audience
        && audience.trim_end_matches('/') != monitor.settings.base_url.trim_end_matches('/')
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

/// A report as it is handed out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KeptReport")]
pub(super) struct KeptView<'r> {
    #[serde(flatten)]
    report: ReportView<'r>,
    /// When its text was let go, so that only its results are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    let_go: Option<Timestamp>,
    /// Results that are kept and do not count here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    uncounted: Vec<Uncounted>,
}

/// The results of a report that do not count, by the scopes of this moment.
pub(super) async fn uncounted(monitor: &Monitor, stored: &StoredReport) -> Result<Vec<Uncounted>, Refusal> {
    let results = monitor.store.results_of(&stored.uuid).await?;
    let results = results.iter().map(|(id, (_, is_stated))| (id.as_str(), *is_stated));
    Ok(Uncounted::among(monitor.scopes().by_uuid(&stored.scope), results))
}

/// A report as it is handed out; with the time at which its text was let go.
async fn json_of(monitor: &Monitor, stored: &StoredReport) -> Result<Value, Refusal> {
    let report = document(monitor, stored).await?;
    let uncounted = uncounted(monitor, stored).await?;
    let let_go = match stored.text {
        Packed::LetGo(at) => Some(at),
        Packed::Kept(_) => None,
    };
    serde_json::to_value(KeptView { report: report.view(), let_go, uncounted })
        .map_err(|_| unreadable(&stored.uuid))
}

/// The report that is stored, as it was written; of one whose text was let go, what counts of it.
pub(super) async fn document(monitor: &Monitor, stored: &StoredReport) -> Result<SubmittedReport, Refusal> {
    match &stored.text {
        Packed::Kept(packed) => {
            let (packed, media_type, part) = (packed.clone(), stored.media_type, stored.part);
            let read = move || {
                let payload = packed.unpack().ok()?;
                let document = media_type.document(&payload, part).ok()??;
                SubmittedReport::read_yaml("report", &document.text).ok()
            };
            monitor.workers.run(read).await?.ok_or_else(|| unreadable(&stored.uuid))
        }
        Packed::LetGo(_) => {
            let results = monitor.store.results_of(&stored.uuid).await?;
            rest(stored, results)
        }
    }
}

/// What is known of a report without its text.
fn rest(
    stored: &StoredReport,
    results: BTreeMap<String, (Verdict, bool)>,
) -> Result<SubmittedReport, Refusal> {
    let (Ok(checked_at), Ok(run)) = (stored.checked_at.parse(), stored.uuid.parse()) else {
        return Err(unreadable(&stored.uuid));
    };
    let scope = Scope { uuid: stored.scope.clone(), name: stored.scope.clone(), url: String::new() };
    let (mut measured, mut stated) = (BTreeMap::new(), BTreeMap::new());
    for (testcase, (verdict, is_stated)) in results {
        if is_stated { &mut stated } else { &mut measured }.insert(testcase, verdict);
    }
    let mut invocations = Vec::new();
    if !measured.is_empty() || stated.is_empty() {
        invocations.push(SubmittedInvocation::of_results(false, measured));
    }
    if !stated.is_empty() {
        invocations.push(SubmittedInvocation::of_results(true, stated));
    }
    Ok(SubmittedReport {
        scope,
        checked_at,
        reference_date: None,
        subject: stored.subject.clone(),
        audience: None,
        creator: stored.creator.clone(),
        run,
        arguments: Vec::new(),
        assignment: Vec::new(),
        sections: None,
        forced_version: None,
        forced_tests: None,
        invocations,
        versions: None,
    })
}

fn unreadable(uuid: &str) -> Refusal {
    tracing::error!(uuid, "a stored report cannot be read");
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the stored report cannot be read")
}
