use std::fs;
use std::path::PathBuf;

use assay_openstack::{CloudConfig, ConfigError, ConfigFiles, Overrides};
use tempfile::TempDir;

struct Files {
    directory: TempDir,
    files: ConfigFiles,
}

impl Files {
    fn new(clouds: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("clouds.yaml");
        fs::write(&path, clouds).unwrap();
        Files { directory, files: ConfigFiles { clouds: Some(path), ..ConfigFiles::default() } }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn cloud(&self, name: &str) -> Result<CloudConfig, ConfigError> {
        CloudConfig::from_files(&self.files, name, &Overrides::default())
    }

    fn error(&self, name: &str) -> String {
        self.cloud(name).unwrap_err().to_string()
    }
}

fn one(body: &str) -> Files {
    Files::new(&format!(
        "clouds:\n  c:\n    auth: {{auth_url: 'https://id.example.com/v3', password: x}}\n{body}"
    ))
}

#[test]
fn names_with_dots_capitals_and_dashes_work() {
    let names = ["gx-scs", "PCO.prod1", "SCS_Regio.A-b", "1", "üöä", "with space", "true"];
    let entry = |name: &str| {
        format!("  \"{name}\":\n    auth:\n      auth_url: https://{}.example.com:5000\n", name.len())
    };
    let text = format!("clouds:\n{}", names.map(entry).concat());
    let files = Files::new(&text);
    for name in names {
        let config = files.cloud(name).unwrap();
        assert_eq!(config.name(), name);
        assert_eq!(config.auth_url(), format!("https://{}.example.com:5000/v3", name.len()));
    }
    let mut sorted = names.map(str::to_owned).to_vec();
    sorted.sort();
    assert_eq!(CloudConfig::names(&files.files).unwrap(), sorted);
}

#[test]
fn an_unknown_cloud_is_answered_with_the_known_ones() {
    let files = Files::new("clouds: {b: {}, a: {}, gx-scs: {}}");
    let message = files.error("gxscs");
    assert!(message.contains(r#"no cloud "gxscs""#), "{message}");
    assert!(message.contains(r#"did you mean "gx-scs"?"#), "{message}");
    assert!(message.ends_with("it has: a, b, gx-scs"), "{message}");
    assert!(Files::new("clouds: {}").error("x").ends_with("it has: no clouds"));
    assert!(Files::new("{}").error("x").ends_with("it has: no clouds"));
}

#[test]
fn files_that_are_no_configuration_say_where_they_break() {
    let message = Files::new("clouds:\n  a:\n   auth: {auth_url: [}\n").error("a");
    assert!(message.contains("clouds.yaml is not valid") && message.contains("line 3"), "{message}");
    for text in
        ["[1, 2]", "just text", "clouds: 7", "clouds: {a: [1]}", "clouds:\n\ta: b", "{\u{0}", "&a [*a, *a"]
    {
        let message = Files::new(text).error("a");
        assert!(message.contains("is not valid"), "{text}: {message}");
    }
    let message = Files::new("").error("a");
    assert!(message.contains("clouds.yaml"), "{message}");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let missing = ConfigFiles { clouds: Some("/no/such/clouds.yaml".into()), ..ConfigFiles::default() };
    let error = CloudConfig::from_files(&missing, "a", &Overrides::default()).unwrap_err();
    assert!(matches!(&error, ConfigError::Unreadable { .. }), "{error}");
    assert!(error.to_string().starts_with("/no/such/clouds.yaml cannot be read: "), "{error}");

    let nowhere = ConfigFiles {
        looked_in: vec!["/a/clouds.yaml".into(), "/b/clouds.yaml".into()],
        ..ConfigFiles::default()
    };
    let error = CloudConfig::from_files(&nowhere, "a", &Overrides::default()).unwrap_err();
    assert_eq!(error.to_string(), "no clouds.yaml was found; looked for /a/clouds.yaml, /b/clouds.yaml");
}

#[test]
fn the_auth_url_is_needed_and_may_lack_the_version() {
    assert!(Files::new("clouds: {c: {auth: {username: x}}}").error("c").contains("no auth_url"));
    assert!(Files::new("clouds: {c: {region_name: x}}").error("c").contains("no auth section"));
    assert!(
        Files::new("clouds: {c: {profile: ovh, auth: {username: x}}}").error("c").contains("profile \"ovh\"")
    );
    assert!(
        Files::new("clouds: {c: {auth: {auth_url: 'id.example.com'}}}")
            .error("c")
            .contains("auth_url is not usable")
    );
    for (url, shown) in [
        ("https://id.example.com:5000", "https://id.example.com:5000/v3"),
        ("https://id.example.com:5000/v3/", "https://id.example.com:5000/v3"),
        ("https://example.com/identity/v2.0", "https://example.com/identity/v3"),
        ("https://me:secret@example.com/identity", "https://example.com/identity/v3"),
    ] {
        let files = Files::new(&format!("clouds: {{c: {{auth: {{auth_url: '{url}'}}}}}}"));
        assert_eq!(files.cloud("c").unwrap().auth_url(), shown);
    }
}

#[test]
fn auth_types_are_checked_before_anything_is_sent() {
    for kind in [
        "v3applicationcredential",
        "v3password",
        "password",
        "v3token",
        "v3totp",
        "v3oidcaccesstoken",
        "v3oidcclientcredentials",
        "v3multifactor\n    auth_methods: [v3password, totp]",
    ] {
        assert!(one(&format!("    auth_type: {kind}\n")).cloud("c").is_ok(), "{kind}");
    }
    for kind in ["v2password", "totp", "v3websso"] {
        let message = one(&format!("    auth_type: {kind}\n")).error("c");
        assert!(message.contains(kind) && message.contains("v3applicationcredential"), "{message}");
        assert_eq!(message.contains("browser"), kind == "v3websso", "{message}");
    }
    let message = one("    auth_type: v3multifactor\n").error("c");
    assert!(message.contains("no auth_methods"), "{message}");
    for methods in ["v3password, v3webauthn", "v3password, v3applicationcredential"] {
        let kind = format!("    auth_type: v3multifactor\n    auth_methods: [{methods}]\n");
        assert!(one(&kind).error("c").contains("none of v3password, v3totp, v3token"), "{methods}");
    }
}

#[test]
fn ca_files_are_read_unless_nothing_is_verified() {
    let message = one("    cacert: /no/such/ca.pem\n").error("c");
    assert!(message.contains("the CA file /no/such/ca.pem cannot be used"), "{message}");
    let files = one("    cacert: CA\n");
    let ca = files.write("ca.pem", "not a certificate");
    let files = one(&format!("    cacert: {}\n", ca.display()));
    assert!(files.error("c").contains("no certificate"), "{}", files.error("c"));

    assert!(one("").cloud("c").unwrap().verifies_certificates());
    for text in ["    verify: false\n", "    insecure: true\n", "    verify: 'False'\n    cacert: /no/such\n"]
    {
        assert!(!one(text).cloud("c").unwrap().verifies_certificates(), "{text}");
    }
}

#[test]
fn region_and_interface_come_from_arguments_first() {
    let files = one("    region_name: A\n    interface: internal\n");
    let config = files.cloud("c").unwrap();
    assert_eq!((config.region(), config.interface()), (Some("A"), "internal"));
    let overrides = Overrides { region: Some("B".into()), interface: Some("admin".into()) };
    let config = CloudConfig::from_files(&files.files, "c", &overrides).unwrap();
    assert_eq!((config.region(), config.interface()), (Some("B"), "admin"));

    assert_eq!(one("    regions: [X, Y]\n").cloud("c").unwrap().region(), Some("X"));
    assert_eq!(one("    regions: [{name: X, values: {}}]\n").cloud("c").unwrap().region(), Some("X"));
    assert_eq!(one("    endpoint_type: internalURL\n").cloud("c").unwrap().interface(), "internal");
    let config = one("").cloud("c").unwrap();
    assert_eq!((config.region(), config.interface()), (None, "public"));
    assert!(one("    interface: secret\n").error("c").contains("none of public, internal, admin"));
}

#[test]
fn secure_and_profiles_are_merged_in() {
    let mut files =
        Files::new("clouds: {c: {profile: p, auth: {username: me}}, d: {auth: {auth_url: 'https://d'}}}");
    files.files.secure = Some(files.write("secure.yaml", "clouds: {c: {auth: {password: hidden}}}"));
    files.files.profiles = Some(files.write(
        "clouds-public.yaml",
        "public-clouds: {p: {region_name: R, auth: {auth_url: 'https://id.example.com'}}}",
    ));
    let config = files.cloud("c").unwrap();
    assert_eq!((config.auth_url().as_str(), config.region()), ("https://id.example.com/v3", Some("R")));
    assert!(!format!("{config:?}").contains("hidden"));
    assert!(files.cloud("d").is_ok());
    fs::write(files.files.secure.as_ref().unwrap(), "").unwrap();
    assert!(files.cloud("c").is_ok(), "an empty secure.yaml is as good as none");
    fs::write(files.files.secure.as_ref().unwrap(), "clouds: [").unwrap();
    assert!(files.error("c").contains("secure.yaml is not valid"));
}

#[test]
fn no_message_shows_a_password() {
    let mut files = Files::new("clouds: {c: {auth: {password: hunter2, auth_url: 7}, auth_type: x}}");
    assert!(!files.error("c").contains("hunter2"));
    files.files.secure = Some(files.write("secure.yaml", "clouds: {c: {auth: {password: [hunter2]}}}"));
    assert!(!files.error("c").contains("hunter2"), "{}", files.error("c"));
}
