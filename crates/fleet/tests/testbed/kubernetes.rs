//! Manifests and leases against a real API server. It takes minutes to build, so where none is named these tests only say so.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use assay_fleet::manifests::{FOLDER, Files, Manifests, Rhythm, State, inside};
use assay_fleet::{Choice, Config, Lease, Leases, Planned};
use k8s_openapi::api::coordination::v1 as coordination;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Error};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

/// Long enough for a machine that builds beside, and short enough to wait for.
const TERM: Duration = Duration::from_secs(6);

#[expect(clippy::print_stderr, reason = "this is for whoever wonders what was tested")]
fn say(text: &str) {
    eprintln!("{text}");
}

/// A namespace of its own.
struct Bed {
    config: kube::Config,
    client: Client,
    namespace: String,
    folder: TempDir,
}

impl Bed {
    async fn new() -> Option<Self> {
        let Some(path) = std::env::var_os("ASSAY_TESTBED_KUBERNETES") else {
            say(
                "passed over: ASSAY_TESTBED_KUBERNETES names no kubeconfig; testbed/kubernetes/up prints one",
            );
            return None;
        };
        let kubeconfig = Kubeconfig::read_from(Path::new(&path)).unwrap();
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        let client = Client::try_from(config.clone()).unwrap();
        let namespace = format!("fleet-{}", Uuid::new_v4().simple());
        let metadata = ObjectMeta { name: Some(namespace.clone()), ..ObjectMeta::default() };
        let new = Namespace { metadata, ..Namespace::default() };
        Api::all(client.clone()).create(&PostParams::default(), &new).await.unwrap();
        Some(Bed { config, client, namespace, folder: TempDir::new().unwrap() })
    }

    /// The leases of a runner on a machine of its own.
    fn runner(&self, machine: &str) -> Leases {
        self.runner_as(self.client.clone(), machine)
    }

    fn runner_as(&self, client: Client, machine: &str) -> Leases {
        Leases::on_kubernetes(client, &self.namespace, TERM, self.folder.path().join(machine))
    }

    fn leases(&self) -> Api<coordination::Lease> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// A client that is the account of the manifests and nobody else.
    fn as_account(&self) -> Client {
        let mut config = self.config.clone();
        config.auth_info.impersonate = Some(format!("system:serviceaccount:{}:assay-fleet", self.namespace));
        Client::try_from(config).unwrap()
    }

    fn manifests(&self) -> Manifests {
        Manifests {
            name: "assay-fleet".into(),
            namespace: self.namespace.clone(),
            image: "registry.example.com/assay:0.1.0".into(),
            secret: "assay-fleet".into(),
            rhythm: Some(Rhythm {
                schedule: "30 2 * * MON-FRI".parse().unwrap(),
                minutes: 60,
                time_zone: None,
            }),
            batch: 1,
            state: State::Kept(Some("fast".into())),
            round: Duration::from_mins(70),
            besides: Duration::from_mins(11),
            arguments: vec!["--leases=kubernetes".into()],
        }
    }

    /// Has the server look at an object with all that it knows of its kind, and keep nothing.
    async fn tried(&self, mut document: Value) -> Result<DynamicObject, Error> {
        if document["kind"] == "CronJob" {
            // What Kubernetes 1.21 took over as it was; this server is 1.20.
            document["apiVersion"] = json!("batch/v1beta1");
        }
        let (api_version, kind) =
            (document["apiVersion"].as_str().unwrap(), document["kind"].as_str().unwrap());
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let name = document["metadata"]["name"].as_str().unwrap().to_owned();
        let parameters =
            PatchParams { dry_run: true, ..PatchParams::apply("assay-test").validation_strict() };
        api.patch(&name, &parameters, &Patch::Apply(&document)).await
    }
}

fn documents(manifests: &Manifests, subjects: &[&str]) -> Vec<Value> {
    let text = include_str!("../data/config.toml");
    let config = Config::read("config.toml", text, Path::new(FOLDER)).unwrap();
    let mut plan = config.plan(&Choice { preset: Some("clouds".into()), ..Choice::default() }).unwrap();
    let like = plan.subjects.remove(0);
    let named = |name: &&str| Planned { subject: (*name).to_owned(), ..like.clone() };
    plan.subjects = subjects.iter().map(named).collect();
    let files = Files {
        config: text.into(),
        named: BTreeMap::from([("specs/iaas.yaml".into(), "name: SCS-compatible IaaS\n".into())]),
        keyfile: inside(&config.keyfile.unwrap()).unwrap(),
        tokenfile: inside(&config.tokenfile.unwrap()).unwrap(),
    };
    let all = manifests.render(&plan, &files).unwrap();
    all.iter().flat_map(|manifest| serde_saphyr::from_multiple::<Value>(&manifest.text).unwrap()).collect()
}

