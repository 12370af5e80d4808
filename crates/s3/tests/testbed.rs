//! The probe against real servers: ceph's gateway and swift's S3 API.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like tests")]

use std::env;
use std::fs;
use std::future::pending;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use assay_inventory::S3FeatureId as Id;
use assay_inventory::S3FeatureState::{self as State, Absent, Broken, NotTried, Present};
use assay_inventory::{S3Feature, S3Features};
use assay_journal::{Journal, Place, RunId};
use assay_s3::{Access, PART, Removed, Settings, Store, list_buckets, probe, remove_bucket};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::timeout;
use url::Url;

fn file(variable: &str, written_by: &str) -> String {
    let path = env::var_os(variable)
        .unwrap_or_else(|| panic!("{variable} must hold the path of the file that {written_by} writes"));
    fs::read_to_string(path).unwrap()
}

fn access(endpoint: &str, region: &str, access_key: &str, secret_key: &str) -> Access {
    Access {
        endpoint: Url::parse(endpoint).unwrap(),
        region: region.into(),
        access_key: access_key.into(),
        secret_key: secret_key.into(),
        verify: true,
        extra_roots: Vec::new(),
    }
}

fn ceph() -> Access {
    let bed: Value = serde_json::from_str(&file("ASSAY_TESTBED_S3", "testbed/ceph/up")).unwrap();
    let text = |name: &str| bed[name].as_str().unwrap();
    access(text("endpoint"), text("region"), text("access_key"), text("secret_key"))
}

/// Credentials of keystone for swift's S3 API, and how to remove them.
struct Ec2 {
    access: Access,
    client: reqwest::Client,
    token: String,
    url: String,
    /// Where swift answers to its own API.
    swift: String,
}

impl Ec2 {
    async fn make() -> Self {
        let clouds: Value = serde_saphyr::from_str(&file("ASSAY_TESTBED_CLOUDS", "testbed/up")).unwrap();
        let auth = &clouds["clouds"]["testbed"]["auth"];
        let keystone = auth["auth_url"].as_str().unwrap();
        let client = reqwest::Client::new();
        let login = json!({ "auth": {
            "identity": { "methods": ["password"], "password": { "user": {
                "name": auth["username"], "password": auth["password"],
                "domain": { "name": auth["user_domain_name"] } } } },
            "scope": { "project": {
                "name": auth["project_name"], "domain": { "name": auth["project_domain_name"] } } },
        } });
        let answer = client
            .post(format!("{keystone}/auth/tokens"))
            .header("content-type", "application/json")
            .body(login.to_string())
            .send()
            .await
            .unwrap();
        let token = answer.headers()["x-subject-token"].to_str().unwrap().to_owned();
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let body = &body["token"];
        let swift = body["catalog"].as_array().unwrap().iter().find(|s| s["type"] == "object-store").unwrap();
        let url = swift["endpoints"].as_array().unwrap().iter().find(|e| e["interface"] == "public").unwrap();
        let swift = url["url"].as_str().unwrap().to_owned();
        let mut endpoint = Url::parse(&swift).unwrap();
        endpoint.set_path("/");
        let user = body["user"]["id"].as_str().unwrap();
        let credentials = format!("{keystone}/users/{user}/credentials/OS-EC2");
        let made = client
            .post(&credentials)
            .header("x-auth-token", &token)
            .header("content-type", "application/json")
            .body(json!({ "tenant_id": body["project"]["id"] }).to_string())
            .send()
            .await
            .unwrap();
        let made: Value = serde_json::from_str(&made.text().await.unwrap()).unwrap();
        let text = |name: &str| made["credential"][name].as_str().unwrap();
        // The region is wrong on purpose: the server names the right one.
        let access = access(endpoint.as_str(), "us-east-1", text("access"), text("secret"));
        Ec2 { url: format!("{credentials}/{}", access.access_key), access, client, token, swift }
    }

    async fn remove(self) {
        let gone = self.client.delete(&self.url).header("x-auth-token", &self.token).send().await.unwrap();
        assert!(gone.status().is_success(), "{}", gone.status());
    }
}

fn journal(folder: &std::path::Path) -> Journal {
    let place = Place {
        cloud: "s3".into(),
        auth_url: "http://s3".into(),
        scope: "p".into(),
        user: "u".into(),
        region: None,
    };
    Journal::begin(folder, &place, RunId::new(), Timestamp::now()).unwrap()
}

