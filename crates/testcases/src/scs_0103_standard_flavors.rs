//! scs-0103: standard flavors. Every cloud has a set of flavors with the same figures, so that what was
//! sized on one cloud runs on the next.

use std::borrow::Cow;

use assay_inventory::{FactId, Flavor};
use assay_standards::requirements::{DiskDemand, StandardFlavor, StandardFlavors, Status};
use serde_json::Value;

use crate::evidence::{FlavorNames, Needed};
use crate::finding::Readings;
use crate::registry::Registry;
use crate::rule::rule;
use crate::scs_0100_flavor_naming::resource;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging};

const STANDARD: &str = "scs-0103-v1";
const FLAVORS: &[FactId] = &[FactId::Flavors];

const NAME_V1: &str = "scs:name-v1";
const NAME_V2: &str = "scs:name-v2";
const CPU_TYPE: &str = "scs:cpu-type";
const DISK0_TYPE: &str = "scs:disk0-type";

const ANY_DISK: &str =
    "the reference suite wants scs:disk0-type=network where the text leaves the type of the disk free";
const STRAY_DISK_TYPE: &str =
    "the reference suite overlooks a disk type on a flavor without disk; by the text it must not be set";
const OTHER_NAME: &str = "the reference suite looks for the flavor under scs:name-v2 and its real name, and takes the last one of several; the text takes any scs:name-vN and any flavor that fits";
const NAMELESS: &str = "the reference suite aborts when any flavor has no name; the text does not ask for the names of other flavors";

pub(crate) fn register(registry: &mut Registry) {
    for flavor in &StandardFlavors::get().flavors {
        registry.add(testcase(flavor));
    }
}

fn testcase(flavor: &'static StandardFlavor) -> Testcase {
    let is_mandatory = flavor.status == Status::Mandatory;
    Testcase {
        id: Cow::Owned(flavor.testcase()),
        standard: STANDARD,
        clause: "standard SCS flavors, guarantees and properties",
        demand: if is_mandatory { Demand::Must } else { Demand::Should },
        title: Cow::Owned(format!("The flavor {} exists with its standard figures", flavor.name)),
        explanation: if is_mandatory {
            "Users count on this flavor on every cloud. It is found by its extra specs, its own name may be another. \
             CPUs, RAM and disk are exactly those of the standard, and the extra specs name it and its CPU and disk type."
        } else {
            "The flavor is recommended. Where it is offered, CPUs, RAM and disk are exactly those of the standard, \
             and the extra specs name it and its CPU and disk type."
        },
        remedy: Cow::Owned(remedy(flavor)),
        official_facts: FLAVORS,
        text_facts: &[],
        own: false,
        judge: rule(move |evidence| judge(flavor, evidence)),
    }
}

fn remedy(flavor: &StandardFlavor) -> String {
    let disk_type = match flavor.disk {
        None => String::new(),
        Some(DiskDemand::Ssd) => format!(" --property {DISK0_TYPE}=ssd"),
        Some(DiskDemand::Any) => {
            format!(" --property {DISK0_TYPE}={}", StandardFlavors::get().official_any_disk_type)
        }
    };
    let options = match flavor.status {
        Status::Mandatory => "",
        _ => " --recommended",
    };
    format!(
        "With the credentials of an admin, `assay flavors plan CLOUD{options}` shows what is missing, and `assay flavors apply CLOUD{options}` mends it. Figures of a flavor cannot be changed: where they are wrong, it takes --replace. By hand: `openstack flavor create {} --vcpus {} --ram {} --disk {} --property {NAME_V1}={} --property {NAME_V2}={} --property {CPU_TYPE}={}{disk_type}`.",
        flavor.name,
        flavor.vcpus,
        flavor.ram_mib(),
        flavor.disk_gb,
        flavor.name_v1(),
        flavor.name,
        flavor.cpu_type,
    )
}

/// Where a flavor falls short: what is expected, and what was found instead.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shortfall {
    expected: String,
    found: String,
}

