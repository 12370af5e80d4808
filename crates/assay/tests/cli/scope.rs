//! `assay scope`, `list`, `explain`, `coverage` and what shells need.

use crate::support::{json, recording, root, run};

#[test]
fn versions_of_the_scope() {
    let overview = run(&["scope", "show", "--date", "2026-11-22"]);
    insta::assert_snapshot!(overview.stdout);
    let details = run(&["scope", "show", "v5.1", "--date", "2026-11-22"]);
    assert!(details.stdout.contains("main (54)"), "{}", details.stdout);
}

#[test]
fn what_changes_with_the_next_version_and_what_this_cloud_makes_of_it() {
    let recording = recording();
    let ran = run(&["scope", "diff", "v5.1", "next", "--snapshot", &recording]);
    assert_eq!(ran.code, 1, "the cloud would fail some");
    insta::assert_snapshot!(ran.stdout);
    assert_eq!(run(&["scope", "diff", "v5.1", "next"]).code, 0);
    assert_eq!(run(&["scope", "diff", "v5.1", "v9"]).code, 2);
}

#[test]
fn a_spec_file_means_what_the_built_in_one_means() {
    let own = root().join("crates/standards/data/scopes/scs-compatible-iaas.yaml").display().to_string();
    let built_in = run(&["demo", "--format", "lines", "--reading", "official"]);
    let from_file = run(&["demo", "--format", "lines", "--reading", "official", "--spec", &own]);
    assert_eq!(built_in.stdout, from_file.stdout);
}

#[test]
fn the_published_spec_gives_the_main_testcases() {
    let published = root().join("../shared/compat/scopes/scs-compatible-iaas.yaml");
    if !published.exists() {
        return;
    }
    let main = run(&["demo", "--format", "lines", "--target", "main"]);
    let from_file = run(&["demo", "--format", "lines", "--spec", &published.display().to_string()]);
    assert_eq!(main.stdout, from_file.stdout);
}

#[test]
fn lists_and_explanations() {
    let list = json(&run(&["list", "--format", "json", "--version", "v5.1", "--target", "main"]).stdout);
    assert_eq!(list.as_array().unwrap().len(), 54);
    let explained = run(&["explain", "scs-0102-image-recency"]);
    assert_eq!(explained.code, 0);
    insta::assert_snapshot!(explained.stdout);
    let unknown = run(&["explain", "image-recency"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("scs-0102-image-recency"), "{}", unknown.stderr);
}

#[test]
fn every_testcase_can_be_explained() {
    let all = json(&run(&["list", "--all", "--format", "json"]).stdout);
    for testcase in all.as_array().unwrap() {
        let id = testcase["id"].as_str().unwrap();
        assert_eq!(run(&["explain", id]).code, 0, "{id}");
    }
}

#[test]
fn coverage_of_statements() {
    let matrix = run(&["coverage"]);
    assert_eq!(matrix.code, 0);
    assert!(matrix.stdout.contains("scs-0102"), "{}", matrix.stdout);
    assert!(run(&["coverage", "0114"]).stdout.contains("MUST"));
    assert!(json(&run(&["coverage", "--format", "json"]).stdout).as_array().unwrap().len() > 15);
    assert_eq!(run(&["coverage", "9999"]).code, 2);
}

#[test]
fn completions_and_manual_pages() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(&["completions", shell]).stdout.contains("flavor-name"), "{shell}");
    }
    assert!(run(&["man"]).stdout.starts_with(".ie"), "troff");
    assert!(run(&["man", "check"]).stdout.contains("snapshot"));
}
