//! The stories of the monitor, on the PostgreSQL that `testbed/postgres/up` starts, and what it does with other servers that
//! are real.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod reference;
mod schemathesis;
mod servers;
mod stories;

use std::env;

use assay_monitor::Store;
use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use stories::Ground;
use uuid::Uuid;

const SERVER: &str = "postgres://testbed:testbed@127.0.0.1:15432/postgres";

/// A new database for each test.
async fn new_database() -> String {
    let server = env::var("ASSAY_TESTBED_POSTGRES").unwrap_or_else(|_| SERVER.to_owned());
    install_default_drivers();
    let mut connection = AnyConnection::connect(&server).await.expect("testbed/postgres/up has been run");
    let name = format!("story_{}", Uuid::new_v4().simple());
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create).execute(&mut connection).await.unwrap();
    format!("{}/{name}", server.rsplit_once('/').unwrap().0)
}

async fn ground() -> Ground {
    let url = new_database().await;
    Ground::on(Store::open(&url).await.unwrap(), url, tempfile::tempdir().unwrap()).await
}

stories::on!(ground);

/// One in a file, beside whatever it is compared with.
async fn in_a_file() -> Ground {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_folder(folder.path()).await.unwrap();
    let database = format!("sqlite://{}/monitor.sqlite", folder.path().display());
    Ground::on(store, database, folder).await
}

#[tokio::test]
async fn what_a_reference_monitor_kept_counts_here() {
    reference::what_a_reference_monitor_kept_counts_here(ground().await, ground().await).await;
}

#[tokio::test]
async fn what_a_reference_monitor_kept_counts_in_a_file() {
    reference::what_a_reference_monitor_kept_counts_here(in_a_file().await, in_a_file().await).await;
}

#[tokio::test]
async fn what_cannot_be_imported_is_told() {
    reference::what_cannot_be_imported_is_told(ground().await).await;
}

#[tokio::test]
async fn what_cannot_be_imported_into_a_file_is_told() {
    reference::what_cannot_be_imported_is_told(in_a_file().await).await;
}

#[tokio::test]
async fn accounts_of_a_reference_monitor_can_be_used() {
    reference::accounts_of_a_reference_monitor_can_be_used(ground().await).await;
}

#[tokio::test]
async fn a_stranger_finds_all_as_it_is_documented() {
    schemathesis::a_stranger_finds_all_as_it_is_documented(in_a_file().await).await;
}

#[tokio::test]
async fn only_a_reference_monitor_is_imported() {
    reference::only_a_reference_monitor_is_imported().await;
}
