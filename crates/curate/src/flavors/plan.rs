//! From definitions and what was observed to a plan.

use std::collections::{BTreeMap, BTreeSet};

use assay_inventory::Flavor;
use assay_standards::flavor_name::{is_name_key, is_scs};

use super::definition::{Definition, canonical, name_specs};
use super::observe::Observed;
use super::step::Step;
use crate::plan::{self, Action, Change, Plan, Resource, Verb, is_addressable};

/// What a plan for flavors may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Remove extra specs `scs:…` that a definition does not have.
    pub prune: bool,
    /// Delete flavors whose figures are wrong and make new ones. Servers keep what they have.
    pub replace: bool,
}

/// Prefix of the extra specs that belong to the standards.
const OURS: &str = "scs:";

/// What separates a cloud from the definitions.
pub fn plan(definitions: &[Definition], observed: &Observed, options: &Options) -> Plan {
    let mut planner = Planner { observed, options, plan: Plan::default(), claimed: BTreeSet::new() };
    let definitions = planner.unique(definitions);
    let matches = planner.matches(&definitions);
    for (definition, flavor) in definitions.iter().zip(matches) {
        match flavor {
            Some(at) => planner.reconcile(definition, &observed.flavors[at]),
            None => planner.create(definition, reason(definition), Vec::new()),
        }
    }
    planner.impostors(&definitions);
    planner.plan
}

/// The flavors that no definition is about.
pub fn undescribed(definitions: &[Definition], observed: &Observed, options: &Options) -> Vec<Flavor> {
    let mut planner = Planner { observed, options, plan: Plan::default(), claimed: BTreeSet::new() };
    let definitions = planner.unique(definitions);
    planner.matches(&definitions);
    // One that says to be another is dealt with, too.
    planner.impostors(&definitions);
    let is_free = |(at, flavor): &(usize, &Flavor)| {
        let is_blocked = planner.plan.actions.iter().any(|action| action.id.as_deref() == Some(flavor.id()));
        !planner.claimed.contains(at) && !is_blocked
    };
    observed.flavors.iter().enumerate().filter(is_free).map(|(_, flavor)| flavor.clone()).collect()
}

/// Why a flavor is wanted.
fn reason(definition: &Definition) -> String {
    let level = match definition.level {
        super::Level::Mandatory => "mandatory",
        super::Level::Recommended => "recommended",
    };
    match &definition.clause {
        Some(_) => format!("{level}, and there is none"),
        None => format!("{level} by {}, and there is none", definition.origin),
    }
}

struct Planner<'a> {
    observed: &'a Observed,
    options: &'a Options,
    plan: Plan,
    /// The places of flavors that have a definition.
    claimed: BTreeSet<usize>,
}

