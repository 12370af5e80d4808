use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use assay_report::{SubmittedReport, SubmittedResult};
use assay_standards::Verdict;
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row, Transaction};
use uuid::Uuid;

use super::history::{self, NewReport, Of};
use super::log;
use super::numbers::{Kind, NewNumbers};
use super::{
    Store, StoreError, civil, code, flag, in_order, is_storable, micros, places, rows, scores, time, verdict,
};
use crate::intake::{MediaType, RecordedResult};
use crate::log::Entry;
use crate::scopes::Scopes;
use crate::score::Score;

/// What was handed in at once, under one signature, or taken over from another monitor.
#[derive(Debug)]
pub(crate) struct Handed {
    pub(crate) received_at: Timestamp,
    pub(crate) uploader: String,
    pub(crate) media_type: MediaType,
    /// None of what was taken over.
    pub(crate) signed: Option<Signed>,
    /// What was signed, or recorded elsewhere, compressed.
    pub(crate) payload: Compressed,
    /// SHA-256 of it, in hexadecimal digits.
    pub(crate) digest: String,
    pub(crate) reports: Vec<HandedReport>,
}

/// Who vouches for what was handed in.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) signature: String,
    /// The key it was verified with, type and base64 text.
    pub(crate) public_key: String,
    /// Its fingerprint.
    pub(crate) fingerprint: String,
}

/// What was signed, as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Compressed(Vec<u8>);

impl Compressed {
    /// How large it is, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// How much: logs repeat themselves, and more costs more than it saves.
    const LEVEL: i32 = 3;

    /// # Errors
    /// There is no memory for it.
    pub(crate) fn of(payload: &str) -> Result<Self, StoreError> {
        let compressed = zstd::encode_all(payload.as_bytes(), Self::LEVEL);
        compressed.map(Self).map_err(|error| StoreError::Corrupt(error.to_string()))
    }

    /// What was signed. It keeps a core busy for a while.
    pub(crate) fn unpack(&self) -> Result<String, StoreError> {
        let corrupt = |error: &dyn std::fmt::Display| StoreError::Corrupt(format!("its text: {error}"));
        if self.0.is_empty() {
            return Err(corrupt(&"it is gone"));
        }
        let payload = zstd::decode_all(self.0.as_slice()).map_err(|error| corrupt(&error))?;
        String::from_utf8(payload).map_err(|error| corrupt(&error))
    }
}

/// One report of it.
#[derive(Debug)]
pub(crate) struct HandedReport {
    pub(crate) report: SubmittedReport,
    /// From when on its results count.
    pub(crate) counts_from: Timestamp,
    /// The results that counted elsewhere; none of a report that says itself what counts.
    pub(crate) recorded: Option<BTreeMap<String, RecordedResult>>,
}

impl HandedReport {
    /// By testcase the result, and whether it is approved.
    fn results(&self) -> Vec<(&str, SubmittedResult, bool)> {
        let Some(recorded) = &self.recorded else {
            let results = self.report.results().into_iter();
            return results.map(|(id, result)| (id, result, result.verdict == Verdict::Pass)).collect();
        };
        recorded.iter().map(|(id, recorded)| (id.as_str(), recorded.result, recorded.is_approved)).collect()
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All of it is stored.
    Stored,
    /// A report with this UUID is stored already; nothing of it was stored now.
    Known(String),
}

/// What was signed, or recorded elsewhere, whole.
#[derive(Debug, Clone)]
pub(crate) enum Text {
    Kept(String),
    /// Whoever runs the monitor did not keep it for ever.
    LetGo(Timestamp),
}

/// The same as it is stored.
#[derive(Debug, Clone)]
pub(crate) enum Packed {
    Kept(Compressed),
    LetGo(Timestamp),
}

/// A report as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredReport {
    pub(crate) uuid: String,
    pub(crate) subject: String,
    /// UUID of the scope.
    pub(crate) scope: String,
    /// As written.
    pub(crate) checked_at: String,
    pub(crate) received_at: Timestamp,
    pub(crate) media_type: MediaType,
    pub(crate) part: usize,
    pub(crate) text: Packed,
    /// Empty if nobody's is known.
    pub(crate) signature: String,
    /// Whose account handed it in.
    pub(crate) uploader: String,
    /// Type and base64 text; empty if none is known.
    pub(crate) public_key: String,
    /// The checker and its revision, where the report says it.
    pub(crate) creator: Option<String>,
}

