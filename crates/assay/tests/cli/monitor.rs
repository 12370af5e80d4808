//! `assay monitor` from outside.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, Connection as _, Executor as _};
use tempfile::TempDir;

/// The hash of `example`, which costs next to nothing to check.
const HASH: &str = "$2b$04$KuGFTKGzuWrwZnpEPyx4BOL1H04pogeLBC3uEl4umyOovLY7ulwn.";

/// A monitor that says where it is.
struct Served {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStderr>>,
    url: String,
}

fn serve(folder: &TempDir, arguments: &[&str]) -> Served {
    serve_at("127.0.0.1:0", folder, arguments)
}

fn serve_at(address: &str, folder: &TempDir, arguments: &[&str]) -> Served {
    let mut child = Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(["monitor", "serve", "--listen", address])
        .args(arguments)
        .env("ASSAY_STATE_DIR", folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let url = lines.find_map(|line| line.unwrap().strip_prefix("the monitor is at ").map(str::to_owned));
    let url = url.expect("it says where it is");
    Served { child, lines, url }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
fn the_first_account_is_made_by_an_invitation() {
    let folder = tempfile::tempdir().unwrap();
    let invite = |arguments: &[&str]| {
        let ran = Command::new(env!("CARGO_BIN_EXE_assay"))
            .args(["monitor", "invite"])
            .args(arguments)
            .env("ASSAY_STATE_DIR", folder.path())
            .output()
            .unwrap();
        let said = [ran.stdout, ran.stderr].map(|text| String::from_utf8(text).unwrap());
        (ran.status.code().unwrap(), said)
    };
    let (code, [_, stderr]) = invite(&["me"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("there is no database in"), "{stderr}");
    let served = serve(&folder, &[]);
    for (arguments, expected) in [
        (&["a/b"][..], "it has no / and no :"),
        (&["me", "--role", "root"], "there is no role \"root\""),
        (&["me", "--role"], "a value is required"),
    ] {
        let (code, [_, stderr]) = invite(arguments);
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    }
    let (code, [address, _]) =
        invite(&["me", "--role", "admin", "--role", "approve", "--base-url", &served.url]);
    assert_eq!(code, 0);
    assert!(address.starts_with(&format!("{}invitation/", served.url)), "{address}");
    assert_eq!(invite(&["me", "--role", "admin"]).0, 2, "roles are for new accounts");
    let jar = folder.path().join("cookies");
    let curl = |arguments: &[&str]| {
        let jar = jar.to_str().unwrap();
        let got = Command::new("curl").args(["-s", "-L", "-b", jar, "-c", jar]).args(arguments).output();
        String::from_utf8(got.unwrap().stdout).unwrap()
    };
    let password = "new_password=a few words together&again=a few words together";
    let desk = curl(&["-d", password, address.trim()]);
    assert!(desk.contains("Desk of me") && desk.contains("desk/accounts"), "{desk}");
    assert!(curl(&[&format!("{}desk/changes", served.url)]).contains("the operator"));
}

/// A monitor with samples in a temporary folder, and the password of its accounts.
fn serve_samples(address: &str, folder: &TempDir, samples: &TempDir) -> (Served, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(["monitor", "serve", "--demo", "--listen", address])
        .env("ASSAY_STATE_DIR", folder.path())
        .env("TMPDIR", samples.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut after = |begin: &str| {
        let after = |line: String| line.split_once(begin).map(|(_, after)| after.to_owned());
        lines.find_map(|line| after(line.unwrap())).unwrap()
    };
    let (password, url) = (after("have the password "), after("the monitor is at "));
    (Served { child, lines, url }, password)
}

#[test]
fn samples_are_gone_when_the_terminal_is() {
    let folder = tempfile::tempdir().unwrap();
    let samples = tempfile::tempdir().unwrap();
    let (mut served, _) = serve_samples("0.0.0.0:0", &folder, &samples);
    assert!(served.url.starts_with("http://127.0.0.1:"), "{}", served.url);
    let table = served.get("page/table");
    assert!(table.contains("href=\"http://127.0.0.1:") && !table.contains("0.0.0.0"), "{table}");
    served.signal("-HUP");
    assert_eq!(served.child.wait().unwrap().code(), Some(0));
    assert_eq!(fs::read_dir(samples.path()).unwrap().count(), 0);
}

#[test]
fn samples_can_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let samples = tempfile::tempdir().unwrap();
    let (mut served, password) = serve_samples("127.0.0.1:0", &folder, &samples);
    let table = served.get("page/table");
    for told in ["<strong>Samples.</strong>", "failing", "tentative", "undecided", "missing", "certified"] {
        assert!(table.contains(told), "{told}: {table}");
    }
    let certificates = served.get("markdown/certificates");
    for told in ["| valid |", "| expired |", "| revoked on ", "(http://127.0.0.1:"] {
        assert!(certificates.contains(told), "{told}: {certificates}");
    }
    let applications = Command::new("curl")
        .args(["-s", "-u", &format!("demo-assessor:{password}")])
        .arg(format!("{}api/v1/applications", served.url))
        .output()
        .unwrap();
    let applications = String::from_utf8(applications.stdout).unwrap();
    assert!(applications.contains("\"submitted\"") && applications.contains("\"asked\""), "{applications}");
    served.signal("-TERM");
    assert_eq!(served.child.wait().unwrap().code(), Some(0));
    // Nothing of it stays anywhere.
    for left in [&folder, &samples] {
        assert_eq!(fs::read_dir(left.path()).unwrap().count(), 0);
    }
    let with_data = Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(["monitor", "serve", "--demo", "--data", "x"])
        .output()
        .unwrap();
    assert_eq!(with_data.status.code(), Some(2));
}

#[test]
fn accounts_are_read_again_and_bad_ones_change_nothing() {
    // bcrypt of "example"
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
    assert_eq!(
        served.lines.next().unwrap().unwrap(),
        "accounts, scopes, notices and identities were read again"
    );
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
        // Minutes, where somebody meant months.
        (&["--keep-reports", "18m"], "a month at least, such as 18mo"),
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

#[test]
fn only_a_reference_monitor_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    for (from, code, expected) in [
        ("sqlite:///tmp/x", 2, "is one of PostgreSQL"),
        ("postgres://nobody:secret@127.0.0.1:1/x", 3, "the database of the reference monitor says"),
    ] {
        let (exit, said) = assay(&folder, &["monitor", "import", "--from", from]);
        assert_eq!(exit, Some(code), "{said}");
        assert!(said.contains(expected) && !said.contains("secret"), "{said}");
    }
    assert!(!folder.path().join("monitor").exists(), "nothing is made before it is known what from");
}

/// What `assay` says with these arguments, and its exit code.
fn assay(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    let output = command.args(arguments).env("ASSAY_STATE_DIR", folder.path()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// Makes a key and signs a report of the reference checker; what curl would send.
fn signed_report(folder: &TempDir) -> (String, String) {
    let key = folder.path().join("key");
    let file = folder.path().join("report.yaml");
    let report = "---
spec: {uuid: 1fffebe6-fd4b-44d3-a36c-fc58b4bb0180, name: a scope, url: https://example.com}
checked_at: 2026-11-22 10:00:00
subject: mycloud
run:
  uuid: 545b0b2b-493e-4b63-99aa-1c02e05d33e4
  argv: []
  assignment: {}
  invocations: {one: {id: one, cmd: check, results: {version-policy-check: 1}, rc: 0, stdout: [], stderr: []}}
";
    fs::write(&file, report).unwrap();
    let run = |arguments: &[&str]| {
        assert!(Command::new("ssh-keygen").arg("-q").args(arguments).status().unwrap().success());
    };
    let [key, file] = [&key, &file].map(|path| path.to_str().unwrap());
    run(&["-t", "ed25519", "-N", "", "-f", key]);
    run(&["-Y", "sign", "-n", "report", "-f", key, file]);
    let public = fs::read_to_string(format!("{key}.pub")).unwrap();
    let signature = fs::read_to_string(format!("{file}.sig")).unwrap();
    (public, format!("{signature}&{report}"))
}

#[test]
fn a_log_that_was_changed_is_told_from_one_that_grew() {
    let folder = tempfile::tempdir().unwrap();
    let (public, body) = signed_report(&folder);
    let words: Vec<&str> = public.split_whitespace().collect();
    let file = folder.path().join("accounts.yaml");
    let accounts = format!(
        "accounts:
- subject: mycloud
  api_keys: ['{HASH}']
  keys: [{{public_key: {}, public_key_type: {}, public_key_name: a}}]
",
        words[1], words[0]
    );
    fs::write(&file, accounts).unwrap();
    let served = serve(&folder, &["--bootstrap", file.to_str().unwrap()]);
    let url = &served.url.clone();
    let (code, empty) = assay(&folder, &["monitor", "verify-log", url]);
    assert_eq!(code, Some(0), "{empty}");
    assert!(empty.contains("the log says that its key is assay-monitor/log+"), "{empty}");
    assert!(empty.contains("assay-monitor/log: 0 entries, signed\n"), "{empty}");

    let upload = folder.path().join("upload");
    fs::write(&upload, &body).unwrap();
    let sent = Command::new("curl")
        .args([
            "-s",
            "--fail-with-body",
            "--user",
            "mycloud:example",
            "-H",
            "Content-Type: application/x-signed-yaml",
        ])
        .args(["--data-binary", &format!("@{}", upload.display()), &format!("{url}reports")])
        .output()
        .unwrap();
    assert!(sent.status.success(), "{sent:?}");
    let (code, grown) = assay(&folder, &["monitor", "verify-log", url]);
    assert_eq!(
        (code, grown.as_str()),
        (Some(0), "assay-monitor/log: 1 entry, signed; it begins with the 0 that were there the last time\n")
    );

    // All of it is taken away; the log in it is the same.
    let [export, taken] = ["export", "taken"].map(|name| folder.path().join(name));
    let export = export.to_str().unwrap();
    let (code, told) = assay(&folder, &["monitor", "export", "--to", export]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("submissions: 1, results: 1, certificates: 0, entries of the log: 1\n"), "{told}");
    assert_eq!(fs::metadata(export).unwrap().permissions().mode() & 0o777, 0o700);
    let (code, told) = assay(&folder, &["monitor", "verify-log", &format!("{export}/log")]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = assay(&folder, &["monitor", "export", "--to", export]);
    assert!(code == Some(2) && told.contains("no empty folder"), "{told}");
    fs::write(&taken, "").unwrap();
    let taken = taken.to_str().unwrap();
    assert_eq!(assay(&folder, &["monitor", "export", "--to", taken]).0, Some(2));
    let foreign = format!("{}/key", folder.path().display());
    let bad_key = ["monitor", "export", "--to", &format!("{export}2"), "--key", &foreign];
    assert_eq!(assay(&folder, &bad_key).0, Some(2));
    let left = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name());
    assert!(
        !left.into_iter().any(|name| name.to_string_lossy().contains("export2")),
        "nothing half-written stays"
    );

    // A proof is taken away, and says nothing about another report.
    let [proof, key] = ["proof", "log-key"].map(|name| folder.path().join(name));
    fs::write(&proof, served.get("log/proof/545b0b2b-493e-4b63-99aa-1c02e05d33e4").trim_end_matches(" 200"))
        .unwrap();
    fs::write(&key, served.get("log/key").trim_end_matches(" 200")).unwrap();
    let [proof, key, report] = [&proof, &key, &upload].map(|path| path.to_str().unwrap());
    let arguments = ["monitor", "verify-log", "--proof", proof, "--key", key, "--report", report];
    let (code, said) = assay(&folder, &arguments);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("\"subject\": \"mycloud\"") && said.contains("is entry 0 of assay-monitor/log"),
        "{said}"
    );
    fs::write(&upload, body.replace(": 1}", ": 0}")).unwrap();
    let (code, said) = assay(&folder, &arguments);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("is not what this entry of the log is about"), "{said}");

    let (code, said) = assay(&folder, &["monitor", "verify"]);
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "reports: 1, entries of the log: 1, all is as it was accepted\n")
    );

    // All of it can be taken elsewhere, by nobody but who runs it.
    let [file, other] = ["monitor.backup", "other"].map(|name| folder.path().join(name));
    let (code, said) = assay(&folder, &["monitor", "backup", file.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let data = ["--data", other.to_str().unwrap()];
    let restore = [&["monitor", "restore", file.to_str().unwrap()], &data[..]].concat();
    assert_eq!(assay(&folder, &restore).0, Some(0));
    let (code, said) = assay(&folder, &[&["monitor", "verify"], &data[..]].concat());
    assert_eq!((code, said.contains("reports: 1, entries of the log: 1, all is as it was")), (Some(0), true));
    let (code, said) = assay(&folder, &restore);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("the database is not empty"), "{said}");
    let broken = [&["monitor", "restore", report], &data[..]].concat();
    assert_eq!(assay(&folder, &broken).0, Some(2));

    // One that cannot be read any more is named, and is no end of the rest.
    install_default_drivers();
    let database = format!("sqlite://{}/monitor.sqlite", other.display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = AnyConnection::connect(&database).await.unwrap();
        connection.execute("UPDATE submission SET payload = X'00'").await.unwrap();
    });
    let (code, said) = assay(&folder, &[&["monitor", "verify"], &data[..]].concat());
    let uuid = "545b0b2b-493e-4b63-99aa-1c02e05d33e4";
    assert_eq!((code, said.contains(uuid) && said.contains("findings: 1")), (Some(1), true), "{said}");
    let export = folder.path().join("what-can-be-read");
    let to = ["monitor", "export", "--to", export.to_str().unwrap()];
    let (code, said) = assay(&folder, &[&to, &data[..]].concat());
    assert_eq!((code, said.contains("left_out.csv")), (Some(1), true), "{said}");
    assert!(fs::read_to_string(export.join("left_out.csv")).unwrap().contains(uuid));

    // Another log in its place, and then the same one with nothing in it.
    drop(served);
    let state = folder.path().join("monitor");
    let key = fs::read(state.join("log.pem")).unwrap();
    let remembered = folder.path().join("logs");
    fs::remove_file(state.join("monitor.sqlite")).unwrap();
    let again = serve(&folder, &[]);
    let name = |url: &str| format!("{}.json", url.trim_end_matches('/').replace([':', '/'], "_"));
    fs::rename(remembered.join(name(url)), remembered.join(name(&again.url))).unwrap();
    let (code, said) = assay(&folder, &["monitor", "verify-log", &again.url]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the log has 0 entries, and had 1 before"), "{said}");
    assert_eq!(fs::read(state.join("log.pem")).unwrap(), key, "the key stays");
}

#[test]
fn a_certificate_is_told_from_what_is_none_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("accounts.yaml");
    let accounts = format!(
        "accounts:\n- {{subject: mycloud, api_keys: ['{HASH}']}}\n\
         - {{subject: assessor, roles: [approve], api_keys: ['{HASH}']}}\n"
    );
    fs::write(&file, accounts).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (address, url) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}/"));
    let served = serve_at(
        &address,
        &folder,
        &["--bootstrap", file.to_str().unwrap(), "--base-url", &url, "--issuer", "We"],
    );
    assert_eq!(served.url, url);
    let send = |account: &str, path: &str, body: serde_json::Value| -> serde_json::Value {
        let json = "Content-Type: application/json";
        let sent = Command::new("curl")
            .args(["-s", "--fail-with-body", "--user", &format!("{account}:example"), "-H", json])
            .args(["--data", &body.to_string(), &format!("{url}api/v1/{path}")])
            .output()
            .unwrap();
        assert!(sent.status.success(), "{sent:?}");
        serde_json::from_slice(&sent.stdout).unwrap()
    };
    let spec = assay_standards::scope::Spec::embedded_kaas();
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let in_force = spec.validity(today);
    let (version, _) = in_force.iter().find(|(_, validity)| validity.certifiable()).unwrap();
    let application = send(
        "mycloud",
        "applications",
        serde_json::json!({
            "subject": "mycloud", "scope": spec.uuid, "version": version.name, "organisation": "A company",
            "covers": "all", "contact": "somebody", "evidence": "none",
        }),
    );
    let moves = format!("applications/{}/moves", application["application"].as_str().unwrap());
    let made = serde_json::json!({"move": "grant", "text": "for the test", "despite": true});
    let granted = send("assessor", &moves, made);
    let uuid = granted["certificate"].as_str().unwrap();

    // By the address that the QR code and the badge lead to.
    let page = format!("{url}page/certificate/{uuid}");
    let key = folder.path().join("log-key");
    fs::write(&key, served.get("log/key").trim_end_matches(" 200")).unwrap();
    let verify = |what: &[&str]| assay(&folder, &[&["monitor", "verify-certificate"], what].concat());
    let (code, said) = verify(&[&page, "--key", key.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with(&format!("certificate 1, SCS-compatible KaaS {} for mycloud\n", version.name)));
    assert!(
        said.contains("operated by A company; covers all\n") && said.contains(", granted by We\n"),
        "{said}"
    );
    // As a file, without the network.
    let certificate = folder.path().join("certificate.json");
    let document = served.get(&format!("certificates/{uuid}/credential.json"));
    let document = document.trim_end_matches(" 200");
    fs::write(&certificate, document).unwrap();
    let certificate = certificate.to_str().unwrap();
    let (code, said) = verify(&[certificate]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("whether it was revoked was not looked at"), "{said}");
    assert!(said.contains("the certificate says that did:key:z6Mk"), "{said}");
    // By the key of another monitor.
    let signer = assay_transparency::Signer::generate().unwrap();
    let other = assay_transparency::Signer::read("other", &signer).unwrap().key().to_string();
    let (code, said) = verify(&[certificate, "--key", &other]);
    assert_eq!(code, Some(1), "{said}");
    fs::write(certificate, document.replace("A company", "Another company")).unwrap();
    let (code, said) = verify(&[certificate]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the signature is not that of"), "{said}");

    send(
        "assessor",
        &format!("certificates/{uuid}/revocation"),
        serde_json::json!({"reason": "it was a test"}),
    );
    let (code, said) = verify(&[&page]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("was revoked on ") && said.contains("a test"), "{said}");
    let list = folder.path().join("revoked.json");
    fs::write(&list, served.get("certificates/revoked.json").trim_end_matches(" 200")).unwrap();
    fs::write(certificate, document).unwrap();
    assert_eq!(verify(&[certificate, "--revoked", list.to_str().unwrap()]).0, Some(1));
    let (code, said) = verify(&[&format!("{url}nowhere")]);
    assert_eq!(code, Some(3), "{said}");
}
