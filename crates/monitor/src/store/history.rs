//! How the newest result of each testcase, and the spells before it, come to be and are read.

use std::collections::{BTreeMap, HashMap};

use assay_report::SubmittedResult;
use assay_standards::Verdict;
use assay_standards::history::{Latest, Spell};
use assay_standards::scope::{Lifetime, Spec};
use jiff::civil::DateTime;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use super::{
    Store, StoreError, civil_micros, code, flag, in_order, is_sqlite, is_storable, places, read_civil, rows,
    verdict,
};

/// A subject in a scope, both as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Of {
    pub(super) subject: i64,
    pub(super) scope: i64,
}

/// A report that is being stored.
#[derive(Clone, Debug)]
pub(super) struct NewReport<'r> {
    pub(super) of: Of,
    pub(super) id: i64,
    /// From when on its results count.
    pub(super) at: DateTime,
    /// Its results, each with the number and the name of its testcase.
    pub(super) found: Vec<(i64, &'r str, SubmittedResult)>,
    /// The scope, if it is known.
    pub(super) spec: Option<&'r Spec>,
}

/// The newest result of a testcase and how long it has been the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StandingRow {
    testcase: i64,
    /// The testcase by its name.
    pub(crate) name: String,
    /// Whether people stated it.
    pub(crate) stated: bool,
    /// With the reports by their numbers.
    pub(crate) spell: Spell<i64>,
    /// The newest PASS or FAIL.
    certain: Option<(Verdict, DateTime)>,
}

impl StandingRow {
    pub(crate) fn latest(&self) -> Latest {
        Latest { verdict: self.spell.verdict, at: self.spell.last, certain: self.certain }
    }

    fn columns(&self, of: Of) -> StandingColumns {
        let Self { testcase, stated, spell, certain, .. } = self;
        [
            Some(of.subject),
            Some(of.scope),
            Some(*testcase),
            Some(i64::from(*stated)),
            Some(code(spell.verdict)),
            Some(civil_micros(spell.since)),
            Some(spell.first_report),
            Some(civil_micros(spell.last)),
            Some(spell.last_report),
            certain.map(|(verdict, _)| code(verdict)),
            certain.map(|(_, at)| civil_micros(at)),
        ]
    }

    /// Takes in that this came out, too.
    fn be_certain(&mut self) {
        if self.spell.verdict != Verdict::Abort {
            self.certain = Some((self.spell.verdict, self.spell.last));
        }
    }
}

/// A spell that is over.
struct Ended {
    key: Key,
    spell: Spell<i64>,
    certain: Option<(Verdict, DateTime)>,
    end: DateTime,
}

/// What was or is known of a testcase over a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PastSpell {
    pub(crate) testcase: String,
    pub(crate) stated: bool,
    /// With the reports by their UUIDs.
    pub(crate) spell: Spell<String>,
    /// The newest PASS or FAIL at its end.
    pub(crate) certain: Option<(Verdict, DateTime)>,
    /// When another result came, after it had expired or with something else; none while none came.
    pub(crate) ended: Option<DateTime>,
    /// Which checkers made the first and the last report, as far as these say.
    pub(crate) creators: [Option<String>; 2],
}

/// What was known over a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) spells: Vec<PastSpell>,
    /// Whether older spells of that time were left out, since there are very many.
    pub(crate) is_cut: bool,
}

/// The newest result of a testcase, as whoever looks at the testcase sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) subject: String,
    /// UUID of the scope.
    pub(crate) scope: String,
    /// Whether people stated it.
    pub(crate) stated: bool,
    pub(crate) latest: Latest,
    /// When it came out first, without ever having expired or changed since.
    pub(crate) since: DateTime,
    /// UUID of the report of the newest.
    pub(crate) report: String,
}

/// The newest results of subjects in scopes.
pub(super) async fn standings(
    tx: &mut Transaction<'_, Any>,
    all: &[Of],
) -> Result<HashMap<Of, Vec<StandingRow>>, StoreError> {
    let mut standings: HashMap<Of, Vec<StandingRow>> = HashMap::with_capacity(all.len());
    for some in all.chunks(64) {
        // Each finds its way through the index in both databases if it is asked for like this.
        let values = if is_sqlite(tx) { "VALUES " } else { "" };
        let select = format!(
            "SELECT c.subject, c.scope, c.testcase, t.name, c.stated, c.verdict, c.since, c.first_report,
                 c.counts_from, c.report, c.certain_verdict, c.certain_from
             FROM standing c JOIN testcase t ON t.id = c.testcase
             WHERE (c.subject, c.scope) IN ({values}{})",
            places(some.len(), 2)
        );
        let mut select = sqlx::query(in_order(tx, &select));
        for of in some {
            select = select.bind(of.subject).bind(of.scope);
        }
        for row in select.fetch_all(&mut **tx).await? {
            let of = Of { subject: row.try_get(0)?, scope: row.try_get(1)? };
            standings.entry(of).or_default().push(StandingRow {
                testcase: row.try_get(2)?,
                name: row.try_get(3)?,
                stated: flag(&row, 4)?,
                spell: spell(&row, 5)?,
                certain: certain(&row, 10)?,
            });
        }
    }
    Ok(standings)
}

