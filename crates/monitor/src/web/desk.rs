//! The desk: what people do here who have an account. Pages with forms, for browsers; programs have addresses of their
//! own.
//!
//! Nothing is changed but by a form of ours, sent by somebody who is logged in.

mod account;
mod accounts;
mod again;
mod applications;
mod approvals;
mod audit;
mod fields;
mod forms;
mod integrators;
mod login;
mod notices;
mod oidc;
mod setup;
mod subject;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::Deserialize;

use self::forms::Visitor;
use super::error::{Detail, Refusal};
use super::pages::{not_written, style_mark};
use super::{CONTENT_SECURITY, Shared};
use crate::accounts::Role;
use crate::certificates::Course;
use crate::scopes::Scopes;
use crate::serve::Monitor;
use crate::store::civil;

/// The addresses of the desk.
pub(super) fn router(monitor: &Arc<Monitor>) -> Router<Arc<Monitor>> {
    Router::new()
        .route("/login", get(login::show).post(login::log_in))
        .route("/login/oidc", get(oidc::leave))
        .route("/login/oidc/back", get(oidc::come_back))
        .route("/logout", post(login::log_out))
        .route("/invitation/{secret}", get(login::invited).post(login::accept))
        .route("/desk", get(home))
        .route("/desk/account", get(account::show))
        .route("/desk/account/password", post(account::set_password))
        .route("/desk/account/sessions", post(account::end_sessions))
        .route("/desk/account/tokens", post(account::add_token))
        .route("/desk/account/tokens/remove", post(account::remove_token))
        .route("/desk/account/keys", post(account::add_key))
        .route("/desk/account/keys/remove", post(account::remove_key))
        .route("/desk/account/delegates", post(account::add_delegate))
        .route("/desk/account/delegates/remove", post(account::remove_delegate))
        .route("/desk/account/identities", post(oidc::leave_to_connect))
        .route("/desk/account/identities/remove", post(oidc::remove))
        .route("/desk/subject/{subject}", get(subject::show).post(subject::change))
        .route("/desk/accounts", get(accounts::list).post(accounts::add))
        .route("/desk/accounts/{name}", get(accounts::show).post(accounts::change))
        .route("/desk/accounts/{name}/invitation", post(accounts::invite))
        .route("/desk/accounts/{name}/out", post(accounts::put_out))
        .route("/desk/accounts/{name}/remove", post(accounts::remove))
        .route("/desk/accounts/{name}/identities", post(oidc::connect_other))
        .route("/desk/accounts/{name}/identities/remove", post(oidc::remove_other))
        .route("/desk/changes", get(accounts::changes))
        .route("/desk/applications", get(applications::list).post(applications::apply))
        .route("/desk/applications/new", get(applications::begin))
        .route("/desk/applications/{uuid}", get(applications::show).post(applications::move_on))
        .route("/desk/applications/{uuid}/revocation", post(applications::revoke))
        .route("/desk/applications/{uuid}/references", post(integrators::add))
        .route("/desk/applications/{uuid}/references/{number}", post(integrators::say))
        .route("/desk/integrators", post(integrators::apply))
        .route("/desk/integrators/new", get(integrators::begin))
        .route("/desk/audit/{subject}/{scope}", get(audit::show).post(audit::find))
        .route("/desk/approvals", get(approvals::list).post(approvals::approve))
        .route("/desk/notices", get(notices::list).post(notices::send))
        .route("/desk/monitor", get(setup::show))
        .layer(from_fn_with_state(Arc::clone(monitor), for_people))
}

/// The policy of all pages, but that forms may say where they were sent from.
async fn for_people(State(monitor): Shared, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(Detail(detail)) = response.extensions_mut().remove::<Detail>() {
        let status = response.status();
        let title = status.canonical_reason().unwrap_or("Refused").to_owned();
        let page = Page { monitor: &monitor, visitor: None, title, said: None };
        let shown = page.show(status, &Trouble { base: &monitor.settings.base_url, detail });
        let cookies = response.headers().get_all(header::SET_COOKIE).iter().cloned().collect::<Vec<_>>();
        response = shown.unwrap_or_else(Refusal::into_response);
        for cookie in cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY));
    response
}

#[derive(Template)]
#[template(path = "desk/trouble.html")]
struct Trouble<'t> {
    base: &'t str,
    detail: String,
}

/// What stands around every page of the desk.
struct Page<'p> {
    monitor: &'p Monitor,
    visitor: Option<&'p Visitor>,
    title: String,
    /// What has just been done.
    said: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "desk/page.html")]
