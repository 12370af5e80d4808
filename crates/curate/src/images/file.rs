//! Catalogues of images: a list `images`, each with its builds under `versions`.

use std::collections::{BTreeMap, BTreeSet};

use assay_yaml::{Context, Limits, Node, Problems, Reported, Shape, Value, Wrong, number, quoted, truth};
use jiff::civil::Date;
use url::Url;

use super::definition::{Build, Checksum, Definition, Digest, OtherWord, Validity, Visibility};
use crate::notes::note_unknown;

/// The largest file in use has 15 images in 20 kB.
pub(super) const LIMITS: Limits = Limits { bytes: 4 << 20, nodes: 200_000 };

const FILE: Context = Context { name: "the image catalogue", keys: &["images"], open: true };
const IMAGE: Context = Context {
    name: "an image",
    keys: &[
        "name",
        "enable",
        "shortname",
        "format",
        "login",
        "password",
        "min_disk",
        "min_ram",
        "status",
        "visibility",
        "multi",
        "keep",
        "separator",
        "tags",
        "protected",
        "members",
        "stores",
        "architectures",
        "meta",
        "latest_url",
        "latest_checksum_url",
        "versions",
        "clause",
    ],
    open: true,
};
const VARIANT: Context = Context {
    name: "an image for another processor",
    keys: &["architecture", "name", "meta", "latest_url", "latest_checksum_url", "versions"],
    open: true,
};
const BUILD: Context = Context {
    name: "a version of an image",
    keys: &[
        "version",
        "build_date",
        "url",
        "mirror_url",
        "checksum",
        "checksums_url",
        "checksum_url",
        "hidden",
        "meta",
        "os_version",
        "visibility",
        "id",
        "source",
        "image_description",
    ],
    open: true,
};
/// What glance and the standard know; everything else is passed on all the same.
const PROPERTIES: &[&str] = &[
    "architecture",
    "hotfix_hours",
    "hypervisor_type",
    "image_description",
    "internal_version",
    "l1_support_contact",
    "license_included",
    "license_required",
    "maintained_until",
    "os_distro",
    "os_purpose",
    "os_version",
    "patchlevel",
    "provided_until",
    "replace_frequency",
    "subscription_included",
    "subscription_required",
    "uuid_validity",
];
/// Prefixes of properties that nova knows.
const PREFIXES: &[&str] = &["hw_", "os_", "img_", "trait:", "cinder_", "vmware_"];
const FORMATS: &[&str] = &["qcow2", "raw", "iso", "vmdk", "vdi", "vhd", "vhdx", "ploop", "aki", "ari", "ami"];

/// What can be wrong with a catalogue.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The file is no YAML, or lacks, repeats or misspells something.
    #[error(transparent)]
    Shape(#[from] Shape),
    /// A word that is none of those that are expected.
    #[error("{} means nothing here: {other}", quoted(word))]
    Word {
        /// The word.
        word: String,
        /// What may stand there.
        other: OtherWord,
    },
    /// No URL that an image can come from.
    #[error("{} is no URL that begins with http://, https:// or file:", quoted(.0))]
    Url(String),
    /// No digest.
    #[error("{} is no digest such as sha256: and 64 hexadecimal digits", quoted(.0))]
    Digest(String),
    /// What changes from day to day cannot be told apart from what it was.
    #[error("a version \"latest\" needs a checksums_url or checksum_url")]
    LatestWithoutChecksum,
    /// No id that glance takes.
    #[error("{} is no UUID in lower case", quoted(.0))]
    Id(String),
}

impl Wrong for ProblemKind {
    const FILE: &'static str = "the image catalogue";

    fn help(&self) -> Option<String> {
        match self {
            ProblemKind::Shape(shape) => shape.help(),
            _ => None,
        }
    }
}

/// A catalogue that cannot be used, with everything that was found wrong with it.
pub type CatalogueError = Problems<ProblemKind>;

type Reader = assay_yaml::Reader<ProblemKind>;

/// Reads a catalogue, and notes what is in it that means nothing. Images that are not enabled are left out.
/// `file_name` only serves messages.
///
/// # Errors
/// Everything that is wrong with the file, each problem with file, line, column and key.
pub fn read(file_name: &str, text: &str) -> Result<(Vec<Definition>, Vec<String>), CatalogueError> {
    let mut notes = Vec::new();
    let definitions =
        Reader::document(file_name, text, &LIMITS, |reader, root| file(reader, root, &mut notes))?;
    Ok((definitions, notes))
}

