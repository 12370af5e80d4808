//! scs-0114: volume types say in their description what they promise.

mod encrypted_volume;

use std::borrow::Cow;

use assay_inventory::{FactId, Seen, VolumeType};
use assay_standards::requirements::{Aspect, Status, VolumeTypes};

use crate::evidence::Needed;
use crate::finding::{Readings, Resource};
use crate::registry::Registry;
use crate::rule::rule;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging};

const STANDARD: &str = "scs-0114-v1";
const VOLUME_TYPES: &[FactId] = &[FactId::VolumeTypes];

const UNKNOWN: &str = "the reference suite fails on aspects that the standard does not define; by the text they should not be there";
const TWICE: &str =
    "the reference suite fails on an aspect that stands twice; the text says that it should stand once";
const NOT_TEXT: &str =
    "the reference suite aborts on a description that is not text; by the text it advertises nothing";

pub(crate) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0114-syntax-check"),
        standard: STANDARD,
        clause: "decision, volume type description",
        demand: Demand::Must,
        title: Cow::Borrowed("Aspects of volume types are written as the standard says"),
        explanation: "A description may begin with a list such as `[scs:encrypted, replicated]`. Programs read it, so the aspects are \
             sorted, each stands there once, and none is made up. A description without such a list is fine.",
        remedy: Cow::Owned(format!(
            "Write the list at the very beginning of the description, sorted, with nothing but {}; with the credentials of an admin, `assay apply CLOUD` does.",
            aspect_names(" and "),
        )),
        official_facts: VOLUME_TYPES,
        text_facts: &[],
        own: false,
        judge: rule(syntax_check),
    });
    for aspect in &VolumeTypes::get().aspects {
        registry.add(aspect_testcase(aspect));
    }
    encrypted_volume::register(registry);
}

fn aspect_testcase(aspect: &'static Aspect) -> Testcase {
    Testcase {
        id: Cow::Owned(format!("scs-0114-{}-type", aspect.name)),
        standard: STANDARD,
        clause: "decision, recommended aspects",
        demand: if aspect.status == Status::Mandatory { Demand::Must } else { Demand::Should },
        title: Cow::Owned(format!("A volume type says that it is {}", aspect.name)),
        explanation: "Users who need the aspect should find at least one volume type that has it. Whether the type really has it \
             cannot be seen from its description.",
        remedy: Cow::Owned(format!(
            "Let the description of a volume type begin with `[scs:{}]` if its {}. With the credentials of an admin, `assay plan CLOUD` shows what cinder knows of it, and asks for the rest.",
            aspect.name, aspect.meaning,
        )),
        official_facts: VOLUME_TYPES,
        text_facts: &[],
        own: false,
        judge: rule(move |evidence| some_type_has(&aspect.name, evidence)),
    }
}

fn aspect_names(separator: &str) -> String {
    let names: Vec<&str> = VolumeTypes::get().aspects.iter().map(|aspect| aspect.name.as_str()).collect();
    names.join(separator)
}

fn resource(volume_type: &VolumeType) -> Resource {
    Resource::new("volume type", volume_type.id(), volume_type.name().unwrap_or("(no name)"))
}

/// The aspects of each volume type that advertises some.
fn advertised<'a>(
    volume_types: &'a [VolumeType],
    judging: &mut Judging,
) -> Vec<(&'a VolumeType, Vec<&'a str>)> {
    let mut advertised = Vec::new();
    for volume_type in volume_types {
        match volume_type.text("description") {
            Seen::Absent => {}
            Seen::Value(description) => advertised.push((volume_type, VolumeTypes::advertised(description))),
            Seen::Odd(value) => {
                judging.abort(
                    Readings::Official,
                    resource(volume_type),
                    "a description that is text",
                    format!("description={value}"),
                );
                judging.differ(NOT_TEXT);
            }
        }
    }
    advertised.retain(|(_, aspects)| !aspects.is_empty());
    advertised
}

