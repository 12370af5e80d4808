//! Sessions with OpenStack clouds and the collector of facts.
//!
//! This crate finds the cloud configuration ([`CloudConfig`]), authenticates ([`Session`]), gathers facts
//! into an [`Inventory`](assay_inventory::Inventory) ([`collect`]) and looks at what a user's access is like
//! ([`doctor`]). It asks and records; it never judges, and nothing in it knows a standard. Every call to a
//! service goes through one client with timeout, retries, limits and recording, which sends the token to
//! endpoints of the catalog only.

mod answer;
mod authentication;
mod client;
mod collect;
mod config;
mod doctor;
mod endpoint;
mod links;
mod listing;
mod session;
mod settings;

pub use collect::{Event, Request, collect};
pub use config::{CloudConfig, ConfigError, ConfigFiles, Overrides};
pub use doctor::{Checkup, doctor};
pub use endpoint::{Endpoint, EndpointError};
pub use session::{ConnectError, Session};
pub use settings::Settings;
