//! What changed from one inventory to another, fact by fact.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Fact, FactId, Inventory, Section, Unavailable};

/// What changed of a fact.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FactDiff {
    /// The fact.
    pub fact: FactId,
    /// How it was had before.
    pub before: Standing,
    /// How it was had after.
    pub after: Standing,
    /// What came, went and changed, if it was had both times.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub things: Vec<ThingDiff>,
}

/// Whether a fact could be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nobody asked for it.
    NotAsked,
    /// There is a value.
    Known,
    /// It could not be had, for this reason.
    Unavailable(String),
}

/// What became of a thing of the cloud, or of a fact that is one thing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThingDiff {
    /// What people know it by; empty if the fact is one thing.
    pub name: String,
    /// Its id; empty where it has none, after the change where that changed it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// What became of it.
    pub what: ThingChange,
}

/// What became of a thing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ThingChange {
    /// It was not there before.
    Added,
    /// It is not there any more.
    Removed,
    /// It has other fields.
    Changed(Vec<FieldDiff>),
}

/// A field with another value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldDiff {
    /// Its path, such as `extra_specs.scs:name-v1`.
    pub field: String,
    /// What it was; none if it was not there.
    pub before: Option<Value>,
    /// What it is; none if it is not there.
    pub after: Option<Value>,
}

/// What changed from one inventory to another. What is another one in each run, such as the time that a step took or
/// the id of what a probe created, is no change.
///
/// # Errors
/// A fact cannot be written as JSON.
pub fn diff(before: &Inventory, after: &Inventory) -> serde_json::Result<Vec<FactDiff>> {
    let facts = before.values()?.into_iter().zip(after.values()?);
    Ok(facts.filter_map(|((fact, before), (_, after))| fact_diff(fact, before, after)).collect())
}

fn fact_diff(fact: FactId, before: Fact<Value>, after: Fact<Value>) -> Option<FactDiff> {
    let standings = (Standing::of(&before), Standing::of(&after));
    let things = match (before, after) {
        (Fact::Known(before), Fact::Known(after)) => things(steady(fact, before), steady(fact, after)),
        _ => Vec::new(),
    };
    let (before, after) = standings;
    let is_same = before == after && things.is_empty();
    (!is_same).then_some(FactDiff { fact, before, after, things })
}

impl Standing {
    fn of<T>(fact: &Fact<T>) -> Self {
        match fact {
            Fact::NotAsked => Standing::NotAsked,
            Fact::Known(_) => Standing::Known,
            Fact::Unavailable(why) => {
                // The next answer has another request id.
                Standing::Unavailable(Unavailable { request_id: None, ..why.clone() }.to_string())
            }
        }
    }
}

/// Fields that are others in each run although nothing changed.
fn volatile(fact: FactId) -> &'static [&'static str] {
    match fact {
        FactId::Token => &["expires_at"],
        FactId::TlsEndpoints => &["handshakes"],
        FactId::S3Presence => &["request_id"],
        FactId::NewSecurityGroup => &[
            "started_us",
            "duration_us",
            "request_id",
            "resource",
            "id",
            "security_group_id",
            "created_at",
            "updated_at",
        ],
        _ if fact.section() == Section::Light => &[],
        _ => &[
            "started_us",
            "duration_us",
            "started_at",
            "finished_at",
            "request_id",
            "resource",
            "addresses",
            "gateway_addresses",
            "floating_ip",
            "drawn_subnet",
            "console",
            "console_tail",
            "nameless",
            "conf",
        ],
    }
}

/// The value without what is another one in each run.
fn steady(fact: FactId, value: Value) -> Value {
    without(value, volatile(fact))
}

fn without(value: Value, fields: &[&str]) -> Value {
    match value {
        _ if fields.is_empty() => value,
        Value::Object(map) => map
            .into_iter()
            .filter(|(name, value)| !fields.contains(&name.as_str()) || is_step_id(name, value))
            .map(|(name, value)| (name, without(value, fields)))
            .collect::<Map<String, Value>>()
            .into(),
        Value::Array(items) => items.into_iter().map(|item| without(item, fields)).collect(),
        other => other,
    }
}

/// Steps have words as ids, which are the same in each run.
fn is_step_id(name: &str, value: &Value) -> bool {
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    name == "id" && value.as_str().is_some_and(is_word)
}

fn things(before: Value, after: Value) -> Vec<ThingDiff> {
    match (before, after) {
        (Value::Array(before), Value::Array(after)) if before.iter().chain(&after).all(Value::is_object) => {
            listed(&before, &after)
        }
        (before, after) => changed(&before, &after)
            .map(|what| ThingDiff { name: String::new(), id: String::new(), what })
            .into_iter()
            .collect(),
    }
}

