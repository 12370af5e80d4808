//! What is sent, before it is stored: the signed envelope, and when a check counts.

mod envelope;
mod receipt;

pub(crate) use envelope::{Envelope, MediaType};
pub(crate) use receipt::counts_from;
