//! Applications for certificates, as applicants and assessors handle them.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::super::Shared;
use super::super::certificates::{
    Asked, Wanted, application_for, apply_for, find, is_applicant, move_on as make, take_back,
};
use super::super::error::Refusal;
use super::super::pages::{Pager, Turn, segment};
use super::forms::{Fields, Sent, Visitor};
use super::{Came, LISTED, Page, go_on, shown_time};
use crate::accounts::Role;
use crate::certificates::{Course, Move, layer_of};
use crate::scopes::Scopes;
use crate::serve::Monitor;
use crate::store::{Application, civil};

#[derive(Template)]
#[template(path = "desk/applications.html")]
struct Applications<'a> {
    base: &'a str,
    rows: &'a [Row],
    pager: Pager,
}

struct Row {
    uuid: String,
    subject: String,
    what: String,
    organisation: String,
    course: &'static str,
}

/// The name of a scope with one of its versions.
fn what(scopes: &Scopes, scope: &str, version: &str) -> String {
    if let Some(layer) = layer_of(scope) {
        return layer.title_of(version);
    }
    format!("{} {version}", scopes.by_uuid(scope).map_or(scope, |spec| &spec.name))
}

/// The applications that concern somebody.
pub(super) async fn list(
    State(monitor): Shared,
    visitor: Visitor,
    turn: Result<Query<Turn>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(turn) = turn?;
    let is_theirs = visitor.is_assessor() || visitor.is_admin();
    let subject = (!is_theirs).then_some(visitor.caller.name.as_str());
    let scopes = monitor.scopes();
    let count = monitor.store.count_applications(subject, None).await?;
    let (part, pager) = Pager::part(count, LISTED, turn.page, "");
    let rows = monitor.store.applications(subject, &part).await?.into_iter().map(
        |Application { asked, course, .. }| Row {
            what: what(&scopes, &asked.scope, &asked.version),
            uuid: asked.uuid,
            subject: asked.subject,
            organisation: asked.organisation,
            course: course.as_str(),
        },
    );
    let rows: Vec<Row> = rows.collect();
    let title = "Applications".to_owned();
    let list = Applications { base: &monitor.settings.base_url, rows: &rows, pager };
    Page { monitor: &monitor, visitor: Some(&visitor), title, said: None }.show(StatusCode::OK, &list)
}

#[derive(Template)]
#[template(path = "desk/apply.html")]
struct Apply<'a> {
    base: &'a str,
    form_key: &'a str,
    subject: &'a str,
    is_admin: bool,
    wishes: Vec<Wish>,
    fields: &'a Fields,
    trouble: Option<String>,
}

/// A version that can be applied for.
struct Wish {
    /// The UUID of the scope and the version, as the form sends them.
    value: String,
    what: String,
}

/// What stands between a scope and its version in the form; no UUID has it.
const BETWEEN: char = ' ';

fn wishes(monitor: &Monitor) -> Vec<Wish> {
    let day = civil(monitor.clock.now()).date();
    let mut wishes = Vec::new();
    for spec in monitor.scopes().iter() {
        for (version, validity) in spec.validity(day) {
            if validity.certifiable() {
                let value = format!("{}{BETWEEN}{}", spec.uuid, version.name);
                wishes.push(Wish { value, what: format!("{} {}", spec.name, version.name) });
            }
        }
    }
    wishes
}

/// The form to apply with.
pub(super) async fn begin(State(monitor): Shared, visitor: Visitor) -> Result<Response, Refusal> {
    form(&monitor, &visitor, (&Fields::default(), None))
}

fn form(
    monitor: &Monitor,
    visitor: &Visitor,
    (fields, refusal): (&Fields, Option<Refusal>),
) -> Result<Response, Refusal> {
    let apply = Apply {
        base: &monitor.settings.base_url,
        form_key: &visitor.form_key,
        subject: &visitor.caller.name,
        is_admin: visitor.is_admin(),
        wishes: wishes(monitor),
        fields,
        trouble: refusal.as_ref().map(Refusal::detail),
    };
    let status = refusal.as_ref().map_or(StatusCode::OK, Refusal::status);
    let title = "Apply for a certificate".to_owned();
    Page { monitor, visitor: Some(visitor), title, said: None }.show(status, &apply)
}

/// Applies.
pub(super) async fn apply(
    State(monitor): Shared,
    Sent { visitor, fields }: Sent,
) -> Result<Response, Refusal> {
    let written = |name: &str| fields.get(name).trim().to_owned();
    let (scope, version) = fields.get("what").split_once(BETWEEN).unwrap_or_default();
    let subject = if visitor.is_admin() { written("subject") } else { visitor.caller.name.clone() };
    let asked = Asked {
        subject,
        scope: scope.to_owned(),
        version: version.to_owned(),
        organisation: written("organisation"),
        covers: written("covers"),
        contact: written("contact"),
        evidence: written("evidence"),
    };
    match apply_for(&monitor, visitor.caller.clone(), asked).await {
        Ok(uuid) => Ok(go_on(&monitor, &format!("desk/applications/{uuid}"), "applied")),
        Err(refusal) => form(&monitor, &visitor, (&fields, Some(refusal))),
    }
}

