//! What volume types promise in their descriptions (scs-0114).

use std::collections::BTreeSet;

use assay_inventory::VolumeType;
use assay_standards::requirements::VolumeTypes;
use serde_json::Value;

use super::step::Step;
use super::{Refused, Work};
use crate::plan::{self, Action, Change, Plan, Question, Resource, Verb};

/// The most characters that cinder takes for a description.
const LONGEST: usize = 255;

/// A volume type, and whether cinder encrypts its volumes; none where that is not known.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenVolumeType {
    /// The type.
    pub volume_type: VolumeType,
    /// Whether it has an encryption.
    pub encrypted: Option<bool>,
}

/// Writes what cinder knows into descriptions, and asks where nobody but the operator knows.
pub(super) fn repair(types: &[SeenVolumeType], work: &mut Work<'_>, plan: &mut Plan) {
    let is_about = |id: &String| id.starts_with("scs-0114-");
    if work.only.is_some_and(|only| !only.iter().any(is_about)) {
        return;
    }
    let public = |seen: &&SeenVolumeType| {
        let volume_type = &seen.volume_type;
        let flags = ["is_public", "os-volume-type-access:is_public"];
        crate::plan::is_addressable(volume_type.id())
            && flags.iter().all(|flag| volume_type.flag(flag).value() != Some(false))
    };
    let aspects = &VolumeTypes::get().aspects;
    let mut promised: BTreeSet<String> = BTreeSet::new();
    let mut silent = Vec::new();
    for seen in types.iter().filter(public) {
        let volume_type = &seen.volume_type;
        let name = volume_type.name().unwrap_or_default();
        let description = volume_type.text("description").value().unwrap_or_default();
        let told = VolumeTypes::advertised(description);
        let mut wanted: BTreeSet<String> =
            told.iter().filter(|one| VolumeTypes::get().knows(one)).map(|one| (*one).to_owned()).collect();
        wanted.extend(evident(seen).into_iter().map(str::to_owned));
        if told.contains(&"encrypted") && seen.encrypted == Some(false) {
            plan.notes.push(format!(
                "volume type {name} is said to be encrypted, but cinder has no encryption for it; look whether its backend encrypts"
            ));
        }
        // An answer counts where there is a question.
        let answer = work.answers.of_volume_type(name).filter(|_| wanted.is_empty());
        if let Some(answer) = &answer {
            let said: Vec<&str> =
                answer.text.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
            match said.iter().find(|one| !VolumeTypes::get().knows(one)) {
                Some(unknown) => work.refused.push(Refused {
                    spot: answer.spot.clone(),
                    given: (*unknown).to_owned(),
                    expected: format!("some of {}", names()),
                }),
                None => wanted.extend(said.into_iter().map(str::to_owned)),
            }
        }
        promised.extend(wanted.iter().cloned());
        let text = described(description, &told, &wanted);
        if text.chars().count() > LONGEST {
            plan.notes.push(format!(
                "volume type {name}: with its aspects, {text:?} is longer than the {LONGEST} characters that cinder takes"
            ));
        } else if text != description {
            describe(volume_type, description, text, answer.is_some(), plan);
        } else if wanted.is_empty() && answer.is_none() {
            silent.push(volume_type);
        }
    }
    let lacking: Vec<&str> = aspects
        .iter()
        .filter(|one| !promised.contains(&one.name) && work.is_wanted(&format!("scs-0114-{}-type", one.name)))
        .map(|one| one.name.as_str())
        .collect();
    if lacking.is_empty() {
        return;
    }
    for volume_type in silent {
        plan.questions.push(Question {
            resource: Resource::VolumeType,
            name: volume_type.name().unwrap_or_default().to_owned(),
            id: Some(volume_type.id().to_owned()),
            field: "aspects".to_owned(),
            expected: format!("a list of those of {} that it has, or []", names()),
            found: format!("no volume type is said to be {}", lacking.join(" or ")),
            suggestion: None,
            clause: "scs-0114-v1, recommended aspects".to_owned(),
        });
    }
}

