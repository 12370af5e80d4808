//! What a TLS server offers, found out by handshakes: protocol versions, cipher suites, groups, certificates.
//!
//! TLS libraries refuse to offer what has been given up, so the `ClientHello` messages are made here, and the
//! answers are read up to where the server has shown its choice. No handshake of that kind is ever finished, no
//! key is agreed on and no data is sent. This crate finds out and records; what is good enough is judged elsewhere.

mod answer;
mod catalog;
mod certificate;
mod client_hello;
mod connection;
mod enumeration;
mod groups;
mod probe;
mod prober;
mod protocol;
mod settings;
mod suites;
mod tls13;

pub use catalog::{count_endpoints, scan_catalog};
pub use probe::probe;
pub use settings::{Settings, Target};
