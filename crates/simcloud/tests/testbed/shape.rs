//! The shape of JSON: which keys there are, and of which types their values are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What stands below these keys is data, whose keys differ from one thing to the next.
const DATA: [&str; 3] = ["extra_specs", "metadata", "volume_image_metadata"];
/// What keystone tells beside what anybody reads.
const BESIDE: [&str; 2] = ["audit_ids", "is_admin_project"];

/// Where the shape of one value is not that of the other.
pub(crate) fn differences(real: &Value, simulated: &Value) -> Vec<String> {
    let (real, simulated) = (shape(real), shape(simulated));
    let places: BTreeSet<&String> = real.keys().chain(simulated.keys()).collect();
    let told = places.into_iter().filter_map(|place| match (real.get(place), simulated.get(place)) {
        (Some(one), Some(other)) if fit(one, other) => None,
        (Some(one), Some(other)) => Some(format!("{place} is {one:?}, but {other:?} here")),
        (Some(one), None) => Some(format!("{place} ({one:?}) is missing here")),
        (None, other) => Some(format!("{place} ({other:?}) is only here")),
    });
    told.collect()
}

/// Null fits everything: whether something has a value is not a matter of shape.
fn fit(one: &BTreeSet<&str>, other: &BTreeSet<&str>) -> bool {
    let types = |of: &BTreeSet<&str>| {
        of.iter().filter(|kind| **kind != "null").map(|kind| (*kind).to_owned()).collect()
    };
    let (one, other): (BTreeSet<String>, BTreeSet<String>) = (types(one), types(other));
    one.is_empty() || other.is_empty() || one == other
}

fn shape(value: &Value) -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut places = BTreeMap::new();
    walk(value, "", &mut places);
    places
}

fn walk(value: &Value, place: &str, places: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "flag",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    };
    places.entry(place.to_owned()).or_default().insert(kind);
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, &format!("{place}[]"), places)),
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| !BESIDE.contains(&name.as_str())) {
                let below = format!("{place}.{name}");
                match DATA.contains(&name.as_str()) {
                    true => drop(places.entry(below).or_default().insert("map")),
                    false => walk(value, &below, places),
                }
            }
        }
        _ => {}
    }
}