fn file(reader: &mut Reader, root: &Node, notes: &mut Vec<String>) -> Option<Vec<Definition>> {
    let fields = reader.fields(root, "", &FILE)?;
    note_unknown(reader, &fields, FILE.keys, notes);
    let node = reader.required(&fields, "images")?;
    let items = reader.items(node, "images")?;
    let mut definitions = Vec::new();
    for (item, path) in items {
        if let Ok(found) = image(reader, item, &path, notes) {
            definitions.extend(found);
        }
    }
    Some(definitions)
}

/// One image, with those of the same kind for other processors; none if it is not enabled.
fn image(
    reader: &mut Reader,
    node: &Node,
    path: &str,
    notes: &mut Vec<String>,
) -> Result<Vec<Definition>, Reported> {
    let origin = reader.spot(node.place, path.to_owned()).to_string();
    let fields = reader.fields(node, path, &IMAGE).ok_or(Reported)?;
    note_unknown(reader, &fields, IMAGE.keys, notes);
    // One after the other, so that everything that is wrong is reported.
    let name = reader.needed(&fields, "name", text);
    let enabled = reader.optional(&fields, "enable", truth);
    let format = reader.needed(&fields, "format", format);
    let login = reader.needed(&fields, "login", text);
    let min_disk = reader.needed(&fields, "min_disk", number);
    let min_ram = reader.needed(&fields, "min_ram", number);
    let active = reader.optional(&fields, "status", status);
    let visibility = reader.optional(&fields, "visibility", visibility);
    let rotates = reader.optional(&fields, "multi", truth);
    let keep = reader.optional(&fields, "keep", truth);
    let separator = reader.optional_text(&fields, "separator");
    let protected = reader.optional(&fields, "protected", truth);
    let latest = reader.optional(&fields, "latest_url", url);
    let latest_checksum = reader.optional(&fields, "latest_checksum_url", url);
    let clause = reader.optional_text(&fields, "clause");
    let tags = texts(reader, &fields, "tags");
    let members = texts(reader, &fields, "members");
    let stores = texts(reader, &fields, "stores");
    let (properties, validity) = match reader.required(&fields, "meta") {
        Some(node) => meta(reader, node, &fields.path_of("meta"), notes)?,
        None => return Err(Reported),
    };
    let builds = builds(reader, &fields, notes);
    let variants = match fields.get("architectures") {
        Some(node) => {
            let items = reader.items(node, &fields.path_of("architectures")).ok_or(Reported)?;
            let read = |(node, path): (&Node, String)| variant(reader, node, &path, notes);
            // All of them, so that everything that is wrong is reported.
            items.into_iter().map(read).collect::<Vec<_>>()
        }
        None => Vec::new(),
    };
    if !enabled?.unwrap_or(true) {
        return Ok(Vec::new());
    }
    let mut tags: BTreeSet<String> = tags?.unwrap_or_default();
    if let Some(distribution) = properties.get("os_distro") {
        tags.insert(format!("os:{distribution}"));
    }
    let mut definition = Definition {
        name: name?,
        format: format?,
        login: login?,
        min_disk: min_disk?,
        min_ram: min_ram?,
        active: active?.unwrap_or(true),
        visibility: visibility?.unwrap_or(Visibility::Public),
        rotates: rotates?.unwrap_or(true),
        keep: keep?.unwrap_or(false),
        separator: separator.unwrap_or_else(|| " ".to_owned()),
        tags,
        protected: protected?,
        members: members?,
        stores: stores?.unwrap_or_default(),
        properties,
        validity,
        builds: builds?,
        latest: latest?,
        latest_checksum: latest_checksum?,
        origin,
        clause,
    };
    definition.sort();
    let mut definitions = vec![definition];
    for variant in variants {
        let variant = variant?.of(&definitions[0]);
        definitions.push(variant);
    }
    Ok(definitions)
}

/// What is different about an image for another processor.
struct Variant {
    architecture: String,
    name: Option<String>,
    properties: BTreeMap<String, String>,
    builds: Vec<Build>,
    latest: Option<Url>,
    latest_checksum: Option<Url>,
    origin: String,
}

