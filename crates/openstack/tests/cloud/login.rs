use assay_inventory::{FactId, Reason};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

use crate::support::{FakeCloud, PASSWORD, TOKEN, TOKENS, collect_with, settings};

/// The body of the request for a token that a configuration leads to.
async fn sent(cloud: &FakeCloud, auth_type: &str, auth: &str) -> Value {
    let config = cloud.config_with(auth_type, auth);
    let (inventory, _) = collect_with(&config, &settings(), &[FactId::Token]).await;
    assert_eq!(inventory.unavailable(FactId::Token), None, "{auth_type} {auth}");
    cloud.requests(TOKENS).await.pop().unwrap().body_json::<Value>().unwrap()["auth"].clone()
}

#[tokio::test]
async fn each_auth_type_proves_who_asks_in_its_own_way() {
    let cloud = FakeCloud::start().await;
    let demo = json!({"name": "demo", "domain": {"name": "Default"}});
    let with = |field: &str, value: &str| {
        let mut user = demo.clone();
        user[field] = value.into();
        json!({"user": user})
    };
    let user = "username: demo, user_domain_name: Default";
    for (auth_type, auth, identity) in [
        (
            "v3password",
            format!("{user}, password: {PASSWORD}"),
            json!({"methods": ["password"], "password": with("password", PASSWORD)}),
        ),
        (
            "password",
            format!("user_id: u1, user_domain_name: Default, password: {PASSWORD}"),
            json!({"methods": ["password"], "password": {"user": {"id": "u1", "password": PASSWORD}}}),
        ),
        (
            "v3totp",
            format!("{user}, passcode: '012345'"),
            json!({"methods": ["totp"], "totp": with("passcode", "012345")}),
        ),
        ("v3token", format!("token: {PASSWORD}"), json!({"methods": ["token"], "token": {"id": PASSWORD}})),
        ("''", format!("token: {PASSWORD}"), json!({"methods": ["token"], "token": {"id": PASSWORD}})),
        (
            "v3multifactor, auth_methods: [v3password, v3totp]",
            format!("{user}, password: {PASSWORD}, passcode: '012345'"),
            json!({
                "methods": ["password", "totp"],
                "password": with("password", PASSWORD),
                "totp": with("passcode", "012345"),
            }),
        ),
    ] {
        assert_eq!(sent(&cloud, auth_type, &auth).await, json!({"identity": identity}), "{auth_type}");
    }
}

#[tokio::test]
async fn the_scope_is_what_the_configuration_names() {
    let cloud = FakeCloud::start().await;
    let project = |domain: Value| json!({"project": {"name": "p", "domain": domain}});
    for (auth, scope) in [
        ("", Value::Null),
        ("project_id: p1", json!({"project": {"id": "p1"}})),
        ("tenant_id: p1", json!({"project": {"id": "p1"}})),
        ("project_id: p1, project_name: p", json!({"project": {"id": "p1"}})),
        ("project_id: '', domain_id: d1", json!({"domain": {"id": "d1"}})),
        ("project_name: p, project_domain_name: D", project(json!({"name": "D"}))),
        ("tenant_name: p, project_domain_id: d1", project(json!({"id": "d1"}))),
        ("project_name: p, domain_name: D", project(json!({"name": "D"}))),
        ("project_name: p, project_domain_name: D, domain_id: d2", project(json!({"name": "D"}))),
        ("project_name: p, default_domain_name: D", project(json!({"name": "D"}))),
        ("project_name: p, default_domain: d1", project(json!({"id": "d1"}))),
        ("domain_name: D", json!({"domain": {"name": "D"}})),
        ("system_scope: all", json!({"system": {"all": true}})),
        ("trust_id: t1", json!({"OS-TRUST:trust": {"id": "t1"}})),
        ("unscoped: true", json!("unscoped")),
        ("unscoped: false", Value::Null),
    ] {
        let all = format!("user_id: u1, password: {PASSWORD}, {auth}");
        assert_eq!(sent(&cloud, "v3password", &all).await["scope"], scope, "{auth}");
    }
    for (auth, words) in [
        ("project_id: p1, system_scope: all", "several are set: project, system"),
        ("domain_id: d1, trust_id: t1", "several are set: domain, trust"),
        ("project_name: p", "project_domain_id or project_domain_name"),
        ("system_scope: some", "system_scope can only be \"all\""),
    ] {
        let before = cloud.requests(TOKENS).await.len();
        let config = cloud.config_with("v3password", &format!("user_id: u1, password: {PASSWORD}, {auth}"));
        let (inventory, _) = collect_with(&config, &settings(), &[FactId::Token]).await;
        let why = inventory.unavailable(FactId::Token).unwrap();
        assert_eq!(why.reason, Reason::Configuration, "{auth}: {why}");
        assert!(why.message.contains(words), "{auth}: {why}");
        assert_eq!(cloud.requests(TOKENS).await.len(), before, "{auth}");
    }
}

