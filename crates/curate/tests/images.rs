//! Plans for images: what they do, what they leave alone, that a crash anywhere is healed, and that carrying one out
//! leaves nothing to do.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use assay_curate::images::{Definition, Observed, Options, Step, bundled, export, plan, read};
use assay_curate::{Plan, Step as AnyStep, Verb};
use assay_inventory::{Image, Record};
use proptest::prelude::*;
use serde_json::{Value, json};

const PROJECT: &str = "p-admin";
const TAG: &str = "managed_by_assay";

fn image(value: Value) -> Image {
    Image(serde_json::from_value::<Record>(value).unwrap())
}

fn options() -> Options {
    Options { tag: TAG.to_owned(), today: "2026-06-01".parse().unwrap(), adopt: false, grace: 0 }
}

fn of(images: Vec<Image>) -> Observed {
    Observed { images, project: PROJECT.to_owned(), ..Observed::default() }
}

/// A cloud as glance would be; each change of it is a moment at which a run can be killed.
struct Glance {
    cloud: Observed,
    /// What it was after each call.
    moments: Vec<Observed>,
}

/// How many images were made.
static MADE: AtomicUsize = AtomicUsize::new(0);

impl Glance {
    fn of(cloud: Observed) -> Self {
        Glance { cloud, moments: Vec::new() }
    }

    fn patch(&mut self, id: &str, operations: &[Value]) {
        let image = self.cloud.images.iter_mut().find(|image| image.id() == id).expect("the image is there");
        for operation in operations {
            let field = operation["path"].as_str().expect("a path").trim_start_matches('/');
            let field = field.replace("~1", "/").replace("~0", "~");
            match operation["op"].as_str() {
                Some("remove") => drop(image.0.remove(&field).expect("glance says 409 otherwise")),
                Some("add") => image.0.set(field, operation["value"].clone()),
                _ => {
                    assert!(image.has(&field), "glance says 409: {field}");
                    image.0.set(field, operation["value"].clone());
                }
            }
        }
        self.moments.push(self.cloud.clone());
    }

    fn delete(&mut self, id: &str) {
        self.cloud.images.retain(|image| image.id() != id);
        self.moments.push(self.cloud.clone());
    }

    fn copy(&mut self, id: &str, stores: &BTreeSet<String>) {
        let image = self.cloud.images.iter_mut().find(|image| image.id() == id).expect("the image is there");
        let there = image.text("stores").value().unwrap_or("file").to_owned();
        let all: BTreeSet<&str> = there.split(',').chain(stores.iter().map(String::as_str)).collect();
        let all = all.into_iter().collect::<Vec<_>>().join(",");
        image.0.set("stores", json!(all));
    }

    fn status(&mut self, id: &str, status: &str) {
        self.patch(id, &[json!({"op": "replace", "path": "/status", "value": status})]);
    }

    fn apply(&mut self, plan: &Plan) {
        for (_, _, step) in plan.steps() {
            let AnyStep::Image(step) = step else { panic!("{step:?}") };
            match step {
                Step::Import(import) => {
                    for leftover in &import.unfinished {
                        self.delete(leftover);
                    }
                    let mut record = import.record.clone();
                    let id = record
                        .get("id")
                        .map_or(json!(format!("new-{}", MADE.fetch_add(1, Ordering::Relaxed))), Clone::clone);
                    record.extend([
                        ("id".to_owned(), id.clone()),
                        ("owner".to_owned(), json!(PROJECT)),
                        ("status".to_owned(), json!("queued")),
                        ("os_hidden".to_owned(), json!(false)),
                        ("protected".to_owned(), json!(false)),
                        ("created_at".to_owned(), json!("2026-06-01T00:00:00Z")),
                        ("size".to_owned(), Value::Null),
                    ]);
                    self.cloud.images.push(image(Value::Object(record)));
                    self.moments.push(self.cloud.clone());
                    let id = id.as_str().expect("an id");
                    self.status(id, "saving");
                    self.status(id, "active");
                    self.patch(id, &import.finish);
                    if !import.active {
                        self.status(id, "deactivated");
                    }
                    self.copy(id, &import.stores);
                    self.cloud.members.insert(id.to_owned(), import.members.clone());
                }
                Step::Patch { image, patch } => self.patch(image, patch),
                Step::SetActive { image, active } => {
                    self.status(image, if *active { "active" } else { "deactivated" });
                }
                Step::SetMembers { image, add, remove } => {
                    let members = self.cloud.members.entry(image.clone()).or_default();
                    members.extend(add.iter().cloned());
                    members.retain(|member| !remove.contains(member));
                }
                Step::Copy { image, stores } => self.copy(image, stores),
                Step::Delete { image } => self.delete(image),
            }
        }
    }
}

