//! Certificates for programs: applications and what is done with them, what was granted, what was revoked.

use assay_report::visible;
use assay_standards::integrators::Reference;
use assay_standards::scope::Spec;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::access::Caller;
use super::api::json_of;
use super::error::Refusal;
use super::integrators::Judgement;
use super::{Path, Shared, body_of, is_json};
use crate::accounts::Role;
use crate::certificates::{
    Around, Badge, Certificate, Line, Move, Revocation, Statement, certificate_document, end_of, layer_of,
    obstacles, paper, revocation_list, state_of,
};
use crate::intake::hexadecimal_digest;
use crate::log::Entry;
use crate::past;
use crate::scopes::Scopes;
use crate::score::states;
use crate::serve::Monitor;
use crate::store::{Application, Granted, Made, Moment, NewApplication, PastSpell, Wish, civil};

/// The largest application, in bytes.
const LARGEST: usize = 64 << 10;
/// So many applications are listed.
const MOST_LISTED: usize = 500;

/// A kind of text that somebody sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Stands in lists.
    Name,
    /// Stands on certificates and in contacts.
    Line,
    /// What somebody has to say.
    Text,
}

impl Kind {
    /// The longest, in characters.
    fn longest(self) -> usize {
        match self {
            Kind::Name => 200,
            Kind::Line => 2_000,
            Kind::Text => 10_000,
        }
    }

    fn may_hold(self, c: char) -> bool {
        // What cannot be seen makes a name pose as another one, also on paper.
        (self == Kind::Text && matches!(c, '\n' | '\t'))
            || visible(c.encode_utf8(&mut [0; 4])).len() == c.len_utf8()
    }
}

/// How far ahead a certificate may begin, in days: the next one is granted before the last one ends.
const AHEAD: i32 = 92;

/// What somebody applies for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewApplication")]
pub(super) struct Asked {
    pub(super) subject: String,
    /// By UUID or slug.
    pub(super) scope: String,
    pub(super) version: String,
    pub(super) organisation: String,
    pub(super) covers: String,
    pub(super) contact: String,
    pub(super) evidence: String,
}

/// What somebody wants to do with an application.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewMove")]
pub(super) struct Wanted {
    #[serde(rename = "move")]
    #[schemars(extend("enum" = ["evidence", "ask", "withdraw", "grant", "reject"]))]
    pub(super) made: String,
    pub(super) text: String,
    pub(super) valid_from: Option<Date>,
    #[serde(default)]
    pub(super) despite: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewRevocation")]
pub(super) struct Revoked {
    reason: String,
}

/// An application as it is handed out to those whom it concerns.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Application")]
pub(super) struct ApplicationView<'v> {
    application: &'v str,
    subject: &'v str,
    scope: &'v str,
    version: &'v str,
    organisation: &'v str,
    covers: &'v str,
    contact: &'v str,
    course: &'static str,
    certificate: Option<&'v str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    moves: Vec<MoveView<'v>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Move")]
pub(super) struct MoveView<'v> {
    at: Timestamp,
    account: &'v str,
    #[serde(rename = "move")]
    made: &'static str,
    text: &'v str,
}

impl<'v> ApplicationView<'v> {
    pub(super) fn of(application: &'v Application) -> Self {
        let Application { asked, course, moves, certificate, references: _ } = application;
        let moves = moves.iter().map(|made| MoveView {
            at: made.at,
            account: &made.account,
            made: made.what.as_str(),
            text: &made.text,
        });
        Self {
            application: &asked.uuid,
            subject: &asked.subject,
            scope: &asked.scope,
            version: &asked.version,
            organisation: &asked.organisation,
            covers: &asked.covers,
            contact: &asked.contact,
            course: course.as_str(),
            certificate: certificate.as_deref(),
            moves: moves.collect(),
        }
    }
}

/// A scope, or for an integrator what stands in its place.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CertifiedScope<'s> {
    uuid: &'s str,
    name: String,
}

/// A certificate as it is handed out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Certificate")]
pub(super) struct CertificateView<'v> {
    certificate: &'v str,
    number: i64,
    subject: &'v str,
    scope: CertifiedScope<'v>,
    version: &'v str,
    organisation: &'v str,
    covers: &'v str,
    valid_from: Date,
    valid_until: Date,
    standing: &'static str,
    revoked: Option<Timestamp>,
    reason: Option<&'v str>,
}

