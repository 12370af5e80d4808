//! Domain managers of a real keystone: the whole matrix, and that nothing is left.

use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use assay_inventory::{Call, DomainManagerOutcome as Outcome, DomainManagers, FactId};
use assay_openstack::{
    Budgets, ConfigFiles, DomainManagerConfig, DomainManagerRequest, Settings, domain_managers,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::config;

/// What the managers of a file see on the testbed, with the calls and the runs that were made for it.
async fn seen(file: &str) -> (DomainManagers, Vec<Call>, BTreeSet<String>) {
    let state = tempfile::tempdir().unwrap();
    let files =
        ConfigFiles { clouds: env::var_os("ASSAY_TESTBED_CLOUDS").map(Into::into), ..ConfigFiles::default() };
    let managers = DomainManagerConfig::parse(Path::new("managers.yaml"), file).unwrap();
    let runs = Mutex::new(BTreeSet::new());
    let logins = managers.logins(&config("testbed"), &files).unwrap();
    let request = DomainManagerRequest {
        logins: &logins,
        settings: &Settings::default(),
        budgets: &Budgets::default(),
        journals: state.path(),
        started_at: Timestamp::now(),
        cancel: &CancellationToken::new(),
        events: &|_| {
            let names = std::fs::read_dir(state.path()).unwrap().map(|file| file.unwrap().path());
            runs.lock().unwrap().extend(names.map(|path| path.file_stem().unwrap().display().to_string()));
        },
    };
    let (fact, calls) = domain_managers(&request).await;
    let found = fact.value().cloned().unwrap();
    assert_eq!(found.leftovers, []);
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0, "the journals are gone");
    (found, calls, runs.into_inner().unwrap())
}

fn outcomes(found: &DomainManagers, outcome: Outcome) -> Vec<&str> {
    found.rows.iter().filter(|row| row.outcome == outcome).map(|row| row.id.as_str()).collect()
}

/// The names of all users, groups and projects of a domain, asked for without any code of ours.
async fn names(domain: &str, manager: &str) -> Vec<String> {
    let client = reqwest::Client::new();
    let keystone = config("testbed").auth_url();
    let user = json!({"name": manager, "domain": {"name": domain}, "password": "testbed"});
    let body = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": user}},
        "scope": {"domain": {"name": domain}},
    }});
    let send = |request: reqwest::RequestBuilder| async {
        request.header("content-type", "application/json").send().await.unwrap().error_for_status().unwrap()
    };
    let reply = send(client.post(format!("{keystone}/auth/tokens")).body(body.to_string())).await;
    let token = reply.headers()["x-subject-token"].to_str().unwrap().to_owned();
    let mut names = Vec::new();
    for list in ["users", "groups", "projects"] {
        let request = client.get(format!("{keystone}/{list}")).header("x-auth-token", &token);
        let body: Value = serde_json::from_slice(&send(request).await.bytes().await.unwrap()).unwrap();
        names.extend(
            body[list].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()),
        );
    }
    names
}

#[tokio::test]
async fn the_whole_matrix_holds_and_nothing_is_left() {
    let begun = Instant::now();
    let (found, calls, runs) = seen(
        "domains:\n\
         - name: domain-a\n  manager: {username: manager-a, password: testbed}\n  member_role: member\n\
         - cloud: testbed-domain-b\n  member_role: reader\n",
    )
    .await;
    assert!(begun.elapsed().as_secs() < 120, "{:?}", begun.elapsed());
    assert_eq!(found.domains, ["domain-a", "domain-b"]);
    let odd: Vec<_> = found.rows.iter().filter(|row| row.outcome != Outcome::Conforms).collect();
    assert!(odd.is_empty(), "{odd:#?}");
    assert!(found.rows.len() > 90, "{} rows", found.rows.len());
    for (id, seen) in [
        ("login-2-domain", "it was found"),
        ("user-create", "HTTP 201"),
        ("user-find-foreign-by-name", "nothing was found"),
        ("project-list-of-user", "1 projects"),
        ("group-list-members", "1 members"),
    ] {
        let row = found.rows.iter().find(|row| row.id == id).unwrap();
        assert_eq!(row.seen, seen, "{id}");
    }
    // Refusals come from the policy, and carry what the operator needs to find them.
    let row = found.rows.iter().find(|row| row.id == "group-admin-on-domain").unwrap();
    assert!(row.seen.starts_with("HTTP 403: ") && row.seen.contains("identity:create_grant"), "{row:?}");
    assert!(row.request_id.as_deref().is_some_and(|id| id.starts_with("req-")), "{row:?}");
    assert!(calls.iter().all(|call| call.fact == FactId::DomainManagers && call.attempt == 1));
    assert_eq!(runs.len(), 2, "a journal for each manager");
    for (domain, manager) in [("domain-a", "manager-a"), ("domain-b", "manager-b")] {
        let names = names(domain, manager).await;
        assert!(!names.is_empty());
        let left: Vec<_> = names.iter().filter(|name| runs.iter().any(|run| name.contains(run))).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_fails_the_login_and_nothing_else_is_tried() {
    let (found, _, runs) = seen(
        "domains:\n\
         - {name: domain-a, manager: {username: manager-a, password: wrong}}\n\
         - {name: domain-b, manager: {username: manager-b, password: testbed}}\n",
    )
    .await;
    assert_eq!(outcomes(&found, Outcome::Deviates), ["login-1"]);
    assert_eq!(outcomes(&found, Outcome::Conforms), ["login-2", "login-2-self", "login-2-domain"]);
    let row = found.rows.iter().find(|row| row.id == "user-create").unwrap();
    assert_eq!(
        (row.outcome, row.seen.as_str()),
        (Outcome::NotTried, "the manager of domain-a could not log in")
    );
    assert!(found.rows[0].seen.starts_with("HTTP 401: "), "{:?}", found.rows[0]);
    assert!(runs.is_empty(), "nothing was begun: {runs:?}");
}
