//! Servers that fail, lie or mean harm: no panic, no lie believed, the time kept, nothing signed sent elsewhere.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use assay_inventory::S3FeatureId as Id;
use assay_inventory::S3FeatureState::{Absent, Broken, NotTried, Present};
use assay_inventory::{S3FeatureState, S3Features};
use assay_journal::{Journal, Kind, Place, RunId};
use assay_s3::{Access, RemovalError, Settings, probe, remove_bucket};
use jiff::Timestamp;
use server::{Answer, Asked, Server};
use url::Url;

const SECRET: &str = "never-to-be-seen-anywhere";

fn access(url: &Url) -> Access {
    Access {
        endpoint: url.clone(),
        region: "us-east-1".into(),
        access_key: "key".into(),
        secret_key: SECRET.into(),
        verify: true,
        extra_roots: Vec::new(),
    }
}

/// Impatient, so that time-outs are tried out quickly.
fn settings() -> Settings {
    Settings {
        timeout: Duration::from_millis(400),
        budget: Duration::from_millis(2500),
        cleanup: Duration::from_secs(1),
        ..Settings::default()
    }
}

/// Probes; the time is kept, every feature has its result, and the secret shows nowhere.
async fn probed(server: &Server, settings: &Settings) -> (S3Features, Journal) {
    let folder = tempfile::tempdir().unwrap();
    let place =
        Place { cloud: "c".into(), auth_url: "a".into(), scope: "s".into(), user: "u".into(), region: None };
    let journal = Journal::begin(folder.path(), &place, RunId::new(), Timestamp::now()).unwrap();
    let started = Instant::now();
    let seen = probe(&access(&server.url), settings, &journal, pending(), &|_| ()).await;
    let limit = settings.budget + settings.cleanup + Duration::from_secs(1);
    assert!(started.elapsed() < limit, "it took {:?}", started.elapsed());
    assert_eq!(seen.features.iter().map(|feature| feature.feature).collect::<Vec<_>>(), Id::ALL);
    assert!(!format!("{seen:?}").contains(SECRET));
    // What is left is told, and the journal agrees.
    let mut told: Vec<&str> = seen.leftovers.iter().map(|left| left.name.as_str()).collect();
    let open = journal.open();
    let mut open: Vec<&str> = open.iter().map(|open| open.name.as_str()).collect();
    told.sort_unstable();
    open.sort_unstable();
    assert_eq!(told, open);
    (seen, journal)
}

fn state(seen: &S3Features, id: Id) -> S3FeatureState {
    seen.get(id).unwrap().state
}

fn ok(body: &str) -> Answer {
    Answer::Whole(200, Vec::new(), body.into())
}

fn error(status: u16, code: &str) -> Answer {
    let body = format!("<?xml version='1.0'?><Error><Code>{code}</Code><Message>so it is</Message></Error>");
    Answer::Whole(status, vec![("x-amz-request-id", "req-1".into())], body.into())
}

/// Making buckets works; the rest is up to a test.
fn buckets_only(asked: &Asked) -> Option<Answer> {
    match (asked.method.as_str(), asked.path.trim_matches('/').contains('/')) {
        ("GET", _) if asked.path == "/" => Some(ok("<ListAllMyBucketsResult/>")),
        ("PUT", false) if asked.query.is_empty() => Some(ok("")),
        _ => None,
    }
}

#[tokio::test]
async fn success_without_effect_is_never_present() {
    for body in ["", "<", "{\"json\": true}", "<?xml version='1.0'?><Other/>", "\u{0}\u{1}\u{ffff}"] {
        let server = Server::start(move |_| ok(body)).await;
        let (seen, _) = probed(&server, &settings()).await;
        for feature in &seen.features {
            assert_ne!(feature.state, Present, "{body:?}: {} {}", feature.feature, feature.detail);
        }
        // HEAD answers 200 forever, so nobody can say that the buckets are gone.
        assert!(!seen.leftovers.is_empty(), "{body:?}");
    }
}

