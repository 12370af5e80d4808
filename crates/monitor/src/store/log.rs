//! The log of all that was accepted.

use std::collections::{BTreeMap, BTreeSet};

use assay_transparency::{
    Growth, Hash, LogKey, Node, Proof, Signer, TILE_WIDTH, Tile, inclusion, nodes_of_inclusion,
    nodes_of_root, root,
};
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};
use uuid::Uuid;

use super::{Store, StoreError, in_order, places};
use crate::log::Entry;

/// An entry and its place.
pub(crate) struct ListedEntry {
    pub(crate) place: u64,
    pub(crate) bytes: Vec<u8>,
}

fn corrupt(what: impl ToString) -> StoreError {
    StoreError::Corrupt(what.to_string())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(corrupt)
}

/// Appends to the log.
pub(super) async fn append(tx: &mut Transaction<'_, Any>, entries: &[Entry]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let size = size(tx).await?;
    let edge = tiles(tx, &Growth::edge(size)).await?;
    let next = Tile { level: 0, index: size / TILE_WIDTH as u64 };
    if size.is_multiple_of(TILE_WIDTH as u64) && !tiles(tx, &[next]).await?.is_empty() {
        return Err(corrupt("the log has lost its last entries"));
    }
    let mut growth = Growth::new(size, |tile| edge.get(&tile).cloned()).map_err(corrupt)?;
    let encoded: Vec<(Vec<u8>, Option<&str>)> = entries
        .iter()
        .map(|entry| {
            let bytes = entry.to_bytes()?;
            // It could not be handed out, and nobody could verify the log any more.
            if bytes.len() > usize::from(u16::MAX) {
                return Err(corrupt("an entry of the log is too long"));
            }
            Ok((bytes, entry.about()))
        })
        .collect::<Result<_, StoreError>>()?;
    for (some, first) in encoded.chunks(200).zip((size..).step_by(200)) {
        let insert = format!("INSERT INTO log_entry (place, entry, about) VALUES {}", places(some.len(), 3));
        let mut insert = sqlx::query(in_order(tx, &insert));
        for ((bytes, about), place) in some.iter().zip(first..) {
            growth.push(Hash::of_leaf(bytes));
            insert = insert.bind(signed(place)).bind(bytes.as_slice()).bind(*about);
        }
        insert.execute(&mut **tx).await?;
    }
    for (tile, hashes) in growth.into_changed() {
        let upsert = sqlx::query(
            "INSERT INTO log_tile (level, tile, hashes) VALUES ($1, $2, $3)
             ON CONFLICT (level, tile) DO UPDATE SET hashes = excluded.hashes",
        );
        upsert.bind(i64::from(tile.level)).bind(signed(tile.index)).bind(hashes).execute(&mut **tx).await?;
    }
    Ok(())
}

async fn size(tx: &mut Transaction<'_, Any>) -> Result<u64, StoreError> {
    let row = sqlx::query("SELECT COALESCE(MAX(place) + 1, 0) FROM log_entry").fetch_one(&mut **tx).await?;
    unsigned(row.try_get(0)?)
}

/// Those of the tiles that are there.
async fn tiles(
    tx: &mut Transaction<'_, Any>,
    wanted: &[Tile],
) -> Result<BTreeMap<Tile, Vec<u8>>, StoreError> {
    let mut found = BTreeMap::new();
    for &tile in wanted {
        let select = sqlx::query("SELECT hashes FROM log_tile WHERE level = $1 AND tile = $2");
        let row =
            select.bind(i64::from(tile.level)).bind(signed(tile.index)).fetch_optional(&mut **tx).await?;
        if let Some(row) = row {
            found.insert(tile, row.try_get(0)?);
        }
    }
    Ok(found)
}

