//! The search for files depends on the process: these tests run this program again with another environment.

use std::fs;
use std::path::Path;
use std::process::Command;

use assay_openstack::{CloudConfig, ConfigFiles, Overrides};
use tempfile::TempDir;

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
        let path = |name: &str| self.0.path().join(name);
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "files::probe", "--ignored", "--nocapture"])
            .env_clear()
            .env("HOME", path("home"))
            .envs(variables.iter().copied())
            .current_dir(path("cwd"))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().find(|line| line.starts_with("found ") || line.starts_with("error ")).unwrap().to_owned()
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
}