impl Planner<'_> {
    /// The definitions without those that cannot be meant; these are reported.
    fn unique<'d>(&mut self, definitions: &'d [Definition]) -> Vec<&'d Definition> {
        let mut kept: Vec<&Definition> = Vec::new();
        let mut unclear: BTreeSet<&str> = BTreeSet::new();
        for definition in definitions {
            let contradictions = definition.contradictions();
            if !contradictions.is_empty() {
                self.block(
                    definition,
                    None,
                    Vec::new(),
                    format!("its definition contradicts itself: {}", contradictions.join("; ")),
                );
                continue;
            }
            match kept.iter().find(|other| other.name == definition.name) {
                Some(other) if !is_same(other, definition) => {
                    let reason =
                        format!("it is defined differently at {} and {}", other.origin, definition.origin);
                    self.block(definition, None, Vec::new(), reason);
                    unclear.insert(definition.name.as_str());
                }
                Some(_) => {}
                None => kept.push(definition),
            }
        }
        kept.retain(|definition| !unclear.contains(definition.name.as_str()));
        kept
    }

    /// The flavor of each definition, by its place. No flavor has two.
    fn matches(&mut self, definitions: &[&Definition]) -> Vec<Option<usize>> {
        let mut found: Vec<Option<usize>> = vec![None; definitions.len()];
        let passes: [fn(&Definition, &Flavor) -> bool; 4] = [has_id, has_name, bears_name, could_be];
        for fits in passes {
            for (definition, found) in definitions.iter().zip(&mut found).filter(|(_, found)| found.is_none())
            {
                let mut candidates: Vec<usize> = (0..self.observed.flavors.len())
                    .filter(|at| is_addressable(self.observed.flavors[*at].id()))
                    .filter(|at| !self.claimed.contains(at) && fits(definition, &self.observed.flavors[*at]))
                    .collect();
                candidates.sort_by_key(|at| self.observed.flavors[*at].name().map(str::to_owned));
                if let Some(&at) = candidates.first() {
                    self.claimed.insert(at);
                    *found = Some(at);
                }
            }
        }
        found
    }

    /// Flavors that say to be one that is there already, but are not: whoever looks for the name may find them.
    fn impostors(&mut self, definitions: &[&Definition]) {
        let unclaimed = (0..self.observed.flavors.len()).filter(|at| !self.claimed.contains(at));
        for at in unclaimed.collect::<Vec<_>>() {
            let flavor = &self.observed.flavors[at];
            let meant = definitions.iter().find(|definition| bears_name(definition, flavor));
            if let Some(definition) = meant
                && let changes = immutable(definition, flavor)
                && !changes.is_empty()
            {
                let reason = format!(
                    "its extra specs say that it is {}, which another flavor is; take scs:name-vN off it",
                    definition.name
                );
                self.block(definition, Some(flavor), changes, reason);
            }
        }
    }

    fn reconcile(&mut self, definition: &Definition, flavor: &Flavor) {
        let name = flavor.name().unwrap_or_default();
        if name != definition.name {
            let what = format!("{} is there under the name {name:?}", definition.name);
            self.plan.notes.push(format!(
                "{what}; a flavor cannot be renamed, and the standard only recommends the name"
            ));
        }
        let differences = immutable(definition, flavor);
        if !differences.is_empty() {
            return self.replace(definition, flavor, differences);
        }
        self.extra_specs(definition, flavor);
        if let Some(wanted) = &definition.description
            && flavor.text("description").value() != Some(wanted.as_str())
        {
            let change = Change::to("description", flavor.text("description").value(), wanted);
            let step = Step::Describe { flavor: flavor.id().to_owned(), description: wanted.clone() };
            self.set(definition, flavor, vec![change], "its description differs", step);
        }
        if let Some(wanted) = definition.access.as_ref().filter(|_| !definition.public) {
            self.access(definition, flavor, wanted);
        }
    }

    fn extra_specs(&mut self, definition: &Definition, flavor: &Flavor) {
        let differing: BTreeMap<&String, &String> = definition
            .extra_specs
            .iter()
            .filter(|(key, value)| flavor.extra_spec(key) != Some(value.as_str()))
            .collect();
        if !differing.is_empty() {
            let changes = differing
                .iter()
                .map(|(key, value)| Change::to(*key, flavor.extra_spec(key), *value))
                .collect();
            let specs = differing.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            let step = Step::SetExtraSpecs { flavor: flavor.id().to_owned(), specs };
            self.set(definition, flavor, changes, "its extra specs differ", step);
        }
        let surplus: Vec<(&str, &str)> = flavor
            .extra_specs()
            .filter(|(key, _)| key.starts_with(OURS) && !definition.extra_specs.contains_key(*key))
            .collect();
        if surplus.is_empty() {
            return;
        }
        if !self.options.prune {
            let keys: Vec<&str> = surplus.iter().map(|(key, _)| *key).collect();
            let what = keys.join(", ");
            self.plan.notes.push(format!(
                "{} has {what}, which its definition has not (--prune removes it)",
                definition.name
            ));
            return;
        }
        let changes = surplus
            .iter()
            .map(|(key, value)| Change {
                field: (*key).to_owned(),
                from: Some((*value).to_owned()),
                to: None,
            })
            .collect();
        let keys = surplus.iter().map(|(key, _)| (*key).to_owned()).collect();
        let step = Step::UnsetExtraSpecs { flavor: flavor.id().to_owned(), keys };
        let reason = "its definition does not have them".to_owned();
        let action = action(Verb::Unset, definition, Some(flavor), changes, reason);
        self.plan.push(Action { step: Some(plan::Step::Flavor(step)), ..action });
    }

    fn access(&mut self, definition: &Definition, flavor: &Flavor, wanted: &BTreeSet<String>) {
        let Some(present) = self.observed.access.get(flavor.id()) else {
            let reason = "it is not known which projects may use it".to_owned();
            return self.block(definition, Some(flavor), Vec::new(), reason);
        };
        let grant: Vec<String> = wanted.difference(present).cloned().collect();
        let revoke: Vec<String> = present.difference(wanted).cloned().collect();
        if grant.is_empty() && revoke.is_empty() {
            return;
        }
        let joined = |projects: &BTreeSet<String>| projects.iter().cloned().collect::<Vec<_>>().join(", ");
        let changes = vec![Change::to("access", Some(&joined(present)), joined(wanted))];
        let step = Step::SetAccess { flavor: flavor.id().to_owned(), grant, revoke };
        self.set(definition, flavor, changes, "other projects may use it", step);
    }

    /// A flavor whose figures are wrong.
    fn replace(&mut self, definition: &Definition, flavor: &Flavor, changes: Vec<Change>) {
        if !self.options.replace {
            let reason = "a flavor keeps its figures for ever; --replace deletes it and makes a new one, and servers \
                          keep what they have";
            return self.block(definition, Some(flavor), changes, reason.to_owned());
        }
        let reason = "its figures are wrong, and it is to be replaced".to_owned();
        let action = action(Verb::Delete, definition, Some(flavor), changes, reason);
        let step = Step::Delete { flavor: flavor.id().to_owned() };
        let name = flavor.name().unwrap_or_default().to_owned();
        let deleted = self.plan.push(Action { name, step: Some(plan::Step::Flavor(step)), ..action });
        self.create(definition, "takes the place of the one with wrong figures".to_owned(), vec![deleted]);
    }

    fn create(&mut self, definition: &Definition, reason: String, after: Vec<usize>) {
        let mut changes = vec![
            Change::to("vcpus", None, definition.vcpus.to_string()),
            Change::to("ram", None, definition.ram_mib.to_string()),
        ];
        for (field, value) in [
            ("disk", definition.disk_gb),
            ("ephemeral", definition.ephemeral_gb),
            ("swap", definition.swap_mib),
        ] {
            if value > 0 {
                changes.push(Change::to(field, None, value.to_string()));
            }
        }
        if !definition.public {
            changes.push(Change::to("public", None, "false"));
        }
        changes.extend(definition.extra_specs.iter().map(|(key, value)| Change::to(key, None, value)));
        let action = action(Verb::Create, definition, None, changes, reason);
        let step = Step::Create(Box::new(definition.clone()));
        self.plan.push(Action { after, step: Some(plan::Step::Flavor(step)), ..action });
    }

    fn set(
        &mut self,
        definition: &Definition,
        flavor: &Flavor,
        changes: Vec<Change>,
        reason: &str,
        step: Step,
    ) {
        let action = action(Verb::Set, definition, Some(flavor), changes, reason.to_owned());
        self.plan.push(Action { step: Some(plan::Step::Flavor(step)), ..action });
    }

    fn block(
        &mut self,
        definition: &Definition,
        flavor: Option<&Flavor>,
        changes: Vec<Change>,
        reason: String,
    ) {
        let action = action(Verb::Blocked, definition, flavor, changes, reason);
        self.plan.push(action);
    }
}

