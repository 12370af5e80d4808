//! Takes over what a reference monitor has kept: reports and results as they counted there, and accounts as a file.
//!
//! It keeps no signatures, so that nothing it had can be verified here; whatever shows such a report says so.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use assay_signature::PublicKey;
use futures::TryStreamExt as _;
use jiff::Timestamp;
use sqlx::any::{AnyRow, install_default_drivers};
use sqlx::{AnyConnection, Connection as _, Executor as _, Row};
use uuid::Uuid;

use crate::accounts::{Bootstrap, BootstrapAccount, BootstrapKey, Roles, is_hash};
use crate::intake::{MediaType, Record, counts_from, hexadecimal_digest};
use crate::scopes::Scopes;
use crate::store::{Compressed, Handed, HandedReport, Outcome, Store, StoreError};

/// The form of its tables that is known here, which it brings its database to at each start.
const FORM: &str = "v4";
/// So many reports are stored at once.
const TOGETHER: usize = 64;
/// Who stands for whoever handed a report in there, which it does not keep.
const UPLOADER: &str = "import";

/// Why nothing can be taken over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// Another kind of database.
    #[error("the database of a reference monitor is one of PostgreSQL: postgres://user:password@host/name")]
    NoPostgres,
    /// Another database.
    #[error("this is not the database of a reference monitor: it has no table `meta` with a version")]
    NoMonitor,
    /// Tables of another form.
    #[error("the tables of the reference monitor have the form {}, and {FORM} is known here", .0.escape_debug())]
    OtherForm(String),
    /// Its database.
    #[error("the database of the reference monitor says: {0}")]
    Source(sqlx::Error),
    /// That of this monitor.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for ImportError {
    fn from(error: sqlx::Error) -> Self {
        Self::Source(error)
    }
}

/// Something that is not here as it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// UUID of a report, or name of an account.
    pub what: String,
    /// Why.
    pub why: String,
}

/// What was taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Reports that are here now.
    pub reports: u64,
    /// Their results.
    pub results: u64,
    /// Reports that were here before.
    pub known: u64,
    /// Reports that are here, but do not count.
    pub uncounted: Vec<Left>,
    /// Reports that were not taken.
    pub left: Vec<Left>,
}

/// The accounts of a reference monitor.
#[derive(Debug)]
pub struct ImportedAccounts {
    /// Those that can be used here.
    pub accounts: Bootstrap,
    /// What of them cannot.
    pub left: Vec<Left>,
}

/// The database of a reference monitor, as it is at one moment. Nothing can be written to it.
#[derive(Debug)]
pub struct ReferenceMonitor {
    connection: AnyConnection,
}

