//! Stored reports in other formats, and what changed between two.

use std::collections::BTreeSet;
use std::path::Path;

use assay_inventory::{Fact, Inventory, Reason, Unavailable, read_snapshot, write_snapshot};
use serde_json::Value;

use crate::support::{Home, json, recording, run};

/// The verdicts that the rules of the reference give for the recorded cloud.
const OFFICIAL: &str = include_str!("../data/seeded-official.txt");

/// The recording with something changed.
fn changed(home: &Home, name: &str, change: impl FnOnce(&mut Inventory)) -> String {
    let bytes = std::fs::read(Path::new(&recording())).expect("the recording");
    let mut inventory = read_snapshot(&bytes).expect("a recording");
    change(&mut inventory);
    home.file(name, write_snapshot(&inventory, "assay 0.1.0").expect("a recording"))
}

/// A flavor is mended, another one goes, and the images cannot be had.
fn another_day(inventory: &mut Inventory) {
    let Fact::Known(flavors) = &mut inventory.flavors else { panic!("no flavors") };
    flavors.retain(|flavor| flavor.name() != Some("SCS-1V-8"));
    let mended = flavors.iter_mut().find(|flavor| flavor.name() == Some("SCS-16V-32")).expect("a flavor");
    mended.0.set("ram", 32768.into());
    inventory.images = Fact::Unavailable(Unavailable {
        status: Some(503),
        ..Unavailable::new(Reason::ServerError, "try\u{1b}[31m later")
    });
}

#[test]
fn a_stored_report_is_rendered_as_the_check_would_have() {
    let home = Home::new();
    let demo = run(&["demo", "--format", "json"]).stdout;
    let file = home.file("report.json", &demo);
    let again = home.run(&["report", "render", &file, "--format", "json"]);
    assert_eq!((again.code, again.stdout == demo), (0, true), "{}", again.stderr);
    assert_eq!(home.run(&["report", "render", &file, "--format", "lines"]).stdout, OFFICIAL);
    assert_eq!(home.run(&["report", "render", &file]).stdout, run(&["demo"]).stdout);
    for (name, begin) in [
        ("report.xml", "<?xml"),
        ("report.sarif", "{"),
        ("report.oscal.json", "{\n  \"assessment-results\""),
        ("report.html", "<!"),
        ("report.prom", "# HELP assay_check_info"),
        ("report.yaml", "---"),
    ] {
        let ran = home.run(&["report", "render", &file, "-q", "-o", name]);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""), "{name}");
        let text = std::fs::read_to_string(home.path().join(name)).expect(name);
        assert!(text.starts_with(begin), "{name}: {}", &text[..80]);
    }
}

#[test]
fn reports_of_several_files_become_one() {
    let home = Home::new();
    let file = home.file("report.json", run(&["demo", "--format", "json"]).stdout);
    let both = json(&home.run(&["report", "render", &file, &file, "--format", "json"]).stdout);
    assert_eq!(both["reports"].as_array().map(Vec::len), Some(2));
    let piped = home.run_with(
        &["report", "render", "-", "--format", "lines"],
        &std::fs::read_to_string(&file).expect("a report"),
    );
    assert_eq!(piped.stdout, OFFICIAL);
}