struct Frame<'f> {
    base: &'f str,
    title: &'f str,
    visitor: Option<&'f Visitor>,
    said: Option<&'static str>,
    is_demo: bool,
    content: String,
    style: &'static str,
}

impl Page<'_> {
    fn show(&self, status: StatusCode, content: &impl Template) -> Result<Response, Refusal> {
        let frame = Frame {
            base: &self.monitor.settings.base_url,
            title: &self.title,
            visitor: self.visitor,
            said: self.said,
            is_demo: self.monitor.settings.demo,
            content: content.render().map_err(not_written)?,
            style: style_mark(),
        };
        let text = frame.render().map_err(not_written)?;
        Ok((status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response())
    }
}

/// What a page says that somebody comes to after having done something.
#[derive(Debug, Deserialize)]
struct Came {
    done: Option<String>,
}

impl Came {
    fn said(&self) -> Option<&'static str> {
        DONE.iter().find(|(word, _)| Some(*word) == self.done.as_deref()).map(|(_, sentence)| *sentence)
    }
}

/// What can have been done, as addresses say it, so that nobody can make a page say anything else.
const DONE: &[(&str, &str)] = &[
    ("password", "The password is set, and all other sessions have ended."),
    ("sessions", "All other sessions have ended."),
    ("token", "The token is revoked."),
    ("key", "The key is added. Reports signed with it are taken from now on."),
    ("no-key", "The key is removed. Reports signed with it are taken no more."),
    ("delegate", "It may hand in reports from now on."),
    ("no-delegate", "It may hand in reports no more."),
    ("identity", "The identity is connected: whoever it is can log in with it."),
    ("no-identity", "The identity is disconnected. Sessions that began with it go on."),
    ("subject", "What is told about the subject is saved."),
    ("person", "The account is saved."),
    ("out", "Its sessions, tokens and invitations have ended."),
    ("no-person", "The account is removed."),
    ("applied", "The application is with the assessors now."),
    ("moved", "Done."),
    ("revoked", "The certificate is revoked."),
    ("approval", "The approval is written down."),
    ("reference", "The reference is added."),
    ("said", "What you said of the reference is written down."),
    ("again", "It is sent as soon as it can be; what came of it is below."),
    ("no-notice", "It is sent no more."),
    ("finding", "The finding is written down, and its digest is in the log."),
];

/// Somebody goes on to another page of ours, which says what was done.
fn go_on(monitor: &Monitor, path: &str, done: &str) -> Response {
    let base = &monitor.settings.base_url;
    let address = if done.is_empty() { format!("{base}{path}") } else { format!("{base}{path}?done={done}") };
    (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response()
}

/// So many rows are on a page of a list.
const LISTED: usize = 100;

/// A time as pages show it.
fn shown_time(time: Timestamp) -> String {
    time.strftime("%F %T UTC").to_string()
}

#[derive(Template)]
#[template(path = "desk/home.html")]
struct Home<'h> {
    base: &'h str,
    name: &'h str,
    is_admin: bool,
    is_assessor: bool,
    waiting: usize,
    asked: usize,
    /// How many notices were given up.
    given_up: i64,
    /// The scopes in which there are results of it, by slug and name.
    scopes: Vec<(String, String)>,
}

/// What there is to do for somebody.
async fn home(
    State(monitor): Shared,
    visitor: Visitor,
    Query(came): Query<Came>,
) -> Result<Response, Refusal> {
    let caller = &visitor.caller;
    let (store, name) = (&monitor.store, caller.name.as_str());
    let mut known = Vec::new();
    for spec in monitor.scopes().iter() {
        if store.was_known(name, &spec.uuid, civil(monitor.clock.now())).await? {
            known.push((Scopes::slug(spec), spec.name.clone()));
        }
    }
    let is_admin = caller.has(Role::Admin);
    let home = Home {
        base: &monitor.settings.base_url,
        name,
        is_admin,
        is_assessor: caller.has(Role::Approve),
        waiting: store.count_applications(None, Some(Course::Submitted)).await?,
        given_up: if is_admin { store.outbox().await?.1 } else { 0 },
        asked: store.count_applications(Some(name), Some(Course::Asked)).await?,
        scopes: known,
    };
    let title = format!("Desk of {}", caller.name);
    Page { monitor: &monitor, visitor: Some(&visitor), title, said: came.said() }.show(StatusCode::OK, &home)
}