/// What was once handed in, with all there is to verify it by.
#[derive(Debug)]
pub(crate) struct KeptSubmission {
    pub(crate) id: i64,
    pub(crate) received_at: Timestamp,
    pub(crate) uploader: String,
    pub(crate) media_type: MediaType,
    pub(crate) signature: String,
    /// Type and base64 text.
    pub(crate) public_key: String,
    pub(crate) text: Text,
    /// Those that can be read.
    pub(crate) reports: Vec<KeptReport>,
    /// Those that cannot, by their UUIDs, and why.
    pub(crate) unreadable: Vec<(String, String)>,
}

/// What was once handed in, and cannot be read any more.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) id: i64,
    /// UUIDs.
    pub(crate) reports: Vec<String>,
    pub(crate) why: String,
}

/// A report as others know it.
#[derive(Debug)]
pub(crate) struct KeptReport {
    pub(crate) uuid: String,
    pub(crate) subject: String,
    pub(crate) part: usize,
    /// UUID of the scope.
    pub(crate) scope: String,
    /// As written.
    pub(crate) checked_at: String,
    pub(crate) counts_from: Timestamp,
    /// By testcase the verdict, and whether people stated it.
    pub(crate) results: BTreeMap<String, (Verdict, bool)>,
    /// The testcases whose results are approved.
    pub(crate) approved: BTreeSet<String>,
    /// Whether all of them count from when the report does.
    pub(crate) is_in_time: bool,
    /// What the log says.
    pub(crate) entry: Option<Vec<u8>>,
}

/// The columns of a report that [`stored`] reads.
const REPORT: &str =
    "SELECT r.uuid, s.name, m.received_at, m.media_type, r.part, m.payload, m.signature, o.uuid,
        r.checked_at, l.at, m.uploader, m.public_key, r.creator
    FROM report r JOIN subject s ON s.id = r.subject JOIN scope o ON o.id = r.scope
        JOIN submission m ON m.id = r.submission LEFT JOIN let_go l ON l.submission = m.id";

/// Those of what was once handed in.
const SUBMISSION: &str =
    "SELECT m.media_type, m.signature, m.public_key, m.payload, l.at, m.received_at, m.uploader
    FROM submission m LEFT JOIN let_go l ON l.submission = m.id WHERE m.id = $1";

impl Store {
    /// Stores what was handed in by several at about the same time: all of it, but for what is known, or nothing. What is
    /// said to be stored is on disk.
    ///
    /// # Errors
    /// Nothing of it is stored.
    pub(crate) async fn keep(
        &self,
        all: &[Handed],
        scopes: &Scopes,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, StoreError> {
        let mut tx = self.write().await?;
        let mut numbers = self.numbers.new_ones();
        let (outcomes, accepted) = told_apart(&mut tx, all).await?;
        if !accepted.is_empty() {
            let kept = insert_submissions(&mut tx, &accepted, &mut numbers).await?;
            for round in rounds(kept.as_slice()) {
                keep_results(&mut tx, &round, (scopes, now), &mut numbers).await?;
            }
            let entries: Vec<Entry> = kept.iter().map(Kept::entry).collect();
            log::append(&mut tx, &entries).await?;
            scores::revise(&mut tx).await?;
        }
        tx.commit().await?;
        numbers.keep();
        Ok(outcomes)
    }

    /// Whether there is a report with a UUID.
    pub(crate) async fn has_report(&self, uuid: &str) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT id FROM report WHERE uuid = $1").bind(uuid);
        Ok(row.fetch_optional(&self.pool).await?.is_some())
    }

    /// Those of some reports, by their UUIDs, that are stored already.
    pub(crate) async fn known_reports(&self, uuids: &[String]) -> Result<HashSet<String>, StoreError> {
        known(&mut self.pool.begin().await?, uuids).await
    }

