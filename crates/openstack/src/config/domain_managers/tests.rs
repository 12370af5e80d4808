use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// The shape of the file of the reference suite.
const SAMPLE: &str = "\
domains:
  - name: alpha
    manager:
      username: alpha-manager
      password: 's3cr3t: of alpha'
    member_role: member
  - name: beta
    manager:
      username: beta-manager
      password: 012345
";

const KEYSTONE: &str = "https://keystone.example.com:5000/v3";

fn parse(text: &str) -> Result<DomainManagerConfig, DomainManagerError> {
    DomainManagerConfig::parse(Path::new("managers.yaml"), text)
}

fn trouble(text: &str) -> String {
    parse(text).expect_err("it should not be accepted").to_string()
}

/// A file whose first domain is as told and whose second is in order.
fn with_first(domain: &str) -> String {
    format!("domains:\n  - {domain}\n  - {{name: beta, manager: {{username: m, password: p}}}}\n")
}

struct Clouds {
    directory: TempDir,
}

impl Clouds {
    fn new(more: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let text = format!(
            "clouds:\n  base:\n    region_name: West\n    auth: {{auth_url: '{KEYSTONE}', application_credential_id: a, \
             application_credential_secret: b}}\n    auth_type: v3applicationcredential\n{more}"
        );
        fs::write(directory.path().join("clouds.yaml"), text).unwrap();
        Clouds { directory }
    }

    fn files(&self) -> ConfigFiles {
        ConfigFiles { clouds: Some(self.directory.path().join("clouds.yaml")), ..ConfigFiles::default() }
    }

    fn logins(&self, text: &str) -> Result<Vec<DomainManagerLogin>, DomainManagerError> {
        let files = self.files();
        let base = CloudConfig::from_files(&files, "base", &Overrides::default()).unwrap();
        parse(text).unwrap().logins(&base, &files)
    }
}

fn entry(name: &str, auth: &str) -> String {
    format!(
        "  {name}:\n    auth: {{auth_url: '{KEYSTONE}/', username: m, password: p, user_domain_name: x, {auth}}}\n"
    )
}

#[test]
fn the_file_of_the_reference_suite_is_read() {
    let logins = Clouds::new("").logins(SAMPLE).unwrap();
    let seen: Vec<_> = logins
        .iter()
        .map(|login| {
            let get = |name| login.config.login().get(name).unwrap_or_default().to_owned();
            let domains = [get("user_domain_name"), get("domain_name")];
            assert_eq!(domains, [login.domain.clone(), login.domain.clone()]);
            (login.domain.as_str(), login.member_role.as_str(), get("username"), get("password"))
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("alpha", "member", "alpha-manager".into(), "s3cr3t: of alpha".into()),
            // The password stays as it is written, and the role has a default.
            ("beta", "member", "beta-manager".into(), "012345".into()),
        ]
    );
    for login in &logins {
        assert_eq!(login.config.login().kind, AuthType::Methods(vec![Method::Password]));
        assert_eq!((login.config.auth_url().as_str(), login.config.region()), (KEYSTONE, Some("West")));
        assert!(!login.config.login().wants_project());
    }
}

#[test]
fn a_manager_logs_in_by_password_passcode_token_or_several_of_them() {
    use Method::{Password, Token, Totp};
    for (manager, methods, user_domain) in [
        ("username: m, password: p", vec![Password], "alpha"),
        ("username: m, passcode: 012345", vec![Totp], "alpha"),
        ("username: m, totp: 012345, password: p, user_domain: staff", vec![Password, Totp], "staff"),
        ("token: t", vec![Token], "alpha"),
    ] {
        let text = with_first(&format!("{{name: alpha, manager: {{{manager}}}}}"));
        let logins = Clouds::new("").logins(&text).unwrap();
        let login = logins[0].config.login();
        assert_eq!(login.kind, AuthType::Methods(methods), "{manager}");
        assert_eq!(login.get("user_domain_name"), Some(user_domain), "{manager}");
        if manager.contains("012345") {
            assert_eq!(login.get("passcode"), Some("012345"), "{manager}");
        }
    }
}

#[test]
fn a_domain_may_refer_to_an_entry_of_clouds_yaml() {
    let clouds = Clouds::new(&(entry("one", "domain_name: alpha") + &entry("two", "domain_id: d2")));
    let text = "domains: [{cloud: one, member_role: reader}, {cloud: two, name: beta}]";
    let logins = clouds.logins(text).unwrap();
    let seen: Vec<_> =
        logins.iter().map(|login| (login.domain.as_str(), login.member_role.as_str())).collect();
    assert_eq!(seen, [("alpha", "reader"), ("beta", "member")]);
    assert_eq!(logins[1].config.login().get("domain_id"), Some("d2"));
    assert_eq!(logins[1].config.region(), Some("West"), "the region is that of the cloud");
}

