//! The journal of what is created in clouds, so that nothing is left behind.
//!
//! Before a create call its intent is written and synced to disk, after it the id; what is known to be gone
//! is ticked off. A run that is killed at any moment leaves a journal that says what it may have created,
//! and the next run or `assay cleanup` finishes the work. A journal is locked by the run that writes it, so
//! that two runs never clean up after each other while both live.
//!
//! This crate knows files and names only; it talks to no cloud.

mod entry;
mod file;
mod journal;
mod kind;
mod run;

pub use entry::{Entry, Open};
pub use file::JournalError;
pub use journal::{Journal, Place};
pub use kind::Kind;
pub use run::RunId;
