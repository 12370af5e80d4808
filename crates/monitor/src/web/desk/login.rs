//! Coming and going.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::super::Shared;
use super::super::access::{Caller, cookie};
use super::super::error::Refusal;
use super::account::new_password;
use super::forms::{Before, Sent};
use super::{Page, go_on};
use crate::accounts::{Secret, digest_of};
use crate::serve::Monitor;

/// How long somebody stays logged in.
const SESSION: SignedDuration = SignedDuration::from_hours(12);

#[derive(Template)]
#[template(path = "desk/login.html")]
struct Login<'l> {
    base: &'l str,
    name: &'l str,
    to: &'l str,
    /// What those are called who vouch for people.
    provider: Option<String>,
    trouble: Option<&'static str>,
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
    ask(&monitor, StatusCode::OK, ("", &to), None)
}

fn ask(
    monitor: &Monitor,
    status: StatusCode,
    (name, to): (&str, &str),
    trouble: Option<&'static str>,
) -> Result<Response, Refusal> {
    let provider = monitor.oidc().map(|oidc| oidc.name().to_owned());
    let login = Login { base: &monitor.settings.base_url, name, to, provider, trouble };
    Page { monitor, visitor: None, title: "Log in".to_owned(), said: None }.show(status, &login)
}

/// Where somebody goes on who is logged in: only to a path of the desk, lest they be led elsewhere.
pub(super) fn whither(to: &str) -> &str {
    to.strip_prefix('/').filter(|path| path.starts_with("desk")).unwrap_or("desk")
}

/// Begins a session; one that somebody brought along is not taken over.
pub(super) async fn log_in(State(monitor): Shared, Before(fields): Before) -> Result<Response, Refusal> {
    let (name, to) = (fields.get("name").trim(), fields.get("to"));
    match Caller::who_knows(&monitor, name, fields.get("password").to_owned().into()).await {
        Ok(caller) => {
            let response = go_on(&monitor, whither(to), "");
            begin(&monitor, &caller.name, response).await
        }
        Err(refusal) if refusal.is_unknown_caller() => {
            let trouble = Some("There is no account with this name and password.");
            ask(&monitor, StatusCode::UNAUTHORIZED, (name, to), trouble)
        }
        Err(refusal) => Err(refusal),
    }
}

pub(super) async fn begin(monitor: &Monitor, account: &str, response: Response) -> Result<Response, Refusal> {
    let Secret(secret) = Secret::new()?;
    let now = monitor.clock.now();
    let secret = secret.expose_secret();
    monitor.store.begin_session(account, &digest_of(secret), (now, now + SESSION)).await?;
    let cookie = set_cookie(monitor, secret, SESSION.as_secs());
    Ok(([(header::SET_COOKIE, cookie)], response).into_response())
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

#[derive(Template)]
#[template(path = "desk/invitation.html")]
struct Invitation<'i> {
    base: &'i str,
    secret: &'i str,
    name: &'i str,
    trouble: Option<String>,
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
    page.show(StatusCode::OK, &Invitation { base, secret: &secret, name: &name, trouble: None })
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
            let trouble = Some(refusal.detail());
            let base = &monitor.settings.base_url;
            let invitation = Invitation { base, secret: &secret, name: &name, trouble };
            return page.show(StatusCode::UNPROCESSABLE_ENTITY, &invitation);
        }
    };
    let hash = monitor.passwords.hash(password).await?;
    let accepted = monitor.store.accept(&digest_of(&secret), &hash, monitor.clock.now()).await?;
    let name = accepted.ok_or_else(used_up)?;
    begin(&monitor, &name, go_on(&monitor, "desk", "password")).await
}
