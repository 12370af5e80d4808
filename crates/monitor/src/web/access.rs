use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

use super::error::Refusal;
use crate::accounts::{Role, Roles, TooBusy};
use crate::serve::Monitor;

/// Who asks, and has proved it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) name: String,
    roles: Roles,
}

impl Caller {
    /// Who asks, by name and password.
    pub(crate) async fn of(monitor: &Monitor, headers: &HeaderMap) -> Result<Self, Refusal> {
        let value = headers.get(header::AUTHORIZATION).ok_or_else(not_authenticated)?;
        let (name, password) = value.to_str().ok().and_then(basic).ok_or_else(not_authenticated)?;
        let account = monitor.store.account(&name).await?;
        let hashes = account.as_ref().map(|account| account.hashes.clone()).unwrap_or_default();
        let fits = monitor.passwords.fit(&name, password, hashes).await.map_err(|TooBusy| {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many logins at once; try again")
        })?;
        match account {
            Some(account) if fits => Ok(Self { name: account.name, roles: account.roles }),
            _ => Err(Refusal::unknown_caller("Incorrect username or password")),
        }
    }

    /// Makes sure that the caller may do what concerns a subject: it is the subject, or has the role.
    pub(crate) fn may(&self, subject: &str, role: Role) -> Result<(), Refusal> {
        match self.name == subject || self.roles.has(role) {
            true => Ok(()),
            false => Err(Refusal::not_allowed("Permission denied")),
        }
    }

    /// Whether the caller has a role.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.roles.has(role)
    }

    /// Makes sure that the caller has a role.
    pub(crate) fn must_have(&self, role: Role) -> Result<(), Refusal> {
        match self.roles.has(role) {
            true => Ok(()),
            false => Err(Refusal::not_allowed("Permission denied")),
        }
    }
}

fn not_authenticated() -> Refusal {
    Refusal::unknown_caller("Not authenticated")
}

fn basic(value: &str) -> Option<(String, SecretString)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), password.to_owned().into()))
}
