//! A fleet of two subjects, which are the same cloud, and a monitor that shows both.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::OFFICIAL;
use crate::runner::{CONFIG, Runner, reports};

/// What only a virtual machine can tell, which the sections of the run leave out.
const OF_A_MACHINE: [&str; 3] = ["scs-0101-entropy-avail", "scs-0101-fips-test", "scs-0101-rngd"];

#[test]
fn two_subjects_reach_the_overview_in_one_command() {
    let runner = Runner::new();
    let preset = r#"
[presets.both]
scopes = ["scs-compatible-iaas"]
subjects = ["one", "two"]

[subjects.one.mapping]
os_cloud = "testbed"

[subjects.two.mapping]
os_cloud = "testbed"
"#;
    fs::write(runner.path("config.toml"), format!("{CONFIG}{preset}")).expect("a file");
    let monitor = runner.monitor();
    let clouds = std::env::var("ASSAY_TESTBED_CLOUDS").expect("./test sets it");
    let output = runner
        .command(&["run", "--preset", "both", "--monitor-url", &monitor.url])
        .env("OS_CLIENT_CONFIG_FILE", &clouds)
        .output()
        .expect("it runs");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");

    let expected: BTreeMap<&str, i8> = OFFICIAL
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(id, _)| !OF_A_MACHINE.contains(id))
        .filter_map(|(id, verdict)| match verdict {
            "PASS" => Some((id, 1)),
            "FAIL" => Some((id, -1)),
            "ABORT" => Some((id, 0)),
            _ => None,
        })
        .collect();
    for subject in ["one", "two"] {
        let [report] = &reports(&monitor, subject)[..] else { panic!("one report of {subject}") };
        let invocations = report["run"]["invocations"].as_object().expect("a map");
        let results: BTreeMap<&str, i8> = invocations
            .values()
            .flat_map(|invocation| invocation["results"].as_object().expect("a map"))
            .map(|(id, result)| {
                (id.as_str(), result.as_i64().and_then(|code| code.try_into().ok()).expect("a code"))
            })
            .collect();
        assert_eq!(results, expected, "{subject}");
    }
    let page =
        Command::new("curl").args(["-s", &format!("{}page/table", monitor.url)]).output().expect("curl");
    let page = String::from_utf8(page.stdout).expect("UTF-8");
    assert!(page.contains("/one") && page.contains("/two"), "{page}");

    // The monitor has all that a run gives, so that nothing is left to be checked.
    let missing = ["run", "--preset", "both", "--monitor-url", &monitor.url, "--missing-from", &monitor.url];
    let output = runner
        .command(&[&missing[..], &["--events", "jsonl"]].concat())
        .env("OS_CLIENT_CONFIG_FILE", &clouds)
        .output()
        .expect("it runs");
    let begun = output.stdout.split(|byte| *byte == b'\n').next().expect("a line");
    let begun: Value = serde_json::from_slice(begun).expect("JSON");
    let undecided = expected.values().any(|code| *code == 0);
    assert_eq!(begun["subjects"].as_u64(), Some(if undecided { 2 } else { 0 }), "{begun}");
}
