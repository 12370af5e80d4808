//! The program against a real OpenStack (see testbed/README.md). `./test` brings it up and says where it is.

#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where it cannot go on")]

mod conforming;
mod flavors;
mod fleet;
mod foreign;
mod images;
mod kill;
mod look;
mod monitor;
#[path = "../cli/runner.rs"]
mod runner;
#[path = "../cli/uploaders.rs"]
mod uploaders;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// The verdicts that the rules of the reference give for the seeded cloud (testbed/seed.yaml).
const OFFICIAL: &str = include_str!("../data/seeded-official.txt");
/// The verdicts that the texts of the standards give for it.
const TEXT: &str = include_str!("../data/seeded-text.txt");

/// The program with a state folder, about to be run against the testbed.
fn command(state: &Path, arguments: &[&str]) -> Command {
    let clouds = std::env::var("ASSAY_TESTBED_CLOUDS")
        .expect("ASSAY_TESTBED_CLOUDS names the clouds.yaml of a running testbed; ./test sets it, ./test --quick leaves these tests out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command
        .args(arguments)
        .env_remove("OS_CLOUD")
        .env("ASSAY_STATE_DIR", state)
        .env("OS_CLIENT_CONFIG_FILE", clouds);
    command
}

fn assay(arguments: &[&str]) -> Output {
    let state = folder();
    let output = command(state.path(), arguments).output().expect("the program runs");
    let journals = std::fs::read_dir(state.path().join("journal"));
    assert_eq!(journals.map_or(0, Iterator::count), 0, "a journal is left: {}", stdout(&output));
    output
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn document(arguments: &[&str]) -> Value {
    let output = assay(arguments);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn check(clouds: &[&str]) -> Value {
    document(&[&["check", "--format", "json"], clouds].concat())
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn the_seeded_cloud_gets_the_verdicts_of_the_rules_in_both_readings() {
    let folder = folder();
    let file = folder.path().join("cloud.snapshot").display().to_string();
    let official = assay(&["check", "testbed", "--record", &file, "--format", "lines"]);
    assert_eq!(stdout(&official), OFFICIAL);
    assert_eq!(official.status.code(), Some(1));
    let text = assay(&["check", "--snapshot", &file, "--format", "lines", "--reading", "text"]);
    assert_eq!(stdout(&text), TEXT);
    let replayed = assay(&["check", "--snapshot", &file, "--format", "lines"]);
    assert_eq!(stdout(&replayed), OFFICIAL);
}

#[test]
fn an_application_credential_sees_what_the_password_sees() {
    let lines = stdout(&assay(&["check", "testbed-appcred", "--read-only", "--format", "lines"]));
    let judged: Vec<&str> = lines.lines().filter(|line| !line.ends_with(": MISS")).collect();
    let probed =
        ["scs-0101-entropy-avail", "scs-0101-fips-test", "scs-0116-permissions", "scs-0117-test-backup"];
    let expected: Vec<&str> =
        OFFICIAL.lines().filter(|line| !probed.iter().any(|id| line.starts_with(id))).collect();
    assert_eq!(judged, expected);
}

#[test]
fn a_recording_is_judged_as_the_cloud_was() {
    let folder = folder();
    let file = folder.path().join("cloud.snapshot").display().to_string();
    let live = check(&["testbed", "--record", &file, "--testcases", "scs-0100|scs-0115|scs-0116|scs-0126"]);
    let replayed = check(&["--snapshot", &file, "--testcases", "scs-0100|scs-0115|scs-0116|scs-0126"]);
    let verdicts = |document: &Value| {
        let report = &document["reports"][0];
        (
            report["testcases"].clone(),
            report["versions"].clone(),
            report["unavailable"].clone(),
            report["judged_at"].clone(),
        )
    };
    assert_eq!(verdicts(&live), verdicts(&replayed));
}

#[test]
fn sections_say_what_may_be_done() {
    let methods = |arguments: &[&str]| {
        let live = check(&[&["testbed", "--testcases", "scs-0116|scs-0102"], arguments].concat());
        let calls = live["reports"][0]["timings"]["calls"].as_array().expect("calls").clone();
        let methods: BTreeSet<String> = calls
            .iter()
            .filter(|call| call["fact"] != "token")
            .map(|call| call["method"].as_str().expect("a method").to_owned())
            .collect();
        methods
    };
    assert_eq!(methods(&["--read-only"]), BTreeSet::from(["GET".to_owned()]));
    assert_eq!(methods(&["--sections", "light"]), BTreeSet::from(["GET".to_owned()]));
    assert!(methods(&["--sections", "medium"]).contains("DELETE"));
}

#[test]
fn a_section_alone_is_judged_by_what_was_read_for_it() {
    let live = check(&["testbed", "--testcases", "scs-0116|scs-0102", "--sections", "medium"]);
    let testcases = live["reports"][0]["testcases"].as_array().expect("testcases");
    assert!(testcases.len() > 2, "{testcases:#?}");
    for testcase in testcases {
        assert_ne!(testcase["official"], "ABORT", "{testcase:#}");
    }
}

#[test]
fn no_request_is_made_twice_and_each_fact_once() {
    let live = check(&["testbed", "--read-only"]);
    let calls = live["reports"][0]["timings"]["calls"].as_array().expect("calls").clone();
    let mut seen = BTreeSet::new();
    for call in &calls {
        assert!(seen.insert((call["method"].to_string(), call["url"].to_string())), "{call}");
        assert!(call["request_id"].is_string(), "{call}");
    }
    assert_eq!(seen.len(), 10, "the token, nine facts: {seen:?}");
}

#[test]
fn only_the_facts_that_are_needed_are_asked_for() {
    let live = check(&["testbed", "--testcases", "scs-0114-syntax"]);
    let calls = live["reports"][0]["timings"]["calls"].as_array().expect("calls").clone();
    let facts: BTreeSet<String> = calls.iter().map(|call| call["fact"].to_string()).collect();
    assert_eq!(facts, BTreeSet::from(["\"token\"".to_owned(), "\"volume_types\"".to_owned()]));
}

#[test]
fn an_unfit_token_aborts_everything_and_names_the_role() {
    for (cloud, word) in [
        ("testbed-admin", "roles admin and manager"),
        ("testbed-reader", "the role member"),
        ("testbed-denied", "401"),
    ] {
        let output = assay(&["check", cloud, "--format", "lines"]);
        assert_eq!(output.status.code(), Some(3), "{cloud}");
        assert!(
            stdout(&output).lines().all(|line| line.ends_with(": ABORT")),
            "{cloud}: {}",
            stdout(&output)
        );
        let people = stdout(&assay(&["check", cloud]));
        let words = people.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(word), "{cloud}: {people}");
    }
}

#[test]
fn several_clouds_are_checked_in_one_run() {
    let both = check(&["testbed", "testbed-two", "--read-only"]);
    let reports = both["reports"].as_array().expect("reports");
    let names: Vec<&Value> = reports.iter().map(|report| &report["subject"]["cloud"]).collect();
    assert_eq!(names, ["testbed", "testbed-two"]);
    let mixed = assay(&["check", "testbed", "testbed-denied", "--read-only", "--format", "lines"]);
    assert_eq!(mixed.status.code(), Some(1), "a failure weighs more than what could not be determined");
    assert!(stdout(&mixed).contains("# testbed-denied\n"));
    let unknown = assay(&["check", "testbed", "no-such-cloud"]);
    assert_eq!((unknown.status.code(), stdout(&unknown).as_str()), (Some(2), ""), "nothing is half done");
    assert!(
        String::from_utf8_lossy(&unknown.stderr).contains("testbed-appcred"),
        "the known clouds are listed"
    );
}

#[test]
fn no_secret_leaves_the_program() {
    let folder = folder();
    let file = folder.path().join("cloud.snapshot").display().to_string();
    let output = assay(&["check", "testbed-appcred", "-vvv", "--record", &file, "--format", "json"]);
    let clouds = std::env::var("ASSAY_TESTBED_CLOUDS").expect("checked before");
    let text = std::fs::read_to_string(clouds).expect("clouds.yaml");
    let secret = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("application_credential_secret:"))
        .expect("a secret")
        .trim()
        .trim_matches(['\'', '"']);
    let recording = zstd_text(&std::fs::read(&file).expect("the recording"));
    for (place, text) in [
        ("stdout", stdout(&output)),
        ("stderr", String::from_utf8_lossy(&output.stderr).into_owned()),
        ("recording", recording),
    ] {
        assert!(!text.is_empty(), "{place}");
        assert!(!text.contains(secret), "the secret is in {place}");
        assert!(!text.contains("gAAAA"), "a token is in {place}");
    }
}

/// The recording as text, by way of the program's own reader, which knows every field it keeps.
fn zstd_text(bytes: &[u8]) -> String {
    let inventory = assay_inventory::read_snapshot(bytes).expect("a recording");
    serde_json::to_string(&inventory).expect("JSON")
}

#[test]
fn the_doctor_finds_the_plain_member_fit_and_the_admin_unfit() {
    let points = |cloud: &str| -> BTreeMap<String, String> {
        let points = document(&["doctor", cloud, "--format", "json"]);
        let points = points.as_array().expect("points").iter();
        points
            .map(|point| {
                (point["about"].as_str().unwrap_or("").into(), point["state"].as_str().unwrap_or("").into())
            })
            .collect()
    };
    let fit = points("testbed");
    assert!(fit.values().all(|state| state != "bad"), "{fit:?}");
    for about in ["credentials", "token", "roles", "clock", "region", "TLS", "compute", "volumes", "networks"]
    {
        assert!(fit.contains_key(about), "{about}: {fit:?}");
    }
    assert_eq!(points("testbed-admin")["roles"], "bad");
    assert_eq!(assay(&["doctor", "testbed-admin"]).status.code(), Some(3));
    assert_eq!(assay(&["doctor", "testbed-denied"]).status.code(), Some(3));
}

#[test]
fn flavors_and_images_are_found_on_the_cloud() {
    let flavor =
        document(&["find", "flavor", "SCS-2V-8", "--cloud", "testbed", "--first", "--format", "json"]);
    assert_eq!(flavor["name"], "m5.large");
    let images = document(&[
        "find",
        "image",
        "--distro",
        "ubuntu",
        "--cloud",
        "testbed",
        "--cloud",
        "testbed-two",
        "--format",
        "json",
    ]);
    let clouds: BTreeSet<&str> =
        images.as_array().expect("images").iter().filter_map(|image| image["cloud"].as_str()).collect();
    assert_eq!(clouds.len(), 2);
}
