//! What a reference monitor has kept, taken over.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use assay_monitor::{
    Audit, Bootstrap, ImportError, Imported, Left, ReferenceMonitor, Scopes, Store, StoreError, audit, export,
};
use assay_report::SubmittedReport;
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};
use uuid::Uuid;

use crate::stories::ground::{Ground, HASH, Key, Report};

const WEEKLY: &str = "version-policy-check";
const ALL: [&str; 3] = ["cncf-k8s-conformance", "kaas-networking-check", WEEKLY];

/// The tables of a reference monitor.
const TABLES: &str = r#"
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO meta VALUES ('version', 'v4');
CREATE TABLE account (accountid SERIAL PRIMARY KEY, subject TEXT UNIQUE, roles INT, "group" TEXT);
CREATE TABLE apikey (apikeyid SERIAL PRIMARY KEY, apikeyhash TEXT,
    accountid INT REFERENCES account ON DELETE CASCADE, UNIQUE (accountid, apikeyhash));
CREATE TABLE publickey (keyid SERIAL PRIMARY KEY, key TEXT, keytype TEXT, keyname TEXT,
    accountid INT REFERENCES account ON DELETE CASCADE, UNIQUE (accountid, keyname));
CREATE TABLE delegation (delegateid INT REFERENCES account ON DELETE CASCADE,
    accountid INT REFERENCES account ON DELETE CASCADE, UNIQUE (delegateid, accountid));
CREATE TABLE report (reportid SERIAL PRIMARY KEY, reportuuid TEXT UNIQUE, checked_at TIMESTAMP, subject TEXT,
    data JSONB);
CREATE TABLE result2 (resultid SERIAL PRIMARY KEY, checked_at TIMESTAMP NOT NULL, subject TEXT NOT NULL,
    scopeuuid TEXT NOT NULL, version TEXT NOT NULL, testcase TEXT NOT NULL, result INT, approval BOOL,
    reportid INT NOT NULL REFERENCES report ON DELETE CASCADE);
"#;

/// The database of a reference monitor.
struct Reference {
    url: String,
    connection: AnyConnection,
}

impl Reference {
    async fn new() -> Self {
        let url = crate::new_database().await;
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        connection.execute(AssertSqlSafe(TABLES)).await.unwrap();
        Self { url, connection }
    }

    async fn execute(&mut self, statement: impl Into<String>) {
        self.connection.execute(AssertSqlSafe(statement.into())).await.unwrap();
    }

    /// What it does with a report that is handed in.
    async fn hand_in(&mut self, yaml: &str) {
        let report = SubmittedReport::read_yaml("report", yaml).unwrap();
        let (uuid, subject) = (report.run.to_string(), report.subject.clone());
        let mut rows = Vec::new();
        match &report.versions {
            Some(versions) => {
                for (version, results) in versions {
                    rows.extend(
                        results.iter().map(|(id, verdict)| (version.as_str(), id.as_str(), *verdict)),
                    );
                }
            }
            None => rows.extend(report.results().into_iter().map(|(id, result)| ("*", id, result.verdict))),
        }
        self.put(
            &uuid,
            &subject,
            &report.checked_at.to_string(),
            Some(&serde_json::to_value(report.view()).unwrap()),
        )
        .await;
        for (version, testcase, verdict) in rows {
            let insert = sqlx::query(
                "INSERT INTO result2 (checked_at, subject, scopeuuid, version, testcase, result, approval, reportid)
                 SELECT $1::TIMESTAMP, $2, $3, $4, $5, $6, $6 = 1, MAX(reportid) FROM report",
            );
            let code = i32::from(verdict.code().unwrap());
            let insert = insert.bind(report.checked_at.to_string()).bind(&subject).bind(&report.scope.uuid);
            insert.bind(version).bind(testcase).bind(code).execute(&mut self.connection).await.unwrap();
        }
    }

    /// A row about a report, whatever it says.
    async fn put(&mut self, uuid: &str, subject: &str, checked_at: &str, document: Option<&Value>) {
        let insert = sqlx::query(
            "INSERT INTO report (reportuuid, checked_at, subject, data) VALUES ($1, $2::TIMESTAMP, $3, $4::JSONB)",
        );
        let insert = insert.bind(uuid).bind(checked_at).bind(subject).bind(document.map(Value::to_string));
        insert.execute(&mut self.connection).await.unwrap();
    }