/// Probes, and sees that nothing is left: in the report, in the journal, on the server.
async fn probed(access: &Access) -> S3Features {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let said = Mutex::new(Vec::new());
    let seen = probe(access, &Settings::default(), &journal, pending(), &|what| {
        said.lock().unwrap().push(what.to_owned());
    })
    .await;
    assert_eq!(seen.leftovers, []);
    assert!(journal.close().unwrap(), "the journal is not empty: {:?}", journal.open());
    let access = Access { region: seen.region.clone(), ..access.clone() };
    let mark = journal.run().mark();
    let left = list_buckets(&access, &Settings::default()).await.unwrap();
    assert!(left.iter().all(|name| !name.starts_with(&mark)), "{left:?}");
    assert!(said.into_inner().unwrap().contains(&"versioning".to_owned()));
    seen
}

/// The table in the order of the features; a difference shows all details.
fn assert_table(seen: &S3Features, expected: &[(State, &str); Id::ALL.len()]) {
    let lines = |feature: &S3Feature| {
        format!("{}: {}, {} {:?}", feature.feature, feature.state, feature.detail, feature.code)
    };
    let all: Vec<String> = seen.features.iter().map(lines).collect();
    assert_eq!(seen.features.iter().map(|feature| feature.feature).collect::<Vec<_>>(), Id::ALL);
    for (feature, (state, code)) in seen.features.iter().zip(*expected) {
        let shown = (feature.state, feature.code.as_deref().unwrap_or_default());
        assert_eq!(shown, (state, code), "{}\n{all:#?}", feature.feature);
    }
}

#[tokio::test]
async fn ceph_radosgw() {
    let seen = probed(&ceph()).await;
    assert_table(
        &seen,
        &[
            (Present, ""), // buckets
            (Present, ""), // objects
            (Present, ""), // path-style addressing
            (Present, ""), // virtual-host addressing
            (Absent, ""),  // SigV4 only: version 2 is taken
            (Present, ""), // list v1
            (Present, ""), // list v2
            (Present, ""), // multipart upload
            (Present, ""), // range GET
            (Present, ""), // presigned URLs
            (Present, ""), // copy
            (Present, ""), // batch delete
            (Present, ""), // conditional writes
            (Absent, ""),  // checksums: ceph 16 ignores the headers
            (Present, ""), // versioning
            (Present, ""), // lifecycle expiry
            (Present, ""), // object lock
            (Present, ""), // object tagging
            (Present, ""), // bucket tagging
            (Present, ""), // ACL
            (Present, ""), // bucket policy
            (Present, ""), // CORS
            (Present, ""), // SSE-C
            (Absent, ""),  // SSE-S3: ceph 16 ignores the header
        ],
    );
    let conditional = seen.get(Id::ConditionalWrites).unwrap();
    assert!(conditional.detail.contains("without its quotes"), "{}", conditional.detail);
    let refused = seen.features.iter().filter(|feature| feature.status.is_some());
    assert!(refused.into_iter().all(|feature| feature.request_id.is_some()));
}

#[tokio::test]
async fn swift_s3api() {
    let ec2 = Ec2::make().await;
    let seen = probed(&ec2.access).await;
    ec2.remove().await;
    assert_eq!(seen.region, "RegionOne", "the server names its region");
    assert_table(
        &seen,
        &[
            (Present, ""),                                    // buckets
            (Present, ""),                                    // objects
            (Present, ""),                                    // path-style addressing
            (Absent, "NoSuchBucket"),                         // virtual-host addressing: no storage_domain
            (Absent, ""),                                     // SigV4 only: version 2 is taken
            (Present, ""),                                    // list v1
            (Present, ""),                                    // list v2
            (Present, ""),                                    // multipart upload
            (Present, ""),                                    // range GET
            (Present, ""),                                    // presigned URLs
            (Present, ""),                                    // copy
            (Present, ""),                                    // batch delete
            (Present, ""),                                    // conditional writes
            (Broken, ""),                                     // checksums: checked, but not kept
            (Present, ""),                                    // versioning
            (Absent, "MalformedXML"),                         // lifecycle expiry: taken for making a bucket
            (Absent, "ObjectLockConfigurationNotFoundError"), // object lock: the wish is ignored
            (Absent, "NotImplemented"),                       // object tagging
            (Absent, "NotImplemented"),                       // bucket tagging
            (Absent, "NotImplemented"),                       // ACL of objects
            (Absent, "NotImplemented"),                       // bucket policy
            (Absent, "NotImplemented"),                       // CORS
            (Absent, ""),                                     // SSE-C: the headers are ignored
            (Absent, "NotImplemented"),                       // SSE-S3
        ],
    );
}

