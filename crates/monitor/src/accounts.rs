//! Who may do what.

mod bootstrap;
mod passwords;
mod roles;

pub use bootstrap::{Bootstrap, BootstrapProblem};
pub(crate) use bootstrap::{BootstrapAccount, BootstrapKey, is_hash};
pub(crate) use passwords::{Passwords, TooBusy};
pub(crate) use roles::{Role, Roles};
