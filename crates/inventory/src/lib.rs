//! What a subject showed, fact by fact, and the snapshot file that keeps it.
//!
//! This crate is data only: it holds no rule of any standard, does no I/O and knows no clock.
//! Whoever collects fills an [`Inventory`]; whoever judges reads one. Answers of a cloud are kept as
//! [`Record`]s, field by field as they came, so that a null, a missing or an absurd value is something
//! to judge and never something that breaks the reading.

mod call;
mod diff;
mod domain_managers;
mod fact;
mod fields;
mod inventory;
mod probe;
mod record;
mod resources;
mod s3_features;
mod snapshot;
mod tempest;
mod tls;

pub use call::Call;
pub use diff::{FactDiff, FieldDiff, Standing, ThingChange, ThingDiff, diff};
pub use domain_managers::{
    DomainManagerBasis, DomainManagerBatch, DomainManagerExpectation, DomainManagerOutcome, DomainManagerRow,
    DomainManagers,
};
pub use fact::{Fact, FactId, Reason, Section, Unavailable};
pub use fields::FieldSet;
pub use inventory::{Inventory, Subject};
pub use probe::{
    EncryptedVolume, EncryptedVolumes, ImageUpload, Leftover, NewSecurityGroup, ProviderNetworkUse,
    SecretLifecycle, Step, StepId, Transcript, VirtualMachine, VolumeBackup,
};
pub use record::{Record, Seen};
pub use resources::{
    ApplicationCredential, CatalogEndpoint, CatalogService, Flavor, Image, Network, Project, S3Answer,
    S3Presence, SecurityGroupRule, SubnetPool, Token, VolumeType,
};
pub use s3_features::{S3Feature, S3FeatureId, S3FeatureState, S3Features};
pub use snapshot::{FORMAT_VERSION, SnapshotError, read_snapshot, write_snapshot};
pub use tempest::{TempestCatalogTypes, TempestCloud, TempestFailure, TempestList, TempestRun, TempestSkip};
pub use tls::{TlsCertificate, TlsEndpoint, TlsGap, TlsOutcome, TlsScan, TlsService, TlsVersionScan};