#[tokio::test]
async fn what_a_killed_run_leaves_is_removed_by_name() {
    let access = ceph();
    let settings = Settings { concurrency: Id::ALL.len(), ..Settings::default() };
    let begun = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    probe(&access, &settings, &journal(folder.path()), pending(), &|_| ()).await;
    let whole = begun.elapsed();
    let mut removed = (0, 0, 0);
    // Moments all over a run, until each kind of thing was caught: a multipart upload is open for a short time.
    for share in [5, 15, 25, 35, 45, 55, 65, 75].iter().cycle().take(40) {
        let folder = tempfile::tempdir().unwrap();
        let journal = journal(folder.path());
        let run = probe(&access, &settings, &journal, pending(), &|_| ());
        // A run that was quicker than the first has nothing left.
        let _ = timeout(whole * *share / 100, run).await;
        for open in journal.open() {
            let one = remove_bucket(&access, &settings, &open.name, Duration::ZERO).await.unwrap();
            removed =
                (removed.0 + usize::from(one.existed), removed.1 + one.objects, removed.2 + one.uploads);
            assert_eq!(
                remove_bucket(&access, &settings, &open.name, Duration::ZERO).await.unwrap(),
                Removed::default()
            );
        }
        let left = list_buckets(&access, &settings).await.unwrap();
        assert!(left.iter().all(|name| !name.starts_with(&journal.run().mark())), "{left:?}");
        if removed.0 > 4 && removed.1 > 10 && removed.2 > 0 {
            return;
        }
    }
    panic!("too little was caught in the act: {removed:?}");
}

#[tokio::test]
async fn a_wrong_key_is_told_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let access = Access { secret_key: "wrong".into(), ..ceph() };
    let seen = probe(&access, &Settings::default(), &journal, pending(), &|_| ()).await;
    for feature in &seen.features {
        let shown = (feature.state, feature.status, feature.code.as_deref());
        assert_eq!(shown, (NotTried, Some(403), Some("SignatureDoesNotMatch")), "{}", feature.detail);
        assert!(feature.detail.starts_with("the server refuses the key: HTTP 403"), "{}", feature.detail);
    }
    assert!(journal.open().is_empty() && seen.leftovers.is_empty());
}

#[tokio::test]
async fn a_file_in_a_bucket_is_whole_or_not_there() {
    let key = Ec2::make().await;
    let (access, settings) = (key.access.clone(), Settings::default());
    let bucket = RunId::new().name("store");
    let missing = Store::open(&access, &settings, &bucket, "").await.unwrap();
    let error = missing.put("x", b"y".to_vec()).await.unwrap_err().to_string();
    assert!(error.contains(&bucket) && error.contains("NoSuchBucket"), "{error}");
    // By the API of swift, with nothing of the crate.
    let container = format!("{}/{bucket}", key.swift);
    let made = key.client.put(&container).header("x-auth-token", &key.token).send().await.unwrap();
    assert!(made.status().is_success(), "{}", made.status());

    let store = Store::open(&access, &settings, &bucket, "/images/").await.unwrap();
    assert_eq!(store.text("list").await.unwrap(), None);
    store.put("list", b"a list".to_vec()).await.unwrap();
    assert_eq!(store.text("list").await.unwrap().as_deref(), Some("a list"));
    let mut upload = store.begin("disk.img", Some("sha256:1")).await.unwrap();
    upload.add(vec![1; PART]).await.unwrap();
    assert_eq!(store.text("disk.img").await.unwrap(), None, "nobody sees half of it");
    upload.abort().await.unwrap();
    let mut upload = store.begin("disk.img", Some("sha256:2")).await.unwrap();
    upload.add(vec![b'1'; PART]).await.unwrap();
    upload.add(b"the end".to_vec()).await.unwrap();
    upload.complete().await.unwrap();
    assert_eq!(store.digest("disk.img").await.unwrap().as_deref(), Some("sha256:2"));
    let disk = format!("{container}/images/disk.img");
    let whole = key.client.get(disk).header("x-auth-token", &key.token).send().await.unwrap();
    let whole = whole.bytes().await.unwrap();
    assert!(whole.len() == PART + 7 && whole.ends_with(b"1the end"), "{}", whole.len());
    assert_eq!(store.digest("list").await.unwrap(), None);

    let removed = remove_bucket(&access, &settings, &bucket, Duration::ZERO).await.unwrap();
    assert_eq!(removed, Removed { existed: true, objects: 2, uploads: 0 });
    let parts = format!("{container}+segments");
    key.client.delete(parts).header("x-auth-token", &key.token).send().await.unwrap();
    key.remove().await;
}
