//! Notices: who is told of what, when something goes wrong and when it is well again.
//!
//! What is wrong at a moment is a set of conditions. It is compared with what was told before; the difference goes into
//! an outbox, in the same transaction, from where it is sent until it arrives.

mod conditions;
mod config;
mod message;
mod send;

pub use config::{NoticeConfig, NoticeProblem};

pub(crate) use conditions::{About, Condition, Found, Looked, Topic, conditions};
pub(crate) use config::{Channel, Rule, Way, mailboxes};
pub(crate) use message::{Message, Told};
pub(crate) use send::{NotSent, Sender};