fn after(cloud: &Observed, plan: &Plan) -> Observed {
    let mut glance = Glance::of(cloud.clone());
    glance.apply(plan);
    glance.cloud
}

fn verbs(plan: &Plan) -> Vec<(Verb, &str)> {
    plan.actions.iter().map(|action| (action.verb, action.name.as_str())).collect()
}

/// A catalogue with one image that rotates, in some of its versions.
fn ubuntu(versions: &[&str], validity: &str, more: &str) -> Vec<Definition> {
    let builds: String = versions
        .iter()
        .map(|version| {
            let date = format!("{}-{}-{}", &version[..4], &version[4..6], &version[6..8]);
            format!(
                "  - {{version: '{version}', build_date: {date}, url: 'https://example.org/{version}.img'}}\n"
            )
        })
        .collect();
    let text = format!(
        "images:\n- name: Ubuntu 24.04\n  format: qcow2\n  login: ubuntu\n  min_disk: 8\n  min_ram: 512\n{more}  \
         meta: {{os_distro: ubuntu, os_version: '24.04', os_purpose: generic, uuid_validity: {validity}}}\n  versions:\n{builds}"
    );
    read("images.yaml", &text).unwrap().0
}

#[test]
fn an_empty_cloud_gets_all_and_then_nothing() {
    let definitions = bundled().unwrap();
    let first = plan(&definitions, &of(vec![]), &options());
    assert_eq!(first.count(Verb::Import), 5);
    let cloud = after(&of(vec![]), &first);
    assert_eq!(plan(&definitions, &cloud, &options()), Plan::default());
    let names: BTreeSet<_> = cloud.images.iter().filter_map(|image| image.name()).collect();
    assert_eq!(
        names,
        ["Debian 12", "Debian 13", "Ubuntu 22.04", "Ubuntu 24.04", "ubuntu-capi-image-v1.36.4"].into()
    );
    assert!(cloud.images.iter().all(|image| image.text("visibility").value() == Some("public")));
}

#[test]
fn the_catalogues_of_osism_are_read_as_they_are() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/compat/images/osism");
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut definitions = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let (found, notes) = read(&path.display().to_string(), &text).unwrap();
        assert_eq!(notes, Vec::<String>::new(), "{}", path.display());
        definitions.extend(found);
    }
    let first = plan(&definitions, &of(vec![]), &options());
    assert!(first.count(Verb::Import) > 8 && first.count(Verb::Blocked) == 0, "{:?}", verbs(&first));
    assert_eq!(plan(&definitions, &after(&of(vec![]), &first), &options()), Plan::default());
}

#[test]
fn what_is_exported_wants_the_cloud_as_it_is() {
    let definitions =
        [bundled().unwrap(), ubuntu(&["20260501"], "last-3", "  protected: true\n  tags: [golden]\n")];
    for definitions in definitions {
        let cloud = after(&of(vec![]), &plan(&definitions, &of(vec![]), &options()));
        let (text, notes) = export(&cloud.images, TAG).unwrap();
        assert_eq!(notes, Vec::<String>::new());
        let (exported, notes) = read("exported.yaml", &text).unwrap();
        assert_eq!((exported.len(), notes), (definitions.len(), vec![]));
        assert_eq!(plan(&exported, &cloud, &options()), Plan::default(), "{text}");
        assert_eq!(
            after(&of(vec![]), &plan(&exported, &of(vec![]), &options())).images.len(),
            cloud.images.len()
        );
    }
    let unknown = image(json!({"id": "u", "name": "u", "status": "active", "tags": [TAG]}));
    assert_eq!(export(&[unknown], TAG).unwrap().1, ["u (u): nobody knows where it came from (image_source)"]);
}