fn names() -> String {
    let names: Vec<&str> = VolumeTypes::get().aspects.iter().map(|aspect| aspect.name.as_str()).collect();
    names.join(", ")
}

/// What cinder itself says about a type.
fn evident(seen: &SeenVolumeType) -> Vec<&'static str> {
    let spec = |key: &str| seen.volume_type.map("extra_specs").value()?.get(key).and_then(Value::as_str);
    let replicated =
        spec("replication_enabled").is_some_and(|value| value.trim().eq_ignore_ascii_case("<is> True"));
    let encrypted = seen.encrypted == Some(true);
    [(encrypted, "encrypted"), (replicated, "replicated")]
        .into_iter()
        .filter_map(|(is_so, aspect)| is_so.then_some(aspect))
        .collect()
}

/// A description that begins with these aspects, and ends as it did. What is no aspect moves behind the list.
fn described(description: &str, told: &[&str], wanted: &BTreeSet<String>) -> String {
    let rest = match told.is_empty() {
        true => description,
        false => description.split_once(']').map_or("", |(_, rest)| rest),
    };
    if wanted.is_empty() && told.is_empty() {
        return description.to_owned();
    }
    let list: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let head = if list.is_empty() { String::new() } else { format!("[scs:{}]", list.join(", ")) };
    let mut others: Vec<&str> =
        told.iter().copied().filter(|one| !one.is_empty() && !VolumeTypes::get().knows(one)).collect();
    others.dedup();
    let mut parts: Vec<String> = vec![head];
    parts.extend(others.into_iter().map(str::to_owned));
    parts.push(rest.trim_start().to_owned());
    parts.retain(|part| !part.is_empty());
    // Only blanks differ: that is nothing to do.
    let is_same = told.iter().copied().eq(list.iter().copied());
    if is_same { description.to_owned() } else { parts.join(" ") }
}

fn describe(volume_type: &VolumeType, from: &str, to: String, answered: bool, plan: &mut Plan) {
    let reason = match answered {
        true => "it is said to have these aspects",
        false => "cinder shows what it is, or its list is not as the standard writes it",
    };
    let change = Change::to("description", (!from.is_empty()).then_some(from), &to);
    let step = Step::Describe { volume_type: volume_type.id().to_owned(), description: to };
    plan.push(Action {
        verb: Verb::Set,
        resource: Resource::VolumeType,
        name: volume_type.name().unwrap_or_default().to_owned(),
        id: Some(volume_type.id().to_owned()),
        changes: vec![change],
        reason: reason.to_owned(),
        clause: Some("scs-0114-v1, volume type description".to_owned()),
        after: Vec::new(),
        step: Some(plan::Step::Repair(step)),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described_with(description: &str, wanted: &[&str]) -> String {
        let wanted = wanted.iter().map(|one| (*one).to_owned()).collect();
        described(description, &VolumeTypes::advertised(description), &wanted)
    }

    #[test]
    fn a_description_begins_with_the_aspects_and_keeps_the_rest() {
        for (before, wanted, after) in [
            ("", &[][..], ""),
            ("Fast disks", &[], "Fast disks"),
            ("Fast disks", &["encrypted"], "[scs:encrypted] Fast disks"),
            ("[scs:encrypted] Fast", &["encrypted"], "[scs:encrypted] Fast"),
            (
                "[scs:encrypted,replicated]Fast",
                &["encrypted", "replicated"],
                "[scs:encrypted,replicated]Fast",
            ),
            (
                "[scs:replicated, encrypted] Fast",
                &["encrypted", "replicated"],
                "[scs:encrypted, replicated] Fast",
            ),
            ("[scs:encrypted, encrypted]", &["encrypted"], "[scs:encrypted]"),
            ("[scs:encrypted, fast, ] disks", &["encrypted"], "[scs:encrypted] fast disks"),
            ("[scs:fast] disks", &[], "fast disks"),
        ] {
            assert_eq!(described_with(before, wanted), after, "{before:?}");
            assert_eq!(described_with(after, wanted), after, "a second look finds nothing to do");
        }
    }
}
