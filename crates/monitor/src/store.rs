//! What is kept: one set of statements, with SQLite or PostgreSQL behind it.
//!
//! Both speak the same SQL as far as it is used here, but for what [`Dialect`] holds; parameters are `$1` in both.

mod accounts;
mod backup;
mod certificates;
mod dialect;
mod findings;
mod history;
mod identities;
mod integrators;
mod log;
mod notices;
mod numbers;
mod people;
mod reports;
mod results;
mod retention;
mod rows;
mod scores;

use std::fmt::Write as _;
use std::ops::Range;
use std::path::{self, Path};
use std::sync::Arc;
use std::time::Duration;

use assay_standards::Verdict;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use sqlx::any::{AnyPoolOptions, AnyRow, install_default_drivers};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Any, AnyPool, AssertSqlSafe, Connection as _, Executor, Row, SqlSafeStr, SqlStr, Transaction};

pub use backup::{Backup, BackupError};
pub(crate) use certificates::{Application, Granted, Made, Moment, NewApplication, Wish};
use dialect::Dialect;
pub(crate) use history::{History, PastSpell, Seen, StandingRow};
pub(crate) use integrators::MOST_REFERENCES;
pub(crate) use log::ListedEntry;
pub(crate) use notices::{Difference, Key, Known, NewMessage, Posted, Waiting};
use numbers::Numbers;
pub(crate) use people::{Deed, LoggedIn, Person, Profile, SigningKey, Token};
pub(crate) use reports::{
    Compressed, Handed, HandedReport, KeptReport, KeptSubmission, Outcome, Packed, Signed, StoredReport,
    Text, Unreadable,
};
pub(crate) use results::{Approval, NotApproved, Standing, Stated};
pub(crate) use retention::{Kept, ReportedScope};
pub(crate) use scores::{Lapse, ListedScore, StoredScore};

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    /// One connection, so that whoever asks whether the database answers waits for nobody.
    pulse: AnyPool,
    dialect: Dialect,
    numbers: Arc<Numbers>,
}

/// Why the database did not do what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Neither SQLite nor PostgreSQL.
    #[error("the database {0:?} is neither sqlite: nor postgres:")]
    UnknownDatabase(String),
    /// The tables could not be brought to the form that this program knows.
    #[error("the tables could not be brought up to date: {0}")]
    Migration(#[from] MigrateError),
    /// Another program's.
    #[error(
        "the database is that of a reference monitor; name another one here, and this one to `assay monitor import`"
    )]
    ReferenceMonitor,
    /// The database is not there, or refuses.
    #[error("the database says: {0}")]
    Database(#[from] sqlx::Error),
    /// Something in the database cannot be read.
    #[error("what is stored cannot be read: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// Whether it is about something that was to be stored, or that stands beside it, rather than about the database:
    /// then something else may well be stored.
    pub(crate) fn is_about_contents(&self) -> bool {
        match self {
            StoreError::Corrupt(_) => true,
            StoreError::Database(sqlx::Error::Database(error)) => {
                // PostgreSQL's classes of bad data and of what is too large; SQLite's code for the latter.
                let is_bad = |code: &str| code.starts_with("22") || code.starts_with("54") || code == "18";
                error.kind() != sqlx::error::ErrorKind::Other
                    || error.code().is_some_and(|code| is_bad(&code))
            }
            StoreError::Database(error) => {
                matches!(
                    error,
                    sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_)
                )
            }
            StoreError::UnknownDatabase(_) | StoreError::Migration(_) | StoreError::ReferenceMonitor => false,
        }
    }
}

/// So many keep two cores busy, and each remembers the statements that it was given.
const CONNECTIONS: u32 = 8;

const MICROS_OF_DAY: i64 = 86_400_000_000;

/// The forms that the tables had, oldest first. One that was published never changes.
const MIGRATIONS: &[(&str, &str)] = &[
    ("reports", include_str!("../migrations/0001_reports.sql")),
    ("certificates", include_str!("../migrations/0002_certificates.sql")),
    ("notices", include_str!("../migrations/0003_notices.sql")),
    ("people", include_str!("../migrations/0004_people.sql")),
    ("integrators", include_str!("../migrations/0005_integrators.sql")),
    ("retention", include_str!("../migrations/0006_retention.sql")),
    ("creators", include_str!("../migrations/0007_creators.sql")),
    ("identities", include_str!("../migrations/0008_identities.sql")),
    ("told contacts", include_str!("../migrations/0009_told_contacts.sql")),
];

