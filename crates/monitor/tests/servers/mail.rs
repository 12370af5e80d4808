use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use assay_monitor::NoticeConfig;
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection as _, Executor as _, Row as _};
use uuid::Uuid;

use super::{are_waiting, bed, ground};
use crate::stories::ground::{Ground, Report};
use crate::stories::noticing::{PATIENCE, all_is_sent, settings};

/// A file of notices for some recipients, by a server of whom something is not as it should be, or all is.
fn config(bed: &Value, to: &str, other: &[(&str, &str)]) -> NoticeConfig {
    let mut server = BTreeMap::from([
        ("host", bed["host"].as_str().unwrap().to_owned()),
        ("port", bed["port"].to_string()),
        ("from", "'Überwachung <monitor@example.com>'".to_owned()),
        ("user", bed["user"].as_str().unwrap().to_owned()),
        ("password_file", "password".to_owned()),
        ("ca_file", "ca".to_owned()),
    ]);
    for (key, value) in other {
        server.insert(key, (*value).to_owned());
    }
    server.retain(|_, value| !value.is_empty());
    let server: Vec<String> = server.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    let text = format!(
        "channels: [{{name: us, mail: [{to}]}}]
rules: [{{name: all, channels: [us], about: [result]}}]
mail: {{{}}}
",
        server.join(", ")
    );
    let files = |name: &str| match name {
        "ca" => Ok(fs::read_to_string(bed["ca"].as_str().unwrap()).unwrap()),
        "password" => Ok(bed["password"].as_str().unwrap().to_owned()),
        _ => Ok("wrong".to_owned()),
    };
    NoticeConfig::read("notices", &text, &files).unwrap()
}

/// What the server took for recipients whose address ends like this.
fn taken(bed: &Value, domain: &str) -> Vec<Value> {
    let folder: PathBuf = bed["taken"].as_str().unwrap().into();
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "json"));
    let all = files.map(|file| serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap());
    all.filter(|mail: &Value| {
        mail["to"].as_array().unwrap().iter().any(|to| to.as_str().unwrap().ends_with(domain))
    })
    .collect()
}

async fn mails(bed: &Value, domain: &str, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let all = taken(bed, domain);
        if all.len() >= count {
            assert_eq!(all.len(), count, "{all:#?}");
            return all;
        }
        assert!(begun.elapsed() < PATIENCE, "{all:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_mail_server_takes_what_people_are_told() {
    let Some(bed) = bed("ASSAY_TESTBED_MAIL", "testbed/mail/up") else { return };
    let mut ground = ground().await;
    ground.restart(settings()).await;
    let accounts = ground.accounts().replace("cloud-c}", "wölkchen, delegates: [ci]}");
    ground.take_accounts(&accounts).await;
    let domain = format!("{}.example.com", Uuid::new_v4().simple());
    let to = format!("'Größe <a@{domain}>', refused@{domain}, grey@{domain}");
    ground.monitor.take_notices(config(&bed, &to, &[]));
    let report = Report::new("wölkchen", "2026-11-22 09:00:00", &[("version-policy-check", -1)]);
    let answer = ground.hand_in("ci", &ground.ci, &report.yaml()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let first = mails(&bed, &domain, 1).await.remove(0);
    assert_eq!(first["to"], json!([format!("a@{domain}")]));
    assert_eq!(first["from"], "monitor@example.com");
    assert_eq!((&first["tls"], &first["authenticated"]), (&json!(true), &json!(true)));
    assert_eq!(first["defects"], json!([]));
    assert_eq!(first["type"], "text/plain");
    let header = |mail: &Value, name: &str| mail["headers"][name].as_str().unwrap().to_owned();
    assert_eq!(header(&first, "subject"), "SCS compliance of wölkchen: 1 to look at");
    assert_eq!(header(&first, "from"), "Überwachung <monitor@example.com>");
    assert_eq!(header(&first, "to"), format!("Größe <a@{domain}>"));
    assert!(header(&first, "message-id").ends_with("@example.com>"), "{first}");
    assert!(header(&first, "date").len() > 20, "{first}");
    let text = first["text"].as_str().unwrap();
    assert!(text.contains("version-policy-check: FAIL, since 2026-11-22 09:00 UTC"), "{text}");
    assert!(text.contains("wölkchen, SCS-compatible KaaS"), "{text}");

    // Nobody of one address, which is given up; the other is to be tried later.
    are_waiting(&ground, 1).await;
    let metrics = ground.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("assay_monitor_notices{state=\"given_up\"} 1\n"), "{metrics}");
    ground.set_clock("2026-11-22T12:05:00Z");
    all_is_sent(&ground).await;
    let all = mails(&bed, &domain, 2).await;
    let grey = all.iter().find(|mail| mail["to"][0] == format!("grey@{domain}")).unwrap();
    assert_eq!(grey["attempts"], json!([2]));
    assert_eq!(header(grey, "subject"), header(&first, "subject"));
    assert_ne!(header(grey, "message-id"), header(&first, "message-id"));
}

/// Why what waits was not sent the last time.
async fn troubles(ground: &Ground) -> Vec<String> {
    let file = format!("sqlite://{}/monitor.sqlite", ground.folder.path().display());
    let mut connection = AnyConnection::connect(&file).await.unwrap();
    let rows = connection.fetch_all("SELECT trouble FROM outbox WHERE trouble IS NOT NULL").await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// What waits has failed for a reason.
async fn has_failed(ground: &Ground, why: &str) {
    let begun = Instant::now();
    loop {
        let troubles = troubles(ground).await;
        if troubles.iter().any(|trouble| trouble.contains(why)) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{why}: {troubles:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn no_mail_server_is_told_that_is_not_known() {
    let Some(bed) = bed("ASSAY_TESTBED_MAIL", "testbed/mail/up") else { return };
    let mut ground = ground().await;
    ground.restart(settings()).await;
    let domain = format!("{}.example.com", Uuid::new_v4().simple());
    let to = format!("a@{domain}");
    let report = Report::new("cloud-b", "2026-11-22 09:00:00", &[("version-policy-check", -1)]);
    ground.monitor.take_notices(config(&bed, &to, &[("ca_file", "")]));
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &report.yaml()).await.status, 200);
    // Each of them fails, one after the other, and nothing of what was to be told arrives.
    for (other, hour, trouble) in [
        (("ca_file", ""), "13", "UnknownIssuer"),
        (("tls", "none"), "14", "No compatible authentication mechanism"),
        (("password_file", "other"), "15", "(535)"),
    ] {
        ground.monitor.take_notices(config(&bed, &to, &[other]));
        ground.set_clock(&format!("2026-11-22T{hour}:00:00Z"));
        has_failed(&ground, trouble).await;
    }
    assert_eq!(taken(&bed, &domain), Vec::<Value>::new());
    ground.monitor.take_notices(config(&bed, &to, &[]));
    ground.set_clock("2026-11-22T20:00:00Z");
    all_is_sent(&ground).await;
    mails(&bed, &domain, 1).await;
}
