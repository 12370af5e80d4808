use std::collections::{BTreeMap, BTreeSet};

use assay_inventory::Image;
use serde::Serialize;
use serde_json::Value;
use serde_saphyr::SerializeError;

use super::plan::tags;

/// Properties that the fields of a catalogue become, or that glance and imports write.
const DERIVED: &[&str] = &[
    "image_build_date",
    "image_name",
    "image_original_user",
    "image_source",
    "internal_version",
    "upstream_checksum",
    "assay_import",
    "stores",
    "os_hash_algo",
    "os_hash_value",
    "os_hidden",
];
/// Fields of an image that are no properties.
const FIELDS: &[&str] = &[
    "checksum",
    "container_format",
    "created_at",
    "disk_format",
    "file",
    "id",
    "min_disk",
    "min_ram",
    "name",
    "owner",
    "protected",
    "schema",
    "self",
    "size",
    "status",
    "tags",
    "updated_at",
    "virtual_size",
    "visibility",
    "direct_url",
    "locations",
];

/// A catalogue, as it is written.
#[derive(Serialize)]
struct File {
    images: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    format: String,
    login: String,
    min_disk: u64,
    min_ram: u64,
    status: &'static str,
    visibility: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    protected: Option<bool>,
    multi: bool,
    /// Nothing on the cloud says whether replaced builds may go.
    keep: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    separator: Option<String>,
    tags: BTreeSet<String>,
    meta: BTreeMap<String, String>,
    versions: Vec<Written>,
}

#[derive(Serialize)]
struct Written {
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    build_date: Option<String>,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<String>,
}

/// A catalogue that wants the images of a cloud that bear a tag as they are, and what could not become part of it.
/// Replaced builds are left out: the catalogue says what is to be there now.
///
/// # Errors
/// None that data could cause.
pub fn export(images: &[Image], tag: &str) -> Result<(String, Vec<String>), SerializeError> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut notes = Vec::new();
    for image in images {
        let all: Vec<&str> = tags(image).collect();
        if !all.contains(&tag) || image.flag("os_hidden").value() == Some(true) {
            continue;
        }
        match entry(image, tag) {
            Ok(mut entry) => match entries.iter_mut().find(|other| other.name == entry.name) {
                Some(other) if other.multi == entry.multi => other.versions.append(&mut entry.versions),
                Some(_) => notes.push(format!(
                    "{} ({}): another image of that name has a version for each build",
                    image.name().unwrap_or_default(),
                    image.id()
                )),
                None => entries.push(entry),
            },
            Err(why) => notes.push(format!("{} ({}): {why}", image.name().unwrap_or_default(), image.id())),
        }
    }
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    let file = File { images: entries };
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    Ok((serde_saphyr::to_string_with_options(&file, options)?, notes))
}

fn entry(image: &Image, tag: &str) -> Result<Entry, &'static str> {
    let text = |field: &str| image.text(field).value().map(str::to_owned);
    let number = |field: &str| image.get(field).and_then(Value::as_u64).unwrap_or(0);
    let status = match image.text("status").value() {
        Some("active") => "active",
        Some("deactivated") => "deactivated",
        _ => return Err("it was never finished"),
    };
    let shown = text("name").ok_or("it has no name")?;
    let url = text("image_source").filter(|source| source.contains("://"));
    let url = url.ok_or("nobody knows where it came from (image_source)")?;
    let version = text("internal_version").or_else(|| text("image_build_date"));
    let version = version.ok_or("nobody knows which version it is (internal_version)")?;
    let base = text("image_name").unwrap_or_else(|| shown.clone());
    // One that bears its version in its name stands for itself.
    let rotates = base == shown;
    let separator = shown.strip_prefix(&base).and_then(|rest| rest.strip_suffix(&version)).map(str::to_owned);
    if !rotates && separator.is_none() {
        return Err("its name is none that a catalogue gives");
    }
    let distribution = text("os_distro").map(|distribution| format!("os:{distribution}"));
    let is_property = |field: &str| !DERIVED.contains(&field) && !FIELDS.contains(&field);
    let is_technical = |field: &str| field.starts_with("os_glance_");
    let meta = image
        .fields()
        .filter(|(field, _)| is_property(field) && !is_technical(field))
        .filter_map(|(field, value)| Some((field.to_owned(), value.as_str()?.to_owned())))
        .collect();
    Ok(Entry {
        name: base,
        format: text("disk_format").unwrap_or_else(|| "qcow2".to_owned()),
        login: text("image_original_user").unwrap_or_else(|| "none".to_owned()),
        min_disk: number("min_disk"),
        min_ram: number("min_ram"),
        status,
        visibility: text("visibility").unwrap_or_else(|| "private".to_owned()),
        protected: image.flag("protected").value().filter(|protected| *protected),
        multi: rotates,
        keep: !rotates,
        separator: separator.filter(|separator| !rotates && separator != " "),
        tags: tags(image)
            .filter(|one| *one != tag && Some(*one) != distribution.as_deref())
            .map(str::to_owned)
            .collect(),
        meta,
        versions: vec![Written {
            version,
            build_date: text("image_build_date").map(|date| date.chars().take(10).collect()),
            url,
            checksum: text("upstream_checksum"),
        }],
    })
}