impl<'v> CertificateView<'v> {
    pub(super) fn of(certificate: &'v Certificate, scopes: &'v Scopes, day: Date) -> Self {
        let name = match (certificate.layer(), scopes.by_uuid(&certificate.scope)) {
            (Some(layer), _) => layer.title(),
            (None, spec) => spec.map_or_else(String::new, |spec| spec.name.clone()),
        };
        let revocation = certificate.revocation.as_ref();
        Self {
            certificate: &certificate.uuid,
            number: certificate.number,
            subject: &certificate.subject,
            scope: CertifiedScope { uuid: &certificate.scope, name },
            version: &certificate.version,
            organisation: &certificate.organisation,
            covers: &certificate.covers,
            valid_from: certificate.valid_from,
            valid_until: certificate.valid_until,
            standing: certificate.standing(day).as_str(),
            revoked: revocation.map(|revocation| revocation.at),
            reason: revocation.map(|revocation| revocation.reason.as_str()),
        }
    }
}

/// What was sent as JSON by somebody who is known.
pub(super) async fn sent<T: DeserializeOwned>(
    monitor: &Monitor,
    request: Request,
) -> Result<(Caller, T), Refusal> {
    let (parts, body) = request.into_parts();
    let asked = async {
        let caller = Caller::of(monitor, &parts.headers).await?;
        is_json(&parts.headers).map(|()| caller)
    };
    let (caller, body) = body_of(asked.await, &parts.headers, body, LARGEST).await?;
    let sent = serde_json::from_slice(&body).map_err(|error| Refusal::unreadable(error.to_string()))?;
    Ok((caller, sent))
}

/// Makes sure that a text is there, and one that people can read.
pub(super) fn checked(name: &str, text: &str, kind: Kind) -> Result<(), Refusal> {
    let longest = kind.longest();
    let what = if text.trim().is_empty() {
        " is missing".to_owned()
    } else if text.chars().count() > longest {
        format!(" is longer than {longest} characters")
    } else if text.chars().any(|c| !kind.may_hold(c)) {
        " has characters that cannot be seen".to_owned()
    } else {
        return Ok(());
    };
    Err(Refusal::of_field(name, &what))
}

/// The same of several.
pub(super) fn all_checked(texts: &[(&str, &str, Kind)]) -> Result<(), Refusal> {
    texts.iter().try_for_each(|&(name, text, kind)| checked(name, text, kind))
}

/// Whether somebody may see an application and add to it.
pub(super) fn is_applicant(caller: &Caller, subject: &str) -> bool {
    caller.name == subject || caller.has(Role::Admin)
}

/// Whether somebody decides about what a subject wants: an assessor, and not about themselves.
pub(super) fn decides(caller: &Caller, subject: &str) -> bool {
    caller.has(Role::Approve) && caller.name != subject
}

/// Whether somebody decides about an application: not who made it, or spoke for it in the name of the applicant.
pub(super) fn decides_about(caller: &Caller, application: &Application) -> bool {
    let spoke_for = |made: &Made| made.account == caller.name && made.what.is_applicants();
    decides(caller, &application.asked.subject) && !application.moves.iter().any(spoke_for)
}

/// Applies for a certificate.
pub(super) async fn apply(State(monitor): Shared, request: Request) -> Result<Response, Refusal> {
    let (caller, asked): (_, Asked) = sent(&monitor, request).await?;
    taken_in(&monitor, "applications", &apply_for(&monitor, caller, asked).await?)
}

/// What is said of an application that was taken in.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TakenIn<'v> {
    /// Its UUID.
    application: &'v str,
}

/// Says where an application is found that was taken in.
pub(super) fn taken_in(monitor: &Monitor, place: &str, uuid: &str) -> Result<Response, Refusal> {
    let address = format!("{}api/v1/{place}/{uuid}", monitor.settings.base_url);
    let body = json_of(&TakenIn { application: uuid })?;
    Ok((StatusCode::CREATED, [(header::LOCATION, address)], body).into_response())
}

