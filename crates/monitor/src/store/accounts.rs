use std::collections::BTreeSet;

use assay_signature::PublicKey;
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use super::{Deed, Store, StoreError, flag, is_storable, people, scores};
use crate::accounts::{BY_HAND, Bootstrap, BootstrapAccount, Role, Roles};

/// An account, with what is needed to know it again.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) roles: Roles,
    /// Hashes of its passwords.
    pub(crate) hashes: Vec<String>,
}

/// What the file said of an account until now.
struct Said {
    group: Option<String>,
    roles: Roles,
    kept_here: bool,
    hashes: BTreeSet<String>,
    keys: BTreeSet<(String, String, String)>,
    delegates: BTreeSet<String>,
}

impl Said {
    async fn of(tx: &mut Transaction<'_, Any>, name: &str) -> Result<Option<Self>, StoreError> {
        let row = sqlx::query("SELECT id, group_name, roles, kept_here FROM account WHERE name = $1");
        let Some(row) = row.bind(name).fetch_optional(&mut **tx).await? else { return Ok(None) };
        let id: i64 = row.try_get(0)?;
        let mut all =
            async |statement: &'static str| sqlx::query(statement).bind(id).fetch_all(&mut **tx).await;
        let hashes = all("SELECT hash FROM password WHERE account = $1 AND own = 0").await?;
        let keys = all("SELECT name, kind, key FROM public_key WHERE account = $1 AND own = 0").await?;
        let delegates = all("SELECT delegate FROM delegation WHERE account = $1 AND own = 0").await?;
        let key = |row: &AnyRow| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        Ok(Some(Self {
            group: row.try_get(1)?,
            roles: Roles::from_bits(row.try_get(2)?),
            kept_here: flag(&row, 3)?,
            hashes: hashes.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?,
            keys: keys.iter().map(key).collect::<Result<_, sqlx::Error>>()?,
            delegates: delegates.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?,
        }))
    }
}

/// What the file says otherwise about an account than until now; none if nothing. Passwords and keys are not told.
fn changed(said: Option<&Said>, account: &BootstrapAccount) -> Option<String> {
    let roles: Vec<&str> = account.roles.iter().map(Role::as_str).collect();
    let roles = if roles.is_empty() { "none".to_owned() } else { roles.join(", ") };
    let Some(said) = said else {
        return Some(format!("put the account into the file, with the roles {roles}"));
    };
    let keys = account.keys.iter().map(|key| (key.name.clone(), key.kind.clone(), key.key.clone()));
    let group = account.group.as_deref().unwrap_or("none");
    let parts = [
        (said.kept_here, "kept in the file from now on".to_owned()),
        (said.roles != account.roles, format!("roles {roles}")),
        (said.group != account.group, format!("group {group}")),
        (said.hashes != account.hashes, "passwords".to_owned()),
        (said.keys != keys.collect(), "keys".to_owned()),
        (said.delegates != account.delegates, "delegates".to_owned()),
    ];
    let parts: Vec<String> =
        parts.into_iter().filter(|(differs, _)| *differs).map(|(_, part)| part).collect();
    (!parts.is_empty()).then(|| format!("changed the account in the file: {}", parts.join(", ")))
}

