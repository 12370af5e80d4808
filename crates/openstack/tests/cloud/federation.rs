use assay_inventory::{FactId, Inventory, Reason};
use serde_json::{Value, json};
use wiremock::matchers::{any, body_string_contains, header, header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{FakeCloud, PASSWORD, SECOND_TOKEN, TOKEN, TOKENS, collect_with, settings};

/// Where keystone takes access tokens; the name of the provider is encoded.
const EXCHANGE: &str = "/identity/v3/OS-FEDERATION/identity_providers/my%20idp/protocols/openid/auth";
const GRANT: &str = "/realms/r/token";
const DISCOVERY: &str = "/realms/r/.well-known/openid-configuration";
const ACCESS_TOKEN: &str = "eyJ-access-token-that-nobody-may-see";
const PROVIDER: &str = "identity_provider: my idp, protocol: openid";
const PROJECT: &str = "project_name: demo, project_domain_name: Default";

/// A keystone that gives an unscoped token for the access token, and a scoped one for that.
async fn federated_cloud() -> FakeCloud {
    let cloud = FakeCloud::without_keystone().await;
    let unscoped = json!({"token": {
        "methods": ["mapped"],
        "user": {"id": "u1", "name": "demo", "OS-FEDERATION": {"groups": []}, "domain": {"id": "Federated"}},
        "expires_at": "2099-01-01T00:00:00.000000Z",
    }});
    let bearer = format!("Bearer {ACCESS_TOKEN}");
    let answer =
        ResponseTemplate::new(201).insert_header("X-Subject-Token", SECOND_TOKEN).set_body_json(unscoped);
    Mock::given(method("POST"))
        .and(path(EXCHANGE))
        .and(header("authorization", bearer.as_str()))
        .respond_with(answer)
        .mount(&cloud.server)
        .await;
    cloud.keystone(201, TOKEN, &cloud.token_body()).await;
    cloud
}

/// An identity provider that gives the access token to a client with the right secret.
async fn provider() -> MockServer {
    let server = MockServer::start().await;
    let grant = |name: &str| {
        ResponseTemplate::new(200)
            .set_body_json(json!({name: ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 300}))
    };
    // The client `checks` with the secret of the tests, in base 64.
    let basic = "Basic Y2hlY2tzOnBhNTV3b3JkLXRoYXQtbm9ib2R5LW1heS1zZWU=";
    Mock::given(method("POST"))
        .and(path(GRANT))
        .and(header("authorization", basic))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(body_string_contains("grant_type=client_credentials&scope=openid+profile"))
        .respond_with(grant("access_token"))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path(GRANT))
        .and(body_string_contains("grant_type=client_credentials&scope=mine&client_id=public"))
        .respond_with(grant("id_token"))
        .mount(&server)
        .await;
    server
}

async fn login(cloud: &FakeCloud, auth_type: &str, auth: &str) -> Inventory {
    let config = cloud.config_with(auth_type, &format!("{PROVIDER}, {auth}"));
    let (inventory, _) = collect_with(&config, &settings(), &[FactId::Token]).await;
    let shown = format!("{} {config:?}", serde_json::to_string(&inventory).unwrap());
    assert!(!shown.contains(ACCESS_TOKEN), "{shown}");
    inventory
}

#[tokio::test]
async fn an_access_token_is_exchanged_and_then_scoped() {
    let cloud = federated_cloud().await;
    let auth = format!("access_token: {ACCESS_TOKEN}, {PROJECT}");
    let inventory = login(&cloud, "v3oidcaccesstoken", &auth).await;
    assert_eq!(inventory.token.value().unwrap().project.as_ref().unwrap().id, "p1");
    let sent = cloud.requests(TOKENS).await.pop().unwrap().body_json::<Value>().unwrap();
    assert_eq!(
        sent,
        json!({"auth": {
            "identity": {"methods": ["token"], "token": {"id": SECOND_TOKEN}},
            "scope": {"project": {"name": "demo", "domain": {"name": "Default"}}},
        }})
    );
    let exchange = cloud.requests(EXCHANGE).await.pop().unwrap();
    assert!(exchange.body.is_empty());
    let calls: Vec<_> = inventory.calls.iter().map(|call| (call.fact, call.status)).collect();
    assert_eq!(calls, [(FactId::Token, Some(201)); 2]);
}

