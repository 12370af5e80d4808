//! Which call is answered how.

use std::fmt::Write as _;

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha512};
use tokio::time::Instant;

use assay_inventory::{FactId, S3Presence, StepId};

use crate::answer::{Answer, Service, error, neutron_error, s3_error, web_page};
use crate::born::{born, hexadecimal, volume_of};
use crate::cloud::{Ask, Cloud, State};
use crate::fault::{ELSEWHERE, Fault};
use crate::listing::{Listing, joined};
use crate::shelf::{Kind, Shelf, Thing};

/// The microversion that nova answers in: the one that assay asks for.
const MICROVERSION: &str = "2.61";
/// How much of an image is read back at most.
const PART: usize = 1 << 16;

/// The answer of a service to a call with a good token.
pub(crate) fn answer(cloud: &Cloud, service: Service, ask: &Ask, fault: Option<Fault>) -> Answer {
    let parts = ask.parts();
    let answer = match (&ask.method, service, parts.as_slice()) {
        (_, Service::ObjectStore, _) => object_store(cloud, ask),
        (&Method::GET, _, []) => Answer::json(200, &json!({"versions": []})),
        (&Method::GET, _, path) => read(cloud, service, path, ask, fault),
        (&Method::POST, _, path) => post(cloud, service, path, ask),
        (&Method::PUT, _, path) => put(cloud, service, path, ask),
        (&Method::DELETE, _, [collection, id]) => delete(cloud, service, collection, id),
        _ => error(service, 405, "The method is not allowed for this resource."),
    };
    match service {
        Service::Compute => answer
            .with("openstack-api-version", &format!("compute {MICROVERSION}"))
            .with("x-openstack-nova-api-version", MICROVERSION),
        Service::BlockStorage => answer.with("openstack-api-version", "volume 3.0"),
        Service::KeyManager => answer.with("openstack-api-version", "key-manager 1.0"),
        _ => answer,
    }
}

/// S3 says what it said when the cloud was recorded, whatever it is asked for.
fn object_store(cloud: &Cloud, ask: &Ask) -> Answer {
    match &cloud.settings.population.s3 {
        // Swift knows no request without a key at its root.
        _ if ask.header("authorization").is_none() && ask.parameter("X-Amz-Signature").is_none() => {
            web_page(404, "Not Found", "The resource could not be found.")
        }
        Some(S3Presence::Answered { answer, .. }) if ask.prefix.is_empty() => match &answer.code {
            Some(code) => s3_error(answer.status, code, "the simulation keeps no objects"),
            None => Answer::empty(answer.status),
        },
        _ => error(Service::ObjectStore, 404, "the simulation keeps no objects"),
    }
}

/// A list of the recording.
struct Recorded<'a> {
    fact: FactId,
    listing: &'a Listing,
    key: &'static str,
    links_key: &'static str,
}

fn read(cloud: &Cloud, service: Service, path: &[&str], ask: &Ask, fault: Option<Fault>) -> Answer {
    let population = &*cloud.settings.population;
    let recorded = |fact, listing, key, links_key| Recorded { fact, listing, key, links_key };
    let is_hidden = ask.parameter("os_hidden").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let list = match (service, path) {
        (Service::Compute, ["flavors", "detail"]) => {
            recorded(FactId::Flavors, &population.flavors, "flavors", "flavors_links")
        }
        (Service::Image, ["images"]) if is_hidden => {
            recorded(FactId::HiddenImages, &population.hidden_images, "images", "")
        }
        (Service::Image, ["images"]) => recorded(FactId::Images, &population.images, "images", ""),
        (Service::BlockStorage, ["types"]) => {
            recorded(FactId::VolumeTypes, &population.volume_types, "volume_types", "volume_type_links")
        }
        (Service::Network, ["default-security-group-rules"]) => {
            let key = "default_security_group_rules";
            recorded(
                FactId::DefaultSecurityGroupRules,
                &population.default_rules,
                key,
                "default_security_group_rules_links",
            )
        }
        (Service::Network, ["networks"]) => {
            recorded(FactId::ExternalNetworks, &population.external_networks, "networks", "networks_links")
        }
        (Service::Network, ["subnetpools"]) => {
            recorded(FactId::SubnetPools, &population.subnet_pools, "subnetpools", "subnetpools_links")
        }
        _ => return read_other(cloud, service, path, ask, fault),
    };
    if let Some(why) = population.troubles.get(&list.fact) {
        return error(service, why.status.unwrap_or(503), &why.message);
    }
    // What the project created stands in the same list, but is neither hidden nor external.
    let is_narrow = is_hidden || ask.parameter("router:external").is_some();
    let own = match Shelf::of(service, path.first().copied().unwrap_or_default()) {
        Some(shelf) if !is_narrow => own_items(cloud, shelf, ask),
        _ => Vec::new(),
    };
    match ask.parameter("name") {
        Some(name) => {
            let named = list.listing.named(name).into_iter().chain(own);
            Answer::pieces(200, wrapped(list.key, joined(named), &[]))
        }
        None => page(cloud, service, ask, (Some(list.listing), own), (list.key, list.links_key), fault),
    }
}

