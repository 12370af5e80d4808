//! Plans for flavors: what they do, what they leave alone, and that carrying one out leaves nothing to do.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

use std::collections::{BTreeMap, BTreeSet};

use assay_curate::flavors::{
    Assumed, Bundled, Definition, Level, Observed, Options, Proposal, export, generate, plan, read,
};
use assay_curate::{Plan, Step, Verb, flavors};
use assay_inventory::{Flavor, Record};
use assay_standards::flavor_name::{CpuType, DiskType};
use proptest::prelude::*;
use serde_json::{Value, json};

fn flavor(value: Value) -> Flavor {
    Flavor(serde_json::from_value::<Record>(value).unwrap())
}

fn made(definition: &Definition, id: &str) -> Flavor {
    flavor(json!({
        "id": definition.id.as_deref().unwrap_or(id), "name": definition.name, "vcpus": definition.vcpus,
        "ram": definition.ram_mib, "disk": definition.disk_gb, "swap": definition.swap_mib,
        "OS-FLV-EXT-DATA:ephemeral": definition.ephemeral_gb,
        "os-flavor-access:is_public": definition.public, "description": definition.description,
        "extra_specs": definition.extra_specs,
    }))
}

/// A cloud as nova would be after the steps of a plan.
fn after(observed: &Observed, plan: &Plan) -> Observed {
    let mut cloud = observed.clone();
    for (index, _, step) in plan.steps() {
        let Step::Flavor(step) = step else { panic!("{step:?}") };
        let specs = |cloud: &mut Observed, id: &str, change: &dyn Fn(&mut BTreeMap<String, Value>)| {
            let at = cloud.flavors.iter().position(|flavor| flavor.id() == id).expect("the flavor is there");
            let found = cloud.flavors[at].map("extra_specs").value().cloned().unwrap_or_default();
            let mut specs: BTreeMap<String, Value> = found.into_iter().collect();
            change(&mut specs);
            cloud.flavors[at].0.set("extra_specs", json!(specs));
        };
        match step {
            flavors::Step::Create(definition) => {
                let new = made(definition, &format!("new-{index}"));
                assert!(cloud.flavors.iter().all(|flavor| flavor.name() != new.name()), "nova says 409");
                if let Some(access) = definition.access.as_ref().filter(|_| !definition.public) {
                    cloud.access.insert(new.id().to_owned(), access.clone());
                }
                cloud.flavors.push(new);
            }
            flavors::Step::SetExtraSpecs { flavor, specs: wanted } => specs(&mut cloud, flavor, &|specs| {
                specs.extend(wanted.iter().map(|(key, value)| (key.clone(), json!(value))));
            }),
            flavors::Step::UnsetExtraSpecs { flavor, keys } => specs(&mut cloud, flavor, &|specs| {
                specs.retain(|key, _| !keys.contains(key));
            }),
            flavors::Step::Describe { flavor, description } => {
                let at = cloud.flavors.iter_mut().find(|one| one.id() == flavor).expect("it is there");
                at.0.set("description", json!(description));
            }
            flavors::Step::SetAccess { flavor, grant, revoke } => {
                let access = cloud.access.entry(flavor.clone()).or_default();
                access.extend(grant.iter().cloned());
                access.retain(|project| !revoke.contains(project));
            }
            flavors::Step::Delete { flavor } => cloud.flavors.retain(|one| one.id() != flavor),
        }
    }
    cloud
}

fn definitions(text: &str) -> Vec<Definition> {
    read("flavors.yaml", text).unwrap().0
}

fn of(flavors: Vec<Flavor>) -> Observed {
    Observed { flavors, ..Observed::default() }
}

fn verbs(plan: &Plan) -> Vec<(Verb, &str)> {
    plan.actions.iter().map(|action| (action.verb, action.name.as_str())).collect()
}

#[test]
fn an_empty_cloud_gets_all_and_then_nothing() {
    for bundled in [Bundled::Scs, Bundled::Osism] {
        let definitions = bundled.definitions().unwrap();
        let first = plan(&definitions, &Observed::default(), &Options::default());
        assert_eq!(first.count(Verb::Create), definitions.len());
        let cloud = after(&Observed::default(), &first);
        assert_eq!(plan(&definitions, &cloud, &Options::default()), Plan::default());
    }
}

