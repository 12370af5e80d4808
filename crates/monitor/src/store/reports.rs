use std::collections::BTreeMap;

use assay_report::{SubmittedReport, SubmittedResult};
use assay_standards::Verdict;
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Connection as _, Row, Transaction};
use uuid::Uuid;

use super::history::{self, NewReport, Of};
use super::{Store, StoreError, civil, code, is_storable, micros, scores, time};
use crate::scopes::Scopes;
use crate::score::Score;

/// What was handed in at once, under one signature.
#[derive(Debug)]
pub(crate) struct Handed {
    pub(crate) received_at: Timestamp,
    pub(crate) uploader: String,
    pub(crate) media_type: &'static str,
    pub(crate) signature: String,
    /// The key it was verified with, type and base64 text.
    pub(crate) public_key: String,
    /// What was signed, compressed.
    pub(crate) payload: Compressed,
    pub(crate) reports: Vec<HandedReport>,
}

/// What was signed, as it is stored.
#[derive(Debug)]
pub(crate) struct Compressed(Vec<u8>);

impl Compressed {
    /// How much: logs repeat themselves, and more costs more than it saves.
    const LEVEL: i32 = 3;

    /// # Errors
    /// There is no memory for it.
    pub(crate) fn of(payload: &str) -> Result<Self, StoreError> {
        let compressed = zstd::encode_all(payload.as_bytes(), Self::LEVEL);
        compressed.map(Self).map_err(|error| StoreError::Corrupt(error.to_string()))
    }
}

/// One report of it.
#[derive(Debug)]
pub(crate) struct HandedReport {
    pub(crate) report: SubmittedReport,
    /// From when on its results count.
    pub(crate) counts_from: Timestamp,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All of it is stored.
    Stored,
    /// A report with this UUID is stored already; nothing of it was stored now.
    Known(String),
}

/// A report as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredReport {
    pub(crate) uuid: String,
    pub(crate) subject: String,
    pub(crate) received_at: Timestamp,
    pub(crate) media_type: String,
    pub(crate) part: usize,
    /// What was signed, whole.
    pub(crate) payload: String,
}

impl Store {
    /// Stores what was handed in by several at about the same time. Each is stored whole or not at all; what is said to
    /// be stored is on disk.
    ///
    /// # Errors
    /// Nothing of it is stored.
    pub(crate) async fn keep(
        &self,
        all: &[Handed],
        scopes: &Scopes,
        now: Timestamp,
    ) -> Result<Vec<Result<Outcome, StoreError>>, StoreError> {
        let mut outcomes = Vec::with_capacity(all.len());
        let mut tx = self.write().await?;
        for handed in all {
            // A transaction within the transaction, so that one does not spoil the others.
            let mut part = tx.begin().await?;
            let outcome = keep_handed(&mut part, handed, scopes, now).await;
            match outcome {
                Ok(Outcome::Stored) => part.commit().await?,
                Ok(Outcome::Known(_)) | Err(_) => part.rollback().await?,
            }
            outcomes.push(outcome);
        }
        tx.commit().await?;
        Ok(outcomes)
    }

    /// A report by its UUID.
    pub(crate) async fn report(&self, uuid: &str) -> Result<Option<StoredReport>, StoreError> {
        // Whatever is no UUID is the name of no report.
        let Ok(uuid) = uuid.parse::<Uuid>() else { return Ok(None) };
        let row = sqlx::query(
            "SELECT r.uuid, s.name, m.received_at, m.media_type, r.part, m.payload
             FROM report r JOIN subject s ON s.id = r.subject JOIN submission m ON m.id = r.submission
             WHERE r.uuid = $1",
        );
        row.bind(uuid.to_string()).fetch_optional(&self.pool).await?.as_ref().map(stored).transpose()
    }

    /// Reports, newest first: of one subject, or of all.
    pub(crate) async fn reports(
        &self,
        subject: Option<&str>,
        limit: i64,
        skip: i64,
    ) -> Result<Vec<StoredReport>, StoreError> {
        if !subject.is_none_or(is_storable) {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "SELECT r.uuid, s.name, m.received_at, m.media_type, r.part, m.payload
             FROM report r JOIN subject s ON s.id = r.subject JOIN submission m ON m.id = r.submission
             WHERE $1 = '' OR s.name = $1 ORDER BY r.counts_from DESC, r.id DESC LIMIT $2 OFFSET $3",
        );
        let rows =
            rows.bind(subject.unwrap_or_default()).bind(limit).bind(skip).fetch_all(&self.pool).await?;
        rows.iter().map(stored).collect()
    }
}

async fn keep_handed(
    tx: &mut Transaction<'_, Any>,
    handed: &Handed,
    scopes: &Scopes,
    now: Timestamp,
) -> Result<Outcome, StoreError> {
    let row = sqlx::query(
        "INSERT INTO submission (received_at, uploader, media_type, signature, public_key, payload)
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
    );
    let row = row
        .bind(micros(handed.received_at))
        .bind(handed.uploader.as_str())
        .bind(handed.media_type)
        .bind(handed.signature.as_str())
        .bind(handed.public_key.as_str())
        .bind(handed.payload.0.as_slice());
    let submission: i64 = row.fetch_one(&mut **tx).await?.try_get(0)?;
    for (part, report) in (0_i64..).zip(&handed.reports) {
        if !keep_report(tx, (submission, part), report, scopes, now).await? {
            return Ok(Outcome::Known(report.report.run.to_string()));
        }
    }
    Ok(Outcome::Stored)
}

