//! What can be told of an image from its name, its figures and its other properties.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use assay_inventory::Image;
use jiff::civil::Date;
use serde::Deserialize;

use crate::images::least_disk;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Distribution {
    os_distro: String,
    names: Vec<String>,
    #[serde(default)]
    dotted: bool,
    user: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    distributions: Vec<Distribution>,
    architectures: BTreeMap<String, Vec<String>>,
    purposes: BTreeMap<String, Vec<String>>,
    meanings: BTreeMap<String, String>,
    usual: BTreeMap<String, String>,
}

impl Table {
    #[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
    fn get() -> &'static Table {
        static TABLE: LazyLock<Table> = LazyLock::new(|| {
            serde_saphyr::from_str(include_str!("../../data/repair/images.yaml"))
                .expect("data/repair/images.yaml is as its types say")
        });
        &TABLE
    }

    fn architecture(&self, word: &str) -> Option<&str> {
        let known = self.architectures.iter().find(|(_, words)| words.iter().any(|one| one == word));
        known.map(|(name, _)| name.as_str())
    }
}

/// What a property of an image should be, if that can be told.
pub(super) fn cure(image: &Image, property: &str) -> Option<String> {
    let table = Table::get();
    let name = image.name().unwrap_or_default().to_lowercase();
    let found = image.text(property).value().unwrap_or_default();
    match property {
        "min_disk" => match least_disk(0, image) {
            0 => None,
            gib => Some(gib.to_string()),
        },
        "architecture" => {
            let spelled = table.architecture(&found.to_lowercase());
            spelled
                .or_else(|| only(words(&name).filter_map(|word| table.architecture(word))))
                .map(str::to_owned)
        }
        "os_distro" if !found.is_empty() => Some(found.to_lowercase()),
        "os_distro" => told(table, &name).map(|(distribution, _)| distribution.os_distro.clone()),
        "os_version" => told(table, &name).and_then(|(_, version)| version.map(str::to_owned)),
        "image_original_user" => image.text("os_admin_user").value().map(str::to_owned),
        "image_build_date" => built(image, &name, found).map(|day| day.to_string()),
        "provided_until" => date(found).map(|day| day.to_string()).or_else(|| lower_case(found)),
        "replace_frequency" | "os_purpose" | "hw_disk_bus" | "hypervisor_type" | "hw_rng_model"
        | "uuid_validity" => lower_case(found),
        _ => None,
    }
}

/// What is asked about a property; none if its testcase says that well.
pub(super) fn meaning(property: &str) -> Option<&'static str> {
    Table::get().meanings.get(property).map(String::as_str)
}

/// What operators usually answer about such an image.
pub(super) fn suggestion(image: &Image, property: &str) -> Option<String> {
    let table = Table::get();
    let name = &image.name().unwrap_or_default().to_lowercase();
    match property {
        "hw_disk_bus" if image.text("hw_scsi_model").value() == Some("virtio-scsi") => {
            Some("scsi".to_owned())
        }
        "image_original_user" => {
            let distro = image.text("os_distro").value();
            let by_distro = table.distributions.iter().find(|one| Some(one.os_distro.as_str()) == distro);
            by_distro.or_else(|| Some(told(table, name)?.0)).map(|one| one.user.clone())
        }
        "image_build_date" => created(image).map(|day| day.to_string()),
        // One with a date behind its name was replaced by one without.
        "os_purpose" if date_within(name).is_some() => Some("oldgeneric".to_owned()),
        "os_purpose" => {
            let hint = table.purposes.iter().find(|(_, hints)| {
                words(name).any(|word| hints.iter().any(|hint| word.starts_with(hint.as_str())))
            });
            hint.map(|(purpose, _)| purpose.clone())
                .or_else(|| told(table, name).map(|_| "generic".to_owned()))
        }
        _ => table.usual.get(property).cloned(),
    }
}

/// A value that is right but for its case.
fn lower_case(found: &str) -> Option<String> {
    let lower = found.trim().to_lowercase();
    (lower != found && !lower.is_empty()).then_some(lower)
}

/// The words of a name; a version stays one.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let whole = name.split(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '.' | '_'));
    // Names of files, and x86_64 where a hyphen parts it from the rest.
    whole
        .flat_map(|word| if word == "x86_64" { vec![word] } else { word.split('_').collect() })
        .map(|word| word.trim_matches('.'))
        .filter(|word| !word.is_empty())
}

/// The one thing that all say.
fn only<'a>(mut all: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// The distribution that a name begins with, and its version if that is clear, too.
fn told<'t, 'n>(table: &'t Table, name: &'n str) -> Option<(&'t Distribution, Option<&'n str>)> {
    table.distributions.iter().find_map(|distribution| {
        let mut rest = distribution.names.iter().find_map(|known| {
            let mut rest = words(name);
            known.split(' ').all(|word| rest.next() == Some(word)).then_some(rest)
        })?;
        let version = rest.next().filter(|word| {
            let mut parts = word.split('.');
            let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            let count = parts.clone().count();
            // Eight digits are a day.
            parts.all(|part| is_number(part) && part.len() < 6) && (count > 1 || !distribution.dotted)
        });
        Some((distribution, version))
    })
}

/// The day of a build: as it stands there in another spelling, or in the name, the version or the source.
fn built(image: &Image, name: &str, found: &str) -> Option<Date> {
    let text = |field: &str| image.text(field).value().unwrap_or_default();
    let in_source =
        || text("image_source").split('/').filter(|part| !part.contains("://")).find_map(date_within);
    let day = date(found)
        .or_else(|| date_within(name))
        .or_else(|| date_within(text("internal_version")))
        .or_else(in_source)?;
    // An image is not built after it came to the cloud.
    created(image).is_none_or(|created| day <= created).then_some(day)
}

