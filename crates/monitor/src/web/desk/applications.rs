//! Applications for certificates, as applicants and assessors handle them.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::super::Path;
use super::super::Shared;
use super::super::certificates::{
    Asked, Wanted, application_for, apply_for, decides_about, find, is_applicant, may_move_on, may_take_back,
    move_on as make, take_back,
};
use super::super::error::Refusal;
use super::super::integrators::Judgement;
use super::super::pages::{Pager, Turn, segment};
use super::again::Again;
use super::forms::{Fields, Form, Sent, Visitor};
use super::integrators::{REFERENCES, References, WORD};
use super::{Came, LISTED, Page, go_on, shown_time};
use crate::certificates::{Course, Move, layer_of};
use crate::scopes::Scopes;
use crate::serve::Monitor;
use crate::store::{Application, civil};

/// Where forms are sent.
const APPLY: &str = "/desk/applications";
const GO_ON: &str = "/desk/applications/{uuid}";
const REVOKE: &str = "/desk/applications/{uuid}/revocation";

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
    form: Form<'a>,
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
    form(&monitor, &visitor, Form::empty(APPLY))
}

fn form(monitor: &Monitor, visitor: &Visitor, form: Form<'_>) -> Result<Response, Refusal> {
    let status = form.status();
    let apply = Apply {
        base: &monitor.settings.base_url,
        form_key: &visitor.form_key,
        subject: &visitor.caller.name,
        is_admin: visitor.is_admin(),
        wishes: wishes(monitor),
        form,
    };
    let title = "Apply for a certificate".to_owned();
    Page { monitor, visitor: Some(visitor), title, said: None }.show(status, &apply)
}

/// Applies.
pub(super) async fn apply(
    State(monitor): Shared,
    Sent { visitor, fields, .. }: Sent,
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
        Err(refusal) => form(&monitor, &visitor, Form::new(APPLY, &fields, Some(&refusal))),
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
    /// Whether whoever looks may decide about it.
    decides: bool,
    /// When the certificate was revoked.
    revoked: Option<String>,
    /// What an integrator names.
    references: Option<References<'a>>,
    trouble: Option<String>,
    form: Form<'a>,
    /// Of what can be revoked, for whoever may.
    revocation: Option<Form<'a>>,
    reference: Form<'a>,
    word: Form<'a>,
    /// The reference that the word is about.
    number: Option<i64>,
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
    one(&monitor, &visitor, &uuid, came.said(), None).await
}

pub(super) async fn one(
    monitor: &Monitor,
    visitor: &Visitor,
    uuid: &str,
    said: Option<&'static str>,
    refused: Option<Refused<'_>>,
) -> Result<Response, Refusal> {
    let application = application_for(monitor, &visitor.caller, uuid).await?;
    let judgement = match layer_of(&application.asked.scope) {
        Some(layer) => Some(Judgement::of(monitor, layer, &application.references).await?),
        None => None,
    };
    let view = judgement.as_ref().map(|judgement| judgement.view(&application, monitor.clock.now()));
    let form = |path| match &refused {
        Some(refused) => Form::new(path, refused.fields, Some(refused.refusal)).if_sent(refused.form),
        None => Form::empty(path),
    };
    let (going, revocation) = (form(GO_ON), form(REVOKE));
    let (reference, word) = (form(REFERENCES), form(WORD));
    let trouble = [&going, &revocation, &reference, &word].into_iter().find_map(Form::trouble);
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
        decides: decides_about(&visitor.caller, &application),
        revocation: (visitor.is_assessor() && revoked.is_none()).then_some(revocation),
        revoked: revoked.map(|revocation| shown_time(revocation.at)),
        references: view.as_ref().map(References::of),
        application: &application,
        trouble,
        form: going,
        reference,
        word,
        number: refused.as_ref().and_then(|refused| refused.number),
    };
    let status = refused.as_ref().map_or(StatusCode::OK, |refused| refused.refusal.status());
    let title = format!("Application of {}", asked.subject);
    Page { monitor, visitor: Some(visitor), title, said }.show(status, &page)
}

/// Something that was sent about an application and is not done.
pub(super) struct Refused<'r> {
    /// The form, by where it is sent.
    pub(super) form: &'static str,
    /// The reference that it is about.
    pub(super) number: Option<i64>,
    pub(super) fields: &'r Fields,
    pub(super) refusal: &'r Refusal,
}

