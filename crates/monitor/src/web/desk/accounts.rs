//! Keeping accounts.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::super::Path;
use super::super::Shared;
use super::super::certificates::Kind;
use super::super::error::Refusal;
use super::super::pages::{Pager, segment};
use super::account::role_words;
use super::again::Again;
use super::forms::{Fields, Form, Sent, Visitor};
use super::oidc::{IDENTITY, Identities};
use super::{Came, LISTED, Page, go_on, shown_time};
use crate::accounts::{INVITATION, Role, Roles, Secret, digest_of, is_account_name};
use crate::serve::Monitor;
use crate::store::{Deed, Person};

/// Where forms are sent.
const ACCOUNTS: &str = "/desk/accounts";
const PERSON: &str = "/desk/accounts/{name}";

#[derive(Template)]
#[template(path = "desk/accounts.html")]
struct Accounts<'a> {
    base: &'a str,
    form_key: &'a str,
    rows: Vec<Row>,
    form: Form<'a>,
}

struct Row {
    person: Person,
    roles: String,
}

fn rows(people: Vec<Person>) -> Vec<Row> {
    people.into_iter().map(|person| Row { roles: role_words(&person), person }).collect()
}

/// All accounts.
pub(super) async fn list(
    State(monitor): Shared,
    visitor: Visitor,
    Query(came): Query<Came>,
) -> Result<Response, Refusal> {
    visitor.must_have(Role::Admin)?;
    page(&monitor, &visitor, came.said(), Form::empty(ACCOUNTS)).await
}

async fn page(
    monitor: &Monitor,
    visitor: &Visitor,
    said: Option<&'static str>,
    form: Form<'_>,
) -> Result<Response, Refusal> {
    let status = form.status();
    let accounts = Accounts {
        base: &monitor.settings.base_url,
        form_key: &visitor.form_key,
        rows: rows(monitor.store.people().await?),
        form,
    };
    let title = "Accounts".to_owned();
    Page { monitor, visitor: Some(visitor), title, said }.show(status, &accounts)
}

/// Makes an account. Nobody can log in to it before being invited.
pub(super) async fn add(
    State(monitor): Shared,
    Sent { visitor, fields, .. }: Sent,
) -> Result<Response, Refusal> {
    visitor.must_have(Role::Admin)?;
    let made = async {
        let name = fields.text("name", Kind::Name)?;
        is_account_name(&name).map_err(|why| Refusal::of_field("name", &format!(": {why}")))?;
        let person = Person { name, ..read(&fields)? };
        let deed = deed(
            &monitor,
            &visitor,
            format!("made the account with the roles {}", role_words(&person)),
            &person.name,
        );
        match monitor.store.add_person(&person, &deed).await? {
            true => Ok(person.name),
            false => Err(Refusal::conflict("there is an account of this name")),
        }
    };
    match made.await {
        Ok(name) => Ok(go_on(&monitor, &format!("desk/accounts/{}", segment(&name)), "person")),
        Err(refusal) => page(&monitor, &visitor, None, Form::new(ACCOUNTS, &fields, Some(&refusal))).await,
    }
}

fn read(fields: &Fields) -> Result<Person, Refusal> {
    let group = fields.optional("group", Kind::Name)?;
    let roles: Roles = Role::ALL.into_iter().filter(|role| fields.is_ticked(role.as_str())).collect();
    Ok(Person {
        name: String::new(),
        group: (!group.is_empty()).then_some(group),
        roles,
        kept_here: true,
        blocked: fields.is_ticked("blocked"),
    })
}

fn deed(monitor: &Monitor, visitor: &Visitor, what: String, about: &str) -> Deed {
    Deed { at: monitor.clock.now(), account: visitor.caller.name.clone(), what, about: about.to_owned() }
}

#[derive(Template)]
#[template(path = "desk/person.html")]
struct PersonForm<'p> {
    base: &'p str,
    form_key: &'p str,
    person: &'p Person,
    roles: String,
    identities: Identities<'p>,
    invitation: Option<String>,
    /// As it is stored, or as it was written and not taken.
    form: Form<'p>,
}

/// What an account is.
pub(super) async fn show(
    State(monitor): Shared,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(came): Query<Came>,
) -> Result<Response, Refusal> {
    visitor.must_have(Role::Admin)?;
    let person = find(&monitor, &name).await?;
    one(&monitor, &visitor, &person, came.said(), (None, (None, None))).await
}

