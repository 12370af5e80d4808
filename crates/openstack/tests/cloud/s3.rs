use assay_inventory::{Fact, FactId, S3Presence};
use wiremock::ResponseTemplate;

use crate::support::{FakeCloud, TOKEN, dead_port};

async fn cloud_with_store_at(url: &str) -> FakeCloud {
    let cloud = FakeCloud::without_keystone().await;
    let mut body = cloud.token_body();
    body["token"]["catalog"][5]["endpoints"][1]["url"] = url.into();
    cloud.keystone(201, TOKEN, &body).await;
    cloud
}

async fn presence(cloud: &FakeCloud) -> S3Presence {
    match cloud.collect(&[FactId::S3Presence]).await.s3_presence {
        Fact::Known(presence) => presence,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_store_is_asked_with_a_signature_and_without_a_token() {
    let cloud = FakeCloud::start().await;
    let error = "<?xml version='1.0'?><Error><Code>InvalidAccessKeyId</Code></Error>";
    let answer = ResponseTemplate::new(403).insert_header("x-amz-request-id", "tx1").set_body_string(error);
    cloud.answer("/", answer).await;
    match presence(&cloud).await {
        S3Presence::Answered { endpoint, answer } => {
            assert_eq!(endpoint, cloud.server.uri());
            assert_eq!((answer.status, answer.code.as_deref()), (403, Some("InvalidAccessKeyId")));
            assert_eq!(answer.request_id.as_deref(), Some("tx1"));
        }
        other => panic!("{other:?}"),
    }
    let requests = cloud.requests("/").await;
    assert_eq!(requests.len(), 1);
    assert!(!requests[0].headers.contains_key("x-auth-token"));
    let authorization = requests[0].headers["authorization"].to_str().unwrap();
    assert!(authorization.contains("Credential=doesnotexist/"), "{authorization}");
    assert!(authorization.contains("/us-east-1/s3/aws4_request"), "{authorization}");
}

#[tokio::test]
async fn a_failing_store_is_asked_five_times() {
    let cloud = FakeCloud::start().await;
    cloud.answer("/", ResponseTemplate::new(503)).await;
    assert!(matches!(presence(&cloud).await, S3Presence::Answered { answer, .. } if answer.status == 503));
    assert_eq!(cloud.requests("/").await.len(), 5);
}

#[tokio::test]
async fn a_store_that_is_down_gives_no_answer() {
    let cloud = cloud_with_store_at(&format!("http://127.0.0.1:{}/v1", dead_port())).await;
    assert!(
        matches!(presence(&cloud).await, S3Presence::NoAnswer { message, .. } if message.starts_with("no connection"))
    );
}

#[tokio::test]
async fn an_endpoint_without_a_path_is_not_asked() {
    let cloud = cloud_with_store_at("https://swift.example.com").await;
    assert_eq!(presence(&cloud).await, S3Presence::NotSent { endpoint: "https://swift.example.com".into() });
}

#[tokio::test]
async fn no_store_and_no_endpoint_are_told_apart() {
    let cloud = FakeCloud::without_keystone().await;
    let mut body = cloud.token_body();
    body["token"]["catalog"][5]["endpoints"].as_array_mut().unwrap().pop();
    cloud.keystone(201, TOKEN, &body).await;
    assert_eq!(presence(&cloud).await, S3Presence::NoEndpoint);

    let cloud = FakeCloud::without_keystone().await;
    let mut body = cloud.token_body();
    body["token"]["catalog"].as_array_mut().unwrap().pop();
    cloud.keystone(201, TOKEN, &body).await;
    assert_eq!(presence(&cloud).await, S3Presence::NoObjectStore);
}