/// What comes of a move that is the last, and what it is called.
fn last(made: Move) -> Option<(&'static str, &'static str, &'static str)> {
    Some(match made {
        Move::Grant => (
            "Grant a certificate",
            "A certificate is granted, stands in the log, and is for everybody to see. It can be revoked later, and not undone.",
            "Grant it",
        ),
        Move::Reject => (
            "Reject an application",
            "The application is rejected. It stays so, and the subject has to apply again.",
            "Reject it",
        ),
        Move::Withdraw => (
            "Withdraw an application",
            "The application is withdrawn. It stays so, and the subject has to apply again.",
            "Withdraw it",
        ),
        Move::Apply | Move::Evidence | Move::Judge | Move::Ask => return None,
    })
}

/// Moves an application on; if that is final, after another question.
pub(super) async fn move_on(
    State(monitor): Shared,
    Path(uuid): Path<String>,
    Sent { visitor, fields, path }: Sent,
) -> Result<Response, Refusal> {
    let made = async {
        let valid_from = match fields.get("valid_from") {
            "" => None,
            day => Some(day.parse().map_err(|_| Refusal::of_field("valid_from", " is no day"))?),
        };
        let wanted = Wanted {
            made: fields.get("move").to_owned(),
            text: fields.get("text").trim().to_owned(),
            valid_from,
            despite: fields.is_ticked("despite"),
        };
        let (application, made) = may_move_on(&monitor, &visitor.caller, &uuid, &wanted).await?;
        if let Some((title, told, button)) = last(made).filter(|_| !fields.is_sure()) {
            let (asked, back) = (application.asked, &format!("desk/applications/{}", segment(&uuid)));
            let about = what(&monitor.scopes(), &asked.scope, &asked.version);
            let told = format!("{}, {about}. {told}", asked.subject);
            let question = Again { path: &path, title, told, button, back, fields: &fields, is_final: true };
            return question.show(&monitor, &visitor, StatusCode::OK).map(Some);
        }
        make(&monitor, visitor.caller.clone(), &uuid, wanted).await.map(|()| None)
    };
    after(&monitor, (&visitor, &fields), (&uuid, GO_ON), (made.await, "moved")).await
}

/// Revokes the certificate that an application led to, after another question.
pub(super) async fn revoke(
    State(monitor): Shared,
    Path(uuid): Path<String>,
    Sent { visitor, fields, path }: Sent,
) -> Result<Response, Refusal> {
    let application = application_for(&monitor, &visitor.caller, &uuid).await?;
    let certificate = application.certificate.ok_or_else(|| Refusal::not_found("certificate"))?;
    let reason = fields.get("reason").trim().to_owned();
    let done = async {
        let found = may_take_back(&monitor, &visitor.caller, &certificate, &reason).await?;
        if found.revocation.is_none() && !fields.is_sure() {
            let told = format!(
                "Certificate {} of {} is revoked, for the reason below. That is public at once, stands in the log, and \
                 cannot be undone.",
                found.number, found.subject
            );
            let (title, button) = ("Revoke a certificate", "Revoke it");
            let back = &format!("desk/applications/{}", segment(&uuid));
            let question = Again { path: &path, title, told, button, back, fields: &fields, is_final: true };
            return question.show(&monitor, &visitor, StatusCode::OK).map(Some);
        }
        take_back(&monitor, &visitor.caller, &certificate, reason).await.map(|()| None)
    };
    after(&monitor, (&visitor, &fields), (&uuid, REVOKE), (done.await, "revoked")).await
}

/// Goes on with an application, asks another question, or shows the application again with what was written.
async fn after(
    monitor: &Monitor,
    (visitor, fields): (&Visitor, &Fields),
    (uuid, form): (&str, &'static str),
    (done, word): (Result<Option<Response>, Refusal>, &str),
) -> Result<Response, Refusal> {
    match done {
        Ok(Some(question)) => Ok(question),
        Ok(None) => Ok(go_on(monitor, &format!("desk/applications/{}", segment(uuid)), word)),
        // Who may not even see it is told so by the page.
        Err(refusal) => {
            let refused = Refused { form, number: None, fields, refusal: &refusal };
            one(monitor, visitor, uuid, None, Some(refused)).await
        }
    }
}