#[test]
fn a_new_build_takes_the_name_and_the_old_one_gives_way() {
    let old = after(&of(vec![]), &plan(&ubuntu(&["20260101"], "last-3", ""), &of(vec![]), &options()));
    let definitions = ubuntu(&["20260101", "20260501"], "last-3", "");
    let rotation = plan(&definitions, &old, &options());
    assert_eq!(verbs(&rotation), [(Verb::Import, "Ubuntu 24.04"), (Verb::Rename, "Ubuntu 24.04")]);
    assert_eq!(rotation.actions[1].after, [0], "only when the new one is there");
    let cloud = after(&old, &rotation);
    let retired = cloud.images.iter().find(|image| image.name() == Some("Ubuntu 24.04 20260101")).unwrap();
    assert_eq!(retired.text("os_purpose").value(), Some("oldgeneric"));
    assert_eq!(retired.flag("os_hidden").value(), Some(true));
    assert_eq!(retired.text("visibility").value(), Some("public"), "its id is as good as before");
    assert_eq!(plan(&definitions, &cloud, &options()), Plan::default());
}

#[test]
fn no_moment_is_without_an_image_of_the_name_and_every_crash_is_healed() {
    let old = after(&of(vec![]), &plan(&ubuntu(&["20260101"], "last-1", ""), &of(vec![]), &options()));
    let definitions = ubuntu(&["20260501"], "last-1", "");
    let mut glance = Glance::of(old.clone());
    glance.apply(&plan(&definitions, &old, &options()));
    let whole = &glance.cloud;
    assert!(glance.moments.len() >= 5, "create, fill, verify, show, delete");
    for (moment, cloud) in glance.moments.iter().enumerate() {
        let named = cloud.images.iter().filter(|image| {
            image.name() == Some("Ubuntu 24.04")
                && image.text("status").value() == Some("active")
                && image.flag("os_hidden").value() != Some(true)
                && image.text("visibility").value() == Some("public")
        });
        assert!((1..=2).contains(&named.count()), "moment {moment}");
        let healed = after(cloud, &plan(&definitions, cloud, &options()));
        assert_eq!(plan(&definitions, &healed, &options()), Plan::default(), "moment {moment}");
        assert_eq!(healed.images.len(), whole.images.len(), "moment {moment}");
    }
}

#[test]
fn replaced_builds_stay_as_long_as_was_promised() {
    let dates = ["20260101", "20260201", "20260301", "20260401", "20260501"];
    for (validity, kept) in [
        ("none", 1),
        ("last-1", 1),
        ("last-3", 3),
        ("2026-05-31", 1),
        ("2026-06-01", 5),
        ("notice", 5),
        ("forever", 5),
    ] {
        let mut cloud = of(vec![]);
        for date in dates {
            // As long as they come one after the other, all of them stay.
            cloud = after(&cloud, &plan(&ubuntu(&[date], validity, "  keep: true\n"), &cloud, &options()));
        }
        assert_eq!(cloud.images.len(), 5);
        let definitions = ubuntu(&["20260501"], validity, "");
        let found = plan(&definitions, &cloud, &options());
        let left = after(&cloud, &found);
        assert_eq!(left.images.len(), kept, "{validity}");
        let names: Vec<_> = left.images.iter().filter_map(|image| image.name()).collect();
        let newest = dates.iter().rev().skip(1).take(kept - 1).map(|date| format!("Ubuntu 24.04 {date}"));
        assert!(newest.clone().all(|name| names.contains(&name.as_str())), "{validity}: {names:?}");
        let keeping = plan(&ubuntu(&["20260501"], validity, "  keep: true\n"), &cloud, &options());
        assert_eq!(keeping.count(Verb::Delete), 0, "{validity}, but keep");
        let mut used = cloud.clone();
        used.uses = cloud.images.iter().map(|image| (image.id().to_owned(), 1)).collect();
        let sparing = plan(&definitions, &used, &options());
        assert_eq!((sparing.count(Verb::Delete), sparing.notes.len()), (0, 5 - kept), "{validity}, but used");
    }
}

