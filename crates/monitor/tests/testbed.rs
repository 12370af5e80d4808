//! The stories of the monitor, on the PostgreSQL that `testbed/postgres/up` starts.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod stories;

use std::env;

use assay_monitor::Store;
use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use stories::Ground;
use uuid::Uuid;

const SERVER: &str = "postgres://testbed:testbed@127.0.0.1:15432/postgres";

/// A new database for each test.
async fn ground() -> Ground {
    let server = env::var("ASSAY_TESTBED_POSTGRES").unwrap_or_else(|_| SERVER.to_owned());
    install_default_drivers();
    let mut connection = AnyConnection::connect(&server).await.expect("testbed/postgres/up has been run");
    let name = format!("story_{}", Uuid::new_v4().simple());
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create).execute(&mut connection).await.unwrap();
    let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
    Ground::on(Store::open(&url).await.unwrap(), url, tempfile::tempdir().unwrap()).await
}

stories::on!(ground);