#[test]
fn an_official_report_can_be_shown_as_lines_alone() {
    let home = Home::new();
    let demo = run(&["demo", "--format", "yaml"]).stdout;
    let file = home.file("report.yaml", &demo);
    let lines: BTreeSet<String> =
        home.run(&["report", "render", &file]).stdout.lines().map(str::to_owned).collect();
    let expected = OFFICIAL.lines().filter(|line| !line.ends_with("MISS")).map(str::to_owned).collect();
    assert_eq!(lines, expected);
    let two = home.file("two.yaml", format!("{demo}{demo}"));
    let heads = home.run(&["report", "render", &two, "--format", "lines"]).stdout;
    assert_eq!(heads.lines().filter(|line| line.starts_with("# ")).count(), 2);
    let refused = home.run(&["report", "render", "report.yaml", "--format", "html"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
    assert!(refused.stderr.contains("holds verdicts alone"), "{}", refused.stderr);
    let by_text = home.file("text.json", run(&["demo", "--format", "json", "--reading", "text"]).stdout);
    let refused = home.run(&["report", "render", &by_text, "--format", "yaml"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
    assert!(refused.stderr.contains("no official reading"), "{}", refused.stderr);
    let empty = r#"{"format": "assay-report", "version": 1, "exit_code": 0, "reports": []}"#;
    for text in ["", "{", "subject: x\n", r#"{"format": "assay-report", "version": 2}"#, empty] {
        let refused = home.run(&["report", "render", &home.file("bad", text)]);
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{text}");
    }
}

#[test]
fn recordings_are_compared_fact_by_fact_and_then_judged() {
    let home = Home::new();
    let (before, after) = (recording(), changed(&home, "after.snapshot", another_day));
    let ran = home.run(&["diff", &before, &after, "--reading", "official", "--target", "main"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(!ran.stdout.contains('\u{1b}'), "neither colours nor what a cloud sent");
    for line in [
        "  flavors: 1 removed, 1 changed\n",
        "        ram: 32000 → 32768\n",
        "  images: known → could not be had (",
        "  scs-0103-flavor-16v-32: official FAIL → PASS\n",
        "  scs-0103-flavor-1v-8: official PASS → FAIL\n",
    ] {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }

    let document = json(&home.run(&["diff", &before, &after, "--format", "json"]).stdout);
    assert_eq!((&document["format"], &document["version"]), (&"assay-diff".into(), &1.into()));
    let subject = &document["subjects"][0];
    assert_eq!(subject["facts"][0]["fact"], "flavors");
    let things = subject["facts"][0]["things"].as_array().expect("things");
    let ram =
        &things.iter().find(|thing| thing["name"] == "SCS-16V-32").expect("mended")["what"]["changed"][0];
    assert_eq!(*ram, serde_json::json!({"field": "ram", "before": 32000, "after": 32768}));
    let testcases = subject["testcases"].as_array().expect("testcases");
    let verdict = |id: &str, side: &str| -> Value {
        let one = testcases.iter().find(|testcase| testcase["id"] == id).expect(id);
        one[side]["official"].clone()
    };
    assert_eq!(verdict("scs-0103-flavor-16v-32", "before"), "FAIL");
    assert_eq!(verdict("scs-0103-flavor-16v-32", "after"), "PASS");
    assert_eq!(verdict("scs-0103-flavor-1v-8", "after"), "FAIL");

    let same = home.run(&["diff", &before, &before]);
    assert_eq!(same.code, 0);
    assert!(same.stdout.contains("nothing changed"), "{}", same.stdout);
}

#[test]
fn reports_are_compared_by_verdict_and_finding() {
    let home = Home::new();
    let after = changed(&home, "after.snapshot", another_day);
    let report = |snapshot: &str, name: &str| {
        home.file(name, run(&["check", "--snapshot", snapshot, "--format", "json"]).stdout)
    };
    let (old, new) = (report(&recording(), "old.json"), report(&after, "new.json"));
    let by_report = json(&home.run(&["diff", &old, &new, "--format", "json"]).stdout);
    let by_snapshot = json(&home.run(&["diff", &recording(), &after, "--format", "json"]).stdout);
    for part in ["targets", "testcases"] {
        assert_eq!(by_report["subjects"][0][part], by_snapshot["subjects"][0][part]);
    }
    assert!(by_report["subjects"][0].get("facts").is_none());
    assert_eq!(home.run(&["diff", &old, &old]).code, 0);

    for (arguments, message) in [
        (vec!["diff", "old.json", "after.snapshot"], "after.snapshot is a recording"),
        (vec!["diff", "old.json", "new.json", "--target", "main"], "judged already"),
        (vec!["diff", "old.json", "nowhere.json"], "cannot be read"),
    ] {
        let ran = home.run(&arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.stderr.contains(message), "{}", ran.stderr);
    }
}

#[test]
fn a_subject_that_only_one_side_has_is_a_difference() {
    let home = Home::new();
    let other = changed(&home, "other.snapshot", |inventory| inventory.subject.cloud = "other".to_owned());
    let report = |name: &str, snapshots: &[&str]| {
        let arguments = [&["check", "--format", "json", "--snapshot"][..], snapshots].concat();
        home.file(name, run(&arguments).stdout)
    };
    let (one, two) = (report("one.json", &[&recording()]), report("two.json", &[&recording(), &other]));
    let ran = home.run(&["diff", &one, &two]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("other") && ran.stdout.contains("and not before"), "{}", ran.stdout);
}