impl Variant {
    fn of(self, definition: &Definition) -> Definition {
        let name = self.name.unwrap_or_else(|| format!("{} {}", definition.name, self.architecture));
        let mut properties = definition.properties.clone();
        properties.insert("architecture".to_owned(), self.architecture);
        properties.extend(self.properties);
        let mut definition = Definition {
            name,
            properties,
            builds: self.builds,
            latest: self.latest,
            latest_checksum: self.latest_checksum,
            origin: self.origin,
            // What a standard asks for is the image under the plain name.
            clause: None,
            ..definition.clone()
        };
        definition.sort();
        definition
    }
}

fn variant(
    reader: &mut Reader,
    node: &Node,
    path: &str,
    notes: &mut Vec<String>,
) -> Result<Variant, Reported> {
    let origin = reader.spot(node.place, path.to_owned()).to_string();
    let fields = reader.fields(node, path, &VARIANT).ok_or(Reported)?;
    note_unknown(reader, &fields, VARIANT.keys, notes);
    let architecture = reader.needed(&fields, "architecture", text);
    let name = reader.optional(&fields, "name", text);
    let latest = reader.optional(&fields, "latest_url", url);
    let latest_checksum = reader.optional(&fields, "latest_checksum_url", url);
    let properties = match fields.get("meta") {
        Some(node) => meta(reader, node, &fields.path_of("meta"), notes)?.0,
        None => BTreeMap::new(),
    };
    let builds = builds(reader, &fields, notes);
    Ok(Variant {
        architecture: architecture?,
        name: name?,
        properties,
        builds: builds?,
        latest: latest?,
        latest_checksum: latest_checksum?,
        origin,
    })
}

/// The texts of a list, if it is there.
fn texts(
    reader: &mut Reader,
    fields: &assay_yaml::Fields<'_>,
    key: &str,
) -> Result<Option<BTreeSet<String>>, Reported> {
    let Some(node) = fields.get(key) else { return Ok(None) };
    let texts = reader
        .list(node, &fields.path_of(key), |reader, node, path| reader.text(node, path).map(str::to_owned));
    texts.map(|texts| Some(texts.into_iter().collect())).ok_or(Reported)
}

/// The builds of an image; no version stands there twice.
fn builds(
    reader: &mut Reader,
    fields: &assay_yaml::Fields<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<Build>, Reported> {
    let node = reader.required(fields, "versions").ok_or(Reported)?;
    let items = reader.items(node, &fields.path_of("versions")).ok_or(Reported)?;
    let mut read = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (at, (node, path)) in items.iter().enumerate() {
        let build = build(reader, node, path, notes)?;
        if let Some(earlier) = places.insert(build.version.clone(), at) {
            let (earlier, earlier_path) = &items[earlier];
            let kind = Shape::Duplicate { what: "version", id: build.version.clone() };
            let spot = reader.spot(node.place, path.clone());
            let earlier = reader.spot(earlier.place, earlier_path.clone());
            reader.report_twice(spot, kind, earlier);
        }
        read.push(build);
    }
    Ok(read)
}

/// The properties of an image. What is empty is not set.
fn meta(
    reader: &mut Reader,
    node: &Node,
    path: &str,
    notes: &mut Vec<String>,
) -> Result<(BTreeMap<String, String>, Validity), Reported> {
    const META: Context = Context { name: "the properties of an image", keys: &[], open: true };
    let fields = reader.fields(node, path, &META).ok_or(Reported)?;
    for &(key, place, _) in &fields.entries {
        let nearest = assay_yaml::nearest(key, PROPERTIES.iter().copied());
        let is_novas = nearest.is_none() && PREFIXES.iter().any(|prefix| key.starts_with(prefix));
        if !is_novas && !PROPERTIES.contains(&key) {
            let meant =
                nearest.map(|nearest| format!(" (did you mean {}?)", quoted(nearest))).unwrap_or_default();
            notes.push(format!(
                "{}: {} is no property that glance or scs-0102 knows{meant}; it is set all the same",
                reader.spot(place, String::new()),
                quoted(key)
            ));
        }
    }
    let validity = reader.optional(&fields, "uuid_validity", |text| {
        text.parse().map_err(|other| ProblemKind::Word { word: text.to_owned(), other })
    });
    let mut properties = BTreeMap::new();
    for &(key, _, node) in &fields.entries {
        if matches!(node.value, Value::Null) {
            continue;
        }
        let text = reader.text(node, &fields.path_of(key)).ok_or(Reported)?;
        properties.insert(key.to_owned(), text.to_owned());
    }
    Ok((properties, validity?.unwrap_or(Validity::Forever)))
}

fn build(reader: &mut Reader, node: &Node, path: &str, notes: &mut Vec<String>) -> Result<Build, Reported> {
    let spot = reader.spot(node.place, path.to_owned());
    let fields = reader.fields(node, path, &BUILD).ok_or(Reported)?;
    note_unknown(reader, &fields, BUILD.keys, notes);
    let version = reader.needed(&fields, "version", text);
    let date = reader.optional(&fields, "build_date", day);
    let url = reader.needed(&fields, "url", self::url);
    let mirror_url = reader.optional(&fields, "mirror_url", self::url);
    let given = reader.optional(&fields, "checksum", digest);
    let listed = match fields.get("checksums_url") {
        Some(_) => reader.optional(&fields, "checksums_url", self::url),
        None => reader.optional(&fields, "checksum_url", self::url),
    };
    let id = reader.optional(&fields, "id", id);
    let hidden = reader.optional(&fields, "hidden", truth);
    let visibility = reader.optional(&fields, "visibility", visibility);
    let mut properties = match fields.get("meta") {
        Some(node) => meta(reader, node, &fields.path_of("meta"), notes)?.0,
        None => BTreeMap::new(),
    };
    for key in ["os_version", "image_description"] {
        if let Some(text) = reader.optional_text(&fields, key) {
            properties.insert(key.to_owned(), text);
        }
    }
    let (version, listed) = (version?, listed?);
    let given = given?.flatten();
    if version == "latest" && listed.is_none() {
        reader.report(spot, ProblemKind::LatestWithoutChecksum);
    }
    Ok(Build {
        version,
        date: date?,
        url: url?,
        mirror_url: mirror_url?,
        checksum: given.map(Checksum::Given).or(listed.map(Checksum::Listed)),
        id: id?,
        hidden: hidden?.unwrap_or(false),
        visibility: visibility?,
        properties,
    })
}

/// A text that says something.
fn text(text: &str) -> Result<String, Shape> {
    match text.trim().is_empty() {
        true => Err(Shape::WrongType { expected: "a text", found: "blanks" }),
        false => Ok(text.to_owned()),
    }
}

fn format(text: &str) -> Result<String, Shape> {
    match FORMATS.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(Shape::UnknownWord {
            what: "disk format",
            word: text.to_owned(),
            nearest: assay_yaml::nearest(text, FORMATS.iter().copied()).map(str::to_owned),
            allowed: FORMATS.to_vec(),
        }),
    }
}

