use std::ops::Range;

use crate::hash::Hash;

/// A complete part of a tree: the 2^`level` leaves from `index` · 2^`level` on. Its hash never changes as the tree grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    /// How far above the leaves.
    pub level: u8,
    /// Its place in its level.
    pub index: u64,
}

/// The hash of a node was not handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hash of node {} in level {} is missing", .0.index, .0.level)]
pub struct Incomplete(pub Node);

/// The complete parts of a range of leaves, from left to right; the range must begin where RFC 6962 splits a tree.
fn nodes(range: Range<u64>) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut begin = range.start;
    while begin < range.end {
        // The largest that fits into what is left, and begins at a multiple of its own size.
        let fits = (range.end - begin).ilog2();
        let level = if begin == 0 { fits } else { fits.min(begin.trailing_zeros()) };
        // A level is at most 63.
        nodes.push(Node { level: u8::try_from(level).unwrap_or(u8::MAX), index: begin >> level });
        begin += 1 << level;
    }
    nodes
}

/// The hash of a range of leaves, from those of its complete parts.
fn hash_of(range: Range<u64>, hashes: &impl Fn(Node) -> Option<Hash>) -> Result<Hash, Incomplete> {
    let mut whole = None;
    for node in nodes(range).into_iter().rev() {
        let hash = hashes(node).ok_or(Incomplete(node))?;
        whole = Some(whole.map_or(hash, |right| Hash::above(hash, right)));
    }
    Ok(whole.unwrap_or_else(Hash::of_nothing))
}

/// Where a tree of so many leaves, two at least, is split: the largest power of two that is smaller.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The ranges whose hashes prove that a leaf is in a tree, in the order of RFC 6962, 2.1.1.
fn path(leaf: u64, tree: Range<u64>) -> Vec<Range<u64>> {
    let size = tree.end - tree.start;
    if size <= 1 {
        return Vec::new();
    }
    let middle = tree.start + split(size);
    let (inside, beside) = match leaf < middle {
        true => (tree.start..middle, middle..tree.end),
        false => (middle..tree.end, tree.start..middle),
    };
    let mut path = path(leaf, inside);
    path.push(beside);
    path
}

/// The ranges whose hashes prove that a tree begins with an older one, in the order of RFC 6962, 2.1.2.
fn steps(old: u64, tree: Range<u64>, is_whole: bool) -> Vec<Range<u64>> {
    let size = tree.end - tree.start;
    if old == size {
        // Whoever checks knows the root of the whole older tree.
        return if is_whole { Vec::new() } else { vec![tree] };
    }
    let middle = tree.start + split(size);
    let (mut steps, beside) = match old <= middle - tree.start {
        true => (steps(old, tree.start..middle, is_whole), middle..tree.end),
        false => (steps(old - (middle - tree.start), middle..tree.end, false), tree.start..middle),
    };
    steps.push(beside);
    steps
}

fn ranges_of_consistency(old: u64, new: u64) -> Vec<Range<u64>> {
    // Every tree begins with the empty one.
    if old == 0 || old >= new { Vec::new() } else { steps(old, 0..new, true) }
}

fn ranges_of_inclusion(leaf: u64, size: u64) -> Vec<Range<u64>> {
    if leaf < size { path(leaf, 0..size) } else { Vec::new() }
}

/// The nodes that the root of a tree of so many leaves is made of.
pub fn nodes_of_root(size: u64) -> Vec<Node> {
    nodes(0..size)
}

/// The nodes that an [`inclusion`] is made of.
pub fn nodes_of_inclusion(leaf: u64, size: u64) -> Vec<Node> {
    ranges_of_inclusion(leaf, size).into_iter().flat_map(nodes).collect()
}

/// The nodes that a [`consistency`] is made of.
pub fn nodes_of_consistency(old: u64, new: u64) -> Vec<Node> {
    ranges_of_consistency(old, new).into_iter().flat_map(nodes).collect()
}

/// The root of a tree of so many leaves.
///
/// # Errors
/// The hash of a node that it needs is not there.
pub fn root(size: u64, hashes: impl Fn(Node) -> Option<Hash>) -> Result<Hash, Incomplete> {
    hash_of(0..size, &hashes)
}

/// What proves that a leaf is in a tree of so many leaves; nothing if it is not.
///
/// # Errors
/// The hash of a node that it needs is not there.
pub fn inclusion(
    leaf: u64,
    size: u64,
    hashes: impl Fn(Node) -> Option<Hash>,
) -> Result<Vec<Hash>, Incomplete> {
    ranges_of_inclusion(leaf, size).into_iter().map(|range| hash_of(range, &hashes)).collect()
}

/// What proves that a tree of `new` leaves begins with one of `old`.
///
/// # Errors
/// The hash of a node that it needs is not there.
pub fn consistency(
    old: u64,
    new: u64,
    hashes: impl Fn(Node) -> Option<Hash>,
) -> Result<Vec<Hash>, Incomplete> {
    ranges_of_consistency(old, new).into_iter().map(|range| hash_of(range, &hashes)).collect()
}