    /// A report by its UUID.
    pub(crate) async fn report(&self, uuid: &str) -> Result<Option<StoredReport>, StoreError> {
        // Whatever is no UUID is the name of no report.
        let Ok(uuid) = uuid.parse::<Uuid>() else { return Ok(None) };
        let row = sqlx::query(AssertSqlSafe(format!("{REPORT} WHERE r.uuid = $1")));
        row.bind(uuid.to_string()).fetch_optional(&self.pool).await?.as_ref().map(stored).transpose()
    }

    /// What was handed in first after a number, and since an instant; none if that is all. What cannot be read is told
    /// apart from a database that does not answer.
    pub(crate) async fn next_submission(
        &self,
        after: i64,
        since: Timestamp,
    ) -> Result<Option<Result<KeptSubmission, Unreadable>>, StoreError> {
        let next =
            sqlx::query("SELECT id FROM submission WHERE id > $1 AND received_at >= $2 ORDER BY id LIMIT 1");
        // Nothing is left out of all that there is, whatever stands there for a time.
        let since = if since == Timestamp::MIN { i64::MIN } else { micros(since) };
        match next.bind(after).bind(since).fetch_optional(&self.pool).await? {
            Some(row) => Ok(Some(self.submission(row.try_get(0)?).await?)),
            None => Ok(None),
        }
    }

    /// What was handed in, by its number, with its reports.
    pub(super) async fn submission(&self, id: i64) -> Result<Result<KeptSubmission, Unreadable>, StoreError> {
        match self.kept_submission(id).await {
            Ok(kept) => Ok(Ok(kept)),
            Err(error) if error.is_about_contents() => {
                let rows = sqlx::query("SELECT uuid FROM report WHERE submission = $1 ORDER BY id").bind(id);
                let rows = rows.fetch_all(&self.pool).await?;
                let reports = rows.iter().filter_map(|row| row.try_get(0).ok()).collect();
                Ok(Err(Unreadable { id, reports, why: error.to_string() }))
            }
            Err(error) => Err(error),
        }
    }

