//! Certificates of integrators, as applicants and assessors handle them: what they name, and what is made of it.

use askama::Template;
use assay_standards::integrators::{Reference, Share};
use assay_standards::requirements::Integrators;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::Path;
use super::super::Shared;
use super::super::error::Refusal;
use super::super::integrators::{
    Asked, IntegratorView, ReferenceView, Said, apply_for, may_name, may_say, name, say_of,
};
use super::super::pages::segment;
use super::again::Again;
use super::applications::{Refused, one};
use super::forms::{Fields, Form, Sent, Visitor};
use super::{Page, go_on};
use crate::certificates::Word;
use crate::serve::Monitor;

/// Where forms are sent.
const APPLY: &str = "/desk/integrators";
pub(super) const REFERENCES: &str = "/desk/applications/{uuid}/references";
pub(super) const WORD: &str = "/desk/applications/{uuid}/references/{number}";

#[derive(Template)]
#[template(path = "desk/integrate.html")]
struct Apply<'a> {
    base: &'a str,
    form_key: &'a str,
    applicant: &'a str,
    is_admin: bool,
    table: &'static Integrators,
    form: Form<'a>,
}

/// The form to apply with.
pub(super) async fn begin(State(monitor): Shared, visitor: Visitor) -> Result<Response, Refusal> {
    page(&monitor, &visitor, Form::empty(APPLY))
}

fn page(monitor: &Monitor, visitor: &Visitor, form: Form<'_>) -> Result<Response, Refusal> {
    let status = form.status();
    let apply = Apply {
        base: &monitor.settings.base_url,
        form_key: &visitor.form_key,
        applicant: &visitor.caller.name,
        is_admin: visitor.is_admin(),
        table: Integrators::get(),
        form,
    };
    let title = "Apply as an integrator".to_owned();
    Page { monitor, visitor: Some(visitor), title, said: None }.show(status, &apply)
}

/// Applies. References are added afterwards.
pub(super) async fn apply(
    State(monitor): Shared,
    Sent { visitor, fields, .. }: Sent,
) -> Result<Response, Refusal> {
    let written = |name: &str| fields.get(name).trim().to_owned();
    let applicant = if visitor.is_admin() { written("applicant") } else { visitor.caller.name.clone() };
    let asked = Asked {
        applicant,
        layer: written("layer"),
        tier: written("tier"),
        organisation: written("organisation"),
        covers: written("covers"),
        contact: written("contact"),
        evidence: written("evidence"),
        references: Vec::new(),
    };
    match apply_for(&monitor, visitor.caller.clone(), asked).await {
        Ok(uuid) => Ok(go_on(&monitor, &format!("desk/applications/{uuid}"), "applied")),
        Err(refusal) => page(&monitor, &visitor, Form::new(APPLY, &fields, Some(&refusal))),
    }
}

/// What an integrator names, and what it comes to.
pub(super) struct References<'r> {
    pub(super) table: &'static Integrators,
    pub(super) view: &'r IntegratorView<'r>,
}

impl<'r> References<'r> {
    pub(super) fn of(view: &'r IntegratorView<'r>) -> Self {
        Self { table: Integrators::get(), view }
    }

    pub(super) fn all(&self) -> &'r [ReferenceView<'r>] {
        &self.view.references
    }
}

/// A reference as a form says it.
fn reference(fields: &Fields) -> Result<Reference, Refusal> {
    let written = |name: &str| fields.get(name).trim().to_owned();
    let day = |name: &str| match fields.get(name).trim() {
        "" => Ok(None),
        day => day.parse().map(Some).map_err(|_| Refusal::of_field(name, " is no day")),
    };
    let number = |name: &str| match fields.get(name).trim() {
        "" => Ok(None),
        number => number.parse().map(Some).map_err(|_| Refusal::of_field(name, " is no number")),
    };
    let lines = |name: &str| {
        let lines = fields.get(name).lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    };
    let share = Share { part: written("part"), proof: written("proof") };
    Ok(Reference {
        kind: written("kind"),
        environment: written("environment"),
        named: fields.is_ticked("named"),
        from: day("from")?.ok_or_else(|| Refusal::of_field("from", " is missing"))?,
        until: day("until")?,
        regions: number("regions")?,
        zones: number("zones")?,
        share: (!share.part.is_empty() || !share.proof.is_empty()).then_some(share),
        reports: lines("reports"),
        evidence: lines("evidence"),
    })
}

/// Adds a reference to an application.
pub(super) async fn add(
    State(monitor): Shared,
    Path(uuid): Path<String>,
    Sent { visitor, fields, .. }: Sent,
) -> Result<Response, Refusal> {
    let added = async {
        may_name(&monitor, &visitor.caller, &uuid).await?;
        name(&monitor, &visitor.caller, &uuid, &reference(&fields)?).await
    };
    match added.await {
        Ok(()) => Ok(go_on(&monitor, &format!("desk/applications/{}", segment(&uuid)), "reference")),
        Err(refusal) => {
            let refused = Refused { form: REFERENCES, number: None, fields: &fields, refusal: &refusal };
            one(&monitor, &visitor, &uuid, None, Some(refused)).await
        }
    }
}

/// Says something of a reference; if it is taken back for good, after another question.
pub(super) async fn say(
    State(monitor): Shared,
    Path((uuid, number)): Path<(String, i64)>,
    Sent { visitor, fields, path }: Sent,
) -> Result<Response, Refusal> {
    let back = &format!("desk/applications/{}", segment(&uuid));
    let said = async {
        let said = Said { word: fields.get("word").to_owned(), text: fields.get("said").trim().to_owned() };
        let word = may_say(&monitor, &visitor.caller, (&uuid, number), &said).await?;
        if word == Word::Withdrawn && !fields.is_sure() {
            let told = format!("Reference {number} is withdrawn. It counts no more, and does not come back.");
            let (title, button) = ("Withdraw a reference", "Withdraw it");
            let question = Again { path: &path, title, told, button, back, fields: &fields, is_final: true };
            return question.show(&monitor, &visitor, StatusCode::OK).map(Some);
        }
        say_of(&monitor, &visitor.caller, (&uuid, number), (word, said.text)).await.map(|()| None)
    };
    match said.await {
        Ok(Some(question)) => Ok(question),
        Ok(None) => Ok(go_on(&monitor, back, "said")),
        Err(refusal) => {
            let refused = Refused { form: WORD, number: Some(number), fields: &fields, refusal: &refusal };
            one(&monitor, &visitor, &uuid, None, Some(refused)).await
        }
    }
}