fn syntax_check(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let volume_types = evidence.volume_types()?;
    let mut judging = Judging::default();
    for (volume_type, aspects) in advertised(volume_types, &mut judging) {
        let found = || format!("[scs:{}]", aspects.join(", "));
        if !aspects.is_sorted() {
            judging.fail(Readings::Both, resource(volume_type), "aspects in alphabetical order", found());
        }
        let mut sorted = aspects.clone();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            judging.fail(Readings::Official, resource(volume_type), "each aspect once", found());
            judging.note(Readings::Text, resource(volume_type), "an aspect stands there twice");
            judging.differ(TWICE);
        }
        if aspects.contains(&"") {
            judging.fail(Readings::Both, resource(volume_type), "aspects with commas between them", found());
        }
        for unknown in aspects.iter().filter(|aspect| !aspect.is_empty() && !VolumeTypes::get().knows(aspect))
        {
            let expected = format!("nothing but {}", aspect_names(" and "));
            judging.fail(
                Readings::Official,
                resource(volume_type),
                expected,
                format!("the aspect `{unknown}`"),
            );
            judging.note(
                Readings::Text,
                resource(volume_type),
                format!("`{unknown}` is no aspect of the standard"),
            );
            judging.differ(UNKNOWN);
        }
    }
    Ok(judging.finish())
}

fn some_type_has(aspect: &str, evidence: &Evidence<'_>) -> Needed<Judgement> {
    let volume_types = evidence.volume_types()?;
    let mut judging = Judging::default();
    if !advertised(volume_types, &mut judging).iter().any(|(_, aspects)| aspects.contains(&aspect)) {
        judging.fail(
            Readings::Both,
            None,
            format!("a volume type with the aspect {aspect}"),
            format!("none of {} volume types has it", volume_types.len()),
        );
    }
    Ok(judging.finish())
}

#[cfg(test)]
mod tests {
    use assay_inventory::{Fact, Reason, Unavailable};
    use assay_standards::Verdict::{self, Abort, Fail, Pass};
    use serde_json::{Value, json};

    use crate::testing;

    fn verdicts(id: &str, descriptions: &[Value]) -> (Verdict, Verdict) {
        let types: Vec<Value> = descriptions
            .iter()
            .map(|description| json!({"id": "1", "name": "fast", "is_public": true, "description": description}))
            .collect();
        testing::verdicts(id, |inventory| inventory.volume_types = testing::known(json!(types)))
    }

    #[test]
    fn well_formed_descriptions() {
        for description in [
            json!("[scs:encrypted, replicated] x"),
            json!("[scs:encrypted,replicated]"),
            json!("[scs:replicated]"),
            json!("[scs:]"),
            json!(" [scs:encrypted]"),
            json!("[SCS:encrypted]"),
            json!("[scs:encrypted"),
            json!("[scs:a[b]"),
            json!("x [scs:foo]"),
            json!(""),
            json!(null),
        ] {
            let given = std::slice::from_ref(&description);
            assert_eq!(verdicts("scs-0114-syntax-check", given), (Pass, Pass), "{description}");
        }
        assert_eq!(verdicts("scs-0114-syntax-check", &[]), (Pass, Pass));
    }

    #[test]
    fn faulty_descriptions() {
        for (description, text) in [
            ("[scs:replicated, encrypted]", Fail),
            ("[scs:encrypted, encrypted]", Pass),
            ("[scs:foo]", Pass),
            ("[scs:zzz, foo]", Fail),
            ("[scs: ]", Fail),
            ("[scs:encrypted,]", Fail),
            ("[scs:Encrypted]", Pass),
        ] {
            let types = [json!("ordinary"), json!(description), json!("[scs:encrypted]")];
            assert_eq!(verdicts("scs-0114-syntax-check", &types), (Fail, text), "{description}");
        }
        assert_eq!(verdicts("scs-0114-syntax-check", &[json!(["scs"])]), (Abort, Pass));
    }

    #[test]
    fn one_type_with_the_aspect_is_enough() {
        let (encrypted, replicated) = ("scs-0114-encrypted-type", "scs-0114-replicated-type");
        let both = [json!("none"), json!("[scs:encrypted, replicated]")];
        assert_eq!(verdicts(encrypted, &both), (Pass, Pass));
        assert_eq!(verdicts(replicated, &both), (Pass, Pass));
        let faulty = [json!("[scs:replicated, encrypted, ]")];
        assert_eq!(verdicts(encrypted, &faulty), (Pass, Pass), "a faulty list counts");
        assert_eq!(verdicts(encrypted, &[json!("[scs:replicated]")]), (Fail, Fail));
        assert_eq!(verdicts(encrypted, &[json!("encrypted")]), (Fail, Fail));
        assert_eq!(verdicts(encrypted, &[]), (Fail, Fail));
    }

    #[test]
    fn without_volume_types_nothing_can_be_said() {
        let verdicts = testing::verdicts("scs-0114-syntax-check", |inventory| {
            inventory.volume_types =
                Fact::Unavailable(Unavailable::new(Reason::NotInCatalog, "no block storage"));
        });
        assert_eq!(verdicts, (Abort, Abort));
    }
}
