//! The stories of the monitor, on SQLite.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod stories;

use assay_monitor::Store;
use stories::Ground;

async fn ground() -> Ground {
    // Whatever stands in its name, it is the name of a folder.
    let folder = tempfile::Builder::new().prefix("a b%20?c#ü").tempdir().unwrap();
    let store = Store::in_folder(folder.path()).await.unwrap();
    assert!(folder.path().join("monitor.sqlite").exists());
    Ground::on(store, folder).await
}

stories::on!(ground);
