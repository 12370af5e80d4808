//! Which image, flavors and networks are taken out of what a cloud has.

use std::cmp::Reverse;

use assay_inventory::{Flavor, Image, Network, Record};
use assay_journal::RunId;

/// The images and flavors that servers are made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Machines {
    pub(super) image: Option<String>,
    pub(super) other_image: Option<String>,
    pub(super) flavor: Option<String>,
    pub(super) other_flavor: Option<String>,
}

/// Extra specs that ask for special hardware or a special host.
const SPECIAL: [&str; 6] = [
    "pci_passthrough:",
    "resources:",
    "trait:",
    "aggregate_instance_extra_specs:",
    "capabilities:",
    "hw:mem_page_size",
];
/// Less RAM than this, in MiB, and no image boots.
const LEAST_RAM: i64 = 64;

/// The smallest flavor that fits two images, or else one; and the next one that its servers can be resized to.
pub(super) fn machines(images: &[Image], flavors: &[Flavor]) -> Machines {
    let images = bootable(images);
    let flavors = usable(flavors);
    let fitting = |flavor: &Flavor| -> Vec<&Image> {
        images.iter().copied().filter(|image| fits(image, flavor)).take(2).collect()
    };
    let chosen = flavors
        .iter()
        .map(|flavor| (*flavor, fitting(flavor)))
        .filter(|(_, fitting)| !fitting.is_empty())
        .min_by_key(|(_, fitting)| Reverse(fitting.len()));
    let Some((flavor, fitting)) = chosen else {
        return Machines::default();
    };
    let id = |record: &Record| Some(record.id().to_owned());
    // The disk of a server cannot shrink.
    let other = flavors
        .iter()
        .find(|other| other.id() != flavor.id() && number(other, "disk") >= number(flavor, "disk"));
    Machines {
        image: fitting.first().and_then(|image| id(image)),
        other_image: fitting.get(1).and_then(|image| id(image)),
        flavor: id(flavor),
        other_flavor: other.and_then(|other| id(other)),
    }
}

/// Whether a run made it, which will take it away again.
fn is_passing(record: &Record) -> bool {
    record.name().is_some_and(|name| RunId::of_name(name).is_some())
}

fn number(record: &Record, field: &str) -> i64 {
    record.integer(field).value().unwrap_or_default()
}

fn fits(image: &Image, flavor: &Flavor) -> bool {
    let disk = number(flavor, "disk");
    let bytes = number(image, "virtual_size").max(number(image, "size"));
    // Without a disk of its own, a flavor takes what the image needs.
    let disk_fits = disk == 0 || number(image, "min_disk") <= disk && bytes <= disk.saturating_mul(1 << 30);
    disk_fits && number(image, "min_ram") <= number(flavor, "ram")
}

/// The images that servers can boot from, those that ask for least first.
fn bootable(images: &[Image]) -> Vec<&Image> {
    let word = |image: &Image, field: &str| image.text(field).value().unwrap_or_default().to_lowercase();
    let mut found: Vec<&Image> = images
        .iter()
        .filter(|image| word(image, "status") == "active" && !image.is_hidden() && !image.id().is_empty())
        .filter(|image| !is_passing(image))
        .filter(|image| matches!(word(image, "disk_format").as_str(), "raw" | "qcow2"))
        .filter(|image| matches!(word(image, "container_format").as_str(), "bare" | ""))
        .filter(|image| ["os_type", "os_distro"].iter().all(|field| word(image, field) != "windows"))
        .filter(|image| matches!(word(image, "architecture").as_str(), "" | "x86_64" | "amd64"))
        .filter(|image| matches!(image.visibility(), Some("public" | "private" | "community")))
        .collect();
    found.sort_by_key(|image| {
        let is_public = image.visibility() == Some("public");
        let purpose = word(image, "os_purpose");
        let is_plain = matches!(purpose.as_str(), "" | "generic" | "minimal");
        let name = image.name().unwrap_or_default();
        (!is_public, !is_plain, number(image, "min_disk"), number(image, "size"), name, image.id())
    });
    found
}

