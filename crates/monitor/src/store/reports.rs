use std::collections::BTreeMap;

use assay_report::{SubmittedReport, SubmittedResult};
use assay_standards::Verdict;
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row, Transaction};
use uuid::Uuid;

use super::{Store, StoreError, is_storable, micros, time};

/// What was handed in at once, under one signature.
#[derive(Debug)]
pub(crate) struct Handed<'h> {
    pub(crate) received_at: Timestamp,
    pub(crate) uploader: &'h str,
    pub(crate) media_type: &'static str,
    pub(crate) signature: &'h str,
    /// The key it was verified with, type and base64 text.
    pub(crate) public_key: String,
    pub(crate) payload: &'h str,
    pub(crate) reports: &'h [HandedReport],
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

/// How much the payloads are compressed: logs repeat themselves, and more costs more than it saves.
const COMPRESSION: i32 = 3;

impl Store {
    /// Stores what was handed in, all of it or nothing.
    pub(crate) async fn keep(&self, handed: &Handed<'_>) -> Result<Outcome, StoreError> {
        let payload = zstd::encode_all(handed.payload.as_bytes(), COMPRESSION)
            .map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let mut tx = self.write().await?;
        let row = sqlx::query(
            "INSERT INTO submission (received_at, uploader, media_type, signature, public_key, payload)
             VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        );
        let row = row
            .bind(micros(handed.received_at))
            .bind(handed.uploader)
            .bind(handed.media_type)
            .bind(handed.signature)
            .bind(&handed.public_key)
            .bind(payload);
        let submission: i64 = row.fetch_one(&mut *tx).await?.try_get(0)?;
        for (part, handed) in (0_i64..).zip(handed.reports) {
            if !keep_report(&mut tx, submission, part, handed).await? {
                tx.rollback().await?;
                return Ok(Outcome::Known(handed.report.run.to_string()));
            }
        }
        tx.commit().await?;
        Ok(Outcome::Stored)
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

/// False if a report with this UUID is there.
async fn keep_report(
    tx: &mut Transaction<'static, Any>,
    submission: i64,
    part: i64,
    handed: &HandedReport,
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
    // What came later takes the place of what came earlier; of two at the same time, what was handed in later.
    let update = sqlx::query(
        "INSERT INTO standing (subject, scope, testcase, counts_from, report, verdict, stated)
         SELECT subject, scope, testcase, counts_from, report, verdict, stated FROM result WHERE report = $1
         ON CONFLICT (subject, scope, testcase, stated) DO UPDATE
             SET counts_from = excluded.counts_from, report = excluded.report, verdict = excluded.verdict
             WHERE excluded.counts_from >= standing.counts_from",
    );
    update.bind(id).execute(&mut **tx).await?;
    Ok(true)
}

/// Writes results of one report down; all have subject, scope, time and report in common.
async fn insert_results(
    tx: &mut Transaction<'static, Any>,
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
    tx: &mut Transaction<'static, Any>,
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
    tx: &mut Transaction<'static, Any>,
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

/// The number of a verdict; those that are handed in all have one.
fn code(verdict: Verdict) -> i64 {
    verdict.code().map_or(0, i64::from)
}