/// Takes an application down, and says its UUID.
pub(super) async fn apply_for(monitor: &Monitor, caller: Caller, asked: Asked) -> Result<String, Refusal> {
    let Asked { subject, scope, version, organisation, covers, contact, evidence } = asked;
    if !is_applicant(&caller, &subject) {
        return Err(Refusal::forbidden("only the subject itself may apply"));
    }
    all_checked(&[
        ("subject", &subject, Kind::Name),
        ("version", &version, Kind::Name),
        ("organisation", &organisation, Kind::Name),
        ("covers", &covers, Kind::Line),
        ("contact", &contact, Kind::Line),
        ("evidence", &evidence, Kind::Text),
    ])?;
    let scopes = monitor.scopes();
    let spec =
        scopes.find(&scope).ok_or_else(|| Refusal::of_field("scope", ": there is none of that name"))?;
    let day = civil(monitor.clock.now()).date();
    if !spec.validity_of(&version, day).certifiable() {
        let in_force = spec.validity(day);
        let in_force = in_force.iter().filter(|(_, validity)| validity.certifiable());
        let names: Vec<&str> = in_force.map(|(version, _)| version.name.as_str()).collect();
        let what = format!(": {version} is not in force; these are: {}", names.join(", "));
        return Err(Refusal::of_field("version", &what));
    }
    let new = NewApplication {
        uuid: Uuid::new_v4().to_string(),
        subject,
        scope: spec.uuid.clone(),
        version,
        organisation,
        covers,
        contact,
    };
    let made = Made { at: monitor.clock.now(), account: caller.name, what: Move::Apply, text: evidence };
    take(monitor, (&new, &[]), &made).await
}

/// Takes an application in, and says its UUID.
pub(super) async fn take(
    monitor: &Monitor,
    (new, named): (&NewApplication, &[Reference]),
    made: &Made,
) -> Result<String, Refusal> {
    if !monitor.store.apply_for(new, named, made).await? {
        return Err(Refusal::conflict("too many applications of this subject wait to be decided"));
    }
    Ok(new.uuid.clone())
}

/// The applications that concern whoever asks.
pub(super) async fn applications(State(monitor): Shared, headers: HeaderMap) -> Result<Response, Refusal> {
    let caller = Caller::of(&monitor, &headers).await?;
    let is_theirs = caller.has(Role::Approve) || caller.has(Role::Admin);
    let subject = (!is_theirs).then_some(caller.name.as_str());
    let all = monitor.store.applications(subject, &(0..MOST_LISTED)).await?;
    json_of(&all.iter().map(ApplicationView::of).collect::<Vec<_>>())
}

/// An application, for somebody whom it concerns.
pub(super) async fn application_for(
    monitor: &Monitor,
    caller: &Caller,
    uuid: &str,
) -> Result<Application, Refusal> {
    let missing = || Refusal::not_found("application");
    let application = monitor.store.application(uuid).await?.ok_or_else(missing)?;
    match is_applicant(caller, &application.asked.subject) || caller.has(Role::Approve) {
        true => Ok(application),
        // Nobody else need know that it exists.
        false => Err(missing()),
    }
}

/// An application with all that was done with it.
pub(super) async fn application(
    State(monitor): Shared,
    Path(uuid): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let caller = Caller::of(&monitor, &headers).await?;
    json_of(&ApplicationView::of(&application_for(&monitor, &caller, &uuid).await?))
}

/// Does something with an application.
pub(super) async fn make_move(
    State(monitor): Shared,
    Path(uuid): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (caller, wanted): (_, Wanted) = sent(&monitor, request).await?;
    move_on(&monitor, caller, &uuid, wanted).await?;
    let missing = || Refusal::not_found("application");
    json_of(&ApplicationView::of(&monitor.store.application(&uuid).await?.ok_or_else(missing)?))
}