impl Store {
    /// Makes the accounts those of a file: what it does not name goes, with all that belongs to the account, unless the
    /// account was made here. Reports and results stay, since they belong to subjects.
    ///
    /// What the file changes is written down as whatever else somebody changes.
    pub(crate) async fn apply(&self, bootstrap: &Bootstrap, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let mut deeds = Vec::new();
        let known = sqlx::query("SELECT name FROM account WHERE kept_here = 0").fetch_all(&mut *tx).await?;
        for row in known {
            let name: String = row.try_get(0)?;
            if !bootstrap.accounts.iter().any(|account| account.name == name) {
                sqlx::query("DELETE FROM account WHERE name = $1").bind(&name).execute(&mut *tx).await?;
                people::forget(&mut tx, &name).await?;
                deeds.push((name, "took the account out of the file".to_owned()));
            }
        }
        for account in &bootstrap.accounts {
            let BootstrapAccount { name, group, roles, delegates, hashes, keys } = account;
            let changed = changed(Said::of(&mut tx, name).await?.as_ref(), account);
            deeds.extend(changed.map(|what| (name.clone(), what)));
            let row = sqlx::query(
                "INSERT INTO account (name, group_name, roles, kept_here, blocked) VALUES ($1, $2, $3, 0, 0)
                 ON CONFLICT (name) DO UPDATE
                     SET group_name = excluded.group_name, roles = excluded.roles, kept_here = 0
                 RETURNING id",
            );
            let row = row.bind(name).bind(group.clone()).bind(roles.bits()).fetch_one(&mut *tx).await?;
            let id: i64 = row.try_get(0)?;
            let known = sqlx::query("SELECT hash FROM password WHERE account = $1 AND own = 0").bind(id);
            let known = known.fetch_all(&mut *tx).await?;
            let known: Vec<String> = known.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
            if known.iter().any(|hash| !hashes.contains(hash)) {
                // It may be known to whom it should not.
                people::end_sessions(&mut tx, name, "").await?;
            }
            for table in [
                "DELETE FROM password WHERE account = $1 AND own = 0",
                "DELETE FROM public_key WHERE account = $1 AND own = 0",
                "DELETE FROM delegation WHERE account = $1 AND own = 0",
            ] {
                sqlx::query(table).bind(id).execute(&mut *tx).await?;
            }
            for hash in hashes {
                let insert = sqlx::query(
                    "INSERT INTO password (account, hash, own) VALUES ($1, $2, 0)
                     ON CONFLICT (account, hash) DO UPDATE SET own = 0",
                );
                insert.bind(id).bind(hash).execute(&mut *tx).await?;
            }
            for key in keys {
                let insert = sqlx::query(
                    "INSERT INTO public_key (account, name, kind, key, own) VALUES ($1, $2, $3, $4, 0)
                     ON CONFLICT (account, name) DO UPDATE
                         SET kind = excluded.kind, key = excluded.key, own = 0",
                );
                insert.bind(id).bind(&key.name).bind(&key.kind).bind(&key.key).execute(&mut *tx).await?;
            }
            for delegate in delegates {
                let insert = sqlx::query(
                    "INSERT INTO delegation (account, delegate, own) VALUES ($1, $2, 0)
                     ON CONFLICT (account, delegate) DO UPDATE SET own = 0",
                );
                insert.bind(id).bind(delegate).execute(&mut *tx).await?;
            }
        }
        for (about, what) in deeds {
            let deed = Deed { at: now, account: BY_HAND.to_owned(), what, about };
            people::write_down(&mut tx, &deed).await?;
        }
        scores::revise(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// An account by its name.
    pub(crate) async fn account(&self, name: &str) -> Result<Option<Account>, StoreError> {
        if !is_storable(name) {
            return Ok(None);
        }
        let rows = sqlx::query(
            "SELECT a.roles, p.hash FROM account a LEFT JOIN password p ON p.account = a.id
             WHERE a.name = $1 AND a.blocked = 0 ORDER BY p.hash",
        );
        let rows = rows.bind(name).fetch_all(&self.pool).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let roles = Roles::from_bits(first.try_get(0)?);
        let mut hashes = Vec::with_capacity(rows.len());
        for row in &rows {
            hashes.extend(row.try_get::<Option<String>, _>(1)?);
        }
        Ok(Some(Account { name: name.to_owned(), roles, hashes }))
    }

    /// The keys that an account signs with.
    pub(crate) async fn signing_keys(&self, account: &str) -> Result<Vec<PublicKey>, StoreError> {
        let rows = sqlx::query(
            "SELECT k.kind, k.key FROM public_key k JOIN account a ON a.id = k.account WHERE a.name = $1",
        );
        let rows = rows.bind(account).fetch_all(&self.pool).await?;
        let read = |row: &sqlx::any::AnyRow| {
            let (kind, key): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            PublicKey::read(&kind, &key).map_err(|error| StoreError::Corrupt(error.to_string()))
        };
        rows.iter().map(read).collect()
    }

    /// Whether a subject lets an account hand in reports about it.
    pub(crate) async fn delegates_to(&self, subject: &str, account: &str) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT 1 FROM delegation d JOIN account a ON a.id = d.account
             WHERE a.name = $1 AND d.delegate = $2",
        );
        Ok(row.bind(subject).bind(account).fetch_optional(&self.pool).await?.is_some())
    }

    /// All groups, with the subjects in them.
    pub(crate) async fn groups(&self) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT group_name, name FROM account WHERE group_name IS NOT NULL ORDER BY group_name, name",
        );
        let rows = rows.fetch_all(&self.pool).await?;
        Ok(rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<Result<_, sqlx::Error>>()?)
    }

    /// The subjects of a group.
    pub(crate) async fn group(&self, group: &str) -> Result<Vec<String>, StoreError> {
        if !is_storable(group) {
            return Ok(Vec::new());
        }
        let rows = sqlx::query("SELECT name FROM account WHERE group_name = $1 ORDER BY name");
        let rows = rows.bind(group).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    }
}
