use std::collections::BTreeSet;

use super::embedded::{FILES, ReadError, read};
use super::*;
use crate::scope::Spec;

fn with_statements(statements: &[&str]) -> Result<StandardCoverage, ReadError> {
    let version = |name: &str| format!("- {{version: {name}, status: draft, url: https://example.com}}\n");
    let items = statements.iter().map(|lines| format!("- {}\n", lines.trim_end().replace('\n', "\n  ")));
    read(&format!(
        "standard: scs-9999\ntitle: None\nversions:\n{}{}statements:\n{}",
        version("v1"),
        version("v2"),
        items.collect::<String>()
    ))
}

fn with_statement(lines: &str) -> Result<StandardCoverage, ReadError> {
    with_statements(&[lines])
}

const HEAD: &str = "id: one\nlevel: should-not\nclause: somewhere\ntext: Something.\n";

#[test]
fn a_statement_is_of_exactly_one_kind() {
    let kind =
        |lines: &str| with_statement(&format!("{HEAD}{lines}")).map(|it| it.statements[0].kind.clone());
    assert_eq!(
        kind("testcases: [a, b]\npartly: the rest").unwrap(),
        Kind::Tested { testcases: vec!["a".into(), "b".into()], partly: Some("the rest".into()) }
    );
    assert_eq!(
        kind("manual: Look.\nmanual_testcase: c").unwrap(),
        Kind::Manual { look_at: "Look.".into(), testcase: Some("c".into()) }
    );
    assert_eq!(kind("untestable: no").unwrap(), Kind::Untestable { reason: "no".into() });
    for lines in [
        "",
        "testcases: []",
        "testcases: [a]\nmanual: Look.",
        "testcases: [a]\nuntestable: no",
        "manual: Look.\nuntestable: no",
        "manual: Look.\npartly: the rest",
        "untestable: no\npartly: the rest",
        "untestable: no\nmanual_testcase: c",
        "testcases: [a]\nmanual_testcase: c",
    ] {
        let error = kind(lines).unwrap_err().to_string();
        assert!(error.contains("one of testcases"), "{lines}: {error}");
    }
}

#[test]
fn mistakes_are_refused() {
    let twice = format!("{HEAD}untestable: no\n").replace("id: one", "id: twin");
    for (lines, word) in [
        (format!("{HEAD}untestable: no\nremark: x"), "remark"),
        (format!("{HEAD}untestable: no\nversions: [v3]"), "v3"),
        (HEAD.replace("should-not", "shall") + "untestable: no", "shall"),
    ] {
        let error = with_statement(&lines).unwrap_err().to_string();
        assert!(error.contains(word), "{lines}: {error}");
    }
    let error = with_statements(&[&twice, &twice]).unwrap_err().to_string();
    assert!(error.contains("twin stands there twice"), "{error}");
}

#[test]
fn a_statement_without_versions_is_made_by_all() {
    let versions =
        |lines: &str| with_statement(&format!("{HEAD}{lines}")).unwrap().statements[0].versions.clone();
    assert_eq!(versions("untestable: no"), ["v1", "v2"]);
    assert_eq!(versions("untestable: no\nversions: [v2]"), ["v2"]);
}

#[test]
fn every_file_can_be_read_and_says_something() {
    let all = Coverage::all();
    for (coverage, (file, _)) in all.iter().zip(FILES) {
        assert_eq!(format!("{}.yaml", coverage.standard), *file);
        assert!(!coverage.statements.is_empty(), "{file}");
    }
    assert!(all.is_sorted_by_key(|coverage| &coverage.standard));
}

#[test]
fn testcases_are_those_of_the_scope_and_automated() {
    let spec = Spec::embedded_iaas();
    for coverage in Coverage::all() {
        for statement in &coverage.statements {
            let place = format!("{} {}", coverage.standard, statement.id);
            let is_manual = matches!(statement.kind, Kind::Manual { .. });
            for id in statement.testcases() {
                let testcase = spec.testcase(id).unwrap_or_else(|| panic!("{place}: no testcase {id}"));
                assert_eq!(testcase.manual, is_manual, "{place}: {id}");
            }
        }
        for beyond in &coverage.beyond {
            for id in &beyond.testcases {
                assert_eq!(spec.testcase(id).is_none(), beyond.outside_scope, "{id}");
                assert_eq!(coverage.statements_of(id).count(), 0, "{id} has a statement after all");
            }
        }
        for id in coverage.differences.iter().flat_map(|difference| &difference.testcases) {
            let testcase = spec.testcase(id).unwrap_or_else(|| panic!("no testcase {id}"));
            assert!(!testcase.own, "{id}: testcases of our own have one reading");
        }
    }
}

#[test]
fn every_testcase_of_the_scope_has_a_statement_or_a_reason() {
    for testcase in Spec::embedded_iaas().testcases() {
        let is_known = |coverage: &StandardCoverage| {
            coverage.statements_of(&testcase.id).next().is_some() || coverage.beyond(&testcase.id).is_some()
        };
        assert!(Coverage::all().iter().any(is_known), "{}", testcase.id);
    }
}

#[test]
fn documents_are_those_of_the_scope() {
    let urls: BTreeSet<&str> = Coverage::all()
        .iter()
        .flat_map(|coverage| &coverage.versions)
        .map(|version| version.url.as_str())
        .collect();
    for module in &Spec::embedded_iaas().modules {
        let url = module.url.as_deref().unwrap();
        assert!(urls.contains(url), "{}: {url}", module.id);
    }
}

#[test]
fn a_status_has_its_date() {
    for version in Coverage::all().iter().flat_map(|coverage| &coverage.versions) {
        let dates = (version.stabilized_at.is_some(), version.deprecated_at.is_some());
        let expected = match version.status {
            DocumentStatus::Draft => (false, false),
            DocumentStatus::Stable => (true, false),
            DocumentStatus::Deprecated => (false, true),
        };
        assert_eq!(dates, expected, "{}", version.url);
    }
}

#[test]
fn counts_add_up() {
    for coverage in Coverage::all() {
        assert_eq!(coverage.counts().total(), coverage.statements.len(), "{}", coverage.standard);
    }
    let backup = Coverage::of("scs-0117-v1").unwrap().counts();
    assert_eq!(backup, Counts { tested: 1, partly: 1, manual: 1, untestable: 0 });
}

#[test]
fn a_standard_is_found_with_and_without_its_version() {
    for name in ["scs-0102", "scs-0102-v2"] {
        assert_eq!(Coverage::of(name).unwrap().standard, "scs-0102");
    }
    assert!(Coverage::of("scs-01020").is_none());
    assert!(Coverage::of("scs-0199").is_none());
}
