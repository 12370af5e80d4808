use std::time::{Duration, Instant};

use assay_inventory::{FactId, Reason};
use serde_json::json;
use wiremock::Mock;
use wiremock::ResponseTemplate;
use wiremock::matchers::{method, path};

use crate::support::{FakeCloud, IMAGES, TOKEN, collect_with, raw_server, say, settings};

fn body(status: u16, content_type: &str, text: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(text, content_type)
}

#[tokio::test]
async fn useless_answers_say_what_is_wrong_with_them() {
    let json = "application/json";
    for (answer, reason, status, words) in [
        (
            body(
                403,
                "text/html",
                "<html><title>403 Forbidden</title><body><h1>403 Forbidden</h1>No images for you</body></html>",
            ),
            Reason::Refused,
            403,
            "403 Forbidden No images for you",
        ),
        (
            body(404, json, r#"{"itemNotFound": {"message": "nothing here"}}"#),
            Reason::Refused,
            404,
            "nothing here",
        ),
        (
            body(500, json, r#"{"computeFault": {"message": "Unexpected API Error", "code": 500}}"#),
            Reason::ServerError,
            500,
            "Unexpected API Error",
        ),
        (body(500, json, ""), Reason::ServerError, 500, "Internal Server Error"),
        (body(300, json, r#"{"versions": []}"#), Reason::Malformed, 300, "a redirect without a target"),
        (
            body(200, "text/html", "<html><body>Welcome</body></html>"),
            Reason::Malformed,
            200,
            "no JSON (text/html, a body that begins with \"<html>",
        ),
        (body(200, json, r#"{"images": [{"id": "1", "na"#), Reason::Malformed, 200, "ends too early"),
        (body(200, json, ""), Reason::Malformed, 200, "an empty body"),
        (body(204, json, ""), Reason::Malformed, 204, "an empty body"),
        (body(200, json, "[]"), Reason::Malformed, 200, "no JSON object"),
        (
            body(200, json, r#"{"pictures": []}"#),
            Reason::Malformed,
            200,
            r#"has no "images", but has [pictures]"#,
        ),
        (body(200, json, r#"{"images": {"id": 1}}"#), Reason::Malformed, 200, "is no list"),
        (body(200, json, r#"{"images": [{"id": "1"}, "2"]}"#), Reason::Malformed, 200, "item 1"),
        (body(200, json, r#"{"images": [], "next": 7}"#), Reason::Malformed, 200, "no text"),
        (
            body(200, json, &format!(r#"{{"images": {}1{}}}"#, "[".repeat(5000), "]".repeat(5000))),
            Reason::Malformed,
            200,
            "no JSON",
        ),
    ] {
        let cloud = FakeCloud::start().await;
        cloud.answer(IMAGES, answer.insert_header("x-openstack-request-id", "req-1")).await;
        let why = cloud.images_trouble().await;
        assert_eq!((why.reason, why.status), (reason, Some(status)), "{why}");
        assert!(why.message.contains(words), "{why}\nlacks {words}");
        assert!(why.message.len() < 700, "{why}");
        assert_eq!(why.request_id.as_deref(), Some("req-1"));
        assert!(why.request.unwrap().starts_with("GET http://127.0.0.1:"));
    }
}

#[tokio::test]
async fn one_broken_service_does_not_spoil_the_others() {
    let cloud = FakeCloud::start().await;
    cloud.answer(IMAGES, ResponseTemplate::new(500)).await;
    cloud.json("/network/v2.0/subnetpools", json!({"subnetpools": []})).await;
    let inventory = cloud.collect(&[FactId::Images, FactId::SubnetPools]).await;
    assert!(inventory.unavailable(FactId::Images).is_some());
    assert!(inventory.subnet_pools.value().is_some());
}

#[tokio::test]
async fn odd_values_are_kept_as_they_come() {
    let cloud = FakeCloud::start().await;
    let images = json!([
        {"id": "1", "name": null, "min_disk": null, "size": -1, "os_version": 24.04, "tags": "none"},
        {"name": "no id", "size": 18_446_744_073_709_551_615_u64, "created_at": "yesterday", "hw_disk_bus": {"a": [null]}},
        {},
    ]);
    cloud.json(IMAGES, json!({"images": images, "next": null})).await;
    let inventory = cloud.collect(&[FactId::Images]).await;
    assert_eq!(serde_json::to_value(inventory.images.value().unwrap()).unwrap(), images);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let cloud = FakeCloud::start().await;
    cloud.answer(IMAGES, ResponseTemplate::new(200).set_delay(Duration::from_secs(30))).await;
    let mut quick = settings();
    quick.timeout = Duration::from_secs(1);
    let start = Instant::now();
    let (inventory, _) = collect_with(&cloud.config(), &quick, &[FactId::Images]).await;
    assert_eq!(inventory.unavailable(FactId::Images).unwrap().reason, Reason::Timeout);
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(inventory.calls.iter().filter(|call| call.fact == FactId::Images).count(), 1);
}

#[tokio::test]
async fn an_overloaded_service_is_asked_again_after_the_pause_it_wants() {
    let cloud = FakeCloud::start().await;
    let busy = ResponseTemplate::new(429).insert_header("Retry-After", "1");
    Mock::given(method("GET"))
        .and(path(IMAGES))
        .respond_with(busy)
        .up_to_n_times(1)
        .mount(&cloud.server)
        .await;
    cloud.json(IMAGES, json!({"images": []})).await;
    let inventory = cloud.collect(&[FactId::Images]).await;
    assert!(inventory.images.value().is_some());
    let calls: Vec<_> = inventory.calls.iter().filter(|call| call.fact == FactId::Images).collect();
    assert_eq!((calls[0].status, calls[0].attempt), (Some(429), 1));
    assert_eq!((calls[1].status, calls[1].attempt), (Some(200), 2));
    assert!(calls[1].started_us - calls[0].started_us >= 1_000_000);
}

#[tokio::test]
async fn retries_end() {
    let cloud = FakeCloud::start().await;
    cloud.answer(IMAGES, ResponseTemplate::new(503)).await;
    assert_eq!(cloud.images_trouble().await.status, Some(503));
    assert_eq!(cloud.requests(IMAGES).await.len(), 3);

    let cloud = FakeCloud::start().await;
    cloud.answer(IMAGES, ResponseTemplate::new(503).insert_header("Retry-After", "3600")).await;
    assert_eq!(cloud.images_trouble().await.status, Some(503));
    assert_eq!(cloud.requests(IMAGES).await.len(), 1);
}

#[tokio::test]
async fn a_lost_connection_is_made_again() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 14\r\n\r\n";
    let port = raw_server(vec![|_| {}, |stream| say(stream, &HEAD[..30]), |stream| {
        say(stream, HEAD);
        say(stream, r#"{"images": []}"#);
    }]);
    let cloud = FakeCloud::without_keystone().await;
    let mut body = cloud.token_body();
    body["token"]["catalog"][2]["endpoints"][1]["url"] = format!("http://127.0.0.1:{port}").into();
    cloud.keystone(201, TOKEN, &body).await;
    let inventory = cloud.collect(&[FactId::Images]).await;
    assert!(inventory.images.value().is_some(), "{:?}", inventory.images);
    assert_eq!(inventory.calls.last().unwrap().attempt, 3);
}

#[tokio::test]
async fn a_body_that_ends_too_early_is_asked_for_again() {
    let port = raw_server(vec![|stream| {
        say(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"images\": [");
    }]);
    let cloud = FakeCloud::without_keystone().await;
    let mut body = cloud.token_body();
    body["token"]["catalog"][2]["endpoints"][1]["url"] = format!("http://127.0.0.1:{port}").into();
    cloud.keystone(201, TOKEN, &body).await;
    let inventory = cloud.collect(&[FactId::Images]).await;
    assert_eq!(inventory.unavailable(FactId::Images).unwrap().reason, Reason::Unreachable);
    assert_eq!(inventory.calls.len(), 4);
}