fn judge(wanted: &StandardFlavor, evidence: &Evidence<'_>) -> Needed<Judgement> {
    let flavors = evidence.flavors()?;
    let mut judging = Judging::default();
    let names = evidence.flavor_names()?;
    if let Some(nameless) = names.nameless.and_then(|position| flavors.get(position)) {
        judging.abort(Readings::Official, resource(nameless), "a name on every flavor", "no name");
        judging.differ(NAMELESS);
    }
    let official = find_officially(flavors, names, &wanted.name);
    let by_text = find_by_text(flavors, names, wanted);
    match (official, by_text) {
        (Some(official), Some(by_text)) if std::ptr::eq(official, by_text) => {
            compare(&mut judging, official, wanted);
        }
        (official, by_text) => {
            for (flavor, readings) in [(official, Readings::Official), (by_text, Readings::Text)] {
                let Some(flavor) = flavor else { continue };
                let shortfalls = match readings {
                    Readings::Official => official_shortfalls(flavor, wanted),
                    _ => text_shortfalls(flavor, wanted),
                };
                for Shortfall { expected, found } in shortfalls {
                    judging.fail(readings, resource(flavor), expected, found);
                }
            }
            match (official.is_some(), by_text.is_some()) {
                (false, false) => absent(&mut judging, Readings::Both, wanted),
                (false, true) => absent(&mut judging, Readings::Official, wanted),
                (true, false) => absent(&mut judging, Readings::Text, wanted),
                (true, true) => {}
            }
            if official.is_some() || by_text.is_some() {
                judging.differ(OTHER_NAME);
            }
        }
    }
    Ok(judging.finish())
}

fn absent(judging: &mut Judging, readings: Readings, wanted: &StandardFlavor) {
    judging.fail(readings, None, format!("a flavor {}", wanted.name), "no such flavor");
}

/// Both readings of one flavor.
fn compare(judging: &mut Judging, flavor: &Flavor, wanted: &StandardFlavor) {
    let official = official_shortfalls(flavor, wanted);
    let text = text_shortfalls(flavor, wanted);
    let only_official: Vec<bool> = official.iter().map(|shortfall| !text.contains(shortfall)).collect();
    let only_text: Vec<bool> = text.iter().map(|shortfall| !official.contains(shortfall)).collect();
    if only_official.contains(&true) {
        judging.differ(ANY_DISK);
    }
    if only_text.contains(&true) {
        judging.differ(STRAY_DISK_TYPE);
    }
    for (Shortfall { expected, found }, only) in official.into_iter().zip(only_official) {
        let readings = if only { Readings::Official } else { Readings::Both };
        judging.fail(readings, resource(flavor), expected, found);
    }
    for (Shortfall { expected, found }, only) in text.into_iter().zip(only_text) {
        if only {
            judging.fail(Readings::Text, resource(flavor), expected, found);
        }
    }
}

/// The last flavor that bears the name in its extra specs, else the first with that very name.
fn find_officially<'a>(flavors: &'a [Flavor], names: &FlavorNames<'_>, name: &str) -> Option<&'a Flavor> {
    let bearers = || names.bearers(&[name]).into_iter().filter_map(|position| flavors.get(position));
    let by_extra_spec = bearers().rfind(|flavor| flavor.extra_spec(NAME_V2) == Some(name));
    by_extra_spec.or_else(|| bearers().find(|flavor| flavor.name() == Some(name)))
}

/// The flavor that comes closest among all that bear the name.
fn find_by_text<'a>(
    flavors: &'a [Flavor],
    names: &FlavorNames<'_>,
    wanted: &StandardFlavor,
) -> Option<&'a Flavor> {
    names
        .bearers(&[&wanted.name, &wanted.name_v1()])
        .into_iter()
        .filter_map(|position| flavors.get(position))
        .min_by_key(|flavor| text_shortfalls(flavor, wanted).len())
}

fn official_shortfalls(flavor: &Flavor, wanted: &StandardFlavor) -> Vec<Shortfall> {
    let mut shortfalls = shared_shortfalls(flavor, wanted);
    let disk_type = wanted.disk.map(|disk| match disk {
        DiskDemand::Ssd => "ssd",
        DiskDemand::Any => StandardFlavors::get().official_any_disk_type.as_str(),
    });
    if let Some(disk_type) = disk_type {
        shortfalls.extend(extra_spec_shortfall(flavor, DISK0_TYPE, disk_type));
    }
    shortfalls
}

/// Where a flavor falls short of what the text demands of a standard flavor.
fn text_shortfalls(flavor: &Flavor, wanted: &StandardFlavor) -> Vec<Shortfall> {
    let mut shortfalls = shared_shortfalls(flavor, wanted);
    match wanted.disk {
        Some(DiskDemand::Any) => {}
        Some(DiskDemand::Ssd) => shortfalls.extend(extra_spec_shortfall(flavor, DISK0_TYPE, "ssd")),
        None if flavor.extra_spec(DISK0_TYPE).is_none() => {}
        None => shortfalls.push(Shortfall {
            expected: format!("no {DISK0_TYPE} without a disk"),
            found: shown(flavor, DISK0_TYPE),
        }),
    }
    shortfalls
}

