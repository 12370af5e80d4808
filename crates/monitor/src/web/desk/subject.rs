//! What is told about a subject beside its results.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;

use super::super::Path;
use super::super::Shared;
use super::super::certificates::{Kind, checked, is_applicant};
use super::super::error::Refusal;
use super::super::pages::segment;
use super::forms::{Fields, Form, Sent, Visitor};
use super::{Came, Page, go_on};
use crate::accounts::Role;
use crate::notices::mailboxes;
use crate::serve::Monitor;
use crate::store::{Deed, Profile};

/// Where the form is sent.
const SUBJECT: &str = "/desk/subject/{subject}";

#[derive(Template)]
#[template(path = "desk/subject.html")]
struct SubjectForm<'s> {
    base: &'s str,
    form_key: &'s str,
    subject: &'s str,
    form: Form<'s>,
    may_change: bool,
    /// Whether this monitor sends mail to contacts, or would if it did.
    may_be_told: bool,
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
    let fields = written(monitor.store.profile(&subject).await?);
    page(&monitor, &visitor, &subject, came.said(), Form::new(SUBJECT, &fields, None))
}

/// What is told, as its form says it.
fn written(profile: Profile) -> Fields {
    let Profile { title, operator, website, health, description, contact, is_told } = profile;
    let named = [
        ("title", title),
        ("operator", operator),
        ("website", website),
        ("health", health),
        ("description", description),
        ("contact", contact),
    ];
    let told = is_told.then(|| ("told", "yes".to_owned()));
    Fields::of(named.into_iter().chain(told).map(|(name, value)| (name.to_owned(), value)))
}

fn page(
    monitor: &Monitor,
    visitor: &Visitor,
    subject: &str,
    said: Option<&'static str>,
    form: Form<'_>,
) -> Result<Response, Refusal> {
    let status = form.status();
    let tells_contacts = || monitor.notices().is_some_and(|config| config.tells_contacts());
    let page = SubjectForm {
        base: &monitor.settings.base_url,
        form_key: &visitor.form_key,
        subject,
        may_be_told: form.is_ticked("told") || tells_contacts(),
        form,
        may_change: is_applicant(&visitor.caller, subject),
    };
    let title = format!("Subject {subject}");
    Page { monitor, visitor: Some(visitor), title, said }.show(status, &page)
}

/// Saves what is told.
pub(super) async fn change(
    State(monitor): Shared,
    Path(subject): Path<String>,
    Sent { visitor, fields, .. }: Sent,
) -> Result<Response, Refusal> {
    if !is_applicant(&visitor.caller, &subject) {
        return Err(Refusal::forbidden("this is for the subject itself"));
    }
    checked("subject", &subject, Kind::Name)?;
    let profile = match read(&fields) {
        Ok(profile) => profile,
        Err(refusal) => {
            let form = Form::new(SUBJECT, &fields, Some(&refusal));
            return page(&monitor, &visitor, &subject, None, form);
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
    let (contact, is_told) = (fields.optional("contact", Kind::Line)?, fields.is_ticked("told"));
    if is_told && mailboxes(&contact).is_none() {
        let what = " is no address for mail, nor several with commas between them";
        return Err(Refusal::of_field("contact", what));
    }
    Ok(Profile {
        title: fields.optional("title", Kind::Name)?,
        operator: fields.optional("operator", Kind::Name)?,
        website: fields.address("website")?,
        health: fields.address("health")?,
        description: fields.optional("description", Kind::Text)?,
        contact,
        is_told,
    })
}
