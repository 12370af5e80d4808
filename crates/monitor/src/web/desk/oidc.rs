//! Coming with an identity that somebody else vouches for, and connecting such with accounts.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde::Deserialize;
use url::form_urlencoded;

use super::super::Path;
use super::super::Shared;
use super::super::access::{cookie_of, session_of};
use super::super::certificates::Kind;
use super::super::error::Refusal;
use super::super::pages::segment;
use super::accounts::with_identity;
use super::forms::{Fields, Form, Sent, Visitor};
use super::login::{Whither, begin, whither};
use super::{Page, go_on};
use crate::accounts::{Role, Secret, digest_of};
use crate::oidc::{Attempt, Identity, NotKnown, Oidc};
use crate::serve::Monitor;
use crate::store::Deed;

/// How long somebody may take to say to the provider who they are, in seconds.
const PATIENCE: u32 = 600;
/// Where the form is sent by which an admin connects an identity.
pub(super) const IDENTITY: &str = "/desk/accounts/{name}/identities";

impl From<NotKnown> for Refusal {
    fn from(error: NotKnown) -> Self {
        tracing::warn!(%error, "nobody is known by an identity");
        let status = match error {
            NotKnown::Away(_) => StatusCode::BAD_GATEWAY,
            NotKnown::NotProven(_) => StatusCode::FORBIDDEN,
        };
        Self::new(status, error.to_string())
    }
}

/// The provider, if there is one.
fn provider(monitor: &Monitor) -> Result<Arc<Oidc>, Refusal> {
    monitor.oidc().ok_or_else(|| Refusal::not_found("provider of identities"))
}

/// What the cookie is called by which a browser is known that comes back: where browsers can make sure of it, no other host
/// may have set it.
fn cookie(monitor: &Monitor) -> &'static str {
    if monitor.settings.base_url.starts_with("https:") { "__Host-assay-oidc" } else { "assay-oidc" }
}

fn set_cookie(monitor: &Monitor, value: &str, seconds: u32) -> String {
    let name = cookie(monitor);
    let secure = if name.starts_with("__Host-") { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// Sends somebody to the provider who wants to log in.
pub(super) async fn leave(
    State(monitor): Shared,
    Query(Whither { to }): Query<Whither>,
) -> Result<Response, Refusal> {
    let oidc = provider(&monitor)?;
    let Secret(secret) = Secret::new()?;
    let secret = secret.expose_secret();
    let way = oidc.way(&Attempt::of(secret, None), monitor.clock.now()).await?;
    // Where to go then is kept beside the secret.
    let cookie = set_cookie(&monitor, &format!("{secret}.{}", segment(&to)), PATIENCE);
    let headers = [(header::SET_COOKIE, cookie), (header::LOCATION, way.to_string())];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// The identities of an account, and how to connect another.
#[derive(Template)]
#[template(path = "desk/identities.html")]
pub(super) struct Identities<'f> {
    base: String,
    form_key: String,
    /// Its path.
    account: String,
    is_own: bool,
    provider: Option<String>,
    connected: Vec<Identity>,
    /// What an admin wrote of another.
    form: Form<'f>,
}

impl<'f> Identities<'f> {
    /// Those of a visitor's own account, or of another.
    pub(super) async fn of(
        monitor: &Monitor,
        visitor: &Visitor,
        other: Option<&str>,
        form: Form<'f>,
    ) -> Result<Self, Refusal> {
        let account = other
            .map_or_else(|| "desk/account".to_owned(), |name| format!("desk/accounts/{}", segment(name)));
        Ok(Self {
            base: monitor.settings.base_url.clone(),
            form_key: visitor.form_key.clone(),
            account,
            is_own: other.is_none(),
            provider: monitor.oidc().map(|oidc| oidc.name().to_owned()),
            connected: monitor.store.identities(other.unwrap_or(&visitor.caller.name)).await?,
            form,
        })
    }
}

#[derive(Template)]
#[template(path = "desk/connect.html")]
struct Connect<'c> {
    base: &'c str,
    name: &'c str,
    way: String,
}

/// Shows the way to the provider to somebody who wants to connect an identity. A form alone leads nowhere else.
pub(super) async fn leave_to_connect(
    State(monitor): Shared,
    Sent { visitor, .. }: Sent,
) -> Result<Response, Refusal> {
    let oidc = provider(&monitor)?;
    let Secret(secret) = Secret::new()?;
    let secret = secret.expose_secret();
    let way = oidc.way(&Attempt::of(secret, Some(&visitor.session)), monitor.clock.now()).await?;
    let cookie = set_cookie(&monitor, &format!("{secret}."), PATIENCE);
    let connect = Connect { base: &monitor.settings.base_url, name: oidc.name(), way: way.to_string() };
    let title = "Connect an identity".to_owned();
    let page = Page { monitor: &monitor, visitor: Some(&visitor), title, said: None };
    Ok(([(header::SET_COOKIE, cookie)], page.show(StatusCode::OK, &connect)?).into_response())
}

/// What a provider sends somebody back with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Back {
    code: String,
    state: String,
    iss: String,
    error: String,
    error_description: String,
}

/// Takes somebody in who comes back. Whatever becomes of it, the same does not count a second time.
pub(super) async fn come_back(
    State(monitor): Shared,
    Query(back): Query<Back>,
    headers: HeaderMap,
) -> Response {
    let mut response = take_in(&monitor, back, &headers).await.unwrap_or_else(IntoResponse::into_response);
    // Beside the cookie of a session, which may stand there already.
    if let Ok(gone) = set_cookie(&monitor, "", 0).parse() {
        response.headers_mut().append(header::SET_COOKIE, gone);
    }
    response
}

