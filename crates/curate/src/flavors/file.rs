//! The files of definitions that operators have: lists `mandatory` and `recommended` of flavors, and `reference` with
//! values for what is left out.

use std::collections::{BTreeMap, BTreeSet};

use assay_yaml::{
    Context, Fields, Limits, NAMES, Node, Problems, Reported, Shape, Value, Wrong, number, truth,
};

use super::definition::{Definition, Level, NameError};
use crate::notes::note_unknown;

/// The largest file in use has 31 flavors in 8 kB.
const LIMITS: Limits = Limits { bytes: 4 << 20, nodes: 200_000 };

const FILE: Context =
    Context { name: "the flavor definitions", keys: &["reference", "mandatory", "recommended"], open: true };
const REFERENCE: Context =
    Context { name: "a reference", keys: &["field", "default", "mandatory_prefix"], open: true };
const KEYS: &[&str] = &[
    "name",
    "cpus",
    "ram",
    "disk",
    "ephemeral",
    "swap",
    "public",
    "flavorid",
    "description",
    "access",
    "disabled",
];
const FLAVOR: Context = Context { name: "a flavor", keys: KEYS, open: true };

/// What can be wrong with a file of flavors.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The file is no YAML, or lacks, repeats or misspells something.
    #[error(transparent)]
    Shape(#[from] Shape),
    /// The figures are to follow from the name, but do not.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Wrong for ProblemKind {
    const FILE: &'static str = "the flavor definitions";

    fn help(&self) -> Option<String> {
        match self {
            ProblemKind::Shape(shape) => shape.help(),
            ProblemKind::Name(_) => Some("give cpus, ram and, if there is one, disk".to_owned()),
        }
    }
}

/// A file of flavors that cannot be used, with everything that was found wrong with it.
pub type FlavorFileError = Problems<ProblemKind>;

type Reader = assay_yaml::Reader<ProblemKind>;

/// Reads a file of definitions, and notes what is in it that means nothing. `file_name` only serves messages.
///
/// # Errors
/// Everything that is wrong with the file, each problem with file, line, column and key.
pub fn read(file_name: &str, text: &str) -> Result<(Vec<Definition>, Vec<String>), FlavorFileError> {
    let mut notes = Vec::new();
    let definitions =
        Reader::document(file_name, text, &LIMITS, |reader, root| file(reader, root, &mut notes))?;
    Ok((definitions, notes))
}

fn file(reader: &mut Reader, root: &Node, notes: &mut Vec<String>) -> Option<Vec<Definition>> {
    let fields = reader.fields(root, "", &FILE)?;
    note_unknown(reader, &fields, FILE.keys, notes);
    let defaults = fields.get("reference").map(|node| defaults(reader, node)).unwrap_or_default();
    let mut definitions = Vec::new();
    if fields.get("recommended").is_none() {
        reader.required(&fields, "mandatory");
    }
    for (key, level) in [("mandatory", Level::Mandatory), ("recommended", Level::Recommended)] {
        let Some(node) = fields.get(key) else { continue };
        for (item, path) in reader.items(node, key)? {
            definitions.extend(flavor(reader, item, &path, level, &defaults, notes));
        }
    }
    Some(definitions)
}

/// The values for what is left out, by field.
fn defaults(reader: &mut Reader, node: &Node) -> BTreeMap<String, String> {
    let mut defaults = BTreeMap::new();
    for (item, path) in reader.items(node, "reference").unwrap_or_default() {
        let Some(fields) = reader.fields(item, &path, &REFERENCE) else { continue };
        let field = reader.required_text(&fields, "field");
        let default = reader.optional_text(&fields, "default");
        if let (Some(field), Some(default)) = (field, default) {
            defaults.insert(field.value, default);
        }
    }
    defaults
}

