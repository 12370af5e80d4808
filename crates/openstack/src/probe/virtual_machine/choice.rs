//! Which image is booted, and with which flavor: as the reference chooses, so that both look at the same guest.

use std::cmp::Ordering;

use assay_inventory::{Flavor, Image};

/// The smallest volume to boot from, in GiB, for images that ask for less than they need.
const SMALLEST_VOLUME: i64 = 8;

/// How fit an image is for the test: the distribution first, then its version.
type Fitness = (u8, u64);

/// The fittest of the images that are offered to everybody: the newest Debian, or else the newest Ubuntu, or
/// else the first image. Of equals the first.
pub(super) fn choose_image<'a>(images: impl DoubleEndedIterator<Item = &'a Image>) -> Option<&'a Image> {
    // `max_by_key` takes the last of equals.
    images.filter(|image| image.is_offered()).rev().max_by_key(|image| fitness(image))
}

fn fitness(image: &Image) -> Fitness {
    let property = |field| image.text(field).value().filter(|text| !text.is_empty());
    let (Some(distro), Some(version)) = (property("os_distro"), property("os_version")) else {
        return (0, 0);
    };
    let version = version.trim().to_lowercase();
    match distro.trim().to_lowercase().as_str() {
        "debian" => (2, debian_release(&version)),
        "ubuntu" => (1, ubuntu_release(&version)),
        _ => (0, 0),
    }
}

/// `12` and `bookworm` are 12; anything else, such as `12.5` or `sid`, counts as nothing.
fn debian_release(version: &str) -> u64 {
    match version {
        "buster" => 10,
        "bullseye" => 11,
        "bookworm" => 12,
        "trixie" => 13,
        _ => number(version),
    }
}

/// `24.04` is 2404; anything that is not two digits, a dot and two digits counts as nothing.
fn ubuntu_release(version: &str) -> u64 {
    match version.split_once('.') {
        Some((year, month)) if year.len() == 2 && month.len() == 2 => number(&format!("{year}{month}")),
        _ => 0,
    }
}

/// A number of digits alone; one that is too large counts as the largest.
fn number(text: &str) -> u64 {
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse().unwrap_or(u64::MAX),
        false => 0,
    }
}

/// The most frugal flavor with enough RAM for the image. Flavors that offer a hardware random number generator
/// are preferred, whatever they cost. Of equals the first.
pub(super) fn choose_flavor<'a>(flavors: &'a [Flavor], image: &Image) -> Option<&'a Flavor> {
    let least = image.integer("min_ram").value().unwrap_or(0);
    let enough: Vec<&Flavor> =
        flavors.iter().filter(|flavor| flavor.ram().value().is_some_and(|ram| ram >= least)).collect();
    let offers_rng = |flavor: &&Flavor| {
        flavor.extra_spec("hw_rng:allowed").is_some_and(|value| value.eq_ignore_ascii_case("true"))
    };
    let by_cost =
        |one: &&Flavor, other: &&Flavor| cost(one).partial_cmp(&cost(other)).unwrap_or(Ordering::Equal);
    enough
        .iter()
        .copied()
        .filter(offers_rng)
        .min_by(by_cost)
        .or_else(|| enough.iter().copied().min_by(by_cost))
}

/// The reference counts RAM by the MiB here, so it outweighs all else.
fn cost(flavor: &Flavor) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "sizes of flavors are far below 2^52")]
    let figure = |value: Option<i64>| value.unwrap_or(0) as f64;
    figure(flavor.vcpus().value()) + figure(flavor.ram().value()) / 3.0 + figure(flavor.disk().value()) / 10.0
}

