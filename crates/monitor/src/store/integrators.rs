use assay_standards::integrators::Reference;
use jiff::civil::DateTime;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use super::certificates::Open;
use super::{Made, Store, StoreError, in_order, places, read_civil};
use crate::certificates::{Judged, Move, NotNow, Word};

/// So many environments are named in an application, more than any tier needs by far.
pub(crate) const MOST_REFERENCES: usize = 50;

/// A report by what it is about: subject, UUID of the scope, and from when on its results count.
pub(crate) type Place = (String, String, DateTime);

impl Store {
    /// Adds a reference to an application, if that can be done now, and hands back its number.
    pub(crate) async fn add_reference(
        &self,
        uuid: &str,
        made: &Made,
        reference: &Reference,
    ) -> Result<Result<i64, NotNow>, StoreError> {
        let mut tx = self.write().await?;
        let open = match Open::of(&mut tx, uuid, Move::Evidence).await? {
            Ok(open) => open,
            Err(not_now) => return Ok(Err(not_now)),
        };
        let Some(number) = add(&mut tx, open.id, reference).await? else {
            return Ok(Err(NotNow::TooMuch));
        };
        let text = format!("reference {number}: {}", made.text);
        open.go_on(&mut tx, &Made { text, ..made.clone() }).await?;
        tx.commit().await?;
        Ok(Ok(number))
    }

    /// Writes down what was said about a reference, if that can be done now. False if there is none of that number, or it
    /// was withdrawn.
    pub(crate) async fn say_of_reference(
        &self,
        uuid: &str,
        (number, word): (i64, Word),
        made: &Made,
    ) -> Result<Result<bool, NotNow>, StoreError> {
        let mut tx = self.write().await?;
        let open = match Open::of(&mut tx, uuid, made.what).await? {
            Ok(open) => open,
            Err(not_now) => return Ok(Err(not_now)),
        };
        let update = sqlx::query(
            "UPDATE integrator_reference SET word = $1, said = $2
             WHERE application = $3 AND number = $4 AND (word IS NULL OR word <> $5)",
        );
        let update = update.bind(word.as_str()).bind(&made.text).bind(open.id).bind(number);
        let update = update.bind(Word::Withdrawn.as_str()).execute(&mut *tx).await?;
        if update.rows_affected() == 0 {
            return Ok(Ok(false));
        }
        let text = format!("reference {number} {}: {}", word.as_str(), made.text);
        open.go_on(&mut tx, &Made { text, ..made.clone() }).await?;
        tx.commit().await?;
        Ok(Ok(true))
    }

    /// What those of some reports are about that there are, by their UUIDs.
    pub(crate) async fn places_of_reports(&self, uuids: &[&str]) -> Result<Vec<(String, Place)>, StoreError> {
        let mut found = Vec::with_capacity(uuids.len());
        let mut tx = self.pool.begin().await?;
        for some in uuids.chunks(64) {
            let select = format!(
                "SELECT r.uuid, s.name, o.uuid, r.counts_from FROM report r JOIN subject s ON s.id = r.subject
                     JOIN scope o ON o.id = r.scope WHERE r.uuid IN {}",
                places(1, some.len())
            );
            let mut select = sqlx::query(in_order(&tx, &select));
            for uuid in some {
                select = select.bind(*uuid);
            }
            for row in select.fetch_all(&mut *tx).await? {
                let place = (row.try_get(1)?, row.try_get(2)?, read_civil(row.try_get(3)?)?);
                found.push((row.try_get(0)?, place));
            }
        }
        Ok(found)
    }
}

/// Adds a reference, and hands back its number; none if there are too many.
pub(super) async fn add(
    tx: &mut Transaction<'_, Any>,
    application: i64,
    reference: &Reference,
) -> Result<Option<i64>, StoreError> {
    let count = sqlx::query("SELECT COUNT(*) FROM integrator_reference WHERE application = $1");
    // None of them goes, so that their count is the last number.
    let count: i64 = count.bind(application).fetch_one(&mut **tx).await?.try_get(0)?;
    if usize::try_from(count).is_ok_and(|count| count >= MOST_REFERENCES) {
        return Ok(None);
    }
    let insert =
        sqlx::query("INSERT INTO integrator_reference (application, number, reference) VALUES ($1, $2, $3)");
    let text = serde_json::to_string(reference).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    insert.bind(application).bind(count + 1).bind(text).execute(&mut **tx).await?;
    Ok(Some(count + 1))
}

/// The references of an application, in order.
pub(super) async fn references(
    tx: &mut Transaction<'_, Any>,
    application: i64,
) -> Result<Vec<Judged>, StoreError> {
    let select = sqlx::query(
        "SELECT number, reference, word, said FROM integrator_reference WHERE application = $1 ORDER BY number",
    );
    let rows = select.bind(application).fetch_all(&mut **tx).await?;
    rows.iter().map(judged).collect()
}

fn judged(row: &AnyRow) -> Result<Judged, StoreError> {
    let corrupt = |what: String| StoreError::Corrupt(what);
    let (reference, word): (String, Option<String>) = (row.try_get(1)?, row.try_get(2)?);
    let said: Option<String> = row.try_get(3)?;
    let word = word.map(|word| word.parse().map_err(|()| corrupt(format!("{word:?} is no word known here"))));
    Ok(Judged {
        number: row.try_get(0)?,
        reference: serde_json::from_str(&reference).map_err(|error| corrupt(error.to_string()))?,
        word: word.transpose()?,
        said: said.unwrap_or_default(),
    })
}
