//! Requests that keystone answers with a token.

use assay_inventory::{FactId, Reason, Token, Unavailable};
use http::{HeaderName, HeaderValue, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::{answer, redacted, unusable};
use crate::client::{Ask, Http, REDACTED, Reply};
use crate::endpoint::Endpoint;
use crate::{CloudConfig, links};

const SUBJECT_TOKEN: HeaderName = HeaderName::from_static("x-subject-token");
const MOST_REDIRECTS: usize = 3;

/// Keystone, as far as it gives tokens.
pub(super) struct Keystone<'a> {
    http: &'a Http,
    identity: Endpoint,
    secrets: Vec<SecretString>,
}

impl<'a> Keystone<'a> {
    pub(super) fn new(config: &CloudConfig, http: &'a Http) -> Self {
        let identity = Endpoint { service: "identity", url: config.identity_url().clone() };
        Keystone { http, identity, secrets: config.login().secrets() }
    }

    /// Keeps one more secret out of all messages.
    pub(super) fn hide(&mut self, secret: SecretString) {
        self.secrets.push(secret);
    }

    /// Gets a token with `POST /v3/auth/tokens`.
    pub(super) async fn authenticate(
        &self,
        identity: &Value,
        scope: Option<Value>,
    ) -> Result<(SecretString, Token), Unavailable> {
        let mut auth = json!({"identity": identity});
        if let Some(scope) = scope {
            auth["scope"] = scope;
        }
        let body = json!({"auth": auth}).to_string();
        let mut ask = self.ask(&["auth", "tokens"]);
        ask.post(body);
        self.token(ask).await
    }

    /// Gets an unscoped token for the access token of an identity provider.
    pub(super) async fn exchange(
        &self,
        identity_provider: &str,
        protocol: &str,
        access_token: &SecretString,
    ) -> Result<(SecretString, Token), Unavailable> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", access_token.expose_secret()))
            .map_err(|_| unusable("the access token holds characters that no header can carry"))?;
        bearer.set_sensitive(true);
        let path = ["OS-FEDERATION", "identity_providers", identity_provider, "protocols", protocol, "auth"];
        let mut ask = self.ask(&path);
        ask.headers.insert(header::AUTHORIZATION, bearer);
        ask.post(String::new());
        self.token(ask).await
    }

    fn ask(&self, path: &[&str]) -> Ask<'static> {
        self.http.ask(Some(FactId::Token), self.identity.service, self.identity.at(path))
    }

    async fn token(&self, ask: Ask<'_>) -> Result<(SecretString, Token), Unavailable> {
        self.issued(ask).await.map_err(|why| redacted(&self.secrets, why))
    }

    /// Sends a request that keystone answers with a token; below `auth_url` also to where it redirects.
    async fn issued(&self, mut ask: Ask<'_>) -> Result<(SecretString, Token), Unavailable> {
        for _ in 0..=MOST_REDIRECTS {
            let mut reply = self.http.send(&ask, None).await?;
            if reply.status.is_redirection() {
                ask.url = self.redirection(&ask.url, &reply)?;
                continue;
            }
            if !reply.status.is_success() {
                self.hide_in(&mut reply);
                return Err(refusal(&reply));
            }
            let secret = reply
                .header(SUBJECT_TOKEN)
                .filter(|secret| !secret.is_empty())
                .map(SecretString::from)
                .ok_or_else(|| self.malformed(&reply, "the answer of keystone holds no token"))?;
            let token = answer::read(&reply.body).map_err(|error| {
                let what = format!("the answer to the authentication is not what keystone promises: {error}");
                self.malformed(&reply, &what)
            })?;
            return Ok((secret, token));
        }
        let message = "keystone redirects the authentication again and again";
        let request = Some(format!("POST {}", links::public(&ask.url)));
        Err(Unavailable { request, ..Unavailable::new(Reason::Malformed, message) })
    }

    /// Where a redirect leads, if the secrets in the request may go there.
    fn redirection(&self, current: &Url, reply: &Reply) -> Result<Url, Unavailable> {
        let Some(location) = reply.header(header::LOCATION) else {
            return Err(self.malformed(reply, "a redirect without a target"));
        };
        let to_https = current.join(location).is_ok_and(|target| {
            current.scheme() == "http" && target.scheme() == "https" && target.host() == current.host()
        });
        if to_https {
            let message =
                format!("keystone wants to be asked at {location:?}: put that scheme and port into auth_url");
            return Err(reply.because(Reason::ForeignLink, message));
        }
        links::follow(&self.identity.url, current, location).ok_or_else(|| {
            let message = format!(
                "the answer redirects to {location:?} outside {}, where no credentials are sent",
                links::public(&self.identity.url)
            );
            reply.because(Reason::ForeignLink, message)
        })
    }

    fn malformed(&self, reply: &Reply, what: &str) -> Unavailable {
        let mut shown = reply.clone();
        self.hide_in(&mut shown);
        shown.malformed(what)
    }

    /// Takes secrets out of the body before an excerpt of it could cut them.
    fn hide_in(&self, reply: &mut Reply) {
        let mut text = String::from_utf8_lossy(&reply.body).into_owned();
        for secret in &self.secrets {
            text = text.replace(secret.expose_secret(), REDACTED);
        }
        reply.body = text.into_bytes();
    }
}

/// Why keystone gives no token.
fn refusal(reply: &Reply) -> Unavailable {
    match missing_methods(reply) {
        Some(ways) => {
            let message = format!(
                "keystone wants more than one way of authentication: {ways} (set auth_type: v3multifactor and \
                 list them as auth_methods)"
            );
            reply.because(Reason::Authentication, message)
        }
        None => reply.refusal(),
    }
}

/// The combinations of methods that would do, where one method was right but is not enough.
fn missing_methods(reply: &Reply) -> Option<String> {
    if reply.status != StatusCode::UNAUTHORIZED {
        return None;
    }
    let body: Value = serde_json::from_slice(&reply.body).ok()?;
    let ways: Vec<Vec<String>> = serde_json::from_value(body.get("required_auth_methods")?.clone()).ok()?;
    Some(ways.iter().map(|methods| methods.join(" and ")).collect::<Vec<_>>().join(", or "))
}