/// The application that somebody wants to do something with, if it is for them to do, and what it is.
pub(super) async fn may_move_on(
    monitor: &Monitor,
    caller: &Caller,
    uuid: &str,
    wanted: &Wanted,
) -> Result<(Application, Move), Refusal> {
    let application = application_for(monitor, caller, uuid).await?;
    let made: Move = wanted
        .made
        .parse()
        .ok()
        .filter(|made| !matches!(made, Move::Apply | Move::Judge))
        .ok_or_else(|| Refusal::unreadable("move: evidence, ask, withdraw, grant or reject"))?;
    checked("text", &wanted.text, Kind::Text)?;
    let may = match made.is_applicants() {
        true => is_applicant(caller, &application.asked.subject),
        false => decides_about(caller, &application),
    };
    if !may {
        return Err(Refusal::forbidden(format!("{} is for somebody else to do", made.as_str())));
    }
    if made != Move::Grant && (wanted.valid_from.is_some() || wanted.despite) {
        return Err(Refusal::unreadable("valid_from and despite go with grant only"));
    }
    Ok((application, made))
}

/// Moves an application on.
pub(super) async fn move_on(
    monitor: &Monitor,
    caller: Caller,
    uuid: &str,
    wanted: Wanted,
) -> Result<(), Refusal> {
    let (application, made) = may_move_on(monitor, &caller, uuid, &wanted).await?;
    let now = monitor.clock.now();
    let grant = match made {
        Move::Grant => Some(Grant::prepare(monitor, &application, &wanted).await?),
        _ => None,
    };
    let made = Made { at: now, account: caller.name, what: made, text: wanted.text };
    let outcome = monitor
        .store
        .make_move(uuid, &made, |moment| grant.map(|grant| grant.sign(monitor, moment, now)).transpose())
        .await?;
    outcome?.map_err(|not_now| Refusal::conflict(not_now.to_string()))?;
    Ok(())
}

/// A certificate that is about to be granted.
struct Grant {
    certificate: Certificate,
    base: String,
    on: Grounds,
}

/// What it is granted on.
enum Grounds {
    /// Tests of a scope; and what the assessor says, if they do not count.
    Tests(Box<Spec>, Option<String>),
    /// The references of an integrator.
    References(Judgement),
}

impl Grant {
    async fn prepare(monitor: &Monitor, application: &Application, wanted: &Wanted) -> Result<Self, Refusal> {
        let asked = &application.asked;
        let base = monitor.settings.whole_base_url().ok_or_else(|| {
            let detail = "a certificate bears the address of the monitor: start it with --base-url https://…";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        })?;
        let now = civil(monitor.clock.now());
        let begin = wanted.valid_from.unwrap_or(now.date());
        let last = now.date().checked_add(AHEAD.days()).unwrap_or(Date::MAX);
        if begin < now.date() || begin > last {
            return Err(Refusal::of_field("valid_from", &format!(": between {} and {last}", now.date())));
        }
        let on = if let Some(layer) = layer_of(&asked.scope) {
            if wanted.despite {
                // What an assessor knows better, he says of the references.
                return Err(Refusal::of_field("despite", ": points are there or not; accept references"));
            }
            Grounds::References(Judgement::of(monitor, layer, &application.references).await?)
        } else {
            let scopes = monitor.scopes();
            let spec = scopes.by_uuid(&asked.scope).ok_or_else(|| Refusal::not_found("scope"))?;
            Grounds::Tests(Box::new(spec.clone()), wanted.despite.then(|| wanted.text.clone()))
        };
        let certificate = Certificate {
            uuid: Uuid::new_v4().to_string(),
            number: 0,
            subject: asked.subject.clone(),
            scope: asked.scope.clone(),
            version: asked.version.clone(),
            organisation: asked.organisation.clone(),
            covers: asked.covers.clone(),
            valid_from: begin,
            valid_until: end_of(begin),
            revocation: None,
        };
        Ok(Self { certificate, base: base.to_owned(), on })
    }

