//! Takes down what runs created: at their end, after a crash, or when the user asks.
//!
//! It deletes only what a journal names, or what bears the mark of a run in its name.

mod buckets;
mod cleanup;
mod found;
mod remove;
mod shelf;

pub use cleanup::{Cleaned, Cleanup, cleanup};
pub use found::{Found, Marks, find_marked};
pub(crate) use remove::{Doomed, Janitor};
pub(crate) use shelf::is_id;
