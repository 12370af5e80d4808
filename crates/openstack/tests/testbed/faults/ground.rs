//! Ground to build on: a project of its own in the testbed, and looks at it that do not go through a proxy, nor
//! through anything that is tested here.

use std::collections::BTreeSet;
use std::env;
use std::path::Path;

use assay_openstack::{CloudConfig, ConfigFiles, Overrides};
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::proxy::Service;
use super::run::Place;

/// The user whose role member the project gives.
const USER: &str = "demo";
/// Of everything in a testbed.
pub(crate) const PASSWORD: &str = "testbed";
/// The domains that have a manager, and who that is.
pub(crate) const MANAGERS: [(&str, &str); 2] = [("domain-a", "manager-a"), ("domain-b", "manager-b")];

/// A project of its own.
pub(crate) struct Ground {
    /// The port of keystone.
    pub(crate) base: u16,
    project: String,
    project_id: String,
    token: String,
    admin: String,
    client: reqwest::Client,
}

impl Ground {
    /// Finds the project of this name, or makes it.
    pub(crate) async fn prepare(project: &str) -> Self {
        let clouds = env::var("ASSAY_TESTBED_CLOUDS").expect("the path of the testbed's clouds.yaml");
        let clouds = std::fs::read_to_string(clouds).unwrap();
        let port = clouds.split("auth_url: http://127.0.0.1:").nth(1).expect("a testbed on loopback");
        let base = port.split('/').next().and_then(|port| port.parse().ok()).unwrap();
        let client = reqwest::Client::builder().no_gzip().build().unwrap();
        let auth = format!("http://127.0.0.1:{base}/v3");
        let (admin, _) = log_in(&client, &auth, "admin", "admin").await;
        let call = async |method: reqwest::Method, path: &str, body: Option<Value>| {
            let mut request = client.request(method, format!("{auth}/{path}")).header("x-auth-token", &admin);
            if let Some(body) = body {
                request = request.header("content-type", "application/json").body(body.to_string());
            }
            let text = request.send().await.unwrap().text().await.unwrap();
            serde_json::from_str::<Value>(&text).unwrap_or_default()
        };
        let get = async |path: &str| call(reqwest::Method::GET, path, None).await;
        // Another test that begins at the same time may be faster; then this says 409.
        let wanted = json!({"project": {"name": project, "domain_id": "default"}});
        call(reqwest::Method::POST, "projects", Some(wanted)).await;
        let id = |value: &Value| value[0]["id"].as_str().expect("something of that name").to_owned();
        let project_id = id(&get(&format!("projects?name={project}")).await["projects"]);
        let user = id(&get(&format!("users?name={USER}")).await["users"]);
        let role = id(&get("roles?name=member").await["roles"]);
        call(reqwest::Method::PUT, &format!("projects/{project_id}/users/{user}/roles/{role}"), None).await;
        let (token, scope) = log_in(&client, &auth, USER, project).await;
        assert_eq!(scope, project_id);
        Ground { base, project: project.to_owned(), project_id, token, admin, client }
    }

    /// The configuration for this project, with keystone at a URL.
    pub(crate) fn config(&self, folder: &Path, auth_url: &str) -> CloudConfig {
        configured(
            folder,
            &json!({
                "auth_url": auth_url, "username": USER, "password": PASSWORD, "user_domain_name": "Default",
                "project_name": self.project, "project_domain_name": "Default",
            }),
        )
    }

    /// The configurations of all who can remove what is created in a place.
    pub(crate) fn configs(&self, place: Place, folder: &Path, auth_url: &str) -> Vec<CloudConfig> {
        let of_manager = |(domain, manager): (&str, &str)| {
            configured(
                folder,
                &json!({
                    "auth_url": auth_url, "username": manager, "password": PASSWORD,
                    "user_domain_name": domain, "domain_name": domain,
                }),
            )
        };
        match place {
            Place::Project | Place::Store => vec![self.config(folder, auth_url)],
            Place::Domains => MANAGERS.map(of_manager).into(),
        }
    }

