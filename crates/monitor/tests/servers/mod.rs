//! What the monitor does with servers of others: a Matrix server, a mail server and a provider of identities.

mod mail;
mod oidc;
mod synapse;

use std::env;
use std::fs;
use std::time::Instant;

use assay_monitor::Store;
use serde_json::Value;

use crate::stories::Ground;
use crate::stories::noticing::PATIENCE;

/// What a part of the testbed wrote down about itself; none, with a word to whoever runs the tests, if it is not there.
#[expect(clippy::print_stderr, reason = "whoever runs the tests has to know that one did not")]
fn bed(variable: &str, script: &str) -> Option<Value> {
    let Ok(file) = env::var(variable) else {
        eprintln!("skipped: {variable} is not set; `export {variable}=$({script})`");
        return None;
    };
    Some(serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap())
}

/// A monitor on SQLite: what others do does not hang on the database.
async fn ground() -> Ground {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_folder(folder.path()).await.unwrap();
    let database = format!("sqlite://{}/monitor.sqlite", folder.path().display());
    Ground::on(store, database, folder).await
}

/// How many notices wait, once that is as many as expected.
async fn are_waiting(ground: &Ground, count: usize) {
    let begun = Instant::now();
    loop {
        let metrics = ground.get("/metrics").send().await.unwrap().text().await.unwrap();
        if metrics.contains(&format!("assay_monitor_notices{{state=\"waiting\"}} {count}\n")) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{metrics}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
