//! Getting a token from keystone, through the client that follows no redirect to another host.

mod answer;
mod federation;
mod keystone;
mod methods;
mod scope;

use assay_inventory::{Reason, Token, Unavailable};
use secrecy::{ExposeSecret, SecretString};

use crate::CloudConfig;
use crate::client::{Http, REDACTED};
use crate::config::AuthType;
use keystone::Keystone;

/// Gets a token; again if keystone is overloaded or the connection is lost.
pub(crate) async fn authenticate(
    config: &CloudConfig,
    http: &Http,
) -> Result<(SecretString, Token), Unavailable> {
    let login = config.login();
    let keystone = Keystone::new(config, http);
    match &login.kind {
        AuthType::Methods(chosen) => {
            keystone.authenticate(&methods::identity(login, chosen)?, scope::scope(login)?).await
        }
        AuthType::OidcAccessToken => {
            let access_token = needed(login.get("access_token"), "OIDC", "access_token")?;
            federation::authenticate(login, keystone, access_token.into()).await
        }
        AuthType::OidcClientCredentials => {
            let access_token = federation::client_credentials(login, http).await?;
            federation::authenticate(login, keystone, access_token).await
        }
    }
}

/// The value, or what the configuration lacks.
fn needed<'a>(value: Option<&'a str>, way: &str, what: &str) -> Result<&'a str, Unavailable> {
    value.ok_or_else(|| unusable(&format!("authentication by {way} needs {what}")))
}

fn unusable(message: &str) -> Unavailable {
    Unavailable::new(Reason::Configuration, message)
}

/// The trouble without secrets, should a server mirror what it was sent.
fn redacted(secrets: &[SecretString], mut why: Unavailable) -> Unavailable {
    for secret in secrets {
        why.message = why.message.replace(secret.expose_secret(), REDACTED);
    }
    why
}
