use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row, Transaction};
use uuid::Uuid;

use super::certificates::next;
use super::history::{Of, StandingRow, standings};
use super::{Store, StoreError, is_storable, micros, time, verdict};

/// All that stands of a subject in a scope.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) subject: String,
    /// UUID of the scope.
    pub(crate) scope: String,
    pub(crate) standings: Vec<StandingRow>,
}

/// Whose topic: subject, UUID of the scope, topic.
pub(crate) type Key = (String, String, String);

/// What changed since it was told of: the word before and the word now.
pub(crate) type Difference = (Key, Option<String>, Option<String>);

/// Something that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    id: i64,
    pub(crate) uuid: String,
    pub(crate) channel: String,
    pub(crate) body: String,
    /// How often it was tried before.
    pub(crate) attempts: i64,
}

/// What was sent is kept so long.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Somebody who tries to send has so long; then others may.
const LEASE: SignedDuration = SignedDuration::from_mins(2);

impl Store {
    /// All that stands.
    pub(crate) async fn all_known(&self) -> Result<Vec<Known>, StoreError> {
        let mut tx = self.pool.begin().await?;
        let rows = sqlx::query(
            "SELECT c.subject, c.scope, s.name, o.uuid FROM score c JOIN subject s ON s.id = c.subject
                 JOIN scope o ON o.id = c.scope ORDER BY s.name, o.uuid",
        );
        let rows = rows.fetch_all(&mut *tx).await?;
        let read = |row: &AnyRow| -> Result<(Of, Known), StoreError> {
            let of = Of { subject: row.try_get(0)?, scope: row.try_get(1)? };
            Ok((of, Known { subject: row.try_get(2)?, scope: row.try_get(3)?, standings: Vec::new() }))
        };
        let mut all: Vec<(Of, Known)> = rows.iter().map(read).collect::<Result<_, _>>()?;
        for some in all.chunks_mut(64) {
            let keys: Vec<Of> = some.iter().map(|(of, _)| *of).collect();
            let mut found: HashMap<Of, Vec<StandingRow>> = standings(&mut tx, &keys).await?;
            for (of, known) in some {
                known.standings = found.remove(of).unwrap_or_default();
            }
        }
        Ok(all.into_iter().map(|(_, known)| known).collect())
    }

    /// How often in a row a testcase came out as it is, and what it was before; by subject, UUID of the scope and name.
    pub(crate) async fn run_of(
        &self,
        (subject, scope, testcase): (&str, &str, &str),
        stated: bool,
    ) -> Result<(i64, Option<assay_standards::Verdict>), StoreError> {
        const OF: &str = "subject = (SELECT id FROM subject WHERE name = $1)
                 AND scope = (SELECT id FROM scope WHERE uuid = $2)
                 AND testcase = (SELECT id FROM testcase WHERE name = $3) AND stated = $4";
        let count = format!(
            "SELECT COUNT(*) FROM result WHERE {OF}
                 AND counts_from >= (SELECT since FROM standing WHERE {OF})"
        );
        let count = sqlx::query(AssertSqlSafe(count)).bind(subject).bind(scope).bind(testcase);
        let count = count.bind(i64::from(stated)).fetch_one(&self.pool).await?.try_get(0)?;
        let before = format!("SELECT verdict FROM spell WHERE {OF} ORDER BY since DESC LIMIT 1");
        let before = sqlx::query(AssertSqlSafe(before)).bind(subject).bind(scope).bind(testcase);
        let before = before.bind(i64::from(stated)).fetch_optional(&self.pool).await?;
        Ok((count, before.map(|row| verdict(row.try_get(0)?)).transpose()?))
    }

    /// When a rule told something the last time.
    pub(crate) async fn last_told(&self, rule: &str) -> Result<Option<Timestamp>, StoreError> {
        let row = sqlx::query("SELECT MAX(made_at) FROM outbox WHERE rule = $1").bind(rule);
        let last: Option<i64> = row.fetch_one(&self.pool).await?.try_get(0)?;
        last.map(time).transpose()
    }

    /// What was told by a rule, and still is so.
    pub(crate) async fn told(&self, rule: &str) -> Result<BTreeMap<Key, String>, StoreError> {
        told(&mut self.pool.begin().await?, rule).await
    }

