use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::hash::Hash;
use crate::tree::{Incomplete, Node, root};

/// How many hashes a full tile holds.
pub const TILE_WIDTH: usize = 256;
/// How many levels of the tree a tile stands for.
const HEIGHT: u8 = 8;

/// Hashes beside each other in one level of eight of a tree; what stands above them within the tile is reckoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// 0 for leaves, 1 for what stands above 256 of them, ...
    pub level: u8,
    /// Its place in its level.
    pub index: u64,
}

impl Tile {
    /// The tile from which the hash of a node can be had.
    pub fn of(node: Node) -> Self {
        let above = node.level % HEIGHT;
        // What lies behind the end of all tiles is in none.
        let first = node.index.checked_shl(above.into()).unwrap_or(u64::MAX);
        Self { level: node.level / HEIGHT, index: first / TILE_WIDTH as u64 }
    }

    /// How many hashes it holds in a tree of so many leaves.
    pub fn width(self, size: u64) -> usize {
        let all = size.checked_shr(u32::from(self.level) * u32::from(HEIGHT)).unwrap_or(0);
        let before = self.index.saturating_mul(TILE_WIDTH as u64);
        usize::try_from(all.saturating_sub(before)).unwrap_or(TILE_WIDTH).min(TILE_WIDTH)
    }

    /// The hash of a node, from the bytes of its tile; none if they end before.
    pub fn hash(node: Node, bytes: &[u8]) -> Option<Hash> {
        let above = node.level % HEIGHT;
        let width = 1_usize << above;
        let begin = usize::try_from((node.index << above) % TILE_WIDTH as u64).ok()?;
        let bytes = bytes.get(begin * Hash::LENGTH..(begin + width) * Hash::LENGTH)?;
        Some(above_all(bytes.chunks(Hash::LENGTH).filter_map(Hash::from_bytes).collect()))
    }
}

/// The hash above a power of two of hashes.
fn above_all(mut hashes: Vec<Hash>) -> Hash {
    while hashes.len() > 1 {
        hashes = hashes.chunks(2).map(|pair| Hash::above(pair[0], pair[pair.len() - 1])).collect();
    }
    hashes.first().copied().unwrap_or_else(Hash::of_nothing)
}

/// A tree while leaves are appended to it. Of what is there already it needs the tiles at its right edge alone.
#[derive(Clone, Debug)]
pub struct Growth {
    size: u64,
    /// Of each level the tile that is not full, and whether it is not what it was.
    edge: Vec<(Vec<u8>, bool)>,
    /// Those that were filled.
    full: BTreeMap<Tile, Vec<u8>>,
}

impl Growth {
    /// The tiles at the right edge of a tree that are not full.
    pub fn edge(size: u64) -> Vec<Tile> {
        let levels =
            (0..).take_while(|&level| size.checked_shr(u32::from(level) * u32::from(HEIGHT)) > Some(0));
        levels.map(|level| Self::last(level, size)).filter(|tile| tile.width(size) > 0).collect()
    }

    /// A tree of so many leaves, with the tiles of its edge.
    ///
    /// # Errors
    /// One of them is not there, or has other hashes than so many.
    pub fn new(size: u64, tiles: impl Fn(Tile) -> Option<Vec<u8>>) -> Result<Self, Incomplete> {
        let mut edge = Vec::new();
        for tile in Self::edge(size) {
            let length = tile.width(size) * Hash::LENGTH;
            // More would be of leaves that are not there any more.
            let bytes = tiles(tile).filter(|bytes| bytes.len() == length);
            let first = Node { level: tile.level * HEIGHT, index: tile.index * TILE_WIDTH as u64 };
            edge.resize(usize::from(tile.level), (Vec::new(), false));
            edge.push((bytes.ok_or(Incomplete(first))?, false));
        }
        Ok(Self { size, edge, full: BTreeMap::new() })
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for level in 0_u8.. {
            let place = usize::from(level);
            if self.edge.len() == place {
                self.edge.push((Vec::new(), false));
            }
            let (bytes, is_changed) = &mut self.edge[place];
            bytes.extend(hash.as_bytes());
            *is_changed = true;
            if bytes.len() < TILE_WIDTH * Hash::LENGTH {
                break;
            }
            hash = above_all(bytes.chunks(Hash::LENGTH).filter_map(Hash::from_bytes).collect());
            self.full.insert(Self::last(level, self.size), std::mem::take(bytes));
            *is_changed = false;
        }
        self.size += 1;
    }

