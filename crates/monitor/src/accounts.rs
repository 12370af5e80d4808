//! Who may do what.

mod bootstrap;
mod invite;
mod passwords;
mod roles;
mod secrets;

pub use bootstrap::{Bootstrap, BootstrapProblem};
pub(crate) use bootstrap::{BootstrapAccount, BootstrapKey, is_hash};
pub use invite::{InviteError, invite};
use jiff::SignedDuration;
pub use passwords::{NotHashed, password_hash};
pub(crate) use passwords::{Passwords, TooBusy};
pub(crate) use roles::{Role, Roles};
pub(crate) use secrets::{NotRandom, Secret, digest_of, form_key};

/// How long an invitation is good for.
pub(crate) const INVITATION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Who did what was done on the machine where the monitor runs.
pub(crate) const BY_HAND: &str = "the operator";

/// Whether an account can have a name: it stands in addresses, in logins and beside groups.
///
/// # Errors
/// Why not, for people.
pub fn is_account_name(name: &str) -> Result<(), String> {
    let why = if name.trim().is_empty() || name.trim() != name {
        "it is empty, or begins or ends with a blank"
    } else if [".", "..", BY_HAND].contains(&name) {
        "it means something else"
    } else if name.contains(['/', ':']) || name.starts_with("group-") {
        "it has no / and no : and does not begin with group-"
    } else if name.chars().count() > 200 || assay_report::visible(name) != name {
        "it is too long, or has characters that cannot be seen"
    } else {
        return Ok(());
    };
    Err(why.to_owned())
}
