use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use assay_inventory::{FactId, Inventory, Section, Token, Unavailable};
use assay_openstack::{CloudConfig, ConfigFiles, Event, Overrides, Request, Settings, collect};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request as Received, ResponseTemplate};

pub(crate) const PASSWORD: &str = "pa55word-that-nobody-may-see";
pub(crate) const TOKEN: &str = "gAAAA-token-that-nobody-may-see";
pub(crate) const SECOND_TOKEN: &str = "gAAAA-second-token-that-nobody-may-see";
pub(crate) const TOKENS: &str = "/identity/v3/auth/tokens";
pub(crate) const IMAGES: &str = "/image/v2/images";
pub(crate) const FLAVORS: &str = "/compute/v2.1/flavors/detail";
pub(crate) const VOLUME_TYPES: &str = "/volume/v3/p1/types";

/// A keystone and whatever services a test mounts.
pub(crate) struct FakeCloud {
    pub(crate) server: MockServer,
    directory: TempDir,
}

impl FakeCloud {
    /// A cloud whose keystone hands out a token.
    pub(crate) async fn start() -> Self {
        let cloud = Self::without_keystone().await;
        let body = cloud.token_body();
        cloud.keystone(201, TOKEN, &body).await;
        cloud
    }

    pub(crate) async fn without_keystone() -> Self {
        FakeCloud { server: MockServer::start().await, directory: TempDir::new().unwrap() }
    }

    /// What keystone says about a token.
    pub(crate) fn token_body(&self) -> Value {
        let uri = self.server.uri();
        let entry = |kind: &str, path: &str| {
            json!({"type": kind, "name": kind, "id": kind, "endpoints": [
                {"id": "1", "interface": "internal", "region": "RegionOne", "region_id": "RegionOne", "url": "http://192.0.2.1"},
                {"id": "2", "interface": "public", "region": "RegionOne", "region_id": "RegionOne", "url": format!("{uri}{path}")},
            ]})
        };
        json!({"token": {
            "methods": ["password"],
            "user": {"id": "u1", "name": "demo", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": "p1", "name": "demo", "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": "r1", "name": "member"}, {"id": "r2", "name": "reader"}],
            "expires_at": "2099-01-01T00:00:00.000000Z",
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "catalog": [
                entry("identity", "/identity"),
                entry("compute", "/compute/v2.1/"),
                entry("image", "/image"),
                entry("network", "/network"),
                entry("volumev3", "/volume/v3/p1"),
                entry("object-store", "/swift/v1/AUTH_p1"),
            ],
        }})
    }

    pub(crate) async fn keystone(&self, status: u16, token: &str, body: &Value) {
        let answer =
            ResponseTemplate::new(status).insert_header("X-Subject-Token", token).set_body_json(body);
        Mock::given(method("POST")).and(path(TOKENS)).respond_with(answer).mount(&self.server).await;
    }

    /// Answers a path, whatever the query.
    pub(crate) async fn answer(&self, at: &str, answer: ResponseTemplate) {
        Mock::given(method("GET")).and(path(at)).respond_with(answer).mount(&self.server).await;
    }

    pub(crate) async fn json(&self, at: &str, body: Value) {
        self.answer(at, ResponseTemplate::new(200).set_body_json(body)).await;
    }

    pub(crate) fn config(&self) -> CloudConfig {
        config_for(&self.directory, &format!("{}/identity/v3", self.server.uri()))
    }

    /// With another way to authenticate than by password.
    pub(crate) fn config_with(&self, auth_type: &str, auth: &str) -> CloudConfig {
        let uri = self.server.uri();
        let text = format!(
            "clouds: {{fake: {{auth_type: {auth_type}, auth: {{auth_url: '{uri}/identity', {auth}}}}}}}"
        );
        config_from(&self.directory, &text)
    }

    pub(crate) async fn collect(&self, facts: &[FactId]) -> Inventory {
        collect_with(&self.config(), &settings(), facts).await.0
    }

    /// Why the images are not there.
    pub(crate) async fn images_trouble(&self) -> Unavailable {
        let inventory = self.collect(&[FactId::Images]).await;
        inventory.unavailable(FactId::Images).cloned().expect("the images should be unavailable")
    }

    /// The requests that reached a path.
    pub(crate) async fn requests(&self, at: &str) -> Vec<Received> {
        let all = self.server.received_requests().await.unwrap();
        all.into_iter().filter(|request| request.url.path() == at).collect()
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        timeout: Duration::from_secs(20),
        backoff: Duration::from_millis(1),
        retry_after_cap: Duration::from_secs(2),
        ..Settings::default()
    }
}

fn config_from(directory: &TempDir, text: &str) -> CloudConfig {
    let path = directory.path().join("clouds.yaml");
    fs::write(&path, text).unwrap();
    let files = ConfigFiles { clouds: Some(path), ..ConfigFiles::default() };
    CloudConfig::from_files(&files, "fake", &Overrides::default()).unwrap()
}

pub(crate) fn config_for(directory: &TempDir, auth_url: &str) -> CloudConfig {
    let text = format!(
        "clouds:\n  fake:\n    auth:\n      auth_url: {auth_url}\n      username: demo\n      password: {PASSWORD}\n      \
         user_domain_name: Default\n      project_name: demo\n      project_domain_name: Default\n"
    );
    config_from(directory, &text)
}

/// Collects, and makes sure that no secret is in anything that comes out.
pub(crate) async fn collect_with(
    config: &CloudConfig,
    settings: &Settings,
    facts: &[FactId],
) -> (Inventory, Vec<Event>) {
    collect_if(config, settings, facts, &|_| Ok(())).await
}

pub(crate) async fn collect_if(
    config: &CloudConfig,
    settings: &Settings,
    facts: &[FactId],
    preflight: &(dyn Fn(&Token) -> Result<(), String> + Sync),
) -> (Inventory, Vec<Event>) {
    let facts: BTreeSet<FactId> = facts.iter().copied().collect();
    let events = Mutex::new(Vec::new());
    let request = Request {
        facts: &facts,
        started_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        preflight,
        probes: None,
        cancel: &CancellationToken::new(),
        events: &|event| events.lock().unwrap().push(event),
    };
    let inventory = collect(config, settings, &request).await;
    let events = events.into_inner().unwrap();
    let shown = format!("{}{events:?}{config:?}", serde_json::to_string(&inventory).unwrap());
    for secret in [PASSWORD, TOKEN, SECOND_TOKEN] {
        assert!(!shown.contains(secret), "{secret} is in what was collected");
    }
    (inventory, events)
}

/// The facts that are had by asking the services of OpenStack, and nothing else.
pub(crate) fn readable() -> Vec<FactId> {
    let all = FactId::ALL.iter().copied();
    all.filter(|fact| fact.section() == Section::Light && *fact != FactId::TlsEndpoints).collect()
}

/// A port on which nobody listens.
pub(crate) fn dead_port() -> u16 {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port();
    // As long as it is bound, nobody else gets the port and listens there.
    std::mem::forget(socket);
    port
}

/// A server that reads a little and then does as told, once per connection in turn; the last for all further.
pub(crate) fn raw_server(turns: Vec<fn(&mut TcpStream)>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (index, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            turns[index.min(turns.len() - 1)](&mut stream);
        }
    });
    port
}

pub(crate) fn say(stream: &mut TcpStream, text: &str) {
    let _ = stream.write_all(text.as_bytes());
}