#[tokio::test]
async fn a_run_that_is_stopped_removes_what_it_made_and_tries_nothing_more() {
    let (stopped, stop) = tokio::sync::watch::channel(false);
    let gone = Mutex::new(BTreeSet::new());
    let server = Server::start(move |asked| {
        let bucket = asked.path.trim_matches('/').to_owned();
        let is_bucket = !bucket.is_empty() && !bucket.contains('/');
        match asked.method.as_str() {
            "DELETE" if is_bucket => {
                gone.lock().unwrap().insert(bucket);
                Answer::Whole(204, Vec::new(), Vec::new())
            }
            // The body of a listing that knows nothing.
            _ if gone.lock().unwrap().contains(&bucket) => error(404, "NoSuchBucket"),
            "GET" if is_bucket && *stopped.borrow() => ok("<ListVersionsResult/>"),
            "HEAD" if is_bucket => ok(""),
            _ => buckets_only(asked).unwrap_or_else(|| {
                stopped.send_replace(true);
                Answer::Silence
            }),
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let place =
        Place { cloud: "c".into(), auth_url: "a".into(), scope: "s".into(), user: "u".into(), region: None };
    let journal = Journal::begin(folder.path(), &place, RunId::new(), Timestamp::now()).unwrap();
    let patient = Settings {
        timeout: Duration::from_mins(1),
        budget: Duration::from_mins(3),
        cleanup: Duration::from_mins(1),
        ..Settings::default()
    };
    let stopping = async {
        let mut stop = stop;
        stop.wait_for(|is_stopped| *is_stopped).await.unwrap();
    };
    let begun = Instant::now();
    let seen = probe(&access(&server.url), &patient, &journal, stopping, &|_| ()).await;
    assert!(begun.elapsed() < Duration::from_secs(30), "it took {:?}", begun.elapsed());
    assert!(seen.features.iter().all(|one| one.state == NotTried && one.detail.contains("interrupted")));
    assert_eq!(seen.leftovers, []);
    assert!(journal.open().is_empty(), "{:?}", journal.open());
    let made = server.asked().iter().filter(|asked| asked.method == "DELETE").count();
    assert!(made > 0, "{:#?}", server.asked());
}

#[tokio::test]
async fn a_server_that_always_fails_may_have_made_a_bucket() {
    let server = Server::start(|_| error(500, "InternalError")).await;
    let (seen, journal) = probed(&server, &settings()).await;
    let buckets = seen.get(Id::BucketCrud).unwrap();
    assert_eq!((buckets.state, buckets.status), (Broken, Some(500)), "{}", buckets.detail);
    assert_eq!(
        (buckets.code.as_deref(), buckets.request_id.as_deref()),
        (Some("InternalError"), Some("req-1"))
    );
    assert!(Id::ALL[1..].iter().all(|id| state(&seen, *id) == NotTried));
    assert_eq!(seen.leftovers.len(), 1);
    assert_eq!(journal.open()[0].kind, Kind::Bucket);
    assert_eq!(journal.open()[0].within.as_deref(), Some(seen.endpoint.as_str()));
}

#[tokio::test]
async fn a_refused_bucket_is_no_leftover() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "GET" => ok("<ListAllMyBucketsResult/>"),
        _ => error(400, "TooManyBuckets"),
    })
    .await;
    let (seen, journal) = probed(&server, &settings()).await;
    assert_eq!(state(&seen, Id::BucketCrud), Broken);
    assert!(journal.close().unwrap() && seen.leftovers.is_empty());
}

#[tokio::test]
async fn a_silent_server_costs_one_timeout() {
    let server = Server::start(|_| Answer::Silence).await;
    let started = Instant::now();
    let (seen, journal) = probed(&server, &settings()).await;
    assert!(started.elapsed() < Duration::from_millis(1200), "{:?}", started.elapsed());
    for feature in &seen.features {
        assert_eq!(feature.state, NotTried);
        assert_eq!(feature.detail, "the server does not answer: nothing whole came within 400ms");
    }
    assert!(journal.close().unwrap());
}

#[tokio::test]
async fn a_server_that_falls_silent_keeps_nobody_waiting() {
    let server = Server::start(|asked| buckets_only(asked).unwrap_or(Answer::Silence)).await;
    let (seen, _) = probed(&server, &settings()).await;
    assert!(seen.features.iter().all(|feature| matches!(feature.state, Broken | NotTried)), "{seen:#?}");
    assert!(seen.features.iter().any(|feature| feature.detail.contains("the time for all attempts")));
    assert!(!seen.leftovers.is_empty());
}

#[tokio::test]
async fn raw_garbage_and_endless_bodies_are_survived() {
    let server = Server::start(|asked| {
        buckets_only(asked).unwrap_or_else(|| match asked.path.len() % 3 {
            0 => Answer::Raw(vec![0xff; 3000]),
            1 => Answer::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n".to_vec()),
            _ => Answer::Raw(Vec::new()),
        })
    })
    .await;
    let (seen, _) = probed(&server, &settings()).await;
    assert!(seen.features.iter().all(|feature| feature.state != Present));
    let server = Server::start(|asked| buckets_only(asked).unwrap_or(Answer::Endless)).await;
    let (seen, _) = probed(&server, &settings()).await;
    assert!(seen.features.iter().all(|feature| feature.state != Present));
}

