//! Repairs: what they set makes testcases pass, and what they cannot know they ask.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like tests")]

use std::collections::BTreeSet;

use assay_curate::repair::{Answers, Ground, Observed, SeenVolumeType, Step as Repair, repair, template};
use assay_curate::{Plan, Resource, Step, Verb, flavors, images};
use assay_inventory::{Fact, Flavor, Image, Inventory, SecurityGroupRule, Subject, VolumeType};
use assay_standards::Verdict;
use assay_testcases::{Evidence, Reading, Registry};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A cloud as far as repairs look at it.
#[derive(Debug, Clone, Default)]
struct Cloud {
    flavors: Vec<Flavor>,
    images: Vec<Image>,
    others: Observed,
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

impl Cloud {
    fn plan(&self, answers: &Answers, only: Option<&BTreeSet<String>>) -> Plan {
        repair(&self.ground(answers, only)).unwrap()
    }

    fn ground<'a>(&'a self, answers: &'a Answers, only: Option<&'a BTreeSet<String>>) -> Ground<'a> {
        Ground {
            flavors: &self.flavors,
            images: &self.images,
            others: &self.others,
            answers,
            only,
            now: now(),
        }
    }

    /// Does what a plan says.
    fn apply(&mut self, plan: &Plan) {
        for (_, action, step) in plan.steps() {
            match step {
                Step::Image(images::Step::Patch { image, patch }) => {
                    let found = self.images.iter_mut().find(|one| one.id() == image).unwrap();
                    for operation in patch {
                        let field = operation["path"].as_str().unwrap().trim_start_matches('/');
                        let op = if found.has(field) { "replace" } else { "add" };
                        assert_eq!(operation["op"], op, "glance refuses the other");
                        found.0.set(field, operation["value"].clone());
                    }
                }
                Step::Flavor(flavors::Step::SetExtraSpecs { flavor, specs }) => {
                    let found = self.flavors.iter_mut().find(|one| one.id() == flavor).unwrap();
                    let mut all = found.map("extra_specs").value().cloned().unwrap_or_default();
                    all.extend(specs.iter().map(|(key, value)| (key.clone(), json!(value))));
                    found.0.set("extra_specs", Value::Object(all));
                }
                Step::Repair(Repair::Describe { volume_type, description }) => {
                    let types = &mut self.others.volume_types;
                    let found = types.iter_mut().find(|one| one.volume_type.id() == volume_type).unwrap();
                    found.volume_type.0.set("description", json!(description));
                }
                Step::Repair(Repair::AddDefaultRule { rule }) => {
                    let mut rule: SecurityGroupRule = serde_json::from_value(rule.clone()).unwrap();
                    let rules = self.others.default_rules.as_mut().unwrap();
                    rule.0.set("id", json!(format!("new-{}", rules.len())));
                    rules.push(rule);
                }
                Step::Repair(Repair::RemoveDefaultRule { rule }) => {
                    self.others.default_rules.as_mut().unwrap().retain(|one| one.id() != rule);
                }
                other => panic!("{action:?} is no repair: {other:?}"),
            }
        }
    }

    fn verdict(&self, testcase: &str, reading: Reading) -> Verdict {
        let mut inventory = Inventory::new(Subject::default(), now());
        inventory.images = Fact::Known(self.images.clone());
        let types = self.others.volume_types.iter().map(|seen| seen.volume_type.clone());
        inventory.volume_types = Fact::Known(types.collect());
        if let Some(rules) = &self.others.default_rules {
            inventory.default_security_group_rules = Fact::Known(rules.clone());
        }
        let judgement = Registry::get().find(testcase).unwrap().judge(&Evidence::new(&inventory, now()));
        judgement.verdict(reading).unwrap()
    }
}