    /// How many leaves there are now.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree as it is now.
    pub fn root(&self) -> Hash {
        // Whatever the root is made of lies in tiles that are not full.
        let hash = |node: Node| Tile::hash(node, &self.edge.get(usize::from(node.level / HEIGHT))?.0);
        root(self.size, hash).unwrap_or_else(|_| Hash::of_nothing())
    }

    /// The tiles that are not what they were.
    pub fn into_changed(self) -> BTreeMap<Tile, Vec<u8>> {
        let mut changed = self.full;
        for (level, (bytes, is_changed)) in (0_u8..).zip(self.edge) {
            if is_changed {
                changed.insert(Self::last(level, self.size), bytes);
            }
        }
        changed
    }

    /// The tile of a level in which the next hash has its place, in a tree of so many leaves.
    fn last(level: u8, size: u64) -> Tile {
        let count = size.checked_shr(u32::from(level) * u32::from(HEIGHT)).unwrap_or(0);
        Tile { level, index: count / TILE_WIDTH as u64 }
    }
}

/// What a log is asked for below `tile/`: hashes of a level, or entries; all that there is room for, or the first so
/// many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TilePath {
    /// The level; none for entries.
    pub level: Option<u8>,
    /// The place in its level.
    pub index: u64,
    /// How many; [`TILE_WIDTH`] if it is full.
    pub width: usize,
}

impl fmt::Display for TilePath {
    /// As an address has it: `0/x001/234.p/5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Some(level) => write!(f, "{level}")?,
            None => f.write_str("entries")?,
        }
        let mut parts = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            parts.push(rest % 1000);
            rest /= 1000;
        }
        for (place, part) in parts.iter().enumerate().rev() {
            let mark = if place == 0 { "" } else { "x" };
            write!(f, "/{mark}{part:03}")?;
        }
        match self.width {
            TILE_WIDTH => Ok(()),
            width => write!(f, ".p/{width}"),
        }
    }
}

/// An address that is no tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no address of a tile")]
pub struct NoTile;

impl FromStr for TilePath {
    type Err = NoTile;

    fn from_str(path: &str) -> Result<Self, NoTile> {
        let (level, rest) = path.split_once('/').ok_or(NoTile)?;
        let level = match level {
            "entries" => None,
            level => Some(level.parse().ok().filter(|&level: &u8| level < 8).ok_or(NoTile)?),
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, width.parse().map_err(|_| NoTile)?),
            None => (rest, TILE_WIDTH),
        };
        let mut whole = 0_u64;
        for part in index.split('/') {
            let digits: u64 = part.trim_start_matches('x').parse().map_err(|_| NoTile)?;
            whole = whole.checked_mul(1000).and_then(|whole| whole.checked_add(digits)).ok_or(NoTile)?;
        }
        let read = Self { level, index: whole, width };
        // There is one way to write each.
        if width == 0 || width > TILE_WIDTH || read.to_string() != path { Err(NoTile) } else { Ok(read) }
    }
}

/// Entries as a log hands them out: each behind its length in two bytes. What is longer than they can tell is left out.
pub fn bundle<'e>(entries: impl IntoIterator<Item = &'e [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        if let Ok(length) = u16::try_from(entry.len()) {
            bytes.extend(length.to_be_bytes());
            bytes.extend(entry);
        }
    }
    bytes
}

