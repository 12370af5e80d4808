//! Sessions with OpenStack clouds and the collector of facts.
//!
//! This crate finds the cloud configuration ([`CloudConfig`]), authenticates ([`Session`]), gathers facts
//! into an [`Inventory`](assay_inventory::Inventory) ([`collect`]) and looks at what a user's access is like
//! ([`doctor`]). It asks, and through [`Session::send`] carries what others decide; it never judges, and nothing in it knows a standard. Every call to a
//! service goes through one client with timeout, retries, limits and recording, which sends the token to
//! endpoints of the catalog only.

mod answer;
mod authentication;
mod budgets;
mod client;
mod collect;
mod config;
mod discovery;
mod doctor;
mod ec2;
mod endpoint;
mod janitor;
mod links;
mod listing;
mod probe;
mod session;
mod settings;
mod upload;
mod waiting;

pub use budgets::Budgets;
pub use collect::{Event, Probes, Request, collect};
pub use config::{CloudConfig, Clouds, ConfigError, ConfigFiles, Overrides};
pub use config::{
    DomainManagerConfig, DomainManagerError, DomainManagerLogin, DomainManagerNote, DomainManagerProblem,
};
pub use discovery::{Discovered, PasswordAccount, discover, password_account};
pub use doctor::{Checkup, KeptCredential, doctor, kept_credential};
pub use endpoint::{Endpoint, EndpointError};
pub use janitor::{Cleaned, Cleanup, Found, Marks, cleanup, find_marked};
pub use probe::{DomainManagerRequest, DomainsCleaned, clean_up_domains, domain_managers};
pub use session::{ConnectError, Session};
pub use settings::Settings;
pub use waiting::wait_for;
