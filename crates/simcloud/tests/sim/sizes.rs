//! A recording tells how long each answer of the real services was. An answer here is as long, but for what differs for
//! a reason: so it has the same keys, and values of the same types.

use assay_simcloud::Running;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::{plain, recording, start};

const MARK: &str = "assay-354827b6";
const PROJECT: &str = "317b2d99735843379abb3710f7e308ca";
const EXTERNAL: &str = "9778175f-0dcb-4a4a-a666-eef3394b551f";
const NOBODY: &str = "51f90e59-cbbc-43ef-a5de-bd5a14064865";

/// The length of JSON as Python writes it: with blanks behind commas and colons.
fn length(value: &Value) -> usize {
    match value {
        Value::Array(items) => {
            2 + items.iter().map(length).sum::<usize>() + 2 * items.len().saturating_sub(1)
        }
        Value::Object(fields) => {
            let all: usize = fields.iter().map(|(name, value)| name.len() + 4 + length(value)).sum();
            2 + all + 2 * fields.len().saturating_sub(1)
        }
        other => other.to_string().len(),
    }
}

/// The length of the first real answer to such a call.
fn recorded(method: &str, ending: &str, status: u16) -> usize {
    let calls = recording().calls;
    let fits = |url: &str| {
        let parts =
            url.split('/').map(|part| if part.len() >= 36 && !part.contains('?') { "*" } else { part });
        parts.collect::<Vec<_>>().join("/").ends_with(ending)
    };
    let found =
        calls.iter().find(|call| call.method == method && fits(&call.url) && call.status == Some(status));
    usize::try_from(found.unwrap().bytes).unwrap()
}

struct Asker {
    cloud: Running,
    client: Client,
    token: String,
}

impl Asker {
    async fn new() -> Self {
        let (cloud, client) = (start(plain()).await, Client::new());
        let user = json!({"name": "demo", "password": "simulated"});
        let body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}});
        let url = format!("{}/auth/tokens", cloud.auth_url());
        let answer = client.post(url).body(body.to_string()).send().await.unwrap();
        let token = answer.headers()["x-subject-token"].to_str().unwrap().to_owned();
        Asker { cloud, client, token }
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.client.request(method, format!("{}/{path}", self.cloud.url()));
        let answer = request.header("x-auth-token", &self.token).body(body.to_string()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }
}