impl Store {
    /// Opens the database and brings its tables up to date.
    ///
    /// # Errors
    /// It is none, is not there, or was written by a newer program.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::of_form(url, MIGRATIONS).await
    }

    /// Opens the database of a monitor, of whichever form its tables are, so that nothing can be written to it; none if it
    /// has no tables.
    ///
    /// # Errors
    /// It is none, is not there, or was written by a newer program.
    pub async fn open_to_read(url: &str) -> Result<Option<Self>, StoreError> {
        let store = Self::connect(url, Dialect::preparation_to_read).await?;
        let there = sqlx::query(store.dialect.has_forms()).fetch_optional(&store.pool).await?;
        if there.is_none() {
            return Ok(None);
        }
        let newest = sqlx::query("SELECT MAX(version) FROM _sqlx_migrations").fetch_one(&store.pool).await?;
        let newest: i64 = newest.try_get::<Option<i64>, _>(0)?.unwrap_or_default();
        match usize::try_from(newest) {
            Ok(0) => Ok(None),
            Ok(newest) if newest <= MIGRATIONS.len() => Ok(Some(store)),
            _ => Err(MigrateError::VersionMissing(newest).into()),
        }
    }

    /// Opens the database and makes its tables those of the last of these forms.
    async fn of_form(url: &str, forms: &[(&'static str, &str)]) -> Result<Self, StoreError> {
        let store = Self::connect(url, Dialect::preparation).await?;
        let migrations = forms.iter().zip(1..).map(|(&(name, text), version)| {
            let sql = AssertSqlSafe(store.dialect.spell(text)).into_sql_str();
            Migration::new(version, name.into(), MigrationType::Simple, sql, false)
        });
        Migrator::with_migrations(migrations.collect()).run(&store.pool).await?;
        Ok(store)
    }

    async fn connect(
        url: &str,
        preparation: fn(Dialect) -> &'static [&'static str],
    ) -> Result<Self, StoreError> {
        install_default_drivers();
        let dialect = Dialect::of(url).ok_or_else(|| {
            // What follows the scheme may hold a password.
            StoreError::UnknownDatabase(url.split(':').next().unwrap_or_default().to_owned())
        })?;
        let options = || {
            AnyPoolOptions::new()
                .acquire_timeout(Duration::from_secs(10))
                .after_connect(move |connection, _| {
                    Box::pin(async move {
                        for statement in preparation(dialect) {
                            connection.execute(*statement).await?;
                        }
                        Ok(())
                    })
                })
                // A transaction that SQLite gave up by itself, as on a full disk, is still counted: nothing could begin
                // on that connection any more.
                .before_acquire(|connection, _| {
                    let is_free = !connection.is_in_transaction();
                    Box::pin(async move { Ok(is_free) })
                })
        };
        let pool = options().max_connections(CONNECTIONS).connect(url).await?;
        let pulse = options().max_connections(1).min_connections(0).connect_lazy(url)?;
        if dialect == Dialect::Postgres {
            // It has tables of the same names, and nothing of it may be changed.
            let reference = sqlx::query("SELECT to_regclass('result2')::TEXT").fetch_one(&pool).await?;
            if reference.try_get::<Option<String>, _>(0)?.is_some() {
                return Err(StoreError::ReferenceMonitor);
            }
        }
        Ok(Self { pool, pulse, dialect, numbers: Arc::default() })
    }

    /// Opens the database in a folder of its own, which is made if it is not there.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn in_folder(folder: &Path) -> Result<Self, StoreError> {
        Self::open(&format!("{}?mode=rwc", Self::address_of(folder)?)).await
    }

    /// Opens the database in a folder of its own to read.
    ///
    /// # Errors
    /// As [`Store::open_to_read`].
    pub async fn in_folder_to_read(folder: &Path) -> Result<Option<Self>, StoreError> {
        Self::open_to_read(&Self::address_of(folder)?).await
    }

    fn address_of(folder: &Path) -> Result<String, StoreError> {
        let file = path::absolute(folder).map_err(sqlx::Error::Io)?.join("monitor.sqlite");
        // Characters that mean something in an address stand for themselves in a path.
        let escaped: String = file.to_string_lossy().bytes().fold(String::new(), |mut escaped, byte| {
            match byte {
                b'/' | b'.' | b'-' | b'_' => escaped.push(char::from(byte)),
                byte if byte.is_ascii_alphanumeric() => escaped.push(char::from(byte)),
                // Writing to a string cannot fail.
                byte => drop(write!(escaped, "%{byte:02X}")),
            }
            escaped
        });
        Ok(format!("sqlite://{escaped}"))
    }

    /// Whether the database answers.
    pub(crate) async fn is_there(&self) -> Result<(), StoreError> {
        // SQLite says 1 whatever has become of its file.
        sqlx::query("SELECT number FROM revision").fetch_one(&self.pulse).await?;
        Ok(())
    }

    /// Begins to write: all of it is stored at the commit, or nothing.
    async fn write(&self) -> Result<Transaction<'static, Any>, StoreError> {
        let mut tx = self.pool.begin_with(self.dialect.begin()).await?;
        if let Some(statement) = self.dialect.after_begin() {
            tx.execute(statement).await?;
        }
        Ok(tx)
    }
}