#[test]
fn the_published_file_wants_what_the_standard_wants() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/compat/flavors/SCS-Spec.MandatoryFlavors.verbose.yaml"
    );
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let (published, notes) = read("spec.yaml", &text).unwrap();
    assert_eq!(notes, Vec::<String>::new());
    let cloud = after(
        &Observed::default(),
        &plan(&Bundled::Scs.definitions().unwrap(), &Observed::default(), &Options::default()),
    );
    assert_eq!(plan(&published, &cloud, &Options::default()), Plan::default());
}

#[test]
fn figures_are_blocked_and_replaced_only_with_consent() {
    let definitions = definitions("mandatory: [SCS-2V-8]\n");
    let wrong = flavor(
        json!({"id": "1", "name": "SCS-2V-8", "vcpus": 2, "ram": 4096, "disk": 0, "swap": "", "extra_specs": {}}),
    );
    let cloud = of(vec![wrong]);
    let blocked = plan(&definitions, &cloud, &Options::default());
    assert_eq!(verbs(&blocked), [(Verb::Blocked, "SCS-2V-8")]);
    assert_eq!(blocked.steps().count(), 0);
    let change = &blocked.actions[0].changes[0];
    assert_eq!(
        (change.field.as_str(), change.from.as_deref(), change.to.as_deref()),
        ("ram", Some("4096"), Some("8192"))
    );

    let replacing = Options { replace: true, ..Options::default() };
    let replaced = plan(&definitions, &cloud, &replacing);
    assert_eq!(verbs(&replaced), [(Verb::Delete, "SCS-2V-8"), (Verb::Create, "SCS-2V-8")]);
    assert_eq!(replaced.actions[1].after, [0], "the name is free only then");
    assert_eq!(plan(&definitions, &after(&cloud, &replaced), &replacing), Plan::default());
}

#[test]
fn a_fitting_flavor_of_another_name_is_taken_and_a_special_one_is_not() {
    let definitions = definitions("mandatory: [SCS-2V-4]\n");
    let small = |id: &str, name: &str, specs: Value| {
        flavor(json!({"id": id, "name": name, "vcpus": 2, "ram": 4096, "disk": 0, "extra_specs": specs}))
    };
    let plain = plan(&definitions, &of(vec![small("1", "m1.medium", json!({}))]), &Options::default());
    assert_eq!(verbs(&plain), [(Verb::Set, "m1.medium")]);
    assert!(plain.notes[0].contains("under the name \"m1.medium\""), "{:?}", plain.notes);
    let old = plan(&definitions, &of(vec![small("1", "SCS-2V:4", json!({}))]), &Options::default());
    assert_eq!(verbs(&old), [(Verb::Set, "SCS-2V:4")]);
    for (name, specs) in [
        ("m1.dedicated", json!({"hw:cpu_policy": "dedicated"})),
        ("SCS-2T-4", json!({})),
        ("m1.other", json!({"scs:cpu-type": "dedicated-core"})),
    ] {
        let special = plan(&definitions, &of(vec![small("1", name, specs)]), &Options::default());
        assert_eq!(verbs(&special), [(Verb::Create, "SCS-2V-4")], "{name}");
    }
    let borne = small("1", "small", json!({"scs:name-v2": "SCS-2V-4", "hw:cpu_policy": "dedicated"}));
    let named = plan(&definitions, &of(vec![borne]), &Options::default());
    assert_eq!(verbs(&named), [(Verb::Set, "small")], "it says itself that it is the one");
}

#[test]
fn only_our_own_extra_specs_are_pruned() {
    let definitions = definitions("mandatory: [SCS-2V-4]\n");
    let mut cloud =
        after(&Observed::default(), &plan(&definitions, &Observed::default(), &Options::default()));
    let mut specs = cloud.flavors[0].map("extra_specs").value().cloned().unwrap();
    specs.insert("scs:disk0-type".into(), json!("ssd"));
    specs.insert("hw:mem_page_size".into(), json!("large"));
    cloud.flavors[0].0.set("extra_specs", json!(specs));
    let kept = plan(&definitions, &cloud, &Options::default());
    assert!(!kept.has_drift());
    assert!(kept.notes[0].contains("scs:disk0-type"), "{:?}", kept.notes);
    let pruned = plan(&definitions, &cloud, &Options { prune: true, ..Options::default() });
    let [action] = pruned.actions.as_slice() else { panic!("{pruned:?}") };
    assert_eq!(
        (action.verb, action.changes.len(), action.changes[0].field.as_str()),
        (Verb::Unset, 1, "scs:disk0-type")
    );
}

