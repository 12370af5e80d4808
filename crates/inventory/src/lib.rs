//! What a subject showed, fact by fact, and the snapshot file that keeps it.
//!
//! This crate is data only: it holds no rule of any standard, does no I/O and knows no clock.
//! Whoever collects fills an [`Inventory`]; whoever judges reads one. Answers of a cloud are kept as
//! [`Record`]s, field by field as they came, so that a null, a missing or an absurd value is something
//! to judge and never something that breaks the reading.

mod call;
mod fact;
mod fields;
mod inventory;
mod record;
mod resources;
mod snapshot;

pub use call::Call;
pub use fact::{Fact, FactId, Reason, Unavailable};
pub use fields::FieldSet;
pub use inventory::{Inventory, Subject};
pub use record::{Record, Seen};
pub use resources::{
    ApplicationCredential, CatalogEndpoint, CatalogService, Flavor, Image, Network, Project, S3Answer,
    S3Presence, SecurityGroupRule, SubnetPool, Token, VolumeType,
};
pub use snapshot::{FORMAT_VERSION, SnapshotError, read_snapshot, write_snapshot};