/// One flavor; none if it is disabled or has been reported.
fn flavor(
    reader: &mut Reader,
    node: &Node,
    path: &str,
    level: Level,
    defaults: &BTreeMap<String, String>,
    notes: &mut Vec<String>,
) -> Option<Definition> {
    let spot = reader.spot(node.place, path.to_owned());
    let origin = spot.to_string();
    if let Value::Text(name) = &node.value {
        return match Definition::of_name(name, level, &origin) {
            Ok(definition) => Some(with_defaults(definition, defaults)),
            Err(error) => {
                reader.report(spot, error);
                None
            }
        };
    }
    let fields = reader.fields(node, path, &FLAVOR)?;
    note_unknown(reader, &fields, KEYS, notes);
    let name = reader.required_text(&fields, "name")?.value;
    let mut scalars = Scalars { reader, fields: &fields, defaults };
    if scalars.truth("disabled").ok()?.unwrap_or(false) {
        return None;
    }
    let vcpus = scalars.number("cpus");
    let ram_mib = scalars.number("ram");
    let disk_gb = scalars.number("disk");
    let ephemeral_gb = scalars.number("ephemeral");
    let swap_mib = scalars.number("swap");
    let public = scalars.truth("public");
    let id = scalars.text("flavorid").filter(|id| id != "auto");
    let description = scalars.text("description");
    let access = fields.get("access").map(|node| projects(reader, node, &fields.path_of("access")));
    let extra_specs = extra_specs(reader, &fields);
    let (Ok(vcpus), Ok(ram_mib), Ok(disk_gb)) = (vcpus, ram_mib, disk_gb) else {
        return None;
    };
    // A file that gives figures says all of it; otherwise the name does.
    let mut definition = match (vcpus, ram_mib) {
        (Some(vcpus), Some(ram_mib)) => Definition::bare(&name, vcpus, ram_mib, level, &origin),
        _ => match Definition::of_name(&name, level, &origin) {
            Ok(named) => Definition {
                vcpus: vcpus.unwrap_or(named.vcpus),
                ram_mib: ram_mib.unwrap_or(named.ram_mib),
                ..named
            },
            Err(NameError::NoScsName(_)) => {
                let key = if vcpus.is_none() { "cpus" } else { "ram" };
                reader.report(spot, Shape::MissingKey { key, context: FLAVOR.name });
                return None;
            }
            Err(error) => {
                reader.report(spot, error);
                return None;
            }
        },
    };
    definition.disk_gb = disk_gb.unwrap_or(definition.disk_gb);
    definition.ephemeral_gb = ephemeral_gb.ok()?.unwrap_or(0);
    definition.swap_mib = swap_mib.ok()?.unwrap_or(0);
    definition.public = public.ok()?.unwrap_or(true);
    definition.id = id;
    definition.description = description;
    definition.access = access;
    definition.extra_specs.extend(extra_specs);
    Some(with_defaults(definition, defaults))
}

/// Extra specs that the reference gives to all flavors.
fn with_defaults(mut definition: Definition, defaults: &BTreeMap<String, String>) -> Definition {
    for (key, value) in defaults.iter().filter(|(key, _)| key.contains(':')) {
        definition.extra_specs.entry(key.clone()).or_insert_with(|| value.clone());
    }
    definition
}

/// All keys with a colon. What was written counts: `true` without quotes is the text "true".
fn extra_specs(reader: &mut Reader, fields: &Fields<'_>) -> BTreeMap<String, String> {
    let mut specs = BTreeMap::new();
    for &(key, _, node) in fields.entries.iter().filter(|(key, ..)| key.contains(':')) {
        if let Some(text) = reader.text(node, &fields.path_of(key)) {
            specs.insert(key.to_owned(), text.to_owned());
        }
    }
    specs
}

/// A list of projects, or a map of them whose values mean nothing.
fn projects(reader: &mut Reader, node: &Node, path: &str) -> BTreeSet<String> {
    if let Value::Map(_) = node.value {
        let fields = reader.fields(node, path, &NAMES);
        return fields
            .iter()
            .flat_map(|fields| &fields.entries)
            .map(|(name, ..)| (*name).to_owned())
            .collect();
    }
    let items = reader.items(node, path).unwrap_or_default();
    items.into_iter().filter_map(|(item, path)| reader.text(item, &path).map(str::to_owned)).collect()
}

/// Values of the fields of a flavor.
struct Scalars<'r, 'f, 'n> {
    reader: &'r mut Reader,
    fields: &'f Fields<'n>,
    defaults: &'f BTreeMap<String, String>,
}

impl Scalars<'_, '_, '_> {
    fn text(&mut self, key: &str) -> Option<String> {
        self.reader.optional_text(self.fields, key).or_else(|| self.defaults.get(key).cloned())
    }

    fn read<T>(&mut self, key: &str, read: fn(&str) -> Result<T, Shape>) -> Result<Option<T>, Reported> {
        let Some(text) = self.text(key) else { return Ok(None) };
        read(&text).map(Some).map_err(|wrong| {
            let place = self.fields.get(key).map_or(self.fields.place, |node| node.place);
            let spot = self.reader.spot(place, self.fields.path_of(key));
            self.reader.report(spot, wrong);
            Reported
        })
    }

    fn number(&mut self, key: &str) -> Result<Option<u64>, Reported> {
        self.read(key, number)
    }

    fn truth(&mut self, key: &str) -> Result<Option<bool>, Reported> {
        self.read(key, truth)
    }
}