    async fn kept_submission(&self, id: i64) -> Result<KeptSubmission, StoreError> {
        let row = sqlx::query(AssertSqlSafe(SUBMISSION)).bind(id).fetch_one(&self.pool).await?;
        let mut kept = KeptSubmission {
            id,
            received_at: time(row.try_get(5)?)?,
            uploader: row.try_get(6)?,
            media_type: media_type(&row, 0)?,
            signature: row.try_get(1)?,
            public_key: row.try_get(2)?,
            text: match packed(&row, (3, 4))? {
                Packed::Kept(packed) => Text::Kept(packed.unpack()?),
                Packed::LetGo(at) => Text::LetGo(at),
            },
            reports: Vec::new(),
            unreadable: Vec::new(),
        };
        let rows = sqlx::query(
            "SELECT r.uuid, s.name, r.part, e.entry, o.uuid, r.counts_from, r.checked_at
             FROM report r JOIN subject s ON s.id = r.subject JOIN scope o ON o.id = r.scope
                 LEFT JOIN log_entry e ON e.about = r.uuid
             WHERE r.submission = $1 ORDER BY r.id",
        );
        for row in rows.bind(id).fetch_all(&self.pool).await? {
            match self.kept_report(&row).await {
                Ok(report) => kept.reports.push(report),
                Err(error) if error.is_about_contents() => {
                    kept.unreadable.push((row.try_get(0)?, error.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(kept)
    }

    async fn kept_report(&self, row: &AnyRow) -> Result<KeptReport, StoreError> {
        let uuid: String = row.try_get(0)?;
        let results = self.rows_of(&uuid).await?;
        let from: i64 = row.try_get(5)?;
        let is_in_time = results.iter().all(|row| row.try_get(3).is_ok_and(|at: i64| at == from));
        Ok(KeptReport {
            uuid,
            subject: row.try_get(1)?,
            part: usize::try_from(row.try_get::<i64, _>(2)?).unwrap_or(usize::MAX),
            scope: row.try_get(4)?,
            counts_from: time(from)?,
            checked_at: row.try_get(6)?,
            results: by_testcase(&results)?,
            approved: approved(&results)?,
            is_in_time,
            entry: row.try_get(3)?,
        })
    }

    /// What counts of a report, by testcase: the verdict, and whether people stated it.
    pub(crate) async fn results_of(
        &self,
        uuid: &str,
    ) -> Result<BTreeMap<String, (Verdict, bool)>, StoreError> {
        by_testcase(&self.rows_of(uuid).await?)
    }

    /// Testcase, verdict, whether people stated it, when it counts from, and whether it is approved.
    async fn rows_of(&self, uuid: &str) -> Result<Vec<AnyRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT t.name, x.verdict, x.stated, x.counts_from, x.approved FROM result x JOIN testcase t ON t.id = x.testcase
             WHERE x.report = (SELECT id FROM report WHERE uuid = $1)",
        );
        Ok(rows.bind(uuid).fetch_all(&self.pool).await?)
    }

    /// UUIDs of reports, newest first: of one subject, or of all.
    pub(crate) async fn report_uuids(
        &self,
        subject: Option<&str>,
        limit: i64,
        skip: i64,
    ) -> Result<Vec<String>, StoreError> {
        if !subject.is_none_or(is_storable) {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "SELECT r.uuid FROM report r JOIN subject s ON s.id = r.subject
             WHERE $1 = '' OR s.name = $1 ORDER BY r.counts_from DESC, r.id DESC LIMIT $2 OFFSET $3",
        );
        let rows =
            rows.bind(subject.unwrap_or_default()).bind(limit).bind(skip).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    }
}

/// A report on its way into the database.
struct Kept<'h> {
    id: i64,
    of: Of,
    handed: &'h Handed,
    part: usize,
}

impl<'h> Kept<'h> {
    fn report(&self) -> &'h HandedReport {
        &self.handed.reports[self.part]
    }

    fn entry(&self) -> Entry {
        let HandedReport { report, counts_from, .. } = self.report();
        let (uuid, subject, scope) =
            (report.run.to_string(), report.subject.clone(), report.scope.uuid.clone());
        let Some(signed) = &self.handed.signed else {
            return Entry::Import {
                report: uuid,
                subject,
                scope,
                imported_at: self.handed.received_at,
                counts_from: *counts_from,
                record: self.handed.digest.clone(),
            };
        };
        Entry::Report {
            report: uuid,
            subject,
            scope,
            received_at: self.handed.received_at,
            counts_from: *counts_from,
            payload: self.handed.digest.clone(),
            part: self.part as u64,
            key: signed.fingerprint.clone(),
        }
    }
}

/// What becomes of each, and those that become stored: those of whose reports none is there yet.
async fn told_apart<'h>(
    tx: &mut Transaction<'_, Any>,
    all: &'h [Handed],
) -> Result<(Vec<Outcome>, Vec<&'h Handed>), StoreError> {
    let uuids = |handed: &Handed| -> Vec<String> {
        handed.reports.iter().map(|new| new.report.run.to_string()).collect()
    };
    let asked: Vec<String> = all.iter().flat_map(uuids).collect();
    let mut known = known(tx, &asked).await?;
    let (mut outcomes, mut accepted) = (Vec::with_capacity(all.len()), Vec::new());
    for handed in all {
        let mut own = HashSet::new();
        let twice = uuids(handed).into_iter().find(|uuid| known.contains(uuid) || !own.insert(uuid.clone()));
        outcomes.push(twice.map_or(Outcome::Stored, Outcome::Known));
        if outcomes.last() == Some(&Outcome::Stored) {
            known.extend(own);
            accepted.push(handed);
        }
    }
    Ok((outcomes, accepted))
}

