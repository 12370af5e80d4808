//! Taking down against a keystone whose list and whose refusals do not agree.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use assay_journal::{Journal, Kind, Place, RunId};
use assay_openstack::{Cleaned, Cleanup, Found, Session, cleanup};
use jiff::Timestamp;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, Request, ResponseTemplate};

use crate::support::{FakeCloud, settings};

/// What keystone forbids to delete as if it were somebody else's once it is gone, and where it lists it.
const FORBIDDEN: [(Kind, &str); 4] = [
    (Kind::Ec2Credential, "credentials"),
    (Kind::User, "users"),
    (Kind::Group, "groups"),
    (Kind::Project, "projects"),
];

/// Removes something that keystone lists so many times and always forbids to delete.
async fn remove_what_is_listed(kind: Kind, list: &str, mut times: u64) -> Cleaned {
    let cloud = FakeCloud::start().await;
    let all = format!("/identity/v3/{list}");
    let listed = json!({list: [{"id": "abc", "type": "ec2", "name": "assay-0123abcd-it"}]});
    let answers = |body| {
        let answer = ResponseTemplate::new(200).set_body_json(body);
        Mock::given(method("GET")).and(path(&all)).respond_with(answer)
    };
    // Only of credentials the list is looked at before the call, too.
    times -= u64::from(kind != Kind::Ec2Credential);
    if times > 0 {
        answers(listed).up_to_n_times(times).mount(&cloud.server).await;
    }
    answers(json!({list: []})).mount(&cloud.server).await;
    let refusal = json!({"error": {"code": 403, "title": "Forbidden", "message": "You are not authorized."}});
    Mock::given(method("DELETE"))
        .and(path(format!("{all}/abc")))
        .respond_with(ResponseTemplate::new(403).set_body_json(refusal))
        .mount(&cloud.server)
        .await;
    let session = Session::connect(&cloud.config(), &settings()).await.unwrap();
    let name = "assay-0123abcd-it".into();
    let found = vec![Found { kind, id: "abc".into(), name, created_at: None }];
    let cleaned =
        cleanup(&session, &Cleanup { journals: Vec::new(), found, budget: Duration::from_secs(2) }).await;
    assert!(
        !cloud.requests(&format!("{all}/abc")).await.is_empty(),
        "no list alone says that {kind} is gone"
    );
    cleaned
}

#[tokio::test]
async fn what_somebody_else_deletes_between_two_looks_is_gone() {
    for (kind, list) in FORBIDDEN {
        let cleaned = remove_what_is_listed(kind, list, 1).await;
        assert_eq!((cleaned.gone, cleaned.leftovers.len()), (1, 0), "{kind}");
    }
}

#[tokio::test]
async fn what_stays_listed_is_left_and_the_refusal_told() {
    for (kind, list) in FORBIDDEN {
        let cleaned = remove_what_is_listed(kind, list, 2).await;
        assert_eq!(cleaned.gone, 0, "{kind}");
        assert!(cleaned.leftovers[0].why.contains("HTTP 403: You are not authorized."), "{cleaned:?}");
    }
}

#[tokio::test]
async fn a_volume_is_gone_when_the_list_says_so_whatever_stands_between() {
    const VOLUMES: &str = "/volume/v3/p1/volumes";
    let cloud = FakeCloud::start().await;
    let list = |body| {
        let answer = ResponseTemplate::new(200).set_body_json(body);
        Mock::given(method("GET")).and(path(format!("{VOLUMES}/detail"))).respond_with(answer)
    };
    let going = json!({"volumes": [{"id": "v1", "name": "assay-0123abcd-volume", "status": "deleting"}]});
    list(going).up_to_n_times(2).mount(&cloud.server).await;
    list(json!({"volumes": []})).mount(&cloud.server).await;
    let volume = format!("{VOLUMES}/v1");
    // A proxy that has lost the service for a moment.
    cloud.answer(&volume, ResponseTemplate::new(404)).await;
    Mock::given(method("DELETE"))
        .and(path(volume))
        .respond_with(ResponseTemplate::new(202))
        .mount(&cloud.server)
        .await;
    let session = Session::connect(&cloud.config(), &settings()).await.unwrap();
    let name = "assay-0123abcd-volume".into();
    let found = vec![Found { kind: Kind::Volume, id: "v1".into(), name, created_at: None }];
    let cleaned =
        cleanup(&session, &Cleanup { journals: Vec::new(), found, budget: Duration::from_secs(5) }).await;
    assert_eq!((cleaned.gone, cleaned.leftovers.len()), (1, 0), "{cleaned:?}");
    assert_eq!(cloud.requests(&format!("{VOLUMES}/detail")).await.len(), 3, "it was waited for");
}

