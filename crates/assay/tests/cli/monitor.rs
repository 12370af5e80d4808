//! `assay monitor` from outside.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A monitor that says where it is.
struct Served {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStderr>>,
    url: String,
}

fn serve(folder: &TempDir, arguments: &[&str]) -> Served {
    let mut child = Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(["monitor", "serve", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .env("ASSAY_STATE_DIR", folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let url = first.strip_prefix("the monitor is at ").unwrap_or_else(|| panic!("{first}")).to_owned();
    Served { child, lines, url }
}

impl Served {
    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn get(&self, path: &str) -> String {
        let url = format!("{}{path}", self.url);
        let got = Command::new("curl").args(["-s", "-w", " %{http_code}", &url]).output().unwrap();
        String::from_utf8(got.stdout).unwrap()
    }
}

#[test]
fn it_serves_without_configuration_until_it_is_told_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut served = serve(&folder, &[]);
    assert_eq!(served.get("healthz"), " 200");
    assert_eq!(served.get("status"), "{} 200");
    assert!(served.get("page/table").contains("No report has come in yet."));
    assert!(folder.path().join("monitor/monitor.sqlite").exists());
    served.signal("-TERM");
    assert_eq!(served.child.wait().unwrap().code(), Some(0));
}

#[test]
fn accounts_are_read_again_and_bad_ones_change_nothing() {
    // bcrypt of "example"
    const HASH: &str = "$2b$04$KuGFTKGzuWrwZnpEPyx4BOL1H04pogeLBC3uEl4umyOovLY7ulwn.";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("accounts.yaml");
    fs::write(&file, "accounts: []\n").unwrap();
    let mut served = serve(&folder, &["--bootstrap", file.to_str().unwrap()]);
    let reads = |served: &Served| {
        let got = Command::new("curl")
            .args(["-s", "-u", "a:example"])
            .arg(format!("{}reports", served.url))
            .output();
        String::from_utf8(got.unwrap().stdout).unwrap()
    };
    assert!(reads(&served).contains("Incorrect username or password"));
    fs::write(&file, format!("accounts: [{{subject: a, api_keys: ['{HASH}']}}]\n")).unwrap();
    served.signal("-HUP");
    assert_eq!(served.lines.next().unwrap().unwrap(), "accounts and scopes were read again");
    assert_eq!(reads(&served), "[]");
    fs::write(&file, "accounts: [{subject: b, rolls: []}]\n").unwrap();
    served.signal("-HUP");
    let told: Vec<String> =
        served.lines.by_ref().map(Result::unwrap).take_while(|line| !line.contains("help")).collect();
    let told = told.join("\n");
    assert!(told.starts_with("what was there stays: ") && told.contains("unknown key `rolls`"), "{told}");
    assert_eq!(reads(&served), "[]");
    served.signal("-INT");
    assert_eq!(served.child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_is_wrong_is_told_before_it_serves() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("accounts.yaml");
    fs::write(&file, "accounts:\n- {subject: a, api_keys: [geheim]}\n").unwrap();
    let no_scope = folder.path().join("scope.yaml");
    fs::write(&no_scope, "accounts: []\n").unwrap();
    for (arguments, expected) in [
        (&["--bootstrap", file.to_str().unwrap()][..], "accounts[0].api_keys[0]"),
        (&["--bootstrap", "/nowhere"], "/nowhere cannot be read"),
        (&["--scopes", no_scope.to_str().unwrap()], "unknown key `accounts`"),
        (&["--listen", "192.0.2.1:80"], "cannot listen on 192.0.2.1:80"),
        (&["--base-url", "compliance"], "expected an address"),
    ] {
        let ran = Command::new(env!("CARGO_BIN_EXE_assay"))
            .args(["monitor", "serve"])
            .args(arguments)
            .env("ASSAY_STATE_DIR", folder.path())
            .output()
            .unwrap();
        let stderr = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("geheim"), "{stderr}");
    }
    let away = "postgres://nobody:secret@127.0.0.1:1/x";
    let ran = Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(["monitor", "serve", "--database", away])
        .output()
        .unwrap();
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("the database says") && !stderr.contains("secret"), "{stderr}");
}