#[test]
fn descriptions_and_access_are_reconciled() {
    let text = "mandatory:\n- {name: special, cpus: 2, ram: 4096, public: no, description: for two, access: [a, b]}\n";
    let definitions = definitions(text);
    let special = flavor(json!({"id": "1", "name": "special", "vcpus": 2, "ram": 4096, "disk": 0,
        "os-flavor-access:is_public": false, "extra_specs": {}}));
    let access = BTreeMap::from([("1".to_owned(), BTreeSet::from(["b".to_owned(), "c".to_owned()]))]);
    let cloud = Observed { flavors: vec![special], access };
    let found = plan(&definitions, &cloud, &Options::default());
    assert_eq!(verbs(&found), [(Verb::Set, "special"), (Verb::Set, "special")]);
    let next = after(&cloud, &found);
    assert_eq!(next.access["1"], BTreeSet::from(["a".to_owned(), "b".to_owned()]));
    assert_eq!(plan(&definitions, &next, &Options::default()), Plan::default());
}

#[test]
fn what_contradicts_itself_or_is_defined_twice_is_blocked() {
    let wrong = "mandatory:\n- {name: SCS-2V-4, cpus: 2, ram: 8192}\n- {name: x, cpus: 1, ram: 512}\nrecommended:\n- {name: x, cpus: 2, ram: 512}\n";
    let found = plan(&definitions(wrong), &Observed::default(), &Options::default());
    assert_eq!(verbs(&found), [(Verb::Blocked, "SCS-2V-4"), (Verb::Blocked, "x")]);
    assert!(found.actions[0].reason.contains("says RAM in MiB 4096, but 8192 is given"), "{found:?}");
    assert!(found.actions[1].reason.contains("flavors.yaml:3:3 and flavors.yaml:5:3"), "{found:?}");
}

#[test]
fn of_three_that_differ_none_is_made() {
    let text = "mandatory:\n- {name: x, cpus: 1, ram: 512}\n- {name: x, cpus: 2, ram: 512}\n- {name: x, cpus: 3, ram: 512}\n";
    let found = plan(&definitions(text), &Observed::default(), &Options::default());
    assert_eq!(verbs(&found), [(Verb::Blocked, "x"), (Verb::Blocked, "x")]);
}

#[test]
fn a_flavor_that_wrongly_bears_a_name_is_shown_and_left() {
    let definitions = definitions("mandatory: [SCS-2V-4]\n");
    let mut cloud =
        after(&Observed::default(), &plan(&definitions, &Observed::default(), &Options::default()));
    let copy = |ram: u64| {
        flavor(json!({"id": "9", "name": "copy", "vcpus": 2, "ram": ram, "disk": 0,
            "extra_specs": {"scs:name-v2": "SCS-2V-4"}}))
    };
    cloud.flavors.push(copy(8192));
    let found = plan(&definitions, &cloud, &Options { prune: true, replace: true });
    assert_eq!(verbs(&found), [(Verb::Blocked, "copy")]);
    cloud.flavors.pop();
    cloud.flavors.push(copy(4096));
    assert_eq!(plan(&definitions, &cloud, &Options::default()), Plan::default(), "a second one does no harm");
}

#[test]
fn mistakes_in_files_are_told_with_their_places() {
    let messages = |text: &str| -> Vec<String> {
        read("f.yaml", text).unwrap_err().problems().iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        messages("recomended: []\n"),
        ["f.yaml:1:1: missing key `mandatory` in the flavor definitions"]
    );
    assert_eq!(
        messages(
            "mandatory:\n- {name: a, cpus: two, ram: 1024}\n- {name: b, ram: 5}\n- SCS-2V\n- {name: c, cpus: 1, ram: 2, public: maybe}\n"
        ),
        [
            "f.yaml:2:19: mandatory[0].cpus: expected a whole number, found `two`",
            "f.yaml:3:3: mandatory[1]: missing key `cpus` in a flavor",
            "f.yaml:4:3: mandatory[2]: flavor name `SCS-2V`, at its end: `-` and the RAM are expected here",
            "f.yaml:5:38: mandatory[3].public: expected true or false, found `maybe`",
        ]
    );
    let (found, notes) =
        read("f.yaml", "mandatory:\n- {name: a, cpus: 1, ram: 2, dsk: 5}\n- {name: b, disabled: yes}\n")
            .unwrap();
    assert_eq!(found.len(), 1, "a disabled one is left out, and needs no figures");
    assert_eq!(notes, ["f.yaml:2:30: the key `dsk` means nothing here (did you mean `disk`?)"]);
}