fn changed(before: &Value, after: &Value) -> Option<ThingChange> {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    flatten(before, String::new(), &mut old);
    flatten(after, String::new(), &mut new);
    let fields: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let fields: Vec<FieldDiff> = fields
        .into_iter()
        .filter(|field| old.get(*field) != new.get(*field))
        .map(|field| FieldDiff {
            field: field.clone(),
            before: old.get(field).map(|value| (*value).clone()),
            after: new.get(field).map(|value| (*value).clone()),
        })
        .collect();
    (!fields.is_empty()).then_some(ThingChange::Changed(fields))
}

/// Pairs things by id, then by name where that is unique: an image that was renewed is the same image to people.
fn listed(before: &[Value], after: &[Value]) -> Vec<ThingDiff> {
    let mut is_paired = vec![false; after.len()];
    let mut partners: Vec<Option<usize>> = vec![None; before.len()];
    let keys: [fn(&Value) -> String; 2] = [id, name];
    for key in keys {
        let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, thing) in after.iter().enumerate().filter(|(place, _)| !is_paired[*place]) {
            places.entry(key(thing)).or_default().push(place);
        }
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let open: Vec<usize> = (0..before.len()).filter(|at| partners[*at].is_none()).collect();
        for &at in &open {
            *counts.entry(key(&before[at])).or_default() += 1;
        }
        for at in open {
            let key = key(&before[at]);
            if let (false, Some(&1), Some([place])) =
                (key.is_empty(), counts.get(&key), places.get(&key).map(Vec::as_slice))
            {
                partners[at] = Some(*place);
                is_paired[*place] = true;
            }
        }
    }
    let told = |thing: &Value, what| ThingDiff { name: name(thing), id: id(thing), what };
    let mut things: Vec<ThingDiff> = before
        .iter()
        .zip(&partners)
        .filter_map(|(old, partner)| match partner {
            None => Some(told(old, ThingChange::Removed)),
            Some(place) => Some(told(&after[*place], changed(old, &after[*place])?)),
        })
        .collect();
    let added = after.iter().zip(&is_paired).filter(|(_, is_paired)| !**is_paired);
    things.extend(added.map(|(thing, _)| told(thing, ThingChange::Added)));
    // What has neither id nor name is paired with nothing; the same thing is then no change.
    without_twins(things, before, after)
}

/// Things that nothing tells apart are compared as they are.
fn without_twins(mut things: Vec<ThingDiff>, before: &[Value], after: &[Value]) -> Vec<ThingDiff> {
    let is_nameless = |thing: &&Value| id(thing).is_empty() && name(thing).is_empty();
    let mut left: Vec<&Value> = after.iter().filter(is_nameless).collect();
    let mut gone = 0;
    for thing in before.iter().filter(is_nameless) {
        match left.iter().position(|other| *other == thing) {
            Some(place) => {
                left.remove(place);
            }
            None => gone += 1,
        }
    }
    things.retain(|thing| !(thing.id.is_empty() && thing.name.is_empty()));
    let nameless =
        |what: &ThingChange| ThingDiff { name: String::new(), id: String::new(), what: what.clone() };
    things.extend(std::iter::repeat_n(nameless(&ThingChange::Removed), gone));
    things.extend(std::iter::repeat_n(nameless(&ThingChange::Added), left.len()));
    things
}

fn id(thing: &Value) -> String {
    text(thing, "id").unwrap_or_default().to_owned()
}

/// The name, or what else tells it from others of its kind.
fn name(thing: &Value) -> String {
    const NAMES: [&str; 9] =
        ["name", "feature", "volume_type", "service_type", "type", "interface", "version", "what", "subject"];
    if let (Some(host), Some(port)) = (text(thing, "host"), thing["port"].as_u64()) {
        return format!("{host}:{port}");
    }
    NAMES.iter().find_map(|field| text(thing, field)).unwrap_or_default().to_owned()
}

fn text<'v>(thing: &'v Value, field: &str) -> Option<&'v str> {
    thing.get(field)?.as_str().filter(|text| !text.is_empty())
}

