//! Gathers facts about a cloud.

mod event;
mod flavors;
mod images;
mod network;
mod run;
mod s3;
mod volume_types;

pub use event::Event;
pub use run::{Request, collect};
