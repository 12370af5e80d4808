//! A client that takes answers as they are.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

/// How long something may be on its way.
const PATIENCE: u32 = 120;
/// What has another value each time, and only has to be there.
const OPAQUE: [&str; 1] = ["x-subject-token"];

/// An answer.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: u16,
    headers: BTreeMap<String, String>,
    /// JSON, or null for anything else.
    pub(crate) body: Value,
}

impl Said {
    async fn of(response: Response) -> Self {
        let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned())
        };
        let headers = response.headers().iter().map(header).collect();
        let status = response.status().as_u16();
        let bytes = response.bytes().await.unwrap();
        Said { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    /// A header without its parameters; of one that differs each time only whether it is there.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?;
        match OPAQUE.contains(&name) {
            true => Some("there"),
            false => value.split(';').next().map(str::trim),
        }
    }
}

/// Somebody who is logged in.
pub(crate) struct Client {
    http: reqwest::Client,
    secret: String,
    pub(crate) token: Said,
    endpoints: BTreeMap<String, String>,
}

impl Client {
    /// Logs in as `clouds.yaml` says, with a password.
    pub(crate) async fn login(clouds: &str, cloud: &str) -> Self {
        let text = std::fs::read_to_string(clouds).unwrap();
        let file: Value = serde_saphyr::from_str(&text).unwrap();
        let auth = &file["clouds"][cloud]["auth"];
        let domain = |of: &str| {
            let id = &auth[format!("{of}_domain_id")];
            if id.is_null() { json!({"name": auth[format!("{of}_domain_name")]}) } else { json!({"id": id}) }
        };
        let project = match auth["project_id"].as_str() {
            Some(id) => json!({"id": id}),
            None => json!({"name": auth["project_name"], "domain": domain("project")}),
        };
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": auth["username"], "domain": domain("user"), "password": auth["password"],
            }}},
            "scope": {"project": project},
        }});
        let http = reqwest::Client::builder().timeout(Duration::from_mins(1)).build().unwrap();
        let url = format!("{}/auth/tokens", auth["auth_url"].as_str().unwrap().trim_end_matches('/'));
        let response = http
            .post(url)
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let secret = response.headers()["x-subject-token"].to_str().unwrap().to_owned();
        let token = Said::of(response).await;
        let endpoints = endpoints(&token.body["token"]);
        Client { http, secret, token, endpoints }
    }

    fn url(&self, service: &str, path: &str) -> String {
        let endpoint = &self.endpoints[service];
        // A path from the root is one of the host.
        match path.strip_prefix('/') {
            Some(path) => {
                let host = endpoint.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
                format!("{host}/{path}")
            }
            None => format!("{endpoint}/{path}"),
        }
    }

    fn request(&self, method: Method, service: &str, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.url(service, path));
        // As the collector asks.
        let request = request.header("x-auth-token", &self.secret).header("accept", "application/json");
        match service {
            "compute" => request
                .header("openstack-api-version", "compute 2.61")
                .header("x-openstack-nova-api-version", "2.61"),
            _ => request,
        }
    }

    async fn say(&self, request: RequestBuilder) -> Said {
        Said::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, service: &str, path: &str) -> Said {
        self.say(self.request(Method::GET, service, path)).await
    }

    /// As somebody without a token.
    pub(crate) async fn stranger(&self, service: &str, path: &str) -> Said {
        self.say(self.http.get(self.url(service, path))).await
    }

    pub(crate) async fn post(&self, service: &str, path: &str, body: &Value) -> Said {
        let request = self.request(Method::POST, service, path);
        self.say(request.header("content-type", "application/json").body(body.to_string())).await
    }

    pub(crate) async fn upload(&self, path: &str) -> Said {
        let request = self.request(Method::PUT, "image", path);
        self.say(request.header("content-type", "application/octet-stream").body("x".repeat(1024))).await
    }

    /// Looks until it is at rest.
    pub(crate) async fn settled(&self, service: &str, path: &str) -> Said {
        for _ in 0..PATIENCE {
            let said = self.get(service, path).await;
            let body = said
                .body
                .as_object()
                .filter(|fields| fields.len() == 1)
                .and_then(|fields| fields.values().next());
            let status = body.unwrap_or(&said.body)["status"].as_str().unwrap_or_default();
            if !matches!(status, "creating" | "backing-up" | "saving" | "downloading") {
                return said;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("{path} does not come to rest");
    }

    /// Deletes, and waits until it is gone, so that what it depends on can be deleted next.
    pub(crate) async fn delete(&self, service: &str, path: &str) -> Said {
        let said = self.say(self.request(Method::DELETE, service, path)).await;
        for _ in 0..PATIENCE {
            if self.get(service, path).await.status == 404 {
                return said;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        eprintln!("{path} is still there");
        said
    }
}

/// The public endpoint of each service, with version, and project where cinder wants it.
fn endpoints(token: &Value) -> BTreeMap<String, String> {
    let project = token["project"]["id"].as_str().unwrap();
    let entries = token["catalog"].as_array().unwrap().iter().filter_map(|entry| {
        let endpoints = entry["endpoints"].as_array()?;
        let public = endpoints.iter().find(|endpoint| endpoint["interface"] == "public")?;
        let kind = entry["type"].as_str()?;
        let mut url = public["url"].as_str()?.trim_end_matches('/').to_owned();
        let version = match kind {
            "image" => "/v2".to_owned(),
            "network" => "/v2.0".to_owned(),
            "key-manager" => "/v1".to_owned(),
            "volumev3" => format!("/v3/{project}"),
            _ => String::new(),
        };
        if !url.ends_with(&version) {
            url.push_str(&version);
        }
        Some((kind.to_owned(), url))
    });
    entries.collect()
}
