//! Who may do what.

mod bootstrap;
mod passwords;
mod roles;
mod secrets;

pub(crate) use bootstrap::BootstrapAccount;
pub use bootstrap::{Bootstrap, BootstrapProblem};
pub(crate) use passwords::{Passwords, TooBusy};
pub(crate) use roles::{Role, Roles};
pub(crate) use secrets::{NotRandom, Secret, digest_of, form_key};
