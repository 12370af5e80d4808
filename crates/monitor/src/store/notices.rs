use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use assay_standards::Verdict;
use jiff::{SignedDuration, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row, Transaction};
use uuid::Uuid;

use super::certificates::next;
use super::history::{Of, StandingRow, standings};
use super::people::{Deed, write_down};
use super::{Store, StoreError, bounds, code, in_order, is_storable, micros, places, time, verdict};

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

/// What changed since it was told of, and the word for it now; none if there is nothing to tell any more.
pub(crate) type Difference = (Key, Option<String>);

/// What goes into the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewMessage<'m> {
    pub(crate) channel: &'m str,
    /// Whom of the channel; empty where it has one.
    pub(crate) recipient: String,
    pub(crate) body: String,
}

/// Something that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    id: i64,
    pub(crate) uuid: String,
    pub(crate) channel: String,
    pub(crate) recipient: String,
    pub(crate) body: String,
    /// Which attempt this is, counted from 1.
    pub(crate) attempt: i64,
}

/// A message and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Posted {
    pub(crate) uuid: String,
    pub(crate) channel: String,
    pub(crate) recipient: String,
    pub(crate) body: String,
    pub(crate) made_at: Timestamp,
    pub(crate) attempts: i64,
    /// When it is tried next; none once it is over.
    pub(crate) due: Option<Timestamp>,
    pub(crate) sent_at: Option<Timestamp>,
    /// What came of the last attempt.
    pub(crate) trouble: Option<String>,
}

