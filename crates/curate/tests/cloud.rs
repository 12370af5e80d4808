//! What a cloud that changes under one's hands does to observing it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use assay_curate::flavors::{observe, read};
use assay_openstack::{CloudConfig, ConfigFiles, Overrides, Session, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A keystone and a nova that says what it is told to.
async fn nova(answers: &[(&str, u16, Value)]) -> (MockServer, Session) {
    let server = MockServer::start().await;
    let uri = server.uri();
    let entry = |kind: &str, path: &str| {
        json!({"type": kind, "name": kind, "id": kind, "endpoints": [
            {"id": "1", "interface": "public", "region": "R", "region_id": "R", "url": format!("{uri}{path}")}]})
    };
    let catalog = [entry("compute", "/v2.1"), entry("identity", "/v3")];
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

#[tokio::test]
async fn a_flavor_that_is_deleted_meanwhile_is_not_there() {
    let private = |id: &str| json!({"id": id, "name": id, "os-flavor-access:is_public": false, "extra_specs": {"hw:mem_page_size": "small"}});
    let (_server, session) = nova(&[
        ("/v2.1/flavors/detail", 200, json!({"flavors": [private("kept"), private("gone")]})),
        ("/v2.1/flavors/kept/os-flavor-access", 200, json!({"flavor_access": [{"tenant_id": "p"}]})),
        ("/v3/projects", 200, json!({"projects": [{"id": "p", "name": "p"}]})),
        ("/v2.1/flavors/gone/os-flavor-access", 404, json!({"itemNotFound": {"message": "no such flavor"}})),
    ])
    .await;
    let text = "mandatory: [{name: kept, cpus: 1, ram: 512, public: false, access: [p]}]";
    let (mut definitions, _) = read("flavors.yaml", text).unwrap();
    let observed = observe(&session, &mut definitions).await.unwrap();
    let names: Vec<_> = observed.flavors.iter().map(|flavor| flavor.id()).collect();
    assert_eq!(names, ["kept"]);
    assert_eq!(observed.access.keys().collect::<Vec<_>>(), ["kept"]);
}