/// False if a report with this UUID is there.
async fn keep_report(
    tx: &mut Transaction<'_, Any>,
    (submission, part): (i64, i64),
    handed: &HandedReport,
    scopes: &Scopes,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let HandedReport { report, counts_from } = handed;
    let subject = number(tx, "subject", "name", &report.subject).await?;
    let scope = number(tx, "scope", "uuid", &report.scope.uuid).await?;
    let row = sqlx::query(
        "INSERT INTO report (uuid, submission, part, subject, scope, checked_at, counts_from)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (uuid) DO NOTHING RETURNING id",
    );
    let row = row
        .bind(report.run.to_string())
        .bind(submission)
        .bind(part)
        .bind(subject)
        .bind(scope)
        .bind(report.checked_at.to_string())
        .bind(micros(*counts_from));
    let Some(row) = row.fetch_optional(&mut **tx).await? else { return Ok(false) };
    let id: i64 = row.try_get(0)?;
    let results = report.results();
    if results.is_empty() {
        return Ok(true);
    }
    let names: Vec<&str> = results.keys().copied().collect();
    let testcases = testcase_numbers(tx, &names).await?;
    let numbered: Vec<(i64, SubmittedResult)> =
        results.iter().filter_map(|(id, &result)| Some((*testcases.get(*id)?, result))).collect();
    // Parameters per statement are limited in both databases.
    for some in numbered.chunks(1000) {
        insert_results(tx, (subject, scope, micros(*counts_from), id), some).await?;
    }
    let spec = scopes.by_uuid(&report.scope.uuid);
    let found = results.iter().filter_map(|(&name, &result)| Some((*testcases.get(name)?, name, result)));
    let report = NewReport { of: Of { subject, scope }, id, at: civil(*counts_from) };
    let standings = history::advance(tx, report, found, spec).await?;
    if let Some(spec) = spec {
        scores::keep(tx, report.of, &Score::reckon(spec, &standings, now), scopes.fingerprint(spec)).await?;
    }
    Ok(true)
}

/// Writes results of one report down; all have subject, scope, time and report in common.
async fn insert_results(
    tx: &mut Transaction<'_, Any>,
    (subject, scope, counts_from, report): (i64, i64, i64, i64),
    results: &[(i64, SubmittedResult)],
) -> Result<(), StoreError> {
    let row = |number: usize| {
        let [testcase, verdict, stated, approved] = std::array::from_fn(|place| 5 + 4 * number + place);
        format!("($1, $2, ${testcase}, $3, $4, ${verdict}, ${stated}, ${approved})")
    };
    let rows: Vec<String> = (0..results.len()).map(row).collect();
    let statement = format!(
        "INSERT INTO result (subject, scope, testcase, counts_from, report, verdict, stated, approved)
         VALUES {}",
        rows.join(", ")
    );
    let mut query =
        sqlx::query(AssertSqlSafe(statement)).bind(subject).bind(scope).bind(counts_from).bind(report);
    for (testcase, result) in results {
        let approved = i64::from(result.verdict == Verdict::Pass);
        query =
            query.bind(*testcase).bind(code(result.verdict)).bind(i64::from(result.is_stated)).bind(approved);
    }
    query.execute(&mut **tx).await?;
    Ok(())
}

/// The number that stands for a name, given now if there is none.
async fn number(
    tx: &mut Transaction<'_, Any>,
    table: &'static str,
    column: &'static str,
    name: &str,
) -> Result<i64, StoreError> {
    let select = format!("SELECT id FROM {table} WHERE {column} = $1");
    if let Some(row) = sqlx::query(AssertSqlSafe(select.clone())).bind(name).fetch_optional(&mut **tx).await?
    {
        return Ok(row.try_get(0)?);
    }
    let insert = format!("INSERT INTO {table} ({column}) VALUES ($1) ON CONFLICT ({column}) DO NOTHING");
    sqlx::query(AssertSqlSafe(insert)).bind(name).execute(&mut **tx).await?;
    Ok(sqlx::query(AssertSqlSafe(select)).bind(name).fetch_one(&mut **tx).await?.try_get(0)?)
}

/// The numbers of testcases, given now to those that have none.
async fn testcase_numbers(
    tx: &mut Transaction<'_, Any>,
    names: &[&str],
) -> Result<BTreeMap<String, i64>, StoreError> {
    let mut numbers = BTreeMap::new();
    // Parameters per statement are limited in both databases.
    for some in names.chunks(1000) {
        let places: Vec<String> = (1..=some.len()).map(|place| format!("${place}")).collect();
        let select = format!("SELECT name, id FROM testcase WHERE name IN ({})", places.join(", "));
        let mut query = sqlx::query(AssertSqlSafe(select));
        for &name in some {
            query = query.bind(name);
        }
        for row in query.fetch_all(&mut **tx).await? {
            numbers.insert(row.try_get(0)?, row.try_get(1)?);
        }
    }
    // In order, so that two who give numbers to the same names do not wait for each other in a circle.
    for &name in names {
        if !numbers.contains_key(name) {
            numbers.insert(name.to_owned(), number(tx, "testcase", "name", name).await?);
        }
    }
    Ok(numbers)
}

fn stored(row: &AnyRow) -> Result<StoredReport, StoreError> {
    let payload: Vec<u8> = row.try_get(5)?;
    let corrupt = |error: &dyn std::fmt::Display| StoreError::Corrupt(error.to_string());
    let payload = zstd::decode_all(payload.as_slice()).map_err(|error| corrupt(&error))?;
    Ok(StoredReport {
        uuid: row.try_get(0)?,
        subject: row.try_get(1)?,
        received_at: time(row.try_get(2)?)?,
        media_type: row.try_get(3)?,
        part: usize::try_from(row.try_get::<i64, _>(4)?).map_err(|error| corrupt(&error))?,
        payload: String::from_utf8(payload).map_err(|error| corrupt(&error))?,
    })
}
