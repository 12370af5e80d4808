use sqlx::Row;
use sqlx::any::AnyRow;

use super::certificates::{next, word};
use super::numbers::Kind;
use super::{Store, StoreError, days, is_storable, log, micros, read_day, time, unread};
use crate::findings::Finding;
use crate::log::Entry;

impl Store {
    /// Stores what an auditor found.
    pub(crate) async fn add_finding(&self, new: &Finding) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let mut numbers = self.numbers.new_ones();
        let subject = numbers.of(&mut tx, Kind::Subject, &new.subject).await?;
        let scope = numbers.of(&mut tx, Kind::Scope, &new.scope).await?;
        let testcase = numbers.of(&mut tx, Kind::Testcase, &new.testcase).await?;
        let id = next(&mut tx, "finding").await?;
        let insert = sqlx::query(
            "INSERT INTO finding (id, uuid, subject, scope, testcase, opinion, text, evidence, seen_on, at, account,
                 nonce)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        );
        insert
            .bind(id)
            .bind(&new.uuid)
            .bind(subject)
            .bind(scope)
            .bind(testcase)
            .bind(new.opinion.as_str())
            .bind(&new.text)
            .bind(&new.evidence)
            .bind(days(new.seen_on))
            .bind(micros(new.at))
            .bind(&new.account)
            .bind(&new.nonce)
            .execute(&mut *tx)
            .await?;
        let entry = Entry::Finding {
            finding: new.uuid.clone(),
            subject: new.subject.clone(),
            scope: new.scope.clone(),
            testcase: new.testcase.clone(),
            said: new.digest(),
            at: new.at,
        };
        log::append(&mut tx, &[entry]).await?;
        tx.commit().await?;
        numbers.keep();
        Ok(())
    }

    /// What auditors found: of a subject in a scope (by name and UUID), or all, oldest first.
    pub(crate) async fn findings(&self, of: Option<(&str, &str)>) -> Result<Vec<Finding>, StoreError> {
        self.finding_rows(of).await?.iter().map(finding).collect()
    }

    /// All of it, oldest first; of what cannot be read its UUID, and why.
    pub(crate) async fn each_finding(&self) -> Result<Vec<Result<Finding, (String, String)>>, StoreError> {
        let rows = self.finding_rows(None).await?;
        Ok(rows.iter().map(|row| finding(row).map_err(|error| unread(row, 0, &error))).collect())
    }

    async fn finding_rows(&self, of: Option<(&str, &str)>) -> Result<Vec<AnyRow>, StoreError> {
        let (subject, scope) = of.unwrap_or_default();
        if of.is_some_and(|(subject, scope)| subject.is_empty() || scope.is_empty())
            || ![subject, scope].into_iter().all(is_storable)
        {
            return Ok(Vec::new());
        }
        let select = sqlx::query(
            "SELECT f.uuid, s.name, o.uuid, t.name, f.opinion, f.text, f.evidence, f.seen_on, f.at, f.account,
                 f.nonce
             FROM finding f JOIN subject s ON s.id = f.subject JOIN scope o ON o.id = f.scope
                 JOIN testcase t ON t.id = f.testcase
             WHERE ($1 = '' OR s.name = $1) AND ($2 = '' OR o.uuid = $2) ORDER BY f.id",
        );
        Ok(select.bind(subject).bind(scope).fetch_all(&self.pool).await?)
    }
}

fn finding(row: &AnyRow) -> Result<Finding, StoreError> {
    Ok(Finding {
        uuid: row.try_get(0)?,
        subject: row.try_get(1)?,
        scope: row.try_get(2)?,
        testcase: row.try_get(3)?,
        opinion: word(row, 4)?,
        text: row.try_get(5)?,
        evidence: row.try_get(6)?,
        seen_on: read_day(row.try_get(7)?)?,
        at: time(row.try_get(8)?)?,
        account: row.try_get(9)?,
        nonce: row.try_get(10)?,
    })
}
