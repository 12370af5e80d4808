use sqlx::Row;

use super::people::{Deed, has_room, write_down};
use super::{Store, StoreError, micros};
use crate::oidc::Identity;

impl Store {
    /// Whose identity it is, unless nobody may use the account.
    pub(crate) async fn account_of(&self, identity: &Identity) -> Result<Option<String>, StoreError> {
        let Identity { issuer, subject } = identity;
        let row = sqlx::query(
            "SELECT a.name FROM identity i JOIN account a ON a.id = i.account
             WHERE i.issuer = $1 AND i.subject = $2 AND a.blocked = 0",
        );
        let row = row.bind(issuer).bind(subject).fetch_optional(&self.pool).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// The identities of an account.
    pub(crate) async fn identities(&self, account: &str) -> Result<Vec<Identity>, StoreError> {
        let rows = sqlx::query(
            "SELECT i.issuer, i.subject FROM identity i JOIN account a ON a.id = i.account
             WHERE a.name = $1 ORDER BY i.issuer, i.subject",
        );
        let rows = rows.bind(account).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(Identity { issuer: row.try_get(0)?, subject: row.try_get(1)? })).collect()
    }

    /// Connects an identity with the account that a deed is about. False if it is connected with one already, or the
    /// account has too many.
    pub(crate) async fn connect_identity(
        &self,
        identity: &Identity,
        deed: &Deed,
    ) -> Result<bool, StoreError> {
        let Identity { issuer, subject } = identity;
        let mut tx = self.write().await?;
        let count = "SELECT COUNT(*) FROM identity WHERE account = $1";
        let Some(account) = has_room(&mut tx, &deed.about, count).await? else { return Ok(false) };
        let insert = sqlx::query(
            "INSERT INTO identity (issuer, subject, account, made_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (issuer, subject) DO NOTHING",
        );
        let insert = insert.bind(issuer).bind(subject).bind(account).bind(micros(deed.at));
        if insert.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        write_down(&mut tx, deed).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes an identity from the account that a deed is about. False if it has no such one.
    pub(crate) async fn disconnect_identity(
        &self,
        identity: &Identity,
        deed: &Deed,
    ) -> Result<bool, StoreError> {
        let Identity { issuer, subject } = identity;
        let mut tx = self.write().await?;
        let gone = sqlx::query(
            "DELETE FROM identity WHERE issuer = $1 AND subject = $2
                 AND account = (SELECT id FROM account WHERE name = $3)",
        );
        let gone = gone.bind(issuer).bind(subject).bind(&deed.about).execute(&mut *tx).await?;
        if gone.rows_affected() == 0 {
            return Ok(false);
        }
        write_down(&mut tx, deed).await?;
        tx.commit().await?;
        Ok(true)
    }
}
