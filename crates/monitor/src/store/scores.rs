//! What standings come to, kept so that no page has to reckon.

use std::collections::BTreeMap;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use super::history::{Of, standings};
use super::{
    StandingRow, Store, StoreError, civil, civil_micros, in_order, micros, places, read_civil, time,
};
use crate::scopes::Scopes;
use crate::score::Score;

/// So far apart the clocks of two instances are without one of them being wrong.
const APART: SignedDuration = SignedDuration::from_mins(1);

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
    pub(crate) async fn stored_scores(&self) -> Result<Vec<StoredScore>, StoreError> {
        stored(&mut self.pool.begin().await?).await
    }

    /// Looks up what stands where a stored score is not that of a time.
    pub(crate) async fn look_up_lapsed(
        &self,
        all: &mut [StoredScore],
        scopes: &Scopes,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let lapsed: Vec<Of> =
            all.iter().filter(|score| score.lapse(scopes, now).is_some()).map(|score| score.of).collect();
        let mut found = standings(&mut self.pool.begin().await?, &lapsed).await?;
        for score in all {
            score.standings = found.remove(&score.of);
        }
        Ok(())
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

    /// Grows whenever scores, groups or certificates change.
    pub(crate) async fn revision(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query("SELECT number FROM revision").fetch_one(&self.pool).await?.try_get(0)?)
    }

    /// Reckons again what does not hold any more: results expired, or a version came into force. If it `mends`, also what
    /// was reckoned for a day that has not come.
    pub(crate) async fn reckon_anew(
        &self,
        scopes: &Scopes,
        now: Timestamp,
        mends: bool,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        // Somebody else may have done it meanwhile.
        let all = stored(&mut tx).await?;
        let lapsed = all.iter().filter(|score| match score.lapse(scopes, now) {
            Some(Lapse::Due) => true,
            Some(Lapse::Ahead) => mends,
            Some(Lapse::OtherScope) | None => false,
        });
        reckon(&mut tx, &lapsed.map(|score| score.of).collect::<Vec<_>>(), scopes, now).await?;
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

/// Why a stored score is not what a subject comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lapse {
    /// Something has changed by itself since it was reckoned.
    Due,
    /// It was reckoned by another form of the scope.
    OtherScope,
    /// It was reckoned for a day that has not come: a clock was set back, or that of another instance is ahead.
    Ahead,
}

/// A score as it is stored.
#[derive(Debug)]
pub(crate) struct StoredScore {
    of: Of,
    next_change: i64,
    /// What it was reckoned by.
    fingerprint: String,
    /// What stands, if it was looked up.
    standings: Option<Vec<StandingRow>>,
    pub(crate) listed: ListedScore,
}

impl StoredScore {
    /// Why it is not what the subject comes to at a time, by these scopes; none if it is. Nothing changes by itself but
    /// at midnight.
    pub(crate) fn lapse(&self, scopes: &Scopes, now: Timestamp) -> Option<Lapse> {
        let spec = scopes.by_uuid(&self.listed.scope);
        let day = |at: Timestamp| civil(at).date();
        if self.next_change <= micros(now) {
            Some(Lapse::Due)
        } else if spec.is_some_and(|spec| scopes.fingerprint(spec) != self.fingerprint) {
            Some(Lapse::OtherScope)
        } else if day(self.listed.score.at) > day(now.saturating_add(APART).unwrap_or(Timestamp::MAX)) {
            Some(Lapse::Ahead)
        } else {
            None
        }
    }

    /// Takes in what those standings come to that were looked up.
    pub(crate) fn reckon(&mut self, scopes: &Scopes, now: Timestamp) {
        if let Some(standings) = self.standings.take()
            && let Some(spec) = scopes.by_uuid(&self.listed.scope)
        {
            let score = Score::reckon(spec, &standings, now);
            self.next_change = civil_micros(score.next_change);
            self.listed.newest = score.newest;
            self.listed.score = score;
        }
    }

    /// From when on and until when all of these hold that hold at a time; what is of an unknown scope is nobody's concern.
    pub(crate) fn times(all: &[Self], scopes: &Scopes, now: Timestamp) -> (Timestamp, Timestamp) {
        let known = || all.iter().filter(|score| scopes.by_uuid(&score.listed.scope).is_some());
        let newest = known().map(|score| score.listed.score.at).max().unwrap_or(Timestamp::MIN);
        let begin = TimeZone::UTC.to_timestamp(civil(newest).date().to_datetime(Time::midnight()));
        let until = known().map(|score| score.next_change).min().unwrap_or(i64::MAX);
        (begin.unwrap_or(now).min(now), time(until).unwrap_or(Timestamp::MAX))
    }
}

/// All of them, by subject.
async fn stored(tx: &mut Transaction<'_, Any>) -> Result<Vec<StoredScore>, StoreError> {
    let rows = sqlx::query(
        "SELECT c.subject, c.scope, s.name, o.uuid, c.newest, c.next_change, c.shown, c.spec
         FROM score c JOIN subject s ON s.id = c.subject JOIN scope o ON o.id = c.scope ORDER BY s.name, o.uuid",
    );
    let stored = |row: &AnyRow| {
        let reckoned = || -> Result<(DateTime, Score, i64, String), StoreError> {
            let score = read(&row.try_get::<String, _>(6)?)?;
            Ok((read_civil(row.try_get(4)?)?, score, row.try_get(5)?, row.try_get(7)?))
        };
        // It is reckoned from what stands: one that cannot be read is reckoned again, and stored, as what is overdue.
        let (newest, score, next_change, fingerprint) =
            reckoned().unwrap_or_else(|_| (DateTime::MIN, Score::unknown(), i64::MIN, String::new()));
        Ok(StoredScore {
            of: Of { subject: row.try_get(0)?, scope: row.try_get(1)? },
            next_change,
            fingerprint,
            standings: None,
            listed: ListedScore { subject: row.try_get(2)?, scope: row.try_get(3)?, newest, score },
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
