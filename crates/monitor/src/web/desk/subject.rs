//! What is told about a subject beside its results.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::super::Shared;
use super::super::certificates::{Kind, checked, is_applicant};
use super::super::error::Refusal;
use super::super::pages::segment;
use super::forms::{Fields, Sent, Visitor};
use super::{Came, Page, go_on};
use crate::accounts::Role;
use crate::serve::Monitor;
use crate::store::{Deed, Profile};

#[derive(Template)]
#[template(path = "desk/subject.html")]
struct SubjectForm<'s> {
    base: &'s str,
    form_key: &'s str,
    subject: &'s str,
    profile: &'s Profile,
    may_change: bool,
    trouble: Option<String>,
}

/// Shows what is told, to whom it concerns.
pub(super) async fn show(
    State(monitor): Shared,
    visitor: Visitor,
    Path(subject): Path<String>,
    Query(came): Query<Came>,
) -> Result<Response, Refusal> {
    let caller = &visitor.caller;
    if !is_applicant(caller, &subject) && !caller.has(Role::Approve) {
        return Err(Refusal::forbidden("this is for the subject itself"));
    }
    let profile = monitor.store.profile(&subject).await?;
    page(&monitor, &visitor, &subject, &profile, (came.said(), None))
}

fn page(
    monitor: &Monitor,
    visitor: &Visitor,
    subject: &str,
    profile: &Profile,
    (said, refusal): (Option<&'static str>, Option<&Refusal>),
) -> Result<Response, Refusal> {
    let form = SubjectForm {
        base: &monitor.settings.base_url,
        form_key: &visitor.form_key,
        subject,
        profile,
        may_change: is_applicant(&visitor.caller, subject),
        trouble: refusal.map(Refusal::detail),
    };
    let status = refusal.map_or(StatusCode::OK, Refusal::status);
    let title = format!("Subject {subject}");
    Page { monitor, visitor: Some(visitor), title, said }.show(status, &form)
}

/// Saves what is told.
pub(super) async fn change(
    State(monitor): Shared,
    Path(subject): Path<String>,
    Sent { visitor, fields }: Sent,
) -> Result<Response, Refusal> {
    if !is_applicant(&visitor.caller, &subject) {
        return Err(Refusal::forbidden("this is for the subject itself"));
    }
    checked("subject", &subject, Kind::Name)?;
    let profile = match read(&fields) {
        Ok(profile) => profile,
        Err(refusal) => {
            let written = |name: &str| fields.get(name).to_owned();
            let profile = Profile {
                title: written("title"),
                operator: written("operator"),
                website: written("website"),
                health: written("health"),
                description: written("description"),
                contact: written("contact"),
            };
            return page(&monitor, &visitor, &subject, &profile, (None, Some(&refusal)));
        }
    };
    let deed = Deed {
        at: monitor.clock.now(),
        account: visitor.caller.name,
        what: "changed what is told about it".to_owned(),
        about: subject.clone(),
    };
    monitor.store.set_profile(&profile, &deed).await?;
    Ok(go_on(&monitor, &format!("desk/subject/{}", segment(&subject)), "subject"))
}

fn read(fields: &Fields) -> Result<Profile, Refusal> {
    Ok(Profile {
        title: fields.optional("title", Kind::Name)?,
        operator: fields.optional("operator", Kind::Name)?,
        website: fields.address("website")?,
        health: fields.address("health")?,
        description: fields.optional("description", Kind::Text)?,
        contact: fields.optional("contact", Kind::Line)?,
    })
}
