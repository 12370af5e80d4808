//! The stories of the monitor, on SQLite.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod stories;

use std::fs;
use std::os::unix::fs::symlink;

use assay_monitor::Store;
use stories::Ground;

async fn ground() -> Ground {
    let folder = tempfile::tempdir().unwrap();
    // Whatever stands in its name, it is the name of a folder.
    let odd = folder.path().join("a b%20?c#ü");
    fs::create_dir(&odd).unwrap();
    let store = Store::in_folder(&odd).await.unwrap();
    assert!(odd.join("monitor.sqlite").exists());
    symlink(&odd, folder.path().join("plain")).unwrap();
    let database = format!("sqlite://{}/plain/monitor.sqlite", folder.path().display());
    Ground::on(store, database, folder).await
}

stories::on!(ground);
