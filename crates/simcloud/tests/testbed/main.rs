//! The contract: real services and a simulated cloud with the facts of these services are asked the same, and answer in
//! the same shape.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests fail like tests, and say what they look at"
)]

mod client;
mod shape;

use std::collections::BTreeSet;
use std::env;

use assay_inventory::{FactId, Section};
use assay_openstack::{CloudConfig, ConfigFiles, Overrides, Request, Settings as Asking, collect};
use assay_simcloud::{Population, Running, Settings, SimCloud, clouds_yaml};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use client::{Client, Said};
use shape::differences;

const CLOUD: &str = "testbed";
/// An id that nothing has.
const NOBODY: &str = "00000000-0000-4000-8000-00000000dead";

fn path() -> String {
    env::var("ASSAY_TESTBED_CLOUDS")
        .expect("ASSAY_TESTBED_CLOUDS must hold the path of the testbed's clouds.yaml; testbed/up writes it")
}

/// The testbed, and a simulation of it.
async fn both() -> (Client, Client, Running) {
    let files = ConfigFiles { clouds: Some(path().into()), ..ConfigFiles::default() };
    let config = CloudConfig::from_files(&files, CLOUD, &Overrides::default()).unwrap();
    let facts: BTreeSet<FactId> =
        FactId::ALL.iter().copied().filter(|fact| fact.section() == Section::Light).collect();
    let request = Request {
        facts: &facts,
        started_at: Timestamp::now(),
        preflight: &|_| Ok(()),
        probes: None,
        cancel: &CancellationToken::new(),
        events: &|_| (),
    };
    let inventory = collect(&config, &Asking::default(), &request).await;
    let settings = Settings { name: CLOUD.into(), ..Settings::of(Population::of(&inventory).into()) };
    let simulated = SimCloud::start(settings).await.unwrap();
    let folder = TempDir::new().unwrap();
    let entry = folder.path().join("clouds.yaml");
    std::fs::write(&entry, clouds_yaml([&simulated])).unwrap();
    let real = Client::login(&path(), CLOUD).await;
    (real, Client::login(&entry.display().to_string(), CLOUD).await, simulated)
}

/// What two answers to one call differ in.
fn compared(what: &str, real: &Said, simulated: &Said, told: &mut Vec<String>) {
    if real.status != simulated.status {
        told.push(format!("{what}: status {} is {} here", real.status, simulated.status));
    }
    for header in ["content-type", "x-subject-token", "openstack-api-version", "x-openstack-nova-api-version"]
    {
        let (one, other) = (real.header(header), simulated.header(header));
        if one != other {
            told.push(format!("{what}: header {header} {one:?} is {other:?} here"));
        }
    }
    told.extend(differences(&real.body, &simulated.body).iter().map(|line| format!("{what}: {line}")));
}