#[tokio::test]
async fn what_is_read_is_as_long_as_it_was() {
    let asker = Asker::new().await;
    let flavors = recording().flavors.value().unwrap().len();
    // Links to flavors name no host here.
    let hosts = flavors * 2 * "http://127.0.0.1:15774".len();
    for (path, ending, shorter) in [
        ("compute/v2.1/flavors/detail?is_public=None", "/flavors/detail?is_public=None", hosts),
        ("image/v2/images?member_status=all&limit=1000", "/v2/images?member_status=all&limit=1000", 0),
        (
            "image/v2/images?os_hidden=true&member_status=all&limit=1000",
            "/images?os_hidden=true&member_status=all&limit=1000",
            0,
        ),
        (&format!("volumev3/v3/{PROJECT}/types"), "/types", 0),
        ("network/v2.0/default-security-group-rules", "/default-security-group-rules", 0),
        ("network/v2.0/subnetpools", "/subnetpools", 0),
    ] {
        let (status, said) = asker.ask(Method::GET, path, &Value::Null).await;
        assert_eq!((status, length(&said) + shorter), (200, recorded("GET", ending, 200)), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_in_the_same_words() {
    let asker = Asker::new().await;
    for (place, ending) in [
        ("key-manager/v1/secrets", "/v1/secrets/*"),
        ("image/v2/images", "/v2/images/*"),
        (&format!("volumev3/v3/{PROJECT}/volumes"), "/volumes/*"),
        (&format!("volumev3/v3/{PROJECT}/backups"), "/backups/*"),
        ("compute/v2.1/servers", "/servers/*"),
        ("network/v2.0/networks", "/networks/*"),
        ("network/v2.0/subnets", "/subnets/*"),
        ("network/v2.0/routers", "/routers/*"),
        ("network/v2.0/floatingips", "/floatingips/*"),
        ("network/v2.0/rbac-policies", "/rbac-policies/*"),
    ] {
        let (status, said) = asker.ask(Method::GET, &format!("{place}/{NOBODY}"), &Value::Null).await;
        assert_eq!((status, length(&said)), (404, recorded("GET", ending, 404)), "{place}: {said}");
    }
}

#[tokio::test]
async fn what_is_created_is_as_long_as_it_was() {
    let asker = Asker::new().await;
    let name = |what: &str| format!("{MARK}-{what}");
    let description = format!("made by a check of assay (run {MARK}), which removes it");
    let (cinder, neutron) = (format!("volumev3/v3/{PROJECT}"), "network/v2.0");
    let create = async |place: &str, ending: &str, status: u16, longer: usize, body: Value| {
        let (found, said) = asker.ask(Method::POST, place, &body).await;
        // Neutron writes networks and subnets without blanks.
        let is_dense = ["/networks", "/subnets"].contains(&ending);
        let found = (found, if is_dense { said.to_string().len() } else { length(&said) });
        assert_eq!(found, (status, recorded("POST", ending, status) + longer), "{place}: {said}");
        said
    };
    let image = json!({
        "disk_format": "raw", "container_format": "bare", "visibility": "private", "name": name("image"),
        "tags": [MARK], "assay_run": MARK,
    });
    create("image/v2/images", "/v2/images", 201, 0, image).await;
    let secret = json!({"name": name("secret"), "payload": "foo", "payload_content_type": "text/plain", "secret_type": "opaque"});
    // Links lead through the prefix of a service.
    create("key-manager/v1/secrets", "/v1/secrets", 201, "/key-manager".len(), secret).await;
    let volume = json!({"volume": {
        "size": 1, "volume_type": "LUKS", "name": name("encrypted-volume"), "metadata": {"assay_run": MARK},
        "description": description,
    }});
    let prefixes = 2 * "/volumev3".len();
    let volume = create(&format!("{cinder}/volumes"), "/volumes", 202, prefixes, volume).await;
    let backup = json!({"backup": {"volume_id": volume["volume"]["id"], "name": name("backup"), "description": description}});
    create(&format!("{cinder}/backups"), "/backups", 202, prefixes, backup).await;

    let network = json!({"network": {"name": name("provider-network"), "description": description}});
    let network = create(&format!("{neutron}/networks"), "/networks", 201, 0, network).await;
    let network = &network["network"]["id"];
    let router = json!({"router": {
        "name": name("provider-router"), "description": description, "external_gateway_info": {"network_id": EXTERNAL},
    }});
    create(&format!("{neutron}/routers"), "/routers", 201, 0, router).await;
    let floating =
        json!({"floatingip": {"floating_network_id": EXTERNAL, "description": name("floating-ip")}});
    create(&format!("{neutron}/floatingips"), "/floatingips", 201, 0, floating).await;
    let policy = json!({"rbac_policy": {
        "object_type": "network", "object_id": network, "action": "access_as_shared", "target_tenant": PROJECT,
    }});
    create(&format!("{neutron}/rbac-policies"), "/rbac-policies", 201, 0, policy).await;
    let subnet = json!({"subnet": {
        "name": name("drawn-subnet"), "description": description, "network_id": network, "ip_version": 6,
        "use_default_subnetpool": true, "prefixlen": 64, "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac",
    }});
    create(&format!("{neutron}/subnets"), "/subnets", 201, 0, subnet).await;
    let server =
        json!({"server": {"name": name("server"), "flavorRef": "", "networks": [{"uuid": network}]}});
    // The password is shorter than nova's.
    let longer = 2 * "/compute".len() - 3;
    create("compute/v2.1/servers", "/servers", 202, longer, server).await;
}