    /// Signs it, unless something speaks against it.
    fn sign(self, monitor: &Monitor, moment: Moment<'_>, now: Timestamp) -> Result<Granted, Refusal> {
        let certificate = Certificate { number: moment.number, ..self.certificate };
        let (certificate, statement, despite) = match self.on {
            Grounds::Tests(spec, despite) => {
                let despite = despite_tests(&certificate, &spec, despite, (moment, now))?;
                let statement = Statement::conformance(&certificate, &spec);
                (certificate, statement, despite)
            }
            Grounds::References(judgement) => {
                let (tier, statement) =
                    judgement.decide(&certificate.version, moment.references, civil(now).date())?;
                (Certificate { version: tier, ..certificate }, statement, None)
            }
        };
        let around = (self.base.as_str(), monitor.issuer());
        let signed = certificate_document(&certificate, statement, around, (&monitor.signer, now));
        let document = signed.map_err(not_signed)?.to_string();
        let entry = Entry::Certificate {
            certificate: certificate.uuid.clone(),
            number: certificate.number,
            subject: certificate.subject.clone(),
            scope: certificate.scope.clone(),
            version: certificate.version.clone(),
            valid_from: certificate.valid_from,
            valid_until: certificate.valid_until,
            document: hexadecimal_digest(&document),
            despite,
            at: now,
        };
        Ok(Granted { certificate, document, entry })
    }
}

