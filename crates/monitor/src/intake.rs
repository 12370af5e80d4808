//! What is sent, until it is stored: the signed envelope, when a check counts, and the queue.

mod envelope;
mod queue;
mod receipt;

pub(crate) use envelope::{Envelope, MediaType};
pub(crate) use queue::{NotKept, Queue};
pub(crate) use receipt::counts_from;