#[tokio::test]
async fn a_key_that_a_killed_cleanup_left_is_in_nobodys_way() {
    const CREDENTIALS: &str = "/identity/v3/credentials";
    let cloud = FakeCloud::start().await;
    let known = Mutex::new(BTreeSet::new());
    // Keystone's id of such a credential is a hash of its access key, so it takes none twice.
    let answer = move |request: &Request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let blob: Value = serde_json::from_str(body["credential"]["blob"].as_str().unwrap()).unwrap();
        let is_new = known.lock().unwrap().insert(blob["access"].to_string());
        ResponseTemplate::new(if is_new { 201 } else { 409 })
            .set_body_json(json!({"credential": {"id": "c"}}))
    };
    Mock::given(method("POST")).and(path(CREDENTIALS)).respond_with(answer).mount(&cloud.server).await;
    cloud.answer(CREDENTIALS, ResponseTemplate::new(200).set_body_json(json!({"credentials": []}))).await;
    let session = Session::connect(&cloud.config(), &settings()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = RunId::new();
    for attempt in ["killed before it removed its key", "the next"] {
        let journal = journal_of(&cloud, folder.path(), "u1", &run);
        let bucket = run.name("s3-main");
        journal.intend(Kind::Bucket, &bucket).unwrap().made(&bucket).unwrap();
        let all = Cleanup { journals: vec![journal], found: Vec::new(), budget: Duration::from_secs(5) };
        let cleaned = cleanup(&session, &all).await;
        assert!(cleaned.leftovers.is_empty(), "{attempt}: {cleaned:?}");
        assert_eq!(cleaned.gone, 1, "{attempt}");
    }
}

/// A journal of a run in the project of the fake cloud.
fn journal_of(cloud: &FakeCloud, folder: &Path, user: &str, run: &RunId) -> Journal {
    let place = Place {
        cloud: "fake".into(),
        auth_url: cloud.server.uri(),
        scope: "p1".into(),
        user: user.into(),
        region: None,
    };
    Journal::begin(folder, &place, run.clone(), Timestamp::now()).unwrap()
}

#[tokio::test]
async fn what_bears_a_lent_mark_is_looked_for_until_nothing_more_appears() {
    const PAIRS: &str = "/compute/v2.1/os-keypairs";
    let cloud = FakeCloud::start().await;
    let folder = tempfile::tempdir().unwrap();
    let journal = journal_of(&cloud, folder.path(), "u1", &RunId::new());
    journal.lend_mark().unwrap();
    let session = Session::connect(&cloud.config(), &settings()).await.unwrap();
    let clean = async |journal: &Journal| {
        let journals = vec![journal.clone()];
        cleanup(&session, &Cleanup { journals, found: Vec::new(), budget: Duration::from_secs(5) }).await
    };
    // As long as a service does not answer, nobody knows whether something is left there.
    let cleaned = clean(&journal).await;
    assert!(cleaned.unseen.iter().any(|(kind, _)| *kind == Kind::Server), "{cleaned:?}");
    assert!(journal.is_mark_lent() && !journal.close().unwrap());

    for (at, key) in [
        ("/compute/v2.1/servers/detail", "servers"),
        ("/image/v2/images", "images"),
        ("/volume/v3/p1/backups/detail", "backups"),
        ("/volume/v3/p1/snapshots/detail", "snapshots"),
        ("/volume/v3/p1/volumes/detail", "volumes"),
        ("/network/v2.0/floatingips", "floatingips"),
        ("/network/v2.0/ports", "ports"),
        ("/network/v2.0/routers", "routers"),
        ("/network/v2.0/subnets", "subnets"),
        ("/network/v2.0/networks", "networks"),
        ("/network/v2.0/subnetpools", "subnetpools"),
        ("/network/v2.0/security-groups", "security_groups"),
    ] {
        cloud.json(at, json!({key: []})).await;
    }
    // Who may not make application credentials has none.
    let credentials = "/identity/v3/users/u1/application_credentials";
    cloud.answer(credentials, ResponseTemplate::new(403)).await;
    // A request that was under way makes a second one; names that are not ours stay.
    let pair = |name: &str| json!({"keypair": {"name": name}});
    let (first, second) = (journal.run().name("one"), journal.run().name("two"));
    for (times, name) in [(1, &first), (1, &second)] {
        let body = json!({"keypairs": [pair("my own key"), pair(name)]});
        Mock::given(method("GET"))
            .and(path(PAIRS))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .up_to_n_times(times)
            .mount(&cloud.server)
            .await;
    }
    cloud.json(PAIRS, json!({"keypairs": [pair("my own key")]})).await;
    Mock::given(method("DELETE")).respond_with(ResponseTemplate::new(202)).mount(&cloud.server).await;
    let cleaned = clean(&journal).await;
    assert_eq!((cleaned.gone, cleaned.leftovers.len()), (2, 0), "{cleaned:?}");
    assert!(cleaned.unseen.is_empty(), "{cleaned:?}");
    let all = cloud.server.received_requests().await.unwrap();
    let deleted = all.iter().filter(|request| request.method.as_str() == "DELETE");
    let deleted: Vec<&str> = deleted.map(|request| request.url.path()).collect();
    assert_eq!(deleted, [format!("{PAIRS}/{first}"), format!("{PAIRS}/{second}")]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the journal is of no more use");
}

#[tokio::test]
async fn what_belongs_to_another_user_is_not_taken_for_gone() {
    let cloud = FakeCloud::start().await;
    let folder = tempfile::tempdir().unwrap();
    let journal = journal_of(&cloud, folder.path(), "u2", &RunId::new());
    journal.intend(Kind::KeyPair, &journal.run().name("key")).unwrap();
    let session = Session::connect(&cloud.config(), &settings()).await.unwrap();
    let all = Cleanup { journals: vec![journal.clone()], found: Vec::new(), budget: Duration::from_secs(5) };
    let cleaned = cleanup(&session, &all).await;
    assert!(cleaned.leftovers[0].why.contains("clean up as that user"), "{cleaned:?}");
    assert_eq!(journal.open().len(), 1, "it stays in the journal");
}