#[derive(Template)]
#[template(path = "desk/application.html")]
struct ApplicationPage<'a> {
    base: &'a str,
    form_key: &'a str,
    application: &'a Application,
    what: String,
    slug: Option<String>,
    moves: Vec<MoveRow<'a>>,
    is_open: bool,
    is_applicant: bool,
    is_assessor: bool,
    /// When the certificate was revoked.
    revoked: Option<String>,
    fields: &'a Fields,
    trouble: Option<String>,
}

struct MoveRow<'m> {
    at: String,
    account: &'m str,
    what: &'static str,
    text: &'m str,
}

/// An application, and what can be done with it.
pub(super) async fn show(
    State(monitor): Shared,
    visitor: Visitor,
    Path(uuid): Path<String>,
    Query(came): Query<Came>,
) -> Result<Response, Refusal> {
    one(&monitor, &visitor, &uuid, came.said(), (&Fields::default(), None)).await
}

async fn one(
    monitor: &Monitor,
    visitor: &Visitor,
    uuid: &str,
    said: Option<&'static str>,
    (fields, refusal): (&Fields, Option<Refusal>),
) -> Result<Response, Refusal> {
    let application = application_for(monitor, &visitor.caller, uuid).await?;
    let asked = &application.asked;
    let revoked = match &application.certificate {
        Some(certificate) => find(monitor, certificate).await?.revocation,
        None => None,
    };
    let scopes = monitor.scopes();
    let moves = application.moves.iter().map(|made| MoveRow {
        at: shown_time(made.at),
        account: &made.account,
        what: match made.what {
            Move::Apply => "applied",
            Move::Evidence => "added",
            Move::Ask => "asked",
            Move::Withdraw => "withdrew",
            Move::Grant => "granted",
            Move::Reject => "rejected",
            Move::Judge => "judged",
        },
        text: &made.text,
    });
    let page = ApplicationPage {
        base: &monitor.settings.base_url,
        form_key: &visitor.form_key,
        what: what(&scopes, &asked.scope, &asked.version),
        slug: scopes.by_uuid(&asked.scope).map(Scopes::slug),
        moves: moves.collect(),
        is_open: matches!(application.course, Course::Submitted | Course::Asked),
        is_applicant: is_applicant(&visitor.caller, &asked.subject),
        is_assessor: visitor.caller.has(Role::Approve),
        revoked: revoked.map(|revocation| shown_time(revocation.at)),
        application: &application,
        fields,
        trouble: refusal.as_ref().map(Refusal::detail),
    };
    let status = refusal.as_ref().map_or(StatusCode::OK, Refusal::status);
    let title = format!("Application of {}", asked.subject);
    Page { monitor, visitor: Some(visitor), title, said }.show(status, &page)
}

/// Moves an application on.
pub(super) async fn move_on(
    State(monitor): Shared,
    Path(uuid): Path<String>,
    Sent { visitor, fields }: Sent,
) -> Result<Response, Refusal> {
    let made = async {
        let valid_from = match fields.get("valid_from") {
            "" => None,
            day => Some(day.parse().map_err(|_| Refusal::unreadable("valid_from is no day"))?),
        };
        let wanted = Wanted {
            made: fields.get("move").to_owned(),
            text: fields.get("text").trim().to_owned(),
            valid_from,
            despite: fields.is_ticked("despite"),
        };
        make(&monitor, visitor.caller.clone(), &uuid, wanted).await
    };
    after(&monitor, (&visitor, &fields), &uuid, (made.await, "moved")).await
}

/// Revokes the certificate that an application led to.
pub(super) async fn revoke(
    State(monitor): Shared,
    Path(uuid): Path<String>,
    Sent { visitor, fields }: Sent,
) -> Result<Response, Refusal> {
    let application = application_for(&monitor, &visitor.caller, &uuid).await?;
    let certificate = application.certificate.ok_or_else(|| Refusal::not_found("certificate"))?;
    let reason = fields.get("reason").trim().to_owned();
    let done = take_back(&monitor, &visitor.caller, &certificate, reason).await;
    after(&monitor, (&visitor, &fields), &uuid, (done, "revoked")).await
}

async fn after(
    monitor: &Monitor,
    (visitor, fields): (&Visitor, &Fields),
    uuid: &str,
    (done, word): (Result<(), Refusal>, &str),
) -> Result<Response, Refusal> {
    match done {
        Ok(()) => Ok(go_on(monitor, &format!("desk/applications/{}", segment(uuid)), word)),
        // Who may not even see it is told so by the page.
        Err(refusal) => one(monitor, visitor, uuid, None, (fields, Some(refusal))).await,
    }
}
