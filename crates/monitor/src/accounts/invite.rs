use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::secrets::{NotRandom, Secret, digest_of};
use super::{BY_HAND, INVITATION, Role};
use crate::store::{Deed, Person, Store, StoreError};

/// Why nobody is invited.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InviteError {
    /// No such role.
    #[error("there is no role {0:?}: read_any, append_any, approve and admin are known")]
    NoRole(String),
    /// Roles go with new accounts.
    #[error(
        "there is an account {0:?} already, and what it may do is changed at the desk or in the file of accounts"
    )]
    IsThere(String),
    /// There is no randomness to be had.
    #[error("there is no randomness to be had")]
    NotRandom,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NotRandom> for InviteError {
    fn from(NotRandom: NotRandom) -> Self {
        Self::NotRandom
    }
}

/// Lets somebody set the password of an account, which is made with these roles if it is not there. What is handed back
/// belongs behind `invitation/` in an address of the monitor, and is good for a week, once.
///
/// # Errors
/// A role that there is not, roles for an account that is there, the database.
pub async fn invite(
    store: &Store,
    name: &str,
    roles: &[String],
    now: Timestamp,
) -> Result<String, InviteError> {
    let read = |word: &String| word.parse::<Role>().map_err(|()| InviteError::NoRole(word.clone()));
    let read: Vec<Role> = roles.iter().map(read).collect::<Result<_, _>>()?;
    let by_hand = |what: &str| Deed {
        at: now,
        account: BY_HAND.to_owned(),
        what: what.to_owned(),
        about: name.to_owned(),
    };
    let person = Person {
        name: name.to_owned(),
        group: None,
        roles: read.into_iter().collect(),
        kept_here: true,
        blocked: false,
    };
    let what = if roles.is_empty() { "none".to_owned() } else { roles.join(", ") };
    let is_new =
        store.add_person(&person, &by_hand(&format!("made the account with the roles {what}"))).await?;
    if !is_new && !roles.is_empty() {
        return Err(InviteError::IsThere(name.to_owned()));
    }
    let Secret(secret) = Secret::new()?;
    let deed = by_hand("invited somebody to set its password");
    store.invite(&deed, &digest_of(secret.expose_secret()), now + INVITATION).await?;
    Ok(secret.expose_secret().to_owned())
}
