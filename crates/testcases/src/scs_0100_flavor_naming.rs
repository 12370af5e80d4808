//! scs-0100: flavor naming. A name that starts with `SCS-` is a promise that can be read by machines.

use std::borrow::Cow;

use assay_inventory::{FactId, Flavor, Seen};
use assay_standards::flavor_name::{CpuType, DiskType, FlavorName, OfficialOutcome, ParseError, Syntax};

use crate::finding::{Readings, Resource};
use crate::registry::Registry;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging};

const STANDARD: &str = "scs-0100-v3";
const FLAVORS: &[FactId] = &[FactId::Flavors];

pub(crate) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0100-syntax-check"),
        standard: STANDARD,
        clause: "naming policy compliance",
        demand: Demand::Must,
        title: Cow::Borrowed("Flavor names that start with SCS- can be read"),
        explanation: "The prefix SCS- is reserved. A name that carries it must follow the grammar, so that programs can tell from it \
             what the flavor has. Names without the prefix are free.",
        remedy: Cow::Borrowed(
            "Create the flavor again under a name of the grammar (`assay flavor-name compose` helps), or under a name without SCS-.",
        ),
        official_facts: FLAVORS,
        text_facts: &[],
        own: false,
        judge: Box::new(syntax_check),
    });
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0100-semantics-check"),
        standard: STANDARD,
        clause: "naming policy compliance",
        demand: Demand::Must,
        title: Cow::Borrowed("Flavors have at least what their SCS- names promise"),
        explanation: "Having more than the name says is allowed, having less is not: users choose by name and size their work by it.",
        remedy: Cow::Borrowed(
            "Create the flavor again with the figures of its name, or under a name that promises no more than it has.",
        ),
        official_facts: FLAVORS,
        text_facts: &[],
        own: false,
        judge: Box::new(semantics_check),
    });
}

pub(crate) fn resource(flavor: &Flavor) -> Resource {
    Resource::new("flavor", flavor.id(), flavor.name().unwrap_or("(no name)"))
}

/// Where a name goes wrong, and what belongs there.
fn fault(error: &ParseError) -> String {
    let place = match error.found() {
        "" => "at its end".to_owned(),
        found => format!("at character {} (`{found}`)", error.name()[..error.at()].chars().count() + 1),
    };
    format!("`{}` {place}: {}", error.name(), error.expectation())
}

const EXPECTED_NAME: &str = "a name of the grammar SCS-<CPUs><type>-<RAM>[-<disk>][_<extension>…]";

fn syntax_check(evidence: &Evidence<'_>) -> Judgement {
    let flavors = match evidence.flavors() {
        Ok(flavors) => flavors,
        Err(judgement) => return *judgement,
    };
    let mut judging = Judging::default();
    for flavor in flavors {
        let name = flavor.name().unwrap_or_default();
        let official = FlavorName::parse_tolerant(name);
        let text = FlavorName::parse_text(name);
        let outcome = match &official {
            Ok(_) => OfficialOutcome::Passes,
            Err(error) => error.kind().official_outcome(),
        };
        match (outcome, &official, &text) {
            (OfficialOutcome::Passes, Ok(Some((canonical, Syntax::V1))), Err(_)) => {
                judging.fail(
                    Readings::Text,
                    resource(flavor),
                    format!("{canonical}, as names are written since v2"),
                    format!("{name}, a name of the withdrawn v1"),
                );
                judging
                    .differ("the reference suite tolerates names of v1; the current text knows them no more");
            }
            (OfficialOutcome::Passes, _, Err(error)) => {
                judging.fail(Readings::Text, resource(flavor), EXPECTED_NAME, fault(error));
                judging.differ("the parser of the reference suite takes more than the text allows");
            }
            (OfficialOutcome::Aborts, Err(error), text) => {
                judging.abort(
                    Readings::Official,
                    resource(flavor),
                    "a number that can be reckoned with",
                    fault(error),
                );
                if text.is_err() {
                    judging.fail(Readings::Text, resource(flavor), EXPECTED_NAME, fault(error));
                }
                judging.differ(
                    "the reference suite breaks down on the number; by the text the name is simply wrong",
                );
            }
            (_, Err(error), Ok(_)) => {
                judging.fail(Readings::Official, resource(flavor), EXPECTED_NAME, fault(error));
                judging.differ("the text allows names that the parser of the reference suite refuses");
            }
            (_, Err(error), Err(_)) => {
                judging.fail(Readings::Both, resource(flavor), EXPECTED_NAME, fault(error));
            }
            // A name that both readings take; and no name is refused without an error.
            (OfficialOutcome::Passes, _, Ok(_)) | (_, Ok(_), _) => {}
        }
    }
    judging.finish()
}