#[test]
fn replaced_builds_stay_for_the_days_of_grace() {
    let mut cloud = of(vec![]);
    for date in ["20260401", "20260501"] {
        cloud = after(&cloud, &plan(&ubuntu(&[date], "none", "  keep: true\n"), &cloud, &options()));
    }
    let definitions = ubuntu(&["20260501"], "none", "");
    let old = cloud.images.iter().position(Image::is_hidden).unwrap();
    let deletions = |cloud: &Observed, grace: u16| {
        plan(&definitions, cloud, &Options { grace, ..options() }).count(Verb::Delete)
    };
    // It is the first of June.
    for (changed, grace, gone) in [
        ("2026-05-29", 0, 1),
        ("2026-05-29", 3, 1),
        ("2026-05-30", 3, 0),
        ("2026-06-01", 1, 0),
        ("2026-05-31", 1, 1),
    ] {
        cloud.images[old].0.set("updated_at", json!(format!("{changed}T23:00:00Z")));
        assert_eq!(deletions(&cloud, grace), gone, "{changed} {grace}");
    }
    cloud.images[old].0.set("updated_at", json!("2020-01-01T00:00:00Z"));
    cloud.images[old].0.set("os_hidden", json!(false));
    assert_eq!(deletions(&cloud, 3), 0, "its days begin when it gives way");
}

#[test]
fn what_is_provided_no_longer_is_said() {
    let text = "images: [{name: x, format: raw, login: x, min_disk: 1, min_ram: 1, meta: {provided_until: 2026-05-31}, \
                versions: [{version: '1', url: 'https://example.org/x'}]}]";
    let (definitions, _) = read("x.yaml", text).unwrap();
    let notes = plan(&definitions, &of(vec![]), &options()).notes;
    assert!(notes.len() == 1 && notes[0].starts_with("x was provided until 2026-05-31"), "{notes:?}");
    let (definitions, _) = read("x.yaml", &text.replace("05-31", "06-01")).unwrap();
    assert_eq!(plan(&definitions, &of(vec![]), &options()).notes, Vec::<String>::new());
}

#[test]
fn a_promise_on_an_image_holds_whatever_the_catalogue_says_now() {
    let mut cloud = of(vec![]);
    for date in ["20260101", "20260201"] {
        cloud = after(&cloud, &plan(&ubuntu(&[date], "forever", ""), &cloud, &options()));
    }
    assert_eq!(plan(&ubuntu(&["20260201"], "none", ""), &cloud, &options()).count(Verb::Delete), 0);
}

#[test]
fn images_of_others_are_not_ours_because_they_say_so() {
    let definitions = ubuntu(&["20260501"], "last-1", "");
    let claim = |visibility: &str, name: &str| {
        image(json!({"id": "f", "name": name, "status": "active", "visibility": visibility, "tags": [TAG],
            "owner": "p-other", "image_name": "Ubuntu 24.04", "internal_version": "20260501"}))
    };
    let private = of(vec![claim("private", "x")]);
    let found = plan(&definitions, &private, &Options { adopt: true, ..options() });
    assert_eq!(verbs(&found), [(Verb::Import, "Ubuntu 24.04")]);
    assert_eq!(after(&private, &found).images[0], private.images[0]);
    // Publishing takes an admin, so a public one is from a run of ours in another project.
    let public = plan(&definitions, &of(vec![claim("public", "Ubuntu 24.04")]), &options());
    assert_eq!((public.count(Verb::Import), public.count(Verb::Blocked)), (0, 0), "{public:?}");
    let other = image(json!({"id": "o", "name": "Ubuntu 24.04", "status": "active", "visibility": "public",
        "tags": [TAG], "owner": PROJECT, "image_name": "Ubuntu", "os_hidden": false}));
    assert_eq!(verbs(&plan(&definitions, &of(vec![other]), &options())), [(Verb::Blocked, "Ubuntu 24.04")]);
}