#[tokio::test]
async fn redirects_are_told_and_not_followed() {
    let elsewhere = Server::start(|_| ok("<ListAllMyBucketsResult/>")).await;
    let target = elsewhere.url.to_string();
    let server = Server::start(move |asked| {
        buckets_only(asked).unwrap_or_else(|| {
            let location = format!("{target}{}?{}", asked.path.trim_start_matches('/'), asked.query);
            Answer::Whole(
                307,
                vec![("location", location), ("x-amz-bucket-region", "elsewhere".into())],
                Vec::new(),
            )
        })
    })
    .await;
    let (seen, _) = probed(&server, &settings()).await;
    assert!(elsewhere.asked().is_empty(), "{:?}", elsewhere.asked());
    let objects = seen.get(Id::ObjectCrud).unwrap();
    assert_eq!((objects.state, objects.status), (Broken, Some(307)), "{}", objects.detail);
}

#[tokio::test]
async fn the_region_that_the_server_names_is_taken_if_it_can_be_one() {
    for (named, taken) in [("eu-north-7", "eu-north-7"), ("../x y", "us-east-1"), ("", "us-east-1")] {
        let server = Server::start(move |asked| {
            let signed = asked.header("authorization").unwrap_or_default();
            if signed.contains("/eu-north-7/s3/") {
                return error(403, "AccessDenied");
            }
            let body =
                format!("<Error><Code>AuthorizationHeaderMalformed</Code><Region>{named}</Region></Error>");
            Answer::Whole(400, vec![("server", "Fake/1\u{7f}".replace('\u{7f}', ""))], body.into())
        })
        .await;
        let (seen, journal) = probed(&server, &settings()).await;
        assert_eq!(seen.region, taken, "{named}");
        assert!(seen.features.iter().all(|feature| feature.state == NotTried), "{seen:#?}");
        assert!(journal.close().unwrap());
        if taken == "us-east-1" {
            assert_eq!(server.asked().len(), 1, "the key is refused; nothing else makes sense");
            assert_eq!(seen.server.as_deref(), Some("Fake/1"));
        }
    }
}

/// Keeps whole objects by path and takes no notice of anything else: of queries, conditions, keys.
fn ignorant() -> impl Fn(&Asked) -> Answer + Send + Sync {
    let store: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::default();
    move |asked: &Asked| {
        let mut store = store.lock().unwrap();
        let (method, path) = (asked.method.as_str(), asked.path.trim_end_matches('/').to_owned());
        match method {
            "PUT" => {
                store.insert(path, asked.body.clone());
                ok("")
            }
            "GET" | "HEAD" if path.is_empty() => {
                let names: String = store
                    .keys()
                    .filter(|path| path.matches('/').count() == 1)
                    .map(|path| format!("<Bucket><Name>{}</Name></Bucket>", &path[1..]))
                    .collect();
                ok(&format!("<ListAllMyBucketsResult><Buckets>{names}</Buckets></ListAllMyBucketsResult>"))
            }
            "GET" if path.matches('/').count() == 1 => {
                let prefix = format!("{path}/");
                let names: String = store
                    .keys()
                    .filter_map(|key| key.strip_prefix(&prefix))
                    .map(|key| format!("<Contents><Key>{key}</Key></Contents>"))
                    .collect();
                ok(&format!("<ListBucketResult>{names}</ListBucketResult>"))
            }
            "GET" | "HEAD" => match store.get(&path) {
                Some(body) => Answer::Whole(200, Vec::new(), body.clone()),
                None => error(404, "NoSuchKey"),
            },
            "DELETE" => {
                store.remove(&path);
                Answer::Whole(204, Vec::new(), Vec::new())
            }
            _ => error(405, "MethodNotAllowed"),
        }
    }
}

