use std::thread;
use std::time::Duration;

use assay_inventory::{FactId, Reason};
use serde_json::{Value, json};
use tempfile::TempDir;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, ResponseTemplate};

use crate::support::{
    FLAVORS, FakeCloud, IMAGES, PASSWORD, SECOND_TOKEN, TOKEN, TOKENS, collect_with, config_for, dead_port,
    raw_server, readable, say, settings,
};

#[tokio::test]
async fn a_wrong_password_spoils_every_fact_and_is_tried_once() {
    let cloud = FakeCloud::without_keystone().await;
    let body = json!({"error": {"code": 401, "message": "The request you have made requires authentication.", "title": "Unauthorized"}});
    cloud.keystone(401, "", &body).await;
    let inventory = cloud.collect(&readable()).await;
    for fact in readable() {
        let why = inventory.unavailable(fact).unwrap();
        assert_eq!((why.reason, why.status), (Reason::Authentication, Some(401)), "{fact}");
        assert!(why.message.contains("requires authentication"), "{why}");
    }
    assert!(inventory.unavailable(FactId::Images).unwrap().message.starts_with("authentication failed: "));
    assert_eq!(cloud.requests(TOKENS).await.len(), 1);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_all() {
    let cloud = FakeCloud::without_keystone().await;
    let body = cloud.token_body();
    for (token, times) in [(TOKEN, 1), (SECOND_TOKEN, 9)] {
        let answer = ResponseTemplate::new(201).insert_header("X-Subject-Token", token).set_body_json(&body);
        Mock::given(method("POST"))
            .and(path(TOKENS))
            .respond_with(answer)
            .up_to_n_times(times)
            .mount(&cloud.server)
            .await;
    }
    for (at, answer) in [(IMAGES, json!({"images": []})), (FLAVORS, json!({"flavors": []}))] {
        Mock::given(method("GET"))
            .and(path(at))
            .and(header("x-auth-token", TOKEN))
            .respond_with(ResponseTemplate::new(401).set_delay(Duration::from_millis(50)))
            .mount(&cloud.server)
            .await;
        cloud.json(at, answer).await;
    }
    let inventory = cloud.collect(&[FactId::Images, FactId::Flavors]).await;
    assert!(inventory.images.value().is_some() && inventory.flavors.value().is_some());
    assert_eq!(cloud.requests(TOKENS).await.len(), 2);
    assert_eq!(cloud.requests(IMAGES).await.len(), 2);
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_the_end() {
    let cloud = FakeCloud::without_keystone().await;
    let answer =
        ResponseTemplate::new(201).insert_header("X-Subject-Token", TOKEN).set_body_json(cloud.token_body());
    Mock::given(method("POST"))
        .and(path(TOKENS))
        .respond_with(answer)
        .up_to_n_times(1)
        .mount(&cloud.server)
        .await;
    cloud.keystone(401, "", &json!({"error": {"code": 401, "message": "the password has expired"}})).await;
    cloud.answer(IMAGES, ResponseTemplate::new(401)).await;
    let why = cloud.images_trouble().await;
    assert_eq!((why.reason, why.status), (Reason::Authentication, Some(401)));
    assert!(why.message.contains("the password has expired"), "{why}");
    assert_eq!(cloud.requests(IMAGES).await.len(), 1);
}

#[tokio::test]
async fn a_service_that_refuses_every_token_does_not_loop() {
    let cloud = FakeCloud::start().await;
    cloud.answer(IMAGES, ResponseTemplate::new(401)).await;
    let why = cloud.images_trouble().await;
    assert_eq!((why.reason, why.status), (Reason::Authentication, Some(401)));
    assert_eq!(cloud.requests(IMAGES).await.len(), 2);
    assert_eq!(cloud.requests(TOKENS).await.len(), 2);
}

#[tokio::test]
async fn an_overloaded_keystone_is_asked_again() {
    let cloud = FakeCloud::without_keystone().await;
    Mock::given(method("POST"))
        .and(path(TOKENS))
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(1)
        .mount(&cloud.server)
        .await;
    cloud.keystone(201, TOKEN, &cloud.token_body()).await;
    let inventory = cloud.collect(&[FactId::Token]).await;
    assert!(inventory.token.value().is_some());
    let attempts: Vec<_> = inventory.calls.iter().map(|call| (call.attempt, call.status)).collect();
    assert_eq!(attempts, [(1, Some(503)), (2, Some(201))]);
}

#[tokio::test]
async fn trouble_with_keystone_is_told_apart() {
    let silent = raw_server(vec![|_| thread::sleep(Duration::from_secs(10))]);
    let nonsense = raw_server(vec![|stream| say(stream, "SSH-2.0-OpenSSH_9.9\r\n")]);
    let html = raw_server(vec![|stream| {
        say(stream, "HTTP/1.1 201 Created\r\ncontent-length: 13\r\nx-subject-token: x\r\n\r\n<html></html>");
    }]);
    let broken = raw_server(vec![|stream| say(stream, "HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\noops")]);
    for (url, reason, words) in [
        (format!("http://127.0.0.1:{}", dead_port()), Reason::Unreachable, "no connection: "),
        ("http://no-such-host.invalid:5000/v3".into(), Reason::Unreachable, "no connection: "),
        (format!("http://127.0.0.1:{silent}/v3"), Reason::Timeout, "no answer in time"),
        (format!("https://127.0.0.1:{nonsense}/v3"), Reason::Tls, "no TLS connection: "),
        (format!("http://127.0.0.1:{nonsense}/v3"), Reason::Malformed, "the answer is not HTTP"),
        (format!("http://127.0.0.1:{html}/v3"), Reason::Malformed, "not what keystone promises"),
        (format!("http://127.0.0.1:{broken}/v3"), Reason::ServerError, "oops"),
    ] {
        let directory = TempDir::new().unwrap();
        let config = config_for(&directory, &url);
        let mut settings = settings();
        if reason == Reason::Timeout {
            settings.timeout = Duration::from_secs(1);
        }
        let (inventory, _) = collect_with(&config, &settings, &[FactId::Token, FactId::Images]).await;
        for fact in [FactId::Token, FactId::Images] {
            let why = inventory.unavailable(fact).unwrap();
            assert_eq!(why.reason, reason, "{url}: {why}");
            assert!(why.message.contains(words), "{url}: {why}");
            assert!(why.request.as_ref().unwrap().ends_with("/v3/auth/tokens"), "{url}: {why}");
        }
    }
}

#[tokio::test]
async fn an_application_credential_gets_a_token_of_its_project() {
    let cloud = FakeCloud::without_keystone().await;
    let mut body = cloud.token_body();
    body["token"]["application_credential"] = json!({"id": "ac1", "name": "checks", "restricted": true});
    // The catalog of a careless operator.
    body["token"]["catalog"] = json!([{"type": "image", "endpoints": null}, {"type": "dns", "name": null, "endpoints": [
        {"interface": "public", "region": null, "url": ""},
    ]}]);
    cloud.keystone(201, TOKEN, &body).await;
    for (auth, credential) in [
        ("application_credential_id: ac1", json!({"id": "ac1", "secret": PASSWORD})),
        (
            "application_credential_name: checks, username: demo, user_domain_name: Default",
            json!({"name": "checks", "secret": PASSWORD, "user": {"name": "demo", "domain": {"name": "Default"}}}),
        ),
        (
            "application_credential_name: checks, user_id: u1",
            json!({"name": "checks", "secret": PASSWORD, "user": {"id": "u1"}}),
        ),
    ] {
        let config = cloud.config_with(
            "v3applicationcredential",
            &format!("application_credential_secret: {PASSWORD}, {auth}"),
        );
        let (inventory, _) = collect_with(&config, &settings(), &[FactId::Token]).await;
        let token = inventory.token.value().unwrap();
        assert!(token.application_credential.as_ref().unwrap().restricted);
        assert_eq!((token.project.as_ref().unwrap().id.as_str(), token.catalog.len()), ("p1", 2));
        assert_eq!((inventory.calls[0].method.as_str(), inventory.calls[0].status), ("POST", Some(201)));
        let sent = cloud.requests(TOKENS).await.pop().unwrap().body_json::<Value>().unwrap();
        let identity = json!({"methods": ["application_credential"], "application_credential": credential});
        assert_eq!(sent, json!({"auth": {"identity": identity}}));
    }
    let config = cloud.config_with("v3applicationcredential", "application_credential_id: x");
    let (inventory, _) = collect_with(&config, &settings(), &[FactId::Token]).await;
    let why = inventory.unavailable(FactId::Token).unwrap();
    assert_eq!(why.reason, Reason::Configuration);
    assert!(why.message.contains("application_credential_secret"), "{why}");
}

#[tokio::test]
async fn a_refused_application_credential_says_why() {
    let cloud = FakeCloud::without_keystone().await;
    let said = format!("Could not find Application Credential {PASSWORD}.");
    cloud.keystone(404, "", &json!({"error": {"code": 404, "message": said}})).await;
    let auth = format!("application_credential_secret: {PASSWORD}, application_credential_id: ac1");
    let config = cloud.config_with("v3applicationcredential", &auth);
    let (inventory, _) = collect_with(&config, &settings(), &[FactId::Token]).await;
    let why = inventory.unavailable(FactId::Token).unwrap();
    assert_eq!((why.reason, why.status), (Reason::Refused, Some(404)));
    assert_eq!(why.message, "Could not find Application Credential [redacted].");
    assert!(why.request.as_ref().unwrap().starts_with("POST "), "{why}");
}

#[tokio::test]
async fn incomplete_credentials_are_told_without_a_request() {
    let cloud = FakeCloud::start().await;
    for (kind, auth, words) in [
        ("v3password", "username: demo, user_domain_name: Default", "by password needs password"),
        ("v3password", "username: demo, password: x", "needs user_domain_id or user_domain_name"),
        (
            "v3password",
            "username: demo, password: x, domain_id: y",
            "needs user_domain_id or user_domain_name",
        ),
        ("v3password", "password: x", "needs user_id or username"),
        ("v3token", "project_name: x", "by token needs token"),
        ("v3totp", "user_id: x", "by totp needs passcode"),
        (
            "v3multifactor, auth_methods: [password, totp]",
            "user_id: x, password: y",
            "by totp needs passcode",
        ),
    ] {
        let config = cloud.config_with(kind, auth);
        let (inventory, _) = collect_with(&config, &settings(), &[FactId::Token]).await;
        let why = inventory.unavailable(FactId::Token).unwrap();
        assert_eq!(why.reason, Reason::Configuration, "{auth}: {why}");
        assert!(why.message.contains(words), "{auth}: {why}");
    }
    assert!(cloud.server.received_requests().await.unwrap().is_empty());
}
