//! What is in a cloud: the facts of an inventory, rendered once for all clouds that have them.

use std::collections::{BTreeMap, HashMap, HashSet};

use assay_inventory::{
    Fact, FactId, Image, Inventory, Reason, Record, S3Presence, StepId, SubnetPool, Token, Transcript,
    Unavailable,
};
use serde_json::{Map, Value, json};

use crate::listing::Listing;

/// What can be seen in a cloud, and what it answers to those who create things.
///
/// A fact that the inventory does not hold is not to be had here either: the answer repeats status and message of the
/// recording. What a recording cannot hold is not here: the data of images, TLS, and S3 beyond its first answer.
#[derive(Debug, Default)]
pub struct Population {
    pub(crate) token: Token,
    pub(crate) auth_url: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) flavors: Listing,
    pub(crate) extra_specs: BTreeMap<String, Value>,
    pub(crate) images: Listing,
    pub(crate) hidden_images: Listing,
    pub(crate) volume_types: Listing,
    pub(crate) default_rules: Listing,
    pub(crate) external_networks: Listing,
    pub(crate) subnet_pools: Listing,
    pub(crate) floating_ip_quota: i64,
    pub(crate) s3: Option<S3Presence>,
    pub(crate) troubles: BTreeMap<FactId, Unavailable>,
    /// What became of the steps of probes that failed.
    refusals: HashMap<StepId, Unavailable>,
    pub(crate) seen: Seen,
}

/// What probes saw that others are to see again.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) group_rules: Vec<Value>,
    /// The volume types whose volumes are encrypted.
    pub(crate) encrypted: HashSet<String>,
    pub(crate) volumes_in_clear: bool,
    pub(crate) incremental: bool,
    pub(crate) gateway_addresses: Vec<String>,
    pub(crate) floating_ip: String,
    pub(crate) drawn_subnet: Option<String>,
    /// The id of the pool that it is drawn from.
    pub(crate) default_pool: String,
    pub(crate) server_addresses: Vec<String>,
    pub(crate) console: String,
    /// A network as this cloud shows it.
    pub(crate) network: Map<String, Value>,
}

impl Population {
    /// What an inventory shows.
    pub fn of(inventory: &Inventory) -> Self {
        let mut population = Population {
            token: inventory.token.value().cloned().unwrap_or_default(),
            auth_url: inventory.subject.auth_url.clone(),
            region: inventory.subject.region.clone(),
            floating_ip_quota: inventory.floating_ip_quota.value().copied().unwrap_or_default(),
            s3: inventory.s3_presence.value().cloned(),
            seen: seen(inventory),
            ..Population::default()
        };
        population.render(inventory);
        for fact in FactId::ALL {
            let why = match inventory.unavailable(*fact) {
                Some(why) => why.clone(),
                None if inventory.is_known(*fact) => continue,
                None => Unavailable::new(Reason::NotAsked, format!("the recording holds no {fact}")),
            };
            population.troubles.insert(*fact, why);
        }
        for transcript in transcripts(inventory) {
            for step in &transcript.steps {
                if let Some(why) = &step.trouble {
                    population.refusals.entry(step.id).or_insert_with(|| why.clone());
                }
            }
        }
        population
    }

    fn render(&mut self, inventory: &Inventory) {
        self.flavors = listing(&inventory.flavors, |id, fields| {
            let href = |root: &str| format!("{root}/flavors/{id}");
            fields.insert("links".into(), links(&href("/v2.1"), Some(&href(""))));
        });
        for flavor in inventory.flavors.value().into_iter().flatten() {
            let specs = flavor.get("extra_specs").cloned().unwrap_or_else(|| json!({}));
            self.extra_specs.insert(flavor.id().to_owned(), specs);
        }
        let image = |id: &str, fields: &mut Map<String, Value>| image_places(id, fields);
        self.images = listing(&inventory.images, image);
        self.hidden_images = listing(&inventory.hidden_images, image);
        let as_it_is = |_: &str, _: &mut Map<String, Value>| ();
        self.volume_types = listing(&inventory.volume_types, as_it_is);
        self.default_rules = listing(&inventory.default_security_group_rules, as_it_is);
        self.external_networks = listing(&inventory.external_networks, as_it_is);
        self.subnet_pools = listing(&inventory.subnet_pools, as_it_is);
    }

    /// Why a call that a step of a probe makes was refused when this was recorded; none if it was not.
    pub(crate) fn refusal(&self, step: StepId) -> Option<(u16, &str)> {
        let why = self.refusals.get(&step)?;
        Some((why.status?, &why.message))
    }

    /// Bytes that it takes in memory, roughly.
    pub fn weight(&self) -> usize {
        let listings = [
            &self.flavors,
            &self.images,
            &self.hidden_images,
            &self.volume_types,
            &self.default_rules,
            &self.external_networks,
            &self.subnet_pools,
        ];
        listings.iter().map(|listing| listing.weight()).sum()
    }
}

/// Where glance has an image, and its data.
pub(crate) fn image_places(id: &str, fields: &mut Map<String, Value>) {
    fields.insert("self".into(), format!("/v2/images/{id}").into());
    fields.insert("file".into(), format!("/v2/images/{id}/file").into());
    fields.insert("schema".into(), "/v2/schemas/image".into());
}