/// The value field by field, each with its path. Lists of things are told apart by id or name.
fn flatten<'v>(value: &'v Value, path: String, fields: &mut BTreeMap<String, &'v Value>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, value) in map {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(value, path, fields);
            }
        }
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            for item in items {
                let label = Some(id(item)).filter(|id| !id.is_empty()).unwrap_or_else(|| name(item));
                let count = seen.entry(label.clone()).or_default();
                *count += 1;
                let twin = if *count > 1 { format!("#{count}") } else { String::new() };
                flatten(item, format!("{path}[{label}{twin}]"), fields);
            }
        }
        _ => {
            fields.insert(path, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Flavor, Image, Reason, SecretLifecycle, Step, StepId, Subject, Token, Transcript};

    fn inventory() -> Inventory {
        let subject = Subject { cloud: "demo".into(), ..Subject::default() };
        Inventory::new(subject, "2026-11-22T03:00:00Z".parse().unwrap())
    }

    fn flavors(all: Value) -> Inventory {
        let flavors: Vec<Flavor> = serde_json::from_value(all).unwrap();
        Inventory { flavors: Fact::Known(flavors), ..inventory() }
    }

    fn one(before: &Inventory, after: &Inventory) -> FactDiff {
        let mut all = diff(before, after).unwrap();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    #[test]
    fn things_come_go_and_change_field_by_field() {
        let before = flavors(json!([
            {"id": "1", "name": "SCS-1V-4", "ram": 4096, "extra_specs": {"scs:name-v1": "SCS-1V:4"}},
            {"id": "2", "name": "old"},
            {"id": "3", "name": "same", "ram": 1},
        ]));
        let after = flavors(json!([
            {"id": "3", "name": "same", "ram": 1},
            {"id": "1", "name": "SCS-1V-4", "ram": 4095, "extra_specs": {"a.b": "c"}},
            {"id": "4", "name": "new"},
        ]));
        let change = one(&before, &after);
        assert_eq!(
            (change.fact, &change.before, &change.after),
            (FactId::Flavors, &Standing::Known, &Standing::Known)
        );
        let field = |field: &str, before: Option<Value>, after: Option<Value>| FieldDiff {
            field: field.into(),
            before,
            after,
        };
        let thing = |id: &str, name: &str, what| ThingDiff { id: id.into(), name: name.into(), what };
        assert_eq!(
            change.things,
            [
                thing(
                    "1",
                    "SCS-1V-4",
                    ThingChange::Changed(vec![
                        field("extra_specs.a.b", None, Some("c".into())),
                        field("extra_specs.scs:name-v1", Some("SCS-1V:4".into()), None),
                        field("ram", Some(4096.into()), Some(4095.into())),
                    ])
                ),
                thing("2", "old", ThingChange::Removed),
                thing("4", "new", ThingChange::Added),
            ]
        );
    }

    #[test]
    fn a_renewed_image_is_the_same_and_twins_are_not_mixed_up() {
        let images = |all: Value| {
            let images: Vec<Image> = serde_json::from_value(all).unwrap();
            Inventory { images: Fact::Known(images), ..inventory() }
        };
        let change = one(
            &images(json!([{"id": "1", "name": "Ubuntu"}])),
            &images(json!([{"id": "2", "name": "Ubuntu"}])),
        );
        assert!(matches!(&change.things[0].what, ThingChange::Changed(fields) if fields[0].field == "id"));
        let change = one(
            &images(json!([{"id": "1", "name": "Ubuntu"}])),
            &images(json!([{"id": "2", "name": "Ubuntu"}, {"id": "3", "name": "Ubuntu"}])),
        );
        let changes: Vec<&ThingChange> = change.things.iter().map(|thing| &thing.what).collect();
        assert_eq!(changes, [&ThingChange::Removed, &ThingChange::Added, &ThingChange::Added]);
    }

    #[test]
    fn things_without_id_and_name_are_compared_as_they_are() {
        let (before, after) = (json!([{"ram": 1}, {"ram": 1}, {"ram": 2}]), json!([{"ram": 2}, {"ram": 1}]));
        assert_eq!(one(&flavors(before.clone()), &flavors(after)).things.len(), 1);
        assert!(diff(&flavors(before.clone()), &flavors(before)).unwrap().is_empty());
    }

    #[test]
    fn what_could_not_be_had_is_told_with_its_reason() {
        let why = |request: &str| Unavailable {
            request_id: Some(request.into()),
            ..Unavailable::new(Reason::ServerError, "try later")
        };
        let mut down = inventory();
        down.set_unavailable(FactId::Flavors, why("req-1"));
        let change = one(&flavors(json!([])), &down);
        assert_eq!(change.after, Standing::Unavailable("try later".into()));
        assert!(change.things.is_empty());
        let mut again = inventory();
        again.set_unavailable(FactId::Flavors, why("req-2"));
        assert!(diff(&down, &again).unwrap().is_empty(), "each request has an id of its own");
        assert_eq!(one(&inventory(), &flavors(json!([]))).before, Standing::NotAsked);
    }

    #[test]
    fn what_is_another_one_in_each_run_is_no_change() {
        let run = |started_us, intact| {
            let step = Step {
                id: StepId::CreateSecret,
                resource: Some(format!("assay-{started_us}")),
                started_us,
                duration_us: 2 * started_us,
                trouble: None,
            };
            let transcript = Transcript { steps: vec![step], leftovers: Vec::new() };
            let secret = SecretLifecycle { transcript, intact: Some(intact), ..SecretLifecycle::default() };
            let token = Token {
                expires_at: Some("2026-11-22T04:00:00Z".parse().unwrap()),
                user: "u".into(),
                ..Token::default()
            };
            let token = if started_us > 1 { Token { expires_at: None, ..token } } else { token };
            Inventory { secret_lifecycle: Fact::Known(secret), token: Fact::Known(token), ..inventory() }
        };
        assert!(diff(&run(1, true), &run(2, true)).unwrap().is_empty());
        let change = one(&run(1, true), &run(2, false));
        assert_eq!((change.fact, change.things.len()), (FactId::SecretLifecycle, 1));
    }
}