#[tokio::test]
async fn without_a_scope_the_first_token_stays() {
    let cloud = federated_cloud().await;
    let inventory = login(&cloud, "v3oidcaccesstoken", &format!("access_token: {ACCESS_TOKEN}")).await;
    let token = inventory.token.value().unwrap();
    assert_eq!((token.user.as_str(), &token.project, token.catalog.len()), ("demo", &None, 0));
    assert!(cloud.requests(TOKENS).await.is_empty());
}

#[tokio::test]
async fn the_secret_of_a_client_becomes_an_access_token() {
    let provider = provider().await;
    let endpoint = format!("{}{GRANT}", provider.uri());
    let discovered = json!({"issuer": "x", "token_endpoint": endpoint});
    Mock::given(method("GET"))
        .and(path(DISCOVERY))
        .respond_with(ResponseTemplate::new(200).set_body_json(discovered))
        .mount(&provider)
        .await;
    let discovery = format!("{}{DISCOVERY}", provider.uri());
    for (auth, calls) in [
        (format!("client_id: checks, client_secret: {PASSWORD}, access_token_endpoint: '{endpoint}'"), 3),
        (format!("client_id: checks, client_secret: {PASSWORD}, discovery_endpoint: '{discovery}'"), 4),
        (
            format!(
                "client_id: public, openid_scope: mine, access_token_type: id_token, access_token_endpoint: '{endpoint}'"
            ),
            3,
        ),
    ] {
        let cloud = federated_cloud().await;
        let inventory = login(&cloud, "v3oidcclientcredentials", &format!("{auth}, {PROJECT}")).await;
        assert_eq!(inventory.unavailable(FactId::Token), None, "{auth}");
        assert!(inventory.token.value().unwrap().project.is_some());
        assert_eq!(inventory.calls.len(), calls, "{auth}: {:?}", inventory.calls);
    }
}

