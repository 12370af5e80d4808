//! Who sits at the desk, and what they send.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::constant_time;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;

use super::super::access::{Caller, session_of};
use super::super::body_of;
use super::super::certificates::{Kind, checked};
use super::super::error::Refusal;
use super::super::pages::segment;
use crate::accounts::{Role, digest_of, form_key};
use crate::serve::Monitor;

/// The largest form, in bytes.
const LARGEST: usize = 256 << 10;

/// Somebody who is logged in.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) caller: Caller,
    /// Digest of the session's secret.
    pub(super) session: String,
    /// What every form says.
    pub(super) form_key: String,
}

impl Visitor {
    async fn of(monitor: &Monitor, headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let Some(secret) = session_of(monitor, headers) else { return Ok(None) };
        let (session, form_key) = (digest_of(secret), form_key(secret));
        let known = monitor.store.session(&session, monitor.clock.now()).await?;
        Ok(known.map(|known| Self { caller: known.into(), session, form_key }))
    }

    /// Whether they keep accounts.
    pub(super) fn is_admin(&self) -> bool {
        self.caller.has(Role::Admin)
    }

    /// Whether they decide about certificates and approve results.
    pub(super) fn is_assessor(&self) -> bool {
        self.caller.has(Role::Approve)
    }

    /// Makes sure that they have a role.
    pub(super) fn must_have(&self, role: Role) -> Result<(), Refusal> {
        match self.caller.has(role) {
            true => Ok(()),
            false => Err(Refusal::forbidden(format!("this is for accounts with the role {}", role.as_str()))),
        }
    }
}

/// Whoever asks for a page without being logged in is asked for the password first.
impl FromRequestParts<Arc<Monitor>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, monitor: &Arc<Monitor>) -> Result<Self, Response> {
        match Self::of(monitor, &parts.headers).await {
            Ok(Some(visitor)) => Ok(visitor),
            Ok(None) if parts.method == Method::GET || parts.method == Method::HEAD => {
                let path = parts.uri.path_and_query().map_or("/desk", |path| path.as_str());
                let address = format!("{}login?to={}", monitor.settings.base_url, segment(path));
                Err((StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response())
            }
            Ok(None) => Err(not_logged_in().into_response()),
            Err(refusal) => Err(refusal.into_response()),
        }
    }
}

fn not_logged_in() -> Refusal {
    Refusal::forbidden("you are not logged in any more, and nothing was changed")
}

/// What a form says, by the names of its fields.
#[derive(Debug, Default)]
pub(super) struct Fields(BTreeMap<String, String>);

impl Fields {
    fn read(body: &[u8]) -> Self {
        // Browsers end lines as mail does; what no text has, no database takes.
        let clean = |value: &str| value.replace("\r\n", "\n").replace('\0', "\u{fffd}");
        Self(form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), clean(&value))).collect())
    }

    /// What a field says; nothing if the form does not have it.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Whether a box is ticked.
    pub(super) fn is_ticked(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What has to be there.
    pub(super) fn text(&self, name: &str, kind: Kind) -> Result<String, Refusal> {
        let text = self.get(name).trim();
        checked(name, text, kind)?;
        Ok(text.to_owned())
    }

    /// What may be left out.
    pub(super) fn optional(&self, name: &str, kind: Kind) -> Result<String, Refusal> {
        if self.get(name).trim().is_empty() { Ok(String::new()) } else { self.text(name, kind) }
    }

    /// An address that others are led to.
    pub(super) fn address(&self, name: &str) -> Result<String, Refusal> {
        let text = self.optional(name, Kind::Line)?;
        let is_address = || {
            url::Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
        };
        match text.is_empty() || is_address() {
            true => Ok(text),
            false => Err(Refusal::unreadable(format!("{name} is no address that begins with https://"))),
        }
    }
}

/// A form of ours, sent by somebody who is logged in.
pub(super) struct Sent {
    pub(super) visitor: Visitor,
    pub(super) fields: Fields,
}

impl FromRequest<Arc<Monitor>> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, monitor: &Arc<Monitor>) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let visitor = async {
            is_ours(monitor, &parts.headers)?;
            Visitor::of(monitor, &parts.headers).await?.ok_or_else(not_logged_in)
        };
        let read = body_of(visitor.await, &parts.headers, body, LARGEST).await;
        let (visitor, body) = read.map_err(IntoResponse::into_response)?;
        let fields = Fields::read(&body);
        let (expected, found) = (visitor.form_key.as_bytes(), fields.get("form_key").as_bytes());
        if constant_time::verify_slices_are_equal(expected, found).is_err() {
            let detail = "the form is none of this session: go back, reload the page and send it again";
            return Err(Refusal::forbidden(detail).into_response());
        }
        Ok(Self { visitor, fields })
    }
}

/// A form of ours that somebody sends who is not logged in yet.
pub(super) struct Before(pub(super) Fields);

impl FromRequest<Arc<Monitor>> for Before {
    type Rejection = Response;

    async fn from_request(request: Request, monitor: &Arc<Monitor>) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let read = body_of(is_ours(monitor, &parts.headers), &parts.headers, body, LARGEST).await;
        let ((), body) = read.map_err(IntoResponse::into_response)?;
        Ok(Self(Fields::read(&body)))
    }
}

/// Makes sure that what is sent is a form, and that no page of somebody else sent it.
fn is_ours(monitor: &Monitor, headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let media = text(header::CONTENT_TYPE).unwrap_or_default();
    if media.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
        let detail = "send application/x-www-form-urlencoded";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let elsewhere = || Err(Refusal::forbidden("the form was sent from a page of somebody else"));
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        Some(b"same-origin" | b"none") => return Ok(()),
        Some(_) => return elsewhere(),
        None => {}
    }
    let Some(origin) = text(header::ORIGIN) else { return Ok(()) };
    let host = origin.split_once("://").map(|(_, host)| host);
    let own = url::Url::parse(&monitor.settings.base_url).map(|url| url.origin().ascii_serialization());
    match own.is_ok_and(|own| own == origin) || (host.is_some() && host == text(header::HOST)) {
        true => Ok(()),
        false => elsewhere(),
    }
}
