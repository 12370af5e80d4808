use std::sync::atomic::{AtomicUsize, Ordering};

use assay_inventory::{FactId, Reason};
use assay_openstack::{Budgets, Probes, collect};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{any, method, path, query_param_is_missing};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::{FakeCloud, IMAGES, TOKEN, TOKENS, collect_with, raw_server, say, settings};

/// A server that answers everything nicely and must never be asked.
async fn foreign_host() -> MockServer {
    let server = MockServer::start().await;
    let nice = ResponseTemplate::new(200).set_body_json(json!({"images": [{"id": "stolen"}]}));
    Mock::given(any()).respond_with(nice).mount(&server).await;
    server
}

#[tokio::test]
async fn a_next_page_on_a_foreign_host_is_not_asked_for() {
    let foreign = foreign_host().await;
    let authority = foreign.uri().replace("http://", "");
    for link in [
        format!("http://{authority}/image/v2/images?marker=1"),
        format!("//{authority}/image/v2/images?marker=1"),
        format!("/\\{authority}/v2/images"),
        format!("http://127.0.0.1@{authority}/image/v2/images"),
    ] {
        let cloud = FakeCloud::start().await;
        cloud.json(IMAGES, json!({"images": [{"id": "1"}], "next": link})).await;
        let why = cloud.images_trouble().await;
        assert_eq!(why.reason, Reason::ForeignLink, "{link}: {why}");
        assert_eq!(cloud.requests(IMAGES).await.len(), 1);
    }
    assert!(foreign.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_next_page_of_another_service_is_not_asked_for() {
    let cloud = FakeCloud::start().await;
    cloud
        .json(IMAGES, json!({"images": [], "next": format!("{}/identity/v3/users", cloud.server.uri())}))
        .await;
    assert_eq!(cloud.images_trouble().await.reason, Reason::ForeignLink);
    assert_eq!(cloud.server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_redirect_to_a_foreign_host_gets_no_token() {
    let foreign = foreign_host().await;
    for status in [301, 302, 303, 307, 308] {
        let cloud = FakeCloud::start().await;
        let target = format!("{}/image/v2/images", foreign.uri());
        cloud.answer(IMAGES, ResponseTemplate::new(status).insert_header("Location", target)).await;
        let why = cloud.images_trouble().await;
        assert_eq!((why.reason, why.status), (Reason::ForeignLink, Some(status)), "{why}");
        assert!(why.message.contains(&foreign.uri()), "{why}");
    }
    assert!(foreign.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_redirected_login_gives_no_password_away() {
    let foreign = foreign_host().await;
    for status in [301, 302, 303, 307, 308] {
        let cloud = FakeCloud::without_keystone().await;
        let target = format!("{}/identity/v3/auth/tokens", foreign.uri());
        let moved = ResponseTemplate::new(status).insert_header("Location", target);
        Mock::given(method("POST")).and(path(TOKENS)).respond_with(moved).mount(&cloud.server).await;
        let inventory = cloud.collect(&[FactId::Token]).await;
        assert!(foreign.received_requests().await.unwrap().is_empty(), "{status} was followed");
        let why = inventory.unavailable(FactId::Token).unwrap();
        assert_eq!((why.reason, why.status), (Reason::ForeignLink, Some(status)), "{why}");
        assert!(why.message.contains(&foreign.uri()), "{why}");
        assert_eq!(cloud.requests(TOKENS).await.len(), 1);
    }
}

#[tokio::test]
async fn a_login_is_redirected_below_keystone_only() {
    let cloud = FakeCloud::without_keystone().await;
    let moved = ResponseTemplate::new(308).insert_header("Location", "/identity/v3/moved/auth/tokens");
    Mock::given(method("POST")).and(path(TOKENS)).respond_with(moved).mount(&cloud.server).await;
    let answer =
        ResponseTemplate::new(201).insert_header("X-Subject-Token", TOKEN).set_body_json(cloud.token_body());
    let at = "/identity/v3/moved/auth/tokens";
    Mock::given(method("POST")).and(path(at)).respond_with(answer).mount(&cloud.server).await;
    assert!(cloud.collect(&[FactId::Token]).await.token.value().is_some());
    let (first, second) = (cloud.requests(TOKENS).await.remove(0), cloud.requests(at).await.remove(0));
    assert_eq!(first.body, second.body);

    let https = cloud.server.uri().replace("http://", "https://");
    for (target, words, requests) in [
        ("/image/v2".to_owned(), "outside", 1),
        (format!("{https}{TOKENS}"), "put that scheme and port into auth_url", 1),
        (TOKENS.to_owned(), "again and again", 4),
    ] {
        let cloud = FakeCloud::without_keystone().await;
        let moved = ResponseTemplate::new(307).insert_header("Location", target.as_str());
        Mock::given(method("POST")).and(path(TOKENS)).respond_with(moved).mount(&cloud.server).await;
        let inventory = cloud.collect(&[FactId::Token]).await;
        let why = inventory.unavailable(FactId::Token).unwrap();
        assert!(why.message.contains(words), "{target}: {why}");
        assert_eq!(cloud.server.received_requests().await.unwrap().len(), requests, "{target}");
    }
}

#[tokio::test]
async fn a_redirect_below_the_endpoint_is_followed() {
    let cloud = FakeCloud::start().await;
    let moved = ResponseTemplate::new(302).insert_header("Location", "/image/v2/pictures");
    cloud.answer(IMAGES, moved).await;
    cloud.json("/image/v2/pictures", json!({"images": []})).await;
    let inventory = cloud.collect(&[FactId::Images]).await;
    assert!(inventory.images.value().is_some(), "{:?}", inventory.images);
    assert_eq!(cloud.requests("/image/v2/pictures").await[0].headers["x-auth-token"], TOKEN);
}

#[tokio::test]
async fn redirects_in_circles_end() {
    let cloud = FakeCloud::start().await;
    cloud.answer(IMAGES, ResponseTemplate::new(302).insert_header("Location", IMAGES)).await;
    assert_eq!(cloud.images_trouble().await.reason, Reason::Malformed);
    assert_eq!(cloud.requests(IMAGES).await.len(), 4);
}

#[tokio::test]
async fn pages_in_circles_end() {
    let cloud = FakeCloud::start().await;
    Mock::given(method("GET"))
        .and(path(IMAGES))
        .and(query_param_is_missing("marker"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"images": [], "next": "/v2/images?marker=1"})),
        )
        .mount(&cloud.server)
        .await;
    cloud.json(IMAGES, json!({"images": [{"id": "1"}], "next": "/v2/images?marker=1"})).await;
    let why = cloud.images_trouble().await;
    assert_eq!(why.reason, Reason::Malformed);
    assert!(why.message.contains("in circles"), "{why}");
    assert_eq!(cloud.requests(IMAGES).await.len(), 2);
}

#[tokio::test]
async fn pages_without_end_end() {
    let cloud = FakeCloud::start().await;
    let page = AtomicUsize::new(0);
    let endless = move |_: &Request| {
        let next = page.fetch_add(1, Ordering::Relaxed);
        ResponseTemplate::new(200)
            .set_body_json(json!({"images": [], "next": format!("/v2/images?marker={next}")}))
    };
    Mock::given(method("GET")).and(path(IMAGES)).respond_with(endless).mount(&cloud.server).await;
    assert_eq!(cloud.images_trouble().await.reason, Reason::TooLarge);
    assert_eq!(cloud.requests(IMAGES).await.len(), 1000);
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let endless = raw_server(vec![|stream| {
        say(stream, "HTTP/1.1 200 OK\r\n\r\n");
        for _ in 0..1000 {
            say(stream, &"x".repeat(1 << 16));
        }
    }]);
    let announced =
        raw_server(vec![|stream| say(stream, "HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n")]);
    for port in [endless, announced] {
        let cloud = FakeCloud::without_keystone().await;
        let mut body = cloud.token_body();
        body["token"]["catalog"][2]["endpoints"][1]["url"] = format!("http://127.0.0.1:{port}").into();
        cloud.keystone(201, TOKEN, &body).await;
        let mut small = settings();
        small.body_limit = 1 << 20;
        let (inventory, _) = collect_with(&cloud.config(), &small, &[FactId::Images]).await;
        let why = inventory.unavailable(FactId::Images).unwrap();
        assert_eq!(why.reason, Reason::TooLarge, "{why}");
    }
}

#[tokio::test]
async fn a_token_that_a_service_mirrors_stays_inside() {
    // A service that mirrors the headers of a request in its error page.
    let cloud = FakeCloud::start().await;
    let mirror = |request: &Request| {
        let token = request.headers["x-auth-token"].to_str().unwrap_or_default().to_owned();
        ResponseTemplate::new(400)
            .set_body_json(json!({"badRequest": {"message": format!("bad token {token}!")}}))
    };
    Mock::given(method("GET")).and(path(IMAGES)).respond_with(mirror).mount(&cloud.server).await;
    let why = cloud.images_trouble().await;
    assert_eq!(why.message, "bad token [redacted]!");
}

#[tokio::test]
async fn a_mirrored_s3_key_gets_into_no_message() {
    let cloud = FakeCloud::start().await;
    let mirror = |request: &Request| {
        let said = String::from_utf8_lossy(&request.body);
        ResponseTemplate::new(400).set_body_json(json!({"error": {"message": said}}))
    };
    Mock::given(method("POST"))
        .and(path("/identity/v3/credentials"))
        .respond_with(mirror)
        .mount(&cloud.server)
        .await;
    let state = tempfile::tempdir().unwrap();
    let request = assay_openstack::Request {
        facts: &[FactId::S3Features].into(),
        started_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        preflight: &|_| Ok(()),
        probes: Some(Probes { journals: state.path(), budgets: &Budgets::default(), thorough: true }),
        cancel: &CancellationToken::new(),
        events: &|_| (),
    };
    let inventory = collect(&cloud.config(), &settings(), &request).await;
    let sent = &cloud.requests("/identity/v3/credentials").await[0];
    let body: serde_json::Value = serde_json::from_slice(&sent.body).unwrap();
    let blob: serde_json::Value = serde_json::from_str(body["credential"]["blob"].as_str().unwrap()).unwrap();
    let why = inventory.unavailable(FactId::S3Features).unwrap();
    assert_eq!(why.status, Some(400));
    assert!(why.message.contains("assay-"), "the answer is shown: {why}");
    assert!(!why.message.contains(blob["secret"].as_str().unwrap()), "but not the key: {why}");
}
