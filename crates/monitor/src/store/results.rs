use assay_standards::Verdict;
use jiff::Timestamp;
use jiff::civil::DateTime;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use super::{Deed, Store, StoreError, flag, is_storable, log, micros, people, read_civil, time, verdict};
use crate::log::Entry;

/// The newest result of a testcase that a program found out, or the newest that people stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) subject: String,
    /// UUID of the scope.
    pub(crate) scope: String,
    pub(crate) testcase: String,
    pub(crate) verdict: Verdict,
    pub(crate) counts_from: Timestamp,
    /// UUID of the report.
    pub(crate) report: String,
    /// Whether people stated it.
    pub(crate) stated: bool,
}

/// What people state and stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stated {
    pub(crate) standing: Standing,
    pub(crate) is_approved: bool,
    /// Whether it is the word of the account that looks at it, which somebody else has to approve.
    pub(crate) is_own: bool,
}

/// A result as the list of results has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedResult {
    pub(crate) report: String,
    pub(crate) subject: String,
    /// As written in the report.
    pub(crate) checked_at: String,
    /// UUID of the scope.
    pub(crate) scope: String,
    pub(crate) testcase: String,
    pub(crate) verdict: Verdict,
    pub(crate) approved: bool,
}

/// That a result is approved, or no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Approval {
    pub(crate) report: String,
    /// UUID of the scope.
    pub(crate) scope: String,
    pub(crate) testcase: String,
    pub(crate) approved: bool,
}

/// Why nothing was approved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotApproved {
    /// What names no result.
    #[error("report {report} has no result of {testcase} in that scope", report = .0.report, testcase = .0.testcase)]
    NoResult(Approval),
    /// What whoever approves stated, or is the subject of.
    #[error("{testcase} of the report {report} is your own word, and for somebody else to approve", report = .0.report, testcase = .0.testcase)]
    Own(Approval),
}

impl Store {
    /// The newest results: of one subject or all, in one scope or all.
    pub(crate) async fn standings(
        &self,
        subject: Option<&str>,
        scope: Option<&str>,
    ) -> Result<Vec<Standing>, StoreError> {
        if !subject.into_iter().chain(scope).all(is_storable) {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "SELECT s.name, o.uuid, t.name, c.verdict, c.counts_from, r.uuid, c.stated
             FROM standing c JOIN subject s ON s.id = c.subject JOIN scope o ON o.id = c.scope
                 JOIN testcase t ON t.id = c.testcase JOIN report r ON r.id = c.report
             WHERE ($1 = '' OR s.name = $1) AND ($2 = '' OR o.uuid = $2)
             ORDER BY s.name, o.uuid, t.name",
        );
        let rows = rows.bind(subject.unwrap_or_default()).bind(scope.unwrap_or_default());
        rows.fetch_all(&self.pool).await?.iter().map(standing).collect()
    }

    /// What people state and stands, and what becomes of it at the hands of an account; what is not approved comes first.
    pub(crate) async fn statements(&self, account: &str) -> Result<Vec<Stated>, StoreError> {
        let rows = sqlx::query(
            "SELECT s.name, o.uuid, t.name, c.verdict, c.counts_from, r.uuid, c.stated, x.approved, m.uploader
             FROM standing c JOIN subject s ON s.id = c.subject JOIN scope o ON o.id = c.scope
                 JOIN testcase t ON t.id = c.testcase JOIN report r ON r.id = c.report
                 JOIN submission m ON m.id = r.submission
                 JOIN result x ON x.subject = c.subject AND x.scope = c.scope AND x.testcase = c.testcase
                     AND x.counts_from = c.counts_from AND x.report = c.report
             WHERE c.stated = 1 ORDER BY x.approved, s.name, o.uuid, t.name",
        );
        let read = |row: &AnyRow| {
            let (standing, uploader): (Standing, String) = (standing(row)?, row.try_get(8)?);
            let is_own = [&standing.subject, &uploader].into_iter().any(|name| name == account);
            Ok(Stated { standing, is_approved: flag(row, 7)?, is_own })
        };
        rows.fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// When people last decided something of their own, of all subjects in a scope: subject, testcase, and when. What gave up
    /// decided nothing.
    pub(crate) async fn decided(
        &self,
        scope: &str,
        testcases: impl IntoIterator<Item = &str>,
    ) -> Result<Vec<(String, String, DateTime)>, StoreError> {
        let mut all = Vec::new();
        for testcase in testcases {
            let select = sqlx::query(
                "SELECT s.name, MAX(c.certain_from) FROM standing c JOIN subject s ON s.id = c.subject
                 WHERE c.scope = (SELECT id FROM scope WHERE uuid = $1)
                     AND c.testcase = (SELECT id FROM testcase WHERE name = $2) AND c.certain_from IS NOT NULL
                 GROUP BY s.name ORDER BY s.name",
            );
            for row in select.bind(scope).bind(testcase).fetch_all(&self.pool).await? {
                all.push((row.try_get(0)?, testcase.to_owned(), read_civil(row.try_get(1)?)?));
            }
        }
        Ok(all)
    }

    /// What stands without being the newest result of its testcase, by subject and testcase: nothing, if nobody has
    /// changed the database.
    pub(crate) async fn standings_that_are_none(&self) -> Result<Vec<String>, StoreError> {
        const SAME: &str =
            "x.subject = c.subject AND x.scope = c.scope AND x.testcase = c.testcase AND x.stated = c.stated";
        let select = format!(
            "SELECT s.name, t.name FROM standing c JOIN subject s ON s.id = c.subject
                 JOIN testcase t ON t.id = c.testcase
             WHERE NOT EXISTS (SELECT 1 FROM result x WHERE {SAME} AND x.counts_from = c.counts_from
                       AND x.report = c.report AND x.verdict = c.verdict)
                 OR EXISTS (SELECT 1 FROM result x WHERE {SAME} AND x.counts_from > c.counts_from)"
        );
        let rows = sqlx::query(AssertSqlSafe(select)).fetch_all(&self.pool).await?;
        let read =
            |row: &AnyRow| Ok(format!("{} {}", row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?));
        rows.iter().map(read).collect()
    }

    /// How many results are not of the report that they name: none, if nobody has changed the database.
    pub(crate) async fn results_without_report(&self) -> Result<u64, StoreError> {
        let count = sqlx::query(
            "SELECT COUNT(*) FROM result x WHERE NOT EXISTS (SELECT 1 FROM report r
                 WHERE r.id = x.report AND r.subject = x.subject AND r.scope = x.scope)",
        );
        let count: i64 = count.fetch_one(&self.pool).await?.try_get(0)?;
        Ok(count.unsigned_abs())
    }