/// The flavors that any server can have, small ones first. Flavors without a disk come last: nova starts
/// servers of them from images only if its policy was changed.
fn usable(flavors: &[Flavor]) -> Vec<&Flavor> {
    let mut found: Vec<&Flavor> = flavors
        .iter()
        .filter(|flavor| !flavor.id().is_empty() && number(flavor, "ram") >= LEAST_RAM)
        .filter(|flavor| !flavor.flag("OS-FLV-DISABLED:disabled").value().unwrap_or(false))
        .filter(|flavor| {
            flavor.extra_specs().all(|(key, _)| !SPECIAL.iter().any(|special| key.starts_with(special)))
        })
        .collect();
    found.sort_by_key(|flavor| (number(flavor, "disk") == 0, size(flavor)));
    found
}

/// Sorts flavors as they are tried: those with a disk first, small ones before large ones.
pub(super) fn sort_by_size(flavors: &mut [Flavor]) {
    flavors.sort_by_cached_key(|flavor| {
        let (ram, vcpus, disk, id) = size(flavor);
        (number(flavor, "disk") == 0, ram, vcpus, disk, id.to_owned())
    });
}

fn size(flavor: &Flavor) -> (i64, i64, i64, &str) {
    (number(flavor, "ram"), number(flavor, "vcpus"), number(flavor, "disk"), flavor.id())
}

fn is_external(network: &Network) -> bool {
    network.flag("router:external").value().unwrap_or(false)
}

fn has_subnets(network: &Network) -> bool {
    network.get("subnets").and_then(serde_json::Value::as_array).is_some_and(|subnets| !subnets.is_empty())
}

/// The network that floating IPs come from: the default one, or else the first.
pub(super) fn external_network(networks: &[Network]) -> Option<String> {
    networks
        .iter()
        .filter(|network| is_external(network) && !is_passing(network))
        .min_by_key(|network| {
            let is_default = network.flag("is_default").value().unwrap_or(false);
            (!has_subnets(network), !is_default, network.name().unwrap_or_default())
        })
        .map(|network| network.id().to_owned())
}