fn semantics_check(evidence: &Evidence<'_>) -> Judgement {
    let flavors = match evidence.flavors() {
        Ok(flavors) => flavors,
        Err(judgement) => return *judgement,
    };
    let mut judging = Judging::default();
    for flavor in flavors {
        let name = flavor.name().unwrap_or_default();
        let official = FlavorName::parse_tolerant(name);
        match &official {
            Ok(Some((promise, _))) => compare(&mut judging, flavor, promise),
            Ok(None) => {}
            Err(error) => match (error.kind().official_outcome(), FlavorName::parse_text(name)) {
                (OfficialOutcome::Aborts, _) => {
                    judging.abort(
                        Readings::Official,
                        resource(flavor),
                        "a number that can be reckoned with",
                        fault(error),
                    );
                    judging.differ("the reference suite breaks down on the number; by the text the name is not valid at all");
                }
                (OfficialOutcome::Passes, _) => {
                    let found = fault(error);
                    judging.fail(Readings::Both, resource(flavor), "no more than the flavor has", found);
                }
                (OfficialOutcome::Fails, Ok(Some(promise))) => {
                    let mut text = Comparison { judging: &mut judging, flavor, readings: Readings::Text };
                    text.figures(&promise);
                    text.extra_specs(&promise);
                }
                (OfficialOutcome::Fails, _) => {}
            },
        }
    }
    judging.finish()
}

/// RAM in GiB as the reference suite rounds it, to tenths and in favour of the cloud: up to 51 MiB may be missing.
fn rounded_gib(ram_mib: f64) -> f64 {
    ((ram_mib + 51.0) / 102.4).floor() / 10.0
}

#[expect(clippy::cast_precision_loss, reason = "the reference suite reckons in f64")]
fn compare(judging: &mut Judging, flavor: &Flavor, promise: &FlavorName) {
    let figures = [("vcpus", flavor.vcpus()), ("ram", flavor.ram()), ("disk", flavor.disk())];
    for (field, seen) in figures {
        let is_null = matches!(seen, Seen::Absent) && flavor.has(field);
        if is_null || matches!(seen, Seen::Odd(_)) {
            let found =
                format!("{field} is {}", flavor.get(field).map_or("null".to_owned(), ToString::to_string));
            judging.abort(Readings::Both, resource(flavor), format!("{field} as a whole number"), found);
            return;
        }
    }
    let [vcpus, ram, disk] = figures.map(|(_, seen)| seen.value().unwrap_or(0));

    let mut both = Comparison { judging, flavor, readings: Readings::Both };
    both.vcpus(promise, vcpus);
    let promised_gib = promise.ram_gib();
    let official_short = rounded_gib(ram as f64) < promised_gib;
    let text_short = (ram as f64) < promised_gib * 1024.0;
    if official_short || text_short {
        let readings = if official_short { Readings::Both } else { Readings::Text };
        both.judging.fail(
            readings,
            resource(flavor),
            format!("at least {} MiB of RAM", promised_gib * 1024.0),
            format!("{ram} MiB"),
        );
        if !official_short {
            both.judging.differ(
                "the reference suite lets 51 MiB of RAM be missing; the text allows no less than promised",
            );
        }
    }
    match promise.disk {
        Some(promised) if promised.size.is_none() => {
            judging.abort(
                Readings::Official,
                resource(flavor),
                "a disk with a size in the name",
                "the name leaves the size to the cloud",
            );
            judging.differ("the reference suite breaks down on a disk without a size; the text allows it");
        }
        _ => both.disk(promise, disk),
    }
    let mut text = Comparison { judging, flavor, readings: Readings::Text };
    text.extra_specs(promise);
}