#[tokio::test]
async fn a_plain_store_has_what_it_has_and_ignores_the_rest() {
    let server = Server::start(ignorant()).await;
    let patient = Settings {
        timeout: Duration::from_secs(5),
        budget: Duration::from_mins(1),
        cleanup: Duration::from_secs(20),
        ..Settings::default()
    };
    let (seen, journal) = probed(&server, &patient).await;
    let of = |wanted: S3FeatureState| -> Vec<Id> {
        seen.features
            .iter()
            .filter(|feature| feature.state == wanted)
            .map(|feature| feature.feature)
            .collect()
    };
    assert_eq!(of(Present), [Id::BucketCrud, Id::PathStyle], "{seen:#?}");
    // Optional headers that nobody confirms were not promised.
    let ignored =
        [Id::RangeGet, Id::BatchDelete, Id::ConditionalWrites, Id::Checksums, Id::Multipart, Id::ObjectLock];
    for id in ignored.into_iter().chain([Id::SseC, Id::SseS3, Id::VirtualHost]) {
        assert_eq!(state(&seen, id), Absent, "{id}: {}", seen.get(id).unwrap().detail);
    }
    // These were promised by a success.
    for id in
        [Id::ObjectCrud, Id::Versioning, Id::Lifecycle, Id::BucketPolicy, Id::Acl, Id::Copy, Id::SigV4Only]
    {
        assert_eq!(state(&seen, id), Broken, "{id}: {}", seen.get(id).unwrap().detail);
    }
    assert_eq!(seen.leftovers, []);
    assert!(journal.close().unwrap());
}

#[tokio::test]
async fn a_bucket_of_somebody_else_is_not_touched() {
    let server = Server::start(|_| ok("")).await;
    for name in ["backup", "", "assay-", "assay-1234567-s3-main", "x-assay-12345678-s3"] {
        let refused = remove_bucket(&access(&server.url), &settings(), name, Duration::ZERO).await;
        assert!(matches!(refused, Err(RemovalError::NotOurs(_))), "{name}: {refused:?}");
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn one_answer_that_a_bucket_is_not_there_is_not_believed() {
    let store = ignorant();
    let bucket = RunId::new().name("s3-main");
    store(&Asked { method: "PUT".into(), path: format!("/{bucket}"), ..Asked::default() });
    let looks = Mutex::new(0);
    let server = Server::start(move |asked| {
        let mut looks = looks.lock().unwrap();
        *looks += usize::from(asked.method == "HEAD");
        if asked.method == "HEAD" && *looks == 1 { error(404, "NoSuchBucket") } else { store(asked) }
    })
    .await;
    remove_bucket(&access(&server.url), &settings(), &bucket, Duration::ZERO).await.unwrap();
    let is_deleted =
        |asked: &Asked| asked.method == "DELETE" && asked.path.trim_end_matches('/').ends_with(&bucket);
    assert!(server.asked().iter().any(is_deleted), "{:?}", server.asked());
}

#[tokio::test]
async fn a_listing_without_end_is_left() {
    let page = "<ListVersionsResult><IsTruncated>true</IsTruncated><Version><Key>k</Key>\
                <VersionId>1</VersionId></Version></ListVersionsResult>";
    let server = Server::start(move |asked| match asked.method.as_str() {
        "GET" => ok(page),
        "DELETE" if !asked.path.ends_with("/k") => error(409, "BucketNotEmpty"),
        _ => ok(""),
    })
    .await;
    let started = Instant::now();
    let name = RunId::new().name("s3-main");
    let result = remove_bucket(&access(&server.url), &settings(), &name, Duration::ZERO).await;
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    let Err(RemovalError::StillThere { bucket, why, .. }) = result else { unreachable!("{result:?}") };
    assert_eq!(bucket, name);
    assert!(why.contains("BucketNotEmpty"), "{why}");
}

#[tokio::test]
async fn endpoints_that_cannot_be_asked_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let place =
        Place { cloud: "c".into(), auth_url: "a".into(), scope: "s".into(), user: "u".into(), region: None };
    let journal = Journal::begin(folder.path(), &place, RunId::new(), Timestamp::now()).unwrap();
    for (url, words) in [
        ("ftp://s3.example.com", "no http or https address"),
        ("data:text/plain,x", "no http or https address"),
        ("http://127.0.0.1:1/", "the server does not answer"),
    ] {
        let access = access(&Url::parse(url).unwrap());
        let seen = probe(&access, &settings(), &journal, pending(), &|_| ()).await;
        for feature in &seen.features {
            assert!(feature.state == NotTried && feature.detail.contains(words), "{url}: {}", feature.detail);
        }
    }
    let mut access = access(&Url::parse("https://user:pass@127.0.0.1:1/").unwrap());
    access.extra_roots = vec![b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n".to_vec()];
    let seen = probe(&access, &settings(), &journal, pending(), &|_| ()).await;
    assert!(seen.features[0].detail.contains("certificates"), "{}", seen.features[0].detail);
    assert_eq!(seen.endpoint, "https://127.0.0.1:1");
}
