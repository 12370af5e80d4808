use std::ops::Range;

use assay_standards::integrators::Reference;
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use super::history::{Of, standings};
use super::integrators::{add, references};
use super::numbers::Kind;
use super::{
    Deed, StandingRow, Store, StoreError, bounds, days, is_storable, log, micros, people, read_day, scores,
    time, unread,
};
use crate::certificates::{Certificate, Course, Judged, Move, NotNow, Revocation};
use crate::log::Entry;

/// What somebody wants to have certified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewApplication {
    pub(crate) uuid: String,
    pub(crate) subject: String,
    /// UUID of the scope; for an integrator, that of the layer.
    pub(crate) scope: String,
    /// For an integrator, the tier.
    pub(crate) version: String,
    pub(crate) organisation: String,
    pub(crate) covers: String,
    pub(crate) contact: String,
}

/// An application, and all that was done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Application {
    pub(crate) asked: NewApplication,
    pub(crate) course: Course,
    pub(crate) moves: Vec<Made>,
    /// The environments that an integrator names.
    pub(crate) references: Vec<Judged>,
    /// UUID of the certificate that was granted.
    pub(crate) certificate: Option<String>,
}

/// A move somebody made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) at: Timestamp,
    /// Whose account it was.
    pub(crate) account: String,
    pub(crate) what: Move,
    pub(crate) text: String,
}

/// A certificate that is granted, but for its number, which is the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) certificate: Certificate,
    /// As it was signed.
    pub(crate) document: String,
    pub(crate) entry: Entry,
}

/// What there is at the moment of a move.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment<'m> {
    /// The number that a certificate will have.
    pub(crate) number: i64,
    /// What stands of the subject in the scope.
    pub(crate) standings: &'m [StandingRow],
    pub(crate) references: &'m [Judged],
}