/// A spell from five columns: verdict, since, its report, last, its report.
fn spell(row: &AnyRow, column: usize) -> Result<Spell<i64>, StoreError> {
    Ok(Spell {
        verdict: verdict(row.try_get(column)?)?,
        since: read_civil(row.try_get(column + 1)?)?,
        first_report: row.try_get(column + 2)?,
        last: read_civil(row.try_get(column + 3)?)?,
        last_report: row.try_get(column + 4)?,
    })
}

fn certain(row: &AnyRow, column: usize) -> Result<Option<(Verdict, DateTime)>, StoreError> {
    let found: Option<i64> = row.try_get(column)?;
    let at: Option<i64> = row.try_get(column + 1)?;
    found.zip(at).map(|(found, at)| Ok((verdict(found)?, read_civil(at)?))).transpose()
}

fn lifetime(spec: Option<&Spec>, testcase: &str) -> Lifetime {
    spec.and_then(|spec| spec.testcase(testcase)).map_or_else(Lifetime::default, |testcase| testcase.lifetime)
}

/// Takes the results of reports into account, of which there is one at most of a subject in a scope. What stands then
/// is handed back for each.
pub(super) async fn advance(
    tx: &mut Transaction<'_, Any>,
    reports: &[NewReport<'_>],
) -> Result<Vec<Vec<StandingRow>>, StoreError> {
    let all: Vec<Of> = reports.iter().map(|report| report.of).collect();
    let mut before = standings(tx, &all).await?;
    let (mut changed, mut ended) = (Vec::new(), Vec::new());
    let mut after = Vec::with_capacity(reports.len());
    for report in reports {
        let standings = before.remove(&report.of).unwrap_or_default();
        after.push(advance_one(tx, report, standings, &mut changed, &mut ended).await?);
    }
    write_standings(tx, &changed).await?;
    write_ended(tx, &ended).await?;
    Ok(after)
}

/// Takes the results of one report into account: what stands then, the rows of it that are other ones than before, and
/// the spells that are over.
async fn advance_one(
    tx: &mut Transaction<'_, Any>,
    report: &NewReport<'_>,
    standings: Vec<StandingRow>,
    rows_changed: &mut Vec<StandingColumns>,
    ended: &mut Vec<Ended>,
) -> Result<Vec<StandingRow>, StoreError> {
    let NewReport { of, spec, .. } = *report;
    let mut rows: BTreeMap<(i64, bool), StandingRow> =
        standings.into_iter().map(|row| ((row.testcase, row.stated), row)).collect();
    let (mut changed, mut late) = (Vec::with_capacity(report.found.len()), Vec::new());
    for &(testcase, name, result) in &report.found {
        let key = (testcase, result.is_stated);
        let new = Spell::of(result.verdict, report.at, report.id);
        let Some(row) = rows.get_mut(&key) else {
            let name = name.to_owned();
            let mut row = StandingRow { testcase, name, stated: result.is_stated, spell: new, certain: None };
            row.be_certain();
            rows.insert(key, row);
            changed.push(key);
            continue;
        };
        if report.at < row.spell.last {
            late.push((key, new));
            continue;
        }
        if row.spell.goes_on_in(&new, lifetime(spec, name)) {
            row.spell.last = new.last;
            row.spell.last_report = new.last_report;
        } else {
            // Of two results at the same instant, the one that came later counts alone.
            if row.spell.since < new.since {
                let key = Key { of, testcase, stated: row.stated };
                let spell = displaced(tx, key, row.spell, new.since).await?;
                let certain = match spell.last == row.spell.last {
                    true => row.certain,
                    false => last_certain(tx, key, spell.last).await?,
                };
                ended.push(Ended { key, spell, certain, end: new.since });
            }
            row.spell = new;
        }
        row.be_certain();
        changed.push(key);
    }
    for (key, new) in late {
        if let Some(row) = rows.get_mut(&key)
            && insert_late(tx, of, row, new, lifetime(spec, &row.name.clone())).await?
        {
            changed.push(key);
        }
    }
    rows_changed.extend(changed.iter().filter_map(|key| rows.get(key)).map(|row| row.columns(of)));
    Ok(rows.into_values().collect())
}

/// A spell without its last result, if something else came out at the same instant.
async fn displaced(
    tx: &mut Transaction<'_, Any>,
    key: Key,
    spell: Spell<i64>,
    by: DateTime,
) -> Result<Spell<i64>, StoreError> {
    if spell.last < by {
        return Ok(spell);
    }
    let before = nearest(tx, key, by, "counts_from < $5 ORDER BY counts_from DESC, report DESC").await?;
    let (last, last_report) = before.unwrap_or((spell.since, spell.first_report));
    Ok(Spell { last, last_report, ..spell })
}

/// A row of `standing`: subject, scope, testcase, stated, verdict, since, `first_report`, `counts_from`, report,
/// `certain_verdict`, `certain_from`.
type StandingColumns = [Option<i64>; 11];

async fn write_standings(
    tx: &mut Transaction<'_, Any>,
    standings: &[StandingColumns],
) -> Result<(), StoreError> {
    rows::insert(
        tx,
        "standing (subject, scope, testcase, stated, verdict, since, first_report, counts_from, report,
             certain_verdict, certain_from)",
        standings,
        "ON CONFLICT (subject, scope, testcase, stated) DO UPDATE
             SET verdict = excluded.verdict, since = excluded.since, first_report = excluded.first_report,
                 counts_from = excluded.counts_from, report = excluded.report,
                 certain_verdict = excluded.certain_verdict, certain_from = excluded.certain_from",
    )
    .await
}