/// What was sent is kept so long.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// So many are taken, and sent, at once.
const AT_ONCE: usize = 16;
/// Nobody is told to wait longer. What is due later became so by a clock that was set back since.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(3);
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

    /// How often a testcase came out like this since it last passed, and what else it was before; by subject, UUID of the
    /// scope and name.
    pub(crate) async fn course_of(
        &self,
        (subject, scope, testcase): (&str, &str, &str),
        (stated, found): (bool, Verdict),
    ) -> Result<(i64, Option<Verdict>), StoreError> {
        const OF: &str = "subject = (SELECT id FROM subject WHERE name = $1)
                 AND scope = (SELECT id FROM scope WHERE uuid = $2)
                 AND testcase = (SELECT id FROM testcase WHERE name = $3) AND stated = $4";
        let count = format!(
            "SELECT COUNT(DISTINCT counts_from) FROM result WHERE {OF} AND verdict = $5
                 AND counts_from > COALESCE((SELECT MAX(counts_from) FROM result WHERE {OF} AND verdict = $6), -1)"
        );
        let count = sqlx::query(AssertSqlSafe(count)).bind(subject).bind(scope).bind(testcase);
        let count = count.bind(i64::from(stated)).bind(code(found)).bind(code(Verdict::Pass));
        let count = count.fetch_one(&self.pool).await?.try_get(0)?;
        // That a check gave up in between is no answer.
        let before = format!(
            "SELECT verdict FROM spell WHERE {OF} AND verdict <> $5 AND verdict <> $6 ORDER BY since DESC LIMIT 1"
        );
        let before = sqlx::query(AssertSqlSafe(before)).bind(subject).bind(scope).bind(testcase);
        let before = before.bind(i64::from(stated)).bind(code(found)).bind(code(Verdict::Abort));
        let before = before.fetch_optional(&self.pool).await?;
        Ok((count, before.map(|row| verdict(row.try_get(0)?)).transpose()?))
    }

    /// Which checkers found, last and then first, two results of a testcase one after the other, as far as their reports say;
    /// by subject, UUID of the scope and name. Without the second, the first is the newest.
    pub(crate) async fn creators_of(
        &self,
        (subject, scope, testcase): (&str, &str, &str),
        stated: bool,
        [from, to]: [Option<Verdict>; 2],
    ) -> Result<[Option<String>; 2], StoreError> {
        /// What lies further back was told long ago.
        const MOST: i64 = 32;
        let select = |table: &str, last: &str| {
            format!(
                "SELECT c.verdict, c.since, f.creator, l.creator FROM {table} c
                     JOIN report f ON f.id = c.first_report JOIN report l ON l.id = c.{last}
                 WHERE c.subject = (SELECT id FROM subject WHERE name = $1)
                     AND c.scope = (SELECT id FROM scope WHERE uuid = $2)
                     AND c.testcase = (SELECT id FROM testcase WHERE name = $3) AND c.stated = $4"
            )
        };
        let (present, past) = (select("standing", "report"), select("spell", "last_report"));
        let rows = format!("{present} UNION ALL {past} ORDER BY 2 DESC LIMIT $5");
        let rows = sqlx::query(AssertSqlSafe(rows)).bind(subject).bind(scope).bind(testcase);
        let rows = rows.bind(i64::from(stated)).bind(MOST).fetch_all(&self.pool).await?;
        let spell = |row: &AnyRow| Ok((verdict(row.try_get(0)?)?, row.try_get(2)?, row.try_get(3)?));
        let spells: Vec<(Verdict, Option<String>, Option<String>)> =
            rows.iter().map(spell).collect::<Result<_, StoreError>>()?;
        let mut spells = spells.into_iter();
        let second = match to {
            Some(to) => spells.find(|(found, ..)| *found == to).and_then(|(_, first, _)| first),
            None => None,
        };
        let first = match from {
            Some(from) => spells.find(|(found, ..)| *found == from).and_then(|(.., last)| last),
            None => None,
        };
        Ok([first, second])
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

    /// Notes what is told now, and puts it into the outbox for each recipient. Nothing happens, and false comes back, if
    /// somebody else has told something since `before` was read.
    pub(crate) async fn tell(
        &self,
        rule: &str,
        before: &BTreeMap<Key, String>,
        differences: &[Difference],
        (messages, now): (&[NewMessage<'_>], Timestamp),
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        if told(&mut tx, rule).await? != *before {
            return Ok(false);
        }
        for ((subject, scope, topic), _) in differences.iter().filter(|(_, to)| to.is_none()) {
            let delete = sqlx::query(
                "DELETE FROM told WHERE rule = $1 AND subject = $2 AND scope = $3 AND topic = $4",
            );
            delete.bind(rule).bind(subject).bind(scope).bind(topic).execute(&mut *tx).await?;
        }
        let new: Vec<(&Key, &String)> =
            differences.iter().filter_map(|(key, to)| Some((key, to.as_ref()?))).collect();
        for some in new.chunks(64) {
            let insert = format!(
                "INSERT INTO told (rule, subject, scope, topic, word) VALUES {}
                 ON CONFLICT (rule, subject, scope, topic) DO UPDATE SET word = excluded.word",
                places(some.len(), 5)
            );
            let mut insert = sqlx::query(in_order(&tx, &insert));
            for ((subject, scope, topic), word) in some {
                insert = insert.bind(rule).bind(subject).bind(scope).bind(topic).bind(*word);
            }
            insert.execute(&mut *tx).await?;
        }
        post(&mut tx, rule, messages, now).await?;
        // Of each rule the newest stays, since it says when something was told the last time.
        let delete = sqlx::query(
            "DELETE FROM outbox WHERE due IS NULL AND made_at < $1
                 AND made_at < (SELECT MAX(o.made_at) FROM outbox o WHERE o.rule = outbox.rule)",
        );
        delete.bind(micros(now.saturating_sub(KEPT).unwrap_or(now))).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The oldest that waits for each recipient of these channels, as far as it is due. Nobody else gets it for a while,
    /// nor what waits behind it.
    pub(crate) async fn take_due(
        &self,
        channels: &[&str],
        now: Timestamp,
    ) -> Result<Vec<Waiting>, StoreError> {
        const OLDEST: &str = "SELECT id, uuid, channel, recipient, body, attempts, due FROM outbox
                 WHERE id IN (SELECT MIN(id) FROM outbox WHERE due IS NOT NULL GROUP BY channel, recipient)
                     AND (due <= $1 OR due > $2) ORDER BY id";
        let longest = micros(now.saturating_add(LONGEST_WAIT).unwrap_or(Timestamp::MAX));
        let oldest = || sqlx::query(OLDEST).bind(micros(now)).bind(longest);
        if oldest().fetch_optional(&self.pool).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut tx = self.write().await?;
        let mut taken = Vec::new();
        for row in oldest().fetch_all(&mut *tx).await? {
            let (id, channel): (i64, String) = (row.try_get(0)?, row.try_get(2)?);
            if taken.len() == AT_ONCE || !channels.contains(&channel.as_str()) {
                continue;
            }
            let lease = micros(now.saturating_add(LEASE).unwrap_or(Timestamp::MAX));
            let update = sqlx::query("UPDATE outbox SET due = $1, attempts = attempts + 1 WHERE id = $2");
            update.bind(lease).bind(id).execute(&mut *tx).await?;
            let attempts: i64 = row.try_get(5)?;
            taken.push(Waiting {
                id,
                uuid: row.try_get(1)?,
                channel,
                recipient: row.try_get(3)?,
                body: row.try_get(4)?,
                attempt: attempts + 1,
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
        // Somebody else may have got it meanwhile.
        let update = sqlx::query(
            "UPDATE outbox SET due = $1, trouble = $2 WHERE id = $3 AND due IS NOT NULL AND attempts = $4",
        );
        let update = update.bind(again.map(micros)).bind(trouble).bind(waiting.id).bind(waiting.attempt);
        update.execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// Sends somebody a message that follows from no rule.
    pub(crate) async fn post(&self, messages: &[NewMessage<'_>], deed: &Deed) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        post(&mut tx, "", messages, deed.at).await?;
        write_down(&mut tx, deed).await?;
        Ok(tx.commit().await?)
    }

    /// Tries from now on to send a message that was not sent yet, or does so no more. False if there is no such one.
    pub(crate) async fn try_again(&self, uuid: &str, again: bool, deed: &Deed) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let update = sqlx::query(
            "UPDATE outbox SET due = $1, attempts = CASE WHEN due IS NULL THEN 0 ELSE attempts END
             WHERE uuid = $2 AND sent_at IS NULL AND (due IS NOT NULL OR $1 IS NOT NULL)",
        );
        let update = update.bind(again.then(|| micros(deed.at))).bind(uuid);
        if update.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        write_down(&mut tx, deed).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The newest messages; if they are asked for, only those that were not sent.
    pub(crate) async fn posted(&self, unsent: bool, part: &Range<usize>) -> Result<Vec<Posted>, StoreError> {
        let rows = sqlx::query(
            "SELECT uuid, channel, recipient, body, made_at, attempts, due, sent_at, trouble FROM outbox
             WHERE $1 = 0 OR sent_at IS NULL ORDER BY id DESC LIMIT $2 OFFSET $3",
        );
        let (limit, skip) = bounds(part);
        let rows = rows.bind(i64::from(unsent)).bind(limit).bind(skip).fetch_all(&self.pool).await?;
        let read = |row: &AnyRow| {
            let at = |place: usize| row.try_get::<Option<i64>, _>(place)?.map(time).transpose();
            Ok(Posted {
                uuid: row.try_get(0)?,
                channel: row.try_get(1)?,
                recipient: row.try_get(2)?,
                body: row.try_get(3)?,
                made_at: time(row.try_get(4)?)?,
                attempts: row.try_get(5)?,
                due: at(6)?,
                sent_at: at(7)?,
                trouble: row.try_get(8)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// How many there are of them.
    pub(crate) async fn count_posted(&self, unsent: bool) -> Result<usize, StoreError> {
        let count = sqlx::query("SELECT COUNT(*) FROM outbox WHERE $1 = 0 OR sent_at IS NULL");
        let count: i64 = count.bind(i64::from(unsent)).fetch_one(&self.pool).await?.try_get(0)?;
        Ok(usize::try_from(count).unwrap_or_default())
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

/// Puts messages into the outbox.
async fn post(
    tx: &mut Transaction<'_, Any>,
    rule: &str,
    messages: &[NewMessage<'_>],
    now: Timestamp,
) -> Result<(), StoreError> {
    for NewMessage { channel, recipient, body } in messages {
        let id = next(tx, "outbox").await?;
        let insert = sqlx::query(
            "INSERT INTO outbox (id, uuid, rule, channel, recipient, body, made_at, attempts, due)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $7)",
        );
        let insert = insert.bind(id).bind(Uuid::new_v4().to_string()).bind(rule).bind(*channel);
        insert.bind(recipient).bind(body).bind(micros(now)).execute(&mut **tx).await?;
    }
    Ok(())
}

async fn told(tx: &mut Transaction<'_, Any>, rule: &str) -> Result<BTreeMap<Key, String>, StoreError> {
    let rows = sqlx::query("SELECT subject, scope, topic, word FROM told WHERE rule = $1").bind(rule);
    let read = |row: &AnyRow| Ok(((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?), row.try_get(3)?));
    rows.fetch_all(&mut **tx).await?.iter().map(read).collect()
}