    /// Results that count from `since` on, oldest first, as the reference monitor lists them.
    pub(crate) async fn results_since(
        &self,
        since: Timestamp,
        approved: Option<bool>,
        limit: i64,
        skip: i64,
    ) -> Result<Vec<ListedResult>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.uuid, s.name, r.checked_at, o.uuid, t.name, x.verdict, x.approved
             FROM report r JOIN result x ON x.report = r.id JOIN subject s ON s.id = r.subject
                 JOIN scope o ON o.id = r.scope JOIN testcase t ON t.id = x.testcase
             WHERE r.counts_from >= $1 AND ($2 = 0 OR x.approved = $3)
             ORDER BY r.counts_from, r.id, t.name LIMIT $4 OFFSET $5",
        );
        let rows = rows
            .bind(micros(since))
            .bind(i64::from(approved.is_some()))
            .bind(i64::from(approved.unwrap_or_default()))
            .bind(limit)
            .bind(skip);
        let read = |row: &AnyRow| {
            Ok(ListedResult {
                report: row.try_get(0)?,
                subject: row.try_get(1)?,
                checked_at: row.try_get(2)?,
                scope: row.try_get(3)?,
                testcase: row.try_get(4)?,
                verdict: verdict(row.try_get(5)?)?,
                approved: flag(row, 6)?,
            })
        };
        rows.fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// Approves results, all of them or none. Nobody approves what is about themselves, nor what they stated about others.
    pub(crate) async fn approve(
        &self,
        approvals: &[Approval],
        (account, at): (&str, Timestamp),
    ) -> Result<Result<(), NotApproved>, StoreError> {
        let mut tx = self.write().await?;
        let mut entries = Vec::new();
        for approval in approvals {
            let Approval { report, scope, testcase, approved } = approval;
            if ![report, scope, testcase].into_iter().all(|text| is_storable(text)) {
                return Ok(Err(NotApproved::NoResult(approval.clone())));
            }
            let update = sqlx::query(
                "UPDATE result SET approved = $1
                 WHERE report = (SELECT id FROM report WHERE uuid = $2)
                   AND scope = (SELECT id FROM scope WHERE uuid = $3)
                   AND testcase = (SELECT id FROM testcase WHERE name = $4)
                 RETURNING stated",
            );
            let update = update.bind(i64::from(*approved)).bind(report).bind(scope).bind(testcase);
            let Some(row) = update.fetch_optional(&mut *tx).await? else {
                tx.rollback().await?;
                return Ok(Err(NotApproved::NoResult(approval.clone())));
            };
            let (about, uploader) = whose(&mut tx, report).await?;
            if about == account || (flag(&row, 0)? && uploader == account) {
                tx.rollback().await?;
                return Ok(Err(NotApproved::Own(approval.clone())));
            }
            let word = if *approved { "approved" } else { "took back the approval of" };
            let what = format!("{word} {testcase} of the report {report}");
            people::write_down(&mut tx, &Deed { at, account: account.to_owned(), what, about }).await?;
            let entry = Entry::Approval {
                report: report.clone(),
                scope: scope.clone(),
                testcase: testcase.clone(),
                approved: *approved,
                at,
            };
            entries.push(entry);
        }
        log::append(&mut tx, &entries).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }
}

/// Whom a report is about, and which account handed it in.
async fn whose(tx: &mut Transaction<'_, Any>, report: &str) -> Result<(String, String), StoreError> {
    let row = sqlx::query(
        "SELECT s.name, m.uploader FROM report r JOIN subject s ON s.id = r.subject
             JOIN submission m ON m.id = r.submission WHERE r.uuid = $1",
    );
    let row = row.bind(report).fetch_one(&mut **tx).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

fn standing(row: &AnyRow) -> Result<Standing, StoreError> {
    Ok(Standing {
        subject: row.try_get(0)?,
        scope: row.try_get(1)?,
        testcase: row.try_get(2)?,
        verdict: verdict(row.try_get(3)?)?,
        counts_from: time(row.try_get(4)?)?,
        report: row.try_get(5)?,
        stated: flag(row, 6)?,
    })
}
