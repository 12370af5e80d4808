//! Stored reports in other formats.

use std::collections::BTreeSet;

use crate::support::{Home, json, run};

/// The verdicts that the rules of the reference give for the recorded cloud.
const OFFICIAL: &str = include_str!("../data/seeded-official.txt");

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