#[tokio::test]
async fn the_server_takes_all_that_is_written() {
    let Some(bed) = Bed::new().await else { return };
    let subjects = ["green", "noris-1.34", "Größe & Co. $(HOME) \"x\" #: |", "-", &"long".repeat(50)];
    let once = Manifests { rhythm: None, batch: 3, state: State::Lost, ..bed.manifests() };
    let mut kinds = BTreeMap::<String, usize>::new();
    for manifests in [bed.manifests(), once] {
        for document in documents(&manifests, &subjects) {
            let taken =
                bed.tried(document.clone()).await.unwrap_or_else(|error| panic!("{document}: {error}"));
            // What the server fills in is more than what was written, but changes nothing of it.
            assert!(is_within(&document["spec"], &taken.data["spec"]), "{document}\n{}", taken.data);
            *kinds.entry(document["kind"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    let expected = [
        ("ConfigMap", 2),
        ("CronJob", 5),
        ("Job", 2),
        ("PersistentVolumeClaim", 5),
        ("Role", 2),
        ("RoleBinding", 2),
        ("ServiceAccount", 2),
    ];
    assert_eq!(kinds, expected.map(|(kind, count)| (kind.to_owned(), count)).into());
    let secret = Secret {
        metadata: ObjectMeta { name: Some("assay-fleet".into()), ..ObjectMeta::default() },
        string_data: Some(["clouds.yaml", "keyfile", "tokenfile"].map(|key| (key.into(), "x".into())).into()),
        ..Secret::default()
    };
    let mut secret = serde_json::to_value(secret).unwrap();
    secret["metadata"]["namespace"] = json!(bed.namespace);
    bed.tried(secret).await.unwrap();
}

/// Whether all that was written is there, whatever else is.
fn is_within(written: &Value, found: &Value) -> bool {
    match (written, found) {
        (Value::Object(written), Value::Object(found)) => {
            written.iter().all(|(key, value)| found.get(key).is_some_and(|found| is_within(value, found)))
        }
        (Value::Array(written), Value::Array(found)) => {
            written.len() == found.len() && written.iter().zip(found).all(|(a, b)| is_within(a, b))
        }
        _ => written == found,
    }
}

#[tokio::test]
async fn the_server_refuses_what_is_none_of_its_fields() {
    let Some(bed) = Bed::new().await else { return };
    let all = documents(&bed.manifests(), &["green"]);
    let job = all.iter().find(|document| document["kind"] == "CronJob").unwrap();
    let spoil = |path: &str, value: Value| {
        let mut job = job.clone();
        job.pointer_mut(path).unwrap().as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        job
    };
    for (path, value) in [
        ("/spec", json!({"concurrency": "Forbid"})),
        ("/spec", json!({"schedule": "0 25 * * *"})),
        ("/spec/jobTemplate/spec/template/spec", json!({"readOnly": true})),
        ("/metadata", json!({"name": "a".repeat(53)})),
    ] {
        let refused = bed.tried(spoil(path, value.clone())).await;
        assert!(refused.is_err(), "a test that takes {value} would take anything");
    }
}

#[tokio::test]
async fn the_account_of_the_manifests_may_hold_leases_and_nothing_else() {
    let Some(bed) = Bed::new().await else { return };
    let account = bed.as_account();
    let early = bed.runner_as(account.clone(), "a").take("green").await.map(|_| ()).unwrap_err().to_string();
    assert!(early.contains("forbidden") && early.contains("leases"), "{early}");
    for document in documents(&bed.manifests(), &["green"]) {
        let made = PostParams::default();
        if document["kind"] == "Role" {
            let role: Role = serde_json::from_value(document).unwrap();
            Api::namespaced(bed.client.clone(), &bed.namespace).create(&made, &role).await.unwrap();
        } else if document["kind"] == "RoleBinding" {
            let binding: RoleBinding = serde_json::from_value(document).unwrap();
            Api::namespaced(bed.client.clone(), &bed.namespace).create(&made, &binding).await.unwrap();
        }
    }
    let leases = bed.runner_as(account.clone(), "a");
    let lease = taken(&leases, "green", Duration::from_secs(10)).await;
    // Longer than it would last if it could not be renewed.
    tokio::time::sleep(TERM + TERM / 2).await;
    assert!(!lease.lost().is_cancelled());
    drop(lease);
    leases.settled().await;
    assert_eq!(holder(&bed, "assay-green").await, None, "it could be given back");
    let secrets: Api<Secret> = Api::namespaced(account.clone(), &bed.namespace);
    assert!(
        matches!(secrets.list(&ListParams::default()).await, Err(Error::Api(status)) if status.code == 403)
    );
    let elsewhere: Api<coordination::Lease> = Api::namespaced(account, "kube-system");
    assert!(matches!(elsewhere.get("x").await, Err(Error::Api(status)) if status.code == 403));
}

async fn taken(leases: &Leases, subject: &str, longest: Duration) -> Lease {
    leases.await_within(subject, longest).await.unwrap().expect("the lease is free")
}

async fn holder(bed: &Bed, name: &str) -> Option<String> {
    bed.leases().get(name).await.unwrap().spec.unwrap().holder_identity
}

#[tokio::test]
async fn of_two_runners_one_has_a_subject() {
    let Some(bed) = Bed::new().await else { return };
    for nth in 0..10 {
        let (a, b) = (bed.runner("a"), bed.runner("b"));
        let subject = format!("green-{nth}");
        let (first, second) = tokio::join!(a.take(&subject), b.take(&subject));
        let both = [first.unwrap(), second.unwrap()];
        assert_eq!(both.iter().flatten().count(), 1, "one of two has it");
        assert!(a.take(&subject).await.unwrap().is_none());
        assert!(b.take(&subject).await.unwrap().is_none());
        drop(both);
        a.settled().await;
        b.settled().await;
        // What was given back is free at once, again for one.
        let (first, second) = tokio::join!(a.take(&subject), b.take(&subject));
        assert_eq!([first.unwrap(), second.unwrap()].iter().flatten().count(), 1, "one of two has it again");
    }
}

#[tokio::test]
async fn who_was_killed_loses_its_leases_after_their_term_and_who_lives_does_not() {
    let Some(bed) = Bed::new().await else { return };
    // A runner whose runtime ends as that of a killed program does: nothing is given back, nothing is renewed.
    let killed = std::thread::scope(|scope| {
        let runner = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let lease = runtime.block_on(async {
                let client = Client::try_from(bed.config.clone()).unwrap();
                bed.runner_as(client, "a").take("green").await.unwrap().unwrap()
            });
            runtime.shutdown_background();
            lease
        });
        runner.join().unwrap()
    });
    assert!(holder(&bed, "assay-green").await.is_some());
    let (b, c) = (bed.runner("b"), bed.runner("c"));
    let living = b.take("red").await.unwrap().unwrap();
    let begun = Instant::now();
    assert!(b.take("green").await.unwrap().is_none(), "nobody believes the clock of another");
    let waiting = b.await_within("green", TERM * 5);
    let hopeless = c.await_within("red", TERM * 2);
    let (taken, never) = tokio::join!(async { (waiting.await, begun.elapsed()) }, hopeless);
    assert!(taken.0.unwrap().is_some());
    assert!(taken.1 >= TERM, "not before its term: {:?}", taken.1);
    assert!(never.unwrap().is_none(), "a lease that is renewed stays whose it is");
    assert!(!living.lost().is_cancelled());
    drop(killed);
}

#[tokio::test]
async fn a_lease_that_is_deleted_or_somebody_elses_is_noticed() {
    let Some(bed) = Bed::new().await else { return };
    let a = bed.runner("a");
    let (green, red) = (a.take("green").await.unwrap().unwrap(), a.take("red").await.unwrap().unwrap());
    let other = a.take("other").await.unwrap().unwrap();
    bed.leases().delete("assay-green", &DeleteParams::default()).await.unwrap();
    let stolen = json!({"spec": {"holderIdentity": "somebody"}});
    bed.leases().patch("assay-red", &PatchParams::default(), &Patch::Merge(stolen)).await.unwrap();
    // What says nothing of the holder is nobody's business.
    let label = json!({"metadata": {"labels": {"a": "b"}}});
    bed.leases().patch("assay-other", &PatchParams::default(), &Patch::Merge(label)).await.unwrap();
    let (green, red) = (green.lost(), red.lost());
    let both = async { tokio::join!(green.cancelled(), red.cancelled()) };
    tokio::time::timeout(TERM, both).await.expect("it is noticed within a term");
    assert!(bed.leases().get_opt("assay-green").await.unwrap().is_none(), "nobody makes it again");
    assert_eq!(holder(&bed, "assay-red").await.as_deref(), Some("somebody"), "nobody takes it back");
    tokio::time::sleep(TERM).await;
    assert!(!other.lost().is_cancelled());
}

#[tokio::test]
async fn a_server_that_goes_away_is_a_lease_lost() {
    let Some(bed) = Bed::new().await else { return };
    let (proxy, gate) = proxied(&bed).await;
    let a = bed.runner_as(proxy, "a");
    let lease = a.take("green").await.unwrap().unwrap();
    let begun = Instant::now();
    drop(gate);
    tokio::time::timeout(TERM * 2, lease.lost().cancelled()).await.expect("it is noticed");
    assert!(begun.elapsed() < TERM, "before others may take it: {:?}", begun.elapsed());
    let next = bed.runner("b");
    assert!(next.await_within("green", TERM * 5).await.unwrap().is_some());
}

/// A client whose way to the server is open for as long as the second value lives.
async fn proxied(bed: &Bed) -> (Client, tokio::sync::watch::Sender<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = bed.config.cluster_url.authority().unwrap().to_string();
    let (gate, closed) = tokio::sync::watch::channel(());
    tokio::spawn(async move {
        loop {
            let (mut here, _) = listener.accept().await.unwrap();
            let (server, mut closed) = (server.clone(), closed.clone());
            tokio::spawn(async move {
                if closed.has_changed().is_err() {
                    return;
                }
                let mut there = tokio::net::TcpStream::connect(server).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut here, &mut there) => {}
                    _ = closed.changed() => {}
                }
            });
        }
    });
    let mut config = bed.config.clone();
    config.cluster_url = format!("https://127.0.0.1:{port}").parse().unwrap();
    (Client::try_from(config).unwrap(), gate)
}