async fn write_ended(tx: &mut Transaction<'_, Any>, spells: &[Ended]) -> Result<(), StoreError> {
    let columns = |Ended { key, spell, certain, end }: &Ended| {
        [
            Some(key.of.subject),
            Some(key.of.scope),
            Some(key.testcase),
            Some(i64::from(key.stated)),
            Some(code(spell.verdict)),
            Some(civil_micros(spell.since)),
            Some(spell.first_report),
            Some(civil_micros(spell.last)),
            Some(spell.last_report),
            Some(civil_micros(*end)),
            certain.map(|(verdict, _)| code(verdict)),
            certain.map(|(_, at)| civil_micros(at)),
        ]
    };
    let spells: Vec<_> = spells.iter().map(columns).collect();
    rows::insert(
        tx,
        "spell (subject, scope, testcase, stated, verdict, since, first_report, last, last_report, ended,
             certain_verdict, certain_from)",
        &spells,
        "ON CONFLICT (subject, scope, testcase, stated, since) DO UPDATE
             SET verdict = excluded.verdict, first_report = excluded.first_report, last = excluded.last,
                 last_report = excluded.last_report, ended = excluded.ended,
                 certain_verdict = excluded.certain_verdict, certain_from = excluded.certain_from",
    )
    .await
}

/// Which testcase of whom.
#[derive(Clone, Copy)]
struct Key {
    of: Of,
    testcase: i64,
    stated: bool,
}

/// Takes in a result that is older than the newest of its testcase; its row in `result` is there already. True if
/// what stands is not as it was.
async fn insert_late(
    tx: &mut Transaction<'_, Any>,
    of: Of,
    row: &mut StandingRow,
    late: Spell<i64>,
    lifetime: Lifetime,
) -> Result<bool, StoreError> {
    let key = Key { of, testcase: row.testcase, stated: row.stated };
    let is_in_newest = row.spell.since <= late.since;
    let before = match is_in_newest {
        true => Some((row.spell, None)),
        false => neighbour(tx, key, late.since, "since <= $5 ORDER BY since DESC").await?,
    };
    let closed_after = match is_in_newest {
        true => None,
        false => neighbour(tx, key, late.since, "since > $5 ORDER BY since").await?,
    };
    let is_newest_replaced = is_in_newest || closed_after.is_none();
    let after = closed_after.or((!is_in_newest).then_some((row.spell, None)));
    let nearest = match &before {
        Some((before, _)) if late.since <= before.last => [
            nearest(tx, key, late.since, "counts_from < $5 ORDER BY counts_from DESC, report DESC")
                .await?
                .filter(|&(at, _)| at >= before.since),
            nearest(tx, key, late.since, "counts_from > $5 ORDER BY counts_from, report DESC")
                .await?
                .filter(|&(at, _)| at <= before.last),
        ],
        _ => [None, None],
    };
    for (spell, _) in before.iter().chain(&closed_after).filter(|(_, ended)| ended.is_some()) {
        let delete = sqlx::query(
            "DELETE FROM spell WHERE subject = $1 AND scope = $2 AND testcase = $3 AND stated = $4 AND since = $5",
        );
        let delete = delete.bind(of.subject).bind(of.scope).bind(key.testcase).bind(i64::from(key.stated));
        delete.bind(civil_micros(spell.since)).execute(&mut **tx).await?;
    }
    let mut spells = Spell::with_late(
        before.map(|(spell, _)| spell),
        late,
        nearest,
        after.map(|(spell, _)| spell),
        lifetime,
    );
    let newest = if is_newest_replaced { spells.pop() } else { None };
    let mut ended = Vec::new();
    for (number, spell) in spells.iter().enumerate() {
        let next = spells.get(number + 1).or(newest.as_ref()).map(|next| next.since);
        // The last of them ends as the spell did whose place it takes.
        let after = after.and_then(|(_, end)| end);
        let end = next.or(after).unwrap_or_else(|| lifetime.expiry(spell.last));
        let certain = last_certain(tx, key, spell.last).await?;
        ended.push(Ended { key, spell: *spell, certain, end });
    }
    write_ended(tx, &ended).await?;
    let before = row.clone();
    if let Some(newest) = newest {
        row.spell = newest;
    }
    row.certain = last_certain(tx, key, row.spell.last).await?;
    Ok(before != *row)
}

