use std::collections::BTreeMap;

use assay_report::{SubmittedReport, SubmittedResult};
use assay_standards::Verdict;
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, Connection as _, Row, Transaction};
use uuid::Uuid;

use super::history::{self, NewReport, Of};
use super::log::{self, NewEntry};
use super::numbers::{Kind, NewNumbers};
use super::{
    Store, StoreError, civil, code, flag, in_order, is_storable, micros, places, scores, time, verdict,
};
use crate::log::Entry;
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
    /// Its fingerprint.
    pub(crate) fingerprint: String,
    /// What was signed, compressed.
    pub(crate) payload: Compressed,
    /// SHA-256 of it, in hexadecimal digits.
    pub(crate) digest: String,
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
    pub(crate) signature: String,
}

/// What was once handed in, with all there is to verify it by.
#[derive(Debug)]
pub(crate) struct KeptSubmission {
    pub(crate) id: i64,
    pub(crate) media_type: String,
    pub(crate) signature: String,
    /// Type and base64 text.
    pub(crate) public_key: String,
    pub(crate) payload: String,
    pub(crate) reports: Vec<KeptReport>,
}

/// A report as others know it.
#[derive(Debug)]
pub(crate) struct KeptReport {
    pub(crate) uuid: String,
    pub(crate) subject: String,
    pub(crate) part: usize,
    /// UUID of the scope.
    pub(crate) scope: String,
    pub(crate) counts_from: Timestamp,
    /// By testcase the verdict, and whether people stated it.
    pub(crate) results: BTreeMap<String, (Verdict, bool)>,
    /// Whether all of them count from when the report does.
    pub(crate) is_in_time: bool,
    /// What the log says.
    pub(crate) entry: Option<Vec<u8>>,
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
        let mut entries = Vec::new();
        let mut new = self.numbers.new_ones();
        let mut tx = self.write().await?;
        for handed in all {
            // A transaction within the transaction, so that one does not spoil the others.
            let mut part = tx.begin().await?;
            let mut accepted = Vec::new();
            let outcome = keep_handed(&mut part, handed, (scopes, now), &mut new, &mut accepted).await;
            match outcome {
                Ok(Outcome::Stored) => {
                    part.commit().await?;
                    entries.append(&mut accepted);
                }
                Ok(Outcome::Known(_)) | Err(_) => {
                    part.rollback().await?;
                    new.forget();
                }
            }
            outcomes.push(outcome);
        }
        if !entries.is_empty() {
            log::append(&mut tx, &entries).await?;
            scores::revise(&mut tx).await?;
        }
        tx.commit().await?;
        new.keep();
        Ok(outcomes)
    }

    /// A report by its UUID.
    pub(crate) async fn report(&self, uuid: &str) -> Result<Option<StoredReport>, StoreError> {
        // Whatever is no UUID is the name of no report.
        let Ok(uuid) = uuid.parse::<Uuid>() else { return Ok(None) };
        let row = sqlx::query(
            "SELECT r.uuid, s.name, m.received_at, m.media_type, r.part, m.payload, m.signature
             FROM report r JOIN subject s ON s.id = r.subject JOIN submission m ON m.id = r.submission
             WHERE r.uuid = $1",
        );
        row.bind(uuid.to_string()).fetch_optional(&self.pool).await?.as_ref().map(stored).transpose()
    }

    /// What was handed in first after a number; none if that is all.
    pub(crate) async fn next_submission(&self, after: i64) -> Result<Option<KeptSubmission>, StoreError> {
        let row = sqlx::query(
            "SELECT id, media_type, signature, public_key, payload FROM submission WHERE id > $1 ORDER BY id LIMIT 1",
        );
        let Some(row) = row.bind(after).fetch_optional(&self.pool).await? else { return Ok(None) };
        let id: i64 = row.try_get(0)?;
        let rows = sqlx::query(
            "SELECT r.id, r.uuid, s.name, r.part, e.entry, o.uuid, r.counts_from
             FROM report r JOIN subject s ON s.id = r.subject JOIN scope o ON o.id = r.scope
                 LEFT JOIN log_entry e ON e.report = r.id
             WHERE r.submission = $1 ORDER BY r.id",
        );
        let mut reports = Vec::new();
        for row in rows.bind(id).fetch_all(&self.pool).await? {
            let results = sqlx::query(
                "SELECT t.name, x.verdict, x.stated, x.counts_from
                 FROM result x JOIN testcase t ON t.id = x.testcase WHERE x.report = $1",
            );
            let results = results.bind(row.try_get::<i64, _>(0)?).fetch_all(&self.pool).await?;
            let from: i64 = row.try_get(6)?;
            let is_in_time = results.iter().all(|row| row.try_get(3).is_ok_and(|at: i64| at == from));
            let results =
                results.iter().map(|row| Ok((row.try_get(0)?, (verdict(row.try_get(1)?)?, flag(row, 2)?))));
            reports.push(KeptReport {
                uuid: row.try_get(1)?,
                subject: row.try_get(2)?,
                part: usize::try_from(row.try_get::<i64, _>(3)?).unwrap_or(usize::MAX),
                scope: row.try_get(5)?,
                counts_from: time(from)?,
                results: results.collect::<Result<_, StoreError>>()?,
                is_in_time,
                entry: row.try_get(4)?,
            });
        }
        Ok(Some(KeptSubmission {
            id,
            media_type: row.try_get(1)?,
            signature: row.try_get(2)?,
            public_key: row.try_get(3)?,
            payload: unpacked(row.try_get(4)?)?,
            reports,
        }))
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
            "SELECT r.uuid, s.name, m.received_at, m.media_type, r.part, m.payload, m.signature
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
    around: (&Scopes, Timestamp),
    numbers: &mut NewNumbers<'_>,
    accepted: &mut Vec<NewEntry>,
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
    for (part, new) in (0_u32..).zip(&handed.reports) {
        let HandedReport { report, counts_from } = new;
        let Some(id) = keep_report(tx, (submission, part.into()), new, around, numbers).await? else {
            return Ok(Outcome::Known(report.run.to_string()));
        };
        let entry = Entry::Report {
            report: report.run.to_string(),
            subject: report.subject.clone(),
            scope: report.scope.uuid.clone(),
            received_at: handed.received_at,
            counts_from: *counts_from,
            payload: handed.digest.clone(),
            part: part.into(),
            key: handed.fingerprint.clone(),
        };
        accepted.push((entry, Some(id)));
    }
    Ok(Outcome::Stored)
}