async fn take_in(monitor: &Monitor, back: Back, headers: &HeaderMap) -> Result<Response, Refusal> {
    let oidc = provider(monitor)?;
    let not_ours = || {
        Refusal::forbidden("you did not leave for the provider from here, or a while ago: log in once more")
    };
    let kept = cookie_of(cookie(monitor), headers).ok_or_else(not_ours)?;
    let (secret, to) = kept.split_once('.').ok_or_else(not_ours)?;
    let session = session_of(monitor, headers).map(digest_of);
    let to_log_in = Attempt::of(secret, None);
    let to_connect = session.as_deref().map(|session| Attempt::of(secret, Some(session)));
    let (attempt, session) = match to_connect.filter(|attempt| attempt.is(&back.state)) {
        Some(attempt) => (attempt, session),
        None if to_log_in.is(&back.state) => (to_log_in, None),
        None => return Err(not_ours()),
    };
    if !back.iss.is_empty() && back.iss != oidc.issuer() {
        return Err(Refusal::forbidden("somebody else than the provider sent you back"));
    }
    if !back.error.is_empty() {
        let said = format!("{} {}", back.error, back.error_description);
        let said: String = assay_report::visible(&said).chars().take(200).collect();
        return Err(Refusal::forbidden(format!("the provider says: {}", said.trim())));
    }
    let now = monitor.clock.now();
    let identity = oidc.who(&attempt, back.code, now).await?;
    let Some(session) = session else {
        let Some(account) = monitor.store.account_of(&identity).await? else {
            let Identity { issuer, subject } = &identity;
            return Err(Refusal::forbidden(format!(
                "no account here is connected with this identity. Log in with your password and connect it, or ask the \
                 operators to: it is {} of {issuer}",
                assay_report::visible(subject)
            )));
        };
        let to = form_urlencoded::parse(format!("to={to}").as_bytes()).next().map(|(_, to)| to.into_owned());
        let response = go_on(monitor, whither(&to.unwrap_or_default()), "");
        return begin(monitor, &account, response).await;
    };
    let account = monitor.store.session(&session, now).await?.ok_or_else(not_ours)?.account;
    let what = format!("connected {} of {}", identity.subject, identity.issuer);
    let deed = Deed { at: now, account: account.clone(), what, about: account };
    connect(monitor, &identity, &deed).await?;
    Ok(go_on(monitor, "desk/account", "identity"))
}

async fn connect(monitor: &Monitor, identity: &Identity, deed: &Deed) -> Result<(), Refusal> {
    match monitor.store.connect_identity(identity, deed).await? {
        true => Ok(()),
        false => Err(Refusal::conflict(
            "this identity is connected with an account already, or the account has too many",
        )),
    }
}

/// Somebody's own account: takes an identity away.
pub(super) async fn remove(
    State(monitor): Shared,
    Sent { visitor, fields, .. }: Sent,
) -> Result<Response, Refusal> {
    let name = visitor.caller.name.clone();
    disconnect(&monitor, &visitor, &fields, &name).await?;
    Ok(go_on(&monitor, "desk/account", "no-identity"))
}

/// Another's account: connects an identity of the provider with it.
pub(super) async fn connect_other(
    State(monitor): Shared,
    Path(name): Path<String>,
    Sent { visitor, fields, .. }: Sent,
) -> Result<Response, Refusal> {
    visitor.must_have(Role::Admin)?;
    let oidc = provider(&monitor)?;
    let person = monitor.store.person(&name).await?.ok_or_else(|| Refusal::not_found("account"))?;
    let connected = async {
        let identity =
            Identity { issuer: oidc.issuer().to_owned(), subject: fields.text("subject", Kind::Name)? };
        let what = format!("connected {} of {}", identity.subject, identity.issuer);
        connect(&monitor, &identity, &deed(&monitor, &visitor, what, &name)).await
    };
    match connected.await {
        Ok(()) => Ok(go_on(&monitor, &format!("desk/accounts/{}", segment(&name)), "identity")),
        Err(refusal) => {
            let form = Form::new(IDENTITY, &fields, Some(&refusal));
            with_identity(&monitor, &visitor, &person, None, (None, None, form)).await
        }
    }
}

/// Another's account: takes an identity away.
pub(super) async fn remove_other(
    State(monitor): Shared,
    Path(name): Path<String>,
    Sent { visitor, fields, .. }: Sent,
) -> Result<Response, Refusal> {
    visitor.must_have(Role::Admin)?;
    disconnect(&monitor, &visitor, &fields, &name).await?;
    Ok(go_on(&monitor, &format!("desk/accounts/{}", segment(&name)), "no-identity"))
}

async fn disconnect(
    monitor: &Monitor,
    visitor: &Visitor,
    fields: &Fields,
    name: &str,
) -> Result<(), Refusal> {
    let identity =
        Identity { issuer: fields.get("issuer").to_owned(), subject: fields.get("subject").to_owned() };
    let what = format!("disconnected {} of {}", identity.subject, identity.issuer);
    match monitor.store.disconnect_identity(&identity, &deed(monitor, visitor, what, name)).await? {
        true => Ok(()),
        false => Err(Refusal::not_found("identity")),
    }
}

fn deed(monitor: &Monitor, visitor: &Visitor, what: String, about: &str) -> Deed {
    Deed { at: monitor.clock.now(), account: visitor.caller.name.clone(), what, about: about.to_owned() }
}