fn image(id: &str, name: &str, fields: &Value) -> Image {
    let mut image = json!({
        "id": id, "name": name, "visibility": "public", "os_hidden": false, "status": "active",
        "created_at": "2026-06-01T00:00:00Z", "size": 600_000_000, "virtual_size": 2_361_393_152_u64,
        "min_disk": 0, "min_ram": 0, "os_hash_algo": "sha512", "protected": false, "tags": [],
    });
    image.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(image).unwrap()
}

fn volume_type(id: &str, name: &str, description: &Value, encrypted: Option<bool>) -> SeenVolumeType {
    let volume_type = json!({"id": id, "name": name, "description": description, "is_public": true});
    SeenVolumeType { volume_type: serde_json::from_value::<VolumeType>(volume_type).unwrap(), encrypted }
}

fn rule(
    id: &str,
    direction: &str,
    ethertype: &str,
    remote: Option<&str>,
    uses: (bool, bool),
) -> SecurityGroupRule {
    serde_json::from_value(json!({
        "id": id, "direction": direction, "ethertype": ethertype, "remote_group_id": remote,
        "remote_ip_prefix": null, "protocol": null, "port_range_min": null, "port_range_max": null,
        "used_in_default_sg": uses.0, "used_in_non_default_sg": uses.1,
    }))
    .unwrap()
}

fn answers(text: &str) -> Answers {
    Answers::read("answers.yaml", text).unwrap()
}

const ALL_ANSWERS: &str = "images:
- name: '*'
  min_ram: 512
  architecture: x86_64
  os_distro: ubuntu
  os_version: '22.04'
  os_purpose: custom
  hw_disk_bus: virtio
  hw_rng_model: virtio
  hypervisor_type: kvm
  image_build_date: 2026-01-31
  image_original_user: ubuntu
  image_source: https://example.com/image
  image_description: An image
  replace_frequency: never
  provided_until: notice
  uuid_validity: notice
  hotfix_hours: 0
volume_types:
- name: '*'
  aspects: [replicated]
default_security_group_rules: standard
";

fn properties() -> Vec<String> {
    let all = Registry::get().testcases().map(|testcase| testcase.id.to_string());
    // Glance computes the hash, and nobody can set it.
    all.filter(|id| id.starts_with("scs-0102-prop-") && id != "scs-0102-prop-hash_algo").collect()
}

#[test]
fn what_can_be_told_is_set_and_the_rest_is_asked() {
    let cloud = Cloud {
        images: vec![image(
            "1",
            "Ubuntu 22.04 (20260513)",
            &json!({"architecture": "amd64", "replace_frequency": "Monthly", "hw_scsi_model": "virtio-scsi"}),
        )],
        ..Cloud::default()
    };
    let plan = cloud.plan(&Answers::default(), None);
    let [action] = plan.actions.as_slice() else { panic!("{plan:?}") };
    let set: Vec<(&str, Option<&str>)> =
        action.changes.iter().map(|change| (change.field.as_str(), change.to.as_deref())).collect();
    assert_eq!(action.verb, Verb::Set);
    assert_eq!(
        set,
        [
            ("architecture", Some("x86_64")),
            ("min_disk", Some("3")),
            ("os_version", Some("22.04")),
            ("os_distro", Some("ubuntu")),
            ("image_build_date", Some("2026-05-13")),
            ("replace_frequency", Some("monthly")),
        ]
    );
    let asked: Vec<(&str, Option<&str>)> = plan
        .questions
        .iter()
        .map(|question| (question.field.as_str(), question.suggestion.as_deref()))
        .collect();
    assert_eq!(
        asked,
        [
            ("min_ram", Some("512")),
            ("os_purpose", Some("oldgeneric")),
            ("hw_disk_bus", Some("scsi")),
            ("image_original_user", Some("ubuntu")),
            ("image_source", Some("private")),
            ("image_description", None),
            ("provided_until", Some("notice")),
            ("uuid_validity", Some("notice")),
        ]
    );
    insta::assert_snapshot!(template(&plan.questions));
}

