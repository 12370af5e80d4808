//! Getting a token from keystone.

mod application_credential;

use std::error::Error as _;
use std::time::Instant;

use assay_inventory::{
    ApplicationCredential, Call, CatalogEndpoint, CatalogService, FactId, Project, Reason, Token, Unavailable,
};
use http::StatusCode;
use jiff::Timestamp;
use openstack_sdk::auth::AuthError;
use openstack_sdk::auth::authtoken::AuthTokenError;
use openstack_sdk::{AsyncOpenStack, OpenStackError};
use secrecy::SecretString;
use url::Url;

use crate::client::{Http, REDACTED, backoff, overloaded, trouble};
use crate::{CloudConfig, Settings, answer, links};

/// Gets a token, again if keystone is overloaded or the connection is lost.
pub(crate) async fn authenticate(
    config: &CloudConfig,
    http: &Http,
) -> Result<(SecretString, Token), Unavailable> {
    if config.has_application_credential() {
        return application_credential::authenticate(config, http).await;
    }
    let settings = http.settings();
    let mut attempt = 1;
    loop {
        let start = Instant::now();
        let outcome = authenticate_once(config, settings).await;
        let status = match &outcome {
            Ok(_) => Some(StatusCode::CREATED.as_u16()),
            Err((why, _)) => why.status,
        };
        http.record(Call {
            fact: FactId::Token,
            method: "POST".into(),
            url: tokens_url(config),
            status,
            request_id: None,
            started_us: http.since_start(start),
            duration_us: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
            attempt,
            bytes: 0,
        });
        match outcome {
            Err((_, true)) if attempt < settings.attempts => {
                tokio::time::sleep(backoff(settings.backoff, attempt)).await;
                attempt += 1;
            }
            Err((why, _)) => return Err(why),
            Ok(found) => return Ok(found),
        }
    }
}

async fn authenticate_once(
    config: &CloudConfig,
    settings: &Settings,
) -> Result<(SecretString, Token), (Unavailable, bool)> {
    let connected = AsyncOpenStack::builder(config.for_sdk())
        .disable_auth_cache(true)
        .http_timeout(settings.timeout)
        .http_connect_timeout(settings.timeout)
        .connect()
        .await
        .map_err(|error| refused(config, &error))?;
    let (Some(secret), Some(answer)) = (connected.get_auth_token(), connected.get_auth_info()) else {
        return Err((failure(config, Reason::Malformed, None, "keystone gave no token".into()), false));
    };
    let info = answer.token;
    let expires =
        Timestamp::new(info.expires_at.timestamp(), 0).ok().filter(|expiry| *expiry > Timestamp::UNIX_EPOCH);
    let token = Token {
        user: info.user.name,
        project: info.project.map(|project| Project {
            id: project.id.unwrap_or_default(),
            name: project.name.unwrap_or_default(),
        }),
        roles: info.roles.into_iter().flatten().map(|role| role.name).collect(),
        expires_at: expires,
        application_credential: info.application_credential.map(|credential| ApplicationCredential {
            id: credential.id.unwrap_or_default(),
            name: credential.name.unwrap_or_default(),
            restricted: credential.restricted.unwrap_or_default(),
        }),
        catalog: info
            .catalog
            .into_iter()
            .flatten()
            .map(|service| CatalogService {
                service_type: service.service_type,
                name: service.name,
                endpoints: service
                    .endpoints
                    .into_iter()
                    .map(|endpoint| CatalogEndpoint {
                        interface: endpoint.interface,
                        region: endpoint.region,
                        url: without_credentials(endpoint.url),
                    })
                    .collect(),
            })
            .collect(),
    };
    Ok((secret, token))
}

/// The URL as it is, unless it carries credentials.
fn without_credentials(url: String) -> String {
    match Url::parse(&url) {
        Ok(parsed) if !parsed.username().is_empty() || parsed.password().is_some() => links::public(&parsed),
        _ => url,
    }
}

fn tokens_url(config: &CloudConfig) -> String {
    format!("{}/auth/tokens", config.auth_url().trim_end_matches('/'))
}

fn failure(config: &CloudConfig, reason: Reason, status: Option<u16>, message: String) -> Unavailable {
    let request = Some(format!("POST {}", tokens_url(config)));
    redacted(config, Unavailable { reason, request, status, message, request_id: None })
}

/// The trouble without secrets, should keystone mirror what it was sent.
fn redacted(config: &CloudConfig, mut why: Unavailable) -> Unavailable {
    for secret in config.for_sdk().get_sensitive_values().into_iter().filter(|secret| !secret.is_empty()) {
        why.message = why.message.replace(secret, REDACTED);
    }
    why
}

/// What a failed authentication means, and whether another attempt could help.
fn refused(config: &CloudConfig, error: &OpenStackError) -> (Unavailable, bool) {
    let by_status = |code: u16, message: String| {
        let reason = match code {
            401 => Reason::Authentication,
            400..=499 => Reason::Refused,
            500..=599 => Reason::ServerError,
            _ => Reason::Malformed,
        };
        let again = StatusCode::from_u16(code).is_ok_and(overloaded);
        (failure(config, reason, Some(code), message), again)
    };
    let by_transport = |error: &reqwest::Error| {
        if error.is_decode() {
            let message = "the answer to the authentication is not what keystone promises".to_owned();
            return (failure(config, Reason::Malformed, None, message), false);
        }
        let found = trouble(error);
        (failure(config, found.reason, None, found.message), found.transient)
    };
    let by_configuration = |message: String| {
        (Unavailable::new(Reason::Configuration, format!("authentication: {message}")), false)
    };
    match error {
        OpenStackError::AuthError { source } => match source {
            AuthError::Identity(said) => by_status(
                u16::try_from(said.code).unwrap_or_default(),
                answer::server_message(said.message.as_bytes()).unwrap_or_else(|| "no message".into()),
            ),
            AuthError::UnknownAuth { code, message } => {
                let said = message.as_deref().and_then(|text| answer::server_message(text.as_bytes()));
                by_status(*code, said.unwrap_or_else(|| "the server gave no message".into()))
            }
            AuthError::AuthReceipt(receipt) => {
                let ways: Vec<String> =
                    receipt.required_auth_methods.iter().map(|methods| methods.join(" and ")).collect();
                let message = format!(
                    "keystone wants more than one way of authentication: {} (see auth_type v3multifactor)",
                    ways.join(", or ")
                );
                (failure(config, Reason::Authentication, Some(401), message), false)
            }
            AuthError::Reqwest { source } => by_transport(source),
            AuthError::Serde { source } => {
                let message =
                    format!("the answer to the authentication is not what keystone promises: {source}");
                (failure(config, Reason::Malformed, None, message), false)
            }
            AuthError::AuthToken {
                source: source @ (AuthTokenError::AuthTokenNotInResponse | AuthTokenError::AuthTokenNotString),
            } => {
                let message = format!("the answer to the authentication holds no token: {source}");
                (failure(config, Reason::Malformed, None, message), false)
            }
            other => {
                let cause = other.source().map_or_else(|| other.to_string(), ToString::to_string);
                by_configuration(cause)
            }
        },
        // The SDK would ask at the terminal for what is missing.
        OpenStackError::AuthHelperError { .. } => by_configuration(
            "the configuration lacks the secret that its auth_type needs (password, token or passcode)"
                .into(),
        ),
        OpenStackError::Communication { source } => by_transport(source),
        OpenStackError::Catalog { source } => {
            (failure(config, Reason::Malformed, None, format!("the catalog of the token: {source}")), false)
        }
        other => by_configuration(other.to_string()),
    }
}
