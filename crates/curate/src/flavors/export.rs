use std::collections::BTreeMap;

use assay_inventory::Flavor;
use serde::Serialize;
use serde_saphyr::SerializeError;

use super::definition::{Definition, Level};

/// A flavor as it stands in a file of definitions.
#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    cpus: u64,
    ram: u64,
    #[serde(skip_serializing_if = "is_zero")]
    disk: u64,
    #[serde(skip_serializing_if = "is_zero")]
    ephemeral: u64,
    #[serde(skip_serializing_if = "is_zero")]
    swap: u64,
    #[serde(skip_serializing_if = "Clone::clone")]
    public: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    flavorid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(flatten)]
    extra_specs: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct File<'a> {
    mandatory: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recommended: Vec<Entry<'a>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Definitions as a file that this program and the Python flavor manager read.
///
/// # Errors
/// None that is known of: all that a definition holds can be written.
pub fn export(definitions: &[Definition]) -> Result<String, SerializeError> {
    let of =
        |level| definitions.iter().filter(move |definition| definition.level == level).map(entry).collect();
    let file = File { mandatory: of(Level::Mandatory), recommended: of(Level::Recommended) };
    serde_saphyr::to_string_with_options(&file, serde_saphyr::ser_options! { prefer_block_scalars: false })
}

fn entry(definition: &Definition) -> Entry<'_> {
    Entry {
        name: &definition.name,
        cpus: definition.vcpus,
        ram: definition.ram_mib,
        disk: definition.disk_gb,
        ephemeral: definition.ephemeral_gb,
        swap: definition.swap_mib,
        public: definition.public,
        flavorid: definition.id.as_deref(),
        description: definition.description.as_deref(),
        extra_specs: &definition.extra_specs,
    }
}

impl Definition {
    /// What would make a flavor as this one is; none if it does not tell its name and figures. With `with_id`, the
    /// id is part of it.
    pub fn of_flavor(flavor: &Flavor, with_id: bool) -> Option<Self> {
        let number = |field: &str| flavor.get(field).and_then(serde_json::Value::as_u64);
        Some(Definition {
            disk_gb: number("disk")?,
            ephemeral_gb: number("OS-FLV-EXT-DATA:ephemeral").unwrap_or(0),
            swap_mib: number("swap").unwrap_or(0),
            public: flavor.flag("os-flavor-access:is_public").value().unwrap_or(true),
            id: with_id.then(|| flavor.id().to_owned()),
            description: flavor.text("description").value().map(str::to_owned),
            // A key without a colon could not be told from a field.
            extra_specs: flavor
                .extra_specs()
                .filter(|(key, _)| key.contains(':'))
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            ..Definition::bare(
                flavor.name()?,
                number("vcpus")?,
                number("ram")?,
                Level::Mandatory,
                "the cloud",
            )
        })
    }
}