#[test]
fn that_two_images_will_be_taken_for_each_other_is_said() {
    let generic = json!({"architecture": "x86_64", "os_distro": "ubuntu", "os_purpose": "generic"});
    let whole = json!({"architecture": "x86_64", "os_distro": "ubuntu", "os_version": "22.04", "os_purpose": "generic"});
    let cloud = Cloud {
        images: vec![image("1", "Ubuntu 22.04", &whole), image("2", "Ubuntu 22.04 20260101", &generic)],
        ..Cloud::default()
    };
    assert_eq!(cloud.verdict("scs-0102-os_purpose-uniqueness", Reading::Text), Verdict::Pass);
    let notes = cloud.plan(&Answers::default(), None).notes;
    assert!(
        notes.iter().any(|note| note.starts_with("scs-0102-os_purpose-uniqueness will fail then")),
        "{notes:?}"
    );
    let one = Cloud { images: vec![cloud.images[1].clone()], ..Cloud::default() };
    assert_eq!(one.plan(&Answers::default(), None).notes, Vec::<String>::new());
    let other = BTreeSet::from(["scs-0102-prop-min_ram".to_owned()]);
    assert_eq!(cloud.plan(&Answers::default(), Some(&other)).notes, Vec::<String>::new(), "nothing sets it");
}

#[test]
fn only_public_images_with_data_are_looked_at() {
    let cloud = Cloud {
        images: vec![
            image("1", "hidden", &json!({"os_hidden": true})),
            image("2", "private", &json!({"visibility": "private"})),
            image("3", "queued", &json!({"status": "queued"})),
            image("..", "no id", &json!({})),
        ],
        ..Cloud::default()
    };
    assert_eq!(cloud.plan(&answers(ALL_ANSWERS), None), Plan::default());
}

#[test]
fn answers_that_will_not_do_are_refused_with_their_places() {
    let cloud = Cloud { images: vec![image("1", "Ubuntu 22.04", &json!({}))], ..Cloud::default() };
    let wrong = answers("images:\n- name: Ubuntu*\n  replace_frequency: sometimes\n  min_ram: a lot\n");
    let refused = repair(&cloud.ground(&wrong, None)).unwrap_err().to_string();
    assert!(
        refused.contains("answers.yaml:3:3: `sometimes` will not do; expected one of yearly"),
        "{refused}"
    );
    assert!(refused.contains("answers.yaml:4:3: `a lot` will not do"), "{refused}");
    let late = answers("images:\n- name: Ubuntu*\n  image_build_date: 2026-06-02\n  hw_disk_bus: sata\n");
    let refused = repair(&cloud.ground(&late, None)).unwrap_err().to_string();
    assert!(
        refused.contains("2026-06-02") && refused.contains("sata"),
        "the reference suite refuses them: {refused}"
    );
    let types = Cloud {
        others: Observed {
            volume_types: vec![volume_type("1", "a", &json!(null), None)],
            default_rules: None,
        },
        ..Cloud::default()
    };
    let wrong = answers("volume_types:\n- name: a\n  aspects: [encrypted, quick]\n");
    let refused = repair(&types.ground(&wrong, None)).unwrap_err().to_string();
    assert!(refused.contains("answers.yaml:3:3: `quick` will not do"), "{refused}");
}

#[test]
fn what_no_value_could_put_right_by_both_readings_can_be_answered() {
    let fields = json!({"architecture": "riscv64"});
    let mut cloud = Cloud { images: vec![image("1", "Ubuntu 22.04", &fields)], ..Cloud::default() };
    let asked = cloud.plan(&Answers::default(), None);
    assert!(asked.questions.iter().any(|question| question.field == "architecture"), "{asked:?}");
    let answers = answers(&ALL_ANSWERS.replace("architecture: x86_64", "architecture: riscv64"));
    let plan = cloud.plan(&answers, None);
    assert_eq!(plan.questions, []);
    cloud.apply(&plan);
    assert_eq!(cloud.images[0].text("architecture").value(), Some("riscv64"));
    assert_eq!(cloud.plan(&answers, None), Plan::default());
}