async fn find(monitor: &Monitor, name: &str) -> Result<Person, Refusal> {
    monitor.store.person(name).await?.ok_or_else(|| Refusal::not_found("account"))
}

async fn one(
    monitor: &Monitor,
    visitor: &Visitor,
    person: &Person,
    said: Option<&'static str>,
    (invitation, (fields, refusal)): (Option<String>, (Option<&Fields>, Option<&Refusal>)),
) -> Result<Response, Refusal> {
    let stored = written(person);
    let form = Form::new(PERSON, fields.unwrap_or(&stored), refusal);
    let identity = Form::empty(IDENTITY);
    with_identity(monitor, visitor, person, said, (invitation, Some(form), identity)).await
}

/// The page of an account, with what was written of an identity.
pub(super) async fn with_identity(
    monitor: &Monitor,
    visitor: &Visitor,
    person: &Person,
    said: Option<&'static str>,
    (invitation, form, identity): (Option<String>, Option<Form<'_>>, Form<'_>),
) -> Result<Response, Refusal> {
    let stored = written(person);
    let form = form.unwrap_or_else(|| Form::new(PERSON, &stored, None));
    let status = form.status().max(identity.status());
    let page = PersonForm {
        base: &monitor.settings.base_url,
        form_key: &visitor.form_key,
        person,
        roles: role_words(person),
        identities: Identities::of(monitor, visitor, Some(&person.name), identity).await?,
        invitation,
        form,
    };
    let title = format!("Account {}", person.name);
    Page { monitor, visitor: Some(visitor), title, said }.show(status, &page)
}

/// An account as its form says it.
fn written(person: &Person) -> Fields {
    let ticked = Role::ALL.into_iter().filter(|role| person.roles.has(*role)).map(Role::as_str);
    let ticked = ticked.chain(person.blocked.then_some("blocked"));
    let group = ("group".to_owned(), person.group.clone().unwrap_or_default());
    Fields::of(ticked.map(|name| (name.to_owned(), "on".to_owned())).chain([group]))
}

/// Changes an account that was made here.
pub(super) async fn change(
    State(monitor): Shared,
    Path(name): Path<String>,
    Sent { visitor, fields, .. }: Sent,
) -> Result<Response, Refusal> {
    visitor.must_have(Role::Admin)?;
    let before = find(&monitor, &name).await?;
    let changed = async {
        let person = match before.kept_here {
            true => Person { name: name.clone(), ..read(&fields)? },
            // What else it is, the operator's file says.
            false => Person { blocked: fields.is_ticked("blocked"), ..before.clone() },
        };
        if name == visitor.caller.name && (person.blocked || !person.roles.has(Role::Admin)) {
            return Err(Refusal::conflict(
                "nobody takes away what they themselves need for this: ask another admin",
            ));
        }
        let blocked = if person.blocked { ", blocked" } else { "" };
        let group = person.group.as_deref().unwrap_or("none");
        let what = format!("changed the account: roles {}, group {group}{blocked}", role_words(&person));
        match monitor.store.change_person(&person, &deed(&monitor, &visitor, what, &name)).await? {
            true => Ok(()),
            false => Err(Refusal::not_found("account")),
        }
    };
    match changed.await {
        Ok(()) => Ok(go_on(&monitor, &format!("desk/accounts/{}", segment(&name)), "person")),
        Err(refusal) => one(&monitor, &visitor, &before, None, (None, (Some(&fields), Some(&refusal)))).await,
    }
}

/// Makes an address where somebody sets the password of an account once.
pub(super) async fn invite(
    State(monitor): Shared,
    Path(name): Path<String>,
    Sent { visitor, .. }: Sent,
) -> Result<Response, Refusal> {
    visitor.must_have(Role::Admin)?;
    let person = find(&monitor, &name).await?;
    if person.blocked {
        let refusal =
            Refusal::conflict("the account is blocked: nobody can use it, with a password or without");
        return one(&monitor, &visitor, &person, None, (None, (None, Some(&refusal)))).await;
    }
    let Secret(secret) = Secret::new()?;
    let deed = deed(&monitor, &visitor, "invited somebody to set its password".to_owned(), &name);
    monitor.store.invite(&deed, &digest_of(secret.expose_secret()), deed.at + INVITATION).await?;
    let address = format!("{}invitation/{}", monitor.settings.base_url, secret.expose_secret());
    one(&monitor, &visitor, &person, None, (Some(address), (None, None))).await
}