    /// Everything in a place that bears one of these marks.
    pub(crate) async fn look(&self, place: Place, marks: &BTreeSet<String>) -> Vec<String> {
        let places = match place {
            Place::Project => self.in_project(),
            Place::Store => vec![
                (Service::ObjectStore, format!("v1/AUTH_{}?format=json", self.project_id)),
                (Service::Identity, "v3/credentials".to_owned()),
            ],
            Place::Domains => ["users", "groups", "projects", "roles", "domains"]
                .map(|list| (Service::Identity, format!("v3/{list}")))
                .into(),
        };
        let token = if place == Place::Domains { &self.admin } else { &self.token };
        let looks = places.iter().map(async |(service, path)| {
            let body = self.get(*service, path, token).await;
            let wrapped = body.as_object().and_then(|body| body.values().find_map(Value::as_array));
            let items = wrapped.or(body.as_array()).unwrap_or_else(|| panic!("{path}: {body}"));
            let ours = items
                .iter()
                .map(Value::to_string)
                .filter(|item| marks.iter().any(|mark| item.contains(mark)));
            ours.map(|item| format!("{path}: {item}")).collect::<Vec<_>>()
        });
        futures::future::join_all(looks).await.concat()
    }

    /// Where things of the project stand.
    fn in_project(&self) -> Vec<(Service, String)> {
        let project = &self.project_id;
        let cinder = |what: &str| (Service::BlockStorage, format!("v3/{project}/{what}/detail"));
        let neutron = |what: &str| (Service::Network, format!("v2.0/{what}?project_id={project}"));
        vec![
            cinder("volumes"),
            cinder("backups"),
            cinder("snapshots"),
            (Service::Image, format!("v2/images?limit=1000&owner={project}")),
            (Service::KeyManager, "v1/secrets?limit=100".to_owned()),
            (Service::Compute, "v2.1/servers/detail".to_owned()),
            neutron("networks"),
            neutron("subnets"),
            neutron("ports"),
            neutron("routers"),
            neutron("floatingips"),
            neutron("security-groups"),
        ]
    }

    /// Sees to it that the project holds so many secrets; they stay for the next time.
    pub(crate) async fn fill_with_secrets(&self, wanted: u64) {
        let held = self.get(Service::KeyManager, "v1/secrets?limit=1", &self.token).await;
        let url = format!("http://127.0.0.1:{}/v1/secrets", self.base + Service::KeyManager.offset());
        let body = json!({"name": "old", "payload": "old", "payload_content_type": "text/plain"}).to_string();
        let made = (held["total"].as_u64().unwrap()..wanted).map(|_| {
            let request = self.client.post(&url).header("x-auth-token", &self.token);
            request.header("content-type", "application/json").body(body.clone()).send()
        });
        let made = futures::stream::iter(made).buffer_unordered(4);
        made.for_each(async |reply| drop(reply.unwrap().error_for_status().unwrap())).await;
    }

    async fn get(&self, service: Service, path: &str, token: &str) -> Value {
        let url = format!("http://127.0.0.1:{}/{path}", self.base + service.offset());
        let mut last = String::new();
        // The bed is shared, and may be out of breath for a moment.
        for _ in 0..5 {
            let request = self.client.get(&url).header("x-auth-token", token);
            match async { request.send().await?.error_for_status()?.text().await }.await {
                Ok(text) => return serde_json::from_str(&text).unwrap(),
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
        panic!("{last}");
    }
}

/// The configuration with this to log in by.
fn configured(folder: &Path, auth: &Value) -> CloudConfig {
    let clouds = json!({"clouds": {"ground": {"auth": auth, "region_name": "RegionOne"}}});
    let path = folder.join("clouds.yaml");
    // JSON is YAML.
    std::fs::write(&path, clouds.to_string()).unwrap();
    let files = ConfigFiles { clouds: Some(path), ..ConfigFiles::default() };
    CloudConfig::from_files(&files, "ground", &Overrides::default()).unwrap()
}

/// A token, and the project that it is for.
async fn log_in(client: &reqwest::Client, auth: &str, user: &str, project: &str) -> (String, String) {
    let body = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": user, "domain": {"name": "Default"}, "password": PASSWORD,
        }}},
        "scope": {"project": {"name": project, "domain": {"name": "Default"}}},
    }});
    let request = client
        .post(format!("{auth}/auth/tokens"))
        .header("content-type", "application/json")
        .body(body.to_string());
    let reply = request.send().await.unwrap().error_for_status().unwrap();
    let token = reply.headers()["x-subject-token"].to_str().unwrap().to_owned();
    let body: Value = serde_json::from_str(&reply.text().await.unwrap()).unwrap();
    (token, body["token"]["project"]["id"].as_str().unwrap().to_owned())
}