/// The nearest spell that is over, and its end.
async fn neighbour(
    tx: &mut Transaction<'_, Any>,
    key: Key,
    at: DateTime,
    which: &str,
) -> Result<Option<(Spell<i64>, Option<DateTime>)>, StoreError> {
    let select = format!(
        "SELECT verdict, since, first_report, last, last_report, ended FROM spell
         WHERE subject = $1 AND scope = $2 AND testcase = $3 AND stated = $4 AND {which} LIMIT 1"
    );
    let Some(row) = fetch(tx, key, at, select).await? else { return Ok(None) };
    Ok(Some((spell(&row, 0)?, Some(read_civil(row.try_get(5)?)?))))
}

/// The nearest result, and its report.
async fn nearest(
    tx: &mut Transaction<'_, Any>,
    key: Key,
    at: DateTime,
    which: &str,
) -> Result<Option<(DateTime, i64)>, StoreError> {
    let select = format!(
        "SELECT counts_from, report FROM result
         WHERE subject = $1 AND scope = $2 AND testcase = $3 AND stated = $4 AND {which} LIMIT 1"
    );
    let Some(row) = fetch(tx, key, at, select).await? else { return Ok(None) };
    Ok(Some((read_civil(row.try_get(0)?)?, row.try_get(1)?)))
}

/// The newest PASS or FAIL up to an instant.
async fn last_certain(
    tx: &mut Transaction<'_, Any>,
    key: Key,
    at: DateTime,
) -> Result<Option<(Verdict, DateTime)>, StoreError> {
    let select = "SELECT verdict, counts_from FROM result
         WHERE subject = $1 AND scope = $2 AND testcase = $3 AND stated = $4 AND counts_from <= $5 AND verdict <> 0
         ORDER BY counts_from DESC, report DESC LIMIT 1";
    let row = fetch(tx, key, at, select.to_owned()).await?;
    row.map(|row| Ok((verdict(row.try_get(0)?)?, read_civil(row.try_get(1)?)?))).transpose()
}

async fn fetch(
    tx: &mut Transaction<'_, Any>,
    key: Key,
    at: DateTime,
    select: String,
) -> Result<Option<AnyRow>, StoreError> {
    let select =
        sqlx::query(AssertSqlSafe(select)).bind(key.of.subject).bind(key.of.scope).bind(key.testcase);
    Ok(select.bind(i64::from(key.stated)).bind(civil_micros(at)).fetch_optional(&mut **tx).await?)
}

