use std::time::Duration;

use assay_monitor::{Audit, Settings, audit, export};
use jiff::ToSpan as _;
use serde_json::{Value, json};

use super::ground::{Ground, Report};

const WEEKLY: &str = "version-policy-check";
const ALL: [&str; 3] = ["cncf-k8s-conformance", "kaas-networking-check", WEEKLY];

fn settings(keeps: bool) -> Settings {
    Settings {
        base_url: "https://compliance.example.com/".into(),
        watch: Duration::from_millis(50),
        keep_reports: (!keeps).then(|| 6.months()),
        ..Settings::default()
    }
}

/// What comes of asking for what was signed.
async fn signed(ground: &Ground, report: &Report<'_>) -> u16 {
    ground.read(Some("assessor"), &format!("/reports/{}/signed", report.uuid)).await.status
}

async fn hand_in(ground: &Ground, at: &str, reports: &[&Report<'_>]) {
    ground.set_clock(&format!("{at}T12:00:00Z"));
    let stream: String = reports.iter().map(|report| report.yaml()).collect();
    let answer = ground.hand_in("ci", &ground.ci, &stream).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

async fn grant(ground: &Ground) {
    let application = json!({
        "subject": "cloud-b", "scope": "scs-compatible-kaas", "version": "v1", "organisation": "B",
        "covers": "all", "contact": "somebody", "evidence": "none",
    });
    let applied = ground.send(Some("cloud-b"), "/api/v1/applications", &application).await;
    let path = format!("/api/v1/applications/{}/moves", applied.body["application"].as_str().unwrap());
    let grant = json!({"move": "grant", "text": "x", "despite": true});
    let granted = ground.send(Some("assessor"), &path, &grant).await;
    assert_eq!(granted.status, 200, "{granted:?}");
}

pub(crate) async fn what_was_signed_is_let_go_when_nothing_hangs_on_it(mut ground: Ground) {
    ground.restart(settings(true)).await;
    let report = |subject, day: &'static str, code| Report::new(subject, day, &ALL.map(|id| (id, code)));
    let evidence = report("cloud-b", "2026-01-05 10:00:00", 1);
    let failed = report("cloud-b", "2026-01-20 10:00:00", -1);
    let together = [
        Report::new("cloud-b", "2026-02-01 10:00:00", &[(WEEKLY, 1)]),
        Report::new("cloud-a", "2026-02-01 10:00:00", &[(WEEKLY, 1)]),
    ];
    let changed = Report::new("cloud-b", "2026-02-20 10:00:00", &[("x", 1)]);
    let failed_again = report("cloud-b", "2026-03-01 10:00:00", -1);
    let certain = Report::new("cloud-b", "2026-05-01 10:00:00", &[("y", 1)]);
    let mut stands = report("cloud-b", "2026-06-10 10:00:00", 1);
    stands.results.extend([("x", 1), ("y", 0)]);
    hand_in(&ground, "2026-01-05", &[&evidence]).await;
    grant(&ground).await;
    hand_in(&ground, "2026-01-20", &[&failed]).await;
    hand_in(&ground, "2026-02-01", &[&together[0], &together[1]]).await;
    hand_in(&ground, "2026-02-20", &[&changed]).await;
    hand_in(&ground, "2026-03-01", &[&failed_again]).await;
    hand_in(&ground, "2026-05-01", &[&certain]).await;
    hand_in(&ground, "2026-06-10", &[&stands]).await;
    let recent = Report::new("ci", "2026-09-01 10:00:00", &[(WEEKLY, 1)]);
    hand_in(&ground, "2026-09-01", &[&recent]).await;
    let newest = Report::new("ci", "2026-12-01 10:00:00", &[(WEEKLY, 1)]);
    hand_in(&ground, "2026-12-01", &[&newest]).await;
    let history = async |ground: &Ground| {
        let path = "/api/v1/subjects/cloud-b/history?days=500";
        ground.read(None, path).await.body["scopes"].clone()
    };
    let (before, listed) = (history(&ground).await, listed(&ground).await);
    // Somebody changes what counts of a report: what was signed is the proof.
    let tampered = format!(
        "UPDATE result SET verdict = 0 WHERE report = (SELECT id FROM report WHERE uuid = '{}')",
        changed.uuid
    );
    ground.tamper_with(&tampered).await;

    // Two instances at the same time let go what may go, once. A clock that is ahead makes nothing old.
    ground.set_clock("2126-12-01T12:00:00Z");
    ground.restart(settings(false)).await;
    ground.beside(settings(false)).await;
    while signed(&ground, &failed).await != 410 || signed(&ground, &failed_again).await != 410 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for kept in [&recent, &newest, &evidence, &together[0], &together[1], &changed, &certain, &stands] {
        assert_eq!(signed(&ground, kept).await, 200, "{kept:?}");
    }
    let found = audit(&ground.store).await.unwrap();
    let finding = format!("report {}: the results that count are not those that were signed", changed.uuid);
    let all =
        Audit { reports: 10, entries: 10 + 1 + 2, let_go: 2, findings: vec![finding], ..Audit::default() };
    assert_eq!(found, all);

    // What counts of it is shown as before.
    ground.set_clock("2026-12-01T12:00:00Z");
    assert_eq!(history(&ground).await, before);
    let path = format!("/reports/{}", failed.uuid);
    let document = ground.read(Some("assessor"), &path).await.body;
    assert_eq!(document["let_go"], "2126-12-01T12:00:00Z", "{document}");
    assert_eq!(document["checked_at"], "2026-01-20 10:00:00");
    assert_eq!(document["run"]["invocations"]["results"]["results"][WEEKLY], -1);
    assert_eq!(self::listed(&ground).await, listed);
    for form in ["page", "markdown"] {
        for kind in ["report", "report_full"] {
            let page = ground.read(Some("assessor"), &format!("/{form}/{kind}/{}", failed.uuid)).await;
            let page = page.body.as_str().unwrap().to_owned();
            assert!(page.contains("let go on 2126-12-01") && page.contains("FAIL"), "{page}");
        }
    }
    let log = ground.read(None, "/page/log").await.body;
    assert!(log.as_str().unwrap().contains("text let go"), "{log}");

    // Whoever takes it away gets the signature, and reads why there is nothing to verify by it.
    let folder = ground.folder.path().join("export");
    std::fs::create_dir(&folder).unwrap();
    let exported = export(&ground.store, &folder, jiff::Timestamp::MIN, None).await.unwrap();
    assert_eq!(exported.submissions, 9);
    let table = std::fs::read_to_string(folder.join("submissions.csv")).unwrap();
    let line = table.lines().find(|line| line.contains(&failed.uuid.to_string())).unwrap();
    assert!(
        line.starts_with("2,,signed/00000002.yaml.sig,") && line.ends_with(",2126-12-01T12:00:00Z"),
        "{line}"
    );
    assert!(!folder.join("signed/00000002.yaml").exists());

    // A copy is the same, and what is changed later is found.
    let mut file = Vec::new();
    ground.store.back_up(&mut file, jiff::Timestamp::now()).await.unwrap();
    ground.empty().await;
    ground.store.restore(file.as_slice()).await.unwrap();
    assert_eq!(audit(&ground.store).await.unwrap(), all);
    let of = |report: &Report<'_>| format!("(SELECT id FROM report WHERE uuid = '{}')", report.uuid);
    for (statement, why) in [
        (format!("UPDATE result SET verdict = 1 WHERE report = {}", of(&failed)), "when its text was let go"),
        (
            format!("INSERT INTO let_go SELECT submission, 0 FROM report WHERE id = {}", of(&stands)),
            "the log does not say why",
        ),
    ] {
        let before = audit(&ground.store).await.unwrap().findings.len();
        ground.tamper_with(&statement).await;
        let found = audit(&ground.store).await.unwrap().findings;
        assert!(found.len() > before && found.iter().any(|told| told.contains(why)), "{why}: {found:#?}");
    }
}

pub(crate) async fn what_cannot_be_read_is_named_and_all_else_goes_on(mut ground: Ground) {
    ground.restart(settings(true)).await;
    let days = (1..=9).map(|day| format!("2026-01-0{day}"));
    let days: Vec<String> = days.collect();
    let times: Vec<String> = days.iter().map(|day| format!("{day} 10:00:00")).collect();
    let codes = [1, -1].into_iter().cycle();
    let all: Vec<Report<'_>> = times
        .iter()
        .zip(codes)
        .map(|(at, code)| Report::new("cloud-b", at, &ALL.map(|id| (id, code))))
        .collect();
    for (day, report) in days.iter().zip(&all) {
        hand_in(&ground, day, &[report]).await;
    }
    // What lasts for a year goes on in none of them.
    let newest = Report::new("cloud-b", "2026-12-01 10:00:00", &ALL.map(|id| (id, -1)));
    hand_in(&ground, "2026-12-01", &[&newest]).await;
    let application = json!({
        "subject": "cloud-b", "scope": "scs-compatible-kaas", "version": "v1", "organisation": "B",
        "covers": "all", "contact": "somebody", "evidence": "none",
    });
    let bytes = |hex: &str| match ground.is_postgres() {
        true => format!("'\\x{hex}'::bytea"),
        false => format!("X'{hex}'"),
    };
    let broken = [
        (format!("UPDATE submission SET payload = {} WHERE id = 1", bytes("00")), "its text: "),
        (format!("UPDATE submission SET payload = {} WHERE id = 2", bytes("")), "its text: it is gone"),
        ("UPDATE submission SET signature = 'x' WHERE id = 3".to_owned(), "signature"),
        (
            format!("UPDATE report SET counts_from = {} WHERE id = 4", i64::MAX),
            "is not in the required range",
        ),
        ("UPDATE submission SET media_type = 'x' WHERE id = 5".to_owned(), "is no type of a report"),
        ("UPDATE result SET verdict = 7 WHERE report = 6".to_owned(), "7 stands for no verdict"),
        (
            format!("UPDATE submission SET received_at = {} WHERE id = 7", i64::MAX),
            "is not in the required range",
        ),
        ("UPDATE report SET checked_at = 'x' WHERE id = 8".to_owned(), "the time of the check is not"),
    ];
    for (statement, _) in &broken {
        ground.tamper_with(statement).await;
    }
    let named = |found: &Audit| {
        assert_eq!((found.reports, found.findings.len()), (10, broken.len()), "{:#?}", found.findings);
        for (report, (_, why)) in all.iter().zip(&broken) {
            let uuid = report.uuid.to_string();
            let is_named = |told: &String| told.contains(&uuid) && told.contains(why);
            assert!(found.findings.iter().any(is_named), "{uuid} {why}: {:#?}", found.findings);
        }
    };
    named(&audit(&ground.store).await.unwrap());

    ground.restart(settings(false)).await;
    while signed(&ground, &all[8]).await != 410 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // All but the one of which nobody knows how old it is.
    let kept_back = "assay_monitor_texts_kept_back 7";
    let metrics = async || ground.read(None, "/metrics").await.body.as_str().unwrap().to_owned();
    while !metrics().await.lines().any(|line| line == kept_back) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let found = audit(&ground.store).await.unwrap();
    assert_eq!(found.let_go, 1);
    named(&found);

    let applied = ground.send(Some("cloud-b"), "/api/v1/applications", &application).await;
    let path = format!("/api/v1/applications/{}/moves", applied.body["application"].as_str().unwrap());
    let granted = json!({"move": "grant", "text": "x", "despite": true});
    let granted = ground.send(Some("assessor"), &path, &granted).await;
    ground.tamper_with(&format!("UPDATE certificate SET valid_until = {}", i64::MAX)).await;
    let certificate = granted.body["certificate"].as_str().unwrap();
    let told = audit(&ground.store).await.unwrap().findings;
    assert!(told.iter().any(|told| told.contains(certificate) && told.contains("is no day")), "{told:#?}");
    assert!(metrics().await.lines().any(|line| line == kept_back), "the alarm is heard all the same");

    // What can be reckoned again is.
    let scores = async |ground: &Ground| ground.read(None, "/api/v1/scores").await.body;
    let before = scores(&ground).await;
    assert_ne!(before, json!([]));
    ground.tamper_with("UPDATE score SET shown = 'x'").await;
    ground.restart(settings(false)).await;
    assert_eq!(scores(&ground).await, before);

    let folder = ground.folder.path().join("export");
    std::fs::create_dir(&folder).unwrap();
    let exported = export(&ground.store, &folder, jiff::Timestamp::MIN, None).await.unwrap();
    let left_out = std::fs::read_to_string(folder.join("left_out.csv")).unwrap();
    // A signature is handed out as it is, and so is a time that nobody can read. Of four, nothing is.
    assert_eq!((exported.submissions, exported.left_out), (6, 4 * 2 + 2 + 1), "{left_out}");
    for left in [0, 1, 3, 4, 5, 6].map(|place: usize| all[place].uuid.to_string()) {
        assert!(left_out.lines().any(|line| line.starts_with(&format!("report,{left},"))), "{left_out}");
    }
    assert!(left_out.contains(&format!("certificate,{certificate},")), "{left_out}");
    let results = std::fs::read_to_string(folder.join("results.csv")).unwrap();
    for taken in [&all[2], &all[7], &all[8], &newest] {
        assert!(results.contains(&taken.uuid.to_string()), "{taken:?}");
    }
}

pub(crate) async fn what_people_stated_stays_so_without_its_text(mut ground: Ground) {
    ground.restart(settings(true)).await;
    let stated = [("2026-01-05", 1), ("2026-01-06", -1), ("2026-12-01", 1)];
    let times = stated.map(|(day, code)| (day, format!("{day} 10:00:00"), code));
    let reports = times
        .each_ref()
        .map(|(day, at, code)| (*day, Report::new("cloud-b", at, &[("node-distribution-check", *code)])));
    let by_people = "assay declare: stated by people, not measured";
    for (day, report) in &reports {
        ground.set_clock(&format!("{day}T12:00:00Z"));
        let yaml = report.yaml().replace("cmd: check", &format!("cmd: '{by_people}'"));
        assert_eq!(ground.hand_in("ci", &ground.ci, &yaml).await.status, 200);
    }
    let (_, first) = &reports[0];
    ground.restart(settings(false)).await;
    while signed(&ground, first).await != 410 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let path = format!("/reports/{}", first.uuid);
    let document = ground.read(Some("assessor"), &path).await.body;
    let invocations = &document["run"]["invocations"];
    assert_eq!(invocations["results"], json!(null));
    assert_eq!(invocations["stated"]["results"], json!({"node-distribution-check": 1}));
    let command = invocations["stated"]["cmd"].as_str().unwrap();
    assert!(by_people.ends_with(command) && command.ends_with("stated by people, not measured"), "{command}");
    let page = ground.read(None, &format!("/page/report/{}", first.uuid)).await.body;
    assert!(page.as_str().unwrap().contains("Stated by people, not measured"), "{page}");
}

/// The reports of a subject, by UUID.
async fn listed(ground: &Ground) -> Vec<Value> {
    let all = ground.read(Some("assessor"), "/reports?subject=cloud-b").await.body;
    all.as_array().unwrap().iter().map(|report| report["run"]["uuid"].clone()).collect()
}
