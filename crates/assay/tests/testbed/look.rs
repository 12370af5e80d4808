//! Looks at the testbed with nothing of the program itself, and things in it that others made.

use serde_json::{Value, json};

/// Of everything in a testbed.
const PASSWORD: &str = "testbed";

/// A member of a project, as the testbed has it in its clouds.yaml.
pub(crate) struct Member {
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    token: String,
    user: String,
    project: String,
    catalog: Vec<Value>,
}

impl Member {
    /// Logs in to a cloud of clouds.yaml.
    pub(crate) fn of(cloud: &str) -> Self {
        let clouds = std::env::var("ASSAY_TESTBED_CLOUDS").expect("./test sets it");
        let text = std::fs::read_to_string(clouds).expect("clouds.yaml");
        let all: Value = serde_saphyr::from_str(&text).expect("YAML");
        let auth = &all["clouds"][cloud]["auth"];
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": auth["username"], "domain": {"name": auth["user_domain_name"]}, "password": PASSWORD,
            }}},
            "scope": {"project": {"name": auth["project_name"], "domain": {"name": auth["project_domain_name"]}}},
        }});
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = reqwest::Client::new();
        let url = format!("{}/auth/tokens", auth["auth_url"].as_str().expect("auth_url"));
        let asked = client.post(url).header("content-type", "application/json").body(body.to_string());
        let (token, text) = runtime.block_on(async {
            let reply = asked.send().await.expect("keystone answers").error_for_status().expect("a token");
            let token = reply.headers()["x-subject-token"].to_str().expect("text").to_owned();
            (token, reply.text().await.expect("a body"))
        });
        let body: Value = serde_json::from_str(&text).expect("JSON");
        let user = body["token"]["user"]["id"].as_str().expect("a user").to_owned();
        let project = body["token"]["project"]["id"].as_str().expect("a project").to_owned();
        let mut catalog = body["token"]["catalog"].as_array().expect("a catalog").clone();
        if let Some(url) = all["clouds"][cloud]["image_endpoint_override"].as_str() {
            catalog.retain(|entry| entry["type"] != "image");
            let url = url.trim_end_matches("/v2");
            catalog.push(json!({"type": "image", "endpoints": [{"interface": "public", "url": url}]}));
        }
        Member { client, runtime, token, user, project, catalog }
    }

    /// Calls a service below its endpoint. The answer is null if there is no JSON in it.
    pub(crate) fn call(&self, method: &str, service: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let body = body.map(|body| ("application/json", body.to_string().into_bytes()));
        self.send(method, service, path, body)
    }

    /// A key for the S3 of the object store: access key, secret, and where keystone has it.
    pub(crate) fn key(&self) -> (String, String, String) {
        let path = format!("users/{}/credentials/OS-EC2", self.user);
        let (status, made) = self.call("POST", "identity", &path, Some(json!({"tenant_id": self.project})));
        let text = |field: &str| {
            made["credential"][field].as_str().unwrap_or_else(|| panic!("{status} {made}")).to_owned()
        };
        (text("access"), text("secret"), format!("{path}/{}", text("access")))
    }

    /// Where a service answers.
    pub(crate) fn base(&self, service: &str) -> &str {
        let entry = self.catalog.iter().find(|entry| entry["type"] == service).expect("the service");
        let endpoints = entry["endpoints"].as_array().expect("endpoints").iter();
        let mut public = endpoints.filter(|endpoint| endpoint["interface"] == "public");
        public.next().and_then(|endpoint| endpoint["url"].as_str()).expect("a public endpoint")
    }

    /// Gives an image its data.
    pub(crate) fn fill(&self, image: &str, data: Vec<u8>) {
        let path = format!("v2/images/{image}/file");
        let (status, said) = self.send("PUT", "image", &path, Some(("application/octet-stream", data)));
        assert_eq!(status, 204, "{said}");
    }

    fn send(&self, method: &str, service: &str, path: &str, body: Option<(&str, Vec<u8>)>) -> (u16, Value) {
        let base = self.base(service);
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request =
            self.client.request(method, format!("{base}/{path}")).header("x-auth-token", &self.token);
        if let Some((kind, body)) = body {
            request = request.header("content-type", kind).body(body);
        }
        self.runtime.block_on(async {
            let reply = request.send().await.expect("an answer");
            let status = reply.status().as_u16();
            (status, serde_json::from_str(&reply.text().await.unwrap_or_default()).unwrap_or_default())
        })
    }

    /// Everything in the project that has one of these texts anywhere in it.
    pub(crate) fn find(&self, texts: &[String]) -> Vec<String> {
        let project = &self.project;
        let neutron = |what: &str| ("network", format!("v2.0/{what}?project_id={project}"));
        let places = [
            ("volumev3", "volumes/detail".to_owned()),
            ("volumev3", "backups/detail".to_owned()),
            ("volumev3", "snapshots/detail".to_owned()),
            ("image", format!("v2/images?limit=1000&owner={project}")),
            ("key-manager", "v1/secrets?limit=100".to_owned()),
            ("compute", "servers/detail".to_owned()),
            neutron("networks"),
            neutron("subnets"),
            neutron("ports"),
            neutron("routers"),
            neutron("floatingips"),
            neutron("security-groups"),
        ];
        let mut found = Vec::new();
        for (service, path) in places {
            let (status, body) = self.call("GET", service, &path, None);
            let items = body.as_object().and_then(|body| body.values().find_map(Value::as_array));
            let items = items.unwrap_or_else(|| panic!("{path}: {status} {body}"));
            let ours = items.iter().map(Value::to_string);
            let ours = ours.filter(|item| texts.iter().any(|text| item.contains(text.as_str())));
            found.extend(ours.map(|item| format!("{path}: {item}")));
        }
        found
    }
}
