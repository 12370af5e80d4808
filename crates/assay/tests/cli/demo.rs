//! The whole judgement of the recorded cloud, in every format.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Home, json, recording, root, run};

/// The verdicts that the rules of the reference give for the seeded cloud (testbed/seed.yaml).
const OFFICIAL: &str = include_str!("../data/seeded-official.txt");
/// The verdicts that the texts of the standards give for it.
const TEXT: &str = include_str!("../data/seeded-text.txt");

#[test]
fn official_verdict_lines() {
    let ran = run(&["demo", "--format", "lines"]);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.stdout, OFFICIAL);
    assert_eq!(ran.stderr, "");
}

#[test]
fn text_verdict_lines() {
    let ran = run(&["demo", "--format", "lines", "--reading", "text"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, TEXT));
}

#[test]
fn the_page_for_people() {
    let ran = run(&["demo"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80 || line.contains("http")), "80 columns");
    assert!(!ran.stdout.contains('\u{1b}'), "no colours in a pipe");
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn a_recording_gives_what_the_demo_gives() {
    let demo = run(&["demo", "--format", "json"]);
    let recorded = run(&["check", "--snapshot", &recording(), "--format", "json"]);
    assert_eq!(demo.code, recorded.code);
    assert_eq!(steady(&demo.stdout), steady(&recorded.stdout));
}

/// A document without what differs from run to run.
fn steady(text: &str) -> Value {
    let mut document = json(text);
    for report in document["reports"].as_array_mut().expect("reports") {
        let report = report.as_object_mut().expect("a report");
        for field in ["run_id", "checked_at", "arguments"] {
            report.remove(field);
        }
    }
    document
}

#[test]
fn json_follows_the_published_schema() {
    let schema =
        std::fs::read_to_string(root().join("docs/schema/report-v1.schema.json")).expect("the schema");
    let validator = jsonschema::validator_for(&json(&schema)).expect("a valid schema");
    for reading in ["official", "text", "both"] {
        let document = json(&run(&["demo", "--format", "json", "--reading", reading]).stdout);
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn the_official_report_holds_official_verdicts_of_spec_ids_alone() {
    for reading in ["official", "text", "both"] {
        let ran = run(&["demo", "--format", "yaml", "--reading", reading]);
        let document: Value = serde_saphyr::from_str(&ran.stdout).expect("YAML");
        let invocations = document["run"]["invocations"].as_object().expect("invocations");
        assert_eq!(invocations.len(), 1);
        let invocation = invocations.values().next().expect("an invocation");
        let results: BTreeMap<&str, i64> = invocation["results"]
            .as_object()
            .expect("results")
            .iter()
            .map(|(id, code)| (id.as_str(), code.as_i64().expect("a number")))
            .collect();
        let expected: BTreeMap<&str, i64> = OFFICIAL
            .lines()
            .filter_map(|line| line.rsplit_once(": "))
            .filter_map(|(id, verdict)| {
                Some((
                    id,
                    match verdict {
                        "PASS" => 1,
                        "ABORT" => 0,
                        "FAIL" => -1,
                        _ => return None,
                    },
                ))
            })
            .collect();
        assert_eq!(results, expected, "--reading {reading}");
        assert_eq!(document["spec"]["uuid"], "50393e6f-2ae1-4c5c-a62c-3b75f2abef3f");
    }
}

#[test]
fn files_are_written_in_the_format_of_their_ending() {
    let home = Home::new();
    for (file, start) in [
        ("r.json", "{"),
        ("r.yaml", "---\n"),
        ("r.xml", "<?xml"),
        ("r.sarif", "{"),
        ("r.html", "<!doctype html>"),
        ("r.txt", "testbed"),
    ] {
        let path = home.path().join(file).display().to_string();
        let ran = home.run(&["demo", "-o", &path]);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{file}");
        let text = std::fs::read_to_string(&path).expect("the file");
        assert!(text.to_lowercase().starts_with(start), "{file}: {}", &text[..60]);
    }
}

#[test]
fn exit_codes_follow_what_was_asked_for() {
    for (arguments, code) in [
        (&["--testcases", "scs-0104-source-(capi|debian-13)"][..], 0),
        (&["--testcases", "scs-0104-source-debian"], 1),
        (&["--testcases", "scs-0101-entropy"], 0),
        (&["--testcases", "scs-0101-rngd"], 3),
        (&["--testcases", "key-manager-docs-check"], 3),
        (&["--testcases", "scs-0102-prop-hw_disk_bus"], 0),
        (&["--testcases", "scs-0102-prop-hw_disk_bus", "--reading", "text"], 1),
        (&["--testcases", "scs-0126", "--reading", "official"], 2),
    ] {
        let arguments = [&["demo", "--format", "lines"], arguments].concat();
        let ran = run(&arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn the_date_chooses_versions_and_now_ages_images() {
    let versions = |arguments: &[&str]| -> Vec<String> {
        let arguments = [&["demo", "--format", "json"], arguments].concat();
        let document = json(&run(&arguments).stdout);
        let versions = document["reports"][0]["versions"].as_array().expect("versions").iter();
        versions.map(|version| version["version"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(versions(&[]), ["next", "v5.1"]);
    assert_eq!(versions(&["--date", "2025-03-01"]), ["v5.1", "v4", "v3"]);
    assert_eq!(versions(&["--version", "v4"]), ["v4"]);

    let recency = |arguments: &[&str]| {
        let arguments =
            [&["demo", "--format", "json", "--testcases", "scs-0102-image-recency"], arguments].concat();
        json(&run(&arguments).stdout)["reports"][0]["testcases"][0]["findings"]
            .as_array()
            .expect("findings")
            .len()
    };
    let today = recency(&[]);
    assert_eq!(recency(&["--date", "2027-06-01"]), today, "--date does not age images");
    assert!(recency(&["--now", "2027-06-01T00:00:00Z"]) > today, "--now does");
}