/// Those of some UUIDs that something has already.
async fn known(tx: &mut Transaction<'_, Any>, asked: &[String]) -> Result<HashSet<String>, StoreError> {
    let mut known = HashSet::with_capacity(asked.len());
    for some in asked.chunks(SOME) {
        // A certificate may have the same, which its log could not tell apart.
        let these = places(1, some.len());
        let select = format!(
            "SELECT uuid FROM report WHERE uuid IN {these} UNION SELECT about FROM log_entry WHERE about IN {these}"
        );
        let mut select = sqlx::query(in_order(tx, &select));
        for uuid in some.iter().chain(some) {
            select = select.bind(uuid.as_str());
        }
        for row in select.fetch_all(&mut **tx).await? {
            known.insert(row.try_get::<String, _>(0)?);
        }
    }
    Ok(known)
}

/// So many rows of texts are written or asked for at once.
const SOME: usize = 64;

/// Writes down what was handed in, and which reports it holds. Whoever writes is alone, so that numbers can be given out
/// here.
async fn insert_submissions<'h>(
    tx: &mut Transaction<'_, Any>,
    accepted: &[&'h Handed],
    numbers: &mut NewNumbers<'_>,
) -> Result<Vec<Kept<'h>>, StoreError> {
    let next = sqlx::query(
        "SELECT (SELECT COALESCE(MAX(id), 0) FROM submission) + 1, (SELECT COALESCE(MAX(id), 0) FROM report) + 1",
    );
    let next = next.fetch_one(&mut **tx).await?;
    let (first, report): (i64, i64) = (next.try_get(0)?, next.try_get(1)?);
    for (some, first) in accepted.chunks(SOME).zip((first..).step_by(SOME)) {
        let insert = format!(
            "INSERT INTO submission (id, received_at, uploader, media_type, signature, public_key, payload)
             VALUES {}",
            places(some.len(), 7)
        );
        let mut insert = sqlx::query(in_order(tx, &insert));
        for (handed, id) in some.iter().zip(first..) {
            let signed = handed.signed.as_ref();
            insert = insert
                .bind(id)
                .bind(micros(handed.received_at))
                .bind(handed.uploader.as_str())
                .bind(handed.media_type.as_str())
                .bind(signed.map_or("", |signed| &signed.signature))
                .bind(signed.map_or("", |signed| &signed.public_key))
                .bind(handed.payload.0.as_slice());
        }
        insert.execute(&mut **tx).await?;
    }
    let parts = accepted.iter().zip(first..).flat_map(|(&handed, submission)| {
        (0..handed.reports.len()).map(move |part| (handed, submission, part))
    });
    let mut kept = Vec::new();
    let mut rows = Vec::new();
    for ((handed, submission, part), id) in parts.zip(report..) {
        let report = &handed.reports[part].report;
        let subject = numbers.of(tx, Kind::Subject, &report.subject).await?;
        let scope = numbers.of(tx, Kind::Scope, &report.scope.uuid).await?;
        kept.push(Kept { id, of: Of { subject, scope }, handed, part });
        rows.push(submission);
    }
    for (some, submissions) in kept.chunks(SOME).zip(rows.chunks(SOME)) {
        let insert = format!(
            "INSERT INTO report (id, uuid, submission, part, subject, scope, checked_at, counts_from, creator)
             VALUES {}",
            places(some.len(), 9)
        );
        let mut insert = sqlx::query(in_order(tx, &insert));
        for (kept, submission) in some.iter().zip(submissions) {
            let HandedReport { report, counts_from, .. } = kept.report();
            insert = insert
                .bind(kept.id)
                .bind(report.run.to_string())
                .bind(*submission)
                .bind(i64::try_from(kept.part).unwrap_or(i64::MAX))
                .bind(kept.of.subject)
                .bind(kept.of.scope)
                .bind(report.checked_at.to_string())
                .bind(micros(*counts_from))
                .bind(report.creator.as_deref());
        }
        insert.execute(&mut **tx).await?;
    }
    Ok(kept)
}

/// Reports in the order in which they came, so that in each round there is one at most of a subject in a scope.
fn rounds<'k, 'h>(kept: &'k [Kept<'h>]) -> Vec<Vec<&'k Kept<'h>>> {
    let mut rounds: Vec<Vec<&Kept<'_>>> = Vec::new();
    let mut taken: HashMap<Of, usize> = HashMap::new();
    for one in kept {
        let round = taken.entry(one.of).and_modify(|round| *round += 1).or_default();
        if rounds.len() == *round {
            rounds.push(Vec::new());
        }
        rounds[*round].push(one);
    }
    rounds
}

