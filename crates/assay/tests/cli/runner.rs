//! Who runs fleets: a folder with a configuration and all that it needs, and a monitor that knows it.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::uploaders::{Served, served};

/// The hash of `example`, which costs next to nothing to check.
const HASH: &str = "$2b$04$KuGFTKGzuWrwZnpEPyx4BOL1H04pogeLBC3uEl4umyOovLY7ulwn.";
/// `runner:example` in base64.
pub(crate) const TOKEN: &str = "cnVubmVyOmV4YW1wbGU=";

pub(crate) const CONFIG: &str = r#"
[secrets]
keyfile = "key"
tokenfile = "token"

[presets.default]
scopes = ["scs-compatible-iaas"]
subjects = ["unknown", "unreachable"]

[presets.scripted]
scopes = ["own"]
subjects = ["quick", "slow"]

[scopes.own]
spec = "own.yaml"

[subjects._.mapping]
os_cloud = "{subject}"
"#;

const SPEC: &str = "\
name: Own scope
uuid: 00000000-0000-4000-8000-000000000000
url: https://example.org/own.yaml
variables: [os_cloud]
scripts:
- executable: ./own.sh
  args: \"'{os_cloud}' {testcases}\"
  testcases:
  - {id: own-passes}
  - {id: own-silent}
modules:
- id: own
  name: Own
  url: https://example.org/own
  targets: {main: [own-passes, own-silent]}
timeline:
- {date: 2026-01-01, versions: {v1: effective}}
versions:
- {version: v1, stabilized_at: 2026-01-01, include: [own]}
";

/// The slow one is slow until somebody puts a file beside it; the bad one fails.
const SCRIPT: &str = "\
#!/bin/sh
echo run >> \"$1.runs\"
while [ \"$1\" = slow ] && ! [ -e hurry ]; do sleep 0.05; done
if [ \"$1\" = bad ]; then echo own-passes: FAIL; else echo own-passes: PASS; fi
";

const CLOUDS: &str = "clouds: {unreachable: {auth: {auth_url: 'http://127.0.0.1:1/v3', username: u, \
    user_domain_name: Default, project_domain_name: Default, password: p, project_name: p}}}\n";

/// What the monitor calls itself.
pub(crate) const BASE_URL: &str = "https://monitor.example.com/";

/// A runner's folder, with all that it needs.
pub(crate) struct Runner(TempDir);

impl Runner {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let runner = Runner(folder);
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(runner.path("key"))
            .status();
        assert!(made.expect("ssh-keygen is there").success());
        for (name, text) in [
            ("config.toml", CONFIG),
            ("own.yaml", SPEC),
            ("own.sh", SCRIPT),
            ("clouds.yaml", CLOUDS),
            ("token", TOKEN),
        ] {
            fs::write(runner.path(name), text).expect("a file");
        }
        let executable = Command::new("chmod").arg("+x").arg(runner.path("own.sh")).status();
        assert!(executable.expect("chmod is there").success());
        runner
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command
            .arg("fleet")
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.0.path())
            .current_dir(self.0.path());
        command
    }

    /// A monitor that knows the runner, and subjects that let it speak for them.
    pub(crate) fn monitor(&self) -> Served {
        let public = fs::read_to_string(self.path("key.pub")).expect("a key");
        let words: Vec<&str> = public.split_whitespace().collect();
        let mut accounts = format!(
            "accounts:\n- {{subject: runner, roles: [append_any, read_any], api_keys: ['{HASH}'], \
             keys: [{{public_key: {}, public_key_type: {}, public_key_name: a}}]}}\n",
            words[1], words[0]
        );
        for subject in ["unknown", "unreachable", "quick", "slow", "one", "two"] {
            writeln!(accounts, "- {{subject: {subject}, delegates: [runner]}}").expect("a text");
        }
        fs::write(self.path("accounts.yaml"), accounts).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command
            .args(["monitor", "serve", "--listen", "127.0.0.1:0", "--base-url", BASE_URL, "--bootstrap"])
            .arg(self.path("accounts.yaml"))
            .env("ASSAY_STATE_DIR", self.path("monitor"))
            .stderr(Stdio::piped());
        served(command)
    }
}

/// The UUIDs of the reports that a monitor has of a subject.
pub(crate) fn reports(monitor: &Served, subject: &str) -> Vec<Value> {
    let url = format!("{}reports?subject={subject}", monitor.url);
    let got =
        Command::new("curl").args(["-s", "--fail", "-u", "runner:example", &url]).output().expect("curl");
    let answer: Value = serde_json::from_slice(&got.stdout).expect("JSON");
    answer.as_array().expect("a list").clone()
}