#[test]
fn what_was_taken_over_is_never_deleted() {
    let foreign =
        image(json!({"id": "f", "name": "Ubuntu 24.04", "status": "active", "visibility": "public",
        "tags": [], "owner": PROJECT, "created_at": "2026-01-01T00:00:00Z", "os_hidden": false}));
    let adopting = Options { adopt: true, ..options() };
    let found = plan(&ubuntu(&["20260501"], "none", ""), &of(vec![foreign]), &adopting);
    assert_eq!(verbs(&found), [(Verb::Import, "Ubuntu 24.04"), (Verb::Rename, "Ubuntu 24.04")]);
    let mut cloud = of(vec![]);
    cloud
        .images
        .push(image(json!({"id": "f", "name": "Ubuntu 24.04", "status": "active", "visibility": "public",
        "tags": [], "owner": PROJECT, "created_at": "2026-01-01T00:00:00Z", "os_hidden": false})));
    let cloud = after(&cloud, &found);
    assert_eq!(plan(&ubuntu(&["20260501"], "none", ""), &cloud, &adopting), Plan::default(), "nor later");
}

#[test]
fn two_definitions_of_one_base_are_blocked_and_not_exported() {
    let text = |version: &str| {
        format!(
            "images:\n- {{name: k8s, format: raw, login: x, min_disk: 1, min_ram: 1, multi: false, separator: '-', \
             meta: {{uuid_validity: none}}, versions: [{{version: '{version}', url: 'https://example.org/{version}'}}]}}\n"
        )
    };
    let two = [read("a.yaml", &text("1")).unwrap().0, read("b.yaml", &text("2")).unwrap().0].concat();
    assert_eq!(
        plan(&two, &of(vec![]), &options()).count(Verb::Blocked),
        2,
        "each would take the other's for replaced"
    );
    let both = text("1").replace("versions: [", "versions: [{version: '2', url: 'https://example.org/2'}, ");
    let definitions = read("c.yaml", &both).unwrap().0;
    let cloud = after(&of(vec![]), &plan(&definitions, &of(vec![]), &options()));
    let exported = read("e.yaml", &export(&cloud.images, TAG).unwrap().0).unwrap().0;
    assert_eq!((exported.len(), exported[0].builds.len(), exported[0].keep), (1, 2, true));
    assert_eq!(plan(&exported, &cloud, &options()), Plan::default());
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let foreign = |owner: &str| {
        image(
            json!({"id": "f", "name": "Ubuntu 24.04", "status": "active", "visibility": "public", "tags": [],
            "owner": owner, "created_at": "2026-01-01T00:00:00Z", "os_hidden": false, "min_disk": 0, "min_ram": 0}),
        )
    };
    let definitions = ubuntu(&["20260501"], "last-1", "");
    let others = plan(&definitions, &of(vec![foreign("p-other")]), &Options { adopt: true, ..options() });
    assert_eq!(verbs(&others), [(Verb::Blocked, "Ubuntu 24.04")]);
    assert!(others.actions[0].reason.contains("belongs to the project p-other"), "{others:?}");
    let own = plan(&definitions, &of(vec![foreign(PROJECT)]), &options());
    assert_eq!(verbs(&own), [(Verb::Blocked, "Ubuntu 24.04")]);
    assert!(own.actions[0].reason.contains("--adopt"), "{own:?}");
    let adopting = Options { adopt: true, ..options() };
    let cloud = of(vec![foreign(PROJECT)]);
    let adopted = after(&cloud, &plan(&ubuntu(&["20260501"], "last-3", ""), &cloud, &adopting));
    let names: Vec<_> = adopted.images.iter().filter_map(|image| image.name()).collect();
    assert_eq!(names, ["Ubuntu 24.04 20260101", "Ubuntu 24.04"]);
    // An image of ours whose definition is gone, and one that nobody defined.
    let mut orphans = after(&of(vec![]), &plan(&definitions, &of(vec![]), &options()));
    orphans.images.push(image(json!({"id": "x", "name": "mine", "status": "active", "tags": [TAG]})));
    assert_eq!(plan(&[], &orphans, &options()), Plan::default());
}