/// Whether a proof shows that a leaf is in a tree (RFC 9162, 2.1.3.2).
pub fn is_included(leaf: Hash, index: u64, size: u64, root: Hash, proof: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut place, mut last) = (index, size - 1);
    let mut hash = leaf;
    for &beside in proof {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            hash = Hash::above(beside, hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = Hash::above(hash, beside);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && hash == root
}

/// Whether a proof shows that a tree begins with an older one; both are given as size and root (RFC 9162, 2.1.4.2).
pub fn is_consistent((old, old_root): (u64, Hash), (new, new_root): (u64, Hash), proof: &[Hash]) -> bool {
    if old > new {
        return false;
    }
    if old == 0 {
        return proof.is_empty() && old_root == Hash::of_nothing();
    }
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    let mut proof = proof.iter().copied();
    // Where the older tree is complete, its root is the first step.
    let Some(first) = (if old.is_power_of_two() { Some(old_root) } else { proof.next() }) else {
        return false;
    };
    let (mut place, mut last) = (old - 1, new - 1);
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    let (mut of_old, mut of_new) = (first, first);
    for step in proof {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            of_old = Hash::above(step, of_old);
            of_new = Hash::above(step, of_new);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            of_new = Hash::above(of_new, step);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && of_old == old_root && of_new == new_root
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Of the test data that came with RFC 6962: leaves, and the roots of the trees of the first one, two, ...
    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |place: usize| u8::from_str_radix(&hex[place..place + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(digit).collect()
    }

    /// The hash of a node, from all leaves.
    fn node_hash(leaves: &[Hash], node: Node) -> Option<Hash> {
        if node.level == 0 {
            return leaves.get(usize::try_from(node.index).ok()?).copied();
        }
        let below = |index| node_hash(leaves, Node { level: node.level - 1, index });
        Some(Hash::above(below(2 * node.index)?, below(2 * node.index + 1)?))
    }

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|number| Hash::of_leaf(&number.to_be_bytes())).collect()
    }

    fn root_of(leaves: &[Hash]) -> Hash {
        root(leaves.len() as u64, |node| node_hash(leaves, node)).unwrap()
    }

    #[test]
    fn roots_are_those_of_the_published_data() {
        let leaves: Vec<Hash> = LEAVES.iter().map(|leaf| Hash::of_leaf(&bytes(leaf))).collect();
        for (size, expected) in (1..).zip(ROOTS) {
            assert_eq!(root_of(&leaves[..size]).as_bytes(), bytes(expected));
        }
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(root_of(&[]).as_bytes(), bytes(empty));
        let missing = root(3, |node| (node.level == 0).then(Hash::of_nothing));
        assert_eq!(missing, Err(Incomplete(Node { level: 1, index: 0 })));
    }

    proptest! {
        #[test]
        fn every_leaf_is_proved_and_nothing_else(size in 1_u64..600, index in 0_u64..600, other in 0_u64..600) {
            let index = index % size;
            let all = leaves(size);
            let hashes = |node| node_hash(&all, node);
            let (whole, leaf) = (root_of(&all), all[usize::try_from(index).unwrap()]);
            let proof = inclusion(index, size, hashes).unwrap();
            prop_assert!(is_included(leaf, index, size, whole, &proof));
            prop_assert!(!is_included(Hash::of_nothing(), index, size, whole, &proof));
            prop_assert_eq!(is_included(leaf, other, size, whole, &proof), other == index);
            prop_assert!(!is_included(leaf, index, size, leaf, &[proof.clone(), vec![leaf]].concat()));
            if let Some((_, shorter)) = proof.split_last() {
                prop_assert!(!is_included(leaf, index, size, whole, shorter));
            }
            let needed = nodes_of_inclusion(index, size);
            prop_assert!(inclusion(index, size, |node| hashes(node).filter(|_| needed.contains(&node))).is_ok());
        }

        #[test]
        fn every_older_tree_is_proved_and_nothing_else(new in 1_u64..600, old in 0_u64..600, other in 0_u64..600) {
            let old = old % (new + 1);
            let all = leaves(new);
            let hashes = |node| node_hash(&all, node);
            let root_at = |size: u64| root_of(&all[..usize::try_from(size).unwrap()]);
            let proof = consistency(old, new, hashes).unwrap();
            prop_assert!(is_consistent((old, root_at(old)), (new, root_at(new)), &proof));
            let mut forged = all.clone();
            forged[0] = Hash::of_nothing();
            prop_assert_eq!(is_consistent((old, root_at(old)), (new, root_of(&forged)), &proof), old == 0);
            if other < new && other != old {
                prop_assert!(!is_consistent((other, root_at(old)), (new, root_at(new)), &proof));
            }
            let needed = nodes_of_consistency(old, new);
            prop_assert!(consistency(old, new, |node| hashes(node).filter(|_| needed.contains(&node))).is_ok());
        }
    }
}
