//! What standings come to, kept so that no page has to reckon.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use super::history::{Of, standings};
use super::{
    StandingRow, Store, StoreError, civil_micros, in_order, is_storable, micros, places, read_civil,
};
use crate::scopes::Scopes;
use crate::score::Score;

/// A score and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedScore {
    pub(crate) subject: String,
    /// UUID of the scope.
    pub(crate) scope: String,
    /// When the newest result was found.
    pub(crate) newest: DateTime,
    pub(crate) score: Score,
}

/// Tells those who keep an overview that there may be another one.
pub(super) async fn revise(tx: &mut Transaction<'_, Any>) -> Result<(), StoreError> {
    sqlx::query("UPDATE revision SET number = number + 1").execute(&mut **tx).await?;
    Ok(())
}

/// Stores scores: whose they are, and by what they were reckoned.
pub(super) async fn keep(
    tx: &mut Transaction<'_, Any>,
    scores: &[(Of, Score, &str)],
) -> Result<(), StoreError> {
    for some in scores.chunks(64) {
        let upsert = format!(
            "INSERT INTO score (subject, scope, newest, next_change, spec, shown) VALUES {}
             ON CONFLICT (subject, scope) DO UPDATE
                 SET newest = excluded.newest, next_change = excluded.next_change, spec = excluded.spec,
                     shown = excluded.shown",
            places(some.len(), 6)
        );
        let mut upsert = sqlx::query(in_order(tx, &upsert));
        for (of, score, spec) in some {
            let shown =
                serde_json::to_string(score).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            upsert = upsert
                .bind(of.subject)
                .bind(of.scope)
                .bind(civil_micros(score.newest))
                .bind(civil_micros(score.next_change))
                .bind(*spec)
                .bind(shown);
        }
        upsert.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Nobody knows what it comes to now; whoever knows the scope again reckons it anew.
pub(super) async fn forget(tx: &mut Transaction<'_, Any>, of: Of) -> Result<(), StoreError> {
    let delete = sqlx::query("DELETE FROM score WHERE subject = $1 AND scope = $2");
    delete.bind(of.subject).bind(of.scope).execute(&mut **tx).await?;
    Ok(())
}

impl Store {
    /// All scores as they are stored, by subject.
    pub(crate) async fn scores(&self) -> Result<Vec<ListedScore>, StoreError> {
        Ok(stored(&mut self.pool.begin().await?).await?.into_iter().map(|stored| stored.listed).collect())
    }

    /// All scores at a time, by subject: what is stored as far as it holds then, and the rest reckoned for this answer
    /// only.
    pub(crate) async fn scores_at(
        &self,
        scopes: &Scopes,
        now: Timestamp,
    ) -> Result<Vec<ListedScore>, StoreError> {
        let mut tx = self.pool.begin().await?;
        let mut all = stored(&mut tx).await?;
        let others: Vec<Of> =
            all.iter().filter(|stored| !stored.holds(now)).map(|stored| stored.of).collect();
        let mut standings = standings(&mut tx, &others).await?;
        for stored in &mut all {
            if let Some(standings) = standings.remove(&stored.of)
                && let Some(spec) = scopes.by_uuid(&stored.listed.scope)
            {
                let score = Score::reckon(spec, &standings, now);
                stored.listed.newest = score.newest;
                stored.listed.score = score;
            }
        }
        Ok(all.into_iter().map(|stored| stored.listed).collect())
    }

    /// What stands of some subjects in a scope, by subject.
    pub(crate) async fn standings_of(
        &self,
        subjects: &[&str],
        scope: &str,
    ) -> Result<BTreeMap<String, Vec<StandingRow>>, StoreError> {
        let mut tx = self.pool.begin().await?;
        let rows = sqlx::query(
            "SELECT k.subject, k.scope, s.name FROM score k JOIN subject s ON s.id = k.subject
             WHERE k.scope = (SELECT id FROM scope WHERE uuid = $1)",
        );
        let mut wanted: Vec<(Of, String)> = Vec::with_capacity(subjects.len());
        for row in rows.bind(scope).fetch_all(&mut *tx).await? {
            let name: String = row.try_get(2)?;
            if subjects.contains(&name.as_str()) {
                wanted.push((Of { subject: row.try_get(0)?, scope: row.try_get(1)? }, name));
            }
        }
        let all: Vec<Of> = wanted.iter().map(|(of, _)| *of).collect();
        let mut standings = standings(&mut tx, &all).await?;
        Ok(wanted.into_iter().map(|(of, name)| (name, standings.remove(&of).unwrap_or_default())).collect())
    }

    /// What one subject comes to in a scope, by its UUID.
    pub(crate) async fn score(&self, subject: &str, scope: &str) -> Result<Option<Score>, StoreError> {
        if ![subject, scope].into_iter().all(is_storable) {
            return Ok(None);
        }
        let row = sqlx::query(
            "SELECT shown FROM score WHERE subject = (SELECT id FROM subject WHERE name = $1)
                 AND scope = (SELECT id FROM scope WHERE uuid = $2)",
        );
        let row = row.bind(subject).bind(scope).fetch_optional(&self.pool).await?;
        row.map(|row| read(&row.try_get::<String, _>(0)?)).transpose()
    }

    /// Grows whenever scores, groups or certificates change.
    pub(crate) async fn revision(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query("SELECT number FROM revision").fetch_one(&self.pool).await?.try_get(0)?)
    }

    /// Whether the stored scores hold at a time. Only a clock that was set back makes one not hold that was reckoned for
    /// a later time; those are looked for if `is_set_back`.
    pub(crate) async fn holds(&self, now: Timestamp, is_set_back: bool) -> Result<bool, StoreError> {
        if is_set_back {
            let all = stored(&mut self.pool.begin().await?).await?;
            return Ok(all.iter().all(|stored| stored.holds(now)));
        }
        let due = sqlx::query("SELECT 1 FROM score WHERE next_change <= $1 LIMIT 1").bind(micros(now));
        Ok(due.fetch_optional(&self.pool).await?.is_none())
    }

    /// Reckons again what does not hold any more: results expired, or a version came into force, or a clock was set back.
    pub(crate) async fn reckon_anew(
        &self,
        scopes: &Scopes,
        now: Timestamp,
        is_set_back: bool,
    ) -> Result<(), StoreError> {
        const DUE: &str = "SELECT subject, scope FROM score WHERE next_change <= $1";
        let mut tx = self.write().await?;
        // Somebody else may have done it meanwhile.
        let others: Vec<Of> = if is_set_back {
            stored(&mut tx)
                .await?
                .iter()
                .filter(|stored| !stored.holds(now))
                .map(|stored| stored.of)
                .collect()
        } else {
            whose(&sqlx::query(DUE).bind(micros(now)).fetch_all(&mut *tx).await?)?
        };
        reckon(&mut tx, &others, scopes, now).await?;
        Ok(tx.commit().await?)
    }

    /// Reckons again what was reckoned by other scopes than these, or never.
    pub(crate) async fn reckon_by(&self, scopes: &Scopes, now: Timestamp) -> Result<(), StoreError> {
        const OTHER: &str = "SELECT DISTINCT c.subject, c.scope FROM standing c
                 LEFT JOIN score k ON k.subject = c.subject AND k.scope = c.scope
             WHERE c.scope = (SELECT id FROM scope WHERE uuid = $1) AND (k.spec IS NULL OR k.spec <> $2)";
        for spec in scopes.iter() {
            let other = || sqlx::query(OTHER).bind(&spec.uuid).bind(scopes.fingerprint(spec));
            if other().fetch_optional(&self.pool).await?.is_none() {
                continue;
            }
            let mut tx = self.write().await?;
            // Somebody else may have done it meanwhile.
            let other = other().fetch_all(&mut *tx).await?;
            reckon(&mut tx, &whose(&other)?, scopes, now).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

fn read(shown: &str) -> Result<Score, StoreError> {
    serde_json::from_str(shown).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// A score as it is stored.
struct Stored {
    of: Of,
    next_change: i64,
    listed: ListedScore,
}

impl Stored {
    /// Whether it is that of this time, too.
    fn holds(&self, now: Timestamp) -> bool {
        self.next_change > micros(now) && self.listed.score.at <= now
    }
}

/// All of them, by subject.
async fn stored(tx: &mut Transaction<'_, Any>) -> Result<Vec<Stored>, StoreError> {
    let rows = sqlx::query(
        "SELECT c.subject, c.scope, s.name, o.uuid, c.newest, c.next_change, c.shown
         FROM score c JOIN subject s ON s.id = c.subject JOIN scope o ON o.id = c.scope ORDER BY s.name, o.uuid",
    );
    let stored = |row: &AnyRow| {
        Ok(Stored {
            of: Of { subject: row.try_get(0)?, scope: row.try_get(1)? },
            next_change: row.try_get(5)?,
            listed: ListedScore {
                subject: row.try_get(2)?,
                scope: row.try_get(3)?,
                newest: read_civil(row.try_get(4)?)?,
                score: read(&row.try_get::<String, _>(6)?)?,
            },
        })
    };
    rows.fetch_all(&mut **tx).await?.iter().map(stored).collect()
}

fn whose(rows: &[AnyRow]) -> Result<Vec<Of>, StoreError> {
    rows.iter().map(|row| Ok(Of { subject: row.try_get(0)?, scope: row.try_get(1)? })).collect()
}

async fn reckon(
    tx: &mut Transaction<'_, Any>,
    all: &[Of],
    scopes: &Scopes,
    now: Timestamp,
) -> Result<(), StoreError> {
    for some in all.chunks(64) {
        let mut standings = standings(tx, some).await?;
        let mut reckoned = Vec::with_capacity(some.len());
        for &of in some {
            let uuid = sqlx::query("SELECT uuid FROM scope WHERE id = $1").bind(of.scope);
            let uuid: String = uuid.fetch_one(&mut **tx).await?.try_get(0)?;
            match scopes.by_uuid(&uuid) {
                Some(spec) => {
                    let standings = standings.remove(&of).unwrap_or_default();
                    reckoned.push((of, Score::reckon(spec, &standings, now), scopes.fingerprint(spec)));
                }
                // Nobody knows what it comes to, so that nobody need look at it again.
                None => forget(tx, of).await?,
            }
        }
        keep(tx, &reckoned).await?;
    }
    if all.is_empty() { Ok(()) } else { revise(tx).await }
}