#[tokio::test]
async fn what_is_read_has_the_shape_of_the_real_answers() {
    let (real, simulated, _running) = both().await;
    let mut told = Vec::new();
    compared("a token", &real.token, &simulated.token, &mut told);
    let project = real.token.body["token"]["project"]["id"].as_str().unwrap().to_owned();
    for (service, path) in [
        ("compute", "flavors/detail?is_public=None".to_owned()),
        ("compute", "flavors/detail?is_public=None&limit=2".into()),
        ("compute", format!("flavors/{NOBODY}")),
        ("compute", "limits".into()),
        ("image", "images?member_status=all&limit=1000".into()),
        ("image", "images?os_hidden=true&member_status=all&limit=1000".into()),
        ("image", format!("images/{NOBODY}")),
        ("volumev3", "types".into()),
        ("volumev3", "limits".into()),
        ("volumev3", format!("volumes/{NOBODY}")),
        ("volumev3", format!("backups/{NOBODY}")),
        ("network", "default-security-group-rules".into()),
        ("network", "networks?router%3Aexternal=True".into()),
        ("network", "subnetpools".into()),
        ("network", format!("quotas/{project}")),
        ("network", format!("networks/{NOBODY}")),
        ("network", format!("ports?device_id={NOBODY}")),
        ("key-manager", format!("secrets/{NOBODY}")),
        ("object-store", "/".into()),
    ] {
        let (one, other) = (real.get(service, &path).await, simulated.get(service, &path).await);
        compared(&format!("GET {service} {path}"), &one, &other, &mut told);
    }
    for (service, path) in
        [("compute", "flavors/detail"), ("image", "images"), ("volumev3", "types"), ("network", "networks")]
    {
        let (one, other) = (real.stranger(service, path).await, simulated.stranger(service, path).await);
        compared(&format!("GET {service} {path} without a token"), &one, &other, &mut told);
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// Creates something at both clouds, looks at it, and remembers how to remove it.
struct Maker<'a> {
    clouds: [&'a Client; 2],
    told: Vec<String>,
    made: Vec<(&'static str, [String; 2])>,
}

impl Maker<'_> {
    /// The ids that were given. The body may name ids of each cloud.
    async fn make(
        &mut self,
        service: &'static str,
        collection: &str,
        wrapper: &str,
        bodies: [Value; 2],
    ) -> [String; 2] {
        let what = format!("POST {service} {collection}");
        let mut said = Vec::new();
        for (cloud, body) in self.clouds.iter().zip(&bodies) {
            said.push(cloud.post(service, collection, body).await);
        }
        compared(&what, &said[0], &said[1], &mut self.told);
        let ids = [0, 1].map(|at| {
            let body = &said[at].body;
            let fields = if wrapper.is_empty() { body } else { &body[wrapper] };
            let link = fields["secret_ref"].as_str().or(fields["id"].as_str()).unwrap_or_default();
            link.rsplit('/').next().unwrap_or_default().to_owned()
        });
        let paths = [0, 1].map(|at| format!("{collection}/{}", ids[at]));
        self.made.push((service, paths.clone()));
        self.compare(service, &paths).await;
        ids
    }

    /// Compares one thing at both clouds, once it is at rest.
    async fn compare(&mut self, service: &str, paths: &[String; 2]) {
        let mut said = Vec::new();
        for (cloud, path) in self.clouds.iter().zip(paths) {
            said.push(cloud.settled(service, path).await);
        }
        let what = format!("GET {service} {}", paths[0]);
        compared(&what, &said[0], &said[1], &mut self.told);
    }

    async fn end(mut self) {
        for (service, paths) in self.made.iter().rev() {
            let mut said = Vec::new();
            for (cloud, path) in self.clouds.iter().zip(paths) {
                said.push(cloud.delete(service, path).await);
            }
            compared(&format!("DELETE {service} {}", paths[0]), &said[0], &said[1], &mut self.told);
        }
        assert!(self.told.is_empty(), "{}", self.told.join("\n"));
    }
}

#[tokio::test]
async fn what_is_created_has_the_shape_of_the_real_answers() {
    let (real, simulated, running) = both().await;
    let name = format!("assay-contract-{}", std::process::id());
    let mut maker = Maker { clouds: [&real, &simulated], told: Vec::new(), made: Vec::new() };
    let same = |body: Value| [body.clone(), body];

    let secret = json!({"name": name, "payload": "foo", "payload_content_type": "text/plain", "secret_type": "opaque"});
    maker.make("key-manager", "secrets", "", same(secret)).await;
    let image =
        json!({"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private"});
    let ids = maker.make("image", "images", "", same(image)).await;
    for (cloud, id) in maker.clouds.iter().zip(&ids) {
        assert_eq!(cloud.upload(&format!("images/{id}/file")).await.status, 204);
    }
    maker.compare("image", &ids.map(|id| format!("images/{id}"))).await;

    let volume =
        json!({"volume": {"name": name, "size": 1, "metadata": {"by": "assay"}, "description": "contract"}});
    let volumes = maker.make("volumev3", "volumes", "volume", same(volume)).await;
    let backup = |volume: &String| json!({"backup": {"name": name, "volume_id": volume}});
    maker.make("volumev3", "backups", "backup", [backup(&volumes[0]), backup(&volumes[1])]).await;

    let group = json!({"security_group": {"name": name, "description": "contract"}});
    maker.make("network", "security-groups", "security_group", same(group)).await;
    let network = json!({"network": {"name": name, "description": "contract"}});
    let networks = maker.make("network", "networks", "network", same(network)).await;
    let subnet = |network: &String| json!({"subnet": {"name": name, "network_id": network, "ip_version": 4, "cidr": "10.1.0.0/24"}});
    maker.make("network", "subnets", "subnet", [subnet(&networks[0]), subnet(&networks[1])]).await;
    let external =
        real.get("network", "networks?router%3Aexternal=True").await.body["networks"][0]["id"].clone();
    let router = json!({"router": {"name": name, "external_gateway_info": {"network_id": external}}});
    maker.make("network", "routers", "router", same(router)).await;
    let floating = json!({"floatingip": {"floating_network_id": external, "description": name}});
    maker.make("network", "floatingips", "floatingip", same(floating)).await;
    maker.end().await;
    assert_eq!(running.leftovers(), []);
}