/// The size of the volume that an image is booted from, in GiB.
pub(super) fn volume_size(image: &Image) -> i64 {
    image.integer("min_disk").value().unwrap_or(0).max(SMALLEST_VOLUME)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn image(distro: Option<&str>, version: Option<&str>) -> Image {
        let mut fields = json!({"visibility": "public", "os_distro": distro, "os_version": version});
        fields.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        serde_json::from_value(fields).unwrap()
    }

    fn flavors(items: Value) -> Vec<Flavor> {
        serde_json::from_value(items).unwrap()
    }

    #[test]
    fn any_debian_beats_any_ubuntu_and_both_beat_the_rest() {
        for (distro, version, expected) in [
            (Some("debian"), Some("12"), (2, 12)),
            (Some(" Debian "), Some("bookworm"), (2, 12)),
            (Some("debian"), Some("Trixie "), (2, 13)),
            (Some("debian"), Some("12.5"), (2, 0)),
            (Some("debian"), Some("sid"), (2, 0)),
            (Some("debian"), Some("99999999999999999999999"), (2, u64::MAX)),
            (Some("debian"), None, (0, 0)),
            (Some("debian"), Some(""), (0, 0)),
            (Some("ubuntu"), Some("24.04"), (1, 2404)),
            (Some("UBUNTU"), Some("22.04"), (1, 2204)),
            (Some("ubuntu"), Some("noble"), (1, 0)),
            (Some("ubuntu"), Some("24.4"), (1, 0)),
            (Some("ubuntu"), Some("+4.04"), (1, 0)),
            (Some("fedora"), Some("43"), (0, 0)),
            (None, Some("12"), (0, 0)),
            (None, None, (0, 0)),
        ] {
            assert_eq!(fitness(&image(distro, version)), expected, "{distro:?} {version:?}");
        }
    }

    #[test]
    fn of_equals_the_first_is_taken_and_private_images_never() {
        let images: Vec<Image> = serde_json::from_value(json!([
            {"id": "private", "visibility": "private", "os_distro": "debian", "os_version": "13"},
            {"id": "ubuntu", "visibility": "public", "os_distro": "ubuntu", "os_version": "24.04"},
            {"id": "first", "visibility": "community", "os_distro": "debian", "os_version": "12"},
            {"id": "second", "visibility": "public", "os_distro": "debian", "os_version": "bookworm"},
        ]))
        .unwrap();
        assert_eq!(choose_image(images.iter()).map(|image| image.id()), Some("first"));
        assert_eq!(choose_image(images[..2].iter()).map(|image| image.id()), Some("ubuntu"));
        assert!(choose_image(images[..1].iter()).is_none());
        let strangers = [image(None, None), image(Some("fedora"), Some("43"))];
        assert_eq!(choose_image(strangers.iter()), Some(&strangers[0]));
    }

    #[test]
    fn the_most_frugal_flavor_with_enough_memory() {
        let image: Image = serde_json::from_value(json!({"min_ram": 1024})).unwrap();
        let plain = json!({"name": "tiny", "vcpus": 1, "ram": 512, "disk": 0, "extra_specs": {"hw_rng:allowed": "true"}});
        let one = json!({"name": "one", "vcpus": 1, "ram": 1024, "disk": 10});
        let same = json!({"name": "same", "vcpus": 1, "ram": 1024, "disk": 10});
        let frugal = json!({"name": "frugal", "vcpus": 1, "ram": 1024, "disk": 5});
        let rng = json!({"name": "rng", "vcpus": 8, "ram": 9000, "disk": 0, "extra_specs": {"hw_rng:allowed": "TRUE"}});
        let refused = json!({"name": "refused", "vcpus": 1, "ram": 1024, "disk": 0, "extra_specs": {"hw_rng:allowed": "False"}});
        let chosen = |items: &[&Value]| {
            let items = flavors(json!(items));
            choose_flavor(&items, &image).map(|flavor| flavor.name().unwrap().to_owned())
        };
        assert_eq!(chosen(&[&plain]), None, "too little memory");
        assert_eq!(chosen(&[&one, &same]).as_deref(), Some("one"));
        assert_eq!(chosen(&[&one, &frugal]).as_deref(), Some("frugal"));
        assert_eq!(chosen(&[&refused, &plain, &one]).as_deref(), Some("refused"));
        assert_eq!(chosen(&[&one, &frugal, &rng]).as_deref(), Some("rng"));
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn volumes_have_room_for_a_system() {
        let size = |fields| volume_size(&serde_json::from_value(fields).unwrap());
        assert_eq!(size(json!({"min_disk": 0})), 8);
        assert_eq!(size(json!({})), 8);
        assert_eq!(size(json!({"min_disk": 20})), 20);
    }
}
