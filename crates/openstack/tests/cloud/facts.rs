use std::collections::BTreeMap;

use assay_inventory::{Fact, FactId, Reason, S3Presence};
use assay_openstack::Event;
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, ResponseTemplate};

use crate::support::{
    FLAVORS, FakeCloud, IMAGES, TOKEN, VOLUME_TYPES, collect_if, collect_with, readable, settings,
};

async fn complete_cloud() -> FakeCloud {
    let cloud = FakeCloud::start().await;
    let flavors = json!({"flavors": [
        {"id": "1", "name": "SCS-1V-4", "ram": 4096, "links": [], "extra_specs": {"scs:name-v2": "SCS-1V-4"}},
        {"id": "2", "name": "plain", "ram": 1, "links": [], "extra_specs": {}},
    ]});
    let answer = ResponseTemplate::new(200)
        .insert_header("OpenStack-API-Version", "compute 2.61")
        .insert_header("x-openstack-request-id", "req-flavors")
        .set_body_json(flavors);
    cloud.answer(FLAVORS, answer).await;
    Mock::given(method("GET"))
        .and(path(IMAGES))
        .and(query_param("os_hidden", "true"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"images": [{"id": "h", "os_hidden": true}]})),
        )
        .mount(&cloud.server)
        .await;
    Mock::given(method("GET"))
        .and(path(IMAGES))
        .and(query_param_is_missing("os_hidden"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"images": [{
            "id": "i", "name": "Ubuntu 24.04", "os_purpose": "generic", "locations": [{"url": "rbd://x"}],
            "direct_url": "rbd://x", "file": "/v2/images/i/file", "self": "/v2/images/i", "schema": "/v2/schemas/image",
        }], "first": "/v2/images"})))
        .mount(&cloud.server)
        .await;
    cloud
        .json(
            VOLUME_TYPES,
            json!({"volume_types": [{"id": "v", "name": "LUKS", "description": "[scs:encrypted]"}]}),
        )
        .await;
    cloud
        .json("/network/v2.0/default-security-group-rules", json!({"default_security_group_rules": []}))
        .await;
    cloud.json("/network/v2.0/networks", json!({"networks": [{"id": "n", "router:external": true}]})).await;
    cloud.json("/network/v2.0/subnetpools", json!({"subnetpools": [{"id": "s"}]})).await;
    cloud.json("/network/v2.0/quotas/p1", json!({"quota": {"floatingip": 50}})).await;
    cloud.json("/", json!({})).await;
    cloud
}

