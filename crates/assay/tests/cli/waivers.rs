//! What is waived or known does not fail the run, and nothing else changes.

use serde_json::Value;

use crate::support::{Home, Ran, json, recording, root};

/// Two testcases fail officially: one for cirros, one for cirros and Fedora.
const ASKED: &str = "scs-0102-prop-os_(version|purpose)";
const WAIVERS: &str = "
- testcase: scs-0102-prop-os_version
  reason: Nobody boots cirros for long.
  owner: Jane Doe
  expires: 2026-11-22
- testcase: scs-0102-prop-os_purpose
  resource: 'image:Fedora *'
  reason: The image goes away.
  owner: ops
  expires: 2027-01-31
";
const CIRROS: &str = "
- testcase: scs-0102-prop-os_purpose
  resource: 'image:cirr?s'
  reason: Nobody boots cirros for long.
  owner: Jane Doe
  expires: 2026-12-31
";

fn check(home: &Home, arguments: &[&str]) -> Ran {
    let recording = recording();
    home.run(&[&["check", "--snapshot", &recording, "--testcases", ASKED], arguments].concat())
}

fn reported(home: &Home, arguments: &[&str]) -> Value {
    json(&check(home, &[&["--format", "json"], arguments].concat()).stdout)
}

/// Wrapped lines of a message, put together again.
fn words(told: &str) -> String {
    told.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

#[test]
fn a_run_fails_until_everything_is_waived() {
    let home = Home::new();
    home.file("some.yaml", WAIVERS);
    home.file("all.yaml", [WAIVERS, CIRROS].concat());
    assert_eq!(check(&home, &[]).code, 1);
    assert_eq!(check(&home, &["--waivers", "some.yaml"]).code, 1);
    let ran = check(&home, &["--waivers", "all.yaml"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn a_waiver_ends_with_its_day_and_one_that_covers_nothing_is_told() {
    let home = Home::new();
    let stray = CIRROS.replace("cirr?s", "SUSE *");
    home.file("w.yaml", [WAIVERS, CIRROS, &stray].concat());
    assert_eq!(check(&home, &["--waivers", "w.yaml"]).code, 0, "a waiver too many fails no run");
    let next_day = ["--waivers", "w.yaml", "--now", "2026-11-23T00:00:00Z"];
    let ran = check(&home, &next_day);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("by Jane Doe expired on 2026-11-22: 1 finding counts again"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("(image:SUSE *) by Jane Doe, until 2026-12-31, covers nothing"),
        "{}",
        ran.stderr
    );
    insta::assert_snapshot!(ran.stdout);
    assert_eq!(check(&home, &[&next_day[..], &["--quiet"]].concat()).stderr, "");
}

#[test]
fn verdicts_stay_what_they_are_in_every_format() {
    let home = Home::new();
    home.file("w.yaml", [WAIVERS, CIRROS, &CIRROS.replace("cirr?s", "SUSE *")].concat());
    let of = |format: &str, waived: bool| {
        let waivers: &[&str] = if waived { &["--waivers", "w.yaml"] } else { &[] };
        check(&home, &[&["--quiet", "--format", format], waivers].concat()).stdout
    };
    assert_eq!(of("lines", true), of("lines", false));
    let official = |waived| -> Value {
        let mut document: Value = serde_saphyr::from_str(&of("yaml", waived)).expect("YAML");
        let run = document["run"].take();
        run["invocations"].as_object().expect("invocations").values().next().expect("one")["results"].clone()
    };
    assert_eq!(official(true), official(false));

    let document = json(&of("json", true));
    let schema =
        std::fs::read_to_string(root().join("docs/schema/report-v1.schema.json")).expect("the schema");
    let validator = jsonschema::validator_for(&json(&schema)).expect("a valid schema");
    assert!(validator.is_valid(&document));
    let report = &document["reports"][0];
    assert_eq!((&document["exit_code"], &report["verdict"]), (&0.into(), &"FAIL".into()));
    for testcase in report["testcases"].as_array().expect("testcases") {
        assert_eq!((&testcase["official"], &testcase["fails_run"]), (&"FAIL".into(), &false.into()));
        for finding in testcase["findings"].as_array().expect("findings") {
            assert_eq!(finding["waived"], true, "{finding}");
        }
    }
    let effects: Vec<&str> = report["waivers"]
        .as_array()
        .expect("waivers")
        .iter()
        .map(|waiver| waiver["effect"].as_str().expect("a word"))
        .collect();
    assert_eq!(effects, ["in_force", "in_force", "in_force", "idle"]);

    let junit = of("junit", true);
    assert!(junit.contains("failures=\"2\""), "{junit}");
    assert!(junit.contains("waived until 2027-01-31 by ops: The image goes away."), "{junit}");
    assert!(junit.contains("covers nothing"), "{junit}");
    let log = json(&of("sarif", true));
    let run = &log["runs"][0];
    for result in run["results"].as_array().expect("results") {
        let suppression = &result["suppressions"][0];
        assert_eq!((&suppression["kind"], &suppression["status"]), (&"external".into(), &"accepted".into()));
        assert!(suppression["justification"].as_str().is_some_and(|why| why.starts_with("waived until")));
    }
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let told = &run["invocations"][0]["toolExecutionNotifications"][0];
    assert!(told["message"]["text"].as_str().is_some_and(|text| text.ends_with("covers nothing")), "{told}");
    let page = of("html", true);
    assert!(page.contains("waived until 2026-11-22 by Jane Doe: Nobody boots cirros for long."));
    assert!(page.contains("covers nothing"));
}

#[test]
fn a_bad_file_stops_before_the_run_and_says_where() {
    let home = Home::new();
    home.file("w.yaml", WAIVERS.replace("os_version", "os_versoin").replace("owner: ops", "owned: ops"));
    let ran = check(&home, &["--waivers", "w.yaml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    for said in ["w.yaml:2:13", "did you mean `scs-0102-prop-os_version`?", "w.yaml:9:3", "`owned`"] {
        assert!(words(&ran.stderr).contains(said), "{said}: {}", ran.stderr);
    }
    let ran = check(&home, &["--waivers", "none.yaml"]);
    assert_eq!(ran.code, 2);
    assert!(words(&ran.stderr).contains("none.yaml cannot be read"), "{}", ran.stderr);
}

#[test]
fn only_what_is_new_fails_the_run() {
    let home = Home::new();
    check(&home, &["-o", "before.json", "--quiet"]);
    let against =
        |baseline: &str, arguments: &[&str]| check(&home, &[&["--baseline", baseline], arguments].concat());
    assert_eq!(against("before.json", &[]).code, 0);

    // Before, Fedora had a purpose, and another image had none.
    let mut before = json(&std::fs::read_to_string(home.path().join("before.json")).expect("a file"));
    let report = &mut before["reports"][0];
    report["checked_at"] = "2026-11-20T04:00:00Z".into();
    for finding in report["testcases"]
        .as_array_mut()
        .expect("testcases")
        .iter_mut()
        .flat_map(|testcase| testcase["findings"].as_array_mut().expect("findings"))
    {
        if finding["resource"]["name"] == "Fedora 43" {
            finding["resource"]["name"] = "Fedora 42".into();
        }
    }
    home.file("other.json", before.to_string());
    let ran = against("other.json", &[]);
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(ran.stdout);
    home.file("w.yaml", WAIVERS);
    assert_eq!(against("other.json", &["--waivers", "w.yaml"]).code, 0, "what is new is waived");

    let report = &reported(&home, &["--baseline", "other.json"])["reports"][0];
    let comparison = &report["baseline"];
    assert_eq!((&comparison["new"], &comparison["known"]), (&1.into(), &2.into()));
    assert_eq!(comparison["mended"][0]["name"], "Fedora 42");
    assert_eq!(comparison["mended"].as_array().map(Vec::len), Some(1));
    let failing: Vec<&Value> = report["testcases"]
        .as_array()
        .expect("testcases")
        .iter()
        .filter(|testcase| testcase["fails_run"] == true)
        .map(|testcase| &testcase["id"])
        .collect();
    assert_eq!(failing, ["scs-0102-prop-os_purpose"]);
    let log = json(&against("other.json", &["--format", "sarif"]).stdout);
    let states: Vec<&str> = log["runs"][0]["results"]
        .as_array()
        .expect("results")
        .iter()
        .filter_map(|result| result["baselineState"].as_str())
        .collect();
    assert_eq!(states.iter().filter(|state| **state == "new").count(), 1, "{states:?}");
    assert_eq!(states.iter().filter(|state| **state == "unchanged").count(), 2, "{states:?}");
}

#[test]
fn a_baseline_that_says_nothing_about_the_cloud_is_refused() {
    let home = Home::new();
    check(&home, &["-o", "before.json", "--quiet"]);
    let before = std::fs::read_to_string(home.path().join("before.json")).expect("a file");
    home.file("cloud.json", before.replace("\"cloud\": \"testbed\"", "\"cloud\": \"production\""));
    home.file("scope.json", before.replace("50393e6f-2ae1-4c5c-a62c-3b75f2abef3f", "another"));
    home.file("version.json", before.replace("\"version\": 1,", "\"version\": 2,"));
    check(&home, &["-o", "text.json", "--quiet", "--reading", "text"]);
    for (file, said) in [
        ("cloud.json", "about production, not about testbed"),
        ("scope.json", "not against this scope"),
        ("version.json", "found assay-report of version 2"),
        ("text.json", "without the official reading"),
        ("none.json", "cannot be read"),
    ] {
        let ran = check(&home, &["--baseline", file]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{file}");
        assert!(words(&ran.stderr).contains(said), "{file}: {}", ran.stderr);
    }
}

#[test]
fn what_stands_and_what_expired_is_listed_and_looked_through() {
    let home = Home::new();
    home.file("waivers.yaml", [CIRROS, WAIVERS].concat());
    let ran = home.run(&["waivers", "list", "--date", "2026-11-23"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    insta::assert_snapshot!(ran.stdout);

    let lint = |text: &str, date: &str| {
        home.file("w.yaml", text);
        let ran = home.run(&["waivers", "lint", "w.yaml", "--date", date]);
        assert_eq!(ran.stdout, "");
        (ran.code, ran.stderr)
    };
    assert_eq!(lint(WAIVERS, "2026-11-22"), (0, String::new()));
    for (text, code, said) in [
        (WAIVERS.to_owned(), 1, "expired on 2026-11-22"),
        (WAIVERS.replace("os_version", "os_versoin"), 1, "did you mean"),
        ([CIRROS, CIRROS].concat(), 1, "duplicate waiver"),
        (CIRROS.replace("2026-12-31", "soon"), 2, "invalid date `soon`"),
        ([WAIVERS, &CIRROS.replace("owner", "owned")].concat(), 2, "unknown key `owned`"),
    ] {
        let (ended, told) = lint(&text, "2026-11-23");
        assert_eq!(ended, code, "{told}");
        assert!(words(&told).contains(said), "{said}: {told}");
    }
}
