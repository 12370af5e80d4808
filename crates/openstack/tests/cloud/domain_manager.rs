//! The matrix of domain managers against a keystone whose policy has holes: each is found, and what came through it
//! is removed.

mod keystone;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use assay_inventory::{DomainManagerOutcome as Outcome, DomainManagers};
use assay_journal::{Journal, Kind};
use assay_openstack::{Budgets, ConfigFiles, DomainManagerConfig, DomainManagerRequest, domain_managers};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer};

use crate::support::{config_for, settings};
use keystone::{DOMAINS, Hole, Keystone, PASSWORD};

struct Run {
    found: DomainManagers,
    keystone: Keystone,
    journals: TempDir,
    server: MockServer,
}

impl Run {
    async fn of(hole: Hole) -> Self {
        Self::with(hole, PASSWORD, &CancellationToken::new()).await
    }

    async fn with(hole: Hole, password: &str, cancel: &CancellationToken) -> Self {
        let server = MockServer::start().await;
        let keystone = Keystone::new(&format!("{}/v3", server.uri()), hole);
        Self::on(server, keystone, TempDir::new().unwrap(), password, cancel).await
    }

    /// Another run on the same keystone, whose policy has changed.
    async fn again(self, hole: Hole) -> Self {
        self.server.reset().await;
        let keystone = self.keystone.with(hole);
        Self::on(self.server, keystone, self.journals, PASSWORD, &CancellationToken::new()).await
    }

    async fn on(
        server: MockServer,
        keystone: Keystone,
        journals: TempDir,
        password: &str,
        cancel: &CancellationToken,
    ) -> Self {
        Mock::given(any()).respond_with(keystone.clone()).mount(&server).await;
        let folder = TempDir::new().unwrap();
        let entry = |domain: &str| {
            format!("- {{name: {domain}, manager: {{username: manager-{domain}, password: {password}}}}}\n")
        };
        let file = format!("domains:\n{}", DOMAINS.map(entry).concat());
        let managers = DomainManagerConfig::parse(Path::new("managers.yaml"), &file).unwrap();
        let cloud = config_for(&folder, &format!("{}/v3", server.uri()));
        let logins = managers.logins(&cloud, &ConfigFiles::default()).unwrap();
        let request = DomainManagerRequest {
            logins: &logins,
            settings: &settings(),
            budgets: &Budgets { removal: Duration::from_secs(1), ..Budgets::default() },
            journals: journals.path(),
            started_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            cancel,
            events: &|_| (),
        };
        let (fact, calls) = domain_managers(&request).await;
        let found = fact.value().cloned().unwrap();
        let shown = format!("{}{calls:?}", serde_json::to_string(&found).unwrap());
        assert!(!shown.contains(PASSWORD) && !shown.contains("token-alpha"), "a secret is shown");
        Run { found, keystone, journals, server }
    }

    fn ids(&self, outcome: Outcome) -> Vec<&str> {
        self.found.rows.iter().filter(|row| row.outcome == outcome).map(|row| row.id.as_str()).collect()
    }

    fn seen(&self, id: &str) -> &str {
        &self.found.rows.iter().find(|row| row.id == id).unwrap().seen
    }

    /// These rows and no others went wrong, nothing was left out, and nothing is left.
    fn shows(&self, deviating: &[&str]) {
        assert_eq!(self.ids(Outcome::Deviates), deviating);
        let not_tried: Vec<_> =
            self.found.rows.iter().filter(|row| row.outcome == Outcome::NotTried).collect();
        assert!(not_tried.is_empty(), "{not_tried:#?}");
        self.leaves_nothing();
    }

    fn leaves_nothing(&self) {
        assert_eq!(self.found.leftovers, []);
        assert_eq!(self.keystone.remains(), <[String; 0]>::default());
        assert_eq!(std::fs::read_dir(self.journals.path()).unwrap().count(), 0, "the journals are gone");
    }
}

#[tokio::test]
async fn a_keystone_without_holes_conforms() {
    let run = Run::of(Hole::None).await;
    run.shows(&[]);
    assert_eq!(run.found.domains, DOMAINS);
    let logins: Vec<_> =
        run.found.rows.iter().map(|row| row.id.as_str()).take_while(|id| id.starts_with("login")).collect();
    assert_eq!(logins.len(), 3 * DOMAINS.len(), "every manager logs in");
}

#[tokio::test]
async fn a_user_in_a_foreign_domain_is_told_and_removed() {
    let run = Run::of(Hole::ForeignUser).await;
    run.shows(&["user-create-foreign"]);
    assert_eq!(run.seen("user-create-foreign"), "HTTP 201, and it took effect");
    // What an answer says is not what happened.
    let run = Run::of(Hole::ForeignUserSecretly).await;
    run.shows(&["user-create-foreign"]);
    assert!(run.seen("user-create-foreign").starts_with("HTTP 403: "));
    assert!(run.seen("user-create-foreign").ends_with(", and it took effect"));
}

#[tokio::test]
async fn what_is_created_without_a_domain_is_told_and_removed() {
    let run = Run::of(Hole::NoDomain).await;
    run.shows(&[
        "user-create-without-domain",
        "project-create-without-domain",
        "group-create-without-domain",
    ]);
}

#[tokio::test]
async fn the_role_admin_is_told_and_taken_back() {
    let run = Run::of(Hole::AnyRole).await;
    run.shows(&[
        "group-admin-on-project",
        "group-admin-on-domain",
        "admin-to-self-on-domain",
        "admin-to-self-on-project",
        "admin-to-user-on-domain",
        "admin-to-user-on-project",
    ]);
}

