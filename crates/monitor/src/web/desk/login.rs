//! Coming and going.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::super::Path;
use super::super::Shared;
use super::super::access::{Caller, cookie};
use super::super::error::Refusal;
use super::account::new_password;
use super::again::{self, Again};
use super::forms::{Before, Fields, Form, Sent, Visitor};
use super::{Page, go_on};
use crate::accounts::{Secret, digest_of};
use crate::serve::Monitor;

/// What stands before the names of fields that are kept.
const KEPT: &str = "again.";
/// How long somebody stays logged in.
const SESSION: SignedDuration = SignedDuration::from_hours(12);

#[derive(Template)]
#[template(path = "desk/login.html")]
struct Login<'l> {
    base: &'l str,
    name: &'l str,
    to: &'l str,
    /// What somebody wrote before their session ended.
    kept: &'l Fields,
    /// What those are called who vouch for people.
    provider: Option<String>,
    trouble: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Whither {
    #[serde(default)]
    pub(super) to: String,
}

/// Asks for name and password.
pub(super) async fn show(
    State(monitor): Shared,
    Query(Whither { to }): Query<Whither>,
) -> Result<Response, Refusal> {
    ask(&monitor, StatusCode::OK, ("", &to), &Fields::default(), None)
}

/// Asks somebody for name and password whose session ended before what they wrote was sent, and keeps that.
pub(super) fn interrupted(monitor: &Monitor, path: &str, kept: &Fields) -> Result<Response, Refusal> {
    let (to, trouble) = match kept.all().next() {
        Some(_) => (
            path,
            "You are not logged in any more, and nothing was changed. Log in, and what you wrote is back.",
        ),
        None => ("/desk", "You are not logged in any more, and nothing was changed."),
    };
    ask(monitor, StatusCode::FORBIDDEN, ("", to), kept, Some(trouble.to_owned()))
}

fn ask(
    monitor: &Monitor,
    status: StatusCode,
    (name, to): (&str, &str),
    kept: &Fields,
    trouble: Option<String>,
) -> Result<Response, Refusal> {
    let provider = monitor.oidc().map(|oidc| oidc.name().to_owned());
    let login = Login { base: &monitor.settings.base_url, name, to, kept, provider, trouble };
    Page { monitor, visitor: None, title: "Log in".to_owned(), said: None }.show(status, &login)
}

/// Where somebody goes on who is logged in: only to a path of the desk, lest they be led elsewhere.
pub(super) fn whither(to: &str) -> &str {
    to.strip_prefix('/').filter(|path| path.starts_with("desk")).unwrap_or("desk")
}

/// Begins a session; one that somebody brought along is not taken over.
pub(super) async fn log_in(State(monitor): Shared, Before(fields): Before) -> Result<Response, Refusal> {
    let (name, to) = (fields.get("name").trim(), fields.get("to"));
    let kept = fields
        .all()
        .filter_map(|(name, value)| Some((name.strip_prefix(KEPT)?.to_owned(), value.to_owned())));
    let kept = again::kept(to, &Fields::of(kept));
    match Caller::who_knows(&monitor, name, fields.get("password").to_owned().into()).await {
        Ok(caller) if kept.all().next().is_some() => {
            let (cookie, secret) = enter(&monitor, &caller.name).await?;
            let visitor = Visitor::new(caller, secret.expose_secret());
            let page = Again::of_another_session(to, &kept).show(&monitor, &visitor, StatusCode::OK)?;
            Ok(([(header::SET_COOKIE, cookie)], page).into_response())
        }
        Ok(caller) => {
            let response = go_on(&monitor, whither(to), "");
            begin(&monitor, &caller.name, response).await
        }
        Err(refusal) if refusal.is_unknown_caller() => {
            let trouble = "There is no account with this name and password.".to_owned();
            ask(&monitor, StatusCode::UNAUTHORIZED, (name, to), &kept, Some(trouble))
        }
        // Too many log in at once, say; what somebody wrote is there for the next attempt.
        Err(refusal) if kept.all().next().is_some() => {
            ask(&monitor, refusal.status(), (name, to), &kept, Some(refusal.detail()))
        }
        Err(refusal) => Err(refusal),
    }
}

pub(super) async fn begin(monitor: &Monitor, account: &str, response: Response) -> Result<Response, Refusal> {
    let (cookie, _) = enter(monitor, account).await?;
    Ok(([(header::SET_COOKIE, cookie)], response).into_response())
}

/// Begins a session, and hands back its cookie and its secret.
async fn enter(monitor: &Monitor, account: &str) -> Result<(String, SecretString), Refusal> {
    let Secret(secret) = Secret::new()?;
    let now = monitor.clock.now();
    monitor.store.begin_session(account, &digest_of(secret.expose_secret()), (now, now + SESSION)).await?;
    Ok((set_cookie(monitor, secret.expose_secret(), SESSION.as_secs()), secret))
}

fn set_cookie(monitor: &Monitor, value: &str, seconds: i64) -> String {
    let name = cookie(monitor);
    let secure = if name.starts_with("__Host-") { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// Ends a session.
pub(super) async fn log_out(State(monitor): Shared, Sent { visitor, .. }: Sent) -> Result<Response, Refusal> {
    monitor.store.end_session(&visitor.session).await?;
    let cookie = set_cookie(&monitor, "", 0);
    Ok(([(header::SET_COOKIE, cookie)], go_on(&monitor, "page/table", "")).into_response())
}

/// Where a first password is sent.
const INVITATION: &str = "/invitation/{secret}";

#[derive(Template)]
#[template(path = "desk/invitation.html")]
struct Invitation<'i> {
    base: &'i str,
    secret: &'i str,
    name: &'i str,
    form: Form<'i>,
}

async fn whose(monitor: &Monitor, secret: &str) -> Result<String, Refusal> {
    let found = monitor.store.invited(&digest_of(secret), monitor.clock.now()).await?;
    found.ok_or_else(used_up)
}

fn used_up() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "the invitation was used, or is too old: ask for another")
}

/// Asks somebody for a first password.
pub(super) async fn invited(State(monitor): Shared, Path(secret): Path<String>) -> Result<Response, Refusal> {
    let name = whose(&monitor, &secret).await?;
    let page = Page { monitor: &monitor, visitor: None, title: "Set your password".to_owned(), said: None };
    let base = &monitor.settings.base_url;
    page.show(
        StatusCode::OK,
        &Invitation { base, secret: &secret, name: &name, form: Form::empty(INVITATION) },
    )
}

/// Sets the first password of somebody, who is logged in by that.
pub(super) async fn accept(
    State(monitor): Shared,
    Path(secret): Path<String>,
    Before(fields): Before,
) -> Result<Response, Refusal> {
    let name = whose(&monitor, &secret).await?;
    let password = match new_password(&fields) {
        Ok(password) => password,
        Err(refusal) => {
            let title = "Set your password".to_owned();
            let page = Page { monitor: &monitor, visitor: None, title, said: None };
            let (base, nothing) = (&monitor.settings.base_url, Fields::default());
            let form = Form::new(INVITATION, &nothing, Some(&refusal));
            let invitation = Invitation { base, secret: &secret, name: &name, form };
            return page.show(StatusCode::UNPROCESSABLE_ENTITY, &invitation);
        }
    };
    let hash = monitor.passwords.hash(password).await?;
    let accepted = monitor.store.accept(&digest_of(&secret), &hash, monitor.clock.now()).await?;
    let name = accepted.ok_or_else(used_up)?;
    begin(&monitor, &name, go_on(&monitor, "desk", "password")).await
}