/// The flavor that the text accepts, or what is wrong with the one that comes closest.
pub(crate) fn judge_text(
    judging: &mut Judging,
    flavors: &[Flavor],
    names: &FlavorNames<'_>,
    wanted: &StandardFlavor,
) {
    let Some(flavor) = find_by_text(flavors, names, wanted) else {
        absent(judging, Readings::Text, wanted);
        return;
    };
    for Shortfall { expected, found } in text_shortfalls(flavor, wanted) {
        judging.fail(Readings::Text, resource(flavor), expected, found);
    }
}

fn shared_shortfalls(flavor: &Flavor, wanted: &StandardFlavor) -> Vec<Shortfall> {
    let figures = [
        ("vcpus", "vCPUs", wanted.vcpus),
        ("ram", "MiB of RAM", wanted.ram_mib()),
        ("disk", "GB of disk", wanted.disk_gb),
    ];
    let name_v1 = wanted.name_v1();
    let extra_specs =
        [(CPU_TYPE, wanted.cpu_type.as_str()), (NAME_V1, &name_v1), (NAME_V2, wanted.name.as_str())];
    figures
        .into_iter()
        .filter_map(|(field, unit, expected)| {
            let found = figure(flavor, field);
            (found != Some(expected)).then(|| Shortfall {
                expected: format!("{expected} {unit}"),
                found: found
                    .map_or_else(|| format!("{field} is no number"), |found| format!("{found} {unit}")),
            })
        })
        .chain(extra_specs.into_iter().filter_map(|(key, value)| extra_spec_shortfall(flavor, key, value)))
        .collect()
}

/// A figure as the SDK reads it: missing is 0, digits in text count, fractions are cut.
fn figure(flavor: &Flavor, field: &str) -> Option<i64> {
    match flavor.get(field) {
        None if flavor.has(field) => None,
        None => Some(0),
        Some(Value::Number(number)) => number.as_i64().or_else(|| {
            #[expect(clippy::cast_possible_truncation, reason = "cutting the fraction is the point")]
            number.as_f64().map(|number| number.trunc() as i64)
        }),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(Value::Bool(flag)) => Some(i64::from(*flag)),
        Some(_) => None,
    }
}

fn extra_spec_shortfall(flavor: &Flavor, key: &str, expected: &str) -> Option<Shortfall> {
    (flavor.extra_spec(key) != Some(expected))
        .then(|| Shortfall { expected: format!("{key}={expected}"), found: shown(flavor, key) })
}

fn shown(flavor: &Flavor, key: &str) -> String {
    match flavor.extra_spec(key) {
        Some(value) => format!("{key}={value}"),
        None => format!("{key} is not set"),
    }
}

#[cfg(test)]
mod tests {
    use assay_standards::Verdict::{self, Abort, Fail, Pass};
    use serde_json::json;

    use super::*;
    use crate::testing;
    use assay_standards::flavor_name::is_name_key;

    /// A flavor that is as the standard wants it, with changes: of fields, and of extra specs by their key.
    fn flavor(name: &str, changes: &Value) -> Value {
        let wanted = StandardFlavors::get().find(name).unwrap();
        let mut flavor = json!({
            "id": format!("id-{name}"), "name": name, "vcpus": wanted.vcpus, "ram": wanted.ram_mib(),
            "disk": wanted.disk_gb, "OS-FLV-EXT-DATA:ephemeral": 0, "os-flavor-access:is_public": true,
            "extra_specs": {CPU_TYPE: wanted.cpu_type, NAME_V1: wanted.name_v1(), NAME_V2: name},
        });
        match wanted.disk {
            Some(DiskDemand::Ssd) => flavor["extra_specs"][DISK0_TYPE] = json!("ssd"),
            Some(DiskDemand::Any) => flavor["extra_specs"][DISK0_TYPE] = json!("network"),
            None => {}
        }
        for (field, value) in changes.as_object().unwrap() {
            let fields = if field.starts_with("scs:") { &mut flavor["extra_specs"] } else { &mut flavor };
            match value.as_str() {
                Some("(remove)") => drop(fields.as_object_mut().unwrap().remove(field)),
                _ => fields[field] = value.clone(),
            }
        }
        flavor
    }

    fn verdicts(name: &str, flavors: &[Value]) -> (Verdict, Verdict) {
        let id = StandardFlavors::get().find(name).unwrap().testcase();
        testing::verdicts(&id, |inventory| inventory.flavors = testing::known(json!(flavors)))
    }

    #[test]
    fn every_standard_flavor_passes_as_the_standard_wants_it_and_fails_when_absent() {
        for wanted in &StandardFlavors::get().flavors {
            let name = wanted.name.as_str();
            assert_eq!(verdicts(name, &[flavor(name, &json!({}))]), (Pass, Pass), "{name}");
            assert_eq!(verdicts(name, &[]), (Fail, Fail), "{name}");
        }
    }

