//! The search for files depends on the process: these tests run this program again with another environment.

use std::fs;
use std::path::Path;
use std::process::Command;

use assay_openstack::{CloudConfig, ConfigFiles, Overrides, Session, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{FakeCloud, PASSWORD, TOKENS};

/// What the program run again does: says which cloud it finds.
#[test]
#[ignore = "run by the tests of this module"]
fn probe() {
    match CloudConfig::find(None, &Overrides::default()) {
        Ok(config) => println!("found {} {} {:?}", config.name(), config.auth_url(), config.region()),
        Err(error) => println!("error {error}"),
    }
    println!("names {:?}", CloudConfig::names(&ConfigFiles::find()).unwrap_or_default());
}

/// The same, and logs in with what it finds.
#[tokio::test]
#[ignore = "run by the tests of this module"]
async fn login_probe() {
    let config = CloudConfig::find(None, &Overrides::default()).unwrap();
    match Session::connect(&config, &Settings::default()).await {
        Ok(session) => println!("found {}", session.token().user),
        Err(error) => println!("error {error}"),
    }
}

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Place(TempDir::new().unwrap());
        for directory in ["cwd", "home/.config/openstack", "xdg/openstack", "elsewhere"] {
            fs::create_dir_all(place.0.path().join(directory)).unwrap();
        }
        place
    }

    fn write(&self, at: &str, host: &str) -> String {
        let path = self.0.path().join(at);
        fs::write(&path, format!("clouds: {{c: {{auth: {{auth_url: 'https://{host}'}}}}, {host}: {{}}}}"))
            .unwrap();
        path.display().to_string()
    }

    fn run(&self, variables: &[(&str, &str)]) -> String {
        self.run_again("files::probe", variables)
    }

    fn run_again(&self, test: &str, variables: &[(&str, &str)]) -> String {
        let path = |name: &str| self.0.path().join(name);
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env_clear()
            .env("HOME", path("home"))
            .envs(variables.iter().copied())
            .current_dir(path("cwd"))
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        said.lines().find(|line| line.starts_with("found ") || line.starts_with("error ")).unwrap().to_owned()
    }
}

#[test]
fn the_first_clouds_file_wins_and_is_not_merged_with_others() {
    let place = Place::new();
    let cloud = ("OS_CLOUD", "c");
    let xdg = place.0.path().join("xdg");
    let xdg = ("XDG_CONFIG_HOME", xdg.to_str().unwrap());

    let missing = place.run(&[cloud]);
    assert!(missing.starts_with("error no clouds.yaml was found; looked for "), "{missing}");
    for part in ["cwd/clouds.yaml", "home/.config/openstack/clouds.yaml", "/etc/openstack/clouds.yaml"] {
        assert!(missing.contains(part), "{missing}");
    }

    place.write("home/.config/openstack/clouds.yaml", "home");
    assert_eq!(place.run(&[cloud]), "found c https://home/v3 None");
    place.write("xdg/openstack/clouds.yaml", "xdg");
    assert_eq!(place.run(&[cloud, xdg]), "found c https://xdg/v3 None");
    place.write("cwd/clouds.yml", "cwd");
    assert_eq!(place.run(&[cloud, xdg]), "found c https://cwd/v3 None");
    let unknown = place.run(&[("OS_CLOUD", "home"), xdg]);
    assert!(unknown.ends_with("it has: c, cwd"), "{unknown}");

    let elsewhere = place.write("elsewhere/clouds.yaml", "elsewhere");
    let directory = Path::new(&elsewhere).parent().unwrap().display().to_string();
    for path in [elsewhere.as_str(), directory.as_str(), &format!("/nowhere:{directory}")] {
        assert_eq!(place.run(&[cloud, ("OS_CLIENT_CONFIG_PATH", path)]), "found c https://elsewhere/v3 None");
    }
    let mine = place.write("elsewhere/mine.yaml", "mine");
    let variables = [cloud, ("OS_CLIENT_CONFIG_FILE", &mine), ("OS_CLIENT_CONFIG_PATH", &directory)];
    assert_eq!(place.run(&variables), "found c https://mine/v3 None");
    let gone = place.run(&[cloud, ("OS_CLIENT_CONFIG_FILE", "/no/such.yaml")]);
    assert!(gone.starts_with("error /no/such.yaml cannot be read: "), "{gone}");
}

#[test]
fn variables_alone_make_a_cloud() {
    let place = Place::new();
    let variables = [
        ("OS_AUTH_URL", "https://id.example.com:5000"),
        ("OS_USERNAME", "me"),
        ("OS_PASSWORD", "12345"),
        ("OS_PROJECT_NAME", "p"),
        ("OS_REGION_NAME", "R1"),
    ];
    let found = "found envvars https://id.example.com:5000/v3 Some(\"R1\")";
    assert_eq!(place.run(&variables), found);
    let named: Vec<_> = variables.into_iter().chain([("OS_CLOUD", "envvars")]).collect();
    assert_eq!(place.run(&named), found);
    let with_other: Vec<_> = variables.into_iter().chain([("OS_CLOUD", "c")]).collect();
    place.write("cwd/clouds.yaml", "cwd");
    assert_eq!(place.run(&with_other), "found c https://cwd/v3 None");
    assert!(place.run(&[]).starts_with("error no cloud was chosen"));

    let with = |more: &[(&'static str, &'static str)]| place.run(&[&variables[..], more].concat());
    // What `openrc` files set to nothing is not set.
    assert_eq!(with(&[("OS_AUTH_TYPE", ""), ("OS_INTERFACE", ""), ("OS_CACERT", "")]), found);
    let several = [("OS_AUTH_TYPE", "v3multifactor"), ("OS_AUTH_METHODS", "v3password, v3totp")];
    assert_eq!(with(&several), found);
    assert!(with(&several[..1]).contains("no auth_methods"));
    assert_eq!(with(&[("OS_VERIFY", "False"), ("OS_CACERT", "/no/such")]), found);
    assert!(with(&[("OS_CACERT", "/no/such")]).contains("the CA file /no/such"));
    assert!(with(&[("OS_VERIFY", "perhaps")]).ends_with("OS_VERIFY is \"perhaps\", not true or false"));
}

#[tokio::test]
async fn what_the_variables_say_reaches_keystone() {
    let cloud = FakeCloud::start().await;
    let url = format!("{}/identity", cloud.server.uri());
    let variables = [
        ("OS_AUTH_URL", url.as_str()),
        ("OS_USERNAME", "me"),
        ("OS_PASSWORD", PASSWORD),
        ("OS_PASSCODE", "012345"),
        ("OS_AUTH_TYPE", "v3multifactor"),
        ("OS_AUTH_METHODS", "v3password,v3totp"),
        ("OS_TENANT_NAME", "p"),
        ("OS_PROJECT_ID", ""),
        ("OS_PROJECT_DOMAIN_NAME", "D"),
        ("OS_DEFAULT_DOMAIN", "default"),
    ];
    assert_eq!(Place::new().run_again("files::login_probe", &variables), "found demo");
    let user =
        |name: &str, value: &str| json!({"user": {"name": "me", "domain": {"id": "default"}, name: value}});
    let sent = cloud.requests(TOKENS).await.pop().unwrap().body_json::<Value>().unwrap();
    assert_eq!(
        sent,
        json!({"auth": {
            "identity": {
                "methods": ["password", "totp"],
                "password": user("password", PASSWORD),
                "totp": user("passcode", "012345"),
            },
            "scope": {"project": {"name": "p", "domain": {"name": "D"}}},
        }})
    );
}