impl Store {
    /// The newest results of a testcase, of all subjects in the scopes that are known.
    pub(crate) async fn seen_of(&self, testcase: &str) -> Result<Vec<Seen>, StoreError> {
        if !is_storable(testcase) {
            return Ok(Vec::new());
        }
        // By subject and scope, each row is found in the index.
        let rows = sqlx::query(
            "SELECT s.name, o.uuid, c.stated, c.verdict, c.counts_from, c.certain_verdict, c.certain_from, c.since,
                 r.uuid
             FROM score k JOIN standing c ON c.subject = k.subject AND c.scope = k.scope
                 JOIN subject s ON s.id = c.subject JOIN scope o ON o.id = c.scope JOIN report r ON r.id = c.report
             WHERE c.testcase = (SELECT id FROM testcase WHERE name = $1)",
        );
        let read = |row: &AnyRow| {
            let (verdict, at) = (verdict(row.try_get(3)?)?, read_civil(row.try_get(4)?)?);
            Ok(Seen {
                subject: row.try_get(0)?,
                scope: row.try_get(1)?,
                stated: flag(row, 2)?,
                latest: Latest { verdict, at, certain: certain(row, 5)? },
                since: read_civil(row.try_get(7)?)?,
                report: row.try_get(8)?,
            })
        };
        rows.bind(testcase).fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// Whether anything was known of a subject in a scope (by name and UUID) at an instant.
    pub(crate) async fn was_known(
        &self,
        subject: &str,
        scope: &str,
        at: DateTime,
    ) -> Result<bool, StoreError> {
        if ![subject, scope].into_iter().all(is_storable) {
            return Ok(false);
        }
        let select = sqlx::query(
            "SELECT r.id FROM report r WHERE r.subject = (SELECT id FROM subject WHERE name = $1)
                 AND r.scope = (SELECT id FROM scope WHERE uuid = $2) AND r.counts_from <= $3 LIMIT 1",
        );
        let found =
            select.bind(subject).bind(scope).bind(civil_micros(at)).fetch_optional(&self.pool).await?;
        Ok(found.is_some())
    }

    /// What was and is known of the testcases of a subject in a scope (by name and UUID) between two instants, both
    /// included: what stands, and the spells before it that had begun by the end and had not ended at the beginning; of
    /// very many, those that ended last. By testcase, oldest first.
    pub(crate) async fn history(
        &self,
        subject: &str,
        scope: &str,
        (from, until): (DateTime, DateTime),
    ) -> Result<History, StoreError> {
        /// A page or answer with more would be of use to nobody.
        const MOST: i64 = 5_000;
        if ![subject, scope].into_iter().all(is_storable) {
            return Ok(History::default());
        }
        let ids = "c.subject = (SELECT id FROM subject WHERE name = $1) AND c.scope = (SELECT id FROM scope WHERE uuid = $2)";
        let past = format!(
            "SELECT t.name, c.stated, c.verdict, c.since, f.uuid, c.last, l.uuid, c.certain_verdict, c.certain_from,
                 f.creator, l.creator, c.ended
             FROM spell c JOIN testcase t ON t.id = c.testcase JOIN report f ON f.id = c.first_report
                 JOIN report l ON l.id = c.last_report
             WHERE {ids} AND c.ended > $3 AND c.since <= $4 ORDER BY c.ended DESC LIMIT $5"
        );
        let present = format!(
            "SELECT t.name, c.stated, c.verdict, c.since, f.uuid, c.counts_from, l.uuid, c.certain_verdict,
                 c.certain_from, f.creator, l.creator
             FROM standing c JOIN testcase t ON t.id = c.testcase JOIN report f ON f.id = c.first_report
                 JOIN report l ON l.id = c.report
             WHERE {ids}"
        );
        // What ends in between is found twice, and not missed.
        let present =
            sqlx::query(AssertSqlSafe(present)).bind(subject).bind(scope).fetch_all(&self.pool).await?;
        let past = sqlx::query(AssertSqlSafe(past)).bind(subject).bind(scope);
        let past = past.bind(civil_micros(from)).bind(civil_micros(until)).bind(MOST);
        let past = past.fetch_all(&self.pool).await?;
        let is_cut = i64::try_from(past.len()).is_ok_and(|found| found == MOST);
        let read = |row: &AnyRow, ended: Option<DateTime>| {
            Ok(PastSpell {
                testcase: row.try_get(0)?,
                stated: flag(row, 1)?,
                spell: Spell {
                    verdict: verdict(row.try_get(2)?)?,
                    since: read_civil(row.try_get(3)?)?,
                    first_report: row.try_get(4)?,
                    last: read_civil(row.try_get(5)?)?,
                    last_report: row.try_get(6)?,
                },
                certain: certain(row, 7)?,
                ended,
                creators: [row.try_get(9)?, row.try_get(10)?],
            })
        };
        let past = past.iter().map(|row| read(row, Some(read_civil(row.try_get(11)?)?)));
        let mut all: Vec<PastSpell> =
            past.chain(present.iter().map(|row| read(row, None))).collect::<Result<_, StoreError>>()?;
        let key =
            |past: &PastSpell| (past.testcase.clone(), past.stated, past.spell.since, past.ended.is_none());
        all.sort_by_key(key);
        all.dedup_by(|next, past| {
            (&next.testcase, next.stated, next.spell.since) == (&past.testcase, past.stated, past.spell.since)
        });
        Ok(History { spells: all, is_cut })
    }
}