#[tokio::test]
async fn roles_across_domains_are_told_and_taken_back() {
    let run = Run::of(Hole::ForeignGrant).await;
    run.shows(&[
        "user-grant-foreign-domain",
        "user-grant-foreign",
        "user-grant-foreign-user",
        "user-revoke-foreign",
        "project-grant-foreign",
        "project-grant-foreign-user",
        "project-grant-foreign-project",
        "project-revoke-foreign",
        "group-revoke-foreign-domain",
        "group-revoke-foreign-project",
        "group-grant-foreign-domain",
        "group-grant-foreign-project",
        "group-grant-foreign-group",
    ]);
}

#[tokio::test]
async fn an_answer_that_promises_what_does_not_happen_does_no_harm() {
    let run = Run::of(Hole::PolitelyNothing).await;
    run.shows(&[]);
    assert_eq!(run.seen("user-grant-foreign"), "HTTP 204, but without effect");
}

#[tokio::test]
async fn new_roles_are_told_and_deleted_or_named_as_left() {
    Run::of(Hole::Roles).await.shows(&["role-create", "role-create-in-domain"]);
    let run = Run::of(Hole::RolesForEver).await;
    assert_eq!(run.ids(Outcome::Deviates), ["role-create", "role-create-in-domain"]);
    let left = run.found.leftovers.iter().map(|left| (left.kind.as_str(), left.id.clone()));
    let left: BTreeSet<_> = left.collect();
    let expected = run.keystone.remains().into_iter().map(|id| ("role", Some(id)));
    assert_eq!(left, expected.collect::<BTreeSet<_>>());
    assert_eq!((left.len(), run.found.leftovers.len()), (2, 2));
}

#[tokio::test]
async fn groups_that_the_other_manager_sees_are_told() {
    let run = Run::of(Hole::OpenGroups).await;
    run.shows(&["group-list-foreign", "group-find-foreign-by-name", "group-find-foreign-by-id"]);
}

#[tokio::test]
async fn what_cannot_be_removed_is_named_and_left_to_the_next_run() {
    let run = Run::of(Hole::StickyUsers).await;
    assert_eq!(run.ids(Outcome::Deviates), ["user-delete"]);
    let left: Vec<_> = run.found.leftovers.iter().filter_map(|left| left.id.clone()).collect();
    let mut remains = run.keystone.remains();
    // A role goes with its user.
    remains.retain(|id| !id.contains('/'));
    assert!(!left.is_empty() && run.found.leftovers.iter().all(|left| left.kind == "user"));
    let (journals, errors) = Journal::abandoned(run.journals.path());
    assert!(errors.is_empty() && journals.len() == 2, "{errors:?}");
    let open: Vec<_> = journals.iter().flat_map(Journal::open).collect();
    assert!(open.iter().all(|open| open.kind == Kind::User && open.within.is_some()), "{open:?}");
    let mut written: Vec<_> = open.into_iter().filter_map(|open| open.id).collect();
    for list in [&mut remains, &mut written] {
        list.sort();
    }
    let mut left = left;
    left.sort();
    assert_eq!((&left, &left), (&remains, &written));
    drop(journals);
    run.again(Hole::None).await.shows(&[]);
}

#[tokio::test]
async fn what_a_foreigner_deleted_is_missed_and_the_rest_is_tried() {
    let run = Run::of(Hole::Deletion).await;
    assert_eq!(
        run.ids(Outcome::Deviates),
        ["user-delete-foreign", "project-delete-foreign", "group-delete-foreign"]
    );
    for (id, seen) in [
        ("user-grant-foreign", "the user of beta was deleted by the manager of alpha"),
        ("group-membership", "the group of alpha was deleted by the manager of beta"),
    ] {
        let row = run.found.rows.iter().find(|row| row.id == id).unwrap();
        assert_eq!((row.outcome, row.seen.as_str()), (Outcome::NotTried, seen));
    }
    for id in ["user-delete", "project-grant", "role-create"] {
        assert!(run.ids(Outcome::Conforms).contains(&id), "{id}");
    }
    run.leaves_nothing();
}

#[tokio::test]
async fn managers_who_are_admins_try_nothing() {
    let run = Run::of(Hole::Admins).await;
    assert_eq!(run.ids(Outcome::Deviates), <[&str; 0]>::default());
    assert!(run.seen("user-create").contains("has the role admin as well"), "{}", run.seen("user-create"));
    assert!(run.ids(Outcome::Conforms).iter().all(|id| id.starts_with("login")));
    run.leaves_nothing();
}

#[tokio::test]
async fn without_a_login_nothing_is_tried() {
    let run = Run::with(Hole::None, "wrong", &CancellationToken::new()).await;
    assert_eq!(run.ids(Outcome::Deviates), ["login-1", "login-2", "login-3"]);
    assert_eq!(run.ids(Outcome::Conforms), <[&str; 0]>::default());
    assert_eq!(run.seen("role-list"), "the manager of alpha could not log in");
}

#[tokio::test]
async fn an_interrupted_run_tries_nothing_more() {
    let cancel = CancellationToken::new();
    cancel.cancel();
    let run = Run::with(Hole::None, PASSWORD, &cancel).await;
    assert_eq!(run.ids(Outcome::NotTried).len(), run.found.rows.len());
    assert_eq!(run.seen("login-1"), "the run was interrupted");
    run.leaves_nothing();
}