#[test]
fn only_what_failed_is_repaired_if_so_wanted() {
    let cloud = Cloud {
        flavors: vec![flavor("1", "SCS-1V-4", &json!({}))],
        images: vec![image("1", "Ubuntu 22.04", &json!({}))],
        others: Observed {
            volume_types: vec![volume_type("1", "a", &json!("[scs:replicated, encrypted]"), None)],
            default_rules: Some(Vec::new()),
        },
    };
    let only = BTreeSet::from(["scs-0102-prop-min_ram".to_owned(), "scs-0102-prop-os_distro".to_owned()]);
    let plan = cloud.plan(&Answers::default(), Some(&only));
    let fields: Vec<&str> =
        plan.actions.iter().flat_map(|action| &action.changes).map(|change| change.field.as_str()).collect();
    assert_eq!(fields, ["os_distro"]);
    let asked: Vec<&str> = plan.questions.iter().map(|question| question.field.as_str()).collect();
    assert_eq!(asked, ["min_ram"]);
}

fn flavor(id: &str, name: &str, specs: &Value) -> Flavor {
    serde_json::from_value(json!({
        "id": id, "name": name, "vcpus": 1, "ram": 4096, "disk": 0, "OS-FLV-EXT-DATA:ephemeral": 0, "swap": 0,
        "os-flavor-access:is_public": true, "extra_specs": specs,
    }))
    .unwrap()
}

#[test]
fn flavors_say_in_extra_specs_what_their_names_say() {
    let mut open_disk = flavor("6", "SCS-1V-4-30", &json!({}));
    open_disk.0.set("disk", json!(30));
    let mut cloud = Cloud {
        flavors: vec![
            flavor("1", "SCS-1V-4", &json!({"hw:cpu_policy": "shared"})),
            flavor("2", "m1.small", &json!({})),
            flavor("3", "SCS-2V-4", &json!({})),
            flavor("4", "SCS-nonsense", &json!({})),
            flavor("5", "m1.named", &json!({"scs:name-v2": "SCS-1L-4"})),
            open_disk,
        ],
        ..Cloud::default()
    };
    let plan = cloud.plan(&Answers::default(), None);
    let touched: Vec<&str> = plan.actions.iter().map(|action| action.name.as_str()).collect();
    assert_eq!(touched, ["SCS-1V-4", "m1.named", "SCS-1V-4-30"]);
    assert_eq!(plan.notes.len(), 1);
    assert!(
        plan.notes[0].starts_with("flavor SCS-2V-4: SCS-2V-4 says vCPUs 2, but 1 is given"),
        "{}",
        plan.notes[0]
    );
    cloud.apply(&plan);
    assert_eq!(cloud.flavors[0].extra_spec("scs:cpu-type"), Some("shared-core"));
    assert_eq!(cloud.flavors[0].extra_spec("scs:name-v1"), Some("SCS-1V:4"));
    assert_eq!(cloud.flavors[5].extra_spec("scs:disk0-type"), None, "its name leaves that open");
    assert_eq!(cloud.flavors[4].extra_spec("scs:cpu-type"), Some("crowded-core"));
    assert!(!cloud.plan(&Answers::default(), None).has_drift());
}