/// Writes down the results of reports, what stands then, and what it comes to.
async fn keep_results(
    tx: &mut Transaction<'_, Any>,
    round: &[&Kept<'_>],
    (scopes, now): (&Scopes, Timestamp),
    numbers: &mut NewNumbers<'_>,
) -> Result<(), StoreError> {
    let mut rows = Vec::new();
    let mut reports = Vec::with_capacity(round.len());
    for kept in round {
        let HandedReport { report, counts_from, .. } = kept.report();
        let mut found = Vec::new();
        for (name, result, is_approved) in kept.report().results() {
            let testcase = numbers.of(tx, Kind::Testcase, name).await?;
            rows.push([
                Some(kept.of.subject),
                Some(kept.of.scope),
                Some(testcase),
                Some(micros(*counts_from)),
                Some(kept.id),
                Some(code(result.verdict)),
                Some(i64::from(result.is_stated)),
                Some(i64::from(is_approved)),
            ]);
            found.push((testcase, name, result));
        }
        // A report without results says nothing about anything.
        if !found.is_empty() {
            let spec = scopes.by_uuid(&report.scope.uuid);
            reports.push(NewReport { of: kept.of, id: kept.id, at: civil(*counts_from), found, spec });
        }
    }
    let table = "result (subject, scope, testcase, counts_from, report, verdict, stated, approved)";
    rows::insert(tx, table, &rows, "").await?;
    let standings = history::advance(tx, &reports).await?;
    let mut reckoned = Vec::with_capacity(reports.len());
    for (NewReport { of, spec, .. }, standings) in reports.iter().zip(&standings) {
        match spec {
            Some(spec) => reckoned.push((*of, Score::reckon(spec, standings, now), scopes.fingerprint(spec))),
            None => scores::forget(tx, *of).await?,
        }
    }
    scores::keep(tx, &reckoned).await
}

fn stored(row: &AnyRow) -> Result<StoredReport, StoreError> {
    let part = usize::try_from(row.try_get::<i64, _>(4)?);
    Ok(StoredReport {
        uuid: row.try_get(0)?,
        subject: row.try_get(1)?,
        received_at: time(row.try_get(2)?)?,
        media_type: media_type(row, 3)?,
        part: part.map_err(|error| StoreError::Corrupt(error.to_string()))?,
        text: packed(row, (5, 9))?,
        signature: row.try_get(6)?,
        scope: row.try_get(7)?,
        checked_at: row.try_get(8)?,
        uploader: row.try_get(10)?,
        public_key: row.try_get(11)?,
        creator: row.try_get(12)?,
    })
}

/// What was signed, unless there is a time at which it was let go.
fn packed(row: &AnyRow, (payload, let_go): (usize, usize)) -> Result<Packed, StoreError> {
    match row.try_get::<Option<i64>, _>(let_go)? {
        Some(at) => Ok(Packed::LetGo(time(at)?)),
        None => Ok(Packed::Kept(Compressed(row.try_get(payload)?))),
    }
}

fn approved(rows: &[AnyRow]) -> Result<BTreeSet<String>, StoreError> {
    let named = |row: &AnyRow| Ok(flag(row, 4)?.then(|| row.try_get(0)).transpose()?);
    rows.iter().filter_map(|row| named(row).transpose()).collect()
}

fn by_testcase(rows: &[AnyRow]) -> Result<BTreeMap<String, (Verdict, bool)>, StoreError> {
    rows.iter().map(|row| Ok((row.try_get(0)?, (verdict(row.try_get(1)?)?, flag(row, 2)?)))).collect()
}

fn media_type(row: &AnyRow, column: usize) -> Result<MediaType, StoreError> {
    let word: String = row.try_get(column)?;
    MediaType::of_stored(&word).ok_or_else(|| StoreError::Corrupt(format!("{word:?} is no type of a report")))
}
