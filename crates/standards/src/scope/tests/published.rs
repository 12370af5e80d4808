//! The published scope specs, where a copy is at hand, and our own data: both must say the same.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::civil::date;

use crate::scope::{Lifetime, Spec, Validity, Variable, Version, VersionDiff, diff};

const OWN: &str = include_str!("../../../data/scopes/scs-compatible-iaas.yaml");

/// A published spec, from the folder beside the checkout that development machines have.
fn published(file_name: &str) -> Option<Spec> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/compat/scopes");
    let text = std::fs::read_to_string(folder.join(file_name)).ok()?;
    Some(Spec::parse(file_name, &text).unwrap())
}

/// Our equivalent of the published spec, without testcases of our own; and the published one itself.
fn both() -> Vec<(&'static str, Spec)> {
    let own = Spec::parse("own", OWN).unwrap();
    let published = published("scs-compatible-iaas.yaml").map(|spec| ("published", spec));
    [("own", own)].into_iter().chain(published).collect()
}

/// The `main` testcases of version `a` that version `b` does not have there.
fn only_in<'s>(spec: &'s Spec, a: &str, b: &str) -> Vec<&'s str> {
    let [a, b] = [a, b].map(|version| spec.version(version).unwrap().target(Version::MAIN));
    a.iter().filter(|id| !b.contains(id)).map(String::as_str).collect()
}

fn not_included(spec: &Spec) -> BTreeSet<&str> {
    let included: BTreeSet<&str> =
        spec.versions.iter().flat_map(|version| version.testcases().map(|(id, _)| id)).collect();
    let all = spec.testcases().iter().map(|testcase| testcase.id.as_str());
    all.filter(|id| !included.contains(id)).collect()
}

#[test]
fn main_targets_are_those_of_the_official_versions() {
    for (name, spec) in both() {
        let size = |version| spec.version(version).unwrap().target(Version::MAIN).len();
        assert_eq!(["next", "v5.1", "v4", "v3"].map(size), [55, 54, 39, 16], "{name}");
        assert_eq!(
            only_in(&spec, "next", "v5.1"),
            ["scs-0102-os_purpose-uniqueness", "scs-0102-prop-os_purpose", "scs-0123-service-s3"],
            "{name}"
        );
        assert_eq!(
            only_in(&spec, "v5.1", "next"),
            ["scs-0123-service-placement", "scs-0123-swift-s3"],
            "{name}"
        );
        assert_eq!(only_in(&spec, "v4", "v5.1"), ["scs-0104-image-ubuntu-2204"], "{name}");
    }
}

#[test]
fn our_data_agree_with_the_published_spec() {
    let Some(published) = published("scs-compatible-iaas.yaml") else { return };
    let own = Spec::parse("own", OWN).unwrap();
    assert_eq!(
        (&own.uuid, &own.name, &own.url, &own.variables),
        (&published.uuid, &published.name, &published.url, &published.variables)
    );
    assert_eq!(own.scripts, published.scripts);
    assert_eq!(own.timeline, published.timeline);
    let facts = |spec: &Spec| -> Vec<_> {
        let facts = spec.testcases().iter();
        facts.map(|t| (t.id.clone(), t.url.clone(), t.lifetime, t.manual, t.attention)).collect()
    };
    assert_eq!(facts(&own), facts(&published));
    for (ours, theirs) in own.testcases().iter().zip(published.testcases()) {
        assert_ne!(ours.description, theirs.description, "{}", ours.id);
        assert!(!ours.description.is_empty(), "{}", ours.id);
    }
    let modules = |spec: &Spec| -> Vec<_> {
        let modules = spec.modules.iter();
        modules.map(|module| (module.id.clone(), module.url.clone(), module.targets.clone())).collect()
    };
    assert_eq!(modules(&own), modules(&published));
    for theirs in &published.versions {
        let ours = own.version(&theirs.name).unwrap();
        assert_eq!(ours.stabilized_at, theirs.stabilized_at);
        assert_eq!(ours.target(Version::MAIN), theirs.target(Version::MAIN), "{}", theirs.name);
        // Ours are theirs plus the recommended and manual modules.
        let mut includes = ours.includes.clone();
        includes.retain(|include| !include.module.ends_with("-rec") && !include.module.ends_with("-manual"));
        assert_eq!(includes, theirs.includes, "{}", theirs.name);
    }
    let names = |spec: &Spec| spec.versions.iter().map(|v| v.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&own), names(&published));
}