#[test]
fn entries_of_clouds_yaml_that_give_no_token_of_a_domain_are_refused() {
    let other = entry("other", "domain_name: alpha").replace("keystone.", "elsewhere.");
    let credential = entry("credential", "application_credential_id: a, application_credential_secret: b")
        + "    auth_type: v3applicationcredential\n";
    let clouds = Clouds::new(
        &[
            entry("project", "project_name: p, project_domain_name: alpha"),
            entry("nothing", ""),
            entry("system", "system_scope: all, domain_name: alpha"),
            entry("alpha", "domain_name: alpha"),
            other,
            credential,
        ]
        .concat(),
    );
    for (first, told) in [
        ("cloud: project", "managers.yaml:2:5: cloud \"project\" gives no token of a domain"),
        ("cloud: nothing", "gives no token of a domain"),
        ("cloud: system", "gives no token of a domain"),
        ("{cloud: alpha, name: gamma}", "cloud \"alpha\" is for domain \"alpha\", not \"gamma\""),
        ("cloud: other", "logs in at https://elsewhere.example.com:5000/v3"),
        ("cloud: credential", "an application credential cannot be used here: it is scoped to a project"),
        ("cloud: alpah", "did you mean \"alpha\"?"),
    ] {
        let error = clouds.logins(&with_first(first)).unwrap_err().to_string();
        assert!(error.contains(told), "{first}: {error}");
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (text, told) in [
        ("", "1:1: the file must be a map, not nothing"),
        ("domains:\n", "1:1: domains is missing: the list of domains, each with a manager"),
        ("domains: alpha", "1:10: domains must be a list, not a single value"),
        ("domains: []", "1:10: at least two domains are needed to see that a manager does not reach beyond"),
        (
            "domains: [{name: a, manager: {username: m, password: p}}]",
            "1:10: at least two domains are needed to see that a manager does not reach beyond its own, but there is only one",
        ),
        ("domains:\n  - alpha\n  - beta", "2:5: a domain must be a map, not a single value"),
        ("domains: [a: &x\n\t- b", "2:2: the file is no valid YAML from here on"),
    ] {
        let error = trouble(text);
        assert!(error.starts_with(&format!("managers.yaml:{told}")), "{text:?}: {error}");
    }
    for (domain, told) in [
        ("name: alpha", "2:5: manager is missing: who manages the domain, by username and password"),
        ("manager: {username: m, password: p}", "2:5: name is missing: the name of the domain"),
        ("{name: alpha, manager: m}", "2:28: manager must be a map, not a single value"),
        ("{name: alpha, manager: {username: m}}", "2:28: password is missing (or passcode, or token)"),
        ("{name: alpha, manager: {username: m, password: ''}}", "2:28: password is missing"),
        ("{name: alpha, manager: {password: p}}", "2:28: username is missing"),
        (
            "{name: alpha, manager: {username: [m], password: p}}",
            "2:39: username must be a single value, not a list",
        ),
        ("{name: alpha, name: gamma}", "2:19: name is given a second time; the first one is in line 2"),
        (
            "{name: alpha, manager: {username: m, password: p}, cloud: c}",
            "2:28: a domain has either manager or cloud",
        ),
        (
            "{name: alpha, manager: {application_credential_id: x}}",
            "2:29: an application credential cannot be used",
        ),
        ("{name: alpha, manager: {auth_type: v3applicationcredential}}", "2:29: an application credential"),
    ] {
        let error = trouble(&with_first(domain));
        assert!(error.starts_with(&format!("managers.yaml:{told}")), "{domain}: {error}");
    }
}

#[test]
fn the_same_domain_twice_is_refused() {
    let text = with_first("{name: BETA, manager: {username: m, password: p}}");
    let error = Clouds::new("").logins(&text).unwrap_err().to_string();
    assert_eq!(error, "managers.yaml:3:5: domain \"beta\" is listed twice");
}

#[test]
fn unknown_keys_are_noted_and_ignored() {
    let text = "comment: x\n".to_owned()
        + &with_first("{name: alpha, member-role: reader, manager: {username: m, password: p}}");
    let config = parse(&text).unwrap();
    let notes: Vec<String> = config.notes().iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "managers.yaml:1:1: the key \"comment\" is not known and ignored",
            "managers.yaml:3:19: the key \"member-role\" is not known and ignored (did you mean \"member_role\"?)",
        ]
    );
}

#[test]
fn secrets_are_in_no_message() {
    let clouds = Clouds::new("");
    let config = parse(SAMPLE).unwrap();
    let shown = format!("{config:?}{:?}", clouds.logins(SAMPLE).unwrap());
    assert!(!shown.contains("s3cr3t") && !shown.contains("012345"), "{shown}");
    for broken in [
        "*s3cr3t",
        "@s3cr3t",
        "&s3cr3t",
        "!s3cr3t x",
        "'s3cr3t",
        "[s3cr3t",
        "{s3cr3t: x}",
        "%s3cr3t",
        "`s3cr3t",
    ] {
        let text = with_first(&format!("{{name: alpha, manager: {{username: m, password: {broken}}}}}"));
        if let Err(error) = parse(&text) {
            assert!(!format!("{error}{error:?}").contains("s3cr3t"), "{broken}: {error}");
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let error = DomainManagerConfig::read(Path::new("/no/such/managers.yaml")).unwrap_err().to_string();
    assert!(error.starts_with("/no/such/managers.yaml cannot be read: "), "{error}");
}

proptest! {
    #[test]
    fn no_text_breaks_it(text in ".{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_change_of_a_good_file_breaks_it(at in 0..SAMPLE.len(), with in "[ -~\n\t]{0,3}") {
        let mut text = SAMPLE.to_owned();
        text.replace_range(at..=at, &with);
        let _ = parse(&text);
    }
}