impl Store {
    /// Under which name and key the log was begun; this one if it was not.
    pub(crate) async fn begin_log(&self, signer: &Signer) -> Result<LogKey, StoreError> {
        let mut tx = self.write().await?;
        if let Some(row) = sqlx::query("SELECT key FROM log_key").fetch_optional(&mut *tx).await? {
            let key: String = row.try_get(0)?;
            return key.parse().map_err(corrupt);
        }
        sqlx::query("INSERT INTO log_key (key) VALUES ($1)")
            .bind(signer.key().to_string())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(signer.key().clone())
    }

    /// Whether a log was begun.
    ///
    /// # Errors
    /// The database.
    pub async fn has_log(&self) -> Result<bool, StoreError> {
        Ok(self.log_key().await?.is_some())
    }

    /// The key that the log was begun with.
    pub(crate) async fn log_key(&self) -> Result<Option<LogKey>, StoreError> {
        let Some(row) = sqlx::query("SELECT key FROM log_key").fetch_optional(&self.pool).await? else {
            return Ok(None);
        };
        let key: String = row.try_get(0)?;
        key.parse().map(Some).map_err(corrupt)
    }

    /// How many entries there are.
    pub(crate) async fn log_size(&self) -> Result<u64, StoreError> {
        size(&mut self.pool.begin().await?).await
    }

    /// A tile, as far as it has grown.
    pub(crate) async fn log_tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(tiles(&mut self.pool.begin().await?, &[tile]).await?.remove(&tile))
    }

    /// Entries from a place on.
    pub(crate) async fn log_entries(&self, from: u64, limit: usize) -> Result<Vec<ListedEntry>, StoreError> {
        let rows =
            sqlx::query("SELECT place, entry FROM log_entry WHERE place >= $1 ORDER BY place LIMIT $2");
        let rows =
            rows.bind(signed(from)).bind(i64::try_from(limit).unwrap_or(i64::MAX)).fetch_all(&self.pool);
        let read =
            |row: &AnyRow| Ok(ListedEntry { place: unsigned(row.try_get(0)?)?, bytes: row.try_get(1)? });
        rows.await?.iter().map(read).collect()
    }

    /// How many entries there are, and the root over them.
    pub(crate) async fn log_head(&self) -> Result<(u64, Hash), StoreError> {
        let mut tx = self.pool.begin().await?;
        let size = size(&mut tx).await?;
        let hashes = hashes(&mut tx, &nodes_of_root(size)).await?;
        let root = root(size, |node| hashes.get(&node).copied()).map_err(corrupt)?;
        Ok((size, root))
    }

    /// What proves that a report or a certificate is in the log.
    pub(crate) async fn log_proof(&self, about: Uuid, signer: &Signer) -> Result<Option<Proof>, StoreError> {
        let mut tx = self.pool.begin().await?;
        let select = sqlx::query("SELECT place, entry FROM log_entry WHERE about = $1");
        let row = select.bind(about.to_string()).fetch_optional(&mut *tx).await?;
        let Some(row) = row else { return Ok(None) };
        let (index, size) = (unsigned(row.try_get(0)?)?, size(&mut tx).await?);
        let needed = [nodes_of_root(size), nodes_of_inclusion(index, size)].concat();
        let hashes = hashes(&mut tx, &needed).await?;
        let hash = |node: Node| hashes.get(&node).copied();
        let checkpoint = signer.checkpoint(size, root(size, hash).map_err(corrupt)?);
        let hashes = inclusion(index, size, hash).map_err(corrupt)?;
        Ok(Some(Proof { extra: row.try_get(1)?, index, hashes, checkpoint }))
    }
}

/// The hashes of nodes, from their tiles.
async fn hashes(tx: &mut Transaction<'_, Any>, nodes: &[Node]) -> Result<BTreeMap<Node, Hash>, StoreError> {
    let wanted: BTreeSet<Tile> = nodes.iter().map(|&node| Tile::of(node)).collect();
    let tiles = tiles(tx, &wanted.into_iter().collect::<Vec<_>>()).await?;
    let hash = |&node: &Node| Some((node, Tile::hash(node, tiles.get(&Tile::of(node))?)?));
    Ok(nodes.iter().filter_map(hash).collect())
}
