//! Registry, scope data, coverage data and documentation speak of the same testcases.

use std::collections::BTreeSet;

use assay_standards::coverage::Coverage;
use assay_standards::scope::Spec;
use assay_testcases::Registry;

const DOCS: &str = include_str!("../../../docs/testcases.md");

fn registered() -> BTreeSet<&'static str> {
    Registry::get().testcases().map(|testcase| testcase.id.as_ref()).collect()
}

/// Testcases that the reference suite has and no scope lists.
fn outside_scope() -> BTreeSet<&'static str> {
    Coverage::all()
        .iter()
        .flat_map(|coverage| &coverage.beyond)
        .filter(|beyond| beyond.outside_scope)
        .flat_map(|beyond| beyond.testcases.iter().map(String::as_str))
        .collect()
}

#[test]
fn every_registered_testcase_is_in_the_scope_or_known_to_be_outside() {
    let unknown: BTreeSet<&str> =
        registered().into_iter().filter(|id| Spec::embedded_iaas().testcase(id).is_none()).collect();
    assert_eq!(unknown, outside_scope());
}

#[test]
fn every_testcase_of_the_scope_is_registered() {
    let registered = registered();
    let missing: Vec<&str> = Spec::embedded_iaas()
        .testcases()
        .iter()
        .map(|testcase| testcase.id.as_str())
        .filter(|id| !registered.contains(id))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn only_automated_testcases_need_facts() {
    for testcase in Registry::get().testcases() {
        let is_manual = Spec::embedded_iaas().testcase(&testcase.id).is_some_and(|listed| listed.manual);
        assert_eq!(testcase.official_facts.is_empty(), is_manual, "{}", testcase.id);
    }
}

#[test]
fn every_registered_testcase_looks_at_a_statement_or_says_why_not() {
    for testcase in Registry::get().testcases() {
        let coverage = Coverage::of(testcase.standard)
            .unwrap_or_else(|| panic!("{}: no coverage of {}", testcase.id, testcase.standard));
        let has_statement = coverage.statements_of(&testcase.id).next().is_some();
        let has_reason = coverage.beyond(&testcase.id).is_some();
        assert!(
            has_statement != has_reason,
            "{}: statement {has_statement}, reason without one {has_reason}",
            testcase.id
        );
    }
}

#[test]
fn every_testcase_belongs_to_a_version_of_its_standard() {
    for testcase in Registry::get().testcases() {
        let coverage = Coverage::of(testcase.standard).unwrap();
        let version = testcase.standard.strip_prefix(&coverage.standard).unwrap();
        let is_known = version.is_empty()
            || coverage.versions.iter().any(|known| version.strip_prefix('-') == Some(&known.version));
        assert!(is_known, "{}: {}", testcase.id, testcase.standard);
    }
}

#[test]
fn every_registered_testcase_is_documented() {
    let words: BTreeSet<&str> = DOCS
        .split(|character: char| !(character.is_ascii_alphanumeric() || "-_".contains(character)))
        .collect();
    let missing: Vec<&str> = registered().into_iter().filter(|id| !words.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?}: UPDATE_DOCS=1 cargo test -p assay-testcases --test docs");
}