/// The number it was given; none if a report with this UUID is there.
async fn keep_report(
    tx: &mut Transaction<'_, Any>,
    (submission, part): (i64, i64),
    handed: &HandedReport,
    (scopes, now): (&Scopes, Timestamp),
    numbers: &mut NewNumbers<'_>,
) -> Result<Option<i64>, StoreError> {
    let HandedReport { report, counts_from } = handed;
    let subject = numbers.of(tx, Kind::Subject, &report.subject).await?;
    let scope = numbers.of(tx, Kind::Scope, &report.scope.uuid).await?;
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
    let Some(row) = row.fetch_optional(&mut **tx).await? else { return Ok(None) };
    let id: i64 = row.try_get(0)?;
    let results = report.results();
    if results.is_empty() {
        return Ok(Some(id));
    }
    let mut numbered = Vec::with_capacity(results.len());
    for (&name, &result) in &results {
        numbered.push((numbers.of(tx, Kind::Testcase, name).await?, name, result));
    }
    // Parameters per statement are limited in both databases.
    for some in numbered.chunks(1000) {
        insert_results(tx, (subject, scope, micros(*counts_from), id), some).await?;
    }
    let spec = scopes.by_uuid(&report.scope.uuid);
    let report = NewReport { of: Of { subject, scope }, id, at: civil(*counts_from) };
    let standings = history::advance(tx, report, numbered.into_iter(), spec).await?;
    if spec.is_none() {
        scores::forget(tx, report.of).await?;
    }
    if let Some(spec) = spec {
        scores::keep(tx, report.of, &Score::reckon(spec, &standings, now), scopes.fingerprint(spec)).await?;
    }
    Ok(Some(id))
}

/// Writes results of one report down; all have subject, scope, time and report in common.
async fn insert_results(
    tx: &mut Transaction<'_, Any>,
    (subject, scope, counts_from, report): (i64, i64, i64, i64),
    results: &[(i64, &str, SubmittedResult)],
) -> Result<(), StoreError> {
    let statement = format!(
        "INSERT INTO result (subject, scope, testcase, counts_from, report, verdict, stated, approved)
         VALUES {}",
        places(results.len(), 8)
    );
    let mut query = sqlx::query(in_order(tx, &statement));
    for (testcase, _, result) in results {
        query = query
            .bind(subject)
            .bind(scope)
            .bind(*testcase)
            .bind(counts_from)
            .bind(report)
            .bind(code(result.verdict))
            .bind(i64::from(result.is_stated))
            .bind(i64::from(result.verdict == Verdict::Pass));
    }
    query.execute(&mut **tx).await?;
    Ok(())
}

fn stored(row: &AnyRow) -> Result<StoredReport, StoreError> {
    let part = usize::try_from(row.try_get::<i64, _>(4)?);
    Ok(StoredReport {
        uuid: row.try_get(0)?,
        subject: row.try_get(1)?,
        received_at: time(row.try_get(2)?)?,
        media_type: row.try_get(3)?,
        part: part.map_err(|error| StoreError::Corrupt(error.to_string()))?,
        payload: unpacked(row.try_get(5)?)?,
        signature: row.try_get(6)?,
    })
}

/// What was signed.
fn unpacked(payload: Vec<u8>) -> Result<String, StoreError> {
    let corrupt = |error: &dyn std::fmt::Display| StoreError::Corrupt(error.to_string());
    let payload = zstd::decode_all(payload.as_slice()).map_err(|error| corrupt(&error))?;
    String::from_utf8(payload).map_err(|error| corrupt(&error))
}
