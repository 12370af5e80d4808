//! Tokens for those whom another identity provider knows, by `OpenID` Connect.

use assay_inventory::{FactId, Reason, Token, Unavailable};
use http::{HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::keystone::Keystone;
use super::{needed, redacted, scope, unusable};
use crate::client::{Ask, Http, Reply};
use crate::config::Login;
use crate::links;

/// The name under which calls to the identity provider are counted.
const PROVIDER: &str = "identity-provider";
const WAY: &str = "OIDC";
const CLIENT_WAY: &str = "OIDC client credentials";

/// Exchanges an access token for a token of keystone, with the scope that the configuration names.
pub(super) async fn authenticate(
    login: &Login,
    mut keystone: Keystone<'_>,
    access_token: SecretString,
) -> Result<(SecretString, Token), Unavailable> {
    let identity_provider = needed(login.get("identity_provider"), WAY, "identity_provider")?;
    let protocol = needed(login.get("protocol"), WAY, "protocol")?;
    let scope = scope::scope(login)?;
    keystone.hide(access_token.clone());
    let unscoped = keystone.exchange(identity_provider, protocol, &access_token).await?;
    let Some(scope) = scope else { return Ok(unscoped) };
    let (secret, _) = unscoped;
    keystone.hide(secret.clone());
    let identity = json!({"methods": ["token"], "token": {"id": secret.expose_secret()}});
    keystone.authenticate(&identity, Some(scope)).await
}

/// Gets an access token from the identity provider for the id and the secret of a client (RFC 6749, 4.4).
pub(super) async fn client_credentials(login: &Login, http: &Http) -> Result<SecretString, Unavailable> {
    token_of_client(login, http).await.map_err(|why| redacted(&login.secrets(), why))
}

fn form_of_client(login: &Login, client: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    form.append_pair("scope", login.get("scope").unwrap_or("openid profile"));
    if login.get("client_secret").is_none() {
        form.append_pair("client_id", client);
    }
    form.finish()
}

async fn token_of_client(login: &Login, http: &Http) -> Result<SecretString, Unavailable> {
    // Nothing is sent to the provider that keystone could not use.
    needed(login.get("identity_provider"), CLIENT_WAY, "identity_provider")?;
    needed(login.get("protocol"), CLIENT_WAY, "protocol")?;
    scope::scope(login)?;
    let client = needed(login.get("client_id"), CLIENT_WAY, "client_id")?;
    let mut ask = http.ask(Some(FactId::Token), PROVIDER, token_endpoint(login, http).await?);
    let secret = login.get("client_secret");
    ask.basic = secret.map(|secret| (client.to_owned(), secret.into()));
    ask.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    ask.post(form_of_client(login, client));
    let (reply, body) = provider(http, &ask).await?;
    let field = login.get("access_token_type").unwrap_or("access_token");
    body.get(field)
        .and_then(Value::as_str)
        .filter(|token| !token.is_empty())
        .map(SecretString::from)
        .ok_or_else(
            // The body may hold other tokens, so nothing of it is shown.
            || {
                reply.because(
                    Reason::Malformed,
                    format!("the answer of the identity provider holds no {field}"),
                )
            },
        )
}

/// Where the provider gives access tokens: as configured, else as it says itself.
async fn token_endpoint(login: &Login, http: &Http) -> Result<Url, Unavailable> {
    if let Some(text) = login.get("access_token_endpoint") {
        return provider_url("access_token_endpoint", text);
    }
    let what = "access_token_endpoint or discovery_endpoint";
    let discovery =
        provider_url("discovery_endpoint", needed(login.get("discovery_endpoint"), CLIENT_WAY, what)?)?;
    let ask = http.ask(Some(FactId::Token), PROVIDER, discovery.clone());
    let (reply, document) = provider(http, &ask).await?;
    let text = document.get("token_endpoint").and_then(Value::as_str).unwrap_or_default();
    match Url::parse(text) {
        // The secret of the client goes there, so the place must be one that the user trusts.
        Ok(endpoint) if endpoint.origin() == discovery.origin() => Ok(endpoint),
        Ok(_) => {
            let message = format!(
                "the identity provider gives tokens on another host, at {text:?}; \
                 if that is right, set it as access_token_endpoint"
            );
            Err(reply.because(Reason::ForeignLink, message))
        }
        Err(_) => Err(reply.malformed("the discovery document holds no usable token_endpoint")),
    }
}

fn provider_url(field: &str, text: &str) -> Result<Url, Unavailable> {
    let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| unusable(&format!("{field} must be an http or https URL")))
}

/// Asks the identity provider for JSON; redirects are not followed.
async fn provider(http: &Http, ask: &Ask<'_>) -> Result<(Reply, Value), Unavailable> {
    let reply = http.send(ask, None).await?;
    if reply.status.is_redirection() {
        let location = reply.header(header::LOCATION).unwrap_or("nowhere");
        let message = format!(
            "the identity provider redirects to {location:?}, where no credentials are sent; \
             if that is right, configure it"
        );
        return Err(reply.because(Reason::ForeignLink, message));
    }
    let body = serde_json::from_slice::<Value>(&reply.body).ok();
    if !reply.status.is_success() {
        let mut why = reply.refusal();
        // RFC 6749, 5.2: a short code, and perhaps words.
        let said = |field| body.as_ref().and_then(|body| body.get(field)).and_then(Value::as_str);
        if let (Some(code), Some(words)) = (said("error"), said("error_description")) {
            why.message = format!("{code}: {words}");
        }
        return Err(why);
    }
    if let Some(body) = body {
        Ok((reply, body))
    } else {
        let at = links::public(&ask.url);
        Err(reply.because(Reason::Malformed, format!("the identity provider gives no JSON at {at}")))
    }
}
