//! The compliance monitor: takes signed reports in, keeps them, and shows what they come to.
//!
//! It is a store (one set of statements, SQLite or PostgreSQL behind it), an intake that believes nothing that is not
//! signed, and an HTTP server with the addresses that today's clients know. What results come to is for
//! `assay-standards` to say; nothing here judges.

mod accounts;
mod audit;
mod certificates;
mod client;
mod clock;
mod demo;
mod explained;
mod export;
mod findings;
mod import;
mod intake;
mod listen;
mod log;
mod notices;
mod oidc;
mod past;
mod reckoning;
mod retention;
mod scopes;
mod score;
mod serve;
mod status;
mod store;
mod uncounted;
mod watch;
mod web;
mod workers;

pub use accounts::{
    Bootstrap, BootstrapProblem, InviteError, NotHashed, invite, is_account_name, password_hash,
};
pub use audit::{Audit, audit};
pub use clock::Clock;
pub use demo::{Demo, DemoError};
pub use explained::Explained;
pub use export::{ExportError, Exported, export};
pub use import::{ImportError, Imported, ImportedAccounts, Left, ReferenceMonitor};
pub use intake::{Document, Envelope, MediaType, Record, RecordProblem, RecordedResult, payload_digest};
pub use log::Entry;
pub use notices::{NoticeConfig, NoticeProblem};
pub use oidc::{OidcConfig, OidcProblem};
pub use scopes::Scopes;
pub use serve::{Monitor, ServeError, Settings};
pub use store::{Backup, BackupError, Store, StoreError};