#[tokio::test]
async fn no_secret_follows_where_a_provider_points() {
    let foreign = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"access_token": "stolen"})))
        .mount(&foreign)
        .await;
    let provider = MockServer::start().await;
    let document = ResponseTemplate::new(200).set_body_json(json!({"token_endpoint": foreign.uri()}));
    Mock::given(path(DISCOVERY)).respond_with(document).mount(&provider).await;
    let moved = ResponseTemplate::new(307).insert_header("Location", foreign.uri());
    Mock::given(path(GRANT)).respond_with(moved).mount(&provider).await;
    let uri = provider.uri();
    for place in
        [format!("discovery_endpoint: '{uri}{DISCOVERY}'"), format!("access_token_endpoint: '{uri}{GRANT}'")]
    {
        let cloud = federated_cloud().await;
        let auth = format!("client_id: checks, client_secret: {PASSWORD}, {place}");
        let inventory = login(&cloud, "v3oidcclientcredentials", &auth).await;
        let why = inventory.unavailable(FactId::Token).unwrap();
        assert_eq!(why.reason, Reason::ForeignLink, "{why}");
        assert!(why.message.contains(&foreign.uri()), "{why}");
        assert!(cloud.server.received_requests().await.unwrap().is_empty());
    }
    // Keystone itself may send a browser to its provider; nobody else goes there.
    let cloud = FakeCloud::without_keystone().await;
    let moved = ResponseTemplate::new(302).insert_header("Location", foreign.uri());
    Mock::given(header_exists("authorization")).respond_with(moved).mount(&cloud.server).await;
    let inventory = login(&cloud, "v3oidcaccesstoken", &format!("access_token: {ACCESS_TOKEN}")).await;
    assert_eq!(inventory.unavailable(FactId::Token).unwrap().reason, Reason::ForeignLink);
    assert!(foreign.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn trouble_on_the_way_is_told_apart() {
    let provider = MockServer::start().await;
    let answer = |status: u16, body: Value| ResponseTemplate::new(status).set_body_json(body);
    let said = json!({"error": "invalid_client", "error_description": format!("no such secret: {PASSWORD}")});
    Mock::given(path("/refusing")).respond_with(answer(401, said)).mount(&provider).await;
    Mock::given(path("/empty")).respond_with(answer(200, json!({}))).mount(&provider).await;
    let page = ResponseTemplate::new(200).set_body_string("<html>log in</html>");
    Mock::given(path("/page")).respond_with(page).mount(&provider).await;
    let uri = provider.uri();
    for (at, reason, words) in [
        (
            "access_token_endpoint: 'URI/refusing'",
            Reason::Authentication,
            "invalid_client: no such secret: [redacted]",
        ),
        ("access_token_endpoint: 'URI/empty'", Reason::Malformed, "holds no access_token"),
        ("access_token_endpoint: 'URI/page'", Reason::Malformed, "gives no JSON"),
        ("discovery_endpoint: 'URI/empty'", Reason::Malformed, "no usable token_endpoint"),
        ("discovery_endpoint: 'ldap://x'", Reason::Configuration, "discovery_endpoint must be"),
        ("user_id: x", Reason::Configuration, "access_token_endpoint or discovery_endpoint"),
    ] {
        let cloud = federated_cloud().await;
        let at = at.replace("URI", &uri);
        let auth = format!("client_id: checks, client_secret: {PASSWORD}, {at}");
        let inventory = login(&cloud, "v3oidcclientcredentials", &auth).await;
        let why = inventory.unavailable(FactId::Token).unwrap();
        assert_eq!(why.reason, reason, "{at}: {why}");
        assert!(why.message.contains(words), "{at}: {why}");
        assert!(cloud.server.received_requests().await.unwrap().is_empty(), "{at}");
    }
    // Keystone does not know the access token, and mirrors it.
    let cloud = FakeCloud::without_keystone().await;
    let said = json!({"error": {"code": 401, "message": format!("bad token {ACCESS_TOKEN}")}});
    Mock::given(path(EXCHANGE)).respond_with(answer(401, said)).mount(&cloud.server).await;
    let inventory = login(&cloud, "v3oidcaccesstoken", &format!("access_token: {ACCESS_TOKEN}")).await;
    let why = inventory.unavailable(FactId::Token).unwrap();
    assert_eq!((why.reason, why.message.as_str()), (Reason::Authentication, "bad token [redacted]"));
    assert!(why.request.as_ref().unwrap().contains("/OS-FEDERATION/"), "{why}");
}

#[tokio::test]
async fn tokens_that_were_got_on_the_way_are_not_shown_either() {
    let provider = provider().await;
    let auth = format!(
        "client_id: checks, client_secret: {PASSWORD}, access_token_endpoint: '{}{GRANT}', {PROJECT}",
        provider.uri()
    );
    for (at, mirrored) in [(EXCHANGE, ACCESS_TOKEN), (TOKENS, SECOND_TOKEN)] {
        let cloud = FakeCloud::without_keystone().await;
        let said = json!({"error": {"code": 401, "message": format!("bad token {mirrored}")}});
        Mock::given(path(at))
            .respond_with(ResponseTemplate::new(401).set_body_json(said))
            .mount(&cloud.server)
            .await;
        let unscoped = ResponseTemplate::new(201)
            .insert_header("X-Subject-Token", SECOND_TOKEN)
            .set_body_json(cloud.token_body());
        Mock::given(path(EXCHANGE)).respond_with(unscoped).mount(&cloud.server).await;
        let inventory = login(&cloud, "v3oidcclientcredentials", &auth).await;
        let why = inventory.unavailable(FactId::Token).unwrap();
        assert_eq!(why.message, "bad token [redacted]", "{at}");
    }
}

#[tokio::test]
async fn what_a_federated_login_lacks_is_told_without_a_request() {
    let cloud = federated_cloud().await;
    for (kind, auth, words) in [
        ("v3oidcaccesstoken", "identity_provider: x, protocol: y", "access_token"),
        ("v3oidcaccesstoken", "access_token: x, protocol: y", "identity_provider"),
        ("v3oidcaccesstoken", "access_token: x, identity_provider: y", "protocol"),
        ("v3oidcclientcredentials", "identity_provider: x, protocol: y", "client_id"),
        ("v3oidcclientcredentials", "identity_provider: x, client_id: y", "protocol"),
    ] {
        let (inventory, _) =
            collect_with(&cloud.config_with(kind, auth), &settings(), &[FactId::Token]).await;
        let why = inventory.unavailable(FactId::Token).unwrap();
        assert_eq!(why.reason, Reason::Configuration, "{auth}: {why}");
        assert!(why.message.ends_with(&format!("needs {words}")), "{auth}: {why}");
    }
    assert!(cloud.server.received_requests().await.unwrap().is_empty());
}
