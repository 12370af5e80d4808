//! Answers for what no program can decide: questions, declarations, and their way into reports.

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::Value;

use crate::support::{Home, Ran, json, recording, root, run};

/// Answers about the recorded cloud: the key manager conforms, the availability zones do not.
const ANSWERS: &str = include_str!("../data/declarations/answers.yaml");
const MANUAL: &str = "key-manager|availability|domain-manager";

/// A declaration of a day, in a home of its own.
fn declared(date: &str) -> (Home, String) {
    let home = Home::new();
    let answers = home.file("answers.yaml", ANSWERS.replace("2026-09-14", date));
    let file = home.path().join("declaration.yaml").display().to_string();
    let ran = home.run(&["declare", "testbed", &answers, "-o", &file]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    (home, file)
}

/// Judges the recording, which is of 2026-11-22, together with a declaration.
fn check(home: &Home, declaration: &str, more: &[&str]) -> Ran {
    let recording = recording();
    let arguments = ["check", "--snapshot", &recording, "--declarations", declaration];
    home.run(&[&arguments, more].concat())
}

/// A testcase of the only report in a document.
fn testcase<'d>(document: &'d Value, id: &str) -> &'d Value {
    let all = document["reports"][0]["testcases"].as_array().expect("testcases");
    all.iter().find(|testcase| testcase["id"] == id).expect("the testcase")
}

