//! Scripts of a spec of one's own.

use crate::support::{Home, recording};

const SPEC: &str = "\
name: Own scope
uuid: 00000000-0000-4000-8000-000000000000
url: https://example.org/own.yaml
variables: [os_cloud]
scripts:
- executable: ./no-such-script
  args: -c {os_cloud} {testcases}
  testcases:
  - {id: scs-0100-syntax-check}
- executable: ./own.sh
  args: \"'{os_cloud}' {testcases}\"
  testcases:
  - {id: own-passes}
  - {id: own-fails}
  - {id: own-silent}
modules:
- id: own
  name: Own
  url: https://example.org/own
  targets: {main: [scs-0100-syntax-check, own-passes, own-fails, own-silent]}
timeline:
- {date: 2026-01-01, versions: {v1: effective}}
versions:
- {version: v1, stabilized_at: 2026-01-01, include: [own]}
";

const SCRIPT: &str = "#!/bin/sh\necho \"INFO: cloud $1\"\necho 'own-passes: PASS'\necho 'own-fails : fail'\n";

fn home() -> (Home, String) {
    let home = Home::new();
    let spec = home.file("spec/own.yaml", SPEC);
    let script = home.file("spec/own.sh", SCRIPT);
    std::process::Command::new("chmod").args(["+x", &script]).status().unwrap();
    home.file(
        "clouds.yaml",
        "clouds: {nowhere: {auth: {auth_url: 'http://127.0.0.1:1/v3', username: u, user_domain_name: Default, project_domain_name: Default, password: p, project_name: p}}}",
    );
    (home, spec)
}

#[test]
fn unknown_testcases_are_missed_unless_scripts_are_allowed() {
    let (home, spec) = home();
    let recorded = home.run(&["check", "--snapshot", &recording(), "--spec", &spec, "--format", "lines"]);
    assert_eq!(
        recorded.stdout, "scs-0100-syntax-check: FAIL\nown-passes: MISS\nown-fails: MISS\nown-silent: MISS\n",
        "known ids are judged natively, whatever script the spec names"
    );
    let live = home.run(&["check", "nowhere", "--spec", &spec, "--format", "lines"]);
    assert_eq!(
        live.stdout,
        "scs-0100-syntax-check: ABORT\nown-passes: MISS\nown-fails: MISS\nown-silent: MISS\n"
    );
    let allowed = home.run(&["check", "nowhere", "--spec", &spec, "--allow-scripts", "--format", "lines"]);
    assert_eq!(
        allowed.stdout,
        "scs-0100-syntax-check: ABORT\nown-passes: PASS\nown-fails: FAIL\nown-silent: MISS\n"
    );
}
