//! The registry as a whole: every testcase is described, and registry and scope data know the same ids.

use std::collections::BTreeSet;

use assay_inventory::{Fact, FactId, Inventory, Section, Subject, Token};
use assay_standards::Verdict;
use assay_standards::scope::Spec;
use assay_testcases::{Registry, judge};
use jiff::Timestamp;

/// Testcases of the reference suite that are in no scope.
const RUNNABLE_BY_NAME_ONLY: [&str; 4] = [
    "scs-0104-source-debian-10",
    "scs-0104-image-ubuntu-2004",
    "scs-0104-image-debian-11",
    "scs-0104-image-debian-10",
];

fn registered() -> BTreeSet<String> {
    Registry::get().testcases().map(|testcase| testcase.id.to_string()).collect()
}

#[test]
fn registry_and_scope_know_the_same_testcases() {
    let mut listed: BTreeSet<String> =
        Spec::embedded_iaas().testcases().iter().map(|testcase| testcase.id.clone()).collect();
    listed.extend(RUNNABLE_BY_NAME_ONLY.map(String::from));
    let registered = registered();
    let only_listed: Vec<_> = listed.difference(&registered).collect();
    let only_registered: Vec<_> = registered.difference(&listed).collect();
    assert!(
        only_listed.is_empty() && only_registered.is_empty(),
        "{only_listed:?} only in the scope, {only_registered:?} only in the registry"
    );
}

#[test]
fn our_own_testcases_are_marked_as_such_in_registry_and_scope() {
    for testcase in Registry::get().testcases() {
        let is_own = Spec::embedded_iaas().testcase(&testcase.id).is_some_and(|listed| listed.own);
        assert_eq!(testcase.own, is_own, "{}", testcase.id);
    }
}

#[test]
fn ids_are_unique() {
    assert_eq!(registered().len(), Registry::get().testcases().count());
}

#[test]
fn every_testcase_is_described() {
    for testcase in Registry::get().testcases() {
        let id = &testcase.id;
        assert!(testcase.standard.starts_with("scs-"), "{id}: {}", testcase.standard);
        for (what, text) in [
            ("clause", testcase.clause),
            ("title", testcase.title.as_ref()),
            ("explanation", testcase.explanation),
            ("remedy", testcase.remedy.as_ref()),
        ] {
            assert!(!text.trim().is_empty(), "{id} has no {what}");
            assert!(!text.contains("  ") && !text.contains('\n'), "{id}: white space in the {what}: {text}");
        }
        for (what, text) in [("explanation", testcase.explanation), ("remedy", testcase.remedy.as_ref())] {
            assert!(text.ends_with('.'), "{id}: the {what} is no sentence: {text}");
        }
        assert!(!testcase.title.ends_with('.'), "{id}: a title has no full stop");
    }
}

#[test]
fn nothing_is_judged_on_facts_that_were_not_asked_for() {
    let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
    let mut inventory = Inventory::new(Subject::default(), now);
    let roles = vec!["member".to_owned()];
    inventory.token = Fact::Known(Token { user: "demo".into(), roles, ..Token::default() });
    let ids = registered();
    for (id, judgement) in judge(&inventory, ids.iter().map(String::as_str), now) {
        let testcase = Registry::get().find(&id).unwrap();
        // What a probe would tell may already be plain from the catalog.
        let needs_more = testcase
            .official_facts
            .iter()
            .any(|fact| *fact != FactId::Token && fact.section() == Section::Light);
        if needs_more {
            assert_ne!(judgement.text, Verdict::Pass, "{id}");
            assert_ne!(judgement.official, Some(Verdict::Pass), "{id}");
        }
    }
}

#[test]
fn an_unfit_token_aborts_what_a_token_is_needed_for() {
    let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
    let mut inventory = Inventory::new(Subject::default(), now);
    let roles = vec!["admin".to_owned(), "member".to_owned()];
    inventory.token = Fact::Known(Token { user: "demo".into(), roles, ..Token::default() });
    let ids =
        ["scs-0116-permissions", "scs-0117-test-backup", "scs-0123-service-image", "key-manager-docs-check"];
    let verdicts: Vec<_> =
        judge(&inventory, ids, now).into_iter().map(|(_, judgement)| judgement.official).collect();
    let abort = Some(Verdict::Abort);
    assert_eq!(verdicts, [abort, abort, abort, Some(Verdict::Miss)]);
}