fn read_other(cloud: &Cloud, service: Service, path: &[&str], ask: &Ask, fault: Option<Fault>) -> Answer {
    let population = &*cloud.settings.population;
    let one = |listing: &Listing, wrapper: &str, id: &str, missing: &str| match listing.find(id) {
        Some(item) if wrapper.is_empty() => Answer::pieces(200, vec![item]),
        Some(item) => Answer::pieces(
            200,
            vec![Bytes::from(format!("{{\"{wrapper}\":")), item, Bytes::from_static(b"}")],
        ),
        None => error(service, 404, &format!("{missing} {id} could not be found.")),
    };
    match (service, path) {
        (Service::Compute, ["flavors", id]) => one(&population.flavors, "flavor", id, "Flavor"),
        (Service::Compute, ["flavors", id, "os-extra_specs"]) => match population.extra_specs.get(*id) {
            Some(specs) => Answer::json(200, &json!({"extra_specs": specs})),
            None => error(service, 404, &format!("Flavor {id} could not be found.")),
        },
        (Service::Compute, ["limits"]) => Answer::json(200, &compute_limits(cloud)),
        (Service::BlockStorage, ["limits"]) => Answer::json(200, &volume_limits(cloud)),
        (Service::BlockStorage, ["types", id]) => {
            one(&population.volume_types, "volume_type", id, "Volume type")
        }
        (Service::Network, ["quotas", _]) => match population.troubles.get(&FactId::FloatingIpQuota) {
            Some(why) => error(service, why.status.unwrap_or(503), &why.message),
            None => Answer::json(200, &quotas(population.floating_ip_quota)),
        },
        (Service::Network, ["subnetpools", id]) => {
            one(&population.subnet_pools, "subnetpool", id, "Subnet pool")
        }
        (Service::Identity, ["users", _, "application_credentials", id]) => {
            Answer::json(200, &json!({"application_credential": {"id": id, "expires_at": null}}))
        }
        (Service::KeyManager, ["secrets", id, "payload"]) => match cloud.state().store.find(Kind::Secret, id)
        {
            Some(secret) => Answer::of_type(200, "text/plain", secret.data.clone()),
            None => missing(Shelf::of(service, "secrets"), service, id),
        },
        (Service::Image, ["images", id, "file"]) => match cloud.state().store.find(Kind::Image, id) {
            Some(image) => file(image, ask),
            None => Answer::empty(204),
        },
        (_, [collection] | [collection, "detail"]) => match Shelf::of(service, collection) {
            Some(shelf) => {
                let own = own_items(cloud, shelf, ask);
                page(cloud, service, ask, (None, own), (shelf.key, shelf.links_key), fault)
            }
            None => unknown(service),
        },
        (_, [collection, id]) => {
            let Some(shelf) = Shelf::of(service, collection) else { return unknown(service) };
            let state = cloud.state();
            match (state.store.find(shelf.kind, id), shelf.kind) {
                (Some(thing), kind) => {
                    Answer::json(200, &in_wrapper(shelf, shown(cloud, &state, kind, thing).into()))
                }
                (None, Kind::Image) if population.images.find(id).is_some() => {
                    one(&population.images, "", id, "")
                }
                (None, Kind::Image) if population.hidden_images.find(id).is_some() => {
                    one(&population.hidden_images, "", id, "")
                }
                (None, Kind::Network) if population.external_networks.find(id).is_some() => {
                    one(&population.external_networks, "network", id, "")
                }
                (None, _) => missing(Some(shelf), service, id),
            }
        }
        _ => unknown(service),
    }
}