#[tokio::test]
async fn every_fact_is_gathered_with_one_request_each() {
    let cloud = complete_cloud().await;
    let (inventory, events) = collect_with(&cloud.config(), &settings(), &readable()).await;

    let token = inventory.token.value().unwrap();
    assert_eq!((token.user.as_str(), token.roles.len()), ("demo", 2));
    assert_eq!(token.expires_at, Some("2099-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(token.catalog.len(), 6);
    let flavors = inventory.flavors.value().unwrap();
    assert_eq!(flavors[0].extra_spec("scs:name-v2"), Some("SCS-1V-4"));
    assert!(flavors.iter().all(|flavor| !flavor.has("links")));
    let image = &inventory.images.value().unwrap()[0];
    let fields: Vec<&str> = image.fields().map(|(name, _)| name).collect();
    assert_eq!(fields, ["id", "name", "os_purpose"]);
    assert!(inventory.hidden_images.value().unwrap()[0].is_hidden());
    assert_eq!(inventory.volume_types.value().unwrap()[0].name(), Some("LUKS"));
    assert_eq!(inventory.default_security_group_rules, Fact::Known(vec![]));
    assert_eq!(inventory.external_networks.value().unwrap().len(), 1);
    assert_eq!(inventory.subnet_pools.value().unwrap().len(), 1);
    assert_eq!(inventory.floating_ip_quota, Fact::Known(50));
    assert!(matches!(inventory.s3_presence, Fact::Known(S3Presence::NoAnswer { .. })));

    let mut seen = BTreeMap::new();
    for request in cloud.server.received_requests().await.unwrap() {
        let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        *seen.entry(format!("{} {}{query}", request.method, request.url.path())).or_insert(0) += 1;
        if request.method == "GET" && request.url.path() != "/" {
            assert_eq!(request.headers["x-auth-token"], TOKEN, "{}", request.url);
        }
    }
    let expected: BTreeMap<String, i32> = [
        "POST /identity/v3/auth/tokens",
        "GET /compute/v2.1/flavors/detail?is_public=None",
        "GET /image/v2/images?member_status=all&limit=1000",
        "GET /image/v2/images?os_hidden=true&member_status=all&limit=1000",
        "GET /volume/v3/p1/types",
        "GET /network/v2.0/default-security-group-rules",
        "GET /network/v2.0/networks?router%3Aexternal=True",
        "GET /network/v2.0/subnetpools",
        "GET /network/v2.0/quotas/p1",
        "GET /",
    ]
    .map(|request| (request.to_owned(), 1))
    .into();
    assert_eq!(seen, expected);

    assert_eq!(inventory.calls.len(), expected.len());
    assert_eq!(inventory.calls[0].fact, FactId::Token);
    let call = inventory.calls.iter().find(|call| call.fact == FactId::Flavors).unwrap();
    assert_eq!(call.request_id.as_deref(), Some("req-flavors"));
    assert_eq!((call.status, call.attempt), (Some(200), 1));
    assert!(call.bytes > 100 && call.started_us > 0 && call.duration_us > 0);

    assert_eq!(events[..2], [Event::Authenticating, Event::Authenticated]);
    let done = |events: &[Event], wanted| {
        events.iter().any(|event| matches!(event, Event::FactDone { fact, .. } if *fact == wanted))
    };
    assert!(readable().into_iter().all(|fact| done(&events, fact)), "{events:?}");
}

#[tokio::test]
async fn only_what_is_asked_for_is_gathered() {
    let cloud = complete_cloud().await;
    let inventory = cloud.collect(&[FactId::VolumeTypes]).await;
    assert!(inventory.volume_types.value().is_some());
    assert!(inventory.token.is_not_asked() && inventory.flavors.is_not_asked());
    assert_eq!(cloud.server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_preflight_can_refuse_the_token() {
    let cloud = complete_cloud().await;
    let refuse = |token: &assay_inventory::Token| Err(format!("{} is not welcome", token.user));
    let facts = [FactId::Token, FactId::Images, FactId::S3Presence];
    let (inventory, _) = collect_if(&cloud.config(), &settings(), &facts, &refuse).await;
    assert!(inventory.token.value().is_some());
    for fact in [FactId::Images, FactId::S3Presence] {
        let why = inventory.unavailable(fact).unwrap();
        assert_eq!((why.reason, why.message.as_str()), (Reason::Preflight, "demo is not welcome"));
    }
    assert!(inventory.flavors.is_not_asked());
    assert_eq!(cloud.server.received_requests().await.unwrap().len(), 1);
    assert_eq!(inventory.calls.len(), 1);
}

#[tokio::test]
async fn an_old_nova_is_asked_for_the_extra_specs_of_each_flavor() {
    let cloud = FakeCloud::start().await;
    Mock::given(method("GET"))
        .and(path(FLAVORS))
        .and(header("openstack-api-version", "compute 2.61"))
        .and(header("x-openstack-nova-api-version", "2.61"))
        .respond_with(ResponseTemplate::new(406))
        .mount(&cloud.server)
        .await;
    cloud.json(FLAVORS, json!({"flavors": [{"id": "a/b", "name": "x"}, {"id": "2", "name": "y"}]})).await;
    cloud.json("/compute/v2.1/flavors/a%2Fb/os-extra_specs", json!({"extra_specs": {"k": "v"}})).await;
    cloud.json("/compute/v2.1/flavors/2/os-extra_specs", json!({"extra_specs": {}})).await;
    let inventory = cloud.collect(&[FactId::Flavors]).await;
    let flavors = inventory.flavors.value().unwrap();
    assert_eq!(flavors[0].extra_spec("k"), Some("v"));
    assert_eq!(flavors[1].get("extra_specs"), Some(&json!({})));
    assert_eq!(inventory.calls.len(), 5);
}

#[tokio::test]
async fn extra_specs_that_are_refused_spoil_the_flavors() {
    let cloud = FakeCloud::start().await;
    // With 2.61 the field is left out if the policy forbids to see extra specs.
    let list = ResponseTemplate::new(200)
        .insert_header("openstack-api-version", "compute 2.61")
        .set_body_json(json!({"flavors": [{"id": "1", "name": "x"}]}));
    cloud.answer(FLAVORS, list).await;
    let forbidden = ResponseTemplate::new(403).set_body_json(json!({"forbidden": {"message": "policy"}}));
    cloud.answer("/compute/v2.1/flavors/1/os-extra_specs", forbidden).await;
    let inventory = cloud.collect(&[FactId::Flavors]).await;
    let why = inventory.unavailable(FactId::Flavors).unwrap();
    assert_eq!((why.reason, why.status, why.message.as_str()), (Reason::Refused, Some(403), "policy"));
    assert!(why.request.as_ref().unwrap().ends_with("/flavors/1/os-extra_specs"));
}

#[tokio::test]
async fn a_flavor_that_is_deleted_meanwhile_is_left_out() {
    let cloud = FakeCloud::start().await;
    let flavors =
        json!({"flavors": [{"id": "1", "name": "x"}, {"id": "2", "name": "gone"}, {"id": "3", "name": "y"}]});
    cloud.json(FLAVORS, flavors).await;
    for id in ["1", "3"] {
        cloud.json(&format!("/compute/v2.1/flavors/{id}/os-extra_specs"), json!({"extra_specs": {}})).await;
    }
    let inventory = cloud.collect(&[FactId::Flavors]).await;
    let names: Vec<_> = inventory.flavors.value().unwrap().iter().map(|flavor| flavor.name()).collect();
    assert_eq!(names, [Some("x"), Some("y")]);
}

#[tokio::test]
async fn a_flavor_that_is_there_without_extra_specs_spoils_the_flavors() {
    let cloud = FakeCloud::start().await;
    cloud.json(FLAVORS, json!({"flavors": [{"id": "1", "name": "x"}]})).await;
    cloud.json("/compute/v2.1/flavors/1", json!({"flavor": {"id": "1", "name": "x"}})).await;
    let inventory = cloud.collect(&[FactId::Flavors]).await;
    assert_eq!(inventory.unavailable(FactId::Flavors).unwrap().status, Some(404));
}

#[tokio::test]
async fn pages_are_followed_in_every_dialect() {
    let cloud = FakeCloud::start().await;
    let uri = cloud.server.uri();
    // Each service links to its second page in its own way.
    for (at, key, link) in [
        // Glance behind a proxy does not know the prefix of the proxy.
        (IMAGES, "images", json!({"next": "/v2/images?marker=1"})),
        (
            FLAVORS,
            "flavors",
            json!({"flavors_links": [{"rel": "next", "href": format!("{uri}{FLAVORS}?marker=1")}]}),
        ),
        (
            VOLUME_TYPES,
            "volume_types",
            json!({"volume_type_links": [{"rel": "next", "href": format!("{uri}{VOLUME_TYPES}?marker=1")}]}),
        ),
        (
            "/network/v2.0/subnetpools",
            "subnetpools",
            json!({"subnetpools_links": [
                {"rel": "previous", "href": "http://192.0.2.1/"},
                {"rel": "next", "href": format!("{uri}/network/v2.0/subnetpools?marker=1")},
            ]}),
        ),
    ] {
        let page = |id: &str, link: &Value| {
            let mut body = link.clone();
            body[key] = json!([{"id": id, "extra_specs": {"a": "b"}}]);
            ResponseTemplate::new(200).set_body_json(body)
        };
        for (is_first, answer) in [(true, page("1", &link)), (false, page("2", &json!({})))] {
            let mock = Mock::given(method("GET")).and(path(at));
            let mock = if is_first {
                mock.and(query_param_is_missing("marker"))
            } else {
                mock.and(query_param("marker", "1"))
            };
            mock.respond_with(answer).mount(&cloud.server).await;
        }
    }
    let facts = [FactId::Images, FactId::Flavors, FactId::VolumeTypes, FactId::SubnetPools];
    let (inventory, events) = collect_with(&cloud.config(), &settings(), &facts).await;
    let ids = |records: Vec<&str>| records.join(" ");
    assert_eq!(ids(inventory.images.value().unwrap().iter().map(|item| item.id()).collect()), "1 2");
    assert_eq!(ids(inventory.flavors.value().unwrap().iter().map(|item| item.id()).collect()), "1 2");
    assert_eq!(ids(inventory.volume_types.value().unwrap().iter().map(|item| item.id()).collect()), "1 2");
    assert_eq!(ids(inventory.subnet_pools.value().unwrap().iter().map(|item| item.id()).collect()), "1 2");
    for fact in facts {
        for items in [1, 2] {
            assert!(events.contains(&Event::Progress { fact, items }), "{fact} {items}");
        }
    }
}

#[tokio::test]
async fn services_that_are_missing_or_elsewhere_are_told_apart() {
    let cloud = FakeCloud::without_keystone().await;
    let mut body = cloud.token_body();
    let catalog = body["token"]["catalog"].as_array_mut().unwrap();
    catalog.retain(|service| service["type"] != "image");
    for service in catalog {
        if service["type"] == "compute" {
            service["endpoints"].as_array_mut().unwrap().remove(1);
        }
    }
    body["token"]["project"].take();
    cloud.keystone(201, TOKEN, &body).await;
    let facts = [FactId::Images, FactId::Flavors, FactId::FloatingIpQuota];
    let inventory = cloud.collect(&facts).await;
    let why = |fact| inventory.unavailable(fact).map(|why| (why.reason, why.request.clone())).unwrap();
    assert_eq!(why(FactId::Images), (Reason::NotInCatalog, None));
    assert_eq!(why(FactId::Flavors), (Reason::NoEndpoint, None));
    assert_eq!(why(FactId::FloatingIpQuota), (Reason::Configuration, None));
}