/// Ends the sessions, tokens and invitations of an account, whoever has them; if somebody means it.
pub(super) async fn put_out(
    State(monitor): Shared,
    Path(name): Path<String>,
    Sent { visitor, fields, path }: Sent,
) -> Result<Response, Refusal> {
    visitor.must_have(Role::Admin)?;
    find(&monitor, &name).await?;
    if !fields.is_sure() {
        let mut told = format!(
            "All sessions, tokens and invitations of {name} end, and do not come back. Programs of it need other tokens."
        );
        // Somebody who came in may have connected who they are elsewhere, and would come back by that.
        if !monitor.store.identities(&name).await?.is_empty() {
            told +=
                " Whoever is connected with it elsewhere can log in again: disconnect first who is not to.";
        }
        let (title, button) = ("Put everybody out", "Put them out");
        let back = &format!("desk/accounts/{}", segment(&name));
        let question = Again { path: &path, title, told, button, back, fields: &fields, is_final: true };
        return question.show(&monitor, &visitor, StatusCode::OK);
    }
    let what = "ended its sessions, tokens and invitations".to_owned();
    monitor.store.put_out(&deed(&monitor, &visitor, what, &name)).await?;
    Ok(go_on(&monitor, &format!("desk/accounts/{}", segment(&name)), "out"))
}

/// Removes an account that was made here, if somebody means it.
pub(super) async fn remove(
    State(monitor): Shared,
    Path(name): Path<String>,
    Sent { visitor, fields, path }: Sent,
) -> Result<Response, Refusal> {
    visitor.must_have(Role::Admin)?;
    let person = find(&monitor, &name).await?;
    let refusal = if name == visitor.caller.name {
        Refusal::conflict("nobody removes their own account: ask another admin")
    } else if person.kept_here && !fields.is_sure() {
        let told = format!(
            "The account {name} goes, with its keys, tokens and passwords. Results, reports, applications and certificates \
             stay, and belong to whoever gets an account of this name."
        );
        let (title, button) = ("Remove an account", "Remove it");
        let back = &format!("desk/accounts/{}", segment(&name));
        let question = Again { path: &path, title, told, button, back, fields: &fields, is_final: true };
        return question.show(&monitor, &visitor, StatusCode::OK);
    } else if monitor
        .store
        .remove_person(&name, &deed(&monitor, &visitor, "removed the account".to_owned(), &name))
        .await?
    {
        return Ok(go_on(&monitor, "desk/accounts", "no-person"));
    } else {
        Refusal::conflict("this account is there because the operator's file names it")
    };
    one(&monitor, &visitor, &person, None, (None, (None, Some(&refusal)))).await
}

#[derive(Template)]
#[template(path = "desk/changes.html")]
struct Changes<'c> {
    base: &'c str,
    name: &'c str,
    rows: Vec<(String, Deed)>,
    pager: Pager,
}

/// Which changes are wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    /// Who made them, or whom they are about.
    #[serde(default)]
    name: String,
    page: Option<usize>,
}

/// Who changed what.
pub(super) async fn changes(
    State(monitor): Shared,
    visitor: Visitor,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Refusal> {
    visitor.must_have(Role::Admin)?;
    let Query(Wanted { name, page }) = wanted?;
    // What no text has, no database takes.
    let name = name.trim().replace('\0', "\u{fffd}");
    let more = if name.is_empty() { String::new() } else { format!("&name={}", segment(&name)) };
    let (part, pager) = Pager::part(monitor.store.count_deeds(&name).await?, LISTED, page, &more);
    let rows = monitor.store.deeds(&name, &part).await?;
    let rows = rows.into_iter().map(|deed| (shown_time(deed.at), deed)).collect();
    let title = "Changes of accounts and profiles".to_owned();
    let changes = Changes { base: &monitor.settings.base_url, name: &name, rows, pager };
    Page { monitor: &monitor, visitor: Some(&visitor), title, said: None }.show(StatusCode::OK, &changes)
}
