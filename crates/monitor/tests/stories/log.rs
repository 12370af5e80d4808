use assay_monitor::{Audit, Clock, Entry, Monitor, Scopes, Settings, audit};
use assay_transparency::{Checkpoint, Hash, LogKey, Proof, Signer, TILE_WIDTH, bundled, is_consistent};

use super::ground::{Ground, PASSWORD, Report};

const WEEKLY: &str = "version-policy-check";

async fn text(ground: &Ground, path: &str) -> String {
    let response = ground.get(path).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200, "{path}");
    response.text().await.unwrap()
}

async fn bytes(ground: &Ground, path: &str) -> Vec<u8> {
    let response = ground.get(path).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200, "{path}");
    response.bytes().await.unwrap().to_vec()
}

async fn checkpoint(ground: &Ground) -> Checkpoint {
    let key: LogKey = text(ground, "/log/key").await.parse().unwrap();
    Checkpoint::read(&text(ground, "/log/checkpoint").await, &key).unwrap()
}

pub(crate) async fn what_was_accepted_stands_in_the_log(ground: Ground) {
    let empty = checkpoint(&ground).await;
    assert_eq!((empty.size, empty.root), (0, Hash::of_nothing()));
    assert_eq!(empty.origin, "assay-monitor/log");
    let report = Report::new("ci", "2026-11-22 10:00:00", &[(WEEKLY, 1)]);
    assert_eq!(ground.hand_in("ci", &ground.ci, &report.yaml()).await.status, 200);
    let first = checkpoint(&ground).await;
    assert_eq!(first.size, 1);
    // What is refused leaves no trace.
    assert_eq!(ground.hand_in("ci", &ground.ci, &report.yaml()).await.status, 409);
    assert_eq!(checkpoint(&ground).await, first);
    let approval = format!(
        "{{\"reportuuid\": \"{}\", \"scopeuuid\": \"{}\", \"check\": \"{WEEKLY}\", \"approval\": false}}",
        report.uuid, report.scope
    );
    let request = ground.post("/results").basic_auth("assessor", Some(PASSWORD));
    let request = request.header("content-type", "application/json").body(approval);
    assert_eq!(request.send().await.unwrap().status().as_u16(), 200);

    let two = checkpoint(&ground).await;
    assert_eq!(two.size, 2);
    let entries = bytes(&ground, "/log/tile/entries/000.p/2").await;
    let entries = bundled(&entries).unwrap();
    let leaves: Vec<Hash> = entries.iter().map(|entry| Hash::of_leaf(entry)).collect();
    assert!(is_consistent((1, first.root), (2, two.root), &leaves[1..]));
    assert_eq!(
        bytes(&ground, "/log/tile/0/000.p/2").await,
        [leaves[0].as_bytes(), leaves[1].as_bytes()].concat()
    );
    assert!(matches!(serde_json::from_slice(entries[1]), Ok(Entry::Approval { approved: false, .. })));
    let proof: Proof = text(&ground, &format!("/log/proof/{}", report.uuid)).await.parse().unwrap();
    let key = text(&ground, "/log/key").await.parse().unwrap();
    assert_eq!(proof.verify(&proof.extra, &key).unwrap(), two);
    let Ok(Entry::Report { report: uuid, subject, part, .. }) = serde_json::from_slice(&proof.extra) else {
        panic!("{:?}", String::from_utf8_lossy(&proof.extra))
    };
    assert_eq!((uuid, subject.as_str(), part), (report.uuid.to_string(), "ci", 0));
    for missing in
        ["/log/tile/0/001", "/log/tile/0/000", "/log/tile/0/000.p/3", "/log/tile/x", "/log/proof/x"]
    {
        assert_eq!(ground.read(None, missing).await.status, 404, "{missing}");
    }
    let page = text(&ground, "/page/log").await;
    assert!(page.contains("approval withdrawn") && page.contains("2 entries so far"), "{page}");
    assert!(text(&ground, &format!("/page/report/{}", report.uuid)).await.contains("/log/proof/"));

    let signed = ground.read(Some("ci"), &format!("/reports/{}/signed", report.uuid)).await;
    let envelope = signed.body.as_str().unwrap();
    assert!(envelope.starts_with("-----BEGIN SSH SIGNATURE-----"), "{envelope}");
    assert!(envelope.ends_with(&format!("&{}", report.yaml())), "{envelope}");
    let nobody = ground.read(None, &format!("/reports/{}/signed", report.uuid)).await;
    assert_eq!(nobody.status, 401);
}

pub(crate) async fn what_is_changed_later_is_found(ground: Ground) {
    // More than a tile holds, under few signatures.
    for hour in 0..3 {
        let checked_at = format!("2026-11-22 0{hour}:00:00");
        let reports = (0..100).map(|_| Report::new("ci", &checked_at, &[(WEEKLY, 1)]).yaml());
        assert_eq!(ground.hand_in("ci", &ground.ci, &reports.collect::<String>()).await.status, 200);
    }
    let all = Audit { reports: 300, entries: 300, ..Audit::default() };
    assert_eq!(audit(&ground.store).await.unwrap(), all);
    let full = bytes(&ground, "/log/tile/0/000").await;
    assert_eq!(full.len(), TILE_WIDTH * Hash::LENGTH);
    assert_eq!(bytes(&ground, "/log/tile/1/000.p/1").await.len(), Hash::LENGTH);
    for (statement, told) in [
        ("UPDATE result SET verdict = -1 WHERE report = 107", "are not those that were signed"),
        ("UPDATE report SET subject = (SELECT MAX(id) FROM subject) WHERE id = 109", "about somebody else"),
        ("UPDATE submission SET signature = 'x' WHERE id = 1", "reports "),
        (
            "UPDATE log_entry SET entry = (SELECT entry FROM log_entry WHERE place = 203) WHERE place = 204",
            "the log says something else",
        ),
        ("UPDATE standing SET verdict = 0", "is not its newest result"),
        ("DELETE FROM log_entry WHERE place = 299", "not those that its tree was made of"),
    ] {
        if statement.contains("subject") {
            ground.tamper("INSERT INTO subject (name) VALUES ('somebody')").await;
        }
        let before = audit(&ground.store).await.unwrap().findings.len();
        ground.tamper(statement).await;
        let found = audit(&ground.store).await.unwrap().findings;
        assert!(
            found.len() > before && found.iter().any(|finding| finding.contains(told)),
            "{statement}: {found:#?}"
        );
    }
    // Whoever signs does not go on as if nothing had been there.
    let report = Report::new("ci", "2026-11-22 11:00:00", &[(WEEKLY, 1)]).yaml();
    assert_eq!(ground.hand_in("ci", &ground.ci, &report).await.status, 503);
}

pub(crate) async fn a_log_keeps_its_key(ground: Ground) {
    let open = async |key: &str| {
        let settings = Settings { base_url: "https://compliance.example.com/".into(), ..Settings::default() };
        Monitor::open(ground.store.clone(), Scopes::embedded(), Clock::system(), settings, key).await
    };
    // Its name stays, too, where the address has changed.
    assert!(open(&ground.key).await.is_ok());
    let other = open(&Signer::generate().unwrap()).await.unwrap_err();
    assert!(other.to_string().starts_with("the log was begun with the key assay-monitor/log+"), "{other}");
    assert!(open("nonsense").await.unwrap_err().to_string().contains("no private key"));
}
