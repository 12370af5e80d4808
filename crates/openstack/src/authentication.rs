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
        why.message = without(&why.message, secret.expose_secret());
    }
    why
}

/// Text without a secret. A short one is taken out only where it stands as a word of its own: a password of
/// one letter must not make every message unreadable.
fn without(text: &str, secret: &str) -> String {
    const SHORT: usize = 6;
    if secret.is_empty() {
        return text.to_owned();
    }
    if secret.len() >= SHORT {
        return text.replace(secret, REDACTED);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(secret) {
        let (before, after) = (&rest[..at], &rest[at + secret.len()..]);
        let is_part =
            before.chars().next_back().or(kept.chars().next_back()).is_some_and(char::is_alphanumeric)
                || after.chars().next().is_some_and(char::is_alphanumeric);
        kept.push_str(before);
        kept.push_str(if is_part { secret } else { REDACTED });
        rest = after;
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn long_secrets_go_everywhere_and_short_ones_as_words() {
        assert_eq!(without("xhunter2x hunter2", "hunter2"), "x[redacted]x [redacted]");
        assert_eq!(
            without("unsupported method: p, 'p'", "p"),
            "unsupported method: [redacted], '[redacted]'"
        );
        assert_eq!(without("pp p", "p"), "pp [redacted]");
        assert_eq!(without("", "p"), "");
        assert_eq!(without("p", ""), "p");
    }
}