/// The name of the network that servers are attached to: one of the project's own, or else one that is shared.
/// Tempest knows it by name, so the name must be the only one of its kind.
pub(super) fn fixed_network(networks: &[Network], project: &str) -> Option<String> {
    let name = |network: &Network| network.name().unwrap_or_default().to_owned();
    let is_own = |network: &Network| {
        ["project_id", "tenant_id"].iter().any(|field| network.text(field).value() == Some(project))
    };
    networks
        .iter()
        .filter(|network| !is_external(network) && has_subnets(network) && !is_passing(network))
        .filter(|network| {
            let own_name = name(network);
            !own_name.is_empty() && networks.iter().filter(|other| name(other) == own_name).count() == 1
        })
        .min_by_key(|network| (!is_own(network), name(network)))
        .map(name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record(value: Value) -> Record {
        serde_json::from_value(value).unwrap()
    }

    fn image(id: &str, more: Value) -> Image {
        let mut image = record(json!({
            "id": id, "name": id, "status": "active", "disk_format": "qcow2", "container_format": "bare",
            "visibility": "public", "size": 1000, "min_disk": 0, "min_ram": 0,
        }));
        for (field, value) in more.as_object().unwrap() {
            image.set(field.clone(), value.clone());
        }
        Image(image)
    }

    fn flavor(id: &str, vcpus: i64, ram: i64, disk: i64, specs: Value) -> Flavor {
        Flavor(record(json!({"id": id, "vcpus": vcpus, "ram": ram, "disk": disk, "extra_specs": specs})))
    }

    fn chosen(images: &[Image], flavors: &[Flavor]) -> [Option<String>; 4] {
        let found = machines(images, flavors);
        [found.image, found.other_image, found.flavor, found.other_flavor]
    }

    fn text(texts: [&str; 4]) -> [Option<String>; 4] {
        texts.map(|text| (!text.is_empty()).then(|| text.to_owned()))
    }

    #[test]
    fn two_images_are_worth_a_larger_flavor() {
        let images = [
            image("large", json!({"min_disk": 20})),
            image("medium", json!({"min_disk": 5, "min_ram": 512})),
            image("small", json!({"min_disk": 1})),
        ];
        let flavors = [
            flavor("f20", 1, 4096, 20, json!({})),
            flavor("f1", 1, 512, 1, json!({})),
            flavor("f5", 1, 1024, 5, json!({})),
            flavor("f0", 1, 512, 0, json!({})),
        ];
        assert_eq!(chosen(&images, &flavors), text(["small", "medium", "f5", "f20"]));
        assert_eq!(chosen(&images[2..], &flavors), text(["small", "", "f1", "f5"]));
        assert_eq!(
            chosen(&images, &flavors[3..]),
            text(["small", "medium", "f0", ""]),
            "if there is no other"
        );
    }

    #[test]
    fn the_disk_of_the_other_flavor_is_not_smaller() {
        let images = [image("small", json!({}))];
        let flavors = [flavor("a", 1, 512, 5, json!({})), flavor("b", 1, 1024, 1, json!({}))];
        assert_eq!(chosen(&images, &flavors), text(["small", "", "a", ""]));
    }

    #[test]
    fn what_is_special_is_left_alone() {
        let images = [
            image("windows", json!({"os_distro": "windows"})),
            image("arm", json!({"architecture": "aarch64"})),
            image("hidden", json!({"os_hidden": true})),
            image("queued", json!({"status": "queued"})),
            image("iso", json!({"disk_format": "iso"})),
            image("foreign", json!({"visibility": "shared"})),
            image("assay-0123abcd-image", json!({})),
            image("huge", json!({"virtual_size": 9_000_000_000_i64})),
            image("node", json!({"os_purpose": "k8snode"})),
            image("plain", json!({"min_disk": 3})),
        ];
        let flavors = [
            flavor("gpu", 1, 512, 5, json!({"pci_passthrough:alias": "gpu:1"})),
            flavor("pinned", 1, 512, 5, json!({"trait:CUSTOM": "required"})),
            flavor("tiny", 1, 1, 5, json!({})),
            flavor("scs", 1, 1024, 5, json!({"scs:name-v2": "SCS-1L-1-5"})),
        ];
        assert_eq!(chosen(&images, &flavors), text(["plain", "node", "scs", ""]));
        assert_eq!(chosen(&images[..7], &flavors), text(["", "", "", ""]));
        assert_eq!(chosen(&images, &[]), text(["", "", "", ""]));
    }

    #[test]
    fn flavors_are_looked_at_from_small_to_large() {
        let mut flavors = [
            flavor("none", 1, 64, 0, json!({})),
            flavor("large", 1, 4096, 5, json!({})),
            flavor("small", 1, 512, 5, json!({})),
        ];
        sort_by_size(&mut flavors);
        assert_eq!(flavors.each_ref().map(|flavor| flavor.id().to_owned()), ["small", "large", "none"]);
    }

    fn network(name: &str, more: Value) -> Network {
        let mut network = record(json!({"id": format!("id-{name}"), "name": name, "subnets": ["s"]}));
        for (field, value) in more.as_object().unwrap() {
            network.set(field.clone(), value.clone());
        }
        Network(network)
    }

    #[test]
    fn the_default_external_network_is_taken() {
        let external = |name: &str, default: bool| {
            network(name, json!({"router:external": true, "is_default": default}))
        };
        let networks =
            [network("a", json!({})), external("b", false), external("c", true), external("d", true)];
        assert_eq!(external_network(&networks).as_deref(), Some("id-c"));
        assert_eq!(external_network(&networks[..2]).as_deref(), Some("id-b"));
        assert_eq!(external_network(&networks[..1]), None);
    }

    #[test]
    fn servers_get_a_network_whose_name_is_unique_the_projects_own_first() {
        let networks = [
            network("shared", json!({"shared": true, "project_id": "p2"})),
            network("twice", json!({"project_id": "p1"})),
            network("twice", json!({"project_id": "p1"})),
            network("bare", json!({"project_id": "p1", "subnets": []})),
            network("public", json!({"project_id": "p1", "router:external": true})),
            network("own", json!({"tenant_id": "p1"})),
            network("assay-0123abcd-network", json!({"tenant_id": "p1"})),
        ];
        assert_eq!(fixed_network(&networks, "p1").as_deref(), Some("own"));
        assert_eq!(fixed_network(&networks[..5], "p1").as_deref(), Some("shared"));
        assert_eq!(fixed_network(&networks[1..5], "p1"), None);
    }
}