/// An action without a step.
fn action(
    verb: Verb,
    definition: &Definition,
    flavor: Option<&Flavor>,
    changes: Vec<Change>,
    reason: String,
) -> Action {
    let name = flavor.and_then(|flavor| flavor.name()).unwrap_or(&definition.name);
    Action {
        verb,
        resource: Resource::Flavor,
        name: name.to_owned(),
        id: flavor.map(|flavor| flavor.id().to_owned()),
        changes,
        reason,
        clause: definition.clause.clone(),
        after: Vec::new(),
        step: None,
    }
}

/// Whether two definitions want the same, wherever they stand.
fn is_same(one: &Definition, other: &Definition) -> bool {
    let bare = |definition: &Definition| Definition {
        origin: String::new(),
        clause: None,
        level: super::Level::Mandatory,
        ..definition.clone()
    };
    bare(one) == bare(other)
}

fn has_id(definition: &Definition, flavor: &Flavor) -> bool {
    definition.id.as_deref() == Some(flavor.id())
}

fn has_name(definition: &Definition, flavor: &Flavor) -> bool {
    flavor.name() == Some(definition.name.as_str())
}

/// Whether a flavor says by an extra spec that it is the one.
fn bears_name(definition: &Definition, flavor: &Flavor) -> bool {
    let borne = flavor.extra_specs().filter(|(key, _)| is_name_key(key));
    borne.map(|(_, name)| name).any(|name| name_specs(&definition.extra_specs).any(|wanted| wanted == name))
}

