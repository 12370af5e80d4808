//! Advisory locks of one PostgreSQL session: among all runners that use the same database. The session has all locks of
//! a runner, so that a hundred subjects take one connection, and one task alone speaks on it. A session may take a lock
//! twice, which is why a file is locked before.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Executor as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::LeaseError;
use super::files::FileLock;

/// How often it is looked whether the session still has its locks.
const BEAT: Duration = Duration::from_secs(10);
/// How long the database may take to answer. Together with a beat this is less than the server waits before it gives
/// up a session, so that who lost its locks knows it before somebody else gets them.
const ANSWER: Duration = Duration::from_secs(10);
/// A server that hears nothing of us for 50 seconds ends the session, and gives the locks to others.
const SETTINGS: &str = "SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 10; \
    SET tcp_keepalives_count = 3; SET tcp_user_timeout = 50000";
/// What makes the key of a lock of ours another one than that of whoever else uses the database.
const DOMAIN: &str = "assay fleet subject\0";

/// A session of a PostgreSQL.
#[derive(Clone, Debug)]
pub struct Postgres {
    orders: UnboundedSender<Order>,
}

/// A lock that is held, until this goes.
#[derive(Debug)]
pub(super) struct Grip {
    key: i64,
    lost: CancellationToken,
    orders: UnboundedSender<Order>,
    file: Option<FileLock>,
}

#[derive(Debug)]
enum Order {
    Take { grip: Grip, answer: oneshot::Sender<Result<Option<Grip>, LeaseError>> },
    // The file is free for the next one only after the lock in the database is.
    Release { key: i64, file: Option<FileLock> },
}

impl Postgres {
    /// Connects, so that what is wrong is told before any subject's turn comes.
    pub(super) async fn connect(url: &Url, password_file: Option<&Path>) -> Result<Self, LeaseError> {
        let options: PgConnectOptions = url.as_str().parse().map_err(|error: sqlx::Error| {
            LeaseError::Configuration(format!("the address of the database for leases: {error}"))
        })?;
        let mut options = options.application_name("assay fleet");
        if let Some(path) = password_file {
            let password = fs::read_to_string(path).map_err(|error| {
                LeaseError::Configuration(format!("{} cannot be read: {error}", path.display()))
            })?;
            options = options.password(password.trim_end_matches(['\r', '\n']));
        }
        let mut session = Session::new(options);
        session.connected().await?;
        let (orders, ordered) = unbounded_channel();
        // It ends when nobody is left who could order anything.
        tokio::spawn(session.serve(ordered));
        Ok(Postgres { orders })
    }

    /// The lock of a subject, if nobody has it.
    pub(super) async fn take(&self, subject: &str, file: FileLock) -> Result<Option<Grip>, LeaseError> {
        let (answer, answered) = oneshot::channel();
        let lost = CancellationToken::new();
        let grip = Grip { key: key(subject), lost, orders: self.orders.clone(), file: Some(file) };
        let gone = || LeaseError::Shared("nobody speaks with the database for leases any more".into());
        self.orders.send(Order::Take { grip, answer }).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

impl Grip {
    pub(super) fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }
}

impl Drop for Grip {
    fn drop(&mut self) {
        // If nobody takes it, the session is gone and its locks with it.
        let _ = self.orders.send(Order::Release { key: self.key, file: self.file.take() });
    }
}

/// The same for each runner, whatever it is built from.
fn key(subject: &str) -> i64 {
    let digest = Sha256::new().chain_update(DOMAIN).chain_update(subject).finalize();
    digest.iter().take(8).fold(0, |key, byte| key << 8 | i64::from(*byte))
}

struct Session {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    /// When the database could not be had, and why: of a hundred subjects, each would wait for its silence.
    failed: Option<(Instant, String)>,
    held: HashMap<i64, CancellationToken>,
}

impl Session {
    fn new(options: PgConnectOptions) -> Self {
        Session { options, connection: None, failed: None, held: HashMap::new() }
    }