#[test]
fn flavors_without_a_name_get_a_proposal() {
    let assumed = Assumed { cpu_type: CpuType::SharedCore, disk_type: Some(DiskType::Network) };
    let old = flavor(
        json!({"id": "1", "name": "m1.small", "vcpus": 1, "ram": 2048, "disk": 20, "extra_specs": {"hw:x": "y"}}),
    );
    let odd =
        flavor(json!({"id": "2", "name": "odd", "vcpus": 1, "ram": 1000, "disk": 0, "extra_specs": {}}));
    let proposals = generate(&[old.clone(), odd], assumed);
    let [Proposal::Definition(small), Proposal::NoName { flavor, why }] = proposals.as_slice() else {
        panic!("{proposals:?}")
    };
    assert_eq!(small.extra_specs["scs:name-v2"], "SCS-1V-2-20n");
    assert_eq!(small.extra_specs["scs:disk0-type"], "network");
    assert_eq!((flavor.as_str(), why.as_str()), ("odd", "1000 MiB are no multiple of half a GiB"));
    let found = plan(&[(**small).clone()], &of(vec![old]), &Options::default());
    assert_eq!(verbs(&found), [(Verb::Set, "m1.small")], "its own name stays");
}

/// Definitions of all kinds; some names are SCS names, some clash.
fn any_definition() -> impl Strategy<Value = Definition> {
    let name = prop_oneof![
        Just("SCS-1V-2".to_owned()),
        Just("SCS-2V-4-20s".to_owned()),
        Just("SCS-4V-16".to_owned()),
        "[a-c]{1,2}",
    ];
    let specs = proptest::collection::btree_map(
        "(hw:x|hw_rng:allowed|scs:name-v2|scs:cpu-type)",
        "(true|SCS-1V-2|shared-core|y)",
        0..3,
    );
    (
        name,
        1..3_u64,
        prop_oneof![Just(2048_u64), Just(4096)],
        0..2_u64,
        any::<bool>(),
        specs,
        proptest::option::of("[a-z]{0,3}"),
    )
        .prop_map(|(name, vcpus, ram_mib, disk_gb, public, extra_specs, description)| {
            let base = Definition::of_name("SCS-1V-2", Level::Mandatory, "here").unwrap();
            let derived = Definition::of_name(&name, Level::Mandatory, "here");
            derived.unwrap_or(Definition {
                name,
                vcpus,
                ram_mib,
                disk_gb,
                public,
                extra_specs,
                description,
                ..base
            })
        })
}

fn any_cloud() -> impl Strategy<Value = Observed> {
    proptest::collection::vec(any_definition(), 0..6).prop_map(|definitions| {
        let mut flavors: Vec<Flavor> = Vec::new();
        for (index, definition) in definitions.iter().enumerate() {
            if flavors.iter().all(|flavor| flavor.name() != Some(&definition.name)) {
                flavors.push(made(definition, &format!("id-{index}")));
            }
        }
        of(flavors)
    })
}

proptest! {
    #[test]
    fn applying_a_plan_leaves_nothing_to_do(
        definitions in proptest::collection::vec(any_definition(), 0..6),
        cloud in any_cloud(),
        prune in any::<bool>(),
    ) {
        let options = Options { prune, replace: true };
        let first = plan(&definitions, &cloud, &options);
        let next = after(&cloud, &first);
        let second = plan(&definitions, &next, &options);
        prop_assert_eq!(second.steps().count(), 0, "{:#?}\nthen\n{:#?}", first, second);
        // What no definition is about stays as it is.
        let touched: BTreeSet<&str> = first.steps().filter_map(|(_, action, _)| action.id.as_deref()).collect();
        for flavor in cloud.flavors.iter().filter(|flavor| !touched.contains(flavor.id())) {
            prop_assert!(next.flavors.contains(flavor));
        }
        // Deletions need the operator's consent.
        let careful = plan(&definitions, &cloud, &Options { prune, replace: false });
        prop_assert_eq!(careful.count(Verb::Delete), 0);
    }

    #[test]
    fn what_is_exported_wants_the_cloud_as_it_is(cloud in any_cloud()) {
        let definitions: Vec<Definition> =
            cloud.flavors.iter().filter_map(|flavor| Definition::of_flavor(flavor, true)).collect();
        let text = export(&definitions).unwrap();
        let (read, notes) = read("export.yaml", &text).unwrap();
        prop_assert_eq!(notes, Vec::<String>::new());
        let found = plan(&read, &cloud, &Options::default());
        prop_assert_eq!(found.steps().count(), 0, "{}\n{:#?}", text, found);
    }

    #[test]
    fn no_file_makes_it_panic(text in "\\PC{0,200}") {
        let _ = read("f.yaml", &text);
    }
}
