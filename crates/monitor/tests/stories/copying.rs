use assay_monitor::{Audit, BackupError, Clock, Monitor, Scopes, Settings, Store, audit};
use assay_transparency::Signer;
use jiff::Timestamp;

use super::ground::{Ground, Report};

const WEEKLY: &str = "version-policy-check";

async fn empty(folder: &std::path::Path) -> Store {
    std::fs::create_dir(folder).unwrap();
    Store::in_folder(folder).await.unwrap()
}

pub(crate) async fn all_can_be_taken_elsewhere(ground: Ground) {
    for (hour, code) in [("01", 1), ("02", -1), ("03", 0)] {
        let at = format!("2026-11-22 {hour}:00:00");
        let report = Report::new("cloud-b", &at, &[(WEEKLY, code), ("unknown", 1)]);
        assert_eq!(ground.hand_in("cloud-b", &ground.own, &report.yaml()).await.status, 200);
    }
    let mut file = Vec::new();
    let now: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
    let backup = ground.store.back_up(&mut file, now).await.unwrap();
    let text = String::from_utf8(file).unwrap();

    // Into a file of SQLite, whatever it was before.
    let other = empty(&ground.folder.path().join("other")).await;
    assert_eq!(other.restore(text.as_bytes()).await.unwrap(), backup);
    let all = Audit { reports: 3, entries: 3, ..Audit::default() };
    assert_eq!(audit(&other).await.unwrap(), all);
    let mut again = Vec::new();
    other.back_up(&mut again, now).await.unwrap();
    assert_eq!(String::from_utf8(again).unwrap(), text);
    assert!(matches!(other.restore(text.as_bytes()).await, Err(BackupError::NotEmpty)));
    // And back, where it goes on: with the same key, and numbers that nothing has yet.
    let key = |key: &str| key.to_owned();
    let open = async |store: &Store, key: String| {
        Monitor::open(store.clone(), Scopes::embedded(), Clock::system(), Settings::default(), &key).await
    };
    assert!(open(&other, key(&ground.key)).await.is_ok());
    assert!(open(&other, Signer::generate().unwrap()).await.is_err());
    ground.empty().await;
    assert_eq!(ground.store.restore(text.as_bytes()).await.unwrap(), backup);
    assert_eq!(audit(&ground.store).await.unwrap(), all);
    ground.take_accounts(&ground.accounts()).await;
    let report = Report::new("somebody new", "2026-11-22 04:00:00", &[("another", 1)]);
    ground.take_accounts(&ground.accounts().replace("cloud-c", "somebody new, delegates: [ci]")).await;
    assert_eq!(ground.hand_in("ci", &ground.ci, &report.yaml()).await.status, 200);
    assert_eq!(audit(&ground.store).await.unwrap(), Audit { reports: 4, entries: 4, ..Audit::default() });

    // What is wrong changes nothing.
    let third = empty(&ground.folder.path().join("third")).await;
    let lines: Vec<&str> = text.lines().collect();
    let without_end = lines[..lines.len() - 1].join("\n");
    let changed = text.replacen("cloud-b", "cloud-x", 1);
    let other_form = text.replacen("\"tables\":", "\"tables\":1", 1);
    for (bad, why) in [
        ("", "its end is missing"),
        ("nonsense", "line 1 of the backup: expected"),
        (without_end.as_str(), "its end is missing"),
        (changed.as_str(), "what stands before was changed"),
        (other_form.as_str(), "forms of tables, and this program knows"),
        (&lines[1..].join("\n"), "line 1 of the backup: it does not belong here"),
    ] {
        let error = third.restore(bad.as_bytes()).await.unwrap_err().to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
    assert_eq!(third.restore(text.as_bytes()).await.unwrap(), backup);
}
