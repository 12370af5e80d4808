//! The monitor on PostgreSQL, killed at any moment.

use std::env;

use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
use uuid::Uuid;

use crate::uploaders::outlives_kills;

const SERVER: &str = "postgres://testbed:testbed@127.0.0.1:15432/postgres";

#[tokio::test]
async fn what_was_taken_outlives_kills_on_postgresql() {
    let server = env::var("ASSAY_TESTBED_POSTGRES").unwrap_or_else(|_| SERVER.to_owned());
    install_default_drivers();
    let mut connection = AnyConnection::connect(&server).await.expect("testbed/postgres/up has been run");
    let name = format!("killed_{}", Uuid::new_v4().simple());
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    connection.execute(create).await.expect("a database");
    let url = format!("{}/{name}", server.rsplit_once('/').expect("an address").0);
    outlives_kills(&["--database", &url], 0x0b5e_55ed).await;
    let drop = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
    connection.execute(drop).await.expect("it can go");
}