struct Comparison<'j, 'f> {
    judging: &'j mut Judging,
    flavor: &'f Flavor,
    readings: Readings,
}

impl Comparison<'_, '_> {
    fn short(&mut self, expected: String, found: String) {
        self.judging.fail(self.readings, resource(self.flavor), expected, found);
    }

    fn vcpus(&mut self, promise: &FlavorName, vcpus: i64) {
        if i128::from(vcpus) < i128::from(promise.cpus) {
            self.short(format!("at least {} vCPUs", promise.cpus), format!("{vcpus} vCPUs"));
        }
    }

    fn disk(&mut self, promise: &FlavorName, disk: i64) {
        let promised = promise.disk.and_then(|disk| disk.size).unwrap_or(0);
        if i128::from(disk) < i128::from(promised) {
            self.short(format!("a disk of at least {promised} GB"), format!("{disk} GB"));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "no flavor has so much RAM that it matters")]
    fn figures(&mut self, promise: &FlavorName) {
        self.vcpus(promise, self.flavor.vcpus().value().unwrap_or(0));
        let ram = self.flavor.ram().value().unwrap_or(0);
        if (ram as f64) < promise.ram_gib() * 1024.0 {
            self.short(format!("at least {} MiB of RAM", promise.ram_gib() * 1024.0), format!("{ram} MiB"));
        }
        self.disk(promise, self.flavor.disk().value().unwrap_or(0));
    }