impl ReferenceMonitor {
    /// Opens its database, `postgres://…`.
    ///
    /// # Errors
    /// It is none, or not there.
    pub async fn open(url: &str) -> Result<Self, ImportError> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(ImportError::NoPostgres);
        }
        install_default_drivers();
        let mut connection = AnyConnection::connect(url).await?;
        connection.execute("SET default_transaction_read_only = on").await?;
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let there = sqlx::query("SELECT to_regclass('meta')::TEXT").fetch_one(&mut connection).await?;
        if there.try_get::<Option<String>, _>(0)?.is_none() {
            return Err(ImportError::NoMonitor);
        }
        let form =
            sqlx::query("SELECT value FROM meta WHERE key = 'version'").fetch_optional(&mut connection);
        let form: String = form.await?.ok_or(ImportError::NoMonitor)?.try_get(0)?;
        match form.as_str() {
            FORM => Ok(Self { connection }),
            _ => Err(ImportError::OtherForm(form)),
        }
    }

    /// Its accounts.
    ///
    /// # Errors
    /// Its database.
    pub async fn accounts(&mut self) -> Result<ImportedAccounts, ImportError> {
        let mut left = Vec::new();
        let mut leave =
            |name: &str, why: String| left.push(Left { what: format!("the account {name}"), why });
        let mut accounts: BTreeMap<i64, BootstrapAccount> = BTreeMap::new();
        let rows =
            "SELECT accountid::BIGINT, subject, \"group\", roles::BIGINT FROM account ORDER BY accountid";
        for row in sqlx::query(rows).fetch_all(&mut self.connection).await? {
            let (name, bits): (String, Option<i64>) = (row.try_get(1)?, row.try_get(3)?);
            let bits = bits.unwrap_or_default();
            let roles = Roles::from_bits(bits).known();
            if roles.bits() != bits {
                leave(&name, format!("of its roles {bits}, {} are known here", roles.bits()));
            }
            let account = BootstrapAccount {
                name,
                group: row.try_get(2)?,
                roles,
                delegates: BTreeSet::new(),
                hashes: BTreeSet::new(),
                keys: Vec::new(),
            };
            accounts.insert(row.try_get(0)?, account);
        }
        let rows = "SELECT accountid::BIGINT, apikeyhash FROM apikey WHERE apikeyhash IS NOT NULL";
        for row in sqlx::query(rows).fetch_all(&mut self.connection).await? {
            let Some(account) = accounts.get_mut(&row.try_get(0)?) else { continue };
            let hash: String = row.try_get(1)?;
            if is_hash(&hash) {
                account.hashes.insert(hash);
            } else {
                // What stands there may be a password.
                leave(&account.name, "one of its hashes is neither of argon2 nor of bcrypt".into());
            }
        }
        let rows = "SELECT accountid::BIGINT, keyname, keytype, key FROM publickey ORDER BY keyid";
        for row in sqlx::query(rows).fetch_all(&mut self.connection).await? {
            let Some(account) = accounts.get_mut(&row.try_get(0)?) else { continue };
            let text = |column| row.try_get::<Option<String>, _>(column).map(Option::unwrap_or_default);
            let key = BootstrapKey { name: text(1)?, kind: text(2)?, key: text(3)? };
            match PublicKey::read(&key.kind, &key.key) {
                Ok(_) => account.keys.push(key),
                Err(error) => leave(&account.name, format!("its key {}: {error}", key.name)),
            }
        }
        let rows = "SELECT d.accountid::BIGINT, a.subject FROM delegation d JOIN account a ON a.accountid = d.delegateid";
        for row in sqlx::query(rows).fetch_all(&mut self.connection).await? {
            if let Some(account) = accounts.get_mut(&row.try_get(0)?) {
                account.delegates.insert(row.try_get(1)?);
            }
        }
        Ok(ImportedAccounts { accounts: Bootstrap { accounts: accounts.into_values().collect() }, left })
    }

    /// Takes over all reports that a store has not yet, oldest first; without a store, says what would be. What a report
    /// comes to is for the scopes to say. `told` hears how many of how many are done.
    ///
    /// # Errors
    /// Either database. What was taken over before stays, and each report is there as a whole or not at all.
    pub async fn import(
        &mut self,
        (store, is_dry): (Option<&Store>, bool),
        (scopes, now): (&Scopes, Timestamp),
        told: &mut dyn FnMut(u64, u64),
    ) -> Result<Imported, ImportError> {
        let mut imported = Imported::default();
        let wanted = self.wanted(store, &mut imported).await?;
        let all = wanted.len() as u64;
        let mut done = 0;
        told(done, all);
        let ids = wanted.join(",");
        let mut rows = sqlx::query(
            "SELECT r.reportuuid, r.subject, r.data::TEXT, COALESCE(x.results, '[]')
             FROM report r LEFT JOIN (
                 SELECT reportid, jsonb_agg(to_jsonb(result2) ORDER BY resultid)::TEXT AS results FROM result2
                 WHERE reportid = ANY (string_to_array($1, ',')::BIGINT[]) GROUP BY reportid) x USING (reportid)
             WHERE r.reportid = ANY (string_to_array($1, ',')::BIGINT[]) ORDER BY r.checked_at, r.reportid",
        )
        .bind(ids.as_str())
        .fetch(&mut self.connection);
        let mut taking = Taking { store: store.filter(|_| !is_dry), scopes, now, imported };
        let mut some = Vec::with_capacity(TOGETHER);
        while let Some(row) = rows.try_next().await? {
            done += 1;
            match Found::read(&row)?.into_handed(now) {
                Ok(handed) => some.push(handed),
                Err(left) => taking.imported.left.push(left),
            }
            if some.len() == TOGETHER {
                taking.keep(std::mem::take(&mut some)).await?;
                told(done, all);
            }
        }
        taking.keep(some).await?;
        told(done, all);
        Ok(taking.imported)
    }

    /// The reports that are not here yet, by their numbers there.
    async fn wanted(
        &mut self,
        store: Option<&Store>,
        imported: &mut Imported,
    ) -> Result<Vec<String>, ImportError> {
        let rows = sqlx::query("SELECT reportid::BIGINT, reportuuid FROM report ORDER BY reportid");
        let mut all = Vec::new();
        for row in rows.fetch_all(&mut self.connection).await? {
            let (id, uuid): (i64, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
            all.push((id, canonical(&uuid.unwrap_or_default())));
        }
        let uuids: Vec<String> = all.iter().map(|(_, uuid)| uuid.clone()).collect();
        let known = match store {
            Some(store) => store.known_reports(&uuids).await?,
            None => HashSet::new(),
        };
        let mut wanted = Vec::new();
        let mut seen = HashSet::new();
        for (id, uuid) in all {
            if known.contains(&uuid) {
                imported.known += 1;
            } else if seen.insert(uuid.clone()) {
                wanted.push(id.to_string());
            } else {
                let why = "it is there twice, in upper and lower case".to_owned();
                imported.left.push(Left { what: uuid, why });
            }
        }
        Ok(wanted)
    }
}

