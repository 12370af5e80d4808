//! Which features an S3 server has, found out by trying them.
//!
//! [`probe`] makes a few buckets, tries every feature of [`S3FeatureId`](assay_inventory::S3FeatureId) in
//! them and reads the effect back: a success status alone counts for nothing. Whatever it makes is written to
//! a journal first and removed in the end; [`remove_bucket`] does the same for what an earlier run left.
//! This crate finds out and tells; it makes no credentials and judges nothing. A [`Store`] keeps files in a bucket.

mod access;
mod answer;
mod attempt;
mod buckets;
mod client;
mod digest;
mod features;
mod http;
mod probe;
mod removal;
mod store;

pub use access::{Access, AccessError, Settings};
pub use answer::Answer;
pub use probe::probe;
pub use removal::{RemovalError, Removed, list_buckets, remove_bucket};
pub use store::{PART, Store, StoreError, Upload};
