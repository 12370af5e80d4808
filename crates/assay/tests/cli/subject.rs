//! `assay subject`: secrets that nobody sees, a monitor that knows them, and a change without a gap.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Home, Ran, json as read_json};
use crate::uploaders::{Served, served};

const KEY: &str = ".secret/mycloud.key";
const TOKEN: &str = ".secret/mycloud.token";

fn text(home: &Home, name: &str) -> String {
    fs::read_to_string(home.path().join(name)).unwrap()
}

fn mode(home: &Home, name: &str) -> u32 {
    fs::metadata(home.path().join(name)).unwrap().permissions().mode() & 0o777
}

/// The public half, as `ssh-keygen` gets it out of a private key.
fn public(home: &Home, key: &str, passphrase: &str) -> Option<String> {
    let ran = Command::new("ssh-keygen")
        .args(["-y", "-P", passphrase, "-f", key])
        .current_dir(home.path())
        .output()
        .unwrap();
    let words = String::from_utf8(ran.stdout).unwrap();
    ran.status.success().then(|| words.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}

fn password(home: &Home, token: &str) -> String {
    let plain = String::from_utf8(STANDARD.decode(text(home, token)).unwrap()).unwrap();
    plain.strip_prefix("mycloud:").unwrap().to_owned()
}

/// Nothing of the secrets in these files stands in what was said.
fn is_silent(home: &Home, ran: &Ran, (key, token): (&str, &str)) {
    let said = format!("{}{}", ran.stdout, ran.stderr);
    let key = text(home, key);
    for secret in key.lines().filter(|line| !line.starts_with("-----")) {
        assert!(!said.contains(secret), "{said}");
    }
    assert!(!said.contains(&text(home, token)) && !said.contains(&password(home, token)), "{said}");
}

/// The values of a key in an entry, which stand in quotes.
fn quoted_after(entry: &str, key: &str) -> Vec<String> {
    let before = format!("{key}: ");
    let rest = entry.split(before.as_str()).skip(1);
    rest.map(|rest| rest.trim_start_matches('[').split('"').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn what_is_made_is_for_one_reader_and_is_shown_nowhere() {
    let home = Home::new();
    let ran = home.run(&["subject", "add", "mycloud"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!((mode(&home, ".secret"), mode(&home, KEY), mode(&home, TOKEN)), (0o700, 0o600, 0o600));
    is_silent(&home, &ran, (KEY, TOKEN));
    // What is printed belongs to what was made.
    let line = public(&home, KEY, "").expect("ssh-keygen reads it");
    assert_eq!(text(&home, ".secret/mycloud.key.pub"), format!("{line} primary\n"));
    let entry = &ran.stdout;
    let words =
        ["public_key_type", "public_key", "public_key_name"].map(|key| quoted_after(entry, key).remove(0));
    assert_eq!(format!("{} {}", words[0], words[1]), line);
    assert_eq!((words[2].as_str(), quoted_after(entry, "subject")), ("primary", vec!["mycloud".to_owned()]));
    let hash = quoted_after(entry, "api_keys").remove(0);
    assert!(hash.starts_with("$argon2id$v=19$m=65536,t=3,p=4$"), "{hash}");
    let hash = PasswordHash::new(&hash).unwrap();
    let fits = |password: &str| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
    assert!(fits(&password(&home, TOKEN)) && !fits("another"));
    // What is there stays.
    let before = (text(&home, KEY), text(&home, TOKEN));
    let ran = home.run(&["subject", "add", "mycloud"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("is there already") && ran.stderr.contains("rotate"), "{}", ran.stderr);
    assert_eq!((text(&home, KEY), text(&home, TOKEN)), before);
    for name in ["", "a:b", "a/b", "group-a", "a\u{7}"] {
        assert_eq!(home.run(&["subject", "add", name]).code, 2, "{name:?}");
    }
}

#[test]
fn nothing_half_made_stays() {
    let home = Home::new();
    let ran = home.run(&["subject", "add", "mycloud", "-o", "nowhere/entry.yaml"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(!home.path().join(".secret").exists(), "the folder is gone with what was in it");
    // One of the files is there, and no other joins it.
    home.file(TOKEN, "somebody's");
    assert_eq!(home.run(&["subject", "add", "mycloud"]).code, 2);
    assert_eq!(fs::read_dir(home.path().join(".secret")).unwrap().count(), 1);
    assert_eq!(text(&home, TOKEN), "somebody's");
}

#[test]
fn a_key_may_have_a_passphrase() {
    let home = Home::new();
    home.file("words", "sealed words\n");
    home.file("empty", "\n");
    let ran = home.run(&["subject", "add", "mycloud", "--passphrase-file", "empty"]);
    assert!(ran.code == 2 && ran.stderr.contains("the passphrase is empty"), "{}", ran.stderr);
    let ran = home.run(&["subject", "add", "mycloud", "--passphrase"]);
    assert!(ran.code == 2 && ran.stderr.contains("--passphrase-file"), "nobody can be asked: {}", ran.stderr);
    assert!(!home.path().join(".secret").exists());
    let ran = home.run(&["subject", "add", "mycloud", "--passphrase-file", "words"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(public(&home, KEY, "sealed words").is_some());
    assert!(public(&home, KEY, "").is_none() && public(&home, KEY, "other words").is_none());
    // A new key is not left open because nobody thought of it.
    let ran = home.run(&["subject", "rotate", "mycloud"]);
    assert!(ran.code == 2 && ran.stderr.contains("the new key would have none"), "{}", ran.stderr);
    assert_eq!(home.run(&["subject", "rotate", "mycloud", "--token"]).code, 0);
}

#[test]
fn lines_for_the_configuration_fit_what_is_there() {
    let home = Home::new();
    let ran = home.run(&["subject", "add", "my.cloud", "-o", "entry.yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        ran.stdout,
        "[secrets]\nkeyfile = \".secret/my.cloud.key\"\ntokenfile = \".secret/my.cloud.token\"\n\n\
         [presets.default]\nscopes = [\"scs-compatible-iaas\"]\nsubjects = [\"my.cloud\"]\n\n\
         [subjects.\"my.cloud\".mapping]\nos_cloud = \"my.cloud\"\n"
    );
    home.file("config.toml", &ran.stdout);
    let taken = home.run(&["subject", "add", "other", "-o", "entry.yaml"]);
    assert_eq!(taken.code, 2);
    assert!(taken.stderr.contains("entry.yaml is there already"), "{}", taken.stderr);
    let ran = home.run(&["subject", "add", "other", "-o", "other.yaml"]);
    assert!(ran.stdout.contains("# keyfile = \".secret/other.key\""), "{}", ran.stdout);
    assert!(ran.stdout.contains("\n[presets.other]\n"), "{}", ran.stdout);
    // Both together are one configuration.
    home.file("config.toml", format!("{}{}", text(&home, "config.toml"), ran.stdout));
    let ran = home.run(&["subject", "check", "--format", "json"]);
    let view = read_json(&ran.stdout);
    let names: Vec<&str> =
        view["subjects"].as_array().unwrap().iter().map(|one| one["subject"].as_str().unwrap()).collect();
    assert_eq!(names, ["my.cloud", "other"]);
    // Somewhere else, its paths are taken from there.
    home.file("fleet/config.toml", "[subjects._.mapping]\nos_cloud = \"x-{subject}\"\n");
    let ran =
        home.run(&["subject", "add", "third", "-c", "fleet/config.toml", "-o", "third.yaml", "--dir", "s"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(home.path().join("fleet/s/third.key").exists());
    assert!(ran.stdout.starts_with("[secrets]\nkeyfile = \"s/third.key\"\n"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("mapping"), "the default has it: {}", ran.stdout);
}

fn monitor(home: &Home) -> Served {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command
        .args(["monitor", "serve", "--listen", "127.0.0.1:0", "--bootstrap"])
        .arg(home.path().join("accounts.yaml"))
        .env("ASSAY_STATE_DIR", home.path().join("monitor"))
        .stderr(Stdio::piped());
    served(command)
}

/// How a monitor answers who comes with a token.
fn status(home: &Home, monitor: &Served, token: &str) -> String {
    let answer = Command::new("curl")
        .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H"])
        .arg(format!("Authorization: Basic {token}"))
        .arg(format!("{}reports?limit=1", monitor.url))
        .current_dir(home.path())
        .output();
    String::from_utf8(answer.unwrap().stdout).unwrap()
}

/// Gives the monitor other accounts, and waits until it answers who comes with a token in another way.
fn reload(home: &Home, monitor: &Served, accounts: &str, token: &str, expected: &str) {
    home.file("accounts.yaml", accounts);
    let told = Command::new("kill").args(["-HUP", &monitor.child.id().to_string()]).status();
    assert!(told.unwrap().success());
    let is_so = |_| {
        std::thread::sleep(Duration::from_millis(20));
        status(home, monitor, token) == expected
    };
    assert!((0..3000).any(is_so), "it never answered {expected}");
}

/// Hands a report in; of a cloud that there is not, which is no matter here.
fn handed_in(home: &Home, config: &str, monitor: &Served) -> bool {
    let ran = home.run(&["fleet", "run", "--fresh", "-c", config, "--monitor-url", &monitor.url]);
    assert!(ran.stdout.contains("mycloud"), "{}{}", ran.stdout, ran.stderr);
    ran.stdout.lines().any(|line| line.starts_with("mycloud") && line.ends_with("delivered"))
}

fn point<'a>(points: &'a Value, about: &str) -> &'a Value {
    points.as_array().unwrap().iter().find(|point| point["about"] == about).unwrap_or(&Value::Null)
}

#[test]
fn a_monitor_takes_what_is_made_and_a_change_leaves_no_gap() {
    let home = Home::new();
    let ran = home.run(&["subject", "add", "mycloud", "-o", "accounts.yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    home.file("config.toml", &ran.stdout);
    let with_next = ran.stdout.replace("mycloud.key\"", "mycloud.key.next\"");
    home.file("next.toml", with_next.replace("mycloud.token\"", "mycloud.token.next\""));
    let monitor = monitor(&home);
    assert!(handed_in(&home, "config.toml", &monitor));
    let known = |config: &str| {
        let ran =
            home.run(&["subject", "check", "-c", config, "--monitor-url", &monitor.url, "--format", "json"]);
        let view = read_json(&ran.stdout);
        ["account", "signing"]
            .map(|about| point(&view["secrets"], about)["state"].as_str().unwrap_or("-").to_owned())
    };
    assert_eq!(known("config.toml"), ["good", "good"]);
    let finish = ["subject", "rotate", "mycloud", "--finish", "--monitor-url", &monitor.url];
    let ran = home.run(&finish);
    assert!(ran.code == 2 && ran.stderr.contains("has begun"), "{}", ran.stderr);

    // The new ones beside the old.
    let ran = home.run(&["subject", "rotate", "mycloud"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let next = (format!("{KEY}.next"), format!("{TOKEN}.next"));
    is_silent(&home, &ran, (&next.0, &next.1));
    is_silent(&home, &ran, (KEY, TOKEN));
    assert_eq!((mode(&home, &next.0), mode(&home, &next.1)), (0o600, 0o600));
    let names = quoted_after(&ran.stdout, "public_key_name");
    assert!(names[0] == "primary" && names[1].starts_with("primary-20"), "{names:?}");
    let ends = "a change has begun";
    assert!(home.run(&["subject", "rotate", "mycloud"]).stderr.contains(ends));
    assert_eq!(known("next.toml"), ["bad", "-"]);
    let early = home.run(&finish);
    assert_eq!((early.code, early.stdout.as_str()), (2, ""), "{}", early.stderr);
    assert!(early.stderr.contains("does not know the new ones"), "{}", early.stderr);
    let (old_token, new_token) = (text(&home, TOKEN), text(&home, &next.1));
    let new_key = text(&home, &next.0);
    reload(&home, &monitor, &ran.stdout, &new_token, "200");
    assert_eq!([known("config.toml"), known("next.toml")].concat(), ["good"; 4]);
    assert!(handed_in(&home, "config.toml", &monitor) && handed_in(&home, "next.toml", &monitor));

    // The new ones in place of the old.
    home.file("old.key", text(&home, KEY));
    fs::set_permissions(home.path().join("old.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let ran = home.run(&finish);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!((text(&home, KEY), text(&home, TOKEN)), (new_key, new_token.clone()));
    assert_eq!(fs::read_dir(home.path().join(".secret")).unwrap().count(), 3, "the old ones are gone");
    assert_eq!(quoted_after(&ran.stdout, "public_key_name"), [names[1].clone()]);
    assert!(handed_in(&home, "config.toml", &monitor), "before the monitor has the last entry");
    reload(&home, &monitor, &ran.stdout, &old_token, "401");
    assert_eq!(status(&home, &monitor, &new_token), "200");
    assert!(handed_in(&home, "config.toml", &monitor));
    home.file("old.toml", text(&home, "config.toml").replace(KEY, "old.key"));
    assert_eq!(known("old.toml"), ["good", "bad"], "the account is known, the key is not any more");
    assert!(!handed_in(&home, "old.toml", &monitor));

    // Only one of the two, on the same day.
    let ran = home.run(&["subject", "rotate", "mycloud", "--key"]);
    assert!(!home.path().join(&next.1).exists() && home.path().join(&next.0).exists());
    assert_eq!(quoted_after(&ran.stdout, "public_key_name"), [names[1].clone(), format!("{}-2", names[1])]);
}

/// A keystone that knows one application credential; none if it knows it no more.
async fn keystone(credential: Option<(&[&str], bool, Value)>) -> MockServer {
    let server = MockServer::start().await;
    let tokens = || Mock::given(method("POST")).and(path("/identity/v3/auth/tokens"));
    let Some((roles, restricted, kept)) = credential else {
        tokens().respond_with(ResponseTemplate::new(401)).mount(&server).await;
        return server;
    };
    let roles: Vec<Value> = roles.iter().map(|name| json!({"id": name, "name": name})).collect();
    let body = json!({"token": {
        "methods": ["application_credential"],
        "user": {"id": "u1", "name": "demo", "domain": {"id": "default", "name": "Default"}},
        "project": {"id": "p1", "name": "demo", "domain": {"id": "default", "name": "Default"}},
        "application_credential": {"id": "c1", "name": "nightly", "restricted": restricted},
        "roles": roles,
        "expires_at": "2099-01-01T00:00:00.000000Z",
        "issued_at": "2026-01-01T00:00:00.000000Z",
        "catalog": [{"type": "identity", "name": "keystone", "id": "k", "endpoints": [
            {"id": "1", "interface": "public", "region": "One", "region_id": "One", "url": format!("{}/identity", server.uri())},
        ]}],
    }});
    let answer = ResponseTemplate::new(201).insert_header("X-Subject-Token", "gAAAA-nobody-sees-this");
    tokens().respond_with(answer.set_body_json(body)).mount(&server).await;
    Mock::given(method("GET"))
        .and(path("/identity/v3/users/u1/application_credentials/c1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"application_credential": kept})))
        .mount(&server)
        .await;
    server
}

fn in_days(days: i64) -> Value {
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days + 12);
    then.strftime("%Y-%m-%dT%H:%M:%S.000000").to_string().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_can_too_much_or_end_soon_are_found() {
    let rules = json!([{"id": "1", "service": "compute", "method": "GET", "path": "/v2.1/flavors"}]);
    let clouds = [
        ("fit", keystone(Some((&["member", "reader"], true, json!({"expires_at": in_days(90)})))).await),
        (
            "ruled",
            keystone(Some((&["member"], true, json!({"expires_at": null, "access_rules": rules})))).await,
        ),
        ("free", keystone(Some((&["member"], false, json!({"expires_at": null})))).await),
        ("high", keystone(Some((&["admin", "member"], true, json!({"expires_at": null})))).await),
        ("short", keystone(Some((&["member"], true, json!({"expires_at": in_days(20)})))).await),
        ("odd", keystone(Some((&["member"], true, json!({"expires_at": "soon"})))).await),
        ("over", keystone(None).await),
    ];
    let home = Home::new();
    let mut text = "clouds:\n".to_owned();
    for (name, server) in &clouds {
        write!(
            text,
            "  {name}:\n    auth_type: v3applicationcredential\n    auth: {{auth_url: '{}/identity/v3', \
             application_credential_id: c1, application_credential_secret: not-to-be-seen}}\n",
            server.uri()
        )
        .unwrap();
    }
    text.push_str(
        "  away: {auth: {auth_url: 'http://127.0.0.1:1/v3', username: u, password: not-to-be-seen, ",
    );
    text.push_str("user_domain_name: d, project_name: p, project_domain_name: d}}\n");
    home.file("clouds.yaml", text);
    let made = home.run(&["subject", "add", "fit", "-o", "entry.yaml"]);
    let config = format!(
        "{}\n[presets.all]\nscopes = [\"scs-compatible-iaas\"]\nsubjects = [\"ruled\", \"free\", \"high\", \
         \"short\", \"odd\", \"over\", \"away\", \"none\"]\n\n[presets.clusters]\nscopes = [\"scs-compatible-kaas\"]\n\
         subjects = [\"k8s-1.35\"]\n",
        made.stdout
    );
    home.file("config.toml", config);
    let check = |more: &[&str]| {
        let ran = home.run(&[&["subject", "check", "--format", "json"], more].concat());
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("not-to-be-seen"), "{}", ran.stdout);
        (ran.code, read_json(&ran.stdout))
    };
    for (subject, code, about, state, words) in [
        ("fit", 0, "end", "good", "ends on 2"),
        ("ruled", 0, "access", "good", "only to GET /v2.1/flavors (compute)"),
        ("free", 1, "credentials", "warning", "unrestricted application credential nightly"),
        ("high", 1, "roles", "bad", "role admin"),
        ("short", 1, "end", "warning", "renew it"),
        ("odd", 3, "end", "unknown", "is no time"),
        ("over", 1, "credentials", "bad", "have ended"),
        ("away", 3, "cloud", "unknown", "away"),
        ("none", 1, "cloud", "bad", "none"),
        ("k8s-1.35", 0, "cloud", "good", "a cluster"),
    ] {
        let (found, view) = check(&[subject]);
        assert_eq!(found, code, "{view:#}");
        let point = point(&view["subjects"][0]["points"], about);
        assert_eq!(point["state"], state, "{view:#}");
        assert!(point["finding"].as_str().unwrap().contains(words), "{subject}: {point}");
    }
    assert_eq!(check(&["short", "--warn-days", "10"]).0, 0);
    assert_eq!(check(&["fit", "--warn-days", "100"]).0, 1);
    let (code, view) = check(&[]);
    assert_eq!((code, view["subjects"].as_array().unwrap().len()), (1, 10));
    let ran = home.run(&["subject", "check", "nobody"]);
    assert!(ran.code == 2 && ran.stderr.contains("names no subject"), "{}", ran.stderr);
    let ran = home.run(&["subject", "check", "free", "fit"]);
    assert!(ran.stdout.contains("\nfree\n") && ran.stdout.contains("\nfit\n"), "{}", ran.stdout);
}

#[test]
fn secrets_that_others_read_or_that_do_not_fit_are_found() {
    let home = Home::new();
    let made = home.run(&["subject", "add", "mycloud", "-o", "entry.yaml"]);
    let config = made.stdout.replace("scs-compatible-iaas", "scs-compatible-kaas");
    home.file("config.toml", &config);
    let check = || {
        let ran = home.run(&["subject", "check", "--format", "json"]);
        (ran.code, read_json(&ran.stdout)["secrets"].clone())
    };
    assert_eq!(check().0, 0);
    let found = |about: &str, words: &str| {
        let (code, points) = check();
        let point = point(&points, about);
        assert_eq!((code, &point["state"]), (1, &json!("bad")), "{points}");
        assert!(point["finding"].as_str().unwrap().contains(words), "{point}");
    };
    let set = |name: &str, mode| {
        fs::set_permissions(home.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    for (name, about) in [(KEY, "key"), (TOKEN, "token")] {
        set(name, 0o640);
        found(about, "is open to others (mode 0640)");
        set(name, 0o600);
    }
    let line = text(&home, ".secret/mycloud.key.pub");
    home.run(&["subject", "add", "another", "-o", "another.yaml"]);
    home.file(".secret/mycloud.key.pub", text(&home, ".secret/another.key.pub"));
    found("key", "is not the public half");
    home.file(".secret/mycloud.key.pub", line);
    let token = text(&home, TOKEN);
    home.file(TOKEN, "mycloud:in-plain-words");
    found("token", "this is no name:password in base64");
    let ran = home.run(&["subject", "check"]);
    assert!(!ran.stdout.contains("in-plain-words"), "{}", ran.stdout);
    fs::remove_file(home.path().join(TOKEN)).unwrap();
    found("token", "cannot be read");
    home.file(TOKEN, token);
    set(TOKEN, 0o600);
    home.file(KEY, "no key");
    set(KEY, 0o600);
    found("key", "this is no private key");
    home.file("config.toml", config.replace("keyfile", "# keyfile"));
    found("key", "names no keyfile");
}