fn words(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

#[test]
fn questions_are_printed_to_be_filled_in() {
    let ran = run(&["declare", "--questions"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for id in ["key-manager-docs-check", "availability-zones-check", "domain-manager-check"] {
        assert!(ran.stdout.contains(&format!("\n  {id}:\n")), "{id}");
    }
    let one = run(&["declare", "--questions", "domain-manager-check"]).stdout;
    assert!(one.contains("enforce_scope") && !one.contains("fire zone"));
    let unknown = run(&["declare", "--questions", "scs-0100-syntax-check"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (2, ""));
    assert!(
        words(&unknown.stderr).contains("no manual testcase scs-0100-syntax-check"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn what_is_missing_in_a_template_is_named_at_its_place() {
    let home = Home::new();
    let questions = home.run(&["declare", "--questions", "key-manager-docs-check"]).stdout;
    let ran = home.run(&["declare", "mycloud", &home.file("q.yaml", &questions)]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    let line = questions.lines().position(|line| line == "    offered:").expect("the question") + 1;
    let said = words(&ran.stderr);
    for expected in [
        "missing key `name` in the signer (and 4 more problems)",
        "missing key `date`",
        "the question offered is not answered: Does the cloud offer a key manager?",
        "answer with one of: yes, no",
        &format!("q.yaml:{line}:5"),
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn bad_answers_are_all_said_at_once() {
    let home = Home::new();
    let tomorrow = Timestamp::now().to_zoned(TimeZone::UTC).date() + 2.days();
    let answers = ANSWERS
        .replace("2026-09-14", &tomorrow.to_string())
        .replace("https://docs.cloud.example.org/site/zones", "see wiki")
        .replace("power: no", "power: yes")
        .replace("uplink:", "up-link:")
        .replace("master-key-not-plain: no", "offered: no");
    let ran = home.run(&["declare", "testbed", &home.file("a.yaml", answers)]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    let said = words(&ran.stderr);
    for expected in [
        "lies in the future (and 5 more problems)",
        "duplicate key `offered`, first given at",
        "`see wiki` is no web address",
        "the answer yes needs evidence",
        "unknown question `up-link` (did you mean `uplink`?)",
        "the question uplink is not answered",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let other = home.run(&["declare", "mycloud", &home.file("a.yaml", ANSWERS)]);
    assert!(words(&other.stderr).contains("for subject `testbed`, not for `mycloud`"), "{}", other.stderr);
}

#[test]
fn files_that_are_no_answers_are_refused() {
    let home = Home::new();
    for (name, content) in [("x.yaml", &b"\xff\xfe"[..]), ("big.yaml", &vec![b' '; 3 << 20]), ("t", b"- a")] {
        let ran = home.run(&["declare", "testbed", &home.file(name, content)]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{name}");
    }
    assert_eq!(home.run(&["declare", "testbed", "missing.yaml"]).code, 2);
    assert_eq!(home.run(&["declare", "testbed"]).code, 2);
    let answers = home.file("answers.yaml", ANSWERS);
    let no_declaration = check(&home, &answers, &[]);
    assert_eq!((no_declaration.code, no_declaration.stdout.as_str()), (2, ""));
    assert!(no_declaration.stderr.contains("missing key `format`"), "{}", no_declaration.stderr);
}

#[test]
fn a_declaration_is_printed_or_written_and_says_what_it_comes_to() {
    let home = Home::new();
    let answers = home.file("answers.yaml", ANSWERS);
    let printed = home.run(&["declare", "testbed", &answers]);
    assert_eq!(printed.code, 0, "a failure that is admitted is well declared");
    insta::assert_snapshot!(printed.stdout.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    insta::assert_snapshot!(printed.stderr);
    assert_eq!(home.run(&["declare", "testbed", &answers, "--quiet"]).stderr, "");
}

#[test]
fn a_declaration_that_counts_gives_verdicts_and_leaves_the_exit_code_alone() {
    let (home, file) = declared("2026-11-20");
    let ran = check(&home, &file, &["--format", "json"]);
    let document = json(&ran.stdout);
    for (id, verdict) in [("key-manager-docs-check", "PASS"), ("availability-zones-check", "FAIL")] {
        let found = testcase(&document, id);
        assert_eq!((&found["official"], &found["text"]), (&verdict.into(), &verdict.into()), "{id}");
        assert_eq!(found["declared"]["signer"]["name"], "Johanna Müller");
        assert_eq!(found["declared"]["official_valid_until"], "2026-11-29");
        assert_eq!(found["declared"]["text_valid_until"], "2027-03-31");
    }
    assert!(testcase(&document, "domain-manager-check")["declared"].is_null());
    let schema =
        std::fs::read_to_string(root().join("docs/schema/report-v1.schema.json")).expect("the schema");
    let validator = jsonschema::validator_for(&json(&schema)).expect("a valid schema");
    assert!(validator.is_valid(&document));

    // What is measured conforms; that a person declares a failure does not change that.
    let conforming = ["--testcases", &format!("scs-0102-prop-hash_algo|{MANUAL}")];
    for reading in ["official", "text"] {
        let ran = check(&home, &file, &[&conforming[..], &["--reading", reading]].concat());
        assert_eq!(ran.code, 0, "{reading}: {}", ran.stdout);
        assert!(ran.stdout.contains("not among them: 1 pass, 1 fail"), "{}", ran.stdout);
    }
    assert_eq!(check(&home, &file, &["--testcases", MANUAL]).code, 3, "nothing was determined");
}

#[test]
fn old_and_later_declarations_do_not_count_and_say_why() {
    for (date, official, text, why) in [
        ("2026-09-14", "MISS", "PASS", "counted officially through 2026-09-27: a new one is due"),
        ("2026-02-01", "MISS", "MISS", "counted through 2026-06-30: a new one is due"),
    ] {
        let (home, file) = declared(date);
        let ran = check(&home, &file, &["--testcases", MANUAL, "--format", "json"]);
        let document = json(&ran.stdout);
        let found = testcase(&document, "key-manager-docs-check");
        assert_eq!((&found["official"], &found["text"]), (&official.into(), &text.into()), "{date}");
        assert_eq!(found["declared"]["verdict"], "PASS");
        let said = words(&check(&home, &file, &["--testcases", MANUAL]).stdout);
        assert!(said.contains(why), "{said}");
    }
    // For a day before it was made, it is no news yet.
    let (home, file) = declared("2026-11-20");
    let said = words(&check(&home, &file, &["--testcases", MANUAL, "--date", "2026-11-19"]).stdout);
    assert!(said.contains("is made on 2026-11-20, after 2026-11-19"), "{said}");
}

#[test]
fn a_declaration_must_be_about_what_is_checked() {
    let home = Home::new();
    let answers = home.file("answers.yaml", ANSWERS.replace("subject: testbed\n", ""));
    let file = home.path().join("d.yaml").display().to_string();
    assert_eq!(home.run(&["declare", "public-cloud", &answers, "-o", &file]).code, 0);
    let stray = check(&home, &file, &[]);
    assert_eq!((stray.code, stray.stdout.as_str()), (2, ""));
    assert!(
        words(&stray.stderr).contains("about public-cloud, but what is checked is testbed"),
        "{}",
        stray.stderr
    );
    let known = check(&home, &file, &["--subject", "public-cloud", "--format", "json"]);
    assert_eq!(testcase(&json(&known.stdout), "key-manager-docs-check")["text"], "PASS");
    let two = home.run(&[
        "check",
        "--snapshot",
        &recording(),
        &recording(),
        "--subject",
        "public-cloud",
        "--declarations",
        &file,
    ]);
    assert!(two.code == 2 && words(&two.stderr).contains("--subject stands for one cloud"), "{}", two.stderr);
}

#[test]
fn a_live_check_looks_at_declarations_before_it_asks_anybody() {
    let (home, file) = declared("2026-11-20");
    home.file("clouds.yaml", "clouds: {mycloud: {auth: {auth_url: 'https://127.0.0.1:1', username: u, password: p, project_name: p, user_domain_name: d, project_domain_name: d}}}");
    let ran = home.run(&["check", "mycloud", "--declarations", &file]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    assert!(words(&ran.stderr).contains("about testbed, but what is checked is mycloud"), "{}", ran.stderr);
}

#[test]
fn the_page_for_people_tells_declared_from_measured() {
    let (home, file) = declared("2026-11-18");
    let ran = check(&home, &file, &["--testcases", &format!("scs-0102-prop-hash_algo|{MANUAL}")]);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80 || line.contains("http")), "80 columns");
    insta::assert_snapshot!(ran.stdout);
    let (home, file) = declared("2026-09-14");
    let old = check(&home, &file, &["--testcases", MANUAL]).stdout;
    assert!(old.contains("  FAIL  availability-zones-check  by the text alone\n"), "{old}");
}

#[test]
fn the_official_report_keeps_declared_results_apart() {
    let (home, file) = declared("2026-11-20");
    let ran = check(&home, &file, &["--format", "yaml"]);
    let document: Value = serde_saphyr::from_str(&ran.stdout).expect("YAML");
    let invocations = document["run"]["invocations"].as_object().expect("invocations");
    let (declared, measured): (Vec<_>, Vec<_>) = invocations
        .values()
        .partition(|one| one["cmd"].as_str().expect("a command").contains("stated by people, not measured"));
    assert_eq!((declared.len(), measured.len()), (1, 1));
    let expected = serde_json::json!({"availability-zones-check": -1, "key-manager-docs-check": 1});
    assert_eq!(declared[0]["results"], expected);
    assert!(measured[0]["results"]["key-manager-docs-check"].is_null());
    // After a week it is no official result any more.
    let later = check(&home, &file, &["--format", "yaml", "--date", "2026-11-30"]);
    assert!(!later.stdout.contains("not measured"));
}
