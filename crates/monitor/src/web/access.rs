use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

use super::error::Refusal;
use crate::accounts::{Role, Roles, digest_of};
use crate::serve::Monitor;
use crate::store::LoggedIn;

/// Who asks, and has proved it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) name: String,
    roles: Roles,
}

impl From<LoggedIn> for Caller {
    fn from(LoggedIn { account, roles, .. }: LoggedIn) -> Self {
        Self { name: account, roles }
    }
}

impl Caller {
    /// Who asks, by name and password, by a token, or by being logged in.
    pub(crate) async fn of(monitor: &Monitor, headers: &HeaderMap) -> Result<Self, Refusal> {
        if let Some(token) = bearer(headers) {
            let known = known_by(monitor, token).await?;
            return match known.reports {
                true => {
                    Err(Refusal::forbidden("with this token reports are handed in, and nothing else is done"))
                }
                false => Ok(known.into()),
            };
        }
        if !headers.contains_key(header::AUTHORIZATION)
            && let Some(secret) = session_of(monitor, headers)
            && let Some(known) = monitor.store.session(&digest_of(secret), monitor.clock.now()).await?
        {
            return Ok(known.into());
        }
        Self::by_password(monitor, headers).await
    }

    /// Who hands reports in: by name and password, or by a token. A browser does no such thing.
    pub(crate) async fn who_hands_in(monitor: &Monitor, headers: &HeaderMap) -> Result<Self, Refusal> {
        match bearer(headers) {
            Some(token) => Ok(known_by(monitor, token).await?.into()),
            None => Self::by_password(monitor, headers).await,
        }
    }

    async fn by_password(monitor: &Monitor, headers: &HeaderMap) -> Result<Self, Refusal> {
        let value = headers.get(header::AUTHORIZATION).ok_or_else(not_authenticated)?;
        let (name, password) = value.to_str().ok().and_then(basic).ok_or_else(not_authenticated)?;
        Self::who_knows(monitor, &name, password).await
    }

    /// Whose password it is.
    pub(super) async fn who_knows(
        monitor: &Monitor,
        name: &str,
        password: SecretString,
    ) -> Result<Self, Refusal> {
        let name = name.to_owned();
        let account = monitor.store.account(&name).await?;
        let hashes = account.as_ref().map(|account| account.hashes.clone()).unwrap_or_default();
        let fits = monitor.passwords.fit(&name, password, hashes).await?;
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

async fn known_by(monitor: &Monitor, token: &str) -> Result<LoggedIn, Refusal> {
    let known = monitor.store.bearer(&digest_of(token), monitor.clock.now()).await?;
    known.ok_or_else(|| Refusal::unknown_caller("The token is not known, or has expired"))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// What the cookie of sessions is called: where browsers can make sure of it, no other host may have set it.
pub(super) fn cookie(monitor: &Monitor) -> &'static str {
    if monitor.settings.base_url.starts_with("https:") { "__Host-assay" } else { "assay" }
}

/// The secret of the session that a browser is in.
pub(super) fn session_of<'h>(monitor: &Monitor, headers: &'h HeaderMap) -> Option<&'h str> {
    cookie_of(cookie(monitor), headers)
}

/// What a browser keeps under a name.
pub(super) fn cookie_of<'h>(name: &str, headers: &'h HeaderMap) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(known, value)| (known == name).then_some(value))
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