    /// From here on nobody can change anything.
    async fn close(mut self) -> String {
        let name = self.url.rsplit_once('/').unwrap().1.to_owned();
        self.execute(format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
        self.url
    }
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

async fn import(url: &str, store: Option<&Store>, is_dry: bool) -> Imported {
    let mut told = Vec::new();
    let mut source = ReferenceMonitor::open(url).await.unwrap();
    let scopes = Scopes::embedded();
    let imported = source
        .import((store, is_dry), (&scopes, now()), &mut |done, all| told.push((done, all)))
        .await
        .unwrap();
    let (done, all) = told.last().unwrap();
    assert_eq!(done, all);
    imported
}

fn accounts(ground: &Ground) -> String {
    ground.accounts() + "- {subject: 'wölke-☁', delegates: [ci]}\n- {subject: testbed, delegates: [ci]}\n"
}

fn by_what(left: &[Left]) -> BTreeMap<String, String> {
    left.iter().map(|left| (left.what.clone(), left.why.clone())).collect()
}

/// Reports as they are handed in everywhere, oldest first.
fn reports() -> Vec<String> {
    let old = Report::new("cloud-b", "2026-11-19 08:00:00", &[("x", 1)]).yaml();
    let old = old
        + "versions: {v1: {version-policy-check: {result: 1, invocation: one}, x: {result: -1}}, v0: {x: {result: 1}}}\n";
    let mut elsewhere = Report::new("cloud-b", "2026-11-21 10:00:00", &[("a", 1)]);
    elsewhere.scope = "of-tomorrow";
    let mut reports = vec![
        old,
        Report::new("cloud-a", "2026-11-19 09:00:00.123456", &ALL.map(|id| (id, 1))).yaml(),
        Report::new("cloud-a", "2026-11-20 09:00:00", &[(WEEKLY, 0)]).yaml(),
        Report::new("cloud-a", "2026-11-21 09:00:00", &[(WEEKLY, -1), ("unknown", 1)]).yaml(),
        elsewhere.yaml(),
        // A local time ahead of UTC.
        Report::new("wölke-☁", "2026-11-22 13:00:00", &[(WEEKLY, 1)]).yaml(),
    ];
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/compat/reports");
    let mut files: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path()).collect();
    files.sort();
    reports.extend(files.into_iter().map(|file| fs::read_to_string(file).unwrap()));
    reports
}

/// What everybody sees of it must not depend on how it came.
async fn looks_the_same(imported: &Ground, handed_in: &Ground) {
    for path in [
        "/status",
        "/page/table",
        "/page/table_full",
        "/page/detail/cloud-a/scs-compatible-kaas",
        "/page/detail/group-both/scs-compatible-kaas",
        "/page/detail/testbed/scs-compatible-iaas",
        "/page/subject/cloud-a",
        "/page/subject/cloud-b",
        "/api/v1/scores",
        "/api/v1/subjects/cloud-a?at=2026-11-20",
        "/api/v1/subjects/cloud-a/history",
        "/reports?subject=&limit=50",
        "/reports?subject=cloud-a",
        "/results?limit=500",
        "/results?approved=false&limit=500",
    ] {
        let [one, other] =
            [imported.read(Some("assessor"), path).await, handed_in.read(Some("assessor"), path).await];
        assert_eq!((one.status, one.body), (other.status, other.body), "{path}");
        assert_eq!(one.status, 200, "{path}");
    }
}

pub(crate) async fn what_a_reference_monitor_kept_counts_here(ground: Ground, other: Ground) {
    let mut reference = Reference::new().await;
    let reports = reports();
    let approved = Report::new("cloud-b", "2026-11-21 11:00:00", &[(WEEKLY, 1)]);
    // In another order than that of time: nobody there minds.
    for yaml in reports.iter().rev() {
        reference.hand_in(yaml).await;
    }
    reference.hand_in(&approved.yaml()).await;
    for ground in [&ground, &other] {
        ground.take_accounts(&accounts(ground)).await;
    }
    for yaml in reports.iter().chain([&approved.yaml()]) {
        assert_eq!(other.hand_in("ci", &other.ci, yaml).await.status, 200);
    }
    // Somebody took an approval back, and one result was never found out.
    let uuid = approved.uuid.to_string();
    reference
        .execute(format!("UPDATE result2 SET approval = FALSE WHERE reportid = (SELECT reportid FROM report WHERE reportuuid = '{uuid}')"))
        .await;
    reference.execute("INSERT INTO result2 (checked_at, subject, scopeuuid, version, testcase, reportid) SELECT checked_at, subject, scopeuuid, version, 'never', reportid FROM result2 ORDER BY resultid LIMIT 1").await;
    let withdrawn =
        json!({"reportuuid": uuid, "scopeuuid": approved.scope, "check": WEEKLY, "approval": false});
    assert_eq!(other.send(Some("assessor"), "/results", &withdrawn).await.status, 200);
    let url = reference.close().await;

    let read = Store::open_to_read(&ground.database).await.unwrap().unwrap();
    let dry = import(&url, Some(&read), true).await;
    assert_eq!(audit(&ground.store).await.unwrap(), Audit::default());
    let imported = import(&url, Some(&ground.store), false).await;
    assert_eq!(imported, dry);
    assert_eq!(import(&url, None, true).await, dry);
    assert_eq!((imported.reports, imported.known), (reports.len() as u64 + 1, 0));
    assert_eq!(imported.left, []);
    assert_eq!(imported.uncounted.len(), 1);
    assert_eq!(imported.uncounted[0].why, "its scope of-tomorrow is not known here");
    looks_the_same(&ground, &other).await;
    let count = imported.reports;
    let all = Audit { reports: count, imported: count, entries: count, ..Audit::default() };
    assert_eq!(audit(&ground.store).await.unwrap(), all);
    // What is there stays, and is not taken again.
    let again = import(&url, Some(&ground.store), false).await;
    assert_eq!(again, Imported { known: count, ..Imported::default() });
    assert_eq!(audit(&ground.store).await.unwrap(), all);

    // Nothing pretends to be signed.
    let signed = ground.read(Some("assessor"), &format!("/reports/{uuid}/signed")).await;
    assert_eq!(signed.status, 404);
    assert!(signed.refusal().1.contains("imported"), "{signed:?}");
    for form in ["page", "markdown"] {
        let page = ground.read(None, &format!("/{form}/report/{uuid}")).await.body;
        let page = page.as_str().unwrap();
        assert!(page.contains("Imported at") && !page.contains("Vouched for"), "{page}");
    }
    let proof = ground.read(None, &format!("/log/proof/{uuid}")).await.body;
    assert!(proof.as_str().unwrap().starts_with("c2sp.org/tlog-proof@v1"), "{proof}");
    let log = ground.read(None, "/page/log").await.body;
    assert!(log.as_str().unwrap().contains("imported report"), "{log}");
    // What was taken over can be taken away, and is what the log has the digest of.
    let folder = ground.folder.path().join("export");
    fs::create_dir(&folder).unwrap();
    export(&ground.store, &folder, Timestamp::MIN, None).await.unwrap();
    let record = fs::read_to_string(folder.join("imported/00000001.jsonl")).unwrap();
    let first = assay_transparency::bundled(
        &fs::read(folder.join(format!("log/tile/entries/000.p/{count}"))).unwrap(),
    )
    .map(|entries| serde_json::from_slice::<Value>(entries[0]).unwrap());
    assert_eq!(first.unwrap()["record"], assay_monitor::payload_digest(&record));
    assert_eq!(fs::read_dir(folder.join("signed")).unwrap().count(), 0);
    // A new report goes on where those that were imported end.
    let next = Report::new("cloud-a", "2026-11-22 09:00:00", &[(WEEKLY, 1)]).yaml();
    for ground in [&ground, &other] {
        assert_eq!(ground.hand_in("ci", &ground.ci, &next).await.status, 200);
        assert_eq!(ground.hand_in("ci", &ground.ci, &approved.yaml()).await.status, 409);
    }
    looks_the_same(&ground, &other).await;
    // And what is changed later is found.
    for (statement, why) in [
        ("UPDATE result SET verdict = -1 WHERE report = 2", "not those that were imported"),
        (
            "UPDATE submission SET payload = (SELECT payload FROM submission WHERE id = 1) WHERE id = 3",
            "stored as another",
        ),
        (
            "UPDATE submission SET media_type = 'application/x-recorded-jsonl' WHERE signature <> ''",
            "no record of a report",
        ),
    ] {
        let before = audit(&ground.store).await.unwrap().findings.len();
        ground.tamper(statement).await;
        let found = audit(&ground.store).await.unwrap().findings;
        assert!(
            found.len() > before && found.iter().any(|finding| finding.contains(why)),
            "{statement}: {found:#?}"
        );
    }
}

pub(crate) async fn what_cannot_be_imported_is_told(ground: Ground) {
    let mut reference = Reference::new().await;
    // It is here already, with its signature.
    let known = Report::new("cloud-a", "2026-11-21 10:00:00", &[(WEEKLY, 1)]);
    assert_eq!(ground.hand_in("ci", &ground.ci, &known.yaml()).await.status, 200);
    reference.hand_in(&known.yaml()).await;
    let good = Report::new("cloud-a", "2026-11-22 10:00:00", &[(WEEKLY, -1)]);
    reference.hand_in(&good.yaml()).await;
    let in_2099 = Report::new("cloud-a", "2099-01-01 00:00:00", &[(WEEKLY, 1)]);
    reference.hand_in(&in_2099.yaml()).await;
    let contradictory = Report::new("cloud-a", "2026-11-22 11:00:00", &[(WEEKLY, -1)]);
    reference.hand_in(&contradictory.yaml()).await;
    reference
        .execute("UPDATE result2 SET result = 1 WHERE resultid = (SELECT MAX(resultid) FROM result2)")
        .await;
    let [broken, none, other] = [(); 3].map(|()| Uuid::new_v4().to_string());
    reference.put(&broken, "cloud-a", "2026-11-22 11:00:00", Some(&json!({"subject": "cloud-a"}))).await;
    reference.put(&none, "cloud-a", "2026-11-22 11:00:00", None).await;
    let document = SubmittedReport::read_yaml("report", &good.yaml()).unwrap();
    let document = serde_json::to_value(document.view()).unwrap();
    reference.put(&other, "cloud-a", "2026-11-22 11:00:00", Some(&document)).await;
    reference.put(&good.uuid.to_string().to_uppercase(), "cloud-a", "2026-11-22 11:00:00", None).await;
    reference.put("no uuid", "cloud-a", "2026-11-22 11:00:00", Some(&document)).await;
    let url = reference.close().await;

    for is_dry in [true, false] {
        let imported = import(&url, Some(&ground.store), is_dry).await;
        assert_eq!((imported.reports, imported.results, imported.known), (1, 1, 1));
        let left = by_what(&imported.left);
        for (uuid, why) in [
            (
                in_2099.uuid.to_string(),
                "checked_at: the check is said to have been made at 2099-01-01 00:00:00",
            ),
            (
                contradictory.uuid.to_string(),
                "its results have 1 for version-policy-check, and its document never does",
            ),
            (broken.clone(), "the document cannot be read: : missing key `spec` in the report"),
            (none.clone(), "there is no document"),
            (other.clone(), "the document is that of another run"),
            (good.uuid.to_string(), "it is there twice"),
            ("no uuid".into(), "the document is that of another run"),
        ] {
            assert!(left.get(&uuid).is_some_and(|told| told.starts_with(why)), "{uuid}: {why}: {left:#?}");
        }
        assert_eq!(left.len(), 7);
    }
    let all = Audit { reports: 2, imported: 1, entries: 2, ..Audit::default() };
    assert_eq!(audit(&ground.store).await.unwrap(), all);
    let status = ground.read(None, "/status").await.body;
    assert_eq!(status["cloud-a"][good.scope]["results"][WEEKLY]["result"], -1);
    let signed = ground.read(Some("assessor"), &format!("/reports/{}/signed", known.uuid)).await;
    assert!(signed.body.as_str().unwrap().starts_with("-----BEGIN SSH SIGNATURE-----"), "{signed:?}");
    // Once something is imported, no backup takes its place.
    let empty = ground.folder.path().join("fresh");
    fs::create_dir(&empty).unwrap();
    let fresh = Store::in_folder(&empty).await.unwrap();
    import(&url, Some(&fresh), false).await;
    let error = fresh.restore(&b""[..]).await.unwrap_err();
    assert!(error.to_string().contains("not empty"), "{error}");
}

pub(crate) async fn accounts_of_a_reference_monitor_can_be_used(ground: Ground) {
    let mut reference = Reference::new().await;
    let words = |key: &Key| {
        let line = fs::read_to_string(key.path.with_extension("pub")).unwrap();
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        (words[0].clone(), words[1].clone())
    };
    let (kind, key) = words(&ground.ci);
    reference
        .execute(format!(
            "INSERT INTO account (subject, roles, \"group\") VALUES ('cloud-1.35', 0, 'gr\"oup: ü'), ('ci', 2, NULL),
                 ('assessor', 13, NULL), ('odd', 17, NULL);
             INSERT INTO apikey (apikeyhash, accountid) VALUES ('{HASH}', 2), ('{HASH}', 3), ('geheim', 4);
             INSERT INTO publickey (key, keytype, keyname, accountid) VALUES ('{key}', '{kind}', 'primary', 2),
                 ('AAAA', 'ssh-dss', 'old', 4);
             INSERT INTO delegation (delegateid, accountid) VALUES (2, 1);"
        ))
        .await;
    let url = reference.close().await;
    let read = ReferenceMonitor::open(&url).await.unwrap().accounts().await.unwrap();
    assert_eq!(read.accounts.count(), 4);
    let left = format!("{:?}", read.left);
    for why in ["of its roles 17, 1 are known here", "neither of argon2 nor of bcrypt", "its key old: "] {
        assert!(left.contains(why) && !left.contains("geheim"), "{left}");
    }
    assert_eq!(read.left.len(), 3);
    let file = read.accounts.to_yaml();
    assert_eq!(Bootstrap::read("accounts", &file).unwrap().to_yaml(), file);
    ground.take_accounts(&file).await;
    let report = Report::new("cloud-1.35", "2026-11-22 10:00:00", &[(WEEKLY, 1)]);
    assert_eq!(ground.hand_in("ci", &ground.ci, &report.yaml()).await.status, 200);
    let foreign = Report::new("odd", "2026-11-22 10:00:00", &[(WEEKLY, 1)]).yaml();
    assert_eq!(ground.hand_in("ci", &ground.ci, &foreign).await.refusal(), (401, "delegation problem?"));
    let path = format!("/reports/{}", report.uuid);
    assert_eq!(ground.read(Some("assessor"), &path).await.status, 200);
    let table = ground.read(None, "/page/table").await.body;
    assert!(table.as_str().unwrap().contains("oup: ü"), "{table}");
}

pub(crate) async fn only_a_reference_monitor_is_imported() {
    let open = async |url: &str| ReferenceMonitor::open(url).await.map(drop).unwrap_err();
    assert!(matches!(open("sqlite:///tmp/x").await, ImportError::NoPostgres));
    let empty = crate::new_database().await;
    assert!(matches!(open(&empty).await, ImportError::NoMonitor));
    let mut reference = Reference::new().await;
    // Nobody makes the tables of this monitor beside those.
    assert!(matches!(Store::open(&reference.url).await, Err(StoreError::ReferenceMonitor)));
    let made = "SELECT to_regclass('_sqlx_migrations')::TEXT";
    let made = sqlx::query(made).fetch_one(&mut reference.connection).await.unwrap();
    assert_eq!(made.try_get::<Option<String>, _>(0).unwrap(), None);
    reference.execute("UPDATE meta SET value = 'v3'").await;
    let url = reference.close().await;
    assert!(matches!(open(&url).await, ImportError::OtherForm(form) if form == "v3"));
}
