//! What things are like when they are created, in the shape that the services give them.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::cloud::{Cloud, State};
use crate::population::{image_places, links};
use crate::route::project;
use crate::shelf::{Kind, Thing};

/// Why nothing is created: a status and what is said.
type Refusal = (u16, &'static str);

/// A thing with the fields that are wanted and all that a service adds to them.
pub(crate) fn born(
    cloud: &Cloud,
    state: &mut State,
    kind: Kind,
    mut wanted: Map<String, Value>,
) -> Result<Thing, Refusal> {
    if kind == Kind::Volume {
        let name = text(&wanted, "name");
        let data = match wanted.get("imageRef").and_then(Value::as_str) {
            Some(image) => state.store.find(Kind::Image, image).map(|image| image.data.clone()),
            None => None,
        };
        return Ok(volume_of(cloud, state, (&name, "creating"), &wanted, data.unwrap_or_default()));
    }
    let id = match kind {
        Kind::Credential => credential_id(&wanted),
        _ => cloud.new_id(state),
    };
    let data = match wanted.remove("payload") {
        Some(Value::String(payload)) => Bytes::from(payload),
        _ => Bytes::new(),
    };
    let fields = match kind {
        Kind::Image => image(cloud, &id, wanted),
        Kind::Backup => return Ok(backup(cloud, state, id, &wanted)),
        Kind::Server => server(cloud, state, &id, &wanted),
        Kind::Secret => secret(cloud, &id, &wanted),
        Kind::Network => network(cloud, wanted),
        Kind::Subnet => subnet(cloud, state, &id, wanted)?,
        Kind::Router => router(cloud, wanted),
        Kind::Port => port(wanted),
        Kind::FloatingIp => floating_ip(cloud, wanted),
        Kind::SecurityGroup => security_group(cloud, &id, wanted),
        Kind::Credential => {
            wanted.insert("links".into(), json!({"self": format!("{}/credentials/{id}", cloud.auth_url())}));
            wanted
        }
        Kind::RbacPolicy | Kind::Volume | Kind::Snapshot => wanted,
    };
    let mut fields = match kind {
        Kind::Network | Kind::Subnet | Kind::Router | Kind::Port | Kind::FloatingIp | Kind::SecurityGroup => {
            of_neutron(cloud, fields)
        }
        Kind::RbacPolicy => owned(cloud, fields),
        _ => fields,
    };
    if kind != Kind::Secret {
        fields.insert("id".into(), id.as_str().into());
    }
    Ok(Thing::new(id, fields, data))
}

fn text(fields: &Map<String, Value>, name: &str) -> String {
    fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The fields of one value under those of another.
fn over(base: Value, fields: Map<String, Value>) -> Map<String, Value> {
    let mut all = match base {
        Value::Object(base) => base,
        _ => Map::new(),
    };
    all.extend(fields);
    all
}

fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Nova and keystone write a zone, cinder and barbican none.
fn zoneless() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.000000").to_string()
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Keystone gives a credential the hash of its access key.
fn credential_id(wanted: &Map<String, Value>) -> String {
    let blob: Value = serde_json::from_str(&text(wanted, "blob")).unwrap_or_default();
    hexadecimal(&Sha256::digest(blob["access"].as_str().unwrap_or_default()))
}

fn image(cloud: &Cloud, id: &str, wanted: Map<String, Value>) -> Map<String, Value> {
    let at = now();
    let mut fields = over(
        json!({
            "name": null, "disk_format": null, "container_format": null, "visibility": "shared", "size": null,
            "virtual_size": null, "status": "queued", "checksum": null, "protected": false, "min_ram": 0,
            "min_disk": 0, "owner": project(cloud), "os_hidden": false, "os_hash_algo": null,
            "os_hash_value": null, "created_at": at, "updated_at": at, "tags": [],
        }),
        wanted,
    );
    image_places(id, &mut fields);
    fields
}

/// A volume that holds some data.
pub(crate) fn volume_of(
    cloud: &Cloud,
    state: &mut State,
    (name, way): (&str, &str),
    wanted: &Map<String, Value>,
    data: Bytes,
) -> Thing {
    let population = &cloud.settings.population;
    let id = cloud.new_id(state);
    let volume_type = wanted.get("volume_type").and_then(Value::as_str);
    let is_encrypted = volume_type.is_some_and(|name| population.seen.encrypted.contains(name));
    let is_bootable = wanted.contains_key("imageRef");
    let (auth, project) = (cloud.base.as_str(), project(cloud));
    let mut fields = json!({
        "id": id, "name": name, "size": wanted.get("size").cloned().unwrap_or(json!(1)), "attachments": [],
        "availability_zone": "nova", "bootable": is_bootable.to_string(), "consistencygroup_id": null,
        "created_at": zoneless(), "updated_at": zoneless(),
        "description": wanted.get("description").cloned().unwrap_or_default(), "encrypted": is_encrypted,
        "links": links(&format!("{auth}/volumev3/v3/{project}/volumes/{id}"), Some(&format!("{auth}/volumev3/{project}/volumes/{id}"))),
        "metadata": wanted.get("metadata").cloned().unwrap_or_else(|| json!({})), "multiattach": false,
        "replication_status": null, "snapshot_id": null, "source_volid": null, "status": way,
        "user_id": population.token.user_id, "volume_type": volume_type.unwrap_or("__DEFAULT__"),
        "os-vol-tenant-attr:tenant_id": project,
    });
    if is_bootable {
        fields["volume_image_metadata"] = json!({"image_id": wanted["imageRef"]});
    }
    // A cloud whose restored volumes were not what they should be.
    let data = match way == "restoring-backup" && population.seen.volumes_in_clear {
        true => Bytes::new(),
        false => data,
    };
    let fields = fields.as_object().cloned().unwrap_or_default();
    Thing::new(id, fields, data)
}

fn backup(cloud: &Cloud, state: &State, id: String, wanted: &Map<String, Value>) -> Thing {
    let volume = text(wanted, "volume_id");
    let wants_increment = wanted.get("incremental") == Some(&Value::Bool(true));
    let mut parents = state.store.of(Kind::Backup).iter();
    let parent = parents.rfind(|other| wants_increment && other.text("volume_id") == volume);
    let data = state.store.find(Kind::Volume, &volume).map(|volume| volume.data.clone());
    let (base, project) = (cloud.base.as_str(), project(cloud));
    let fields = json!({
        "id": id, "name": wanted.get("name"), "volume_id": volume, "snapshot_id": null, "size": 1,
        "object_count": 22, "container": "backups", "availability_zone": "nova", "fail_reason": null,
        "description": wanted.get("description").cloned().unwrap_or_default(), "has_dependent_backups": false,
        "is_incremental": wants_increment && cloud.settings.population.seen.incremental,
        "created_at": zoneless(), "updated_at": zoneless(), "data_timestamp": zoneless(), "status": "creating",
        "links": links(&format!("{base}/volumev3/v3/{project}/backups/{id}"), Some(&format!("{base}/volumev3/{project}/backups/{id}"))),
    });
    let fields = fields.as_object().cloned().unwrap_or_default();
    let parent = parent.map_or_else(String::new, |parent| parent.id.clone());
    Thing { parent, ..Thing::new(id, fields, data.unwrap_or_default()) }
}

fn server(cloud: &Cloud, state: &mut State, id: &str, wanted: &Map<String, Value>) -> Map<String, Value> {
    let population = &cloud.settings.population;
    let network = wanted.get("networks").map_or(Value::Null, |networks| networks[0]["uuid"].clone());
    let name = state.store.find(Kind::Network, network.as_str().unwrap_or_default());
    let name = name.map_or("network", |network| network.text("name")).to_owned();
    let addresses: Vec<Value> = population
        .seen
        .server_addresses
        .iter()
        .map(|address| {
            let version = if address.contains(':') { 6 } else { 4 };
            json!({
                "addr": address, "version": version, "OS-EXT-IPS:type": "fixed",
                "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01",
            })
        })
        .collect();
    let volumes = wanted.get("block_device_mapping_v2").and_then(Value::as_array);
    let volumes: Vec<Value> = volumes
        .into_iter()
        .flatten()
        .map(|device| json!({"id": device["uuid"], "delete_on_termination": false}))
        .collect();
    let port =
        json!({"network_id": network, "device_id": id, "device_owner": "compute:nova", "fixed_ips": []});
    let port_id = cloud.new_id(state);
    let mut port = of_neutron(cloud, self::port(port.as_object().cloned().unwrap_or_default()));
    port.insert("id".into(), port_id.as_str().into());
    state.store.add(Kind::Port, Thing::new(port_id, port, Bytes::new()));
    let at = now();
    let base = format!("{}/compute", cloud.base);
    let fields = json!({
        "name": wanted.get("name"), "status": "BUILD", "tenant_id": project(cloud),
        "user_id": population.token.user_id, "metadata": wanted.get("metadata").cloned().unwrap_or_else(|| json!({})),
        "hostId": &hexadecimal(&Sha256::digest(id))[..56], "image": "", "created": at, "updated": at, "accessIPv4": "", "accessIPv6": "",
        "flavor": {"id": wanted.get("flavorRef"), "links": links(&format!("{base}/flavors"), None)},
        "links": links(&format!("{base}/v2.1/servers/{id}"), Some(&format!("{base}/servers/{id}"))),
        "addresses": {name: addresses}, "OS-DCF:diskConfig": "MANUAL", "OS-EXT-AZ:availability_zone": "nova",
        "config_drive": "", "key_name": null, "OS-SRV-USG:launched_at": null, "OS-SRV-USG:terminated_at": null,
        "security_groups": [{"name": "default"}], "OS-EXT-STS:task_state": null, "OS-EXT-STS:vm_state": "building",
        "OS-EXT-STS:power_state": 0, "os-extended-volumes:volumes_attached": volumes, "progress": 0,
    });
    fields.as_object().cloned().unwrap_or_default()
}

fn secret(cloud: &Cloud, id: &str, wanted: &Map<String, Value>) -> Map<String, Value> {
    let at = zoneless();
    let fields = json!({
        "name": wanted.get("name"), "secret_type": wanted.get("secret_type"), "status": "ACTIVE",
        "created": at, "updated": at, "expiration": null, "algorithm": null, "bit_length": null, "mode": null,
        "creator_id": cloud.settings.population.token.user_id,
        "content_types": {"default": wanted.get("payload_content_type")},
        "secret_ref": format!("{}/key-manager/v1/secrets/{id}", cloud.base),
    });
    fields.as_object().cloned().unwrap_or_default()
}

/// With an owner.
fn owned(cloud: &Cloud, mut fields: Map<String, Value>) -> Map<String, Value> {
    fields.insert("project_id".into(), project(cloud).into());
    fields.insert("tenant_id".into(), project(cloud).into());
    fields
}

/// With what everything of neutron has.
fn of_neutron(cloud: &Cloud, fields: Map<String, Value>) -> Map<String, Value> {
    let at = now();
    let common =
        json!({"description": "", "tags": [], "created_at": at, "updated_at": at, "revision_number": 1});
    owned(cloud, over(common, fields))
}

/// In the shape of a recorded network, because that depends on the extensions that a cloud has.
fn network(cloud: &Cloud, wanted: Map<String, Value>) -> Map<String, Value> {
    let mut base = cloud.settings.population.seen.network.clone();
    base.remove("is_default");
    let own = json!({"admin_state_up": true, "router:external": false, "shared": false, "status": "ACTIVE", "subnets": [], "tags": []});
    base.extend(own.as_object().cloned().unwrap_or_default());
    let at = now();
    base.extend([("created_at".to_owned(), at.clone().into()), ("updated_at".to_owned(), at.into())]);
    over(base.into(), wanted)
}

fn subnet(
    cloud: &Cloud,
    state: &mut State,
    id: &str,
    mut wanted: Map<String, Value>,
) -> Result<Map<String, Value>, Refusal> {
    if wanted.remove("use_default_subnetpool").is_some() {
        let seen = &cloud.settings.population.seen;
        let drawn = seen.drawn_subnet.as_deref();
        let drawn = drawn.ok_or((400, "Bad subnets request: No default IPv6 subnetpool found."))?;
        let prefix = drawn.split('/').next().unwrap_or_default();
        let end = format!("{}ffff:ffff:ffff:ffff", prefix.replacen("::", ":0:", 1));
        wanted.insert("cidr".into(), drawn.into());
        wanted.insert("gateway_ip".into(), format!("{prefix}1").into());
        wanted.insert("allocation_pools".into(), json!([{"start": format!("{prefix}2"), "end": end}]));
        wanted.insert("subnetpool_id".into(), seen.default_pool.as_str().into());
        wanted.remove("prefixlen");
    } else if let Some((pool, gateway)) = addresses_of(&text(&wanted, "cidr")) {
        wanted.entry("allocation_pools").or_insert(pool);
        wanted.entry("gateway_ip").or_insert(gateway);
    }
    let network = text(&wanted, "network_id");
    let network =
        state.store.find_mut(Kind::Network, &network).ok_or((404, "Network could not be found."))?;
    if let Some(Value::Array(subnets)) = network.fields.get_mut("subnets") {
        subnets.push(id.into());
    }
    Ok(over(
        json!({
            "name": "", "enable_dhcp": true, "ipv6_ra_mode": null, "ipv6_address_mode": null, "gateway_ip": null,
            "allocation_pools": [], "host_routes": [], "dns_nameservers": [], "service_types": [],
            "subnetpool_id": null, "router:external": false,
        }),
        wanted,
    ))
}

/// What a network of IPv4 without a word about it gives to its members, and where it leads out.
fn addresses_of(cidr: &str) -> Option<(Value, Value)> {
    let (first, length) = cidr.split_once('/')?;
    let (first, length): (Ipv4Addr, u32) = (first.parse().ok()?, length.parse().ok()?);
    let hosts = u32::MAX.checked_shr(length).filter(|hosts| *hosts >= 3)?;
    let at = |offset: u32| Some(Ipv4Addr::from(u32::from(first).checked_add(offset)?).to_string());
    Some((json!([{"start": at(2)?, "end": at(hosts - 1)?}]), at(1)?.into()))
}

fn router(cloud: &Cloud, mut wanted: Map<String, Value>) -> Map<String, Value> {
    let addresses = cloud.settings.population.seen.gateway_addresses.iter();
    let addresses: Vec<Value> = addresses
        .map(|address| json!({"subnet_id": "00000000-0000-4000-8000-000000000000", "ip_address": address}))
        .collect();
    if let Some(Value::Object(gateway)) = wanted.get_mut("external_gateway_info") {
        gateway.insert("enable_snat".into(), true.into());
        gateway.insert("external_fixed_ips".into(), addresses.into());
    }
    over(
        json!({
            "name": "", "admin_state_up": true, "status": "ACTIVE", "external_gateway_info": null, "routes": [],
            "availability_zones": [], "availability_zone_hints": [], "flavor_id": null,
        }),
        wanted,
    )
}

fn port(wanted: Map<String, Value>) -> Map<String, Value> {
    over(
        json!({
            "name": "", "admin_state_up": true, "status": "ACTIVE", "mac_address": "fa:16:3e:00:00:01", "fixed_ips": [],
            "device_id": "", "device_owner": "", "security_groups": [], "allowed_address_pairs": [],
            "binding:vnic_type": "normal", "extra_dhcp_opts": [], "port_security_enabled": true,
        }),
        wanted,
    )
}

fn floating_ip(cloud: &Cloud, wanted: Map<String, Value>) -> Map<String, Value> {
    over(
        json!({
            "floating_ip_address": cloud.settings.population.seen.floating_ip, "fixed_ip_address": null,
            "router_id": null, "port_id": null, "port_details": null, "status": "DOWN", "dns_domain": "", "dns_name": "",
            "qos_policy_id": null, "port_forwardings": [],
        }),
        wanted,
    )
}

fn security_group(cloud: &Cloud, id: &str, wanted: Map<String, Value>) -> Map<String, Value> {
    let mut rules = cloud.settings.population.seen.group_rules.clone();
    for rule in &mut rules {
        if let Some(fields) = rule.as_object_mut() {
            // Rules of a group have more than those that groups begin with, which say for which they count.
            fields.retain(|name, _| !name.starts_with("used_in_"));
            let common =
                json!({"normalized_cidr": null, "standard_attr_id": 1, "belongs_to_default_sg": false});
            *fields = of_neutron(cloud, over(common, std::mem::take(fields)));
        }
        rule["security_group_id"] = id.into();
        // The group itself, as the template writes it.
        if rule["remote_group_id"] == "PARENT" {
            rule["remote_group_id"] = id.into();
        }
    }
    over(json!({"name": "", "stateful": true, "shared": false, "security_group_rules": rules}), wanted)
}
