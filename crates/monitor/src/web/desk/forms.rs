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
use super::again::{self, Again};
use super::fields::{Field, field_of, form_at, name_of};
use super::login;
use crate::accounts::{Role, digest_of, form_key};
use crate::serve::Monitor;

/// What a form says that was asked for once more.
pub(super) const SURE: &str = "sure";
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
    /// Somebody who has just logged in, with the secret of the session.
    pub(super) fn new(caller: Caller, secret: &str) -> Self {
        Self { caller, session: digest_of(secret), form_key: form_key(secret) }
    }

    async fn of(monitor: &Monitor, headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let Some(secret) = session_of(monitor, headers) else { return Ok(None) };
        let known = monitor.store.session(&digest_of(secret), monitor.clock.now()).await?;
        Ok(known.map(|known| Self::new(known.into(), secret)))
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
            Ok(None) => Err(Refusal::forbidden("you are not logged in").into_response()),
            Err(refusal) => Err(refusal.into_response()),
        }
    }
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

    /// What a form says whose fields have these names and values.
    pub(super) fn of(fields: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(fields.into_iter().collect())
    }

    /// All of it, by the names of the fields.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether what it asks for was asked for once more, since it is final.
    pub(super) fn is_sure(&self) -> bool {
        self.get(SURE) == "yes"
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
            false => Err(Refusal::of_field(name, " is no address that begins with https://")),
        }
    }
}

/// A form as a page shows it: what was written into it, and what is wrong with that.
pub(super) struct Form<'f> {
    path: &'static str,
    fields: &'f Fields,
    refusal: Option<&'f Refusal>,
}

/// What nobody has written into yet.
static EMPTY: Fields = Fields(BTreeMap::new());

impl<'f> Form<'f> {
    /// `path` is where it is sent, as [`FORMS`](super::fields::FORMS) has it.
    pub(super) fn new(path: &'static str, fields: &'f Fields, refusal: Option<&'f Refusal>) -> Self {
        Self { path, fields, refusal }
    }

    pub(super) fn empty(path: &'static str) -> Self {
        Self::new(path, &EMPTY, None)
    }

    /// The form that is sent to a path, if it is that which was sent to `sent`; an empty one if it is another.
    pub(super) fn if_sent(self, sent: &str) -> Self {
        if self.path == sent { self } else { Self::empty(self.path) }
    }

    pub(super) fn get(&self, name: &str) -> &str {
        self.fields.get(name)
    }

    pub(super) fn is_ticked(&self, name: &str) -> bool {
        self.fields.is_ticked(name)
    }

    fn field(&self, name: &str) -> Option<&'static Field> {
        form_at(self.path).and_then(|(_, fields)| field_of(fields, name))
    }

    /// What people call a field.
    pub(super) fn label(&self, name: &str) -> &'static str {
        self.field(name).map_or("", |(_, label, _)| *label)
    }

    /// The attributes of a field that is wrong, as markup; `rule` is the id of what explains it, if anything does.
    pub(super) fn marks(&self, name: &str, rule: &str) -> String {
        let wrong = self.refusal.and_then(Refusal::field).and_then(|(field, _)| self.field(field));
        let is_wrong = wrong.is_some_and(|field| name_of(field) == name);
        match (is_wrong, rule) {
            (true, rule) => {
                format!(" aria-invalid=\"true\" aria-describedby=\"{}\"", format!("trouble {rule}").trim())
            }
            (false, "") => String::new(),
            (false, rule) => format!(" aria-describedby=\"{rule}\""),
        }
    }

    /// What is wrong, with the field by its label.
    pub(super) fn trouble(&self) -> Option<String> {
        let refusal = self.refusal?;
        let named = refusal.field().and_then(|(field, what)| Some((self.field(field)?.1, what)));
        Some(named.map_or_else(|| refusal.detail(), |(label, what)| format!("“{label}”{what}")))
    }

    pub(super) fn status(&self) -> StatusCode {
        self.refusal.map_or(StatusCode::OK, Refusal::status)
    }
}

/// A form of ours, sent by somebody who is logged in.
pub(super) struct Sent {
    pub(super) visitor: Visitor,
    pub(super) fields: Fields,
    /// Where it was sent.
    pub(super) path: String,
}

impl FromRequest<Arc<Monitor>> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, monitor: &Arc<Monitor>) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let visitor = async {
            is_ours(monitor, &parts.headers)?;
            Visitor::of(monitor, &parts.headers).await
        };
        let read = body_of(visitor.await, &parts.headers, body, LARGEST).await;
        let (visitor, body) = read.map_err(IntoResponse::into_response)?;
        let (fields, path) = (Fields::read(&body), parts.uri.path().to_owned());
        // What somebody wrote is not lost because a session ended meanwhile, nor is anything done with it unseen.
        let Some(visitor) = visitor else {
            let kept = again::kept(&path, &fields);
            return Err(login::interrupted(monitor, &path, &kept).unwrap_or_else(Refusal::into_response));
        };
        let (expected, found) = (visitor.form_key.as_bytes(), fields.get("form_key").as_bytes());
        if constant_time::verify_slices_are_equal(expected, found).is_ok() {
            return Ok(Self { visitor, fields, path });
        }
        let kept = again::kept(&path, &fields);
        if kept.all().next().is_none() {
            let detail = "the form is none of this session: go back, reload the page and send it again";
            return Err(Refusal::forbidden(detail).into_response());
        }
        let again = Again::of_another_session(&path, &kept);
        Err(again.show(monitor, &visitor, StatusCode::FORBIDDEN).unwrap_or_else(Refusal::into_response))
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
