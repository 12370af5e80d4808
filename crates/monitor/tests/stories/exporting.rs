use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use assay_monitor::{Exported, Settings, export};
use assay_transparency::{Checkpoint, LogKey, Signer};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::ground::{Answer, Ground, PASSWORD, Report};

const WEEKLY: &str = "version-policy-check";

/// Whether OpenSSH alone takes a signature for that of somebody in the list.
fn is_verified(folder: &Path, signer: &str, signature: &str, file: &str) -> bool {
    let verified = Command::new("ssh-keygen")
        .args(["-q", "-Y", "verify", "-f", "allowed_signers", "-n", "report", "-I", signer, "-s", signature])
        .current_dir(folder)
        .stdin(File::open(folder.join(file)).unwrap())
        .output()
        .unwrap();
    verified.status.success()
}

/// The rows of a table by their columns; no cell of these has a quotation mark in it.
fn table(text: &str) -> Vec<BTreeMap<String, String>> {
    let cells = |line: &str| -> Vec<String> {
        let parts = line.split('"').enumerate();
        // What stands in quotation marks has an odd place.
        let marked = parts.map(|(place, part)| match place % 2 {
            0 => part.replace(',', "\n"),
            _ => part.to_owned(),
        });
        marked.collect::<String>().split('\n').map(str::to_owned).collect()
    };
    let mut lines = text.split("\r\n").filter(|line| !line.is_empty()).map(cells);
    let columns = lines.next().unwrap();
    lines
        .map(|cells| {
            assert_eq!(cells.len(), columns.len(), "{cells:?}");
            columns.iter().cloned().zip(cells).collect()
        })
        .collect()
}

pub(crate) async fn others_can_verify_what_is_taken_away(mut ground: Ground) {
    let base_url = "https://compliance.example.com/".into();
    ground.restart(Settings { base_url, ..Settings::default() }).await;
    ground.take_accounts(&(ground.accounts() + "- {subject: 'cloud, d ü', delegates: [ci]}\n")).await;
    let early = Report::new("cloud-a", "2026-11-20 10:00:00", &[(WEEKLY, 1), ("x", 0)]);
    let odd = Report::new("'cloud, d ü'", "2026-11-21 10:00:00", &[(WEEKLY, -1)]);
    ground.set_clock("2026-11-21T12:00:00Z");
    assert_eq!(ground.hand_in("ci", &ground.ci, &(early.yaml() + &odd.yaml())).await.status, 200);
    ground.set_clock("2026-11-22T12:00:00Z");
    let own = Report::new("cloud-b", "2026-11-22 10:00:00", &[(WEEKLY, 1)]);
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &own.yaml()).await.status, 200);
    let payload = json!({
        "spec": {"uuid": own.scope}, "checked_at": "2026-11-22 11:00:00", "subject": "cloud-b",
        "run": {"uuid": "545b0b2b-493e-4b63-99aa-1c02e05d33e4", "invocations": {}},
    });
    let body = format!("{}&{payload}", ground.own.sign("report", &payload.to_string()));
    let request = ground.post("/reports").header("content-type", "application/x-signed-json");
    assert_eq!(Answer::of(request.basic_auth("cloud-b", Some(PASSWORD)).body(body)).await.status, 200);
    let application = json!({
        "subject": "cloud-b", "scope": "scs-compatible-kaas", "version": "v1", "organisation": "B",
        "covers": "all", "contact": "somebody", "evidence": "none",
    });
    let applied = ground.send(Some("cloud-b"), "/api/v1/applications", &application).await.body;
    let path = format!("/api/v1/applications/{}/moves", applied["application"].as_str().unwrap());
    let grant = json!({"move": "grant", "text": "x", "despite": true});
    assert_eq!(ground.send(Some("assessor"), &path, &grant).await.status, 200);

    let folder = ground.folder.path().join("export");
    fs::create_dir(&folder).unwrap();
    let exported = export(&ground.store, &folder, Timestamp::MIN, Some(&ground.key)).await.unwrap();
    assert_eq!(exported, Exported { submissions: 3, results: 4, certificates: 1, entries: 5, left_out: 0 });
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(read("signed/00000001.yaml"), early.yaml() + &odd.yaml());
    assert_eq!(read("signed/00000003.json"), payload.to_string());
    let submissions = table(&read("submissions.csv"));
    assert_eq!(submissions.len(), 3);
    assert_eq!(submissions[0]["reports"], format!("{} {}", early.uuid, odd.uuid));
    assert_eq!(submissions[0]["received_at"], "2026-11-21T12:00:00Z");
    assert_eq!((submissions[0]["uploader"].as_str(), submissions[1]["uploader"].as_str()), ("ci", "cloud-b"));
    for one in &submissions {
        assert!(is_verified(&folder, &one["signer"], &one["signature"], &one["file"]), "{one:?}");
    }
    // Not of another signer, and not over something else.
    assert!(!is_verified(
        &folder,
        &submissions[1]["signer"],
        &submissions[0]["signature"],
        &submissions[0]["file"]
    ));
    assert!(!is_verified(
        &folder,
        &submissions[1]["signer"],
        &submissions[1]["signature"],
        &submissions[2]["file"]
    ));
    // What README.txt says to all of them.
    let readme = read("README.txt");
    let (_, script) = readme.split_once("all of them:\n").unwrap();
    let all = || {
        let ran = Command::new("sh").args(["-c", script]).current_dir(&folder).output().unwrap();
        String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap()
    };
    let told = all();
    assert_eq!(told.matches("Good \"report\" signature for SHA256:").count(), 3, "{told}");
    assert!(!told.contains("NOT"), "{told}");
    fs::write(folder.join("signed/00000002.yaml"), own.yaml() + "# and so on\n").unwrap();
    assert!(all().contains("signed/00000002.yaml is NOT as it was"));

    let results = table(&read("results.csv"));
    let lines: Vec<Value> =
        read("results.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(results.len(), 4);
    for (row, line) in results.iter().zip(&lines) {
        for (column, cell) in row {
            let value = &line[column];
            assert_eq!(*cell, value.as_str().map_or_else(|| value.to_string(), str::to_owned), "{column}");
        }
    }
    let failed = results.iter().find(|row| row["verdict"] == "FAIL").unwrap();
    assert_eq!((failed["subject"].as_str(), failed["approved"].as_str()), ("cloud, d ü", "false"));
    assert_eq!((failed["part"].as_str(), failed["testcase"].as_str()), ("1", WEEKLY));
    assert_eq!(failed["counts_from"], "2026-11-21T10:00:00Z");
    let certificate: Value = serde_json::from_str(&read("certificates/1.json")).unwrap();
    assert_eq!(certificate["credentialSubject"]["organisation"], "B");
    let key: LogKey = read("log/key").parse().unwrap();
    assert_eq!(Checkpoint::read(&read("log/checkpoint"), &key).unwrap().size, 5);

    let later = ground.folder.path().join("later");
    fs::create_dir(&later).unwrap();
    let since = "2026-11-22T00:00:00Z".parse().unwrap();
    let exported = export(&ground.store, &later, since, None).await.unwrap();
    assert_eq!(exported, Exported { submissions: 2, results: 1, certificates: 1, entries: 5, left_out: 0 });
    assert!(!later.join("signed/00000001.yaml").exists() && !later.join("log/checkpoint").exists());
    let other = ground.folder.path().join("other");
    fs::create_dir(&other).unwrap();
    let foreign = Signer::generate().unwrap();
    let error = export(&ground.store, &other, since, Some(&foreign)).await.unwrap_err();
    assert!(error.to_string().contains("not the key"), "{error}");
}