fn unknown(service: Service) -> Answer {
    error(service, 404, "The resource could not be found.")
}

fn missing(shelf: Option<&Shelf>, service: Service, id: &str) -> Answer {
    let Some(shelf) = shelf else { return unknown(service) };
    let kind = match shelf.kind {
        // Barbican does not name it.
        Kind::Secret => return error(service, 404, "Secret not found."),
        Kind::Image => return error(service, 404, &format!("No image found with ID {id}")),
        Kind::RbacPolicy => {
            let message = format!("RBAC policy of type network with ID {id} not found");
            return Answer::json(404, &neutron_error("RbacPolicyNotFound", &message));
        }
        Kind::Network => "NetworkNotFound",
        Kind::Subnet => "SubnetNotFound",
        Kind::Router => "RouterNotFound",
        Kind::Port => "PortNotFound",
        Kind::FloatingIp => "FloatingIPNotFound",
        Kind::SecurityGroup => "SecurityGroupNotFound",
        _ => return error(service, 404, &format!("{} {id} could not be found.", shelf.missing)),
    };
    // Some of neutron's messages end with a full stop, and some do not.
    let end = if matches!(shelf.kind, Kind::Router | Kind::FloatingIp) { "" } else { "." };
    Answer::json(404, &neutron_error(kind, &format!("{} {id} could not be found{end}", shelf.missing)))
}

fn in_wrapper(shelf: &Shelf, fields: Value) -> Value {
    match shelf.wrapper {
        "" => fields,
        wrapper => json!({wrapper: fields}),
    }
}

/// A body with a list under a key, and what stands beside it.
fn wrapped(key: &str, items: Vec<Bytes>, beside: &[(&str, Value)]) -> Vec<Bytes> {
    let mut pieces = vec![Bytes::from(format!("{{\"{key}\":["))];
    pieces.extend(items);
    let mut end = "]".to_owned();
    for (name, value) in beside {
        // Writing to a string cannot fail.
        let _ = write!(end, ",{}:{value}", Value::from(*name));
    }
    end.push('}');
    pieces.push(end.into());
    pieces
}