#[test]
fn volume_types_say_what_cinder_knows() {
    let replicated = {
        let mut seen = volume_type("2", "mirrored", &json!("Two copies"), Some(false));
        seen.volume_type.0.set("extra_specs", json!({"replication_enabled": "<is> True"}));
        seen
    };
    let mut cloud = Cloud {
        others: Observed {
            volume_types: vec![
                volume_type("1", "luks", &json!(null), Some(true)),
                replicated,
                volume_type("3", "plain", &json!("Plain"), Some(false)),
                volume_type("4", "untidy", &json!("[scs:replicated, encrypted] Both"), None),
            ],
            default_rules: None,
        },
        ..Cloud::default()
    };
    let plan = cloud.plan(&Answers::default(), None);
    let said: Vec<Option<&str>> = plan.actions.iter().map(|action| action.changes[0].to.as_deref()).collect();
    assert_eq!(
        said,
        [
            Some("[scs:encrypted]"),
            Some("[scs:replicated] Two copies"),
            Some("[scs:encrypted, replicated] Both")
        ]
    );
    assert_eq!(plan.questions, [], "each aspect is there");
    let all = answers("volume_types:\n- name: '*'\n  aspects: [replicated]\n");
    assert_eq!(cloud.plan(&all, None).actions[0].changes, plan.actions[0].changes, "nobody asked about that");
    cloud.apply(&plan);
    for testcase in ["scs-0114-syntax-check", "scs-0114-encrypted-type", "scs-0114-replicated-type"] {
        assert_eq!(cloud.verdict(testcase, Reading::Official), Verdict::Pass, "{testcase}");
    }
    assert!(!cloud.plan(&Answers::default(), None).has_drift());

    let mut silent = Cloud {
        others: Observed {
            volume_types: vec![volume_type("1", "ssd", &json!("SSD"), None)],
            default_rules: None,
        },
        ..Cloud::default()
    };
    let asked = silent.plan(&Answers::default(), None);
    assert_eq!((asked.actions.len(), asked.questions.len()), (0, 1));
    let none = answers("volume_types:\n- name: '*'\n  aspects: []\n");
    assert_eq!(silent.plan(&none, None), Plan::default(), "none is an answer, too");
    let plan = silent.plan(&answers("volume_types:\n- name: s*\n  aspects: [replicated, encrypted]\n"), None);
    silent.apply(&plan);
    assert_eq!(
        silent.others.volume_types[0].volume_type.text("description").value(),
        Some("[scs:encrypted, replicated] SSD")
    );
}

#[test]
fn new_groups_let_traffic_out_and_let_it_in_no_more_once_that_is_wanted() {
    let mut cloud = Cloud {
        others: Observed {
            volume_types: Vec::new(),
            default_rules: Some(vec![
                rule("1", "egress", "IPv4", None, (true, true)),
                rule("2", "egress", "IPv6", None, (false, true)),
                rule("3", "ingress", "IPv4", Some("PARENT"), (true, false)),
                rule("4", "ingress", "IPv4", None, (true, true)),
                rule("5", "ingress", "IPv6", Some("PARENT"), (true, true)),
            ]),
        },
        ..Cloud::default()
    };
    let plan = cloud.plan(&Answers::default(), None);
    // Neutron would take the new one for the one that is there.
    let done: Vec<(Verb, &str, &[usize])> = plan
        .actions
        .iter()
        .map(|action| (action.verb, action.name.as_str(), action.after.as_slice()))
        .collect();
    assert_eq!(done, [(Verb::Delete, "egress IPv6", &[][..]), (Verb::Create, "egress IPv6", &[0])]);
    let asked: Vec<(Resource, Option<&str>)> =
        plan.questions.iter().map(|question| (question.resource, question.id.as_deref())).collect();
    assert_eq!(asked, [(Resource::DefaultRule, Some("4")), (Resource::DefaultRule, Some("5"))]);
    let kept = cloud.plan(&answers("default_security_group_rules: keep\n"), None);
    assert_eq!((kept.count(Verb::Delete), kept.questions.len()), (1, 0));
    let plan = cloud.plan(&answers("default_security_group_rules: standard\n"), None);
    assert_eq!(plan.count(Verb::Delete), 3, "nothing else goes");
    cloud.apply(&plan);
    assert_eq!(cloud.verdict("scs-0115-default-rules", Reading::Official), Verdict::Pass);
    let rules = cloud.others.default_rules.as_ref().unwrap();
    let to_itself = |rule: &&SecurityGroupRule| rule.text("remote_group_id").value() == Some("PARENT");
    assert_eq!(rules.iter().filter(to_itself).count(), 2, "the default group still talks to itself");
    assert_eq!(cloud.plan(&Answers::default(), None), Plan::default());
}

