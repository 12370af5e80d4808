//! What was handed in and is not kept for ever.

use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{KeptSubmission, Store, StoreError, Unreadable, in_order, log, micros, places, time};
use crate::log::Entry;

/// Whether the text of a submission `m` may go: it is there, and no report of it has a result that stands, that was the
/// first or the last certain one of what stands, that a certificate was granted by or that an auditor looked at; nor is it
/// named as a reference, nor does its subject wait for a decision.
const MAY_GO: &str = "l.submission IS NULL AND NOT EXISTS (SELECT 1 FROM report r WHERE r.submission = m.id AND (
    EXISTS (SELECT 1 FROM standing c WHERE c.subject = r.subject AND c.scope = r.scope
        AND (c.report = r.id OR c.first_report = r.id OR c.certain_from = r.counts_from))
    OR EXISTS (SELECT 1 FROM certificate k
            JOIN application_move g ON g.application = k.application AND g.move = 'grant'
            JOIN result x ON x.report = r.id AND x.counts_from <= g.at
        WHERE k.subject = r.subject AND k.scope = r.scope AND m.received_at <= g.at AND NOT EXISTS (SELECT 1
            FROM result y JOIN report yr ON yr.id = y.report
                JOIN submission ym ON ym.id = yr.submission AND ym.received_at <= g.at
            WHERE y.subject = x.subject AND y.scope = x.scope AND y.testcase = x.testcase AND y.stated = x.stated
                AND y.counts_from > x.counts_from AND y.counts_from <= g.at
                AND (x.verdict = 0 OR y.verdict <> 0)))
    OR EXISTS (SELECT 1 FROM finding f JOIN result x ON x.report = r.id AND x.testcase = f.testcase
        WHERE f.subject = r.subject AND f.scope = r.scope)
    OR EXISTS (SELECT 1 FROM integrator_reference i WHERE i.reference LIKE '%' || r.uuid || '%')
    OR EXISTS (SELECT 1 FROM application a
        WHERE a.subject = r.subject AND a.course IN ('submitted', 'asked'))))";

/// How much was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) submissions: i64,
    pub(crate) reports: i64,
    /// Submissions whose texts went.
    pub(crate) let_go: i64,
}

/// A scope that reports are about, whether the monitor knows it or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReportedScope {
    pub(crate) uuid: String,
    pub(crate) subjects: i64,
    pub(crate) reports: i64,
    /// From when the newest of them counts.
    pub(crate) newest: Timestamp,
}

impl Store {
    /// What kind of database it is.
    pub(crate) fn kind(&self) -> &'static str {
        self.dialect.name()
    }

    /// How much was handed in.
    pub(crate) async fn kept(&self) -> Result<Kept, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM submission), (SELECT COUNT(*) FROM report), (SELECT COUNT(*) FROM let_go)",
        );
        let row = row.fetch_one(&self.pool).await?;
        Ok(Kept { submissions: row.try_get(0)?, reports: row.try_get(1)?, let_go: row.try_get(2)? })
    }

    /// The scopes that reports are about.
    pub(crate) async fn reported_scopes(&self) -> Result<Vec<ReportedScope>, StoreError> {
        let rows = sqlx::query(
            "SELECT o.uuid, COUNT(DISTINCT r.subject), COUNT(*), MAX(r.counts_from)
             FROM report r JOIN scope o ON o.id = r.scope GROUP BY o.uuid",
        );
        let read = |row: &AnyRow| {
            let (uuid, newest) = (row.try_get(0)?, time(row.try_get(3)?)?);
            Ok(ReportedScope { uuid, subjects: row.try_get(1)?, reports: row.try_get(2)?, newest })
        };
        rows.fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// A number that grows with every report that comes in.
    pub(crate) async fn newest_report(&self) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT COALESCE(MAX(id), 0) FROM report");
        Ok(row.fetch_one(&self.pool).await?.try_get(0)?)
    }

    /// When something was handed in last.
    pub(crate) async fn newest_receipt(&self) -> Result<Option<Timestamp>, StoreError> {
        // What is no time says nothing about the others.
        let row = sqlx::query("SELECT MAX(received_at) FROM submission WHERE received_at <= $1");
        let row = row.bind(micros(Timestamp::MAX)).fetch_one(&self.pool).await?;
        row.try_get::<Option<i64>, _>(0)?.map(time).transpose()
    }

    /// What was handed in first, after a number and before an instant, and may go; none if that is all.
    pub(crate) async fn next_to_let_go(
        &self,
        after: i64,
        before: Timestamp,
    ) -> Result<Option<Result<KeptSubmission, Unreadable>>, StoreError> {
        let select = format!(
            "SELECT m.id FROM submission m LEFT JOIN let_go l ON l.submission = m.id
             WHERE m.id > $1 AND m.received_at < $2 AND {MAY_GO} ORDER BY m.id LIMIT 1"
        );
        let row = sqlx::query(AssertSqlSafe(select)).bind(after).bind(micros(before));
        match row.fetch_optional(&self.pool).await? {
            Some(row) => Ok(Some(self.submission(row.try_get(0)?).await?)),
            None => Ok(None),
        }
    }

    /// Lets the texts of submissions go, which the log then says of each report. What somebody else has let go meanwhile,
    /// or what stands now, stays as it is. How many went is handed back.
    pub(crate) async fn let_go(
        &self,
        some: &[(i64, Vec<Entry>)],
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        if some.is_empty() {
            return Ok(0);
        }
        let mut tx = self.write().await?;
        let select = format!(
            "SELECT m.id FROM submission m LEFT JOIN let_go l ON l.submission = m.id WHERE m.id IN {} AND {MAY_GO}",
            places(1, some.len())
        );
        let mut select = sqlx::query(in_order(&tx, &select));
        for (id, _) in some {
            select = select.bind(*id);
        }
        let rows = select.fetch_all(&mut *tx).await?;
        let going = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        let mut entries = Vec::new();
        for (id, said) in some.iter().filter(|(id, _)| going.contains(id)) {
            let update = sqlx::query("UPDATE submission SET payload = $1 WHERE id = $2");
            update.bind(Vec::new()).bind(*id).execute(&mut *tx).await?;
            let insert = sqlx::query("INSERT INTO let_go (submission, at) VALUES ($1, $2)");
            insert.bind(*id).bind(micros(at)).execute(&mut *tx).await?;
            entries.extend(said.iter().cloned());
        }
        log::append(&mut tx, &entries).await?;
        tx.commit().await?;
        Ok(going.len())
    }
}