fn created(image: &Image) -> Option<Date> {
    image.text("created_at").value()?.get(..10)?.parse().ok()
}

/// A date in one of its common spellings.
fn date(text: &str) -> Option<Date> {
    let text = text.trim();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_date = text.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, '-' | '/' | '.'));
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    // Day, month and year in another order cannot be told apart.
    let is_ordered = parts.len() == 1 || (parts.len() == 3 && parts[0].len() == 4 && digits.len() == 8);
    (is_date && is_ordered && digits.len() == 8).then(|| day(&digits)).flatten()
}

/// The only date in a text: eight digits, or parted by hyphens.
fn date_within(text: &str) -> Option<Date> {
    let mut days = text
        .split(|letter: char| !letter.is_ascii_digit() && letter != '-')
        .map(|part| part.trim_matches('-'))
        // A day may stand before a time: 20240513-1740.
        .filter_map(|part| date(part).or_else(|| part.split('-').find_map(date)));
    let first = days.next()?;
    days.all(|other| other == first).then_some(first)
}

fn day(digits: &str) -> Option<Date> {
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let day = Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    (2000..2100).contains(&day.year()).then_some(day)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn image(name: &str, fields: &serde_json::Value) -> Image {
        let mut image = json!({"id": "1", "name": name, "created_at": "2024-06-01T00:00:00Z"});
        image.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(image).unwrap()
    }

    #[test]
    fn names_tell_distribution_version_and_processor() {
        let cases = [
            ("Ubuntu 24.04", Some("ubuntu"), Some("24.04"), None),
            ("ubuntu-22.04-server-cloudimg-amd64", Some("ubuntu"), Some("22.04"), Some("x86_64")),
            ("Ubuntu 2204", Some("ubuntu"), None, None),
            ("ubuntu-capi-image-v1.29.3", Some("ubuntu"), None, None),
            ("Debian 12", Some("debian"), Some("12"), None),
            ("debian-12-generic-arm64-20240507-1740.qcow2", Some("debian"), Some("12"), Some("aarch64")),
            ("CentOS Stream 9 x86_64", Some("centos"), Some("9"), Some("x86_64")),
            ("Rocky Linux 9.3", Some("rocky"), Some("9.3"), None),
            ("openSUSE Leap 15.6", Some("opensuse"), Some("15.6"), None),
            ("debian 20240507", Some("debian"), None, None),
            ("my ubuntu 22.04", None, None, None),
            ("Ubuntuish 22.04", None, None, None),
            ("amd64 and arm64", None, None, None),
            ("", None, None, None),
        ];
        for (name, distro, version, architecture) in cases {
            let image = image(name, &json!({}));
            let found = ["os_distro", "os_version", "architecture"].map(|property| cure(&image, property));
            assert_eq!(found, [distro, version, architecture].map(|word| word.map(str::to_owned)), "{name}");
        }
    }

    #[test]
    fn the_day_of_a_build_is_taken_from_where_it_stands() {
        let cases = [
            ("Ubuntu 22.04 (20240513)", json!({}), Some("2024-05-13")),
            ("Ubuntu 22.04", json!({"image_build_date": "2024/05/13"}), Some("2024-05-13")),
            ("Ubuntu 22.04", json!({"image_build_date": "13.05.2024"}), None),
            ("Ubuntu 22.04", json!({"internal_version": "20240513.1"}), Some("2024-05-13")),
            (
                "Ubuntu 22.04",
                json!({"image_source": "https://cloud-images.ubuntu.com/releases/jammy/release-20240513/x.img"}),
                Some("2024-05-13"),
            ),
            ("debian-12-generic-arm64-20240507-1740.qcow2", json!({}), Some("2024-05-07")),
            ("Ubuntu 22.04 (20250101)", json!({}), None),
            ("Ubuntu 20240513 20240514", json!({}), None),
            ("Ubuntu 20241313", json!({}), None),
        ];
        for (name, fields, day) in cases {
            let found = cure(&image(name, &fields), "image_build_date");
            assert_eq!(found.as_deref(), day, "{name} {fields}");
        }
        let suggested = suggestion(&image("Ubuntu 22.04", &json!({})), "image_build_date");
        assert_eq!(suggested.as_deref(), Some("2024-06-01"), "no later than it came to the cloud");
    }

    #[test]
    fn promises_are_never_made_up() {
        let bare = image("Ubuntu 24.04", &json!({}));
        for promise in
            ["replace_frequency", "provided_until", "uuid_validity", "hotfix_hours", "image_source"]
        {
            assert_eq!(cure(&bare, promise), None, "{promise}");
        }
        let spelled =
            image("Ubuntu 24.04", &json!({"replace_frequency": "Monthly", "provided_until": "2027/04/30"}));
        assert_eq!(cure(&spelled, "replace_frequency").as_deref(), Some("monthly"));
        assert_eq!(cure(&spelled, "provided_until").as_deref(), Some("2027-04-30"));
    }

    #[test]
    fn a_disk_is_as_large_as_the_image_needs() {
        let image = image("x", &json!({"size": 5_000_000, "virtual_size": 2_361_393_152_u64}));
        assert_eq!(cure(&image, "min_disk").as_deref(), Some("3"));
    }
}