#[test]
fn each_version_includes_the_recommended_and_manual_modules_right_after_the_main_one() {
    let spec = Spec::embedded_iaas();
    for version in &spec.versions {
        let ids: Vec<&str> = version.includes.iter().map(|include| include.module.as_str()).collect();
        for (i, id) in ids.iter().enumerate() {
            let expected = ["-rec", "-manual"].map(|suffix| format!("{id}{suffix}"));
            let expected: Vec<&str> =
                expected.iter().map(String::as_str).filter(|id| spec.module(id).is_some()).collect();
            assert_eq!(ids[i + 1..].iter().take(expected.len()).copied().collect::<Vec<_>>(), expected);
        }
    }
    let v51 = spec.version("v5.1").unwrap();
    assert_eq!(v51.target_of("scs-0103-flavor-16v-128"), Some("recommended"));
    assert_eq!(v51.target_of("domain-manager-check"), Some("preview"));
    assert_eq!(v51.target_of("scs-0102-prop-os_purpose"), Some("recommended"));
    assert_eq!(spec.version("next").unwrap().target_of("scs-0102-prop-os_purpose"), Some("main"));
    assert!(spec.version("v3").unwrap().target("preview").is_empty());
}

#[test]
fn what_no_version_includes() {
    let orphans =
        ["scs-0101-flavor-property", "scs-0101-image-property", "scs-0101-rngd", "scs-0104-image-debian-13"];
    assert_eq!(not_included(Spec::embedded_iaas()), BTreeSet::from(orphans));
    if let Some(published) = published("scs-compatible-iaas.yaml") {
        let left_out = not_included(&published);
        assert_eq!(left_out.len(), 33);
        assert!(orphans.iter().all(|id| left_out.contains(id)));
        assert!(left_out.contains("scs-0116-presence") && left_out.contains("domain-manager-check"));
    }
}

#[test]
fn timeline_of_the_scope() {
    use Validity::{Deprecated, Draft, Effective, Warn};
    for (name, spec) in both() {
        let on = |y, m, d| -> Vec<(&str, Validity)> {
            let listed = spec.validity(date(y, m, d));
            listed.into_iter().map(|(version, validity)| (version.name.as_str(), validity)).collect()
        };
        assert_eq!(on(2024, 12, 18), [], "{name}");
        assert_eq!(on(2024, 12, 19), [("v5.1", Effective), ("v4", Effective), ("v3", Deprecated)]);
        assert_eq!(on(2025, 2, 1), [("v5.1", Effective), ("v4", Warn), ("v3", Deprecated)]);
        assert_eq!(on(2025, 9, 8), [("v5.1", Effective), ("v4", Deprecated), ("v3", Deprecated)]);
        assert_eq!(
            on(2026, 6, 10),
            [("next", Draft), ("v5.1", Effective), ("v4", Deprecated), ("v3", Deprecated)]
        );
        assert_eq!(on(2026, 6, 11), [("next", Draft), ("v5.1", Effective)]);
        assert_eq!(spec.validity_of("v4", date(2026, 6, 11)), Deprecated);
        assert_eq!(spec.validity_of("v5.1", date(2020, 1, 1)), Deprecated);
    }
}