#[test]
fn shared_images_have_the_members_and_stores_that_are_wanted() {
    let more = "  visibility: shared\n  members: [shop, bank]\n  stores: [file, second]\n";
    let definitions = ubuntu(&["20260101"], "last-1", more);
    let mut cloud = after(&of(Vec::new()), &plan(&definitions, &of(Vec::new()), &options()));
    assert_eq!(cloud.images[0].text("stores").value(), Some("file,second"));
    let id = cloud.images[0].id().to_owned();
    let wanted: BTreeSet<String> = ["shop", "bank"].map(str::to_owned).into();
    assert_eq!(cloud.members[&id], wanted);
    assert!(!plan(&definitions, &cloud, &options()).has_drift());

    cloud.members.insert(id.clone(), ["shop", "thief"].map(str::to_owned).into());
    cloud.images[0].0.set("stores", json!("second,third"));
    let planned = plan(&definitions, &cloud, &options());
    let changes: Vec<(Option<&str>, Option<&str>)> = planned
        .actions
        .iter()
        .map(|action| (action.changes[0].from.as_deref(), action.changes[0].to.as_deref()))
        .collect();
    assert_eq!(
        changes,
        [(Some("shop, thief"), Some("bank, shop")), (Some("second, third"), Some("file, second, third")),]
    );
    let cloud = after(&cloud, &planned);
    assert_eq!(cloud.members[&id], wanted);
    assert!(!plan(&definitions, &cloud, &options()).has_drift());
    // Who says nothing about members lets them be.
    let silent = ubuntu(&["20260101"], "last-1", "  visibility: shared\n");
    assert!(!plan(&silent, &cloud, &options()).has_drift());
}

#[test]
fn images_for_other_processors_are_images_of_their_own() {
    let text = "images:\n- name: Ubuntu 24.04\n  format: qcow2\n  login: ubuntu\n  min_disk: 8\n  min_ram: 512\n  \
                clause: scs-0104-v1, Ubuntu 24.04\n  meta: {architecture: x86_64, os_version: '24.04'}\n  \
                architectures:\n  - architecture: aarch64\n    versions: [{version: '1', url: 'https://example.org/arm'}]\n  \
                - architecture: riscv64\n    name: Ubuntu RISC-V\n    meta: {os_version: '24.10'}\n    versions:\n    - \
                version: '2'\n      url: https://example.org/riscv\n  versions: [{version: '1', url: 'https://example.org/x'}]\n";
    let (definitions, notes) = read("x.yaml", text).unwrap();
    assert_eq!(notes, Vec::<String>::new());
    let told: Vec<(&str, &str, &str, bool)> = definitions
        .iter()
        .map(|one| {
            let property = |key: &str| one.properties[key].as_str();
            (one.name.as_str(), property("architecture"), property("os_version"), one.clause.is_some())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("Ubuntu 24.04", "x86_64", "24.04", true),
            ("Ubuntu 24.04 aarch64", "aarch64", "24.04", false),
            ("Ubuntu RISC-V", "riscv64", "24.10", false),
        ]
    );
    let cloud = after(&of(Vec::new()), &plan(&definitions, &of(Vec::new()), &options()));
    assert_eq!(cloud.images.len(), 3);
    assert!(!plan(&definitions, &cloud, &options()).has_drift());
}

#[test]
fn what_differs_is_mended_in_one_patch() {
    let definitions = ubuntu(&["20260501"], "last-1", "  protected: true\n  tags: [golden]\n");
    let mut cloud = after(&of(vec![]), &plan(&definitions, &of(vec![]), &options()));
    let damaged = &mut cloud.images[0];
    damaged.0.set("os_purpose", json!("custom"));
    damaged.0.set("min_disk", json!(1));
    damaged.0.set("size", json!(9_u64 << 30));
    damaged.0.set("protected", json!(false));
    damaged.0.set("tags", json!([TAG, "blue"]));
    damaged.0.set("status", json!("deactivated"));
    damaged.0.remove("image_source");
    let found = plan(&definitions, &cloud, &options());
    let summary: Vec<_> = found
        .actions
        .iter()
        .flat_map(|action| &action.changes)
        .map(|change| format!("{} {:?} {:?}", change.field, change.from.as_deref(), change.to.as_deref()))
        .collect();
    assert_eq!(
        summary,
        [
            "image_source None Some(\"https://example.org/20260501.img\")",
            "os_purpose Some(\"custom\") Some(\"generic\")",
            "protected Some(\"false\") Some(\"true\")",
            "min_disk Some(\"1\") Some(\"9\")",
            "tags Some(\"blue, managed_by_assay\") Some(\"blue, golden, managed_by_assay, os:ubuntu\")",
            "status Some(\"deactivated\") Some(\"active\")",
        ]
    );
    assert_eq!(found.actions.len(), 2, "one patch, and the status");
    assert_eq!(plan(&definitions, &after(&cloud, &found), &options()), Plan::default());
}