/// Which certificates are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish<'w> {
    All,
    Revoked,
    OfSubject(&'w str),
    /// By subject and UUID of the scope.
    OfSubjectIn(&'w str, &'w str),
    One(&'w str),
}

/// So many applications of a subject wait to be decided at most.
const MOST_OPEN: i64 = 20;
/// So many moves are made with one; then no more evidence is taken.
const MOST_MOVES: i64 = 200;

const APPLICATION: &str =
    "SELECT a.id, a.uuid, s.name, o.uuid, a.version, a.organisation, a.covers, a.contact, a.course,
         (SELECT MIN(c.uuid) FROM certificate c WHERE c.application = a.id)
     FROM application a JOIN subject s ON s.id = a.subject JOIN scope o ON o.id = a.scope";

impl Store {
    /// Stores an application, with what speaks for it. False if the subject has too many that are not decided.
    pub(crate) async fn apply_for(
        &self,
        new: &NewApplication,
        named: &[Reference],
        made: &Made,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let mut numbers = self.numbers.new_ones();
        let subject = numbers.of(&mut tx, Kind::Subject, &new.subject).await?;
        let open = sqlx::query(
            "SELECT COUNT(*) FROM application WHERE subject = $1 AND course IN ('submitted', 'asked')",
        );
        let open: i64 = open.bind(subject).fetch_one(&mut *tx).await?.try_get(0)?;
        if open >= MOST_OPEN {
            return Ok(false);
        }
        let scope = numbers.of(&mut tx, Kind::Scope, &new.scope).await?;
        let id = next(&mut tx, "application").await?;
        let insert = sqlx::query(
            "INSERT INTO application (id, uuid, subject, scope, version, organisation, covers, contact, course)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        );
        insert
            .bind(id)
            .bind(&new.uuid)
            .bind(subject)
            .bind(scope)
            .bind(&new.version)
            .bind(&new.organisation)
            .bind(&new.covers)
            .bind(&new.contact)
            .bind(Course::Submitted.as_str())
            .execute(&mut *tx)
            .await?;
        for reference in named {
            add(&mut tx, id, reference).await?;
        }
        write_down(&mut tx, id, made).await?;
        tx.commit().await?;
        numbers.keep();
        Ok(true)
    }

    /// An application by its UUID.
    pub(crate) async fn application(&self, uuid: &str) -> Result<Option<Application>, StoreError> {
        if !is_storable(uuid) {
            return Ok(None);
        }
        let select = format!("{APPLICATION} WHERE a.uuid = $1");
        let row = sqlx::query(AssertSqlSafe(select)).bind(uuid).fetch_optional(&self.pool).await?;
        let Some(row) = row else { return Ok(None) };
        let id: i64 = row.try_get(0)?;
        let moves = sqlx::query(
            "SELECT at, account, move, text FROM application_move WHERE application = $1 ORDER BY number",
        );
        let moves = moves.bind(id).fetch_all(&self.pool).await?;
        let read = |row: &AnyRow| {
            Ok(Made {
                at: time(row.try_get(0)?)?,
                account: row.try_get(1)?,
                what: word(row, 2)?,
                text: row.try_get(3)?,
            })
        };
        let moves: Vec<Made> = moves.iter().map(read).collect::<Result<_, StoreError>>()?;
        let references = references(&mut self.pool.begin().await?, id).await?;
        Ok(Some(Application { moves, references, ..application(&row)? }))
    }

    /// Applications of one subject or of all; what was done with them is left out. Those that wait stand before those that
    /// are decided, so that nobody hides them behind many of their own, and the newest before older ones.
    pub(crate) async fn applications(
        &self,
        subject: Option<&str>,
        part: &Range<usize>,
    ) -> Result<Vec<Application>, StoreError> {
        if !subject.is_none_or(is_storable) {
            return Ok(Vec::new());
        }
        let select = format!(
            "{APPLICATION} WHERE $1 = '' OR s.name = $1
             ORDER BY CASE a.course WHEN 'submitted' THEN 0 WHEN 'asked' THEN 1 ELSE 2 END, a.id DESC
             LIMIT $2 OFFSET $3"
        );
        let (limit, skip) = bounds(part);
        let rows = sqlx::query(AssertSqlSafe(select)).bind(subject.unwrap_or_default());
        let rows = rows.bind(limit).bind(skip);
        rows.fetch_all(&self.pool).await?.iter().map(application).collect()
    }

    /// How many applications of one subject or of all stand so; none for however they stand.
    pub(crate) async fn count_applications(
        &self,
        subject: Option<&str>,
        course: Option<Course>,
    ) -> Result<usize, StoreError> {
        if !subject.is_none_or(is_storable) {
            return Ok(0);
        }
        let count = sqlx::query(
            "SELECT COUNT(*) FROM application a JOIN subject s ON s.id = a.subject
             WHERE ($1 = '' OR s.name = $1) AND ($2 = '' OR a.course = $2)",
        );
        let count = count.bind(subject.unwrap_or_default()).bind(course.map_or("", Course::as_str));
        let count: i64 = count.fetch_one(&self.pool).await?.try_get(0)?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// Writes a move down, if it can be made now, and the certificate if that is what it leads to.
    pub(crate) async fn make_move<E>(
        &self,
        uuid: &str,
        made: &Made,
        grant: impl FnOnce(Moment<'_>) -> Result<Option<Granted>, E>,
    ) -> Result<Result<Result<(), NotNow>, E>, StoreError> {
        let mut tx = self.write().await?;
        let open = match Open::of(&mut tx, uuid, made.what).await? {
            Ok(open) => open,
            Err(not_now) => return Ok(Ok(Err(not_now))),
        };
        let number = next(&mut tx, "certificate").await?;
        let standings = standings(&mut tx, &[open.of]).await?.remove(&open.of).unwrap_or_default();
        let references = references(&mut tx, open.id).await?;
        match grant(Moment { number, standings: &standings, references: &references }) {
            Err(error) => return Ok(Err(error)),
            Ok(None) => {}
            Ok(Some(granted)) => {
                insert(&mut tx, (number, open.id, open.of), &granted).await?;
            }
        }
        open.go_on(&mut tx, made).await?;
        tx.commit().await?;
        Ok(Ok(Ok(())))
    }

    /// Certificates, the newest first.
    pub(crate) async fn certificates(&self, wish: Wish<'_>) -> Result<Vec<Certificate>, StoreError> {
        self.certificate_rows(wish).await?.iter().map(certificate).collect()
    }

    /// All certificates, newest first; of one that cannot be read its UUID, and why.
    pub(crate) async fn each_certificate(
        &self,
    ) -> Result<Vec<Result<Certificate, (String, String)>>, StoreError> {
        let rows = self.certificate_rows(Wish::All).await?;
        Ok(rows.iter().map(|row| certificate(row).map_err(|error| unread(row, 1, &error))).collect())
    }

    async fn certificate_rows(&self, wish: Wish<'_>) -> Result<Vec<AnyRow>, StoreError> {
        let (subject, scope, uuid) = match wish {
            Wish::All | Wish::Revoked => ("", "", ""),
            Wish::OfSubject(subject) => (subject, "", ""),
            Wish::OfSubjectIn(subject, scope) => (subject, scope, ""),
            Wish::One(uuid) => ("", "", uuid),
        };
        // What is asked for is never the empty text, which stands for all.
        let is_empty = match wish {
            Wish::All | Wish::Revoked => false,
            Wish::OfSubject(subject) => subject.is_empty(),
            Wish::OfSubjectIn(subject, scope) => subject.is_empty() || scope.is_empty(),
            Wish::One(uuid) => uuid.is_empty(),
        };
        if is_empty || ![subject, scope, uuid].into_iter().all(is_storable) {
            return Ok(Vec::new());
        }
        let select = sqlx::query(
            "SELECT c.id, c.uuid, s.name, o.uuid, c.version, c.organisation, c.covers, c.valid_from, c.valid_until,
                 c.revoked_at, c.reason
             FROM certificate c JOIN subject s ON s.id = c.subject JOIN scope o ON o.id = c.scope
             WHERE ($1 = '' OR s.name = $1) AND ($2 = '' OR o.uuid = $2) AND ($3 = '' OR c.uuid = $3)
                 AND ($4 = 0 OR c.revoked_at IS NOT NULL)
             ORDER BY c.id DESC",
        );
        let is_revoked = i64::from(wish == Wish::Revoked);
        let select = select.bind(subject).bind(scope).bind(uuid).bind(is_revoked);
        Ok(select.fetch_all(&self.pool).await?)
    }

    /// A certificate as it was signed.
    pub(crate) async fn document(&self, uuid: &str) -> Result<Option<String>, StoreError> {
        if !is_storable(uuid) {
            return Ok(None);
        }
        let row = sqlx::query("SELECT document FROM certificate WHERE uuid = $1").bind(uuid);
        Ok(row.fetch_optional(&self.pool).await?.map(|row| row.try_get(0)).transpose()?)
    }

    /// Takes a certificate back. False if it was taken back before.
    pub(crate) async fn revoke(
        &self,
        uuid: &str,
        account: &str,
        revocation: &Revocation,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let update = sqlx::query(
            "UPDATE certificate SET revoked_at = $1, reason = $2 WHERE uuid = $3 AND revoked_at IS NULL",
        );
        let Revocation { at, reason } = revocation;
        let update = update.bind(micros(*at)).bind(reason).bind(uuid).execute(&mut *tx).await?;
        if update.rows_affected() == 0 {
            return Ok(false);
        }
        let subject = sqlx::query(
            "SELECT s.name FROM certificate c JOIN subject s ON s.id = c.subject WHERE c.uuid = $1",
        );
        let about: String = subject.bind(uuid).fetch_one(&mut *tx).await?.try_get(0)?;
        let what = format!("revoked the certificate {uuid}");
        people::write_down(&mut tx, &Deed { at: *at, account: account.to_owned(), what, about }).await?;
        let entry = Entry::Revocation { certificate: uuid.to_owned(), reason: reason.clone(), at: *at };
        log::append(&mut tx, &[entry]).await?;
        scores::revise(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// An application with which something can be done now.
pub(super) struct Open {
    pub(super) id: i64,
    of: Of,
    after: Course,
}

impl Open {
    /// The application, if a move can be made with it.
    pub(super) async fn of(
        tx: &mut Transaction<'_, Any>,
        uuid: &str,
        what: Move,
    ) -> Result<Result<Self, NotNow>, StoreError> {
        let row = sqlx::query("SELECT id, course, subject, scope FROM application WHERE uuid = $1");
        let row = row.bind(uuid).fetch_one(&mut **tx).await?;
        let (id, course): (i64, Course) = (row.try_get(0)?, word(&row, 1)?);
        let after = match course.after(what) {
            Ok(after) => after,
            Err(not_now) => return Ok(Err(not_now)),
        };
        let moves = sqlx::query("SELECT COUNT(*) FROM application_move WHERE application = $1").bind(id);
        let moves: i64 = moves.fetch_one(&mut **tx).await?.try_get(0)?;
        if what == Move::Evidence && moves >= MOST_MOVES {
            return Ok(Err(NotNow::TooMuch));
        }
        let of = Of { subject: row.try_get(2)?, scope: row.try_get(3)? };
        Ok(Ok(Self { id, of, after }))
    }

    /// Writes the move down.
    pub(super) async fn go_on(self, tx: &mut Transaction<'_, Any>, made: &Made) -> Result<(), StoreError> {
        write_down(tx, self.id, made).await?;
        let update = sqlx::query("UPDATE application SET course = $1 WHERE id = $2");
        update.bind(self.after.as_str()).bind(self.id).execute(&mut **tx).await?;
        Ok(())
    }
}

/// The number that the next row of a table gets. Whoever writes is alone.
pub(super) async fn next(tx: &mut Transaction<'_, Any>, table: &'static str) -> Result<i64, StoreError> {
    let select = format!("SELECT COALESCE(MAX(id), 0) + 1 FROM {table}");
    Ok(sqlx::query(AssertSqlSafe(select)).fetch_one(&mut **tx).await?.try_get(0)?)
}

async fn write_down(tx: &mut Transaction<'_, Any>, application: i64, made: &Made) -> Result<(), StoreError> {
    let insert = sqlx::query(
        "INSERT INTO application_move (application, number, at, account, move, text)
         VALUES ($1, (SELECT COUNT(*) FROM application_move WHERE application = $1), $2, $3, $4, $5)",
    );
    let Made { at, account, what, text } = made;
    let insert = insert.bind(application).bind(micros(*at)).bind(account).bind(what.as_str()).bind(text);
    insert.execute(&mut **tx).await?;
    Ok(())
}

async fn insert(
    tx: &mut Transaction<'_, Any>,
    (id, application, of): (i64, i64, Of),
    granted: &Granted,
) -> Result<(), StoreError> {
    let Granted { certificate, document, entry } = granted;
    let insert = sqlx::query(
        "INSERT INTO certificate (id, uuid, application, subject, scope, version, organisation, covers, valid_from,
             valid_until, document)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    );
    insert
        .bind(id)
        .bind(&certificate.uuid)
        .bind(application)
        .bind(of.subject)
        .bind(of.scope)
        .bind(&certificate.version)
        .bind(&certificate.organisation)
        .bind(&certificate.covers)
        .bind(days(certificate.valid_from))
        .bind(days(certificate.valid_until))
        .bind(document)
        .execute(&mut **tx)
        .await?;
    log::append(tx, std::slice::from_ref(entry)).await?;
    scores::revise(tx).await
}

/// A word of which there are few, such as that for a course.
pub(super) fn word<T: std::str::FromStr>(row: &AnyRow, column: usize) -> Result<T, StoreError> {
    let word: String = row.try_get(column)?;
    word.parse().map_err(|_| StoreError::Corrupt(format!("{word:?} is no word that is known here")))
}

fn application(row: &AnyRow) -> Result<Application, StoreError> {
    Ok(Application {
        asked: NewApplication {
            uuid: row.try_get(1)?,
            subject: row.try_get(2)?,
            scope: row.try_get(3)?,
            version: row.try_get(4)?,
            organisation: row.try_get(5)?,
            covers: row.try_get(6)?,
            contact: row.try_get(7)?,
        },
        course: word(row, 8)?,
        moves: Vec::new(),
        references: Vec::new(),
        certificate: row.try_get(9)?,
    })
}

fn certificate(row: &AnyRow) -> Result<Certificate, StoreError> {
    let at: Option<i64> = row.try_get(9)?;
    let reason: Option<String> = row.try_get(10)?;
    let revocation =
        at.map(|at| Ok::<_, StoreError>(Revocation { at: time(at)?, reason: reason.unwrap_or_default() }));
    Ok(Certificate {
        number: row.try_get(0)?,
        uuid: row.try_get(1)?,
        subject: row.try_get(2)?,
        scope: row.try_get(3)?,
        version: row.try_get(4)?,
        organisation: row.try_get(5)?,
        covers: row.try_get(6)?,
        valid_from: read_day(row.try_get(7)?)?,
        valid_until: read_day(row.try_get(8)?)?,
        revocation: revocation.transpose()?,
    })
}
