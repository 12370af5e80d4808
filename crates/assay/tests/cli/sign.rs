//! `assay sign` and `assay verify`, beside `ssh-keygen`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use crate::support::{Home, Ran, json};

const REPORT: &str = "---\nsubject: mycloud\n";

/// A home with a report and a key, which may have a passphrase, and its public line.
fn home(passphrase: &str) -> (Home, String) {
    let home = Home::new();
    home.file("report.yaml", REPORT);
    keygen(&home, &["-q", "-t", "ed25519", "-N", passphrase, "-a", "1", "-C", "jane's key", "-f", "key"]);
    let line = fs::read_to_string(home.path().join("key.pub")).unwrap();
    (home, line.trim().to_owned())
}

fn keygen(home: &Home, arguments: &[&str]) {
    let ran = Command::new("ssh-keygen").args(arguments).current_dir(home.path()).output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

fn fingerprint(home: &Home) -> String {
    let ran = Command::new("ssh-keygen").args(["-l", "-f", "key.pub"]).current_dir(home.path()).output();
    String::from_utf8(ran.unwrap().stdout).unwrap().split(' ').nth(1).unwrap().to_owned()
}

/// Whether `ssh-keygen` verifies the signature beside a file.
fn verified(home: &Home, file: &str) -> bool {
    let line = fs::read_to_string(home.path().join("key.pub")).unwrap();
    home.file("their-signers", format!("jane {line}"));
    let ran = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-f", "their-signers", "-I", "jane", "-n", "report", "-s"])
        .arg(format!("{file}.sig"))
        .current_dir(home.path())
        .stdin(fs::File::open(home.path().join(file)).unwrap())
        .output();
    ran.unwrap().status.success()
}

fn words(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

/// Fails with a code and says so.
fn failed(ran: &Ran, code: i32, expected: &str) {
    let said = words(&ran.stderr);
    assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{said}");
    assert!(said.contains(expected), "{said}");
}

#[test]
fn files_are_signed_as_ssh_keygen_signs_them() {
    let (home, line) = home("");
    home.file("other.yaml", "another\n");
    let ran = home.run(&["sign", "report.yaml", "other.yaml", "--key", "key"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let key = fingerprint(&home);
    assert!(
        ran.stderr.contains(&format!("report.yaml.sig: signed with {key} for \"report\"")),
        "{}",
        ran.stderr
    );
    assert!(verified(&home, "report.yaml") && verified(&home, "other.yaml"));
    // What is there stays, and nobody is asked.
    let before = fs::read(home.path().join("report.yaml.sig")).unwrap();
    fs::remove_file(home.path().join("other.yaml.sig")).unwrap();
    home.file("report.yaml", "changed\n");
    failed(
        &home.run(&["sign", "other.yaml", "report.yaml", "--key", "key"]),
        2,
        "report.yaml.sig is there already",
    );
    assert_eq!(fs::read(home.path().join("report.yaml.sig")).unwrap(), before);
    assert!(!home.path().join("other.yaml.sig").exists());
    assert!(!verified(&home, "report.yaml"));
    let ran = home.run(&["sign", "report.yaml", "--key", "key", "--force", "--quiet"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(verified(&home, "report.yaml"));
    // What is piped in and out.
    let piped = home.run_with(&["sign", "-", "--key", "key"], "changed\n");
    assert_eq!(piped.stdout, fs::read_to_string(home.path().join("report.yaml.sig")).unwrap());
    let ran = home
        .run_with(&["verify", "-", "--signature", "report.yaml.sig", "--signers", "key.pub"], "changed\n");
    assert_eq!(ran.stdout, format!("-: signed by jane's key\nkey {key}, for \"report\"\n"), "{line}");
    failed(&home.run(&["sign", "nowhere", "--key", "key"]), 2, "nowhere cannot be read");
    failed(
        &home.run(&["sign", "report.yaml", "--force", "--key", "key", "--namespace", ""]),
        2,
        "--namespace",
    );
}

#[test]
fn what_ssh_keygen_signed_is_verified() {
    let (home, line) = home("");
    keygen(&home, &["-q", "-Y", "sign", "-f", "key", "-n", "report", "report.yaml"]);
    let key = fingerprint(&home);
    let verify = |arguments: &[&str]| home.run(&[&["verify", "report.yaml"], arguments].concat());
    home.file(
        "allowed",
        format!("# us\njane@example.org,ci namespaces=\"rep*\" {line}\nca cert-authority {line}\n"),
    );
    let ran = verify(&["--signers", "allowed"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        ran.stdout,
        format!("report.yaml: signed by jane@example.org,ci\nkey {key}, for \"report\"\n")
    );
    assert!(ran.stderr.contains("allowed: line 3: certificates are not verified here"), "{}", ran.stderr);
    let ran = verify(&["--signers", "allowed", "--format", "json"]);
    let told = json(&ran.stdout);
    assert_eq!((ran.code, &told["verified"]), (0, &true.into()));
    assert_eq!(told["signers"][0], "jane@example.org,ci");
    assert_eq!((&told["fingerprint"], &told["namespace"]), (&key.into(), &"report".into()));
    // The accounts of a monitor, of which two have the key.
    let (kind, base64) = line.split_once(' ').unwrap();
    let base64 = base64.split(' ').next().unwrap();
    let keys = format!("keys: [{{public_key: {base64}, public_key_type: {kind}, public_key_name: primary}}]");
    home.file(
        "bootstrap.yaml",
        format!("accounts:\n- {{subject: a, {keys}}}\n- {{subject: b, {keys}}}\n- {{subject: c}}\n"),
    );
    assert!(verify(&["--signers", "bootstrap.yaml"]).stdout.contains("signed by a, b\n"));
    // Keys that begin and end.
    home.file("timed", format!("jane valid-after=\"20260101Z\",valid-before=\"20270101Z\" {line}\n"));
    assert_eq!(verify(&["--signers", "timed", "--now", "2026-06-01T00:00:00Z"]).code, 0);
    for (now, expected) in [
        ("2025-06-01T00:00:00Z", "jane is not valid before 2026-01-01T00:00:00Z"),
        ("2027-06-01T00:00:00Z", "jane was valid until 2027-01-01T00:00:00Z"),
    ] {
        failed(&verify(&["--signers", "timed", "--now", now]), 1, expected);
    }
    // Times without a zone are those of the machine.
    home.file("local", format!("jane valid-after=\"202606011200\" {line}\n"));
    for (zone, code) in [("UTC", 1), ("Asia/Tokyo", 0)] {
        let arguments = ["verify", "report.yaml", "--signers", "local", "--now", "2026-06-01T05:00:00Z"];
        assert_eq!(home.run_in(&arguments, "", &[("TZ", zone)]).code, code, "{zone}");
    }
}

#[test]
fn what_does_not_verify_says_why() {
    let (home, line) = home("");
    keygen(&home, &["-q", "-t", "ed25519", "-N", "", "-f", "other"]);
    assert_eq!(home.run(&["sign", "report.yaml", "--key", "key"]).code, 0);
    let verify = |arguments: &[&str]| home.run(&[&["verify", "report.yaml"], arguments].concat());
    failed(&verify(&["--signers", "other.pub"]), 1, "which is not registered");
    assert_eq!(verify(&["--signers", "other.pub", "--signers", "key.pub"]).code, 0);
    failed(
        &verify(&["--signers", "key.pub", "--namespace", "file"]),
        1,
        "for the namespace \"report\", not for \"file\"",
    );
    home.file("allowed", format!("jane namespaces=\"file\" {line}\n"));
    failed(&verify(&["--signers", "allowed"]), 1, "jane may sign for file, and not for \"report\"");
    home.file("report.yaml", "changed\n");
    failed(&verify(&["--signers", "key.pub"]), 1, "one of both was changed");
    let ran = verify(&["--signers", "key.pub", "--format", "json"]);
    let told = json(&ran.stdout);
    assert_eq!((ran.code, &told["verified"], &told["signers"]), (1, &false.into(), &json("[]")));
    assert!(told["why"].as_str().unwrap().contains("was changed"), "{told}");
    home.file("report.yaml.sig", "nonsense");
    failed(&verify(&["--signers", "key.pub"]), 1, "this is no signature");
    fs::remove_file(home.path().join("report.yaml.sig")).unwrap();
    failed(&verify(&["--signers", "key.pub"]), 2, "report.yaml.sig cannot be read");
    // Files that allow nobody anything.
    home.file("report.yaml.sig", "nonsense");
    home.file("ca", format!("jane cert-authority {line}\n"));
    home.file("empty.yaml", "accounts: []\n");
    for file in ["ca", "empty.yaml", "report.yaml"] {
        failed(&verify(&["--signers", file]), 2, &format!("{file}: nobody may sign according to it"));
    }
    failed(&verify(&["--signers", "key"]), 2, "key is a private key");
    failed(&verify(&[]), 2, "--signers");
    failed(&home.run(&["verify", "-", "--signers", "key.pub"]), 2, "--signature names it");
}

#[test]
fn keys_that_do_not_sign_say_what_to_do() {
    let (home, _) = home("");
    let sign = |key: &str| home.run(&["sign", "report.yaml", "--key", key]);
    keygen(&home, &["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f", "pem"]);
    failed(&sign("nowhere"), 2, "nowhere: there is no such key file");
    failed(&sign("pem"), 2, "`ssh-keygen -p -f FILE` writes it as OpenSSH does");
    failed(&sign("report.yaml"), 2, "this is no private key as `ssh-keygen` writes it");
    // A public key and a fingerprint are for an agent, and there is none.
    for key in ["key.pub", "SHA256:whatever"] {
        failed(&sign(key), 3, "there is no ssh-agent: $SSH_AUTH_SOCK is not set");
    }
    failed(&home.run(&["sign", "report.yaml"]), 3, "--key names a file with a private key");
    let away = home.run_in(&["sign", "report.yaml"], "", &[("SSH_AUTH_SOCK", "/no/such/agent")]);
    failed(&away, 3, "the ssh-agent at /no/such/agent cannot be asked");
    assert!(!home.path().join("report.yaml.sig").exists());
    // ssh-keygen would refuse it.
    fs::set_permissions(home.path().join("key"), fs::Permissions::from_mode(0o644)).unwrap();
    let ran = sign("key");
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("key is open to others (mode 0644); `chmod 600 key`"), "{}", ran.stderr);
}

#[test]
fn a_passphrase_comes_from_a_file_where_nobody_can_be_asked() {
    let (home, _) = home("secret words");
    let sign = |arguments: &[&str]| home.run(&[&["sign", "report.yaml", "--key", "key"], arguments].concat());
    failed(&sign(&[]), 2, "the key is encrypted, and no passphrase was given");
    home.file("wrong", "secret word\n");
    failed(&sign(&["--passphrase-file", "wrong"]), 2, "the passphrase is wrong");
    failed(&sign(&["--passphrase-file", "nowhere"]), 2, "nowhere cannot be read");
    home.file("right", "secret words\nand a second line\n");
    let ran = sign(&["--passphrase-file", "right"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(verified(&home, "report.yaml"));
}

/// Runs a script on a terminal of its own, types something at the prompt, and gives what was shown.
fn typed(home: &Home, script: &str, keys: &str) -> String {
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", script, "/dev/null"])
        .current_dir(home.path())
        .env("ASSAY", env!("CARGO_BIN_EXE_assay"))
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut shown = Vec::new();
    let stdout = child.stdout.as_mut().unwrap();
    let mut byte = [0];
    while !shown.ends_with(b"Passphrase of key: ") {
        stdout.read_exact(&mut byte).expect("a prompt");
        shown.extend(byte);
    }
    child.stdin.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    child.stdout.as_mut().unwrap().read_to_end(&mut shown).unwrap();
    child.wait().unwrap();
    String::from_utf8(shown).unwrap()
}

#[test]
fn a_passphrase_is_asked_for_on_the_terminal_and_not_shown() {
    let (home, _) = home("secret words");
    let script = "\"$ASSAY\" sign report.yaml --key key; echo code $?; stty -a";
    let shown = typed(&home, script, "secret words\n");
    assert!(shown.contains("code 0") && !shown.contains("secret"), "{shown}");
    assert!(shown.contains(" echo "), "what is typed is shown again: {shown}");
    assert!(verified(&home, "report.yaml"));
    let again = script.replace("sign", "sign --force");
    let shown = typed(&home, &again, "something else\n");
    assert!(shown.contains("code 2") && shown.contains("the passphrase is wrong"), "{shown}");
    // Ctrl-C leaves the terminal as it was; the shell lives on.
    let shown = typed(&home, &format!("trap : INT; {again}"), "sec\u{3}");
    assert!(shown.contains("code 130") && shown.contains(" echo ") && !shown.contains("sec"), "{shown}");
}

/// The real one, which ends with the test.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_agent_signs_with_the_key_that_is_named() {
    let (home, _) = home("");
    let socket = home.path().join("agent").display().to_string();
    let mut agent =
        Command::new("ssh-agent").args(["-D", "-a", &socket]).stdout(Stdio::piped()).spawn().unwrap();
    // It says where it is as soon as it listens.
    let mut line = String::new();
    BufReader::new(agent.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let _agent = Agent(agent);
    let add = |name: &str| {
        let added = Command::new("ssh-add")
            .args(["-q", name])
            .env("SSH_AUTH_SOCK", &socket)
            .current_dir(home.path())
            .status();
        assert!(added.unwrap().success());
    };
    let sign = |arguments: &[&str]| {
        home.run_in(
            &[&["sign", "report.yaml", "--force"], arguments].concat(),
            "",
            &[("SSH_AUTH_SOCK", &socket)],
        )
    };
    failed(&sign(&[]), 2, "the ssh-agent has no key");
    add("key");
    assert_eq!(sign(&[]).code, 0);
    assert!(verified(&home, "report.yaml"));
    keygen(&home, &["-q", "-t", "ecdsa", "-N", "", "-f", "other"]);
    failed(&sign(&["--key", "other.pub"]), 2, "the ssh-agent does not have the key SHA256:");
    add("other");
    failed(&sign(&[]), 2, "the ssh-agent has more than one key: SHA256:");
    for key in ["key.pub", &fingerprint(&home)] {
        fs::remove_file(home.path().join("report.yaml.sig")).unwrap();
        let ran = sign(&["--key", key]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(verified(&home, "report.yaml"));
    }
}
