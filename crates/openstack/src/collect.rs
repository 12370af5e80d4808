//! Gathers facts about a cloud.

mod event;
mod flavors;
mod images;
mod network;
mod probing;
mod run;
mod s3;
mod tls;
mod volume_types;

pub use event::Event;
pub(crate) use flavors::flavors;
pub use run::{Probes, Request, collect};
