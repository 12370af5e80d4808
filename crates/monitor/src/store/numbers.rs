use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use super::StoreError;

/// What has a number instead of its name in most tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Subject,
    Scope,
    Testcase,
}

impl Kind {
    fn table(self) -> (&'static str, &'static str) {
        match self {
            Kind::Subject => ("subject", "name"),
            Kind::Scope => ("scope", "uuid"),
            Kind::Testcase => ("testcase", "name"),
        }
    }
}

type Known = HashMap<(Kind, String), i64>;

/// The numbers of names, which never change once they are on disk.
#[derive(Debug, Default)]
pub(super) struct Numbers(RwLock<Known>);

/// How many are remembered: many times as many as there are.
const MOST: usize = 50_000;

impl Numbers {
    /// For a transaction, in which there may come new ones.
    pub(super) fn new_ones(&self) -> NewNumbers<'_> {
        NewNumbers { known: self, new: HashMap::new() }
    }
}

/// The numbers of names while a transaction is on its way: what it finds or gives out is not known to others before its
/// end, since it may come to nothing.
#[derive(Debug)]
pub(super) struct NewNumbers<'n> {
    known: &'n Numbers,
    new: Known,
}

impl NewNumbers<'_> {
    /// The number that stands for a name, given now if there is none.
    pub(super) async fn of(
        &mut self,
        tx: &mut Transaction<'_, Any>,
        kind: Kind,
        name: &str,
    ) -> Result<i64, StoreError> {
        let key = (kind, name.to_owned());
        let known = self.known.0.read().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        if let Some(number) = known.or_else(|| self.new.get(&key).copied()) {
            return Ok(number);
        }
        let (table, column) = kind.table();
        let select = format!("SELECT id FROM {table} WHERE {column} = $1");
        let found = sqlx::query(AssertSqlSafe(select.clone())).bind(name).fetch_optional(&mut **tx).await?;
        let row = if let Some(row) = found {
            row
        } else {
            let insert =
                format!("INSERT INTO {table} ({column}) VALUES ($1) ON CONFLICT ({column}) DO NOTHING");
            sqlx::query(AssertSqlSafe(insert)).bind(name).execute(&mut **tx).await?;
            sqlx::query(AssertSqlSafe(select)).bind(name).fetch_one(&mut **tx).await?
        };
        let number = row.try_get(0)?;
        self.new.insert(key, number);
        Ok(number)
    }

    /// The transaction is on disk.
    pub(super) fn keep(self) {
        let mut known = self.known.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() + self.new.len() > MOST {
            known.clear();
        }
        known.extend(self.new);
    }
}
