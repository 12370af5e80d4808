use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use super::{Store, StoreError, bounds, days, flag, is_storable, micros, read_day, time};
use crate::accounts::Roles;

/// An account, as those see it who keep accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) group: Option<String>,
    pub(crate) roles: Roles,
    /// Whether it was made here; if not, the operator's file says what it is.
    pub(crate) kept_here: bool,
    pub(crate) blocked: bool,
}

/// A key that an account signs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SigningKey {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) key: String,
    /// Whether the account added it itself.
    pub(crate) own: bool,
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) uuid: String,
    pub(crate) name: String,
    /// Whether reports are handed in with it, and nothing else is done.
    pub(crate) reports: bool,
    pub(crate) made_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) used_on: Option<Date>,
}

/// Somebody who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoggedIn {
    pub(crate) account: String,
    pub(crate) roles: Roles,
    /// Whether reports are handed in with what was shown, and nothing else is done.
    pub(crate) reports: bool,
}

/// What is told about a subject beside its results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) title: String,
    pub(crate) operator: String,
    pub(crate) website: String,
    /// The address of its health monitor.
    pub(crate) health: String,
    pub(crate) description: String,
    /// For the assessors alone.
    pub(crate) contact: String,
    /// Whether the contact wants mail about what changes.
    pub(crate) is_told: bool,
}

/// Something that somebody changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deed {
    pub(crate) at: Timestamp,
    pub(crate) account: String,
    pub(crate) what: String,
    /// Whose account or which subject it is about.
    pub(crate) about: String,
}

/// So many of a kind belong to an account at most.
pub(crate) const MOST_OWN: i64 = 50;

impl Store {
    /// Begins a session of an account, under the digest of its secret. Those that are over go.
    pub(crate) async fn begin_session(
        &self,
        account: &str,
        digest: &str,
        (now, until): (Timestamp, Timestamp),
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let over = sqlx::query("DELETE FROM session WHERE expires_at <= $1");
        over.bind(micros(now)).execute(&mut *tx).await?;
        let insert = sqlx::query(
            "INSERT INTO session (digest, account, made_at, expires_at)
             SELECT $1, id, $2, $3 FROM account WHERE name = $4 AND blocked = 0",
        );
        insert.bind(digest).bind(micros(now)).bind(micros(until)).bind(account).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whose session it is, if it is one.
    pub(crate) async fn session(&self, digest: &str, now: Timestamp) -> Result<Option<LoggedIn>, StoreError> {
        let row = sqlx::query(
            "SELECT a.name, a.roles FROM session s JOIN account a ON a.id = s.account
             WHERE s.digest = $1 AND s.expires_at > $2 AND a.blocked = 0",
        );
        let row = row.bind(digest).bind(micros(now)).fetch_optional(&self.pool).await?;
        row.map(|row| {
            let roles = Roles::from_bits(row.try_get(1)?);
            Ok(LoggedIn { account: row.try_get(0)?, roles, reports: false })
        })
        .transpose()
    }

    /// Ends a session.
    pub(crate) async fn end_session(&self, digest: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM session WHERE digest = $1").bind(digest).execute(&self.pool).await?;
        Ok(())
    }

    /// Ends all sessions of an account but one.
    pub(crate) async fn end_sessions(&self, account: &str, but: &str) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        end_sessions(&mut tx, account, but).await?;
        tx.commit().await?;
        Ok(())
    }

    /// How many sessions of an account have not ended.
    pub(crate) async fn sessions(&self, account: &str, now: Timestamp) -> Result<i64, StoreError> {
        let count = sqlx::query(
            "SELECT COUNT(*) FROM session s JOIN account a ON a.id = s.account
             WHERE a.name = $1 AND s.expires_at > $2",
        );
        Ok(count.bind(account).bind(micros(now)).fetch_one(&self.pool).await?.try_get(0)?)
    }

