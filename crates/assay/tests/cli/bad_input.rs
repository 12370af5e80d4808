//! What is missing, broken or hostile: the program says what, where and what to try, and never panics.

use crate::support::{Home, json, recording, run};

/// Runs, expects a failure of usage, and gives what was said.
fn refused(home: &Home, arguments: &[&str]) -> String {
    let ran = home.run(arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {}", ran.stderr);
    // Wrapped lines of the message are put together again.
    ran.stderr.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

#[test]
fn no_configuration_at_all() {
    let home = Home::new();
    let said = refused(&home, &["check", "mycloud"]);
    assert!(said.contains("no clouds.yaml was found") && said.contains("/etc/openstack"), "{said}");
    let said = refused(&home, &["check"]);
    assert!(said.contains("OS_CLOUD"), "{said}");
}

#[test]
fn a_configuration_that_cannot_be_read() {
    let home = Home::new();
    let folder = home.path().display().to_string();
    for path in [folder.as_str(), "/no/such/clouds.yaml"] {
        let ran = home.run_in(&["check", "mycloud"], "", &[("OS_CLIENT_CONFIG_FILE", path)]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
        assert!(ran.stderr.contains("cannot be read"), "{}", ran.stderr);
    }
}

#[test]
fn a_server_that_speaks_no_tls() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            use std::io::Write as _;
            let _ = (&stream).write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let home = Home::new();
    let auth = "username: u, user_domain_name: Default, project_domain_name: Default, password: hunter2, project_name: p";
    home.file(
        "clouds.yaml",
        format!("clouds: {{a: {{auth: {{auth_url: 'https://127.0.0.1:{port}/v3', {auth}}}}}}}"),
    );
    let ran = home.run(&["check", "a", "--testcases", "scs-0100"]);
    assert_eq!(ran.code, 3);
    let words = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("no TLS connection"), "{}", ran.stdout);
}

#[test]
fn an_unknown_cloud_among_known_ones() {
    let home = Home::new();
    home.file(
        "clouds.yaml",
        "clouds: {beta.one: {auth: {auth_url: 'https://b'}}, Alpha: {auth: {auth_url: 'https://a'}}}",
    );
    let said = refused(&home, &["check", "beta"]);
    assert!(said.contains("Alpha, beta.one"), "{said}");
}

#[test]
fn broken_configuration() {
    let home = Home::new();
    let path = home.file("clouds.yaml", "clouds:\n  a: [\n");
    let said = refused(&home, &["check", "a"]);
    assert!(said.contains("clouds.yaml"), "{path}: {said}");
    home.file("clouds.yaml", "clouds: {a: {auth: {username: x}}}");
    assert!(refused(&home, &["check", "a"]).contains("auth_url"));
    home.file("clouds.yaml", "clouds: {a: {auth_type: v3kerberos, auth: {auth_url: 'https://a'}}}");
    let said = refused(&home, &["check", "a"]);
    assert!(said.contains("v3kerberos") && said.contains("v3applicationcredential"), "{said}");
}

#[test]
fn an_unreachable_cloud_still_gives_a_whole_report() {
    let home = Home::new();
    home.file(
        "clouds.yaml",
        "clouds: {dark: {auth: {auth_url: 'http://127.0.0.1:1/v3', username: u, user_domain_name: Default, project_domain_name: Default, password: hunter2, project_name: p}}}",
    );
    let ran = home.run(&["check", "dark", "--format", "json"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let document = json(&ran.stdout);
    let testcases = document["reports"][0]["testcases"].as_array().unwrap();
    assert!(testcases.len() > 80);
    for testcase in
        testcases.iter().filter(|testcase| testcase["manual"] == false && testcase["own"] == false)
    {
        assert_eq!(testcase["official"], "ABORT", "{testcase:#}");
        assert!(testcase["findings"][0]["found"].as_str().unwrap().contains("127.0.0.1:1"), "{testcase:#}");
    }
    assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"));
}

#[test]
fn recordings_that_are_none() {
    let home = Home::new();
    let whole = std::fs::read(recording()).unwrap();
    for (name, content, word) in [
        ("empty", Vec::new(), "not a snapshot"),
        ("text", b"clouds: {}\n".to_vec(), "not a snapshot"),
        ("half", whole[..whole.len() / 2].to_vec(), "damaged"),
    ] {
        let path = home.file(name, content);
        let said = refused(&home, &["check", "--snapshot", &path]);
        assert!(said.contains(word) && said.contains(name), "{name}: {said}");
    }
    assert!(refused(&home, &["check", "--snapshot", "no-such-file"]).contains("no-such-file"));
    assert!(refused(&home, &["find", "image", "--snapshot", "no-such-file"]).contains("no-such-file"));
}

#[test]
fn specs_that_are_none() {
    let home = Home::new();
    let bomb: String =
        (1..30).map(|n| format!("a{n}: &a{n} [*a{p},*a{p},*a{p},*a{p}]\n", p = n - 1)).collect();
    let bomb = home.file("bomb.yaml", format!("a0: &a0 [x,x,x,x]\n{bomb}"));
    let unknown = home.file(
        "unknown.yaml",
        "name: x\nuuid: y\nurl: z\nscripts: []\nmodules: []\ntimeline: []\nversions: []\nmodule: []\n",
    );
    assert!(refused(&home, &["demo", "--spec", &bomb]).contains("bomb.yaml"));
    let said = refused(&home, &["demo", "--spec", &unknown]);
    assert!(said.contains("unknown.yaml:8:1") && said.contains("module"), "{said}");
    assert!(refused(&home, &["demo", "--spec", "no-such-spec"]).contains("no-such-spec"));
    let binary = home.file("binary.yaml", [0xff, 0xfe, 0x00]);
    assert!(refused(&home, &["demo", "--spec", &binary]).contains("UTF-8"));
}

#[test]
fn wrong_arguments() {
    let home = Home::new();
    assert!(refused(&home, &["demo", "--version", "v9"]).contains("v5.1"));
    assert!(refused(&home, &["demo", "--target", "mian"]).contains("main"));
    assert!(refused(&home, &["demo", "--testcases", "nothing-like-it"]).contains("nothing-like-it"));
    assert!(refused(&home, &["demo", "--testcases", "(("]).contains("(("));
    assert!(refused(&home, &["demo", "--date", "2026-02-30"]).contains("2026-02-30"));
    assert!(refused(&home, &["demo", "--date", "2020-01-01"]).contains("2020-01-01"));
    assert!(refused(&home, &["demo", "-o", "no/such/folder/x.json"]).contains("no/such/folder"));
    assert_eq!(run(&["no-such-command"]).code, 2);
}

#[test]
fn answers_that_cannot_be_meant_and_buckets_that_are_nowhere() {
    let home = Home::new();
    let auth =
        "username: u, user_domain_name: Default, project_domain_name: Default, password: p, project_name: p";
    home.file(
        "clouds.yaml",
        format!("clouds: {{a: {{auth: {{auth_url: 'http://127.0.0.1:9/v3', {auth}}}}}}}"),
    );
    home.file("answers.yaml", "images:\n- name: '*'\n  replace_frequenzy: never\n");
    let said = refused(&home, &["plan", "a", "--answers", "answers.yaml"]);
    assert!(said.contains("answers.yaml:3:3") && said.contains("replace_frequency"), "{said}");
    let said = refused(&home, &["questions", "a", "--answers", "nowhere.yaml"]);
    assert!(said.contains("nowhere.yaml: No such file"), "{said}");
    let said = refused(&home, &["images", "mirror", "s3://bucket/folder"]);
    assert!(said.contains("--s3-endpoint"), "{said}");
    let said = refused(&home, &["images", "mirror", "s3:///folder", "--s3-endpoint", "http://127.0.0.1:9"]);
    assert!(said.contains("names no bucket"), "{said}");
}