/// Whether a flavor of another name can be taken for the one that is wanted: the same figures, no extra specs that
/// would make it something else, and no name of its own that says otherwise.
fn could_be(definition: &Definition, flavor: &Flavor) -> bool {
    let name = flavor.name().unwrap_or_default();
    let is_named_otherwise = is_scs(name) && canonical(name) != canonical(&definition.name);
    let is_named = name_specs(&definition.extra_specs).next().is_some();
    let fits =
        |(key, value): (&str, &str)| definition.extra_specs.get(key).is_some_and(|wanted| wanted == value);
    is_named
        && definition.id.is_none()
        && !is_named_otherwise
        && immutable(definition, flavor).is_empty()
        && flavor.extra_specs().all(fits)
}

/// What nova cannot change about a flavor, and is wrong.
fn immutable(definition: &Definition, flavor: &Flavor) -> Vec<Change> {
    let number = |field: &str| match flavor.get(field) {
        // Without swap, nova writes an empty text before microversion 2.75.
        Some(serde_json::Value::String(text)) if text.is_empty() => Some(0),
        other => other.and_then(serde_json::Value::as_u64),
    };
    let figures = [
        ("vcpus", definition.vcpus),
        ("ram", definition.ram_mib),
        ("disk", definition.disk_gb),
        ("OS-FLV-EXT-DATA:ephemeral", definition.ephemeral_gb),
        ("swap", definition.swap_mib),
    ];
    let mut changes = Vec::new();
    for (field, wanted) in figures {
        let found = number(field);
        // What a cloud does not tell cannot be told to be wrong.
        if found.is_some_and(|found| found != wanted) || (found.is_none() && wanted > 0) {
            let found = found.map(|found| found.to_string());
            let field = field.trim_start_matches("OS-FLV-EXT-DATA:");
            changes.push(Change::to(field, found.as_deref(), wanted.to_string()));
        }
    }
    let is_public = flavor.flag("os-flavor-access:is_public").value();
    if is_public.is_some_and(|is_public| is_public != definition.public) {
        let found = is_public.map(|found| found.to_string());
        changes.push(Change::to("public", found.as_deref(), definition.public.to_string()));
    }
    if definition.id.as_deref().is_some_and(|id| id != flavor.id()) {
        changes.push(Change::to("id", Some(flavor.id()), definition.id.clone().unwrap_or_default()));
    }
    changes
}