#[test]
fn leftovers_of_older_tools_never_block() {
    for status in ["queued", "saving", "importing", "killed"] {
        let leftover =
            image(json!({"id": "l", "name": "Ubuntu 24.04 (20260501)", "status": status, "tags": [TAG],
            "visibility": "private", "owner": PROJECT}));
        let definitions = ubuntu(&["20260501"], "last-1", "");
        let found = plan(&definitions, &of(vec![leftover.clone()]), &options());
        assert_eq!(verbs(&found), [(Verb::Import, "Ubuntu 24.04")], "{status}");
        let cloud = after(&of(vec![leftover]), &found);
        assert_eq!(cloud.images.len(), 1);
        assert_eq!(plan(&definitions, &cloud, &options()), Plan::default());
    }
}

#[test]
fn names_that_are_claimed_twice_are_blocked_and_repetitions_are_not() {
    let one = ubuntu(&["20260501"], "last-1", "");
    let other = ubuntu(&["20260501"], "last-3", "");
    let both = [one.clone(), other].concat();
    let found = plan(&both, &of(vec![]), &options());
    assert_eq!(verbs(&found), [(Verb::Blocked, "Ubuntu 24.04"), (Verb::Blocked, "Ubuntu 24.04")]);
    let same = [one.clone(), one].concat();
    assert_eq!(verbs(&plan(&same, &of(vec![]), &options())), [(Verb::Import, "Ubuntu 24.04")]);
}

#[test]
fn builds_that_do_not_rotate_stand_side_by_side() {
    let text = |versions: &str| {
        format!(
            "images:\n- {{name: Cirros, format: qcow2, login: cirros, min_disk: 1, min_ram: 64, multi: false, \
             meta: {{uuid_validity: none}}, versions: [{versions}]}}\n"
        )
    };
    let version =
        |version: &str| format!("{{version: '{version}', url: 'https://example.org/{version}.img'}}");
    let both = read("c.yaml", &text(&format!("{}, {}", version("0.6.2"), version("0.6.3")))).unwrap().0;
    let found = plan(&both, &of(vec![]), &options());
    assert_eq!(verbs(&found), [(Verb::Import, "Cirros 0.6.2"), (Verb::Import, "Cirros 0.6.3")]);
    let cloud = after(&of(vec![]), &found);
    let newer = read("c.yaml", &text(&version("0.6.3"))).unwrap().0;
    assert_eq!(verbs(&plan(&newer, &cloud, &options())), [(Verb::Delete, "Cirros 0.6.2")]);
}

#[test]
fn mistakes_in_catalogues_are_told_with_their_places() {
    let messages = |text: &str| -> Vec<String> {
        read("c.yaml", text).unwrap_err().problems().iter().map(ToString::to_string).collect()
    };
    assert_eq!(messages("imges: []\n"), ["c.yaml:1:1: missing key `images` in the image catalogue"]);
    let text = "images:\n- name: a\n  format: qcow\n  login: x\n  min_disk: big\n  min_ram: 1\n  visibility: all\n  meta: {uuid_validity: last}\n  versions: []\n- name: b\n  format: raw\n  login: x\n  min_disk: 1\n  min_ram: 1\n  meta: {}\n  versions:\n  - {version: latest, url: 'ftp://example.org/b'}\n";
    assert_eq!(
        messages(text),
        [
            "c.yaml:3:11: images[0].format: invalid disk format `qcow` (did you mean `qcow2`?)",
            "c.yaml:5:13: images[0].min_disk: expected a whole number, found `big`",
            "c.yaml:7:15: images[0].visibility: `all` means nothing here: use public, community, shared or private",
            "c.yaml:8:25: images[0].meta.uuid_validity: `last` means nothing here: use none, last-N, YYYY-MM-DD, notice or forever",
            "c.yaml:17:28: images[1].versions[0].url: `ftp://example.org/b` is no URL that begins with http://, https:// or file:",
            "c.yaml:17:5: images[1].versions[0]: a version \"latest\" needs a checksums_url or checksum_url",
        ]
    );
    let known = "images:\n- {name: a, format: raw, login: x, min_disk: 1, min_ram: 1, enabled: no, meta: {hw_pmu: true, os_distor: x, hw_firmware_type: null}, versions: []}\n";
    let (found, notes) = read("c.yaml", known).unwrap();
    assert_eq!(found[0].properties.keys().collect::<Vec<_>>(), ["hw_pmu", "os_distor"]);
    assert_eq!(
        notes,
        [
            "c.yaml:2:61: the key `enabled` means nothing here (did you mean `enable`?)",
            "c.yaml:2:95: `os_distor` is no property that glance or scs-0102 knows (did you mean `os_distro`?); it is set all the same",
        ]
    );
}