    /// Whose token it is, if it is one. On which day it was used is written down.
    pub(crate) async fn bearer(&self, digest: &str, now: Timestamp) -> Result<Option<LoggedIn>, StoreError> {
        let row = sqlx::query(
            "SELECT a.name, a.roles, t.reports, t.used_on FROM token t JOIN account a ON a.id = t.account
             WHERE t.digest = $1 AND t.expires_at > $2 AND a.blocked = 0",
        );
        let row = row.bind(digest).bind(micros(now)).fetch_optional(&self.pool).await?;
        let Some(row) = row else { return Ok(None) };
        let today = days(super::civil(now).date());
        if row.try_get::<Option<i64>, _>(3)? != Some(today) {
            // Nobody waits for it, and nobody is kept out where nothing can be written.
            let (pool, digest) = (self.pool.clone(), digest.to_owned());
            tokio::spawn(async move {
                let update = sqlx::query("UPDATE token SET used_on = $1 WHERE digest = $2");
                if let Err(error) = update.bind(today).bind(digest).execute(&pool).await {
                    tracing::warn!(%error, "it could not be noted that a token was used");
                }
            });
        }
        let roles = Roles::from_bits(row.try_get(1)?);
        Ok(Some(LoggedIn { account: row.try_get(0)?, roles, reports: flag(&row, 2)? }))
    }