#[test]
fn testcases_know_who_checks_them_and_how_much_they_matter() {
    for (name, spec) in both() {
        assert_eq!(spec.testcases().len(), 91, "{name}");
        let manual: Vec<&str> = spec
            .testcases()
            .iter()
            .filter(|testcase| testcase.manual)
            .map(|testcase| testcase.id.as_str())
            .collect();
        assert_eq!(manual, ["key-manager-docs-check", "availability-zones-check", "domain-manager-check"]);
        let attention = |id| spec.testcase(id).unwrap().attention;
        assert_eq!(attention("scs-0100-syntax-check"), 3);
        assert_eq!(attention("scs-0101-fips-test"), 2);
        assert_eq!(attention("scs-0104-image-ubuntu-2204"), 1);
        assert_eq!(attention("scs-0123-service-s3"), 0);
        assert!(spec.testcases().iter().all(|testcase| testcase.lifetime == Lifetime::Week));
        assert_eq!(spec.variables, [Variable { name: "os_cloud".to_owned(), default: None }]);
        let parameters = &spec.version("v4").unwrap().includes;
        let images = parameters.iter().find(|include| include.module == "scs-0104-v1-1").unwrap();
        assert!(images.parameters["image_spec"].ends_with("/scs-0104-v1-images.yaml"));
        assert!(spec.testcase("scs-0100").is_none());
    }
}

#[test]
fn our_own_testcases_only_inform() {
    let spec = Spec::embedded_iaas();
    let own: Vec<&str> = spec
        .testcases()
        .iter()
        .filter(|testcase| testcase.own)
        .map(|testcase| testcase.id.as_str())
        .collect();
    assert_eq!(spec.testcases().len(), 91 + own.len());
    for id in &own {
        let testcase = spec.testcase(id).unwrap();
        assert!(!testcase.manual && testcase.script.is_none() && testcase.attention == 0, "{id}");
        assert_eq!(spec.version("next").unwrap().target_of(id), Some("text"), "{id}");
    }
    // Standards that are stable are in the versions that have them.
    let text = |version| spec.version(version).unwrap().target("text").to_vec();
    assert_eq!(text("next").len(), own.len());
    assert_eq!(
        text("v5.1"),
        ["scs-0104-image-upload", "scs-0110-ssd-flavors", "scs-0114-encrypted-volume", "scs-0123-s3-works"]
    );
    assert_eq!(text("v4"), ["scs-0104-image-upload", "scs-0110-ssd-flavors"]);
    assert!(text("v3").is_empty());
    assert!(spec.modules.iter().all(|module| module.own == module.id.ends_with("-text")));
}

#[test]
fn diff_names_what_comes_goes_and_moves() {
    let spec = Spec::embedded_iaas();
    let version = |name| spec.version(name).unwrap();
    let triple = |id: &str, from: &str, to: &str| (id.to_owned(), from.to_owned(), to.to_owned());
    let pair = |id: &str, target: &str| (id.to_owned(), target.to_owned());
    let changes = diff(version("v5.1"), version("next"));
    assert_eq!(
        changes.moved,
        [
            triple("scs-0102-os_purpose-uniqueness", "recommended", "main"),
            triple("scs-0102-prop-os_purpose", "recommended", "main"),
        ]
    );
    assert_eq!(
        changes.removed,
        [pair("scs-0123-service-placement", "main"), pair("scs-0123-swift-s3", "main")]
    );
    let text = |name| version(name).target("text").len();
    assert_eq!(changes.added.len(), 1 + text("next") - text("v5.1"));
    assert!(changes.added.contains(&pair("scs-0123-service-s3", "main")));
    let back = diff(version("next"), version("v5.1"));
    assert_eq!((&back.added, &back.removed), (&changes.removed, &changes.added));
    assert_eq!(back.moved[0], triple("scs-0102-os_purpose-uniqueness", "main", "recommended"));
    assert!(diff(version("v4"), version("v4")).is_empty());
    assert_eq!(VersionDiff::default(), diff(version("v4"), version("v4")));
}