/// Images as they may lie about: ours and others', whole and broken, of the name and of others.
fn any_image() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("Ubuntu 24.04"),
        Just("Ubuntu 24.04 20260101"),
        Just("Ubuntu 24.04 (20260501)"),
        Just("Ubuntu 24.04 20260501"),
        Just("other"),
    ];
    let status =
        prop_oneof![Just("active"), Just("active"), Just("deactivated"), Just("queued"), Just("killed")];
    let version = proptest::option::of(prop_oneof![Just("20260101"), Just("20260501"), Just("20260601")]);
    let purpose = prop_oneof![Just("generic"), Just("oldgeneric"), Just("custom")];
    let owner = prop_oneof![Just(PROJECT), Just(PROJECT), Just("p-other")];
    (name, status, version, purpose, owner, any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(name, status, version, purpose, owner, ours, named, hidden, public)| {
            let mut image = json!({"name": name, "status": status, "os_purpose": purpose, "os_hidden": hidden,
                "visibility": if public { "public" } else { "private" }, "owner": owner, "min_disk": 1,
                "min_ram": 1, "protected": false, "created_at": "2026-05-01T00:00:00Z",
                "tags": if ours { vec![TAG] } else { vec![] }});
            if named {
                image["image_name"] = json!("Ubuntu 24.04");
            }
            if let Some(version) = version {
                image["internal_version"] = json!(version);
            }
            image
        })
}

proptest! {
    #[test]
    fn applying_a_plan_leaves_nothing_to_do(
        images in proptest::collection::vec(any_image(), 0..6),
        validity in prop_oneof![Just("none"), Just("last-2"), Just("forever")],
        adopt in any::<bool>(),
    ) {
        let images = images.into_iter().enumerate().map(|(at, mut value)| {
            value["id"] = json!(format!("id-{at}"));
            image(value)
        });
        let before = of(images.collect());
        let definitions = ubuntu(&["20260501"], validity, "");
        let options = Options { adopt, ..options() };
        let first = plan(&definitions, &before, &options);
        let mut glance = Glance::of(before.clone());
        glance.apply(&first);
        let second = plan(&definitions, &glance.cloud, &options);
        if first.count(Verb::Blocked) > 0 {
            prop_assert_eq!(&glance.cloud, &before, "what is blocked changes nothing");
        } else {
            prop_assert_eq!(second.actions, vec![]);
        }
        // Without the tag nothing is touched, unless it was taken over.
        for image in before.images.iter().filter(|image| !image.get("tags").unwrap().as_array().unwrap().contains(&json!(TAG))) {
            let now = glance.cloud.images.iter().find(|other| other.id() == image.id());
            prop_assert!(adopt || now == Some(image), "{:?} became {:?}", image, now);
        }
        let is_private = |image: &&Image| image.text("visibility").value() == Some("private");
        for image in before.images.iter().filter(is_private).filter(|image| image.text("owner").value() != Some(PROJECT)) {
            prop_assert_eq!(glance.cloud.images.iter().find(|other| other.id() == image.id()), Some(image));
        }
        for cloud in &glance.moments {
            let healed = after(cloud, &plan(&definitions, cloud, &options));
            prop_assert_eq!(plan(&definitions, &healed, &options).actions, vec![]);
        }
    }

    #[test]
    fn no_file_makes_it_panic(text in "(images:|- |name: |versions|meta: |\\{|\\}|\\[|\n|  |last-|x|1|&a|\\*a){0,30}") {
        let _ = read("c.yaml", &text);
    }
}
