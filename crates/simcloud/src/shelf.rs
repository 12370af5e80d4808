//! What is created in a cloud, kind by kind.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::Service;

/// A kind of thing that can be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An EC2 credential of keystone.
    Credential,
    /// An image of glance.
    Image,
    /// A secret of barbican.
    Secret,
    /// A volume of cinder.
    Volume,
    /// A backup of cinder.
    Backup,
    /// A snapshot of cinder; there are none, but they are asked for.
    Snapshot,
    /// A network of neutron.
    Network,
    /// A subnet of neutron.
    Subnet,
    /// A router of neutron.
    Router,
    /// A port of neutron.
    Port,
    /// A floating IP of neutron.
    FloatingIp,
    /// An RBAC policy of neutron.
    RbacPolicy,
    /// A security group of neutron.
    SecurityGroup,
    /// A server of nova.
    Server,
}

/// Where a kind stands in the API.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) kind: Kind,
    pub(crate) service: Service,
    /// The collection in the path.
    pub(crate) path: &'static str,
    /// The key of the list.
    pub(crate) key: &'static str,
    /// The key of links to further pages.
    pub(crate) links_key: &'static str,
    /// The key around one; empty for none.
    pub(crate) wrapper: &'static str,
    /// What is said of one that is not there.
    pub(crate) missing: &'static str,
    /// The status of the answer to those who create and to those who delete.
    pub(crate) done: (u16, u16),
}

const SHELVES: &[Shelf] = &[
    shelf(
        Kind::Credential,
        Service::Identity,
        "credentials",
        ("credentials", ""),
        "credential",
        "credential",
        (201, 204),
    ),
    shelf(Kind::Image, Service::Image, "images", ("images", ""), "", "image", (201, 204)),
    shelf(Kind::Secret, Service::KeyManager, "secrets", ("secrets", ""), "", "secret", (201, 204)),
    shelf(
        Kind::Volume,
        Service::BlockStorage,
        "volumes",
        ("volumes", "volumes_links"),
        "volume",
        "Volume",
        (202, 202),
    ),
    shelf(
        Kind::Backup,
        Service::BlockStorage,
        "backups",
        ("backups", "backup_links"),
        "backup",
        "Backup",
        (202, 202),
    ),
    shelf(
        Kind::Snapshot,
        Service::BlockStorage,
        "snapshots",
        ("snapshots", "snapshots_links"),
        "snapshot",
        "Snapshot",
        (202, 202),
    ),
    shelf(
        Kind::Network,
        Service::Network,
        "networks",
        ("networks", "networks_links"),
        "network",
        "Network",
        (201, 204),
    ),
    shelf(
        Kind::Subnet,
        Service::Network,
        "subnets",
        ("subnets", "subnets_links"),
        "subnet",
        "Subnet",
        (201, 204),
    ),
    shelf(
        Kind::Router,
        Service::Network,
        "routers",
        ("routers", "routers_links"),
        "router",
        "Router",
        (201, 204),
    ),
    shelf(Kind::Port, Service::Network, "ports", ("ports", "ports_links"), "port", "Port", (201, 204)),
    shelf(
        Kind::FloatingIp,
        Service::Network,
        "floatingips",
        ("floatingips", "floatingips_links"),
        "floatingip",
        "Floating IP",
        (201, 204),
    ),
    shelf(
        Kind::RbacPolicy,
        Service::Network,
        "rbac-policies",
        ("rbac_policies", "rbac_policies_links"),
        "rbac_policy",
        "RbacPolicy",
        (201, 204),
    ),
    shelf(
        Kind::SecurityGroup,
        Service::Network,
        "security-groups",
        ("security_groups", "security_groups_links"),
        "security_group",
        "Security group",
        (201, 204),
    ),
    shelf(
        Kind::Server,
        Service::Compute,
        "servers",
        ("servers", "servers_links"),
        "server",
        "Instance",
        (202, 204),
    ),
];

const fn shelf(
    kind: Kind,
    service: Service,
    path: &'static str,
    (key, links_key): (&'static str, &'static str),
    wrapper: &'static str,
    missing: &'static str,
    done: (u16, u16),
) -> Shelf {
    Shelf { kind, service, path, key, links_key, wrapper, missing, done }
}

impl Shelf {
    /// The shelf of a collection.
    pub(crate) fn of(service: Service, path: &str) -> Option<&'static Shelf> {
        SHELVES.iter().find(|shelf| shelf.service == service && shelf.path == path)
    }
}

/// Something that was created.
#[derive(Debug, Clone)]
pub(crate) struct Thing {
    pub(crate) id: String,
    /// When what it is on its way to began.
    pub(crate) since: Instant,
    /// Its fields; the state is another matter.
    pub(crate) fields: Map<String, Value>,
    /// What its data begin with.
    pub(crate) data: Bytes,
    /// The id of what it builds upon; empty for none.
    pub(crate) parent: String,
}

impl Thing {
    pub(crate) fn new(id: String, fields: Map<String, Value>, data: Bytes) -> Self {
        Thing { id, since: Instant::now(), fields, data, parent: String::new() }
    }

    pub(crate) fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or_default()
    }
}

/// All that was created and is still there.
#[derive(Debug, Default)]
pub(crate) struct Store {
    things: BTreeMap<Kind, Vec<Thing>>,
}

impl Store {
    pub(crate) fn of(&self, kind: Kind) -> &[Thing] {
        self.things.get(&kind).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn find(&self, kind: Kind, id: &str) -> Option<&Thing> {
        self.of(kind).iter().find(|thing| thing.id == id)
    }

    pub(crate) fn find_mut(&mut self, kind: Kind, id: &str) -> Option<&mut Thing> {
        self.things.get_mut(&kind)?.iter_mut().find(|thing| thing.id == id)
    }

    pub(crate) fn add(&mut self, kind: Kind, thing: Thing) {
        self.things.entry(kind).or_default().push(thing);
    }

    /// Removes what fits.
    pub(crate) fn remove(&mut self, kind: Kind, fits: impl Fn(&Thing) -> bool) {
        if let Some(things) = self.things.get_mut(&kind) {
            things.retain(|thing| !fits(thing));
        }
    }

    /// What is still there: kind and name, or the id of what has none.
    pub(crate) fn leftovers(&self) -> Vec<(Kind, String)> {
        let named = |thing: &Thing| match thing.text("name") {
            "" => thing.id.clone(),
            name => name.to_owned(),
        };
        self.things
            .iter()
            .flat_map(|(kind, things)| things.iter().map(move |thing| (*kind, named(thing))))
            .collect()
    }
}