/// The entries of a bundle; none if it ends within one.
pub fn bundled(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_at_checked(2)?;
        let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
        let (entry, rest) = rest.split_at_checked(length)?;
        entries.push(entry);
        bytes = rest;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tlog_tiles::{HashReader, TileReader};

    use super::*;
    use crate::tree::{consistency, inclusion, nodes_of_root};

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for (path, level, index, width) in [
            ("0/000", Some(0), 0, 256),
            ("7/x001/x234/067", Some(7), 1_234_067, 256),
            ("entries/x001/234.p/5", None, 1234, 5),
        ] {
            let read = TilePath { level, index, width };
            assert_eq!((path.parse(), read.to_string().as_str()), (Ok(read), path));
        }
        for bad in [
            "",
            "0",
            "0/",
            "0/0",
            "0/0000",
            "0/x000/001",
            "0/001/002",
            "8/000",
            "-1/000",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/01",
            "0/000.p/",
            "entries",
            "x/000",
            "0/x999/x999/x999/x999/x999/x999/x999/999",
            "0/\u{661}00",
        ] {
            assert_eq!(bad.parse::<TilePath>(), Err(NoTile), "{bad}");
        }
    }

    #[test]
    fn bundles_hold_what_was_put_in() {
        let entries = [b"one".as_slice(), b"", &[7; 300]];
        let bytes = bundle(entries);
        assert_eq!(bundled(&bytes).unwrap(), entries);
        for end in [1, 2, 4, bytes.len() - 1] {
            assert_eq!(bundled(&bytes[..end]), None, "{end}");
        }
    }

    /// The tiles of a tree that grew in steps.
    fn grown(size: u64, step: usize) -> BTreeMap<Tile, Vec<u8>> {
        let mut tiles: BTreeMap<Tile, Vec<u8>> = BTreeMap::new();
        let leaves: Vec<Hash> = (0..size).map(|number| Hash::of_leaf(&number.to_be_bytes())).collect();
        let mut there = 0;
        for some in leaves.chunks(step) {
            let mut growth = Growth::new(there, |tile| tiles.get(&tile).cloned()).unwrap();
            for &leaf in some {
                growth.push(leaf);
            }
            there = growth.size();
            tiles.extend(growth.into_changed());
        }
        tiles
    }

    fn node_hash(tiles: &BTreeMap<Tile, Vec<u8>>, node: Node) -> Option<Hash> {
        Tile::hash(node, tiles.get(&Tile::of(node))?)
    }

    /// Another program's reader over our tiles.
    struct Peer<'t> {
        tiles: &'t BTreeMap<Tile, Vec<u8>>,
        size: u64,
    }

    impl TileReader for Peer<'_> {
        fn height(&self) -> u8 {
            HEIGHT
        }

        fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
            let read = |tile: &tlog_tiles::Tile| {
                let ours = Tile { level: tile.level(), index: tile.level_index() };
                assert!(usize::try_from(tile.width()).unwrap() <= ours.width(self.size));
                self.tiles[&ours][..tile.width() as usize * Hash::LENGTH].to_vec()
            };
            Ok(tiles.iter().map(read).collect())
        }

        fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
    }

    fn theirs(hash: Hash) -> tlog_tiles::Hash {
        tlog_tiles::Hash(hash.as_bytes().try_into().unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn another_program_finds_the_same_tree_in_our_tiles(
            size in prop_oneof![1_u64..600, 65_530_u64..65_800],
            step in prop_oneof![1_usize..40, 200_usize..700],
            index in 0_u64..65_800,
            old in 1_u64..65_800,
        ) {
            let tiles = grown(size, step);
            let (index, old) = (index % size, old % size + 1);
            let hashes = |node| node_hash(&tiles, node);
            let whole = root(size, hashes).unwrap();
            let edge = Growth::new(size, |tile| tiles.get(&tile).cloned()).unwrap();
            prop_assert_eq!(edge.root(), whole);
            let peer = Peer { tiles: &tiles, size };
            let reader = tlog_tiles::TileHashReader::new(size, theirs(whole), &peer);
            // Their reader checks all that it reads against the root.
            let proof = tlog_tiles::prove_record(size, index, &reader).unwrap();
            let ours: Vec<_> = inclusion(index, size, hashes).unwrap().into_iter().map(theirs).collect();
            prop_assert_eq!(&proof, &ours);
            let proof = tlog_tiles::prove_tree(size, old, &reader).unwrap();
            let ours: Vec<_> = consistency(old, size, hashes).unwrap().into_iter().map(theirs).collect();
            prop_assert_eq!(&proof, &ours);
            let leaf = reader.read_hashes(&[tlog_tiles::stored_hash_index(0, index)]).unwrap();
            prop_assert_eq!(leaf[0], theirs(Hash::of_leaf(&index.to_be_bytes())));
            for node in nodes_of_root(size) {
                let tile = Tile::of(node);
                prop_assert_eq!(tiles[&tile].len(), tile.width(size) * Hash::LENGTH);
            }
        }
    }
}