    #[test]
    fn figures_and_extra_specs_are_exact() {
        for (changes, expected) in [
            (json!({"ram": 4095}), (Fail, Fail)),
            (json!({"ram": 4097}), (Fail, Fail)),
            (json!({"ram": "4096"}), (Pass, Pass)),
            (json!({"ram": null}), (Fail, Fail)),
            (json!({"vcpus": 3}), (Fail, Fail)),
            (json!({"disk": 10}), (Fail, Fail)),
            (json!({"disk": "(remove)"}), (Pass, Pass)),
            (json!({"vcpus": "(remove)"}), (Fail, Fail)),
            (json!({"name": "small"}), (Pass, Pass)),
            (json!({CPU_TYPE: "dedicated-core"}), (Fail, Fail)),
            (json!({CPU_TYPE: "(remove)"}), (Fail, Fail)),
            (json!({NAME_V1: "SCS-2V-4"}), (Fail, Fail)),
            (json!({NAME_V1: "(remove)"}), (Fail, Fail)),
            (json!({NAME_V2: "(remove)"}), (Fail, Fail)),
            (json!({"scs:disk1-type": "hdd"}), (Pass, Pass)),
            (json!({DISK0_TYPE: "network"}), (Pass, Fail)),
        ] {
            assert_eq!(verdicts("SCS-2V-4", &[flavor("SCS-2V-4", &changes)]), expected, "{changes}");
        }
    }

    #[test]
    fn disks_of_any_type_must_be_network_officially() {
        for (disk_type, expected) in [
            ("network", (Pass, Pass)),
            ("ssd", (Fail, Pass)),
            ("nvme", (Fail, Pass)),
            ("(remove)", (Fail, Pass)),
        ] {
            let given = flavor("SCS-1V-4-10", &json!({DISK0_TYPE: disk_type}));
            assert_eq!(verdicts("SCS-1V-4-10", &[given]), expected, "{disk_type}");
        }
        let given = flavor("SCS-2V-4-20s", &json!({DISK0_TYPE: "network"}));
        assert_eq!(verdicts("SCS-2V-4-20s", &[given]), (Fail, Fail));
    }

    #[test]
    fn a_flavor_without_a_name_aborts_officially() {
        let nameless =
            json!({"id": "9", "name": null, "vcpus": 1, "ram": 1024, "disk": 0, "extra_specs": {}});
        for given in [
            vec![flavor("SCS-1V-2", &json!({})), nameless.clone()],
            vec![nameless.clone(), flavor("SCS-1V-2", &json!({}))],
        ] {
            assert_eq!(verdicts("SCS-1V-2", &given), (Abort, Pass));
        }
        assert_eq!(verdicts("SCS-1V-2", &[nameless]), (Abort, Fail));
    }

    #[test]
    fn of_several_flavors_the_last_counts_officially_and_the_best_by_the_text() {
        let good = || flavor("SCS-1V-2", &json!({"name": "good"}));
        let bad = || flavor("SCS-1V-2", &json!({"name": "bad", "ram": 1024}));
        assert_eq!(verdicts("SCS-1V-2", &[good(), bad()]), (Fail, Pass));
        assert_eq!(verdicts("SCS-1V-2", &[bad(), good()]), (Pass, Pass));
        // The extra spec goes before the real name.
        let real = || flavor("SCS-1V-2", &json!({NAME_V2: "(remove)"}));
        assert_eq!(verdicts("SCS-1V-2", &[good(), real()]), (Pass, Pass));
    }

    #[test]
    fn a_flavor_is_found_under_any_name_key_by_the_text() {
        let id = StandardFlavors::get().find("SCS-1V-2").unwrap().testcase();
        let renamed =
            flavor("SCS-1V-2", &json!({"name": "small", NAME_V2: "(remove)", "scs:name-v3": "SCS-1V-2"}));
        let judgement = testing::judge(&id, |inventory| inventory.flavors = testing::known(json!([renamed])));
        let of = |readings| {
            let findings = judgement.findings.iter().filter(move |finding| finding.readings == readings);
            findings.map(|finding| finding.found.as_ref()).collect::<Vec<_>>()
        };
        assert_eq!(of(Readings::Official), ["no such flavor"]);
        assert_eq!(of(Readings::Text), ["scs:name-v2 is not set"], "found, and the text wants both names");
        assert!(is_name_key("scs:name-v12") && !is_name_key("scs:name-v0") && !is_name_key("scs:name-v"));
    }
}