    /// The tokens of an account, the newest first.
    pub(crate) async fn tokens(&self, account: &str) -> Result<Vec<Token>, StoreError> {
        let rows = sqlx::query(
            "SELECT t.uuid, t.name, t.reports, t.made_at, t.expires_at, t.used_on
             FROM token t JOIN account a ON a.id = t.account WHERE a.name = $1 ORDER BY t.made_at DESC, t.uuid",
        );
        let rows = rows.bind(account).fetch_all(&self.pool).await?;
        let read = |row: &AnyRow| {
            Ok(Token {
                uuid: row.try_get(0)?,
                name: row.try_get(1)?,
                reports: flag(row, 2)?,
                made_at: time(row.try_get(3)?)?,
                expires_at: time(row.try_get(4)?)?,
                used_on: row.try_get::<Option<i64>, _>(5)?.map(read_day).transpose()?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Gives an account a token, under the digest of its secret. False if it has too many.
    pub(crate) async fn add_token(
        &self,
        account: &str,
        (token, digest): (&Token, &str),
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let Some(id) = has_room(&mut tx, account, "SELECT COUNT(*) FROM token WHERE account = $1").await?
        else {
            return Ok(false);
        };
        let insert = sqlx::query(
            "INSERT INTO token (digest, uuid, account, name, reports, made_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        );
        insert
            .bind(digest)
            .bind(&token.uuid)
            .bind(id)
            .bind(&token.name)
            .bind(i64::from(token.reports))
            .bind(micros(token.made_at))
            .bind(micros(token.expires_at))
            .execute(&mut *tx)
            .await?;
        write_down(&mut tx, &Deed::new(token.made_at, account, format!("made the token {:?}", token.name)))
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes a token of an account away. False if it has no such one.
    pub(crate) async fn remove_token(
        &self,
        account: &str,
        uuid: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let gone = sqlx::query(
            "DELETE FROM token WHERE uuid = $1 AND account = (SELECT id FROM account WHERE name = $2)
             RETURNING name",
        );
        let Some(row) = gone.bind(uuid).bind(account).fetch_optional(&mut *tx).await? else {
            return Ok(false);
        };
        let name: String = row.try_get(0)?;
        write_down(&mut tx, &Deed::new(now, account, format!("revoked the token {name:?}"))).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Sets the password of an account in place of the one that it set before, and ends its sessions but one.
    pub(crate) async fn set_password(
        &self,
        account: &str,
        hash: &str,
        (but, now): (&str, Timestamp),
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let gone = sqlx::query(
            "DELETE FROM password WHERE own = 1 AND account = (SELECT id FROM account WHERE name = $1)",
        );
        gone.bind(account).execute(&mut *tx).await?;
        let insert = sqlx::query(
            "INSERT INTO password (account, hash, own) SELECT id, $1, 1 FROM account WHERE name = $2",
        );
        insert.bind(hash).bind(account).execute(&mut *tx).await?;
        end_sessions(&mut tx, account, but).await?;
        end_invitations(&mut tx, account).await?;
        write_down(&mut tx, &Deed::new(now, account, "set a password".to_owned())).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sets a password by an invitation, which is used up by that. None if it is not good any more.
    pub(crate) async fn accept(
        &self,
        digest: &str,
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let mut tx = self.write().await?;
        let row = sqlx::query(
            "SELECT a.id, a.name FROM invitation i JOIN account a ON a.id = i.account
             WHERE i.digest = $1 AND i.expires_at > $2 AND a.blocked = 0",
        );
        let row = row.bind(digest).bind(micros(now)).fetch_optional(&mut *tx).await?;
        let Some(row) = row else { return Ok(None) };
        let (id, account): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        let gone = sqlx::query("DELETE FROM password WHERE own = 1 AND account = $1").bind(id);
        gone.execute(&mut *tx).await?;
        let insert = sqlx::query(
            "INSERT INTO password (account, hash, own) VALUES ($1, $2, 1) ON CONFLICT (account, hash) DO NOTHING",
        );
        insert.bind(id).bind(hash).execute(&mut *tx).await?;
        end_sessions(&mut tx, &account, "").await?;
        end_invitations(&mut tx, &account).await?;
        write_down(&mut tx, &Deed::new(now, &account, "set a password by an invitation".to_owned())).await?;
        tx.commit().await?;
        Ok(Some(account))
    }

    /// Lets whoever has a secret set the password of an account once, until some time.
    pub(crate) async fn invite(&self, deed: &Deed, digest: &str, until: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let over = sqlx::query(
            "DELETE FROM invitation WHERE expires_at <= $1
                 OR account = (SELECT id FROM account WHERE name = $2)",
        );
        over.bind(micros(deed.at)).bind(&deed.about).execute(&mut *tx).await?;
        let insert = sqlx::query(
            "INSERT INTO invitation (digest, account, expires_at) SELECT $1, id, $2 FROM account WHERE name = $3",
        );
        insert.bind(digest).bind(micros(until)).bind(&deed.about).execute(&mut *tx).await?;
        write_down(&mut tx, deed).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Who is invited with a secret.
    pub(crate) async fn invited(&self, digest: &str, now: Timestamp) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(
            "SELECT a.name FROM invitation i JOIN account a ON a.id = i.account
             WHERE i.digest = $1 AND i.expires_at > $2 AND a.blocked = 0",
        );
        let row = row.bind(digest).bind(micros(now)).fetch_optional(&self.pool).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// The keys of an account.
    pub(crate) async fn keys(&self, account: &str) -> Result<Vec<SigningKey>, StoreError> {
        let rows = sqlx::query(
            "SELECT k.name, k.kind, k.key, k.own FROM public_key k JOIN account a ON a.id = k.account
             WHERE a.name = $1 ORDER BY k.name",
        );
        let rows = rows.bind(account).fetch_all(&self.pool).await?;
        let read = |row: &AnyRow| {
            let own = flag(row, 3)?;
            Ok(SigningKey { name: row.try_get(0)?, kind: row.try_get(1)?, key: row.try_get(2)?, own })
        };
        rows.iter().map(read).collect()
    }

    /// Gives an account a key. False if it has one of that name, or too many.
    pub(crate) async fn add_key(
        &self,
        account: &str,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let count = "SELECT COUNT(*) FROM public_key WHERE account = $1";
        let Some(id) = has_room(&mut tx, account, count).await? else { return Ok(false) };
        let insert = sqlx::query(
            "INSERT INTO public_key (account, name, kind, key, own) VALUES ($1, $2, $3, $4, 1)
             ON CONFLICT (account, name) DO NOTHING",
        );
        let insert = insert.bind(id).bind(&key.name).bind(&key.kind).bind(&key.key);
        if insert.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        write_down(&mut tx, &Deed::new(now, account, format!("added the key {:?}", key.name))).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes a key away that the account added itself. False if it has no such one.
    pub(crate) async fn remove_key(
        &self,
        account: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let gone = sqlx::query(
            "DELETE FROM public_key
             WHERE name = $1 AND own = 1 AND account = (SELECT id FROM account WHERE name = $2)",
        );
        if gone.bind(name).bind(account).execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        write_down(&mut tx, &Deed::new(now, account, format!("removed the key {name:?}"))).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Who hands in for an account; with whether the account says so itself.
    pub(crate) async fn delegates(&self, account: &str) -> Result<Vec<(String, bool)>, StoreError> {
        let rows = sqlx::query(
            "SELECT d.delegate, d.own FROM delegation d JOIN account a ON a.id = d.account
             WHERE a.name = $1 ORDER BY d.delegate",
        );
        let rows = rows.bind(account).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, flag(row, 1)?))).collect()
    }

    /// Lets an account hand in for another, or no longer. False if there is none, or the operator's file says so.
    pub(crate) async fn delegate(
        &self,
        account: &str,
        (delegate, may): (&str, bool),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let changed = if may {
            let insert = sqlx::query(
                "INSERT INTO delegation (account, delegate, own)
                 SELECT a.id, d.name, 1 FROM account a, account d WHERE a.name = $1 AND d.name = $2
                 ON CONFLICT (account, delegate) DO NOTHING",
            );
            insert.bind(account).bind(delegate).execute(&mut *tx).await?
        } else {
            let delete = sqlx::query(
                "DELETE FROM delegation
                 WHERE own = 1 AND account = (SELECT id FROM account WHERE name = $1) AND delegate = $2",
            );
            delete.bind(account).bind(delegate).execute(&mut *tx).await?
        };
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        let what = if may { "lets" } else { "lets no longer" };
        let deed = Deed::new(now, account, format!("{what} {delegate:?} hand in reports"));
        write_down(&mut tx, &deed).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// All accounts, by name.
    pub(crate) async fn people(&self) -> Result<Vec<Person>, StoreError> {
        let rows =
            sqlx::query("SELECT name, group_name, roles, kept_here, blocked FROM account ORDER BY name");
        rows.fetch_all(&self.pool).await?.iter().map(person).collect()
    }

    /// An account, blocked or not.
    pub(crate) async fn person(&self, name: &str) -> Result<Option<Person>, StoreError> {
        if !is_storable(name) {
            return Ok(None);
        }
        let row =
            sqlx::query("SELECT name, group_name, roles, kept_here, blocked FROM account WHERE name = $1");
        row.bind(name).fetch_optional(&self.pool).await?.as_ref().map(person).transpose()
    }

    /// Makes an account. False if there is one of that name.
    pub(crate) async fn add_person(&self, person: &Person, deed: &Deed) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let insert = sqlx::query(
            "INSERT INTO account (name, group_name, roles, kept_here, blocked) VALUES ($1, $2, $3, 1, $4)
             ON CONFLICT (name) DO NOTHING",
        );
        let insert = insert.bind(&person.name).bind(person.group.clone()).bind(person.roles.bits());
        let made = insert.bind(i64::from(person.blocked)).execute(&mut *tx).await?;
        if made.rows_affected() == 0 {
            return Ok(false);
        }
        self.accounts_changed(tx, deed).await?;
        Ok(true)
    }

    /// Changes an account; of one of the operator's file, only whether it is blocked. False if there is no such one. Who
    /// is blocked is logged out.
    pub(crate) async fn change_person(&self, person: &Person, deed: &Deed) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let blocked = i64::from(person.blocked);
        let update = sqlx::query("UPDATE account SET blocked = $1 WHERE name = $2");
        if update.bind(blocked).bind(&person.name).execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let update =
            sqlx::query("UPDATE account SET group_name = $1, roles = $2 WHERE name = $3 AND kept_here = 1");
        let update = update.bind(person.group.clone()).bind(person.roles.bits()).bind(&person.name);
        update.execute(&mut *tx).await?;
        if person.blocked {
            end_sessions(&mut tx, &person.name, "").await?;
            end_invitations(&mut tx, &person.name).await?;
        }
        self.accounts_changed(tx, deed).await?;
        Ok(true)
    }

    /// Removes an account that was made here, with all that it is used with. False if there is no such one.
    pub(crate) async fn remove_person(&self, name: &str, deed: &Deed) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let delete = sqlx::query("DELETE FROM account WHERE name = $1 AND kept_here = 1");
        if delete.bind(name).execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        forget(&mut tx, name).await?;
        self.accounts_changed(tx, deed).await?;
        Ok(true)
    }

    /// Ends whatever an account is used with but passwords and keys: sessions, tokens, invitations.
    pub(crate) async fn put_out(&self, deed: &Deed) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        end_sessions(&mut tx, &deed.about, "").await?;
        end_invitations(&mut tx, &deed.about).await?;
        let tokens =
            sqlx::query("DELETE FROM token WHERE account = (SELECT id FROM account WHERE name = $1)");
        tokens.bind(&deed.about).execute(&mut *tx).await?;
        write_down(&mut tx, deed).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn accounts_changed(
        &self,
        mut tx: Transaction<'static, Any>,
        deed: &Deed,
    ) -> Result<(), StoreError> {
        write_down(&mut tx, deed).await?;
        super::scores::revise(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What is told about a subject; nothing as long as nobody wrote anything.
    pub(crate) async fn profile(&self, subject: &str) -> Result<Profile, StoreError> {
        if !is_storable(subject) {
            return Ok(Profile::default());
        }
        let row = sqlx::query(
            "SELECT title, operator, website, health, description, contact, told FROM profile WHERE subject = $1",
        );
        let row = row.bind(subject).fetch_optional(&self.pool).await?;
        row.as_ref().map_or_else(|| Ok(Profile::default()), profile)
    }

    /// What is told about all subjects of whom anything is.
    pub(crate) async fn profiles(&self) -> Result<BTreeMap<String, Profile>, StoreError> {
        let rows = sqlx::query(
            "SELECT title, operator, website, health, description, contact, told, subject FROM profile",
        );
        let rows = rows.fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((row.try_get(7)?, profile(row)?))).collect()
    }

    /// Puts down what is told about a subject.
    pub(crate) async fn set_profile(&self, profile: &Profile, deed: &Deed) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let insert = sqlx::query(
            "INSERT INTO profile (subject, title, operator, website, health, description, contact, told)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (subject) DO UPDATE
                 SET title = excluded.title, operator = excluded.operator, website = excluded.website,
                     health = excluded.health, description = excluded.description, contact = excluded.contact,
                     told = excluded.told",
        );
        let Profile { title, operator, website, health, description, contact, is_told } = profile;
        let insert = insert.bind(&deed.about).bind(title).bind(operator).bind(website).bind(health);
        insert.bind(description).bind(contact).bind(i64::from(*is_told)).execute(&mut *tx).await?;
        self.accounts_changed(tx, deed).await
    }

    /// How many changes there are by somebody or about them; all, if no name is given.
    pub(crate) async fn count_deeds(&self, name: &str) -> Result<usize, StoreError> {
        let count = sqlx::query("SELECT COUNT(*) FROM deed WHERE $1 = '' OR account = $1 OR about = $1");
        let count: i64 = count.bind(name).fetch_one(&self.pool).await?.try_get(0)?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// What was changed by somebody or about them, the newest first; of all, if no name is given.
    pub(crate) async fn deeds(&self, name: &str, part: &Range<usize>) -> Result<Vec<Deed>, StoreError> {
        let rows = sqlx::query(
            "SELECT at, account, what, about FROM deed WHERE $1 = '' OR account = $1 OR about = $1
             ORDER BY id DESC LIMIT $2 OFFSET $3",
        );
        let (limit, skip) = bounds(part);
        let rows = rows.bind(name).bind(limit).bind(skip).fetch_all(&self.pool).await?;
        let read = |row: &AnyRow| {
            let at = time(row.try_get(0)?)?;
            Ok(Deed { at, account: row.try_get(1)?, what: row.try_get(2)?, about: row.try_get(3)? })
        };
        rows.iter().map(read).collect()
    }
}

impl Deed {
    /// Something that somebody did to their own account.
    fn new(at: Timestamp, account: &str, what: String) -> Self {
        Self { at, account: account.to_owned(), what, about: account.to_owned() }
    }
}

/// The number of an account, if there is room for one more of what is counted.
pub(super) async fn has_room(
    tx: &mut Transaction<'_, Any>,
    account: &str,
    count: &'static str,
) -> Result<Option<i64>, StoreError> {
    let row =
        sqlx::query("SELECT id FROM account WHERE name = $1").bind(account).fetch_optional(&mut **tx).await?;
    let Some(row) = row else { return Ok(None) };
    let id: i64 = row.try_get(0)?;
    let known: i64 = sqlx::query(count).bind(id).fetch_one(&mut **tx).await?.try_get(0)?;
    Ok((known < MOST_OWN).then_some(id))
}

async fn end_invitations(tx: &mut Transaction<'_, Any>, account: &str) -> Result<(), StoreError> {
    let delete =
        sqlx::query("DELETE FROM invitation WHERE account = (SELECT id FROM account WHERE name = $1)");
    delete.bind(account).execute(&mut **tx).await?;
    Ok(())
}

/// Forgets what others let somebody do who has no account any more: whoever has the name next is somebody else.
pub(super) async fn forget(tx: &mut Transaction<'_, Any>, name: &str) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM delegation WHERE delegate = $1 AND own = 1",
        "UPDATE profile SET contact = '', told = 0 WHERE subject = $1",
    ] {
        sqlx::query(statement).bind(name).execute(&mut **tx).await?;
    }
    Ok(())
}

pub(super) async fn end_sessions(
    tx: &mut Transaction<'_, Any>,
    account: &str,
    but: &str,
) -> Result<(), StoreError> {
    let delete = sqlx::query(
        "DELETE FROM session WHERE digest <> $1 AND account = (SELECT id FROM account WHERE name = $2)",
    );
    delete.bind(but).bind(account).execute(&mut **tx).await?;
    Ok(())
}

pub(super) async fn write_down(tx: &mut Transaction<'_, Any>, deed: &Deed) -> Result<(), StoreError> {
    let insert = sqlx::query(
        "INSERT INTO deed (id, at, account, what, about)
         SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3, $4 FROM deed",
    );
    let insert = insert.bind(micros(deed.at)).bind(&deed.account).bind(&deed.what).bind(&deed.about);
    insert.execute(&mut **tx).await?;
    Ok(())
}

fn person(row: &AnyRow) -> Result<Person, StoreError> {
    Ok(Person {
        name: row.try_get(0)?,
        group: row.try_get(1)?,
        roles: Roles::from_bits(row.try_get(2)?),
        kept_here: flag(row, 3)?,
        blocked: flag(row, 4)?,
    })
}

fn profile(row: &AnyRow) -> Result<Profile, StoreError> {
    let text = |column: usize| row.try_get::<String, _>(column);
    Ok(Profile {
        title: text(0)?,
        operator: text(1)?,
        website: text(2)?,
        health: text(3)?,
        description: text(4)?,
        contact: text(5)?,
        is_told: flag(row, 6)?,
    })
}