    /// Notes what is told now, and puts it into the outbox for each channel. Nothing happens, and false comes back, if
    /// somebody else has told something since `before` was read, or scores are others than at `revision`.
    pub(crate) async fn tell(
        &self,
        rule: &str,
        (before, revision): (&BTreeMap<Key, String>, i64),
        differences: &[Difference],
        messages: &[(&str, String)],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let current: i64 =
            sqlx::query("SELECT number FROM revision").fetch_one(&mut *tx).await?.try_get(0)?;
        if current != revision || told(&mut tx, rule).await? != *before {
            return Ok(false);
        }
        for ((subject, scope, topic), _, to) in differences {
            let delete = sqlx::query(
                "DELETE FROM told WHERE rule = $1 AND subject = $2 AND scope = $3 AND topic = $4",
            );
            delete.bind(rule).bind(subject).bind(scope).bind(topic).execute(&mut *tx).await?;
            if let Some(word) = to {
                let insert = sqlx::query(
                    "INSERT INTO told (rule, subject, scope, topic, word) VALUES ($1, $2, $3, $4, $5)",
                );
                let insert = insert.bind(rule).bind(subject).bind(scope).bind(topic).bind(word);
                insert.execute(&mut *tx).await?;
            }
        }
        for (channel, body) in messages {
            let id = next(&mut tx, "outbox").await?;
            let insert = sqlx::query(
                "INSERT INTO outbox (id, uuid, rule, channel, body, made_at, attempts, due)
                 VALUES ($1, $2, $3, $4, $5, $6, 0, $6)",
            );
            let insert =
                insert.bind(id).bind(Uuid::new_v4().to_string()).bind(rule).bind(*channel).bind(body);
            insert.bind(micros(now)).execute(&mut *tx).await?;
        }
        // Of each rule the newest stays, since it says when something was told the last time.
        let delete = sqlx::query(
            "DELETE FROM outbox WHERE due IS NULL AND made_at < $1
                 AND made_at < (SELECT MAX(o.made_at) FROM outbox o WHERE o.rule = outbox.rule)",
        );
        delete.bind(micros(now.saturating_sub(KEPT).unwrap_or(now))).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// What is due, which nobody else gets for a while.
    pub(crate) async fn take_due(&self, now: Timestamp, limit: i64) -> Result<Vec<Waiting>, StoreError> {
        const DUE: &str =
            "SELECT id, uuid, channel, body, attempts FROM outbox WHERE due <= $1 ORDER BY due LIMIT $2";
        let ask = || sqlx::query(DUE).bind(micros(now)).bind(limit);
        if ask().fetch_optional(&self.pool).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut tx = self.write().await?;
        let mut taken = Vec::new();
        for row in ask().fetch_all(&mut *tx).await? {
            let id: i64 = row.try_get(0)?;
            let lease = micros(now.saturating_add(LEASE).unwrap_or(Timestamp::MAX));
            let update = sqlx::query("UPDATE outbox SET due = $1, attempts = attempts + 1 WHERE id = $2");
            update.bind(lease).bind(id).execute(&mut *tx).await?;
            taken.push(Waiting {
                id,
                uuid: row.try_get(1)?,
                channel: row.try_get(2)?,
                body: row.try_get(3)?,
                attempts: row.try_get(4)?,
            });
        }
        tx.commit().await?;
        Ok(taken)
    }

    /// Notes that something was sent.
    pub(crate) async fn was_sent(&self, waiting: &Waiting, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let update = sqlx::query("UPDATE outbox SET due = NULL, sent_at = $1, trouble = NULL WHERE id = $2");
        update.bind(micros(now)).bind(waiting.id).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// Notes that something was not sent, and when to try again; none if that is enough.
    pub(crate) async fn was_not_sent(
        &self,
        waiting: &Waiting,
        trouble: &str,
        again: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let trouble: String = trouble.chars().filter(|c| is_storable(c.encode_utf8(&mut [0; 4]))).collect();
        let update = sqlx::query("UPDATE outbox SET due = $1, trouble = $2 WHERE id = $3");
        update.bind(again.map(micros)).bind(trouble).bind(waiting.id).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// How many messages wait, and how many were given up in the last days.
    pub(crate) async fn outbox(&self) -> Result<(i64, i64), StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM outbox WHERE due IS NOT NULL),
                 (SELECT COUNT(*) FROM outbox WHERE due IS NULL AND sent_at IS NULL)",
        );
        let row = row.fetch_one(&self.pool).await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }
}

async fn told(tx: &mut Transaction<'_, Any>, rule: &str) -> Result<BTreeMap<Key, String>, StoreError> {
    let rows = sqlx::query("SELECT subject, scope, topic, word FROM told WHERE rule = $1").bind(rule);
    let read = |row: &AnyRow| Ok(((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?), row.try_get(3)?));
    rows.fetch_all(&mut **tx).await?.iter().map(read).collect()
}