#[test]
fn the_spec_of_the_container_layer_is_read_too() {
    // The shape of the published file: variables with defaults, folded text, sections and lifetimes.
    const KAAS: &str = "
# comment
name: SCS-compatible KaaS
uuid: 1fffebe6-fd4b-44d3-a36c-fc58b4bb0180
url: https://example.com/scs-compatible-kaas.yaml
variables:
  - execution_mode: parallel  # or serial
  - subject_root
    # a comment behind an item
  - kubeconfig
scripts:
- executable: ./kaas/run.py
  args: >-
    run -k {kubeconfig}
    -a '--mode={execution_mode}'
    -c 'x {{y}}'
  testcases:
  - id: cncf-k8s-conformance
    lifetime: year
    section: heavy
- testcases:
  - id: node-distribution-check
    description: >-
      By hand:
      nodes
modules:
  - id: m
    targets:
      main:
      - cncf-k8s-conformance
  - id: none
    targets: {}
timeline:
  - date: 2024-02-28
    versions:
      v1: draft
  - date: 2024-11-26
    versions:
      v1: effective
versions:
  - version: v1
    stabilized_at: 2024-11-26
    include: [m, none]
";
    let own = Spec::parse("kaas.yaml", KAAS).unwrap();
    let published = published("scs-compatible-kaas.yaml");
    for spec in [Some(&own), published.as_ref()].into_iter().flatten() {
        let variables: Vec<_> =
            spec.variables.iter().map(|v| (v.name.as_str(), v.default.as_deref())).collect();
        assert_eq!(
            variables,
            [("subject_root", None), ("kubeconfig", None), ("execution_mode", Some("parallel"))]
        );
        let conformance = spec.testcase("cncf-k8s-conformance").unwrap();
        assert_eq!((conformance.lifetime, conformance.section.as_deref()), (Lifetime::Year, Some("heavy")));
        assert!(spec.testcase("node-distribution-check").unwrap().manual);
        let v1 = spec.version("v1").unwrap();
        assert_eq!(v1.target_of("cncf-k8s-conformance"), Some("main"));
        assert_eq!(v1.target_of("node-distribution-check"), None);
        assert_eq!(spec.validity_of("v1", date(2024, 11, 25)), Validity::Draft);
        assert_eq!(spec.validity_of("v1", date(2024, 11, 26)), Validity::Effective);
    }
    let assignment = [("kubeconfig", "k"), ("execution_mode", "serial")];
    let assignment = assignment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(
        own.scripts[0].render_args(&assignment, &[]).unwrap(),
        "run -k k -a '--mode=serial' -c 'x {y}'"
    );
}

#[test]
fn the_scope_of_the_container_layer_is_the_published_one() {
    let own = Spec::embedded_kaas();
    assert_eq!(own.validity_of("v1", date(2026, 11, 22)), Validity::Effective);
    let Some(published) = published("scs-compatible-kaas.yaml") else { return };
    assert_eq!((&own.uuid, &own.name, &own.url), (&published.uuid, &published.name, &published.url));
    let facts = |spec: &Spec| {
        let mut facts: Vec<_> = spec
            .testcases()
            .iter()
            .map(|testcase| {
                let url = testcase.url.clone();
                (testcase.id.clone(), testcase.lifetime, testcase.section.clone(), url, testcase.manual)
            })
            .collect();
        facts.sort();
        facts
    };
    assert_eq!(facts(own), facts(&published));
    let of = |spec: &Spec, version: &str| spec.version(version).unwrap().clone();
    let versions = |spec: &Spec| spec.versions.iter().map(|version| version.name.clone()).collect::<Vec<_>>();
    assert_eq!(versions(own), versions(&published));
    for version in versions(own) {
        let (own, published) = (of(own, &version), of(&published, &version));
        assert_eq!(own.stabilized_at, published.stabilized_at);
        assert_eq!(own.target("main"), published.target("main"));
    }
    assert_eq!(own.timeline.entries().len(), published.timeline.entries().len());
    for entry in published.timeline.entries() {
        assert_eq!(own.validity(entry.date).len(), published.validity(entry.date).len());
        assert_eq!(own.validity_of("v1", entry.date), published.validity_of("v1", entry.date));
    }
}