fn some_value(property: &str) -> BoxedStrategy<Option<Value>> {
    let texts: &[&str] = match property {
        "architecture" => &["x86_64", "amd64", "ARM64", "z80"],
        "os_distro" => &["ubuntu", "Ubuntu", "Plan9"],
        "os_version" => &["22.04", "jammy"],
        "image_build_date" => &["2026-05-01", "20260501", "2027-01-01", "May"],
        "provided_until" => &["none", "Notice", "2027/01/01", "Soon"],
        "replace_frequency" => &["monthly", "Monthly", "often", "Often"],
        "uuid_validity" => &["none", "last-3", "Forever", "last"],
        "os_purpose" => &["generic", "Generic", "fun"],
        "hw_disk_bus" => &["virtio", "SCSI", "ide", "tape"],
        "hw_rng_model" => &["virtio", "dice"],
        "hypervisor_type" => &["kvm", "KVM", "vbox"],
        "hotfix_hours" => &["24", "24h"],
        "image_source" => &["private", "https://example.com/x", "somewhere"],
        _ => &["ubuntu", ""],
    };
    let texts: Vec<Value> = texts.iter().map(|text| json!(text)).collect();
    prop_oneof![2 => Just(None), 5 => prop::sample::select(texts).prop_map(Some), 1 => Just(Some(json!(7)))]
        .boxed()
}

prop_compose! {
    fn some_image()(
        name in prop::sample::select(vec!["Ubuntu 22.04", "debian-12-arm64", "Garden Linux", "", "x (20260101)"]),
        values in properties().iter().map(|id| some_value(id.trim_start_matches("scs-0102-prop-"))).collect::<Vec<_>>(),
        number in prop::sample::select(vec![json!(0), json!(1), json!(64), json!(null)]),
    ) -> Image {
        let mut image = image("1", name, &json!({"min_disk": number}));
        for (id, value) in properties().iter().zip(values) {
            let property = id.trim_start_matches("scs-0102-prop-");
            if let Some(value) = value.filter(|_| !property.starts_with("min_")) {
                image.0.set(property, value);
            }
        }
        image
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn once_repaired_there_is_no_drift_and_the_same_questions(image in some_image()) {
        let mut cloud = Cloud { images: vec![image], ..Cloud::default() };
        let plan = cloud.plan(&Answers::default(), None);
        let told: Vec<String> =
            plan.actions.iter().flat_map(|action| &action.changes).map(|change| change.field.clone()).collect();
        cloud.apply(&plan);
        let again = cloud.plan(&Answers::default(), None);
        prop_assert!(!again.has_drift(), "{again:?}");
        prop_assert_eq!(&again.questions, &plan.questions);
        for question in &plan.questions {
            prop_assert!(!told.contains(&question.field), "{} is set and asked", question.field);
        }
    }

    #[test]
    fn with_answers_to_all_every_testcase_passes(image in some_image()) {
        let mut cloud = Cloud { images: vec![image], ..Cloud::default() };
        let plan = cloud.plan(&answers(ALL_ANSWERS), None);
        prop_assert_eq!(&plan.questions, &[]);
        cloud.apply(&plan);
        for id in properties() {
            for reading in [Reading::Official, Reading::Text] {
                prop_assert_eq!(cloud.verdict(&id, reading), Verdict::Pass, "{} {:?}", &id, reading);
            }
        }
        prop_assert_eq!(cloud.plan(&Answers::default(), None), Plan::default());
    }
}