/// A page of a list: what was recorded first, what was created after it.
fn page(
    cloud: &Cloud,
    service: Service,
    ask: &Ask,
    (recorded, own): (Option<&Listing>, Vec<Bytes>),
    (key, links_key): (&'static str, &'static str),
    fault: Option<Fault>,
) -> Answer {
    let fixed = recorded.map_or(0, Listing::len);
    let count = fixed + own.len();
    let wanted = ask.parameter("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
    let size = cloud.settings.page_size.min(wanted).max(1);
    let from = match (ask.parameter("offset"), ask.parameter("marker")) {
        (Some(offset), _) => offset.parse().unwrap_or(0),
        (None, None) => 0,
        (None, Some(marker)) => {
            let known = recorded.and_then(|listing| listing.position(marker));
            match known.or_else(|| marker.strip_prefix("at-")?.parse().ok()) {
                Some(at) => at + 1,
                None => return error(service, 400, &format!("Invalid marker {marker}.")),
            }
        }
    };
    let to = count.min(from.saturating_add(size));
    let recorded_part = recorded.map(|listing| listing.slice(from.min(fixed), to.min(fixed)));
    let own_part = own.into_iter().skip(from.saturating_sub(fixed)).take(to.saturating_sub(from.max(fixed)));
    let items = joined(recorded_part.into_iter().chain(own_part));
    // What was created may be gone by then, and a broken recording has one id twice: then the place is the marker.
    let last = to.checked_sub(1).map(|last| {
        let id =
            recorded.and_then(|listing| listing.id(last).filter(|id| listing.position(id) == Some(last)));
        id.map_or_else(|| format!("at-{last}"), str::to_owned)
    });
    let next = match (fault, last) {
        (Some(Fault::ForeignNext), _) => Some(ELSEWHERE.to_owned()),
        (Some(Fault::CircularNext), _) => Some(link(service, ask, &ask.query)),
        (_, Some(last)) if to < count => Some(next_link(service, ask, &last, to)),
        _ => None,
    };
    Answer::pieces(200, wrapped(key, items, &beside(service, ask, links_key, next, count)))
}

/// Where a list goes on.
fn next_link(service: Service, ask: &Ask, last: &str, to: usize) -> String {
    let mut query: Vec<(String, String)> =
        ask.query.iter().filter(|(name, _)| name != "marker" && name != "offset").cloned().collect();
    query.push(match service {
        Service::KeyManager => ("offset".into(), to.to_string()),
        _ => ("marker".into(), last.to_owned()),
    });
    link(service, ask, &query)
}

/// The same list with another query. Glance gives a path as it would be without a proxy before it.
fn link(service: Service, ask: &Ask, query: &[(String, String)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    match service {
        Service::Image => format!("/v2/{}?{query}", ask.path.join("/")),
        _ => format!("{}?{query}", ask.url),
    }
}

/// What services write beside a list.
fn beside(
    service: Service,
    ask: &Ask,
    links_key: &'static str,
    next: Option<String>,
    count: usize,
) -> Vec<(&'static str, Value)> {
    match service {
        Service::Image => {
            let query: Vec<_> = ask.query.iter().filter(|(name, _)| name != "marker").cloned().collect();
            let first = link(service, ask, &query).trim_end_matches('?').to_owned();
            let mut beside = vec![("first", first.into()), ("schema", "/v2/schemas/images".into())];
            beside.extend(next.map(|next| ("next", next.into())));
            beside
        }
        Service::KeyManager => {
            let mut beside = vec![("total", count.into())];
            beside.extend(next.map(|next| ("next", next.into())));
            beside
        }
        Service::Identity => {
            vec![("links", json!({"next": next, "self": ask.url, "previous": null}))]
        }
        _ => next.map(|href| (links_key, json!([{"rel": "next", "href": href}]))).into_iter().collect(),
    }
}

/// What was created and is in a list, as far as the query wants it.
fn own_items(cloud: &Cloud, shelf: &Shelf, ask: &Ask) -> Vec<Bytes> {
    const NARROWING: [&str; 6] = ["name", "id", "device_id", "network_id", "object_id", "description"];
    let narrowing: Vec<&(String, String)> =
        ask.query.iter().filter(|(name, _)| NARROWING.contains(&name.as_str())).collect();
    let state = cloud.state();
    let things = state.store.of(shelf.kind).iter();
    let wanted = things.filter(|thing| narrowing.iter().all(|(name, value)| thing.text(name) == value));
    wanted
        .map(|thing| Bytes::from(Value::Object(shown(cloud, &state, shelf.kind, thing)).to_string()))
        .collect()
}

/// A thing as it is now, with its state.
fn shown(cloud: &Cloud, state: &State, kind: Kind, thing: &Thing) -> Map<String, Value> {
    let mut fields = thing.fields.clone();
    if let Some(status) = status(cloud, state, kind, thing) {
        if matches!(status.as_str(), "creating" | "restoring-backup") {
            fields.insert("updated_at".into(), Value::Null);
        }
        fields.insert("status".into(), status.as_str().into());
        if kind == Kind::Server {
            let (vm, power) = if status == "ACTIVE" { ("active", 1) } else { ("building", 0) };
            let vm = if status == "ERROR" { "error" } else { vm };
            fields.insert("OS-EXT-STS:vm_state".into(), vm.into());
            fields.insert("OS-EXT-STS:power_state".into(), power.into());
            match status.as_str() {
                "ACTIVE" => {}
                "ERROR" => {
                    let fault = json!({"code": 500, "created": thing.text("created"), "message": "No valid host was found. "});
                    fields.insert("fault".into(), fault);
                }
                _ => {
                    fields.insert("addresses".into(), json!({}));
                }
            }
        }
    }
    fields
}

/// The state of a thing; none for what has its state among its fields.
fn status(cloud: &Cloud, state: &State, kind: Kind, thing: &Thing) -> Option<String> {
    let (on_its_way, there) = match kind {
        Kind::Volume => (thing.text("status"), "available"),
        Kind::Backup => ("creating", "available"),
        Kind::Server => ("BUILD", "ACTIVE"),
        Kind::Image if thing.fields.get("size").is_none_or(Value::is_null) => return Some("queued".into()),
        Kind::Image => ("saving", "active"),
        _ => return None,
    };
    if let Some(stuck) = cloud.settings.stuck.iter().find(|stuck| stuck.kind == kind) {
        return Some(stuck.state.clone());
    }
    if thing.since.elapsed() < cloud.settings.settling {
        return Some(on_its_way.into());
    }
    let is_attached = kind == Kind::Volume
        && state.store.of(Kind::Server).iter().any(|server| {
            let volumes = server.fields.get("os-extended-volumes:volumes_attached").and_then(Value::as_array);
            volumes.into_iter().flatten().any(|volume| volume["id"] == thing.id)
        });
    Some(if is_attached { "in-use" } else { there }.into())
}

fn post(cloud: &Cloud, service: Service, path: &[&str], ask: &Ask) -> Answer {
    match (service, path) {
        (Service::Compute, ["servers", id, "action"]) => match cloud.state().store.find(Kind::Server, id) {
            Some(_) => Answer::json(200, &json!({"output": cloud.settings.population.seen.console})),
            None => missing(Shelf::of(service, "servers"), service, id),
        },
        (Service::BlockStorage, ["backups", id, "restore"]) => restore(cloud, id, ask),
        (Service::BlockStorage, ["volumes", id, "action"]) => export(cloud, id, ask),
        (_, [collection]) => match Shelf::of(service, collection) {
            Some(shelf) => create(cloud, shelf, ask),
            None => unknown(service),
        },
        _ => unknown(service),
    }
}

fn create(cloud: &Cloud, shelf: &'static Shelf, ask: &Ask) -> Answer {
    let body = ask.json();
    let wanted = match (&body, shelf.wrapper) {
        (Some(body), "") => body.as_object(),
        (Some(body), wrapper) => body[wrapper].as_object(),
        (None, _) => None,
    };
    let Some(wanted) = wanted.cloned() else {
        return error(shelf.service, 400, "The request body holds no such resource.");
    };
    if let Some((status, message)) =
        step_of(shelf.kind, &wanted).and_then(|step| cloud.settings.population.refusal(step))
    {
        return error(shelf.service, status, message);
    }
    let mut state = cloud.state();
    let thing = match born(cloud, &mut state, shelf.kind, wanted) {
        Ok(thing) => thing,
        Err((status, message)) => return error(shelf.service, status, message),
    };
    let said = told(cloud, &state, shelf, &thing, ask);
    state.store.add(shelf.kind, thing);
    Answer::json(shelf.done.0, &said)
}

/// The step of a probe that creates such a thing, where the recording says what becomes of it.
fn step_of(kind: Kind, wanted: &Map<String, Value>) -> Option<StepId> {
    Some(match kind {
        Kind::Secret => StepId::CreateSecret,
        Kind::RbacPolicy => StepId::CreateRbacPolicy,
        Kind::Subnet if wanted.contains_key("use_default_subnetpool") => StepId::DrawSubnet,
        Kind::Subnet => StepId::CreateSubnet,
        Kind::FloatingIp => StepId::CreateFloatingIp,
        Kind::Router => StepId::CreateRouter,
        Kind::SecurityGroup => StepId::CreateSecurityGroup,
        Kind::Backup if wanted.get("incremental") == Some(&Value::Bool(true)) => StepId::CreateIncremental,
        Kind::Backup => StepId::CreateBackup,
        Kind::Server => StepId::CreateServer,
        _ => return None,
    })
}

/// What is said of something that was just created: for some kinds less than later.
fn told(cloud: &Cloud, state: &State, shelf: &Shelf, thing: &Thing, ask: &Ask) -> Value {
    let links = thing.fields.get("links").cloned().unwrap_or_default();
    match shelf.kind {
        Kind::Secret => json!({"secret_ref": format!("{}/{}", ask.url, thing.id)}),
        Kind::Backup => json!({"backup": {"id": thing.id, "name": thing.text("name"), "links": links}}),
        Kind::Server => json!({"server": {
            "id": thing.id, "links": links, "OS-DCF:diskConfig": "MANUAL", "adminPass": "simulated",
            "security_groups": [{"name": "default"}],
        }}),
        kind => {
            let mut fields = shown(cloud, state, kind, thing);
            if kind == Kind::Volume {
                // Cinder tells these of a volume that is looked at alone.
                fields.remove("os-vol-tenant-attr:tenant_id");
                fields.remove("volume_image_metadata");
                fields.insert("status".into(), "creating".into());
                fields.insert("updated_at".into(), Value::Null);
            }
            if kind == Kind::Network {
                // Neutron tells this of a new network alone.
                fields.insert("is_default".into(), false.into());
            }
            in_wrapper(shelf, fields.into())
        }
    }
}

fn restore(cloud: &Cloud, id: &str, ask: &Ask) -> Answer {
    let service = Service::BlockStorage;
    if let Some((status, message)) = cloud.settings.population.refusal(StepId::RestoreBackup) {
        return error(service, status, message);
    }
    let mut state = cloud.state();
    let Some(backup) = state.store.find(Kind::Backup, id).cloned() else {
        return missing(Shelf::of(service, "backups"), service, id);
    };
    let body = ask.json().unwrap_or_default();
    let name = body["restore"]["name"].as_str().unwrap_or_default().to_owned();
    let volume = volume_of(cloud, &mut state, (&name, "restoring-backup"), &Map::new(), backup.data);
    let said = json!({"restore": {"backup_id": id, "volume_id": volume.id, "volume_name": name}});
    state.store.add(Kind::Volume, volume);
    Answer::json(202, &said)
}

fn export(cloud: &Cloud, id: &str, ask: &Ask) -> Answer {
    let service = Service::BlockStorage;
    let body = ask.json().unwrap_or_default();
    let Some(wanted) = body.get("os-volume_upload_image") else {
        return error(service, 400, "There is no such action.");
    };
    let mut state = cloud.state();
    let Some(volume) = state.store.find(Kind::Volume, id).cloned() else {
        return missing(Shelf::of(service, "volumes"), service, id);
    };
    let name = &wanted["image_name"];
    let fields = json!({
        "name": name, "disk_format": wanted["disk_format"], "container_format": wanted["container_format"],
        "visibility": "private",
    });
    let fields = fields.as_object().cloned().unwrap_or_default();
    let Ok(mut image) = born(cloud, &mut state, Kind::Image, fields) else {
        return error(service, 500, "no image can be made");
    };
    fill(&mut image, volume.data, 1 << 30);
    let said = json!({"os-volume_upload_image": {
        "id": id, "updated_at": volume.fields.get("updated_at"), "status": "uploading",
        "display_description": volume.fields.get("description"), "size": volume.fields.get("size"),
        "volume_type": volume.fields.get("volume_type"), "image_id": image.id,
        "container_format": wanted["container_format"], "disk_format": wanted["disk_format"], "image_name": name,
    }});
    state.store.add(Kind::Image, image);
    Answer::json(202, &said)
}

/// Puts data into an image, of which only the beginning is kept.
fn fill(image: &mut Thing, data: Bytes, size: u64) {
    let digest = hexadecimal(&Sha512::digest(&data));
    image.fields.insert("size".into(), size.into());
    image.fields.insert("virtual_size".into(), size.into());
    image.fields.insert("checksum".into(), digest[..32].into());
    image.fields.insert("os_hash_algo".into(), "sha512".into());
    image.fields.insert("os_hash_value".into(), digest.into());
    // Of the several stores that a glance may have, the one that it is in.
    image.fields.insert("stores".into(), "file".into());
    image.data = data;
    image.since = Instant::now();
}

/// The data of an image, or the part of it that is asked for.
fn file(image: &Thing, ask: &Ask) -> Answer {
    let size = image.fields.get("size").and_then(Value::as_u64).unwrap_or_default();
    let most = PART.min(usize::try_from(size).unwrap_or(PART));
    let mut bytes = image.data[..image.data.len().min(most)].to_vec();
    // What is not kept is zero, as on a new disk.
    bytes.resize(most, 0);
    let status = if ask.header("range").is_some() { 206 } else { 200 };
    let answer = Answer::of_type(status, "application/octet-stream", bytes);
    match status {
        206 => answer.with("content-range", &format!("bytes 0-{}/{size}", most.saturating_sub(1))),
        _ => answer,
    }
}

fn put(cloud: &Cloud, service: Service, path: &[&str], ask: &Ask) -> Answer {
    let mut state = cloud.state();
    match (service, path) {
        (Service::Image, ["images", id, "file"]) => match state.store.find_mut(Kind::Image, id) {
            Some(image) => {
                fill(image, Bytes::copy_from_slice(&ask.body), ask.size);
                Answer::empty(204)
            }
            None => error(service, 404, &format!("Failed to find image {id}")),
        },
        (Service::Network, ["routers", router, "add_router_interface"]) => {
            let subnet = ask.json().unwrap_or_default()["subnet_id"].as_str().unwrap_or_default().to_owned();
            let network =
                state.store.find(Kind::Subnet, &subnet).map(|found| found.text("network_id").to_owned());
            match (state.store.find(Kind::Router, router), network) {
                (Some(_), Some(network)) => {
                    let wanted = json!({
                        "network_id": network, "device_id": router, "device_owner": "network:router_interface",
                        "fixed_ips": [{"subnet_id": subnet, "ip_address": "10.1.0.1"}],
                    });
                    attach(cloud, &mut state, wanted, (router, &subnet, &network))
                }
                _ => error(service, 404, &format!("Router {router} or subnet {subnet} could not be found")),
            }
        }
        (Service::Network, ["routers", router, "remove_router_interface"]) => {
            let port = ask.json().unwrap_or_default()["port_id"].as_str().unwrap_or_default().to_owned();
            match state.store.find(Kind::Port, &port).cloned() {
                Some(found) => {
                    state.store.remove(Kind::Port, |one| one.id == port);
                    let subnet = found.fields["fixed_ips"][0]["subnet_id"].clone();
                    Answer::json(200, &interface(cloud, router, &port, &subnet, found.text("network_id")))
                }
                None => error(service, 404, &format!("Port {port} could not be found.")),
            }
        }
        _ => unknown(service),
    }
}

fn attach(
    cloud: &Cloud,
    state: &mut State,
    wanted: Value,
    (router, subnet, network): (&str, &str, &str),
) -> Answer {
    match born(cloud, state, Kind::Port, wanted.as_object().cloned().unwrap_or_default()) {
        Ok(port) => {
            let said = interface(cloud, router, &port.id, &subnet.into(), network);
            state.store.add(Kind::Port, port);
            Answer::json(200, &said)
        }
        Err((status, message)) => error(Service::Network, status, message),
    }
}

fn interface(cloud: &Cloud, router: &str, port: &str, subnet: &Value, network: &str) -> Value {
    let project = project(cloud);
    json!({
        "id": router, "tenant_id": project, "project_id": project, "port_id": port, "network_id": network,
        "subnet_id": subnet, "subnet_ids": [subnet],
    })
}

/// The project of the token.
pub(crate) fn project(cloud: &Cloud) -> &str {
    cloud.settings.population.token.project.as_ref().map_or("", |project| project.id.as_str())
}

fn delete(cloud: &Cloud, service: Service, collection: &str, id: &str) -> Answer {
    let Some(shelf) = Shelf::of(service, collection) else { return unknown(service) };
    let mut state = cloud.state();
    let Some(thing) = state.store.find(shelf.kind, id) else {
        return match shelf.kind {
            // Keystone forbids what does not exist as if it were somebody else's.
            Kind::Credential => {
                error(service, 403, "You are not authorized to perform the requested action.")
            }
            Kind::Image if cloud.settings.population.images.find(id).is_some() => {
                error(service, 403, "You are not permitted to delete this image.")
            }
            _ => missing(Some(shelf), service, id),
        };
    };
    if let Some((status, message)) = in_the_way(cloud, &state, shelf.kind, thing) {
        return error(service, status, &message);
    }
    state.store.remove(shelf.kind, |thing| thing.id == id);
    // What goes with it.
    match shelf.kind {
        Kind::Server => state.store.remove(Kind::Port, |port| port.text("device_id") == id),
        Kind::Network => {
            state.store.remove(Kind::Subnet, |subnet| subnet.text("network_id") == id);
            state.store.remove(Kind::RbacPolicy, |policy| policy.text("object_id") == id);
        }
        _ => {}
    }
    // Each service types the nothing that it says in its own way.
    match shelf.kind {
        Kind::Image | Kind::Volume | Kind::Snapshot => Answer::of_type(shelf.done.1, "text/html", ""),
        Kind::Backup => Answer::of_type(shelf.done.1, "application/json", ""),
        _ => Answer::empty(shelf.done.1),
    }
}

/// Why something cannot be deleted now.
fn in_the_way(cloud: &Cloud, state: &State, kind: Kind, thing: &Thing) -> Option<(u16, String)> {
    let ports = state.store.of(Kind::Port);
    let status = status(cloud, state, kind, thing);
    match kind {
        Kind::Volume | Kind::Backup => {
            let status = status.unwrap_or_default();
            if !matches!(status.as_str(), "available" | "error" | "error_restoring") {
                let message =
                    format!("Invalid {}: status must be available or error, but is {status}.", word(kind));
                return Some((400, message));
            }
            let depends = state.store.of(Kind::Backup).iter().any(|other| other.parent == thing.id);
            depends.then(|| (400, "Invalid backup: Incremental backups exist for this backup.".into()))
        }
        Kind::Router if ports.iter().any(|port| port.text("device_id") == thing.id) => {
            Some((409, format!("Router {} still has ports", thing.id)))
        }
        Kind::Network if ports.iter().any(|port| port.text("network_id") == thing.id) => Some((
            409,
            format!(
                "Unable to complete operation on network {}. There are one or more ports still in use on the network.",
                thing.id
            ),
        )),
        Kind::Subnet if ports.iter().any(|port| is_on(port, &thing.id)) => Some((
            409,
            format!(
                "Unable to complete operation on subnet {}: One or more ports have an IP allocation from this subnet.",
                thing.id
            ),
        )),
        _ => None,
    }
}

fn word(kind: Kind) -> &'static str {
    if kind == Kind::Volume { "volume" } else { "backup" }
}

fn is_on(port: &Thing, subnet: &str) -> bool {
    let addresses = port.fields.get("fixed_ips").and_then(Value::as_array);
    addresses.into_iter().flatten().any(|address| address["subnet_id"] == subnet)
}

fn quotas(floating_ips: i64) -> Value {
    json!({"quota": {
        "network": 100, "subnet": 100, "subnetpool": -1, "port": 500, "router": 10, "floatingip": floating_ips,
        "rbac_policy": 10, "security_group": 10, "security_group_rule": 100, "trunk": -1,
    }})
}

fn compute_limits(cloud: &Cloud) -> Value {
    let used = cloud.state().store.of(Kind::Server).len();
    json!({"limits": {"rate": [], "absolute": {
        "maxServerMeta": 128, "maxTotalInstances": 10, "maxTotalKeypairs": 100, "maxTotalCores": 20,
        "maxTotalRAMSize": 51200, "maxServerGroups": 10, "maxServerGroupMembers": 10,
        "totalRAMUsed": 0, "totalCoresUsed": used, "totalInstancesUsed": used, "totalServerGroupsUsed": 0,
    }}})
}

fn volume_limits(cloud: &Cloud) -> Value {
    let state = cloud.state();
    let (volumes, backups) = (state.store.of(Kind::Volume).len(), state.store.of(Kind::Backup).len());
    json!({"limits": {"rate": [], "absolute": {
        "maxTotalVolumes": 10, "maxTotalSnapshots": 10, "maxTotalVolumeGigabytes": 1000,
        "maxTotalBackups": 10, "maxTotalBackupGigabytes": 1000, "totalVolumesUsed": volumes,
        "totalGigabytesUsed": volumes, "totalSnapshotsUsed": 0, "totalBackupsUsed": backups,
        "totalBackupGigabytesUsed": backups,
    }}})
}