    async fn serve(mut self, mut orders: UnboundedReceiver<Order>) {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // Orders may come faster than they are carried out, and it must be known for certain what is held.
                biased;
                _ = beat.tick(), if !self.held.is_empty() => self.look().await,
                order = orders.recv() => match order {
                    Some(Order::Take { grip, answer }) => {
                        let taken = self.take(grip).await;
                        // A lock that nobody waits for any more goes with its grip.
                        let _ = answer.send(taken);
                    }
                    Some(Order::Release { key, file }) => {
                        self.release(key).await;
                        drop(file);
                    }
                    None => break,
                },
            }
        }
        if let Some(connection) = self.connection {
            // The server takes the locks back in any case.
            let _ = timeout(ANSWER, connection.close()).await;
        }
    }

    async fn take(&mut self, grip: Grip) -> Result<Option<Grip>, LeaseError> {
        self.connected().await?;
        if !self.ask::<bool>("SELECT pg_try_advisory_lock($1)", Some(grip.key)).await? {
            return Ok(None);
        }
        self.held.insert(grip.key, grip.lost.clone());
        Ok(Some(grip))
    }

    async fn release(&mut self, key: i64) {
        // What was lost with its session needs no release in this one.
        if self.held.remove(&key).is_some() {
            // If it fails, the session ends, and its locks with it.
            let _ = self.ask::<bool>("SELECT pg_advisory_unlock($1)", Some(key)).await;
        }
    }

    /// Looks whether the session has the locks that it took. It has not if a pooler gave us another one meanwhile.
    async fn look(&mut self) {
        const LOCKS: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()";
        let Ok(found) = self.ask::<i64>(LOCKS, None).await else { return };
        if usize::try_from(found).is_ok_and(|found| found < self.held.len()) {
            let _ = self.fail("it has forgotten locks; is there a pooler that shares sessions?".into());
        }
    }

    async fn connected(&mut self) -> Result<(), LeaseError> {
        if self.connection.is_some() {
            return Ok(());
        }
        if let Some((at, why)) = &self.failed
            && at.elapsed() < BEAT
        {
            return Err(LeaseError::Shared(why.clone()));
        }
        let connecting = async {
            let mut connection = PgConnection::connect_with(&self.options).await?;
            connection.execute(SETTINGS).await?;
            Ok(connection)
        };
        let outcome = timeout(ANSWER, connecting).await;
        let is_refused = outcome.as_ref().is_ok_and(|outcome| outcome.as_ref().is_err_and(is_refused));
        match answered(outcome) {
            Ok(connection) => self.connection = Some(connection),
            Err(why) => {
                let error = self.fail(why);
                return Err(match is_refused {
                    true => LeaseError::Configuration(error.to_string()),
                    false => error,
                });
            }
        }
        Ok(())
    }

    async fn ask<T>(&mut self, statement: &'static str, key: Option<i64>) -> Result<T, LeaseError>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        let Some(connection) = &mut self.connection else {
            return Err(self.fail("the connection is gone".into()));
        };
        let mut query = sqlx::query_scalar::<_, T>(statement);
        if let Some(key) = key {
            query = query.bind(key);
        }
        let outcome = answered(timeout(ANSWER, query.fetch_one(connection)).await);
        outcome.map_err(|why| self.fail(why))
    }

    /// Ends the session: whatever it held is lost.
    fn fail(&mut self, why: String) -> LeaseError {
        self.connection = None;
        for (_, lost) in self.held.drain() {
            lost.cancel();
        }
        let (host, port) = (self.options.get_host(), self.options.get_port());
        let why = format!("the database for leases at {host}:{port}: {why}");
        self.failed = Some((Instant::now(), why.clone()));
        LeaseError::Shared(why)
    }
}

/// Whether the server is there and does not let us in, or knows no such database: that does not pass by itself.
fn is_refused(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("28") || code == "3D000")
}

fn answered<T>(outcome: Result<Result<T, sqlx::Error>, tokio::time::error::Elapsed>) -> Result<T, String> {
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it did not answer within {} s", ANSWER.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_the_same() {
        // Runners of several versions share a database.
        assert_eq!(key("green"), KEY_OF_GREEN);
        assert_ne!(key("red"), KEY_OF_GREEN);
    }

    const KEY_OF_GREEN: i64 = 1_169_515_850_562_482_864;

    #[tokio::test]
    async fn a_database_that_is_not_there_is_told_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, "sesame\n").unwrap();
        let url: Url = "postgres://somebody@127.0.0.1:1/fleet".parse().unwrap();
        let error = Postgres::connect(&url, Some(&file)).await.unwrap_err().to_string();
        assert!(error.starts_with("the database for leases at 127.0.0.1:1: "), "{error}");
        assert!(!error.contains("sesame"), "{error}");
        fs::remove_file(&file).unwrap();
        let error = Postgres::connect(&url, Some(&file)).await.unwrap_err();
        assert!(matches!(error, LeaseError::Configuration(_)), "{error}");
    }
}