#[tokio::test]
async fn the_domain_of_a_user_may_come_from_a_default() {
    let cloud = FakeCloud::start().await;
    for (auth, domain) in [
        ("user_domain_id: d1, user_domain_name: D, default_domain_id: d2", json!({"id": "d1"})),
        ("user_domain_name: D, default_domain_id: d2", json!({"name": "D"})),
        ("default_domain_id: d2, default_domain_name: E", json!({"id": "d2"})),
        ("default_domain: d3", json!({"id": "d3"})),
        ("domain_id: d4, project_id: p1, default_domain_id: d2", json!({"id": "d4"})),
        // Without a project, this is the scope and says nothing of the user.
        ("domain_id: d4, default_domain_id: d2", json!({"id": "d2"})),
    ] {
        let all = format!("username: demo, password: {PASSWORD}, {auth}");
        let body = sent(&cloud, "v3password", &all).await;
        assert_eq!(body["identity"]["password"]["user"]["domain"], domain, "{auth}");
    }
}

#[tokio::test]
async fn the_request_for_a_token_is_recorded_with_its_id() {
    let cloud = FakeCloud::without_keystone().await;
    let answer = ResponseTemplate::new(201)
        .insert_header("X-Subject-Token", TOKEN)
        .insert_header("x-openstack-request-id", "req-1")
        .set_body_json(cloud.token_body());
    Mock::given(method("POST")).and(path(TOKENS)).respond_with(answer).mount(&cloud.server).await;
    let inventory = cloud.collect(&[FactId::Token]).await;
    let [call] = inventory.calls.as_slice() else { panic!("one call, not {:?}", inventory.calls) };
    assert_eq!((call.fact, call.method.as_str(), call.status), (FactId::Token, "POST", Some(201)));
    assert_eq!(call.request_id.as_deref(), Some("req-1"));
    assert!(call.url.ends_with(TOKENS) && call.duration_us > 0 && call.bytes > 0, "{call:?}");
}

#[tokio::test]
async fn a_refused_password_is_told_with_the_request_id() {
    let cloud = FakeCloud::without_keystone().await;
    let said = format!("The password {PASSWORD} of demo has expired.");
    let answer = ResponseTemplate::new(401)
        .insert_header("x-openstack-request-id", "req-2")
        .set_body_json(json!({"error": {"code": 401, "message": said, "title": "Unauthorized"}}));
    Mock::given(method("POST")).and(path(TOKENS)).respond_with(answer).mount(&cloud.server).await;
    let inventory = cloud.collect(&[FactId::Token]).await;
    let why = inventory.unavailable(FactId::Token).unwrap();
    assert_eq!((why.reason, why.status), (Reason::Authentication, Some(401)));
    assert_eq!(why.message, "The password [redacted] of demo has expired.");
    assert_eq!(why.request_id.as_deref(), Some("req-2"));
    assert_eq!(inventory.calls[0].request_id.as_deref(), Some("req-2"));
}

#[tokio::test]
async fn a_secret_is_not_shown_in_part_either() {
    let cloud = FakeCloud::without_keystone().await;
    // An excerpt of this body ends within the password.
    let page = format!("<pre>{}{PASSWORD}</pre>", "x".repeat(60));
    let answer = ResponseTemplate::new(201).insert_header("X-Subject-Token", TOKEN).set_body_string(page);
    Mock::given(method("POST")).and(path(TOKENS)).respond_with(answer).mount(&cloud.server).await;
    let why = cloud.images_trouble().await;
    assert!(why.message.contains("not what keystone promises"), "{why}");
    assert!(!why.message.contains(&PASSWORD[..6]), "{why}");
}

#[tokio::test]
async fn a_keystone_that_wants_several_factors_says_which() {
    let cloud = FakeCloud::without_keystone().await;
    let body = json!({
        "receipt": {"methods": ["password"]},
        "required_auth_methods": [["password", "totp"], ["password", "mapped"]],
    });
    cloud.keystone(401, "", &body).await;
    let inventory = cloud.collect(&[FactId::Token]).await;
    let why = inventory.unavailable(FactId::Token).unwrap();
    assert_eq!((why.reason, why.status), (Reason::Authentication, Some(401)));
    assert!(why.message.contains("password and totp, or password and mapped"), "{why}");
    assert!(why.message.contains("v3multifactor"), "{why}");
}

#[tokio::test]
async fn a_catalog_with_an_odd_url_still_logs_in() {
    let cloud = FakeCloud::without_keystone().await;
    let odd = "http://[not-an-address]:port/v2.1/$(tenant_id)s";
    let mut body = cloud.token_body();
    body["token"]["catalog"][1]["endpoints"][1]["url"] = odd.into();
    cloud.keystone(201, TOKEN, &body).await;
    cloud.json(crate::support::IMAGES, json!({"images": []})).await;
    let inventory = cloud.collect(&[FactId::Token, FactId::Images, FactId::Flavors]).await;
    assert_eq!(inventory.token.value().unwrap().catalog[1].endpoints[1].url, odd);
    assert!(inventory.images.value().is_some());
    let why = inventory.unavailable(FactId::Flavors).unwrap();
    assert_eq!(why.reason, Reason::Malformed, "{why}");
    assert!(why.message.contains("no http or https URL"), "{why}");
}
