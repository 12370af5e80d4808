//! Sessions and the collector against a made-up cloud, well-behaved and hostile.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod answers;
mod authentication;
mod configuration;
mod doctor;
mod domain_manager;
mod facts;
mod federation;
mod files;
mod hostile;
mod janitor;
mod login;
mod s3;
mod support;