/// A UUID as it is stored here; what is none stays as it is.
fn canonical(uuid: &str) -> String {
    uuid.parse::<Uuid>().map_or_else(|_| uuid.to_owned(), |uuid| uuid.to_string())
}

/// A report as it is found there.
struct Found {
    uuid: String,
    subject: String,
    document: Option<String>,
    rows: String,
}

impl Found {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let text = |column| row.try_get::<Option<String>, _>(column);
        Ok(Self {
            uuid: canonical(&text(0)?.unwrap_or_default()),
            subject: text(1)?.unwrap_or_default(),
            document: text(2)?,
            rows: row.try_get(3)?,
        })
    }

    /// What is to be stored of it, by the rules for what is handed in now.
    fn into_handed(self, now: Timestamp) -> Result<Handed, Left> {
        let read = || {
            let document = self.document.as_deref().ok_or("there is no document")?;
            let text = Record::text(document, &self.rows);
            let (report, recorded) =
                Record::open(&text).and_then(Record::read).map_err(|problem| problem.to_string())?;
            if report.run.to_string() != self.uuid || report.subject != self.subject {
                return Err("the document is that of another run, or about another subject".to_owned());
            }
            let counts_from =
                counts_from(report.checked_at, now).map_err(|error| format!("checked_at: {error}"))?;
            Ok(Handed {
                received_at: now,
                uploader: UPLOADER.to_owned(),
                media_type: MediaType::Recorded,
                signed: None,
                payload: Compressed::of(&text).map_err(|error| error.to_string())?,
                digest: hexadecimal_digest(&text),
                reports: vec![HandedReport { report, counts_from, recorded: Some(recorded) }],
            })
        };
        read().map_err(|why| Left { what: self.uuid.clone(), why })
    }
}

/// What is being taken over, and what came of it so far.
struct Taking<'t> {
    /// None if nothing is to be stored.
    store: Option<&'t Store>,
    scopes: &'t Scopes,
    now: Timestamp,
    imported: Imported,
}

impl Taking<'_> {
    /// Stores some; where one of them cannot be, all others are.
    async fn keep(&mut self, some: Vec<Handed>) -> Result<(), ImportError> {
        let Some(store) = self.store else {
            self.count(&some, &vec![Outcome::Stored; some.len()]);
            return Ok(());
        };
        match store.keep(&some, self.scopes, self.now).await {
            Ok(outcomes) => self.count(&some, &outcomes),
            Err(error) if error.is_about_contents() => {
                for one in some {
                    match store.keep(std::slice::from_ref(&one), self.scopes, self.now).await {
                        Ok(outcomes) => self.count(std::slice::from_ref(&one), &outcomes),
                        Err(error) if error.is_about_contents() => {
                            let what = one.reports.iter().map(|report| report.report.run.to_string());
                            let left = what.map(|what| Left { what, why: error.to_string() });
                            self.imported.left.extend(left);
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn count(&mut self, some: &[Handed], outcomes: &[Outcome]) {
        for (handed, outcome) in some.iter().zip(outcomes) {
            if let Outcome::Known(_) = outcome {
                self.imported.known += 1;
                continue;
            }
            for HandedReport { report, recorded, .. } in &handed.reports {
                self.imported.reports += 1;
                self.imported.results += recorded.as_ref().map_or(0, BTreeMap::len) as u64;
                if self.scopes.by_uuid(&report.scope.uuid).is_none() {
                    let why = format!("its scope {} is not known here", report.scope.uuid);
                    self.imported.uncounted.push(Left { what: report.run.to_string(), why });
                }
            }
        }
    }
}