fn status(text: &str) -> Result<bool, ProblemKind> {
    match text {
        "active" => Ok(true),
        "deactivated" => Ok(false),
        _ => Err(ProblemKind::Word { word: text.to_owned(), other: OtherWord("active or deactivated") }),
    }
}

fn visibility(text: &str) -> Result<Visibility, ProblemKind> {
    text.parse().map_err(|other| ProblemKind::Word { word: text.to_owned(), other })
}

/// A day; times that follow it are left out.
fn day(text: &str) -> Result<Date, Shape> {
    let day = text.split(['T', ' ']).next().unwrap_or_default();
    let date = (day.len() == 10).then(|| day.parse().ok()).flatten();
    date.ok_or_else(|| Shape::InvalidDate(text.to_owned()))
}

fn url(text: &str) -> Result<Url, ProblemKind> {
    let wrong = || ProblemKind::Url(text.to_owned());
    let url = Url::parse(text.trim()).map_err(|_| wrong())?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        "file" => Ok(url),
        _ => Err(wrong()),
    }
}

/// A digest; none if its algorithm proves nothing.
fn digest(text: &str) -> Result<Option<Digest>, ProblemKind> {
    let wrong = || ProblemKind::Digest(text.to_owned());
    let (algorithm, hex) = text.split_once(':').ok_or_else(wrong)?;
    match algorithm {
        "md5" | "sha1" => Ok(None),
        _ => match Digest::of_hex(hex) {
            Some(digest) if digest.algorithm.word() == algorithm => Ok(Some(digest)),
            _ => Err(wrong()),
        },
    }
}

fn id(text: &str) -> Result<String, ProblemKind> {
    let is_id = text.len() == 36
        && text.char_indices().all(|(at, letter)| match at {
            8 | 13 | 18 | 23 => letter == '-',
            _ => matches!(letter, '0'..='9' | 'a'..='f'),
        });
    is_id.then(|| text.to_owned()).ok_or_else(|| ProblemKind::Id(text.to_owned()))
}