/// How many rows a part of a list has, and how many stand before it.
fn bounds(part: &Range<usize>) -> (i64, i64) {
    let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
    (number(part.len()), number(part.start))
}

/// Whether a text can be in the database at all: PostgreSQL refuses those with a NUL.
fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// A time as the database has it.
fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

fn time(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// A time in UTC without saying so, as scopes reckon.
pub(crate) fn civil(time: Timestamp) -> DateTime {
    TimeZone::UTC.to_datetime(time)
}

fn read_civil(micros: i64) -> Result<DateTime, StoreError> {
    time(micros).map(civil)
}

/// Such a time as the database has it; the end of the calendar for what lies behind it.
fn civil_micros(time: DateTime) -> i64 {
    TimeZone::UTC.to_timestamp(time).unwrap_or(Timestamp::MAX).as_microsecond()
}

/// A day as the database has it: counted from the first of 1970.
fn days(day: Date) -> i64 {
    civil_micros(day.to_datetime(Time::midnight())) / MICROS_OF_DAY
}

fn read_day(days: i64) -> Result<Date, StoreError> {
    let micros =
        days.checked_mul(MICROS_OF_DAY).ok_or_else(|| StoreError::Corrupt(format!("{days} is no day")))?;
    Ok(read_civil(micros)?.date())
}

/// The number of a verdict as the database has it; those that are handed in all have one.
fn code(verdict: Verdict) -> i64 {
    verdict.code().map_or(0, i64::from)
}

fn verdict(code: i64) -> Result<Verdict, StoreError> {
    let known = i8::try_from(code).ok().and_then(|code| Verdict::from_code(Some(code)));
    known.ok_or_else(|| StoreError::Corrupt(format!("{code} stands for no verdict")))
}

/// Truth is 1 in both databases, since they share no type for it.
fn flag(row: &AnyRow, column: usize) -> Result<bool, StoreError> {
    Ok(row.try_get::<i64, _>(column)? != 0)
}

/// The UUID of a row that cannot be read, and why.
fn unread(row: &AnyRow, uuid: usize, error: &StoreError) -> (String, String) {
    (row.try_get(uuid).unwrap_or_default(), error.to_string())
}

fn is_sqlite(tx: &Transaction<'_, Any>) -> bool {
    tx.backend_name() == "SQLite"
}

/// Places for so many rows of so many parameters each, for [`in_order`].
fn places(rows: usize, each: usize) -> String {
    let row = format!("({})", vec!["?"; each].join(", "));
    vec![row; rows].join(", ")
}

/// A statement with many parameters, which stand as `?` in the order in which they are bound. SQLite looks for each that
/// has a number among all that have one, which takes longer than the statement.
fn in_order(tx: &Transaction<'_, Any>, statement: &str) -> SqlStr {
    if is_sqlite(tx) {
        return AssertSqlSafe(statement.to_owned()).into_sql_str();
    }
    let mut numbered = String::with_capacity(statement.len() * 2);
    for (number, part) in statement.split('?').enumerate() {
        if number > 0 {
            // Writing to a string cannot fail.
            let _ = write!(numbered, "${number}");
        }
        numbered.push_str(part);
    }
    AssertSqlSafe(numbered).into_sql_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tables_of_any_form_are_brought_up_to_date() {
        // Each form is there as a whole, so that a start that was killed left one of them.
        for count in 0..MIGRATIONS.len() {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}/monitor.sqlite?mode=rwc", folder.path().display());
            drop(Store::of_form(&url, &MIGRATIONS[..count]).await.unwrap());
            assert_eq!(Store::open(&url).await.unwrap().outbox().await.unwrap(), (0, 0));
        }
    }

    #[tokio::test]
    async fn whoever_only_reads_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/monitor.sqlite?mode=rwc", folder.path().display());
        // Of whichever form they are, and none.
        for count in [0, 1, MIGRATIONS.len()] {
            drop(Store::of_form(&url, &MIGRATIONS[..count]).await.unwrap());
            let store = Store::open_to_read(&url).await.unwrap();
            assert_eq!(store.is_some(), count > 0);
            let Some(store) = store else { continue };
            assert!(store.known_reports(&["x".to_owned()]).await.unwrap().is_empty());
            let forms = sqlx::query("SELECT COUNT(*) FROM _sqlx_migrations").fetch_one(&store.pool).await;
            assert_eq!(forms.unwrap().get::<i64, _>(0), i64::try_from(count).unwrap());
            let written = sqlx::query("INSERT INTO subject (name) VALUES ('x')").execute(&store.pool).await;
            assert!(written.is_err());
        }
        let newer = "INSERT INTO _sqlx_migrations VALUES (99, 'x', '2026-11-22', TRUE, X'00', 0)";
        sqlx::query(newer).execute(&Store::open(&url).await.unwrap().pool).await.unwrap();
        assert!(matches!(Store::open_to_read(&url).await, Err(StoreError::Migration(_))));
    }
}