/// Links to a resource, as nova and cinder give them.
pub(crate) fn links(own: &str, bookmark: Option<&str>) -> Value {
    let own = std::iter::once(("self", own));
    own.chain(bookmark.map(|href| ("bookmark", href)))
        .map(|(rel, href)| json!({"rel": rel, "href": href}))
        .collect()
}

fn listing<T: std::ops::Deref<Target = Record>>(
    fact: &Fact<Vec<T>>,
    add: impl Fn(&str, &mut Map<String, Value>),
) -> Listing {
    Listing::render(fact.value().into_iter().flatten().map(std::ops::Deref::deref), add)
}

fn seen(inventory: &Inventory) -> Seen {
    let group = inventory.new_security_group.value().and_then(|seen| seen.rules.as_ref());
    let default = inventory.default_security_group_rules.value();
    let group_rules = match (group, default) {
        (Some(rules), _) => rules.iter().map(|rule| value(rule)).collect(),
        (None, Some(rules)) => {
            let counts = |rule: &&assay_inventory::SecurityGroupRule| {
                rule.flag("used_in_non_default_sg").value() == Some(true)
            };
            rules.iter().filter(counts).map(|rule| value(rule)).collect()
        }
        (None, None) => Vec::new(),
    };
    let encrypted = inventory.encrypted_volumes.value().map(|seen| &seen.volumes);
    let network = inventory.provider_network_use.value();
    let machine = inventory.virtual_machine.value();
    let console = machine.map(|seen| match seen.console.is_empty() {
        true => seen.console_tail.join("\n"),
        false => seen.console.join("\n"),
    });
    Seen {
        group_rules,
        encrypted: encrypted
            .into_iter()
            .flatten()
            .filter(|volume| volume.encrypted == Some(true))
            .map(|volume| volume.volume_type.clone())
            .collect(),
        volumes_in_clear: inventory.volume_backup.value().is_some_and(|seen| seen.intact == Some(false)),
        incremental: inventory.volume_backup.value().is_none_or(|seen| seen.incremental != Some(false)),
        gateway_addresses: network
            .map_or_else(|| vec!["203.0.113.10".into()], |seen| seen.gateway_addresses.clone()),
        floating_ip: network
            .and_then(|seen| seen.floating_ip.clone())
            .unwrap_or_else(|| "203.0.113.201".into()),
        drawn_subnet: drawn_subnet(inventory),
        default_pool: default_pool(inventory).map_or_else(String::new, |pool| pool.id().to_owned()),
        server_addresses: machine.map_or_else(|| vec!["10.1.0.163".into()], |seen| seen.addresses.clone()),
        console: console.unwrap_or_default(),
        network: inventory
            .external_networks
            .value()
            .and_then(|networks| networks.first())
            .and_then(|network| value(network).as_object().cloned())
            .unwrap_or_default(),
    }
}

/// What a subnet from the default IPv6 pool gets: what was seen, or else the beginning of the pool.
fn drawn_subnet(inventory: &Inventory) -> Option<String> {
    let seen = inventory.provider_network_use.value().and_then(|seen| seen.drawn_subnet.clone());
    seen.or_else(|| {
        let prefix = default_pool(inventory)?.get("prefixes")?.get(0)?.as_str()?;
        Some(format!("{}/64", prefix.split('/').next()?))
    })
}

/// The pool that IPv6 subnets are drawn from.
fn default_pool(inventory: &Inventory) -> Option<&SubnetPool> {
    inventory.subnet_pools.value()?.iter().find(|pool| {
        pool.flag("is_default").value() == Some(true) && pool.integer("ip_version").value() == Some(6)
    })
}

fn value(record: &Record) -> Value {
    serde_json::to_value(record).unwrap_or_default()
}

fn transcripts(inventory: &Inventory) -> Vec<&Transcript> {
    [
        inventory.new_security_group.value().map(|seen| &seen.transcript),
        inventory.secret_lifecycle.value().map(|seen| &seen.transcript),
        inventory.volume_backup.value().map(|seen| &seen.transcript),
        inventory.image_upload.value().map(|seen| &seen.transcript),
        inventory.provider_network_use.value().map(|seen| &seen.transcript),
        inventory.virtual_machine.value().map(|seen| &seen.transcript),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The inventory with so many images, those that it has over and over under other ids and names.
#[must_use]
pub fn with_images(mut inventory: Inventory, count: usize) -> Inventory {
    let Fact::Known(images) = &mut inventory.images else { return inventory };
    if images.is_empty() {
        return inventory;
    }
    let more = (images.len()..count).map(|number| {
        let mut record = images[number % images.len()].0.clone();
        record.set("id", format!("{:08x}-0000-4000-8000-{number:012x}", 0x51ac_0000_usize).into());
        record.set("name", format!("{} ({number})", record.name().unwrap_or_default()).into());
        Image(record)
    });
    let more: Vec<Image> = more.collect();
    images.extend(more);
    images.truncate(count);
    inventory
}
