//! A cloud that changes under one's hands.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_curate::flavors::{observe, read};
use assay_curate::images::{self, Importer, Importing};
use assay_curate::{Outcome, apply};
use assay_openstack::{CloudConfig, ConfigFiles, Overrides, Session, Settings};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// A keystone and a nova that says what it is told to.
async fn nova(answers: &[(&str, u16, Value)]) -> (MockServer, Session) {
    let server = MockServer::start().await;
    let uri = server.uri();
    let entry = |kind: &str, path: &str| {
        json!({"type": kind, "name": kind, "id": kind, "endpoints": [
            {"id": "1", "interface": "public", "region": "R", "region_id": "R", "url": format!("{uri}{path}")}]})
    };
    let catalog = [entry("compute", "/v2.1"), entry("identity", "/v3"), entry("image", "/image")];
    let token = json!({"token": {"methods": ["password"], "expires_at": "2099-01-01T00:00:00.000000Z",
        "issued_at": "2026-01-01T00:00:00.000000Z", "user": {"id": "u", "name": "admin"},
        "project": {"id": "p", "name": "admin"}, "roles": [{"id": "r", "name": "admin"}], "catalog": catalog}});
    let hands_out =
        ResponseTemplate::new(201).insert_header("X-Subject-Token", "token-of-a-test").set_body_json(token);
    Mock::given(method("POST")).and(path("/v3/auth/tokens")).respond_with(hands_out).mount(&server).await;
    for (at, status, body) in answers {
        let answer = ResponseTemplate::new(*status).set_body_json(body);
        Mock::given(method("GET")).and(path(*at)).respond_with(answer).mount(&server).await;
    }
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("clouds.yaml");
    let text = format!(
        "clouds: {{fake: {{auth: {{auth_url: '{uri}/v3', username: u, password: secret, project_name: p, \
         user_domain_name: d, project_domain_name: d}}}}}}"
    );
    std::fs::write(&file, text).unwrap();
    let files = ConfigFiles { clouds: Some(file), ..ConfigFiles::default() };
    let config = CloudConfig::from_files(&files, "fake", &Overrides::default()).unwrap();
    let session = Session::connect(&config, &Settings::default()).await.unwrap();
    (server, session)
}

/// A glance whose import goes on for a while after the image is active, and overwrites what is changed meanwhile.
#[derive(Clone, Default)]
struct Busy(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    image: Map<String, Value>,
    looks_at_tasks: usize,
    lost: usize,
}

impl Respond for Busy {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().unwrap();
        let path = request.url.path().trim_start_matches("/image/v2/");
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let answer = |status: u16, body: &Value| ResponseTemplate::new(status).set_body_json(body);
        match (request.method.as_str(), path) {
            ("GET", "info/import") => answer(200, &json!({"import-methods": {"value": ["web-download"]}})),
            ("POST", "images") => {
                state.image.clone_from(body.as_object().unwrap());
                state.image.insert("id".into(), json!("i"));
                answer(201, &Value::Object(state.image.clone()))
            }
            ("POST", _) => {
                state.image.insert("status".into(), json!("active"));
                ResponseTemplate::new(202)
            }
            ("GET", "images/i/tasks") => {
                state.looks_at_tasks += 1;
                let status = if state.looks_at_tasks < 3 { "processing" } else { "success" };
                answer(200, &json!({"tasks": [{"id": "t", "status": status}]}))
            }
            ("PATCH", _) => {
                // The first of those that come in time gets half lost all the same.
                let forgets = state.looks_at_tasks < 3 || state.lost == 0;
                state.lost += usize::from(forgets);
                for operation in body.as_array().unwrap() {
                    let field = operation["path"].as_str().unwrap().trim_start_matches('/').to_owned();
                    if operation["op"] == "remove" {
                        assert!(state.image.remove(&field).is_some(), "glance says 409: {field}");
                    } else if !(forgets && (field == "name" || field == "visibility")) {
                        state.image.insert(field, operation["value"].clone());
                    }
                }
                answer(200, &Value::Object(state.image.clone()))
            }
            _ => answer(200, &Value::Object(state.image.clone())),
        }
    }
}

#[tokio::test]
async fn an_image_bears_its_name_in_the_end_whatever_glance_forgets() {
    let (server, session) = nova(&[]).await;
    let glance = Busy::default();
    Mock::given(path_regex("^/image/")).respond_with(glance.clone()).mount(&server).await;
    let text = "images: [{name: x, format: raw, login: x, min_disk: 1, min_ram: 1, meta: {}, \
        versions: [{version: '1', url: 'http://example.org/x'}]}]";
    let definitions = images::read("x.yaml", text).unwrap().0;
    let options =
        images::Options { tag: "t".into(), today: "2026-01-01".parse().unwrap(), adopt: false, grace: 0 };
    let plan = images::plan(&definitions, &images::Observed::default(), &options);
    let importer = Importer::new(Importing {
        mirror_base: None,
        require_checksum: false,
        way: None,
        budget: Duration::from_secs(30),
    });
    let cancel = CancellationToken::new();
    let outcomes = apply(&session, &importer.unwrap(), &plan, &cancel, &|_| ()).await;
    assert_eq!(outcomes.into_values().collect::<Vec<_>>(), [Outcome::Done]);
    let state = glance.0.lock().unwrap();
    assert_eq!((&state.image["name"], &state.image["visibility"]), (&json!("x"), &json!("public")));
    assert_eq!(state.lost, 1, "nothing was changed while the task was at work");
}

#[tokio::test]
async fn a_flavor_that_is_deleted_meanwhile_is_not_there() {
    let private = |id: &str| json!({"id": id, "name": id, "os-flavor-access:is_public": false, "extra_specs": {"hw:mem_page_size": "small"}});
    let (_server, session) = nova(&[
        (
            "/v2.1/flavors/detail",
            200,
            json!({"flavors": [private("kept"), private("gone"), private("going")]}),
        ),
        ("/v2.1/flavors/kept/os-flavor-access", 200, json!({"flavor_access": [{"tenant_id": "p"}]})),
        ("/v3/projects", 200, json!({"projects": [{"id": "p", "name": "p"}]})),
        ("/v2.1/flavors/gone/os-flavor-access", 404, json!({"itemNotFound": {"message": "no such flavor"}})),
        // Nova found the flavor, and then not its projects.
        (
            "/v2.1/flavors/going/os-flavor-access",
            500,
            json!({"computeFault": {"message": "Unexpected API Error."}}),
        ),
        ("/v2.1/flavors/going", 404, json!({"itemNotFound": {"message": "no such flavor"}})),
    ])
    .await;
    let text = "mandatory: [{name: kept, cpus: 1, ram: 512, public: false, access: [p]}]";
    let (mut definitions, _) = read("flavors.yaml", text).unwrap();
    let observed = observe(&session, &mut definitions).await.unwrap();
    let names: Vec<_> = observed.flavors.iter().map(|flavor| flavor.id()).collect();
    assert_eq!(names, ["kept"]);
    assert_eq!(observed.access.keys().collect::<Vec<_>>(), ["kept"]);
}
