//! Leases of several runners, on the PostgreSQL that `testbed/postgres/up` starts; what concerns Kubernetes, on the one of
//! `testbed/kubernetes/up`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "testbed/kubernetes.rs"]
mod kubernetes;

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use assay_fleet::{
    Beside, Checker, Event, Judged, LeaseError, LeaseKeeper, Leases, Pace, Planned, Windows, run,
};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

const SERVER: &str = "postgres://testbed:testbed@127.0.0.1:15432/postgres";

/// A database of its own, since locks are those of a database.
struct Shared {
    url: Url,
    connection: PgConnection,
    folder: TempDir,
}

impl Shared {
    async fn new() -> Self {
        let server = env::var("ASSAY_TESTBED_POSTGRES").unwrap_or_else(|_| SERVER.to_owned());
        let mut url: Url = server.parse().unwrap();
        let name = format!("leases_{}", Uuid::new_v4().simple());
        let mut connection = PgConnection::connect(&server).await.expect("testbed/postgres/up has been run");
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        url.set_path(&name);
        Shared {
            connection: PgConnection::connect(url.as_str()).await.unwrap(),
            url,
            folder: TempDir::new().unwrap(),
        }
    }

    /// The leases of a runner on a machine of its own.
    async fn runner(&self, machine: &str) -> Leases {
        let password_file = self.folder.path().join("password");
        std::fs::write(&password_file, self.url.password().unwrap()).unwrap();
        let mut url = self.url.clone();
        url.set_password(None).unwrap();
        let keeper = LeaseKeeper::Postgres { url, password_file: Some(password_file) };
        Leases::open(&keeper, self.folder.path().join(machine)).await.unwrap()
    }

    /// Ends the sessions of all runners, as when the database starts again.
    async fn end_sessions(&mut self) {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE application_name = 'assay fleet' AND datname = current_database()";
        self.connection.execute(end).await.unwrap();
    }
}

#[tokio::test]
async fn a_subject_is_one_runners_on_all_machines() {
    let shared = Shared::new().await;
    let (a, b) = (shared.runner("a").await, shared.runner("b").await);
    let (green, red) = (a.take("green").await.unwrap().unwrap(), b.take("red").await.unwrap().unwrap());
    assert!(b.take("green").await.unwrap().is_none());
    assert!(a.take("red").await.unwrap().is_none());
    assert!(a.take("green").await.unwrap().is_none(), "nor twice by one runner");
    let waiting = b.await_within("green", Duration::from_secs(30));
    let (waited, ()) = tokio::join!(waiting, async { drop(green) });
    assert!(waited.unwrap().is_some(), "what is given back is free");
    assert!(!red.lost().is_cancelled());
    // A runner that ends gives back all that it had.
    drop((b, red));
    assert!(a.await_within("red", Duration::from_secs(30)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_lease_ends_with_its_session_and_the_next_is_had_in_another() {
    let mut shared = Shared::new().await;
    let (a, b) = (shared.runner("a").await, shared.runner("b").await);
    let green = a.take("green").await.unwrap().unwrap();
    shared.end_sessions().await;
    let known = tokio::time::timeout(Duration::from_secs(30), green.lost().cancelled_owned()).await;
    assert!(known.is_ok(), "who has lost it knows it soon");
    let taken = b.await_within("green", Duration::from_secs(30)).await.unwrap();
    assert!(taken.is_some(), "and nothing is stuck");
    drop(green);
    assert!(a.await_within("red", Duration::from_secs(30)).await.unwrap().is_some(), "a goes on, too");
    assert!(a.take("green").await.unwrap().is_none(), "giving back what was lost takes nothing from others");
}

/// A check that ends when it is asked to.
struct Long(CancellationToken);

impl Checker for Long {
    type Step = ();

    async fn check(
        self: Arc<Self>,
        _subject: Planned,
        cancel: CancellationToken,
        _tell: Box<dyn Fn(()) + Send + Sync>,
    ) -> Vec<Judged> {
        self.0.cancel();
        cancel.cancelled().await;
        Vec::new()
    }

    fn undetermined(&self, _subject: &Planned, _why: &str) -> Vec<Judged> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_check_whose_lease_is_lost_ends_and_counts_for_nothing() {
    let mut shared = Shared::new().await;
    let leases = shared.runner("a").await;
    let pace = Pace {
        workers: 1,
        deadline: Duration::from_mins(5),
        grace: Duration::from_mins(1),
        leases,
        patience: Duration::ZERO,
        windows: Windows::default(),
    };
    let green = Planned {
        subject: "green".into(),
        scopes: Vec::new(),
        variables: BTreeMap::new(),
        beside: Beside::default(),
    };
    let begun = CancellationToken::new();
    let (cancel, mut ends) = (CancellationToken::new(), Vec::new());
    let running =
        run(vec![green], Arc::new(Long(begun.clone())), &pace, &cancel, async |event| match event {
            Event::LeftOut { why, .. } => ends.push(why),
            Event::Judged { .. } => ends.push("judged".into()),
            Event::Started { .. } | Event::Step { .. } => {}
        });
    let losing = async {
        begun.cancelled().await;
        shared.end_sessions().await;
    };
    tokio::join!(running, losing);
    assert_eq!(ends, ["the lease was lost during the check"]);
}

#[tokio::test]
async fn who_may_not_use_the_database_is_told_before_anything_is_done() {
    let shared = Shared::new().await;
    let password_file = shared.folder.path().join("other");
    std::fs::write(&password_file, "sesame").unwrap();
    let mut url = shared.url.clone();
    url.set_password(None).unwrap();
    let keeper = LeaseKeeper::Postgres { url, password_file: Some(password_file) };
    let error = Leases::open(&keeper, PathBuf::new()).await.unwrap_err();
    assert!(matches!(error, LeaseError::Configuration(_)), "it does not pass by itself");
    let error = error.to_string();
    assert!(error.contains("password authentication failed") && !error.contains("sesame"), "{error}");
}
