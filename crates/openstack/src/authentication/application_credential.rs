//! Application credentials, without the SDK: its plugin for them is found at run time through a list that the
//! linker fills, and the linker leaves it out unless the plugin's crate is named somewhere.

use assay_inventory::{
    ApplicationCredential, CatalogEndpoint, CatalogService, FactId, Project, Reason, Token, Unavailable,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{redacted, without_credentials};
use crate::CloudConfig;
use crate::client::Http;
use crate::endpoint::Endpoint;

const SUBJECT_TOKEN: &str = "x-subject-token";

/// Keystone's answer, as far as it is of interest.
#[derive(Deserialize)]
struct Answer {
    token: Info,
}

#[derive(Deserialize)]
struct Info {
    user: Named,
    project: Option<Named>,
    roles: Option<Vec<Named>>,
    expires_at: Option<String>,
    application_credential: Option<Credential>,
    catalog: Option<Vec<Service>>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Credential {
    #[serde(flatten)]
    named: Named,
    #[serde(default)]
    restricted: bool,
}

#[derive(Deserialize)]
struct Service {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    endpoints: Option<Vec<Place>>,
}

#[derive(Deserialize)]
struct Place {
    interface: String,
    region: Option<String>,
    url: String,
}

/// Gets a token for an application credential.
pub(super) async fn authenticate(
    config: &CloudConfig,
    http: &Http,
) -> Result<(SecretString, Token), Unavailable> {
    let identity = Endpoint { service: "identity", url: config.identity_url().clone() };
    let mut ask = http.ask(Some(FactId::Token), identity.service, identity.at(&["auth", "tokens"]));
    ask.body = Some(SecretString::from(request_body(config)?.to_string()));
    let reply = http.send(&ask, None).await.map_err(|why| redacted(config, why))?;
    if !reply.status.is_success() {
        return Err(redacted(config, reply.refusal()));
    }
    let secret = reply
        .header(SUBJECT_TOKEN)
        .filter(|secret| !secret.is_empty())
        .map(SecretString::from)
        .ok_or_else(|| redacted(config, reply.malformed("the answer of keystone holds no token")))?;
    let answer: Answer = serde_json::from_slice(&reply.body).map_err(|error| {
        let what = format!("the answer to the authentication is not what keystone promises: {error}");
        redacted(config, reply.malformed(what))
    })?;
    Ok((secret, token(answer.token)))
}

/// The body of `POST /v3/auth/tokens`; the scope is that of the credential.
fn request_body(config: &CloudConfig) -> Result<Value, Unavailable> {
    let missing = |what: &str| {
        let message = format!("authentication: an application credential needs {what}");
        Unavailable::new(Reason::Configuration, message)
    };
    let auth = config.for_sdk().auth.as_ref().ok_or_else(|| missing("an auth section"))?;
    let secret = auth
        .application_credential_secret
        .as_ref()
        .ok_or_else(|| missing("application_credential_secret"))?;
    let mut credential = json!({"secret": secret.expose_secret()});
    if let Some(id) = &auth.application_credential_id {
        credential["id"] = json!(id);
    } else {
        let name = auth
            .application_credential_name
            .as_ref()
            .ok_or_else(|| missing("application_credential_id or application_credential_name"))?;
        credential["name"] = json!(name);
        credential["user"] = match (&auth.user_id, &auth.username) {
            (Some(id), _) => json!({"id": id}),
            (None, Some(name)) => match (&auth.user_domain_id, &auth.user_domain_name) {
                (Some(id), _) => json!({"name": name, "domain": {"id": id}}),
                (None, Some(domain)) => json!({"name": name, "domain": {"name": domain}}),
                (None, None) => return Err(missing("user_domain_id or user_domain_name with its name")),
            },
            (None, None) => return Err(missing("user_id or username with its name")),
        };
    }
    Ok(
        json!({"auth": {"identity": {"methods": ["application_credential"], "application_credential": credential}}}),
    )
}

fn token(info: Info) -> Token {
    let place = |place: Place| CatalogEndpoint {
        interface: place.interface,
        region: place.region,
        url: without_credentials(place.url),
    };
    let service = |service: Service| CatalogService {
        service_type: service.kind,
        name: service.name.unwrap_or_default(),
        endpoints: service.endpoints.into_iter().flatten().map(place).collect(),
    };
    Token {
        user: info.user.name,
        project: info.project.map(|project| Project { id: project.id, name: project.name }),
        roles: info.roles.into_iter().flatten().map(|role| role.name).collect(),
        expires_at: info.expires_at.and_then(|expiry| expiry.parse().ok()),
        application_credential: info.application_credential.map(|credential| ApplicationCredential {
            id: credential.named.id,
            name: credential.named.name,
            restricted: credential.restricted,
        }),
        catalog: info.catalog.into_iter().flatten().map(service).collect(),
    }
}