    /// Extra specs of scs-0103 that say less than the name.
    fn extra_specs(&mut self, promise: &FlavorName) {
        let specs = [
            (
                "scs:cpu-type",
                Some(promise.cpu_type.extra_spec()),
                self.flavor.extra_spec("scs:cpu-type").map(|value| {
                    CpuType::from_extra_spec(value).is_some_and(|real| real >= promise.cpu_type)
                }),
            ),
            (
                "scs:disk0-type",
                promise.disk.and_then(|disk| disk.disk_type).map(DiskType::extra_spec),
                self.flavor.extra_spec("scs:disk0-type").map(|value| {
                    let promised = promise.disk.and_then(|disk| disk.disk_type);
                    promised.is_none_or(|promised| {
                        DiskType::from_extra_spec(value).is_some_and(|real| real >= promised)
                    })
                }),
            ),
        ];
        for (key, promised, enough) in specs {
            if let (Some(promised), Some(false)) = (promised, enough) {
                let real = self.flavor.extra_spec(key).unwrap_or_default();
                self.short(format!("{key}={promised} or better, as the name says"), format!("{key}={real}"));
                self.judging.differ("the reference suite looks at vCPUs, RAM and disk size alone; the text binds everything that a name says");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use assay_inventory::{Fact, Inventory, Subject};
    use assay_standards::Verdict::{self, Abort, Fail, Pass};
    use serde_json::{Value, json};

    use super::*;

    fn judged(judge: fn(&Evidence<'_>) -> Judgement, flavors: Vec<Value>) -> Judgement {
        let now = "2026-11-22T00:00:00Z".parse().unwrap();
        let mut inventory = Inventory::new(Subject::default(), now);
        inventory.flavors = Fact::Known(serde_json::from_value(Value::Array(flavors)).unwrap());
        judge(&Evidence::new(&inventory, now))
    }

    fn verdicts(judgement: &Judgement) -> (Verdict, Verdict) {
        (judgement.official.unwrap(), judgement.text)
    }

    fn named(name: &str) -> Value {
        json!({"id": "1", "name": name, "vcpus": 64, "ram": 1_048_576, "disk": 10_000, "extra_specs": {}})
    }

    #[test]
    fn syntax_by_name() {
        for (name, official, text) in [
            ("SCS-2V-4-20s", Pass, Pass),
            ("m1.tiny", Pass, Pass),
            ("SCS-2V:4:20s", Pass, Fail),
            ("SCS-4X-8", Fail, Fail),
            ("SCS-2C-4_GNa_ib", Fail, Pass),
            ("SCS-2C-4-", Pass, Pass),
            ("scs-4X-8", Pass, Pass),
        ] {
            assert_eq!(verdicts(&judged(syntax_check, vec![named(name)])), (official, text), "{name}");
        }
        let absurd = format!("SCS-1V-{}", "9".repeat(400));
        assert_eq!(judged(syntax_check, vec![named(&absurd)]).official, Some(Abort));
    }

    #[test]
    fn no_flavor_and_no_name_pass() {
        assert_eq!(verdicts(&judged(syntax_check, vec![])), (Pass, Pass));
        assert_eq!(verdicts(&judged(semantics_check, vec![])), (Pass, Pass));
        assert_eq!(verdicts(&judged(syntax_check, vec![json!({"id": "1", "name": null})])), (Pass, Pass));
    }

    #[test]
    fn the_finding_points_at_the_character() {
        let judgement = judged(syntax_check, vec![named("SCS-4X-8")]);
        assert!(judgement.findings[0].found.contains("character 6 (`X`)"), "{:?}", judgement.findings);
    }

    #[test]
    fn ram_may_be_51_mib_short_officially() {
        for (name, ram, official, text) in [
            ("SCS-2V-4", 4096, Pass, Pass),
            ("SCS-2V-4", 4095, Pass, Fail),
            ("SCS-2V-4", 4045, Pass, Fail),
            ("SCS-2V-4", 4044, Fail, Fail),
            ("SCS-2V-0.5", 461, Pass, Fail),
            ("SCS-2V-0.5", 460, Fail, Fail),
        ] {
            let flavor = json!({"id": "1", "name": name, "vcpus": 2, "ram": ram, "disk": 0});
            assert_eq!(verdicts(&judged(semantics_check, vec![flavor])), (official, text), "{name} {ram}");
        }
    }

    #[test]
    fn promises_of_cpus_disks_and_types() {
        let flavor = |name: &str, vcpus: i64, disk: i64, specs: Value| json!({"id": "1", "name": name, "vcpus": vcpus, "ram": 8192, "disk": disk, "extra_specs": specs});
        for (flavor, official, text) in [
            (flavor("SCS-2V-8", 1, 0, json!({})), Fail, Fail),
            (flavor("SCS-2V-8", 4, 0, json!({})), Pass, Pass),
            (flavor("SCS-2V-8-20", 2, 10, json!({})), Fail, Fail),
            (flavor("SCS-2V-8-n", 2, 0, json!({})), Abort, Pass),
            (flavor("SCS-2T-8", 2, 0, json!({"scs:cpu-type": "shared-core"})), Pass, Fail),
            (flavor("SCS-2V-8", 2, 0, json!({"scs:cpu-type": "dedicated-core"})), Pass, Pass),
            (flavor("SCS-2V-8-20s", 2, 20, json!({"scs:disk0-type": "network"})), Pass, Fail),
            (flavor("SCS-4X-8", 1, 0, json!({})), Pass, Pass),
            (flavor("SCS-2V:8", 1, 0, json!({})), Fail, Fail),
        ] {
            let name = flavor["name"].to_string();
            assert_eq!(verdicts(&judged(semantics_check, vec![flavor])), (official, text), "{name}");
        }
    }

    #[test]
    fn absurd_figures_abort() {
        let flavor = json!({"id": "1", "name": "SCS-2V-8", "vcpus": null, "ram": 8192, "disk": 0});
        assert_eq!(verdicts(&judged(semantics_check, vec![flavor])), (Abort, Abort));
    }
}