/// Makes sure that the tests do not speak against a certificate, or that the assessor says why that does not matter.
/// What he says is told to everybody where it stands against what was measured.
fn despite_tests(
    certificate: &Certificate,
    spec: &Spec,
    despite: Option<String>,
    (moment, now): (Moment<'_>, Timestamp),
) -> Result<Option<String>, Refusal> {
    let known = moment.standings.iter().map(|row| (row.name.as_str(), row.stated, row.latest()));
    let states = states(spec, known, civil(now));
    let found = obstacles(spec, &certificate.version, &states, certificate.valid_from);
    if found.is_empty() {
        return Ok(None);
    }
    despite.map(Some).ok_or_else(|| {
        let told: Vec<String> = found.iter().map(ToString::to_string).collect();
        Refusal::obstacles(told)
    })
}

fn not_signed(error: assay_transparency::CredentialError) -> Refusal {
    tracing::error!(%error, "a document could not be signed");
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the document could not be signed")
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Filter {
    subject: Option<String>,
}

/// All certificates that were ever granted.
pub(super) async fn certificates(
    State(monitor): Shared,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(filter) = filter?;
    let wish = filter.subject.as_deref().map_or(Wish::All, Wish::OfSubject);
    let all = monitor.store.certificates(wish).await?;
    let (scopes, day) = (monitor.scopes(), civil(monitor.clock.now()).date());
    json_of(&all.iter().map(|one| CertificateView::of(one, &scopes, day)).collect::<Vec<_>>())
}

/// A certificate by its UUID.
pub(super) async fn find(monitor: &Monitor, uuid: &str) -> Result<Certificate, Refusal> {
    let found = monitor.store.certificates(Wish::One(uuid)).await?.pop();
    found.ok_or_else(|| Refusal::not_found("certificate"))
}

/// What a certificate says, and what it comes to now.
pub(super) async fn certificate(
    State(monitor): Shared,
    Path(uuid): Path<String>,
) -> Result<Response, Refusal> {
    let found = find(&monitor, &uuid).await?;
    json_of(&CertificateView::of(&found, &monitor.scopes(), civil(monitor.clock.now()).date()))
}

/// Takes a certificate back.
pub(super) async fn revoke(
    State(monitor): Shared,
    Path(uuid): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (caller, Revoked { reason }): (_, Revoked) = sent(&monitor, request).await?;
    take_back(&monitor, &caller, &uuid, reason).await?;
    certificate(State(monitor), Path(uuid)).await
}

/// The certificate that somebody wants to revoke, if it is for them to do.
pub(super) async fn may_take_back(
    monitor: &Monitor,
    caller: &Caller,
    uuid: &str,
    reason: &str,
) -> Result<Certificate, Refusal> {
    if !caller.has(Role::Approve) {
        return Err(Refusal::forbidden("only assessors may revoke"));
    }
    checked("reason", reason, Kind::Line)?;
    find(monitor, uuid).await
}

/// Revokes a certificate.
pub(super) async fn take_back(
    monitor: &Monitor,
    caller: &Caller,
    uuid: &str,
    reason: String,
) -> Result<(), Refusal> {
    may_take_back(monitor, caller, uuid, &reason).await?;
    let revocation = Revocation { at: monitor.clock.now(), reason };
    match monitor.store.revoke(uuid, &caller.name, &revocation).await? {
        true => Ok(()),
        false => Err(Refusal::conflict("it was revoked before")),
    }
}

const FRESH: (HeaderName, &str) = (header::CACHE_CONTROL, "no-cache");

/// A certificate as a signed document.
pub(super) async fn credential(
    State(monitor): Shared,
    Path(uuid): Path<String>,
) -> Result<Response, Refusal> {
    let document = monitor.store.document(&uuid).await?;
    let document = document.ok_or_else(|| Refusal::not_found("certificate"))?;
    Ok(([(header::CONTENT_TYPE, "application/vc"), FRESH], document).into_response())
}

/// A certificate on paper.
pub(super) async fn on_paper(State(monitor): Shared, Path(uuid): Path<String>) -> Result<Response, Refusal> {
    let missing = || Refusal::not_found("certificate");
    let found = find(&monitor, &uuid).await?;
    let document = monitor.store.document(&uuid).await?.ok_or_else(missing)?;
    let name = format!("inline; filename=\"certificate-{}.pdf\"", found.number);
    let work = move || {
        // The code leads where the certificate says, wherever the monitor is now.
        let signed: serde_json::Value = serde_json::from_str(&document).unwrap_or_default();
        let text =
            |pointer: &str| signed.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default();
        let around = Around {
            what: text("/name"),
            lines: &Line::of(&found, &signed),
            issuer: text("/issuer/name"),
            page: text("/statusPage"),
            digest: &hexadecimal_digest(&document),
            signed: text("/proof/created").parse().map_or_else(|_| found.valid_from.at(0, 0, 0, 0), civil),
        };
        paper(&found, &around)
    };
    let written = monitor.workers.run(work).await?.map_err(|error| {
        tracing::error!(%error, certificate = uuid, "a certificate could not be written");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    })?;
    let headers = [(header::CONTENT_TYPE, "application/pdf"), (header::CONTENT_DISPOSITION, name.as_str())];
    Ok((headers, written).into_response())
}

/// Which certificates were revoked, as a signed document.
pub(super) async fn revoked(State(monitor): Shared) -> Result<Response, Refusal> {
    let all = monitor.store.certificates(Wish::Revoked).await?;
    let base = &monitor.settings.base_url;
    let list = revocation_list(&all, (base, monitor.issuer()), (&monitor.signer, monitor.clock.now()));
    Ok(([FRESH], json_of(&list.map_err(not_signed)?)?).into_response())
}

/// What a subject comes to in a scope, as a picture for pages elsewhere.
pub(super) async fn badge(
    State(monitor): Shared,
    Path((subject, file)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let scopes = monitor.scopes();
    let spec = file.strip_suffix(".svg").and_then(|scope| scopes.find(scope));
    let spec = spec.ok_or_else(|| Refusal::not_found("badge"))?;
    let badge = badge_of(&monitor, (&subject, spec), None).await?;
    let text = super::pages::badge(&spec.name, badge)?;
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml; charset=utf-8"),
        // Others show it: that is the point of it. An hour would be too long for what was revoked.
        (header::CACHE_CONTROL, "public, max-age=300"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    let status = if badge == Badge::Unknown { StatusCode::NOT_FOUND } else { StatusCode::OK };
    Ok((status, headers, text).into_response())
}

/// What the badge of a subject says now; `known` is what is known of it in the scope at this moment, if that was read.
pub(super) async fn badge_of(
    monitor: &Monitor,
    (subject, spec): (&str, &Spec),
    known: Option<&[PastSpell]>,
) -> Result<Badge, Refusal> {
    let now = civil(monitor.clock.now());
    let certificates = monitor.store.certificates(Wish::OfSubjectIn(subject, &spec.uuid)).await?;
    let scores = monitor.scores().await?;
    let achieved = scores.of(subject, &spec.uuid).and_then(|score| score.achieved.as_ref());
    let read;
    let spells = match known {
        Some(spells) => spells,
        None if certificates.is_empty() => &[],
        None => {
            read = monitor.store.history(subject, &spec.uuid, (now, now)).await?;
            &read.spells
        }
    };
    let states = past::states_at(spec, spells, now);
    let certified = |certificate: &Certificate| state_of(spec, &certificate.version, &states);
    Ok(Badge::of(&certificates, achieved, certified, now.date()))
}
